// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and freeing.
 *
 * Small requests are served by per-CPU caches, others by the reserve: one lock and
 * the core's bitmap.  If the reserve cannot serve a request that may wait, the
 * request climbs the claim ladder, for a fraction of a second.  If the ladder cannot
 * serve it either, it goes on as without dmag, and only if that fails waits for
 * frames of its own reach to come free.  A request that may not wait wakes the
 * worker, goes on as without dmag, and at last takes what the zones keep from it
 * because of the group.
 */

#include <linux/cma.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dmag.h>
#include <linux/fault-inject.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/wait_bit.h>

#include "candidate.h"
#include "convert.h"
#include "device.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"
#include "pcp.h"
#include "report.h"

/*
 * A request that may wait climbs this long: a fraction of a second, and more for
 * more memory.
 */
#define DMAG_CLIMB_BOUND (HZ / 5)
#define DMAG_CLIMB_MOST (5UL * HZ)

/*
 * While another task claims it looks for free memory, and then waits for its turn this
 * long.  The holder may wait for storage, and the zones may have what it wants.
 */
#define DMAG_FREE_BOUND (HZ / 100)
#define DMAG_TURN_BOUND (HZ / 5)

/* One without I/O holds up others less. */
#define DMAG_NOIO_BOUND (HZ / 4)

/* Then it waits for frames to come free, if some do. */
#define DMAG_WAIT_BOUND (HZ / 5)

/* An opportunistic request may move this many pages, which takes milliseconds. */
#define DMAG_CHEAP_MOVES 512

/*
 * It waits for its turn, and climbs in a universal group, no longer than this.  If such
 * a climb was in vain, no others of that size and above climb for a while.
 */
#define DMAG_CHEAP_BOUND (HZ / 50)
#define DMAG_CHEAP_PAUSE (HZ / 4)

/* If other climbs were in vain, requests have the reserve below min for this long. */
#define DMAG_VAIN_PAUSE HZ

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
	UNRESTRICTED, /* or out of service, or of other memory */
};

/* @attrs: those of the memory that the caller can use as it is */
static enum alloc_verdict alloc_try_group(struct device *dev,
					  const struct dmag_request *req,
					  bool atomic, unsigned int attrs,
					  u64 *pfn, int *ret)
{
	enum alloc_verdict verdict = UNKNOWN;
	struct dmag_device *member;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	if (likely(member && !dmag_device_stale(member, dev))) {
		/* Once: RAM that comes online can restrict a universal group. */
		verdict = dmag_kgroup_serves(member->group) &&
					  member->group->core.attrs == attrs ?
				  ANSWERED :
				  UNRESTRICTED;
		if (verdict == ANSWERED)
			*ret = alloc_fast(member, req, atomic, pfn);
	}
	rcu_read_unlock();
	return verdict;
}

/*
 * The membership of @dev.  Not one that is stale, since the group may reach more than
 * the device does now; it stays stale if there was no memory to join again, or no time.
 */
static struct dmag_device *alloc_member(struct device *dev)
{
	struct dmag_device *member =
		rcu_dereference_check(dev->dmag, lockdep_is_held(&dmag_mutex));

	return member && !dmag_device_stale(member, dev) ? member : NULL;
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
 * The membership whose group has the bounce buffers of @dev.  It is not compared with the
 * streaming mask, which may be the driver's, and gone when a worker asks.
 */
static struct dmag_device *bounce_member(struct device *dev)
{
	struct dmag_device *member = rcu_dereference_check(
		dev->dmag_streaming, lockdep_is_held(&dmag_mutex));

