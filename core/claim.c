// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The claim ladder: how a group gets memory from its host, and gives it back.
 *
 * A climb asks the backend for extents of one shape, on each rung in every
 * cell, until its purpose is met: a request is served, or a reserve is full.
 * Any backend call may drop the lock that serialises the group.  A range that a
 * backend works on is therefore either owned and in use, so that it is not
 * handed out and the group lives on, or not owned at all.  Only the climb's own
 * variables survive a call; after each call the purpose is checked afresh, since
 * other callers may have met it.
 */
#include "dmag.h"
#include "dmag_port.h"

/*
 * Memory that cannot be converted is lost for good, and where one conversion
 * fails the next is likely to: a climb, and a release of the surplus, stop after
 * this many.
 */
#define DMAG_CONVERSION_FAILURES 2

/* The sizes in which a reserve is filled: blocks, 64 KiB, and single frames. */
static const u64 claim_fill_sizes[] = { DMAG_BLOCK_FRAMES, 16, 1 };
static_assert(DMAG_BLOCK_FRAMES > 16);

/*
 * struct claim_climb - One climb: its purpose and how far it is.
 * @reg: the registry, for its cells, or NULL
 * @group: the group to claim for
 * @backend: its host
 * @want: the request to serve, or NULL to fill the reserve to high
 * @pfn: where the first frame of the run for @want goes
 * @shape: the shape of the extents to claim, and where
 * @first: the rung to begin on
 * @end: the rung to end before
 * @fits: whether any place so far was large enough for @shape
 * @blocks: whether the reserve can be made up of whole blocks
 * @failures: conversions that failed
 */
struct claim_climb {
	struct dmag_registry *reg;
	struct dmag_group *group;
	const struct dmag_backend *backend;
	const struct dmag_request *want;
	u64 *pfn;
	struct dmag_request shape;
	enum dmag_rung first;
	enum dmag_rung end;
	bool fits;
	bool blocks;
	unsigned int failures;
};

/* The precondition of whatever calls the backend. */
static void claim_check_backend(const struct dmag_group *group,
				const struct dmag_backend *backend)
{
	DMAG_CHECK(group && backend);
	DMAG_CHECK(backend->claim && backend->release);
	DMAG_CHECK(!group->attrs || (backend->prepare && backend->restore));
}

/*
 * Frames that a group owns cannot move, and where single ones lie the host has
 * no whole block any more.  Only min, which atomic requests depend on, is worth
 * that; from there to high a reserve is filled with whole blocks or not at all.
 */
static bool claim_filled(const struct claim_climb *climb)
{
	const struct dmag_marks *marks = &climb->group->marks;
	bool pieces = climb->shape.count < DMAG_BLOCK_FRAMES;

	return !climb->group->members ||
	       climb->group->frames.free >=
		       (pieces && climb->blocks ? marks->min : marks->high);
}

/*
 * Whether the purpose is met: 0, or -EAGAIN to go on.  A request is served from
 * the extent that was just @got for it, if there is one, and not from the rest
 * of the reserve, which so stays as it was (I3).
 */
static int claim_met(struct claim_climb *climb, const struct dmag_range *got)
{
	struct dmag_request req;

	if (!climb->want)
		return claim_filled(climb) ? 0 : -EAGAIN;
	if (got) {
		req = *climb->want;
		req.within.start = max(req.within.start, got->start);
		req.within.last = min(req.within.last, got->last);
		if (!dmag_frames_get(&climb->group->frames, &req, climb->pfn)) {
			DMAG_CHECK(dmag_reach_contains(
				&climb->group->reach, *climb->pfn,
				*climb->pfn + req.count - 1)); /* I1 */
			return 0;
		}
	}
	return dmag_group_get(climb->group, climb->want, false, climb->pfn);
}

/* Stop owning a range of used frames, which is in the host's state. */
static int claim_give_back(struct dmag_group *group,
			   const struct dmag_backend *backend,
			   const struct dmag_range *range)
{
	int ret = dmag_group_drop(group, range);

	if (!WARN_ON_ONCE(ret))
		backend->release(group, range);
	return ret;
}

