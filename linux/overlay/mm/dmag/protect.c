// SPDX-License-Identifier: GPL-2.0
/*
 * Protected capacity: scarce memory does not fill with unmovable pages.
 *
 * A group whose reach is scarce gives pageblocks the CMA migrate type, up to its
 * capacity goal.  Then only movable pages enter them, long-term pins migrate out
 * first, and the group can claim them at any time.  No page moves for that: a
 * pageblock is isolated while it is judged, so that no page is allocated from it,
 * and keeps the pages that it has.
 *
 * map.c records which pageblocks are protected.
 */

#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "../internal.h"
#include "candidate.h"
#include "kgroup.h"
#include "map.h"
#include "protect.h"

#include <trace/events/dmag.h>

/*
 * Pageblocks that are judged together, because draining per-CPU lists is slow.
 * Their free pages cannot be allocated until then.
 */
#define DMAG_PROTECT_BATCH 8

/* How long the worker protects for one group before the next has its turn. */
#define DMAG_PROTECT_BOUND HZ

/* Pageblocks that are isolated, and may become protected. */
struct protect_batch {
	struct dmag_kgroup *group;
	unsigned int nr;
	struct dmag_range block[DMAG_PROTECT_BATCH];
};

static void protect_or_restore(struct dmag_kgroup *group,
			       const struct dmag_range *range)
{
	if (dmag_pages_to_move(range, DMAG_PAGE_LOCKED) < 0)
		dmag_pageblock_restore(range, MIGRATE_MOVABLE);
	else if (!dmag_protect_block(group, range))
		trace_dmag_protect(group->id, range->start, range->last);
}

/*
 * Judge again after draining, because pages may have come from per-CPU lists and
 * gone there.  Drain zone by zone: a drain of all zones does nothing while another
 * task does one.
 */
static void protect_finish_batch(struct protect_batch *batch)
{
	struct zone *drained = NULL;

	lockdep_assert_held(&dmag_mutex);
	DMAG_CHECK(batch->nr <= DMAG_PROTECT_BATCH);
	for (unsigned int i = 0; i < batch->nr; i++) {
		struct zone *zone =
			page_zone(pfn_to_page(batch->block[i].start));

		if (zone != drained)
			drain_all_pages(zone);
		drained = zone;
	}
	for (unsigned int i = 0; i < batch->nr; i++)
		protect_or_restore(batch->group, &batch->block[i]);
	batch->nr = 0;
}

/**
 * dmag_kgroup_lacks_capacity() - Whether a group is below its capacity goal.
 * @group: the group
 *
 * Context: Process, under dmag_mutex.
 * Return: true if it is by a pageblock or more.
 */
bool dmag_kgroup_lacks_capacity(const struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	return group->core.members &&
	       group->protected + pageblock_nr_pages <= group->goal;
}

static u64 protect_lacking(const struct protect_batch *batch)
{
	u64 have = batch->group->protected + batch->nr * pageblock_nr_pages;

	return batch->group->core.members && batch->group->goal > have ?
		       batch->group->goal - have :
		       0;
}

/*
 * The free pages of a protected pageblock are for movable pages alone.  So the host
 * must have as much memory for unmovable ones, free or easily reclaimed.
 */
static bool protect_affordable(u64 free)
{
	long room =
		si_mem_available() - global_zone_page_state(NR_FREE_CMA_PAGES);

	return room > 0 && room >= free;
}

static bool protect_eligible(struct dmag_kgroup *group,
			     const struct dmag_range *range)
{
	u64 free = 0;

	for (u64 pfn = range->start; pfn <= range->last;
	     pfn += pageblock_nr_pages) {
		struct dmag_range block =
			dmag_pageblock(pfn >> pageblock_order);
		long moves;

		cond_resched();
		if (dmag_protector(block.start) ||
		    !dmag_pageblock_usable(group, &block))
			return false;
		moves = dmag_pages_to_move(&block, DMAG_PAGE_LOCKED);
		if (moves < 0)
			return false;
		free += pageblock_nr_pages - moves;
	}
	return protect_affordable(free);
}

