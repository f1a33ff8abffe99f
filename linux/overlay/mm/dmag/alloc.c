// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and freeing.
 *
 * The fast path is one lock and the core's bitmap.  A request that may wait
 * climbs the claim ladder when the reserve does not do, and waits for frames of
 * its own reach to come free when the ladder does not do either.  One that may
 * not wait wakes the worker and is done.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/wait_bit.h>

#include "device.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"
#include "report.h"

/* A blocking request climbs this long; one that can do without, less. */
#define DMAG_CLIMB_BOUND (5 * HZ)
#define DMAG_NORETRY_BOUND (HZ / 4)

/* Then it waits for frames to come free: as long as the worker needs to refill. */
#define DMAG_WAIT_BOUND HZ

static int alloc_fast(struct dmag_device *d, const struct dmag_request *rq,
		      bool atomic, u64 *pfn)
{
	struct dmag_kgroup *g = d->group;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&g->lock, flags);
	ret = dmag_group_get(&g->core, rq, atomic, pfn);
	if (!ret) {
		g->counter[atomic ? DMAG_NR_ALLOC_ATOMIC : DMAG_NR_ALLOC]++;
		d->held += rq->count;
	} else if (atomic) {
		g->counter[DMAG_NR_ALLOC_ATOMIC_FAIL]++;
	}
	dmag_kgroup_kick(g);
	spin_unlock_irqrestore(&g->lock, flags);
	return ret;
}

enum alloc_verdict {
	UNKNOWN, /* not a member yet, or of the wrong group */
	ANSWERED,
	UNRESTRICTED,
};

static enum alloc_verdict alloc_try_group(struct device *dev,
					  const struct dmag_request *rq,
					  bool atomic, u64 *pfn, int *ret)
{
	enum alloc_verdict verdict = UNKNOWN;
	struct dmag_device *d;

	rcu_read_lock();
	d = rcu_dereference(dev->dmag);
	if (likely(d && !dmag_device_stale(d, dev))) {
		/* Once: RAM that comes online can restrict a universal group. */
		verdict = READ_ONCE(d->group->universal) ? UNRESTRICTED :
							   ANSWERED;
		if (verdict == ANSWERED)
			*ret = alloc_fast(d, rq, atomic, pfn);
	}
	rcu_read_unlock();
	return verdict;
}

/* Whether @dev is still the member @d of @g; @d is gone if it is not. */
static bool alloc_still_member(struct device *dev, const struct dmag_device *d,
			       const struct dmag_kgroup *g)
{
	lockdep_assert_held(&dmag_mutex);
	return rcu_access_pointer(dev->dmag) == d && d->group == g;
}

/*
 * The climb may let go of dmag_mutex.  If the device became another member in
 * the meantime, what was found is not for it.
 */
static int alloc_climb(struct device *dev, const struct dmag_request *rq,
		       unsigned long until, u64 *pfn)
{
	struct dmag_kgroup *g;
	struct dmag_device *d;
	int ret;

	d = rcu_dereference_protected(dev->dmag, lockdep_is_held(&dmag_mutex));
	if (!d || d->group->universal)
		return -ENOMEM;
	g = d->group;
	ret = dmag_kgroup_climb(g, rq, until, pfn);
	if (ret)
		return ret;
	spin_lock_irq(&g->lock);
	if (alloc_still_member(dev, d, g)) {
		d->held += rq->count;
	} else {
		ret = dmag_group_put(&g->core, *pfn, rq->count) ?: -ENOMEM;
		dmag_kgroup_arrival(g);
	}
	dmag_kgroup_kick(g);
	spin_unlock_irq(&g->lock);
	return ret;
}

/*
 * A request made on the way to writeback only tries to climb, and does without
 * I/O; if it cannot it is served like an atomic one.
 */
static int alloc_climb_noio(struct device *dev, const struct dmag_request *rq,
			    gfp_t gfp, u64 *pfn)
{
	unsigned int noio;
	int ret = -ENOMEM;

	if (mutex_trylock(&dmag_mutex)) {
		noio = memalloc_noio_save();
		ret = alloc_climb(dev, rq, jiffies + DMAG_NORETRY_BOUND, pfn);
		memalloc_noio_restore(noio);
		mutex_unlock(&dmag_mutex);
	}
	if (ret)
		alloc_try_group(dev, rq, true, pfn, &ret);
	return ret;
}

/* What may come free is what is in use, and what the worker refills. */
static bool wait_is_worth(const struct dmag_group *g,
			  const struct dmag_request *rq)
{
	return rq->count <= g->frames.free + g->frames.used + g->marks.high;
}

