// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The frame allocator, case by case: what its contract says, what its bounds
 * are, what it refuses, and what it does without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frames.h"

#include <cmocka.h>

#define PAGE 4096
#define TOP DMAG_PFN_MAX

/* A structure with memory of its own. */
struct bed {
	struct dmag_frames f;
	void *mem[512];
	unsigned int nr;
};

static int bed_new(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	dmag_frames_init(&b->f);
	*state = b;
	return 0;
}

static int bed_free(void **state)
{
	struct bed *b = *state;
	int rc = dmag_frames_validate(&b->f, 4);

	while (b->nr)
		free(b->mem[--b->nr]);
	free(b);
	return rc;
}

static void bed_feed(struct bed *b, size_t bytes)
{
	b->mem[b->nr] = aligned_alloc(DMAG_MEM_ALIGN, bytes);
	assert_non_null(b->mem[b->nr]);
	assert_int_equal(dmag_frames_feed(&b->f, b->mem[b->nr++], bytes), 0);
}

static void bed_add(struct bed *b, u64 start, u64 last)
{
	u64 need = dmag_frames_need(&b->f, start, last);

	if (need)
		bed_feed(b, need);
	assert_int_equal(dmag_frames_need(&b->f, start, last), 0);
	assert_int_equal(dmag_frames_add(&b->f, start, last), 0);
	assert_int_equal(dmag_frames_validate(&b->f, 4), 0);
}

static u64 get(struct bed *b, const struct dmag_request *rq)
{
	u64 pfn = ~0ULL;

	assert_int_equal(dmag_frames_get(&b->f, rq, &pfn), 0);
	assert_true(frames_fits(rq, pfn));
	assert_int_equal(dmag_frames_validate(&b->f, 4), 0);
	return pfn;
}

static void test_empty(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	struct bed *b = *state;
	struct dmag_run run;
	u64 pfn = 7;

	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	assert_int_equal(pfn, 7);
	assert_int_equal(dmag_frames_put(&b->f, 0, 1), -EINVAL);
	assert_int_equal(dmag_frames_take(&b->f, 0, 0), -EBUSY);
	assert_int_equal(dmag_frames_remove(&b->f, 0, TOP), -EBUSY);
	assert_int_equal(dmag_frames_quarantine(&b->f, 0, 0), -EINVAL);
	assert_int_equal(dmag_frames_add(&b->f, 0, 0), -ENOMEM);
	assert_int_equal(dmag_frames_state(&b->f, 0), DMAG_FOREIGN);
	assert_false(dmag_frames_walk(&b->f, 0, &run));
}

static void test_get_put(void **state)
{
	struct dmag_request one = DMAG_REQUEST(1);
	struct bed *b = *state;
	u64 i;

	bed_add(b, 1000, 2999);
	for (i = 0; i < 2000; i++)
		assert_int_equal(get(b, &one), 1000 + i);
	assert_int_equal(b->f.used, 2000);
	assert_int_equal(dmag_frames_get(&b->f, &one, &i), -ENOMEM);
	for (i = 0; i < 2000; i += 2)
		assert_int_equal(dmag_frames_put(&b->f, 1000 + i, 1), 0);
	one.from = DMAG_HIGHEST;
	for (i = 2000; i; i -= 2)
		assert_int_equal(get(b, &one), 998 + i);
	assert_int_equal(dmag_frames_put(&b->f, 1000, 2000), 0);
	assert_int_equal(b->f.free, 2000);
}

static void put(struct bed *b, u64 pfn)
{
	assert_int_equal(dmag_frames_put(&b->f, pfn, 1), 0);
	assert_int_equal(dmag_frames_validate(&b->f, 4), 0);
}

