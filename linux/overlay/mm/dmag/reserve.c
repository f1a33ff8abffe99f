// SPDX-License-Identifier: GPL-2.0
/*
 * Keep reserves between their watermarks, and end groups.
 *
 * One worker tends all groups.  It adopts the pages that reclaim captured, adapts
 * the watermarks to demand, refills and releases, and protects capacity.  If one of
 * these falls short, the worker tries again, after ever longer delays.  Under
 * pressure a shrinker releases free frames above low; when the host is out of
 * memory, those above min.
 */

#include <linux/dmag.h>
#include <linux/freezer.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/shrinker.h>

#include "capture.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"
#include "pcp.h"
#include "protect.h"
#include "reserve.h"

#include <trace/events/dmag.h>

/* How long the worker may climb for one group before the next has its turn. */
#define DMAG_REFILL_BOUND HZ

/*
 * The delay before the worker tries again what fell short.  It doubles each time,
 * because pages that cannot move now seldom can a moment later.
 */
#define DMAG_RETRY_LEAST (2UL * HZ)
#define DMAG_RETRY_MOST (32UL * HZ)

/*
 * Reclaim frees pages that lie scattered.  If a claim gains nothing by as many frames
 * as a block has, the next waits for twice as many, up to these.
 */
#define DMAG_RECLAIMED_MOST (64ULL * DMAG_BLOCK_FRAMES)

/*
 * Calls of the OOM killer that are no further apart have one cause.  The per-CPU lists
 * are drained for the first few, since they fill again.
 */
#define DMAG_OOM_EPISODE (10 * HZ)
#define DMAG_OOM_DRAINS 8

/* How long the worker leaves groups alone while the system freezes tasks. */
#define DMAG_FREEZE_PAUSE (HZ / 10)

/* How often the worker looks at a group whose watermarks are raised. */
#define DMAG_ADAPT_PERIOD (4UL * HZ)

/*
 * A group without members stays as it is for this long, jiffies.  Probes that are
 * deferred, and drivers that set one mask after the other, come back.
 */
unsigned long dmag_linger = 10 * HZ;

/* Whether it is time to try again. */
static bool retry_due(const struct dmag_retry *retry)
{
	return !retry->backoff || time_after_eq(jiffies, retry->at);
}

static void retry_note(struct dmag_retry *retry, bool again)
{
	retry->backoff = again ? clamp(2 * retry->backoff, DMAG_RETRY_LEAST,
				       DMAG_RETRY_MOST) :
				 0;
	retry->at = jiffies + retry->backoff;
}

/* Bound the delay after which the worker looks again. */
static void retry_bound(unsigned long *delay, const struct dmag_retry *retry)
{
	if (!retry->backoff)
		return;
	*delay = min(*delay, retry_due(retry) ? 1 : retry->at - jiffies);
}

static bool reserve_adapt(struct dmag_kgroup *group)
{
	u64 now = ktime_to_ms(ktime_get());
	struct dmag_marks before, after;
	bool above;

	spin_lock_irq(&group->lock);
	before = group->core.marks;
	above = dmag_group_adapt(&group->core, now);
	if (group->kicked == DMAG_REFUSED)
		group->kicked = DMAG_LOW;
	after = group->core.marks;
	if (after.high > before.high)
		group->counter[DMAG_NR_GROWN]++;
	spin_unlock_irq(&group->lock);
	if (after.high != before.high)
		trace_dmag_adapt(group->id, after.min, after.low, after.high);
	return above;
}

/* Reclaim that frees so many frames in reach is a reason to try again. */
static void reserve_set_goal(struct dmag_kgroup *group, bool progress)
{
	spin_lock_irq(&group->lock);
	group->reclaimed = 0;
	group->reclaim_goal =
		progress ? DMAG_BLOCK_FRAMES :
			   min(2 * group->reclaim_goal, DMAG_RECLAIMED_MOST);
	spin_unlock_irq(&group->lock);
}

static bool reserve_reclaimed(struct dmag_kgroup *group)
{
	bool ret;

	spin_lock_irq(&group->lock);
	ret = group->hungry && group->core.attrs &&
	      group->reclaimed >= group->reclaim_goal;
	spin_unlock_irq(&group->lock);
	return ret;
}

/* A fill that fell short is continued, even if no request asks again. */
static void reserve_refill(struct dmag_kgroup *group)
{
	u64 claims = group->counter[DMAG_NR_CLAIM];

	dmag_kgroup_fill(group, DMAG_REFILL_BOUND);
	retry_note(&group->fill, dmag_kgroup_low(group));
	reserve_set_goal(group, group->counter[DMAG_NR_CLAIM] > claims);
	dmag_kgroup_set_hungry(group, group->fill.backoff);
}