static void protect_chunk(struct protect_batch *batch,
			  const struct dmag_range *range)
{
	for (u64 pfn = range->start; pfn <= range->last;
	     pfn += pageblock_nr_pages) {
		struct dmag_range block =
			dmag_pageblock(pfn >> pageblock_order);

		if (dmag_pageblock_isolate(&block, MIGRATE_MOVABLE))
			batch->block[batch->nr++] = block;
		if (batch->nr == DMAG_PROTECT_BATCH)
			protect_finish_batch(batch);
	}
}

/* No pageblock stays isolated while others have a mutex. */
static void protect_yield(struct protect_batch *batch)
{
	if (dmag_contended()) {
		protect_finish_batch(batch);
		dmag_kgroup_yield(batch->group);
	}
}

/* Protect aligned chunks of @size frames from the top of a cell. */
static void protect_cell(struct protect_batch *batch,
			 const struct dmag_range *cell, u64 size)
{
	u64 start = round_down(cell->last + 1, size);

	while (start >= cell->start + size) {
		struct dmag_range range = { start - size, start - 1 };

		protect_yield(batch);
		if (protect_lacking(batch) < size ||
		    dmag_kgroup_give_up(batch->group) || !protect_affordable(0))
			return;
		start = range.start;
		if (protect_eligible(batch->group, &range))
			protect_chunk(batch, &range);
	}
}

static void protect_by_size(struct protect_batch *batch, u64 size)
{
	const struct dmag_group *core = &batch->group->core;
	struct dmag_cells cells;
	struct dmag_range cell;

	lockdep_assert_held(&dmag_mutex);
	dmag_cells_choose(&dmag_registry, core, &cells);
	for (int i = 0; protect_lacking(batch) >= size; i++) {
		if (!dmag_cells_at(&cells, core, i, &cell))
			return;
		protect_cell(batch, &cell, size);
	}
}

#ifdef CONFIG_DMA_CMA
/* Let the free pages of a pageblock be the last of their kind that are allocated. */
static void protect_use_last(const struct dmag_range *block)
{
	struct zone *zone = page_zone(pfn_to_page(block->start));
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	for (u64 pfn = block->start; pfn <= block->last; pfn++) {
		struct page *page = pfn_to_page(pfn);
		unsigned int order;

		if (!PageBuddy(page))
			continue;
		order = buddy_order(page);
		if (is_migrate_cma_page(page))
			list_move_tail(
				&page->buddy_list,
				&zone->free_area[order].free_list[MIGRATE_CMA]);
		pfn += (1UL << order) - 1;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

/*
 * Movable pages fill memory of MIGRATE_CMA in the order of its free lists, and there is
 * much more of it now.  Without groups they would leave the default area alone for as
 * long as other memory is free; and while they are there, requests for it migrate.  The
 * blocks that the area gives back later come first again, as on stock.
 */
static void protect_default_area(void)
{
	const struct cma *area = dma_contiguous_default_area;
	u64 start, end;

	if (!area)
		return;
	start = PHYS_PFN(cma_get_base(area));
	end = start + PFN_DOWN(cma_get_size(area));
	for (; start < end; start += pageblock_nr_pages) {
		struct dmag_range block =
			dmag_pageblock(start >> pageblock_order);

		protect_use_last(&block);
		cond_resched();
	}
}
#else
static void protect_default_area(void)
{
}
#endif

/**
 * dmag_kgroup_protect() - Protect pageblocks up to a group's capacity goal.
 * @group: the group
 *
 * Least wanted memory comes first, in aligned chunks as large as possible, because
 * large buffers want runs.  If it falls short, or takes longer than a second, the
 * worker continues it later.
 *
 * Context: Process, under both mutexes, which it lets go of for others.
 */
void dmag_kgroup_protect(struct dmag_kgroup *group)
{
	struct protect_batch batch = { .group = group };
	u64 size = protect_lacking(&batch), before = group->protected;

	might_sleep();
	dmag_assert_may_claim();
	group->effort =
		(struct dmag_effort){ .until = jiffies + DMAG_PROTECT_BOUND };
	if (size)
		size = rounddown_pow_of_two(size);
	for (; size >= pageblock_nr_pages; size >>= 1)
		protect_by_size(&batch, size);
	protect_finish_batch(&batch);
	if (group->protected != before)
		protect_default_area();
}
