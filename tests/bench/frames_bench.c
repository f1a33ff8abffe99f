// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What the frame allocator costs beside a plain binary buddy.
 *
 * Both do the same work on 8 GiB, 64 GiB and 1 TiB of 4 KiB frames, one after the
 * other in each run; a figure is the median of the runs' ratios.  So it holds on
 * machines of any speed, and busy ones.  Nothing is asserted.
 *
 * frames_bench [-n] [RUNS]	-n prints nanoseconds of the frame allocator, too
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "buddy.h"

#define WINDOW BIT_ULL(18) /* 1 GiB */
#define BATCH 1000
#define HELD 64
#define MAX_RUNS 25

/* ---- two allocators -------------------------------------------------- */

struct memory {
	u64 frames;
	bool plain; /* the buddy's */
	struct buddy buddy;
	struct dmag_frames dmag;
	u64 dmag_bytes;
	void *dmag_mem;
};

static void must(int ret)
{
	if (ret) {
		fprintf(stderr, "frames_bench: unexpected error %d\n", ret);
		exit(1);
	}
}

static void memory_init(struct memory *m, u64 frames, bool plain)
{
	const struct dmag_range all = { 0, frames - 1 };

	m->frames = frames;
	m->plain = plain;
	if (plain) {
		buddy_init(&m->buddy, frames);
		return;
	}
	m->dmag_bytes = dmag_frames_size(&all, 1);
	m->dmag_mem = buddy_map(m->dmag_bytes);
	dmag_frames_init(&m->dmag);
	m->dmag.search_max = DMAG_SEARCH_MAX; /* as a group's */
	must(dmag_frames_feed(&m->dmag, m->dmag_mem, m->dmag_bytes));
	must(dmag_frames_add(&m->dmag, 0, frames - 1));
}

static void memory_exit(struct memory *m)
{
	if (m->plain)
		buddy_exit(&m->buddy);
	else
		munmap(m->dmag_mem, m->dmag_bytes);
}

static u64 memory_bytes(const struct memory *m)
{
	return m->plain ? buddy_bytes(&m->buddy) : m->dmag_bytes;
}

/* A power of two is wanted at natural alignment, any other count at none. */
static int memory_get(struct memory *m, u64 count,
		      const struct dmag_range *within, u64 *pfn)
{
	struct dmag_request req = DMAG_REQUEST(count);
	unsigned int order = buddy_order(count);

	if (m->plain)
		return within ?
			       buddy_get_within(&m->buddy, order, within, pfn) :
			       buddy_get(&m->buddy, order, pfn);
	if (count & (count - 1))
		req.align = 0;
	if (within)
		req.within = *within;
	return dmag_frames_get(&m->dmag, &req, pfn);
}

static void memory_put(struct memory *m, u64 pfn, u64 count)
{
	if (m->plain)
		buddy_put(&m->buddy, pfn, buddy_order(count));
	else
		must(dmag_frames_put(&m->dmag, pfn, count));
}

/* ---- time, chance, and what is allocated ----------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static u64 chance = 88172645463325252ULL;

static u64 below(u64 n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % n;
}

struct run {
	uint32_t pfn;
	uint32_t count;
};

static struct run *live; /* all that is allocated */
static u64 nr_live, in_use;

static bool live_add(struct memory *m, u64 count)
{
	u64 pfn;

	if (memory_get(m, count, NULL, &pfn))
		return false;
	live[nr_live++] = (struct run){ pfn, count };
	in_use += count;
	return true;
}

static struct run live_take(u64 i)
{
	struct run run = live[i];

	live[i] = live[--nr_live];
	in_use -= run.count;
	return run;
}

/* Mostly single frames, in time up to a block, as allocations of a kernel are. */
static u64 natural_size(void)
{
	static const uint8_t order[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0, 0, 0, 1, 1, 2, 3, 4, 9 };

	return 1ULL << order[below(ARRAY_SIZE(order))];
}

