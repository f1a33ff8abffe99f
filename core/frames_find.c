// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag frames: finding.
 *
 * One cursor serves every search.  It walks down from the root along the place
 * where the search begins; at each level a map says which children can hold
 * what is wanted, and those on the wrong side of the cursor are masked off.  If
 * none remains the cursor moves past the node, and the walk resumes at the
 * first ancestor that is not left behind.  Each level can disappoint once, on
 * the edge where the search begins; inside, the maps are exact.
 */
#include "frames.h"

/* Where a search is. */
struct frames_cursor {
	const struct dmag_frames *f;
	const struct frames_seek *seek;
	const struct dmag_node *path[DMAG_LEAF + DMAG_HEIGHT_MAX];
	unsigned int level;
	unsigned int target; /* the level of the answer */
	u64 at;
};

static const struct dmag_block *
frames_cursor_block(const struct frames_cursor *c)
{
	return c->path[DMAG_LEAF]->child[frames_index(c->at, DMAG_LEAF)];
}

/* Children at this level with an aligned free run of @order, or part of it. */
static u64 frames_map_run(const struct frames_cursor *c, unsigned int order)
{
	unsigned int k = min(order, frames_shift(c->level));
	const struct dmag_node *leaf = c->path[DMAG_LEAF];
	u64 map;

	if (c->level >= DMAG_LEAF)
		map = c->path[c->level]->has[k];
	else if (c->level == 1)
		map = leaf->sub[frames_index(c->at, DMAG_LEAF)] >> (8 * k) &
		      0xff;
	else
		map = frames_cursor_block(c)->free[frames_index(c->at, 1)];
	return frames_fold(map, order - k);
}

/* Frames of word @w of the cursor's block that are not in state @s. */
static u64 frames_word_not(const struct frames_cursor *c, unsigned int w,
			   enum dmag_state s)
{
	u64 in = frames_word_in(frames_cursor_block(c), w, s);
	u64 base = round_down(c->at, DMAG_BLOCK_FRAMES) + 64 * w;

	if (s != DMAG_FOREIGN && c->f->hot - base < 64)
		in ^= BIT_ULL(c->f->hot -
			      base); /* free, whatever the bits say */
	return ~in;
}

/* Words of the cursor's block, as a map, that are not entirely in state @s. */
static u64 frames_words_not(const struct frames_cursor *c, enum dmag_state s)
{
	unsigned int w;
	u64 map = 0;

	for (w = 0; w < 8; w++)
		if (frames_word_not(c, w, s))
			map |= BIT_ULL(w);
	return map;
}

/* Children at this level that may hold a frame that is not in state @s. */
static u64 frames_map_not(const struct frames_cursor *c, enum dmag_state s)
{
	const struct dmag_node *n = c->path[c->level];

	if (!c->level)
		return frames_word_not(c, frames_index(c->at, 1), s);
	if (c->level == 1)
		return frames_words_not(c, s);
	if (s == DMAG_FREE)
		return ~n->has[frames_shift(c->level)];
	return s == DMAG_FOREIGN ? n->present : ~0ULL;
}

/* Children at this level, from the cursor on, that are worth a look. */
static u64 frames_cursor_map(const struct frames_cursor *c)
{
	unsigned int i = frames_index(c->at, c->level);
	u64 map = c->seek->run ? frames_map_run(c, c->seek->order) :
				 frames_map_not(c, c->seek->unlike);

	return map & (c->seek->highest ? ~0ULL >> (63 - i) : ~0ULL << i);
}

/* Nothing here: go past this node, and past all that end where it ends. */
static bool frames_cursor_leave(struct frames_cursor *c)
{
	u64 span = BIT_ULL(frames_shift(c->level + 1)) - 1;
	bool down = c->seek->highest;
	unsigned int edge;

	c->at = down ? (c->at & ~span) - 1 : (c->at | span) + 1;
	do {
		if (++c->level > frames_top(c->f))
			return false;
		edge = down ? frames_index(~0ULL, c->level) : 0;
	} while (frames_index(c->at, c->level) == edge);
	return true;
}

/* Go to child @i: to its near edge, unless the cursor is in it already. */
static void frames_cursor_enter(struct frames_cursor *c, unsigned int i)
{
	unsigned int shift = frames_shift(c->level);
	u64 above = c->at & ~(BIT_ULL(frames_shift(c->level + 1)) - 1);

	if (i == frames_index(c->at, c->level) && c->level != c->target)
		return;
	c->at = above | (u64)i << shift;
	if (c->seek->highest && c->level != c->target)
		c->at |= BIT_ULL(shift) - 1;
}

/* One level down; false if there is nothing below to look into. */
static bool frames_cursor_down(struct frames_cursor *c, unsigned int i)
{
	const void *child;

	if (c->level == c->target)
		return false;
	if (c->level >= DMAG_LEAF) {
		child = c->path[c->level]->child[i];
		if (!child)
			return false;
		if (c->level > DMAG_LEAF)
			c->path[c->level - 1] = child;
	}
	c->level--;
	return true;
}