	return member ?: alloc_member(dev);
}

static bool bounce_is_served(const struct dmag_device *member,
			     struct device *dev)
{
	return dmag_kgroup_serves(member->group) &&
	       member->group->core.attrs == dmag_convert_bounce_attrs(dev);
}

/* A driver may write a smaller streaming mask itself. */
static bool bounce_reaches_all(const struct dmag_device *member,
			       const struct device *dev)
{
	return min_not_zero(*dev->dma_mask, dev->bus_dma_limit) >=
	       member->core.constraint.limit;
}

/*
 * The climb may let go of dmag_mutex.  If the device has joined again by then,
 * its reach may be another, so the frames that were found go back.
 */
static int alloc_climb(struct device *dev, const struct dmag_request *req,
		       const struct dmag_effort *effort, u64 *pfn)
{
	struct dmag_kgroup *group;
	struct dmag_device *member;
	int ret;

	lockdep_assert_held(&dmag_mutex);
	member = effort->for_bounce ? bounce_member(dev) : alloc_member(dev);
	if (!member || !dmag_kgroup_claims(member->group))
		return -ENOMEM;
	if (effort->for_bounce && !bounce_is_served(member, dev))
		return -EOPNOTSUPP;
	group = member->group;
	if (effort->free_only && (group->pins || group->core.attrs))
		return -EBUSY;
	ret = dmag_kgroup_climb(group, req, effort, pfn);
	if (ret)
		return ret;
	if (effort->for_bounce)
		return 0;
	if (alloc_still_member(dev, member, group)) {
		dmag_device_count_held(member);
		dmag_device_charge(member, req->count);
		return 0;
	}
	__dmag_free_pages(dev, pfn_to_page(*pfn), req->count << PAGE_SHIFT);
	return -ENOMEM;
}

/*
 * Opportunistic requests have a fallback, and those of __GFP_THISNODE come in
 * rapid succession, from large to small.  They get memory that is free or cheap.
 */
static struct dmag_effort alloc_effort(struct device *dev, gfp_t gfp)
{
	bool cheap = gfp & (__GFP_NORETRY | __GFP_THISNODE);
	int node = nr_online_nodes > 1 ? dev_to_node(dev) : NUMA_NO_NODE;

	if (gfp & __GFP_THISNODE && node == NUMA_NO_NODE)
		node = numa_mem_id();
	return (struct dmag_effort){
		.most_moves = cheap ? DMAG_CHEAP_MOVES : LONG_MAX,
		.node = node,
		.this_node = gfp & __GFP_THISNODE,
		.owes = !cheap,
	};
}

static unsigned long alloc_climb_bound(u64 count)
{
	u64 blocks = count >> DMAG_BLOCK_ORDER;

	return min_t(u64, DMAG_CLIMB_MOST, DMAG_CLIMB_BOUND * (1 + blocks / 8));
}

/* Under both mutexes, which it lets go of. */
static int alloc_climb_unlock(struct device *dev,
			      const struct dmag_request *req,
			      struct dmag_effort *effort, unsigned long bound,
			      u64 *pfn)
{
	int ret;

	effort->until = jiffies + bound;
	ret = alloc_climb(dev, req, effort, pfn);
	dmag_claim_unlock();
	return ret;
}

/* If no other task claims. */
static int alloc_climb_try(struct device *dev, const struct dmag_request *req,
			   struct dmag_effort *effort, unsigned long bound,
			   u64 *pfn)
{
	if (!dmag_claim_trylock())
		return -EBUSY;
	return alloc_climb_unlock(dev, req, effort, bound, pfn);
}

/* Beside a claim, whose holder lets go of dmag_mutex while it migrates or reclaims. */
static int alloc_climb_free(struct device *dev, const struct dmag_request *req,
			    const struct dmag_effort *effort, u64 *pfn)
{
	struct dmag_effort free = *effort;
	int ret = dmag_lock_killable();

	if (ret)
		return ret;
	free.free_only = true;
	free.owes = false;
	free.until = jiffies + DMAG_FREE_BOUND;
	ret = alloc_climb(dev, req, &free, pfn);
	mutex_unlock(&dmag_mutex);
	return ret;
}

/* The wait for the turn does not count as a part of the climb. */
static int alloc_climb_io(struct device *dev, const struct dmag_request *req,
			  struct dmag_effort *effort, unsigned long bound,
			  u64 *pfn)
{
	bool cheap = effort->most_moves < LONG_MAX;
	int ret = alloc_climb_try(dev, req, effort, bound, pfn);

	if (ret != -EBUSY)
		return ret;
	ret = alloc_climb_free(dev, req, effort, pfn);
	if (!ret || ret == -EINTR)
		return ret;
	ret = dmag_claim_lock_timeout(cheap ? DMAG_CHEAP_BOUND :
					      DMAG_TURN_BOUND);
	return ret ?: alloc_climb_unlock(dev, req, effort, bound, pfn);
}

/*
 * A request made on the way to writeback climbs only if no other task claims, and
 * without I/O.  If that fails, it is served like an atomic request; at once if the
 * task frees memory, since reclaim waits for it.
 */
static int alloc_climb_noio(struct device *dev, const struct dmag_request *req,
			    struct dmag_effort *effort, u64 *pfn)
{
	int ret = -ENOMEM;