/*
 * A conversion that failed with @err: the extent goes back if nothing was changed,
 * else it is quarantined (I6).
 */
static int claim_unprepared(struct claim_climb *climb,
			    const struct dmag_range *got, int err)
{
	struct dmag_group *group = climb->group;
	int ret;

	if (err == -EAGAIN) {
		claim_give_back(group, climb->backend, got);
	} else {
		ret = dmag_frames_quarantine(&group->frames, got->start,
					     got->last);
		WARN_ON_ONCE(ret);
	}
	if (++climb->failures < DMAG_CONVERSION_FAILURES)
		return -EAGAIN;
	return err == -EAGAIN ? -ENOMEM : err; /* -EAGAIN would go on */
}

/*
 * Convert the extent that was just claimed.  The conversion may drop the lock,
 * so the extent counts as used until it is done.
 */
static int claim_prepare(struct claim_climb *climb,
			 const struct dmag_range *got)
{
	struct dmag_frames *frames = &climb->group->frames;
	u64 count = got->last - got->start + 1;
	int ret = dmag_frames_take(frames, got->start, got->last);

	DMAG_CHECK(!ret && climb->group->attrs); /* added a moment ago */
	ret = climb->backend->prepare(climb->group, got);
	if (ret)
		return claim_unprepared(climb, got, ret);
	return climb->want ? dmag_frames_put(frames, got->start, count) :
			     dmag_group_put(climb->group, got->start, count);
}

/*
 * Only an extent that refills the reserve makes up for a draw: one that was
 * claimed for a request does not, and one that has to be converted does so when
 * claim_prepare() puts it, since it may be lost before.
 */
static int claim_add(struct claim_climb *climb, const struct dmag_range *got)
{
	if (climb->want || climb->group->attrs)
		return dmag_group_own(climb->group, got->start, got->last);
	return dmag_group_add(climb->group, got->start, got->last);
}

/*
 * Claim one extent and add it.  An extent that the group cannot own goes back to
 * the host, unless the group owns it already: then the host has lost track of
 * its memory, and a leak is the lesser evil.  It is also for memory that is still
 * converted.
 */
static int claim_take(struct claim_climb *climb, enum dmag_rung rung,
		      const struct dmag_request *req, struct dmag_range *got)
{
	bool converted = rung == DMAG_CLAIM_SURPLUS && climb->group->attrs;
	int ret = climb->backend->claim(climb->group, req, rung, got);

	if (ret)
		return ret;
	DMAG_CHECK(!((got->start | (got->last + 1)) %
		     dmag_group_unit(climb->group)));
	ret = claim_add(climb, got);
	if (!ret)
		return climb->group->attrs && !converted ?
			       claim_prepare(climb, got) :
			       0;
	WARN_ON_ONCE(ret != -ENOMEM);
	if (ret != -EEXIST && !converted)
		climb->backend->release(climb->group, got);
	return ret;
}

/* Whether an extent of the climb's shape fits into @range at all. */
static bool claim_fits(const struct claim_climb *climb,
		       const struct dmag_range *range)
{
	u64 phase = climb->shape.phase;
	u64 start = round_up(range->start + phase, climb->shape.align) - phase;

	DMAG_CHECK(climb->shape.count && range->start <= range->last);
	return start <= range->last &&
	       range->last - start >= climb->shape.count - 1;
}

/* Claim inside one cell until there is no more, or no more is wanted. */
static int claim_cell(struct claim_climb *climb, enum dmag_rung rung,
		      const struct dmag_range *cell)
{
	struct dmag_request req = climb->shape;
	struct dmag_range got;
	int ret, err;

	req.within.start = max(req.within.start, cell->start);
	req.within.last = min(req.within.last, cell->last);
	if (req.within.start > req.within.last ||
	    !claim_fits(climb, &req.within))
		return -EAGAIN;
	climb->fits = true;
	do {
		err = claim_take(climb, rung, &req, &got);
		ret = claim_met(climb, err ? NULL : &got);
		if (ret != -EAGAIN)
			return ret;
	} while (!err);
	return err;
}

