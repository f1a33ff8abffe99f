// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Groups, the registry that makes equal constraints share one, and the cells
 * that tell which memory is wanted least.
 *
 * A registry finds a group by its key in a hash table of fixed size: the core
 * has no memory to grow one, and joining is rare.  Cells are derived from the
 * live groups on demand into an array that the caller brings, sorted the way
 * claims go through them, so that going on to the next one is a binary search.
 */
#include "dmag.h"

/* ---- keys ------------------------------------------------------------ */

/*
 * Multiplying by 2^64 / phi spreads the differences between keys, which are in
 * few and mostly low bits, to the top byte; that chooses the bucket.
 */
#define DMAG_HASH_MULT 0x9e3779b97f4a7c15ULL

static unsigned int dmag_hash(const struct dmag_group *g)
{
	u64 h = g->attrs;
	unsigned int i;

	static_assert(DMAG_BUCKETS == 256);
	for (i = 0; i < g->reach.nr; i++) {
		h = ((h >> 29) ^ h ^ g->reach.seg[i].start) * DMAG_HASH_MULT;
		h = ((h >> 29) ^ h ^ g->reach.seg[i].last) * DMAG_HASH_MULT;
	}
	return (h * DMAG_HASH_MULT) >> 56;
}

static bool dmag_keys_equal(const struct dmag_group *a,
			    const struct dmag_group *b)
{
	return a->attrs == b->attrs && dmag_reach_equal(&a->reach, &b->reach);
}

static u64 dmag_group_owned(const struct dmag_group *g)
{
	return g->frames.free + g->frames.used + g->frames.quarantined;
}

/* ---- one group ------------------------------------------------------- */

/*
 * The burst that atomic callers must survive before a worker gets to run, in
 * bytes: 64 pages and 16 buffers of 64 KiB make 1.25 MiB, so 4 MiB is three of
 * them.  A small reach sets aside a quarter at most; refilling begins while
 * three quarters are left, and blocking requests stay out of the lower half,
 * which even of 16 MiB is one burst and more.
 */
#define DMAG_HIGH_FRAMES ((4ULL << 20) >> PAGE_SHIFT)
#define DMAG_HIGH_SHIFT 2

static struct dmag_marks dmag_marks_below(u64 high)
{
	return (struct dmag_marks){
		.min = high / 2,
		.low = high - high / 4,
		.high = high,
	};
}

/* The most that a reserve may grow to. */
static u64 dmag_marks_cap(const struct dmag_reach *reach)
{
	u64 frames = dmag_reach_frames(reach);

	return frames ? max_t(u64, frames >> DMAG_HIGH_SHIFT, 1) : 0;
}

/**
 * dmag_marks_start() - The watermarks of a new group.
 * @reach: what it can use
 *
 * Context: Any.
 * Return: watermarks, min <= low <= high; all 0 if the reach is empty.
 */
struct dmag_marks dmag_marks_start(const struct dmag_reach *reach)
{
	return dmag_marks_below(min(dmag_marks_cap(reach), DMAG_HIGH_FRAMES));
}

static bool dmag_segments_touch(const struct dmag_reach *r)
{
	unsigned int i;

	for (i = 1; i < r->nr; i++)
		if (r->seg[i - 1].last + 1 == r->seg[i].start)
			return true;
	return false;
}

/**
 * dmag_group_init() - Make a group that owns nothing and has no members.
 * @g: the group
 * @seg: the segments of its reach, which stay the caller's until it is retired
 * @nr: how many
 * @attrs: enum dmag_attr bits
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the segments are not sorted or exceed DMAG_PFN_MAX,
 * or an attribute is unknown.
 */
