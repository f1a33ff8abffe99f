// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * From facts to zones, groups, and a verdict.
 *
 * RAM is the banks, merged, less what Linux does not map.  Devices that take
 * memory from a group join one in the core's registry, as in the kernel.  Then
 * each is judged against the zones: dma-direct asks for memory of one zone or
 * of those below it (dma_direct_optimal_gfp_mask() in kernel/dma/direct.c) and
 * looks at the address afterwards.  Memory of those zones that the device cannot
 * use is *outside*; memory that it could use, but finds by luck or not at all, is
 * *wasted*.
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* The last byte of unknown RAM: 48 bits are all that most CPUs have. */
#define UNKNOWN_RAM_LAST ((1ULL << 48) - 1)

static const u64 limit32 = (1ULL << 32) - 1;

/* ---- RAM ------------------------------------------------------------- */

static int span_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sort banks, merge those that touch or overlap. */
static void bank_merge(struct board *board)
{
	unsigned int i, nr = 0;

	qsort(board->banks, board->nr_banks, sizeof(*board->banks), span_cmp);
	for (i = 0; i < board->nr_banks; i++) {
		struct span *last = nr ? &board->banks[nr - 1] : NULL;

		if (last && (last->last == U64_MAX ||
			     board->banks[i].start <= last->last + 1))
			last->last = max(last->last, board->banks[i].last);
		else
			board->banks[nr++] = board->banks[i];
	}
	board->nr_banks = nr;
}

/* Cut @hole out of the sorted spans @spans of @nr into @out; returns how many. */
static unsigned int span_cut(const struct span *spans, unsigned int nr,
			     const struct span *hole, struct span *out)
{
	unsigned int i, kept = 0;

	for (i = 0; i < nr; i++) {
		if (hole->last < spans[i].start ||
		    hole->start > spans[i].last) {
			out[kept++] = spans[i];
			continue;
		}
		if (spans[i].start < hole->start)
			out[kept++] = (struct span){ spans[i].start,
						     hole->start - 1 };
		if (spans[i].last > hole->last)
			out[kept++] =
				(struct span){ hole->last + 1, spans[i].last };
	}
	return kept;
}

/* Whole pages only, as memblock has it; neighbours in a page are one. */
static void ram_set(struct board *board, const struct span *spans,
		    unsigned int nr)
{
	struct dmag_range *seg =
		arena_alloc(&board->arena, nr * sizeof(*seg) + 1);
	const u64 mask = (1ULL << PAGE_SHIFT) - 1;
	unsigned int i, nr_seg = 0;

	for (i = 0; i < nr; i++) {
		u64 start = (spans[i].start >> PAGE_SHIFT) +
			    !!(spans[i].start & mask);
		u64 last = spans[i].last >> PAGE_SHIFT;

		if ((spans[i].last & mask) != mask && !last--)
			continue;
		if (start <= last)
			seg[nr_seg++] = (struct dmag_range){ start, last };
	}
	board->ram = (struct dmag_reach){ seg, nr_seg };
}

/*
 * Nothing known is planned for as if memory were everywhere: reaches are right
 * then, verdicts are not, and a note says so.
 */
static int bank_check(struct board *board)
{
	static const char unknown[] =
		"memory unknown: planned for all addresses of 48 bits (give --memory)";
	u64 top;

	board->memory_known = board->nr_banks;
	if (!board->memory_known) {
		*ARENA_ADD(&board->arena, board->banks, board->nr_banks) =
			(struct span){ 0, UNKNOWN_RAM_LAST };
		board_note(board, unknown);
	}
	bank_merge(board);
	top = board->banks[board->nr_banks - 1].last;
	if (top >> PAGE_SHIFT > DMAG_PFN_MAX)
		return board_fail(board, "memory: %#llx is beyond any CPU",
				  top);
	return 0;
}

/*
 * Regions are cut one after the other, from one list into the other and back.
 * Each cut adds one span at the most.
 */
static void ram_build(struct board *board)
{
	struct span *spans, *next, *tmp;
	unsigned int i, nr;

	spans = arena_alloc(&board->arena,
			    (board->nr_banks + board->nr_regions) *
				    sizeof(*spans));
	next = arena_alloc(&board->arena,
			   (board->nr_banks + board->nr_regions) *
				   sizeof(*spans));
	memcpy(spans, board->banks, board->nr_banks * sizeof(*spans));
	nr = board->nr_banks;
	for (i = 0; i < board->nr_regions; i++) {
		if (board->regions[i].kind != REGION_NOMAP ||
		    !board->regions[i].placed)
			continue;
		nr = span_cut(spans, nr, &board->regions[i].span, next);
		tmp = spans;
		spans = next;
		next = tmp;
	}
	ram_set(board, spans, nr);
}

/* ---- zones ----------------------------------------------------------- */

static u64 span_frames(const struct dmag_reach *reach,
		       const struct dmag_range *range)
{
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < reach->nr; i++) {
		u64 start = max(reach->seg[i].start, range->start);
		u64 last = min(reach->seg[i].last, range->last);

		if (start <= last)
			frames += last - start + 1;
	}
	return frames;
}

/* The next zone goes from the end of the last one to the frame before @end. */
static void zone_add(struct board *board, const char *name, u64 end)
{
	u64 start = board->nr_zones ?
			    board->zones[board->nr_zones - 1].range.last + 1 :
			    0;
	struct zone *zone;

	if (end <= start)
		return;
	zone = &board->zones[board->nr_zones++];
	zone->name = name;
	zone->range = (struct dmag_range){ start, end - 1 };
}

