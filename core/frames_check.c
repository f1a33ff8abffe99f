// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag frames: inspection: runs, statistics, validation.
 */
#include "frames.h"

/**
 * dmag_frames_walk() - The next run of frames in one state.
 * @frames: the structure
 * @from: where to begin
 * @run: the answer: the first maximal run of owned frames, all free or all
 *	used, that does not end before @from
 *
 * To see all, begin at 0 and go on at @run->range.last + 1.
 *
 * Context: Any.
 * Return: false if there is none.
 */
bool dmag_frames_walk(const struct dmag_frames *frames, u64 from,
		      struct dmag_run *run)
{
	struct frames_seek seek = { .unlike = DMAG_FOREIGN };
	u64 first = from, last, before = from - 1;

	DMAG_CHECK(frames && run);
	if (!dmag_frames_seek(frames, &seek, &first))
		return false;
	seek.unlike = dmag_frames_state(frames, first);
	last = first;
	dmag_frames_seek(frames, &seek, &last);
	seek.highest = true;
	if (first == from && from)
		dmag_frames_seek(frames, &seek, &before);
	else
		before = first - 1;
	run->range.start = before + 1;
	run->range.last = last - 1;
	run->state = seek.unlike;
	DMAG_CHECK(run->range.start <= run->range.last);
	DMAG_CHECK(run->range.last >= from && run->state != DMAG_FOREIGN);
	return true;
}

/**
 * dmag_frames_stats() - Gather statistics, by a walk.
 * @frames: the structure
 * @stats: the answer
 *
 * Context: Any, but takes as long as there are runs.
 */
void dmag_frames_stats(const struct dmag_frames *frames,
		       struct dmag_frames_stats *stats)
{
	struct dmag_run run;
	u64 from = 0;

	DMAG_CHECK(frames && stats);
	memset(stats, 0, sizeof(*stats));
	stats->free = frames->free;
	stats->used = frames->used;
	stats->quarantined = frames->quarantined;
	stats->blocks = frames->nr_block;
	stats->bytes = frames->nr_block * sizeof(struct dmag_block) +
		       frames->nr_node * sizeof(struct dmag_node);
	for (; dmag_frames_walk(frames, from, &run);
	     from = run.range.last + 1) {
		if (run.state != DMAG_FREE)
			continue;
		stats->runs_free++;
		stats->largest_free = max(stats->largest_free,
					  run.range.last - run.range.start + 1);
	}
}

/* ---- validation ------------------------------------------------------ */

/* The counts of a validator. */
struct frames_tally {
	u64 free;
	u64 used;
	u64 nodes;
	u64 blocks;
};

static bool frames_block_ok(const struct dmag_block *block, u64 sub,
			    struct frames_tally *tally)
{
	unsigned int word, order, orders;
	u64 any = 0;

	for (word = 0; word < ARRAY_SIZE(block->own); word++) {
		orders = frames_map_orders(block->free[word]);
		for (order = 0; order < 8; order++)
			if ((sub >> (8 * order + word) & 1) ==
			    (order < orders ? 0 : 1))
				return false;
		if (block->free[word] & ~block->own[word])
			return false;
		any |= block->own[word];
		tally->free += hweight64(block->free[word]);
		tally->used += hweight64(block->own[word] & ~block->free[word]);
	}
	tally->blocks++;
	return any;
}

static unsigned int frames_orders_of(const struct dmag_node *node,
				     unsigned int level, unsigned int i)
{
	const struct dmag_node *child = node->child[i];

	if (level == DMAG_LEAF)
		return frames_sub_orders(node->sub[i]);
	return child ? child->orders : 0;
}

/* A node's summaries against its children's. */
static bool frames_summary_ok(const struct dmag_node *node, unsigned int level)
{
	unsigned int i, order, orders;

	for (i = 0; i < ARRAY_SIZE(node->child); i++) {
		orders = frames_orders_of(node, level, i);
		if (!node->child[i] != !(node->present >> i & 1) ||
		    (!node->child[i] && orders))
			return false;
		for (order = 0; order <= frames_shift(level); order++)
			if ((node->has[order] >> i & 1) ==
			    (order < orders ? 0 : 1))
				return false;
	}
	return node->present &&
	       node->orders == dmag_frames_node_orders(node, level);
}

/* Everything below a node; recursion at most 6 deep. */
static bool frames_tree_ok(const struct dmag_node *node, unsigned int level,
			   struct frames_tally *tally)
{
	unsigned int i;
	u64 map;

	if (!frames_summary_ok(node, level))
		return false;
	tally->nodes++;
	for (map = node->present; map; map &= map - 1) {
		i = __ffs64(map);
		if (level == DMAG_LEAF ?
			    !frames_block_ok(node->child[i], node->sub[i],
					     tally) :
			    !frames_tree_ok(node->child[i], level - 1, tally))
			return false;
	}
	return true;
}

/* The hot frame is used, as far as the tree goes, and below all that are free. */
static bool frames_hot_ok(const struct dmag_frames *frames)
{
	const struct frames_seek first = { .run = true };
	const struct dmag_node *leaf;
	u64 pfn = 0;

	if (dmag_frames_seek(frames, &first, &pfn) && pfn < frames->bound)
		return false;
	if (frames->hot == DMAG_NO_FRAME)
		return true;
	leaf = frames_leaf(frames, frames->hot);
	return leaf && frames->hot < frames->bound &&
	       frames_bit_used(leaf, frames->hot);
}

static bool frames_spare_ok(const void *list, u64 nr)
{
	const void *const *piece = list;

	for (; piece && nr; nr--) {
		if ((uintptr_t)piece % DMAG_MEM_ALIGN)
			return false;
		piece = *piece;
	}
	return !piece && !nr;
}

/**
 * dmag_frames_validate() - Check that a structure is sound.
 * @frames: the structure
 * @level: how thoroughly; each level includes those before:
 *	1 the counters, in constant time;
 *	2 the root: its summaries are those of its children;
 *	3 every node and block;
 *	4 all counts against a recount, the hot frame, and the spare lists.
 *
 * Context: Any.
 * Return: 0 or -EUCLEAN.
 */
int dmag_frames_validate(const struct dmag_frames *frames, unsigned int level)
{
	struct frames_tally tally = { 0 };
	unsigned int hot;

	DMAG_CHECK(frames);
	if (!frames_counters_ok(frames))
		return -EUCLEAN;
	if (level >= 2 && frames->root &&
	    (!frames_summary_ok(frames->root, frames_top(frames)) ||
	     (frames->height > 1 && frames->root->present == 1)))
		return -EUCLEAN;
	if (level >= 3 && frames->root &&
	    !frames_tree_ok(frames->root, frames_top(frames), &tally))
		return -EUCLEAN;
	hot = frames->hot != DMAG_NO_FRAME;
	if (level >= 4 &&
	    (tally.free + hot != frames->free ||
	     tally.used - hot != frames->used ||
	     tally.nodes != frames->nr_node ||
	     tally.blocks != frames->nr_block || !frames_hot_ok(frames) ||
	     !frames_spare_ok(frames->spare_node, frames->nr_spare_node) ||
	     !frames_spare_ok(frames->spare_block, frames->nr_spare_block)))
		return -EUCLEAN;
	return 0;
}
