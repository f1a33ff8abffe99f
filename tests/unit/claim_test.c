// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* The claim ladder on the model machine: one rung, one failure at a time. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine.h"

#define BLOCK DMAG_BLOCK_FRAMES
#define BLOCKS 32
#define PAGES (BLOCKS * BLOCK)
#define LIMIT(frames) (((u64)(frames) << PAGE_SHIFT) - 1)

static const struct dmag_range ram[] = { { 0, PAGES - 1 } };
static struct machine m;
static struct dmag_member low, high; /* reach half of RAM, and all of it */

static int setup(void **state)
{
	machine_init(&m, ram, 1);
	memset(&low, 0, sizeof(low));
	memset(&high, 0, sizeof(high));
	low.constraint.limit = LIMIT(PAGES / 2);
	high.constraint.limit = U64_MAX;
	return 0;
}

static int teardown(void **state)
{
	machine_exit(&m);
	return 0;
}

static void assert_sound(void)
{
	const char *wrong = machine_check(&m, 4);

	if (wrong)
		fail_msg("%s", wrong);
}

static int balance(struct dmag_member *member)
{
	int ret = dmag_group_balance(&m.reg, member->group, &machine_backend);

	assert_sound();
	return ret;
}

static int alloc(struct dmag_member *member, u64 count, u64 *pfn)
{
	int ret = machine_alloc(&m, member, count, pfn);

	assert_sound();
	return ret;
}

static void put(struct dmag_member *member, u64 pfn, u64 count)
{
	assert_int_equal(dmag_group_put(member->group, pfn, count), 0);
}

/* The reserve of @low is full, and all of it converted. */
static void join_shared(void)
{
	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
}

/* The device goes, its buffers are back, and so is all memory. */
static void leave_clean(struct dmag_member *member)
{
	machine_leave(&m, member);
	assert_sound();
	assert_null(member->group);
}

/* Blocking requests have to claim. */
static void keep_for_atomic(struct dmag_group *g)
{
	g->marks.min = g->frames.free;
	g->marks.low = max(g->marks.low, g->marks.min);
	g->marks.high = max(g->marks.high, g->marks.low);
}

static void fills_to_high(void **state)
{
	machine_join(&m, &low);
	machine_join(&m, &high);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(low.group->frames.free, 1024);
	/* Memory that only the other one can use is taken from the top. */
	assert_int_equal(balance(&high), 0);
	assert_int_equal(dmag_frames_state(&high.group->frames, PAGES - 1),
			 DMAG_FREE);
	leave_clean(&high);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
	assert_int_equal(m.reg.nr_groups, 0);
}

static void reserve_serves_first(void **state)
{
	u64 pfn, calls;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	calls = m.calls;
	assert_int_equal(alloc(&low, 512, &pfn), 0);
	assert_int_equal(m.calls, calls);
	/* At min now: the next one has to claim. */
	assert_int_equal(low.group->frames.free, low.group->marks.min);
	put(&low, pfn, 512);
	assert_int_equal(alloc(&low, 16, &pfn), 0);
	assert_int_equal(m.calls, calls);
	put(&low, pfn, 16);
	leave_clean(&low);
}

