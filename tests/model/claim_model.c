// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The whole ladder under random load, and with each backend call failing once.
 *
 * Devices with random windows, limits and attributes come and go on a machine
 * whose host uses and frees memory as it likes, also whenever the ladder drops
 * its lock.  After each step the machine is checked; each buffer is held against
 * its device's constraint; and a request that a plain search over all pages says
 * can be served must be.  The second part repeats one story, letting its n-th
 * backend call fail, for each n and each error.
 */
#include <errno.h>
#include <string.h>

#include "group_random.h"
#include "machine.h"
#include "util.h"

#define BLOCK DMAG_BLOCK_FRAMES
#define DEVICES 5
#define BUFFERS 64
#define MACHINES ROUNDS(40)
#define SURPLUSES 40
#define STEPS 250

struct device {
	struct dmag_member member;
	struct dmag_window w[2];
};

struct buffer {
	struct dmag_group *group;
	u64 pfn;
	u64 count;
};

static struct machine m;
static struct dmag_range ram[3];
static struct device dev[DEVICES];
static struct buffer buffer[BUFFERS];
static u64 served, refused, lost_calls, ceded, shrunk, moved;

#define SOUND(level)                                          \
	do {                                                  \
		const char *wrong = machine_check(&m, level); \
		if (wrong)                                    \
			printf("%s\n", wrong);                \
		REQUIRE(!wrong);                              \
	} while (0)

static u64 ram_last(void)
{
	return ram[m.ram.nr - 1].last;
}

/* ---- buffers --------------------------------------------------------- */

static struct buffer *free_buffer(void)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		if (!buffer[i].group)
			return &buffer[i];
	return NULL;
}

/* Each page of a buffer translates and is contiguous with the one before. */
static void check_buffer(const struct dmag_constraint *c, u64 pfn, u64 count)
{
	u64 p, bus = 0, expect = 0;
	unsigned int i;

	for (p = pfn; p < pfn + count; p++) {
		u64 cpu = p << PAGE_SHIFT;

		bus = cpu;
		for (i = 0; i < c->nr_windows; i++)
			if (cpu >= c->windows[i].cpu &&
			    cpu - c->windows[i].cpu < c->windows[i].size)
				break;
		REQUIRE(!c->nr_windows || i < c->nr_windows);
		if (c->nr_windows)
			bus += c->windows[i].bus - c->windows[i].cpu;
		REQUIRE(bus + ((1ULL << PAGE_SHIFT) - 1) <= c->limit);
		REQUIRE(p == pfn || bus == expect);
		expect = bus + (1ULL << PAGE_SHIFT);
	}
}

static void keep_buffer(struct device *d, u64 pfn, u64 count)
{
	struct buffer *b = free_buffer();
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		REQUIRE(!buffer[i].group || pfn + count <= buffer[i].pfn ||
			buffer[i].pfn + buffer[i].count <= pfn);
	check_buffer(&d->member.constraint, pfn, count);
	b->group = d->member.group;
	b->pfn = pfn;
	b->count = count;
}

static void put_buffer(struct buffer *b)
{
	if (b->group)
		REQUIRE(!dmag_group_put(b->group, b->pfn, b->count));
	b->group = NULL;
}

/* ---- others ---------------------------------------------------------- */

/* The host uses and frees what is not the groups'. */
static void churn(void)
{
	u64 start = rnd_below(ram_last() + 1);
	u64 last = start + rnd_below(3 * BLOCK);

	machine_set(&m, start, last, rnd_below(MACHINE_OWNED));
}

static void get_atomic(struct device *d)
{
	u64 pfn, count = 1ULL << rnd_below(6);
	struct dmag_request rq = DMAG_REQUEST(count);

	if (!d->member.group || !free_buffer())
		return;
	if (!dmag_group_get(d->member.group, &rq, true, &pfn))
		keep_buffer(d, pfn, count);
}

/* What happens while the lock is dropped. */
static void others(struct machine *machine)
{
	switch (rnd_below(8)) {
	case 0:
		get_atomic(&dev[rnd_below(DEVICES)]);
		break;
	case 1:
		put_buffer(&buffer[rnd_below(BUFFERS)]);
		break;
	case 2:
		churn();
		break;
	default:
		break;
	}
}

/* ---- the oracle ------------------------------------------------------ */

