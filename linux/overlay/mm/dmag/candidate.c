// SPDX-License-Identifier: GPL-2.0
/*
 * Candidates of a claim, judged by their struct pages.
 *
 * To judge a candidate costs little and has no side effect; to take one is slow.
 * So a claim takes the best of a few candidates, and skips those that failed
 * lately.  It begins where the last claim of its kind found something, so that the
 * cost of claiming all of a reach is linear in its size.
 */

#include <linux/cpuset.h>
#include <linux/dmag.h>
#include <linux/hash.h>
#include <linux/hugetlb.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sizes.h>

#include "../internal.h"
#include "candidate.h"
#include "kgroup.h"
#include "map.h"

#include <trace/events/dmag.h>

/* Candidates judged before the best is taken: of eight, one is mostly good. */
#define DMAG_CANDIDATES 8

/* Pageblocks larger than this are not claimed whole, frames. */
#define DMAG_PAGEBLOCK_MOST ((unsigned long)SZ_4M >> PAGE_SHIFT)

/* Candidates that are scanned before others that wait for dmag_mutex may have it. */
#define DMAG_SCAN_BATCH 64

/* The most that claims leave to the host in a zone above its min watermark, frames. */
#define DMAG_MARGIN_MOST ((long)SZ_32M >> PAGE_SHIFT)

/* How long claims begin at the cursor, before one begins at the top again. */
#define DMAG_CURSOR_FOR HZ

/*
 * Candidates that failed lately and are not tried again at once, because a pinned
 * page stays pinned for a while.  A smaller candidate or a higher rung may do
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

/**
 * dmag_candidate_failed() - A candidate could not be taken.
 * @range: the candidate
 * @rung: how it was tried
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_candidate_failed(const struct dmag_range *range, enum dmag_rung rung)
{
	unsigned int i = hash_64(range->start, DMAG_FAILED_BITS);

	lockdep_assert_held(&dmag_mutex);
	failed[i].pfn = range->start;
	failed[i].count = range->last - range->start + 1;
	failed[i].rung = rung;
	failed[i].until = jiffies + DMAG_FAILED_FOR;
}

static bool candidate_failed_lately(const struct dmag_range *range,
				    enum dmag_rung rung)
{
	unsigned int i = hash_64(range->start, DMAG_FAILED_BITS);

	return failed[i].until && failed[i].pfn == range->start &&
	       failed[i].count <= range->last - range->start + 1 &&
	       failed[i].rung >= rung && time_before(jiffies, failed[i].until);
}

/* A lock or writeback lasts as long as the storage takes, which may be for ever. */
static enum dmag_page_use candidate_folio_use(const struct folio *folio)
{
	if (folio_test_locked(folio))
		return DMAG_PAGE_LOCKED;
	return folio_test_writeback(folio) ? DMAG_PAGE_WRITEBACK :
					     DMAG_PAGE_MOVES;
}

/*
 * A huge page is migrated like others, or dissolved if it is free; a gigantic one
 * is left alone.  A page that is being dissolved has no hstate.
 */
static enum dmag_page_use candidate_huge_page_use(struct page *head)
{
	struct folio *folio = page_folio(head);
	struct hstate *hstate = size_to_hstate(folio_size(folio));

	if (!hstate || hstate_is_gigantic(hstate) ||
	    !hugepage_migration_supported(hstate) ||
	    folio_maybe_dma_pinned(folio))
		return DMAG_PAGE_STAYS;
	return candidate_folio_use(folio);
}

static enum dmag_page_use candidate_page_use(struct page *page)
{
	struct page *head = compound_head(page);

	if (PageReserved(page) || PageHWPoison(page))
		return DMAG_PAGE_STAYS;
	if (PageHuge(head))
		return candidate_huge_page_use(head);
	if (!page_ref_count(head))
		return DMAG_PAGE_FREE;
	if (PageLRU(head) && !folio_maybe_dma_pinned(page_folio(head)))
		return candidate_folio_use(page_folio(head));
	/* Its mapping may go just now: as candidate_moves() says, a guess. */
	return data_race(__PageMovable(head)) ? DMAG_PAGE_MOVES :
						DMAG_PAGE_STAYS;
}

/**
 * dmag_page_usable() - Whether the type of its pageblock lets a group have it.
 * @group: the group
 * @page: any page of the pageblock
 *
 * A protected pageblock is for the group that protects it.  CMA areas, isolated
 * pageblocks, those about to go offline, and those of the reserve for high orders
 * are for no group.
 *
 * Context: Any, under RCU or dmag_mutex.
 * Return: true if it may.
 */
