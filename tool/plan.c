// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * From facts to zones, groups, and a verdict.
 *
 * Devices that take memory from a group join one in the core's registry, as in
 * the kernel.  Then
 * each is judged against the zones: dma-direct asks for memory of one zone or
 * of those below it (dma_direct_optimal_gfp_mask() in kernel/dma/direct.c) and
 * looks at the address afterwards.  Memory of those zones that the device cannot
 * use is *outside*; memory that it could use, but finds by luck or not at all, is
 * *wasted*.
 */
#include <stdlib.h>

#include "bridge.h"
#include "cma.h"
#include "findings.h"
#include "plan.h"
#include "ram.h"
#include "stream.h"
#include "zones.h"

/* ---- groups ---------------------------------------------------------- */

/*
 * The reach is built twice, first to count its segments.  Every device gets a
 * group; joining decides whether it is needed.
 */
static struct group *group_alloc(struct board *board, const struct device *dev)
{
	struct dmag_range *seg;
	struct group *group;
	int nr;

	nr = dmag_reach_build(&dev->constraint, &board->ram, NULL, 0);
	if (nr < 0) {
		board_fail(board, "%s: dma-ranges: not a constraint",
			   dev->path);
		return NULL;
	}
	group = arena_alloc(&board->arena, sizeof(*group));
	seg = arena_alloc(&board->arena, nr * sizeof(*seg) + 1);
	if (dmag_reach_build(&dev->constraint, &board->ram, seg, nr) != nr ||
	    dmag_group_init(&group->core, seg, nr, dev->constraint.attrs)) {
		board_fail(board, "%s: dma-ranges: not a group", dev->path);
		return NULL;
	}
	group->frames = dmag_reach_frames(&group->core.reach);
	group->universal = board->memory_known && !group->core.attrs &&
			   dmag_reach_covers(&group->core.reach, &board->ram);
	return group;
}

static int group_join(struct board *board, struct device *dev)
{
	struct group *fresh = group_alloc(board, dev);
	struct dmag_group *core;

	if (!fresh)
		return -1;
	core = dmag_join(&board->registry, &dev->member, &fresh->core);
	dev->group = container_of(core, struct group, core);
	if (dev->group == fresh)
		*ARENA_ADD(&board->arena, board->groups, board->nr_groups) =
			fresh;
	return 0;
}

/*
 * Smallest reach first.  The order must not depend on that of nodes in a tree, or
 * two plans of one board could not be compared.
 */
static int group_cmp(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a;
	const struct group *y = *(struct group *const *)b;
	const struct dmag_reach *one = &x->core.reach;
	const struct dmag_reach *other = &y->core.reach;

	if (x->frames != y->frames)
		return x->frames < y->frames ? -1 : 1;
	if (one->nr && other->nr && one->seg[0].start != other->seg[0].start)
		return one->seg[0].start < other->seg[0].start ? -1 : 1;
	if (one->nr != other->nr)
		return one->nr < other->nr ? -1 : 1;
	return (int)x->core.attrs - (int)y->core.attrs;
}

static void group_number(struct board *board)
{
	unsigned int i;

	if (board->nr_groups)
		qsort(board->groups, board->nr_groups, sizeof(*board->groups),
		      group_cmp);
	for (i = 0; i < board->nr_groups; i++)
		board->groups[i]->id = i + 1;
}

/* Is there a zone whose memory, with that of the zones below, is the reach? */
static bool group_described(const struct board *board,
			    const struct group *group)
{
	int i;

	if (!group->frames)
		return false;
	for (i = 0; i < (int)board->nr_zones; i++)
		if (zone_frames(board, &group->core.reach, i) ==
			    group->frames &&
		    zone_frames(board, &board->ram, i) == group->frames)
			return true;
	return false;
}

