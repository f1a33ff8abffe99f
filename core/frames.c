// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag frames: ownership, memory and changes of state.
 *
 * Every change is a transition of a range from one state to another, in two
 * phases: see that the whole range is in the old state and that memory is at
 * hand, then commit, which cannot fail.  A change in a word goes up the tree
 * only as far as it changes a summary: mostly not at all.
 */
#include "frames.h"

/* Bits of sub[] for a word 0 with that many orders. */
static const u64 frames_sub_column[DMAG_WORD_ORDERS + 1] = {
	0x0000000000000000ULL, 0x0000000000000001ULL, 0x0000000000000101ULL,
	0x0000000000010101ULL, 0x0000000001010101ULL, 0x0000000101010101ULL,
	0x0000010101010101ULL, 0x0001010101010101ULL,
};

/* 2^k set bits. */
static const u64 frames_run_bits[DMAG_WORD_ORDERS] = {
	0x1, 0x3, 0xf, 0xff, 0xffff, 0xffffffff, ~0ULL,
};

/*
 * ---- summaries -------------------------------------------------------
 *
 * Most changes in a word leave its longest run alone, and so everything above.
 * Where they do not, the new number of orders follows from the old one and the
 * place of the change; a summary is recomputed only when its longest run, being
 * one child's alone, went away.
 */

/* The orders of a node, from nothing but has[]: also what validators expect. */
unsigned int dmag_frames_node_orders(const struct dmag_node *n,
				     unsigned int level)
{
	unsigned int k = frames_shift(level);

	if (n->has[k])
		return k + frames_map_orders(n->has[k]);
	while (k && !n->has[k - 1])
		k--;
	return k;
}

/* A child of @n went from @old to @now orders. */
static void frames_child_orders(struct dmag_node *n, unsigned int i,
				unsigned int old, unsigned int now)
{
	u64 bit = BIT_ULL(i);
	unsigned int k;

	for (k = now; k < old; k++)
		n->has[k] &= ~bit;
	for (k = old; k < now; k++)
		n->has[k] |= bit;
}

/*
 * Order of the aligned run of set bits around set bit @at.  It may reach
 * neither the nearest clear bit below nor the one above: a run of order k
 * around @at excludes a bit if they differ above bit k - 1.
 */
static __always_inline unsigned int frames_run_order(u64 map, unsigned int at)
{
	u64 below = ~map & (BIT_ULL(at) - 1);
	u64 above = ~map >> at;
	int lo = below ? fls64((fls64(below) - 1) ^ at) : DMAG_WORD_ORDERS;
	int hi = above ? fls64((at + __ffs64(above)) ^ at) : DMAG_WORD_ORDERS;

	return min(lo, hi) - 1;
}

/* Is there an aligned run of 2^@order set bits around bit @at? */
static __always_inline bool frames_has_run(u64 map, unsigned int at,
					   unsigned int order)
{
	u64 run = frames_run_bits[order] << (at >> order << order);

	return (map & run) == run;
}

/* A child got more orders: @n's longest run is what it was or is there. */
static void frames_child_grows(struct dmag_node *n, unsigned int level,
			       unsigned int i, unsigned int old,
			       unsigned int now)
{
	unsigned int full = frames_shift(level);
	u64 orders = now;

	frames_child_orders(n, i, old, now);
	if (now > full)
		orders += frames_run_order(n->has[full], i);
	n->orders = max(n->orders, orders);
}

/*
 * A child got fewer orders.  That matters if @n's longest run was there: alone,
 * or as part of a run of 2^k children.  What is left of such a one is a run of
 * half its size; unless there is another as long.
 */
static void frames_child_shrinks(struct dmag_node *n, unsigned int level,
				 unsigned int i, unsigned int old,
				 unsigned int now)
{
	unsigned int k, full = frames_shift(level);
	u64 was = n->has[full];

	frames_child_orders(n, i, old, now);
	if (n->orders <= full + 1) {
		if (old == n->orders)
			n->orders = dmag_frames_node_orders(n, level);
		return;
	}
	k = n->orders - full - 1;
	if (old > full && frames_has_run(was, i, k) &&
	    (k == 6 || !frames_fold(n->has[full], k)))
		n->orders--;
}

static __always_inline void
frames_child_update(struct dmag_node *n, unsigned int level, unsigned int i,
		    unsigned int old, unsigned int now)
{
	if (now > old)
		frames_child_grows(n, level, i, old, now);
	else
		frames_child_shrinks(n, level, i, old, now);
}

/* The leaf of @pfn went from @old to @now orders: tell its ancestors. */
static noinline void frames_tree_update(struct dmag_frames *f, u64 pfn,
					unsigned int old, unsigned int now)
{
	struct dmag_node *path[DMAG_HEIGHT_MAX + DMAG_LEAF];
	unsigned int was, level = frames_top(f);

	path[level] = f->root;
	for (; level > DMAG_LEAF; level--)
		path[level - 1] = path[level]->child[frames_index(pfn, level)];
	while (old != now && ++level <= frames_top(f)) {
		was = path[level]->orders;
		frames_child_update(path[level], level,
				    frames_index(pfn, level), old, now);
		now = path[level]->orders;
		old = was;
	}
}