static unsigned int frames_run_level(const struct dmag_frames *f,
				     unsigned int order)
{
	if (order < 6)
		return 0;
	if (order < DMAG_BLOCK_ORDER)
		return 1;
	return min((order + 3) / 6, frames_top(f));
}

/**
 * dmag_frames_seek() - Find the next place that is as wanted.
 * @f: the structure
 * @s: what is wanted
 * @at: where to begin, and the answer.  For a run downwards, the last frame of
 *	the first candidate; the answer is its first frame always.  Downwards,
 *	what is above the tree's span is passed over
 *
 * Return: Whether there is one in the span of the tree.  If not, @at is the
 * first frame beyond the end that was reached (-1 at the bottom).
 */
bool dmag_frames_seek(const struct dmag_frames *f, const struct frames_seek *s,
		      u64 *at)
{
	struct frames_cursor c = {
		.f = f, .seek = s, .level = frames_top(f), .at = *at
	};
	unsigned int i, bits = frames_shift(frames_top(f) + 1);
	u64 map;

	if (s->highest)
		c.at = min(c.at, BIT_ULL(bits) - 1);
	if (!f->root || c.at >> bits || (s->run && s->order > bits))
		return false;
	c.path[c.level] = f->root;
	c.target = s->run ? frames_run_level(f, s->order) : 0;
	for (;;) {
		map = frames_cursor_map(&c);
		if (!map) {
			if (frames_cursor_leave(&c))
				continue;
			*at = c.at;
			return false;
		}
		i = s->highest ? (unsigned int)fls64(map) - 1 : __ffs64(map);
		frames_cursor_enter(&c, i);
		if (!frames_cursor_down(&c, i))
			break;
	}
	*at = c.at;
	return true;
}

/* The free run around the aligned one at @at, no further than @within. */
static struct dmag_range frames_free_around(const struct dmag_frames *f, u64 at,
					    u64 size,
					    const struct dmag_range *within)
{
	struct frames_seek up = { .unlike = DMAG_FREE };
	struct frames_seek down = { .unlike = DMAG_FREE, .highest = true };
	struct dmag_range run = { at - 1, at + size };

	if (at)
		dmag_frames_seek(f, &down, &run.start);
	dmag_frames_seek(f, &up, &run.last);
	run.start = max(run.start + 1, within->start);
	run.last = min(run.last - 1, within->last);
	return run;
}

/* Does [at, at + count) cross a boundary, and if so which. */
static bool frames_crosses(const struct dmag_request *rq, u64 at, u64 *where)
{
	u64 last = at + rq->count - 1;

	if (!rq->boundary || (at ^ last) < rq->boundary)
		return false;
	*where = round_down(last, rq->boundary);
	return true;
}

/*
 * Place a request in a free run, as low or as high as it goes.  Alignment and
 * boundary are powers of two: if the boundary is the larger, it is aligned, and
 * so is what ends at or begins at it; if not, no aligned run crosses it, as no
 * count exceeds the boundary.
 */
static bool frames_place_low(const struct dmag_request *rq, u64 align,
			     const struct dmag_range *run, u64 *at)
{
	*at = round_up(run->start, align);
	frames_crosses(rq, *at, at);
	return *at <= run->last && run->last - *at >= rq->count - 1;
}

static bool frames_place_high(const struct dmag_request *rq, u64 align,
			      const struct dmag_range *run, u64 *at)
{
	u64 edge;

	if (run->last - run->start < rq->count - 1)
		return false;
	*at = round_down(run->last + 1 - rq->count, align);
	if (frames_crosses(rq, *at, &edge))
		*at = round_down(edge - rq->count, align);
	return *at >= run->start;
}

/* What is left of @within, for placements beyond a run that was too small. */
static void frames_beyond_low(u64 align, const struct dmag_range *run,
			      struct dmag_range *within)
{
	within->start = round_up(run->last + 1, align);
}

static bool frames_beyond_high(const struct dmag_request *rq, u64 align,
			       const struct dmag_range *run,
			       struct dmag_range *within)
{
	if (run->start < rq->count)
		return false;
	within->last =
		round_down(run->start - rq->count, align) + rq->count - 1;
	return true;
}

/*
 * The largest order of which any placement must contain an aligned run: 2^k
 * frames from an aligned start do if k fits in alignment and count, and
 * 2^(k+1) - 1 frames do wherever they start.
 */
static unsigned int frames_order_within(u64 count, u64 align)
{
	unsigned int by_align = min(fls64(align), fls64(count)) - 1;
	unsigned int by_count = max(fls64(count + 1), 2) - 2;

	return max(by_align, by_count);
}

/* The first aligned run in @within, from the end that is preferred. */
static bool frames_find_run(const struct dmag_frames *f, unsigned int order,
			    bool highest, const struct dmag_range *within,
			    u64 *at)
{
	struct frames_seek s = { .run = true,
				 .order = order,
				 .highest = highest };
	u64 size = BIT_ULL(order);

	if (within->last - within->start < size - 1)
		return false;
	if (highest)
		*at = round_down(within->last + 1, size) - 1;
	else
		*at = round_up(within->start, size);
	return dmag_frames_seek(f, &s, at) && *at >= within->start &&
	       *at <= within->last && within->last - *at >= size - 1;
}

