// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Reach: from a constraint to its normal form.
 *
 * A translation is a list of windows of which the first that contains an
 * address counts.  A sweep over CPU addresses cuts it into pieces that are
 * disjoint and sorted; pieces that continue each other in CPU and in bus space
 * are joined.  Only then are they clipped to the limit, rounded inwards to
 * whole pages and cut with RAM: rounding first would lose a page that two
 * windows cover half each.  No step needs memory, and the sweep is quadratic
 * in the number of windows, of which real buses have a handful.
 */
#include "dmag.h"

/*
 * Windows and RAM ranges are counted in int results: two segments for each
 * window and one for each RAM range stay below 2^31.
 */
#define DMAG_NR_MAX 0x10000000U

/* Bytes @cpu to @last, all of which appear at the same distance @bus - @cpu. */
struct reach_piece {
	u64 cpu;
	u64 last;
	u64 bus;
};

/*
 * Where segments go.  @cur is segment @nr - 1, kept here because a caller who
 * asks for the size has no room for it; @first is the number of the first
 * segment of the present piece, before which nothing may be joined.
 */
struct reach_builder {
	const struct dmag_reach *ram;
	unsigned int next_ram;
	struct dmag_range *seg;
	unsigned int max;
	unsigned int nr;
	unsigned int first;
	struct dmag_range cur;
};

static const struct dmag_window reach_identity = { .size = U64_MAX };

/* The identity is one byte longer than a struct dmag_window can say. */
static u64 reach_window_last(const struct dmag_window *w)
{
	return w == &reach_identity ? U64_MAX : w->cpu + (w->size - 1);
}

static bool reach_window_valid(const struct dmag_window *w)
{
	return w->size && w->size - 1 <= U64_MAX - w->cpu &&
	       w->size - 1 <= U64_MAX - w->bus;
}

static bool reach_constraint_valid(const struct dmag_constraint *c)
{
	unsigned int i;

	if (!c || (c->attrs & ~DMAG_ATTRS) || c->nr_windows > DMAG_NR_MAX)
		return false;
	if (c->nr_windows && !c->windows)
		return false;
	for (i = 0; i < c->nr_windows; i++)
		if (!reach_window_valid(&c->windows[i]))
			return false;
	return true;
}

/**
 * dmag_reach_valid() - Whether @r is well formed.
 * @r: a reach or a RAM map
 *
 * Context: Any.
 * Return: true if its ranges are ascending, disjoint and not reversed.
 */
bool dmag_reach_valid(const struct dmag_reach *r)
{
	unsigned int i;

	if (!r || (r->nr && !r->seg))
		return false;
	for (i = 0; i < r->nr; i++) {
		if (r->seg[i].start > r->seg[i].last)
			return false;
		if (i && r->seg[i - 1].last >= r->seg[i].start)
			return false;
	}
	return true;
}

static void reach_emit(struct reach_builder *b, u64 start, u64 last)
{
	if (b->nr > b->first && b->cur.last + 1 == start) {
		b->cur.last = last;
	} else {
		b->cur.start = start;
		b->cur.last = last;
		b->nr++;
	}
	if (b->nr <= b->max)
		b->seg[b->nr - 1] = b->cur;
}

/*
 * Emit what RAM has of [start, last].  Calls come in ascending order, so a RAM
 * range that ends here is never looked at again.
 */
static void reach_emit_ram(struct reach_builder *b, u64 start, u64 last)
{
	const struct dmag_reach *ram = b->ram;

	b->first = b->nr;
	while (b->next_ram < ram->nr && ram->seg[b->next_ram].start <= last) {
		const struct dmag_range *r = &ram->seg[b->next_ram];

		if (r->last >= start)
			reach_emit(b, max(r->start, start), min(r->last, last));
		if (r->last > last)
			break;
		b->next_ram++;
	}
}