bool dmag_page_usable(const struct dmag_kgroup *group, struct page *page)
{
	const struct dmag_kgroup *protector;
	u64 pfn = page_to_pfn(page);

	dmag_assert_groups_stay();
	if (is_zone_movable_page(page) || dmag_pfn_avoided(pfn))
		return false;
	protector = dmag_protector(pfn);
	if (protector)
		return protector == group && is_migrate_cma_page(page);
	return migratetype_is_mergeable(get_pageblock_migratetype(page));
}

/**
 * dmag_pageblock_usable() - Whether pageblocks could become a group's.
 * @group: the group
 * @range: the pageblocks, or a part of one
 *
 * Context: Process, under dmag_mutex.
 * Return: true if all are online, of one zone, and of a type that it may have.
 */
bool dmag_pageblock_usable(struct dmag_kgroup *group,
			   const struct dmag_range *range)
{
	struct page *first = pfn_to_online_page(range->start);

	lockdep_assert_held(&dmag_mutex);
	for (u64 pfn = range->start; pfn <= range->last;
	     pfn += pageblock_nr_pages) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != page_zone(first) ||
		    !dmag_page_usable(group, page))
			return false;
	}
	return true;
}

/*
 * The number of pages of @range that could have to move; -1 if one cannot, which sets
 * @stays to its frame, if the use of one within @taken is beyond @worst, or if there are
 * more than @most.  This reads struct pages without any lock, so it is a guess, which
 * dmag_contig_take() puts to the test.
 */
static long candidate_moves(const struct dmag_range *range,
			    const struct dmag_range *taken,
			    enum dmag_page_use worst, long most, u64 *stays)
{
	long moves = 0;

	for (u64 pfn = range->start; pfn <= range->last; pfn++) {
		struct page *page = pfn_to_page(pfn);
		enum dmag_page_use use;

		if (PageBuddy(page)) {
			unsigned int order = buddy_order_unsafe(page);

			if (order <= MAX_PAGE_ORDER)
				pfn += min(1ULL << order,
					   (u64)pageblock_nr_pages) -
				       1;
			continue;
		}
		use = candidate_page_use(page);
		if (use == DMAG_PAGE_STAYS)
			*stays = pfn;
		if (use == DMAG_PAGE_STAYS ||
		    (use > worst && taken->start <= pfn && pfn <= taken->last))
			return -1;
		if (use != DMAG_PAGE_FREE && ++moves > most)
			return -1;
	}
	return moves;
}

/**
 * dmag_pages_to_move() - Guess how many pages would have to move.
 * @range: frames of one zone, online
 * @worst: the worst use of a page that still lets it move
 *
 * Context: Process.
 * Return: a number, or -1 if a page cannot move.
 */
long dmag_pages_to_move(const struct dmag_range *range,
			enum dmag_page_use worst)
{
	u64 stays;

	return candidate_moves(range, range, worst, LONG_MAX, &stays);
}

/**
 * dmag_whole_pageblocks() - The pageblocks that a range has a part in.
 * @range: the range
 *
 * dmag_contig_take() isolates whole pageblocks, and fails if anything in the first
 * or last one cannot move, even outside of the range.
 *
 * Context: Any.
 * Return: their range.
 */
struct dmag_range dmag_whole_pageblocks(const struct dmag_range *range)
{
	return (struct dmag_range){
		.start = round_down(range->start, pageblock_nr_pages),
		.last = round_up(range->last + 1, pageblock_nr_pages) - 1,
	};
}

/* ---- going through candidates ---------------------------------------- */

/* A scan of all candidates of a request, downwards, beginning at the cursor. */
struct candidate_scan {
	struct dmag_cursor *cursor;
	u64 count;
	u64 align;
	u64 lowest;
	u64 highest;
	u64 next;
	u64 left;
	struct zone *zone;
	bool affords;
};

static bool candidate_scan_resumes(const struct dmag_cursor *cursor,
				   const struct candidate_scan *scan)
{
	return cursor->lowest == scan->lowest &&
	       cursor->highest == scan->highest &&
	       cursor->count == scan->count && cursor->align == scan->align &&
	       time_before(jiffies, cursor->until);
}

static void candidate_scan_begin(struct candidate_scan *scan,
				 struct dmag_cursor *cursor,
				 const struct dmag_request *req, u64 count,
				 u64 align)
{
	DMAG_CHECK(count && is_power_of_2(align));
	*scan = (struct candidate_scan){ .cursor = cursor,
					 .count = count,
					 .align = align };
	if (req->within.last - req->within.start < count - 1)
		return;
	scan->lowest = round_up(req->within.start, align);
	scan->highest = round_down(req->within.last - (count - 1), align);
	if (scan->lowest > scan->highest)
		return;
	scan->left = div64_u64(scan->highest - scan->lowest, align) + 1;
	scan->next = candidate_scan_resumes(cursor, scan) ? cursor->next :
							    scan->highest;
}