/* A frame that is put and is the lowest is hot; it is free like any other. */
static void test_hot(void **state)
{
	struct dmag_request one = DMAG_REQUEST(1);
	struct bed *b = *state;
	struct dmag_run run;
	u64 i;

	bed_add(b, 100, 199);
	for (i = 100; i < 110; i++)
		assert_int_equal(get(b, &one), i);
	put(b, 109);
	assert_int_equal(b->f.hot, 109);
	assert_int_equal(dmag_frames_put(&b->f, 109, 1), -EINVAL);
	assert_int_equal(dmag_frames_state(&b->f, 109), DMAG_FREE);
	assert_true(dmag_frames_walk(&b->f, 150, &run));
	assert_int_equal(run.range.start, 109);
	assert_true(dmag_frames_walk(&b->f, 0, &run));
	assert_int_equal(run.range.last, 108);
	put(b, 104);
	assert_int_equal(b->f.hot, 104);
	put(b, 106);
	assert_int_equal(b->f.hot, 104);
	assert_int_equal(get(b, &one), 104);
	assert_int_equal(get(b, &one), 106);
	put(b, 106);
	one.within.start = 107;
	assert_int_equal(get(b, &one), 109);
	one.within.start = 0;
	put(b, 103);
	one.within.last = 102;
	assert_int_equal(dmag_frames_get(&b->f, &one, &i), -ENOMEM);
	put(b, 109);
	assert_int_equal(dmag_frames_take(&b->f, 103, 103), 0);
	assert_int_equal(dmag_frames_state(&b->f, 103), DMAG_USED);
	assert_int_equal(dmag_frames_state(&b->f, 106), DMAG_FREE);
}

/* Every order from a frame to the whole span, at both ends. */
static void test_orders(void **state)
{
	struct bed *b = *state;
	unsigned int k;

	bed_add(b, 0, (1ULL << 19) - 1);
	for (k = 0; k <= 19; k++) {
		struct dmag_request rq = DMAG_REQUEST(1ULL << k);

		assert_int_equal(get(b, &rq), 0);
		assert_int_equal(dmag_frames_put(&b->f, 0, rq.count), 0);
		rq.from = DMAG_HIGHEST;
		assert_int_equal(get(b, &rq), (1ULL << 19) - rq.count);
		assert_int_equal(dmag_frames_put(&b->f, (1ULL << 19) - rq.count,
						 rq.count),
				 0);
	}
	assert_int_equal(b->f.free, 1ULL << 19);
}

/* The whole PFN space is one more than can be owned; runs beyond the tree. */
static void test_too_large(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(DMAG_PFN_MAX + 1);
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, TOP - 511, TOP);
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.count = 512;
	rq.align = 512;
	assert_int_equal(get(b, &rq), TOP - 511);
	assert_int_equal(dmag_frames_put(&b->f, TOP - 511, 513), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, TOP - 511, 512), 0);
	rq.align = 1ULL << 63;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
}

/* More than the tree spans, from either end. */
static void test_beyond_span(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1 << 20);
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 0, 511);
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.from = DMAG_HIGHEST;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq = (struct dmag_request)DMAG_REQUEST(1);
	rq.within.start = 1 << 20;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
}

/* A 64 MiB buffer between frames in use, by count rather than by order. */
static void test_large(void **state)
{
	struct dmag_request rq = { .count = 16384, .within = { 0, TOP } };
	struct bed *b = *state;

	bed_add(b, 100, 40000);
	assert_int_equal(dmag_frames_take(&b->f, 16000, 16000), 0);
	assert_int_equal(get(b, &rq), 16001);
	assert_int_equal(dmag_frames_put(&b->f, 16001, 16384), 0);
	rq.from = DMAG_HIGHEST;
	assert_int_equal(get(b, &rq), 40001 - 16384);
}

static void test_boundary(void **state)
{
	struct dmag_request rq = {
		.count = 3,
		.boundary = 8,
		.within = { 0, TOP },
	};
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 6, 12);
	assert_int_equal(get(b, &rq), 8);
	assert_int_equal(dmag_frames_put(&b->f, 8, 3), 0);
	rq.from = DMAG_HIGHEST;
	assert_int_equal(get(b, &rq), 10);
	assert_int_equal(dmag_frames_put(&b->f, 10, 3), 0);
	assert_int_equal(dmag_frames_take(&b->f, 10, 12), 0);
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.boundary = 16;
	assert_int_equal(get(b, &rq), 7);
}