/* No rest of a block stays behind, which would serve no request. */
static void claims_exactly_without_reserve(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	low.group->marks = (struct dmag_marks){ 0 };
	assert_int_equal(alloc(&low, 3, &pfn), 0);
	assert_int_equal(low.group->frames.used, 3);
	assert_int_equal(low.group->frames.free, 0);
	put(&low, pfn, 3);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/*
 * A run of three frames lies behind more short holes than a bounded search looks
 * at.  An atomic request does without; one that could climb finds it, since the
 * host has nothing to claim.
 */
static void finds_the_last_run(void **state)
{
	struct dmag_request req = DMAG_REQUEST(3);
	struct dmag_group *group;
	u64 base, pfn;

	machine_join(&m, &low);
	group = low.group;
	group->marks = (struct dmag_marks){ 0 };
	assert_int_equal(alloc(&low, 8 * BLOCK, &base), 0);
	machine_hog(&m, PAGES);
	for (pfn = base; pfn <= base + 64 * DMAG_SEARCH_MAX; pfn += 64)
		put(&low, pfn, 2);
	put(&low, base + 8 * BLOCK - 64, 3);
	req.align = 4;
	assert_int_equal(dmag_group_get(group, &req, true, &pfn), -ENOMEM);
	assert_int_equal(dmag_group_alloc(&m.reg, group, &machine_backend, &req,
					  &pfn),
			 0);
	assert_int_equal(pfn, base + 8 * BLOCK - 64);
	assert_int_equal(group->frames.search_max, DMAG_SEARCH_MAX);
	assert_sound();
}

/* A page that is free does for one page; no block is reclaimed for it. */
static void no_block_for_a_page(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	machine_set(&m, 0, PAGES - 1, MACHINE_CACHE);
	machine_set(&m, 77, 77, MACHINE_FREE);
	assert_int_equal(alloc(&low, 1, &pfn), 0);
	assert_int_equal(pfn, 77);
	assert_int_equal(m.dropped, 0);
	/* For the next one it is. */
	assert_int_equal(alloc(&low, 1, &pfn), 0);
	assert_true(m.dropped > 0);
	put(&low, pfn, 1);
	put(&low, 77, 1);
	leave_clean(&low);
}

/* A run has no place but where a surplus lies that would go back anyway. */
static void surplus_makes_way(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(alloc(&low, 4 * BLOCK, &pfn), 0);
	assert_int_equal(pfn, 8 * BLOCK);
	put(&low, pfn, 4 * BLOCK);
	machine_set(&m, 0, 0, MACHINE_PINNED);
	assert_int_equal(alloc(&low, 5 * BLOCK, &pfn), 0);
	assert_int_equal(pfn, 8 * BLOCK);
	assert_true(low.group->frames.free >= low.group->marks.high);
	put(&low, pfn, 5 * BLOCK);
	leave_clean(&low);
}

static void climbs_below_min(void **state)
{
	u64 pfn[2];

	machine_join(&m, &low);
	assert_int_equal(alloc(&low, 1, &pfn[0]), 0);
	assert_int_equal(m.count[MACHINE_OWNED], BLOCK);
	/* The rest is the reserve, below min, and is left alone. */
	assert_int_equal(alloc(&low, 1, &pfn[1]), 0);
	assert_int_equal(low.group->frames.free, 2 * BLOCK - 2);
	put(&low, pfn[1], 1);
	assert_int_equal(alloc(&low, 512, &pfn[1]), 0);
	put(&low, pfn[0], 1);
	put(&low, pfn[1], 512);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/* Free memory first, then what can move, then what can be dropped. */
static void rungs_in_order(void **state)
{
	u64 pfn[3];

	machine_join(&m, &low);
	low.group->marks.min = 0;
	machine_set(&m, 0, 14 * BLOCK - 1, MACHINE_CACHE);
	machine_set(&m, 15 * BLOCK, PAGES - 1, MACHINE_CACHE);
	assert_int_equal(alloc(&low, 512, &pfn[0]), 0);
	assert_int_equal(pfn[0], 14 * BLOCK);
	assert_int_equal(m.moved + m.dropped, 0);
	machine_set(&m, 20 * BLOCK, 21 * BLOCK - 1, MACHINE_FREE);
	assert_int_equal(alloc(&low, 512, &pfn[1]), 0);
	assert_int_equal(m.moved, 512);
	assert_int_equal(m.dropped, 0);
	assert_int_equal(alloc(&low, 512, &pfn[2]), 0);
	assert_int_equal(m.moved, 512);
	assert_int_equal(m.dropped, 512);
	put(&low, pfn[0], 512);
	put(&low, pfn[1], 512);
	put(&low, pfn[2], 512);
	leave_clean(&low);
}

static void pinned_memory_is_out(void **state)
{
	u64 pfn = 7;

	machine_join(&m, &low);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	assert_int_equal(alloc(&low, 1, &pfn), -ENOMEM);
	assert_int_equal(pfn, 7);
	assert_int_equal(balance(&low), -ENOMEM);
	leave_clean(&low);
}

/* A pinned page in each block: no block can be had, what is between can. */
static void pin_each_block(void)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		machine_set(&m, i * BLOCK, i * BLOCK, MACHINE_PINNED);
}

/* The reserve took the only run.  Pieces from elsewhere take its place, above min. */
static void reserve_holds_the_run(void **state)
{
	struct dmag_group *g;
	u64 pfn;

	machine_join(&m, &low);
	g = low.group;
	assert_int_equal(balance(&low), 0);
	assert_int_equal(g->frames.free, 2 * BLOCK);
	for (pfn = 0; pfn < PAGES - 2 * BLOCK; pfn += 2)
		if (dmag_frames_state(&g->frames, pfn) == DMAG_FOREIGN)
			machine_set(&m, pfn, pfn, MACHINE_PINNED);
	assert_int_equal(alloc(&low, 2 * BLOCK, &pfn), 0);
	assert_int_equal(g->frames.free, g->marks.min);
	put(&low, pfn, 2 * BLOCK);
	leave_clean(&low);
}

/* Nor does it go below min if there are no pieces. */
static void reserve_keeps_the_run(void **state)
{
	struct dmag_group *g;
	u64 pfn;

	machine_join(&m, &low);
	g = low.group;
	assert_int_equal(balance(&low), 0);
	machine_hog(&m, PAGES);
	assert_int_equal(alloc(&low, 2 * BLOCK, &pfn), -ENOMEM);
	assert_int_equal(g->frames.free, 2 * BLOCK);
	leave_clean(&low);
}

static void less_when_it_must(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	pin_each_block();
	assert_int_equal(alloc(&low, 256, &pfn), 0);
	assert_int_equal(pfn % 512, 256);
	assert_int_equal(alloc(&low, 512, &pfn), -ENOMEM);
	put(&low, pfn, 256);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES - BLOCKS);
}

/* Single frames are worth min, and no more. */
static void pieces_fill_to_min(void **state)
{
	struct dmag_group *g;
	u64 calls;

	machine_join(&m, &low);
	g = low.group;
	pin_each_block();
	assert_int_equal(balance(&low), -ENOMEM);
	assert_int_equal(g->frames.free, g->marks.min);
	assert_true(dmag_group_low(g));
	/* Once more is in vain, and asks for blocks alone. */
	calls = m.calls;
	assert_int_equal(balance(&low), -ENOMEM);
	assert_int_equal(m.calls, calls + DMAG_CLAIM_SURPLUS);
	machine_set(&m, 0, 0, MACHINE_FREE);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(g->frames.free, g->marks.high);
	assert_int_equal(dmag_frames_state(&g->frames, 0), DMAG_FREE);
	leave_clean(&low);
}

static void assert_fills(u64 calls)
{
	struct dmag_group *g = low.group;

	assert_int_equal(balance(&low), 0);
	assert_int_equal(g->frames.free, g->marks.high);
	assert_int_equal(g->marks.high, dmag_reach_frames(&g->reach) / 4);
	assert_int_equal(m.calls, calls);
	leave_clean(&low);
	m.calls = 0;
}

