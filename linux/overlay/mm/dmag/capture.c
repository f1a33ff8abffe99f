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

static bool capture_offer(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page), last = pfn + (1UL << order) - 1;
	struct dmag_kgroup *group, *owner;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "capture without RCU");
	owner = dmag_owner(pfn);
	list_for_each_entry_rcu(group, &capture_groups, hungry_node) {
		if (owner && owner != group)
			continue;
		if (!dmag_reach_contains(&group->core.reach, pfn, last) ||
		    !dmag_page_usable(group, page))
			continue;
		if (capture_take(group, page, order, owner)) {
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

static void capture_adopt(struct dmag_kgroup *group, struct page *page)
{
	unsigned int order = page_private(page);
	u64 pfn = page_to_pfn(page);
	struct dmag_range range = { pfn, pfn + (1UL << order) - 1 };

	lockdep_assert_held(&dmag_mutex);
	set_page_private(page, 0);
	dmag_make_allocated(page, order);
	if (!group->core.members || !dmag_kgroup_serves(group) ||
	    dmag_kgroup_adopt(group, &range))
		free_contig_range(range.start, range.last - range.start + 1);
	/* Drop the count only now, so that capture_has_room() never undercounts. */
	spin_lock_irq(&group->lock);
	DMAG_WARN_ON(group, group->nr_captured < range.last - range.start + 1);
	group->nr_captured -= range.last - range.start + 1;
	spin_unlock_irq(&group->lock);
}

/**
 * dmag_kgroup_adopt_captured() - Make captured pages the group's own.
 * @group: the group; without members, or broken, it releases them
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_adopt_captured(struct dmag_kgroup *group)
{
	struct page *page, *next;
	LIST_HEAD(pages);

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&group->lock);
	list_splice_init(&group->captured, &pages);
	spin_unlock_irq(&group->lock);
	list_for_each_entry_safe(page, next, &pages, lru)
		capture_adopt(group, page);
}
