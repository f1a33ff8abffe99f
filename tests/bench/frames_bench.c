// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What the frame allocator costs, on 8 GiB of 4 KiB frames.
 *
 * The workloads run one after the other, then all again, so that a slow moment
 * of the machine falls on all alike; a figure is the median of the runs.
 * Nothing is asserted: times are for reading.
 *
 * frames_bench [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dmag.h"
#include "dmag_port.h"

#define FRAMES BIT_ULL(21) /* 8 GiB */
#define WINDOW BIT_ULL(18) /* 1 GiB */
#define PROTECTED BIT_ULL(16) /* 256 MiB */
#define MAX_RUNS 101

/* Where the window of the windowed workloads is: free memory on both sides. */
static const struct dmag_range window = { FRAMES / 4, FRAMES / 4 + WINDOW - 1 };

static u64 pfns[FRAMES];
static uint32_t shuffled[FRAMES];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void must(int rc)
{
	if (rc) {
		fprintf(stderr, "frames_bench: unexpected error %d\n", rc);
		exit(1);
	}
}

struct machine {
	struct dmag_frames f;
	void *mem;
};

static void machine_new(struct machine *m, u64 start, u64 last)
{
	struct dmag_range r = { start, last };
	u64 size = dmag_frames_size(&r, 1);

	dmag_frames_init(&m->f);
	m->mem = aligned_alloc(DMAG_MEM_ALIGN, size);
	must(dmag_frames_feed(&m->f, m->mem, size));
	must(dmag_frames_add(&m->f, start, last));
}

static void machine_free(struct machine *m)
{
	must(dmag_frames_validate(&m->f, 4));
	free(m->mem);
}

/* All of memory got and put in runs of one order; two figures. */
static void bulk(unsigned int order, unsigned int rounds, double *ns)
{
	struct dmag_request rq = DMAG_REQUEST(1ULL << order);
	u64 i, nr = FRAMES >> order;
	struct machine m;
	double t[3];

	machine_new(&m, 0, FRAMES - 1);
	memset(ns, 0, 2 * sizeof(*ns));
	while (rounds--) {
		t[0] = now();
		for (i = 0; i < nr; i++)
			must(dmag_frames_get(&m.f, &rq, &pfns[i]));
		t[1] = now();
		for (i = 0; i < nr; i++)
			must(dmag_frames_put(&m.f, pfns[i], rq.count));
		t[2] = now();
		ns[0] += (t[1] - t[0]) / nr;
		ns[1] += (t[2] - t[1]) / nr;
	}
	machine_free(&m);
}

static void bulk0(double *ns)
{
	bulk(0, 1, ns);
}

static void bulk9(double *ns)
{
	bulk(9, 50, ns);
	ns[0] /= 50;
	ns[1] /= 50;
}

static void random_put(double *ns)
{
	struct machine m;
	double t;
	u64 i;

	machine_new(&m, 0, FRAMES - 1);
	must(dmag_frames_take(&m.f, 0, FRAMES - 1));
	t = now();
	for (i = 0; i < FRAMES; i++)
		must(dmag_frames_put(&m.f, shuffled[i], 1));
	ns[0] = (now() - t) / FRAMES;
	machine_free(&m);
}

/* One frame over and over; returns the time of one get and put. */
static double pairs(struct machine *m, const struct dmag_request *rq,
		    unsigned int nr)
{
	double t = now();
	unsigned int i;
	u64 pfn;

	for (i = 0; i < nr; i++) {
		must(dmag_frames_get(&m->f, rq, &pfn));
		must(dmag_frames_put(&m->f, pfn, 1));
	}
	return (now() - t) / nr;
}

/* Nothing else in use: what an idle driver does. */
static void pair(double *ns)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	struct machine m;

	machine_new(&m, 0, FRAMES - 1);
	ns[0] = pairs(&m, &rq, 1000000);
	machine_free(&m);
}

static void far_end(double *ns)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	struct machine m;

	rq.within = window;
	machine_new(&m, 0, FRAMES - 1);
	must(dmag_frames_take(&m.f, window.start, window.last - 1));
	ns[0] = pairs(&m, &rq, 200000);
	machine_free(&m);
}

static void checkerboard(double *ns)
{
	struct dmag_request rq = DMAG_REQUEST(2);
	const unsigned int nr = 200000;
	struct machine m;
	unsigned int i;
	double t;
	u64 pfn;

	rq.within = window;
	machine_new(&m, 0, FRAMES - 1);
	for (pfn = window.start; pfn <= window.last; pfn += 2)
		must(dmag_frames_take(&m.f, pfn, pfn));
	t = now();
	for (i = 0; i < nr; i++)
		must(dmag_frames_get(&m.f, &rq, &pfn) != -ENOMEM);
	ns[0] = (now() - t) / nr;
	machine_free(&m);
}