int dmag_group_init(struct dmag_group *g, const struct dmag_range *seg,
		    unsigned int nr, unsigned int attrs)
{
	const struct dmag_reach reach = { .seg = seg, .nr = nr };

	if (!g || (attrs & ~DMAG_ATTRS) || !dmag_reach_valid(&reach))
		return -EINVAL;
	if (nr && seg[nr - 1].last > DMAG_PFN_MAX)
		return -EINVAL;
	INIT_LIST_HEAD(&g->node);
	g->reach = reach;
	g->touching = dmag_segments_touch(&reach);
	g->attrs = attrs;
	g->members = 0;
	dmag_frames_init(&g->frames);
	g->marks = dmag_marks_start(&reach);
	g->base = g->marks;
	g->drawn = 0;
	g->peak = 0;
	g->missed = 0;
	g->refused = 0;
	g->forget_at = 0;
	g->ease_at = 0;
	return 0;
}

/*
 * Look for a run in one segment after the other, from the end that the request
 * prefers, so that it does not straddle two.
 */
static int dmag_find_in_segments(struct dmag_group *g,
				 const struct dmag_request *rq, u64 *pfn)
{
	struct dmag_request part = *rq;
	int ret = -ENOMEM;
	unsigned int i;

	for (i = 0; i < g->reach.nr && ret == -ENOMEM; i++) {
		const struct dmag_range *seg = g->reach.seg + i;

		if (rq->from == DMAG_HIGHEST)
			seg = g->reach.seg + (g->reach.nr - 1 - i);
		part.within.start = max(rq->within.start, seg->start);
		part.within.last = min(rq->within.last, seg->last);
		if (part.within.start <= part.within.last)
			ret = dmag_frames_get(&g->frames, &part, pfn);
	}
	return ret;
}

/*
 * What a group owns is in its reach, and unless segments touch there are frames
 * between them that it cannot own: then no run of its frames straddles any.
 */
static __always_inline int
dmag_group_find(struct dmag_group *g, const struct dmag_request *rq, u64 *pfn)
{
	if (likely(!g->touching))
		return dmag_frames_get(&g->frames, rq, pfn);
	return dmag_find_in_segments(g, rq, pfn);
}

/*
 * Down to the last frame.  What was refused the reserve would have had to have
 * on top; but what no reserve of the start could hold is no demand to adapt to:
 * page allocators do not serve that much to those who cannot wait either.
 */
static noinline int dmag_group_get_atomic(struct dmag_group *g,
					  const struct dmag_request *rq,
					  u64 *pfn)
{
	int ret = -ENOMEM;

	if (g->frames.free >= rq->count)
		ret = dmag_group_find(g, rq, pfn);
	if (unlikely(ret)) {
		if (ret != -ENOMEM || rq->count > DMAG_HIGH_FRAMES)
			return ret;
		g->missed += rq->count;
	}
	g->drawn += rq->count;
	if (g->drawn > g->peak)
		g->peak = g->drawn;
	return ret;
}

/**
 * dmag_group_get() - Serve a request from the reserve.
 * @g: the group
 * @rq: the run that is wanted
 * @atomic: whether the caller cannot wait: then the last frame may go
 * @pfn: where the first frame of the run goes
 *
 * Context: Any.
 * Return: 0; -ENOMEM if @atomic and the reserve has no such run; -EAGAIN if
 * not @atomic and it has none or would fall below min (climb the ladder);
 * -EINVAL for a request that no memory could serve.
 */
int dmag_group_get(struct dmag_group *g, const struct dmag_request *rq,
		   bool atomic, u64 *pfn)
{
	int ret = -ENOMEM;

	if (unlikely(!g || !rq || !pfn))
		return -EINVAL;
	if (atomic)
		return dmag_group_get_atomic(g, rq, pfn);
	if (g->frames.free >= g->marks.min &&
	    g->frames.free - g->marks.min >= rq->count)
		ret = dmag_group_find(g, rq, pfn);
	return ret == -ENOMEM ? -EAGAIN : ret;
}

/* The reserve has @count frames more, wherever they came from. */
static void dmag_group_made_up(struct dmag_group *g, u64 count)
{
	g->drawn -= min(g->drawn, count);
}

/**
 * dmag_group_put() - Give a run back to the reserve.
 * @g: the group
 * @start: its first frame
 * @count: its length in frames
 *
 * Context: Any.
 * Return: 0, or -EINVAL with nothing changed if not all of it is in use.
 */