static bool candidate_scan_next(struct candidate_scan *scan,
				struct dmag_range *range)
{
	if (!scan->left)
		return false;
	DMAG_CHECK(scan->lowest <= scan->next && scan->next <= scan->highest);
	scan->left--;
	*range =
		(struct dmag_range){ scan->next, scan->next + scan->count - 1 };
	scan->next = scan->next == scan->lowest ? scan->highest :
						  scan->next - scan->align;
	return true;
}

/* Pass over the candidates that begin at frame @start or above, down from the next one. */
static void candidate_scan_skip_from(struct candidate_scan *scan, u64 start)
{
	u64 skip;

	start = max(start, scan->lowest);
	if (scan->next < start)
		return;
	skip = min(div64_u64(scan->next - start, scan->align) + 1, scan->left);
	scan->left -= skip;
	if (scan->next - scan->lowest < skip * scan->align)
		scan->next = scan->highest;
	else
		scan->next -= skip * scan->align;
}

/* Pass over the other candidates that begin in a pageblock. */
static void candidate_scan_skip(struct candidate_scan *scan, u64 block)
{
	if (scan->next >> pageblock_order == block)
		candidate_scan_skip_from(scan, block << pageblock_order);
}

/*
 * Pass over all candidates with a part in the pageblock of frame @pfn.  So a scan for a
 * large extent, of which many overlap, looks at each page about once.
 */
static void candidate_scan_skip_over(struct candidate_scan *scan, u64 pfn)
{
	u64 first = round_down(pfn, pageblock_nr_pages);

	if (scan->next <= pfn)
		candidate_scan_skip_from(scan,
					 first - min(first, scan->count - 1));
}

/* Let the next claim of the kind begin at @start, where there may be more. */
static void candidate_scan_end(const struct candidate_scan *scan, u64 start)
{
	*scan->cursor = (struct dmag_cursor){
		.lowest = scan->lowest,
		.highest = scan->highest,
		.count = scan->count,
		.align = scan->align,
		.next = start,
		.until = jiffies + DMAG_CURSOR_FOR,
	};
}

/* ---- what the host can spare ----------------------------------------- */

/* Free memory that the users of @zone can have in need; with @any, all of them. */
static long room_free_in_need(struct zone *zone, bool any)
{
	long free = zone_page_state(zone, NR_FREE_PAGES);

	return any ? free - zone_page_state(zone, NR_FREE_CMA_PAGES) : free;
}

/* The watermarks of @zone leave out its reserve for high orders. */
static long room_free(struct zone *zone, bool any)
{
	return room_free_in_need(zone, any) -
	       READ_ONCE(zone->nr_free_highatomic);
}

static long room_mark(const struct zone *zone, enum zone_watermarks mark)
{
	/*
	 * The page allocator raises it for a while under the zone's lock, and reads it
	 * without, as we do: what is left to the host has a margin.
	 */
	return data_race(wmark_pages(zone, mark));
}

/*
 * The room that a zone has for allocations which any zone serves, after it lost
 * @taken frames; negative if it is below its margin.  We demand twice the distance
 * from min to high, because per-CPU lists keep megabytes of what is freed next from
 * other CPUs.  On a large zone that is gigabytes, which such lists never hold.
 * Memory that a zone reserves from these allocations is no room.  A zone is not short
 * of room because that memory is used.
 */
static long room_of_zone(struct zone *zone, long taken, bool any)
{
	long min = room_mark(zone, WMARK_MIN);
	long margin =
		min(2 * (room_mark(zone, WMARK_HIGH) - min), DMAG_MARGIN_MOST);
	long reserve = zone->lowmem_reserve[gfp_zone(GFP_KERNEL)];
	long room = room_free(zone, any) - taken - min - margin;

	return room > 0 ? max(room - reserve, 0L) :
			  max(room, min(reserve - margin, 0L));
}

/*
 * The room of all zones, after @zone lost @taken frames.  A shortfall in one zone
 * must be covered by a surplus in another, because pages may move to either; but the
 * shortfall of another node has nothing to do with memory of this one.
 */
static long room_in_all(struct zone *zone, long taken, bool any)
{
	long room = 0;
	struct zone *other;

	for_each_populated_zone(other) {
		long part = room_of_zone(other, other == zone ? taken : 0, any);

		if (any && zone_idx(other) > gfp_zone(GFP_KERNEL))
			continue;
		if (part > 0 || zone_to_nid(other) == zone_to_nid(zone))
			room += part;
	}
	return room;
}

