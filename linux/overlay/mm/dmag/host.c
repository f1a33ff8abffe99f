// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's page allocator as the core's backend.
 *
 * A claim looks for a candidate of the size asked for, pageblocks as a rule,
 * judges it by its struct pages, and takes it with alloc_contig_range(), which
 * moves what is in use elsewhere.  Judging costs little and has no side effect;
 * taking is slow, so it is done for the best of a few candidates, and one that
 * failed is left alone for a while.
 */

#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/hugetlb.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "../internal.h"
#include "host.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dmag.h>

/* Candidates judged before the best is taken: one in eight is seldom bad. */
#define DMAG_CANDIDATES 8

/* Pageblocks larger than this are not claimed whole, frames. */
#define DMAG_PAGEBLOCK_MOST ((unsigned long)SZ_4M >> PAGE_SHIFT)

/*
 * Candidates tried in one claim before the core turns to other memory: a
 * refill can wait, a request should not fail while there is more to try.
 */
#define DMAG_FILL_TRIES 4
#define DMAG_CLIMB_TRIES 64

DEFINE_XARRAY(dmag_owners);

/*
 * What failed lately, so that it is not tried again at once: a pinned page
 * stays pinned for a while.  A smaller candidate or a higher rung may do
 * better.  A collision forgets the older failure.
 */
#define DMAG_FAILED_BITS 10
#define DMAG_FAILED_FOR (2 * HZ)

static struct {
	u64 pfn;
	u64 count;
	enum dmag_rung rung;
	unsigned long until;
} failed[1 << DMAG_FAILED_BITS]; /* dmag_mutex */

static void note_failure(const struct dmag_range *r, enum dmag_rung rung)
{
	unsigned int i = hash_64(r->start, DMAG_FAILED_BITS);

	failed[i].pfn = r->start;
	failed[i].count = r->last - r->start + 1;
	failed[i].rung = rung;
	failed[i].until = jiffies + DMAG_FAILED_FOR;
}

static bool failed_lately(const struct dmag_range *r, enum dmag_rung rung)
{
	unsigned int i = hash_64(r->start, DMAG_FAILED_BITS);

	return failed[i].until && failed[i].pfn == r->start &&
	       failed[i].count <= r->last - r->start + 1 &&
	       failed[i].rung >= rung && time_before(jiffies, failed[i].until);
}

/* Does any group own a frame of @r, or another group a frame of its blocks? */
static bool owned(struct dmag_kgroup *g, const struct dmag_range *r)
{
	u64 first = r->start >> DMAG_BLOCK_ORDER;
	u64 last = r->last >> DMAG_BLOCK_ORDER;
	struct dmag_kgroup *owner;
	unsigned long block;
	struct dmag_run run;
	bool ours = false;

	xa_for_each_range(&dmag_owners, block, owner, first, last) {
		if (owner != g)
			return true;
		ours = true;
	}
	if (!ours)
		return false;
	spin_lock_irq(&g->lock);
	ours = dmag_frames_walk(&g->core.frames, r->start, &run) &&
	       run.range.start <= r->last;
	spin_unlock_irq(&g->lock);
	return ours;
}

/* What page @pfn of a candidate is to somebody who wants it. */
enum page_use {
	PAGE_FREE,
	PAGE_MOVES,
	PAGE_STAYS,
};

static enum page_use page_use(struct page *page)
{
	struct page *head = compound_head(page);

	if (PageReserved(page) || PageHuge(head))
		return PAGE_STAYS;
	if (!page_ref_count(head))
		return PAGE_FREE;
	if (PageLRU(head) && !folio_maybe_dma_pinned(page_folio(head)))
		return PAGE_MOVES;
	return __PageMovable(head) ? PAGE_MOVES : PAGE_STAYS;
}

/**
 * dmag_page_usable() - Whether the type of its pageblock lets a group have it.
 * @g: the group
 * @page: any page of the pageblock
 *
 * What is protected is for the group that protects it alone; CMA areas, what is
 * isolated or about to go offline, and the reserve for high orders are for none.
 *
 * Context: Any, under RCU or dmag_mutex.
 */
bool dmag_page_usable(const struct dmag_kgroup *g, struct page *page)
{
	const struct dmag_kgroup *protector;
	u64 pfn = page_to_pfn(page);

	if (is_zone_movable_page(page) || dmag_pfn_avoided(pfn))
		return false;
	protector = dmag_protector(pfn);
	if (protector)
		return protector == g && is_migrate_cma_page(page);
	return migratetype_is_mergeable(get_pageblock_migratetype(page));
}

