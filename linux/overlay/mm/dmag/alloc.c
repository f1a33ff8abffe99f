// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and freeing, and the worker behind them.
 *
 * The fast path is one lock and the core's bitmap.  A request that may wait
 * climbs the claim ladder when the reserve does not do; one that may not wait
 * wakes the worker and is done.
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
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>

#include "host.h"

#include <trace/events/dmag.h>

/* Frees come in bursts; what they leave over is given back this much later. */
#define DMAG_SURPLUS_DELAY HZ

/* How long the worker may climb for one group before the next has its turn. */
#define DMAG_REFILL_BOUND HZ

/*
 * How long the worker leaves a group alone that it could not fill; twice as
 * long each time, since what cannot move now seldom can a moment later.
 */
#define DMAG_RETRY_LEAST (2UL * HZ)
#define DMAG_RETRY_MOST (32UL * HZ)

/* A blocking request climbs this long; one that can do without, less. */
#define DMAG_CLIMB_BOUND (5 * HZ)
#define DMAG_NORETRY_BOUND (HZ / 4)

static void dmag_worker(struct work_struct *work);
static DECLARE_DELAYED_WORK(dmag_work, dmag_worker);
static struct workqueue_struct *dmag_wq;

/**
 * dmag_group_kick() - Wake the worker if the group is short or in surplus.
 * @g: the group, locked
 *
 * Context: Any.
 */
void dmag_group_kick(struct dmag_kgroup *g)
{
	const struct dmag_group *core = &g->core;
	enum dmag_kick kick = DMAG_QUIET;

	lockdep_assert_held(&g->lock);
	if (dmag_group_low(core))
		kick = DMAG_LOW;
	else if (!core->members || dmag_group_surplus(core))
		kick = DMAG_SURPLUS;
	if (kick <= g->kicked || !dmag_wq)
		return;
	g->kicked = kick;
	if (kick == DMAG_LOW)
		mod_delayed_work(dmag_wq, &dmag_work, 0);
	else
		queue_delayed_work(dmag_wq, &dmag_work, DMAG_SURPLUS_DELAY);
}

/* A partial fill is continued, though nobody may ask again. */
static bool still_short(struct dmag_kgroup *g)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&g->lock, flags);
	ret = dmag_group_low(&g->core);
	if (ret)
		g->kicked = DMAG_LOW;
	spin_unlock_irqrestore(&g->lock, flags);
	return ret;
}

static void tend(struct dmag_kgroup *g, void *data)
{
	unsigned long *delay = data;

	if (READ_ONCE(g->kicked) == DMAG_QUIET)
		return;
	if (!g->backoff || time_after_eq(jiffies, g->retry_at)) {
		dmag_group_fill(g, DMAG_REFILL_BOUND);
		g->backoff = still_short(g) ?
				     clamp(2 * g->backoff, DMAG_RETRY_LEAST,
					   DMAG_RETRY_MOST) :
				     0;
		g->retry_at = jiffies + g->backoff;
	}
	if (g->backoff)
		*delay = min(*delay, g->backoff);
	dmag_group_settle(g);
}

static void dmag_worker(struct work_struct *work)
{
	unsigned long delay = ULONG_MAX;

	mutex_lock(&dmag_mutex);
	dmag_visit_groups(tend, &delay);
	mutex_unlock(&dmag_mutex);
	if (delay != ULONG_MAX)
		queue_delayed_work(dmag_wq, &dmag_work, delay);
}

static int __init dmag_worker_init(void)
{
	dmag_wq = alloc_workqueue("dmag", WQ_UNBOUND, 1);
	return dmag_wq ? 0 : -ENOMEM;
}
core_initcall(dmag_worker_init);

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
	dmag_group_kick(g);
	spin_unlock_irqrestore(&g->lock, flags);
	return ret;
}

enum verdict {
	UNKNOWN, /* not a member yet, or of the wrong group */
	ANSWERED,
	UNRESTRICTED,
};

