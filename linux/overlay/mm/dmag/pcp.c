// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU caches in front of a group's reserve, as the page allocator has them.
 *
 * Small requests that come and go take one lock that other CPUs seldom take, and
 * touch nothing that other CPUs write.  A cache gets frames from the reserve, and
 * gives them back, several at a time.
 *
 * To the core, a cached frame is in use.  The caches of a group together hold a
 * quarter of the first min at most: a CPU borrows its quota of that from the group
 * with the first small request, and returns it with all its frames after a second
 * without any.  Cached frames came from above min, and no frame enters a cache
 * while the reserve is below min or a request waits for frames; so I3 holds.  All
 * caches are drained before a request is refused or climbs, before frames are
 * released for want of memory, and before memory goes offline.
 *
 * A cache's lock is taken with interrupts off, by its own CPU and by those that
 * drain it; so no CPU has to be interrupted, and one that goes offline needs no
 * care.  A task that is moved to another CPU on its way to the lock uses the cache
 * of the CPU that it left, which does no harm.  The group's lock nests inside.
 */

#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "kgroup.h"
#include "pcp.h"

/* The most frames that one cache holds; half of them move at a time. */
#define DMAG_PCP_QUOTA 32U
/* So many CPUs at least can have a cache; what they share is this part of min. */
#define DMAG_PCP_SHARERS 8U
#define DMAG_PCP_SHIFT 2
/* Caches that were not used for this long are drained. */
#define DMAG_PCP_IDLE HZ

/* Stacks of all orders, one after the other, each as long as the quota allows. */
#define DMAG_PCP_RUNS (2 * DMAG_PCP_QUOTA)

/**
 * struct dmag_pcp - One CPU's cache of one group.
 * @lock: serialises all of it; taken with interrupts off
 * @quota: how many frames it may hold; 0: it has borrowed none.  Changes under
 *	the group's lock as well
 * @frames: how many it holds
 * @nr: runs, by order
 * @got: requests that it served, blocking and atomic ones
 * @put: frees that it took
 * @seen: all these, when the worker looked last (dmag_mutex)
 * @run: their first pages, in stacks
 */
struct dmag_pcp {
	spinlock_t lock; /* all of it */
	unsigned int quota;
	unsigned int frames;
	u8 nr[DMAG_PCP_ORDERS];
	u64 got[2];
	u64 put;
	u64 seen;
	struct page *run[DMAG_PCP_RUNS];
};

static bool pcp_paused; /* changes under dmag_mutex */

/* ---- one cache ------------------------------------------------------- */

static struct page **pcp_stack(struct dmag_pcp *pcp, unsigned int order)
{
	return &pcp->run[DMAG_PCP_RUNS - (DMAG_PCP_RUNS >> order)];
}

static void pcp_tag(struct page *page, unsigned int order, unsigned long tag)
{
	for (unsigned int i = 0; i < 1U << order; i++)
		WRITE_ONCE(page[i].private, tag);
}

/* The caller has tagged the run. */
static void pcp_push(struct dmag_pcp *pcp, struct page *page,
		     unsigned int order)
{
	lockdep_assert_held(&pcp->lock);
	pcp_stack(pcp, order)[pcp->nr[order]++] = page;
	pcp->frames += 1U << order;
}

static struct page *pcp_pop(struct dmag_pcp *pcp, unsigned int order)
{
	lockdep_assert_held(&pcp->lock);
	pcp->frames -= 1U << order;
	return pcp_stack(pcp, order)[--pcp->nr[order]];
}

/* ---- between a cache and the reserve --------------------------------- */

/* Give runs back until @keep frames are left, the longest first. */
static void pcp_spill(struct dmag_kgroup *group, struct dmag_pcp *pcp,
		      unsigned int keep)
{
	lockdep_assert_held(&pcp->lock);
	lockdep_assert_held(&group->lock);
	for (unsigned int order = DMAG_PCP_ORDERS; order--;) {
		while (pcp->nr[order] && pcp->frames > keep) {
			struct page *page = pcp_pop(pcp, order);

			pcp_tag(page, order, 0);
			DMAG_WARN_ON(group, dmag_group_put(&group->core,
							   page_to_pfn(page),
							   1ULL << order));
		}
	}
	dmag_kgroup_arrival(group);
	dmag_kgroup_kick(group);
}