static u64 odd_size(void)
{
	static const uint8_t size[] = { 3, 5, 6, 12, 19, 75 };

	return size[below(ARRAY_SIZE(size))];
}

/* ---- work ------------------------------------------------------------ */

enum figure {
	PAIR,
	BULK_GET,
	BULK_PUT,
	BLOCK_GET,
	BLOCK_PUT,
	NATURAL_GET,
	NATURAL_PUT,
	ODD_GET,
	ODD_PUT,
	WARM_GET,
	WARM_PUT,
	COLD_GET,
	COLD_PUT,
	COLD_16_GET,
	COLD_16_PUT,
	ALONE,
	BOTH,
	BLOCKS,
	BYTES,
	FIGURES,
};

static const char *const names[FIGURES] = {
	[PAIR] = "one frame got and put, over and over",
	[BULK_GET] = "100,000 frames one by one: get",
	[BULK_PUT] = "... put, in random order",
	[BLOCK_GET] = "1,000 blocks of 2 MiB: get",
	[BLOCK_PUT] = "... put, in random order",
	[NATURAL_GET] = "after churn, 4 KiB to 2 MiB: get",
	[NATURAL_PUT] = "... put",
	[ODD_GET] = "after churn, odd sizes, 12 to 300 KiB: get",
	[ODD_PUT] = "... put",
	[WARM_GET] = "after churn, 4 KiB in one 1 GiB window: get",
	[WARM_PUT] = "... put",
	[COLD_GET] = "after churn, 4 KiB in any 1 GiB window: get",
	[COLD_PUT] = "... put",
	[COLD_16_GET] = "after churn, 64 KiB in any 1 GiB window: get",
	[COLD_16_PUT] = "... put",
	[ALONE] = "put and get under a lock, one thread",
	[BOTH] = "put and get under a lock, two threads",
	[BLOCKS] = "blocks of 2 MiB free after churn (more: better)",
	[BYTES] = "metadata",
};

static void pair(struct memory *m, double *out)
{
	const unsigned int nr = 200000;
	double start = now();
	u64 pfn;

	for (unsigned int i = 0; i < nr; i++) {
		must(memory_get(m, 1, NULL, &pfn));
		memory_put(m, pfn, 1);
	}
	out[PAIR] = (now() - start) / nr;
}

static void shuffle(u64 *pfn, unsigned int nr)
{
	while (nr > 1) {
		u64 i = below(nr--), tmp = pfn[i];

		pfn[i] = pfn[nr];
		pfn[nr] = tmp;
	}
}

static void bulk(struct memory *m, u64 count, unsigned int nr, double *out)
{
	u64 *pfn = calloc(nr, sizeof(*pfn));
	double start = now();
	unsigned int i;

	for (i = 0; i < nr; i++)
		must(memory_get(m, count, NULL, &pfn[i]));
	out[0] = (now() - start) / nr;
	shuffle(pfn, nr);
	start = now();
	for (i = 0; i < nr; i++)
		memory_put(m, pfn[i], count);
	out[1] = (now() - start) / nr;
	free(pfn);
}

/* Fill four fifths; then free and allocate at random. */
static void churn(struct memory *m)
{
	u64 full = m->frames / 5 * 4, i, nr;

	nr_live = 0;
	in_use = 0;
	while (in_use < full)
		if (!live_add(m, natural_size()))
			break;
	nr = min_t(u64, 4 * nr_live, 6000000);
	for (i = 0; i < nr; i++) {
		while (in_use >= full) {
			struct run run = live_take(below(nr_live));

			memory_put(m, run.pfn, run.count);
		}
		live_add(m, natural_size());
	}
}

