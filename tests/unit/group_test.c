// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* Groups and the registry: named cases and bad input. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util.h"

#define MANY 10000

static struct dmag_registry reg;
static char pool[1 << 18] __aligned(DMAG_MEM_ALIGN);
static size_t pool_used;

static int setup(void **state)
{
	dmag_registry_init(&reg);
	pool_used = 0;
	return 0;
}

static void make_group(struct dmag_group *g, const struct dmag_range *seg,
		       unsigned int nr)
{
	assert_int_equal(dmag_group_init(g, seg, nr, 0), 0);
}

/* Let @g own [start, last], all free. */
static void own(struct dmag_group *g, u64 start, u64 last)
{
	u64 bytes = dmag_frames_need(&g->frames, start, last);

	if (bytes) {
		bytes = round_up(bytes, DMAG_MEM_ALIGN);
		assert_true(pool_used + bytes <= sizeof(pool));
		assert_int_equal(dmag_frames_feed(&g->frames, pool + pool_used,
						  bytes),
				 0);
		pool_used += bytes;
	}
	assert_int_equal(dmag_group_add(g, start, last), 0);
}

static void assert_valid(void)
{
	assert_int_equal(dmag_registry_validate(&reg, 0), 0);
	assert_int_equal(dmag_registry_validate(&reg, 4), 0);
}

/* ---- one group ------------------------------------------------------- */

static void bad_groups(void **state)
{
	const struct dmag_range reversed[] = { { 2, 1 } };
	const struct dmag_range high[] = { { 0, DMAG_PFN_MAX + 1 } };
	const struct dmag_range good[] = { { 0, DMAG_PFN_MAX } };
	struct dmag_group g;

	assert_int_equal(dmag_group_init(&g, NULL, 1, 0), -EINVAL);
	assert_int_equal(dmag_group_init(&g, reversed, 1, 0), -EINVAL);
	assert_int_equal(dmag_group_init(&g, high, 1, 0), -EINVAL);
	assert_int_equal(dmag_group_init(&g, good, 1, DMAG_ATTRS + 1), -EINVAL);
	assert_int_equal(dmag_group_init(&g, good, 1, DMAG_ATTRS), 0);
	assert_int_equal(dmag_group_init(&g, NULL, 0, 0), 0);
}

static void assert_marks(u64 frames, u64 min, u64 low, u64 high)
{
	const struct dmag_range seg = { 1, frames };
	struct dmag_group g;

	make_group(&g, &seg, !!frames);
	assert_int_equal(g.marks.min, min);
	assert_int_equal(g.marks.low, low);
	assert_int_equal(g.marks.high, high);
}

static void starting_marks(void **state)
{
	assert_marks(0, 0, 0, 0);
	assert_marks(1, 0, 1, 1);
	assert_marks(2048, 256, 384, 512);
	assert_marks(4096, 512, 768, 1024);
	assert_marks(1 << 20, 512, 768, 1024);
}

static void blocking_stops_at_min(void **state)
{
	const struct dmag_range seg[] = { { 0, 99 } };
	struct dmag_request rq = DMAG_REQUEST(1);
	struct dmag_group g;
	unsigned int n = 0;
	u64 pfn;

	make_group(&g, seg, 1);
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), -EAGAIN);
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -ENOMEM);
	own(&g, 0, 15);
	assert_int_equal(g.marks.min, 12);
	while (!dmag_group_get(&g, &rq, false, &pfn))
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), -EAGAIN);
	while (!dmag_group_get(&g, &rq, true, &pfn))
		n++;
	assert_int_equal(n, 16);
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -ENOMEM);
}

/* A try takes the last frame, too, but its failure teaches nothing. */
static void tries_count_no_refusal(void **state)
{
	const struct dmag_range seg[] = { { 0, 99 } };
	struct dmag_request rq = DMAG_REQUEST(1);
	struct dmag_group g;
	unsigned int n = 0;
	u64 pfn = 77;

	make_group(&g, seg, 1);
	assert_int_equal(dmag_group_try(&g, &rq, &pfn), -ENOMEM);
	own(&g, 0, 15);
	while (!dmag_group_try(&g, &rq, &pfn))
		n++;
	assert_int_equal(n, 16);
	assert_int_equal(g.drawn, 16);
	assert_int_equal(g.peak, 16);
	assert_int_equal(g.missed, 0);
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -ENOMEM);
	assert_int_equal(g.drawn, 17);
	assert_int_equal(g.missed, 1);
	rq.align = 3;
	assert_int_equal(dmag_group_try(&g, &rq, &pfn), -EINVAL);
}

/* Runs for a cache leave min behind, and count as drawn if @atomic. */
static void assert_many(bool atomic)
{
	const struct dmag_range seg[] = { { 0, 99 } };
	struct dmag_request rq = DMAG_REQUEST(4);
	struct dmag_group g;
	unsigned int i;
	u64 pfn[5];

	make_group(&g, seg, 1);
	own(&g, 0, 31);
	assert_int_equal(g.marks.min, 12);
	assert_int_equal(dmag_group_get_many(&g, &rq, atomic, pfn, 2), 2);
	assert_int_equal(dmag_group_get_many(&g, &rq, atomic, pfn + 2, 3), 3);
	assert_int_equal(dmag_group_get_many(&g, &rq, atomic, pfn, 1), 0);
	assert_int_equal(g.frames.free, 12);
	assert_int_equal(g.drawn, atomic ? 20 : 0);
	assert_int_equal(g.peak, atomic ? 20 : 0);
	for (i = 0; i < ARRAY_SIZE(pfn); i++) {
		assert_int_equal(pfn[i], 4 * i);
		assert_int_equal(dmag_group_put(&g, pfn[i], 4), 0);
	}
	assert_int_equal(g.drawn, 0);
	assert_int_equal(g.frames.free, 32);
	assert_int_equal(dmag_group_validate(&g, 4), 0);
	rq.align = 3;
	assert_int_equal(dmag_group_get_many(&g, &rq, atomic, pfn, 1), 0);
}

