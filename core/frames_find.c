// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag frames: finding.
 *
 * One cursor serves every search.  It walks down from the root along the place
 * where the search begins.  At each level a map says which children can hold an
 * answer, and those on the wrong side of the cursor are masked off.  If none
 * remains, the cursor moves past the node, and the walk resumes at the first
 * ancestor that it did not leave.  A map can be wrong once a level, at the edge
 * where the search begins; inside it is exact.
 */
#include "frames.h"

/**
 * dmag_frames_state() - The state of a frame.
 * @frames: the structure
 * @pfn: the frame
 *
 * Context: Any.
 * Return: its state; DMAG_FOREIGN also beyond DMAG_PFN_MAX.
 */
enum dmag_state dmag_frames_state(const struct dmag_frames *frames, u64 pfn)
{
	const struct dmag_block *block = frames_block(frames, pfn);
	unsigned int word = frames_index(pfn, 1);

	if (!block || !(block->own[word] >> (pfn & 63) & 1))
		return DMAG_FOREIGN;
	if (pfn == frames->hot || block->free[word] >> (pfn & 63) & 1)
		return DMAG_FREE;
	return DMAG_USED;
}

/* The position of a search. */
struct frames_cursor {
	const struct dmag_frames *frames;
	const struct frames_seek *seek;
	const struct dmag_node *path[DMAG_LEAF + DMAG_HEIGHT_MAX];
	unsigned int level;
	unsigned int target; /* the level of the answer */
	u64 pfn;
};

static const struct dmag_block *
frames_cursor_block(const struct frames_cursor *cursor)
{
	return cursor->path[DMAG_LEAF]
		->child[frames_index(cursor->pfn, DMAG_LEAF)];
}

/* Children at this level with an aligned free run of @order, or part of it. */
static u64 frames_map_run(const struct frames_cursor *cursor,
			  unsigned int order)
{
	unsigned int here = min(order, frames_shift(cursor->level));
	const struct dmag_node *leaf = cursor->path[DMAG_LEAF];
	u64 map;

	if (cursor->level >= DMAG_LEAF)
		map = cursor->path[cursor->level]->has[here];
	else if (cursor->level == 1)
		map = leaf->sub[frames_index(cursor->pfn, DMAG_LEAF)] >>
			      (8 * here) &
		      0xff;
	else
		map = frames_cursor_block(cursor)
			      ->free[frames_index(cursor->pfn, 1)];
	return frames_fold(map, order - here);
}

/* Frames of word @word of the cursor's block that are not in @state. */
static u64 frames_word_not(const struct frames_cursor *cursor,
			   unsigned int word, enum dmag_state state)
{
	u64 inside = frames_word_in(frames_cursor_block(cursor), word, state);
	u64 base = round_down(cursor->pfn, DMAG_BLOCK_FRAMES) + 64 * word;
	u64 hot = cursor->frames->hot - base;

	/* The hot frame is free, although its bits say used. */
	if (state != DMAG_FOREIGN && hot < 64)
		inside ^= BIT_ULL(hot);
	return ~inside;
}

/* Words of the cursor's block, as a map, that are not entirely in @state. */
static u64 frames_words_not(const struct frames_cursor *cursor,
			    enum dmag_state state)
{
	unsigned int word;
	u64 map = 0;

	for (word = 0; word < 8; word++)
		if (frames_word_not(cursor, word, state))
			map |= BIT_ULL(word);
	return map;
}

/* Children at this level that may hold a frame that is not in @state. */
static u64 frames_map_not(const struct frames_cursor *cursor,
			  enum dmag_state state)
{
	const struct dmag_node *node = cursor->path[cursor->level];

	if (!cursor->level)
		return frames_word_not(cursor, frames_index(cursor->pfn, 1),
				       state);
	if (cursor->level == 1)
		return frames_words_not(cursor, state);
	if (state == DMAG_FREE)
		return ~node->has[frames_shift(cursor->level)];
	return state == DMAG_FOREIGN ? node->present : ~0ULL;
}

