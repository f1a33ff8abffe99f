// SPDX-License-Identifier: GPL-2.0
/*
 * Protected capacity: scarce memory does not fill with what cannot move.
 *
 * A group whose reach is scarce keeps pageblocks up to its capacity goal for
 * movable pages, by giving them the CMA migrate type: they stay in everybody's
 * use, long-term pins migrate out first, and the group can claim them at any
 * time.  Nothing is moved for it: a pageblock is isolated while it is judged,
 * so that nothing is allocated from it meanwhile, and keeps the pages it has.
 *
 * map.c knows which pageblocks are protected.
 */

#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "candidate.h"
#include "kgroup.h"
#include "map.h"
#include "protect.h"

#include <trace/events/dmag.h>

/*
 * Pageblocks that are judged in one go, for draining per-CPU lists is slow; what
 * is free in them is nobody's meanwhile.
 */
#define DMAG_PROTECT_BATCH 8

/* How long to look for more before the worker's next group has its turn. */
#define DMAG_PROTECT_BOUND HZ

/* Pageblocks that may become a group's; isolated between the two steps. */
struct protect_batch {
	struct dmag_kgroup *group;
	unsigned int nr;
	struct dmag_range block[DMAG_PROTECT_BATCH];
};

static void protect_or_restore(struct dmag_kgroup *group,
			       const struct dmag_range *range)
{
	if (dmag_pages_to_move(range) < 0)
		dmag_pageblock_restore(range, MIGRATE_MOVABLE);
	else if (!dmag_protect_block(group, range))
		trace_dmag_protect(group->id, range->start, range->last);
}

/*
 * Pages may have come and gone on per-CPU lists: judge what is drained.  Zone by
 * zone, for to drain all at once is not done while somebody else does.
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
 * dmag_kgroup_lacks_capacity() - Whether a group lacks of its capacity goal.
 * @group: the group
 *
 * Context: Process, under dmag_mutex.
 * Return: true if a pageblock or more is missing from its capacity goal.
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
 * What is free in it will be for movable pages alone: the host must have as much
 * for what cannot move, free or easily reclaimed.
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
	struct dmag_range block =
		dmag_pageblock(range->start >> pageblock_order);
	u64 free = 0;

	for (; block.start <= range->last; block.start += pageblock_nr_pages) {
		long moves;

		block.last = block.start + pageblock_nr_pages - 1;
		cond_resched();
		if (dmag_protector(block.start) ||
		    !dmag_pageblock_usable(group, &block))
			return false;
		moves = dmag_pages_to_move(&block);
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
		struct dmag_range block = { pfn, pfn + pageblock_nr_pages - 1 };

		if (dmag_pageblock_isolate(&block, MIGRATE_MOVABLE))
			batch->block[batch->nr++] = block;
		if (batch->nr == DMAG_PROTECT_BATCH)
			protect_finish_batch(batch);
	}
}

/* Nothing stays isolated meanwhile. */
static void protect_yield(struct protect_batch *batch)
{
	if (dmag_lock_contended()) {
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

/**
 * dmag_kgroup_protect() - Protect what a group lacks of its capacity goal.
 * @group: the group
 *
 * Least wanted memory first, in aligned chunks as large as can be had: large
 * buffers want runs.  What is not there now, or not within a second, may be
 * later: the worker comes back.
 *
 * Context: Process, under dmag_mutex, which others may have in between.
 */
void dmag_kgroup_protect(struct dmag_kgroup *group)
{
	struct protect_batch batch = { .group = group };
	u64 size = protect_lacking(&batch);

	might_sleep();
	lockdep_assert_held(&dmag_mutex);
	group->deadline = jiffies + DMAG_PROTECT_BOUND;
	if (size)
		size = rounddown_pow_of_two(size);
	for (; size >= pageblock_nr_pages; size >>= 1) {
		struct dmag_cell cell = { .demand = 0 };

		while (protect_lacking(&batch) >= size &&
		       dmag_cells_next(&dmag_registry, &group->core, &cell))
			protect_cell(&batch, &cell.range, size);
	}
	protect_finish_batch(&batch);
}