static void many_at_once(void **state)
{
	assert_many(false);
	assert_many(true);
}

static void never_across_segments(void **state)
{
	const struct dmag_range seg[] = { { 0, 7 }, { 8, 15 }, { 32, 39 } };
	struct dmag_group g;
	struct dmag_request rq = { .count = 9, .within = { 0, 63 } };
	u64 pfn;

	make_group(&g, seg, 3);
	g.marks.min = 0;
	own(&g, 0, 7);
	own(&g, 8, 15);
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -ENOMEM);
	rq.count = 8;
	rq.from = DMAG_HIGHEST;
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), 0);
	assert_int_equal(pfn, 8);
	rq.from = DMAG_LOWEST;
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), 0);
	assert_int_equal(pfn, 0);
	assert_int_equal(dmag_group_put(&g, 0, 16), 0);
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), 0);
	assert_int_equal(pfn, 0);
	rq.within.start = 40;
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), -EAGAIN);
}

/* 64 KiB that do not cross 64 KiB, as a device behind @w sees them. */
static void assert_on_bus(const struct dmag_window *w)
{
	const struct dmag_constraint c = { w, 1, 0, U64_MAX };
	const struct dmag_range all = { 0, 65535 };
	const struct dmag_reach ram = { &all, 1 };
	struct dmag_request rq = DMAG_REQUEST(16);
	struct dmag_range seg;
	struct dmag_group g;
	u64 pfn, bus;

	assert_int_equal(dmag_reach_build(&c, &ram, &seg, 1), 1);
	make_group(&g, &seg, 1);
	own(&g, seg.start, seg.start + 99);
	assert_true(dmag_reach_bus(&c, seg.start, &bus));
	rq.boundary = 16;
	rq.phase = (bus >> PAGE_SHIFT) - seg.start;
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), 0);
	assert_true(dmag_reach_bus(&c, pfn, &bus));
	assert_int_equal(bus % (64 * KB), 0);
	rq.align = 0;
	rq.from = DMAG_HIGHEST;
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), 0);
	assert_true(dmag_reach_bus(&c, pfn, &bus));
	assert_int_equal(bus % (64 * KB), 0);
}

/* Ahead of the CPU, behind it, and by no more than an alignment. */
static void align_holds_on_the_bus(void **state)
{
	static const struct dmag_window w[] = {
		{ .cpu = 0, .bus = 32 * KB, .size = 1 * MB },
		{ .cpu = 200 * KB, .bus = 0, .size = 1 * MB },
		{ .cpu = 64 * KB, .bus = 3 * GB, .size = 1 * MB },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(w); i++)
		assert_on_bus(&w[i]);
}

static void bad_requests(void **state)
{
	const struct dmag_range seg[] = { { 0, 7 } };
	struct dmag_group g;
	struct dmag_request rq = DMAG_REQUEST(1);
	struct dmag_range out = { 1, 0 };
	u64 pfn = 99;

	make_group(&g, seg, 1);
	own(&g, 0, 7);
	rq.count = 0;
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -EINVAL);
	rq.count = 1ULL << 63;
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -EINVAL);
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), -EINVAL);
	rq.count = 1;
	rq.align = 3;
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -EINVAL);
	assert_int_equal(dmag_group_put(&g, 0, 1), -EINVAL);
	assert_int_equal(dmag_group_put(&g, 0, 0), -EINVAL);
	assert_int_equal(dmag_group_put(&g, 100, 1), -EINVAL);
	assert_int_equal(dmag_group_put(&g, 1, U64_MAX), -EINVAL);
	assert_int_equal(dmag_group_drop(&g, &out), -EINVAL);
	assert_int_equal(pfn, 99);
	assert_int_equal(g.frames.free, 8);
	assert_int_equal(dmag_frames_validate(&g.frames, 4), 0);
}

static void assert_refused(struct dmag_group *g, const struct dmag_request *rq,
			   int atomic, int blocking)
{
	u64 pfn = 99;

	assert_int_equal(dmag_group_get(g, rq, true, &pfn), atomic);
	assert_int_equal(dmag_group_get(g, rq, false, &pfn), blocking);
	assert_int_equal(pfn, 99);
	assert_int_equal(g->missed, 0);
	assert_int_equal(g->drawn, 0);
}

/*
 * A request that is not well formed, or for which the reach has no place, gets
 * one answer, and teaches the reserve nothing: whether it is empty or full, and
 * whether or not segments touch.
 */
static void bad_requests_teach_nothing(void **state)
{
	const struct dmag_range one[] = { { 0, 2047 } };
	const struct dmag_range two[] = { { 0, 1023 }, { 1024, 2047 } };
	struct dmag_request rq = DMAG_REQUEST(4);
	struct dmag_group g;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		make_group(&g, i & 1 ? two : one, 1 + (i & 1));
		if (i & 2)
			own(&g, 0, 1023);
		rq = (struct dmag_request)DMAG_REQUEST(4);
		rq.align = 3;
		assert_refused(&g, &rq, -EINVAL, -EINVAL);
		rq.align = 4;
		rq.within = (struct dmag_range){ 100, 50 };
		assert_refused(&g, &rq, -EINVAL, -EINVAL);
		rq.within = (struct dmag_range){ 0, DMAG_PFN_MAX + 1 };
		assert_refused(&g, &rq, -EINVAL, -EINVAL);
		rq.within = (struct dmag_range){ 2048, 9999 };
		assert_refused(&g, &rq, -ENOMEM, -EAGAIN);
		rq.within = (struct dmag_range){ 1, 6 };
		assert_refused(&g, &rq, -ENOMEM, -EAGAIN);
		rq.within = (struct dmag_range){ 0, 2047 };
		rq.from = 2;
		assert_refused(&g, &rq, -EINVAL, -EINVAL);
	}
}