/*
 * The host took frames above low.  As long as it is under pressure, it would take
 * them again: each refill would be for the one request that brought the reserve
 * below low.  The delay grows if frames are taken soon after it has ended.
 */
static void reserve_note_squeeze(struct dmag_kgroup *group)
{
	struct dmag_retry *hold = &group->hold;

	lockdep_assert_held(&dmag_mutex);
	if (!retry_due(hold))
		return;
	if (time_after(jiffies, hold->at + hold->backoff))
		hold->backoff = 0;
	retry_note(hold, true);
}

/* Min holds a burst as large as the largest seen, so below it nothing can wait. */
static bool reserve_held(struct dmag_kgroup *group)
{
	bool ret;

	lockdep_assert_held(&dmag_mutex);
	if (retry_due(&group->hold))
		return false;
	spin_lock_irq(&group->lock);
	ret = group->core.frames.free >= group->core.marks.min &&
	      !dmag_group_surplus(&group->core);
	spin_unlock_irq(&group->lock);
	return ret;
}

static void reserve_fill(struct dmag_kgroup *group, unsigned long *delay)
{
	if (!dmag_kgroup_low(group))
		retry_note(&group->fill, false);
	if (reserve_held(group)) {
		dmag_kgroup_set_hungry(group, false);
		retry_bound(delay, &group->hold);
		return;
	}
	if (reserve_reclaimed(group) ||
	    (retry_due(&group->fill) &&
	     (group->fill.backoff || READ_ONCE(group->kicked) != DMAG_QUIET)))
		reserve_refill(group);
	retry_bound(delay, &group->fill);
}

/* Other groups come and go, so this is looked at in each round. */
static void reserve_make_way(struct dmag_kgroup *group, unsigned long *delay)
{
	if (retry_due(&group->way))
		retry_note(&group->way,
			   dmag_kgroup_make_way(group, DMAG_REFILL_BOUND));
	retry_bound(delay, &group->way);
}

static void reserve_protect(struct dmag_kgroup *group)
{
	u64 before = group->protected;

	if (dmag_kgroup_lacks_capacity(group))
		dmag_kgroup_protect(group);
	if (group->protected > before)
		group->protect.backoff = 0;
	retry_note(&group->protect, dmag_kgroup_lacks_capacity(group));
}

/* ---- the end of a group ---------------------------------------------- */

/*
 * Free the metadata of a group that owns nothing and is out of the registry.
 * Reclaim may still see the group, but finds that it has no members.
 */
static void reserve_end(struct dmag_kgroup *group)
{
	struct page *page, *next;

	lockdep_assert_held(&dmag_mutex);
	dmag_kgroup_set_hungry(group, false);
	dmag_kgroup_adopt_captured(group);
	dmag_kgroup_unprotect(group);
	dmag_owner_erase_empty(group);
	WARN_ON_ONCE(group->core.frames.free || group->core.frames.used ||
		     group->nr_captured);
	list_for_each_entry_safe(page, next, &group->meta, lru)
		__free_page(page);
}

static void reserve_free(struct rcu_head *rcu)
{
	struct dmag_kgroup *group = container_of(rcu, struct dmag_kgroup, rcu);

	free_percpu(group->pcp);
	kfree(group);
}

static bool reserve_lingers(const struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	return time_before(jiffies, group->left + dmag_linger);
}

/**
 * dmag_kgroup_retire() - End a group if it has lost its last member and frame.
 * @group: the group; some time after its last member left it releases its reserve
 *
 * A group that lingers is left to the worker.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_retire(struct dmag_kgroup *group)
{
	bool retired;

	might_sleep();
	lockdep_assert_held(&dmag_mutex);
	if (group->core.members || group->pins || READ_ONCE(group->waiters))
		return;
	if (reserve_lingers(group)) {
		dmag_worker_kick();
		return;
	}
	dmag_pcp_drain(group);
	dmag_kgroup_unprotect(group);
	dmag_kgroup_fill_free(group, 0);
	spin_lock_irq(&group->lock);
	retired = dmag_group_retire(&dmag_registry, &group->core);
	spin_unlock_irq(&group->lock);
	if (!retired)
		return;
	dmag_pcp_close(group);
	dmag_kgroup_unlist(group);
	reserve_end(group);
	call_rcu(&group->rcu, reserve_free);
}

/* ---- the worker ------------------------------------------------------ */

/* Follow up on what was released without dmag_mutex. */
static void reserve_catch_up(struct dmag_kgroup *group)
{
	bool emptied, squeezed;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&group->lock);
	emptied = group->emptied;
	squeezed = group->squeezed;
	group->emptied = false;
	group->squeezed = false;
	spin_unlock_irq(&group->lock);
	if (emptied)
		dmag_owner_erase_empty(group);
	if (squeezed)
		retry_note(&group->fill, true);
}