/* A phase far off, at the edges of what a word and the frames can hold. */
static void test_phase(void **state)
{
	struct dmag_request rq = {
		.count = 64,
		.boundary = 64,
		.phase = 0 - 5ULL,
		.within = { 0, TOP },
	};
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 0, 299);
	assert_int_equal(get(b, &rq), 5);
	rq.from = DMAG_HIGHEST;
	assert_int_equal(get(b, &rq), 197);
	rq.count = 3;
	rq.align = 4;
	rq.phase = 1;
	assert_int_equal(get(b, &rq), 295);
	rq.align = 1ULL << 63;
	rq.boundary = 0;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.count = 80;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.from = DMAG_LOWEST;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.count = 3;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.phase = (1ULL << 63) - 290;
	assert_int_equal(get(b, &rq), 290);
}

static void test_align(void **state)
{
	struct dmag_request rq = {
		.count = 2,
		.align = 1024,
		.within = { 0, TOP },
	};
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 5, 3000);
	assert_int_equal(get(b, &rq), 1024);
	assert_int_equal(get(b, &rq), 2048);
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	rq.within.start = 6;
	rq.within.last = 7;
	rq.align = 4;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
}

/* The shortest of some runs of a request that fails, in nanoseconds. */
static u64 time_failure(struct bed *b, const struct dmag_request *rq)
{
	struct timespec from, to;
	u64 pfn, ns, best = U64_MAX;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		timespec_get(&from, TIME_UTC);
		assert_int_equal(dmag_frames_get(&b->f, rq, &pfn), -ENOMEM);
		timespec_get(&to, TIME_UTC);
		ns = (u64)(to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
		     from.tv_nsec;
		best = min(best, ns);
	}
	return best;
}

/*
 * 64 GiB, the first frame of each block in use: of few places in an alignment,
 * only these are looked at, not each of 262,144 words.
 */
static void test_large_align_is_quick(void **state)
{
	struct dmag_request rq = { .count = 1, .within = { 0, TOP } };
	struct bed *b = *state;
	u64 pfn, few, many;

	bed_add(b, 0, (1 << 24) - 1);
	for (pfn = 0; pfn < 1 << 24; pfn += 512)
		assert_int_equal(dmag_frames_take(&b->f, pfn, pfn), 0);
	for (rq.from = DMAG_LOWEST; rq.from <= DMAG_HIGHEST; rq.from++) {
		rq.align = 1 << 12;
		many = time_failure(b, &rq);
		rq.align = 1 << 20;
		few = time_failure(b, &rq);
		/* 256 times fewer places. */
		assert_true(few * 16 < many);
	}
}

/*
 * 16 GiB of holes that are a frame too small: a bounded search gives up at once,
 * one without a bound looks at all of them.
 */
static void test_search_is_bounded(void **state)
{
	static const u64 counts[] = { 3, 130 };
	struct dmag_request rq = { .within = { 0, TOP } };
	struct bed *b = *state;
	u64 pfn, all, few;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		rq.count = counts[i];
		bed_add(b, 0, (1 << 22) - 1);
		for (pfn = 0; pfn < 1 << 22; pfn += rq.count)
			assert_int_equal(dmag_frames_take(&b->f, pfn, pfn), 0);
		for (rq.from = DMAG_LOWEST; rq.from <= DMAG_HIGHEST;
		     rq.from++) {
			b->f.search_max = 0;
			all = time_failure(b, &rq);
			b->f.search_max = 32;
			few = time_failure(b, &rq);
			assert_true(few * 64 < all);
		}
		for (pfn = 0; pfn < 1 << 22; pfn += rq.count)
			assert_int_equal(dmag_frames_put(&b->f, pfn, 1), 0);
		assert_int_equal(dmag_frames_remove(&b->f, 0, (1 << 22) - 1),
				 0);
	}
}