static void add_checks_the_reach(void **state)
{
	const struct dmag_range seg[] = { { 0, 7 }, { 8, 15 } };
	struct dmag_group g;

	make_group(&g, seg, 2);
	assert_int_equal(dmag_group_add(&g, 0, 8), -EINVAL);
	assert_int_equal(dmag_group_add(&g, 15, 16), -EINVAL);
	assert_int_equal(dmag_group_add(&g, 7, 0), -EINVAL);
	assert_int_equal(dmag_group_add(&g, 0, 7), -ENOMEM);
	own(&g, 0, 7);
	assert_int_equal(dmag_group_add(&g, 0, 7), -EEXIST);
	assert_int_equal(g.frames.free, 8);
}

static void watermarks(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	struct dmag_group g;

	make_group(&g, seg, 1);
	assert_false(dmag_group_low(&g));
	assert_int_equal(dmag_group_shortage(&g), 0);
	g.members = 1;
	assert_true(dmag_group_low(&g));
	assert_int_equal(dmag_group_shortage(&g), 1024);
	own(&g, 0, 767);
	assert_false(dmag_group_low(&g));
	assert_int_equal(dmag_group_shortage(&g), 256);
	own(&g, 768, 1023);
	assert_int_equal(dmag_group_shortage(&g), 0);
	own(&g, 1024, 1534);
	assert_int_equal(dmag_group_surplus(&g), 0);
	own(&g, 1535, 1535);
	assert_int_equal(dmag_group_surplus(&g), 512);
	g.members = 0;
	assert_int_equal(dmag_group_surplus(&g), 1536);
}

/* Steady is neither low nor rich, and refused nothing. */
static void steady_is_all_three(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	struct dmag_request rq = DMAG_REQUEST(1024);
	struct dmag_group g;
	u64 pfn;

	make_group(&g, seg, 1);
	own(&g, 0, 767);
	assert_false(dmag_group_steady(&g));
	g.members = 1;
	assert_true(dmag_group_steady(&g));
	assert_int_equal(dmag_group_get(&g, &rq, true, &pfn), -ENOMEM);
	assert_false(dmag_group_steady(&g));
	assert_true(dmag_group_adapt(&g, 0));
	assert_false(dmag_group_steady(&g));
	own(&g, 768, g.marks.high + 510);
	assert_true(dmag_group_steady(&g));
	own(&g, g.marks.high + 511, g.marks.high + 511);
	assert_false(dmag_group_steady(&g));
}

/* Choose free frames and stop owning them, as a group that shrinks does. */
static bool drop_some(struct dmag_group *g, u64 max, struct dmag_range *r)
{
	return dmag_group_pick(g, max, r) && !dmag_group_drop(g, r);
}

static void picks_blocks_first(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	struct dmag_group g;
	struct dmag_range r;

	make_group(&g, seg, 1);
	own(&g, 0, 99);
	own(&g, 512, 1535);
	assert_true(drop_some(&g, 2000, &r));
	assert_int_equal(r.start, 512);
	assert_int_equal(r.last, 1023);
	assert_true(drop_some(&g, 511, &r));
	assert_int_equal(r.start, 1024);
	assert_int_equal(r.last, 1279);
	assert_false(drop_some(&g, 0, &r));
	assert_int_equal(dmag_frames_state(&g.frames, 600), DMAG_FOREIGN);
	while (drop_some(&g, U64_MAX, &r))
		assert_true(r.last - r.start < 256);
	assert_int_equal(g.frames.free, 0);
	assert_int_equal(g.frames.used, 0);
}

static void cedes_above_high(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	struct dmag_request rq = DMAG_REQUEST(512);
	const struct dmag_range all[] = { { 0, 16383 } };
	struct dmag_range r = { 0, 0 };
	struct dmag_group g, to;

	make_group(&g, seg, 1);
	make_group(&to, all, 1);
	g.members = 1;
	own(&g, 0, 1534);
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
	own(&g, 1535, 1535);
	rq.within.start = 8192;
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
	rq.within.start = 1;
	assert_true(dmag_group_cede(&g, &to, &rq, &r));
	assert_int_equal(r.start, 512);
	assert_int_equal(r.last, 1023);
	assert_int_equal(dmag_frames_state(&g.frames, 512), DMAG_FOREIGN);
	assert_int_equal(g.frames.free, 1024);
	assert_int_equal(g.frames.used, 0);
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
	/* Not wanted after all: it is as before, draws included; there is more. */
	own(&g, 1536, 2047);
	g.drawn = 100;
	g.peak = 100;
	assert_true(dmag_group_cede(&g, &to, &rq, &r));
	assert_int_equal(r.start, 1024);
	assert_int_equal(dmag_group_own(&g, r.start, r.last), 0);
	rq.within.start = r.last + 1;
	assert_true(dmag_group_cede(&g, &to, &rq, &r));
	assert_int_equal(r.start, 1536);
	assert_int_equal(g.frames.free, 1024);
	assert_int_equal(g.drawn, 100);
	rq.within.start = 1;
	g.members = 0;
	assert_true(dmag_group_cede(&g, &to, &rq, &r));
	rq.count = U64_MAX;
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
}

