// SPDX-License-Identifier: GPL-2.0
/*
 * The ground of mm/dmag: groups, their locks, and the worker's bell.
 *
 * Every other file stands on this one.  It knows which groups there are, hands the
 * mutexes on, and wakes those that wait for a group: requests, and the worker,
 * whose function reserve.c brings along at initialisation.
 */

#include <linux/dmag.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "kgroup.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dmag.h>

/* The trace point has a name for each rung. */
static_assert(sizeof((struct trace_print_flags[]){ DMAG_RUNG_NAMES }) ==
	      DMAG_RUNGS * sizeof(struct trace_print_flags));

/* Frees come in bursts; the surplus that they leave is released this much later. */
#define DMAG_SURPLUS_DELAY HZ

DEFINE_STATIC_KEY_FALSE(dmag_key);
atomic_t dmag_contenders;
atomic_t dmag_claimers;
DEFINE_MUTEX(dmag_claim_mutex); /* climbs, fills and protection */
DEFINE_MUTEX(dmag_mutex); /* the registry, the RAM map, owners of memory */
struct dmag_registry dmag_registry;
u64 dmag_retired[DMAG_NR_COUNTERS];

/* All groups; those visited in the current round last (dmag_mutex). */
static LIST_HEAD(kgroup_all);

/* ---- the mutexes ----------------------------------------------------- */

/**
 * dmag_lock() - Take dmag_mutex for a task that should not wait long.
 *
 * A claim that goes through many candidates lets such tasks through.
 *
 * Context: Process.
 */
void dmag_lock(void)
{
	might_sleep();
	atomic_inc(&dmag_contenders);
	mutex_lock(&dmag_mutex);
	atomic_dec(&dmag_contenders);
}

/**
 * dmag_lock_killable() - dmag_lock(), unless a fatal signal comes first.
 *
 * Context: Process.
 * Return: 0, or -EINTR.
 */
int dmag_lock_killable(void)
{
	int ret;

	might_sleep();
	atomic_inc(&dmag_contenders);
	ret = mutex_lock_killable(&dmag_mutex);
	atomic_dec(&dmag_contenders);
	return ret;
}

/**
 * dmag_claim_lock() - Take both mutexes, for the worker or a test, which can wait.
 *
 * Context: Process that may wait for I/O and locks of filesystems.
 */
void dmag_claim_lock(void)
{
	might_sleep();
	lockdep_assert_not_held(&dmag_mutex);
	mutex_lock(&dmag_claim_mutex);
	dmag_lock();
}

/**
 * dmag_claim_lock_timeout() - Take both mutexes, for a request.
 * @bound: how long to wait for another claim, jiffies
 *
 * A climb lets requests through between two candidates.  But it may reclaim from
 * storage that no longer answers, and the zones may have what the request wants.
 *
 * Context: Process that may wait for I/O and locks of filesystems.
 * Return: 0; -EBUSY if another task still claims; -EINTR on a fatal signal.
 */
int dmag_claim_lock_timeout(unsigned long bound)
{
	long left;

	might_sleep();
	lockdep_assert_not_held(&dmag_mutex);
	atomic_inc(&dmag_claimers);
	left = ___wait_var_event(
		&dmag_claim_mutex,
		___wait_cond_timeout(mutex_trylock(&dmag_claim_mutex)),
		TASK_KILLABLE, 0, bound, __ret = schedule_timeout(__ret));
	atomic_dec(&dmag_claimers);
	if (left <= 0)
		return left ? -EINTR : -EBUSY;
	dmag_lock();
	return 0;
}

/**
 * dmag_claim_trylock() - Take both mutexes if no other task claims.
 *
 * Context: Process.
 * Return: true if it has taken them.
 */
bool dmag_claim_trylock(void)
{
	might_sleep();
	if (!mutex_trylock(&dmag_claim_mutex))
		return false;
	dmag_lock();
	return true;
}

static void claim_unlock(void)
{
	mutex_unlock(&dmag_claim_mutex);
	smp_mb(); /* pairs with that of prepare_to_wait_event() */
	wake_up_var(&dmag_claim_mutex);
}

/**
 * dmag_claim_unlock() - Let go of both mutexes.
 *
 * Context: Process.
 */
void dmag_claim_unlock(void)
{
	mutex_unlock(&dmag_mutex);
	claim_unlock();
}

/**
 * dmag_kgroup_pause() - Let go of dmag_mutex, to do what its holder must not.
 * @group: the group that is worked on; it stays until dmag_kgroup_resume()
 *
 * Context: Process, under both mutexes.
 */
void dmag_kgroup_pause(struct dmag_kgroup *group)
{
	dmag_assert_may_claim();
	lockdep_assert_not_held(&group->lock);
	group->pins++;
	mutex_unlock(&dmag_mutex);
}

