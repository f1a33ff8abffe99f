// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's page allocator as the core's backend.
 *
 * A claim takes memory that is free; or a candidate, with dmag_contig_take(), which
 * moves the pages in use elsewhere; or a candidate after reclaiming from it;
 * or the surplus of another group.  candidate.c chooses the candidates.
 */

#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/swap.h>

#include "../internal.h"
#include "candidate.h"
#include "contig.h"
#include "convert.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"

#include <trace/events/dmag.h>

/*
 * Candidates tried in one claim before the core turns to other memory.  A refill
 * can wait; a request should not fail while there is more to try.
 */
#define DMAG_FILL_TRIES 4
#define DMAG_CLIMB_TRIES 64

/* If reclaim frees nothing for so many candidates, it will not for others. */
#define DMAG_BARREN_MOST 2

/* How long the last resort waits for pages of a candidate that are busy, jiffies. */
#define DMAG_PATIENCE (HZ / 50)

/* A claim that reclaims leaves so many frames to the next ones: moving pages is quicker. */
#define DMAG_ROOM_SPARE ((long)SZ_16M >> PAGE_SHIFT)

/* It reclaims as much as a candidate has in so many steps, each with a look at it. */
#define DMAG_ROOM_STEPS 8

/*
 * How many frames are paged out before the claim looks at the time, and at others: as
 * many as reclaim takes at once.  Storage may take a tenth of a second for these.
 */
#define DMAG_PAGE_OUT_BATCH SWAP_CLUSTER_MAX

static void claim_page_out_some(u64 pfn, u64 last)
{
	LIST_HEAD(folios);

	for (; pfn <= last; pfn++) {
		struct page *page = pfn_to_online_page(pfn);
		struct folio *folio;

		if (!page || !PageLRU(page))
			continue;
		folio = page_folio(page);
		if (!folio_try_get(folio))
			continue;
		if (page_folio(page) == folio &&
		    !folio_test_unevictable(folio) && folio_isolate_lru(folio))
			list_add(&folio->lru, &folios);
		folio_put(folio);
	}
	reclaim_pages(&folios);
}

/*
 * Reclaim the pages of @range that could not be moved, as dirty ones of some filesystems.
 * Those that are not reclaimed are on their way back to the LRU then, and those that are
 * lie on per-CPU lists: both are drained.
 */
static void claim_page_out(struct dmag_kgroup *group,
			   const struct dmag_range *range)
{
	dmag_kgroup_pause(group);
	for (u64 pfn = range->start; pfn <= range->last;
	     pfn += DMAG_PAGE_OUT_BATCH) {
		if (dmag_kgroup_give_up(group) || dmag_contended())
			break;
		claim_page_out_some(pfn, min(pfn + DMAG_PAGE_OUT_BATCH - 1,
					     range->last));
	}
	dmag_drain_lru();
	drain_all_pages(NULL);
	dmag_kgroup_resume(group);
}

/* Reclaim some pages, from a node before others.  Return how many. */
static unsigned long claim_reclaim_some(int nid)
{
	const gfp_t gfp = GFP_HIGHUSER_MOVABLE;
	unsigned long freed;
	unsigned int flags;

	fs_reclaim_acquire(gfp);
	flags = memalloc_noreclaim_save();
	freed = try_to_free_pages(node_zonelist(nid, gfp), 0, gfp, NULL);
	memalloc_noreclaim_restore(flags);
	fs_reclaim_release(gfp);
	cond_resched();
	return freed;
}

/*
 * Reclaim @count frames or more, as far as time goes.  The watermarks do not count those
 * that are left on per-CPU lists.  Return false if there is nothing to reclaim.
 */
static bool claim_reclaim(const struct dmag_kgroup *group, u64 count, int nid)
{
	unsigned long freed, all = 0;

	do {
		freed = claim_reclaim_some(nid);
		all += freed;
	} while (freed && all < count && !dmag_kgroup_give_up(group) &&
		 !dmag_contended());
	drain_all_pages(NULL);
	return all;
}