/* 1, 4 and 8 MiB: a block is all of the reach, half, or the quarter allowed. */
static void small_reaches_fill(void **state)
{
	low.constraint.limit = LIMIT(256);
	machine_join(&m, &low);
	assert_fills(256 / 4 / 16);
	low.constraint.limit = LIMIT(1024);
	machine_join(&m, &low);
	assert_fills(1024 / 4 / 16);
	low.constraint.limit = LIMIT(2048);
	machine_join(&m, &low);
	assert_fills(1);
}

/* As large as four blocks, and there is no place for one. */
static void scattered_reaches_fill(void **state)
{
	struct dmag_window w[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(w); i++) {
		w[i].cpu = (2 * i * BLOCK + BLOCK / 2) << PAGE_SHIFT;
		w[i].bus = w[i].cpu;
		w[i].size = BLOCK << PAGE_SHIFT;
	}
	low.constraint.windows = w;
	low.constraint.nr_windows = ARRAY_SIZE(w);
	machine_join(&m, &low);
	assert_int_equal(low.group->marks.high, BLOCK);
	assert_fills(BLOCK / 16);
}

/* A partial fill is a defined result. */
static void fills_what_there_is(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	machine_set(&m, 100, 150, MACHINE_FREE);
	assert_int_equal(balance(&low), -ENOMEM);
	assert_int_equal(low.group->frames.free, 51);
	/* All of it is below min, and so only for those who cannot wait. */
	assert_int_equal(alloc(&low, 1, &pfn), -ENOMEM);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], 51);
}

/* 24 MiB, of which no cell has more than 16. */
static void large_runs_cross_cells(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	machine_join(&m, &high);
	assert_int_equal(alloc(&high, 12 * BLOCK, &pfn), 0);
	assert_int_equal(pfn % (16 * BLOCK), 0);
	put(&high, pfn, 12 * BLOCK);
	leave_clean(&high);
	machine_join(&m, &high);
	high.group->marks = (struct dmag_marks){ 0 };
	machine_set(&m, 20 * BLOCK, 20 * BLOCK, MACHINE_PINNED);
	assert_int_equal(alloc(&high, 24 * BLOCK, &pfn), -ENOMEM);
	machine_set(&m, 20 * BLOCK, 20 * BLOCK, MACHINE_FREE);
	assert_int_equal(alloc(&high, 24 * BLOCK, &pfn), 0);
	assert_int_equal(pfn, 0);
	put(&high, pfn, 24 * BLOCK);
	leave_clean(&high);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/* A run of several blocks is handed out as it was claimed. */
static void large_runs_are_claimed_once(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(alloc(&low, 4 * BLOCK, &pfn), 0);
	assert_int_equal(m.count[MACHINE_OWNED], 4 * BLOCK);
	put(&low, pfn, 4 * BLOCK);
	/* The reserve cannot give three of them and keep min, but two. */
	assert_int_equal(alloc(&low, 2 * BLOCK, &pfn), 0);
	assert_int_equal(m.count[MACHINE_OWNED], 4 * BLOCK);
	put(&low, pfn, 2 * BLOCK);
	leave_clean(&low);
}

/* Two blocks' worth between pinned pages, at no block's start. */
static void large_runs_lie_anywhere(void **state)
{
	struct dmag_request rq = { .count = 1024 };
	u64 pfn;

	machine_join(&m, &low);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	machine_set(&m, 100, 1123, MACHINE_FREE);
	rq.within.last = DMAG_PFN_MAX;
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &machine_backend,
					  &rq, &pfn),
			 0);
	assert_int_equal(pfn, 100);
	put(&low, pfn, 1024);
	leave_clean(&low);
}

static void large_runs_may_not_be_had(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	assert_int_equal(alloc(&low, 4 * BLOCK, &pfn), -ENOMEM);
	leave_clean(&low);
}

/* A boundary makes the claim align, so that any run in it is within. */
static void boundaries_hold(void **state)
{
	struct dmag_request rq = { .count = 700, .boundary = 2048 };
	unsigned int i;
	u64 pfn[6];

	machine_join(&m, &low);
	rq.within.last = DMAG_PFN_MAX;
	for (i = 0; i < 6; i++) {
		assert_int_equal(dmag_group_alloc(&m.reg, low.group,
						  &machine_backend, &rq,
						  &pfn[i]),
				 0);
		assert_int_equal(pfn[i] / 2048, (pfn[i] + 699) / 2048);
		assert_sound();
	}
	for (i = 0; i < 6; i++)
		put(&low, pfn[i], 700);
	rq.count = 48;
	rq.boundary = 64;
	keep_for_atomic(low.group);
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &machine_backend,
					  &rq, &pfn[0]),
			 0);
	assert_int_equal(pfn[0] / 64, (pfn[0] + 47) / 64);
	put(&low, pfn[0], 48);
	leave_clean(&low);
}

/* Extents are claimed where they are aligned on the bus. */
static void phases_hold(void **state)
{
	static const u64 counts[] = { 16, 512, 700 };
	struct dmag_request rq = { .within = { 0, DMAG_PFN_MAX } };
	unsigned int i, n = 0;
	u64 pfn[6];

	machine_join(&m, &low);
	for (i = 0; i < 3; i++) {
		rq.count = counts[i];
		rq.align = i == 2 ? 1024 : counts[i];
		for (rq.phase = 8; rq.phase <= 1024; rq.phase += 1016) {
			keep_for_atomic(low.group);
			assert_int_equal(dmag_group_alloc(&m.reg, low.group,
							  &machine_backend, &rq,
							  &pfn[n]),
					 0);
			assert_int_equal((pfn[n++] + rq.phase) % rq.align, 0);
			assert_sound();
		}
	}
	while (n--)
		put(&low, pfn[n], counts[n / 2]);
	leave_clean(&low);
}