/**
 * dmag_pageblock_usable() - Whether whole pageblocks could become a group's.
 * @g: the group
 * @r: the pageblocks
 */
bool dmag_pageblock_usable(struct dmag_kgroup *g, const struct dmag_range *r)
{
	struct page *first = pfn_to_online_page(r->start);

	for (u64 pfn = r->start; pfn <= r->last; pfn += pageblock_nr_pages) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != page_zone(first) ||
		    !dmag_page_usable(g, page))
			return false;
	}
	return true;
}

/*
 * How many pages of @r would have to move, or -1 if it cannot be had, or not
 * without moving more than @most.  Reads struct pages without any lock: a guess
 * that alloc_contig_range() puts to the test.
 */
static long pages_to_move(const struct dmag_range *r, long most)
{
	long moves = 0;

	for (u64 pfn = r->start; pfn <= r->last; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (PageBuddy(page)) {
			unsigned int order = buddy_order_unsafe(page);

			if (order <= MAX_PAGE_ORDER)
				pfn += min(1ULL << order,
					   (u64)pageblock_nr_pages) -
				       1;
			continue;
		}
		switch (page_use(page)) {
		case PAGE_FREE:
			break;
		case PAGE_MOVES:
			if (++moves > most)
				return -1;
			break;
		case PAGE_STAYS:
			return -1;
		}
	}
	return moves;
}

/**
 * dmag_pages_to_move() - How many pages would have to move, by a guess.
 * @r: frames of one zone, online
 *
 * Return: a number, or -1 if something in it cannot move.
 */
long dmag_pages_to_move(const struct dmag_range *r)
{
	return pages_to_move(r, LONG_MAX);
}

/*
 * alloc_contig_range() isolates whole pageblocks, and refuses if anything in
 * the first or last one cannot move, even outside of the range.
 */
static struct dmag_range whole_pageblocks(const struct dmag_range *r)
{
	return (struct dmag_range){
		.start = round_down(r->start, pageblock_nr_pages),
		.last = round_up(r->last + 1, pageblock_nr_pages) - 1,
	};
}

/* The bound of time, and what ends any wait. */
static int give_up(const struct dmag_kgroup *g)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return time_after(jiffies, g->deadline) ? -ETIME : 0;
}

static long moves_to_take(struct dmag_kgroup *g, const struct dmag_range *r,
			  enum dmag_rung rung, long most)
{
	struct dmag_range judged = whole_pageblocks(r);

	if (failed_lately(r, rung) || owned(g, r) ||
	    !dmag_pageblock_usable(g, &judged))
		return -1;
	return pages_to_move(&judged, most);
}

/*
 * The best of the first few candidates that can be had, from the top.  Where
 * pageblocks are somewhat larger than blocks, half a pageblock would spoil the
 * other half for the next claim.
 */
static int find_candidate(struct dmag_kgroup *g, const struct dmag_request *rq,
			  enum dmag_rung rung, struct dmag_range *best)
{
	u64 unit = min(pageblock_nr_pages, DMAG_PAGEBLOCK_MOST);
	bool whole = round_up(rq->within.start, unit) + unit - 1 <=
		     rq->within.last;
	u64 count = max(rq->count, whole ? unit : 0);
	u64 align = max(rq->align, rq->count < count ? count : 1);
	u64 start = round_down(rq->within.last - (count - 1), align);
	unsigned int judged = 0;
	long most = LONG_MAX;
	int ret = -EAGAIN;

	for (; start >= rq->within.start; start -= align) {
		struct dmag_range r = { start, start + count - 1 };
		long moves = moves_to_take(g, &r, rung, most);

		cond_resched();
		if (moves >= 0) {
			*best = r;
			most = moves - 1;
			ret = 0;
		}
		judged += !ret;
		if (!moves || judged == DMAG_CANDIDATES || start < align)
			break;
		if (give_up(g))
			return give_up(g);
	}
	return ret;
}

/* The free page that frames [@pfn, @pfn + 2^@order) are part of, if any. */
static struct page *free_page_around(const struct dmag_kgroup *g, u64 pfn,
				     unsigned int order)
{
	for (; order <= MAX_PAGE_ORDER; order++) {
		struct page *page =
			pfn_to_online_page(round_down(pfn, 1UL << order));

		if (!page || !dmag_page_usable(g, page))
			return NULL;
		if (PageBuddy(page) && buddy_order_unsafe(page) >= order)
			return page;
	}
	return NULL;
}

/*
 * Take @r, naturally aligned, out of the buddy allocator if it is free.  What
 * else belongs to the same free page goes back.
 */