static bool host_needs_memory(struct dmag_kgroup *group,
			      const struct dmag_range *range)
{
	bool need;

	spin_lock_irq(&group->lock);
	need = dmag_frames_need(&group->core.frames, range->start, range->last);
	spin_unlock_irq(&group->lock);
	return need;
}

/* Feed the memory that dmag_frames_add() of @range may need. */
static int host_feed(struct dmag_kgroup *group, const struct dmag_range *range)
{
	lockdep_assert_not_held(&group->lock);
	while (host_needs_memory(group, range)) {
		struct page *page = alloc_page(DMAG_GFP_META);
		int ret;

		if (!page)
			return -ENOMEM;
		spin_lock_irq(&group->lock);
		ret = dmag_frames_feed(&group->core.frames, page_address(page),
				       PAGE_SIZE);
		spin_unlock_irq(&group->lock);
		if (DMAG_WARN_ON(group, ret)) {
			__free_page(page);
			return ret;
		}
		list_add(&page->lru, &group->meta);
	}
	return 0;
}

/*
 * Without dmag_mutex the range may have begun to go offline, or a group may have
 * become the owner of free or captured frames of one of its blocks.
 */
static bool claim_may_take(struct dmag_kgroup *group,
			   const struct dmag_range *range)
{
	struct dmag_range blocks = dmag_whole_pageblocks(range);

	lockdep_assert_held(&dmag_mutex);
	return !dmag_range_owned(group, range) &&
	       dmag_pageblock_usable(group, &blocks);
}

/*
 * One step towards a candidate that could not be emptied just now, because of @why.  No
 * reclaim helps against a page that cannot move; but one that another task reclaims, or
 * that is on its way to the LRU, can soon.  Return false if there is nothing to reclaim.
 */
static bool claim_make_room_once(struct dmag_kgroup *group,
				 const struct dmag_range *range, int why)
{
	u64 count = range->last - range->start + 1;
	int nid = page_to_nid(pfn_to_page(range->start));
	bool progress = true;

	dmag_kgroup_pause(group);
	if (why == -EBUSY) {
		schedule_timeout_uninterruptible(1);
		dmag_drain_lru();
	} else {
		progress = claim_reclaim(group, count / DMAG_ROOM_STEPS, nid);
	}
	dmag_kgroup_resume(group);
	return progress;
}

/*
 * Reclaim until the host can spare @range: pages that move need a place, and the
 * host its watermarks.  An allocation would reclaim as well, but would take the
 * pages that come free from others.  Return false if there is nothing to reclaim.
 * Otherwise the next claim may go on: time was over, or others want to claim.
 */
static bool claim_make_room(struct dmag_kgroup *group,
			    const struct dmag_range *range)
{
	unsigned long patience = jiffies + DMAG_PATIENCE;
	bool progress = true;
	long spare = 0;

	dmag_assert_may_claim();
	while (progress && claim_may_take(group, range)) {
		int why = dmag_candidate_check(
			group, range, dmag_range_protected(range), spare);

		if (!why || (why == -EBUSY && time_after(jiffies, patience)))
			break;
		progress = claim_make_room_once(group, range, why);
		if (why == -ENOSPC) {
			spare = DMAG_ROOM_SPARE;
			patience = jiffies + DMAG_PATIENCE;
		}
		if (dmag_kgroup_give_up(group) || dmag_contended())
			break;
	}
	group->effort.barren += !progress;
	return progress;
}

/* The pageblocks that a claim has isolated without dmag_mutex (dmag_mutex). */
static const struct dmag_range *claim_isolated;

static int claim_move(struct dmag_kgroup *group, const struct dmag_range *range,
		      unsigned long patience)
{
	struct dmag_range blocks = dmag_whole_pageblocks(range);
	bool protected = dmag_range_protected(range);
	int ret;

	dmag_assert_may_claim();
	if (!claim_may_take(group, range))
		return -EAGAIN;
	ret = dmag_candidate_check(group, range, protected, 0);
	if (ret)
		return ret;
	claim_isolated = &blocks;
	dmag_kgroup_pause(group);
	ret = dmag_contig_take(range, protected ? MIGRATE_CMA : MIGRATE_MOVABLE,
			       patience);
	/*
	 * The allocations that migration made left megabytes on per-CPU lists.
	 * Other CPUs cannot use them there, and watermarks do not count them.
	 */
	drain_all_pages(NULL);
	dmag_kgroup_resume(group);
	claim_isolated = NULL;
	if (protected)
		dmag_restore_types(&blocks);
	return ret;
}