/* A request for a place that the reach does not have. */
static void within_is_respected(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	machine_join(&m, &low);
	low.group->marks.min = 0;
	rq.within.start = 3 * BLOCK;
	rq.within.last = 4 * BLOCK - 1;
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &machine_backend,
					  &rq, &pfn),
			 0);
	assert_int_equal(pfn, 3 * BLOCK);
	put(&low, pfn, 1);
	rq.within.start = PAGES / 2;
	rq.within.last = PAGES - 1;
	assert_int_equal(dmag_group_alloc(NULL, low.group, &machine_backend,
					  &rq, &pfn),
			 -ENOMEM);
	leave_clean(&low);
}

static void draw(struct dmag_member *member, u64 count)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	while (count--)
		assert_int_equal(dmag_group_get(member->group, &rq, true, &pfn),
				 0);
}

/* Refilling makes up for draws, each frame once; claims for requests do not. */
static void refilling_makes_up(void **state)
{
	struct dmag_group *g;
	u64 pfn;

	machine_join(&m, &low);
	g = low.group;
	assert_int_equal(balance(&low), 0);
	draw(&low, 1000);
	assert_int_equal(alloc(&low, 512, &pfn), 0);
	assert_int_equal(alloc(&low, 1, &pfn), 0);
	assert_int_equal(g->frames.free, 24 + 511);
	assert_int_equal(g->drawn, 1000);
	machine_set(&m, BLOCK, PAGES - 1, MACHINE_PINNED);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(g->frames.free, 24 + 511 + 512);
	assert_int_equal(g->drawn, 1000 - 512);
}

static void refilling_makes_up_shared(void **state)
{
	low.constraint.attrs = DMAG_SHARED;
	refilling_makes_up(state);
}

/* A block of @low's reserve in blocks @first to @last. */
static int refill(u64 first, u64 last)
{
	const struct dmag_range within = { first * BLOCK,
					   last * BLOCK + BLOCK - 1 };
	int ret = dmag_group_refill(low.group, &machine_backend, &within);

	assert_sound();
	return ret;
}

static void refills_in_place(void **state)
{
	const struct dmag_range odd_place = { 4 * BLOCK + 1, 6 * BLOCK - 2 };
	struct dmag_group *g;
	u64 calls;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	g = low.group;
	draw(&low, 700);
	assert_int_equal(refill(4, 5), 0);
	assert_int_equal(dmag_frames_state(&g->frames, 5 * BLOCK), DMAG_FREE);
	assert_int_equal(g->drawn, 700 - BLOCK);
	/* That high is reached does not matter, but that there is room. */
	machine_set(&m, 4 * BLOCK, 4 * BLOCK + 9, MACHINE_MOVABLE);
	assert_int_equal(refill(4, 5), 0);
	assert_int_equal(dmag_frames_state(&g->frames, 4 * BLOCK), DMAG_FREE);
	assert_int_equal(refill(4, 5), -EAGAIN);
	calls = m.calls;
	assert_int_equal(dmag_group_refill(g, &machine_backend, &odd_place),
			 -EAGAIN);
	assert_int_equal(m.calls, calls);
	machine_leave(&m, &low);
	assert_sound();
}

/* Memory that could be reclaimed is not worth it, nor is that of others. */
static void refills_without_reclaim(void **state)
{
	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	machine_set(&m, 0, PAGES - 1, MACHINE_CACHE);
	assert_int_equal(refill(4, 5), -EAGAIN);
	assert_int_equal(m.dropped, 0);
	m.fail_call = m.calls + 1;
	m.fail_error = -EINTR;
	assert_int_equal(refill(4, 5), -EINTR);
	leave_clean(&low);
}

/* A block is converted before it is free, or else is none. */
static void refills_converted(void **state)
{
	join_shared();
	assert_int_equal(refill(4, 5), 0);
	assert_true(m.shared[5 * BLOCK]);
	m.fail_call = m.calls + 2;
	m.fail_error = -EIO;
	assert_int_equal(refill(6, 7), 0);
	assert_int_equal(low.group->frames.quarantined, BLOCK);
	assert_int_equal(low.group->frames.free, 4 * BLOCK);
	assert_int_equal(refill(6, 7), -EAGAIN);
}