/* A group that could not use all of it, or in another state, is not looser. */
static void cedes_to_looser_groups(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	const struct dmag_range all[] = { { 0, 16383 } };
	struct dmag_request rq = DMAG_REQUEST(512);
	struct dmag_range r = { 0, 0 };
	struct dmag_group g, to;

	make_group(&g, seg, 1);
	make_group(&to, all, 1);
	own(&g, 0, 1023);
	assert_false(dmag_group_cede(&g, &g, &rq, &r));
	assert_false(dmag_group_tighter(&g, &g));
	to.attrs = DMAG_SHARED;
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
	assert_false(dmag_group_tighter(&g, &to));
	g.attrs = DMAG_SHARED | DMAG_UNCACHED;
	assert_false(dmag_group_cede(&g, &to, &rq, &r));
	g.attrs = DMAG_SHARED;
	assert_true(dmag_group_cede(&g, &to, &rq, &r));
	assert_true(dmag_group_tighter(&g, &to));
	own(&to, 8192, 8192 + 1023);
	assert_false(dmag_group_cede(&to, &g, &rq, &r));
	assert_false(dmag_group_tighter(&to, &g));
}

/* It is asked without the lock under which the rest of a group changes. */
static void tighter_looks_at_the_key(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	const struct dmag_range all[] = { { 0, 16383 } };
	struct dmag_group g, to;

	memset(&g, 0xff, sizeof(g));
	memset(&to, 0xff, sizeof(to));
	g.reach = (struct dmag_reach){ seg, 1 };
	to.reach = (struct dmag_reach){ all, 1 };
	assert_true(dmag_group_tighter(&g, &to));
	assert_false(dmag_group_tighter(&to, &g));
}

/* Less than a block would have to be converted in part. */
static void picks_blocks_of_attributes(void **state)
{
	const struct dmag_range seg[] = { { 0, 8191 } };
	struct dmag_range r = { 0, 0 };
	struct dmag_group g;

	make_group(&g, seg, 1);
	g.attrs = DMAG_SHARED;
	assert_int_equal(dmag_group_unit(&g), 512);
	own(&g, 0, 1023);
	assert_int_equal(dmag_frames_take(&g.frames, 100, 100), 0);
	assert_false(drop_some(&g, 511, &r));
	assert_true(drop_some(&g, U64_MAX, &r));
	assert_int_equal(r.start, 512);
	assert_int_equal(r.last, 1023);
	assert_false(drop_some(&g, U64_MAX, &r));
	assert_int_equal(dmag_frames_put(&g.frames, 100, 1), 0);
	assert_true(drop_some(&g, U64_MAX, &r));
	assert_int_equal(r.start, 0);
}

/* ---- adaptation ------------------------------------------------------ */

static void get_atomic(struct dmag_group *g, u64 n, int expect)
{
	struct dmag_request rq = { .count = n, .within = { 0, DMAG_PFN_MAX } };
	u64 pfn;

	assert_int_equal(dmag_group_get(g, &rq, true, &pfn), expect);
}

/* A group of 64 MiB, its reserve full. */
static void make_full(struct dmag_group *g)
{
	static const struct dmag_range seg[] = { { 0, 16383 } };

	make_group(g, seg, 1);
	g->members = 1;
	own(g, 0, 1023);
	assert_false(dmag_group_adapt(g, 0));
	assert_int_equal(g->drawn, 0);
}

static void put_back(struct dmag_group *g, u64 start, u64 count)
{
	assert_int_equal(dmag_group_put(g, start, count), 0);
}

/* What min can hold, and what blocking requests take, changes nothing. */
static void small_draws_change_nothing(void **state)
{
	struct dmag_request rq = { .count = 500, .within = { 0, 1023 } };
	struct dmag_group g;
	u64 pfn;

	make_full(&g);
	assert_int_equal(dmag_group_get(&g, &rq, false, &pfn), 0);
	get_atomic(&g, 512, 0);
	assert_int_equal(g.drawn, 512);
	assert_false(dmag_group_adapt(&g, 1));
	assert_int_equal(g.peak, 512);
	put_back(&g, pfn, 500);
	assert_int_equal(g.drawn, 12);
	assert_int_equal(g.peak, 512);
	/* Buffers that come and go are one draw. */
	put_back(&g, 500, 12);
	get_atomic(&g, 500, 0);
	assert_false(dmag_group_adapt(&g, 2));
	own(&g, 1024, 2047);
	assert_int_equal(g.drawn, 0);
	assert_false(dmag_group_adapt(&g, 3));
	assert_int_equal(g.peak, 0);
}

/* A refused request changes nothing, least of all what the reserve learned. */
static void refused_puts_repay_nothing(void **state)
{
	struct dmag_group g;

	make_full(&g);
	get_atomic(&g, 512, 0);
	assert_int_equal(dmag_group_put(&g, 9999, 100000), -EINVAL);
	assert_int_equal(g.drawn, 512);
	assert_int_equal(dmag_group_put(&g, 600, 1), -EINVAL);
	assert_int_equal(g.drawn, 512);
	put_back(&g, 0, 512);
	assert_int_equal(g.drawn, 0);
}