/* Go through all cells on each rung. */
static int claim_rungs(struct claim_climb *climb,
		       const struct dmag_cells *cells)
{
	enum dmag_rung rung;
	unsigned int i;
	int ret = -EAGAIN;

	DMAG_CHECK(climb->first < climb->end && climb->end <= DMAG_RUNGS);
	for (rung = climb->first; rung < climb->end; rung++) {
		struct dmag_range cell;

		for (i = 0; dmag_cells_at(cells, climb->group, i, &cell); i++) {
			ret = claim_cell(climb, rung, &cell);
			if (ret != -EAGAIN)
				return ret;
		}
	}
	return ret;
}

/*
 * Climb for extents of @count frames.  Cells end where other groups' reaches do,
 * which means nothing to a request.  Therefore whole segments are searched after
 * the cells, if no cell has room or @whole says that this is the last resort.
 */
static int claim_extents(struct claim_climb *climb, u64 count, u64 align,
			 bool whole)
{
	struct dmag_cells cells;
	int ret;

	DMAG_CHECK(count && align && !(align & (align - 1)));
	climb->shape.count = count;
	climb->shape.align = align;
	climb->fits = false;
	dmag_cells_choose(climb->reg, climb->group, &cells);
	ret = claim_rungs(climb, &cells);
	if (ret == -EAGAIN && cells.nr && (whole || !climb->fits)) {
		dmag_cells_choose(NULL, climb->group, &cells);
		ret = claim_rungs(climb, &cells);
	}
	return ret;
}

/*
 * The alignment that extents of @count frames need for a request: its own, and
 * if it has a boundary, the power of two that keeps any such run within it.
 */
static u64 claim_align(const struct dmag_request *req, u64 count)
{
	u64 align = max_t(u64, req->align, 1);

	if (req->boundary)
		while (align < count)
			align <<= 1;
	DMAG_CHECK(!req->boundary || align <= req->boundary ||
		   align == req->align);
	return align;
}

/* Claim extents of one size while the reserve wants them. */
static int claim_fill_by(struct claim_climb *climb, u64 size)
{
	climb->shape.count = size;
	return claim_filled(climb) ? 0 :
				     claim_extents(climb, size, size, false);
}

/*
 * Claim up to high, in ever smaller sizes; 0 if that was reached.  Two kinds of
 * reach are filled with pieces only: those whose high is less than a block, as
 * below 8 MiB, since a block is more than their quarter, and those with no room
 * for a block.  Both want so little that the pieces are few.
 */
static int claim_fill(struct claim_climb *climb)
{
	unsigned int i;
	int ret;

	climb->want = NULL;
	climb->end = DMAG_CLAIM_SURPLUS;
	climb->shape.within.start = 0;
	climb->shape.within.last = DMAG_PFN_MAX;
	climb->shape.from = DMAG_HIGHEST;
	climb->blocks = climb->group->attrs ||
			climb->group->marks.high >= DMAG_BLOCK_FRAMES;
	for (i = !climb->blocks;
	     i < ARRAY_SIZE(claim_fill_sizes) &&
	     claim_fill_sizes[i] >= dmag_group_unit(climb->group);
	     i++) {
		ret = claim_fill_by(climb, claim_fill_sizes[i]);
		if (ret && ret != -EAGAIN)
			return ret;
		if (!i)
			climb->blocks = climb->fits;
	}
	return dmag_group_shortage(climb->group) ? -ENOMEM : 0;
}

/*
 * Claim whole blocks that contain the run.  Of the frames before the first block
 * boundary in a run's phase, none is of use to it.
 */
static int claim_blocks(struct claim_climb *climb,
			const struct dmag_request *req)
{
	u64 align = claim_align(req, req->count);
	u64 phase = req->phase & (align - 1);
	u64 lead = (0 - phase) & (min_t(u64, align, DMAG_BLOCK_FRAMES) - 1);

	climb->end = DMAG_RUNGS;
	align = max_t(u64, align, DMAG_BLOCK_FRAMES);
	climb->shape.phase = round_down(phase + lead, DMAG_BLOCK_FRAMES) &
			     (align - 1);
	return claim_extents(climb,
			     round_up(lead + req->count, DMAG_BLOCK_FRAMES),
			     align, true);
}