static bool frames_roomy(const struct dmag_range *within, u64 count)
{
	return within->start <= within->last &&
	       within->last - within->start >= count - 1;
}

/* The lowest @period bits, over and over. */
static u64 frames_repeat(u64 bits, u64 period)
{
	for (; period < 64; period *= 2)
		bits |= bits << period;
	return bits;
}

/* Places in the word at @base that a request allows, whatever is free. */
static u64 frames_places_allowed(const struct dmag_request *rq,
				 const struct dmag_range *within, u64 base)
{
	u64 map = ~0ULL, top = within->last - (rq->count - 1);

	if (within->start > base + 63 || top < base)
		return 0;
	if (within->start > base)
		map <<= within->start - base;
	if (top < base + 63)
		map &= ~0ULL >> (63 - (top - base));
	if (rq->align > 64)
		map &= !(base & (rq->align - 1));
	else if (rq->align)
		map &= frames_repeat(1, rq->align);
	if (rq->boundary && rq->boundary < 64)
		map &= frames_repeat(BIT_ULL(rq->boundary - rq->count + 1) - 1,
				     rq->boundary);
	else if (rq->boundary && !((base + 64) & (rq->boundary - 1)))
		map &= ~0ULL >> (rq->count - 1);
	return map;
}

static u64 frames_free_word(const struct dmag_frames *f, u64 pfn)
{
	const struct dmag_node *leaf = frames_leaf(f, pfn);
	const struct dmag_block *b;

	b = leaf ? leaf->child[frames_index(pfn, DMAG_LEAF)] : NULL;
	return b ? b->free[frames_index(pfn, 1)] : 0;
}

/* The first or last place in the word at @base where @count frames are free. */
static bool frames_place_in_word(const struct dmag_frames *f,
				 const struct dmag_request *rq,
				 const struct dmag_range *within, u64 base,
				 u64 *at)
{
	u64 low = frames_free_word(f, base);
	u64 high = frames_free_word(f, base + 64);
	unsigned int have, more;

	for (have = 1; have < rq->count; have += more) {
		more = min_t(u64, have, rq->count - have);
		low &= low >> more | high << (64 - more);
		high &= high >> more;
	}
	low &= frames_places_allowed(rq, within, base);
	if (!low)
		return false;
	if (rq->from == DMAG_HIGHEST)
		*at = base + fls64(low) - 1;
	else
		*at = base + __ffs64(low);
	return true;
}

/*
 * Word by word, for what is no longer than one, as there may be many short runs
 * in each.  What contains the aligned run that was found begins in its word or
 * in the one before.
 */
static bool frames_find_in_words(const struct dmag_frames *f,
				 const struct dmag_request *rq,
				 unsigned int order, u64 *at)
{
	bool high = rq->from == DMAG_HIGHEST;
	struct dmag_range within = rq->within;
	u64 base, before;

	while (frames_roomy(&within, rq->count) &&
	       frames_find_run(f, order, high, &within, at)) {
		base = round_down(*at, 64);
		before = base - min(base, 64ULL);
		if (frames_place_in_word(f, rq, &within, high ? base : before,
					 at) ||
		    frames_place_in_word(f, rq, &within, high ? before : base,
					 at))
			return true;
		if (high && !before)
			return false;
		if (high)
			within.last = before + rq->count - 2;
		else
			within.start = base + 64;
	}
	return false;
}

/* Run by run. */
static bool frames_find_in_runs(const struct dmag_frames *f,
				const struct dmag_request *rq,
				unsigned int order, u64 *at)
{
	bool fits, high = rq->from == DMAG_HIGHEST;
	struct dmag_range run, within = rq->within;
	u64 align = rq->align + !rq->align;

	while (frames_roomy(&within, rq->count) &&
	       frames_find_run(f, order, high, &within, at)) {
		run = frames_free_around(f, *at, BIT_ULL(order), &within);
		fits = high ? frames_place_high(rq, align, &run, at) :
			      frames_place_low(rq, align, &run, at);
		if (fits)
			return true;
		if (!high)
			frames_beyond_low(align, &run, &within);
		else if (!frames_beyond_high(rq, align, &run, &within))
			return false;
	}
	return false;
}

/**
 * dmag_frames_find() - Find where a request can be satisfied.
 * @f: the structure
 * @rq: a valid request
 * @natural: its count is a power of two and its alignment the same
 * @at: the answer
 *
 * A natural request costs a few words a level.  Any other looks at places with
 * an aligned free run of about half its size, each once: at words if it is not
 * longer than one, at free runs if it is.
 */
bool dmag_frames_find(const struct dmag_frames *f,
		      const struct dmag_request *rq, bool natural, u64 *at)
{
	unsigned int order =
		frames_order_within(rq->count, rq->align + !rq->align);

	if (natural)
		return frames_find_run(f, order, rq->from == DMAG_HIGHEST,
				       &rq->within, at);
	if (rq->count <= 64)
		return frames_find_in_words(f, rq, order, at);
	return frames_find_in_runs(f, rq, order, at);
}