/* Batches of gets after as many puts of what is allocated. */
static void natural(struct memory *m, double *out)
{
	double start, get = 0, put = 0;
	struct run run[BATCH];
	u64 size[BATCH];
	unsigned int i, j;

	for (j = 0; j < 100; j++) {
		for (i = 0; i < BATCH; i++) {
			run[i] = live_take(below(nr_live));
			size[i] = natural_size();
		}
		start = now();
		for (i = 0; i < BATCH; i++)
			memory_put(m, run[i].pfn, run[i].count);
		put += now() - start;
		start = now();
		for (i = 0; i < BATCH; i++)
			live_add(m, size[i]);
		get += now() - start;
	}
	out[NATURAL_GET] = get / (100 * BATCH);
	out[NATURAL_PUT] = put / (100 * BATCH);
}

/* A request of any kind, and its answer. */
struct ask {
	u64 count;
	struct dmag_range within;
	bool anywhere;
	bool got;
	u64 pfn;
};

static void ask_one(struct memory *m, struct ask *ask)
{
	const struct dmag_range *within = ask->anywhere ? NULL : &ask->within;

	ask->got = !memory_get(m, ask->count, within, &ask->pfn);
}

static void ask_all(struct memory *m, struct ask *ask, unsigned int batches,
		    void (*make)(struct memory *m, struct ask *ask),
		    double *out)
{
	double start, get = 0, put = 0;
	unsigned int i, j;

	for (j = 0; j < batches; j++) {
		for (i = 0; i < BATCH; i++)
			make(m, &ask[i]);
		start = now();
		for (i = 0; i < BATCH; i++)
			ask_one(m, &ask[i]);
		get += now() - start;
		start = now();
		for (i = 0; i < BATCH; i++)
			if (ask[i].got)
				memory_put(m, ask[i].pfn, ask[i].count);
		put += now() - start;
	}
	out[0] = get / (batches * BATCH);
	out[1] = put / (batches * BATCH);
}

static void make_odd(struct memory *m, struct ask *ask)
{
	*ask = (struct ask){ .count = odd_size(), .anywhere = true };
}

static void make_window(struct ask *ask, u64 count, u64 start)
{
	*ask = (struct ask){ .count = count,
			     .within = { start, start + WINDOW - 1 } };
}

static void make_warm(struct memory *m, struct ask *ask)
{
	make_window(ask, 1, m->frames / 2);
}

static void make_cold(struct memory *m, struct ask *ask)
{
	make_window(ask, 1, below(m->frames - WINDOW));
}

static void make_cold_16(struct memory *m, struct ask *ask)
{
	make_window(ask, 16, below(m->frames - WINDOW));
}

static double blocks_left(struct memory *m)
{
	double nr = 0;
	u64 pfn;

	while (!memory_get(m, DMAG_BLOCK_FRAMES, NULL, &pfn)) {
		live[nr_live++] = (struct run){ pfn, DMAG_BLOCK_FRAMES };
		nr++;
	}
	for (double i = 0; i < nr; i++)
		memory_put(m, live[--nr_live].pfn, DMAG_BLOCK_FRAMES);
	return nr;
}

/* ---- threads --------------------------------------------------------- */

static pthread_spinlock_t lock;
static pthread_barrier_t barrier;

static void *swap_held(void *data)
{
	const unsigned int nr = 100000;
	struct memory *m = data;
	u64 held[HELD];
	unsigned int i;
	double time;

	pthread_spin_lock(&lock);
	for (i = 0; i < HELD; i++)
		must(memory_get(m, 1, NULL, &held[i]));
	pthread_spin_unlock(&lock);
	pthread_barrier_wait(&barrier);
	time = now();
	for (i = 0; i < nr; i++) {
		u64 *pfn = &held[i * 37 % HELD];

		pthread_spin_lock(&lock);
		memory_put(m, *pfn, 1);
		pthread_spin_unlock(&lock);
		pthread_spin_lock(&lock);
		must(memory_get(m, 1, NULL, pfn));
		pthread_spin_unlock(&lock);
	}
	time = (now() - time) / nr;
	pthread_barrier_wait(&barrier);
	pthread_spin_lock(&lock);
	for (i = 0; i < HELD; i++)
		memory_put(m, held[i], 1);
	pthread_spin_unlock(&lock);
	return memcpy(malloc(sizeof(time)), &time, sizeof(time));
}