static unsigned int pcp_quota(const struct dmag_kgroup *group)
{
	unsigned int sharers = min(num_online_cpus(), DMAG_PCP_SHARERS);
	unsigned int all = min_t(u64, group->core.base.min >> DMAG_PCP_SHIFT,
				 sharers * DMAG_PCP_QUOTA);

	return all ? max(all / sharers, 1U) : 0;
}

/* Let a cache hold frames, if the group can spare them; the worker ends that. */
static void pcp_borrow(struct dmag_kgroup *group, struct dmag_pcp *pcp)
{
	unsigned int quota = pcp_quota(group);

	lockdep_assert_held(&pcp->lock);
	lockdep_assert_held(&group->lock);
	if (pcp->quota || READ_ONCE(pcp_paused) || group->waiters ||
	    !group->core.members || !dmag_kgroup_serves(group) ||
	    group->pcp_lent + quota > group->core.base.min >> DMAG_PCP_SHIFT)
		return;
	if (!group->pcp_lent)
		dmag_worker_kick_later();
	WRITE_ONCE(group->pcp_lent, group->pcp_lent + quota);
	pcp->quota = quota;
}

/* Empty a cache, which may then hold no more frames. */
static void pcp_return(struct dmag_kgroup *group, struct dmag_pcp *pcp)
{
	lockdep_assert_held(&pcp->lock);
	lockdep_assert_held(&group->lock);
	if (!pcp->quota)
		return;
	pcp_spill(group, pcp, 0);
	DMAG_WARN_ON(group, pcp->frames || group->pcp_lent < pcp->quota);
	WRITE_ONCE(group->pcp_lent, group->pcp_lent - pcp->quota);
	pcp->quota = 0;
}

/* Whether the reserve has @more frames above min; without the group's lock. */
static bool pcp_above_min(const struct dmag_kgroup *group, u64 more)
{
	return READ_ONCE(group->core.frames.free) >=
	       READ_ONCE(group->core.marks.min) + more;
}

/* Room for @count frames; half of the cache goes, if it has none. */
static bool pcp_make_room(struct dmag_kgroup *group, struct dmag_pcp *pcp,
			  unsigned int count)
{
	lockdep_assert_held(&group->lock);
	pcp_borrow(group, pcp);
	if (pcp->quota >= count && pcp->quota - pcp->frames < count)
		pcp_spill(group, pcp, min(pcp->quota / 2, pcp->quota - count));
	return pcp->quota >= pcp->frames + count;
}

/* Half of what there is room for, or one run. */
static noinline bool pcp_refill(struct dmag_kgroup *group, struct dmag_pcp *pcp,
				unsigned int order, bool atomic)
{
	struct dmag_request req = DMAG_REQUEST(1ULL << order);
	u64 pfn[DMAG_PCP_QUOTA / 2];
	unsigned int nr = 0;

	if (!pcp_above_min(group, req.count))
		return false;
	spin_lock(&group->lock);
	if (pcp_make_room(group, pcp, req.count)) {
		nr = (pcp->quota - pcp->frames) / 2 >> order;
		nr = dmag_group_get_many(&group->core, &req, atomic, pfn,
					 max(nr, 1U));
		dmag_kgroup_kick(group);
	}
	spin_unlock(&group->lock);
	while (nr--) {
		struct page *page = pfn_to_page(pfn[nr]);

		pcp_tag(page, order, dmag_pcp_tag_cached(group));
		pcp_push(pcp, page, order);
	}
	return pcp->nr[order];
}

/* ---- requests and frees ---------------------------------------------- */

