// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * One group: the frames that it owns, its reserve, and the size of both.
 */
#include "dmag.h"
#include "dmag_port.h"

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
static_assert(DMAG_HIGH_FRAMES >= 2);

static struct dmag_marks group_marks_below(u64 high)
{
	return (struct dmag_marks){
		.min = high / 2,
		.low = high - high / 4,
		.high = high,
	};
}

/* The most that a reserve may grow to. */
static u64 group_marks_cap(const struct dmag_reach *reach)
{
	u64 frames = dmag_reach_frames(reach);

	return frames ? max_t(u64, frames >> DMAG_HIGH_SHIFT, 1) : 0;
}

static bool group_marks_valid(const struct dmag_marks *marks, u64 cap)
{
	return marks->min <= marks->low && marks->low <= marks->high &&
	       marks->high <= cap;
}

static bool group_reserve_valid(const struct dmag_group *group)
{
	u64 cap = group_marks_cap(&group->reach);

	return group_marks_valid(&group->marks, cap) &&
	       group_marks_valid(&group->base, cap) &&
	       group->refused <= group->drawn && group->drawn <= group->peak;
}

/* The watermarks of a new group; all 0 if its reach is empty. */
static struct dmag_marks group_marks_start(const struct dmag_reach *reach)
{
	return group_marks_below(
		min_t(u64, group_marks_cap(reach), DMAG_HIGH_FRAMES));
}

static bool group_segments_touch(const struct dmag_reach *reach)
{
	unsigned int i;

	for (i = 1; i < reach->nr; i++)
		if (reach->seg[i - 1].last + 1 == reach->seg[i].start)
			return true;
	return false;
}

/**
 * dmag_group_init() - Make a group that owns nothing and has no members.
 * @group: the group
 * @seg: the segments of its reach, which stay the caller's until it is retired
 * @nr: how many
 * @attrs: enum dmag_attr bits
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the segments are not sorted or exceed DMAG_PFN_MAX,
 * or an attribute is unknown.
 */
int dmag_group_init(struct dmag_group *group, const struct dmag_range *seg,
		    unsigned int nr, unsigned int attrs)
{
	const struct dmag_reach reach = { .seg = seg, .nr = nr };

	DMAG_CHECK(group);
	if ((attrs & ~DMAG_ATTRS) || !dmag_reach_valid(&reach))
		return -EINVAL;
	if (nr && seg[nr - 1].last > DMAG_PFN_MAX)
		return -EINVAL;
	INIT_LIST_HEAD(&group->node);
	group->reach = reach;
	group->edges = NULL;
	group->touching = group_segments_touch(&reach);
	group->attrs = attrs;
	group->members = 0;
	dmag_frames_init(&group->frames);
	group->frames.search_max = DMAG_SEARCH_MAX;
	group->marks = group_marks_start(&reach);
	group->base = group->marks;
	group->drawn = 0;
	group->peak = 0;
	group->missed = 0;
	group->refused = 0;
	group->forget_at = 0;
	group->ease_at = 0;
	DMAG_CHECK(group_reserve_valid(group));
	return 0;
}

/*
 * Look for a run in one segment after the other, from the end that the request
 * prefers, so that it does not straddle two.
 */
static int group_find_in_segments(struct dmag_group *group,
				  const struct dmag_request *req, u64 *pfn)
{
	struct dmag_request part = *req;
	int ret = -ENOMEM;
	unsigned int i;

	if (!dmag_request_valid(req))
		return -EINVAL;
	for (i = 0; i < group->reach.nr && ret == -ENOMEM; i++) {
		const struct dmag_range *seg = group->reach.seg + i;

		if (req->from == DMAG_HIGHEST)
			seg = group->reach.seg + (group->reach.nr - 1 - i);
		part.within.start = max(req->within.start, seg->start);
		part.within.last = min(req->within.last, seg->last);
		if (part.within.start <= part.within.last)
			ret = dmag_frames_get(&group->frames, &part, pfn);
	}
	return ret;
}

/*
 * A group owns frames of its reach only.  Unless segments touch, there are frames
 * between them that it cannot own, so that no run of its frames straddles two.
 */
static __always_inline int group_find(struct dmag_group *group,
				      const struct dmag_request *req, u64 *pfn)
{
	int ret;

	if (likely(!group->touching))
		ret = dmag_frames_get(&group->frames, req, pfn);
	else
		ret = group_find_in_segments(group, req, pfn);
	DMAG_CHECK(ret || dmag_reach_contains(&group->reach, *pfn,
					      *pfn + req->count - 1)); /* I1 */
	DMAG_CHECK(ret || dmag_frames_state(&group->frames, *pfn) ==
				  DMAG_USED); /* I2 */
	return ret;
}

