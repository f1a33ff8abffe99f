// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and freeing.
 *
 * Small requests are served by per-CPU caches, others by the reserve: one lock and
 * the core's bitmap.  If the reserve cannot serve a
 * request that may wait, the request climbs the claim ladder; if the ladder cannot
 * either, it waits for frames of its own reach to come free.  A request that may
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
#include "pcp.h"
#include "report.h"

/* A blocking request climbs this long; with __GFP_NORETRY, less. */
#define DMAG_CLIMB_BOUND (5 * HZ)
#define DMAG_NORETRY_BOUND (HZ / 4)

/* Then it waits for frames to come free: as long as the worker needs to refill. */
#define DMAG_WAIT_BOUND HZ

/* @final: whether a failure is the reserve's answer, so that it counts. */
static int alloc_from_reserve(struct dmag_kgroup *group,
			      const struct dmag_request *req, bool atomic,
			      bool final, u64 *pfn)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&group->lock, flags);
	if (atomic && !final)
		ret = dmag_group_try(&group->core, req, pfn);
	else
		ret = dmag_group_get(&group->core, req, atomic, pfn);
	if (!ret)
		group->counter[atomic ? DMAG_NR_ALLOC_ATOMIC : DMAG_NR_ALLOC]++;
	else if (atomic && final)
		group->counter[DMAG_NR_ALLOC_ATOMIC_FAIL]++;
	dmag_kgroup_kick(group);
	spin_unlock_irqrestore(&group->lock, flags);
	return ret;
}

/* Before the reserve refuses a request, it gets back all cached frames. */
static int alloc_uncached(struct dmag_kgroup *group,
			  const struct dmag_request *req, bool atomic, u64 *pfn)
{
	bool lent = READ_ONCE(group->pcp_lent);
	int ret = alloc_from_reserve(group, req, atomic, !lent, pfn);

	if (likely(!ret || !lent))
		return ret;
	dmag_pcp_drain(group);
	return alloc_from_reserve(group, req, atomic, true, pfn);
}

static int alloc_fast(struct dmag_device *member,
		      const struct dmag_request *req, bool atomic, u64 *pfn)
{
	struct page *page = dmag_pcp_get(member->group, req->count, atomic);
	int ret = 0;

	if (likely(page))
		*pfn = page_to_pfn(page);
	else
		ret = alloc_uncached(member->group, req, atomic, pfn);
	if (likely(!ret))
		dmag_device_charge(member, req->count);
	return ret;
}

enum alloc_verdict {
	UNKNOWN, /* not a member yet, or of the wrong group */
	ANSWERED,
	UNRESTRICTED, /* or out of service */
};

static enum alloc_verdict alloc_try_group(struct device *dev,
					  const struct dmag_request *req,
					  bool atomic, u64 *pfn, int *ret)
{
	enum alloc_verdict verdict = UNKNOWN;
	struct dmag_device *member;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	if (likely(member && !dmag_device_stale(member, dev))) {
		/* Once: RAM that comes online can restrict a universal group. */
		verdict = dmag_kgroup_serves(member->group) ? ANSWERED :
							      UNRESTRICTED;
		if (verdict == ANSWERED)
			*ret = alloc_fast(member, req, atomic, pfn);
	}
	rcu_read_unlock();
	return verdict;
}

/* Whether @dev is still the member @member of @group; @member is gone if it is not. */
static bool alloc_still_member(struct device *dev,
			       const struct dmag_device *member,
			       const struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	return rcu_access_pointer(dev->dmag) == member &&
	       member->group == group;
}

/*
 * The climb may let go of dmag_mutex.  If the device has joined again by then,
 * its reach may be another, so the frames that were found go back.
 */
static int alloc_climb(struct device *dev, const struct dmag_request *req,
		       unsigned long until, u64 *pfn)
{
	const struct dmag_effort effort = { .until = until,
					    .most_moves = LONG_MAX,
					    .node = NUMA_NO_NODE };
	struct dmag_kgroup *group;
	struct dmag_device *member;
	int ret;

	dmag_assert_may_claim();
	member = rcu_dereference_protected(dev->dmag,
					   lockdep_is_held(&dmag_mutex));
	if (!member || !dmag_kgroup_serves(member->group))
		return -ENOMEM;
	group = member->group;
	ret = dmag_kgroup_climb(group, req, &effort, pfn);
	if (ret)
		return ret;
	spin_lock_irq(&group->lock);
	if (alloc_still_member(dev, member, group)) {
		dmag_device_charge(member, req->count);
	} else {
		ret = dmag_group_put(&group->core, *pfn, req->count) ?: -ENOMEM;
		dmag_kgroup_arrival(group);
	}
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
	return ret;
}