/* Min alone holds the largest burst, refused part included. */
static void dips_raise_the_marks(void **state)
{
	struct dmag_group g;

	make_full(&g);
	get_atomic(&g, 1000, 0);
	get_atomic(&g, 100, -ENOMEM);
	assert_int_equal(g.missed, 100);
	assert_true(dmag_group_adapt(&g, 5));
	assert_int_equal(g.marks.min, 1100);
	assert_int_equal(g.marks.low, 1650);
	assert_int_equal(g.marks.high, 2200);
	assert_int_equal(g.missed, 0);
	/* The same draw goes on: nothing is counted twice, nor forgotten. */
	assert_true(dmag_group_adapt(&g, 6));
	assert_int_equal(g.marks.high, 2200);
	get_atomic(&g, 20, 0);
	get_atomic(&g, 80, -ENOMEM);
	assert_true(dmag_group_adapt(&g, 7));
	assert_int_equal(g.marks.high, 2400);
	/* Filled again, the next one counts alone. */
	own(&g, 1024, 4095);
	get_atomic(&g, 1200, 0);
	assert_true(dmag_group_adapt(&g, 8));
	assert_int_equal(g.marks.high, 2400);
	get_atomic(&g, 800, 0);
	assert_true(dmag_group_adapt(&g, 9));
	assert_int_equal(g.marks.high, 4000);
}

static void never_above_a_quarter(void **state)
{
	struct dmag_group g;
	unsigned int i;

	make_full(&g);
	get_atomic(&g, 1025, -ENOMEM);
	assert_int_equal(g.missed, 0); /* nobody serves that at once */
	get_atomic(&g, 0, -EINVAL);
	assert_int_equal(g.drawn, 0);
	get_atomic(&g, 1024, 0);
	for (i = 0; i < 100; i++)
		get_atomic(&g, 1024, -ENOMEM);
	assert_true(dmag_group_adapt(&g, 0));
	assert_int_equal(g.marks.high, 4096);
	get_atomic(&g, 1024, -ENOMEM);
	assert_true(dmag_group_adapt(&g, 1));
	assert_int_equal(g.marks.high, 4096);
	/* Full, it owes nothing for what was refused. */
	own(&g, 1024, 5119);
	assert_true(dmag_group_adapt(&g, 2));
	assert_int_equal(g.drawn, 0);
}

/*
 * A driver that polls is refused much more than anybody wants at once, and the
 * host cannot spare it: high comes back all the same, though never filled.
 */
static void refusals_are_forgotten(void **state)
{
	struct dmag_group g;
	unsigned int i;
	u64 now = 1000;

	make_full(&g);
	get_atomic(&g, 1000, 0);
	for (i = 0; i < 1000; i++)
		get_atomic(&g, 64, -ENOMEM);
	assert_true(dmag_group_adapt(&g, now));
	assert_int_equal(g.marks.high, 4096);
	own(&g, 1024, 1535);
	assert_true(dmag_group_adapt(&g, now + DMAG_REFUSED_MS - 1));
	assert_int_equal(g.drawn, 64000 + 1000 - 512);
	/* What was taken and is still out, less what was refilled. */
	assert_true(dmag_group_adapt(&g, now + DMAG_REFUSED_MS));
	assert_int_equal(g.drawn, 1000 - 512);
	put_back(&g, 0, 1000);
	now += DMAG_REFUSED_MS;
	for (i = 0; i < 6 && dmag_group_adapt(&g, now); i++)
		now += DMAG_HOLD_MS;
	/* Not at once; two halvings; the rest. */
	assert_int_equal(i, 3);
	assert_false(dmag_group_low(&g));
}

/* The next refusals have a time of their own, and nothing is taken off twice. */
static void refusals_add_up_for_a_while(void **state)
{
	struct dmag_group g;
	u64 now = DMAG_REFUSED_MS;

	make_full(&g);
	get_atomic(&g, 1024, 0);
	get_atomic(&g, 100, -ENOMEM);
	assert_true(dmag_group_adapt(&g, now));
	get_atomic(&g, 200, -ENOMEM);
	now += DMAG_REFUSED_MS;
	assert_true(dmag_group_adapt(&g, now));
	assert_int_equal(g.marks.high, 2 * 1324);
	assert_int_equal(g.drawn, 1224);
	put_back(&g, 0, 1024);
	assert_int_equal(g.drawn, 200);
	own(&g, 1024, 1173);
	assert_true(dmag_group_adapt(&g, now + 1));
	get_atomic(&g, 30, 0);
	assert_true(dmag_group_adapt(&g, now + DMAG_REFUSED_MS));
	assert_int_equal(g.drawn, 30);
}

/* Refilling made up for a refusal: forgetting it must not cost a later draw. */
static void refusals_are_made_up_for_once(void **state)
{
	static const struct dmag_range seg[] = { { 0, (1 << 20) - 1 } };
	struct dmag_group g;

	make_group(&g, seg, 1);
	g.members = 1;
	get_atomic(&g, 600, -ENOMEM);
	assert_true(dmag_group_adapt(&g, 0));
	assert_int_equal(g.refused, 600);
	own(&g, 0, 1198);
	assert_int_equal(g.refused, 0);
	get_atomic(&g, 600, 0);
	assert_true(dmag_group_adapt(&g, DMAG_REFUSED_MS));
	get_atomic(&g, 590, 0);
	assert_true(dmag_group_adapt(&g, DMAG_REFUSED_MS + 2));
	assert_int_equal(g.marks.high, 2 * 1190);
}

/* 16 MiB, as if all had been wanted at once and were free again. */
static void make_raised(struct dmag_group *g, u64 now)
{
	unsigned int i;

	make_full(g);
	get_atomic(g, 1024, 0);
	for (i = 0; i < 3; i++)
		get_atomic(g, 1024, -ENOMEM);
	assert_true(dmag_group_adapt(g, now));
	assert_int_equal(g->marks.high, 4096);
	own(g, 1024, 5119);
	assert_true(dmag_group_adapt(g, now));
}