/* The block of @pfn went from @old to @now orders. */
static noinline void frames_leaf_update(struct dmag_frames *f,
					struct dmag_node *leaf, u64 pfn,
					unsigned int old, unsigned int now)
{
	unsigned int was = leaf->orders;

	frames_child_update(leaf, DMAG_LEAF, frames_index(pfn, DMAG_LEAF), old,
			    now);
	if (leaf->orders != was)
		frames_tree_update(f, pfn, was, leaf->orders);
}

static __always_inline void frames_sub_update(struct dmag_frames *f,
					      struct dmag_node *leaf, u64 pfn,
					      u64 sub)
{
	u64 *p = &leaf->sub[frames_index(pfn, DMAG_LEAF)];
	unsigned int old = frames_sub_orders(*p);
	unsigned int now = frames_sub_orders(sub);

	*p = sub;
	if (unlikely(old != now))
		frames_leaf_update(f, leaf, pfn, old, now);
}

/*
 * ---- memory ----------------------------------------------------------
 *
 * What is fed is cut into nodes, and what does not make a node into blocks.  A
 * spare node is cut into blocks when these run out, never the reverse: so what
 * a structure keeps is bounded by the most nodes and the most blocks that it
 * ever had, and how much is missing can be told from four numbers.
 */

/* What a spare piece holds: the next one. */
struct frames_spare {
	void *next;
};

static void *frames_spare_pop(void **list)
{
	void *mem = *list;

	*list = ((struct frames_spare *)mem)->next;
	return mem;
}

static void frames_spare_push(void **list, void *mem)
{
	((struct frames_spare *)mem)->next = *list;
	*list = mem;
}

static void frames_node_free(struct dmag_frames *f, struct dmag_node *n)
{
	frames_spare_push(&f->spare_node, n);
	f->nr_spare_node++;
	f->nr_node--;
}

static void frames_block_free(struct dmag_frames *f, struct dmag_block *b)
{
	frames_spare_push(&f->spare_block, b);
	f->nr_spare_block++;
	f->nr_block--;
}

static struct dmag_node *frames_node_alloc(struct dmag_frames *f)
{
	struct dmag_node *n = frames_spare_pop(&f->spare_node);

	f->nr_spare_node--;
	f->nr_node++;
	memset(n, 0, sizeof(*n));
	return n;
}

static void frames_carve(struct dmag_frames *f, struct dmag_block *b, size_t n)
{
	f->nr_spare_block += n;
	while (n--)
		frames_spare_push(&f->spare_block, &b[n]);
}

static struct dmag_block *frames_block_alloc(struct dmag_frames *f)
{
	struct dmag_block *b;

	if (!f->nr_spare_block) {
		f->nr_spare_node--;
		frames_carve(f, frames_spare_pop(&f->spare_node),
			     sizeof(struct dmag_node) / sizeof(*b));
	}
	b = frames_spare_pop(&f->spare_block);
	f->nr_spare_block--;
	f->nr_block++;
	memset(b, 0, sizeof(*b));
	return b;
}

/**
 * dmag_frames_feed() - Give memory to a frames structure.
 * @f: the structure
 * @mem: aligned to DMAG_MEM_ALIGN; @f keeps it
 * @bytes: at least two lines (128)
 *
 * A need that dmag_frames_need() stated is met by one piece of that size, or by
 * pages one after the other until nothing is needed.
 *
 * Context: Any.
 * Return: 0, or -EINVAL.
 */
int dmag_frames_feed(struct dmag_frames *f, void *mem, size_t bytes)
{
	struct dmag_node *n = mem;
	size_t nodes = 0, left = bytes;

	if (!f || !mem || (uintptr_t)mem % DMAG_MEM_ALIGN ||
	    bytes < sizeof(struct dmag_block) ||
	    (uintptr_t)mem + bytes - 1 < bytes - 1)
		return -EINVAL;
	for (; left >= sizeof(*n); left -= sizeof(*n))
		nodes++;
	frames_carve(f, (struct dmag_block *)&n[nodes],
		     left / sizeof(struct dmag_block));
	f->nr_spare_node += nodes;
	while (nodes--)
		frames_spare_push(&f->spare_node, &n[nodes]);
	return 0;
}

/* How tall a tree is that spans @pfn; a tree spans from 0 always. */
static unsigned int frames_height_for(u64 pfn)
{
	unsigned int height = 1;

	while (pfn >> (DMAG_BLOCK_ORDER + 6 * height))
		height++;
	return height;
}

/* Children of a level's nodes that [start, last] touches. */
static u64 frames_places(unsigned int level, u64 start, u64 last)
{
	unsigned int shift = frames_shift(level);

	return (last >> shift) - (start >> shift) + 1;
}

/* How many blocks and nodes some frames take, beyond those that exist. */
struct frames_cost {
	u64 nodes;
	u64 blocks;
};