/* Children at this level, from the cursor on, that are worth a look. */
static u64 frames_cursor_map(const struct frames_cursor *cursor)
{
	unsigned int i = frames_index(cursor->pfn, cursor->level);
	u64 map = cursor->seek->run ?
			  frames_map_run(cursor, cursor->seek->order) :
			  frames_map_not(cursor, cursor->seek->unlike);

	return map & (cursor->seek->highest ? ~0ULL >> (63 - i) : ~0ULL << i);
}

/* Nothing here: go past this node, and past all that end where it ends. */
static bool frames_cursor_leave(struct frames_cursor *cursor)
{
	u64 span = BIT_ULL(frames_shift(cursor->level + 1)) - 1;
	bool down = cursor->seek->highest;
	unsigned int edge;

	cursor->pfn = down ? (cursor->pfn & ~span) - 1 :
			     (cursor->pfn | span) + 1;
	do {
		if (++cursor->level > frames_top(cursor->frames))
			return false;
		edge = down ? frames_index(~0ULL, cursor->level) : 0;
	} while (frames_index(cursor->pfn, cursor->level) == edge);
	return true;
}

/* Go to child @i: to its near edge, unless the cursor is in it already. */
static void frames_cursor_enter(struct frames_cursor *cursor, unsigned int i)
{
	unsigned int shift = frames_shift(cursor->level);
	u64 above = cursor->pfn &
		    ~(BIT_ULL(frames_shift(cursor->level + 1)) - 1);

	DMAG_CHECK(i < 64 && cursor->level >= cursor->target);
	if (i == frames_index(cursor->pfn, cursor->level) &&
	    cursor->level != cursor->target)
		return;
	cursor->pfn = above | (u64)i << shift;
	if (cursor->seek->highest && cursor->level != cursor->target)
		cursor->pfn |= BIT_ULL(shift) - 1;
}

/* One level down; false if there is nothing below to look into. */
static bool frames_cursor_down(struct frames_cursor *cursor, unsigned int i)
{
	const void *child;

	DMAG_CHECK(cursor->level >= cursor->target);
	if (cursor->level == cursor->target)
		return false;
	if (cursor->level >= DMAG_LEAF) {
		child = cursor->path[cursor->level]->child[i];
		if (!child)
			return false;
		if (cursor->level > DMAG_LEAF)
			cursor->path[cursor->level - 1] = child;
	}
	cursor->level--;
	return true;
}

static unsigned int frames_run_level(const struct dmag_frames *frames,
				     unsigned int order)
{
	if (order < 6)
		return 0;
	if (order < DMAG_BLOCK_ORDER)
		return 1;
	return min((order + 3) / 6, frames_top(frames));
}

/**
 * dmag_frames_seek() - Find the next place that matches.
 * @frames: the structure
 * @seek: the kind of place, and the direction
 * @pfn: where to begin, and the answer.  For a run downwards, the last frame of
 *	the first candidate; the answer is its first frame always.  Downwards,
 *	what is above the tree's span is passed over
 *
 * Return: Whether there is one in the span of the tree.  If not, @pfn is the
 * first frame beyond the end that was reached (-1 at the bottom).
 */
bool dmag_frames_seek(const struct dmag_frames *frames,
		      const struct frames_seek *seek, u64 *pfn)
{
	struct frames_cursor cursor = { .frames = frames,
					.seek = seek,
					.level = frames_top(frames),
					.pfn = *pfn };
	unsigned int i, bits = frames_shift(frames_top(frames) + 1);
	u64 map;

	DMAG_CHECK(!seek->run || seek->order <= DMAG_PFN_BITS);
	if (seek->highest)
		cursor.pfn = min_t(u64, cursor.pfn, BIT_ULL(bits) - 1);
	if (!frames->root || cursor.pfn >> bits ||
	    (seek->run && seek->order > bits))
		return false;
	cursor.path[cursor.level] = frames->root;
	cursor.target = seek->run ? frames_run_level(frames, seek->order) : 0;
	for (;;) {
		map = frames_cursor_map(&cursor);
		if (!map) {
			if (frames_cursor_leave(&cursor))
				continue;
			*pfn = cursor.pfn;
			return false;
		}
		i = seek->highest ? (unsigned int)fls64(map) - 1 : __ffs64(map);
		frames_cursor_enter(&cursor, i);
		if (!frames_cursor_down(&cursor, i))
			break;
	}
	*pfn = cursor.pfn;
	return true;
}