/*
 * Compare the memory that Linux tries for @dev with its reach, which has @usable
 * frames in the zones that hold coherent memory.  If the first zone has memory
 * outside the reach, allocations that fail the check go on to lower zones; only
 * the first zone without such memory is certain.
 */
static void device_compare(struct board *board, struct device *dev, u64 usable)
{
	const struct dmag_reach *reach = &dev->group->core.reach;

	dev->outside = zone_frames(board, &board->ram, dev->zone) -
		       zone_frames(board, reach, dev->zone);
	if (dev->outside)
		dev->verdict |= VERDICT_LARGE;
	if (zone_frames(board, reach, dev->zone) < usable)
		dev->verdict |= VERDICT_SMALL;
	for (dev->sure = dev->zone; dev->sure >= 0; dev->sure--)
		if (zone_frames(board, &board->ram, dev->sure) ==
		    zone_frames(board, reach, dev->sure))
			break;
	dev->wasted = usable - zone_frames(board, reach, dev->sure);
}

/* No zone suits a device that reaches nothing, and none fails it. */
static void device_judge(struct board *board, struct device *dev)
{
	const struct dmag_reach *reach = &dev->group->core.reach;

	stream_judge(board, dev);
	dev->zone = zone_first(board, dev);
	dev->sure = -1;
	if (!dev->group->frames)
		dev->verdict = VERDICT_UNUSABLE;
	else if (!board->memory_known || !board->nr_zones)
		dev->verdict = VERDICT_UNKNOWN;
	else
		device_compare(board, dev,
			       zone_frames(board, reach, zone_top(board)));
}

/* The member that fares worst speaks for its group. */
static void group_judge(struct board *board, struct device *dev)
{
	struct group *group = dev->group;

	device_judge(board, dev);
	group->unreachable = max(group->unreachable, dev->unreachable);
	group->streaming = max(group->streaming, dev->streaming);
	group->verdict |= dev->verdict;
	group->wasted = max(group->wasted, dev->wasted);
	group->outside = max(group->outside, dev->outside);
	if (!group->worst ||
	    dev->wasted + dev->outside >
		    group->worst->wasted + group->worst->outside)
		group->worst = dev;
}

/* Regions may overlap: count the frames of their union. */
static void group_count_reserved(struct board *board)
{
	struct span *spans;
	struct dmag_range range;
	unsigned int i, j, nr = 0;
	u64 next = 0;

	spans = arena_alloc(&board->arena,
			    board->nr_regions * sizeof(*spans) + 1);
	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].placed &&
		    board->regions[i].kind != REGION_CMA)
			spans[nr++] = board->regions[i].span;
	qsort(spans, nr, sizeof(*spans), span_cmp);
	for (i = 0; i < nr; i++) {
		range.start = max(next, spans[i].start >> PAGE_SHIFT);
		range.last = spans[i].last >> PAGE_SHIFT;
		if (range.start > range.last)
			continue;
		next = range.last + 1;
		for (j = 0; j < board->nr_groups; j++)
			board->groups[j]->reserved += span_frames(
				&board->groups[j]->core.reach, &range);
	}
}

/**
 * board_plan() - Make zones and groups of the facts about a machine.
 * @board: the board, filled by a source
 *
 * Return: 0, or -1 with board->error set.
 */
int board_plan(struct board *board)
{
	unsigned int i;

	if (ram_build(board))
		return -1;
	zone_build(board);
	cma_place(board);
	stream_place(board);
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].kind == DEVICE_DIRECT &&
		    group_join(board, &board->devices[i]))
			return -1;
	group_number(board);
	for (i = 0; i < board->nr_groups; i++)
		board->groups[i]->described =
			group_described(board, board->groups[i]);
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].group)
			group_judge(board, &board->devices[i]);
	group_count_reserved(board);
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].bridge && board->memory_known &&
		    board->devices[i].kind == DEVICE_DIRECT)
			bridge_judge(board, &board->devices[i]);
	note_findings(board);
	return 0;
}