/* Take off what [start, last] of @n has; recursion at most 6 deep. */
static void frames_cost_present(struct frames_cost *c,
				const struct dmag_node *n, unsigned int level,
				u64 start, u64 last)
{
	u64 base, span = BIT_ULL(frames_shift(level)) - 1;
	u64 map = n->present & (~0ULL << frames_index(start, level)) &
		  (~0ULL >> (63 - frames_index(last, level)));

	c->nodes--;
	if (level == DMAG_LEAF) {
		c->blocks -= hweight64(map);
		return;
	}
	for (; map; map &= map - 1) {
		base = round_down(start, BIT_ULL(frames_shift(level + 1))) |
		       (u64)__ffs64(map) << frames_shift(level);
		frames_cost_present(c, n->child[__ffs64(map)], level - 1,
				    max(start, base), min(last, base | span));
	}
}

/* A new root has the old one as its first child, whatever else comes. */
static void frames_cost_grow(struct frames_cost *c, const struct dmag_frames *f,
			     unsigned int height, u64 start)
{
	unsigned int i;

	for (i = f->height; i < height; i++)
		if (start >> (DMAG_BLOCK_ORDER + 6 * (i + 1)))
			c->nodes++;
}

/* All that a range takes, less what the tree has of it. */
static void frames_cost_of(struct frames_cost *c, const struct dmag_frames *f,
			   u64 start, u64 last)
{
	unsigned int height = max(f->height, frames_height_for(last));
	unsigned int i;

	c->blocks = frames_places(DMAG_LEAF, start, last);
	c->nodes = 0;
	for (i = 1; i <= height; i++)
		c->nodes += frames_places(DMAG_LEAF + i, start, last);
	if (!f->root)
		return;
	frames_cost_grow(c, f, height, start);
	if (frames_in_span(f, start))
		frames_cost_present(
			c, f->root, frames_top(f), start,
			min(last,
			    BIT_ULL(frames_shift(frames_top(f) + 1)) - 1));
}

/* What of a cost the spares do not meet, in bytes. */
static u64 frames_cost_bytes(const struct dmag_frames *f, struct frames_cost *c)
{
	u64 per_node = sizeof(struct dmag_node) / sizeof(struct dmag_block);
	u64 spare_nodes = f->nr_spare_node - min(f->nr_spare_node, c->nodes);

	c->nodes -= min(c->nodes, f->nr_spare_node);
	c->blocks -= min(c->blocks, f->nr_spare_block);
	c->blocks -= min(c->blocks, spare_nodes * per_node);
	return c->nodes * sizeof(struct dmag_node) +
	       c->blocks * sizeof(struct dmag_block);
}

/**
 * dmag_frames_need() - How much memory adding a range still takes.
 * @f: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: Bytes to feed before dmag_frames_add() cannot fail with -ENOMEM; 0 if
 * none, and for what is no range.
 */
u64 dmag_frames_need(const struct dmag_frames *f, u64 start, u64 last)
{
	struct frames_cost c;

	if (!f || !frames_range_ok(start, last))
		return 0;
	frames_cost_of(&c, f, start, last);
	return frames_cost_bytes(f, &c);
}

/* Places of @r at a level that the range before it did not have. */
static u64 frames_places_more(unsigned int level, const struct dmag_range *r,
			      u64 *seen)
{
	unsigned int shift = frames_shift(level);
	u64 n = frames_places(level, r->start, r->last);

	if (r->start >> shift == *seen)
		n--;
	*seen = r->last >> shift;
	return n;
}

/**
 * dmag_frames_size() - How much memory a list of ranges takes.
 * @ranges: sorted, or the answer may be too high
 * @nr: how many
 *
 * Context: Any.
 * Return: Bytes to feed a fresh structure before adding all of @ranges.
 */
u64 dmag_frames_size(const struct dmag_range *ranges, unsigned int nr)
{
	u64 seen[DMAG_HEIGHT_MAX + 1], blocks = 0, nodes = 0;
	unsigned int i, level, height = 0;

	memset(seen, 0xff, sizeof(seen));
	for (i = 0; ranges && i < nr; i++)
		if (frames_range_ok(ranges[i].start, ranges[i].last))
			height = max(height, frames_height_for(ranges[i].last));
	for (i = 0; ranges && i < nr; i++) {
		if (!frames_range_ok(ranges[i].start, ranges[i].last))
			continue;
		blocks += frames_places_more(DMAG_LEAF, &ranges[i], &seen[0]);
		for (level = 1; level <= height; level++)
			nodes += frames_places_more(DMAG_LEAF + level,
						    &ranges[i], &seen[level]);
	}
	return nodes * sizeof(struct dmag_node) +
	       blocks * sizeof(struct dmag_block);
}

/*
 * ---- the tree --------------------------------------------------------
 *
 * Nodes and blocks exist where frames are owned and nowhere else; there is no
 * root without an owned frame, and none taller than these frames ask for.
 */

/* A block's eight words together, without a branch. */
static u64 frames_all_of(const u64 *words)
{
	return words[0] & words[1] & words[2] & words[3] & words[4] & words[5] &
	       words[6] & words[7];
}

static u64 frames_any_of(const u64 *words)
{
	return words[0] | words[1] | words[2] | words[3] | words[4] | words[5] |
	       words[6] | words[7];
}