/* Beyond the bound, a run is found if it is part of a larger free block. */
static void test_search_takes_larger(void **state)
{
	struct dmag_request rq = { .count = 3, .within = { 0, TOP } };
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 0, 16383);
	assert_int_equal(dmag_frames_take(&b->f, 0, 16383), 0);
	for (pfn = 0; pfn < 4096; pfn += 64)
		assert_int_equal(dmag_frames_put(&b->f, pfn + 2, 2), 0);
	b->f.search_max = 32;
	/* Across the middle of a block of four frames: too far away to be seen. */
	assert_int_equal(dmag_frames_put(&b->f, 4097, 3), 0);
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	assert_int_equal(dmag_frames_put(&b->f, 5000, 4), 0);
	assert_int_equal(get(b, &rq), 5000);
	assert_int_equal(dmag_frames_put(&b->f, 5000, 3), 0);
	rq.align = 4;
	rq.phase = 2;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	assert_int_equal(dmag_frames_put(&b->f, 5004, 4), 0);
	assert_int_equal(get(b, &rq), 5002);
	assert_int_equal(dmag_frames_put(&b->f, 5002, 3), 0);
	rq.align = 1ULL << 50;
	rq.phase = 0;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -ENOMEM);
	/* From above it is near; then the ones below are in the way. */
	rq.align = 0;
	rq.from = DMAG_HIGHEST;
	assert_int_equal(get(b, &rq), 5005);
	for (pfn = 5120; pfn < 16384; pfn += 64)
		assert_int_equal(dmag_frames_put(&b->f, pfn + 2, 2), 0);
	assert_int_equal(get(b, &rq), 5001);
	b->f.search_max = 0;
	assert_int_equal(get(b, &rq), 4097);
}

/* A larger block costs less than to look at many places, though these come first. */
static void test_larger_after_a_few(void **state)
{
	struct dmag_request rq = { .count = 3, .within = { 0, TOP } };
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 0, 1023);
	assert_int_equal(dmag_frames_take(&b->f, 0, 1023), 0);
	for (pfn = 0; pfn < 128; pfn += 64)
		assert_int_equal(dmag_frames_put(&b->f, pfn + 2, 2), 0);
	assert_int_equal(dmag_frames_put(&b->f, 321, 3), 0);
	assert_int_equal(dmag_frames_put(&b->f, 512, 4), 0);
	b->f.search_max = 32;
	assert_int_equal(get(b, &rq), 512);
	assert_int_equal(get(b, &rq), 321);
	assert_int_equal(dmag_frames_put(&b->f, 512, 3), 0);
	assert_int_equal(dmag_frames_put(&b->f, 321, 3), 0);
	b->f.search_max = 0;
	assert_int_equal(get(b, &rq), 321);
}

/* The same for counts that are more than a word. */
static void test_larger_after_a_few_runs(void **state)
{
	struct dmag_request rq = { .count = 130, .within = { 0, TOP } };
	struct bed *b = *state;

	bed_add(b, 0, 2047);
	assert_int_equal(dmag_frames_take(&b->f, 0, 2047), 0);
	assert_int_equal(dmag_frames_put(&b->f, 0, 70), 0);
	assert_int_equal(dmag_frames_put(&b->f, 256, 70), 0);
	assert_int_equal(dmag_frames_put(&b->f, 600, 130), 0);
	assert_int_equal(dmag_frames_put(&b->f, 1024, 256), 0);
	b->f.search_max = 32;
	assert_int_equal(get(b, &rq), 1024);
	assert_int_equal(get(b, &rq), 600);
}

/* Counts of all kinds over a hole: what fits below it, and what only above. */
static void test_counts(void **state)
{
	struct dmag_request rq = { .within = { 0, TOP } };
	struct bed *b = *state;
	u64 low, high;

	bed_add(b, 0, 1999);
	assert_int_equal(dmag_frames_take(&b->f, 500, 509), 0);
	for (rq.count = 1; rq.count <= 1490; rq.count++) {
		low = rq.count <= 500 ? 0 : 510;
		high = 2000 - rq.count;
		rq.from = DMAG_LOWEST;
		assert_int_equal(get(b, &rq), low);
		assert_int_equal(dmag_frames_put(&b->f, low, rq.count), 0);
		rq.from = DMAG_HIGHEST;
		assert_int_equal(get(b, &rq), high);
		assert_int_equal(dmag_frames_put(&b->f, high, rq.count), 0);
	}
}

/* Every window over a pattern of holes gives the lowest and the highest. */
static void test_within(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	struct bed *b = *state;
	u64 lo, hi, pfn;

	bed_add(b, 0, 700);
	assert_int_equal(dmag_frames_take(&b->f, 3, 60), 0);
	assert_int_equal(dmag_frames_take(&b->f, 62, 650), 0);
	for (lo = 0; lo < 705; lo += 3)
		for (hi = lo; hi < 705; hi += 7) {
			bool low = lo < 3, mid = lo <= 61 && hi >= 61;
			u64 want = low ? lo : mid ? 61 : max(lo, 651ULL);
			bool any = want <= min(hi, 700ULL);

			rq.within = (struct dmag_range){ lo, hi };
			assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn),
					 any ? 0 : -ENOMEM);
			if (!any)
				continue;
			assert_int_equal(pfn, want);
			assert_int_equal(dmag_frames_put(&b->f, pfn, 1), 0);
		}
}