/* After 64 quiet seconds, and then each 16, half of the excess goes. */
static void quiet_lowers_them_again(void **state)
{
	static const u64 high[] = { 1024 + 1536, 1024 + 768, 1024 };
	struct dmag_group g;
	unsigned int i;
	u64 now = 1000 + DMAG_HOLD_MS;

	make_raised(&g, 1000);
	for (i = 0; i < 3; i++) {
		assert_true(dmag_group_adapt(&g, now - 1));
		assert_int_not_equal(g.marks.high, high[i]);
		assert_int_equal(dmag_group_adapt(&g, now), i < 2);
		assert_int_equal(g.marks.high, high[i]);
		now += DMAG_EPOCH_MS;
	}
	assert_memory_equal(&g.marks, &g.base, sizeof(g.base));
	assert_false(dmag_group_adapt(&g, now));
}

/* A draw that half of the excess would not hold keeps all of it. */
static void use_keeps_them(void **state)
{
	struct dmag_group g;
	u64 now = 1000;

	make_raised(&g, now);
	now += DMAG_HOLD_MS;
	get_atomic(&g, 1281, 0);
	put_back(&g, 1024, 1281);
	assert_true(dmag_group_adapt(&g, now));
	assert_true(dmag_group_adapt(&g, now + DMAG_HOLD_MS - 1));
	assert_int_equal(g.marks.high, 4096);
	now += DMAG_HOLD_MS;
	get_atomic(&g, 1280, 0);
	assert_true(dmag_group_adapt(&g, now));
	assert_int_equal(g.marks.high, 2560);
}

static void assert_goal(u64 frames, u64 ram, u64 goal)
{
	const struct dmag_range seg[] = { { 0, frames - 1 } };
	struct dmag_group g;

	make_group(&g, seg, 1);
	assert_int_equal(dmag_group_goal(&g, ram), goal);
}

static void goals(void **state)
{
	assert_goal(4096, 1 << 20, 1024);
	assert_goal(4095, 1 << 20, 1024);
	assert_goal(3071, 1 << 20, 512);
	assert_goal(1023, 1 << 20, 0);
	assert_goal(1 << 18, 1 << 20, 1 << 16);
	assert_goal(1 << 19, 1 << 20, 1 << 16);
	assert_goal((1 << 19) + 1, 1 << 20, 0);
}

/* ---- the registry ---------------------------------------------------- */

static void equal_devices_share(void **state)
{
	const struct dmag_range a[] = { { 0, 9 } }, b[] = { { 0, 9 } };
	const struct dmag_range c[] = { { 0, 8 } };
	struct dmag_group g1, g2;
	struct dmag_group g3, g4;
	struct dmag_member m[4] = { 0 };

	make_group(&g1, a, 1);
	make_group(&g2, b, 1);
	make_group(&g3, c, 1);
	make_group(&g4, a, 1);
	g4.attrs = DMAG_SHARED;
	assert_null(dmag_find(&reg, &g1));
	assert_ptr_equal(dmag_join(&reg, &m[0], &g1), &g1);
	assert_ptr_equal(dmag_find(&reg, &g2), &g1);
	assert_null(dmag_find(&reg, &g3));
	assert_null(dmag_find(&reg, &g4));
	assert_ptr_equal(dmag_join(&reg, &m[1], &g2), &g1);
	assert_ptr_equal(dmag_join(&reg, &m[2], &g3), &g3);
	assert_ptr_equal(dmag_join(&reg, &m[3], &g4), &g4);
	assert_int_equal(g1.members, 2);
	assert_int_equal(reg.nr_groups, 3);
	/* Again is no change. */
	assert_ptr_equal(dmag_join(&reg, &m[1], &g2), &g1);
	assert_int_equal(g1.members, 2);
	assert_valid();
	assert_false(dmag_group_retire(&reg, &g1));
	assert_ptr_equal(dmag_leave(&reg, &m[0]), &g1);
	assert_false(dmag_group_retire(&reg, &g1));
	assert_ptr_equal(dmag_leave(&reg, &m[1]), &g1);
	assert_null(dmag_leave(&reg, &m[1]));
	assert_true(dmag_group_retire(&reg, &g1));
	assert_false(dmag_group_retire(&reg, &g1));
	assert_int_equal(reg.nr_groups, 2);
	assert_valid();
}

/* A mask is set twice; buffers are still out when it is set again. */
static void move_with_buffers_out(void **state)
{
	const struct dmag_range a[] = { { 0, 99 } }, b[] = { { 0, 49 } };
	struct dmag_group g1, g2;
	struct dmag_group again;
	struct dmag_request rq = DMAG_REQUEST(1);
	struct dmag_member m = { 0 };
	struct dmag_range r;
	u64 pfn;

	make_group(&g1, a, 1);
	make_group(&g2, b, 1);
	make_group(&again, a, 1);
	assert_ptr_equal(dmag_join(&reg, &m, &g1), &g1);
	own(&g1, 0, 0);
	assert_int_equal(dmag_group_get(&g1, &rq, true, &pfn), 0);
	assert_ptr_equal(dmag_join(&reg, &m, &g2), &g2);
	assert_int_equal(g1.members, 0);
	assert_false(dmag_group_retire(&reg, &g1));
	assert_valid();
	/* The old group lives on, and is found again. */
	assert_ptr_equal(dmag_join(&reg, &m, &again), &g1);
	assert_true(dmag_group_retire(&reg, &g2));
	assert_ptr_equal(dmag_leave(&reg, &m), &g1);
	assert_int_equal(dmag_group_put(&g1, pfn, 1), 0);
	assert_false(dmag_group_retire(&reg, &g1));
	assert_true(drop_some(&g1, U64_MAX, &r));
	assert_true(dmag_group_retire(&reg, &g1));
	assert_int_equal(reg.nr_groups, 0);
	assert_valid();
}