static bool frames_block_is_all(const struct dmag_block *b, enum dmag_state s)
{
	if (s == DMAG_FREE)
		return frames_all_of(b->free) == ~0ULL;
	if (s == DMAG_USED)
		return frames_all_of(b->own) == ~0ULL &&
		       !frames_any_of(b->free);
	return !frames_any_of(b->own);
}

/* Make the root span @last.  The old root becomes the new one's first child. */
static void frames_tree_grow(struct dmag_frames *f, u64 last)
{
	unsigned int height = frames_height_for(last);
	struct dmag_node *n;

	if (!f->root) {
		f->root = frames_node_alloc(f);
		f->height = height;
	}
	for (; f->height < height; f->height++) {
		n = frames_node_alloc(f);
		n->child[0] = f->root;
		n->present = 1;
		frames_child_orders(n, 0, 0, f->root->orders);
		n->orders = dmag_frames_node_orders(n, frames_top(f) + 1);
		f->root = n;
	}
}

/* Make the block of @pfn, if it is not there. */
static void frames_tree_insert(struct dmag_frames *f, u64 pfn)
{
	struct dmag_node *n = f->root;
	unsigned int i, level = frames_top(f);

	for (; level >= DMAG_LEAF; level--) {
		i = frames_index(pfn, level);
		if (!n->child[i]) {
			if (level == DMAG_LEAF)
				n->child[i] = frames_block_alloc(f);
			else
				n->child[i] = frames_node_alloc(f);
			n->present |= BIT_ULL(i);
		}
		n = n->child[i];
	}
}

/* A root whose only child is the first is not needed. */
static void frames_tree_shrink(struct dmag_frames *f)
{
	struct dmag_node *n;

	while (f->height > 1 && f->root->present == 1) {
		n = f->root;
		f->root = n->child[0];
		f->height--;
		frames_node_free(f, n);
	}
}

/* Drop the block of @pfn if nothing in it is owned, and nodes left empty. */
static void frames_tree_prune(struct dmag_frames *f, u64 pfn)
{
	struct dmag_node *path[DMAG_HEIGHT_MAX];
	struct dmag_node *n = f->root;
	unsigned int i;

	for (i = f->height; i--;) {
		path[i] = n;
		n = n->child[frames_index(pfn, DMAG_LEAF + i)];
	}
	if (!frames_block_is_all((struct dmag_block *)n, DMAG_FOREIGN))
		return;
	frames_block_free(f, (struct dmag_block *)n);
	for (i = 0; i < f->height; i++) {
		unsigned int at = frames_index(pfn, DMAG_LEAF + i);

		path[i]->child[at] = NULL;
		path[i]->present &= ~BIT_ULL(at);
		if (path[i]->present)
			return;
		frames_node_free(f, path[i]);
	}
	f->root = NULL;
	f->height = 0;
}

/*
 * ---- one frame -------------------------------------------------------
 *
 * The bound says below which frame nothing is free, except the hot one.  It
 * rises when the lowest free frame is got, for then it is known, and falls
 * whenever a frame below it becomes free.  A frame put below it is the lowest
 * again, which is what may be hot: the next get finds it first, as it must.
 */

/* The orders of word @w, as sub[] has them. */
static __always_inline unsigned int frames_word_orders(u64 sub, unsigned int w)
{
	u64 bits = sub >> w & DMAG_SUB_COLUMN;

	return (unsigned int)(fls64(bits << 8 | 1) - 1) >> 3;
}

/* Set the free bit of @pfn: which may make its word's longest run. */
static void frames_free_one(struct dmag_frames *f, struct dmag_node *leaf,
			    u64 pfn)
{
	unsigned int i = frames_index(pfn, DMAG_LEAF), w = frames_index(pfn, 1);
	struct dmag_block *b = leaf->child[i];
	unsigned int at = pfn & 63;
	u64 sub = leaf->sub[i];

	b->free[w] |= BIT_ULL(at);
	f->bound = min(f->bound, pfn);
	if (!frames_has_run(b->free[w], at, frames_word_orders(sub, w)))
		return;
	sub |= frames_sub_column[frames_run_order(b->free[w], at) + 1] << w;
	frames_sub_update(f, leaf, pfn, sub);
}

/* Let the tree know of the hot frame. */
static void frames_settle_hot(struct dmag_frames *f)
{
	u64 pfn = f->hot;

	if (pfn == DMAG_NO_FRAME)
		return;
	f->hot = DMAG_NO_FRAME;
	frames_free_one(f, frames_leaf(f, pfn), pfn);
}

/*
 * Put a frame where another is hot, or one not known to be the lowest.  The
 * lowest of both may be hot, if nothing else is free below it.
 */
static noinline void frames_put_one(struct dmag_frames *f,
				    struct dmag_node *leaf, u64 pfn)
{
	if (pfn > f->hot || pfn >= f->bound) {
		frames_free_one(f, leaf, pfn);
		return;
	}
	frames_settle_hot(f);
	f->hot = pfn;
}