static void surplus_goes_back(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(alloc(&low, 8 * BLOCK, &pfn), 0);
	put(&low, pfn, 8 * BLOCK);
	assert_int_equal(balance(&low), 0);
	assert_true(low.group->frames.free >= low.group->marks.high);
	assert_true(low.group->frames.free < low.group->marks.high + BLOCK);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

static int vacate(u64 start, u64 last)
{
	const struct dmag_range range = { start, last };
	int ret = dmag_group_vacate(low.group, &machine_backend, &range);

	assert_sound();
	return ret;
}

/* Of the reserve's two blocks, what is free goes, wherever watermarks are. */
static void vacates_a_range(void **state)
{
	const u64 first = 14 * BLOCK, last = 16 * BLOCK - 1;
	struct dmag_request rq = DMAG_REQUEST(16);
	struct dmag_group *g;
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	g = low.group;
	rq.within.start = first + 128;
	assert_int_equal(dmag_group_get(g, &rq, true, &pfn), 0);
	assert_int_equal(vacate(0, first - 1), 0);
	assert_int_equal(vacate(last + 1, PAGES - 1), 0);
	assert_int_equal(g->frames.free, 2 * BLOCK - 16);
	assert_int_equal(vacate(first + 100, last - 100), 0);
	assert_int_equal(g->frames.free, 200);
	assert_int_equal(g->frames.used, 16);
	assert_int_equal(vacate(0, PAGES - 1), 0);
	assert_int_equal(g->frames.free, 0);
	put(&low, pfn, 16);
	leave_clean(&low);
}

/* Whole blocks, in the host's state. */
static void vacates_converted(void **state)
{
	const u64 first = 14 * BLOCK, last = 16 * BLOCK - 1;

	join_shared();
	assert_int_equal(vacate(first + 1, last - 1), 0);
	assert_int_equal(low.group->frames.free, 2 * BLOCK);
	m.fail_call = m.calls + 1;
	m.fail_error = -EAGAIN;
	assert_int_equal(vacate(first, last), -EAGAIN);
	assert_int_equal(low.group->frames.free, 2 * BLOCK);
	assert_int_equal(vacate(first + 1, last), 0);
	assert_int_equal(low.group->frames.free, BLOCK);
	assert_false(m.shared[last]);
	m.fail_call = m.calls + 1;
	m.fail_error = -EIO;
	assert_int_equal(vacate(0, PAGES - 1), -EIO);
	assert_int_equal(low.group->frames.quarantined, BLOCK);
}

/* ---- what a tighter group has too much of ---------------------------- */

/* Both groups reach the lower half, and only one the upper, which is full. */
static void join_both(void)
{
	machine_join(&m, &low);
	machine_join(&m, &high);
	assert_int_equal(balance(&low), 0);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
}

/* @n blocks more than its reserve. */
static void enrich(u64 n)
{
	u64 pfn;

	machine_set(&m, 0, n * BLOCK - 1, MACHINE_FREE);
	assert_int_equal(alloc(&low, n * BLOCK, &pfn), 0);
	put(&low, pfn, n * BLOCK);
}

static void surplus_is_ceded(void **state)
{
	u64 pfn[3], calls;

	join_both();
	assert_int_equal(alloc(&high, 1, &pfn[0]), -ENOMEM);
	enrich(4);
	assert_int_equal(alloc(&high, 1, &pfn[0]), 0);
	assert_int_equal(m.ceded, BLOCK);
	high.group->marks = (struct dmag_marks){ 0 };
	assert_int_equal(alloc(&high, 2 * BLOCK, &pfn[1]), 0);
	assert_int_equal(low.group->frames.free, 3 * BLOCK);
	/* One block is left above high, and no more. */
	calls = m.calls;
	assert_int_equal(alloc(&high, 2 * BLOCK, &pfn[2]), -ENOMEM);
	assert_true(m.calls > calls);
	assert_int_equal(alloc(&high, BLOCK, &pfn[2]), 0);
	assert_int_equal(low.group->frames.free, low.group->marks.high);
	assert_int_equal(m.ceded, 4 * BLOCK);
	put(&high, pfn[0], 1);
	put(&high, pfn[1], 2 * BLOCK);
	put(&high, pfn[2], BLOCK);
	leave_clean(&high);
	leave_clean(&low);
}

/* Filling is no reason to take from others. */
static void filling_takes_no_surplus(void **state)
{
	join_both();
	enrich(4);
	assert_int_equal(balance(&high), -ENOMEM);
	assert_int_equal(m.ceded, 0);
	leave_clean(&high);
	leave_clean(&low);
}

static void shrinks_to_what_is_kept(void **state)
{
	struct dmag_group *g;
	u64 low_mark;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	g = low.group;
	low_mark = g->marks.low;
	assert_int_equal(dmag_group_shrink(g, &machine_backend, low_mark, 100),
			 100);
	assert_int_equal(
		dmag_group_shrink(g, &machine_backend, low_mark, U64_MAX), 156);
	assert_int_equal(g->frames.free, low_mark);
	assert_int_equal(
		dmag_group_shrink(g, &machine_backend, low_mark, U64_MAX), 0);
	assert_sound();
	assert_int_equal(dmag_group_shrink(g, &machine_backend, 0, U64_MAX),
			 low_mark);
	assert_int_equal(m.count[MACHINE_OWNED], 0);
	leave_clean(&low);
}

/* ---- failures -------------------------------------------------------- */

static void backend_ends_the_climb(void **state)
{
	static const int errors[] = { -EINTR, -ETIME, -ENOMEM };
	unsigned int i;
	u64 pfn;

	machine_join(&m, &low);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		m.fail_call = m.calls + 1;
		m.fail_error = errors[i];
		assert_int_equal(alloc(&low, 1, &pfn), errors[i]);
		m.fail_call = m.calls + 1;
		assert_int_equal(balance(&low), errors[i]);
		assert_int_equal(m.count[MACHINE_OWNED], 0);
	}
	leave_clean(&low);
}