int dmag_group_put(struct dmag_group *g, u64 start, u64 count)
{
	if (unlikely(!g))
		return -EINVAL;
	/* Before, not after: that one call is the last, and cheaper so. */
	dmag_group_made_up(g, count);
	return dmag_frames_put(&g->frames, start, count);
}

/**
 * dmag_group_own() - Let a group own frames, which are free at first.
 * @g: the group
 * @start: the first frame
 * @last: the last frame
 *
 * For what does not refill the reserve: what somebody is about to get, or what
 * was the group's a moment ago.
 *
 * Context: Any.
 * Return: 0; -EINVAL if the frames are not within one segment of its reach;
 * -EEXIST if it owns any already; -ENOMEM if its frames want feeding.  On
 * failure nothing has changed.
 */
int dmag_group_own(struct dmag_group *g, u64 start, u64 last)
{
	if (!g || !dmag_reach_contains(&g->reach, start, last))
		return -EINVAL;
	return dmag_frames_add(&g->frames, start, last);
}

/**
 * dmag_group_add() - Refill a group's reserve.
 * @g: the group
 * @start: the first frame
 * @last: the last frame
 *
 * The frames make up for as many that atomic requests took.
 *
 * Context: Any.
 * Return: as dmag_group_own().
 */
int dmag_group_add(struct dmag_group *g, u64 start, u64 last)
{
	int ret = dmag_group_own(g, start, last);

	if (!ret)
		dmag_group_made_up(g, last - start + 1);
	return ret;
}

/**
 * dmag_group_low() - Whether the reserve wants refilling.
 * @g: the group
 *
 * Context: Any.
 * Return: true if it is below low; false if there is nobody to use it.
 */
bool dmag_group_low(const struct dmag_group *g)
{
	return g && g->members && g->frames.free < g->marks.low;
}

/**
 * dmag_group_shortage() - How far refilling has to go.
 * @g: the group
 *
 * Context: Any.
 * Return: the frames that are missing from high; 0 if there are no members.
 */
u64 dmag_group_shortage(const struct dmag_group *g)
{
	if (!g || !g->members || g->frames.free >= g->marks.high)
		return 0;
	return g->marks.high - g->frames.free;
}

/**
 * dmag_group_surplus() - How much of the reserve may be released.
 * @g: the group
 *
 * What is claimed is mostly a block more than what was missing.  Up to that
 * much above high is therefore kept, or each claim would be followed by the
 * release of most of it in small pieces.
 *
 * Context: Any.
 * Return: the frames above high; all free frames if there are no members.
 */
u64 dmag_group_surplus(const struct dmag_group *g)
{
	if (!g)
		return 0;
	if (!g->members)
		return g->frames.free;
	if (g->frames.free < g->marks.high + DMAG_BLOCK_FRAMES)
		return 0;
	return g->frames.free - g->marks.high;
}

/**
 * dmag_group_pick() - Choose free frames to give back, and mark them used.
 * @g: the group
 * @max: how many at most
 * @out: where the range goes
 *
 * Whole blocks go first, since the host can do most with them; among equals
 * the lowest, which the most groups want.
 *
 * Context: Any.
 * Return: false if nothing is free, or @max is 0.
 */
bool dmag_group_pick(struct dmag_group *g, u64 max, struct dmag_range *out)
{
	struct dmag_request rq = DMAG_REQUEST(DMAG_BLOCK_FRAMES);

	if (!g || !out)
		return false;
	while (rq.count > max)
		rq.count >>= 1;
	for (; rq.count; rq.count >>= 1) {
		rq.align = rq.count;
		if (!dmag_group_find(g, &rq, &out->start)) {
			out->last = out->start + rq.count - 1;
			return true;
		}
	}
	return false;
}

/**
 * dmag_group_drop() - Stop owning frames that are in use.
 * @g: the group
 * @range: the frames, all used
 *
 * Context: Any.
 * Return: 0, or -EINVAL with nothing changed.
 */