/* Few groups are ever asked for memory, so caches are made on demand. */
static void pcp_want(struct dmag_kgroup *group)
{
	if (READ_ONCE(group->pcp_wanted) || !pcp_quota(group))
		return;
	WRITE_ONCE(group->pcp_wanted, true);
	dmag_worker_kick();
}

/**
 * dmag_pcp_get() - Serve a small request from this CPU's cache.
 * @group: the group
 * @count: frames that are wanted, at natural alignment
 * @atomic: whether the caller cannot wait
 *
 * Context: Any, under RCU.
 * Return: the first page; NULL if the reserve has to be asked.
 */
struct page *dmag_pcp_get(struct dmag_kgroup *group, u64 count, bool atomic)
{
	struct dmag_pcp __percpu *all = READ_ONCE(group->pcp);
	struct page *page = NULL;
	struct dmag_pcp *pcp;
	unsigned long flags;
	unsigned int order;

	if (!dmag_pcp_takes(count))
		return NULL;
	if (unlikely(!all)) {
		pcp_want(group);
		return NULL;
	}
	order = ilog2(count);
	pcp = raw_cpu_ptr(all);
	spin_lock_irqsave(&pcp->lock, flags);
	if (likely(pcp->nr[order]) || pcp_refill(group, pcp, order, atomic)) {
		page = pcp_pop(pcp, order);
		pcp_tag(page, order, dmag_pcp_tag_used(group));
		pcp->got[atomic]++;
	}
	spin_unlock_irqrestore(&pcp->lock, flags);
	return page;
}

/*
 * A request that waits has said so before it drains the caches, so that it finds
 * each frame that entered one before.
 */
static bool pcp_has_room(struct dmag_kgroup *group, struct dmag_pcp *pcp,
			 unsigned int count)
{
	bool room = pcp->frames + count <= pcp->quota;

	lockdep_assert_held(&pcp->lock);
	if (unlikely(!pcp_above_min(group, 0)))
		return false;
	if (unlikely(!room)) {
		spin_lock(&group->lock);
		room = pcp_make_room(group, pcp, count);
		spin_unlock(&group->lock);
	}
	return room && !READ_ONCE(group->waiters);
}

/*
 * Change the tags of a run, unless one page is not handed out any more.  Each
 * change is atomic, so that of two frees of one page, one fails.
 */
static bool pcp_retag(struct dmag_kgroup *group, struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		unsigned long tag = dmag_pcp_tag_used(group);

		if (likely(try_cmpxchg(&page[i].private, &tag,
				       dmag_pcp_tag_cached(group))))
			continue;
		while (i--)
			WRITE_ONCE(page[i].private, dmag_pcp_tag_used(group));
		return false;
	}
	return true;
}

/**
 * dmag_pcp_put() - Take a run that is freed into this CPU's cache.
 * @group: the group
 * @page: its first page, for which dmag_pcp_gave() is true
 * @count: its length in frames; no page has another reference
 *
 * Context: Any, under RCU.
 * Return: false with nothing changed if the run has to go to the reserve.
 */
bool dmag_pcp_put(struct dmag_kgroup *group, struct page *page, u64 count)
{
	struct dmag_pcp *pcp = raw_cpu_ptr(group->pcp);
	unsigned long flags;
	bool done;

	DMAG_CHECK(dmag_pcp_takes(count));
	spin_lock_irqsave(&pcp->lock, flags);
	done = pcp_has_room(group, pcp, count) && pcp_retag(group, page, count);
	if (likely(done)) {
		pcp_push(pcp, page, ilog2(count));
		pcp->put++;
	}
	spin_unlock_irqrestore(&pcp->lock, flags);
	return done;
}

/**
 * dmag_pcp_untag() - Pages leave their buffer for the reserve or the host.
 * @group: the owner of their block
 * @page: the first page
 * @count: how many
 *
 * Context: Any, under RCU.
 * Return: 0, or -EINVAL if one is in a cache, hence freed already.
 */
int dmag_pcp_untag(struct dmag_kgroup *group, struct page *page, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		unsigned long tag = READ_ONCE(page[i].private);

		if (tag == dmag_pcp_tag_used(group))
			try_cmpxchg(&page[i].private, &tag, 0);
		if (tag == dmag_pcp_tag_cached(group))
			return -EINVAL;
	}
	return 0;
}