/* Is this a range?  Then the tree has to know all there is to know about it. */
static bool frames_range_begin(struct dmag_frames *f, u64 start, u64 last)
{
	if (!f || !frames_range_ok(start, last))
		return false;
	frames_settle_hot(f);
	return true;
}

/*
 * ---- transitions -----------------------------------------------------
 *
 * FOREIGN -> FREE is add, FREE -> FOREIGN remove, FREE -> USED take and get,
 * USED -> FREE put, USED -> FOREIGN quarantine.  All of a range is in the old
 * state or nothing happens: this is what finds double and foreign frees.
 */

/* The part of word @w that is in frames @first to @last of its block. */
static __always_inline u64 frames_word_mask(unsigned int w, unsigned int first,
					    unsigned int last)
{
	u64 mask = ~0ULL;

	if (w == first >> 6)
		mask <<= first & 63;
	if (w == last >> 6)
		mask &= ~0ULL >> (63 - (last & 63));
	return mask;
}

static bool frames_block_is(const struct dmag_block *b, unsigned int first,
			    unsigned int last, enum dmag_state s)
{
	unsigned int w;

	if (last - first == DMAG_BLOCK_FRAMES - 1)
		return frames_block_is_all(b, s);
	for (w = first >> 6; w <= last >> 6; w++)
		if (frames_word_mask(w, first, last) & ~frames_word_in(b, w, s))
			return false;
	return true;
}

static bool frames_range_is(const struct dmag_frames *f, u64 start, u64 last,
			    enum dmag_state s)
{
	const struct dmag_node *leaf;
	const struct dmag_block *b;
	u64 pos, end;

	for (pos = start; pos <= last; pos = end + 1) {
		end = min(last, pos | (DMAG_BLOCK_FRAMES - 1));
		leaf = frames_leaf(f, pos);
		b = leaf ? leaf->child[frames_index(pos, DMAG_LEAF)] : NULL;
		if (b ? !frames_block_is(b, pos & 511, end & 511, s) :
			s != DMAG_FOREIGN)
			return false;
	}
	return true;
}

/* All of a block, which is in one state, changes.  Returns its new sub[]. */
static u64 frames_block_fill(struct dmag_block *b, enum dmag_state to)
{
	u64 own = to == DMAG_FOREIGN ? 0 : ~0ULL;
	u64 free = to == DMAG_FREE ? ~0ULL : 0;
	unsigned int w;

	for (w = 0; w < ARRAY_SIZE(b->free); w++)
		b->free[w] = free;
	if (b->own[0] != own)
		for (w = 0; w < ARRAY_SIZE(b->own); w++)
			b->own[w] = own;
	return free & DMAG_SUB_FULL;
}

/* Some frames of a word change.  Returns its block's new sub[]. */
static u64 frames_word_change(struct dmag_block *b, unsigned int w, u64 mask,
			      enum dmag_state to, u64 sub)
{
	unsigned int orders;

	b->own[w] = to == DMAG_FOREIGN ? b->own[w] & ~mask : b->own[w] | mask;
	b->free[w] = to == DMAG_FREE ? b->free[w] | mask : b->free[w] & ~mask;
	orders = ~b->free[w] ? frames_map_orders(b->free[w]) : DMAG_WORD_ORDERS;
	return (sub & ~(DMAG_SUB_COLUMN << w)) | frames_sub_column[orders] << w;
}

/* Frames of one block of @leaf change. */
static void frames_block_change(struct dmag_frames *f, struct dmag_node *leaf,
				u64 start, u64 last, enum dmag_state to)
{
	unsigned int i = frames_index(start, DMAG_LEAF), w;
	struct dmag_block *b = leaf->child[i];
	u64 sub = leaf->sub[i];

	if (last - start == DMAG_BLOCK_FRAMES - 1) {
		sub = frames_block_fill(b, to);
	} else {
		for (w = frames_index(start, 1); w <= frames_index(last, 1);
		     w++)
			sub = frames_word_change(
				b, w,
				frames_word_mask(w, start & 511, last & 511),
				to, sub);
	}
	frames_sub_update(f, leaf, start, sub);
}

static void frames_range_change(struct dmag_frames *f, u64 start, u64 last,
				enum dmag_state to)
{
	u64 pos, end;

	for (pos = start; pos <= last; pos = end + 1) {
		end = min(last, pos | (DMAG_BLOCK_FRAMES - 1));
		frames_block_change(f, frames_leaf(f, pos), pos, end, to);
		if (to == DMAG_FOREIGN)
			frames_tree_prune(f, pos);
	}
	if (to == DMAG_FOREIGN)
		frames_tree_shrink(f);
}

/**
 * dmag_frames_init() - Make an empty structure.
 * @f: the structure; whatever it held is forgotten
 *
 * Context: Any.
 */
void dmag_frames_init(struct dmag_frames *f)
{
	if (!f)
		return;
	memset(f, 0, sizeof(*f));
	f->hot = DMAG_NO_FRAME;
}

/**
 * dmag_frames_add() - Own a range, as free frames.
 * @f: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EEXIST if any of it is owned; -ENOMEM if memory has to be
 * fed first.  Unless 0, nothing has changed.
 */
