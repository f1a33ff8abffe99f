// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The claim ladder: how a group gets memory from its host, and gives it back.
 *
 * A climb asks the backend for extents of one shape, on each rung in every
 * cell, until what it is for is met.  Any backend call may drop the lock that
 * serialises the group.  A range in the hands of a backend is therefore always
 * either owned and in use, so that nobody else hands it out and the group
 * lives on, or not owned at all.  Nothing but the climb's own words survives a
 * call, and after each the purpose is looked at afresh: others may have met it.
 */
#include "dmag.h"

/*
 * Memory that cannot be converted is lost for good, and where one conversion
 * fails the next is likely to: a climb stops after this many.
 */
#define DMAG_PREPARE_FAILURES 2

/* The sizes in which a reserve is filled: blocks, 64 KiB, and single frames. */
static const u64 claim_fill_sizes[] = { DMAG_BLOCK_FRAMES, 16, 1 };

/*
 * @want: what to serve at @pfn, or NULL to fill the reserve to high
 * @rq: the shape of the extents to claim, and where
 * @first: the rung to begin on
 * @end: the rung to end before
 * @fits: whether any place so far was large enough for @rq
 * @blocks: whether the reserve can be made up of whole blocks
 * @failures: conversions that failed
 */
struct claim_climb {
	struct dmag_registry *reg;
	struct dmag_group *g;
	const struct dmag_backend *be;
	const struct dmag_request *want;
	u64 *pfn;
	struct dmag_request rq;
	enum dmag_rung first;
	enum dmag_rung end;
	bool fits;
	bool blocks;
	unsigned int failures;
};

static bool claim_request_valid(const struct dmag_request *rq)
{
	if (!rq->count || rq->count > DMAG_PFN_MAX + 1)
		return false;
	if ((rq->align & (rq->align - 1)) ||
	    (rq->boundary & (rq->boundary - 1)))
		return false;
	if (rq->boundary && rq->boundary < rq->count)
		return false;
	return rq->within.start <= rq->within.last &&
	       (rq->from == DMAG_LOWEST || rq->from == DMAG_HIGHEST);
}

static bool claim_backend_valid(const struct dmag_group *g,
				const struct dmag_backend *be)
{
	return g && be && be->claim && be->release &&
	       (!g->attrs || (be->prepare && be->restore));
}

/*
 * Frames that a group owns cannot move, and where single ones lie the host has
 * no whole block any more.  Only min, which atomic requests depend on, is worth
 * that; from there to high a reserve is filled with whole blocks or not at all.
 */
static bool claim_filled(const struct claim_climb *c)
{
	const struct dmag_marks *marks = &c->g->marks;
	bool pieces = c->rq.count < DMAG_BLOCK_FRAMES;

	return !c->g->members ||
	       c->g->frames.free >=
		       (pieces && c->blocks ? marks->min : marks->high);
}

/*
 * -EAGAIN while there is reason to go on.  A request is served from what was
 * @got for it, if anything, whatever else the reserve has: that is then as it
 * was before (I3).
 */
static int claim_met(struct claim_climb *c, const struct dmag_range *got)
{
	struct dmag_request rq;

	if (!c->want)
		return claim_filled(c) ? 0 : -EAGAIN;
	if (got) {
		rq = *c->want;
		rq.within.start = max(rq.within.start, got->start);
		rq.within.last = min(rq.within.last, got->last);
		if (!dmag_frames_get(&c->g->frames, &rq, c->pfn))
			return 0;
	}
	return dmag_group_get(c->g, c->want, false, c->pfn);
}

/*
 * Convert what was just claimed.  It is in use meanwhile, since the lock may
 * be dropped; a range that failed leaves the group's hands for good (I6).
 */
static int claim_prepare(struct claim_climb *c, const struct dmag_range *got)
{
	struct dmag_frames *f = &c->g->frames;
	u64 count = got->last - got->start + 1;
	int err, ret = dmag_frames_take(f, got->start, got->last);

	DMAG_CHECK(!ret); /* it was added a moment ago */
	err = c->be->prepare(c->g, got);
	if (!err)
		return c->want ? dmag_frames_put(f, got->start, count) :
				 dmag_group_put(c->g, got->start, count);
	ret = dmag_frames_quarantine(f, got->start, got->last);
	WARN_ON_ONCE(ret);
	return ++c->failures < DMAG_PREPARE_FAILURES ? -EAGAIN : err;
}

/*
 * What is claimed for a request is no more than it wants, and so makes up for
 * no draw; what is to be converted may be lost, and does so when it is put.
 */
static int claim_add(struct claim_climb *c, const struct dmag_range *got)
{
	if (c->want || c->g->attrs)
		return dmag_group_own(c->g, got->start, got->last);
	return dmag_group_add(c->g, got->start, got->last);
}

/*
 * Claim one extent and add it.  What the group cannot own goes back, unless it
 * is the group's own: then the host is wrong about who has it, and a leak is
 * the lesser evil.
 */