int dmag_group_drop(struct dmag_group *g, const struct dmag_range *range)
{
	int ret;

	if (!g || !range)
		return -EINVAL;
	ret = dmag_frames_put(&g->frames, range->start,
			      range->last - range->start + 1);
	return ret ?: dmag_frames_remove(&g->frames, range->start, range->last);
}

/**
 * dmag_group_release() - Stop owning some free frames.
 * @g: the group
 * @max: how many at most
 * @out: where the range goes; it is the caller's to restore and give back
 *
 * Context: Any.
 * Return: false if nothing is free, or @max is 0.
 */
bool dmag_group_release(struct dmag_group *g, u64 max, struct dmag_range *out)
{
	if (!dmag_group_pick(g, max, out))
		return false;
	return !dmag_group_drop(g, out);
}

/**
 * dmag_group_cede() - Give up a run of the surplus to a looser group.
 * @g: the tighter group, whose reach the looser one's includes
 * @rq: the run that is wanted
 * @out: where the range goes, which @g does not own any more
 *
 * For a backend on the rung DMAG_CLAIM_SURPLUS.  @g keeps what is free up to
 * high.  A run that the backend has no use for goes back with dmag_group_own();
 * @rq with less of @within finds another.  The frames are in the state of @g's
 * attributes: a backend that cedes between groups with attributes has to restore
 * them, and dmag_group_alloc() prepares them for whom they go to.
 *
 * Context: Any.
 * Return: false with nothing changed if @g has no such run to spare.
 */
bool dmag_group_cede(struct dmag_group *g, const struct dmag_request *rq,
		     struct dmag_range *out)
{
	u64 keep;

	if (!g || !rq || !out)
		return false;
	keep = g->members ? g->marks.high : 0;
	if (g->frames.free < keep || g->frames.free - keep < rq->count)
		return false;
	if (dmag_group_find(g, rq, &out->start))
		return false;
	out->last = out->start + rq->count - 1;
	return !dmag_group_drop(g, out);
}

/* ---- how much a group wants ------------------------------------------ */

/*
 * Half of the excess goes; claims and surplus come in blocks, so the last block
 * goes at once.
 */
static struct dmag_marks dmag_marks_eased(const struct dmag_group *g)
{
	u64 excess = (g->marks.high - g->base.high) / 2;

	return excess < DMAG_BLOCK_FRAMES ?
		       g->base :
		       dmag_marks_below(g->base.high + excess);
}

/* Excess that is used stays; what half of it would do for goes in time. */
static void dmag_group_ease(struct dmag_group *g, u64 want, u64 now)
{
	const struct dmag_marks eased = dmag_marks_eased(g);

	if (want > eased.high) {
		g->ease_at = now + DMAG_HOLD_MS;
	} else if (now >= g->ease_at) {
		g->marks = eased;
		g->ease_at = now + DMAG_EPOCH_MS;
	}
}

/*
 * What was refused is never put back, and only as much as was wanted at once is
 * a draw: so refusals are forgotten a while after the first of them, whether or
 * not there was memory to make up for them.
 */
static void dmag_group_forget_refused(struct dmag_group *g, u64 now)
{
	if (now >= g->forget_at) {
		g->drawn -= min(g->drawn, g->refused);
		g->refused = 0;
	}
	if (!g->refused)
		g->forget_at = now + DMAG_REFUSED_MS;
	g->refused = min(g->refused + g->missed, g->drawn);
	g->missed = 0;
}

/* The next draw counts from here.  A full reserve owes nothing. */
static void dmag_group_settle_draw(struct dmag_group *g, u64 now)
{
	if (g->frames.free >= g->marks.high)
		g->drawn = 0;
	dmag_group_forget_refused(g, now);
	g->peak = g->drawn;
}