static void test_exact_ranges(void **state)
{
	struct bed *b = *state;

	bed_add(b, 100, 199);
	assert_int_equal(dmag_frames_add(&b->f, 199, 300), -EEXIST);
	assert_int_equal(dmag_frames_state(&b->f, 200), DMAG_FOREIGN);
	assert_int_equal(dmag_frames_take(&b->f, 150, 200), -EBUSY);
	assert_int_equal(dmag_frames_take(&b->f, 150, 160), 0);
	assert_int_equal(dmag_frames_take(&b->f, 160, 170), -EBUSY);
	assert_int_equal(dmag_frames_remove(&b->f, 140, 150), -EBUSY);
	assert_int_equal(dmag_frames_put(&b->f, 149, 2), -EINVAL);
	assert_int_equal(dmag_frames_quarantine(&b->f, 149, 150), -EINVAL);
	assert_int_equal(dmag_frames_quarantine(&b->f, 150, 151), 0);
	assert_int_equal(dmag_frames_put(&b->f, 150, 1), -EINVAL);
	assert_int_equal(b->f.quarantined, 2);
	assert_int_equal(b->f.used, 9);
	assert_int_equal(dmag_frames_put(&b->f, 152, 9), 0);
	assert_int_equal(dmag_frames_remove(&b->f, 152, 199), 0);
	assert_int_equal(dmag_frames_remove(&b->f, 100, 149), 0);
	assert_null(b->f.root);
	assert_int_equal(b->f.nr_block, 0);
}

/* What is given up comes back as spare memory: growth does not leak. */
static void test_memory_returns(void **state)
{
	struct bed *b = *state;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		bed_add(b, 0, 0);
		bed_add(b, TOP - 40000, TOP);
		assert_int_equal(b->f.height, DMAG_HEIGHT_MAX);
		assert_int_equal(dmag_frames_remove(&b->f, TOP - 40000, TOP),
				 0);
		assert_int_equal(b->f.height, 1);
		assert_int_equal(dmag_frames_remove(&b->f, 0, 0), 0);
	}
	assert_int_equal(b->nr, 2);
}

/* All that was fed moves on, and serves there. */
static void test_drain(void **state)
{
	struct bed *b = *state;
	struct dmag_frames old;

	dmag_frames_init(&old);
	dmag_frames_drain(&b->f, &old); /* nothing is moved to nothing */
	bed_add(b, 0, 0);
	bed_add(b, TOP - 40000, TOP);
	dmag_frames_drain(&b->f, &old);
	assert_int_equal(old.nr_spare_node + old.nr_spare_block, 0);
	assert_int_equal(dmag_frames_remove(&b->f, TOP - 40000, TOP), 0);
	assert_int_equal(dmag_frames_remove(&b->f, 0, 0), 0);
	dmag_frames_drain(&b->f, &old);
	assert_int_equal(b->f.nr_spare_node + b->f.nr_spare_block, 0);
	assert_int_equal(dmag_frames_validate(&b->f, 4), 0);
	assert_int_equal(dmag_frames_validate(&old, 4), 0);
	bed_feed(b, PAGE);
	dmag_frames_drain(&old, &b->f);
	assert_int_equal(dmag_frames_add(&b->f, TOP - 40000, TOP), 0);
	assert_int_equal(dmag_frames_add(&b->f, 0, 0), 0);
}