static int claim_take(struct claim_climb *c, enum dmag_rung rung,
		      const struct dmag_request *rq, struct dmag_range *got)
{
	int ret = c->be->claim(c->g, rq, rung, got);

	if (ret)
		return ret;
	ret = claim_add(c, got);
	if (!ret)
		return c->g->attrs ? claim_prepare(c, got) : 0;
	WARN_ON_ONCE(ret != -ENOMEM);
	if (ret != -EEXIST)
		c->be->release(c->g, got);
	return ret;
}

/* Whether an extent of the climb's shape fits into @range at all. */
static bool claim_fits(const struct claim_climb *c,
		       const struct dmag_range *range)
{
	u64 start = round_up(range->start, c->rq.align);

	return start <= range->last && range->last - start >= c->rq.count - 1;
}

/* Claim inside one cell until there is no more, or no more is wanted. */
static int claim_cell(struct claim_climb *c, enum dmag_rung rung,
		      const struct dmag_range *cell)
{
	struct dmag_request rq = c->rq;
	struct dmag_range got;
	int ret, err;

	rq.within.start = max(rq.within.start, cell->start);
	rq.within.last = min(rq.within.last, cell->last);
	if (rq.within.start > rq.within.last || !claim_fits(c, &rq.within))
		return -EAGAIN;
	c->fits = true;
	do {
		err = claim_take(c, rung, &rq, &got);
		ret = claim_met(c, err ? NULL : &got);
		if (ret != -EAGAIN)
			return ret;
	} while (!err);
	return err;
}

/* Go through all cells on each rung; through segments if @reg is NULL. */
static int claim_rungs(struct claim_climb *c, struct dmag_registry *reg)
{
	enum dmag_rung rung;
	int ret = -EAGAIN;

	for (rung = c->first; rung < c->end; rung++) {
		struct dmag_cell cell = { .demand = 0 };

		while (dmag_cells_next(reg, c->g, &cell)) {
			ret = claim_cell(c, rung, &cell.range);
			if (ret != -EAGAIN)
				return ret;
		}
	}
	return ret;
}

/*
 * Climb for extents of @count frames.  Cells are cut by other groups' bounds,
 * which mean nothing to a request: where no cell has room, or where @whole says
 * that this is the last resort, whole segments are searched after the cells.
 */
static int claim_extents(struct claim_climb *c, u64 count, u64 align,
			 bool whole)
{
	int ret;

	c->rq.count = count;
	c->rq.align = align;
	c->fits = false;
	ret = claim_rungs(c, c->reg);
	if (ret == -EAGAIN && (whole || !c->fits))
		ret = claim_rungs(c, NULL);
	return ret;
}

/*
 * The alignment that extents of @count frames need for a request: its own, and
 * if it has a boundary, the power of two that keeps any such run within it.
 */
static u64 claim_align(const struct dmag_request *rq, u64 count)
{
	u64 align = max_t(u64, rq->align, 1);

	if (rq->boundary)
		while (align < count)
			align <<= 1;
	return align;
}

/* Claim extents of one size while the reserve wants them. */
static int claim_fill_by(struct claim_climb *c, u64 size)
{
	c->rq.count = size;
	return claim_filled(c) ? 0 : claim_extents(c, size, size, false);
}

/*
 * Claim up to high, in ever smaller sizes; 0 if that was reached.  Where high is
 * less than a block, as in a reach of less than 8 MiB, a block would be more than
 * the quarter of the reach that is the group's; and where the reach has no room
 * for one, there is none to spare.  There pieces are all there is, few enough.
 */
static int claim_fill(struct claim_climb *c)
{
	unsigned int i;
	int ret;

	c->want = NULL;
	c->end = DMAG_CLAIM_SURPLUS;
	c->rq.within.start = 0;
	c->rq.within.last = DMAG_PFN_MAX;
	c->rq.from = DMAG_HIGHEST;
	c->blocks = c->g->marks.high >= DMAG_BLOCK_FRAMES;
	for (i = !c->blocks; i < ARRAY_SIZE(claim_fill_sizes); i++) {
		ret = claim_fill_by(c, claim_fill_sizes[i]);
		if (ret && ret != -EAGAIN)
			return ret;
		if (!i)
			c->blocks = c->fits;
	}
	return dmag_group_shortage(c->g) ? -ENOMEM : 0;
}

/*
 * Claim for a request: whole blocks, because the rest of a block is of use to
 * the next request while single frames would scatter over the host's memory;
 * then just what is wanted, if that is less, before the host has to reclaim a
 * block for it.  A run is not claimed around what is owned, so what is to be
 * released anyway goes first.
 */