/**
 * dmag_group_adapt() - Let the watermarks follow what atomic requests use.
 * @g: the group
 * @now: milliseconds of a clock that does not go back
 *
 * High is twice the largest draw, so that min alone holds another one like it.
 * To be called when the reserve was found low or refused a request, before it is
 * refilled, and as long as it returns true at least once in DMAG_EPOCH_MS; more
 * often does no harm.  docs/reserve.rst derives the law.
 *
 * Context: Any.
 * Return: whether the watermarks are above those of the start.
 */
bool dmag_group_adapt(struct dmag_group *g, u64 now)
{
	u64 want;

	if (!g)
		return false;
	want = min(2 * g->peak, dmag_marks_cap(&g->reach));
	if (want > g->marks.high) {
		g->marks = dmag_marks_below(want);
		g->ease_at = now + DMAG_HOLD_MS;
	} else if (g->marks.high > g->base.high) {
		dmag_group_ease(g, want, now);
	}
	dmag_group_settle_draw(g, now);
	return g->marks.high > g->base.high;
}

/*
 * Two buffers of 128 MiB are the most that anybody reported as missing.  Three
 * quarters of the reach are left to memory that cannot move, which has to live
 * somewhere: on a machine with little else, much of it does there.  Firmware takes
 * some KiB out of nearly every gigabyte, which should not cost a quarter its last
 * block: so it is rounded to the nearest.
 */
#define DMAG_GOAL_FRAMES ((256ULL << 20) >> PAGE_SHIFT)
#define DMAG_GOAL_SHIFT 2

/**
 * dmag_group_goal() - How much of a reach has to stay claimable.
 * @g: the group
 * @ram: frames of all RAM
 *
 * The capacity goal: so much memory of the reach the host keeps for movable
 * pages.  A reach of more than half of RAM is not scarce: memory that cannot
 * move has no reason to be there rather than in the other half.
 *
 * Context: Any.
 * Return: frames, whole blocks; 0 if the reach is not scarce.
 */
u64 dmag_group_goal(const struct dmag_group *g, u64 ram)
{
	u64 frames = g ? dmag_reach_frames(&g->reach) : 0;

	if (frames > ram / 2)
		return 0;
	frames = min(frames >> DMAG_GOAL_SHIFT, DMAG_GOAL_FRAMES);
	return round_down(frames + DMAG_BLOCK_FRAMES / 2, DMAG_BLOCK_FRAMES);
}

/* ---- the registry ---------------------------------------------------- */

/**
 * dmag_registry_init() - Make an empty registry.
 * @reg: the registry
 *
 * Context: Any.
 */
void dmag_registry_init(struct dmag_registry *reg)
{
	unsigned int i;

	if (WARN_ON_ONCE(!reg))
		return;
	for (i = 0; i < DMAG_BUCKETS; i++)
		INIT_LIST_HEAD(&reg->bucket[i]);
	INIT_LIST_HEAD(&reg->members);
	reg->nr_groups = 0;
	reg->nr_segs = 0;
	reg->cells = NULL;
	reg->nr_cells = 0;
}

static struct dmag_group *dmag_find_equal(struct dmag_registry *reg,
					  const struct dmag_group *key)
{
	struct dmag_group *g;

	list_for_each_entry(g, &reg->bucket[dmag_hash(key)], node)
		if (dmag_keys_equal(g, key))
			return g;
	return NULL;
}

static void dmag_insert(struct dmag_registry *reg, struct dmag_group *g)
{
	list_add_tail(&g->node, &reg->bucket[dmag_hash(g)]);
	reg->nr_groups++;
	reg->nr_segs += g->reach.nr;
}

/**
 * dmag_join() - Make a device a member of the group that fits it.
 * @reg: the registry
 * @m: the device; zeroed before it joins for the first time
 * @fresh: a group with the device's key, in no registry, without members
 *
 * If there is an equal group the device joins that, and @fresh stays with the
 * caller; otherwise @fresh becomes part of the registry.  A device that was a
 * member of another group leaves it.  That group stays in the registry until
 * it is retired.  When RAM changes, the caller joins all of &reg->members
 * again, each with a reach built from its constraint.
 *
 * Context: Any.
 * Return: the group that the device is now a member of; NULL for a bad call.
 */
