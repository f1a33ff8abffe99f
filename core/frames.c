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
static const u64 frames_sub_column[] = {
	0x0000000000000000ULL, 0x0000000000000001ULL, 0x0000000000000101ULL,
	0x0000000000010101ULL, 0x0000000001010101ULL, 0x0000000101010101ULL,
	0x0000010101010101ULL, 0x0001010101010101ULL,
};

static_assert(ARRAY_SIZE(frames_sub_column) == DMAG_WORD_ORDERS + 1);

/* 2^k set bits. */
static const u64 frames_run_bits[] = {
	0x1, 0x3, 0xf, 0xff, 0xffff, 0xffffffff, ~0ULL,
};

static_assert(ARRAY_SIZE(frames_run_bits) == DMAG_WORD_ORDERS);

/*
 * ---- summaries -------------------------------------------------------
 *
 * Most changes in a word leave its longest run alone, and so all summaries above.
 * If one does not, the new number of orders follows from the old one and the
 * place of the change.  A summary is recomputed only if its longest run was in
 * one child, and went away.
 */

/* The orders of a node, computed from has[] alone; validators use it, too. */
unsigned int dmag_frames_node_orders(const struct dmag_node *node,
				     unsigned int level)
{
	unsigned int order = frames_shift(level);

	if (node->has[order])
		return order + frames_map_orders(node->has[order]);
	while (order && !node->has[order - 1])
		order--;
	return order;
}

/* A child of @node went from @old to @now orders. */
static void frames_child_orders(struct dmag_node *node, unsigned int i,
				unsigned int old, unsigned int now)
{
	u64 bit = BIT_ULL(i);
	unsigned int order;

	DMAG_CHECK(i < ARRAY_SIZE(node->child));
	for (order = now; order < old; order++)
		node->has[order] &= ~bit;
	for (order = old; order < now; order++)
		node->has[order] |= bit;
}

/*
 * Order of the aligned run of set bits around set bit @bit.  It may reach
 * neither the nearest clear bit below nor the one above: a run of order k
 * around @bit excludes a bit if they differ above bit k - 1.
 */
static __always_inline unsigned int frames_run_order(u64 map, unsigned int bit)
{
	u64 below = ~map & (BIT_ULL(bit) - 1);
	u64 above = ~map >> bit;
	int low = below ? fls64((fls64(below) - 1) ^ bit) : DMAG_WORD_ORDERS;
	int high = above ? fls64((bit + __ffs64(above)) ^ bit) :
			   DMAG_WORD_ORDERS;

	DMAG_CHECK(map >> bit & 1);
	return min(low, high) - 1;
}

/* Is there an aligned run of 2^@order set bits around bit @bit? */
static __always_inline bool frames_has_run(u64 map, unsigned int bit,
					   unsigned int order)
{
	u64 run = frames_run_bits[order] << (bit >> order << order);

	return (map & run) == run;
}

/* A child got more orders: @node's longest run is the old one or is there. */
static void frames_child_grows(struct dmag_node *node, unsigned int level,
			       unsigned int i, unsigned int old,
			       unsigned int now)
{
	unsigned int full = frames_shift(level);
	u64 orders = now;

	frames_child_orders(node, i, old, now);
	if (now > full)
		orders += frames_run_order(node->has[full], i);
	node->orders = max(node->orders, orders);
}

/*
 * A child got fewer orders.  That matters if @node's longest run was there: alone,
 * or as part of a run of 2^k children.  Half of such a run remains, unless there
 * is another one as long.
 */
static void frames_child_shrinks(struct dmag_node *node, unsigned int level,
				 unsigned int i, unsigned int old,
				 unsigned int now)
{
	unsigned int order, full = frames_shift(level);
	u64 was = node->has[full];

	DMAG_CHECK(now < old);
	frames_child_orders(node, i, old, now);
	if (node->orders <= full + 1) {
		if (old == node->orders)
			node->orders = dmag_frames_node_orders(node, level);
		return;
	}
	order = node->orders - full - 1;
	if (old > full && frames_has_run(was, i, order) &&
	    (order == 6 || !frames_fold(node->has[full], order)))
		node->orders--;
}

static __always_inline void
frames_child_update(struct dmag_node *node, unsigned int level, unsigned int i,
		    unsigned int old, unsigned int now)
{
	if (now > old)
		frames_child_grows(node, level, i, old, now);
	else
		frames_child_shrinks(node, level, i, old, now);
}

/* The leaf of @pfn went from @old to @now orders: tell its ancestors. */
static noinline void frames_tree_update(struct dmag_frames *frames, u64 pfn,
					unsigned int old, unsigned int now)
{
	struct dmag_node *path[DMAG_HEIGHT_MAX + DMAG_LEAF];
	unsigned int was, level = frames_top(frames);

	DMAG_CHECK(frames_in_span(frames, pfn));
	path[level] = frames->root;
	for (; level > DMAG_LEAF; level--)
		path[level - 1] = path[level]->child[frames_index(pfn, level)];
	while (old != now && ++level <= frames_top(frames)) {
		was = path[level]->orders;
		frames_child_update(path[level], level,
				    frames_index(pfn, level), old, now);
		now = path[level]->orders;
		old = was;
	}
}

/* The block of @pfn went from @old to @now orders. */
static noinline void frames_leaf_update(struct dmag_frames *frames,
					struct dmag_node *leaf, u64 pfn,
					unsigned int old, unsigned int now)
{
	unsigned int was = leaf->orders;

	frames_child_update(leaf, DMAG_LEAF, frames_index(pfn, DMAG_LEAF), old,
			    now);
	if (leaf->orders != was)
		frames_tree_update(frames, pfn, was, leaf->orders);
}