/* Clip a piece to the limit, round it inwards to whole pages, and emit it. */
static void reach_emit_piece(struct reach_builder *b,
			     const struct reach_piece *p, u64 limit)
{
	const u64 mask = (1ULL << PAGE_SHIFT) - 1;
	u64 start = p->cpu >> PAGE_SHIFT;
	u64 last = p->last;

	if (p->bus > limit)
		return;
	if (last - p->cpu > limit - p->bus)
		last = p->cpu + (limit - p->bus);
	if (p->cpu & mask)
		start++;
	/* A piece that ends in the middle of page 0 has no last page. */
	if ((last & mask) != mask && !(last >> PAGE_SHIFT))
		return;
	last = (last >> PAGE_SHIFT) - ((last & mask) != mask);
	if (start <= last)
		reach_emit_ram(b, start, last);
}

/*
 * The first piece at or above @at: the window of lowest index rules there, to
 * its end or to where a window of lower index begins.
 */
static bool reach_next_piece(const struct dmag_window *w, unsigned int nr,
			     u64 at, struct reach_piece *p)
{
	unsigned int i, rule = nr;
	u64 next = U64_MAX;

	for (i = 0; i < nr; i++) {
		if (reach_window_last(&w[i]) < at)
			continue;
		if (rule == nr || max(w[i].cpu, at) < next) {
			rule = i;
			next = max(w[i].cpu, at);
		}
	}
	if (rule == nr)
		return false;
	p->cpu = next;
	p->last = reach_window_last(&w[rule]);
	p->bus = w[rule].bus + (next - w[rule].cpu);
	for (i = 0; i < rule; i++)
		if (w[i].cpu > next)
			p->last = min(p->last, w[i].cpu - 1);
	return true;
}

/* Bus address 0 continues nothing, though it is one above the topmost. */
static bool reach_piece_continues(const struct reach_piece *a,
				  const struct reach_piece *b)
{
	return b->bus && a->last + 1 == b->cpu &&
	       b->cpu - a->cpu == b->bus - a->bus;
}

static void reach_sweep(struct reach_builder *b, const struct dmag_window *w,
			unsigned int nr, u64 limit)
{
	struct reach_piece cur, next;

	/* No window is empty, so there is a first piece. */
	(void)reach_next_piece(w, nr, 0, &cur);
	while (cur.last != U64_MAX &&
	       reach_next_piece(w, nr, cur.last + 1, &next)) {
		if (reach_piece_continues(&cur, &next)) {
			cur.last = next.last;
		} else {
			reach_emit_piece(b, &cur, limit);
			cur = next;
		}
	}
	reach_emit_piece(b, &cur, limit);
}

/**
 * dmag_reach_build() - Bring a constraint into its normal form.
 * @c: what the device can address
 * @ram: the memory that there is
 * @seg: where the segments go; may be NULL if @max is 0
 * @max: how many fit there
 *
 * A page counts if all its bytes appear contiguously on the bus, within the
 * limit.  As with snprintf(), a result above @max means that @seg holds only
 * the first @max segments and that the call wants repeating with more room.
 *
 * Context: Any.
 * Return: the number of segments, 0 if the device can reach nothing, or
 * -EINVAL if a window is empty or runs past 2^64 on either side, an attribute
 * is unknown, or @ram is not sorted.
 */
int dmag_reach_build(const struct dmag_constraint *c,
		     const struct dmag_reach *ram, struct dmag_range *seg,
		     unsigned int max)
{
	struct reach_builder b = { .ram = ram, .seg = seg, .max = max };

	if (!reach_constraint_valid(c) || (max && !seg))
		return -EINVAL;
	if (!ram || ram->nr > DMAG_NR_MAX || !dmag_reach_valid(ram))
		return -EINVAL;
	if (c->nr_windows)
		reach_sweep(&b, c->windows, c->nr_windows, c->limit);
	else
		reach_sweep(&b, &reach_identity, 1, c->limit);
	return b.nr;
}

/**
 * dmag_reach_equal() - Whether two reaches are the same.
 * @a: one
 * @b: the other
 *
 * Context: Any.
 * Return: true if they have the same segments.
 */
