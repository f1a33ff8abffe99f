// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Registry and cells against tables.
 *
 * Devices of a few dozen constraints join, move, leave and are resolved again
 * after RAM changed, on a space of 64 frames where a set of frames is a word.
 * The oracle names groups by (cuts, frames, attributes) and counts demand frame
 * by frame.
 */
#include <string.h>

#include "group_random.h"
#include "util.h"

#define SPACE 64
#define DEVICES 24
#define STEPS ROUNDS(20000)

struct model_group {
	struct dmag_group core;
	struct dmag_range seg[SPACE];
};

struct device {
	struct dmag_member member;
	struct dmag_window w[2];
	bool joined;
};

static struct dmag_registry reg;
static struct device dev[DEVICES];
static struct dmag_range ram_seg[SPACE];
static struct dmag_reach ram = { .seg = ram_seg };
static struct dmag_cell cells[2 * SPACE * DEVICES];

static void random_ram(void)
{
	u64 map = rnd() | rnd();
	unsigned int i;

	ram.nr = 0;
	for (i = 0; i < SPACE; i++) {
		if (!(map >> i & 1))
			continue;
		if (!i || !(map >> (i - 1) & 1))
			ram_seg[ram.nr++].start = i;
		ram_seg[ram.nr - 1].last = i;
	}
}

/* Few enough that many devices are equal. */
static void random_constraint(struct device *d)
{
	struct dmag_constraint *c = &d->member.constraint;

	memset(c, 0, sizeof(*c));
	c->limit = ((8 + 8 * rnd_below(8)) << PAGE_SHIFT) - 1;
	c->attrs = rnd_below(4) ? 0 : DMAG_SHARED;
	if (rnd_below(3))
		return;
	c->windows = d->w;
	c->nr_windows = 2;
	d->w[0].cpu = rnd_below(4) * 8 << PAGE_SHIFT;
	d->w[0].bus = 0;
	d->w[0].size = 16 << PAGE_SHIFT;
	d->w[1] = d->w[0];
	d->w[1].cpu += d->w[0].size;
	d->w[1].bus += d->w[0].size + (rnd_below(2) << PAGE_SHIFT);
}

static struct model_group *fresh_group(const struct dmag_constraint *c)
{
	struct model_group *g = calloc(1, sizeof(*g));
	int nr = dmag_reach_build(c, &ram, g->seg, SPACE);

	REQUIRE(nr >= 0 && nr <= SPACE);
	REQUIRE(!dmag_group_init(&g->core, g->seg, nr, c->attrs));
	return g;
}

static void retire(struct dmag_group *g)
{
	if (dmag_group_retire(&reg, g))
		free(container_of(g, struct model_group, core));
}

static void resolve(struct device *d)
{
	struct model_group *fresh = fresh_group(&d->member.constraint);
	struct dmag_group *old = d->member.group;
	struct dmag_group *g = dmag_join(&reg, &d->member, &fresh->core);

	REQUIRE(g && g == d->member.group);
	REQUIRE(dmag_reach_equal(&g->reach, &fresh->core.reach));
	REQUIRE(g->attrs == fresh->core.attrs);
	if (g != &fresh->core)
		free(fresh);
	if (old && old != g)
		retire(old);
	d->joined = true;
}

static void step(void)
{
	struct device *d = &dev[rnd_below(DEVICES)];
	struct dmag_member *m, *next;
	struct dmag_group *g;

	switch (rnd_below(20)) {
	case 0:
		random_ram();
		list_for_each_entry_safe(m, next, &reg.members, node)
			resolve(container_of(m, struct device, member));
		break;
	case 1 ... 6:
		g = dmag_leave(&reg, &d->member);
		REQUIRE(!!g == d->joined);
		if (g)
			retire(g);
		d->joined = false;
		break;
	default:
		random_constraint(d);
		resolve(d);
	}
}

