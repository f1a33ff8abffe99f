// SPDX-License-Identifier: GPL-2.0
/*
 * The map of memory: the owner of each block, the protector of each pageblock,
 * and the range that is going offline.
 *
 * A protected pageblock has the CMA migrate type, and keeps it while a group owns
 * it, so that only movable pages enter when it returns to the page allocator.
 * dmag_protected lists the pageblocks that have the type from us; those of CMA
 * areas are never touched.
 */

#include <linux/cma.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/xarray.h>

#include "kgroup.h"
#include "map.h"

DEFINE_XARRAY(dmag_owners);
static DEFINE_XARRAY(dmag_protected); /* pageblock number -> dmag_kgroup */

/* ---- owners ---------------------------------------------------------- */

/**
 * dmag_owner_enter() - Note that a group owns, or is about to own, frames.
 * @group: the group
 * @range: the frames; no other group owns a frame of their blocks
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; or -ENOMEM, with some of the blocks noted: call dmag_owner_erase().
 */
int dmag_owner_enter(struct dmag_kgroup *group, const struct dmag_range *range)
{
	u64 last = range->last >> DMAG_BLOCK_ORDER;

	lockdep_assert_held(&dmag_mutex);
	for (u64 block = range->start >> DMAG_BLOCK_ORDER; block <= last;
	     block++)
		if (xa_err(xa_store(&dmag_owners, block, group, DMAG_GFP_META)))
			return -ENOMEM;
	return 0;
}

static bool map_owns_none(struct dmag_kgroup *group, u64 block)
{
	u64 first = block << DMAG_BLOCK_ORDER;
	struct dmag_run run;
	bool ret;

	spin_lock_irq(&group->lock);
	ret = !dmag_frames_walk(&group->core.frames, first, &run) ||
	      run.range.start >= first + DMAG_BLOCK_FRAMES;
	spin_unlock_irq(&group->lock);
	return ret;
}

/**
 * dmag_owner_erase() - Forget the owner of blocks that it owns no frame of.
 * @group: the owner
 * @range: frames; those blocks that they are part of are looked at
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_owner_erase(struct dmag_kgroup *group, const struct dmag_range *range)
{
	u64 last = range->last >> DMAG_BLOCK_ORDER;

	lockdep_assert_held(&dmag_mutex);
	for (u64 block = range->start >> DMAG_BLOCK_ORDER; block <= last;
	     block++)
		if (map_owns_none(group, block))
			xa_erase(&dmag_owners, block);
}

/**
 * dmag_owner_erase_empty() - Forget a group as the owner of all such blocks.
 * @group: the group; it may have lost frames without dmag_owner_erase()
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_owner_erase_empty(struct dmag_kgroup *group)
{
	struct dmag_kgroup *owner;
	unsigned long block;

	lockdep_assert_held(&dmag_mutex);
	xa_for_each(&dmag_owners, block, owner)
		if (owner == group && map_owns_none(group, block))
			xa_erase(&dmag_owners, block);
}

/**
 * dmag_range_owned() - Whether a group cannot claim a range because it is owned.
 * @group: the group
 * @range: the range
 *
 * Context: Process, under dmag_mutex.
 * Return: true if any group owns a frame of it, or another group one of its
 * blocks.
 */
bool dmag_range_owned(struct dmag_kgroup *group, const struct dmag_range *range)
{
	u64 first = range->start >> DMAG_BLOCK_ORDER;
	u64 last = range->last >> DMAG_BLOCK_ORDER;
	struct dmag_kgroup *owner;
	unsigned long block;
	struct dmag_run run;
	bool ours = false;

	lockdep_assert_held(&dmag_mutex);
	xa_for_each_range(&dmag_owners, block, owner, first, last) {
		if (owner != group)
			return true;
		ours = true;
	}
	if (!ours)
		return false;
	spin_lock_irq(&group->lock);
	ours = dmag_frames_walk(&group->core.frames, range->start, &run) &&
	       run.range.start <= range->last;
	spin_unlock_irq(&group->lock);
	return ours;
}

/* ---- protected pageblocks -------------------------------------------- */

/**
 * dmag_protector() - The group that protects a frame.
 * @pfn: the frame
 *
 * Context: Any, under RCU or dmag_mutex.
 * Return: the group, or NULL.
 */
struct dmag_kgroup *dmag_protector(u64 pfn)
{
	dmag_assert_groups_stay();
	return xa_load(&dmag_protected, pfn >> pageblock_order);
}