/*
 * Claim what may be claimed in pieces.  Whole blocks come first: the rest of a
 * block serves the next request, while single frames would scatter over the host's
 * memory.  If the request is smaller, its own size follows, before the host has to
 * reclaim a block for it.  A group without a reserve has no use for the rest of a
 * block.
 */
static int claim_pieces(struct claim_climb *climb,
			const struct dmag_request *req)
{
	u64 align = claim_align(req, req->count);
	u64 blocks = round_up(req->count, DMAG_BLOCK_FRAMES);
	u64 block_align = max_t(u64, align, DMAG_BLOCK_FRAMES);
	bool less = blocks > req->count || align < DMAG_BLOCK_FRAMES;
	bool exact = (req->phase & (align - 1)) || !climb->group->marks.high;
	int ret;

	climb->shape.phase = req->phase & (align - 1);
	climb->end = less && !exact ? DMAG_CLAIM_RECLAIM : DMAG_RUNGS;
	if (exact)
		return claim_extents(climb, req->count, align, true);
	ret = claim_extents(climb, blocks, block_align, !less);
	if (ret != -EAGAIN || !less)
		return ret;
	climb->end = DMAG_RUNGS;
	ret = claim_extents(climb, req->count, align, true);
	if (ret != -EAGAIN)
		return ret;
	climb->first = DMAG_CLAIM_RECLAIM;
	return claim_extents(climb, blocks, block_align, true);
}

/*
 * Claim for a request.  A claim cannot span frames that the group owns, so a
 * surplus, which would be released anyway, goes back before a large claim.
 */
static int claim_request(struct claim_climb *climb,
			 const struct dmag_request *req)
{
	climb->want = req;
	climb->shape.within = req->within;
	climb->shape.from = req->from;
	if (req->count > DMAG_BLOCK_FRAMES)
		dmag_group_shrink(climb->group, climb->backend,
				  climb->group->marks.high,
				  dmag_group_surplus(climb->group));
	return climb->group->attrs ? claim_blocks(climb, req) :
				     claim_pieces(climb, req);
}

/*
 * A request that could wait for a claim is worth a search of all of the reserve:
 * a run that the bounded search missed costs less than any claim.
 */
static int claim_search_all(struct dmag_group *group,
			    const struct dmag_request *req, u64 *pfn)
{
	unsigned int bound = group->frames.search_max;
	int ret;

	group->frames.search_max = 0;
	ret = dmag_group_get(group, req, false, pfn);
	group->frames.search_max = bound;
	return ret;
}

/* Whether the reserve could serve a request if it did not have to keep min. */
static bool claim_reserve_holds(struct dmag_group *group,
				const struct dmag_request *req)
{
	u64 pfn, kept = group->marks.min;
	int ret;

	group->marks.min = 0;
	ret = claim_search_all(group, req, &pfn);
	group->marks.min = kept;
	if (ret)
		return false;
	ret = dmag_frames_put(&group->frames, pfn, req->count);
	DMAG_CHECK(!ret); /* taken a moment ago */
	return !ret;
}

/*
 * The reserve may hold the only run that there is.  Atomic requests need min frames,
 * but no run, so pieces from elsewhere take its place.
 */
static int claim_replace(struct claim_climb *climb,
			 const struct dmag_request *req)
{
	int ret = -EAGAIN;
	unsigned int i;

	if (!claim_reserve_holds(climb->group, req))
		return -EAGAIN;
	climb->shape = (struct dmag_request){ .within.last = DMAG_PFN_MAX,
					      .from = DMAG_HIGHEST };
	climb->first = DMAG_CLAIM_FREE;
	climb->end = DMAG_CLAIM_RECLAIM;
	for (i = 0; i < ARRAY_SIZE(claim_fill_sizes) && ret == -EAGAIN; i++) {
		u64 size = claim_fill_sizes[i];

		if (size < req->count && size >= dmag_group_unit(climb->group))
			ret = claim_extents(climb, size, size, false);
	}
	return ret;
}