struct dmag_group *dmag_join(struct dmag_registry *reg, struct dmag_member *m,
			     struct dmag_group *fresh)
{
	struct dmag_group *g;

	if (!reg || !m || !fresh)
		return NULL;
	if (WARN_ON_ONCE(!list_empty(&fresh->node) || fresh->members))
		return NULL;
	g = dmag_find_equal(reg, fresh);
	if (!g) {
		dmag_insert(reg, fresh);
		g = fresh;
	}
	if (m->group == g)
		return g;
	if (m->group)
		m->group->members--;
	else
		list_add_tail(&m->node, &reg->members);
	m->group = g;
	g->members++;
	return g;
}

/**
 * dmag_leave() - End a device's membership.
 * @reg: the registry
 * @m: the device
 *
 * Context: Any.
 * Return: the group that it left, for the caller to retire; NULL if none.
 */
struct dmag_group *dmag_leave(struct dmag_registry *reg, struct dmag_member *m)
{
	struct dmag_group *g = reg && m ? m->group : NULL;

	if (!g)
		return NULL;
	list_del_init(&m->node);
	m->group = NULL;
	g->members--;
	return g;
}

/**
 * dmag_group_retire() - Take a group that has no reason to exist out (I7).
 * @reg: the registry
 * @g: the group
 *
 * A group without members that still owns frames stays: buffers may outlive a
 * membership, and a new device with the same key takes the group over.
 *
 * Context: Any.
 * Return: true if it was taken out and is the caller's to free.
 */
bool dmag_group_retire(struct dmag_registry *reg, struct dmag_group *g)
{
	if (!reg || !g || g->members || dmag_group_owned(g) ||
	    list_empty(&g->node))
		return false;
	list_del_init(&g->node);
	reg->nr_groups--;
	reg->nr_segs -= g->reach.nr;
	return true;
}

/* ---- cells ----------------------------------------------------------- */

/* The order in which claims go: least wanted first, then from the top. */
static bool dmag_cell_before(const struct dmag_cell *a,
			     const struct dmag_cell *b)
{
	if (a->demand != b->demand)
		return a->demand < b->demand;
	return a->range.start > b->range.start;
}

static void dmag_cells_swap(struct dmag_cell *a, struct dmag_cell *b)
{
	struct dmag_cell tmp = *a;

	*a = *b;
	*b = tmp;
}

/* Let cell[@at] sink in the heap of @nr until no child comes after it. */
static void dmag_cells_sink(struct dmag_cell *cell, unsigned int at,
			    unsigned int nr)
{
	unsigned int child;

	for (; (child = 2 * at + 1) < nr; at = child) {
		if (child + 1 < nr &&
		    dmag_cell_before(&cell[child], &cell[child + 1]))
			child++;
		if (!dmag_cell_before(&cell[at], &cell[child]))
			return;
		dmag_cells_swap(&cell[at], &cell[child]);
	}
}

/* Heap sort: it needs neither memory nor luck. */
static void dmag_cells_sort(struct dmag_cell *cell, unsigned int nr)
{
	unsigned int i;

	for (i = nr / 2; i-- > 0;)
		dmag_cells_sink(cell, i, nr);
	while (nr > 1) {
		dmag_cells_swap(&cell[0], &cell[--nr]);
		dmag_cells_sink(cell, 0, nr);
	}
}

/*
 * While boundaries are collected a cell stands for one of them: range.start is
 * the lowest frame above it, range.last what passing it downwards adds to the
 * demand, modulo 2^64.
 */
static unsigned int dmag_boundaries(const struct dmag_registry *reg,
				    struct dmag_cell *cell)
{
	const struct dmag_group *g;
	unsigned int i, b, nr = 0;

