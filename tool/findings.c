// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Findings: what cannot work on a board, as notes.
 */
#include "findings.h"
#include "ram.h"
#include "reach.h"
#include "text.h"

/* ---- devices that reach nothing -------------------------------------- */

/* The smallest mask with which @dev reaches memory; 0 if there is none. */
static unsigned int finding_first_mask(struct board *board,
				       const struct device *dev)
{
	unsigned int bits;

	for (bits = dev->mask_bits; bits <= 64; bits++)
		if (reach_frames(board, dev, bits, &board->ram))
			return bits;
	return 0;
}

static void note_unusable(struct board *board, const struct device *dev)
{
	unsigned int bits;
	const char *remedy;

	if (!dev->group || dev->group->frames)
		return;
	bits = finding_first_mask(board, dev);
	remedy = bits ? arena_printf(&board->arena, "it takes %u bits", bits) :
			"no mask does, its bus leads to no memory";
	(dev->mask_from == MASK_UNKNOWN ? board_warn : board_wrong)(
		board, "%s: a mask of %u bits%s reaches no memory: %s",
		dev->path, dev->mask_bits,
		dev->mask_from == MASK_UNKNOWN ? " (a guess)" : "", remedy);
}

/* ---- pools ----------------------------------------------------------- */

/* The frames that hold a span. */
static struct dmag_range finding_frames(const struct span *span)
{
	return (struct dmag_range){ span->start >> PAGE_SHIFT,
				    span->last >> PAGE_SHIFT };
}

/* Some place that a region has or may get. */
static u64 finding_pool_reach(struct board *board, const struct device *dev,
			      const struct span *span)
{
	struct dmag_range range = finding_frames(span);
	const struct dmag_reach map = { &range, 1 };

	return reach_frames(board, dev, dev->mask_bits, &map);
}

/* A pool that is only in part in reach fails when that part is used up. */
static void note_placed_pool(struct board *board, struct device *dev)
{
	const struct region *pool = dev->pool;
	struct dmag_range range = finding_frames(&pool->span);
	u64 all = range.last - range.start + 1;
	u64 reached = finding_pool_reach(board, dev, &pool->span);
	char size[32];

	if (reached == all)
		return;
	if (!reached)
		dev->verdict = VERDICT_UNUSABLE;
	(reached ? board_warn : board_wrong)(
		board,
		"%s: its pool %s at %#llx is out of reach of %u bits%s%s",
		dev->path, pool->name, pool->span.start, dev->mask_bits,
		reached ? " but for " : "",
		reached ? size_text(size, sizeof(size), frames_bytes(reached)) :
			  "");
}

static void note_pool(struct board *board, struct device *dev)
{
	const struct region *pool = dev->pool;
	unsigned int i;

	if (pool->placed) {
		note_placed_pool(board, dev);
		return;
	}
	for (i = 0; i < pool->nr_within; i++)
		if (finding_pool_reach(board, dev, &pool->within[i]))
			return;
	if (!pool->nr_within)
		return;
	dev->verdict = VERDICT_UNUSABLE;
	board_wrong(
		board,
		"%s: alloc-ranges of its pool %s are out of reach of %u bits",
		dev->path, pool->name, dev->mask_bits);
}

/* The largest run of @free that @within allows. */
static u64 finding_largest(const struct span *free, unsigned int nr,
			   const struct span *within)
{
	u64 largest = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 start = max(free[i].start, within->start);
		u64 last = min(free[i].last, within->last);

		if (start <= last)
			largest = max(largest, last - start + 1);
	}
	return largest;
}

/* Linux finds a place at boot, or says that it failed and goes on without. */
static void note_room(struct board *board, const struct region *region)
{
	const struct span anywhere = { 0, U64_MAX };
	const struct span *within = region->within ?: &anywhere;
	unsigned int i, nr, nr_within = region->nr_within ?: 1;
	char wanted[32], room[32];
	struct span *spans;
	u64 largest = 0;

	nr = ram_free_spans(board, U64_MAX, &spans);
	for (i = 0; i < nr_within; i++)
		largest = max(largest, finding_largest(spans, nr, &within[i]));
	if (largest < region->size)
		board_wrong(board, "%s: %s do not fit: %s is the largest range",
			    region->name,
			    size_text(wanted, sizeof(wanted), region->size),
			    size_text(room, sizeof(room), largest));
}

/* Linux says "OVERLAP DETECTED!" and gives the memory to both. */
static void note_overlap(struct board *board, unsigned int i)
{
	const struct region *region = &board->regions[i];
	unsigned int k;

	for (k = 0; k < i; k++) {
		const struct region *other = &board->regions[k];

		if (other->placed && region->span.start <= other->span.last &&
		    other->span.start <= region->span.last)
			board_warn(board, "%s: overlaps %s", region->name,
				   other->name);
	}
}

/* Only memory can be lent out as movable pages. */
static void note_cma_ram(struct board *board, const struct region *region)
{
	struct dmag_range range = finding_frames(&region->span);

	if (region->kind == REGION_CMA &&
	    span_frames(&board->ram, &range) < range.last - range.start + 1)
		board_wrong(board, "%s: reusable, but not all of it is memory",
			    region->name);
}

static void note_region(struct board *board, unsigned int i)
{
	const struct region *region = &board->regions[i];

	if (board->live)
		return;
	if (!region->placed) {
		note_room(board, region);
		return;
	}
	note_overlap(board, i);
	note_cma_ram(board, region);
}

/* ---- the default area ------------------------------------------------ */

static const struct region *finding_default_cma(const struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].cma_default)
			return &board->regions[i];
	return NULL;
}

static bool finding_group_reaches(const struct group *group,
				  const struct region *region)
{
	const struct span *span = region->placed ? &region->span :
						   region->within;
	unsigned int i, nr = region->placed ? 1 : region->nr_within;

	for (i = 0; i < nr; i++) {
		struct dmag_range range = finding_frames(&span[i]);

		if (span_frames(&group->core.reach, &range))
			return true;
	}
	return !nr;
}

/* dma-direct tries the default area first, and drops what is out of reach. */
static void note_default_cma(struct board *board)
{
	const struct region *area = finding_default_cma(board);
	unsigned int i;

	for (i = 0; area && i < board->nr_groups; i++) {
		const struct group *group = board->groups[i];

		if (group->frames && !finding_group_reaches(group, area))
			board_warn(
				board,
				"%s: the default CMA area is out of reach of group %u",
				area->name, group->id);
	}
}

/**
 * note_findings() - Note what cannot work.
 * @board: the board, with its plan made
 */
void note_findings(struct board *board)
{
	unsigned int i;

	if (!board->memory_known)
		return;
	for (i = 0; i < board->nr_devices; i++) {
		struct device *dev = &board->devices[i];

		if (dev->pool && dev->kind != DEVICE_IOMMU)
			note_pool(board, dev);
		note_unusable(board, dev);
	}
	for (i = 0; i < board->nr_regions; i++)
		note_region(board, i);
	note_default_cma(board);
}