/* ---- draining -------------------------------------------------------- */

static void pcp_drain(struct dmag_kgroup *group, struct dmag_pcp *pcp)
{
	unsigned long flags;

	spin_lock_irqsave(&pcp->lock, flags);
	spin_lock(&group->lock);
	pcp_return(group, pcp);
	spin_unlock(&group->lock);
	spin_unlock_irqrestore(&pcp->lock, flags);
}

/**
 * dmag_pcp_drain() - Put all cached frames of a group back into its reserve.
 * @group: the group; it stays
 *
 * Caches fill again as soon as small requests come.
 *
 * Context: Any.
 */
void dmag_pcp_drain(struct dmag_kgroup *group)
{
	unsigned long flags;
	u64 lent;
	int cpu;

	/* Under the lock, so that no loan is missed that saw no waiter, or no pause. */
	spin_lock_irqsave(&group->lock, flags);
	lent = group->pcp_lent;
	spin_unlock_irqrestore(&group->lock, flags);
	if (!lent)
		return;
	for_each_possible_cpu(cpu)
		pcp_drain(group, per_cpu_ptr(group->pcp, cpu));
}

static void pcp_drain_group(struct dmag_kgroup *group, void *unused)
{
	dmag_pcp_drain(group);
}

/**
 * dmag_pcp_pause() - Drain all groups' caches, and keep them empty.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_pcp_pause(void)
{
	lockdep_assert_held(&dmag_mutex);
	WRITE_ONCE(pcp_paused, true);
	dmag_kgroup_visit_all(pcp_drain_group, NULL);
}

/**
 * dmag_pcp_resume() - Undo dmag_pcp_pause().
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_pcp_resume(void)
{
	lockdep_assert_held(&dmag_mutex);
	WRITE_ONCE(pcp_paused, false);
}

/* ---- the worker's part ----------------------------------------------- */

static bool pcp_make(struct dmag_kgroup *group)
{
	struct dmag_pcp __percpu *all;
	int cpu;

	lockdep_assert_held(&dmag_mutex);
	all = alloc_percpu_gfp(struct dmag_pcp, DMAG_GFP_META);
	if (!all)
		return false;
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(all, cpu)->lock);
	/* Readers depend on the pointer. */
	smp_store_release(&group->pcp, all);
	return true;
}

/* Drain a cache that was not used since the last look. */
static void pcp_tend(struct dmag_kgroup *group, struct dmag_pcp *pcp)
{
	unsigned long flags;
	bool idle;
	u64 ops;

	spin_lock_irqsave(&pcp->lock, flags);
	ops = pcp->got[false] + pcp->got[true] + pcp->put;
	idle = pcp->quota && ops == pcp->seen;
	pcp->seen = ops;
	spin_unlock_irqrestore(&pcp->lock, flags);
	if (idle)
		pcp_drain(group, pcp);
}

/**
 * dmag_pcp_tend() - Make caches that are wanted, drain those that are idle.
 * @group: the group
 *
 * All are drained if the reserve is below min.
 *
 * Context: Process, under dmag_mutex.
 * Return: whether to call it again, DMAG_PCP_IDLE later.
 */
bool dmag_pcp_tend(struct dmag_kgroup *group)
{
	int cpu;

	might_sleep();
	lockdep_assert_held(&dmag_mutex);
	if (!group->pcp && READ_ONCE(group->pcp_wanted) &&
	    group->core.members && dmag_kgroup_serves(group) &&
	    !pcp_make(group))
		return true;
	if (!READ_ONCE(group->pcp_lent))
		return false;
	if (!pcp_above_min(group, 0)) {
		dmag_pcp_drain(group);
	} else if (time_after_eq(jiffies, group->pcp_look)) {
		group->pcp_look = jiffies + DMAG_PCP_IDLE;
		for_each_possible_cpu(cpu)
			pcp_tend(group, per_cpu_ptr(group->pcp, cpu));
	}
	return READ_ONCE(group->pcp_lent);
}