/**
 * dmag_group_alloc() - Serve a request that may wait.
 * @reg: the registry, for its cells; NULL to do without
 * @group: the group
 * @backend: its host
 * @req: the run that is wanted
 * @pfn: where the first frame of the run goes
 *
 * The run comes from the reserve if that stays at or above min (I3), else it is
 * claimed.  If no run can be claimed, but the reserve holds one, pieces are claimed
 * in its place.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0; -ENOMEM; -EINVAL if @req is not well formed; the backend's error, such as
 * -EINTR or -ETIME; the error of prepare if conversion keeps failing, with
 * -ENOMEM for its -EAGAIN.
 */
int dmag_group_alloc(struct dmag_registry *reg, struct dmag_group *group,
		     const struct dmag_backend *backend,
		     const struct dmag_request *req, u64 *pfn)
{
	struct claim_climb climb = {
		.reg = reg, .group = group, .backend = backend, .pfn = pfn
	};
	int ret;

	DMAG_CHECK(req && pfn);
	claim_check_backend(group, backend);
	if (!dmag_request_valid(req))
		return -EINVAL;
	ret = claim_search_all(group, req, pfn);
	if (ret == -EAGAIN)
		ret = claim_request(&climb, req);
	if (ret == -EAGAIN)
		ret = claim_replace(&climb, req);
	return ret == -EAGAIN ? -ENOMEM : ret;
}

/**
 * dmag_group_refill() - Claim one block for the reserve, in a given place.
 * @group: the group
 * @backend: its host
 * @within: the place, in one segment of the group's reach
 *
 * For a host that moves a reserve out of memory which is wanted for something else.
 * Nothing is reclaimed, no group is asked for its surplus, and watermarks do not matter.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0; -EAGAIN if there is no such block; the backend's error; the error of
 * prepare if conversion keeps failing, with -ENOMEM for its -EAGAIN.
 */
int dmag_group_refill(struct dmag_group *group,
		      const struct dmag_backend *backend,
		      const struct dmag_range *within)
{
	struct claim_climb climb = {
		.group = group,
		.backend = backend,
		.shape = DMAG_REQUEST(DMAG_BLOCK_FRAMES),
	};
	enum dmag_rung rung = DMAG_CLAIM_FREE;
	struct dmag_range got;
	int ret;

	claim_check_backend(group, backend);
	DMAG_CHECK(within && dmag_reach_contains(&group->reach, within->start,
						 within->last));
	climb.shape.within = *within;
	climb.shape.from = DMAG_HIGHEST;
	if (!claim_fits(&climb, within))
		return -EAGAIN;
	do {
		ret = claim_take(&climb, rung, &climb.shape, &got);
	} while (ret == -EAGAIN && ++rung < DMAG_CLAIM_RECLAIM);
	return ret;
}

/* A range stays in the reserve if restore changed nothing, else it is lost. */
static int claim_unrestored(struct dmag_group *group,
			    const struct dmag_range *range, int err)
{
	int ret = err == -EAGAIN ?
			  dmag_frames_put(&group->frames, range->start,
					  range->last - range->start + 1) :
			  dmag_frames_quarantine(&group->frames, range->start,
						 range->last);

	return WARN_ON_ONCE(ret) ? ret : err;
}

/*
 * Release one range of used frames.  If it cannot be restored, the error of restore
 * is returned.  The range stays used until then, so if it is not used any more, a
 * caller freed frames which it did not have.
 */
static int claim_release(struct dmag_group *group,
			 const struct dmag_backend *backend,
			 const struct dmag_range *range, u64 *given)
{
	int ret = group->attrs ? backend->restore(group, range) : 0;

	if (ret)
		return claim_unrestored(group, range, ret);
	ret = claim_give_back(group, backend, range);
	if (!ret)
		*given += range->last - range->start + 1;
	return ret;
}