/* Whether the reach has a place for a request at all. */
static bool group_has_place(const struct dmag_group *group,
			    const struct dmag_request *req)
{
	u64 align = max_t(u64, req->align, 1);
	u64 phase = req->phase & (align - 1);
	unsigned int i;

	for (i = 0; i < group->reach.nr; i++) {
		const struct dmag_range *seg = &group->reach.seg[i];
		u64 start = max(req->within.start, seg->start);
		u64 last = min(req->within.last, seg->last);

		start = round_up(start + phase, align) - phase;
		if (start <= last && last - start >= req->count - 1)
			return true;
	}
	return false;
}

/* The reserve has no run for an atomic request. */
static int group_refuse(struct dmag_group *group,
			const struct dmag_request *req)
{
	if (!dmag_request_valid(req))
		return -EINVAL;
	if (req->count > DMAG_HIGH_FRAMES || !group_has_place(group, req))
		return -ENOMEM;
	group->missed += req->count;
	group->drawn += req->count;
	group->peak = max(group->peak, group->drawn);
	return -ENOMEM;
}

/* Atomic requests take @count frames more. */
static void group_draw(struct dmag_group *group, u64 count)
{
	group->drawn += count;
	if (group->drawn > group->peak)
		group->peak = group->drawn;
	DMAG_CHECK(group->drawn >= count);
}

static __always_inline int group_try(struct dmag_group *group,
				     const struct dmag_request *req, u64 *pfn)
{
	int ret = -ENOMEM;

	if (group->frames.free >= req->count)
		ret = group_find(group, req, pfn);
	if (likely(!ret))
		group_draw(group, req->count);
	return ret;
}

/*
 * Serve a request down to the last frame.  A refusal counts as a draw, since the
 * reserve should have held that much more.  A request that no reserve could
 * serve does not: one that is larger than a first reserve, since no page
 * allocator serves so much to a caller that cannot wait, or one for which the
 * reach has no place.
 */
static noinline int group_get_atomic(struct dmag_group *group,
				     const struct dmag_request *req, u64 *pfn)
{
	return likely(!group_try(group, req, pfn)) ? 0 :
						     group_refuse(group, req);
}

/**
 * dmag_group_try() - Serve an atomic request if the reserve can.
 * @group: the group
 * @req: the run that is wanted
 * @pfn: where the first frame of the run goes
 *
 * For hosts that keep frames in caches of their own: unlike with
 * dmag_group_get(), a failure counts as no refusal.  The host puts back what its
 * caches hold, and then calls dmag_group_get().
 *
 * Context: Any.
 * Return: 0; -ENOMEM if the reserve has no such run; -EINVAL if @req is not well
 * formed.
 */
int dmag_group_try(struct dmag_group *group, const struct dmag_request *req,
		   u64 *pfn)
{
	int ret;

	DMAG_CHECK(group && req && pfn);
	ret = group_try(group, req, pfn);
	return !ret || dmag_request_valid(req) ? ret : -EINVAL;
}

/**
 * dmag_group_get() - Serve a request from the reserve.
 * @group: the group
 * @req: the run that is wanted
 * @atomic: whether the caller cannot wait: then the last frame may go
 * @pfn: where the first frame of the run goes
 *
 * Context: Any.
 * Return: 0; -ENOMEM if @atomic and the reserve has no such run; -EAGAIN if
 * not @atomic and it has none or would fall below min (then climb the ladder);
 * -EINVAL if @req is not well formed, whatever the reserve has.
 */
int dmag_group_get(struct dmag_group *group, const struct dmag_request *req,
		   bool atomic, u64 *pfn)
{
	int ret = -ENOMEM;

	DMAG_CHECK(group && req && pfn);
	if (atomic)
		return group_get_atomic(group, req, pfn);
	if (group->frames.free >= group->marks.min &&
	    group->frames.free - group->marks.min >= req->count)
		ret = group_find(group, req, pfn);
	DMAG_CHECK(ret || group->frames.free >= group->marks.min); /* I3 */
	if (likely(!ret))
		return 0;
	return dmag_request_valid(req) ? -EAGAIN : -EINVAL;
}

