/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag frames, inside: the tree of blocks.
 *
 * Levels are counted from the bits: level 0 is a word of 64 frames, level 1 a
 * block of 8 words, level 2 a leaf of 64 blocks, and each level from there on a
 * node of 64 nodes.  A place in a level is an index, and an index covers at
 * level l is 2^frames_shift(l) frames.
 *
 * Free memory is summarised by *orders*: the number of orders of which a word, a
 * block or a node holds a free aligned run.  A run of order k contains one of
 * every order below, so this number tells all.  A node keeps the children's
 * numbers in unary, transposed: has[k] is the set of children with a run of
 * order k.  A leaf also has the transposed numbers of each block's words: byte
 * k of sub[] is the set of words with a run of order k.
 *
 * One frame may be *hot*: it is free, while its bits and all summaries say used.
 * A frame that is put becomes hot if it is known to be the lowest free one, as
 * it is if it was the last to be got.  So a driver that gets and puts one frame
 * over and over, the most common pattern, touches nothing else.  Any other
 * change or search settles the hot frame first.
 */
#ifndef DMAG_FRAMES_H
#define DMAG_FRAMES_H

#include "dmag.h"
#include "dmag_port.h"

#define DMAG_LEAF 2 /* level of the nodes whose children are blocks */
#define DMAG_HEIGHT_MAX 6 /* 9 + 6 * 6 == DMAG_PFN_BITS */
#define DMAG_NODE_ORDERS 40 /* children of the tallest root: orders 0 to 39 */
#define DMAG_WORD_ORDERS 7 /* 64 frames: orders 0 to 6 */
#define DMAG_NO_FRAME (~0ULL)
#define DMAG_SUB_COLUMN 0x0001010101010101ULL /* one word's bits in sub[] */
#define DMAG_SUB_FULL 0x00ffffffffffffffULL /* all words' */

/**
 * struct dmag_block - 512 frames: two lines of bits.
 * @free: owned and free
 * @own: owned; so used frames are @own & ~@free
 */
struct dmag_block {
	u64 free[8];
	u64 own[8];
} __aligned(DMAG_MEM_ALIGN);

/**
 * struct dmag_node - 64 children, nodes or blocks.
 * @child: a struct dmag_node, in a leaf a struct dmag_block, or NULL
 * @present: which children there are
 * @orders: summary of the whole node
 * @has: per order, which children have a run of it
 * @leaf_has: the part of @has that a leaf uses
 * @sub: leaf only: per block, eight bits for each order below 7
 */
struct dmag_node {
	void *child[64];
	u64 present;
	u64 orders;
	union {
		u64 has[DMAG_NODE_ORDERS];
		struct {
			u64 leaf_has[DMAG_BLOCK_ORDER + 1];
			u64 sub[64];
		};
	};
} __aligned(DMAG_MEM_ALIGN);

/* A spare node can be cut into blocks; a page can hold a node. */
static_assert(sizeof(struct dmag_node) % sizeof(struct dmag_block) == 0);
static_assert(sizeof(struct dmag_node) <= 4096);
static_assert(BIT_ULL(DMAG_BLOCK_ORDER) == DMAG_BLOCK_FRAMES);
static_assert(sizeof(struct dmag_block) == 2 * DMAG_MEM_ALIGN);
static_assert(sizeof(((struct dmag_block *)0)->free) * 8 == DMAG_BLOCK_FRAMES);
static_assert(DMAG_BLOCK_ORDER + 6 * DMAG_HEIGHT_MAX == DMAG_PFN_BITS);
static_assert(DMAG_PFN_BITS - 6 + 1 == DMAG_NODE_ORDERS);

/**
 * struct frames_seek - The kind of place to look for, and the direction.
 * @run: for an aligned free run of @order; otherwise for one frame that is not
 *	in state @unlike
 * @order: of the run
 * @unlike: the state to leave
 * @highest: look downwards
 */
struct frames_seek {
	bool run;
	unsigned int order;
	enum dmag_state unlike;
	bool highest;
};

bool dmag_frames_seek(const struct dmag_frames *frames,
		      const struct frames_seek *seek, u64 *pfn);
bool dmag_frames_find(const struct dmag_frames *frames,
		      const struct dmag_request *req, bool natural, u64 *pfn);
unsigned int dmag_frames_node_orders(const struct dmag_node *node,
				     unsigned int level);

/* Frames that one child covers at a level, as a power of two. */
static __always_inline unsigned int frames_shift(unsigned int level)
{
	return level < DMAG_LEAF ? level * 6 : level * 6 - 3;
}

/* Which child @pfn is in, at the level. */
static __always_inline unsigned int frames_index(u64 pfn, unsigned int level)
{
	return (pfn >> frames_shift(level)) & (level == 1 ? 7 : 63);
}

/* The root's level; meaningless for an empty tree. */
static __always_inline unsigned int frames_top(const struct dmag_frames *frames)
{
	return frames->height + 1;
}

static __always_inline bool frames_in_span(const struct dmag_frames *frames,
					   u64 pfn)
{
	return !(pfn >> (DMAG_BLOCK_ORDER + 6 * frames->height));
}

static __always_inline bool frames_range_ok(u64 start, u64 last)
{
	return start <= last && last <= DMAG_PFN_MAX;
}

