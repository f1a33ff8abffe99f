// SPDX-License-Identifier: GPL-2.0
/*
 * Refill during reclaim: pages that reclaim frees go to groups that are short.
 *
 * Reclaim offers what it has freed before it returns to the page allocator,
 * after the TLB flush.  A hungry group, one whose last fill fell short, takes
 * what lies in its reach; the tightest such group first.  The pages are put
 * aside here, in whatever context reclaim runs; the worker makes them the
 * group's own.
 *
 * Frames that a group owns cannot move.  So that they are not scattered over
 * memory that can, above min only pages of blocks that the group already owns
 * part of are taken; below min, any.
 *
 * Other paths that free pages are not looked at: exiting tasks free in any
 * context and mostly what the next allocation wants; what compaction frees it
 * wants itself; and the worker claims free memory anyway.
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
 * dmag_kgroup_set_hungry() - Let a group capture what reclaim frees, or no more.
 * @g: the group
 * @yes: whether it wants to
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_set_hungry(struct dmag_kgroup *g, bool yes)
{
	struct dmag_kgroup *next;

	lockdep_assert_held(&dmag_mutex);
	if (g->hungry == yes)
		return;
	g->hungry = yes;
	if (!yes) {
		list_del_rcu(&g->hungry_node);
		return;
	}
	list_for_each_entry(next, &capture_groups, hungry_node)
		if (!capture_tighter(next, g))
			break;
	list_add_tail_rcu(&g->hungry_node, &next->hungry_node);
}

/**
 * dmag_capture_switch() - Switch the hook on if anybody is hungry, else off.
 *
 * Context: Process, of the worker alone, without dmag_mutex: patching code
 * takes cpus_read_lock, which memory hotplug holds when it takes dmag_mutex.
 */
void dmag_capture_switch(void)
{
	if (list_empty(&capture_groups))
		static_branch_disable(&dmag_hungry_key);
	else
		static_branch_enable(&dmag_hungry_key);
}

/* Room for @count more frames of a block that is @g's or nobody's. */
static bool capture_has_room(const struct dmag_kgroup *g, bool ours, u64 count)
{
	const struct dmag_group *core = &g->core;
	u64 have = core->frames.free + g->nr_captured + count;

	lockdep_assert_held(&g->lock);
	return core->members &&
	       have <= (ours ? core->marks.high : core->marks.min);
}

static bool capture_take(struct dmag_kgroup *g, struct page *page,
			 unsigned int order, bool ours)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&g->lock, flags);
	taken = capture_has_room(g, ours, 1UL << order);
	if (taken) {
		set_page_private(page, order);
		list_add(&page->lru, &g->captured);
		g->nr_captured += 1UL << order;
		g->counter[DMAG_NR_CAPTURE_FRAMES] += 1UL << order;
	}
	spin_unlock_irqrestore(&g->lock, flags);
	return taken;
}

static bool capture_offer(struct page *page, unsigned int order)
{
	u64 pfn = page_to_pfn(page), last = pfn + (1UL << order) - 1;
	struct dmag_kgroup *g, *owner;

	owner = dmag_owner(pfn);
	list_for_each_entry_rcu(g, &capture_groups, hungry_node) {
		if (owner && owner != g)
			continue;
		if (!dmag_reach_contains(&g->core.reach, pfn, last) ||
		    !dmag_page_usable(g, page))
			continue;
		if (capture_take(g, page, order, owner)) {
			trace_dmag_capture(g->id, pfn, last);
			dmag_worker_kick();
			return true;
		}
	}
	return false;
}

/* Interrupts may free meanwhile, and not on behalf of reclaim. */
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

static void capture_adopt(struct dmag_kgroup *g, struct page *page)
{
	unsigned int order = page_private(page);
	u64 pfn = page_to_pfn(page);
	struct dmag_range r = { pfn, pfn + (1UL << order) - 1 };

	set_page_private(page, 0);
	dmag_make_allocated(page, order);
	if (!g->core.members || dmag_kgroup_adopt(g, &r))
		free_contig_range(r.start, r.last - r.start + 1);
	/* Not before: what is captured meanwhile must see them somewhere. */
	spin_lock_irq(&g->lock);
	g->nr_captured -= r.last - r.start + 1;
	spin_unlock_irq(&g->lock);
}

/**
 * dmag_kgroup_adopt_captured() - Make captured pages the group's own.
 * @g: the group; without members they go back
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_adopt_captured(struct dmag_kgroup *g)
{
	struct page *page, *next;
	LIST_HEAD(pages);

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&g->lock);
	list_splice_init(&g->captured, &pages);
	spin_unlock_irq(&g->lock);
	list_for_each_entry_safe(page, next, &pages, lru)
		capture_adopt(g, page);
}