/**
 * dmag_group_get_many() - Fill a host's cache of equal runs.
 * @group: the group
 * @req: one of the runs
 * @atomic: whether a caller that cannot wait asks for one
 * @pfn: where their first frames go
 * @nr: how many are wanted
 *
 * Most of these runs are not asked for yet, so min stays behind even if @atomic.
 * They count as drawn then, since the cache serves more such callers; each
 * dmag_group_put() makes up for it.
 *
 * Context: Any.
 * Return: how many were found; 0 also if @req is not well formed.
 */
unsigned int dmag_group_get_many(struct dmag_group *group,
				 const struct dmag_request *req, bool atomic,
				 u64 *pfn, unsigned int nr)
{
	unsigned int got = 0;

	while (got < nr && !dmag_group_get(group, req, false, &pfn[got]))
		got++;
	if (atomic)
		group_draw(group, got * req->count);
	return got;
}

/*
 * The reserve has @count frames more, wherever they came from.  They make up for
 * frames that were taken first, and for refused ones last; whatever remains of
 * the draw is all that may be forgotten later.
 */
static void group_repay(struct dmag_group *group, u64 count)
{
	group->drawn -= min(group->drawn, count);
	if (unlikely(group->refused > group->drawn))
		group->refused = group->drawn;
}

/**
 * dmag_group_put() - Give a run back to the reserve.
 * @group: the group
 * @start: its first frame
 * @count: its length in frames
 *
 * Context: Any.
 * Return: 0, or -EINVAL with nothing changed if not all of it is in use.
 */
int dmag_group_put(struct dmag_group *group, u64 start, u64 count)
{
	int ret;

	DMAG_CHECK(group);
	ret = dmag_frames_put(&group->frames, start, count);
	if (likely(!ret))
		group_repay(group, count);
	return ret;
}

/**
 * dmag_group_own() - Let a group own frames, which are free at first.
 * @group: the group
 * @start: the first frame
 * @last: the last frame
 *
 * For frames that do not refill the reserve: those that a request is about to
 * get, or that the group owned a moment ago.
 *
 * Context: Any.
 * Return: 0; -EINVAL if the frames are not within one segment of its reach;
 * -EEXIST if it owns any already; -ENOMEM if its frames want feeding.  On
 * failure nothing has changed.
 */
int dmag_group_own(struct dmag_group *group, u64 start, u64 last)
{
	int ret;

	DMAG_CHECK(group);
	if (!dmag_reach_contains(&group->reach, start, last)) /* I1 */
		return -EINVAL;
	ret = dmag_frames_add(&group->frames, start, last);
	DMAG_CHECK(ret || dmag_frames_state(&group->frames, start) ==
				  DMAG_FREE); /* I2 */
	return ret;
}

/**
 * dmag_group_add() - Refill a group's reserve.
 * @group: the group
 * @start: the first frame
 * @last: the last frame
 *
 * The frames make up for as many that atomic requests drew.
 *
 * Context: Any.
 * Return: as dmag_group_own().
 */
int dmag_group_add(struct dmag_group *group, u64 start, u64 last)
{
	int ret = dmag_group_own(group, start, last);

	if (!ret)
		group_repay(group, last - start + 1);
	return ret;
}

/**
 * dmag_group_low() - Whether the reserve wants refilling.
 * @group: the group
 *
 * Context: Any.
 * Return: true if it is below low; false if the group has no members.
 */
bool dmag_group_low(const struct dmag_group *group)
{
	DMAG_CHECK(group);
	return group->members && group->frames.free < group->marks.low;
}

/**
 * dmag_group_shortage() - How many frames refilling has to claim.
 * @group: the group
 *
 * Context: Any.
 * Return: the frames that are missing from high; 0 if there are no members.
 */
u64 dmag_group_shortage(const struct dmag_group *group)
{
	DMAG_CHECK(group);
	if (!group->members || group->frames.free >= group->marks.high)
		return 0;
	return group->marks.high - group->frames.free;
}

/**
 * dmag_group_surplus() - How much of the reserve may be released.
 * @group: the group
 *
 * A claim mostly brings up to a block more than was missing.  That much above
 * high is therefore kept, or else most of each claim would be released again, in
 * small pieces.
 *
 * Context: Any.
 * Return: the frames above high; all free frames if there are no members.
 */
u64 dmag_group_surplus(const struct dmag_group *group)
{
	DMAG_CHECK(group);
	if (!group->members)
		return group->frames.free;
	if (group->frames.free < group->marks.high + DMAG_BLOCK_FRAMES)
		return 0;
	return group->frames.free - group->marks.high;
}