/* The free run around the aligned one at @pfn, no further than @within. */
static struct dmag_range frames_free_around(const struct dmag_frames *frames,
					    u64 pfn, u64 size,
					    const struct dmag_range *within)
{
	struct frames_seek above = { .unlike = DMAG_FREE };
	struct frames_seek down = { .unlike = DMAG_FREE, .highest = true };
	struct dmag_range run = { pfn - 1, pfn + size };

	DMAG_CHECK(dmag_frames_state(frames, pfn) == DMAG_FREE);
	if (pfn)
		dmag_frames_seek(frames, &down, &run.start);
	dmag_frames_seek(frames, &above, &run.last);
	run.start = max(run.start + 1, within->start);
	run.last = min(run.last - 1, within->last);
	return run;
}

/* Does [pfn, pfn + count) cross a boundary on the bus, and if so where. */
static bool frames_crosses(const struct dmag_request *req, u64 pfn, u64 *where)
{
	u64 last = pfn + req->count - 1;

	if (!req->boundary ||
	    ((pfn + req->phase) ^ (last + req->phase)) < req->boundary)
		return false;
	DMAG_CHECK(req->count <= req->boundary);
	*where = round_down(last + req->phase, req->boundary) - req->phase;
	return true;
}

/*
 * Place a request in a free run, as low or as high as it goes.  Alignment and
 * boundary are powers of two.  If the boundary is the larger one, its multiples
 * are aligned, so that a run can begin there.  If it is not, no aligned run
 * crosses it, since no count exceeds the boundary.
 */
static bool frames_place_low(const struct dmag_request *req,
			     const struct frames_places *places,
			     const struct dmag_range *run, u64 *pfn)
{
	*pfn = frames_place_up(places, run->start);
	frames_crosses(req, *pfn, pfn);
	return *pfn <= run->last && run->last - *pfn >= req->count - 1;
}

static bool frames_place_high(const struct dmag_request *req,
			      const struct frames_places *places,
			      const struct dmag_range *run, u64 *pfn)
{
	u64 edge;

	if (run->last - run->start < req->count - 1)
		return false;
	*pfn = frames_place_down(places, run->last + 1 - req->count);
	if (frames_crosses(req, *pfn, &edge))
		*pfn = frames_place_down(places, edge - req->count);
	return *pfn >= run->start && *pfn <= run->last;
}

/* Reduce @within to the placements beyond a run that was too small. */
static void frames_beyond_low(const struct frames_places *places,
			      const struct dmag_range *run,
			      struct dmag_range *within)
{
	within->start = frames_place_up(places, run->last + 1);
}

static bool frames_beyond_high(const struct dmag_request *req,
			       const struct frames_places *places,
			       const struct dmag_range *run,
			       struct dmag_range *within)
{
	u64 place;

	if (run->start < req->count)
		return false;
	place = frames_place_down(places, run->start - req->count);
	within->last = place + req->count - 1;
	return place < run->start;
}

/*
 * The largest order of which any placement must contain an aligned run: 2^k
 * frames from an aligned start do if k fits in alignment and count, and
 * 2^(k+1) - 1 frames do wherever they start.  All places are multiples of the
 * alignment, or of the phase's lowest bit, as far as PFNs go.
 */
static unsigned int frames_order_within(const struct frames_places *places,
					u64 count)
{
	u64 align = places->phase ? places->phase & (0 - places->phase) :
				    places->align;
	unsigned int by_align = min(fls64(align), fls64(count)) - 1;
	unsigned int by_count = max(fls64(count + 1), 2) - 2;

	DMAG_CHECK(BIT_ULL(max(by_align, by_count)) <= count);
	return max(by_align, by_count);
}