static void shared_memory_is_converted(void **state)
{
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	assert_int_equal(alloc(&low, 4, &pfn), 0);
	assert_true(m.shared[pfn] && m.shared[pfn + 3]);
	put(&low, pfn, 4);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/* One failure costs a block, and the climb goes on elsewhere. */
static void one_prepare_fails(void **state)
{
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	m.fail_call = 2;
	m.fail_error = -EIO;
	assert_int_equal(alloc(&low, 4, &pfn), 0);
	assert_int_equal(low.group->frames.quarantined, BLOCK);
	assert_int_equal(m.count[MACHINE_LOST], BLOCK);
	put(&low, pfn, 4);
	machine_leave(&m, &low);
	assert_sound();
	/* A group that owns quarantined frames lives on (I7). */
	assert_int_equal(m.reg.nr_groups, 1);
}

/* A backend of which every call of one kind goes wrong. */
static struct dmag_backend odd;
static struct dmag_range odd_range;
static unsigned int odd_releases;

static int odd_claim(struct dmag_group *g, const struct dmag_request *rq,
		     enum dmag_rung rung, struct dmag_range *got)
{
	*got = odd_range;
	return 0;
}

static int odd_ceded(struct dmag_group *g, const struct dmag_request *rq,
		     enum dmag_rung rung, struct dmag_range *got)
{
	return rung == DMAG_CLAIM_SURPLUS ? odd_claim(g, rq, rung, got) :
					    -EAGAIN;
}

static int odd_elsewhere(struct dmag_group *g, const struct dmag_request *rq,
			 enum dmag_rung rung, struct dmag_range *got)
{
	struct dmag_request other = *rq;

	other.within = odd_range;
	return machine_backend.claim(g, &other, rung, got);
}

static void odd_release(struct dmag_group *g, const struct dmag_range *range)
{
	odd_releases++;
}

static int odd_fail(struct dmag_group *g, const struct dmag_range *range)
{
	return -EIO;
}

/* Frees what is not its own while the lock is dropped. */
static int odd_free(struct dmag_group *g, const struct dmag_range *range)
{
	return dmag_group_put(g, range->start, range->last - range->start + 1);
}

static int odd_free_fail(struct dmag_group *g, const struct dmag_range *range)
{
	return odd_free(g, range) ?: -EIO;
}

static int odd_free_again(struct dmag_group *g, const struct dmag_range *range)
{
	return odd_free(g, range) ?: -EAGAIN;
}

static int setup_odd(void **state)
{
	odd = machine_backend;
	odd_releases = 0;
	low.constraint.attrs = 0;
	return setup(state);
}

static void all_prepares_fail(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	odd.prepare = odd_fail;
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -EIO);
	assert_int_equal(low.group->frames.quarantined, 2 * BLOCK);
	assert_int_equal(low.group->frames.free, 0);
	assert_int_equal(low.group->frames.used, 0);
}

static int odd_again(struct dmag_group *g, const struct dmag_range *range)
{
	return -EAGAIN;
}

/* Nothing was changed, so nothing is lost, but that is no licence to go on either. */
static void prepares_say_try_again(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(16);
	u64 pfn;

	high.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	machine_join(&m, &high);
	odd.prepare = odd_again;
	assert_int_equal(dmag_group_alloc(&m.reg, high.group, &odd, &rq, &pfn),
			 -ENOMEM);
	assert_int_equal(dmag_group_balance(&m.reg, high.group, &odd), -ENOMEM);
	assert_int_equal(high.group->frames.quarantined, 0);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
	assert_sound();
	leave_clean(&low);
	leave_clean(&high);
}

static void refills_in_vain(void **state)
{
	const struct dmag_range within = { 4 * BLOCK, 8 * BLOCK - 1 };

	join_shared();
	odd.prepare = odd_again;
	assert_int_equal(dmag_group_refill(low.group, &odd, &within), -ENOMEM);
	assert_int_equal(low.group->frames.free, 2 * BLOCK);
	assert_sound();
	odd.prepare = odd_fail;
	assert_int_equal(dmag_group_refill(low.group, &odd, &within), -EIO);
	assert_int_equal(low.group->frames.quarantined, 2 * BLOCK);
}

/* The range stays in the reserve, in which it is of use. */
static void restores_say_try_again(void **state)
{
	join_shared();
	odd.restore = odd_again;
	assert_int_equal(dmag_group_shrink(low.group, &odd, 0, U64_MAX), 0);
	low.group->marks = (struct dmag_marks){};
	assert_int_equal(dmag_group_balance(&m.reg, low.group, &odd), -EAGAIN);
	assert_int_equal(low.group->frames.free, 2 * BLOCK);
	assert_int_equal(low.group->frames.quarantined, 0);
	assert_sound();
	leave_clean(&low);
}

/* ---- attributes: whole blocks, in and out ---------------------------- */

/* A host of which no pageblock is empty has none to convert. */
static void attributes_want_blocks(void **state)
{
	u64 pfn, block;

	for (block = 0; block < PAGES; block += BLOCK)
		machine_set(&m, block, block, MACHINE_PINNED);
	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	assert_int_equal(balance(&low), -ENOMEM);
	assert_int_equal(alloc(&low, 1, &pfn), -ENOMEM);
	assert_int_equal(m.count[MACHINE_OWNED], 0);
	machine_set(&m, BLOCK, BLOCK, MACHINE_FREE);
	assert_int_equal(alloc(&low, 1, &pfn), 0);
	assert_int_equal(pfn / BLOCK, 1);
	assert_int_equal(m.count[MACHINE_OWNED], BLOCK);
	put(&low, pfn, 1);
	leave_clean(&low);
}