/**
 * dmag_group_pick() - Choose free frames to give back, and mark them used.
 * @group: the group
 * @max: how many at most
 * @out: where the range goes
 *
 * Whole blocks go first, since they are of most use to the host, and among them
 * the lowest, since most groups reach it.  No less goes than dmag_group_unit().
 *
 * Context: Any.
 * Return: false if nothing that may go is free, or @max is less than that.
 */
bool dmag_group_pick(struct dmag_group *group, u64 max, struct dmag_range *out)
{
	struct dmag_request req = DMAG_REQUEST(DMAG_BLOCK_FRAMES);

	DMAG_CHECK(group && out);
	while (req.count > max)
		req.count >>= 1;
	for (; req.count >= dmag_group_unit(group); req.count >>= 1) {
		req.align = req.count;
		if (!group_find(group, &req, &out->start)) {
			out->last = out->start + req.count - 1;
			return true;
		}
	}
	return false;
}

/**
 * dmag_group_drop() - Stop owning frames that are in use.
 * @group: the group
 * @range: the frames, all used
 *
 * Context: Any.
 * Return: 0, or -EINVAL with nothing changed.
 */
int dmag_group_drop(struct dmag_group *group, const struct dmag_range *range)
{
	int ret;

	DMAG_CHECK(group && range);
	ret = dmag_frames_put(&group->frames, range->start,
			      range->last - range->start + 1);
	if (ret)
		return ret;
	return dmag_frames_remove(&group->frames, range->start, range->last);
}

/**
 * dmag_group_tighter() - Whether a group could cede memory to another.
 * @group: the group
 * @than: the other
 *
 * Context: Any; neither is read but for its reach and attributes, which never change.
 * Return: true if @group is not @than, reaches nothing else, and has its attributes.
 */
bool dmag_group_tighter(const struct dmag_group *group,
			const struct dmag_group *than)
{
	DMAG_CHECK(group && than);
	return group != than && group->attrs == than->attrs &&
	       dmag_reach_includes(&than->reach, &group->reach);
}

/**
 * dmag_group_cede() - Give up a run of the surplus to a looser group.
 * @group: the tighter group
 * @to: the looser group, as dmag_group_tighter() has it
 * @req: the run that is wanted
 * @out: where the range goes, which @group does not own any more
 *
 * For a backend on the rung DMAG_CLAIM_SURPLUS.  @group keeps what is free up to
 * high.  A run that the backend has no use for goes back with dmag_group_own();
 * @req with less of @within finds another.  Nothing is converted.
 *
 * Context: Any; only the reach and the attributes of @to are read, which never change.
 * Return: false with nothing changed if @group is not tighter than @to, or has no such
 * run to spare.
 */
bool dmag_group_cede(struct dmag_group *group, const struct dmag_group *to,
		     const struct dmag_request *req, struct dmag_range *out)
{
	u64 keep;

	DMAG_CHECK(req && out);
	if (!dmag_group_tighter(group, to))
		return false;
	DMAG_CHECK(!(req->count % dmag_group_unit(group)));
	keep = group->members ? group->marks.high : 0;
	if (group->frames.free < keep || group->frames.free - keep < req->count)
		return false;
	if (group_find(group, req, &out->start))
		return false;
	out->last = out->start + req->count - 1;
	return !dmag_group_drop(group, out);
}

/* ---- how much a group wants ------------------------------------------ */

/*
 * Half of the excess over @base goes.  Claims and surplus come in blocks, so the
 * last block goes at once.
 */
static struct dmag_marks group_marks_eased(const struct dmag_group *group)
{
	u64 excess = (group->marks.high - group->base.high) / 2;

	DMAG_CHECK(group->marks.high >= group->base.high);
	return excess < DMAG_BLOCK_FRAMES ?
		       group->base :
		       group_marks_below(group->base.high + excess);
}

/* Excess that was used stays; if half of it had been enough, half goes in time. */
static void group_ease(struct dmag_group *group, u64 want, u64 now)
{
	const struct dmag_marks eased = group_marks_eased(group);

	if (want > eased.high) {
		group->ease_at = now + DMAG_HOLD_MS;
	} else if (now >= group->ease_at) {
		group->marks = eased;
		group->ease_at = now + DMAG_EPOCH_MS;
	}
}

/*
 * Refused frames are never put back, and a caller that retries would be counted
 * again and again, while a draw is only what is wanted at one time.  Refusals are
 * therefore forgotten a while after the first of them, even if no memory made up
 * for them.
 */