/* As max_zone_phys() in arch/arm64/mm/init.c, in frames. */
static u64 zone_end(const struct board *board, u64 limit)
{
	u64 top = board->banks[board->nr_banks - 1].last;

	return (min(limit, top) + 1) >> PAGE_SHIFT;
}

/* zone_sizes_init(): arch/arm64/mm/init.c and arch/riscv/mm/init.c. */
static void zone_build(struct board *board)
{
	unsigned int i;

	if (board->arch != ARCH_ARM64)
		board->zone_dma_limit = (1ULL << 24) - 1;
	else if (board->banks[0].start < limit32)
		board->zone_dma_limit = min(board->zone_dma_limit, limit32);
	if (!board->zones_given) {
		board->zone_dma = board->arch == ARCH_ARM64;
		board->zone_dma32 = true;
		if (board->zone_dma)
			zone_add(board, "DMA",
				 zone_end(board, board->zone_dma_limit));
		zone_add(board, "DMA32", zone_end(board, limit32));
		zone_add(board, "Normal", zone_end(board, U64_MAX));
	}
	for (i = 0; i < board->nr_zones; i++)
		board->zones[i].frames =
			span_frames(&board->ram, &board->zones[i].range);
}

static int zone_find(const struct board *board, const char *name)
{
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++)
		if (!strcmp(board->zones[i].name, name))
			return i;
	return -1;
}

/* translate_dma_to_phys(): an address in no window is as high as can be. */
static u64 zone_phys_limit(const struct dmag_constraint *dma, u64 bus)
{
	unsigned int i;

	if (!dma->nr_windows)
		return bus;
	for (i = 0; i < dma->nr_windows; i++)
		if (bus - dma->windows[i].bus < dma->windows[i].size)
			return bus - dma->windows[i].bus + dma->windows[i].cpu;
	return U64_MAX;
}

/*
 * The zone that Linux tries first, which stands for those below it too.  A zone
 * that a kernel for this machine is built without is as if nothing had been
 * asked for; one that is built in but empty yields what is below it.
 * Returns -1 if there is nothing.
 */
static int zone_first(const struct board *board, const struct device *dev)
{
	u64 limit = zone_phys_limit(&dev->constraint, dev->constraint.limit);
	int zone;

	if (limit <= board->zone_dma_limit)
		return board->zone_dma ? zone_find(board, "DMA") :
					 (int)board->nr_zones - 1;
	if (limit > limit32 || !board->zone_dma32)
		return board->nr_zones - 1;
	zone = zone_find(board, "DMA32");
	return zone < 0 ? zone_find(board, "DMA") : zone;
}

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
	group->universal = !group->core.attrs &&
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

/* Frames of @reach in the zones up to @zone. */
static u64 zone_frames(const struct board *board,
		       const struct dmag_reach *reach, int zone)
{
	struct dmag_range below = { 0, 0 };

	if (zone < 0)
		return 0;
	below.last = board->zones[zone].range.last;
	return span_frames(reach, &below);
}

/*
 * Is there a zone whose memory, with that of the zones below, is the reach?
 * Nothing needs no zone.
 */
static bool zone_describes(const struct board *board, const struct group *group)
{
	int i;

	if (!group->frames)
		return true;
	for (i = 0; i < (int)board->nr_zones; i++)
		if (zone_frames(board, &group->core.reach, i) ==
			    group->frames &&
		    zone_frames(board, &board->ram, i) == group->frames)
			return true;
	return false;
}

/*
 * Compare what Linux tries for @dev with what @dev can use.  If the first zone has
 * memory outside the reach, allocations that fail the check go on to lower
 * zones; certain is only what the first zone without such memory holds.
 */
static void device_judge(struct board *board, struct device *dev)
{
	const struct dmag_reach *reach = &dev->group->core.reach;

	dev->zone = zone_first(board, dev);
	dev->outside = zone_frames(board, &board->ram, dev->zone) -
		       zone_frames(board, reach, dev->zone);
	if (dev->outside)
		dev->verdict |= VERDICT_LARGE;
	if (zone_frames(board, reach, dev->zone) < dev->group->frames)
		dev->verdict |= VERDICT_SMALL;
	for (dev->sure = dev->zone; dev->sure >= 0; dev->sure--)
		if (zone_frames(board, &board->ram, dev->sure) ==
		    zone_frames(board, reach, dev->sure))
			break;
	dev->wasted = dev->group->frames - zone_frames(board, reach, dev->sure);
}

/* The member that fares worst speaks for its group. */
static void group_judge(struct board *board, struct device *dev)
{
	struct group *group = dev->group;

	device_judge(board, dev);
	if (!group->frames)
		board_note(board, "%s: a mask of %u bits reaches no memory",
			   dev->path, dev->mask_bits);
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

	if (bank_check(board))
		return -1;
	ram_build(board);
	zone_build(board);
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].kind == DEVICE_DIRECT &&
		    group_join(board, &board->devices[i]))
			return -1;
	group_number(board);
	for (i = 0; i < board->nr_groups; i++)
		board->groups[i]->described =
			zone_describes(board, board->groups[i]);
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].group)
			group_judge(board, &board->devices[i]);
	group_count_reserved(board);
	return 0;
}