static int claim_take(struct dmag_kgroup *group, const struct dmag_range *range,
		      enum dmag_rung rung)
{
	bool reclaims = rung == DMAG_CLAIM_RECLAIM;
	bool hope = false;
	int ret;

	if (reclaims && dmag_may_wait(GFP_KERNEL))
		hope = claim_make_room(group, range);
	ret = claim_move(group, range, reclaims ? DMAG_PATIENCE : 0);
	if (ret == -EBUSY && hope) {
		claim_page_out(group, range);
		ret = claim_move(group, range, DMAG_PATIENCE);
	}
	if (ret)
		trace_dmag_claim_fail(group->id, range->start, range->last,
				      rung, ret);
	if (!ret && !claim_may_take(group, range)) {
		free_contig_range(range->start, range->last - range->start + 1);
		return -EAGAIN;
	}
	if (ret && ret != -EINTR &&
	    !(hope && (ret == -EAGAIN || ret == -ENOSPC)))
		dmag_candidate_failed(range, rung);
	return !ret || ret == -EINTR ? ret : -EAGAIN;
}

/**
 * dmag_claim_isolates() - Whether a claim has isolated a part of a range.
 * @range: the range
 *
 * Context: Process, under dmag_mutex.
 * Return: true if one has, for tens of milliseconds.
 */
bool dmag_claim_isolates(const struct dmag_range *range)
{
	lockdep_assert_held(&dmag_mutex);
	return claim_isolated && claim_isolated->start <= range->last &&
	       range->start <= claim_isolated->last;
}

/* The request that a tighter group is asked to cede frames for. */
struct claim_surplus {
	struct dmag_kgroup *group;
	const struct dmag_request *req;
	struct dmag_range *got;
	int ret;
};

/* Protected capacity is not surplus, so the group owns it again. */
static int claim_keep_protected(struct dmag_kgroup *group,
				const struct dmag_range *range)
{
	lockdep_assert_held(&group->lock);
	if (!dmag_range_protected(range))
		return 0;
	DMAG_WARN_ON(group,
		     dmag_group_own(&group->core, range->start, range->last));
	return -EAGAIN;
}

/* Narrow a request to the memory beyond a run that its owner kept. */
static bool claim_skip(struct dmag_request *req, const struct dmag_range *range)
{
	if (req->from == DMAG_LOWEST)
		req->within.start = range->start + DMAG_BLOCK_FRAMES;
	else if (range->start)
		req->within.last = range->last - DMAG_BLOCK_FRAMES;
	else
		return false;
	return true;
}

static void claim_ask_surplus(struct dmag_kgroup *other, void *data)
{
	struct claim_surplus *surplus = data;
	struct dmag_kgroup *group = surplus->group;
	struct dmag_request req = *surplus->req;

	lockdep_assert_held(&dmag_mutex);
	if (!surplus->ret || !dmag_kgroup_serves(other) ||
	    !dmag_group_tighter(&other->core, &group->core))
		return;
	spin_lock_irq(&other->lock);
	while (surplus->ret && dmag_kgroup_serves(other) &&
	       dmag_group_cede(&other->core, &group->core, &req,
			       surplus->got)) {
		surplus->ret = claim_keep_protected(other, surplus->got);
		if (!claim_skip(&req, surplus->got))
			break;
	}
	spin_unlock_irq(&other->lock);
}

/* A block has one owner, so only whole blocks change hands. */
static int claim_take_surplus(struct dmag_kgroup *group,
			      const struct dmag_request *req,
			      struct dmag_range *got)
{
	struct claim_surplus surplus = {
		.group = group, .req = req, .got = got, .ret = -EAGAIN
	};