/* How many pages of a zone could move to other memory; @any as above. */
static long room_for_moves(struct zone *zone, bool any)
{
	return max(room_in_all(zone, 0, any), 0L);
}

/*
 * Whether others have room after a zone lost @free free frames, and while @moves pages
 * move; @any as above.  Memory that the zone reserves from others costs these nothing.
 */
static bool room_affords(struct zone *zone, u64 free, u64 moves, bool any)
{
	long after = room_in_all(zone, free, any) - (long)moves;

	return after >= 0 || after == room_in_all(zone, 0, any);
}

/* The highest zone of a group's reach, of which its devices are users. */
static int room_class(const struct dmag_kgroup *group)
{
	const struct dmag_reach *reach = &group->core.reach;
	int class = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		if (zone->zone_start_pfn <= reach->seg[reach->nr - 1].last)
			class = max_t(int, class, zone_idx(zone));
	return min_t(int, class, gfp_zone(GFP_KERNEL));
}

/* The frames of a zone that a group reaches. */
static u64 room_reached(const struct dmag_kgroup *group,
			const struct zone *zone)
{
	const struct dmag_reach *reach = &group->core.reach;
	u64 frames = 0;

	for (unsigned int i = 0; i < reach->nr; i++) {
		u64 start = max(reach->seg[i].start, zone->zone_start_pfn);
		u64 end = min(reach->seg[i].last + 1, zone_end_pfn(zone));

		frames += start < end ? end - start : 0;
	}
	return frames;
}

/**
 * dmag_candidate_zones_keep() - What zones keep from the devices of a group.
 * @group: the group
 *
 * The min watermark is of a whole zone, so a group that reaches a part of it has that
 * part of the watermark.  Before dma-direct fails it asks the lowest zone, of which
 * nothing is reserved from such a request.
 *
 * Context: Any.
 * Return: frames.
 */
u64 dmag_candidate_zones_keep(const struct dmag_kgroup *group)
{
	struct zone *zone;
	u64 keep = 0;

	for_each_populated_zone(zone) {
		u64 managed = zone_managed_pages(zone);

		keep += mul_u64_u64_div_u64(
			room_mark(zone, WMARK_MIN),
			min(room_reached(group, zone), managed), managed ?: 1);
	}
	return keep;
}

/*
 * Whether the host can spare @free free frames of a zone, and @moves frames in use.
 * The group's devices can have the free memory of their highest zone down to its min
 * watermark, as users of GFP_DMA32 have that of ZONE_DMA32; of a lower zone, the
 * part that is not reserved from these.  Memory that a zone reserves from other
 * users costs these nothing.  But if others could use the memory, the next
 * allocation may trigger the OOM killer unless they have room elsewhere.
 */
static bool room_spares(const struct dmag_kgroup *group, struct zone *zone,
			u64 free, u64 moves, bool any)
{
	long least = room_mark(zone, WMARK_MIN);

	if (!group->effort.to_min)
		least += zone->lowmem_reserve[room_class(group)];
	if (free && room_free(zone, any) - (long)free < least)
		return false;
	return room_affords(zone, free, moves, any);
}

/* ---- choosing -------------------------------------------------------- */

/* Of which pageblocks. */
enum candidate_choice {
	UNPROTECTED,
	PROTECTED,
	EITHER,
};

static bool candidate_chosen(const struct dmag_range *range,
			     enum candidate_choice choice)
{
	if (choice == EITHER)
		return true;
	return dmag_range_protected(range) == (choice == PROTECTED);
}

/* Whether a claim takes memory of this node at present; all, if of no node. */
static bool candidate_on_node(const struct dmag_kgroup *group, u64 pfn)
{
	const struct dmag_effort *effort = &group->effort;

	if (effort->gfp &&
	    !cpuset_zone_allowed(page_zone(pfn_to_page(pfn)), effort->gfp))
		return false;
	return effort->node == NUMA_NO_NODE || pfn_to_nid(pfn) == effort->node;
}

/*
 * Whether the host can spare a candidate, in whose pageblocks @moves pages are in
 * use, and @spare frames of other memory.
 */
static bool candidate_spared(const struct dmag_kgroup *group,
			     const struct dmag_range *range, bool protected,
			     long moves, long spare)
{
	u64 count = range->last - range->start + 1;

	return room_spares(group, page_zone(pfn_to_page(range->start)),
			   count - min_t(u64, moves, count),
			   min_t(u64, moves, count) + spare, !protected);
}