/* An odd length has no summary: what remains of each word is looked at. */
static void holes(double *ns)
{
	struct dmag_request rq = { .count = 3, .within = window };
	const unsigned int nr = 20;
	struct machine m;
	unsigned int i;
	double t;
	u64 pfn;

	machine_new(&m, 0, FRAMES - 1);
	for (pfn = window.start; pfn <= window.last; pfn += 4)
		must(dmag_frames_take(&m.f, pfn, pfn + 1));
	t = now();
	for (i = 0; i < nr; i++)
		must(dmag_frames_get(&m.f, &rq, &pfn) != -ENOMEM);
	ns[0] = (now() - t) / nr;
	machine_free(&m);
}

/* A group owns 256 MiB; a hog takes what it can.  Frames lost to the group. */
static void hog(double *lost)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 first = window.start, last = first + PROTECTED - 1, pfn, left = 0;
	struct machine m, group;

	machine_new(&m, 0, FRAMES - 1);
	must(dmag_frames_take(&m.f, first, last));
	machine_new(&group, first, last);
	while (!dmag_frames_get(&m.f, &rq, &pfn))
		if (pfn >= first && pfn <= last)
			must(-EBUSY);
	while (!dmag_frames_get(&group.f, &rq, &pfn))
		left++;
	*lost = PROTECTED - left;
	machine_free(&group);
	machine_free(&m);
}

static void metadata(double *bytes)
{
	struct dmag_range r = { 0, FRAMES - 1 };

	*bytes = dmag_frames_size(&r, 1);
}

static const struct {
	void (*run)(double *out);
	const char *what[2];
	const char *unit;
	const char *aim[2];
} works[] = {
	{ bulk0,
	  { "bulk get, order 0", "bulk put, order 0" },
	  "ns",
	  { "< 18", "< 22" } },
	{ bulk9,
	  { "bulk get, order 9", "bulk put, order 9" },
	  "ns",
	  { "< 49", "< 21" } },
	{ random_put, { "random put, order 0" }, "ns", { "< 22" } },
	{ pair, { "get and put one frame, over and over" }, "ns", { "-" } },
	{ far_end,
	  { "get and put the last free frame of 1 GiB" },
	  "ns",
	  { "< 50" } },
	{ checkerboard,
	  { "8 KiB from a checkerboard of 1 GiB: fail" },
	  "ns",
	  { "< 50" } },
	{ holes, { "12 KiB from 1 GiB of 8 KiB holes: fail" }, "ns", { "-" } },
	{ hog, { "protected frames lost to a hog" }, "frames", { "0" } },
	{ metadata, { "metadata for 8 GiB" }, "bytes", { "< 1717986" } },
};

static double result[ARRAY_SIZE(works)][2][MAX_RUNS];

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void shuffle(void)
{
	u64 i, j, tmp, r = 88172645463325252ULL;

	for (i = 0; i < FRAMES; i++)
		shuffled[i] = i;
	for (i = FRAMES - 1; i; i--) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		j = r % (i + 1);
		tmp = shuffled[i];
		shuffled[i] = shuffled[j];
		shuffled[j] = tmp;
	}
}

static void table(unsigned int runs)
{
	unsigned int i, j;

	printf("%-42s %12s %12s %12s  %-7s aim\n", "8 GiB in 4 KiB frames",
	       "median", "fastest", "slowest", "unit");
	for (i = 0; i < ARRAY_SIZE(works); i++)
		for (j = 0; j < 2 && works[i].what[j]; j++) {
			double *r = result[i][j];

			qsort(r, runs, sizeof(*r), by_value);
			printf("%-42s %12.1f %12.1f %12.1f  %-7s %s\n",
			       works[i].what[j], r[runs / 2], r[0], r[runs - 1],
			       works[i].unit, works[i].aim[j]);
		}
}

int main(int argc, char **argv)
{
	unsigned int i, run, runs = argc > 1 ? atoi(argv[1]) : 9;
	double out[2];

	if (!runs || runs > MAX_RUNS)
		return 2;
	shuffle();
	memset(pfns, 1, sizeof(pfns)); /* touch it before it is timed */
	for (run = 0; run < runs; run++)
		for (i = 0; i < ARRAY_SIZE(works); i++) {
			works[i].run(out);
			result[i][0][run] = out[0];
			result[i][1][run] = out[1];
		}
	table(runs);
	return 0;
}