static bool take_free(const struct dmag_kgroup *g, const struct dmag_range *r)
{
	u64 count = r->last - r->start + 1;
	unsigned int order = order_base_2(count);
	struct page *page = free_page_around(g, r->start, order);
	struct zone *zone;
	unsigned long flags;
	u64 first, last;

	if (!page)
		return false;
	zone = page_zone(page);
	spin_lock_irqsave(&zone->lock, flags);
	page = free_page_around(g, r->start, order);
	if (page) {
		order = buddy_order(page);
		if (!__isolate_free_page(page, order))
			page = NULL;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	if (!page)
		return false;

	post_alloc_hook(page, order, GFP_KERNEL);
	set_page_refcounted(page);
	split_page(page, order);
	first = page_to_pfn(page);
	last = first + (1UL << order) - 1;
	if (first < r->start)
		free_contig_range(first, r->start - first);
	if (r->last < last)
		free_contig_range(r->last + 1, last - r->last);
	return true;
}

static int find_free(struct dmag_kgroup *g, const struct dmag_request *rq,
		     struct dmag_range *got)
{
	u64 align = max(rq->align, roundup_pow_of_two(rq->count));
	u64 start = round_down(rq->within.last - (rq->count - 1), align);

	if (rq->count > MAX_ORDER_NR_PAGES)
		return -EAGAIN;
	for (; start >= rq->within.start; start -= align) {
		*got = (struct dmag_range){ start, start + rq->count - 1 };
		cond_resched();
		if (free_page_around(g, start, order_base_2(rq->count)) &&
		    !owned(g, got) && take_free(g, got))
			return 0;
		if (start < align)
			break;
		if (give_up(g))
			return give_up(g);
	}
	return -EAGAIN;
}

/* Push out what lives in @r; alloc_contig_range() takes what comes free. */
static void page_out(const struct dmag_range *r)
{
	LIST_HEAD(folios);

	for (u64 pfn = r->start; pfn <= r->last; pfn++) {
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

static int enter_owner(struct dmag_kgroup *g, const struct dmag_range *r)
{
	u64 last = r->last >> DMAG_BLOCK_ORDER;

	for (u64 b = r->start >> DMAG_BLOCK_ORDER; b <= last; b++)
		if (xa_err(xa_store(&dmag_owners, b, g, GFP_KERNEL)))
			return -ENOMEM;
	return 0;
}

static void erase_owner(struct dmag_kgroup *g, const struct dmag_range *r)
{
	u64 last = r->last >> DMAG_BLOCK_ORDER;

	for (u64 b = r->start >> DMAG_BLOCK_ORDER; b <= last; b++) {
		u64 first = b << DMAG_BLOCK_ORDER;
		struct dmag_run run;
		bool empty;

		spin_lock_irq(&g->lock);
		empty = !dmag_frames_walk(&g->core.frames, first, &run) ||
			run.range.start >= first + DMAG_BLOCK_FRAMES;
		spin_unlock_irq(&g->lock);
		if (empty)
			xa_erase(&dmag_owners, b);
	}
}

/* See to it that dmag_frames_add() of @r has all the memory it may need. */
static int feed(struct dmag_kgroup *g, const struct dmag_range *r)
{
	struct page *page;
	bool fed;

	do {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (!page)
			return -ENOMEM;
		spin_lock_irq(&g->lock);
		fed = dmag_frames_need(&g->core.frames, r->start, r->last) &&
		      !dmag_frames_feed(&g->core.frames, page_address(page),
					PAGE_SIZE);
		spin_unlock_irq(&g->lock);
		if (fed)
			list_add(&page->lru, &g->meta);
		else
			__free_page(page);
	} while (fed);
	return 0;
}

/* reclaim_pages() swaps and writes whatever the caller's context is. */
static bool may_page_out(void)
{
	const gfp_t needed = __GFP_IO | __GFP_FS;

	return (current_gfp_context(GFP_KERNEL) & needed) == needed;
}

static int take_candidate(struct dmag_kgroup *g, const struct dmag_range *r,
			  enum dmag_rung rung)
{
	struct dmag_range blocks = whole_pageblocks(r);
	int type = dmag_contig_type(&blocks);
	int ret;

	if (rung == DMAG_CLAIM_RECLAIM && may_page_out())
		page_out(r);
	ret = alloc_contig_range(r->start, r->last + 1, type,
				 GFP_KERNEL | __GFP_NOWARN);
	if (is_migrate_cma(type))
		dmag_contig_done(&blocks);
	if (ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM)
		note_failure(r, rung);
	return !ret || ret == -EINTR ? ret : -EAGAIN;
}

/* What a tighter group is asked to cede, and to whom. */
struct surplus {
	struct dmag_kgroup *g;
	const struct dmag_request *rq;
	struct dmag_range *got;
	int ret;
};

static void ask_surplus(struct dmag_kgroup *other, void *data)
{
	struct surplus *s = data;
	struct dmag_kgroup *g = s->g;

	if (!s->ret || other == g || other->universal ||
	    !dmag_reach_includes(&g->core.reach, &other->core.reach))
		return;
	spin_lock_irq(&other->lock);
	if (dmag_group_cede(&other->core, s->rq, s->got))
		s->ret = 0;
	spin_unlock_irq(&other->lock);
}

/* A block has one owner, so whole blocks change hands, and only these. */
static int take_surplus(struct dmag_kgroup *g, const struct dmag_request *rq,
			struct dmag_range *got)
{
	struct surplus s = { .g = g, .rq = rq, .got = got, .ret = -EAGAIN };

	if (rq->count % DMAG_BLOCK_FRAMES || rq->align % DMAG_BLOCK_FRAMES)
		return -EAGAIN;
	dmag_visit_groups(ask_surplus, &s);
	return s.ret;
}

static int take_any(struct dmag_kgroup *g, const struct dmag_request *rq,
		    enum dmag_rung rung, struct dmag_range *got)
{
	int ret = -EAGAIN;

	if (rung == DMAG_CLAIM_FREE)
		return find_free(g, rq, got);
	if (rung == DMAG_CLAIM_SURPLUS)
		return take_surplus(g, rq, got);
	for (int tries = 0; tries < g->tries && ret == -EAGAIN; tries++) {
		ret = give_up(g) ?: find_candidate(g, rq, rung, got);
		if (ret)
			break;
		ret = take_candidate(g, got, rung);
	}
	return ret;
}

static int claim_extent(struct dmag_kgroup *g, const struct dmag_request *rq,
			enum dmag_rung rung, struct dmag_range *got)
{
	int ret;

	if (rq->count - 1 > rq->within.last - rq->within.start)
		return -EAGAIN;
	ret = take_any(g, rq, rung, got);
	if (ret || (!enter_owner(g, got) && !feed(g, got)))
		return ret;
	erase_owner(g, got);
	free_contig_range(got->start, got->last - got->start + 1);
	return -EAGAIN;
}

static int host_claim(struct dmag_group *core, const struct dmag_request *rq,
		      enum dmag_rung rung, struct dmag_range *got)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *g = to_kgroup(core);
	int ret;

	lockdep_assert_held(&dmag_mutex);
	spin_unlock_irq(&g->lock);
	ret = claim_extent(g, rq, rung, got);
	if (!ret)
		trace_dmag_claim(g->id, got->start, got->last, rung);
	spin_lock_irq(&g->lock);
	g->counter[ret ? DMAG_NR_CLAIM_FAIL : DMAG_NR_CLAIM]++;
	if (!ret)
		g->counter[DMAG_NR_CLAIM_FRAMES] += got->last - got->start + 1;
	return ret;
}

static void host_release(struct dmag_group *core, const struct dmag_range *r)
	__must_hold(&to_kgroup(core)->lock)
{
	struct dmag_kgroup *g = to_kgroup(core);
	u64 count = r->last - r->start + 1;

	lockdep_assert_held(&dmag_mutex);
	g->counter[DMAG_NR_RELEASE_FRAMES] += count;
	spin_unlock_irq(&g->lock);
	trace_dmag_release(g->id, r->start, r->last);
	erase_owner(g, r);
	free_contig_range(r->start, count);
	cond_resched();
	spin_lock_irq(&g->lock);
}

/* No group has attributes: dma-direct converts memory itself, per buffer. */
static const struct dmag_backend dmag_host = {
	.claim = host_claim,
	.release = host_release,
};

/**
 * dmag_group_fill() - Bring a reserve to its watermarks, up or down.
 * @g: the group
 * @bound: how long claims may take, in jiffies
 *
 * A partial fill is a result like any other; the worker goes on from there.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_group_fill(struct dmag_kgroup *g, unsigned long bound)
{
	u64 free;

	lockdep_assert_held(&dmag_mutex);
	g->deadline = jiffies + bound;
	g->tries = DMAG_FILL_TRIES;
	spin_lock_irq(&g->lock);
	free = g->core.frames.free;
	g->kicked = DMAG_QUIET;
	if (!g->universal)
		dmag_group_balance(&dmag_registry, &g->core, &dmag_host);
	if (g->core.frames.free > free)
		dmag_group_arrival(g);
	spin_unlock_irq(&g->lock);
}

/**
 * dmag_group_climb() - Find memory for a request that may wait.
 * @g: the group
 * @rq: what is wanted
 * @bound: how long claims may take, in jiffies
 * @pfn: set to the first frame
 *
 * Context: Process, under dmag_mutex.
 * Return: 0, -ENOMEM, -ETIME, or -EINTR on a fatal signal.
 */
int dmag_group_climb(struct dmag_kgroup *g, const struct dmag_request *rq,
		     unsigned long bound, u64 *pfn)
{
	int ret;

	lockdep_assert_held(&dmag_mutex);
	g->deadline = jiffies + bound;
	g->tries = DMAG_CLIMB_TRIES;
	spin_lock_irq(&g->lock);
	ret = dmag_group_alloc(&dmag_registry, &g->core, &dmag_host, rq, pfn);
	g->counter[ret ? DMAG_NR_ALLOC_FAIL : DMAG_NR_ALLOC]++;
	dmag_group_kick(g);
	spin_unlock_irq(&g->lock);
	return ret;
}

/**
 * dmag_group_squeeze() - Give back free frames that others need more.
 * @g: the group
 * @keep: how many it may keep, a watermark
 * @max: how many to give back at most
 *
 * Context: Process, under dmag_mutex.
 * Return: the frames given back.
 */
u64 dmag_group_squeeze(struct dmag_kgroup *g, u64 keep, u64 max)
{
	u64 freed;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&g->lock);
	freed = dmag_group_shrink(&g->core, &dmag_host, keep, max);
	g->counter[DMAG_NR_SHRINK_FRAMES] += freed;
	spin_unlock_irq(&g->lock);
	return freed;
}

/**
 * dmag_group_adopt() - Let a group own frames that were claimed elsewhere.
 * @g: the group
 * @r: the frames, allocated; within one block
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; -EEXIST if the block is another group's or about to go offline;
 * -ENOMEM; -EINVAL.
 */
int dmag_group_adopt(struct dmag_kgroup *g, const struct dmag_range *r)
{
	int ret;

	lockdep_assert_held(&dmag_mutex);
	if (dmag_pfn_avoided(r->start) || owned(g, r))
		return -EEXIST;
	if (enter_owner(g, r) || feed(g, r)) {
		erase_owner(g, r);
		return -ENOMEM;
	}
	spin_lock_irq(&g->lock);
	ret = dmag_group_add(&g->core, r->start, r->last);
	dmag_group_arrival(g);
	spin_unlock_irq(&g->lock);
	if (ret)
		erase_owner(g, r);
	return ret;
}

/**
 * dmag_group_forget() - Free the metadata of a group that owns nothing.
 * @g: the group, already out of the registry
 *
 * Blocks that it lost without a release may still be under its name.  Reclaim
 * may still see it, but finds that it has no members.
 */
void dmag_group_forget(struct dmag_kgroup *g)
{
	struct dmag_kgroup *owner;
	struct page *page, *next;
	unsigned long block;

	lockdep_assert_held(&dmag_mutex);
	dmag_group_hungry(g, false);
	dmag_group_adopt_captured(g);
	dmag_group_unprotect(g);
	xa_for_each(&dmag_owners, block, owner)
		if (owner == g)
			xa_erase(&dmag_owners, block);
	list_for_each_entry_safe(page, next, &g->meta, lru)
		__free_page(page);
}

/* The first free frames of @range, marked used. */
static bool pick_inside(struct dmag_kgroup *g, const struct dmag_range *range,
			struct dmag_range *out)
{
	struct dmag_run run = { .range.last = range->start - 1 };

	lockdep_assert_held(&g->lock);
	do {
		if (!dmag_frames_walk(&g->core.frames, run.range.last + 1,
				      &run) ||
		    run.range.start > range->last)
			return false;
	} while (run.state != DMAG_FREE);
	out->start = max(run.range.start, range->start);
	out->last = min(run.range.last, range->last);
	return !WARN_ON_ONCE(
		dmag_frames_take(&g->core.frames, out->start, out->last));
}

/**
 * dmag_group_vacate() - Give back the free frames of a range.
 * @g: the group
 * @range: where; frames in use stay
 *
 * What the reserve lacks then, the worker claims elsewhere.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_group_vacate(struct dmag_kgroup *g, const struct dmag_range *range)
{
	struct dmag_range r;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&g->lock);
	while (pick_inside(g, range, &r)) {
		if (WARN_ON_ONCE(dmag_group_drop(&g->core, &r)))
			break;
		host_release(&g->core, &r);
	}
	dmag_group_kick(g);
	spin_unlock_irq(&g->lock);
}
