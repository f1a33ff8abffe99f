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
#include "dmag_port.h"

/*
 * Windows and RAM ranges are counted in int results: two segments for each
 * window and one for each RAM range stay below 2^31.
 */
#define DMAG_NR_MAX 0x10000000U
static_assert(3ULL * DMAG_NR_MAX <= 0x7fffffff);

/* Bytes @cpu to @last, all of which appear at the same distance @bus - @cpu. */
struct reach_piece {
	u64 cpu;
	u64 last;
	u64 bus;
};

/*
 * The output.  @cur is segment @nr - 1, kept here because a caller that asks for
 * the size has no room for it; @first is the number of the first segment of the
 * present piece, and no segment before it may be extended.
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
static u64 reach_window_last(const struct dmag_window *window)
{
	return window == &reach_identity ? U64_MAX :
					   window->cpu + (window->size - 1);
}

static bool reach_window_valid(const struct dmag_window *window)
{
	return window->size && window->size - 1 <= U64_MAX - window->cpu &&
	       window->size - 1 <= U64_MAX - window->bus;
}

static bool reach_constraint_valid(const struct dmag_constraint *constraint)
{
	unsigned int i;

	if ((constraint->attrs & ~DMAG_ATTRS) ||
	    constraint->nr_windows > DMAG_NR_MAX)
		return false;
	if (constraint->nr_windows && !constraint->windows)
		return false;
	for (i = 0; i < constraint->nr_windows; i++)
		if (!reach_window_valid(&constraint->windows[i]))
			return false;
	return true;
}

/**
 * dmag_reach_valid() - Whether @reach is well formed.
 * @reach: a reach or a RAM map
 *
 * Context: Any.
 * Return: true if its ranges are ascending, disjoint and not reversed.
 */
bool dmag_reach_valid(const struct dmag_reach *reach)
{
	unsigned int i;

	DMAG_CHECK(reach);
	if (reach->nr && !reach->seg)
		return false;
	for (i = 0; i < reach->nr; i++) {
		if (reach->seg[i].start > reach->seg[i].last)
			return false;
		if (i && reach->seg[i - 1].last >= reach->seg[i].start)
			return false;
	}
	return true;
}

static void reach_emit(struct reach_builder *builder, u64 start, u64 last)
{
	DMAG_CHECK(start <= last);
	DMAG_CHECK(!builder->nr || builder->cur.last < start);
	if (builder->nr > builder->first && builder->cur.last + 1 == start) {
		builder->cur.last = last;
	} else {
		builder->cur.start = start;
		builder->cur.last = last;
		builder->nr++;
	}
	if (builder->nr <= builder->max)
		builder->seg[builder->nr - 1] = builder->cur;
}

/*
 * Emit the RAM in [start, last].  Calls come in ascending order, so a RAM range
 * that ends here is not needed again.
 */
static void reach_emit_ram(struct reach_builder *builder, u64 start, u64 last)
{
	const struct dmag_reach *ram = builder->ram;

	DMAG_CHECK(start <= last);
	builder->first = builder->nr;
	while (builder->next_ram < ram->nr &&
	       ram->seg[builder->next_ram].start <= last) {
		const struct dmag_range *range = &ram->seg[builder->next_ram];

		if (range->last >= start)
			reach_emit(builder, max(range->start, start),
				   min(range->last, last));
		if (range->last > last)
			break;
		builder->next_ram++;
	}
}

/* Clip a piece to the limit, round it inwards to whole pages, and emit it. */
static void reach_emit_piece(struct reach_builder *builder,
			     const struct reach_piece *piece, u64 limit)
{
	const u64 mask = (1ULL << PAGE_SHIFT) - 1;
	u64 start = piece->cpu >> PAGE_SHIFT;
	u64 last = piece->last;

	DMAG_CHECK(piece->cpu <= piece->last);
	if (piece->bus > limit)
		return;
	if (last - piece->cpu > limit - piece->bus)
		last = piece->cpu + (limit - piece->bus);
	if (piece->cpu & mask)
		start++;
	/* A piece that ends in the middle of page 0 has no last page. */
	if ((last & mask) != mask && !(last >> PAGE_SHIFT))
		return;
	last = (last >> PAGE_SHIFT) - ((last & mask) != mask);
	if (start <= last)
		reach_emit_ram(builder, start, last);
}

/*
 * The first piece at or above @pos: the window of lowest index rules there, to
 * its end or to where a window of lower index begins.
 */