/*
 * Unless the claim reclaims, the host must be able to spare the memory.  If a page of the
 * candidate cannot move, @stays is set to its frame.
 */
static long candidate_judge(struct dmag_kgroup *group,
			    const struct dmag_range *range, enum dmag_rung rung,
			    enum candidate_choice choice, long most, u64 *stays)
{
	struct dmag_range judged = dmag_whole_pageblocks(range);
	bool reclaims = rung == DMAG_CLAIM_RECLAIM;
	bool protected = dmag_range_protected(range);
	/* Only the last resort waits a moment for writeback, which it may begin. */
	enum dmag_page_use worst = reclaims ? DMAG_PAGE_WRITEBACK :
					      DMAG_PAGE_MOVES;
	long moves;

	if (candidate_failed_lately(range, rung) ||
	    !candidate_chosen(&judged, choice) ||
	    dmag_range_owned(group, range) ||
	    !dmag_pageblock_usable(group, &judged) ||
	    !candidate_on_node(group, range->start))
		return -1;
	most = min(most, group->effort.most_moves);
	if (!reclaims)
		most = min(most,
			   room_for_moves(page_zone(pfn_to_page(range->start)),
					  !protected));
	moves = candidate_moves(&judged, range, worst, most, stays);
	if (moves >= 0 && !reclaims &&
	    !candidate_spared(group, range, protected, moves, 0))
		return -1;
	return moves;
}

/**
 * dmag_candidate_check() - Whether a candidate can be emptied now.
 * @group: the group
 * @range: the candidate, online
 * @protected: whether it is protected
 * @spare: frames that the host should be able to spare beside it
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; -EBUSY if a page cannot move; -ENOSPC if the host cannot spare the memory.
 */
int dmag_candidate_check(const struct dmag_kgroup *group,
			 const struct dmag_range *range, bool protected,
			 long spare)
{
	long moves;

	lockdep_assert_held(&dmag_mutex);
	moves = dmag_pages_to_move(range, DMAG_PAGE_LOCKED);
	if (moves < 0)
		return -EBUSY;
	return candidate_spared(group, range, protected, moves, spare) ?
		       0 :
		       -ENOSPC;
}

/*
 * Whether a zone could lose as much as a candidate has.  While the host is short of
 * memory, this saves a look at each.
 */
static bool candidate_scan_affords(struct candidate_scan *scan,
				   const struct dmag_range *range, bool any)
{
	struct page *page = pfn_to_online_page(range->start);

	if (page && scan->zone != page_zone(page)) {
		scan->zone = page_zone(page);
		scan->affords = room_affords(scan->zone, scan->count, 0, any);
	}
	return page && scan->affords;
}

/*
 * The best of the first few candidates that can be had.  A reserve claims a whole
 * pageblock: a claim of one half would spoil the other half for the next.  A group
 * without a reserve has no use for more than the request.
 */
static int candidate_find_best(struct dmag_kgroup *group,
			       const struct dmag_request *req,
			       enum dmag_rung rung,
			       enum candidate_choice choice,
			       struct dmag_range *best)
{
	u64 unit = min(pageblock_nr_pages, DMAG_PAGEBLOCK_MOST);
	bool whole = group->core.marks.high &&
		     round_up(req->within.start, unit) + unit - 1 <=
			     req->within.last;
	u64 count = max(req->count, whole ? unit : 0);
	u64 align = max(req->align, req->count < count ? count : 1);
	unsigned int judged = 0, scanned = 0;
	long most = LONG_MAX;
	int end = 0, ret = -EAGAIN;
	struct dmag_range range;
	struct candidate_scan scan;

	candidate_scan_begin(&scan, &group->cursor[rung], req, count, align);
	while (!end && most >= 0 && judged < DMAG_CANDIDATES &&
	       candidate_scan_next(&scan, &range)) {
		u64 stays = U64_MAX;
		long moves = -1;

		if (rung == DMAG_CLAIM_RECLAIM ||
		    candidate_scan_affords(&scan, &range,
					   choice == UNPROTECTED))
			moves = candidate_judge(group, &range, rung, choice,
						most, &stays);
		if (stays != U64_MAX)
			candidate_scan_skip_over(&scan, stays);
		cond_resched();
		if (!(++scanned % DMAG_SCAN_BATCH))
			dmag_kgroup_yield(group);
		if (moves >= 0) {
			*best = range;
			most = moves - 1;
			ret = 0;
		}
		judged += !ret;
		end = dmag_kgroup_give_up(group);
	}
	if (end)
		ret = end;
	else if (!ret)
		candidate_scan_end(&scan, best->start);
	trace_dmag_scan(group->id, count, rung, scanned, !ret);
	return ret;
}