/*
 * A request made on the way to writeback climbs only if no other task claims, and
 * without I/O.  If that fails, it is served like an atomic request.
 */
static int alloc_climb_noio(struct device *dev, const struct dmag_request *req,
			    gfp_t gfp, u64 *pfn)
{
	unsigned int noio;
	int ret = -ENOMEM;

	if (dmag_claim_trylock()) {
		noio = memalloc_noio_save();
		ret = alloc_climb(dev, req, jiffies + DMAG_NORETRY_BOUND, pfn);
		memalloc_noio_restore(noio);
		dmag_claim_unlock();
	}
	if (ret)
		alloc_try_group(dev, req, true, pfn, &ret);
	return ret;
}

/* The frames that may come free are those in use, and those of a refill. */
static bool wait_is_worth(const struct dmag_group *group,
			  const struct dmag_request *req)
{
	return req->count <=
	       group->frames.free + group->frames.used + group->marks.high;
}

/* If the last member left while this task waited, the worker retires the group. */
static void wait_stop(struct dmag_kgroup *group)
{
	spin_lock_irq(&group->lock);
	if (!DMAG_WARN_ON(group, !group->waiters))
		group->waiters--;
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
}

/*
 * Start to wait for frames of the device's own group, which stays until
 * wait_stop().  NULL if the request has been served after all, or cannot be.
 */
static struct dmag_kgroup *wait_start(struct device *dev,
				      const struct dmag_request *req, u64 *pfn,
				      unsigned long *seen, int *ret)
{
	struct dmag_kgroup *group;
	struct dmag_device *member;
	bool worth;

	member = rcu_dereference_protected(dev->dmag,
					   lockdep_is_held(&dmag_mutex));
	if (!member || !dmag_kgroup_serves(member->group))
		return NULL;
	group = member->group;
	spin_lock_irq(&group->lock);
	worth = wait_is_worth(&group->core, req);
	group->waiters += worth;
	group->counter[DMAG_NR_WAIT] += worth;
	*seen = group->arrivals;
	spin_unlock_irq(&group->lock);
	/* Frames that came free before waiters was raised were not announced. */
	if (!worth || alloc_fast(member, req, false, pfn))
		return worth ? group : NULL;
	*ret = 0;
	wait_stop(group);
	return NULL;
}

/* When frames come free, when @until is over, or -ERESTARTSYS. */
static long wait_arrival(struct dmag_kgroup *group, unsigned long seen,
			 unsigned long until)
{
	long timeout = max(1L, (long)(until - jiffies));

	might_sleep();
	lockdep_assert_not_held(&dmag_claim_mutex);
	return ___wait_var_event(
		&group->arrivals,
		___wait_cond_timeout(READ_ONCE(group->arrivals) != seen),
		TASK_KILLABLE, 0, timeout, __ret = schedule_timeout(__ret));
}

/*
 * Climb; failing that, wait for frames and climb again, as often as some come
 * free before the wait is over.  The wait for other claims does not count, because
 * they let others through.
 */
static int alloc_climb_or_wait(struct device *dev,
			       const struct dmag_request *req, gfp_t gfp,
			       u64 *pfn)
{
	bool noretry = gfp & __GFP_NORETRY;
	unsigned long bound = noretry ? DMAG_NORETRY_BOUND : DMAG_CLIMB_BOUND;
	unsigned long end = 0, seen; /* of the wait, once it has begun */
	struct dmag_kgroup *group;
	int ret;

	for (;;) {
		if (dmag_claim_lock_killable())
			return -EINTR;
		ret = alloc_climb(dev, req, end ?: jiffies + bound, pfn);
		if (!end)
			end = (jiffies + (noretry ? 0 : DMAG_WAIT_BOUND)) ?: 1;
		group = ret && ret != -EINTR && time_before(jiffies, end) ?
				wait_start(dev, req, pfn, &seen, &ret) :
				NULL;
		dmag_claim_unlock();
		if (!group)
			return ret;
		ret = wait_arrival(group, seen, end) < 0 ? -EINTR : 0;
		wait_stop(group);
		if (ret)
			return ret;
	}
}

static void alloc_count_failure(struct device *dev)
{
	struct dmag_device *member;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	if (member) {
		spin_lock_irq(&member->group->lock);
		member->group->counter[DMAG_NR_ALLOC_FAIL]++;
		spin_unlock_irq(&member->group->lock);
	}
	rcu_read_unlock();
}