/**
 * dmag_group_balance() - Bring the reserve to where its watermarks want it.
 * @reg: the registry, for its cells; NULL to do without
 * @group: the group
 * @backend: its host
 *
 * Fills a new reserve, refills one that was used, and releases a surplus; all
 * that is free, once there are no members.  A reserve that could not be filled
 * is a defined state: it serves what it has.  Pieces of less than a block fill it
 * to min only, unless the reach has no room for a reserve of blocks.  A retry
 * gets no further while the host has no block to give, so retries should become
 * less and less frequent.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0 if the reserve is at or above high or wants nothing; else -ENOMEM,
 * or the error that ended the climb, as in dmag_group_alloc(); the first error of
 * restore, of which the second leaves the rest of the surplus for another call.
 */
int dmag_group_balance(struct dmag_registry *reg, struct dmag_group *group,
		       const struct dmag_backend *backend)
{
	struct claim_climb climb = { .reg = reg,
				     .group = group,
				     .backend = backend };
	struct dmag_range range;
	unsigned int failures = 0;
	u64 given = 0;
	int ret, err;

	claim_check_backend(group, backend);
	ret = claim_fill(&climb);
	while (failures < DMAG_CONVERSION_FAILURES &&
	       dmag_group_pick(group, dmag_group_surplus(group), &range)) {
		err = claim_release(group, backend, &range, &given);
		if (!err)
			continue;
		ret = ret ?: err;
		failures++;
	}
	return ret;
}

/**
 * dmag_group_shrink() - Give free frames back, because the host wants memory.
 * @group: the group
 * @backend: its host
 * @keep: leave at least so many free: low if the host reclaims, the min of
 *	@group->base if it is out of memory
 * @max: give back at most so many
 *
 * Whole blocks first, as dmag_group_pick() has it.  Memory that cannot be
 * restored is lost and not given back; where that happens, no more is tried.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: how many frames were given back.
 */
u64 dmag_group_shrink(struct dmag_group *group,
		      const struct dmag_backend *backend, u64 keep, u64 max)
{
	struct dmag_range range;
	u64 given = 0;

	claim_check_backend(group, backend);
	for (;;) {
		u64 most = group->frames.free > keep ?
				   group->frames.free - keep :
				   0;

		if (!dmag_group_pick(group, min(most, max - given), &range) ||
		    claim_release(group, backend, &range, &given))
			break;
	}
	DMAG_CHECK(given <= max);
	return given;
}

/* The first free frames of @range that may go, marked used. */
static bool claim_pick_inside(struct dmag_group *group,
			      const struct dmag_range *range,
			      struct dmag_range *out)
{
	u64 unit = dmag_group_unit(group), end;
	u64 from = range->start;
	struct dmag_run run;
	int ret;

	while (dmag_frames_walk(&group->frames, from, &run) &&
	       run.range.start <= range->last) {
		from = run.range.last + 1;
		out->start = round_up(max(run.range.start, range->start), unit);
		end = round_down(min(from, range->last + 1), unit);
		if (run.state != DMAG_FREE || out->start >= end)
			continue;
		out->last = end - 1;
		ret = dmag_frames_take(&group->frames, out->start, out->last);
		DMAG_CHECK(!ret); /* they are free */
		return !ret;
	}
	return false;
}

/**
 * dmag_group_vacate() - Give the free frames of a range back.
 * @group: the group
 * @backend: its host
 * @range: the range; frames in use stay, and of groups with attributes parts of blocks
 *
 * For memory that is wanted for something else, or goes away.  Watermarks do not
 * matter: dmag_group_balance() refills the reserve from elsewhere, if the backend
 * claims nothing in @range.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0; or the error of restore, which ends it.
 */
int dmag_group_vacate(struct dmag_group *group,
		      const struct dmag_backend *backend,
		      const struct dmag_range *range)
{
	struct dmag_range part;
	u64 given = 0;
	int ret = 0;

	claim_check_backend(group, backend);
	DMAG_CHECK(range && range->start <= range->last);
	while (!ret && claim_pick_inside(group, range, &part))
		ret = claim_release(group, backend, &part, &given);
	return ret;
}
