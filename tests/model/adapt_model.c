// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What the law of the adaptive reserve does to demand over time.
 *
 * A trace says when atomic and blocking requests come and go.  It is played to
 * a group on the model machine whose worker gets to run a while after the
 * reserve was found low: 50 ms on an idle machine, 2 s on one that reclaims.
 * The traces are made here, each after a kind of device; those that were
 * recorded in the guest are read from tests/model/traces/.  Each is played with
 * watermarks that stay, then with the law, and must show what docs/reserve.rst
 * promises.  One is played to a full machine too, where a raised reserve cannot be
 * filled.  The table there is what this program prints.
 */
#include <glob.h>
#include <string.h>

#include "group_random.h"
#include "machine.h"

#define MB(n) ((u64)(n) << (20 - PAGE_SHIFT))
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define SURPLUS_MS SECOND /* after which the worker looks at a surplus */
#define RETRY_MS (32 * SECOND) /* after which it tries again to fill */
#define NEVER U64_MAX
#define RECORDED "tests/model/traces/*.trace"

/* One request comes, or goes: then it is the oldest of its kind and size. */
struct event {
	u64 at; /* milliseconds */
	u64 order; /* among those of one time */
	u64 frames;
	bool goes;
	bool blocking;
};

struct trace {
	const char *name;
	struct event *event;
	u64 nr, room;
	u64 end;
	u64 spare; /* frames beyond the first reserve; 0: as many as wanted */
};

/* What requests of one kind and size got, the oldest first. */
struct queue {
	u64 frames;
	bool blocking;
	u64 *pfn; /* NEVER if it was refused */
	u64 first, nr;
};

#define QUEUES 64

struct result {
	u64 requests; /* atomic ones */
	u64 before, after; /* frames refused, until the first raise is filled */
	bool raised;
	u64 peak; /* of high */
	u64 last_use; /* when more than the base was last wanted */
	u64 at_base; /* since when high is what it was; NEVER if it is not */
	double reserve; /* frame milliseconds */
};

/* ---- traces ---------------------------------------------------------- */

static void at(struct trace *t, u64 ms, u64 frames, bool goes, bool blocking)
{
	if (t->nr == t->room) {
		t->room = 2 * t->room + 1024;
		t->event = realloc(t->event, t->room * sizeof(*t->event));
		REQUIRE(t->event);
	}
	t->event[t->nr] = (struct event){ ms, t->nr, frames, goes, blocking };
	t->nr++;
	t->end = max(t->end, ms);
}

/* @n requests, spread over @spread ms, each held for @hold ms. */
static void burst(struct trace *t, u64 ms, u64 n, u64 frames, u64 spread,
		  u64 hold)
{
	u64 i;

	for (i = 0; i < n; i++) {
		u64 begin = ms + i * spread / n;

		at(t, begin, frames, false, false);
		at(t, begin + hold, frames, true, false);
	}
}

/* A network ring of 1024 pages fills in softirq; each 20 s the link bounces. */
static void network_ring(struct trace *t)
{
	u64 ms;

	for (ms = SECOND; ms < 5 * MINUTE; ms += 20 * SECOND) {
		burst(t, ms, 1024, 1, 10, 15 * SECOND);
		burst(t, ms + 5 * SECOND, 1500, 1, 3000, 20);
	}
}

/* Isochronous USB audio: every 10 ms eight buffers of 16 KiB, for 40 ms. */
static void usb_audio(struct trace *t)
{
	u64 ms;

	for (ms = SECOND; ms < MINUTE; ms += 10)
		burst(t, ms, 8, 4, 1, 40);
}

/* A frame grabber or a backup link: 8 MiB once a minute, for a second. */
static void once_a_minute(struct trace *t)
{
	u64 ms;

	for (ms = SECOND; ms < 12 * MINUTE; ms += MINUTE)
		burst(t, ms, 128, 16, 20, SECOND);
}

/* A minute of bursts of 4 to 64 KiB, 12 MiB each, and then silence. */
static void storm(struct trace *t)
{
	u64 ms;

	for (ms = SECOND; ms < MINUTE; ms += 500) {
		burst(t, ms, 1024, 1, 100, 300);
		burst(t, ms, 128, 16, 100, 300);
	}
	t->end = 10 * MINUTE;
}

/* Bursts of 64 KiB buffers grow from 0.5 MiB to 25 MiB, and shrink. */
static void ramp(struct trace *t)
{
	u64 n;

	for (n = 1; n <= 50; n++)
		burst(t, n * 5 * SECOND, 8 * n, 16, 50, SECOND);
	for (n = 50; n; n--)
		burst(t, (101 - n) * 5 * SECOND, 8 * n, 16, 50, SECOND);
	t->end = 15 * MINUTE;
}

/* The same where half of a burst is all there is. */
static void storm_on_full(struct trace *t)
{
	storm(t);
	t->spare = MB(2);
}