/* Memory that has to be converted is released by the worker, which tries again. */
static void reserve_empty(struct dmag_kgroup *group, unsigned long *delay)
{
	if (retry_due(&group->fill)) {
		dmag_kgroup_fill(group, 0);
		retry_note(&group->fill, READ_ONCE(group->core.frames.free));
	}
	retry_bound(delay, &group->fill);
}

/* A group that no device is a member of, broken or not. */
static void reserve_tend_left(struct dmag_kgroup *group, unsigned long *delay)
{
	unsigned long end = group->left + dmag_linger;

	lockdep_assert_held(&dmag_mutex);
	dmag_kgroup_set_hungry(group, false);
	if (reserve_lingers(group)) {
		*delay = min(*delay, end - jiffies);
		return;
	}
	if (group->core.attrs)
		reserve_empty(group, delay);
	dmag_kgroup_retire(group);
}

static void reserve_tend(struct dmag_kgroup *group, unsigned long *delay)
{
	dmag_assert_may_claim();
	reserve_catch_up(group);
	dmag_kgroup_adopt_captured(group);
	if (dmag_pcp_tend(group))
		*delay = min(*delay, HZ);
	if (!group->core.members) {
		reserve_tend_left(group, delay);
		return;
	}
	if (!dmag_kgroup_serves(group)) {
		dmag_kgroup_set_hungry(group, false);
		dmag_kgroup_unprotect(group);
		return;
	}
	if (reserve_adapt(group))
		*delay = min(*delay, DMAG_ADAPT_PERIOD);
	reserve_fill(group, delay);
	reserve_make_way(group, delay);
	if (retry_due(&group->protect))
		reserve_protect(group);
	retry_bound(delay, &group->protect);
}

/* The frames that a group keeps when the host reclaims; one that lingers, none. */
static u64 reserve_keep_low(const struct dmag_kgroup *group)
{
	return READ_ONCE(group->core.members) ?
		       READ_ONCE(group->core.marks.low) :
		       0;
}

/* Free frames above low, as of the last round; the shrinker asks often. */
static unsigned long reserve_above_low;

static void reserve_add_above_low(struct dmag_kgroup *group, void *data)
{
	u64 keep = reserve_keep_low(group), free;
	unsigned long *above = data;

	spin_lock_irq(&group->lock);
	free = group->core.frames.free;
	spin_unlock_irq(&group->lock);
	if (dmag_kgroup_serves(group) && !group->core.attrs && free > keep)
		*above += free - keep;
}

static void reserve_count_above_low(void)
{
	unsigned long above = 0;

	lockdep_assert_held(&dmag_mutex);
	dmag_kgroup_visit_all(reserve_add_above_low, &above);
	WRITE_ONCE(reserve_above_low, above);
}

/*
 * The freezer waits for the worker's round, and gives up after a while.  A round may
 * take two seconds for each group.
 */
static bool reserve_freezes(void)
{
#ifdef CONFIG_FREEZER
	return READ_ONCE(pm_freezing);
#else
	return false;
#endif
}

/* The groups that a round leaves out come first in the next one. */
static void reserve_worker(struct work_struct *work)
{
	static unsigned long round;
	unsigned long delay = ULONG_MAX;
	struct dmag_kgroup *group;

	round = round + 1 ?: 1;
	dmag_claim_lock();
	while (!reserve_freezes() && (group = dmag_kgroup_next(round))) {
		reserve_tend(group, &delay);
		dmag_claim_unlock();
		cond_resched();
		dmag_claim_lock();
	}
	reserve_count_above_low();
	dmag_claim_unlock();
	dmag_capture_switch();
	if (reserve_freezes())
		delay = min(delay, DMAG_FREEZE_PAUSE);
	if (delay != ULONG_MAX)
		dmag_worker_kick_in(delay);
}

/* ---- under pressure -------------------------------------------------- */

/*
 * The frames that a group keeps when the host is out of memory: min as it was at
 * the start, since no burst of atomic requests is worth a process.
 */
static u64 reserve_keep_least(const struct dmag_kgroup *group)
{
	return READ_ONCE(group->core.members) ? group->core.base.min : 0;
}

/*
 * @left: frames that may still be released
 * @freed: frames that were released
 */
struct reserve_shrink {
	u64 left;
	u64 freed;
};

static void reserve_shrink_group(struct dmag_kgroup *group, void *data)
{
	struct reserve_shrink *shrink = data;
	u64 freed;

	if (!dmag_kgroup_serves(group) || !shrink->left)
		return;
	dmag_pcp_drain(group);
	freed = dmag_kgroup_release(group, reserve_keep_low(group),
				    shrink->left);
	shrink->left -= freed;
	shrink->freed += freed;
	if (freed)
		reserve_note_squeeze(group);
}

static unsigned long reserve_shrink_count(struct shrinker *shrinker,
					  struct shrink_control *sc)
{
	return READ_ONCE(reserve_above_low) +
	       dmag_capture_above(reserve_keep_low);
}

