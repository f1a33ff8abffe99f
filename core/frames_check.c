// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag frames: looking without changing: states, runs, statistics, validation.
 */
#include "frames.h"

/**
 * dmag_frames_state() - What a frame is.
 * @f: the structure
 * @pfn: the frame
 *
 * Context: Any.
 * Return: its state; DMAG_FOREIGN for what is no frame.
 */
enum dmag_state dmag_frames_state(const struct dmag_frames *f, u64 pfn)
{
	const struct dmag_node *leaf = f ? frames_leaf(f, pfn) : NULL;
	const struct dmag_block *b;
	unsigned int w = frames_index(pfn, 1);

	b = leaf ? leaf->child[frames_index(pfn, DMAG_LEAF)] : NULL;
	if (!b || !(b->own[w] >> (pfn & 63) & 1))
		return DMAG_FOREIGN;
	return pfn == f->hot || b->free[w] >> (pfn & 63) & 1 ? DMAG_FREE :
							       DMAG_USED;
}

/**
 * dmag_frames_walk() - The next run of frames in one state.
 * @f: the structure
 * @from: where to begin
 * @run: the answer: the first maximal run of owned frames, all free or all
 *	used, that does not end before @from
 *
 * To see all, begin at 0 and go on at @run->range.last + 1.
 *
 * Context: Any.
 * Return: false if there is none.
 */
bool dmag_frames_walk(const struct dmag_frames *f, u64 from,
		      struct dmag_run *run)
{
	struct frames_seek s = { .unlike = DMAG_FOREIGN };
	u64 first = from, last, before = from - 1;

	if (!f || !run || !dmag_frames_seek(f, &s, &first))
		return false;
	s.unlike = dmag_frames_state(f, first);
	last = first;
	dmag_frames_seek(f, &s, &last);
	s.highest = true;
	if (first == from && from)
		dmag_frames_seek(f, &s, &before);
	else
		before = first - 1;
	run->range.start = before + 1;
	run->range.last = last - 1;
	run->state = s.unlike;
	return true;
}

/**
 * dmag_frames_stats() - Count what needs a walk.
 * @f: the structure
 * @s: the answer
 *
 * Context: Any, but takes as long as there are runs.
 */
void dmag_frames_stats(const struct dmag_frames *f, struct dmag_frames_stats *s)
{
	struct dmag_run run;
	u64 from = 0;

	if (!f || !s)
		return;
	memset(s, 0, sizeof(*s));
	s->free = f->free;
	s->used = f->used;
	s->quarantined = f->quarantined;
	s->blocks = f->nr_block;
	s->bytes = f->nr_block * sizeof(struct dmag_block) +
		   f->nr_node * sizeof(struct dmag_node);
	for (; dmag_frames_walk(f, from, &run); from = run.range.last + 1) {
		if (run.state != DMAG_FREE)
			continue;
		s->runs_free++;
		s->largest_free = max(s->largest_free,
				      run.range.last - run.range.start + 1);
	}
}

/* ---- validation ------------------------------------------------------ */

/* What a validator has counted. */
struct frames_tally {
	u64 free;
	u64 used;
	u64 nodes;
	u64 blocks;
};

/* A list is empty iff its count is 0; a tree has all of its parts or none. */
static bool frames_counters_ok(const struct dmag_frames *f)
{
	bool owns = f->free + f->used;

	return owns == !!f->root && owns == !!f->height &&
	       owns == !!f->nr_node && owns == !!f->nr_block &&
	       f->height <= DMAG_HEIGHT_MAX &&
	       !f->spare_node == !f->nr_spare_node &&
	       !f->spare_block == !f->nr_spare_block &&
	       f->free + f->used <= f->nr_block << DMAG_BLOCK_ORDER;
}

static bool frames_block_ok(const struct dmag_block *b, u64 sub,
			    struct frames_tally *t)
{
	unsigned int w, k, orders;
	u64 any = 0;

