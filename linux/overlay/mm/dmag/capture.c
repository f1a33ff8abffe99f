// SPDX-License-Identifier: GPL-2.0
/*
 * Refill during reclaim: pages that reclaim frees go to groups that are short.
 *
 * Reclaim offers pages after the TLB flush, before they return to the page
 * allocator.  A group is hungry if its last fill fell short; it takes pages that
 * lie in its reach, the group with the tightest reach first.  The pages are put
 * aside here, in the context of reclaim; the worker makes them the group's own.
 *
 * Frames that a group owns cannot move, and should not be scattered over movable
 * memory.  So a group above min takes only pages of blocks that it owns part of;
 * below min it takes any.
 *
 * Memory that has to be converted is claimed in whole blocks, by a task that may sleep.
 * A group of such memory takes no page, but counts those that reclaim frees in its
 * reach.  When they are as many as a block has, the worker claims and converts.
 *
 * There is no hook in other paths that free pages.  Exiting tasks free in any
 * context, mostly pages that the next allocation wants; compaction wants the pages
 * itself that it frees; and the worker claims free memory anyway.
 */

#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pagevec.h>
#include <linux/rculist.h>
#include <linux/sched.h>

#include "candidate.h"
#include "capture.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"

#include <trace/events/dmag.h>

DEFINE_STATIC_KEY_FALSE(dmag_hungry_key);
static LIST_HEAD(
	capture_groups); /* tightest reach first; dmag_mutex, read under RCU */

static bool capture_tighter(const struct dmag_kgroup *a,
			    const struct dmag_kgroup *b)
{
	return dmag_reach_frames(&a->core.reach) <
	       dmag_reach_frames(&b->core.reach);
}

/**
 * dmag_kgroup_set_hungry() - Begin or end to capture for a group.
 * @group: the group
 * @yes: whether to capture
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_set_hungry(struct dmag_kgroup *group, bool yes)
{
	struct dmag_kgroup *next;

	lockdep_assert_held(&dmag_mutex);
	if (group->hungry == yes)
		return;
	group->hungry = yes;
	if (!yes) {
		list_del_rcu(&group->hungry_node);
		return;
	}
	list_for_each_entry(next, &capture_groups, hungry_node)
		if (!capture_tighter(next, group))
			break;
	list_add_tail_rcu(&group->hungry_node, &next->hungry_node);
}

/**
 * dmag_capture_switch() - Switch the hook on if a group is hungry, else off.
 *
 * Context: Process, of the worker alone, without dmag_mutex: patching code
 * takes cpus_read_lock, which memory hotplug holds when it takes dmag_mutex.
 */
void dmag_capture_switch(void)
{
	might_sleep();
	lockdep_assert_not_held(&dmag_mutex);
	if (list_empty(&capture_groups))
		static_branch_disable(&dmag_hungry_key);
	else
		static_branch_enable(&dmag_hungry_key);
}

/* Room for @count more frames of a block that is @group's or no group's. */
static bool capture_has_room(const struct dmag_kgroup *group, bool ours,
			     u64 count)
{
	const struct dmag_group *core = &group->core;
	u64 have = core->frames.free + group->nr_captured + count;

	lockdep_assert_held(&group->lock);
	return core->members && dmag_kgroup_serves(group) &&
	       have <= (ours ? core->marks.high : core->marks.min);
}

static bool capture_take(struct dmag_kgroup *group, struct page *page,
			 unsigned int order, bool ours)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&group->lock, flags);
	taken = capture_has_room(group, ours, 1UL << order);
	if (taken) {
		set_page_private(page, order);
		list_add(&page->lru, &group->captured);
		group->nr_captured += 1UL << order;
		group->counter[DMAG_NR_CAPTURE_FRAMES] += 1UL << order;
	}
	spin_unlock_irqrestore(&group->lock, flags);
	return taken;
}

/* Each fill that gains nothing doubles the goal, so that the worker does not spin. */
static void capture_count(struct dmag_kgroup *group, unsigned int order)
{
	unsigned long flags;
	bool due;

	spin_lock_irqsave(&group->lock, flags);
	due = group->reclaimed < group->reclaim_goal;
	group->reclaimed += 1UL << order;
	due &= group->reclaimed >= group->reclaim_goal;
	spin_unlock_irqrestore(&group->lock, flags);
	if (due)
		dmag_worker_kick();
}

/*
 * A task that reclaims because its zone is below min gets its pages.  Above min the
 * pages count as its progress although they are captured, and its next allocation
 * succeeds all the same.
 */
static bool capture_affordable(const struct page *page)
{
	struct zone *zone = page_zone(page);

	/* Raised or lowered just now: the next page sees it. */
	return zone_watermark_ok_safe(zone, 0, data_race(min_wmark_pages(zone)),
				      zone_idx(zone));
}

static bool capture_offer(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page), last = pfn + (1UL << order) - 1;
	struct dmag_kgroup *group, *owner;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "capture without RCU");
	if (!capture_affordable(page))
		return false;
	owner = dmag_owner(pfn);
	list_for_each_entry_rcu(group, &capture_groups, hungry_node) {
		if (owner && owner != group)
			continue;
		if (!dmag_reach_contains(&group->core.reach, pfn, last) ||
		    !dmag_page_usable(group, page))
			continue;
		if (group->core.attrs) {
			capture_count(group, order);
		} else if (capture_take(group, page, order, owner)) {
			trace_dmag_capture(group->id, pfn, last);
			dmag_worker_kick();
			return true;
		}
	}
	return false;
}