/* The first aligned run in @within, from the end that is preferred. */
static bool frames_find_run(const struct dmag_frames *frames,
			    unsigned int order, bool highest,
			    const struct dmag_range *within, u64 *pfn)
{
	struct frames_seek seek = { .run = true,
				    .order = order,
				    .highest = highest };
	u64 size = BIT_ULL(order);

	DMAG_CHECK(within->start <= within->last);
	if (within->last - within->start < size - 1)
		return false;
	if (highest)
		*pfn = round_down(within->last + 1, size) - 1;
	else
		*pfn = round_up(within->start, size);
	return dmag_frames_seek(frames, &seek, pfn) && *pfn >= within->start &&
	       *pfn <= within->last && within->last - *pfn >= size - 1;
}

static bool frames_roomy(const struct dmag_range *within, u64 count)
{
	return within->start <= within->last &&
	       within->last - within->start >= count - 1;
}

/* The bits below @bit, of which there are 64. */
static u64 frames_below(u64 bit)
{
	return bit < 64 ? BIT_ULL(bit) - 1 : ~0ULL;
}

/* The lowest @period bits, over and over. */
static u64 frames_repeat(u64 bits, u64 period)
{
	DMAG_CHECK(period && !(period & (period - 1)));
	for (; period < 64; period *= 2)
		bits |= bits << period;
	return bits;
}

/* @map without the places from which @count frames would cross bit @edge. */
static u64 frames_not_across(u64 map, u64 count, u64 edge)
{
	u64 low = edge - min(edge, count - 1);

	if (low > 63 || low == edge)
		return map;
	return map & ~(frames_below(edge) & ~frames_below(low));
}

/* The same for the edges in reach of a word, of which @first is the first. */
static u64 frames_in_boundary(u64 map, const struct dmag_request *req,
			      u64 first)
{
	u64 edge;

	for (edge = first; edge < 64 + req->count; edge += req->boundary)
		map = frames_not_across(map, req->count, edge);
	return map;
}

/* Places in the word at @base that a request allows, whatever is free. */
static u64 frames_places_allowed(const struct dmag_request *req,
				 const struct dmag_range *within, u64 base)
{
	struct frames_places places = frames_places_of(req);
	u64 map, top = within->last - (req->count - 1);
	u64 first = frames_place_up(&places, base) - base;

	DMAG_CHECK(req->count <= 64 && base % 64 == 0);
	if (within->start > base + 63 || top < base || first > 63)
		return 0;
	map = places.align < 64 ? frames_repeat(BIT_ULL(first), places.align) :
				  BIT_ULL(first);
	if (within->start > base)
		map &= ~frames_below(within->start - base);
	if (top < base + 63)
		map &= frames_below(top - base + 1);
	if (!req->boundary)
		return map;
	return frames_in_boundary(
		map, req, (0 - base - req->phase) & (req->boundary - 1));
}

static u64 frames_free_word(const struct dmag_frames *frames, u64 pfn)
{
	const struct dmag_block *block = frames_block(frames, pfn);

	return block ? block->free[frames_index(pfn, 1)] : 0;
}

/* The first or last place in the word at @base where @count frames are free. */
static bool frames_place_in_word(const struct dmag_frames *frames,
				 const struct dmag_request *req,
				 const struct dmag_range *within, u64 base,
				 u64 *pfn)
{
	u64 low = frames_free_word(frames, base);
	u64 high = frames_free_word(frames, base + 64);
	unsigned int have, more;

	for (have = 1; have < req->count; have += more) {
		more = min_t(u64, have, req->count - have);
		low &= low >> more | high << (64 - more);
		high &= high >> more;
	}
	low &= frames_places_allowed(req, within, base);
	if (!low)
		return false;
	if (req->from == DMAG_HIGHEST)
		*pfn = base + fls64(low) - 1;
	else
		*pfn = base + __ffs64(low);
	DMAG_CHECK(frames_fits(req, *pfn));
	return true;
}

/*
 * The number of places to look at before a part of a larger block is taken.  If a
 * few have no room, others are likely to have none, and each costs more than the
 * larger block does.
 */
static u64 frames_search_few(const struct dmag_frames *frames)
{
	return frames->search_max ? min(frames->search_max, 2U) : U64_MAX;
}

/*
 * A free block of the next power of two has room for the request, and is found at
 * once if there is one.
 */
