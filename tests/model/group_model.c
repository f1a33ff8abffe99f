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
	struct dmag_edge edges[2 * SPACE];
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
static unsigned int truncated;

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
	g->core.edges = g->edges;
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

/*
 * The parts of @g's reach, from scratch: largest runs of equal demand in one
 * segment; least wanted first, and the highest of those.
 */
static unsigned int parts_from_scratch(const struct dmag_group *g,
				       const unsigned int *want,
				       struct dmag_cell *part)
{
	unsigned int demand, nr = 0;
	u64 pfn;

	for (demand = 1; demand <= DEVICES; demand++) {
		bool on = false;

		for (pfn = SPACE; pfn-- > 0;) {
			bool in = has(g, pfn) && want[pfn] == demand;

			if (in && on &&
			    dmag_reach_contains(&g->reach, pfn, pfn + 1))
				part[nr - 1].range.start = pfn;
			else if (in)
				part[nr++] = (struct dmag_cell){ { pfn, pfn },
								 demand };
			on = in;
		}
	}
	return nr;
}

static bool same_part(const struct dmag_cell *a, const struct dmag_cell *b)
{
	return a->demand == b->demand && a->range.start == b->range.start &&
	       a->range.last == b->range.last;
}

/*
 * The order has all parts or the first DMAG_CELLS_MAX, of which the last may be
 * cut off below, and then the segments; so it has all of the reach.
 */
static void check_order(const struct dmag_group *g, const unsigned int *want)
{
	unsigned int i, nr, steps = 0;
	struct dmag_cell part[SPACE];
	struct dmag_cells cells;
	struct dmag_range range;
	u64 pfn, seen = 0;

	dmag_cells_choose(&reg, g, &cells);
	nr = parts_from_scratch(g, want, part);
	REQUIRE(cells.nr <= DMAG_CELLS_MAX && cells.nr <= nr);
	REQUIRE(cells.rest || cells.nr == nr);
	REQUIRE(cells.nr || !g->reach.nr);
	if (cells.rest) {
		REQUIRE(cells.cell[cells.nr - 1].range.start >=
			part[cells.nr - 1].range.start);
		part[cells.nr - 1].range.start =
			cells.cell[cells.nr - 1].range.start;
		truncated++;
	}
	for (i = 0; i < cells.nr; i++)
		REQUIRE(same_part(&cells.cell[i], &part[i]));
	while (dmag_cells_at(&cells, g, steps, &range)) {
		REQUIRE(dmag_reach_contains(&g->reach, range.start,
					    range.last));
		for (pfn = range.start; pfn <= range.last; pfn++)
			seen |= 1ULL << pfn;
		steps++;
	}
	REQUIRE(steps <= DMAG_CELLS_MAX + g->reach.nr);
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
		for (i = 0; i < DEVICES; i++)
			if (dev[i].joined)
				check_order(dev[i].member.group, want);
	}
	for (i = 0; i < DEVICES; i++)
		if (dev[i].joined)
			retire(dmag_leave(&reg, &dev[i].member));
	REQUIRE(!reg.nr_groups && !reg.edges && list_empty(&reg.members));
	REQUIRE(truncated);
	printf("group: %u steps, up to %u groups, %u orders cut off, seed %llu\n",
	       n, most, truncated, (unsigned long long)rnd_seed);
	return 0;
}