/* The leaf that @pfn's block is or would be in, or NULL. */
static __always_inline struct dmag_node *
frames_leaf(const struct dmag_frames *frames, u64 pfn)
{
	unsigned int shift = DMAG_BLOCK_ORDER + 6 * frames->height;
	struct dmag_node *node = frames->root;

	if (unlikely(pfn >> shift))
		return NULL;
	for (shift -= 6; node && shift > DMAG_BLOCK_ORDER; shift -= 6)
		node = node->child[pfn >> shift & 63];
	return node;
}

/* The block of @pfn, or NULL. */
static __always_inline struct dmag_block *
frames_block(const struct dmag_frames *frames, u64 pfn)
{
	struct dmag_node *leaf = frames_leaf(frames, pfn);

	return leaf ? leaf->child[frames_index(pfn, DMAG_LEAF)] : NULL;
}

/*
 * The places of a request: PFNs that are aligned once the phase is added, which
 * is below the alignment.  A result that wrapped is beyond all frames: above @pfn
 * if looked for below it.
 */
struct frames_places {
	u64 align;
	u64 phase;
};

static inline struct frames_places
frames_places_of(const struct dmag_request *req)
{
	u64 align = req->align + !req->align;

	return (struct frames_places){ align, req->phase & (align - 1) };
}

static inline u64 frames_place_up(const struct frames_places *places, u64 pfn)
{
	return round_up(pfn + places->phase, places->align) - places->phase;
}

static inline u64 frames_place_down(const struct frames_places *places, u64 pfn)
{
	return round_down(pfn + places->phase, places->align) - places->phase;
}

/* Frames of word @word that are in state @state, by the bits. */
static __always_inline u64 frames_word_in(const struct dmag_block *block,
					  unsigned int word,
					  enum dmag_state state)
{
	if (state == DMAG_FREE)
		return block->free[word];
	return state == DMAG_USED ? block->own[word] & ~block->free[word] :
				    ~block->own[word];
}

/* Whether @leaf has @pfn's block, and in it the frame's bits say used. */
static __always_inline bool frames_bit_used(const struct dmag_node *leaf,
					    u64 pfn)
{
	const struct dmag_block *block =
		leaf->child[frames_index(pfn, DMAG_LEAF)];
	unsigned int word = frames_index(pfn, 1);

	return block &&
	       (block->own[word] & ~block->free[word]) >> (pfn & 63) & 1;
}

/*
 * Pair up aligned runs of 2^@step set bits, each shown by its lowest bit: those
 * whose neighbour above is one as well, and that begin at an even place.
 */
static __always_inline u64 frames_fold_once(u64 map, unsigned int step)
{
	static const u64 keep[6] = {
		0x5555555555555555ULL, 0x1111111111111111ULL,
		0x0101010101010101ULL, 0x0001000100010001ULL,
		0x0000000100000001ULL, 0x0000000000000001ULL,
	};

	return map & (map >> (1U << step)) & keep[step];
}

/* The lowest bits of all aligned runs of 2^@order set bits. */
static __always_inline u64 frames_fold(u64 map, unsigned int order)
{
	unsigned int step;

	for (step = 0; step < order; step++)
		map = frames_fold_once(map, step);
	return map;
}

/* Orders of 64 places; unrolled, for the constants. */
static __always_inline unsigned int frames_map_orders(u64 map)
{
	if (!map)
		return 0;
	map = frames_fold_once(map, 0);
	if (!map)
		return 1;
	map = frames_fold_once(map, 1);
	if (!map)
		return 2;
	map = frames_fold_once(map, 2);
	if (!map)
		return 3;
	map = frames_fold_once(map, 3);
	if (!map)
		return 4;
	map = frames_fold_once(map, 4);
	if (!map)
		return 5;
	return frames_fold_once(map, 5) ? 7 : 6;
}

/* Orders of a block, from its leaf's sub[]. */
static __always_inline unsigned int frames_sub_orders(u64 sub)
{
	unsigned int full = sub >> 48;

	if (likely(!full))
		return (unsigned int)(fls64(sub) + 7) >> 3;
	full &= full >> 1 & 0x55;
	if (!full)
		return 7;
	full &= full >> 2 & 0x11;
	if (!full)
		return 8;
	return (full & (full >> 4)) ? 10 : 9;
}

/* Whether the run at @pfn satisfies @req: the postcondition of each get. */
static inline bool frames_fits(const struct dmag_request *req, u64 pfn)
{
	u64 last = pfn + req->count - 1;

	u64 bus = pfn + req->phase;

	return pfn >= req->within.start && last <= req->within.last &&
	       !(req->align && bus & (req->align - 1)) &&
	       !(req->boundary && (bus ^ (last + req->phase)) >= req->boundary);
}

/* A list is empty iff its count is 0; a tree has all of its parts or none. */
static inline bool frames_counters_ok(const struct dmag_frames *frames)
{
	u64 owned = frames->free + frames->used;
	bool owns = owned;

	return owns == !!frames->root && owns == !!frames->height &&
	       owns == !!frames->nr_node && owns == !!frames->nr_block &&
	       frames->height <= DMAG_HEIGHT_MAX &&
	       !frames->spare_node == !frames->nr_spare_node &&
	       !frames->spare_block == !frames->nr_spare_block &&
	       owned <= frames->nr_block << DMAG_BLOCK_ORDER;
}

#endif /* DMAG_FRAMES_H */
