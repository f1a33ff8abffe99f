// SPDX-License-Identifier: GPL-2.0
/*
 * Take a range of frames by migration, in bounded time.
 *
 * alloc_contig_range() waits without a bound for pages that are locked or under
 * writeback, and for every CPU to run a work item.  Storage that no longer answers,
 * or a real-time task that never sleeps, would keep a claim waiting for ever.  The
 * steps here are the same, but pages migrate asynchronously: a page that is busy is
 * tried a few times, and then the range is given up.
 */

#include <linux/cpumask.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sched/isolation.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "../internal.h"
#include "candidate.h"
#include "contig.h"
#include "kgroup.h"

/* How often busy pages are tried at once; each try makes several passes. */
#define DMAG_CONTIG_TRIES 3

/* How long a drain waits for the CPUs that it has asked. */
#define DMAG_DRAIN_BOUND (HZ / 50)

/* ---- LRU caches ------------------------------------------------------ */

struct drain_job {
	struct work_struct work;
	int cpu;
};

static DEFINE_PER_CPU(struct drain_job, drain_job);
static struct cpumask drain_left; /* CPUs that have been asked, and owe a drain */

static void drain_run(struct work_struct *work)
{
	struct drain_job *job = container_of(work, struct drain_job, work);

	lru_add_drain();
	cpumask_clear_cpu(job->cpu, &drain_left);
	smp_mb__after_atomic(); /* pairs with that of prepare_to_wait_event() */
	wake_up_var(&drain_left);
}

static void drain_ask(int cpu)
{
	struct drain_job *job = per_cpu_ptr(&drain_job, cpu);

	if (!job->work.func) {
		INIT_WORK(&job->work, drain_run);
		job->cpu = cpu;
	}
	queue_work_on(cpu, mm_percpu_wq, &job->work);
}

static bool drain_owed(const struct cpumask *asked)
{
	/* A CPU that clears its bit a moment later wakes the task that waits. */
	return data_race(cpumask_intersects(asked, &drain_left));
}

/**
 * dmag_drain_lru() - Drain the caches of pages that are on their way to the LRU.
 *
 * Such pages cannot be isolated.  A CPU that does not schedule is waited for once,
 * and then no more; isolated CPUs are not disturbed.
 *
 * Context: Process, under dmag_claim_mutex alone.  Sleeps up to DMAG_DRAIN_BOUND.
 */
void dmag_drain_lru(void)
{
	static struct cpumask asked; /* dmag_claim_mutex */
	int cpu;

	might_sleep();
	lockdep_assert_held(&dmag_claim_mutex);
	lockdep_assert_not_held(&dmag_mutex);
	cpumask_clear(&asked);
	for_each_online_cpu(cpu) {
		if (!housekeeping_cpu(cpu, HK_TYPE_DOMAIN) ||
		    cpumask_test_and_set_cpu(cpu, &drain_left))
			continue;
		cpumask_set_cpu(cpu, &asked);
		drain_ask(cpu);
	}
	wait_var_event_timeout(&drain_left, !drain_owed(&asked),
			       DMAG_DRAIN_BOUND);
}

/* ---- migration ------------------------------------------------------- */

/*
 * A place for @src.  No memory is compacted for a huge page, since pageblocks are
 * isolated now: migrate_pages() splits it.
 */
static struct folio *contig_target(struct folio *src, unsigned long private)
{
	struct zone *zone = folio_zone(src);
	gfp_t gfp = GFP_TRANSHUGE_LIGHT;

	if (!folio_test_large(src) || folio_test_hugetlb(src))
		return alloc_migration_target(src, private);
	if (!is_highmem(zone) && zone_idx(zone) != ZONE_MOVABLE)
		gfp &= ~__GFP_HIGHMEM;
	return __folio_alloc(gfp, folio_order(src), zone_to_nid(zone), NULL);
}

/* Move the pages that are isolated; 0 if none of them is left. */
static int contig_move(struct compact_control *cc, unsigned long until)
{
	struct migration_target_control mtc = {
		.nid = zone_to_nid(cc->zone),
		.gfp_mask = cc->gfp_mask,
		.reason = MR_CONTIG_RANGE,
	};
	int tries = 0, ret;

	reclaim_clean_pages_from_list(cc->zone, &cc->migratepages);
	while (!list_empty(&cc->migratepages)) {
		ret = migrate_pages(&cc->migratepages, contig_target, NULL,
				    (unsigned long)&mtc, cc->mode,
				    MR_CONTIG_RANGE, NULL);
		if (ret == -ENOMEM || list_empty(&cc->migratepages))
			return min(ret, 0);
		if (fatal_signal_pending(current))
			return -EINTR;
		if (++tries < DMAG_CONTIG_TRIES)
			continue;
		if (time_after_eq(jiffies, until))
			return -EBUSY;
		schedule_timeout_uninterruptible(1);
	}
	return 0;
}