int dmag_frames_add(struct dmag_frames *f, u64 start, u64 last)
{
	u64 pos;

	if (!frames_range_begin(f, start, last))
		return -EINVAL;
	if (!frames_range_is(f, start, last, DMAG_FOREIGN))
		return -EEXIST;
	if (dmag_frames_need(f, start, last))
		return -ENOMEM;
	frames_tree_grow(f, last);
	for (pos = start & ~(DMAG_BLOCK_FRAMES - 1); pos <= last;
	     pos += DMAG_BLOCK_FRAMES)
		frames_tree_insert(f, pos);
	frames_range_change(f, start, last, DMAG_FREE);
	f->free += last - start + 1;
	f->bound = min(f->bound, start);
	return 0;
}

/**
 * dmag_frames_remove() - Give up free frames.
 * @f: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EBUSY if any of it is not free.  Unless 0, nothing has
 * changed.
 */
int dmag_frames_remove(struct dmag_frames *f, u64 start, u64 last)
{
	if (!frames_range_begin(f, start, last))
		return -EINVAL;
	if (!frames_range_is(f, start, last, DMAG_FREE))
		return -EBUSY;
	frames_range_change(f, start, last, DMAG_FOREIGN);
	f->free -= last - start + 1;
	return 0;
}

/**
 * dmag_frames_quarantine() - Give up used frames for good.
 * @f: the structure
 * @start: first frame
 * @last: last frame
 *
 * For frames whose conversion failed: they are counted and never seen again.
 *
 * Context: Any.
 * Return: 0, or -EINVAL, also if any of it is not used.
 */
int dmag_frames_quarantine(struct dmag_frames *f, u64 start, u64 last)
{
	u64 n = last - start + 1;

	if (!frames_range_begin(f, start, last) ||
	    !frames_range_is(f, start, last, DMAG_USED))
		return -EINVAL;
	frames_range_change(f, start, last, DMAG_FOREIGN);
	f->used -= n;
	f->quarantined += n;
	return 0;
}

/* Free frames are found: use them. */
static void frames_use(struct dmag_frames *f, u64 start, u64 last)
{
	u64 n = last - start + 1;

	frames_range_change(f, start, last, DMAG_USED);
	f->free -= n;
	f->used += n;
}

/**
 * dmag_frames_take() - Use exactly these frames.
 * @f: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EBUSY if any of it is not free.
 */
int dmag_frames_take(struct dmag_frames *f, u64 start, u64 last)
{
	if (!frames_range_begin(f, start, last))
		return -EINVAL;
	if (!frames_range_is(f, start, last, DMAG_FREE))
		return -EBUSY;
	frames_use(f, start, last);
	return 0;
}

static int frames_range_put(struct dmag_frames *f, u64 start, u64 last)
{
	if (!frames_range_is(f, start, last, DMAG_USED))
		return -EINVAL;
	frames_range_change(f, start, last, DMAG_FREE);
	return 0;
}

/* The same for a range within one block, which most are. */
static int frames_block_put(struct dmag_frames *f, u64 start, u64 last)
{
	struct dmag_node *leaf = frames_leaf(f, start);
	const struct dmag_block *b;

	if (!leaf)
		return -EINVAL;
	b = leaf->child[frames_index(start, DMAG_LEAF)];
	if (!b || !frames_block_is(b, start & 511, last & 511, DMAG_USED))
		return -EINVAL;
	frames_block_change(f, leaf, start, last, DMAG_FREE);
	return 0;
}

/* More than one frame. */
static noinline int frames_put_many(struct dmag_frames *f, u64 start, u64 count)
{
	u64 last = start + count - 1;
	int rc;

	if (!count || !frames_range_begin(f, start, last))
		return -EINVAL;
	if ((start ^ last) < DMAG_BLOCK_FRAMES)
		rc = frames_block_put(f, start, last);
	else
		rc = frames_range_put(f, start, last);
	if (rc)
		return rc;
	f->used -= count;
	f->free += count;
	f->bound = min(f->bound, start);
	return 0;
}

/**
 * dmag_frames_put() - Free frames that are used.
 * @f: the structure
 * @start: first frame
 * @count: how many; any part of what was got may be put
 *
 * Context: Any.
 * Return: 0, or -EINVAL, also if any of it is not used: a double free, or the
 * free of a foreign frame.  Then nothing has changed.
 */
int dmag_frames_put(struct dmag_frames *f, u64 start, u64 count)
{
	struct dmag_node *leaf;

	if (unlikely(!f))
		return -EINVAL;
	if (count != 1)
		return frames_put_many(f, start, count);
	leaf = frames_leaf(f, start);
	if (unlikely(!leaf || !frames_bit_used(leaf, start) || start == f->hot))
		return -EINVAL;
	f->used--;
	f->free++;
	if (f->hot == DMAG_NO_FRAME && start < f->bound)
		f->hot = start;
	else
		frames_put_one(f, leaf, start);
	return 0;
}