static bool reach_next_piece(const struct dmag_window *window, unsigned int nr,
			     u64 pos, struct reach_piece *piece)
{
	unsigned int i, rule = nr;
	u64 next = U64_MAX;

	for (i = 0; i < nr; i++) {
		if (reach_window_last(&window[i]) < pos)
			continue;
		if (rule == nr || max(window[i].cpu, pos) < next) {
			rule = i;
			next = max(window[i].cpu, pos);
		}
	}
	if (rule == nr)
		return false;
	piece->cpu = next;
	piece->last = reach_window_last(&window[rule]);
	piece->bus = window[rule].bus + (next - window[rule].cpu);
	for (i = 0; i < rule; i++)
		if (window[i].cpu > next)
			piece->last = min(piece->last, window[i].cpu - 1);
	DMAG_CHECK(pos <= piece->cpu && piece->cpu <= piece->last);
	return true;
}

/* Bus address 0 continues nothing, though it is one above the topmost. */
static bool reach_piece_continues(const struct reach_piece *a,
				  const struct reach_piece *b)
{
	return b->bus && a->last + 1 == b->cpu &&
	       b->cpu - a->cpu == b->bus - a->bus;
}

static void reach_sweep(struct reach_builder *builder,
			const struct dmag_window *window, unsigned int nr,
			u64 limit)
{
	struct reach_piece cur, next;

	DMAG_CHECK(nr);
	/* No window is empty, so there is a first piece. */
	(void)reach_next_piece(window, nr, 0, &cur);
	while (cur.last != U64_MAX &&
	       reach_next_piece(window, nr, cur.last + 1, &next)) {
		if (reach_piece_continues(&cur, &next)) {
			cur.last = next.last;
		} else {
			reach_emit_piece(builder, &cur, limit);
			cur = next;
		}
	}
	reach_emit_piece(builder, &cur, limit);
}

/**
 * dmag_reach_build() - Bring a constraint into its normal form.
 * @constraint: the memory that the device can address
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
int dmag_reach_build(const struct dmag_constraint *constraint,
		     const struct dmag_reach *ram, struct dmag_range *seg,
		     unsigned int max)
{
	struct reach_builder builder = { .ram = ram, .seg = seg, .max = max };
	struct dmag_reach built = { .seg = seg };

	DMAG_CHECK(constraint && ram && (seg || !max));
	if (!reach_constraint_valid(constraint) || ram->nr > DMAG_NR_MAX ||
	    !dmag_reach_valid(ram))
		return -EINVAL;
	if (constraint->nr_windows)
		reach_sweep(&builder, constraint->windows,
			    constraint->nr_windows, constraint->limit);
	else
		reach_sweep(&builder, &reach_identity, 1, constraint->limit);
	built.nr = min(builder.nr, max);
	DMAG_CHECK(dmag_reach_valid(&built));
	return builder.nr;
}

/* Insertion sort: maps are short, and mostly sorted already. */
static void reach_sort(struct dmag_range *seg, unsigned int nr)
{
	unsigned int i, hole;

	for (i = 1; i < nr; i++) {
		const struct dmag_range range = seg[i];

		for (hole = i; hole && seg[hole - 1].start > range.start;
		     hole--)
			seg[hole] = seg[hole - 1];
		seg[hole] = range;
	}
}

/**
 * dmag_reach_normalise() - Make a RAM map of ranges in any order.
 * @seg: the ranges, in frames; they may overlap, touch or be reversed
 * @nr: how many
 *
 * For the maps that firmware gives.  Sorts in place, joins ranges that overlap or
 * touch, and leaves out those that are reversed, as a range of less than a page
 * is once it is rounded inwards.  Not for a device's reach, where a cut between
 * two segments that touch means something.
 *
 * Context: Any; quadratic in the number of ranges that are out of order.
 * Return: how many ranges remain; they are a valid struct dmag_reach.
 */
unsigned int dmag_reach_normalise(struct dmag_range *seg, unsigned int nr)
{
	unsigned int i, out = 0;

	DMAG_CHECK(seg || !nr);
	reach_sort(seg, nr);
	for (i = 0; i < nr; i++) {
		const struct dmag_range range = seg[i];

		if (range.start > range.last)
			continue;
		if (out && (seg[out - 1].last >= range.start ||
			    seg[out - 1].last + 1 == range.start))
			seg[out - 1].last = max(seg[out - 1].last, range.last);
		else
			seg[out++] = range;
	}
	return out;
}