static int alloc_slow(struct device *dev, const struct dmag_request *req,
		      gfp_t gfp, u64 *pfn)
{
	int ret;

	might_alloc(gfp & gfp_allowed_mask);
	if (dmag_may_wait(gfp))
		ret = alloc_climb_or_wait(dev, req, gfp, pfn);
	else
		ret = alloc_climb_noio(dev, req, gfp, pfn);
	if (ret)
		alloc_count_failure(dev);
	return ret;
}

static struct page *alloc_finish(u64 pfn, u64 count, gfp_t gfp)
{
	struct page *page = pfn_to_page(pfn);

	if (unlikely(want_init_on_alloc(gfp)))
		for (u64 i = 0; i < count; i++)
			clear_highpage(page + i);
	return page;
}

/*
 * Claims leave CMA areas alone.  The default area may lie in the device's reach;
 * then devices are served from it that were before there were groups.
 */
static struct page *alloc_from_cma(struct device *dev, size_t size, gfp_t gfp)
{
	struct page *page = dma_alloc_contiguous(dev, size, gfp);

	if (!page || dma_coherent_ok(dev, page_to_phys(page), size))
		return page;
	dma_free_contiguous(dev, page, size);
	return NULL;
}

/*
 * memory_failure() takes free frames out of reserves.  It cannot take those that are
 * about to enter one, and marks them nevertheless.  Freeing makes such a buffer leave
 * the group.
 */
static bool alloc_drop_broken(struct device *dev, u64 pfn, size_t size)
{
#ifdef CONFIG_MEMORY_FAILURE
	struct page *page = pfn_to_page(pfn);

	if (likely(!atomic_long_read(&num_poisoned_pages)))
		return false;
	for (u64 i = 0; i < PFN_UP(size); i++)
		if (PageHWPoison(page + i))
			return __dmag_free_pages(dev, page, size);
#endif
	return false;
}

bool __dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page)
{
	struct dmag_request req = DMAG_REQUEST(PFN_UP(size));
	bool atomic = !gfpflags_allow_blocking(gfp);
	enum alloc_verdict verdict;
	int ret = -EINVAL;
	u64 pfn;

	*page = NULL;
	if (WARN_ON_ONCE(!size) || dmag_has_cma_area(dev))
		return false;
	req.align = roundup_pow_of_two(req.count);

again:
	verdict = alloc_try_group(dev, &req, atomic, &pfn, &ret);
	if (unlikely(verdict == UNKNOWN && dmag_may_wait(gfp))) {
		__dmag_device_update(dev);
		verdict = alloc_try_group(dev, &req, atomic, &pfn, &ret);
	}
	if (verdict != ANSWERED)
		return false;
	if (unlikely(ret) && !atomic)
		ret = alloc_slow(dev, &req, gfp, &pfn);
	if (likely(!ret) && unlikely(alloc_drop_broken(dev, pfn, size)))
		goto again;
	if (likely(!ret))
		*page = alloc_finish(pfn, req.count, gfp);
	else if (!atomic)
		*page = alloc_from_cma(dev, size, gfp);
	if (unlikely(!*page && ret != -EINTR))
		dmag_report_failure(dev, req.count, gfp);
	/* A request that cannot wait for the reserve to grow may try the zones. */
	return *page || dmag_may_wait(gfp);
}

/* Whether any page has another reference than ours, or broken memory. */
static bool free_has_unfit(struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++)
		if (unlikely(page_ref_count(page + i) != 1 ||
			     PageHWPoison(page + i)))
			return true;
	return false;
}

/*
 * A page that is still referenced, or broken, must not reach the next device.  So
 * the group drops such a buffer, and each page goes to the page allocator with its
 * last reference.  The caller puts the group's, without the lock.
 */
static int free_drop_unfit(struct dmag_kgroup *group, struct page *page,
			   u64 count)
{
	u64 pfn = page_to_pfn(page);
	struct dmag_range range = { pfn, pfn + count - 1 };
	int ret = dmag_group_drop(&group->core, &range);

	lockdep_assert_held(&group->lock);
	if (ret)
		return ret;
	group->emptied = true;
	dmag_worker_kick();
	return 0;
}

static void free_put_pages(struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++)
		put_page(page + i);
}

#ifdef CONFIG_MEMORY_FAILURE
static bool free_drop_broken(struct dmag_kgroup *group, u64 pfn)
{
	struct dmag_range range = { pfn, pfn };
	bool dropped = false;

	spin_lock_irq(&group->lock);
	if (dmag_kgroup_serves(group) &&
	    dmag_frames_state(&group->core.frames, pfn) == DMAG_FREE)
		dropped = !dmag_frames_take(&group->core.frames, pfn, pfn) &&
			  !dmag_group_drop(&group->core, &range);
	group->emptied |= dropped;
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
	return dropped;
}