	if (req->count % DMAG_BLOCK_FRAMES || req->align % DMAG_BLOCK_FRAMES)
		return -EAGAIN;
	dmag_kgroup_visit_all(claim_ask_surplus, &surplus);
	return surplus.ret;
}

/* One page that is on its way to the LRU spoils a whole run. */
static void claim_drain_once(struct dmag_kgroup *group)
{
	dmag_assert_may_claim();
	if (group->effort.drained || !dmag_may_wait(GFP_KERNEL) ||
	    dmag_kgroup_give_up(group))
		return;
	group->effort.drained = true;
	dmag_kgroup_pause(group);
	dmag_drain_lru();
	dmag_kgroup_resume(group);
}

static int claim_take_free(struct dmag_kgroup *group,
			   const struct dmag_request *req,
			   struct dmag_range *got)
{
	int ret = dmag_candidate_take_free(group, req, got);

	if (ret != -ENOSPC)
		return ret;
	return group->effort.free_only ?
		       -EAGAIN :
		       claim_take(group, got, DMAG_CLAIM_FREE);
}

/*
 * Before it reclaims, a request takes the memory that is reserved from it, as
 * dma-direct does when it falls back to a lower zone.
 */
static int claim_take_last(struct dmag_kgroup *group,
			   const struct dmag_request *req,
			   struct dmag_range *got)
{
	int ret;

	group->effort.to_min = true;
	ret = claim_take_free(group, req, got);
	group->effort.to_min = false;
	return ret;
}

/* The best candidate that can be taken, by moving pages or after reclaiming them. */
static int claim_best(struct dmag_kgroup *group, const struct dmag_request *req,
		      enum dmag_rung rung, struct dmag_range *got)
{
	struct dmag_effort *effort = &group->effort;
	int ret = -EAGAIN;

	claim_drain_once(group);
	effort->owes &= rung == DMAG_CLAIM_MIGRATE;
	for (unsigned int tries = 0; tries < effort->tries; tries++) {
		if (ret != -EAGAIN || effort->barren >= DMAG_BARREN_MOST)
			break;
		ret = dmag_kgroup_give_up(group) ?:
			      dmag_candidate_find(group, req, rung, got);
		if (ret)
			break;
		ret = claim_take(group, got, rung);
		effort->owes = false;
		if (ret)
			dmag_kgroup_yield(group);
	}
	return ret;
}

static int claim_by_rung(struct dmag_kgroup *group,
			 const struct dmag_request *req, enum dmag_rung rung,
			 struct dmag_range *got)
{
	int ret = -EAGAIN;

	lockdep_assert_held(&dmag_mutex);
	lockdep_assert_not_held(&group->lock);
	dmag_kgroup_yield(group);
	if (rung == DMAG_CLAIM_RECLAIM && group->effort.most_moves < LONG_MAX)
		return -EAGAIN;
	if (rung == DMAG_CLAIM_FREE)
		return claim_take_free(group, req, got);
	if (rung == DMAG_CLAIM_SURPLUS)
		return claim_take_surplus(group, req, got);
	if (group->effort.free_only)
		return -EAGAIN;
	if (rung == DMAG_CLAIM_RECLAIM && group->effort.for_request) {
		ret = claim_take_last(group, req, got);
		if (ret != -EAGAIN)
			return ret;
	}
	return claim_best(group, req, rung, got);
}

/*
 * The page allocator gave each free page a tag of its own.  A buffer of several is
 * used through the address of its first page, so that all must have the same.
 */
static void host_reset_tags(const struct dmag_range *range)
{
	for (u64 pfn = range->start; pfn <= range->last; pfn++)
		page_kasan_tag_reset(pfn_to_page(pfn));
}

/* On each rung the device's node comes first, as for any allocation. */
static int claim_by_node(struct dmag_kgroup *group,
			 const struct dmag_request *req, enum dmag_rung rung,
			 struct dmag_range *got)
{
	int node = group->effort.node;
	int ret = claim_by_rung(group, req, rung, got);