static void test_walk_stats(void **state)
{
	struct dmag_frames_stats s;
	struct bed *b = *state;
	struct dmag_run run;

	bed_add(b, 10, 1999);
	bed_add(b, 2000, 2999);
	assert_int_equal(dmag_frames_take(&b->f, 500, 1500), 0);
	assert_true(dmag_frames_walk(&b->f, 0, &run));
	assert_int_equal(run.range.start, 10);
	assert_int_equal(run.range.last, 499);
	assert_int_equal(run.state, DMAG_FREE);
	assert_true(dmag_frames_walk(&b->f, 1500, &run));
	assert_int_equal(run.range.start, 500);
	assert_int_equal(run.state, DMAG_USED);
	assert_true(dmag_frames_walk(&b->f, 2999, &run));
	assert_int_equal(run.range.start, 1501);
	assert_false(dmag_frames_walk(&b->f, 3000, &run));
	dmag_frames_stats(&b->f, &s);
	assert_int_equal(s.largest_free, 2999 - 1500);
	assert_int_equal(s.runs_free, 2);
	assert_int_equal(s.blocks, 6);
	assert_int_equal(s.bytes, 6 * sizeof(struct dmag_block) +
					  sizeof(struct dmag_node));
}

/* A size stated beforehand is exactly what adding the list takes. */
static void test_size(void **state)
{
	static const struct dmag_range r[] = {
		{ 16, 159 },
		{ 256, 262143 },
		{ 262144, 262144 },
		{ 1 << 20, 1 << 21 },
		{ 1ULL << 40, (1ULL << 40) + 70000 },
		{ TOP, TOP },
	};
	struct bed *b = *state;
	unsigned int i;

	bed_feed(b, dmag_frames_size(r, ARRAY_SIZE(r)));
	for (i = 0; i < ARRAY_SIZE(r); i++)
		assert_int_equal(dmag_frames_add(&b->f, r[i].start, r[i].last),
				 0);
	assert_int_equal(b->f.nr_spare_node, 0);
	assert_int_equal(b->f.nr_spare_block, 0);
}

static void test_bad_requests(void **state)
{
	struct dmag_request good = DMAG_REQUEST(4), rq;
	struct bed *b = *state;
	u64 pfn = 7;

	bed_add(b, 0, 4095);
	rq = good;
	rq.count = 0;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.count = 1ULL << 63;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.align = 3;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.boundary = 12;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.boundary = 2;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.within.start = 2;
	rq.within.last = 1;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.within.last = TOP + 1;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq.count = 1;
	rq.align = 1;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	rq = good;
	rq.from = 2;
	assert_int_equal(dmag_frames_get(&b->f, &rq, &pfn), -EINVAL);
	assert_int_equal(pfn, 7);
	assert_int_equal(b->f.free, 4096);
}

static void bad_range(struct bed *b, u64 start, u64 last)
{
	assert_int_equal(dmag_frames_add(&b->f, start, last), -EINVAL);
	assert_int_equal(dmag_frames_remove(&b->f, start, last), -EINVAL);
	assert_int_equal(dmag_frames_take(&b->f, start, last), -EINVAL);
	assert_int_equal(dmag_frames_quarantine(&b->f, start, last), -EINVAL);
	assert_int_equal(dmag_frames_need(&b->f, start, last), 0);
}

static void test_bad_ranges(void **state)
{
	struct dmag_range bad = { 1, 0 };
	struct bed *b = *state;

	bed_add(b, 0, 4095);
	bad_range(b, 5, 4);
	bad_range(b, 0, TOP + 1);
	bad_range(b, 1ULL << 63, U64_MAX);
	bad_range(b, U64_MAX, 0);
	assert_int_equal(dmag_frames_put(&b->f, 0, 0), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, 0, 1ULL << 63), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, TOP, 2), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, TOP + 1, 1), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, U64_MAX, U64_MAX), -EINVAL);
	assert_int_equal(dmag_frames_state(&b->f, U64_MAX), DMAG_FOREIGN);
	assert_int_equal(dmag_frames_size(&bad, 1), 0);
	assert_int_equal(b->f.free, 4096);
}

static void test_bad_feed(void **state)
{
	static char mem[PAGE] __aligned(PAGE);
	struct bed *b = *state;

	assert_int_equal(dmag_frames_feed(&b->f, NULL, PAGE), -EINVAL);
	assert_int_equal(dmag_frames_feed(&b->f, mem + 8, 1024), -EINVAL);
	assert_int_equal(dmag_frames_feed(&b->f, mem, 64), -EINVAL);
	assert_int_equal(dmag_frames_feed(&b->f, mem, 0), -EINVAL);
	assert_int_equal(dmag_frames_feed(&b->f, mem, SIZE_MAX), -EINVAL);
	assert_int_equal(b->f.nr_spare_block, 0);
}