/**
 * dmag_reach_bus() - The bus address of a frame.
 * @constraint: the device's, valid
 * @pfn: a frame in the reach that was built from it
 * @bus: receives the address of the frame's first byte
 *
 * As many frames follow in bus space as follow in the segment of the reach.  The
 * difference between @bus, in frames, and @pfn is the phase of a request whose
 * alignment or boundary is one of bus addresses.
 *
 * Context: Any.
 * Return: true; false if the first byte of @pfn has no address within the limit.
 */
bool dmag_reach_bus(const struct dmag_constraint *constraint, u64 pfn, u64 *bus)
{
	const u64 cpu = pfn << PAGE_SHIFT;
	unsigned int i;

	DMAG_CHECK(constraint && bus && reach_constraint_valid(constraint));
	*bus = cpu;
	for (i = 0; i < constraint->nr_windows; i++) {
		const struct dmag_window *window = &constraint->windows[i];

		if (cpu >= window->cpu && cpu - window->cpu < window->size) {
			*bus = window->bus + (cpu - window->cpu);
			break;
		}
	}
	return (!constraint->nr_windows || i < constraint->nr_windows) &&
	       *bus <= constraint->limit;
}

/**
 * dmag_reach_equal() - Whether two reaches are the same.
 * @a: one, valid
 * @b: the other, valid
 *
 * Context: Any.
 * Return: true if they have the same segments.
 */
bool dmag_reach_equal(const struct dmag_reach *a, const struct dmag_reach *b)
{
	unsigned int i;

	DMAG_CHECK(dmag_reach_valid(a) && dmag_reach_valid(b));
	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (a->seg[i].start != b->seg[i].start ||
		    a->seg[i].last != b->seg[i].last)
			return false;
	return true;
}

/**
 * dmag_reach_includes() - Whether any run in @inner also serves @outer.
 * @outer: the reach that may be larger, valid
 * @inner: the reach that may be smaller, valid
 *
 * Context: Any.
 * Return: true if each segment of @inner lies within one segment of @outer.
 */
bool dmag_reach_includes(const struct dmag_reach *outer,
			 const struct dmag_reach *inner)
{
	unsigned int i;

	DMAG_CHECK(dmag_reach_valid(outer) && dmag_reach_valid(inner));
	for (i = 0; i < inner->nr; i++)
		if (!dmag_reach_contains(outer, inner->seg[i].start,
					 inner->seg[i].last))
			return false;
	return true;
}

/**
 * dmag_reach_contains() - Whether a run lies within one segment.
 * @reach: the reach, valid
 * @start: the first frame of the run
 * @last: its last frame
 *
 * Context: Any.  O(log segments).
 * Return: true if it does; false also for a reversed run.
 */
bool dmag_reach_contains(const struct dmag_reach *reach, u64 start, u64 last)
{
	unsigned int low = 0, high;

	DMAG_CHECK(dmag_reach_valid(reach));
	if (start > last)
		return false;
	high = reach->nr;
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (reach->seg[mid].last < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < reach->nr && reach->seg[low].start <= start &&
	       last <= reach->seg[low].last;
}

/* Whether the segments of @reach from *@next on leave no gap in [start, last]. */
static bool reach_spans(const struct dmag_reach *reach, unsigned int *next,
			u64 start, u64 last)
{
	while (*next < reach->nr && reach->seg[*next].last < start)
		++*next;
	while (*next < reach->nr && reach->seg[*next].start <= start) {
		if (reach->seg[*next].last >= last)
			return true;
		start = reach->seg[*next].last + 1;
		++*next;
	}
	return false;
}

/**
 * dmag_reach_covers() - Whether a reach contains all memory.
 * @reach: the reach, valid
 * @ram: the memory that there is, valid
 *
 * A cut between segments of @reach that touch does not matter.
 *
 * Context: Any.
 * Return: true if every frame of @ram is in @reach.
 */
bool dmag_reach_covers(const struct dmag_reach *reach,
		       const struct dmag_reach *ram)
{
	unsigned int i, next = 0;

	DMAG_CHECK(dmag_reach_valid(reach) && dmag_reach_valid(ram));
	for (i = 0; i < ram->nr; i++)
		if (!reach_spans(reach, &next, ram->seg[i].start,
				 ram->seg[i].last))
			return false;
	return true;
}

/**
 * dmag_reach_frames() - How large a reach is.
 * @reach: the reach, valid
 *
 * Context: Any.
 * Return: the number of its frames.
 */
u64 dmag_reach_frames(const struct dmag_reach *reach)
{
	unsigned int i;
	u64 frames = 0;

	DMAG_CHECK(dmag_reach_valid(reach));
	for (i = 0; i < reach->nr; i++)
		frames += reach->seg[i].last - reach->seg[i].start + 1;
	return frames;
}