	if (ret != -EAGAIN || node == NUMA_NO_NODE || group->effort.this_node)
		return ret;
	group->effort.node = NUMA_NO_NODE;
	ret = claim_by_rung(group, req, rung, got);
	group->effort.node = node;
	return ret;
}

/*
 * Memory that the group cannot own.  The surplus of another group has its attributes,
 * and is lost if it keeps them.
 */
static void claim_abandon(struct dmag_kgroup *group, enum dmag_rung rung,
			  const struct dmag_range *got)
{
	dmag_owner_erase(group, got);
	if (rung == DMAG_CLAIM_SURPLUS && group->core.attrs &&
	    DMAG_WARN_ON(group, dmag_convert_unshare(got)))
		return;
	free_contig_range(got->start, got->last - got->start + 1);
}

static int claim_extent(struct dmag_kgroup *group,
			const struct dmag_request *req, enum dmag_rung rung,
			struct dmag_range *got)
{
	int ret;

	if (req->count - 1 > req->within.last - req->within.start)
		return -EAGAIN;
	ret = claim_by_node(group, req, rung, got);
	if (ret)
		return ret;
	host_reset_tags(got);
	if (!dmag_owner_enter(group, got) && !host_feed(group, got))
		return 0;
	claim_abandon(group, rung, got);
	return -EAGAIN;
}

static int host_claim(struct dmag_group *core, const struct dmag_request *req,
		      enum dmag_rung rung, struct dmag_range *got)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *group = to_kgroup(core);
	int ret;

	lockdep_assert_held(&dmag_mutex);
	spin_unlock_irq(&group->lock);
	ret = claim_extent(group, req, rung, got);
	DMAG_CHECK(ret || (req->within.start <= got->start &&
			   got->last <= req->within.last &&
			   got->last - got->start + 1 >= req->count));
	if (!ret)
		trace_dmag_claim(group->id, got->start, got->last, rung);
	spin_lock_irq(&group->lock);
	group->counter[ret ? DMAG_NR_CLAIM_FAIL : DMAG_NR_CLAIM]++;
	if (!ret)
		group->counter[DMAG_NR_CLAIM_FRAMES] +=
			got->last - got->start + 1;
	return ret;
}

static void host_release(struct dmag_group *core,
			 const struct dmag_range *range)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *group = to_kgroup(core);
	u64 count = range->last - range->start + 1;

	lockdep_assert_held(&dmag_mutex);
	group->counter[DMAG_NR_RELEASE_FRAMES] += count;
	spin_unlock_irq(&group->lock);
	trace_dmag_release(group->id, range->start, range->last);
	dmag_owner_erase(group, range);
	free_contig_range(range->start, count);
	cond_resched();
	spin_lock_irq(&group->lock);
}

/* The same without dmag_mutex: the worker does the rest. */
static void host_release_now(struct dmag_group *core,
			     const struct dmag_range *range)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *group = to_kgroup(core);
	u64 count = range->last - range->start + 1;

	lockdep_assert_held(&group->lock);
	group->counter[DMAG_NR_RELEASE_FRAMES] += count;
	group->emptied = true;
	group->squeezed = true;
	spin_unlock_irq(&group->lock);
	trace_dmag_release(group->id, range->start, range->last);
	free_contig_range(range->start, count);
	spin_lock_irq(&group->lock);
}

static int host_convert(struct dmag_kgroup *group,
			const struct dmag_range *range, bool share)
{
	int ret = share ? dmag_convert_share(range) :
			  dmag_convert_unshare(range);

	trace_dmag_convert(group->id, range->start, range->last, share, ret);
	return ret;
}

/* Under the lock. */
static int host_converted(struct dmag_kgroup *group, int ret)
{
	lockdep_assert_held(&group->lock);
	group->counter[DMAG_NR_CONVERT]++;
	group->counter[DMAG_NR_CONVERT_FAIL] += !!ret;
	return ret;
}

/*
 * Neither mutex nor lock is held while memory is converted, which interrupts all
 * CPUs.  The range is owned and in use until then.
 */