/**
 * dmag_candidate_find() - Find something to claim by migration.
 * @group: the group
 * @req: what is wanted
 * @rung: how hard it will be tried
 * @best: what should be tried
 *
 * A claim of a single block takes protected pageblocks only if there is no other
 * memory, since it would cut the runs that protection keeps together.
 *
 * Context: Process, under dmag_mutex.
 * Return: 0; -EAGAIN if no candidate looks as if it could be taken; or as
 * dmag_kgroup_give_up().
 */
int dmag_candidate_find(struct dmag_kgroup *group,
			const struct dmag_request *req, enum dmag_rung rung,
			struct dmag_range *best)
{
	int ret;

	lockdep_assert_held(&dmag_mutex);
	if (req->count > DMAG_BLOCK_FRAMES)
		return candidate_find_best(group, req, rung, EITHER, best);
	ret = candidate_find_best(group, req, rung, UNPROTECTED, best);
	if (ret == -EAGAIN)
		ret = candidate_find_best(group, req, rung, PROTECTED, best);
	return ret;
}

/* The free page that frames [@pfn, @pfn + 2^@order) are part of, if any. */
static struct page *candidate_free_page(u64 pfn, unsigned int order)
{
	for (; order <= MAX_PAGE_ORDER; order++) {
		struct page *page =
			pfn_to_online_page(round_down(pfn, 1UL << order));

		if (page && PageBuddy(page) &&
		    buddy_order_unsafe(page) >= order)
			return page;
	}
	return NULL;
}

/* In a function of its own, for alloc_hooks() to charge the pages to dmag. */
static struct page *candidate_allocated_noprof(struct page *page,
					       unsigned int order, gfp_t gfp)
{
	post_alloc_hook(page, order, gfp);
	set_page_refcounted(page);
	return page;
}

/**
 * dmag_make_allocated() - Turn a free page into allocated single pages.
 * @page: the page, out of the buddy allocator and without a reference
 * @order: its order
 *
 * Context: Process.
 */
void dmag_make_allocated(struct page *page, unsigned int order)
{
	DMAG_CHECK(!page_ref_count(page) && !PageBuddy(page));
	alloc_hooks(candidate_allocated_noprof(page, order, DMAG_GFP_META));
	split_page(page, order);
}

/*
 * Of a free page of order @from, taken out of the buddy allocator, keep the
 * 2^@order frames at @pfn.  The rest goes back in halves, so that it stays free in
 * large pieces.  If it were freed as single pages, some would lie on per-CPU lists,
 * and a later claim could not take the frames next to @pfn.
 */
static struct page *candidate_put_back_rest(struct page *page,
					    unsigned int from, u64 pfn,
					    unsigned int order)
{
	DMAG_CHECK(from >= order);
	while (from > order) {
		struct page *rest = page + (1UL << --from);

		if (page_to_pfn(rest) <= pfn)
			swap(page, rest);
		__putback_isolated_page(rest, from,
					get_pageblock_migratetype(rest));
	}
	return page;
}

/*
 * Take @range, naturally aligned, out of the buddy allocator if it is free.  Return
 * 0; -EAGAIN; or -ENOSPC if it is part of a free page, of whole pageblocks, that is
 * too large for the zone to lose even for a moment.
 */