static void bad_memberships(void **state)
{
	const struct dmag_range a[] = { { 0, 9 } };
	struct dmag_group g, busy;
	struct dmag_group zero = { 0 };
	struct dmag_member m = { 0 };

	make_group(&g, a, 1);
	make_group(&busy, a, 1);
	busy.members = 1;
	assert_null(dmag_join(&reg, &m, &busy));
	assert_null(dmag_join(&reg, &m, &zero));
	assert_false(dmag_group_retire(&reg, &g));
	assert_ptr_equal(dmag_join(&reg, &m, &g), &g);
	assert_null(dmag_join(&reg, &m, &g));
	assert_int_equal(g.members, 1);
	assert_valid();
}

/* Joins and retires ten thousand groups, two devices each. */
static void ten_thousand_groups(void **state)
{
	struct dmag_group *g = calloc(2 * MANY, sizeof(*g));
	struct dmag_range *seg = calloc(MANY, sizeof(*seg));
	struct dmag_member *m = calloc(2 * MANY, sizeof(*m));
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		seg[i].start = i % 7;
		seg[i].last = 1000 + i;
	}
	for (i = 0; i < 2 * MANY; i++) {
		assert_int_equal(dmag_group_init(&g[i], &seg[i % MANY], 1,
						 i % MANY % 2),
				 0);
		assert_ptr_equal(dmag_join(&reg, &m[i], &g[i]), &g[i % MANY]);
	}
	assert_int_equal(reg.nr_groups, MANY);
	assert_valid();
	for (i = 0; i < 2 * MANY; i++) {
		assert_ptr_equal(dmag_leave(&reg, &m[i]), &g[i % MANY]);
		assert_int_equal(dmag_group_retire(&reg, &g[i % MANY]),
				 i >= MANY);
	}
	assert_int_equal(reg.nr_groups, 0);
	assert_valid();
	free(m);
	free(seg);
	free(g);
}

/* ---- RAM changes ----------------------------------------------------- */

struct device {
	struct dmag_member member;
	struct dmag_group group[2];
	struct dmag_range seg[2][4];
};

/* What the caller does with each member: build its reach again, and join. */
static struct dmag_group *resolve(struct device *d, int which,
				  const struct dmag_reach *ram)
{
	int nr = dmag_reach_build(&d->member.constraint, ram, d->seg[which], 4);

	assert_true(nr >= 0 && nr <= 4);
	assert_int_equal(dmag_group_init(&d->group[which], d->seg[which], nr,
					 d->member.constraint.attrs),
			 0);
	return dmag_join(&reg, &d->member, &d->group[which]);
}

/* More RAM tells two masks apart that less RAM did not, and back. */
static void ram_changes(void **state)
{
	const struct dmag_range small[] = { { 0, 99 } };
	const struct dmag_range large[] = { { 0, 99 }, { 200, 299 } };
	const struct dmag_reach before = { .seg = small, .nr = 1 };
	const struct dmag_reach after = { .seg = large, .nr = 2 };
	struct device d[3] = { 0 };
	struct dmag_member *m, *next;
	unsigned int i, seen = 0;

	d[0].member.constraint.limit = (150ULL << PAGE_SHIFT) - 1;
	d[1].member.constraint.limit = (250ULL << PAGE_SHIFT) - 1;
	d[2].member.constraint.limit = U64_MAX;
	for (i = 0; i < 3; i++)
		assert_ptr_equal(resolve(&d[i], 0, &before), &d[0].group[0]);
	assert_int_equal(reg.nr_groups, 1);
	list_for_each_entry_safe(m, next, &reg.members, node) {
		resolve(container_of(m, struct device, member), 1, &after);
		seen++;
	}
	assert_int_equal(seen, 3);
	assert_int_equal(reg.nr_groups, 3);
	assert_int_equal(d[0].group[0].members, 1);
	assert_ptr_equal(d[0].member.group, &d[0].group[0]);
	assert_ptr_equal(d[1].member.group, &d[1].group[1]);
	assert_ptr_equal(d[2].member.group, &d[2].group[1]);
	assert_valid();
	for (i = 1; i < 3; i++) {
		assert_ptr_equal(resolve(&d[i], 0, &before), &d[0].group[0]);
		assert_true(dmag_group_retire(&reg, &d[i].group[1]));
	}
	assert_int_equal(reg.nr_groups, 1);
	assert_int_equal(d[0].group[0].members, 3);
	assert_valid();
}

/* ---- validation ------------------------------------------------------ */

static struct dmag_group g1, g2, twin;
static struct dmag_member m1, m2;
static const struct dmag_range seg1[] = { { 0, 99 } };
static struct dmag_range seg2[] = { { 0, 99 }, { 200, 299 } };

/* Two groups of one device each; the first owns ten frames. */
static int setup_two(void **state)
{
	setup(state);
	memset(&m1, 0, sizeof(m1));
	memset(&m2, 0, sizeof(m2));
	make_group(&g1, seg1, 1);
	make_group(&g2, seg2, 2);
	make_group(&twin, seg1, 1);
	assert_ptr_equal(dmag_join(&reg, &m1, &g1), &g1);
	assert_ptr_equal(dmag_join(&reg, &m2, &g2), &g2);
	own(&g1, 0, 9);
	assert_valid();
	return 0;
}

/* The damage is seen at @level, and not by less. */
static void assert_seen(unsigned int level)
{
	assert_int_equal(dmag_registry_validate(&reg, level), -EUCLEAN);
	if (level > 1)
		assert_int_equal(dmag_registry_validate(&reg, level - 1), 0);
}

static void assert_counts(unsigned int *count, unsigned int wrong)
{
	unsigned int right = *count;

	*count = wrong;
	assert_seen(1);
	*count = right;
	assert_valid();
}