/**
 * dmag_pcp_close() - Move the counts of the caches to a group that ends.
 * @group: the group, which has no member and no frame
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_pcp_close(struct dmag_kgroup *group)
{
	lockdep_assert_held(&dmag_mutex);
	DMAG_WARN_ON(group, group->pcp_lent);
	dmag_pcp_count(group, group->counter);
}

/* ---- inspection ------------------------------------------------------ */

/**
 * dmag_pcp_frames() - Count a group's cached frames.
 * @group: the group; it stays
 *
 * Context: Any.
 * Return: how many there are, exact if no request comes at that time.
 */
u64 dmag_pcp_frames(struct dmag_kgroup *group)
{
	u64 frames = 0;
	int cpu;

	if (group->pcp)
		for_each_possible_cpu(cpu)
			frames +=
				READ_ONCE(per_cpu_ptr(group->pcp, cpu)->frames);
	return frames;
}

/**
 * dmag_pcp_count() - Add the counts of the caches to a group's counters.
 * @group: the group; it stays
 * @counter: the counters, DMAG_NR_COUNTERS
 *
 * Context: Any.
 */
void dmag_pcp_count(struct dmag_kgroup *group, u64 *counter)
{
	int cpu;

	if (!group->pcp)
		return;
	for_each_possible_cpu(cpu) {
		struct dmag_pcp *pcp = per_cpu_ptr(group->pcp, cpu);
		unsigned long flags;

		spin_lock_irqsave(&pcp->lock, flags);
		counter[DMAG_NR_ALLOC] += pcp->got[false];
		counter[DMAG_NR_ALLOC_ATOMIC] += pcp->got[true];
		counter[DMAG_NR_FREE] += pcp->put;
		spin_unlock_irqrestore(&pcp->lock, flags);
	}
}

/* Each page of a cached run is tagged, and in use as far as the core knows. */
static const char *pcp_validate_run(struct dmag_kgroup *group,
				    struct page *page, unsigned int order)
{
	const struct dmag_frames *frames = &group->core.frames;

	lockdep_assert_held(&group->lock);
	for (unsigned int i = 0; i < 1U << order; i++) {
		if (page[i].private != dmag_pcp_tag_cached(group))
			return "a cached page is not tagged";
		if (dmag_frames_state(frames, page_to_pfn(page) + i) !=
		    DMAG_USED)
			return "I2: a cached frame is not in use";
	}
	return NULL;
}

static const char *pcp_validate(struct dmag_kgroup *group, struct dmag_pcp *pcp)
{
	const char *wrong = NULL;
	unsigned int frames = 0;

	lockdep_assert_held(&pcp->lock);
	for (unsigned int order = 0; order < DMAG_PCP_ORDERS; order++) {
		for (unsigned int i = 0; i < pcp->nr[order] && !wrong; i++)
			wrong = pcp_validate_run(
				group, pcp_stack(pcp, order)[i], order);
		frames += pcp->nr[order] << order;
	}
	if (frames != pcp->frames || frames > pcp->quota)
		return "cached frames are miscounted";
	return wrong;
}

/**
 * dmag_pcp_validate() - Check all caches of a group.
 * @group: the group; it stays
 *
 * Context: Any.
 * Return: NULL, or what is wrong.
 */
const char *dmag_pcp_validate(struct dmag_kgroup *group)
{
	const char *wrong = NULL;
	int cpu;

	if (!group->pcp)
		return NULL;
	for_each_possible_cpu(cpu) {
		struct dmag_pcp *pcp = per_cpu_ptr(group->pcp, cpu);
		unsigned long flags;

		spin_lock_irqsave(&pcp->lock, flags);
		spin_lock(&group->lock);
		wrong = wrong ?: pcp_validate(group, pcp);
		spin_unlock(&group->lock);
		spin_unlock_irqrestore(&pcp->lock, flags);
	}
	return wrong;
}