static int claim_request(struct claim_climb *c, const struct dmag_request *rq)
{
	u64 align = claim_align(rq, rq->count);
	u64 blocks = round_up(rq->count, DMAG_BLOCK_FRAMES);
	u64 block_align = max_t(u64, align, DMAG_BLOCK_FRAMES);
	bool less = blocks > rq->count || align < DMAG_BLOCK_FRAMES;
	int ret;

	c->want = rq;
	c->rq.within = rq->within;
	c->rq.from = rq->from;
	if (blocks > DMAG_BLOCK_FRAMES)
		dmag_group_shrink(c->g, c->be, c->g->marks.high,
				  dmag_group_surplus(c->g));
	c->end = less ? DMAG_CLAIM_RECLAIM : DMAG_RUNGS;
	ret = claim_extents(c, blocks, block_align, !less);
	if (ret != -EAGAIN || !less)
		return ret;
	c->end = DMAG_RUNGS;
	ret = claim_extents(c, rq->count, align, true);
	if (ret != -EAGAIN)
		return ret;
	c->first = DMAG_CLAIM_RECLAIM;
	return claim_extents(c, blocks, block_align, true);
}

/**
 * dmag_group_alloc() - Serve a request that may wait.
 * @reg: the registry, for its cells; NULL to do without
 * @g: the group
 * @be: its host
 * @rq: the run that is wanted
 * @pfn: where the first frame of the run goes
 *
 * From the reserve while that stays at or above min (I3), else by claiming.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0; -ENOMEM; -EINVAL for a bad request; -EINTR or -ETIME from the
 * backend; what prepare returned if conversion keeps failing.
 */
int dmag_group_alloc(struct dmag_registry *reg, struct dmag_group *g,
		     const struct dmag_backend *be,
		     const struct dmag_request *rq, u64 *pfn)
{
	struct claim_climb c = { .reg = reg, .g = g, .be = be, .pfn = pfn };
	int ret;

	if (!rq || !pfn || !claim_backend_valid(g, be) ||
	    !claim_request_valid(rq))
		return -EINVAL;
	ret = dmag_group_get(g, rq, false, pfn);
	if (ret == -EAGAIN)
		ret = claim_request(&c, rq);
	return ret == -EAGAIN ? -ENOMEM : ret;
}

/*
 * Release one range of used frames; if it cannot be restored it is lost.  It
 * stays in use meanwhile, so what fails here is a bug elsewhere: somebody freed
 * what was not his.
 */
static int claim_release(struct dmag_group *g, const struct dmag_backend *be,
			 const struct dmag_range *range, u64 *given)
{
	int ret;

	if (g->attrs && be->restore(g, range)) {
		ret = dmag_frames_quarantine(&g->frames, range->start,
					     range->last);
	} else {
		ret = dmag_group_drop(g, range);
		if (!ret) {
			*given += range->last - range->start + 1;
			be->release(g, range);
		}
	}
	WARN_ON_ONCE(ret);
	return ret;
}

/**
 * dmag_group_balance() - Bring the reserve to where its watermarks want it.
 * @reg: the registry, for its cells; NULL to do without
 * @g: the group
 * @be: its host
 *
 * Fills a new reserve, refills one that was used, and releases a surplus; all
 * that is free, once there are no members.  A reserve that could not be filled
 * is a defined state: it serves what it has.  Pieces of less than a block fill it
 * to min only, unless the reach has no room for a reserve of blocks.  Whoever tries
 * again gets no further while the host has no block to give, so should try ever
 * more seldom.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: 0 if the reserve is at or above high or wants nothing; else -ENOMEM,
 * or what ended the climb, as in dmag_group_alloc().
 */
int dmag_group_balance(struct dmag_registry *reg, struct dmag_group *g,
		       const struct dmag_backend *be)
{
	struct claim_climb c = { .reg = reg, .g = g, .be = be };
	struct dmag_range range;
	int ret, err = 0;
	u64 given = 0;

	if (!claim_backend_valid(g, be))
		return -EINVAL;
	ret = claim_fill(&c);
	while (!err && dmag_group_pick(g, dmag_group_surplus(g), &range))
		err = claim_release(g, be, &range, &given);
	return ret ?: err;
}

/**
 * dmag_group_shrink() - Give free frames back, because the host wants memory.
 * @g: the group
 * @be: its host
 * @keep: leave at least so many free: low if the host reclaims, min if it is
 *	out of memory
 * @max: give back at most so many
 *
 * Whole blocks first, as dmag_group_pick() has it.  Memory that cannot be
 * restored is lost and not given back; where that happens, no more is tried.
 *
 * Context: May sleep, and drop the caller's lock, as far as the backend does.
 * Return: how many frames were given back.
 */
u64 dmag_group_shrink(struct dmag_group *g, const struct dmag_backend *be,
		      u64 keep, u64 max)
{
	struct dmag_range range;
	u64 before, given = 0;

	if (!claim_backend_valid(g, be))
		return 0;
	do {
		u64 most = g->frames.free > keep ? g->frames.free - keep : 0;

		before = given;
		if (!dmag_group_pick(g, min(most, max - given), &range) ||
		    claim_release(g, be, &range, &given))
			break;
	} while (given > before);
	return given;
}