static enum verdict try_group(struct device *dev, const struct dmag_request *rq,
			      bool atomic, u64 *pfn, int *ret)
{
	enum verdict verdict = UNKNOWN;
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

/* Whoever holds dmag_mutex may wait for writeback and filesystem locks. */
static bool may_wait(gfp_t gfp)
{
	const gfp_t needed = __GFP_DIRECT_RECLAIM | __GFP_IO | __GFP_FS;

	return (current_gfp_context(gfp) & needed) == needed;
}

static int climb(struct device *dev, const struct dmag_request *rq, gfp_t gfp,
		 u64 *pfn)
{
	unsigned long bound = gfp & __GFP_NORETRY ? DMAG_NORETRY_BOUND :
						    DMAG_CLIMB_BOUND;
	struct dmag_device *d;
	int ret;

	d = rcu_dereference_protected(dev->dmag, lockdep_is_held(&dmag_mutex));
	if (!d || d->group->universal)
		return -ENOMEM;
	ret = dmag_group_climb(d->group, rq, bound, pfn);
	if (!ret) {
		spin_lock_irq(&d->group->lock);
		d->held += rq->count;
		spin_unlock_irq(&d->group->lock);
	}
	return ret;
}

/*
 * A request made on the way to writeback only tries to climb, and does without
 * I/O; if it cannot it is served like an atomic one.
 */
static int climb_without_io(struct device *dev, const struct dmag_request *rq,
			    gfp_t gfp, u64 *pfn)
{
	unsigned int noio;
	int ret = -ENOMEM;

	if (mutex_trylock(&dmag_mutex)) {
		noio = memalloc_noio_save();
		ret = climb(dev, rq, gfp, pfn);
		memalloc_noio_restore(noio);
		mutex_unlock(&dmag_mutex);
	}
	if (ret)
		try_group(dev, rq, true, pfn, &ret);
	return ret;
}

static int alloc_slow(struct device *dev, const struct dmag_request *rq,
		      gfp_t gfp, u64 *pfn)
{
	int ret;

	if (!may_wait(gfp))
		return climb_without_io(dev, rq, gfp, pfn);
	if (mutex_lock_killable(&dmag_mutex))
		return -EINTR;
	ret = climb(dev, rq, gfp, pfn);
	mutex_unlock(&dmag_mutex);
	return ret;
}

static void describe_failure(struct device *dev, struct dmag_kgroup *g,
			     u64 count, gfp_t gfp)
{
	const struct dmag_reach *reach = &g->core.reach;
	const struct dmag_marks *marks = &g->core.marks;
	struct dmag_frames_stats s;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	dmag_frames_stats(&g->core.frames, &s);
	spin_unlock_irqrestore(&g->lock, flags);
	dev_warn(
		dev,
		"dmag: no %llu pages (%s) in group %d [%#llx, %#llx], which owns %llu of %llu frames, %llu free, %llu in one run; watermarks %llu/%llu/%llu\n",
		count, gfpflags_allow_blocking(gfp) ? "blocking" : "atomic",
		g->id, reach->nr ? reach->seg[0].start << PAGE_SHIFT : 0,
		reach->nr ? reach->seg[reach->nr - 1].last << PAGE_SHIFT : 0,
		s.free + s.used, dmag_reach_frames(reach), s.free,
		s.largest_free, marks->min, marks->low, marks->high);
}

static void report_failure(struct device *dev, u64 count, gfp_t gfp)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 3);
	struct dmag_device *d;
	struct dmag_kgroup *g;

	rcu_read_lock();
	d = rcu_dereference(dev->dmag);
	g = d ? d->group : NULL;
	trace_dmag_alloc_fail(dev, g ? g->id : 0, count,
			      gfpflags_allow_blocking(gfp));
	if (g && !(gfp & __GFP_NOWARN) && __ratelimit(&limit))
		describe_failure(dev, g, count, gfp);
	rcu_read_unlock();
}

static struct page *finish_alloc(u64 pfn, u64 count, gfp_t gfp)
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
	enum verdict verdict;
	int ret = -EINVAL;
	u64 pfn;

	*page = NULL;
	if (WARN_ON_ONCE(!size) || dmag_has_cma_area(dev))
		return false;
	rq.align = roundup_pow_of_two(rq.count);

	verdict = try_group(dev, &rq, atomic, &pfn, &ret);
	if (unlikely(verdict == UNKNOWN && may_wait(gfp))) {
		__dmag_device_update(dev);
		verdict = try_group(dev, &rq, atomic, &pfn, &ret);
	}
	if (verdict != ANSWERED)
		return false;
	if (unlikely(ret) && !atomic)
		ret = alloc_slow(dev, &rq, gfp, &pfn);
	if (likely(!ret))
		*page = finish_alloc(pfn, rq.count, gfp);
	else if (!atomic)
		*page = alloc_from_cma(dev, size, gfp);
	if (unlikely(!*page && ret != -EINTR))
		report_failure(dev, rq.count, gfp);
	return true;
}

/* Does somebody else hold on to a page? */
static bool still_referenced(struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++)
		if (unlikely(page_ref_count(page + i) != 1))
			return true;
	return false;
}

/*
 * A page that somebody else still holds must not reach the next device: such a
 * buffer leaves the group, and each page goes to the page allocator with its
 * last reference.
 */
static int free_held(struct dmag_kgroup *g, struct page *page, u64 count)
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
static void uncharge(struct dmag_device *d, struct dmag_kgroup *g, u64 count)
{
	lockdep_assert_held(&g->lock);
	if (likely(d && d->group == g))
		d->held -= min(d->held, count);
}

static bool free_to(struct dmag_kgroup *g, struct dmag_device *d,
		    struct page *page, u64 count)
{
	u64 pfn = page_to_pfn(page);
	unsigned long flags;
	bool ours = true;
	int ret = 0;

	spin_lock_irqsave(&g->lock, flags);
	if (unlikely(dmag_frames_state(&g->core.frames, pfn) == DMAG_FOREIGN))
		ours = false;
	else if (unlikely(count > g->core.frames.used))
		ret = -EINVAL;
	else if (likely(!still_referenced(page, count)))
		ret = dmag_group_put(&g->core, pfn, count);
	else
		ret = free_held(g, page, count);
	if (likely(ours && !ret)) {
		g->counter[DMAG_NR_FREE]++;
		uncharge(d, g, count);
	}
	dmag_group_kick(g);
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
	g = xa_load(&dmag_owners, page_to_pfn(page) >> DMAG_BLOCK_ORDER);
	if (g)
		ours = free_to(g, rcu_dereference(dev->dmag), page,
			       PFN_UP(size));
	rcu_read_unlock();
	return ours;
}