/* An interrupt may free pages while a task reclaims; leave these alone. */
void __dmag_capture(struct folio_batch *folios)
{
	unsigned int left = 0;

	if (!current->reclaim_state || !in_task())
		return;
	rcu_read_lock();
	for (unsigned int i = 0; i < folios->nr; i++) {
		struct folio *folio = folios->folios[i];
		unsigned int order = (unsigned long)folio->private;

		if (!capture_offer(&folio->page, order))
			folios->folios[left++] = folio;
	}
	rcu_read_unlock();
	folios->nr = left;
}

/* Turn a captured page into allocated ones. */
static struct dmag_range capture_unpack(struct page *page)
{
	unsigned int order = page_private(page);
	u64 pfn = page_to_pfn(page);

	set_page_private(page, 0);
	dmag_make_allocated(page, order);
	return (struct dmag_range){ pfn, pfn + (1UL << order) - 1 };
}

/* memory_failure() marks pages that wait here, but cannot take them. */
static bool capture_has_broken(const struct dmag_range *range)
{
	for (u64 pfn = range->start; pfn <= range->last; pfn++)
		if (PageHWPoison(pfn_to_page(pfn)))
			return true;
	return false;
}

static void capture_adopt(struct dmag_kgroup *group, struct page *page)
{
	struct dmag_range range = capture_unpack(page);
	u64 count = range.last - range.start + 1;

	lockdep_assert_held(&dmag_mutex);
	if (!group->core.members || !dmag_kgroup_serves(group) ||
	    capture_has_broken(&range) || dmag_kgroup_adopt(group, &range))
		free_contig_range(range.start, count);
	/* Drop the count only now, so that capture_has_room() never undercounts. */
	spin_lock_irq(&group->lock);
	DMAG_WARN_ON(group, group->nr_captured < count);
	group->nr_captured -= count;
	spin_unlock_irq(&group->lock);
}

/**
 * dmag_kgroup_adopt_captured() - Make captured pages the group's own.
 * @group: the group; without members, or broken, it releases them
 *
 * The pages that wait for their turn can be released by others.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_adopt_captured(struct dmag_kgroup *group)
{
	struct page *page;

	lockdep_assert_held(&dmag_mutex);
	do {
		spin_lock_irq(&group->lock);
		page = list_first_entry_or_null(&group->captured, struct page,
						lru);
		if (page)
			list_del(&page->lru);
		spin_unlock_irq(&group->lock);
		if (page)
			capture_adopt(group, page);
	} while (page);
}

/* ---- under pressure -------------------------------------------------- */

/* The frames above @keep of those that are free or captured. */
static u64 capture_surplus(const struct dmag_kgroup *group, u64 keep)
{
	u64 captured = READ_ONCE(group->nr_captured);
	u64 have = READ_ONCE(group->core.frames.free) + captured;

	return have > keep ? min(have - keep, captured) : 0;
}

/**
 * dmag_capture_above() - Count the captured frames that hungry groups can spare.
 * @keep: how many frames, free and captured, a group keeps
 *
 * Context: Any.
 * Return: their number.
 */
u64 dmag_capture_above(u64 (*keep)(const struct dmag_kgroup *group))
{
	struct dmag_kgroup *group;
	u64 frames = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(group, &capture_groups, hungry_node)
		frames += capture_surplus(group, keep(group));
	rcu_read_unlock();
	return frames;
}

/* A captured page that the group can spare, which is not the group's any more. */
static struct page *capture_pop(struct dmag_kgroup *group, u64 keep)
{
	struct page *page = NULL;

	spin_lock_irq(&group->lock);
	if (capture_surplus(group, keep))
		page = list_first_entry_or_null(&group->captured, struct page,
						lru);
	if (page) {
		list_del(&page->lru);
		group->nr_captured -= 1UL << page_private(page);
	}
	spin_unlock_irq(&group->lock);
	return page;
}

static u64 capture_free(const struct dmag_kgroup *group, struct page *page)
{
	struct dmag_range range = capture_unpack(page);
	u64 count = range.last - range.start + 1;

	trace_dmag_release(group->id, range.start, range.last);
	free_contig_range(range.start, count);
	return count;
}

/**
 * dmag_capture_release() - Release captured pages that were not adopted yet.
 * @keep: how many frames, free and captured, a group keeps
 * @max: how many to release; the last page may be of more
 *
 * Context: Process, even if a claim holds dmag_mutex.
 * Return: the number of frames released.
 */
u64 dmag_capture_release(u64 (*keep)(const struct dmag_kgroup *group), u64 max)
{
	struct dmag_kgroup *group;
	struct page *page;
	u64 freed = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(group, &capture_groups, hungry_node)
		while (freed < max && (page = capture_pop(group, keep(group))))
			freed += capture_free(group, page);
	rcu_read_unlock();
	return freed;
}