	for (w = 0; w < ARRAY_SIZE(b->own); w++) {
		orders = frames_map_orders(b->free[w]);
		for (k = 0; k < 8; k++)
			if ((sub >> (8 * k + w) & 1) == (k < orders ? 0 : 1))
				return false;
		if (b->free[w] & ~b->own[w])
			return false;
		any |= b->own[w];
		t->free += hweight64(b->free[w]);
		t->used += hweight64(b->own[w] & ~b->free[w]);
	}
	t->blocks++;
	return any;
}

static unsigned int frames_orders_of(const struct dmag_node *n,
				     unsigned int level, unsigned int i)
{
	const struct dmag_node *child = n->child[i];

	if (level == DMAG_LEAF)
		return frames_sub_orders(n->sub[i]);
	return child ? child->orders : 0;
}

/* A node's summaries against its children's. */
static bool frames_summary_ok(const struct dmag_node *n, unsigned int level)
{
	unsigned int i, k, orders;

	for (i = 0; i < ARRAY_SIZE(n->child); i++) {
		orders = frames_orders_of(n, level, i);
		if (!n->child[i] != !(n->present >> i & 1) ||
		    (!n->child[i] && orders))
			return false;
		for (k = 0; k <= frames_shift(level); k++)
			if ((n->has[k] >> i & 1) == (k < orders ? 0 : 1))
				return false;
	}
	return n->present && n->orders == dmag_frames_node_orders(n, level);
}

/* Everything below a node; recursion at most 6 deep. */
static bool frames_tree_ok(const struct dmag_node *n, unsigned int level,
			   struct frames_tally *t)
{
	unsigned int i;
	u64 map;

	if (!frames_summary_ok(n, level))
		return false;
	t->nodes++;
	for (map = n->present; map; map &= map - 1) {
		i = __ffs64(map);
		if (level == DMAG_LEAF ?
			    !frames_block_ok(n->child[i], n->sub[i], t) :
			    !frames_tree_ok(n->child[i], level - 1, t))
			return false;
	}
	return true;
}

/* The hot frame is used, as far as the tree goes, and below all that are free. */
static bool frames_hot_ok(const struct dmag_frames *f)
{
	const struct frames_seek first = { .run = true };
	const struct dmag_node *leaf;
	u64 at = 0;

	if (dmag_frames_seek(f, &first, &at) && at < f->bound)
		return false;
	if (f->hot == DMAG_NO_FRAME)
		return true;
	leaf = frames_leaf(f, f->hot);
	return leaf && f->hot < f->bound && frames_bit_used(leaf, f->hot);
}

static bool frames_spare_ok(const void *list, u64 nr)
{
	const void *const *p = list;

	for (; p && nr; nr--) {
		if ((uintptr_t)p % DMAG_MEM_ALIGN)
			return false;
		p = *p;
	}
	return !p && !nr;
}

/**
 * dmag_frames_validate() - See whether a structure is sound.
 * @f: the structure
 * @level: how much to look at; each level includes those before:
 *	1 the counters, in constant time;
 *	2 the root: its summaries are those of its children;
 *	3 every node and block;
 *	4 all counts against a recount, the hot frame, and the spare lists.
 *
 * Context: Any.
 * Return: 0, -EINVAL for no structure, or -EUCLEAN.
 */
int dmag_frames_validate(const struct dmag_frames *f, unsigned int level)
{
	struct frames_tally t = { 0 };
	unsigned int hot;

	if (!f)
		return -EINVAL;
	if (!frames_counters_ok(f))
		return -EUCLEAN;
	if (level >= 2 && f->root &&
	    (!frames_summary_ok(f->root, frames_top(f)) ||
	     (f->height > 1 && f->root->present == 1)))
		return -EUCLEAN;
	if (level >= 3 && f->root &&
	    !frames_tree_ok(f->root, frames_top(f), &t))
		return -EUCLEAN;
	hot = f->hot != DMAG_NO_FRAME;
	if (level >= 4 && (t.free + hot != f->free || t.used - hot != f->used ||
			   t.nodes != f->nr_node || t.blocks != f->nr_block ||
			   !frames_hot_ok(f) ||
			   !frames_spare_ok(f->spare_node, f->nr_spare_node) ||
			   !frames_spare_ok(f->spare_block, f->nr_spare_block)))
		return -EUCLEAN;
	return 0;
}