/* Move all pages of a range that is isolated to other memory. */
static int contig_empty(struct compact_control *cc,
			const struct dmag_range *range, unsigned long until)
{
	unsigned long pfn = range->start;
	int ret = 0;

	while (!ret && pfn <= range->last) {
		cc->nr_migratepages = 0;
		ret = isolate_migratepages_range(cc, pfn, range->last + 1);
		if (ret == -EAGAIN && !list_empty(&cc->migratepages))
			ret = 0;
		pfn = cc->migrate_pfn;
		ret = ret ?: contig_move(cc, until);
	}
	putback_movable_pages(&cc->migratepages);
	return ret;
}

/* ---- taking ---------------------------------------------------------- */

/* The first frame of the free page that frame @pfn lies in; @pfn if it is none. */
static u64 contig_outer_start(u64 pfn)
{
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		u64 start = round_down(pfn, 1ULL << order);
		struct page *page = pfn_to_online_page(start);

		if (page && PageBuddy(page))
			return start + (1ULL << buddy_order_unsafe(page)) >
					       pfn ?
				       start :
				       pfn;
	}
	return pfn;
}

static void contig_free(u64 start, u64 end)
{
	if (start < end)
		free_contig_range(start, end - start);
}

/* Take a range out of the page allocator, all of which is free and isolated. */
static int contig_grab(struct compact_control *cc,
		       const struct dmag_range *range)
{
	u64 start = contig_outer_start(range->start), end = range->last + 1;
	struct page *page, *next;
	u64 outer_end;

	if (test_pages_isolated(start, end, 0))
		return -EBUSY;
	outer_end = isolate_freepages_range(cc, start, end);
	if (!outer_end)
		return -EBUSY;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		list_for_each_entry_safe(page, next, &cc->freepages[order],
					 lru) {
			list_del(&page->lru);
			dmag_make_allocated(page, order);
		}
	contig_free(start, range->start);
	contig_free(end, outer_end);
	return 0;
}

/**
 * dmag_contig_take() - Take frames from the page allocator, moving pages away.
 * @range: the frames, online and of one zone
 * @migratetype: what their pageblocks become: MIGRATE_MOVABLE or MIGRATE_CMA
 * @patience: how long to wait for pages that are busy, jiffies
 *
 * The whole pageblocks that @range has a part in are isolated in the process.
 *
 * Context: Process, without dmag_mutex.  Sleeps, but waits no longer than @patience
 * for pages that are busy.  A place for a page that moves may need reclaim.
 * Return: 0, and the frames are allocated single pages; -EBUSY if a page cannot be
 * moved, or not now; -ENOMEM; -EINTR on a fatal signal.
 */
int dmag_contig_take(const struct dmag_range *range, int migratetype,
		     unsigned long patience)
{
	const gfp_t gfp = current_gfp_context(GFP_KERNEL & gfp_allowed_mask);
	struct compact_control cc = {
		.order = -1,
		.zone = page_zone(pfn_to_page(range->start)),
		.mode = MIGRATE_ASYNC,
		.gfp_mask = gfp | __GFP_MOVABLE | __GFP_NORETRY | __GFP_NOWARN,
		.ignore_skip_hint = true,
		.no_set_skip_hint = true,
		.alloc_contig = true,
	};
	int ret;

	might_sleep();
	lockdep_assert_not_held(&dmag_mutex);
	DMAG_CHECK(range->start <= range->last);
	INIT_LIST_HEAD(&cc.migratepages);
	ret = start_isolate_page_range(range->start, range->last + 1,
				       migratetype, 0, gfp);
	if (ret)
		return ret;
	drain_all_pages(cc.zone);
	ret = contig_empty(&cc, range, jiffies + patience);
	if (!ret || ret == -EBUSY)
		ret = contig_grab(&cc, range);
	undo_isolate_page_range(range->start, range->last + 1, migratetype);
	return ret;
}