/* A group whose last member left in the meantime is the worker's to end. */
static void wait_stop(struct dmag_kgroup *g)
{
	spin_lock_irq(&g->lock);
	g->waiters--;
	dmag_kgroup_kick(g);
	spin_unlock_irq(&g->lock);
}

/*
 * Start to wait for frames of the device's own group, which stays meanwhile.
 * NULL if the request has been served after all, or waiting is of no use.
 */
static struct dmag_kgroup *wait_start(struct device *dev,
				      const struct dmag_request *rq, u64 *pfn,
				      unsigned long *seen, int *ret)
{
	struct dmag_kgroup *g;
	struct dmag_device *d;
	bool worth;

	d = rcu_dereference_protected(dev->dmag, lockdep_is_held(&dmag_mutex));
	if (!d || d->group->universal)
		return NULL;
	g = d->group;
	spin_lock_irq(&g->lock);
	worth = wait_is_worth(&g->core, rq);
	g->waiters += worth;
	g->counter[DMAG_NR_WAIT] += worth;
	*seen = g->arrivals;
	spin_unlock_irq(&g->lock);
	/* What came free before that was not announced. */
	if (!worth || alloc_fast(d, rq, false, pfn))
		return worth ? g : NULL;
	*ret = 0;
	wait_stop(g);
	return NULL;
}

/* When frames come free, when @until is over, or -ERESTARTSYS. */
static long wait_arrival(struct dmag_kgroup *g, unsigned long seen,
			 unsigned long until)
{
	long timeout = max(1L, (long)(until - jiffies));

	return ___wait_var_event(
		&g->arrivals,
		___wait_cond_timeout(READ_ONCE(g->arrivals) != seen),
		TASK_KILLABLE, 0, timeout, __ret = schedule_timeout(__ret));
}

/*
 * Climb; failing that, wait for frames and climb again, as often as some come
 * free before the wait is over.  Waiting for the mutex does not count: whoever
 * has it lets others through.
 */
static int alloc_climb_or_wait(struct device *dev,
			       const struct dmag_request *rq, gfp_t gfp,
			       u64 *pfn)
{
	bool noretry = gfp & __GFP_NORETRY;
	unsigned long bound = noretry ? DMAG_NORETRY_BOUND : DMAG_CLIMB_BOUND;
	unsigned long end = 0, seen; /* of the wait, once it has begun */
	struct dmag_kgroup *g;
	int ret;

	for (;;) {
		if (dmag_lock_killable())
			return -EINTR;
		ret = alloc_climb(dev, rq, end ?: jiffies + bound, pfn);
		if (!end)
			end = (jiffies + (noretry ? 0 : DMAG_WAIT_BOUND)) ?: 1;
		g = ret && ret != -EINTR && time_before(jiffies, end) ?
			    wait_start(dev, rq, pfn, &seen, &ret) :
			    NULL;
		mutex_unlock(&dmag_mutex);
		if (!g)
			return ret;
		ret = wait_arrival(g, seen, end) < 0 ? -EINTR : 0;
		wait_stop(g);
		if (ret)
			return ret;
	}
}

static void alloc_count_failure(struct device *dev)
{
	struct dmag_device *d;

	rcu_read_lock();
	d = rcu_dereference(dev->dmag);
	if (d) {
		spin_lock_irq(&d->group->lock);
		d->group->counter[DMAG_NR_ALLOC_FAIL]++;
		spin_unlock_irq(&d->group->lock);
	}
	rcu_read_unlock();
}

static int alloc_slow(struct device *dev, const struct dmag_request *rq,
		      gfp_t gfp, u64 *pfn)
{
	int ret;

	if (dmag_may_wait(gfp))
		ret = alloc_climb_or_wait(dev, rq, gfp, pfn);
	else
		ret = alloc_climb_noio(dev, rq, gfp, pfn);
	if (ret)
		alloc_count_failure(dev);
	return ret;
}

static struct page *alloc_finish(u64 pfn, u64 count, gfp_t gfp)
{
	struct page *page = pfn_to_page(pfn);

	/* Frames come back dirty, so what init_on_free promises is due now. */
	if (unlikely(want_init_on_alloc(gfp) || want_init_on_free()))
		for (u64 i = 0; i < count; i++)
			clear_highpage(page + i);
	return page;
}

/*
 * Claims leave CMA areas alone.  The default one may lie in the device's reach,
 * and then serves those who used it before there were groups.
 */