static int candidate_take_free(struct dmag_kgroup *group,
			       const struct dmag_range *range)
{
	u64 count = range->last - range->start + 1;
	unsigned int order = order_base_2(count);
	struct zone *zone = page_zone(pfn_to_page(range->start));
	int ret = -EAGAIN;
	struct page *page;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	page = dmag_pageblock_usable(group, range) ?
		       candidate_free_page(range->start, order) :
		       NULL;
	if (page) {
		unsigned int from = buddy_order(page);

		if (__isolate_free_page(page, from)) {
			page = candidate_put_back_rest(page, from, range->start,
						       order);
			ret = 0;
		} else if (from >= pageblock_order) {
			ret = -ENOSPC;
		}
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	if (ret)
		return ret;

	/* As after any allocation that takes a zone below low. */
	if (!zone_watermark_ok(zone, 0, room_mark(zone, WMARK_LOW),
			       zone_idx(zone), 0))
		wakeup_kswapd(zone, GFP_KERNEL, 0, zone_idx(zone));
	dmag_make_allocated(page, order);
	if (count < 1UL << order)
		free_contig_range(range->last + 1, (1UL << order) - count);
	return 0;
}

static bool candidate_zone_has_free(struct zone *zone, unsigned int order)
{
	unsigned long nr = 0;

	for (; order <= MAX_PAGE_ORDER; order++)
		nr += READ_ONCE(zone->free_area[order].nr_free);
	return nr;
}

/*
 * Whether free memory of the pageblock of @range could be claimed.  The pageblock
 * is judged once for all candidates that begin in it.
 */
static bool candidate_block_has_free(struct dmag_kgroup *group,
				     const struct dmag_range *range,
				     enum candidate_choice choice)
{
	u64 count = range->last - range->start + 1;
	struct page *page = pfn_to_online_page(range->start);

	cond_resched();
	return page && candidate_on_node(group, range->start) &&
	       candidate_chosen(range, choice) &&
	       dmag_page_usable(group, page) &&
	       candidate_zone_has_free(page_zone(page), order_base_2(count)) &&
	       room_spares(group, page_zone(page), count, 0,
			   !dmag_range_protected(range));
}

/*
 * Move a candidate to the highest place in the free page that it is part of, if
 * any.  Below the first candidate of a pageblock the head of that page is enough to
 * look at, because it is a candidate too.
 */
static bool candidate_rise(const struct candidate_scan *scan, bool first,
			   struct dmag_range *range)
{
	unsigned int least = order_base_2(scan->count), order;
	struct page *page = pfn_to_page(range->start);
	u64 end;

	if (first || range->start == scan->lowest)
		page = candidate_free_page(range->start, least);
	if (!page || !PageBuddy(page))
		return false;
	/* Another CPU may take the page now, and its order is something else then. */
	order = buddy_order_unsafe(page);
	if (order < least || order > MAX_PAGE_ORDER)
		return false;
	end = page_to_pfn(page) + (1ULL << order);
	if (end < range->start + scan->count)
		return false;
	range->start =
		min(round_down(end - scan->count, scan->align), scan->highest);
	range->last = range->start + scan->count - 1;
	return true;
}

/**
 * dmag_candidate_take_free() - Claim free memory.
 * @group: the group
 * @req: what is wanted
 * @got: the frames that were taken: allocated single pages
 *
 * Context: Process, under dmag_mutex, which it may let go of as dmag_kgroup_yield().
 * Return: 0; -EAGAIN if nothing is free; -ENOSPC if @got is free, but has to be taken
 * by isolating its pageblock; or as dmag_kgroup_give_up().
 */
int dmag_candidate_take_free(struct dmag_kgroup *group,
			     const struct dmag_request *req,
			     struct dmag_range *got)
{
	u64 align = max(req->align, roundup_pow_of_two(req->count));
	bool single = req->count <= DMAG_BLOCK_FRAMES;
	enum candidate_choice choice = single ? UNPROTECTED : EITHER;
	u64 block = U64_MAX;
	unsigned int scanned = 0;
	struct candidate_scan scan;
	int end, ret = -EAGAIN;

	lockdep_assert_held(&dmag_mutex);
	if (req->count > MAX_ORDER_NR_PAGES)
		return -EAGAIN;
	candidate_scan_begin(&scan, &group->cursor[DMAG_CLAIM_FREE], req,
			     req->count, align);
	while (ret == -EAGAIN && candidate_scan_next(&scan, got)) {
		bool first = got->start >> pageblock_order != block;

		block = got->start >> pageblock_order;
		if (first && !candidate_block_has_free(group, got, choice))
			candidate_scan_skip(&scan, block);
		else if (candidate_rise(&scan, first, got) &&
			 !dmag_range_owned(group, got))
			ret = candidate_take_free(group, got);
		if (!first || ret != -EAGAIN)
			continue;
		if (!(++scanned % DMAG_SCAN_BATCH))
			dmag_kgroup_yield(group);
		end = dmag_kgroup_give_up(group);
		if (end)
			ret = end;
	}
	if (!ret || ret == -ENOSPC)
		candidate_scan_end(&scan, got->start);
	return ret;
}

/* ---- the last resort of requests that may not wait -------------------- */

/*
 * How many free pages of one order are looked at, with the zone locked.  Those of
 * MIGRATE_CMA may be those of an area or of other groups; 64 large ones are 256 MiB.
 * Of other types the first one fits, unless the reach is only a part of the zone.
 */
#define DMAG_LAST_LOOKS_CMA 64
#define DMAG_LAST_LOOKS 8

/*
 * The free memory that a request leaves in a zone: as the page allocator has it, less
 * what the reserve holds free, since without a group that would be the zone's.  A
 * quarter of min is left in any case.
 */
static long last_least(const struct dmag_kgroup *group, struct zone *zone,
		       gfp_t gfp)
{
	long min = min_wmark_pages(zone), least = min;

	if (gfp & __GFP_HIGH)
		least -= least / 2 + least / 8;
	least -= READ_ONCE(group->core.frames.free);
	return max(least, min / 4);
}

/* As dmag_page_usable(), and protected pageblocks of @any group. */
static bool last_usable(const struct dmag_kgroup *group, struct page *page,
			bool any)
{
	return dmag_page_usable(
		any ? dmag_protector(page_to_pfn(page)) ?: group : group, page);
}

/* Whether a page on a list of free ones may be taken, and is within reach. */
static bool last_fits(const struct dmag_kgroup *group, struct page *page,
		      unsigned int order, bool any)
{
	u64 pfn = page_to_pfn(page), end = pfn + (1ULL << order);

	if (!dmag_reach_contains(&group->core.reach, pfn, end - 1))
		return false;
	for (; pfn < end; pfn += pageblock_nr_pages)
		if (!last_usable(group, pfn_to_page(pfn), any))
			return false;
	return true;
}

/* A page on a list of free ones that begins with 2^@order frames for the group. */
static struct page *last_find(const struct dmag_kgroup *group,
			      struct list_head *free, unsigned int order,
			      bool any, int looks)
{
	struct page *page;

	list_for_each_entry(page, free, buddy_list) {
		if (last_fits(group, page, order, any))
			return page;
		if (!--looks)
			break;
	}
	return NULL;
}

/* Whether the page allocator lets a request have its reserves: ALLOC_RESERVES. */
static bool last_in_need(gfp_t gfp)
{
	return gfp & __GFP_HIGH ||
	       !(gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOMEMALLOC));
}