bool __dmag_take_broken(struct page *page)
{
	struct dmag_kgroup *group;
	bool ours;

	rcu_read_lock();
	group = dmag_owner(page_to_pfn(page));
	if (group)
		dmag_pcp_drain(group);
	ours = group && free_drop_broken(group, page_to_pfn(page));
	rcu_read_unlock();
	if (ours)
		dmag_worker_kick();
	return ours;
}
#endif

static void free_clear_pages(struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++)
		clear_highpage(page + i);
}

/* A bad free must not clear what the group has not given. */
static void free_clear(struct dmag_kgroup *group, struct page *page, u64 count)
{
	u64 pfn = page_to_pfn(page);
	struct dmag_run run;
	unsigned long flags;
	bool used;

	spin_lock_irqsave(&group->lock, flags);
	used = count && dmag_frames_walk(&group->core.frames, pfn, &run) &&
	       run.state == DMAG_USED && run.range.start <= pfn &&
	       pfn + count - 1 <= run.range.last;
	spin_unlock_irqrestore(&group->lock, flags);
	if (used)
		free_clear_pages(page, count);
}

static bool free_to_cache(struct dmag_device *member, struct page *page,
			  u64 count)
{
	if (!member || !dmag_pcp_gave(member->group, page, count) ||
	    free_has_unfit(page, count))
		return false;
	if (unlikely(want_init_on_free()))
		free_clear_pages(page, count);
	if (!dmag_pcp_put(member->group, page, count))
		return false;
	dmag_device_charge(member, -(s64)count);
	return true;
}

/* The buffer may be another device's, or from the group that this one left. */
static void free_uncharge(struct dmag_device *member,
			  const struct dmag_kgroup *group, u64 count)
{
	if (likely(member && member->group == group))
		dmag_device_charge(member, -(s64)count);
}

/* Whether there are so many pages to free, and none of them is in a cache. */
static bool free_is_sane(struct dmag_kgroup *group, struct page *page,
			 u64 count)
{
	u64 pfn = page_to_pfn(page);

	return count <= READ_ONCE(group->core.frames.used) &&
	       dmag_reach_contains(&group->core.reach, pfn, pfn + count - 1) &&
	       !dmag_pcp_untag(group, page, count);
}

/*
 * Before the lock is taken, because a large buffer has many pages.  Whether they may
 * stay in the reserve.
 */
static bool free_prepare(struct dmag_kgroup *group, struct page *page,
			 u64 count)
{
	if (free_has_unfit(page, count))
		return false;
	if (unlikely(want_init_on_free()))
		free_clear(group, page, count);
	return true;
}

static bool free_to_group(struct dmag_kgroup *group, struct dmag_device *member,
			  struct page *page, u64 count)
{
	u64 pfn = page_to_pfn(page);
	/* Without the lock, because a large buffer has many pages to look at. */
	bool sane = free_is_sane(group, page, count);
	bool fit = sane && free_prepare(group, page, count);
	unsigned long flags;
	bool ours = true;
	int ret = 0;

	spin_lock_irqsave(&group->lock, flags);
	if (unlikely(dmag_frames_state(&group->core.frames, pfn) ==
		     DMAG_FOREIGN))
		ours = false;
	else if (unlikely(!sane))
		ret = -EINVAL;
	else if (likely(fit))
		ret = dmag_group_put(&group->core, pfn, count);
	else
		ret = free_drop_unfit(group, page, count);
	if (likely(ours && !ret)) {
		group->counter[DMAG_NR_FREE]++;
		free_uncharge(member, group, count);
		dmag_kgroup_arrival(group);
	}
	dmag_kgroup_kick(group);
	spin_unlock_irqrestore(&group->lock, flags);

	if (unlikely(ours && !ret && !fit))
		free_put_pages(page, count);
	if (unlikely(ret))
		pr_err_ratelimited(
			"dmag: bad free of %llu pages at PFN %#llx\n", count,
			pfn);
	return ours;
}

bool __dmag_free_pages(struct device *dev, struct page *page, size_t size)
{
	u64 count = PFN_UP(size);
	struct dmag_device *member;
	struct dmag_kgroup *group;
	bool ours;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	ours = free_to_cache(member, page, count);
	if (unlikely(!ours)) {
		group = dmag_owner(page_to_pfn(page));
		ours = group && free_to_group(group, member, page, count);
	}
	rcu_read_unlock();
	return ours;
}