/**
 * dmag_kgroup_resume() - Take dmag_mutex again.
 * @group: the group; its members, frames and owned blocks may have changed
 *
 * Context: Process, under dmag_claim_mutex, after dmag_kgroup_pause().
 */
void dmag_kgroup_resume(struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_claim_mutex);
	dmag_lock();
	if (!DMAG_WARN_ON(group, !group->pins))
		group->pins--;
	if (!group->core.members)
		dmag_worker_kick();
}

/*
 * Let a task claim that waits for it; another climb may be the same group's.  A fill goes
 * on when the request is done, and does not ask it to yield in its turn.
 */
static void kgroup_yield_claims(struct dmag_kgroup *group)
{
	struct dmag_effort effort = group->effort;
	unsigned long left = jiffies;

	claim_unlock();
	schedule_timeout_uninterruptible(1);
	atomic_add(effort.for_request, &dmag_claimers);
	mutex_lock(&dmag_claim_mutex);
	atomic_sub(effort.for_request, &dmag_claimers);
	effort.until += jiffies - left;
	group->effort = effort;
}

/**
 * dmag_kgroup_yield() - Let go of the mutexes that other tasks wait for.
 * @group: the group that is worked on; it stays, and its deadline moves
 *
 * A climb may take seconds; a driver's probe should not, nor another request.  So the
 * fill that a probe waits for ends, rather than waits for a request in its turn.
 *
 * Context: Process, under both mutexes, or dmag_mutex if @group->effort.free_only.
 */
void dmag_kgroup_yield(struct dmag_kgroup *group)
{
	bool claims = atomic_read(&dmag_claimers) && dmag_may_wait(GFP_KERNEL);

	if (likely(!dmag_contended()) || group->effort.free_only)
		return;
	if (claims && group->effort.for_probe) {
		group->effort.until = jiffies - 1;
		return;
	}
	dmag_kgroup_pause(group);
	if (claims)
		kgroup_yield_claims(group);
	else
		schedule_timeout_uninterruptible(1);
	dmag_kgroup_resume(group);
}

/**
 * dmag_kgroup_give_up() - The bound of time, and what ends any climb.
 * @group: the group that climbs
 *
 * Context: Process, under dmag_mutex, or during dmag_kgroup_pause().
 * Return: 0 to go on; -ETIME if the time is over, or the group has broken; -EINTR
 * on a fatal signal.
 */
int dmag_kgroup_give_up(const struct dmag_kgroup *group)
{
	lockdep_assert(lockdep_is_held(&dmag_claim_mutex) ||
		       lockdep_is_held(&dmag_mutex));
	if (fatal_signal_pending(current))
		return -EINTR;
	if (!dmag_kgroup_claims(group))
		return -ETIME;
	return time_after(jiffies, group->effort.until) && !group->effort.owes ?
		       -ETIME :
		       0;
}

/* ---- which groups there are ------------------------------------------ */

/**
 * dmag_kgroup_list() - A group has entered the registry.
 * @group: the group, new
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_list(struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	list_add(&group->all, &kgroup_all);
}

/**
 * dmag_kgroup_unlist() - A group has left the registry; its counts stay.
 * @group: the group
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_unlist(struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	list_del(&group->all);
	/* A request of a device that has just left may still count. */
	spin_lock_irq(&group->lock);
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		dmag_retired[i] += group->counter[i];
	spin_unlock_irq(&group->lock);
}

/**
 * dmag_kgroup_visit_all() - Call a function for every group.
 * @fn: what to call; the group may be gone when it returns
 * @data: its second argument
 *
 * Context: Process, under dmag_mutex, which @fn must keep.
 */
void dmag_kgroup_visit_all(void (*fn)(struct dmag_kgroup *group, void *data),
			   void *data)
{
	struct dmag_kgroup *group, *next;

	lockdep_assert_held(&dmag_mutex);
	list_for_each_entry_safe(group, next, &kgroup_all, all)
		fn(group, data);
}

/**
 * dmag_kgroup_next() - Go through all groups, letting go of dmag_mutex between.
 * @round: a number that no earlier round had, not 0
 *
 * Context: Process, under dmag_mutex.
 * Return: a group that was not yet visited in this round, or NULL.
 */
struct dmag_kgroup *dmag_kgroup_next(unsigned long round)
{
	struct dmag_kgroup *group;

	lockdep_assert_held(&dmag_mutex);
	group = list_first_entry_or_null(&kgroup_all, struct dmag_kgroup, all);
	if (!group || group->round == round)
		return NULL;
	group->round = round;
	list_move_tail(&group->all, &kgroup_all);
	return group;
}

/**
 * dmag_device_held() - How many frames a member holds.
 * @member: the member, which stays
 *
 * A member may free what it did not get, or another device what it got, so this
 * is not exact; it is never less than 0.
 *
 * Context: Any.
 * Return: the frames.
 */