/*
 * ---- get -------------------------------------------------------------
 *
 * Nearly all requests are for a power of two frames at natural alignment, no
 * more than a block, lowest first.  Where the first run of an order is, the
 * summaries say outright: take the first child that has one, at every level.
 * If the first is below the window, the way goes along the window's beginning.
 * What is larger, or aligned otherwise, or wanted from above, is found by the
 * general search in frames_find.c.
 */

static __always_inline bool frames_pow2_or_0(u64 x)
{
	return !(x & (x - 1));
}

/* Counts and boundaries less 1, as 0 means 2^64 or none: one test each. */
static bool frames_request_valid(const struct dmag_request *rq)
{
	return rq->count - 1 <= DMAG_PFN_MAX && frames_pow2_or_0(rq->align) &&
	       frames_pow2_or_0(rq->boundary) &&
	       rq->boundary - 1 >= rq->count - 1 &&
	       frames_range_ok(rq->within.start, rq->within.last);
}

/* One frame needs no alignment, so that asking for none comes to the same. */
static __always_inline bool frames_natural(const struct dmag_request *rq)
{
	return frames_pow2_or_0(rq->count) &&
	       rq->align + !rq->align == rq->count;
}

/* Where a run within one block is. */
struct frames_spot {
	struct dmag_node *leaf;
	unsigned int i; /* the block's index */
	unsigned int w; /* the first word's */
	unsigned int at; /* the first bit's */
	u64 pfn;
};

/* Words of a spot's block with, or beginning, an aligned free run of @order. */
static __always_inline u64 frames_spot_words(const struct frames_spot *s,
					     unsigned int order)
{
	u64 sub = s->leaf->sub[s->i];

	if (order < DMAG_WORD_ORDERS)
		return sub >> (8 * order) & 0xff;
	return frames_fold(sub >> 48, order - 6);
}

/* Bits of a spot's word that begin an aligned free run of @order. */
static __always_inline u64 frames_spot_bits(const struct frames_spot *s,
					    unsigned int order)
{
	const struct dmag_block *b = s->leaf->child[s->i];

	return order < DMAG_WORD_ORDERS ? frames_fold(b->free[s->w], order) : 1;
}

/* From node @n down to its first run, given the first step. */
static __always_inline void frames_spot_down(struct frames_spot *s,
					     struct dmag_node *n,
					     unsigned int shift,
					     unsigned int order)
{
	for (; shift > DMAG_BLOCK_ORDER; shift -= 6) {
		n = n->child[s->i];
		s->i = __ffs64(n->has[order]);
		s->pfn = s->pfn << 6 | s->i;
	}
	s->leaf = n;
	s->w = __ffs64(frames_spot_words(s, order));
	s->at = __ffs64(frames_spot_bits(s, order));
	s->pfn = (s->pfn << 3 | s->w) << 6 | s->at;
}

/* The first aligned free run of all, at most a block long. */
static __always_inline bool frames_spot_any(const struct dmag_frames *f,
					    struct frames_spot *s,
					    unsigned int order)
{
	struct dmag_node *n = f->root;

	if (unlikely(!n || !n->has[order]))
		return false;
	s->i = __ffs64(n->has[order]);
	s->pfn = s->i;
	frames_spot_down(s, n, frames_shift(frames_top(f)), order);
	return true;
}

/* The first one in a spot's block, not before frame @from of the block. */
static bool frames_spot_in_block(struct frames_spot *s, unsigned int order,
				 unsigned int from)
{
	u64 bits, words = frames_spot_words(s, order) & (~0ULL << (from >> 6));

	for (; words; words &= words - 1) {
		s->w = __ffs64(words);
		bits = frames_spot_bits(s, order);
		if (s->w == from >> 6)
			bits &= ~0ULL << (from & 63);
		if (!bits)
			continue;
		s->at = __ffs64(bits);
		s->pfn = (s->pfn << 3 | s->w) << 6 | s->at;
		return true;
	}
	return false;
}

/*
 * The first one not before @start: along @start as far as that goes, which may
 * be all the way; else from the last place on that way where it forked.
 */
static noinline bool frames_spot_from(const struct dmag_frames *f,
				      struct frames_spot *s, unsigned int order,
				      u64 start)
{
	unsigned int fork_shift = 0, shift = frames_shift(frames_top(f));
	struct dmag_node *fork = NULL, *n = f->root;
	u64 map, later = 0;

	start = round_up(start, BIT_ULL(order));
	if (!n || !frames_in_span(f, start))
		return false;
	for (;; shift -= 6, n = n->child[s->i]) {
		s->i = start >> shift & 63;
		map = n->has[order] >> s->i;
		if (map >> 1) {
			fork = n;
			fork_shift = shift;
			later = map >> 1 << 1 << s->i;
		}
		if (!(map & 1))
			break;
		if (shift > DMAG_BLOCK_ORDER)
			continue;
		s->leaf = n;
		s->pfn = start >> DMAG_BLOCK_ORDER;
		if (frames_spot_in_block(s, order,
					 start & (DMAG_BLOCK_FRAMES - 1)))
			return true;
		break;
	}
	if (!fork)
		return false;
	s->i = __ffs64(later);
	s->pfn = start >> (fork_shift + 6) << 6 | s->i;
	frames_spot_down(s, fork, fork_shift, order);
	return true;
}