/* Whether an aligned run of free pages lies in one segment. */
static bool can_claim(const struct dmag_group *g, u64 count, u64 align)
{
	u64 pfn, len;
	unsigned int i;

	for (i = 0; i < g->reach.nr; i++) {
		len = 0;
		for (pfn = g->reach.seg[i].start; pfn <= g->reach.seg[i].last;
		     pfn++) {
			/* An aligned run begins here, or goes on. */
			if (!len && pfn % align)
				continue;
			if (machine_state(&m, pfn) != MACHINE_FREE) {
				len = 0;
				continue;
			}
			if (++len == count)
				return true;
			if (pfn % align == align - 1 && align >= count)
				len = 0;
		}
	}
	return false;
}

/* ---- steps ----------------------------------------------------------- */

static void random_constraint(struct device *d)
{
	struct dmag_constraint *c = &d->member.constraint;
	u64 pages = ram_last() + 1;

	memset(c, 0, sizeof(*c));
	c->limit = ((1 + rnd_below(pages)) << PAGE_SHIFT) - 1;
	if (rnd_below(2))
		c->limit |= (4 * BLOCK << PAGE_SHIFT) - 1;
	c->attrs = rnd_below(3) ? 0 : DMAG_SHARED;
	if (rnd_below(3))
		return;
	c->windows = d->w;
	c->nr_windows = 2;
	d->w[0].cpu = rnd_below(pages / 2) << PAGE_SHIFT;
	d->w[0].bus = 0;
	d->w[0].size = (1 + rnd_below(pages / 2)) << PAGE_SHIFT;
	d->w[1].cpu = d->w[0].cpu + d->w[0].size;
	d->w[1].bus = d->w[0].size + (rnd_below(2) << 30);
	d->w[1].size = d->w[0].size;
}

static void step_alloc(struct device *d)
{
	struct dmag_group *g = d->member.group;
	u64 pfn, count = 1 + rnd_below(1ULL << (1 + rnd_below(12)));
	u64 align = 1, before = g->frames.free;
	bool alone = !m.unlocked && !m.fail_call && !g->attrs;
	bool must;
	int ret;

	if (!free_buffer())
		return;
	while (align < count)
		align <<= 1;
	must = alone && can_claim(g, count, align);
	ret = machine_alloc(&m, &d->member, count, &pfn);
	if (!ret) {
		keep_buffer(d, pfn, count);
		REQUIRE(pfn % align == 0);
		REQUIRE(!alone || g->frames.free >= g->marks.min ||
			g->frames.free >= before);
		served++;
	} else {
		REQUIRE(!must);
		refused++;
	}
	REQUIRE(ret != -EINVAL && ret != -EEXIST && ret != -EAGAIN);
}

/* The worker adapts, and the host wants memory. */
static void step_pressure(struct dmag_group *g)
{
	u64 keep = rnd_below(2) ? g->marks.low : g->marks.min;
	u64 max = rnd_below(2 * BLOCK), before = g->frames.free, given;

	dmag_group_adapt(g, m.calls * DMAG_EPOCH_MS);
	given = dmag_group_shrink(g, &machine_backend, keep, max);
	REQUIRE(given <= max && !(given % dmag_group_unit(g)));
	if (m.unlocked || m.fail_call)
		return;
	/* Of attributes only whole blocks go, of which there may be none. */
	REQUIRE(g->attrs ||
		given == min(max, before > keep ? before - keep : 0));
	REQUIRE(g->frames.free == before - given);
	shrunk += given;
}

/* Whether a frame up to @last is free. */
static bool has_free(const struct dmag_group *g, u64 last)
{
	struct dmag_run run;
	u64 pfn = 0;

	for (;
	     dmag_frames_walk(&g->frames, pfn, &run) && run.range.start <= last;
	     pfn = run.range.last + 1)
		if (run.state == DMAG_FREE)
			return true;
	return false;
}

/* The host wants memory up to a frame: a block from above makes up for some of it. */
static void move_reserve(struct dmag_group *g, const struct dmag_range *seg,
			 u64 start)
{
	const struct dmag_range gone = { 0, start };
	const struct dmag_range above = { start, seg->last };
	int ret = dmag_group_refill(g, &machine_backend, &above);

	REQUIRE(ret != -EINVAL && ret != -EEXIST);
	moved += !ret;
	ret = dmag_group_vacate(g, &machine_backend, &gone);
	REQUIRE(ret != -EINVAL);
	/* While the lock is dropped, others may put back what they had. */
	if (!ret && !m.unlocked && !g->attrs)
		REQUIRE(!has_free(g, start));
}