/* A reach of less than a block is of no use, one of a block and a half is a block. */
static void attributes_at_the_edge(void **state)
{
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	low.constraint.limit = LIMIT(BLOCK - 1);
	machine_join(&m, &low);
	assert_int_equal(balance(&low), -ENOMEM);
	assert_int_equal(alloc(&low, 1, &pfn), -ENOMEM);
	leave_clean(&low);
	low.constraint.limit = LIMIT(BLOCK + BLOCK / 2);
	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(low.group->frames.free, BLOCK);
	leave_clean(&low);
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/* Runs that are aligned in bus addresses lie anywhere in a block. */
static void attributes_in_phase(void **state)
{
	static const u64 counts[] = { 1, 8, 300, BLOCK, 3 * BLOCK };
	static const u64 aligns[] = { 1, 16, BLOCK / 2, BLOCK, 4 * BLOCK };
	static const u64 phases[] = {
		0, 1, 16, BLOCK / 4, BLOCK - 1, BLOCK + 3
	};
	unsigned int i;

	low.constraint.attrs = DMAG_SHARED;
	for (i = 0; i < 5 * 5 * 6; i++) {
		struct dmag_request rq = DMAG_REQUEST(counts[i % 5]);
		u64 pfn;

		rq.align = aligns[i / 5 % 5];
		rq.phase = phases[i / 25];
		machine_join(&m, &low);
		assert_int_equal(dmag_group_alloc(&m.reg, low.group,
						  &machine_backend, &rq, &pfn),
				 0);
		assert_sound();
		assert_int_equal((pfn + rq.phase) % rq.align, 0);
		put(&low, pfn, rq.count);
		leave_clean(&low);
	}
	assert_int_equal(m.count[MACHINE_FREE], PAGES);
}

/* Memory that a group of the same attributes cedes is not converted again. */
static void attributes_are_ceded(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(BLOCK);
	u64 pfn, ceded;

	rq.align = BLOCK;
	low.constraint.attrs = DMAG_SHARED;
	high.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	machine_join(&m, &high);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(alloc(&low, 4 * BLOCK, &pfn), 0);
	put(&low, pfn, 4 * BLOCK);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	odd.prepare = odd_fail;
	ceded = m.ceded;
	assert_int_equal(dmag_group_alloc(&m.reg, high.group, &odd, &rq, &pfn),
			 0);
	assert_int_equal(m.ceded - ceded, BLOCK);
	assert_int_equal(high.group->frames.quarantined, 0);
	assert_true(m.shared[pfn]);
	assert_sound();
	put(&high, pfn, BLOCK);
	leave_clean(&high);
	leave_clean(&low);
}

static void restore_fails(void **state)
{
	join_shared();
	m.fail_call = m.calls + 1;
	m.fail_error = -EIO;
	machine_leave(&m, &low);
	assert_sound();
	assert_int_equal(m.reg.nr_groups, 1);
	assert_int_equal(m.count[MACHINE_LOST], BLOCK);
	assert_int_equal(m.count[MACHINE_FREE], PAGES - BLOCK);
}

/* Two failures are enough: the rest of the reserve waits for another call. */
static void restores_fail(void **state)
{
	struct dmag_group *g;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	g = low.group;
	g->marks = (struct dmag_marks){ 2 * BLOCK, 3 * BLOCK, 4 * BLOCK };
	assert_int_equal(balance(&low), 0);
	assert_ptr_equal(dmag_leave(&m.reg, &low), g);
	odd.restore = odd_fail;
	assert_int_equal(dmag_group_balance(&m.reg, g, &odd), -EIO);
	assert_int_equal(g->frames.quarantined, 2 * BLOCK);
	assert_int_equal(g->frames.free, 2 * BLOCK);
	assert_int_equal(dmag_group_balance(&m.reg, g, &machine_backend), 0);
	assert_int_equal(g->frames.free, 0);
	assert_false(dmag_group_retire(&m.reg, g));
}

/* What is lost was not given back, and ends it. */
static void restore_fails_shrinking(void **state)
{
	join_shared();
	m.fail_call = m.calls + 1;
	m.fail_error = -EIO;
	assert_int_equal(dmag_group_shrink(low.group, &machine_backend, 0, 600),
			 0);
	assert_int_equal(low.group->frames.quarantined, BLOCK);
	assert_int_equal(low.group->frames.free, BLOCK);
	assert_sound();
}

static void claims_outside_go_back(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	machine_join(&m, &low);
	odd.claim = odd_claim;
	odd.release = odd_release;
	odd_range = (struct dmag_range){ PAGES - BLOCK, PAGES - 1 };
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -EINVAL);
	assert_int_equal(odd_releases, 1);
	/* Nobody fed the group for this one. */
	odd_range = (struct dmag_range){ 0, BLOCK - 1 };
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -ENOMEM);
	assert_int_equal(odd_releases, 2);
	assert_int_equal(low.group->frames.free, 0);
	leave_clean(&low);
}

/* The host must not have what is still converted. */
static void ceded_outside_is_left(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	odd.claim = odd_ceded;
	odd.release = odd_release;
	odd_range = (struct dmag_range){ PAGES - BLOCK, PAGES - 1 };
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -EINVAL);
	assert_int_equal(odd_releases, 0);
	leave_clean(&low);
}

/* An extent that is in reach, but not what was asked for, fills the reserve. */
static void claims_elsewhere_are_kept(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	machine_join(&m, &low);
	odd.claim = odd_elsewhere;
	odd_range = (struct dmag_range){ 0, BLOCK - 1 };
	rq.within.start = BLOCK;
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -ENOMEM);
	assert_int_equal(low.group->frames.free, BLOCK);
	assert_sound();
	leave_clean(&low);
}

/* The host claims what the group already has: whose it is now is unknown. */
static void claims_twice_are_left_alone(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	keep_for_atomic(low.group);
	odd.claim = odd_claim;
	odd.release = odd_release;
	odd_range = (struct dmag_range){ PAGES / 2 - BLOCK, PAGES / 2 - 1 };
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -EEXIST);
	assert_int_equal(odd_releases, 0);
	assert_sound();
	leave_clean(&low);
}

/* Others may give back what is wanted while the lock is dropped. */
static u64 held;

static void give_back(struct machine *machine)
{
	if (held)
		put(&low, held, 512);
	held = 0;
}