/*
 * Many blocking requests hold the reserve down at min, where the few pages of
 * an interrupt handler would look like large draws.
 */
static void mixed(struct trace *t)
{
	u64 ms;

	for (ms = SECOND; ms < 3 * MINUTE; ms += 20) {
		at(t, ms, 64, false, true);
		at(t, ms + 2000, 64, true, true);
		burst(t, ms, 32, 1, 10, 10);
	}
}

static int in_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/*
 * Lines of "milliseconds +frames" or "-frames"; what is after '#' is not read.
 * A line is the sum of what came or went in some time, so it is played frame by
 * frame: of what size each was is not known.
 */
static void read_trace(struct trace *t, const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long ms, frames;
	char line[128], sign;

	REQUIRE(f);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		REQUIRE(sscanf(line, "%llu %c%llu", &ms, &sign, &frames) == 3);
		REQUIRE((sign == '+' || sign == '-') && frames);
		while (frames--)
			at(t, ms, 1, sign == '-', false);
	}
	fclose(f);
}

/* ---- playing one ----------------------------------------------------- */

static struct machine m;
static struct dmag_member dev;
static struct queue queue[QUEUES];
static unsigned int nr_queues;
static u64 work_at; /* when the worker runs next */
static bool adapts;
static bool starved; /* whether filling may fall short */
static struct result *res;

static void adapt(u64 now)
{
	struct dmag_group *g = dev.group;

	if (2 * g->peak > g->base.high)
		res->last_use = now;
	if (adapts && dmag_group_adapt(g, now))
		work_at = min(work_at, now + DMAG_EPOCH_MS);
	if (g->marks.high > g->base.high)
		res->peak = max(res->peak, g->marks.high);
	if (g->marks.high > g->base.high)
		res->at_base = NEVER;
	else
		res->at_base = min(res->at_base, now);
	REQUIRE(g->marks.high <= dmag_reach_frames(&g->reach) / 4);
}

static void work(u64 now)
{
	int ret;

	work_at = NEVER;
	adapt(now);
	ret = dmag_group_balance(&m.reg, dev.group, &machine_backend);
	REQUIRE(!ret || (starved && ret == -ENOMEM));
	if (dmag_group_low(dev.group))
		work_at = min(work_at, now + RETRY_MS);
	if (res->peak && !res->raised) {
		res->before = res->after;
		res->after = 0;
		res->raised = true;
	}
}

/* The queue that an event is about; in all, as long as the trace at most. */
static struct queue *queue_of(const struct trace *t, const struct event *e)
{
	struct queue *q;

	for (q = queue; q < queue + nr_queues; q++)
		if (q->frames == e->frames && q->blocking == e->blocking)
			return q;
	REQUIRE(nr_queues < QUEUES);
	nr_queues++;
	*q = (struct queue){ .frames = e->frames, .blocking = e->blocking };
	q->pfn = calloc(t->nr, sizeof(*q->pfn));
	REQUIRE(q->pfn);
	return q;
}

static u64 comes(const struct event *e)
{
	struct dmag_request rq = DMAG_REQUEST(e->frames);
	u64 pfn;

	while (rq.align & (rq.align - 1))
		rq.align += rq.align & (0 - rq.align);
	if (e->blocking) {
		REQUIRE(!machine_alloc(&m, &dev, e->frames, &pfn));
		return pfn;
	}
	res->requests++;
	if (!dmag_group_get(dev.group, &rq, true, &pfn))
		return pfn;
	res->after += e->frames;
	return NEVER;
}

static void happens(const struct trace *t, const struct event *e)
{
	struct queue *q = queue_of(t, e);
	u64 pfn;

	if (!e->goes) {
		q->pfn[q->nr++] = comes(e);
	} else if (q->first < q->nr) {
		pfn = q->pfn[q->first++];
		if (pfn != NEVER)
			REQUIRE(!dmag_group_put(dev.group, pfn, e->frames));
	}
}

/* Let time pass until @now; the reserve is what it is meanwhile. */
static u64 pass(u64 from, u64 now)
{
	res->reserve += (double)dev.group->frames.free * (double)(now - from);
	return now;
}

static void play(struct trace *t, u64 delay)
{
	struct dmag_group *g = dev.group;
	u64 i, now = 0;

	for (i = 0; i < t->nr || work_at <= t->end;) {
		if (i == t->nr || work_at <= t->event[i].at) {
			now = pass(now, work_at);
			work(now);
			continue;
		}
		now = pass(now, t->event[i].at);
		happens(t, &t->event[i++]);
		/* The worker runs at once, and waits for memory. */
		if (g->missed)
			adapt(now);
		if (dmag_group_low(g))
			work_at = min(work_at, now + delay);
		else if (dmag_group_surplus(g))
			work_at = min(work_at, now + SURPLUS_MS);
	}
	pass(now, t->end);
}