static bool frames_find_larger(const struct dmag_frames *frames,
			       const struct dmag_request *req,
			       const struct frames_places *places, u64 *pfn)
{
	bool high = req->from == DMAG_HIGHEST;
	u64 need = req->count + (places->phase ? places->align : 0);
	unsigned int order = fls64(max(need, places->align) - 1);
	struct dmag_range run;

	/* Else the places that were looked at would not fit below the top. */
	DMAG_CHECK(order <= DMAG_PFN_BITS);
	if (!frames_find_run(frames, order, high, &req->within, &run.start))
		return false;
	run.last = run.start + BIT_ULL(order) - 1;
	return high ? frames_place_high(req, places, &run, pfn) :
		      frames_place_low(req, places, &run, pfn);
}

/*
 * Search word by word, for counts of at most a word, which may hold many short
 * runs.  A run that contains the aligned run that was found begins in the same
 * word or in the one before.  The next word is the next that has an aligned place.
 */
static bool frames_find_in_words(const struct dmag_frames *frames,
				 const struct dmag_request *req,
				 unsigned int order, u64 *pfn)
{
	bool high = req->from == DMAG_HIGHEST;
	struct dmag_range within = req->within;
	struct frames_places places = frames_places_of(req);
	u64 looked = 0, few = frames_search_few(frames);
	u64 base, before, place;

	while (frames_roomy(&within, req->count) &&
	       frames_find_run(frames, order, high, &within, pfn)) {
		if (looked == few &&
		    frames_find_larger(frames, req, &places, pfn))
			return true;
		if (frames->search_max && looked++ == frames->search_max)
			return false;
		base = round_down(*pfn, 64);
		before = base - min_t(u64, base, 64);
		if (frames_place_in_word(frames, req, &within,
					 high ? base : before, pfn) ||
		    frames_place_in_word(frames, req, &within,
					 high ? before : base, pfn))
			return true;
		if (high && !before)
			return false;
		place = high ? frames_place_down(&places, before - 1) :
			       frames_place_up(&places, base + 64);
		if (high && place >= before)
			return false;
		if (high)
			within.last = place + req->count - 1;
		else
			within.start = place;
	}
	return false;
}

/* Search free run by free run. */
static bool frames_find_in_runs(const struct dmag_frames *frames,
				const struct dmag_request *req,
				unsigned int order, u64 *pfn)
{
	bool fits, high = req->from == DMAG_HIGHEST;
	struct frames_places places = frames_places_of(req);
	struct dmag_range run, within = req->within;
	u64 looked = 0, few = frames_search_few(frames);

	while (frames_roomy(&within, req->count) &&
	       frames_find_run(frames, order, high, &within, pfn)) {
		if (looked == few &&
		    frames_find_larger(frames, req, &places, pfn))
			return true;
		if (frames->search_max && looked++ == frames->search_max)
			return false;
		run = frames_free_around(frames, *pfn, BIT_ULL(order), &within);
		fits = high ? frames_place_high(req, &places, &run, pfn) :
			      frames_place_low(req, &places, &run, pfn);
		DMAG_CHECK(!fits || frames_fits(req, *pfn));
		if (fits)
			return true;
		if (!high)
			frames_beyond_low(&places, &run, &within);
		else if (!frames_beyond_high(req, &places, &run, &within))
			return false;
	}
	return false;
}

/**
 * dmag_frames_find() - Find a place that satisfies a request.
 * @frames: the structure
 * @req: a valid request
 * @natural: its count is a power of two and its alignment the same
 * @pfn: the answer
 *
 * A natural request costs a few words a level.  Any other looks at places with
 * an aligned free run of about half its size, each once: at words if it is not
 * longer than one, at free runs if it is; at most @frames->search_max of them.
 */
bool dmag_frames_find(const struct dmag_frames *frames,
		      const struct dmag_request *req, bool natural, u64 *pfn)
{
	struct frames_places places = frames_places_of(req);
	unsigned int order = frames_order_within(&places, req->count);

	if (natural)
		return frames_find_run(frames, order, req->from == DMAG_HIGHEST,
				       &req->within, pfn);
	if (req->count <= 64)
		return frames_find_in_words(frames, req, order, pfn);
	return frames_find_in_runs(frames, req, order, pfn);
}