/**
 * dmag_range_protected() - Whether any part of a range is protected.
 * @range: the range
 *
 * Context: Any, under RCU or dmag_mutex.
 * Return: true if a pageblock that it has a part in is protected.
 */
bool dmag_range_protected(const struct dmag_range *range)
{
	unsigned long nr = range->start >> pageblock_order;

	dmag_assert_groups_stay();
	return xa_find(&dmag_protected, &nr, range->last >> pageblock_order,
		       XA_PRESENT);
}

/*
 * The policy auto-movable takes the CMA pages of a zone for pages that it has from
 * boot, so pageblocks that were added later are not counted in the zone.
 */
static bool map_is_early(u64 pfn)
{
#ifdef CONFIG_MEMORY_HOTPLUG
	return early_section(__pfn_to_section(pfn));
#else
	return true;
#endif
}

static void map_count_cma(struct page *page, long frames)
{
	if (map_is_early(page_to_pfn(page)))
		page_zone(page)->cma_pages += frames;
	totalcma_pages += frames;
}

/**
 * dmag_pageblock_isolate() - Keep the page allocator from using a pageblock.
 * @range: the pageblock
 * @migratetype: its type; anything may be isolated that is of MIGRATE_CMA
 *
 * Context: Process.
 * Return: true if it is isolated, until the caller undoes it.
 */
bool dmag_pageblock_isolate(const struct dmag_range *range, int migratetype)
{
	might_sleep();
	DMAG_CHECK(pageblock_aligned(range->start) &&
		   pageblock_aligned(range->last + 1));
	return !start_isolate_page_range(range->start, range->last + 1,
					 migratetype, 0, GFP_KERNEL);
}

/**
 * dmag_pageblock_restore() - Undo dmag_pageblock_isolate().
 * @range: the pageblock
 * @migratetype: the type that it gets
 *
 * Context: Process.
 */
void dmag_pageblock_restore(const struct dmag_range *range, int migratetype)
{
	undo_isolate_page_range(range->start, range->last + 1, migratetype);
}

/* Turn a pageblock of MIGRATE_CMA into a movable one. */
static void map_make_movable(const struct dmag_range *range)
{
	if (!WARN_ON_ONCE(!dmag_pageblock_isolate(range, MIGRATE_CMA)))
		dmag_pageblock_restore(range, MIGRATE_MOVABLE);
}

/*
 * An alloc_contig_range() of another caller may have lifted the isolation in the
 * meantime.
 */
static bool map_becomes_cma(const struct dmag_range *range)
{
	dmag_pageblock_restore(range, MIGRATE_CMA);
	return is_migrate_cma_page(pfn_to_page(range->start));
}

/**
 * dmag_protect_block() - Keep an isolated pageblock for a group.
 * @group: the group
 * @range: the pageblock; its isolation ends in any case
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; -ENOMEM; -EAGAIN if the isolation had been lifted already.
 */
int dmag_protect_block(struct dmag_kgroup *group,
		       const struct dmag_range *range)
{
	unsigned long nr = range->start >> pageblock_order;

	lockdep_assert_held(&dmag_mutex);
	if (xa_err(xa_store(&dmag_protected, nr, group, DMAG_GFP_META))) {
		dmag_pageblock_restore(range, MIGRATE_MOVABLE);
		return -ENOMEM;
	}
	if (!map_becomes_cma(range)) {
		xa_erase(&dmag_protected, nr);
		return -EAGAIN;
	}
	map_count_cma(pfn_to_page(range->start), pageblock_nr_pages);
	group->protected += pageblock_nr_pages;
	return 0;
}

static void map_unprotect_block(struct dmag_kgroup *group, unsigned long nr)
{
	struct dmag_range range = dmag_pageblock(nr);
	struct page *page = pfn_to_page(range.start);

	lockdep_assert_held(&dmag_mutex);
	xa_erase(&dmag_protected, nr);
	if (!DMAG_WARN_ON(group, group->protected < pageblock_nr_pages))
		group->protected -= pageblock_nr_pages;
	map_count_cma(page, -(long)pageblock_nr_pages);
	if (is_migrate_cma_page(page))
		map_make_movable(&range);
}