static void test_misuse(void **state)
{
	struct dmag_request rq = DMAG_REQUEST(8);
	struct bed *b = *state;
	u64 pfn;

	bed_add(b, 512, 1023);
	pfn = get(b, &rq);
	assert_int_equal(dmag_frames_put(&b->f, pfn, 9), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, pfn, 8), 0);
	assert_int_equal(dmag_frames_put(&b->f, pfn, 8), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, pfn, 1), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, 511, 1), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, 1ULL << 40, 1), -EINVAL);
	assert_int_equal(dmag_frames_put(&b->f, 1ULL << 40, 2), -EINVAL);
	assert_int_equal(b->f.free, 512);
}

/* Memory in pages; adding fails before the last one and changes nothing. */
static void test_feed_fails_at_each(void **state)
{
	static const struct dmag_range r = { (1ULL << 33) - 5000,
					     (1ULL << 33) + 40000 };
	unsigned int n, pages = 0;
	struct bed *b = *state;

	bed_add(b, 3, 5);
	while (dmag_frames_need(&b->f, r.start, r.last)) {
		assert_int_equal(dmag_frames_add(&b->f, r.start, r.last),
				 -ENOMEM);
		assert_int_equal(dmag_frames_validate(&b->f, 4), 0);
		assert_int_equal(b->f.free, 3);
		assert_int_equal(b->f.nr_block, 1);
		bed_feed(b, PAGE);
		pages++;
	}
	assert_true(pages > 2);
	assert_int_equal(dmag_frames_add(&b->f, r.start, r.last), 0);
	for (n = 0; n < 3; n++)
		assert_int_equal(dmag_frames_put(&b->f, n, 1), -EINVAL);
	assert_int_equal(b->f.free, 3 + r.last - r.start + 1);
}

/* The validator finds this from @level on, and not before. */
static void finds(const struct dmag_frames *f, unsigned int level)
{
	unsigned int i;

	for (i = 1; i <= 4; i++)
		assert_int_equal(dmag_frames_validate(f, i),
				 i < level ? 0 : -EUCLEAN);
}

#define BROKEN(level, f, field, value)                           \
	do {                                                     \
		typeof(field) __saved = (field);                 \
		(field) = (value);                               \
		finds(f, level);                                 \
		(field) = __saved;                               \
		assert_int_equal(dmag_frames_validate(f, 4), 0); \
	} while (0)

static void test_broken_counters(void **state)
{
	struct bed *b = *state;
	struct dmag_frames *f = &b->f;
	struct dmag_node other = { 0 };

	BROKEN(1, f, f->root, &other);
	bed_feed(b, 3 * PAGE);
	BROKEN(1, f, f->free, 1);
	BROKEN(1, f, f->nr_spare_node, 0);
	BROKEN(1, f, f->spare_block, NULL);
	bed_add(b, 1 << 15, (1 << 15) + 700);
	BROKEN(1, f, f->height, 0);
	BROKEN(1, f, f->height, DMAG_HEIGHT_MAX + 1);
	BROKEN(1, f, f->nr_node, 0);
	BROKEN(1, f, f->nr_block, 0);
	BROKEN(1, f, f->nr_block, 1);
	BROKEN(1, f, f->used, 324);
	BROKEN(4, f, f->used, 323);
	BROKEN(4, f, f->free, f->free - 1);
	BROKEN(4, f, f->nr_node, f->nr_node + 1);
	BROKEN(4, f, f->nr_block, f->nr_block + 1);
	BROKEN(4, f, f->nr_spare_node, f->nr_spare_node + 1);
	BROKEN(4, f, f->nr_spare_block, f->nr_spare_block - 1);
	BROKEN(4, f, f->bound, (1 << 15) + 1);
	BROKEN(4, f, f->hot, 1 << 15);
	BROKEN(4, f, f->spare_node, (void *)((char *)f->spare_node + 8));
}