/* Only try the mutex, so that reclaim goes on elsewhere. */
static unsigned long reserve_shrink_scan(struct shrinker *shrinker,
					 struct shrink_control *sc)
{
	struct reserve_shrink shrink = { .left = sc->nr_to_scan };

	shrink.freed = dmag_capture_release(reserve_keep_low, shrink.left);
	shrink.left -= min(shrink.left, shrink.freed);
	if (shrink.left && mutex_trylock(&dmag_mutex)) {
		dmag_kgroup_visit_all(reserve_shrink_group, &shrink);
		reserve_count_above_low();
		mutex_unlock(&dmag_mutex);
	}
	return shrink.freed ?: SHRINK_STOP;
}

static u64 reserve_release_now(struct dmag_kgroup *group)
{
	dmag_pcp_drain(group);
	return dmag_kgroup_release_now(group, reserve_keep_least(group),
				       DMAG_BLOCK_FRAMES);
}

/* Release frames of the group that owns @block or the first block after it. */
static u64 reserve_release_next(unsigned long *block)
{
	struct dmag_kgroup *group;
	u64 freed = 0;

	rcu_read_lock();
	group = xa_find(&dmag_owners, block, ULONG_MAX, XA_PRESENT);
	if (!group)
		*block = ULONG_MAX;
	else if (dmag_kgroup_serves(group))
		freed = reserve_release_now(group);
	rcu_read_unlock();
	return freed;
}

/**
 * dmag_reserve_release_all() - Release all that the host may have if it is out of
 * memory.
 *
 * The holder of dmag_mutex may be waiting for memory itself, so groups are found by
 * what they own.
 *
 * Context: Process, even if a claim holds dmag_mutex.
 * Return: the number of frames released.
 */
u64 dmag_reserve_release_all(void)
{
	unsigned long block = 0;
	u64 freed, all = 0;

	might_sleep();
	do {
		freed = dmag_capture_release(reserve_keep_least,
					     DMAG_BLOCK_FRAMES);
		all += freed;
		cond_resched();
	} while (freed);
	while (block != ULONG_MAX) {
		freed = reserve_release_next(&block);
		all += freed;
		/* A group is done with when it has no more to give. */
		if (!freed && block != ULONG_MAX)
			block++;
		cond_resched();
	}
	if (all)
		dmag_worker_kick();
	return all;
}

/* Empty all per-CPU lists.  Return the number of pages that they had. */
static unsigned long reserve_drain_cpu_lists(void)
{
	unsigned long pages = 0;
	struct zone *zone;
	int cpu;

	for_each_populated_zone(zone)
		for_each_online_cpu(cpu)
			pages += READ_ONCE(
				per_cpu_ptr(zone->per_cpu_pageset, cpu)->count);
	drain_all_pages(NULL);
	return pages;
}

/*
 * Before an OOM kill, drain the per-CPU lists.  They hold the frames that reserves
 * released, and perhaps megabytes that migration left there; watermarks do not
 * count these, and reclaim drains them only if it made progress.  If nothing is
 * released any more, a few drains must do, or tasks would wait for a kill for ever.
 * The caller holds oom_lock.
 */
static int reserve_oom(struct notifier_block *nb, unsigned long unused,
		       void *data)
{
	static unsigned long last;
	static unsigned int drains;
	unsigned long *freed = data;
	u64 released;

	lockdep_assert_held(&oom_lock);
	if (time_after(jiffies, last + DMAG_OOM_EPISODE))
		drains = 0;
	last = jiffies;
	if (!READ_ONCE(dmag_registry.nr_groups))
		return NOTIFY_OK;
	released = dmag_reserve_release_all();
	if (released || drains < DMAG_OOM_DRAINS)
		*freed += released + reserve_drain_cpu_lists();
	if (!released)
		drains++;
	return NOTIFY_OK;
}

static struct notifier_block reserve_oom_nb = { .notifier_call = reserve_oom };

/* After dmag_init(), which decides whether there are groups. */
static int __init dmag_reserve_init(void)
{
	struct shrinker *shrinker;
	int ret;

	if (!static_key_enabled(&dmag_key))
		return 0;
	ret = dmag_worker_init(reserve_worker);
	shrinker = shrinker_alloc(0, "dmag");
	if (ret || !shrinker)
		return -ENOMEM;
	shrinker->count_objects = reserve_shrink_count;
	shrinker->scan_objects = reserve_shrink_scan;
	shrinker->batch = DMAG_BLOCK_FRAMES;
	shrinker_register(shrinker);
	/* Groups that were made before there was a worker have not been heard. */
	dmag_worker_kick();
	return register_oom_notifier(&reserve_oom_nb);
}
core_initcall_sync(dmag_reserve_init);