static void group_forget_refused(struct dmag_group *group, u64 now)
{
	if (now >= group->forget_at) {
		group->drawn -= group->refused;
		group->refused = 0;
	}
	if (!group->refused)
		group->forget_at = now + DMAG_REFUSED_MS;
	group->refused = min(group->refused + group->missed, group->drawn);
	group->missed = 0;
	DMAG_CHECK(group->refused <= group->drawn);
}

/* Begin the next draw.  A full reserve owes nothing. */
static void group_settle_draw(struct dmag_group *group, u64 now)
{
	if (group->frames.free >= group->marks.high)
		group_repay(group, group->drawn);
	group_forget_refused(group, now);
	group->peak = group->drawn;
}

/**
 * dmag_group_adapt() - Let the watermarks follow what atomic requests use.
 * @group: the group
 * @now: milliseconds of a clock that does not go back; 64 bits, as one of 32 does
 *	after 49 days
 *
 * High is twice the largest draw, so that min alone holds another one like it.
 * Call it when the reserve is low or refused a request, before it is refilled;
 * and, as long as it returns true, at least once in DMAG_EPOCH_MS.  More calls
 * do no harm.  reserve.rst derives the law.
 *
 * Context: Any.
 * Return: whether the watermarks are above those of the start.
 */
bool dmag_group_adapt(struct dmag_group *group, u64 now)
{
	u64 want;

	DMAG_CHECK(group);
	want = min(2 * group->peak, group_marks_cap(&group->reach));
	if (want > group->marks.high) {
		group->marks = group_marks_below(want);
		group->ease_at = now + DMAG_HOLD_MS;
	} else if (group->marks.high > group->base.high) {
		group_ease(group, want, now);
	}
	group_settle_draw(group, now);
	DMAG_CHECK(group_reserve_valid(group));
	return group->marks.high > group->base.high;
}

/*
 * Two buffers of 128 MiB are the most that any report missed.  Three quarters of
 * the reach are left to memory that cannot move: on a machine with little other
 * memory, much of it has to live there.  Firmware takes some KiB out of nearly
 * every gigabyte; so that a quarter does not lose its last block by that, it is
 * rounded to the nearest.
 */
#define DMAG_GOAL_FRAMES ((256ULL << 20) >> PAGE_SHIFT)
#define DMAG_GOAL_SHIFT 2

/**
 * dmag_group_goal() - How much of a reach has to stay claimable.
 * @group: the group
 * @ram: frames of all RAM
 *
 * This is the capacity goal: the amount of memory in the reach that the host
 * should keep for movable pages.  A reach of more than half of RAM is not scarce:
 * memory that cannot move is as likely to lie in the other half.
 *
 * Context: Any.
 * Return: frames, whole blocks; 0 if the reach is not scarce.
 */
u64 dmag_group_goal(const struct dmag_group *group, u64 ram)
{
	u64 frames;

	DMAG_CHECK(group);
	frames = dmag_reach_frames(&group->reach);
	if (frames > ram / 2)
		return 0;
	frames = min_t(u64, frames >> DMAG_GOAL_SHIFT, DMAG_GOAL_FRAMES);
	return round_down(frames + DMAG_BLOCK_FRAMES / 2, DMAG_BLOCK_FRAMES);
}

/* ---- validation ------------------------------------------------------ */

/* I1: all frames that a group owns lie in its reach. */
static bool group_owned_in_reach(const struct dmag_group *group)
{
	const struct dmag_range *seg = group->reach.seg;
	unsigned int nr = group->reach.nr;
	struct dmag_run run;
	u64 pfn = 0;

	while (dmag_frames_walk(&group->frames, pfn, &run)) {
		const struct dmag_reach reach = { .seg = seg, .nr = nr };
		const struct dmag_reach owned = { .seg = &run.range, .nr = 1 };

		if (!dmag_reach_covers(&reach, &owned))
			return false;
		pfn = run.range.last + 1;
	}
	return true;
}

/**
 * dmag_group_validate() - Check one group and its frames.
 * @group: the group
 * @level: as for dmag_frames_validate(); at 4 also I1
 *
 * Context: Any.
 * Return: 0 or -EUCLEAN.
 */
int dmag_group_validate(const struct dmag_group *group, unsigned int level)
{
	DMAG_CHECK(group);
	if (!dmag_reach_valid(&group->reach) || (group->attrs & ~DMAG_ATTRS) ||
	    !group_reserve_valid(group))
		return -EUCLEAN;
	if (level >= 4 && !group_owned_in_reach(group))
		return -EUCLEAN;
	return dmag_frames_validate(&group->frames, level);
}