/* All other memory is somebody's for good. */
static void starve(u64 spare)
{
	machine_set(&m, 0, MB(512) - 1, MACHINE_PINNED);
	machine_set(&m, 0, spare - 1, MACHINE_FREE);
	starved = true;
}

static struct result run(struct trace *t, u64 delay, bool law)
{
	static const struct dmag_range ram[] = { { 0, MB(512) - 1 } };
	struct result result = { .at_base = NEVER };

	machine_init(&m, ram, 1);
	memset(&dev, 0, sizeof(dev));
	dev.constraint.limit = (256ULL << 20) - 1;
	machine_join(&m, &dev);
	adapts = law;
	starved = false;
	res = &result;
	work(0);
	if (t->spare)
		starve(t->spare);
	play(t, delay);
	REQUIRE(!machine_check(&m, 4));
	machine_exit(&m);
	while (nr_queues)
		free(queue[--nr_queues].pfn);
	return result;
}

/* ---- what is promised ------------------------------------------------ */

static double mib(double frames)
{
	return frames / (double)MB(1);
}

/* From the last dip: the hold, and an epoch for each further halving. */
static u64 back_within(u64 peak, u64 base)
{
	u64 excess, ms = DMAG_HOLD_MS;

	for (excess = (peak - base) / 2; excess >= DMAG_BLOCK_FRAMES;
	     excess /= 2)
		ms += DMAG_EPOCH_MS;
	return ms + DMAG_EPOCH_MS; /* the worker looks once an epoch */
}

/*
 * What was refused is no use any more a while after it was asked for: without
 * requests high is at its base in time, filled or not.
 */
static void require_back(const struct trace *t, const struct result *r,
			 u64 delay)
{
	u64 within = back_within(r->peak ? r->peak : MB(4), MB(4));

	REQUIRE(r->last_use <= t->event[t->nr - 1].at + delay + DMAG_EPOCH_MS);
	if (r->last_use + within <= t->end)
		REQUIRE(r->at_base <= r->last_use + within);
}

static void show(struct trace *t, u64 delay)
{
	struct result fixed = run(t, delay, false);
	struct result law = run(t, delay, true);
	u64 peak = law.peak ? law.peak : MB(4);
	char back[24] = "-";

	if (law.peak && law.at_base != NEVER)
		snprintf(back, sizeof(back), "%llu",
			 (unsigned long long)(law.at_base - law.last_use) /
				 SECOND);
	printf("%-14s %5llu %8llu %8llu %7llu %6llu %7.1f %7.1f %7.1f %5s\n",
	       t->name, (unsigned long long)delay,
	       (unsigned long long)law.requests,
	       (unsigned long long)fixed.after, (unsigned long long)law.before,
	       (unsigned long long)law.after, mib((double)peak),
	       mib(fixed.reserve / (double)t->end),
	       mib(law.reserve / (double)t->end), back);
	REQUIRE(!law.after || t->spare);
	REQUIRE(law.before + law.after <= fixed.after);
	require_back(t, &law, delay);
}

static void show_all(struct trace *t)
{
	qsort(t->event, t->nr, sizeof(*t->event), in_time);
	show(t, 50);
	show(t, 2 * SECOND);
	free(t->event);
}

static unsigned int show_recorded(void)
{
	glob_t found = { 0 };
	unsigned int i, nr;

	if (glob(RECORDED, 0, NULL, &found))
		return 0;
	nr = (unsigned int)found.gl_pathc;
	for (i = 0; i < nr; i++) {
		struct trace t = { .name = strrchr(found.gl_pathv[i], '/') +
					   1 };

		read_trace(&t, found.gl_pathv[i]);
		show_all(&t);
	}
	globfree(&found);
	return nr;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(struct trace *t);
	} kinds[] = {
		{ "network ring", network_ring },
		{ "USB audio", usb_audio },
		{ "once a minute", once_a_minute },
		{ "storm", storm },
		{ "storm, full", storm_on_full },
		{ "ramp", ramp },
		{ "mixed", mixed },
	};
	unsigned int i, recorded;

	printf("%-14s %5s %8s %8s %7s %6s %7s %7s %7s %5s\n", "", "delay",
	       "atomic", "refused", "refused", "", "high", "mean", "reserve",
	       "back");
	printf("%-14s %5s %8s %8s %7s %6s %7s %7s %7s %5s\n", "trace", "ms",
	       "requests", "fixed", "before", "after", "MiB", "fixed", "MiB",
	       "s");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct trace t = { .name = kinds[i].name };

		kinds[i].make(&t);
		show_all(&t);
	}
	recorded = show_recorded();
	printf("adapt: %u traces made, %u recorded, no refusal once a raise was filled\n",
	       i, recorded);
	return 0;
}