static double threads(struct memory *m, unsigned int nr)
{
	pthread_t thread[2];
	double slowest = 0;
	void *time;

	pthread_barrier_init(&barrier, NULL, nr);
	for (unsigned int i = 0; i < nr; i++)
		must(pthread_create(&thread[i], NULL, swap_held, m));
	for (unsigned int i = 0; i < nr; i++) {
		must(pthread_join(thread[i], &time));
		if (*(double *)time > slowest)
			slowest = *(double *)time;
		free(time);
	}
	pthread_barrier_destroy(&barrier);
	return slowest;
}

/* ---- the table ------------------------------------------------------- */

static void measure(u64 frames, bool plain, double *out)
{
	static struct ask ask[BATCH];
	struct memory m;

	chance = 88172645463325252ULL;
	memory_init(&m, frames, plain);
	out[BYTES] = memory_bytes(&m);
	pair(&m, out);
	bulk(&m, 1, 100000, &out[BULK_GET]);
	bulk(&m, DMAG_BLOCK_FRAMES, 1000, &out[BLOCK_GET]);
	churn(&m);
	natural(&m, out);
	ask_all(&m, ask, 20, make_odd, &out[ODD_GET]);
	ask_all(&m, ask, 20, make_warm, &out[WARM_GET]);
	ask_all(&m, ask, 2, make_cold, &out[COLD_GET]);
	ask_all(&m, ask, 2, make_cold_16, &out[COLD_16_GET]);
	out[ALONE] = threads(&m, 1);
	out[BOTH] = threads(&m, 2);
	out[BLOCKS] = blocks_left(&m);
	memory_exit(&m);
}

static const struct {
	const char *name;
	u64 frames;
} sizes[] = {
	{ "8 GiB", BIT_ULL(21) },
	{ "64 GiB", BIT_ULL(24) },
	{ "1 TiB", BIT_ULL(28) },
};

static double ratio[FIGURES][ARRAY_SIZE(sizes)][MAX_RUNS];
static double value[FIGURES][ARRAY_SIZE(sizes)][MAX_RUNS];

static void run_all(unsigned int runs)
{
	double dmag[FIGURES], plain[FIGURES];
	unsigned int run, size, i;

	for (size = 0; size < ARRAY_SIZE(sizes); size++)
		for (run = 0; run < runs; run++) {
			measure(sizes[size].frames, false, dmag);
			measure(sizes[size].frames, true, plain);
			for (i = 0; i < FIGURES; i++) {
				ratio[i][size][run] = dmag[i] / plain[i];
				value[i][size][run] = dmag[i];
			}
		}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *figure, unsigned int runs)
{
	qsort(figure, runs, sizeof(*figure), by_value);
	return figure[runs / 2];
}

static void table(const char *title,
		  double figure[FIGURES][ARRAY_SIZE(sizes)][MAX_RUNS],
		  unsigned int runs)
{
	unsigned int i, size;

	printf("%-47s", title);
	for (size = 0; size < ARRAY_SIZE(sizes); size++)
		printf(" %9s", sizes[size].name);
	for (i = 0; i < FIGURES; i++) {
		printf("\n%-47s", names[i]);
		for (size = 0; size < ARRAY_SIZE(sizes); size++)
			printf(" %9.3g", median(figure[i][size], runs));
	}
	puts("");
}

int main(int argc, char **argv)
{
	bool both = argc > 1 && !strcmp(argv[1], "-n");
	unsigned int runs = argc > 1 + both ? atoi(argv[1 + both]) : 5;

	if (!runs || runs > MAX_RUNS)
		return 2;
	live = buddy_map(BIT_ULL(28) * sizeof(*live));
	must(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE));
	run_all(runs);
	table("dmag / buddy; below 1: dmag is faster, smaller", ratio, runs);
	if (both)
		table("dmag, ns", value, runs);
	return 0;
}