/**
 * dmag_restore_types() - Make types and protection of claimed pageblocks agree.
 * @range: the whole pageblocks, claimed as of the CMA type since some are protected
 *
 * A pageblock that no group protects becomes movable again.  A protected one may
 * have become movable: an alloc_contig_range() that fails to isolate all of its
 * range lifts the isolation of others in it, ours too.  Its protection ends.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_restore_types(const struct dmag_range *range)
{
	lockdep_assert_held(&dmag_mutex);
	for (u64 pfn = range->start; pfn <= range->last;
	     pfn += pageblock_nr_pages) {
		struct dmag_range block =
			dmag_pageblock(pfn >> pageblock_order);
		struct dmag_kgroup *protector = dmag_protector(pfn);
		bool cma = is_migrate_cma_page(pfn_to_page(pfn));

		if (protector && !cma)
			map_unprotect_block(protector, pfn >> pageblock_order);
		else if (cma && !protector)
			map_make_movable(&block);
	}
}

/**
 * dmag_unprotect_range() - Lift the protection of memory that goes offline.
 * @range: the frames; all pageblocks that they are part of are unprotected
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_unprotect_range(const struct dmag_range *range)
{
	struct dmag_kgroup *group;
	unsigned long nr;

	lockdep_assert_held(&dmag_mutex);
	xa_for_each_range(&dmag_protected, nr, group,
			  range->start >> pageblock_order,
			  range->last >> pageblock_order)
		map_unprotect_block(group, nr);
}

/**
 * dmag_kgroup_unprotect() - Lift the protection of all pageblocks of a group.
 * @group: the group
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_unprotect(struct dmag_kgroup *group)
{
	struct dmag_kgroup *owner;
	unsigned long nr;

	lockdep_assert_held(&dmag_mutex);
	if (!group->protected)
		return;
	xa_for_each(&dmag_protected, nr, owner)
		if (owner == group)
			map_unprotect_block(group, nr);
	DMAG_WARN_ON(group, group->protected);
}

/**
 * dmag_protected_frames() - Count the frames that a group protects.
 * @group: the group
 *
 * Context: Process, under dmag_mutex.
 * Return: the frames of its pageblocks that are of MIGRATE_CMA, as all should be.
 */
u64 dmag_protected_frames(const struct dmag_kgroup *group)
{
	struct dmag_kgroup *owner;
	unsigned long nr;
	u64 frames = 0;

	lockdep_assert_held(&dmag_mutex);
	xa_for_each(&dmag_protected, nr, owner) {
		struct page *page = pfn_to_page(dmag_pageblock(nr).start);

		if (owner == group && is_migrate_cma_page(page))
			frames += pageblock_nr_pages;
	}
	return frames;
}

/* ---- memory that is going offline ------------------------------------ */

#ifdef CONFIG_MEMORY_HOTPLUG
/* One range at a time, thanks to mem_hotplug_lock. */
static struct dmag_range
	map_leaving; /* under dmag_mutex, while nothing is avoided */
static bool map_avoiding; /* set under dmag_mutex */

/**
 * dmag_pfn_avoided() - Is this memory going offline?
 * @pfn: any frame of a pageblock; pageblocks go offline as a whole
 *
 * Context: Any.  Under dmag_mutex a "no" stays true until that is released.  Without it
 * the answer is a guess: that memory may go offline next, or another range may.
 * Return: true if it is.
 */
bool dmag_pfn_avoided(u64 pfn)
{
	/* Pairs with dmag_avoid_range(). */
	return smp_load_acquire(&map_avoiding) &&
	       READ_ONCE(map_leaving.start) <= pfn &&
	       pfn <= READ_ONCE(map_leaving.last);
}

/**
 * dmag_avoid_range() - Memory is going offline: neither claim nor protect there.
 * @range: the memory, whole pageblocks; no other range is avoided
 *
 * Context: Process, under dmag_mutex, mem_hotplug_lock held for writing.
 */
void dmag_avoid_range(const struct dmag_range *range)
{
	lockdep_assert_held(&dmag_mutex);
	DMAG_CHECK(!map_avoiding && range->start <= range->last);
	WRITE_ONCE(map_leaving.start, range->start);
	WRITE_ONCE(map_leaving.last, range->last);
	/* Pairs with dmag_pfn_avoided(). */
	smp_store_release(&map_avoiding, true);
}

/**
 * dmag_avoid_nothing() - The memory is offline, or stays online.
 *
 * Context: Any, mem_hotplug_lock held for writing.
 */
void dmag_avoid_nothing(void)
{
	if (!READ_ONCE(map_avoiding))
		return;
	WRITE_ONCE(map_avoiding, false);
	dmag_worker_kick();
}
#endif