	for (b = 0; b < DMAG_BUCKETS; b++) {
		list_for_each_entry(g, &reg->bucket[b], node) {
			for (i = 0; i < g->reach.nr; i++) {
				cell[nr].range.start = g->reach.seg[i].last + 1;
				cell[nr].range.last = 1;
				cell[nr++].demand = 0;
				cell[nr].range.start = g->reach.seg[i].start;
				cell[nr].range.last = -1ULL;
				cell[nr++].demand = 0;
			}
		}
	}
	return nr;
}

/**
 * dmag_cells_bound() - How much room dmag_cells_build() needs.
 * @reg: the registry
 *
 * Context: Any.
 * Return: a number of struct dmag_cell.
 */
unsigned int dmag_cells_bound(const struct dmag_registry *reg)
{
	return reg ? 2 * reg->nr_segs : 0;
}

/**
 * dmag_cells_build() - Cut memory into cells of equal demand.
 * @reg: the registry
 * @cell: room for dmag_cells_bound() cells
 *
 * Cells are as large as can be, and in the order in which claims go through
 * them.  They describe the groups of this moment: build them again when groups
 * come or go.  Old ones cost order, not correctness.
 *
 * Context: Any.
 * Return: the number of cells.
 */
unsigned int dmag_cells_build(const struct dmag_registry *reg,
			      struct dmag_cell *cell)
{
	unsigned int i, out = 0, nr;
	struct dmag_cell above = { 0 };

	if (!reg || !cell)
		return 0;
	nr = dmag_boundaries(reg, cell);
	dmag_cells_sort(cell, nr);
	/* At most one cell lies below each boundary, so @out stays behind @i. */
	for (i = 0; i < nr; i++) {
		const struct dmag_cell at = cell[i];

		if (above.demand && at.range.start < above.range.start) {
			if (out && cell[out - 1].demand == above.demand &&
			    cell[out - 1].range.start == above.range.start) {
				cell[out - 1].range.start = at.range.start;
			} else {
				cell[out].range.start = at.range.start;
				cell[out].range.last = above.range.start - 1;
				cell[out++].demand = above.demand;
			}
		}
		above.range.start = at.range.start;
		above.demand += (unsigned int)at.range.last;
	}
	dmag_cells_sort(cell, out);
	return out;
}

/* The number of cells that lie entirely before @pos in claim order. */
static unsigned int dmag_cells_skip(const struct dmag_cell *cells,
				    unsigned int nr,
				    const struct dmag_cell *pos)
{
	unsigned int lo = 0, hi = nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		const struct dmag_cell *c = &cells[mid];

		if (c->demand < pos->demand ||
		    (c->demand == pos->demand &&
		     c->range.start >= pos->range.start))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The highest part of @r inside @range. */
static bool dmag_highest_part(const struct dmag_reach *r,
			      const struct dmag_range *range,
			      struct dmag_range *part)
{
	unsigned int lo = 0, hi = r->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (r->seg[mid].start <= range->last)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || r->seg[lo - 1].last < range->start)
		return false;
	part->start = max(range->start, r->seg[lo - 1].start);
	part->last = min(range->last, r->seg[lo - 1].last);
	return true;
}

/**
 * dmag_cells_next() - Go through a group's reach, least wanted memory first.
 * @reg: the registry; NULL to go through the segments, from the top
 * @g: the group
 * @cell: the place reached so far; demand 0 to begin
 *
 * Each range lies within one segment of @g.  A registry without cells is like
 * none.  No state but @cell is kept, so groups and cells may change between
 * two calls.
 *
 * Context: Any.
 * Return: false at the end, otherwise true with the next range in @cell.
 */
bool dmag_cells_next(const struct dmag_registry *reg,
		     const struct dmag_group *g, struct dmag_cell *cell)
{
	static const struct dmag_cell all = { { 0, DMAG_PFN_MAX }, 1 };
	const struct dmag_cell *cells = &all;
	unsigned int i, nr = 1;

	if (!g || !cell)
		return false;
	if (reg && reg->cells) {
		cells = reg->cells;
		nr = reg->nr_cells;
	}
	for (i = dmag_cells_skip(cells, nr, cell); i < nr; i++) {
		struct dmag_range range = cells[i].range;
		unsigned int demand = cells[i].demand;

		if (demand == cell->demand && range.last >= cell->range.start)
			range.last = cell->range.start - 1;
		if (dmag_highest_part(&g->reach, &range, &cell->range)) {
			cell->demand = demand;
			return true;
		}
	}
	return false;
}