static void validator_counts(void **state)
{
	assert_counts(&reg.nr_groups, 1);
	assert_counts(&reg.nr_groups, 3);
	assert_counts(&g2.members, 0);
	assert_counts(&g2.members, 2);
}

static void assert_amount(u64 *amount, u64 wrong)
{
	u64 right = *amount;

	*amount = wrong;
	assert_seen(1);
	*amount = right;
	assert_valid();
}

static void validator_reserve(void **state)
{
	assert_amount(&g1.marks.min, g1.marks.low + 1);
	assert_amount(&g1.marks.low, g1.marks.high + 1);
	assert_amount(&g1.marks.high, 26);
	assert_amount(&g1.base.high, 26);
	assert_amount(&g1.drawn, 1);
	assert_amount(&g1.refused, 1);
}

/* A key that is not valid, or that belongs in another bucket. */
static void validator_keys(void **state)
{
	static const u64 wrong[] = { 50, 201 };
	unsigned int i;

	assert_counts(&g2.attrs, 8);
	assert_counts(&g2.attrs, 1);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		seg2[1].start = wrong[i];
		assert_seen(1);
		seg2[1].start = 200;
		assert_valid();
	}
}

/* The same without a registry. */
static void validator_group(void **state)
{
	seg2[1].start = 50;
	assert_int_equal(dmag_group_validate(&g2, 1), -EUCLEAN);
	seg2[1].start = 200;
	g2.attrs = 8;
	assert_int_equal(dmag_group_validate(&g2, 1), -EUCLEAN);
	g2.attrs = 0;
	assert_int_equal(dmag_group_validate(&g2, 4), 0);
}

static void validator_members(void **state)
{
	struct dmag_member stray = { 0 };

	m2.group = NULL;
	assert_seen(1);
	m2.group = &g2;
	assert_valid();
	list_add_tail(&stray.node, &reg.members);
	assert_seen(1);
	list_del_init(&stray.node);
	assert_valid();
	/* One member too many, and nobody counts it. */
	stray.group = &g2;
	list_add_tail(&stray.node, &reg.members);
	assert_seen(1);
	list_del_init(&stray.node);
	assert_valid();
}

static void validator_frames(void **state)
{
	g1.frames.free--;
	assert_int_equal(dmag_registry_validate(&reg, 4), -EUCLEAN);
	g1.frames.free++;
	assert_valid();
}

/* I8: a group with another's key, behind the registry's back. */
static void validator_twins(void **state)
{
	list_add_tail(&twin.node, &g1.node);
	reg.nr_groups++;
	assert_seen(3);
}

/* I1: the reach is another one than when the frames were added. */
static void validator_reach(void **state)
{
	static const struct dmag_range elsewhere[] = { { 300, 399 } };

	assert_ptr_equal(dmag_leave(&reg, &m1), &g1);
	list_del_init(&g1.node);
	reg.nr_groups--;
	g1.reach.seg = elsewhere;
	assert_ptr_equal(dmag_join(&reg, &m1, &g1), &g1);
	assert_seen(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bad_groups, setup),
		cmocka_unit_test_setup(starting_marks, setup),
		cmocka_unit_test_setup(blocking_stops_at_min, setup),
		cmocka_unit_test_setup(tries_count_no_refusal, setup),
		cmocka_unit_test_setup(many_at_once, setup),
		cmocka_unit_test_setup(never_across_segments, setup),
		cmocka_unit_test_setup(align_holds_on_the_bus, setup),
		cmocka_unit_test_setup(bad_requests, setup),
		cmocka_unit_test_setup(bad_requests_teach_nothing, setup),
		cmocka_unit_test_setup(add_checks_the_reach, setup),
		cmocka_unit_test_setup(watermarks, setup),
		cmocka_unit_test_setup(steady_is_all_three, setup),
		cmocka_unit_test_setup(picks_blocks_first, setup),
		cmocka_unit_test_setup(cedes_above_high, setup),
		cmocka_unit_test_setup(cedes_to_looser_groups, setup),
		cmocka_unit_test_setup(tighter_looks_at_the_key, setup),
		cmocka_unit_test_setup(picks_blocks_of_attributes, setup),
		cmocka_unit_test_setup(small_draws_change_nothing, setup),
		cmocka_unit_test_setup(refused_puts_repay_nothing, setup),
		cmocka_unit_test_setup(dips_raise_the_marks, setup),
		cmocka_unit_test_setup(never_above_a_quarter, setup),
		cmocka_unit_test_setup(refusals_are_forgotten, setup),
		cmocka_unit_test_setup(refusals_add_up_for_a_while, setup),
		cmocka_unit_test_setup(refusals_are_made_up_for_once, setup),
		cmocka_unit_test_setup(quiet_lowers_them_again, setup),
		cmocka_unit_test_setup(use_keeps_them, setup),
		cmocka_unit_test_setup(goals, setup),
		cmocka_unit_test_setup(equal_devices_share, setup),
		cmocka_unit_test_setup(move_with_buffers_out, setup),
		cmocka_unit_test_setup(bad_memberships, setup),
		cmocka_unit_test_setup(ten_thousand_groups, setup),
		cmocka_unit_test_setup(ram_changes, setup),
		cmocka_unit_test_setup(validator_counts, setup_two),
		cmocka_unit_test_setup(validator_reserve, setup_two),
		cmocka_unit_test_setup(validator_keys, setup_two),
		cmocka_unit_test_setup(validator_group, setup_two),
		cmocka_unit_test_setup(validator_members, setup_two),
		cmocka_unit_test_setup(validator_frames, setup_two),
		cmocka_unit_test_setup(validator_twins, setup_two),
		cmocka_unit_test_setup(validator_reach, setup_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