static __always_inline void frames_sub_update(struct dmag_frames *frames,
					      struct dmag_node *leaf, u64 pfn,
					      u64 sub)
{
	u64 *slot = &leaf->sub[frames_index(pfn, DMAG_LEAF)];
	unsigned int old = frames_sub_orders(*slot);
	unsigned int now = frames_sub_orders(sub);

	*slot = sub;
	if (unlikely(old != now))
		frames_leaf_update(frames, leaf, pfn, old, now);
}

/*
 * ---- memory ----------------------------------------------------------
 *
 * Memory that is fed is cut into nodes, and the rest of it into blocks.  A spare
 * node is cut into blocks when these run out, never the reverse.  A structure
 * therefore keeps no more than the most nodes and the most blocks that it ever
 * had, and four numbers tell how much is missing.
 */

/* The content of a spare piece: a link to the next one. */
struct frames_spare {
	void *next;
};

static void *frames_spare_pop(void **list)
{
	void *mem = *list;

	DMAG_CHECK(mem);
	*list = ((struct frames_spare *)mem)->next;
	return mem;
}

static void frames_spare_push(void **list, void *mem)
{
	((struct frames_spare *)mem)->next = *list;
	*list = mem;
}

static void frames_node_free(struct dmag_frames *frames, struct dmag_node *node)
{
	DMAG_CHECK(frames->nr_node);
	frames_spare_push(&frames->spare_node, node);
	frames->nr_spare_node++;
	frames->nr_node--;
}

static void frames_block_free(struct dmag_frames *frames,
			      struct dmag_block *block)
{
	DMAG_CHECK(frames->nr_block);
	frames_spare_push(&frames->spare_block, block);
	frames->nr_spare_block++;
	frames->nr_block--;
}

static struct dmag_node *frames_node_alloc(struct dmag_frames *frames)
{
	struct dmag_node *node = frames_spare_pop(&frames->spare_node);

	DMAG_CHECK(frames->nr_spare_node);
	frames->nr_spare_node--;
	frames->nr_node++;
	memset(node, 0, sizeof(*node));
	return node;
}

static void frames_carve(struct dmag_frames *frames, struct dmag_block *block,
			 size_t count)
{
	frames->nr_spare_block += count;
	while (count--)
		frames_spare_push(&frames->spare_block, &block[count]);
}

static struct dmag_block *frames_block_alloc(struct dmag_frames *frames)
{
	struct dmag_block *block;

	if (!frames->nr_spare_block) {
		DMAG_CHECK(frames->nr_spare_node);
		frames->nr_spare_node--;
		frames_carve(frames, frames_spare_pop(&frames->spare_node),
			     sizeof(struct dmag_node) / sizeof(*block));
	}
	block = frames_spare_pop(&frames->spare_block);
	frames->nr_spare_block--;
	frames->nr_block++;
	memset(block, 0, sizeof(*block));
	return block;
}

/**
 * dmag_frames_feed() - Give memory to a frames structure.
 * @frames: the structure
 * @mem: aligned to DMAG_MEM_ALIGN; @frames keeps it
 * @bytes: at least two lines (128)
 *
 * A need that dmag_frames_need() stated is met by one piece of that size, or by
 * pages one after the other until nothing is needed.
 *
 * Context: Any.
 * Return: 0, or -EINVAL.
 */
int dmag_frames_feed(struct dmag_frames *frames, void *mem, size_t bytes)
{
	struct dmag_node *node = mem;
	size_t nodes = 0, left = bytes;

	DMAG_CHECK(frames);
	if (!mem || (uintptr_t)mem % DMAG_MEM_ALIGN ||
	    bytes < sizeof(struct dmag_block) ||
	    (uintptr_t)mem + bytes - 1 < bytes - 1)
		return -EINVAL;
	for (; left >= sizeof(*node); left -= sizeof(*node))
		nodes++;
	frames_carve(frames, (struct dmag_block *)&node[nodes],
		     left / sizeof(struct dmag_block));
	frames->nr_spare_node += nodes;
	while (nodes--)
		frames_spare_push(&frames->spare_node, &node[nodes]);
	DMAG_CHECK(frames_counters_ok(frames));
	return 0;
}

/* Put the pieces of one list before those of another. */
static void frames_spare_move(void **list, void **to)
{
	void **end = list;

	while (*end)
		end = &((struct frames_spare *)*end)->next;
	*end = *to;
	*to = *list;
	*list = NULL;
}

/**
 * dmag_frames_drain() - Move spare memory from one structure to another.
 * @frames: the structure to take it from; all of it, if that owns no frames
 * @to: the structure to feed it to
 *
 * For metadata that must survive a structure: whatever a group was fed can feed
 * the next one.  It is cut into pieces by then, so a host that wants back what it
 * fed keeps a list of that.
 *
 * Context: Any; O(pieces).
 */
void dmag_frames_drain(struct dmag_frames *frames, struct dmag_frames *to)
{
	DMAG_CHECK(frames && to && frames != to);
	frames_spare_move(&frames->spare_node, &to->spare_node);
	frames_spare_move(&frames->spare_block, &to->spare_block);
	to->nr_spare_node += frames->nr_spare_node;
	to->nr_spare_block += frames->nr_spare_block;
	frames->nr_spare_node = 0;
	frames->nr_spare_block = 0;
	DMAG_CHECK(frames_counters_ok(frames));
	DMAG_CHECK(frames_counters_ok(to));
}