/*
 * A run of @order was cut out of one of the word's longest.  Unless that used it
 * up, what is left of it is a run of the order below.
 */
static noinline void frames_word_cut(struct dmag_frames *f,
				     struct dmag_node *leaf, u64 pfn, u64 free,
				     unsigned int order)
{
	unsigned int w = frames_index(pfn, 1);
	u64 sub = leaf->sub[frames_index(pfn, DMAG_LEAF)], was = sub;
	unsigned int k = frames_word_orders(sub, w) - 1;

	if (order == k) {
		sub &= ~(DMAG_SUB_COLUMN << w);
		sub |= frames_sub_column[frames_map_orders(free)] << w;
	} else if (k == 6 || !frames_fold(free, k)) {
		sub &= ~(BIT_ULL(8 * k) << w);
	}
	if (sub != was)
		frames_sub_update(f, leaf, pfn, sub);
}

/* Use a run within one word: mostly a bit and two counters. */
static __always_inline void frames_spot_use(struct dmag_frames *f,
					    struct frames_spot *s,
					    unsigned int order)
{
	struct dmag_block *b = s->leaf->child[s->i];
	u64 was = b->free[s->w];
	u64 free = was & ~(frames_run_bits[order] << s->at);

	b->free[s->w] = free;
	if (frames_has_run(was, s->at,
			   frames_word_orders(s->leaf->sub[s->i], s->w) - 1))
		frames_word_cut(f, s->leaf, s->pfn, free, order);
}

/* Use the run at a spot, if that is within what was asked for. */
static __always_inline bool frames_spot_get(struct dmag_frames *f,
					    struct frames_spot *s,
					    const struct dmag_request *rq,
					    unsigned int order, u64 *pfn)
{
	u64 last = s->pfn + BIT_ULL(order) - 1;

	if (s->pfn < rq->within.start || last > rq->within.last)
		return false;
	*pfn = s->pfn;
	f->free -= BIT_ULL(order);
	f->used += BIT_ULL(order);
	if (order < DMAG_WORD_ORDERS)
		frames_spot_use(f, s, order);
	else
		frames_block_change(f, s->leaf, s->pfn, last, DMAG_USED);
	return true;
}

/*
 * The lowest free frame of all, if it is one that is wanted: the hot one, or
 * the first in the tree, and then no other is left below.
 */
static __always_inline bool
frames_get_one(struct dmag_frames *f, const struct dmag_request *rq, u64 *pfn)
{
	struct frames_spot s;

	if (f->hot != DMAG_NO_FRAME) {
		if (f->hot < rq->within.start || f->hot > rq->within.last)
			return false;
		*pfn = f->hot;
		f->hot = DMAG_NO_FRAME;
		f->free--;
		f->used++;
		return true;
	}
	if (!frames_spot_any(f, &s, 0) || !frames_spot_get(f, &s, rq, 0, pfn))
		return false;
	f->bound = s.pfn + 1;
	return true;
}

/* A natural request for a block at most. */
static int frames_get_small(struct dmag_frames *f,
			    const struct dmag_request *rq, u64 *pfn)
{
	unsigned int order = __ffs64(rq->count);
	struct frames_spot s;

	if (!frames_spot_from(f, &s, order, rq->within.start) ||
	    !frames_spot_get(f, &s, rq, order, pfn))
		return -ENOMEM;
	return 0;
}

/* Any request, valid or not. */
static noinline int frames_get_any(struct dmag_frames *f,
				   const struct dmag_request *rq, u64 *pfn)
{
	u64 at;

	if (!f || !rq || !pfn || !frames_request_valid(rq))
		return -EINVAL;
	frames_settle_hot(f);
	if (frames_natural(rq) && rq->count <= DMAG_BLOCK_FRAMES &&
	    rq->from == DMAG_LOWEST)
		return frames_get_small(f, rq, pfn);
	if (!dmag_frames_find(f, rq, frames_natural(rq), &at))
		return -ENOMEM;
	DMAG_CHECK(frames_fits(rq, at));
	frames_use(f, at, at + rq->count - 1);
	*pfn = at;
	return 0;
}

/**
 * dmag_frames_get() - Find free frames and use them.
 * @f: the structure
 * @rq: what is wanted
 * @pfn: the first frame of what was found; else not written
 *
 * Exact: if frames are free that satisfy @rq there is an answer, and it is the
 * lowest or the highest one, as asked.
 *
 * Context: Any.
 * Return: 0; -EINVAL for a request that nothing could satisfy; -ENOMEM.
 */
int dmag_frames_get(struct dmag_frames *f, const struct dmag_request *rq,
		    u64 *pfn)
{
	/* The most frequent request, without what the others need. */
	if (likely(f && rq && pfn && rq->count == 1 && rq->align <= 1 &&
		   !rq->boundary && rq->from == DMAG_LOWEST &&
		   rq->within.last <= DMAG_PFN_MAX &&
		   frames_get_one(f, rq, pfn)))
		return 0;
	return frames_get_any(f, rq, pfn);
}