static void test_broken_hot(void **state)
{
	struct dmag_request one = DMAG_REQUEST(1);
	struct bed *b = *state;
	struct dmag_frames *f = &b->f;
	u64 pfn;

	bed_add(b, 100, 199);
	pfn = get(b, &one);
	put(b, pfn);
	BROKEN(4, f, f->hot, 101); /* free in the tree */
	BROKEN(4, f, f->hot, 99); /* foreign */
	BROKEN(4, f, f->hot, 1000); /* no block */
	BROKEN(4, f, f->hot, 1ULL << 30); /* no leaf */
	BROKEN(4, f, f->hot, DMAG_NO_FRAME);
	BROKEN(4, f, f->bound, pfn);
	BROKEN(4, f, f->bound, pfn + 2);
}

static void test_broken_root(void **state)
{
	struct bed *b = *state;
	struct dmag_frames *f = &b->f;
	struct dmag_node *root, saved;

	bed_add(b, 0, 5);
	bed_add(b, 1 << 15, (1 << 15) + 5);
	assert_int_equal(dmag_frames_take(f, 1 << 15, (1 << 15) + 5), 0);
	root = f->root;
	BROKEN(2, f, root->present, root->present | 4);
	BROKEN(2, f, root->has[1], root->has[1] | 4);
	BROKEN(2, f, root->has[15], 1);
	BROKEN(2, f, root->orders, root->orders + 1);
	saved = *root;
	root->child[1] = NULL;
	root->present = 1; /* a root that should have gone */
	finds(f, 2);
	*root = saved;
	assert_int_equal(dmag_frames_validate(f, 4), 0);
	assert_int_equal(dmag_frames_put(f, 1 << 15, 6), 0);
}

static void test_broken_leaf(void **state)
{
	struct bed *b = *state;
	struct dmag_frames *f = &b->f;
	struct dmag_node *leaf, saved;
	struct dmag_block *block;

	bed_add(b, 0, 511);
	bed_add(b, 512, 1023);
	assert_int_equal(dmag_frames_take(f, 512, 1023), 0);
	leaf = f->root;
	block = leaf->child[1];
	BROKEN(2, f, leaf->sub[7], 1);
	BROKEN(3, f, leaf->sub[0], leaf->sub[0] & ~(1ULL << 8));
	BROKEN(4, f, block->own[3], 7);
	BROKEN(3, f, block->free[3], 1);
	block = leaf->child[0];
	BROKEN(3, f, block->own[3], 7);
	block = leaf->child[1];
	memset(block->own, 0, sizeof(block->own));
	finds(f, 3);
	memset(block->own, 0xff, sizeof(block->own));
	saved = *leaf;
	memset(leaf, 0, sizeof(*leaf));
	finds(f, 2);
	*leaf = saved;
}

/* What is wrong below the root is found by going there. */
static void test_broken_deep(void **state)
{
	struct bed *b = *state;
	struct dmag_frames *f = &b->f;
	struct dmag_node *leaf;

	bed_add(b, 1 << 15, (1 << 15) + 511);
	leaf = f->root->child[1];
	BROKEN(3, f, leaf->has[2], 0);
	BROKEN(2, f, leaf->orders, 4);
}

/* 8 GiB of 4 KiB frames take less than 0.02 %. */
static void test_metadata(void **state)
{
	struct dmag_range r = { 0, (1ULL << 21) - 1 };

	(void)state;
	assert_true(dmag_frames_size(&r, 1) * 5000 < 8ULL << 30);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bed_new, bed_free)
	const struct CMUnitTest tests[] = {
		T(test_empty),
		T(test_get_put),
		T(test_orders),
		T(test_too_large),
		T(test_large),
		T(test_boundary),
		T(test_phase),
		T(test_align),
		T(test_large_align_is_quick),
		T(test_search_is_bounded),
		T(test_search_takes_larger),
		T(test_larger_after_a_few),
		T(test_larger_after_a_few_runs),
		T(test_within),
		T(test_exact_ranges),
		T(test_memory_returns),
		T(test_drain),
		T(test_walk_stats),
		T(test_size),
		T(test_bad_requests),
		T(test_bad_ranges),
		T(test_bad_feed),
		T(test_misuse),
		T(test_feed_fails_at_each),
		T(test_metadata),
		T(test_beyond_span),
		T(test_broken_counters),
		T(test_hot),
		T(test_counts),
		T(test_broken_hot),
		T(test_broken_root),
		T(test_broken_leaf),
		T(test_broken_deep),
	};

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