static int host_convert_paused(struct dmag_kgroup *group,
			       const struct dmag_range *range, bool share)
	__must_hold(&group->lock)
{
	int ret;

	spin_unlock_irq(&group->lock);
	dmag_kgroup_yield(group);
	dmag_kgroup_pause(group);
	lockdep_assert_not_held(&dmag_mutex);
	ret = host_convert(group, range, share);
	dmag_kgroup_resume(group);
	spin_lock_irq(&group->lock);
	return host_converted(group, ret);
}

static int host_prepare(struct dmag_group *core, const struct dmag_range *range)
	__must_hold(&to_kgroup(core)->lock)
{
	return host_convert_paused(to_kgroup(core), range, true);
}

static int host_restore(struct dmag_group *core, const struct dmag_range *range)
	__must_hold(&to_kgroup(core)->lock)
{
	return host_convert_paused(to_kgroup(core), range, false);
}

/* The same under dmag_mutex, for memory that goes offline. */
static int host_restore_kept(struct dmag_group *core,
			     const struct dmag_range *range)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *group = to_kgroup(core);
	int ret;

	lockdep_assert_held(&dmag_mutex);
	spin_unlock_irq(&group->lock);
	ret = host_convert(group, range, false);
	spin_lock_irq(&group->lock);
	return host_converted(group, ret);
}

static const struct dmag_backend dmag_host = {
	.claim = host_claim,
	.release = host_release,
	.prepare = host_prepare,
	.restore = host_restore,
};

static const struct dmag_backend dmag_host_kept = {
	.claim = host_claim,
	.release = host_release,
	.prepare = host_prepare,
	.restore = host_restore_kept,
};

/* Not for groups with attributes, since it may not sleep. */
static const struct dmag_backend dmag_host_now = {
	.claim = host_claim,
	.release = host_release_now,
};

static void host_balance(struct dmag_kgroup *group, unsigned long bound,
			 struct dmag_effort effort)
{
	u64 free;

	lockdep_assert_held(&dmag_mutex);
	effort.until = jiffies + bound;
	effort.tries = DMAG_FILL_TRIES;
	effort.most_moves = LONG_MAX;
	effort.node = NUMA_NO_NODE;
	group->effort = effort;
	spin_lock_irq(&group->lock);
	free = group->core.frames.free;
	group->kicked = DMAG_QUIET;
	if (dmag_kgroup_serves(group))
		dmag_group_balance(&dmag_registry, &group->core, &dmag_host);
	if (group->core.frames.free > free)
		dmag_kgroup_arrival(group);
	spin_unlock_irq(&group->lock);
}

/**
 * dmag_kgroup_fill() - Bring a reserve to its watermarks, up or down.
 * @group: the group
 * @bound: how long claims may take, in jiffies
 *
 * A fill that falls short is no error; the worker continues it.
 *
 * Context: Process, under both mutexes.
 */
void dmag_kgroup_fill(struct dmag_kgroup *group, unsigned long bound)
{
	might_sleep();
	dmag_assert_may_claim();
	host_balance(group, bound, (struct dmag_effort){});
}

/**
 * dmag_kgroup_fill_first() - The same, while a driver's probe waits for it.
 * @group: the group
 * @bound: how long claims may take, in jiffies
 *
 * It ends when another task wants to claim.
 *
 * Context: Process, under both mutexes.
 */
void dmag_kgroup_fill_first(struct dmag_kgroup *group, unsigned long bound)
{
	might_sleep();
	dmag_assert_may_claim();
	host_balance(group, bound, (struct dmag_effort){ .for_probe = true });
}

/**
 * dmag_kgroup_fill_free() - The same, with memory that is free only.
 * @group: the group; nothing is done if a climb is under way for it, or if memory
 *	has to be converted
 * @bound: how long the search may take, in jiffies
 *
 * Context: Process, under dmag_mutex, which it keeps.
 */
void dmag_kgroup_fill_free(struct dmag_kgroup *group, unsigned long bound)
{
	might_sleep();
	lockdep_assert_held(&dmag_mutex);
	if (!group->pins && !group->core.attrs)
		host_balance(group, bound,
			     (struct dmag_effort){ .free_only = true });
}