	if (!(current->flags & PF_MEMALLOC)) {
		unsigned int noio = memalloc_noio_save();

		ret = alloc_climb_try(dev, req, effort, DMAG_NOIO_BOUND, pfn);
		memalloc_noio_restore(noio);
	}
	if (ret)
		alloc_try_group(dev, req, true, dmag_convert_attrs(dev), pfn,
				&ret);
	return ret;
}

/*
 * Frames may come free if enough are in use, and if any did since the last wait
 * that was in vain.
 */
static bool wait_is_worth(const struct dmag_kgroup *group,
			  const struct dmag_request *req)
{
	lockdep_assert_held(&group->lock);
	return group->counter[DMAG_NR_FREE] != group->freed_in_vain &&
	       req->count <= group->core.frames.free + group->core.frames.used;
}

/* If the last member left while this task waited, the worker retires the group. */
static void wait_stop(struct dmag_kgroup *group, bool in_vain)
{
	spin_lock_irq(&group->lock);
	if (in_vain)
		group->freed_in_vain = group->counter[DMAG_NR_FREE];
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

	member = alloc_member(dev);
	if (!member || !dmag_kgroup_serves(member->group))
		return NULL;
	group = member->group;
	spin_lock_irq(&group->lock);
	worth = wait_is_worth(group, req);
	group->waiters += worth;
	group->counter[DMAG_NR_WAIT] += worth;
	*seen = group->arrivals;
	spin_unlock_irq(&group->lock);
	/* Frames that came free before waiters was raised were not announced. */
	if (!worth || alloc_fast(member, req, false, pfn))
		return worth ? group : NULL;
	*ret = 0;
	wait_stop(group, false);
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
 * The zones have reclaimed, so there may be room now: climb again.  Then wait for
 * frames and climb, as often as some come free before the wait is over.
 */
static int alloc_wait(struct device *dev, const struct dmag_request *req,
		      struct dmag_effort *effort, u64 *pfn)
{
	unsigned long end = jiffies + DMAG_WAIT_BOUND, seen;
	struct dmag_kgroup *group;
	int ret;

	effort->owes = false;
	for (;;) {
		ret = alloc_climb_io(dev, req, effort,
				     max(0L, (long)(end - jiffies)), pfn);
		if (!ret || ret == -EINTR || time_after_eq(jiffies, end) ||
		    dmag_lock_killable())
			return ret;
		group = wait_start(dev, req, pfn, &seen, &ret);
		mutex_unlock(&dmag_mutex);
		if (!group)
			return ret;
		if (wait_arrival(group, seen, end) < 0)
			ret = -EINTR;
		wait_stop(group, time_after_eq(jiffies, end));
		if (ret == -EINTR)
			return ret;
	}
}

static void alloc_count(struct device *dev, enum dmag_counter counter)
{
	struct dmag_device *member;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	if (member) {
		spin_lock_irq(&member->group->lock);
		member->group->counter[counter]++;
		spin_unlock_irq(&member->group->lock);
	}
	rcu_read_unlock();
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
 * The DMA API promises natural alignment.  The kernel without dmag keeps that promise
 * up to the largest block of the page allocator, and has larger buffers only from CMA
 * areas, which align them less.  So above that a size that is no power of two is not
 * aligned further, since up to half of the memory between such buffers would be lost.
 */
static struct dmag_request alloc_request(size_t size)
{
	struct dmag_request req = DMAG_REQUEST(PFN_UP(size));

	req.align = roundup_pow_of_two(req.count);
	if (req.align != req.count)
		req.align = min_t(u64, req.align, MAX_ORDER_NR_PAGES);
	return req;
}

/*
 * Before a large buffer is refused, it need not be aligned better than others either.
 * Return false if it asks for no more.
 */
static bool alloc_relax(struct dmag_request *req)
{
	if (req->align <= MAX_ORDER_NR_PAGES)
		return false;
	req->align = MAX_ORDER_NR_PAGES;
	return true;
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

/* Hand out the frames that were found, unless their memory is broken. */
static bool alloc_hand_out(struct device *dev, u64 pfn, size_t size, gfp_t gfp,
			   struct page **page)
{
	if (unlikely(alloc_drop_broken(dev, pfn, size)))
		return false;
	*page = alloc_finish(pfn, PFN_UP(size), gfp);
	return true;
}

/* Whether the device has a group of that kind. */
static bool alloc_in_group(struct device *dev, enum dmag_service service)
{
	struct dmag_device *member;
	bool ret;

	if (dmag_has_cma_area(dev) && !dmag_convert_attrs(dev))
		return false;
	rcu_read_lock();
	member = alloc_member(dev);
	ret = member && READ_ONCE(member->group->service) == service;
	rcu_read_unlock();
	return ret;
}

static __always_inline bool alloc_without_claim(struct device *dev, size_t size,
						gfp_t gfp, unsigned int attrs,
						struct page **page)
{
	struct dmag_request req = alloc_request(size);
	bool atomic = !gfpflags_allow_blocking(gfp);
	enum alloc_verdict verdict;
	u64 pfn;
	int ret;

	do {
		ret = -EINVAL;
		verdict = alloc_try_group(dev, &req, atomic, attrs, &pfn, &ret);
		if (unlikely(verdict == UNKNOWN && dmag_may_wait(gfp))) {
			__dmag_device_update(dev);
			verdict = alloc_try_group(dev, &req, atomic, attrs,
						  &pfn, &ret);
		}
		if (unlikely(ret))
			return false;
	} while (unlikely(!alloc_hand_out(dev, pfn, size, gfp, page)));
	return true;
}

/*
 * A default CMA area in reach comes first, for all that dma-direct takes from it.
 * Single pages are not taken from there, so the rest of the reach is for them.
 */
static bool alloc_prefers_cma(struct device *dev, size_t size, gfp_t gfp)
{
#ifdef CONFIG_DMA_CMA
	const struct cma *area = dma_contiguous_default_area;

	return unlikely(area) && size > PAGE_SIZE &&
	       gfpflags_allow_blocking(gfp) &&
	       dma_coherent_ok(dev, cma_get_base(area), cma_get_size(area));
#else
	return false;
#endif
}

/* The page allocator begins with the same checks, fault injection among them. */
static __always_inline bool alloc_may(size_t size, gfp_t gfp)
{
	gfp &= gfp_allowed_mask;
	might_alloc(gfp);
	return likely(!should_fail_alloc_page(gfp, get_order(size)));
}

static int alloc_claim(struct device *dev, const struct dmag_request *req,
		       gfp_t gfp, u64 *pfn)
{
	struct dmag_effort effort = alloc_effort(dev, gfp);

	return dmag_may_wait(gfp) ?
		       alloc_climb_io(dev, req, &effort,
				      alloc_climb_bound(req->count), pfn) :
		       alloc_climb_noio(dev, req, &effort, pfn);
}

typedef int (*alloc_climb_fn)(struct device *dev,
			      const struct dmag_request *req, gfp_t gfp,
			      u64 *pfn);

/* Climb, with less alignment if all of it is not to be had. */
static bool alloc_by_climb(alloc_climb_fn climb, struct device *dev,
			   size_t size, gfp_t gfp, struct page **page)
{
	struct dmag_request req = alloc_request(size);
	u64 pfn;
	int ret;

	ret = climb(dev, &req, gfp, &pfn);
	if (ret && ret != -EINTR && alloc_relax(&req))
		ret = climb(dev, &req, gfp, &pfn);
	return !ret && alloc_hand_out(dev, pfn, size, gfp, page);
}

/* Whether requests of that size lately had the reserve below min, and nothing else. */
static bool alloc_climbs_in_vain(const struct dmag_kgroup *group,
				 const struct dmag_request *req)
{
	u64 least = READ_ONCE(group->vain_least);

	return least && req->count >= least &&
	       time_before(jiffies, READ_ONCE(group->vain_until));
}

/*
 * The reserve below min is for requests that may not wait.  But of a small zone it is
 * much more than the zone itself would keep for these, so before a request fails that
 * may wait, it has the difference.  The reserve's growth stays behind as well, since
 * requests that may not wait have needed it.  For a while, others have it @at_once,
 * since a climb in vain takes a fraction of a second.
 */
static int alloc_below_min(struct dmag_kgroup *group,
			   const struct dmag_request *req, bool at_once,
			   u64 *pfn)
{
	int ret = -ENOMEM;
	u64 keep;

	if (at_once && !alloc_climbs_in_vain(group, req))
		return ret;
	keep = dmag_candidate_zones_keep(group);
	dmag_pcp_drain(group);
	spin_lock_irq(&group->lock);
	keep += group->core.marks.min - group->core.base.min;
	if (group->core.frames.free >= keep + req->count)
		ret = dmag_group_try(&group->core, req, pfn);
	if (!at_once) {
		WRITE_ONCE(group->vain_least, req->count);
		WRITE_ONCE(group->vain_until, jiffies + DMAG_VAIN_PAUSE);
	}
	if (!ret)
		group->counter[DMAG_NR_ALLOC]++;
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
	return ret;
}

static int alloc_by_reserve(struct device *dev, const struct dmag_request *req,
			    gfp_t gfp, bool at_once, u64 *pfn)
{
	struct dmag_device *member;
	int ret = -ENOMEM;

	if (!dmag_may_wait(gfp))
		return ret;
	rcu_read_lock();
	member = alloc_member(dev);
	if (member && dmag_kgroup_serves(member->group))
		ret = alloc_below_min(member->group, req, at_once, pfn);
	if (!ret)
		dmag_device_charge(member, req->count);
	rcu_read_unlock();
	return ret;
}

static bool alloc_at_once(struct device *dev, size_t size, gfp_t gfp,
			  struct page **page)
{
	struct dmag_request req = alloc_request(size);
	u64 pfn;

	return !alloc_by_reserve(dev, &req, gfp, true, &pfn) &&
	       alloc_hand_out(dev, pfn, size, gfp, page);
}

static bool alloc_with_claim(struct device *dev, size_t size, gfp_t gfp,
			     struct page **page)
{
	if (!alloc_in_group(dev, DMAG_SERVES) || !alloc_may(size, gfp))
		return false;
	return alloc_at_once(dev, size, gfp, page) ||
	       alloc_by_climb(alloc_claim, dev, size, gfp, page);
}

bool __dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page)
{
	*page = NULL;
	if (WARN_ON_ONCE(!size) || dmag_has_cma_area(dev) ||
	    alloc_prefers_cma(dev, size, gfp) || !alloc_may(size, gfp))
		return false;
	return alloc_without_claim(dev, size, gfp, 0, page);
}

/* Other memory would have to be converted for each buffer, that of CMA areas too. */
bool __dmag_alloc_shared(struct device *dev, size_t size, gfp_t gfp,
			 struct page **page)
{
	*page = NULL;
	if (WARN_ON_ONCE(!size) || !alloc_may(size, gfp))
		return false;
	if (likely(alloc_without_claim(dev, size, gfp, DMAG_SHARED, page)))
		return true;
	return gfpflags_allow_blocking(gfp) &&
	       alloc_with_claim(dev, size, gfp, page);
}

/*
 * If not all of the group is in reach, a failure asks for no more memory, since most of
 * it would be of no use.
 */
static int bounce_from_reserve(struct device *dev,
			       const struct dmag_request *req, u64 *pfn)
{
	struct dmag_device *member;
	int ret = -EOPNOTSUPP;

	rcu_read_lock();
	member = bounce_member(dev);
	if (member && bounce_is_served(member, dev))
		ret = bounce_reaches_all(member, dev) ?
			      alloc_uncached(member->group, req, true, pfn) :
			      alloc_from_reserve(member->group, req, true,
						 false, pfn);
	rcu_read_unlock();
	return ret;
}

static int bounce_by_claim(struct device *dev, const struct dmag_request *req,
			   gfp_t gfp, u64 *pfn)
{
	struct dmag_effort effort = alloc_effort(dev, gfp);

	effort.for_bounce = true;
	return alloc_climb_io(dev, req, &effort, alloc_climb_bound(req->count),
			      pfn);
}

static bool bounce_reaches(struct device *dev, u64 pfn, size_t size)
{
	return dma_capable(dev, phys_to_dma_unencrypted(dev, PFN_PHYS(pfn)),
			   size, true);
}

static bool bounce_count(const struct page *page)
{
	struct dmag_kgroup *group;
	unsigned long flags;

	rcu_read_lock();
	group = dmag_owner(page_to_pfn(page));
	spin_lock_irqsave(&group->lock, flags);
	group->counter[DMAG_NR_BOUNCE]++;
	spin_unlock_irqrestore(&group->lock, flags);
	rcu_read_unlock();
	return true;
}

/* Bounce buffers are freed by RCU, which knows no device, so none is charged. */
bool __dmag_alloc_bounce(struct device *dev, size_t size, gfp_t gfp,
			 struct page **page)
{
	struct dmag_request req = alloc_request(size);
	bool atomic = !gfpflags_allow_blocking(gfp);
	u64 pfn;
	int ret;

	*page = NULL;
	if (WARN_ON_ONCE(!size) || !alloc_may(size, gfp))
		return false;
	ret = atomic ? bounce_from_reserve(dev, &req, &pfn) :
		       bounce_by_claim(dev, &req, gfp, &pfn);
	if (ret || !alloc_hand_out(NULL, pfn, size, gfp, page))
		return false;
	/* The streaming mask may be the driver's, which may go while this task claims. */
	if (!atomic || bounce_reaches(dev, pfn, size))
		return bounce_count(*page);
	__dmag_free_pages(NULL, *page, size);
	return false;
}

bool __dmag_can_bounce(struct device *dev)
{
	struct dmag_device *member;
	bool ret;

	rcu_read_lock();
	member = bounce_member(dev);
	ret = member && bounce_is_served(member, dev) &&
	      bounce_reaches_all(member, dev);
	rcu_read_unlock();
	return ret;
}

bool __dmag_claim_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page)
{
	if (!gfpflags_allow_blocking(gfp) || dmag_has_cma_area(dev) ||
	    dmag_convert_attrs(dev))
		return false;
	if (alloc_prefers_cma(dev, size, gfp) &&
	    alloc_without_claim(dev, size, gfp, 0, page))
		return true;
	return alloc_with_claim(dev, size, gfp, page);
}

bool __dmag_is_shared(const struct page *page)
{
	const struct dmag_kgroup *group;
	bool ret;

	rcu_read_lock();
	group = dmag_owner(page_to_pfn(page));
	ret = group && group->core.attrs & DMAG_SHARED;
	rcu_read_unlock();
	return ret;
}

/*
 * Drivers that have a fallback try one size after the other, again and again, and
 * should not pay for each.  A race costs or saves one climb.
 */
static int settle_cheaply(struct device *dev, const struct dmag_request *req,
			  struct dmag_effort *effort, u64 *pfn)
{
	static unsigned long since;
	static u64 least = U64_MAX;
	int ret;

	if (req->count >= READ_ONCE(least) &&
	    jiffies - READ_ONCE(since) < DMAG_CHEAP_PAUSE)
		return -ENOMEM;
	ret = alloc_climb_io(dev, req, effort, DMAG_CHEAP_BOUND, pfn);
	if (ret && ret != -EBUSY) {
		WRITE_ONCE(least, req->count);
		WRITE_ONCE(since, jiffies);
	}
	return ret;
}

/*
 * A climb looks at one cell after the other, and prefers the device's node within each.
 * A universal group has many cells, so the node has a climb of its own, which moves
 * pages but does not reclaim.
 */
static int settle_on_node(struct device *dev, const struct dmag_request *req,
			  struct dmag_effort effort, unsigned long bound,
			  u64 *pfn)
{
	if (effort.node == NUMA_NO_NODE || effort.this_node)
		return -ENOMEM;
	effort.this_node = true;
	effort.most_moves = req->count;
	return alloc_climb_io(dev, req, &effort, bound, pfn);
}

/* Nothing is protected for a universal group, so its claims have more to reclaim. */
static int settle_by_climb(struct device *dev, const struct dmag_request *req,
			   gfp_t gfp, u64 *pfn)
{
	struct dmag_effort effort = alloc_effort(dev, gfp);
	unsigned long bound = alloc_climb_bound(req->count);
	int ret;

	effort.gfp = gfp;
	if (!dmag_may_wait(gfp))
		return alloc_climb_noio(dev, req, &effort, pfn);
	if (effort.most_moves < LONG_MAX)
		return settle_cheaply(dev, req, &effort, pfn);
	ret = settle_on_node(dev, req, effort, bound, pfn);
	if (!ret || ret == -EINTR)
		return ret;
	return alloc_climb_io(dev, req, &effort,
			      min(2 * bound, DMAG_CLIMB_MOST), pfn);
}

/*
 * The zones have no run for a device that reaches all memory, most often because
 * they are fragmented.  Its group has no reserve, but climbs all the same.
 */
static struct page *settle_universal(struct device *dev, size_t size, gfp_t gfp)
{
	struct page *page;

	if (!gfpflags_allow_blocking(gfp) ||
	    !alloc_in_group(dev, DMAG_UNIVERSAL))
		return NULL;
	if (alloc_by_climb(settle_by_climb, dev, size, gfp, &page))
		return page;
	alloc_count(dev, DMAG_NR_ALLOC_FAIL);
	return NULL;
}

static struct page *alloc_last(struct device *dev, size_t size, gfp_t gfp)
{
	int node = dev_to_node(dev);
	struct dmag_device *member;
	struct page *page = NULL;

	rcu_read_lock();
	member = alloc_member(dev);
	if (member && dmag_kgroup_serves(member->group) &&
	    !member->group->core.attrs)
		page = dmag_candidate_take_last(
			member->group,
			node == NUMA_NO_NODE ? numa_mem_id() : node,
			get_order(size), gfp);
	rcu_read_unlock();
	return page;
}

static struct page *settle_restricted(struct device *dev, size_t size,
				      gfp_t gfp, struct page *page)
{
	struct dmag_request req = alloc_request(size);
	bool blocking = gfpflags_allow_blocking(gfp);
	struct dmag_effort effort;
	int ret = -ENOMEM;
	u64 pfn;

	if (page) {
		if (blocking && !is_migrate_cma_page(page))
			alloc_count(dev, DMAG_NR_ZONES_HELPED);
		return page;
	}
	if (!dmag_may_wait(gfp)) {
		page = alloc_last(dev, size, gfp);
		if (page)
			return page;
	}
	effort = alloc_effort(dev, gfp);
	alloc_relax(&req);
	if (dmag_may_wait(gfp) && effort.most_moves == LONG_MAX)
		ret = alloc_wait(dev, &req, &effort, &pfn);
	if (ret && ret != -EINTR)
		ret = alloc_by_reserve(dev, &req, gfp, false, &pfn);
	if (!ret && alloc_hand_out(dev, pfn, size, gfp, &page))
		return page;
	if (blocking)
		alloc_count(dev, DMAG_NR_ALLOC_FAIL);
	if (ret != -EINTR)
		dmag_report_failure(dev, req.count, gfp);
	return NULL;
}

static struct page *settle_in_group(struct device *dev, size_t size, gfp_t gfp,
				    struct page *page)
{
	if (alloc_in_group(dev, DMAG_SERVES))
		return settle_restricted(dev, size, gfp, page);
	return page ?: settle_universal(dev, size, gfp);
}

struct page *__dmag_settle_pages(struct device *dev, size_t size, gfp_t gfp,
				 struct page *page)
{
	if (page || alloc_may(size, gfp))
		page = settle_in_group(dev, size, gfp, page);
	/* In the words of the page allocator, which dmag_quiet() kept silent. */
	if (unlikely(!page))
		warn_alloc(gfp, NULL, "page allocation failure: order:%u",
			   get_order(size));
	return page;
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
 * A page whose memory would have to be converted before it leaves the group.  With a
 * reference of its own unpoison_memory() does not free it.
 */
static int free_quarantine(struct dmag_kgroup *group, struct page *page)
{
	u64 pfn = page_to_pfn(page);

	lockdep_assert_held(&group->lock);
	get_page(page);
	return dmag_frames_quarantine(&group->core.frames, pfn, pfn);
}

static int free_keep_fit(struct dmag_kgroup *group, struct page *page,
			 u64 count)
{
	int ret = 0;

	for (u64 i = 0; i < count && !ret; i++)
		ret = free_has_unfit(page + i, 1) ?
			      free_quarantine(group, page + i) :
			      dmag_group_put(&group->core,
					     page_to_pfn(page + i), 1);
	return ret;
}

/*
 * A page that is still referenced, or broken, must not reach the next device, and a
 * universal group keeps nothing.  So the group drops such a buffer, and each page goes
 * to the page allocator with its last reference.  The caller puts the group's, without
 * the lock.  Of memory that would have to be converted before, only such pages go, and
 * are out of use for good.
 */
static int free_drop_unfit(struct dmag_kgroup *group, struct page *page,
			   u64 count)
{
	u64 pfn = page_to_pfn(page);
	struct dmag_range range = { pfn, pfn + count - 1 };
	int ret;

	lockdep_assert_held(&group->lock);
	if (group->core.attrs)
		return free_keep_fit(group, page, count);
	ret = dmag_group_drop(&group->core, &range);
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
	bool taken = false;

	spin_lock_irq(&group->lock);
	if (dmag_kgroup_serves(group) &&
	    dmag_frames_state(&group->core.frames, pfn) == DMAG_FREE)
		taken = !dmag_frames_take(&group->core.frames, pfn, pfn) &&
			!(group->core.attrs ?
				  free_quarantine(group, pfn_to_page(pfn)) :
				  dmag_group_drop(&group->core, &range));
	group->emptied |= taken;
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
	return taken;
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
	if (READ_ONCE(group->service) == DMAG_UNIVERSAL ||
	    free_has_unfit(page, count))
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

	if (unlikely(ours && !ret && !fit && !group->core.attrs))
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
	member = dev ? rcu_dereference(dev->dmag) : NULL;
	ours = free_to_cache(member, page, count);
	if (unlikely(!ours)) {
		group = dmag_owner(page_to_pfn(page));
		ours = group && free_to_group(group, member, page, count);
	}
	rcu_read_unlock();
	return ours;
}