bool dmag_reach_equal(const struct dmag_reach *a, const struct dmag_reach *b)
{
	unsigned int i;

	if (!dmag_reach_valid(a) || !dmag_reach_valid(b) || a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (a->seg[i].start != b->seg[i].start ||
		    a->seg[i].last != b->seg[i].last)
			return false;
	return true;
}

/**
 * dmag_reach_includes() - Whether what serves @inner always serves @outer.
 * @outer: the reach that may be larger
 * @inner: the reach that may be smaller
 *
 * Context: Any.
 * Return: true if each segment of @inner lies within one segment of @outer.
 */
bool dmag_reach_includes(const struct dmag_reach *outer,
			 const struct dmag_reach *inner)
{
	unsigned int i;

	if (!dmag_reach_valid(outer) || !dmag_reach_valid(inner))
		return false;
	for (i = 0; i < inner->nr; i++)
		if (!dmag_reach_contains(outer, inner->seg[i].start,
					 inner->seg[i].last))
			return false;
	return true;
}

/**
 * dmag_reach_contains() - Whether a run lies within one segment.
 * @r: the reach, valid
 * @start: the first frame of the run
 * @last: its last frame
 *
 * Context: Any.  O(log segments).
 * Return: true if it does; false also for a reversed run.
 */
bool dmag_reach_contains(const struct dmag_reach *r, u64 start, u64 last)
{
	unsigned int lo = 0, hi;

	if (!r || !r->seg || start > last)
		return false;
	hi = r->nr;
	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (r->seg[mid].last < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->nr && r->seg[lo].start <= start &&
	       last <= r->seg[lo].last;
}

/* Whether the segments of @r from *@i on leave no gap in [start, last]. */
static bool reach_spans(const struct dmag_reach *r, unsigned int *i, u64 start,
			u64 last)
{
	while (*i < r->nr && r->seg[*i].last < start)
		++*i;
	while (*i < r->nr && r->seg[*i].start <= start) {
		if (r->seg[*i].last >= last)
			return true;
		start = r->seg[*i].last + 1;
		++*i;
	}
	return false;
}

/**
 * dmag_reach_covers() - Whether a reach has all there is.
 * @r: the reach
 * @ram: the memory that there is
 *
 * Where segments of @r touch, their cut does not matter.
 *
 * Context: Any.
 * Return: true if every frame of @ram is in @r.
 */
bool dmag_reach_covers(const struct dmag_reach *r, const struct dmag_reach *ram)
{
	unsigned int i, at = 0;

	if (!dmag_reach_valid(r) || !dmag_reach_valid(ram))
		return false;
	for (i = 0; i < ram->nr; i++)
		if (!reach_spans(r, &at, ram->seg[i].start, ram->seg[i].last))
			return false;
	return true;
}

/**
 * dmag_reach_intersect() - What two reaches have in common.
 * @a: one
 * @b: the other
 * @seg: where the segments go; may be NULL if @max is 0
 * @max: how many fit there
 *
 * The cuts of both remain: each segment lies within one of @a and one of @b.
 *
 * Context: Any.
 * Return: the number of segments, of which the first @max were written.
 */
unsigned int dmag_reach_intersect(const struct dmag_reach *a,
				  const struct dmag_reach *b,
				  struct dmag_range *seg, unsigned int max)
{
	unsigned int i = 0, j = 0, nr = 0;

	if (!dmag_reach_valid(a) || !dmag_reach_valid(b) || (max && !seg))
		return 0;
	while (i < a->nr && j < b->nr) {
		u64 start = max(a->seg[i].start, b->seg[j].start);
		u64 last = min(a->seg[i].last, b->seg[j].last);

		if (start <= last && nr++ < max) {
			seg[nr - 1].start = start;
			seg[nr - 1].last = last;
		}
		if (a->seg[i].last == last)
			i++;
		else
			j++;
	}
	return nr;
}

/**
 * dmag_reach_frames() - How large a reach is.
 * @r: the reach
 *
 * Context: Any.
 * Return: the number of its frames; 0 if it is not valid.
 */
u64 dmag_reach_frames(const struct dmag_reach *r)
{
	unsigned int i;
	u64 frames = 0;

	if (!dmag_reach_valid(r))
		return 0;
	for (i = 0; i < r->nr; i++)
		frames += r->seg[i].last - r->seg[i].start + 1;
	return frames;
}