/**
 * dmag_kgroup_climb() - Find memory for a request that may wait.
 * @group: the group
 * @req: what is wanted
 * @effort: how much it may cost
 * @pfn: set to the first frame
 *
 * Context: Process, under both mutexes, or dmag_mutex if @effort->free_only.
 * Return: 0, -ENOMEM, -ETIME, or -EINTR on a fatal signal.
 */
int dmag_kgroup_climb(struct dmag_kgroup *group, const struct dmag_request *req,
		      const struct dmag_effort *effort, u64 *pfn)
{
	u64 free;
	int ret;

	might_sleep();
	lockdep_assert_held(&dmag_mutex);
	lockdep_assert(effort->free_only || lockdep_is_held(&dmag_claim_mutex));
	group->effort = *effort;
	group->effort.tries = DMAG_CLIMB_TRIES;
	group->effort.for_request = true;
	spin_lock_irq(&group->lock);
	free = group->core.frames.free;
	ret = dmag_group_alloc(&dmag_registry, &group->core, &dmag_host, req,
			       pfn);
	if (!ret)
		group->counter[DMAG_NR_ALLOC]++;
	if (group->core.frames.free > free)
		dmag_kgroup_arrival(group);
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
	return ret;
}

static u64 host_shrink(struct dmag_kgroup *group,
		       const struct dmag_backend *backend, u64 keep, u64 max)
{
	u64 freed;

	spin_lock_irq(&group->lock);
	freed = dmag_group_shrink(&group->core, backend, keep, max);
	DMAG_WARN_ON(group, freed > max);
	group->counter[DMAG_NR_SHRINK_FRAMES] += freed;
	spin_unlock_irq(&group->lock);
	return freed;
}

/**
 * dmag_kgroup_release() - Release free frames to the host.
 * @group: the group
 * @keep: how many free frames it keeps, a watermark
 * @max: how many to release at most
 *
 * Memory that has to be converted is left to the worker.
 *
 * Context: Process, under dmag_mutex.
 * Return: the number of frames released.
 */
u64 dmag_kgroup_release(struct dmag_kgroup *group, u64 keep, u64 max)
{
	lockdep_assert_held(&dmag_mutex);
	return group->core.attrs ? 0 :
				   host_shrink(group, &dmag_host, keep, max);
}

/**
 * dmag_kgroup_release_now() - Release free frames, whatever claim is under way.
 * @group: the group
 * @keep: how many free frames it keeps, a watermark
 * @max: how many to release at most, without rescheduling
 *
 * For a host that is out of memory.  The worker, which the caller wakes, erases the
 * owner of blocks that lost their last frame, and does not refill at once.  Memory
 * that has to be converted stays, since that may sleep.
 *
 * Context: Process, under RCU or dmag_mutex.
 * Return: the number of frames released.
 */
u64 dmag_kgroup_release_now(struct dmag_kgroup *group, u64 keep, u64 max)
{
	dmag_assert_groups_stay();
	return group->core.attrs ?
		       0 :
		       host_shrink(group, &dmag_host_now, keep, max);
}

/**
 * dmag_kgroup_adopt() - Let a group own frames that were claimed elsewhere.
 * @group: the group
 * @range: the frames, allocated; within one block
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; -EEXIST if the block is another group's or about to go offline;
 * -ENOMEM; -EINVAL.
 */
int dmag_kgroup_adopt(struct dmag_kgroup *group, const struct dmag_range *range)
{
	int ret;

	lockdep_assert_held(&dmag_mutex);
	if (!dmag_page_usable(group, pfn_to_page(range->start)) ||
	    dmag_range_owned(group, range))
		return -EEXIST;
	if (dmag_owner_enter(group, range) || host_feed(group, range)) {
		dmag_owner_erase(group, range);
		return -ENOMEM;
	}
	host_reset_tags(range);
	spin_lock_irq(&group->lock);
	ret = dmag_group_add(&group->core, range->start, range->last);
	if (!ret)
		dmag_kgroup_arrival(group);
	spin_unlock_irq(&group->lock);
	if (ret)
		dmag_owner_erase(group, range);
	return ret;
}