static void step_move(struct dmag_group *g)
{
	const struct dmag_range *seg;

	if (!g->reach.nr)
		return;
	seg = &g->reach.seg[rnd_below(g->reach.nr)];
	move_reserve(g, seg,
		     seg->start + rnd_below(seg->last - seg->start + 1));
}

/* A group that ceded the last of its memory is not seen by the one that took it. */
static void retire_empty(void)
{
	struct dmag_group *g, *next;
	unsigned int b;

	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry_safe(g, next, &m.reg.bucket[b], node)
			if (!g->members && !g->frames.free && !g->frames.used)
				machine_settle(
					&m,
					container_of(g, struct machine_group,
						     core));
}

static void step(void)
{
	static const int errors[] = { -EAGAIN, -EINTR, -ETIME, -ENOMEM };
	struct device *d = &dev[rnd_below(DEVICES)];

	m.unlocked = rnd_below(3) ? NULL : others;
	m.fail_call = rnd_below(8) ? 0 : m.calls + 1 + rnd_below(6);
	m.fail_error = errors[rnd_below(ARRAY_SIZE(errors))];
	switch (rnd_below(16)) {
	case 0:
		random_constraint(d);
		machine_join(&m, &d->member);
		break;
	case 1:
		if (d->member.group)
			machine_leave(&m, &d->member);
		break;
	case 2:
	case 3:
		churn();
		break;
	case 4:
	case 5:
	case 6:
		put_buffer(&buffer[rnd_below(BUFFERS)]);
		break;
	case 7:
		if (d->member.group)
			dmag_group_balance(&m.reg, d->member.group,
					   &machine_backend);
		break;
	case 8:
		get_atomic(d);
		break;
	case 9:
		if (d->member.group)
			step_pressure(d->member.group);
		break;
	case 10:
		if (d->member.group)
			step_move(d->member.group);
		break;
	default:
		if (d->member.group)
			step_alloc(d);
	}
	lost_calls += m.fail_call && m.calls >= m.fail_call;
	m.fail_call = 0;
	m.unlocked = NULL;
	retire_empty();
}

static void random_machine(void)
{
	unsigned int i, nr = 1 + rnd_below(3);
	u64 at = rnd_below(2) ? 0 : rnd_below(2 * BLOCK);

	for (i = 0; i < nr; i++) {
		ram[i].start = at;
		ram[i].last = at + 1 + rnd_below(12 * BLOCK);
		at = ram[i].last + 1 + rnd_below(3) * rnd_below(BLOCK);
	}
	machine_init(&m, ram, nr);
	memset(dev, 0, sizeof(dev));
	memset(buffer, 0, sizeof(buffer));
}

/* Whoever has no members left gives all back, as a worker would see to. */
static void settle_all(void)
{
	struct dmag_group *g, *next;
	unsigned int b;

	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry_safe(g, next, &m.reg.bucket[b], node)
			machine_settle(&m, container_of(g, struct machine_group,
							core));
	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry(g, &m.reg.bucket[b], node)
			REQUIRE(g->frames.quarantined && !g->frames.free);
}

/*
 * All leave, all is put back: what was not lost is the host's again.  Returns
 * how many calls there were.
 */
static u64 empty_machine(void)
{
	unsigned int i;
	u64 calls;

	for (i = 0; i < DEVICES; i++)
		if (dev[i].member.group)
			machine_leave(&m, &dev[i].member);
	for (i = 0; i < BUFFERS; i++)
		put_buffer(&buffer[i]);
	settle_all();
	SOUND(4);
	REQUIRE(!m.count[MACHINE_OWNED]);
	calls = m.calls;
	ceded += m.ceded;
	machine_exit(&m);
	return calls;
}

static void random_load(void)
{
	unsigned int round, n;

	for (round = 0; round < MACHINES; round++) {
		random_machine();
		for (n = 0; n < STEPS; n++) {
			step();
			SOUND(n % 8 ? 1 : 4);
		}
		empty_machine();
	}
}

/* ---- surplus --------------------------------------------------------- */

/* Whether a group could spare a block: one is free, and more than high. */
static bool can_cede(const struct dmag_group *g)
{
	struct dmag_run run;
	u64 at = 0;

	if (g->frames.free < g->marks.high + BLOCK)
		return false;
	while (dmag_frames_walk(&g->frames, at, &run)) {
		u64 start = round_up(run.range.start, BLOCK);

		at = run.range.last + 1;
		if (run.state == DMAG_FREE && start + BLOCK <= at)
			return true;
	}
	return false;
}