static void met_by_others(void **state)
{
	u64 pfn;

	machine_join(&m, &low);
	assert_int_equal(balance(&low), 0);
	assert_int_equal(alloc(&low, 512, &held), 0);
	machine_set(&m, 0, PAGES - 1, MACHINE_PINNED);
	m.unlocked = give_back;
	assert_int_equal(machine_alloc(&m, &low, 1, &pfn), 0);
	m.unlocked = NULL;
	put(&low, pfn, 1);
	machine_leave(&m, &low);
}

static void frees_during_conversion(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	unsigned int i;
	u64 pfn;

	low.constraint.attrs = DMAG_SHARED;
	machine_join(&m, &low);
	odd.prepare = odd_free;
	assert_int_equal(dmag_group_alloc(&m.reg, low.group, &odd, &rq, &pfn),
			 -EINVAL);
	assert_int_equal(low.group->frames.used, 0);
	odd.release = odd_release;
	for (i = 0; i < 3; i++) {
		odd.prepare = i < 2 ? odd_free_fail : odd_free_again;
		low.group->marks.high = low.group->frames.free + 1;
		assert_int_equal(dmag_group_balance(&m.reg, low.group, &odd),
				 0);
	}
	assert_int_equal(low.group->frames.quarantined, 0);
	assert_int_equal(odd_releases, 0);
	assert_int_equal(dmag_registry_validate(&m.reg, 4), 0);
}

/* What is free again cannot be released: it may be somebody else's by now. */
static void frees_during_restore(void **state)
{
	struct dmag_group *g;

	join_shared();
	odd.release = odd_release;
	g = dmag_leave(&m.reg, &low);
	odd.restore = odd_free;
	assert_int_equal(dmag_group_balance(&m.reg, g, &odd), -EINVAL);
	assert_int_equal(dmag_group_shrink(g, &odd, 0, 1), 0);
	odd.restore = odd_free_fail;
	assert_int_equal(dmag_group_balance(&m.reg, g, &odd), -EINVAL);
	assert_int_equal(odd_releases, 0);
	assert_int_equal(g->frames.free, 1024);
	assert_int_equal(g->frames.quarantined, 0);
}

static void bad_calls(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1), bad;
	const struct dmag_backend *be = &machine_backend;
	struct dmag_group *g;
	u64 pfn;

	machine_join(&m, &low);
	g = low.group;
#define REFUSED(...) assert_int_equal(dmag_group_alloc(__VA_ARGS__), -EINVAL)
#define BAD(field, value)                           \
	do {                                        \
		bad = rq;                           \
		bad.field = value;                  \
		REFUSED(&m.reg, g, be, &bad, &pfn); \
	} while (0)
	BAD(count, 0);
	BAD(count, 1ULL << 63);
	BAD(count, DMAG_PFN_MAX + 2);
	BAD(align, 3);
	BAD(boundary, 3);
	BAD(within.start, U64_MAX);
	BAD(within.last, DMAG_PFN_MAX + 1);
	BAD(from, 2);
	bad.from = DMAG_LOWEST;
	bad.count = 2;
	bad.boundary = 1;
	REFUSED(&m.reg, g, be, &bad, &pfn);
	/* No conversion is no obstacle where nothing is to be converted. */
	odd = machine_backend;
	odd.prepare = NULL;
	assert_int_equal(dmag_group_balance(&m.reg, g, &odd), 0);
	leave_clean(&low);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_odd, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fills_to_high),
		TEST(reserve_serves_first),
		TEST(claims_exactly_without_reserve),
		TEST(finds_the_last_run),
		TEST(no_block_for_a_page),
		TEST(surplus_makes_way),
		TEST(climbs_below_min),
		TEST(rungs_in_order),
		TEST(pinned_memory_is_out),
		TEST(reserve_holds_the_run),
		TEST(reserve_keeps_the_run),
		TEST(less_when_it_must),
		TEST(pieces_fill_to_min),
		TEST(small_reaches_fill),
		TEST(scattered_reaches_fill),
		TEST(fills_what_there_is),
		TEST(large_runs_cross_cells),
		TEST(large_runs_are_claimed_once),
		TEST(large_runs_lie_anywhere),
		TEST(large_runs_may_not_be_had),
		TEST(boundaries_hold),
		TEST(phases_hold),
		TEST(within_is_respected),
		TEST(refilling_makes_up),
		TEST(refilling_makes_up_shared),
		TEST(refills_in_place),
		TEST(refills_without_reclaim),
		TEST(refills_converted),
		TEST(vacates_a_range),
		TEST(vacates_converted),
		TEST(surplus_goes_back),
		TEST(surplus_is_ceded),
		TEST(filling_takes_no_surplus),
		TEST(shrinks_to_what_is_kept),
		TEST(backend_ends_the_climb),
		TEST(shared_memory_is_converted),
		TEST(one_prepare_fails),
		TEST(all_prepares_fail),
		TEST(prepares_say_try_again),
		TEST(refills_in_vain),
		TEST(restores_say_try_again),
		TEST(attributes_want_blocks),
		TEST(attributes_at_the_edge),
		TEST(attributes_in_phase),
		TEST(attributes_are_ceded),
		TEST(restore_fails),
		TEST(restores_fail),
		TEST(restore_fails_shrinking),
		TEST(claims_outside_go_back),
		TEST(ceded_outside_is_left),
		TEST(claims_elsewhere_are_kept),
		TEST(claims_twice_are_left_alone),
		TEST(met_by_others),
		TEST(frees_during_conversion),
		TEST(frees_during_restore),
		TEST(bad_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