static void host_vacate_range(struct dmag_kgroup *group,
			      const struct dmag_backend *backend,
			      const struct dmag_range *range)
{
	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&group->lock);
	if (dmag_kgroup_serves(group))
		dmag_group_vacate(&group->core, backend, range);
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
}

/**
 * dmag_kgroup_release_range() - Release the free frames of a range to the host.
 * @group: the group
 * @range: the range; frames in use stay
 *
 * The worker refills the reserve from other memory.  A broken group keeps its
 * frames, so the range cannot go offline; nor can it if memory cannot be converted.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_kgroup_release_range(struct dmag_kgroup *group,
			       const struct dmag_range *range)
{
	host_vacate_range(group, &dmag_host_kept, range);
}

static int host_claim_block(struct dmag_kgroup *group,
			    const struct dmag_range *within)
{
	int ret;

	spin_lock_irq(&group->lock);
	ret = dmag_group_refill(&group->core, &dmag_host, within);
	spin_unlock_irq(&group->lock);
	return ret;
}

/*
 * The first block at or above @from with free frames in @range, cut to @range.  If memory
 * is converted, all of them are free: otherwise none could go.
 */
static bool host_free_block(struct dmag_kgroup *group, u64 from,
			    const struct dmag_range *range,
			    struct dmag_range *block)
{
	u64 unit = dmag_group_unit(&group->core), start = from;
	struct dmag_run run;
	bool found = false;

	spin_lock_irq(&group->lock);
	while (!found && dmag_frames_walk(&group->core.frames, from, &run) &&
	       run.range.start <= range->last) {
		start = round_up(max(run.range.start, from), unit);
		from = run.range.last + 1;
		found = run.state == DMAG_FREE && start + unit <= from;
	}
	spin_unlock_irq(&group->lock);
	start = round_down(start, DMAG_BLOCK_FRAMES);
	block->start = max(start, range->start);
	block->last = min(start + DMAG_BLOCK_FRAMES - 1, range->last);
	return found;
}

/*
 * Release the free frames of @range, one block after the other, and before each claim
 * a block of @other for it if the reserve would be low without.
 */
static int host_vacate(struct dmag_kgroup *group,
		       const struct dmag_range *range,
		       const struct dmag_range *other)
{
	struct dmag_range block = { .last = range->start - 1 };
	int ret = 0;

	while (!ret && host_free_block(group, block.last + 1, range, &block)) {
		ret = dmag_kgroup_give_up(group);
		if (!ret && READ_ONCE(group->core.frames.free) <
				    group->core.marks.low + DMAG_BLOCK_FRAMES)
			ret = host_claim_block(group, other);
		if (!ret)
			host_vacate_range(group, &dmag_host, &block);
	}
	return ret;
}

/**
 * dmag_kgroup_make_way() - Move a reserve out of memory that other groups want more.
 * @group: the group
 * @bound: how long claims may take, in jiffies
 *
 * A reserve takes what is free, wherever that is.  But a narrower group may reach no
 * other memory, and cannot move the frames of a reserve.  Nothing is reclaimed.
 *
 * Context: Process, under both mutexes.
 * Return: 0; -EAGAIN, -ETIME or -EINTR if frames are left that should go.
 */
int dmag_kgroup_make_way(struct dmag_kgroup *group, unsigned long bound)
{
	struct dmag_cells cells;
	int ret = 0;

	might_sleep();
	dmag_assert_may_claim();
	group->effort = (struct dmag_effort){
		.until = jiffies + bound,
		.tries = DMAG_FILL_TRIES,
		.most_moves = LONG_MAX,
		.node = NUMA_NO_NODE,
	};
	dmag_cells_choose(&dmag_registry, &group->core, &cells);
	for (unsigned int i = 1; i < cells.nr && !ret; i++)
		if (cells.cell[i].demand > cells.cell[0].demand)
			ret = host_vacate(group, &cells.cell[i].range,
					  &cells.cell[0].range);
	return ret;
}