/* Two devices are in one group iff they have the same key. */
static void check_sharing(void)
{
	unsigned int i, j, groups = 0, members;

	for (i = 0; i < DEVICES; i++) {
		const struct dmag_group *g = dev[i].member.group;
		bool first = true;

		REQUIRE(!!g == dev[i].joined);
		if (!g)
			continue;
		members = 0;
		for (j = 0; j < DEVICES; j++) {
			const struct dmag_group *h = dev[j].member.group;

			if (!h)
				continue;
			members += h == g;
			first = first && (h != g || j >= i);
			REQUIRE((h == g) ==
				(h->attrs == g->attrs &&
				 dmag_reach_equal(&h->reach, &g->reach)));
		}
		REQUIRE(members == g->members);
		groups += first;
	}
	REQUIRE(groups == reg.nr_groups);
}

static bool has(const struct dmag_group *g, u64 pfn)
{
	return dmag_reach_contains(&g->reach, pfn, pfn);
}

static unsigned int demand(u64 pfn)
{
	const struct dmag_group *g;
	unsigned int b, n = 0;

	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry(g, &reg.bucket[b], node)
			n += has(g, pfn);
	return n;
}

/* Cells are maximal runs of equal demand, in claim order. */
static void check_cells(const unsigned int *want)
{
	unsigned int i, nr = dmag_cells_build(&reg, cells, ARRAY_SIZE(cells));
	u64 pfn, seen = 0;

	REQUIRE(nr <= dmag_cells_bound(&reg));
	reg.cells = cells;
	reg.nr_cells = nr;
	for (i = 0; i < nr; i++) {
		const struct dmag_range *r = &cells[i].range;

		REQUIRE(cells[i].demand && r->start <= r->last);
		REQUIRE(r->last < SPACE);
		for (pfn = r->start; pfn <= r->last; pfn++) {
			REQUIRE(cells[i].demand == want[pfn]);
			REQUIRE(!(seen >> pfn & 1));
			seen |= 1ULL << pfn;
		}
		REQUIRE(!r->start || want[r->start - 1] != cells[i].demand);
		REQUIRE(r->last == SPACE - 1 ||
			want[r->last + 1] != cells[i].demand);
		REQUIRE(!i || cells[i - 1].demand < cells[i].demand ||
			(cells[i - 1].demand == cells[i].demand &&
			 cells[i - 1].range.start > r->last));
	}
	for (pfn = 0; pfn < SPACE; pfn++)
		REQUIRE(!want[pfn] == !(seen >> pfn & 1));
}

/* The parts of a group's reach: in order, in one segment each, all of it. */
static void check_parts(const struct dmag_group *g, const unsigned int *want)
{
	struct dmag_cell cell = { .demand = 0 }, last = cell;
	u64 pfn, seen = 0;

	while (dmag_cells_next(&reg, g, &cell)) {
		const struct dmag_range *r = &cell.range;

		REQUIRE(dmag_reach_contains(&g->reach, r->start, r->last));
		REQUIRE(last.demand < cell.demand ||
			(last.demand == cell.demand &&
			 last.range.start > r->last));
		for (pfn = r->start; pfn <= r->last; pfn++) {
			REQUIRE(want[pfn] == cell.demand);
			REQUIRE(!(seen >> pfn & 1));
			seen |= 1ULL << pfn;
		}
		last = cell;
	}
	for (pfn = 0; pfn < SPACE; pfn++)
		REQUIRE(has(g, pfn) == (seen >> pfn & 1));
}

int main(int argc, char **argv)
{
	unsigned int i, n, want[SPACE], most = 0;

	rnd_init(argc, argv);
	dmag_registry_init(&reg);
	random_ram();
	for (n = 0; n < STEPS; n++) {
		step();
		REQUIRE(!dmag_registry_validate(&reg, 4));
		most = reg.nr_groups > most ? reg.nr_groups : most;
		if (n % 8)
			continue;
		check_sharing();
		for (i = 0; i < SPACE; i++)
			want[i] = demand(i);
		check_cells(want);
		for (i = 0; i < DEVICES; i++)
			if (dev[i].joined)
				check_parts(dev[i].member.group, want);
	}
	for (i = 0; i < DEVICES; i++)
		if (dev[i].joined)
			retire(dmag_leave(&reg, &dev[i].member));
	REQUIRE(!reg.nr_groups && !reg.nr_segs && list_empty(&reg.members));
	printf("group: %u steps, up to %u groups, seed %llu\n", n, most,
	       (unsigned long long)rnd_seed);
	return 0;
}