u64 dmag_device_held(const struct dmag_device *member)
{
	s64 __percpu *held = READ_ONCE(member->held);
	s64 frames = 0;
	int cpu;

	if (held)
		for_each_possible_cpu(cpu)
			frames += READ_ONCE(*per_cpu_ptr(held, cpu));
	return max(frames, 0);
}

/**
 * dmag_kgroup_low() - Whether a group's reserve wants refilling.
 * @group: the group, not locked
 *
 * Context: Process.
 * Return: as dmag_group_low().
 */
bool dmag_kgroup_low(struct dmag_kgroup *group)
{
	bool ret;

	spin_lock_irq(&group->lock);
	ret = dmag_group_low(&group->core);
	spin_unlock_irq(&group->lock);
	return ret;
}

/**
 * dmag_kgroup_break() - Take a group out of service.
 * @group: the group
 *
 * Its devices go on as without dmag.  Buffers that they hold can be freed as
 * ever, but nothing is claimed, captured or protected for the group any more, and
 * what it owns stays its own: memory that may be miscounted must reach neither
 * another device nor the page allocator.
 *
 * Context: Any, @group locked or not.
 */
void dmag_kgroup_break(struct dmag_kgroup *group)
{
	if (xchg(&group->service, DMAG_BROKEN) == DMAG_BROKEN)
		return;
	pr_err("dmag: group %d is broken\n", group->id);
	dmag_worker_kick();
}

/* ---- waking ---------------------------------------------------------- */

/**
 * __dmag_kgroup_arrival() - dmag_kgroup_arrival(), if there are waiters.
 * @group: the group, locked
 *
 * Context: Any.
 */
void __dmag_kgroup_arrival(struct dmag_kgroup *group)
{
	lockdep_assert_held(&group->lock);
	group->arrivals++;
	smp_mb(); /* pairs with that of prepare_to_wait_event() */
	wake_up_var(&group->arrivals);
}

static struct workqueue_struct *worker_wq;
static struct delayed_work worker_work;

/**
 * dmag_worker_init() - Let the worker run from now on.
 * @fn: what it does when it is woken
 *
 * Context: Process, once.
 * Return: 0, or -ENOMEM.
 */
int __init dmag_worker_init(work_func_t fn)
{
	WARN_ON(worker_wq);
	INIT_DELAYED_WORK(&worker_work, fn);
	worker_wq = alloc_ordered_workqueue("dmag", WQ_FREEZABLE);
	return worker_wq ? 0 : -ENOMEM;
}

/**
 * dmag_worker_kick() - Wake the worker now.
 *
 * Context: Any.
 */
void dmag_worker_kick(void)
{
	if (worker_wq)
		mod_delayed_work(worker_wq, &worker_work, 0);
}

/**
 * dmag_worker_kick_in() - Wake the worker later, unless it is woken before.
 * @delay: how much later, jiffies
 *
 * Context: Of the worker.
 */
void dmag_worker_kick_in(unsigned long delay)
{
	queue_delayed_work(worker_wq, &worker_work, delay);
}

/* A work of its own, so that a retry that is due later does not hold it up. */
static void worker_surplus_due(struct work_struct *work)
{
	dmag_worker_kick();
}

static DECLARE_DELAYED_WORK(surplus_work, worker_surplus_due);

/**
 * dmag_worker_kick_later() - Wake the worker a second from now, at the latest.
 *
 * Context: Any.
 */
void dmag_worker_kick_later(void)
{
	if (worker_wq)
		queue_delayed_work(worker_wq, &surplus_work,
				   DMAG_SURPLUS_DELAY);
}

/**
 * __dmag_kgroup_kick() - dmag_kgroup_kick(), if there may be a reason.
 * @group: the group, locked
 *
 * Context: Any.
 */
void __dmag_kgroup_kick(struct dmag_kgroup *group)
{
	const struct dmag_group *core = &group->core;
	enum dmag_kick kick = DMAG_QUIET;

	lockdep_assert_held(&group->lock);
	if (core->missed)
		kick = DMAG_REFUSED;
	else if (core->members && core->frames.free < core->marks.min)
		kick = DMAG_BELOW_MIN;
	else if (dmag_group_low(core))
		kick = DMAG_LOW;
	else if (!core->members || dmag_group_surplus(core))
		kick = DMAG_SURPLUS;
	if (kick == DMAG_QUIET || kick == group->kicked || !worker_wq ||
	    (kick == DMAG_LOW && group->kicked == DMAG_BELOW_MIN))
		return;
	group->kicked = kick;
	if (kick != DMAG_SURPLUS)
		dmag_worker_kick();
	else
		dmag_worker_kick_later();
}