/* ---- validation ------------------------------------------------------ */

/* I1: what a group owns lies in its reach. */
static bool dmag_owned_in_reach(const struct dmag_group *g)
{
	const struct dmag_range *seg = g->reach.seg;
	unsigned int nr = g->reach.nr;
	struct dmag_run run;
	u64 at = 0;

	while (dmag_frames_walk(&g->frames, at, &run)) {
		const struct dmag_reach r = { .seg = seg, .nr = nr };
		const struct dmag_reach owned = { .seg = &run.range, .nr = 1 };

		if (!dmag_reach_covers(&r, &owned))
			return false;
		at = run.range.last + 1;
	}
	return true;
}

/* I8, within the bucket that equal keys share. */
static bool dmag_key_unique(const struct dmag_registry *reg, unsigned int b,
			    const struct dmag_group *g)
{
	const struct dmag_group *other;

	list_for_each_entry(other, &reg->bucket[b], node)
		if (other != g && dmag_keys_equal(other, g))
			return false;
	return true;
}

static bool dmag_marks_valid(const struct dmag_marks *marks, u64 cap)
{
	return marks->min <= marks->low && marks->low <= marks->high &&
	       marks->high <= cap;
}

static bool dmag_reserve_valid(const struct dmag_group *g)
{
	u64 cap = dmag_marks_cap(&g->reach);

	return dmag_marks_valid(&g->marks, cap) &&
	       dmag_marks_valid(&g->base, cap) && g->drawn <= g->peak;
}

/**
 * dmag_group_validate() - Check one group and what it owns.
 * @g: the group
 * @level: as for dmag_frames_validate(); at 4 also I1
 *
 * Context: Any.
 * Return: 0; -EUCLEAN; -EINVAL if there is none.
 */
int dmag_group_validate(const struct dmag_group *g, unsigned int level)
{
	if (!g)
		return -EINVAL;
	if (!dmag_reach_valid(&g->reach) || (g->attrs & ~DMAG_ATTRS) ||
	    !dmag_reserve_valid(g))
		return -EUCLEAN;
	if (level >= 4 && !dmag_owned_in_reach(g))
		return -EUCLEAN;
	return dmag_frames_validate(&g->frames, level);
}

static bool dmag_entry_valid(const struct dmag_registry *reg, unsigned int b,
			     const struct dmag_group *g, unsigned int level)
{
	if (dmag_hash(g) != b || (level >= 3 && !dmag_key_unique(reg, b, g)))
		return false;
	return !level || !dmag_group_validate(g, level);
}

/**
 * dmag_registry_validate() - Check the registry and all in it.
 * @reg: the registry
 * @level: 0 for the registry alone; else what dmag_group_validate() does at this
 *	level, from 3 on also I8
 *
 * Context: Any.
 * Return: 0; -EUCLEAN; -EINVAL if there is none.
 */
int dmag_registry_validate(const struct dmag_registry *reg, unsigned int level)
{
	u64 groups = 0, segs = 0, members = 0;
	const struct dmag_member *m;
	const struct dmag_group *g;
	unsigned int b;

	if (!reg)
		return -EINVAL;
	for (b = 0; b < DMAG_BUCKETS; b++) {
		list_for_each_entry(g, &reg->bucket[b], node) {
			if (!dmag_entry_valid(reg, b, g, level))
				return -EUCLEAN;
			groups++;
			segs += g->reach.nr;
			members += g->members;
		}
	}
	list_for_each_entry(m, &reg->members, node) {
		if (!m->group || !members)
			return -EUCLEAN;
		members--;
	}
	if (groups != reg->nr_groups || segs != reg->nr_segs || members)
		return -EUCLEAN;
	return 0;
}