static struct page *alloc_from_cma(struct device *dev, size_t size, gfp_t gfp)
{
	struct page *page = dma_alloc_contiguous(dev, size, gfp);

	if (!page || dma_coherent_ok(dev, page_to_phys(page), size))
		return page;
	dma_free_contiguous(dev, page, size);
	return NULL;
}

bool __dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page)
{
	struct dmag_request rq = DMAG_REQUEST(PFN_UP(size));
	bool atomic = !gfpflags_allow_blocking(gfp);
	enum alloc_verdict verdict;
	int ret = -EINVAL;
	u64 pfn;

	*page = NULL;
	if (WARN_ON_ONCE(!size) || dmag_has_cma_area(dev))
		return false;
	rq.align = roundup_pow_of_two(rq.count);

	verdict = alloc_try_group(dev, &rq, atomic, &pfn, &ret);
	if (unlikely(verdict == UNKNOWN && dmag_may_wait(gfp))) {
		__dmag_device_update(dev);
		verdict = alloc_try_group(dev, &rq, atomic, &pfn, &ret);
	}
	if (verdict != ANSWERED)
		return false;
	if (unlikely(ret) && !atomic)
		ret = alloc_slow(dev, &rq, gfp, &pfn);
	if (likely(!ret))
		*page = alloc_finish(pfn, rq.count, gfp);
	else if (!atomic)
		*page = alloc_from_cma(dev, size, gfp);
	if (unlikely(!*page && ret != -EINTR))
		dmag_report_failure(dev, rq.count, gfp);
	/* What cannot wait for the reserve to grow may be lucky with the zones. */
	return *page || dmag_may_wait(gfp);
}

/* Does somebody else hold on to a page, or is its memory broken? */
static bool free_has_unfit(struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++)
		if (unlikely(page_ref_count(page + i) != 1 ||
			     PageHWPoison(page + i)))
			return true;
	return false;
}

/*
 * A page that somebody else still holds must not reach the next device, nor one
 * that is broken: such a buffer leaves the group, and each page goes to the page
 * allocator with its last reference, which knows what to do with it.
 */
static int free_drop_unfit(struct dmag_kgroup *g, struct page *page, u64 count)
{
	u64 pfn = page_to_pfn(page);
	struct dmag_range r = { pfn, pfn + count - 1 };
	int ret = dmag_group_drop(&g->core, &r);

	lockdep_assert_held(&g->lock);
	if (!ret)
		for (u64 i = 0; i < count; i++)
			put_page(page + i);
	return ret;
}

/* Buffers may have been allocated by another device, or as another's member. */
static void free_uncharge(struct dmag_device *d, struct dmag_kgroup *g,
			  u64 count)
{
	lockdep_assert_held(&g->lock);
	if (likely(d && d->group == g))
		d->held -= min(d->held, count);
}

static bool free_to_group(struct dmag_kgroup *g, struct dmag_device *d,
			  struct page *page, u64 count)
{
	/* Without the lock: looking at a large buffer's pages takes long. */
	bool fit = count <= READ_ONCE(g->core.frames.used) &&
		   !free_has_unfit(page, count);
	u64 pfn = page_to_pfn(page);
	unsigned long flags;
	bool ours = true;
	int ret = 0;

	spin_lock_irqsave(&g->lock, flags);
	if (unlikely(dmag_frames_state(&g->core.frames, pfn) == DMAG_FOREIGN))
		ours = false;
	else if (unlikely(count > g->core.frames.used))
		ret = -EINVAL;
	else if (likely(fit))
		ret = dmag_group_put(&g->core, pfn, count);
	else
		ret = free_drop_unfit(g, page, count);
	if (likely(ours && !ret)) {
		g->counter[DMAG_NR_FREE]++;
		free_uncharge(d, g, count);
		dmag_kgroup_arrival(g);
	}
	dmag_kgroup_kick(g);
	spin_unlock_irqrestore(&g->lock, flags);

	if (unlikely(ret))
		pr_err_ratelimited(
			"dmag: bad free of %llu pages at PFN %#llx\n", count,
			pfn);
	return ours;
}

bool __dmag_free_pages(struct device *dev, struct page *page, size_t size)
{
	struct dmag_kgroup *g;
	bool ours = false;

	rcu_read_lock();
	g = dmag_owner(page_to_pfn(page));
	if (g)
		ours = free_to_group(g, rcu_dereference(dev->dmag), page,
				     PFN_UP(size));
	rcu_read_unlock();
	return ours;
}