static struct page *last_take(const struct dmag_kgroup *group,
			      struct zone *zone, unsigned int order, int type,
			      bool any, gfp_t gfp)
{
	bool cma = is_migrate_cma(type);
	long left = (last_in_need(gfp) ? room_free_in_need(zone, !cma) :
					 room_free(zone, !cma)) -
		    (1L << order);

	lockdep_assert_held(&zone->lock);
	if (left < last_least(group, zone, gfp))
		return NULL;
	for (unsigned int from = order; from < NR_PAGE_ORDERS; from++) {
		struct free_area *area = &zone->free_area[from];
		struct page *page =
			last_find(group, &area->free_list[type], order, any,
				  cma ? DMAG_LAST_LOOKS_CMA : DMAG_LAST_LOOKS);

		if (!page)
			continue;
		__take_free_page(page, from);
		return candidate_put_back_rest(page, from, page_to_pfn(page),
					       order);
	}
	return NULL;
}

/*
 * Protected memory comes first, the group's own, then that of others: the page
 * allocator has refused the rest.
 */
static struct page *last_take_of_zone(const struct dmag_kgroup *group,
				      struct zone *zone, unsigned int order,
				      gfp_t gfp)
{
	static const int types[] = { MIGRATE_CMA, MIGRATE_CMA,
				     MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE,
				     MIGRATE_MOVABLE };
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	for (unsigned int i = 0; i < ARRAY_SIZE(types) && !page; i++)
		page = last_take(group, zone, order, types[i], i > 0, gfp);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

/**
 * dmag_candidate_take_last() - Take free memory that the page allocator refuses.
 * @group: the group
 * @node: the node whose memory comes first
 * @order: of the page that is wanted
 * @gfp: the flags of the request
 *
 * A member that may not wait, and that neither the reserve nor the zones served, may
 * have free memory of protected pageblocks, which without groups would be the zone's;
 * and of others, as far below the watermark as the reserve makes up for.  The group
 * does not own it.
 *
 * Context: Any that alloc_pages() may be called in, under RCU.  The cost is bounded.
 * Return: the page, as from alloc_pages(); or NULL.
 */
struct page *dmag_candidate_take_last(const struct dmag_kgroup *group, int node,
				      unsigned int order, gfp_t gfp)
{
	const struct dmag_reach *reach = &group->core.reach;
	enum zone_type highest = gfp_zone(GFP_KERNEL);
	struct page *page = NULL;
	struct zoneref *ref;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "last resort without RCU");
	ref = first_zones_zonelist(node_zonelist(node, gfp), highest, NULL);
	for (; !page && zonelist_zone(ref);
	     ref = next_zones_zonelist(ref + 1, highest, NULL)) {
		struct zone *zone = zonelist_zone(ref);

		if (zone->zone_start_pfn <= reach->seg[reach->nr - 1].last)
			page = last_take_of_zone(group, zone, order, gfp);
	}
	if (!page)
		return NULL;
	return alloc_hooks(candidate_allocated_noprof(page, order, gfp));
}