/* How tall a tree is that spans @pfn; a tree spans from 0 always. */
static unsigned int frames_height_for(u64 pfn)
{
	unsigned int height = 1;

	while (pfn >> (DMAG_BLOCK_ORDER + 6 * height))
		height++;
	DMAG_CHECK(height <= DMAG_HEIGHT_MAX);
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

/* Subtract what exists below @node in [start, last]; recursion at most 6 deep. */
static void frames_cost_present(struct frames_cost *cost,
				const struct dmag_node *node,
				unsigned int level, u64 start, u64 last)
{
	u64 base, span = BIT_ULL(frames_shift(level)) - 1;
	u64 map = node->present & (~0ULL << frames_index(start, level)) &
		  (~0ULL >> (63 - frames_index(last, level)));

	cost->nodes--;
	if (level == DMAG_LEAF) {
		cost->blocks -= hweight64(map);
		return;
	}
	for (; map; map &= map - 1) {
		base = round_down(start, BIT_ULL(frames_shift(level + 1))) |
		       (u64)__ffs64(map) << frames_shift(level);
		frames_cost_present(cost, node->child[__ffs64(map)], level - 1,
				    max(start, base), min(last, base | span));
	}
}

/* A new root has the old one as its first child, whatever else comes. */
static void frames_cost_grow(struct frames_cost *cost,
			     const struct dmag_frames *frames,
			     unsigned int height, u64 start)
{
	unsigned int i;

	for (i = frames->height; i < height; i++)
		if (start >> (DMAG_BLOCK_ORDER + 6 * (i + 1)))
			cost->nodes++;
}

/* The last frame that the tree spans. */
static u64 frames_span_last(const struct dmag_frames *frames)
{
	return BIT_ULL(frames_shift(frames_top(frames) + 1)) - 1;
}

/* The cost of a range: all of its nodes and blocks, less those that exist. */
static void frames_cost_of(struct frames_cost *cost,
			   const struct dmag_frames *frames, u64 start,
			   u64 last)
{
	unsigned int height = max(frames->height, frames_height_for(last));
	unsigned int i;

	cost->blocks = frames_places(DMAG_LEAF, start, last);
	cost->nodes = 0;
	for (i = 1; i <= height; i++)
		cost->nodes += frames_places(DMAG_LEAF + i, start, last);
	if (!frames->root)
		return;
	frames_cost_grow(cost, frames, height, start);
	if (frames_in_span(frames, start))
		frames_cost_present(cost, frames->root, frames_top(frames),
				    start, min(last, frames_span_last(frames)));
}

/* The part of a cost that the spares do not meet, in bytes. */
static u64 frames_cost_bytes(const struct dmag_frames *frames,
			     struct frames_cost *cost)
{
	u64 per_node = sizeof(struct dmag_node) / sizeof(struct dmag_block);
	u64 spare_nodes =
		frames->nr_spare_node - min(frames->nr_spare_node, cost->nodes);

	cost->nodes -= min(cost->nodes, frames->nr_spare_node);
	cost->blocks -= min(cost->blocks, frames->nr_spare_block);
	cost->blocks -= min(cost->blocks, spare_nodes * per_node);
	return cost->nodes * sizeof(struct dmag_node) +
	       cost->blocks * sizeof(struct dmag_block);
}

/**
 * dmag_frames_need() - How much memory adding a range still takes.
 * @frames: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: Bytes to feed before dmag_frames_add() cannot fail with -ENOMEM; 0 if
 * none, or if [start, last] is not a range.
 */
u64 dmag_frames_need(const struct dmag_frames *frames, u64 start, u64 last)
{
	struct frames_cost cost;

	DMAG_CHECK(frames);
	if (!frames_range_ok(start, last))
		return 0;
	frames_cost_of(&cost, frames, start, last);
	return frames_cost_bytes(frames, &cost);
}

/* Places of @range at a level that the range before it did not have. */
static u64 frames_places_more(unsigned int level,
			      const struct dmag_range *range, u64 *seen)
{
	unsigned int shift = frames_shift(level);
	u64 count = frames_places(level, range->start, range->last);

	if (range->start >> shift == *seen)
		count--;
	*seen = range->last >> shift;
	return count;
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

	DMAG_CHECK(ranges || !nr);
	memset(seen, 0xff, sizeof(seen));
	for (i = 0; i < nr; i++)
		if (frames_range_ok(ranges[i].start, ranges[i].last))
			height = max(height, frames_height_for(ranges[i].last));
	for (i = 0; i < nr; i++) {
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

static bool frames_block_is_all(const struct dmag_block *block,
				enum dmag_state state)
{
	if (state == DMAG_FREE)
		return frames_all_of(block->free) == ~0ULL;
	if (state == DMAG_USED)
		return frames_all_of(block->own) == ~0ULL &&
		       !frames_any_of(block->free);
	return !frames_any_of(block->own);
}

/* Make the root span @last.  The old root becomes the new one's first child. */
static void frames_tree_grow(struct dmag_frames *frames, u64 last)
{
	unsigned int height = frames_height_for(last);
	struct dmag_node *node;

	if (!frames->root) {
		frames->root = frames_node_alloc(frames);
		frames->height = height;
	}
	for (; frames->height < height; frames->height++) {
		node = frames_node_alloc(frames);
		node->child[0] = frames->root;
		node->present = 1;
		frames_child_orders(node, 0, 0, frames->root->orders);
		node->orders =
			dmag_frames_node_orders(node, frames_top(frames) + 1);
		frames->root = node;
	}
	DMAG_CHECK(frames_in_span(frames, last));
}

/* Make the block of @pfn, if it is not there. */
static void frames_tree_insert(struct dmag_frames *frames, u64 pfn)
{
	struct dmag_node *node = frames->root;
	unsigned int i, level = frames_top(frames);

	DMAG_CHECK(node && frames_in_span(frames, pfn));
	for (; level >= DMAG_LEAF; level--) {
		i = frames_index(pfn, level);
		if (!node->child[i]) {
			if (level == DMAG_LEAF)
				node->child[i] = frames_block_alloc(frames);
			else
				node->child[i] = frames_node_alloc(frames);
			node->present |= BIT_ULL(i);
		}
		node = node->child[i];
	}
}

/* A root whose only child is the first is not needed. */
static void frames_tree_shrink(struct dmag_frames *frames)
{
	struct dmag_node *node;

	while (frames->height > 1 && frames->root->present == 1) {
		node = frames->root;
		frames->root = node->child[0];
		frames->height--;
		frames_node_free(frames, node);
	}
}

/* Drop the block of @pfn if nothing in it is owned, and nodes left empty. */
static void frames_tree_prune(struct dmag_frames *frames, u64 pfn)
{
	struct dmag_node *path[DMAG_HEIGHT_MAX];
	struct dmag_node *node = frames->root;
	unsigned int i;

	for (i = frames->height; i--;) {
		path[i] = node;
		node = node->child[frames_index(pfn, DMAG_LEAF + i)];
	}
	if (!frames_block_is_all((struct dmag_block *)node, DMAG_FOREIGN))
		return;
	frames_block_free(frames, (struct dmag_block *)node);
	for (i = 0; i < frames->height; i++) {
		unsigned int index = frames_index(pfn, DMAG_LEAF + i);

		path[i]->child[index] = NULL;
		path[i]->present &= ~BIT_ULL(index);
		if (path[i]->present)
			return;
		frames_node_free(frames, path[i]);
	}
	DMAG_CHECK(!frames->nr_node && !frames->nr_block);
	frames->root = NULL;
	frames->height = 0;
}

/*
 * ---- one frame -------------------------------------------------------
 *
 * No frame below the bound is free, except the hot one.  The bound rises when
 * the lowest free frame is got, since that frame is then known, and falls when
 * a frame below it becomes free.  A frame that is put below the bound is the
 * lowest free one and may therefore be hot: the next get has to find it first.
 */

/* The orders of word @word, as sub[] has them. */
static __always_inline unsigned int frames_word_orders(u64 sub,
						       unsigned int word)
{
	u64 bits = sub >> word & DMAG_SUB_COLUMN;

	return (unsigned int)(fls64(bits << 8 | 1) - 1) >> 3;
}

/* Set the free bit of @pfn: which may make its word's longest run. */
static void frames_free_one(struct dmag_frames *frames, struct dmag_node *leaf,
			    u64 pfn)
{
	unsigned int i = frames_index(pfn, DMAG_LEAF);
	unsigned int word = frames_index(pfn, 1);
	struct dmag_block *block = leaf->child[i];
	unsigned int bit = pfn & 63;
	u64 sub = leaf->sub[i];

	DMAG_CHECK(frames_bit_used(leaf, pfn));
	block->free[word] |= BIT_ULL(bit);
	frames->bound = min(frames->bound, pfn);
	if (!frames_has_run(block->free[word], bit,
			    frames_word_orders(sub, word)))
		return;
	sub |= frames_sub_column[frames_run_order(block->free[word], bit) + 1]
	       << word;
	frames_sub_update(frames, leaf, pfn, sub);
}

/* Enter the hot frame in the tree, as a free frame like others. */
static void frames_settle_hot(struct dmag_frames *frames)
{
	u64 pfn = frames->hot;

	if (pfn == DMAG_NO_FRAME)
		return;
	frames->hot = DMAG_NO_FRAME;
	frames_free_one(frames, frames_leaf(frames, pfn), pfn);
}

/*
 * Put a frame if another one is hot, or if it may not be the lowest.  The lower
 * of the two may be hot, if no other frame is free below it.
 */
static noinline void frames_put_one(struct dmag_frames *frames,
				    struct dmag_node *leaf, u64 pfn)
{
	if (pfn > frames->hot || pfn >= frames->bound) {
		frames_free_one(frames, leaf, pfn);
		return;
	}
	frames_settle_hot(frames);
	DMAG_CHECK(frames_bit_used(leaf, pfn) && pfn < frames->bound);
	frames->hot = pfn;
}

/* Check a range, and settle the hot frame, so that the tree is complete. */
static bool frames_range_begin(struct dmag_frames *frames, u64 start, u64 last)
{
	DMAG_CHECK(frames);
	if (!frames_range_ok(start, last))
		return false;
	frames_settle_hot(frames);
	return true;
}

/*
 * ---- transitions -----------------------------------------------------
 *
 * FOREIGN -> FREE is add, FREE -> FOREIGN remove, FREE -> USED take and get,
 * USED -> FREE put, USED -> FOREIGN quarantine.  Unless all of a range is in the
 * old state nothing happens; this check finds double and foreign frees.
 */

/* The part of word @word that is in frames @first to @last of its block. */
static __always_inline u64 frames_word_mask(unsigned int word,
					    unsigned int first,
					    unsigned int last)
{
	u64 mask = ~0ULL;

	DMAG_CHECK(first >> 6 <= word && word <= last >> 6);
	if (word == first >> 6)
		mask <<= first & 63;
	if (word == last >> 6)
		mask &= ~0ULL >> (63 - (last & 63));
	return mask;
}

static bool frames_block_is(const struct dmag_block *block, unsigned int first,
			    unsigned int last, enum dmag_state state)
{
	unsigned int word;

	if (last - first == DMAG_BLOCK_FRAMES - 1)
		return frames_block_is_all(block, state);
	for (word = first >> 6; word <= last >> 6; word++)
		if (frames_word_mask(word, first, last) &
		    ~frames_word_in(block, word, state))
			return false;
	return true;
}

static bool frames_range_is(const struct dmag_frames *frames, u64 start,
			    u64 last, enum dmag_state state)
{
	const struct dmag_block *block;
	u64 pos, end;

	for (pos = start; pos <= last; pos = end + 1) {
		end = min_t(u64, last, pos | (DMAG_BLOCK_FRAMES - 1));
		block = frames_block(frames, pos);
		if (block ? !frames_block_is(block, pos & 511, end & 511,
					     state) :
			    state != DMAG_FOREIGN)
			return false;
	}
	return true;
}

/* All of a block, which is in one state, changes.  Returns its new sub[]. */
static u64 frames_block_fill(struct dmag_block *block, enum dmag_state state)
{
	u64 own = state == DMAG_FOREIGN ? 0 : ~0ULL;
	u64 free = state == DMAG_FREE ? ~0ULL : 0;
	unsigned int word;

	for (word = 0; word < ARRAY_SIZE(block->free); word++)
		block->free[word] = free;
	if (block->own[0] != own)
		for (word = 0; word < ARRAY_SIZE(block->own); word++)
			block->own[word] = own;
	return free & DMAG_SUB_FULL;
}

/* Some frames of a word change.  Returns its block's new sub[]. */
static u64 frames_word_change(struct dmag_block *block, unsigned int word,
			      u64 mask, enum dmag_state state, u64 sub)
{
	unsigned int orders;

	DMAG_CHECK(mask && word < ARRAY_SIZE(block->own));
	block->own[word] = state == DMAG_FOREIGN ? block->own[word] & ~mask :
						   block->own[word] | mask;
	block->free[word] = state == DMAG_FREE ? block->free[word] | mask :
						 block->free[word] & ~mask;
	orders = ~block->free[word] ? frames_map_orders(block->free[word]) :
				      DMAG_WORD_ORDERS;
	sub &= ~(DMAG_SUB_COLUMN << word);
	return sub | frames_sub_column[orders] << word;
}

/* Frames of one block of @leaf change. */
static void frames_block_change(struct dmag_frames *frames,
				struct dmag_node *leaf, u64 start, u64 last,
				enum dmag_state state)
{
	unsigned int i = frames_index(start, DMAG_LEAF), word;
	struct dmag_block *block = leaf->child[i];
	u64 mask, sub = leaf->sub[i];

	DMAG_CHECK(block && start <= last);
	DMAG_CHECK((start ^ last) < DMAG_BLOCK_FRAMES);
	if (last - start == DMAG_BLOCK_FRAMES - 1) {
		sub = frames_block_fill(block, state);
	} else {
		for (word = frames_index(start, 1);
		     word <= frames_index(last, 1); word++) {
			mask = frames_word_mask(word, start & 511, last & 511);
			sub = frames_word_change(block, word, mask, state, sub);
		}
	}
	frames_sub_update(frames, leaf, start, sub);
}

static void frames_range_change(struct dmag_frames *frames, u64 start, u64 last,
				enum dmag_state state)
{
	u64 pos, end;

	DMAG_CHECK(frames_range_ok(start, last));
	DMAG_CHECK(frames->hot == DMAG_NO_FRAME);
	for (pos = start; pos <= last; pos = end + 1) {
		end = min_t(u64, last, pos | (DMAG_BLOCK_FRAMES - 1));
		frames_block_change(frames, frames_leaf(frames, pos), pos, end,
				    state);
		if (state == DMAG_FOREIGN)
			frames_tree_prune(frames, pos);
	}
	if (state == DMAG_FOREIGN)
		frames_tree_shrink(frames);
	DMAG_CHECK(frames_range_is(frames, start, last, state));
}

/**
 * dmag_frames_init() - Make an empty structure.
 * @frames: the structure; whatever it held is forgotten
 *
 * Context: Any.
 */
void dmag_frames_init(struct dmag_frames *frames)
{
	DMAG_CHECK(frames);
	memset(frames, 0, sizeof(*frames));
	frames->hot = DMAG_NO_FRAME;
}

/**
 * dmag_frames_add() - Own a range, as free frames.
 * @frames: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EEXIST if any of it is owned; -ENOMEM if memory has to be
 * fed first.  Unless 0, nothing has changed.
 */
int dmag_frames_add(struct dmag_frames *frames, u64 start, u64 last)
{
	u64 pos;

	if (!frames_range_begin(frames, start, last))
		return -EINVAL;
	if (!frames_range_is(frames, start, last, DMAG_FOREIGN))
		return -EEXIST;
	if (dmag_frames_need(frames, start, last))
		return -ENOMEM;
	frames_tree_grow(frames, last);
	for (pos = start & ~(DMAG_BLOCK_FRAMES - 1); pos <= last;
	     pos += DMAG_BLOCK_FRAMES)
		frames_tree_insert(frames, pos);
	frames_range_change(frames, start, last, DMAG_FREE);
	frames->free += last - start + 1;
	frames->bound = min(frames->bound, start);
	DMAG_CHECK(frames_counters_ok(frames));
	return 0;
}

/**
 * dmag_frames_remove() - Give up free frames.
 * @frames: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EBUSY if any of it is not free.  Unless 0, nothing has
 * changed.
 */
int dmag_frames_remove(struct dmag_frames *frames, u64 start, u64 last)
{
	if (!frames_range_begin(frames, start, last))
		return -EINVAL;
	if (!frames_range_is(frames, start, last, DMAG_FREE))
		return -EBUSY;
	frames_range_change(frames, start, last, DMAG_FOREIGN);
	frames->free -= last - start + 1;
	DMAG_CHECK(frames_counters_ok(frames));
	return 0;
}

/**
 * dmag_frames_quarantine() - Give up used frames for good.
 * @frames: the structure
 * @start: first frame
 * @last: last frame
 *
 * For frames whose conversion failed: they are counted and never used again.
 *
 * Context: Any.
 * Return: 0, or -EINVAL, also if any of it is not used.
 */
int dmag_frames_quarantine(struct dmag_frames *frames, u64 start, u64 last)
{
	u64 count = last - start + 1;

	if (!frames_range_begin(frames, start, last) ||
	    !frames_range_is(frames, start, last, DMAG_USED))
		return -EINVAL;
	frames_range_change(frames, start, last, DMAG_FOREIGN);
	frames->used -= count;
	frames->quarantined += count;
	DMAG_CHECK(frames_counters_ok(frames));
	return 0;
}

/* Free frames are found: use them. */
static void frames_use(struct dmag_frames *frames, u64 start, u64 last)
{
	u64 count = last - start + 1;

	DMAG_CHECK(frames->free >= count);
	frames_range_change(frames, start, last, DMAG_USED);
	frames->free -= count;
	frames->used += count;
}

/**
 * dmag_frames_take() - Use exactly these frames.
 * @frames: the structure
 * @start: first frame
 * @last: last frame
 *
 * Context: Any.
 * Return: 0; -EINVAL; -EBUSY if any of it is not free.
 */
int dmag_frames_take(struct dmag_frames *frames, u64 start, u64 last)
{
	if (!frames_range_begin(frames, start, last))
		return -EINVAL;
	if (!frames_range_is(frames, start, last, DMAG_FREE))
		return -EBUSY;
	frames_use(frames, start, last);
	return 0;
}

static int frames_range_put(struct dmag_frames *frames, u64 start, u64 last)
{
	if (!frames_range_is(frames, start, last, DMAG_USED))
		return -EINVAL;
	frames_range_change(frames, start, last, DMAG_FREE);
	return 0;
}

/* The same for a range within one block, which most are. */
static int frames_block_put(struct dmag_frames *frames, u64 start, u64 last)
{
	struct dmag_node *leaf = frames_leaf(frames, start);
	const struct dmag_block *block;

	if (!leaf)
		return -EINVAL;
	block = leaf->child[frames_index(start, DMAG_LEAF)];
	if (!block ||
	    !frames_block_is(block, start & 511, last & 511, DMAG_USED))
		return -EINVAL;
	frames_block_change(frames, leaf, start, last, DMAG_FREE);
	return 0;
}

/* More than one frame. */
static noinline int frames_put_many(struct dmag_frames *frames, u64 start,
				    u64 count)
{
	u64 last = start + count - 1;
	int ret;

	if (!count || !frames_range_begin(frames, start, last))
		return -EINVAL;
	if ((start ^ last) < DMAG_BLOCK_FRAMES)
		ret = frames_block_put(frames, start, last);
	else
		ret = frames_range_put(frames, start, last);
	if (ret)
		return ret;
	DMAG_CHECK(frames->used >= count);
	frames->used -= count;
	frames->free += count;
	frames->bound = min(frames->bound, start);
	return 0;
}

/**
 * dmag_frames_put() - Free frames that are used.
 * @frames: the structure
 * @start: first frame
 * @count: how many; any part of a run that was got may be put
 *
 * Context: Any.
 * Return: 0, or -EINVAL, also if any of it is not used: a double free, or the
 * free of a foreign frame.  Then nothing has changed.
 */
int dmag_frames_put(struct dmag_frames *frames, u64 start, u64 count)
{
	struct dmag_node *leaf;

	DMAG_CHECK(frames);
	if (count != 1)
		return frames_put_many(frames, start, count);
	leaf = frames_leaf(frames, start);
	if (unlikely(!leaf || !frames_bit_used(leaf, start) ||
		     start == frames->hot))
		return -EINVAL;
	frames->used--;
	frames->free++;
	if (frames->hot == DMAG_NO_FRAME && start < frames->bound)
		frames->hot = start;
	else
		frames_put_one(frames, leaf, start);
	DMAG_CHECK(dmag_frames_state(frames, start) == DMAG_FREE);
	return 0;
}

/*
 * ---- get -------------------------------------------------------------
 *
 * Nearly all requests are for a power of two frames at natural alignment, no
 * more than a block, lowest first.  The summaries lead to the first run of an
 * order outright: take the first child that has one, at every level.  If that
 * run is below the window, the path follows the window's start instead.  Requests
 * that are larger, aligned otherwise, or to be served from above go through the
 * general search in frames_find.c.
 */

static __always_inline bool frames_pow2_or_0(u64 value)
{
	return !(value & (value - 1));
}

/**
 * dmag_request_valid() - Whether a request is well formed.
 * @req: the request
 *
 * A count and a boundary of 0 are looked at less 1: one test each.
 *
 * Context: Any.
 * Return: true if its members are as struct dmag_request says, and the count
 * fits the boundary.  A count that does not fit into @within is well formed.
 */
bool dmag_request_valid(const struct dmag_request *req)
{
	return req->count - 1 <= DMAG_PFN_MAX && frames_pow2_or_0(req->align) &&
	       frames_pow2_or_0(req->boundary) &&
	       req->boundary - 1 >= req->count - 1 &&
	       frames_range_ok(req->within.start, req->within.last) &&
	       (req->from == DMAG_LOWEST || req->from == DMAG_HIGHEST);
}

/* One frame needs no alignment, so that asking for none comes to the same. */
static __always_inline bool frames_natural(const struct dmag_request *req)
{
	return frames_pow2_or_0(req->count) &&
	       req->align + !req->align == req->count &&
	       !(req->phase & (req->count - 1));
}

/* The place of a run within one block. */
struct frames_spot {
	struct dmag_node *leaf;
	unsigned int index; /* of the block in @leaf */
	unsigned int word; /* of the block */
	unsigned int bit; /* of the word */
	u64 pfn;
};

/* Words of a spot's block with, or beginning, an aligned free run of @order. */
static __always_inline u64 frames_spot_words(const struct frames_spot *spot,
					     unsigned int order)
{
	u64 sub = spot->leaf->sub[spot->index];

	if (order < DMAG_WORD_ORDERS)
		return sub >> (8 * order) & 0xff;
	return frames_fold(sub >> 48, order - 6);
}

/* Bits of a spot's word that begin an aligned free run of @order. */
static __always_inline u64 frames_spot_bits(const struct frames_spot *spot,
					    unsigned int order)
{
	const struct dmag_block *block = spot->leaf->child[spot->index];

	return order < DMAG_WORD_ORDERS ?
		       frames_fold(block->free[spot->word], order) :
		       1;
}

/* From @node down to its first run, given the first step. */
static __always_inline void frames_spot_down(struct frames_spot *spot,
					     struct dmag_node *node,
					     unsigned int shift,
					     unsigned int order)
{
	for (; shift > DMAG_BLOCK_ORDER; shift -= 6) {
		node = node->child[spot->index];
		spot->index = __ffs64(node->has[order]);
		spot->pfn = spot->pfn << 6 | spot->index;
	}
	spot->leaf = node;
	spot->word = __ffs64(frames_spot_words(spot, order));
	spot->bit = __ffs64(frames_spot_bits(spot, order));
	spot->pfn = (spot->pfn << 3 | spot->word) << 6 | spot->bit;
}

/* The first aligned free run of all, at most a block long. */
static __always_inline bool frames_spot_any(const struct dmag_frames *frames,
					    struct frames_spot *spot,
					    unsigned int order)
{
	struct dmag_node *node = frames->root;

	if (unlikely(!node || !node->has[order]))
		return false;
	spot->index = __ffs64(node->has[order]);
	spot->pfn = spot->index;
	frames_spot_down(spot, node, frames_shift(frames_top(frames)), order);
	return true;
}

/* The first one in a spot's block, not before frame @from of the block. */
static bool frames_spot_in_block(struct frames_spot *spot, unsigned int order,
				 unsigned int from)
{
	u64 words = frames_spot_words(spot, order) & (~0ULL << (from >> 6));
	u64 bits;

	DMAG_CHECK(from < DMAG_BLOCK_FRAMES);
	for (; words; words &= words - 1) {
		spot->word = __ffs64(words);
		bits = frames_spot_bits(spot, order);
		if (spot->word == from >> 6)
			bits &= ~0ULL << (from & 63);
		if (!bits)
			continue;
		spot->bit = __ffs64(bits);
		spot->pfn = (spot->pfn << 3 | spot->word) << 6 | spot->bit;
		return true;
	}
	return false;
}

/*
 * The first one not before @start: along @start as far as that goes, which may
 * be all the way; else from the last place on that way where it forked.
 */
static noinline bool frames_spot_from(const struct dmag_frames *frames,
				      struct frames_spot *spot,
				      unsigned int order, u64 start)
{
	unsigned int fork_shift = 0, shift = frames_shift(frames_top(frames));
	struct dmag_node *fork = NULL, *node = frames->root;
	u64 map, later = 0;

	start = round_up(start, BIT_ULL(order));
	if (!node || !frames_in_span(frames, start))
		return false;
	for (;; shift -= 6, node = node->child[spot->index]) {
		spot->index = start >> shift & 63;
		map = node->has[order] >> spot->index;
		if (map >> 1) {
			fork = node;
			fork_shift = shift;
			later = map >> 1 << 1 << spot->index;
		}
		if (!(map & 1))
			break;
		if (shift > DMAG_BLOCK_ORDER)
			continue;
		spot->leaf = node;
		spot->pfn = start >> DMAG_BLOCK_ORDER;
		if (frames_spot_in_block(spot, order,
					 start & (DMAG_BLOCK_FRAMES - 1)))
			return true;
		break;
	}
	if (!fork)
		return false;
	spot->index = __ffs64(later);
	spot->pfn = start >> (fork_shift + 6) << 6 | spot->index;
	frames_spot_down(spot, fork, fork_shift, order);
	return true;
}

/*
 * A run of @order was cut out of one of the word's longest runs.  Unless it was
 * all of it, a run of the order below is left.
 */
static noinline void frames_word_cut(struct dmag_frames *frames,
				     struct dmag_node *leaf, u64 pfn, u64 free,
				     unsigned int order)
{
	unsigned int word = frames_index(pfn, 1);
	u64 sub = leaf->sub[frames_index(pfn, DMAG_LEAF)], was = sub;
	unsigned int longest = frames_word_orders(sub, word) - 1;

	if (order == longest) {
		sub &= ~(DMAG_SUB_COLUMN << word);
		sub |= frames_sub_column[frames_map_orders(free)] << word;
	} else if (longest == 6 || !frames_fold(free, longest)) {
		sub &= ~(BIT_ULL(8 * longest) << word);
	}
	if (sub != was)
		frames_sub_update(frames, leaf, pfn, sub);
}

/* Use a run within one word: mostly a bit and two counters. */
static __always_inline void frames_spot_use(struct dmag_frames *frames,
					    struct frames_spot *spot,
					    unsigned int order)
{
	struct dmag_block *block = spot->leaf->child[spot->index];
	u64 sub = spot->leaf->sub[spot->index];
	u64 was = block->free[spot->word];
	u64 free = was & ~(frames_run_bits[order] << spot->bit);

	block->free[spot->word] = free;
	if (frames_has_run(was, spot->bit,
			   frames_word_orders(sub, spot->word) - 1))
		frames_word_cut(frames, spot->leaf, spot->pfn, free, order);
}

/* Use the run at a spot, if that is within the request's window. */
static __always_inline bool frames_spot_get(struct dmag_frames *frames,
					    struct frames_spot *spot,
					    const struct dmag_request *req,
					    unsigned int order, u64 *pfn)
{
	u64 last = spot->pfn + BIT_ULL(order) - 1;

	if (spot->pfn < req->within.start || last > req->within.last)
		return false;
	DMAG_CHECK(frames->free >= BIT_ULL(order));
	*pfn = spot->pfn;
	frames->free -= BIT_ULL(order);
	frames->used += BIT_ULL(order);
	if (order < DMAG_WORD_ORDERS)
		frames_spot_use(frames, spot, order);
	else
		frames_block_change(frames, spot->leaf, spot->pfn, last,
				    DMAG_USED);
	return true;
}

/*
 * The lowest free frame of all, if it is one that is wanted: the hot one, or
 * the first in the tree, and then no other is left below.
 */
static __always_inline bool frames_get_one(struct dmag_frames *frames,
					   const struct dmag_request *req,
					   u64 *pfn)
{
	struct frames_spot spot;

	if (frames->hot != DMAG_NO_FRAME) {
		if (frames->hot < req->within.start ||
		    frames->hot > req->within.last)
			return false;
		*pfn = frames->hot;
		frames->hot = DMAG_NO_FRAME;
		frames->free--;
		frames->used++;
		return true;
	}
	if (!frames_spot_any(frames, &spot, 0) ||
	    !frames_spot_get(frames, &spot, req, 0, pfn))
		return false;
	frames->bound = spot.pfn + 1;
	DMAG_CHECK(frames_fits(req, *pfn));
	return true;
}

/* A natural request for a block at most. */
static int frames_get_small(struct dmag_frames *frames,
			    const struct dmag_request *req, u64 *pfn)
{
	unsigned int order = __ffs64(req->count);
	struct frames_spot spot;

	DMAG_CHECK(frames_natural(req) && req->count <= DMAG_BLOCK_FRAMES);
	if (!frames_spot_from(frames, &spot, order, req->within.start) ||
	    !frames_spot_get(frames, &spot, req, order, pfn))
		return -ENOMEM;
	DMAG_CHECK(frames_fits(req, *pfn));
	return 0;
}

/* The general case; it also tells bad requests. */
static noinline int frames_get_any(struct dmag_frames *frames,
				   const struct dmag_request *req, u64 *pfn)
{
	u64 found;

	if (!dmag_request_valid(req))
		return -EINVAL;
	frames_settle_hot(frames);
	if (frames_natural(req) && req->count <= DMAG_BLOCK_FRAMES &&
	    req->from == DMAG_LOWEST)
		return frames_get_small(frames, req, pfn);
	if (!dmag_frames_find(frames, req, frames_natural(req), &found))
		return -ENOMEM;
	DMAG_CHECK(frames_fits(req, found));
	frames_use(frames, found, found + req->count - 1);
	*pfn = found;
	return 0;
}

/**
 * dmag_frames_get() - Find free frames and use them.
 * @frames: the structure
 * @req: the run that is wanted
 * @pfn: the first frame of the run that was found; else not written
 *
 * The search is exact: if free frames satisfy @req, a run is found, and it is the
 * lowest or the highest one, as asked.  If @frames->search_max is set, this holds
 * for a power of two at natural alignment; for others, of free runs beyond that
 * many places, only those that are part of a larger free block are found.
 *
 * Context: Any.
 * Return: 0; -EINVAL if @req is not well formed, see dmag_request_valid();
 * -ENOMEM.
 */
int dmag_frames_get(struct dmag_frames *frames, const struct dmag_request *req,
		    u64 *pfn)
{
	DMAG_CHECK(frames && req && pfn);
	/* The most frequent request, without the tests that others need. */
	if (likely(req->count == 1 && req->align <= 1 && !req->boundary &&
		   req->from == DMAG_LOWEST &&
		   req->within.last <= DMAG_PFN_MAX &&
		   frames_get_one(frames, req, pfn)))
		return 0;
	return frames_get_any(frames, req, pfn);
}