/* The tighter group gets some blocks more than it wants; the host is full. */
static void random_surplus(struct device *tight)
{
	unsigned int i, n = 1 + rnd_below(8);
	u64 pfn, count;

	machine_join(&m, &tight->member);
	dmag_group_balance(&m.reg, tight->member.group, &machine_backend);
	for (i = 0; i < n; i++) {
		count = 1 + rnd_below(2 * BLOCK);
		if (!machine_alloc(&m, &tight->member, count, &pfn))
			keep_buffer(tight, pfn, count);
	}
	for (i = 0; i < n; i++)
		if (rnd_below(4))
			put_buffer(&buffer[i]);
	machine_set(&m, 0, ram_last(), MACHINE_PINNED);
}

/* A looser group takes it, block by block, and never what is below high. */
static void surplus_load(void)
{
	struct device *tight = &dev[0], *loose = &dev[1];
	unsigned int round;
	bool must;
	u64 pfn;

	for (round = 0; round < SURPLUSES; round++) {
		random_machine();
		tight->member.constraint.limit =
			((ram_last() + 1) / 2 << PAGE_SHIFT) - 1;
		loose->member.constraint.limit = U64_MAX;
		random_surplus(tight);
		machine_join(&m, &loose->member);
		do {
			must = can_cede(tight->member.group);
			pfn = 0;
			if (!machine_alloc(&m, &loose->member, BLOCK, &pfn))
				keep_buffer(loose, pfn, BLOCK);
			else
				REQUIRE(!must);
			SOUND(4);
		} while (must);
		empty_machine();
	}
}

/* ---- each call fails once -------------------------------------------- */

/* Two groups, one of them shared, on a host that has to make room. */
static void story(void)
{
	static const u64 counts[] = { 1, 16, 512, 1500, 3, 256 };
	unsigned int i;
	u64 pfn;

	machine_set(&m, BLOCK / 2, 6 * BLOCK, MACHINE_CACHE);
	machine_set(&m, 9 * BLOCK, 9 * BLOCK, MACHINE_PINNED);
	dev[0].member.constraint.limit = (10 * BLOCK << PAGE_SHIFT) - 1;
	dev[0].member.constraint.attrs = DMAG_SHARED;
	dev[1].member.constraint.limit = U64_MAX;
	for (i = 0; i < 2; i++) {
		machine_join(&m, &dev[i].member);
		dmag_group_balance(&m.reg, dev[i].member.group,
				   &machine_backend);
		SOUND(4);
	}
	for (i = 0; i < 2 * ARRAY_SIZE(counts); i++) {
		u64 count = counts[i / 2];

		if (!machine_alloc(&m, &dev[i % 2].member, count, &pfn))
			keep_buffer(&dev[i % 2], pfn, count);
		SOUND(4);
	}
	for (i = 0; i < 2; i++) {
		struct dmag_group *g = dev[i].member.group;

		shrunk += dmag_group_shrink(g, &machine_backend, 0, BLOCK);
		move_reserve(g, g->reach.seg, 7 * BLOCK);
		SOUND(4);
	}
}

/* Returns how many calls the story made. */
static u64 fail_nth(u64 n, int error)
{
	ram[0].start = 0;
	ram[0].last = 20 * BLOCK - 1;
	machine_init(&m, ram, 1);
	memset(dev, 0, sizeof(dev));
	memset(buffer, 0, sizeof(buffer));
	m.fail_call = n;
	m.fail_error = error;
	story();
	return empty_machine();
}

static u64 each_call_fails(void)
{
	static const int errors[] = { -EAGAIN, -EINTR, -ETIME, -ENOMEM };
	u64 n, calls, all = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		calls = fail_nth(0, errors[i]);
		for (n = 1; n <= calls; n++)
			fail_nth(n, errors[i]);
		all += calls;
	}
	return all;
}

int main(int argc, char **argv)
{
	u64 faults;

	rnd_init(argc, argv);
	random_load();
	surplus_load();
	faults = each_call_fails();
	printf("claim: %llu served, %llu refused, %llu ceded, %llu shrunk, ",
	       (unsigned long long)served, (unsigned long long)refused,
	       (unsigned long long)ceded, (unsigned long long)shrunk);
	printf("%llu moved, %llu and %llu calls failed, seed %llu\n",
	       (unsigned long long)moved, (unsigned long long)lost_calls,
	       (unsigned long long)faults, (unsigned long long)rnd_seed);
	REQUIRE(served && refused && lost_calls && faults && shrunk && ceded &&
		moved);
	return 0;
}
