// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * From facts to zones, groups, and a verdict.
 *
 * RAM is the banks, merged, less what Linux does not map.  Devices that take
 * memory from a group join one in the core's registry, as in the kernel.  Then
 * each is judged against the zones: dma-direct asks for memory of one zone or
 * of those below it (dma_direct_optimal_gfp_mask() in kernel/dma/direct.c) and
 * looks at the address afterwards.  What those zones hold and the device cannot
 * use is *outside*; what it could use, but finds by luck or not at all, *wasted*.
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* Where RAM may be as long as nobody says: 48 bits, all that most CPUs have. */
#define UNKNOWN_RAM_LAST ((1ULL << 48) - 1)

static const u64 limit32 = (1ULL << 32) - 1;

/* ---- RAM ------------------------------------------------------------- */

static int span_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sort banks, merge those that touch or overlap. */
static void merge_banks(struct board *b)
{
	unsigned int i, nr = 0;

	qsort(b->banks, b->nr_banks, sizeof(*b->banks), span_cmp);
	for (i = 0; i < b->nr_banks; i++) {
		struct span *last = nr ? &b->banks[nr - 1] : NULL;

		if (last && (last->last == U64_MAX ||
			     b->banks[i].start <= last->last + 1))
			last->last = max(last->last, b->banks[i].last);
		else
			b->banks[nr++] = b->banks[i];
	}
	b->nr_banks = nr;
}

/* Cut @hole out of the sorted spans @s of @nr into @out; returns how many. */
static unsigned int cut_span(const struct span *s, unsigned int nr,
			     const struct span *hole, struct span *out)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++) {
		if (hole->last < s[i].start || hole->start > s[i].last) {
			out[n++] = s[i];
			continue;
		}
		if (s[i].start < hole->start)
			out[n++] = (struct span){ s[i].start, hole->start - 1 };
		if (s[i].last > hole->last)
			out[n++] = (struct span){ hole->last + 1, s[i].last };
	}
	return n;
}

/* Whole pages only, as memblock has it; neighbours in a page are one. */
static void set_ram(struct board *b, const struct span *s, unsigned int nr)
{
	struct dmag_range *seg = arena_alloc(&b->arena, nr * sizeof(*seg) + 1);
	const u64 mask = (1ULL << PAGE_SHIFT) - 1;
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++) {
		u64 start = (s[i].start >> PAGE_SHIFT) + !!(s[i].start & mask);
		u64 last = s[i].last >> PAGE_SHIFT;

		if ((s[i].last & mask) != mask && !last--)
			continue;
		if (start <= last)
			seg[n++] = (struct dmag_range){ start, last };
	}
	b->ram = (struct dmag_reach){ seg, n };
}

static int check_banks(struct board *b)
{
	static const char unknown[] =
		"memory unknown: planned for all addresses of 48 bits (give --memory)";
	u64 top;

	b->memory_known = b->nr_banks;
	if (!b->memory_known) {
		*ARENA_ADD(&b->arena, b->banks, b->nr_banks) =
			(struct span){ 0, UNKNOWN_RAM_LAST };
		board_note(b, unknown);
	}
	merge_banks(b);
	top = b->banks[b->nr_banks - 1].last;
	if (top >> PAGE_SHIFT > DMAG_PFN_MAX)
		return board_fail(b, "memory: %#llx is beyond any CPU", top);
	return 0;
}

static void build_ram(struct board *b)
{
	struct span *s, *t, *tmp;
	unsigned int i, nr;

	s = arena_alloc(&b->arena, (b->nr_banks + b->nr_regions) * sizeof(*s));
	t = arena_alloc(&b->arena, (b->nr_banks + b->nr_regions) * sizeof(*s));
	memcpy(s, b->banks, b->nr_banks * sizeof(*s));
	nr = b->nr_banks;
	for (i = 0; i < b->nr_regions; i++) {
		if (b->regions[i].kind != REGION_NOMAP || !b->regions[i].placed)
			continue;
		nr = cut_span(s, nr, &b->regions[i].span, t);
		tmp = s;
		s = t;
		t = tmp;
	}
	set_ram(b, s, nr);
}

/* ---- zones ----------------------------------------------------------- */

static u64 span_frames(const struct dmag_reach *r, const struct dmag_range *range)
{
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		u64 start = max(r->seg[i].start, range->start);
		u64 last = min(r->seg[i].last, range->last);

		if (start <= last)
			frames += last - start + 1;
	}
	return frames;
}

/* The next zone goes from the end of the last one to the frame before @end. */
static void add_zone(struct board *b, const char *name, u64 end)
{
	u64 start = b->nr_zones ? b->zones[b->nr_zones - 1].range.last + 1 : 0;
	struct zone *z;

	if (end <= start)
		return;
	z = &b->zones[b->nr_zones++];
	z->name = name;
	z->range = (struct dmag_range){ start, end - 1 };
}

/* As max_zone_phys() in arch/arm64/mm/init.c, in frames. */
static u64 zone_end(const struct board *b, u64 limit)
{
	u64 top = b->banks[b->nr_banks - 1].last;

	return (min(limit, top) + 1) >> PAGE_SHIFT;
}

/* zone_sizes_init(): arch/arm64/mm/init.c and arch/riscv/mm/init.c. */
static void build_zones(struct board *b)
{
	unsigned int i;

	if (b->arch != ARCH_ARM64)
		b->zone_dma_limit = (1ULL << 24) - 1;
	else if (b->banks[0].start < limit32)
		b->zone_dma_limit = min(b->zone_dma_limit, limit32);
	if (!b->zones_given) {
		b->zone_dma = b->arch == ARCH_ARM64;
		b->zone_dma32 = true;
		if (b->zone_dma)
			add_zone(b, "DMA", zone_end(b, b->zone_dma_limit));
		add_zone(b, "DMA32", zone_end(b, limit32));
		add_zone(b, "Normal", zone_end(b, U64_MAX));
	}
	for (i = 0; i < b->nr_zones; i++)
		b->zones[i].frames = span_frames(&b->ram, &b->zones[i].range);
}

static int find_zone(const struct board *b, const char *name)
{
	unsigned int i;

	for (i = 0; i < b->nr_zones; i++)
		if (!strcmp(b->zones[i].name, name))
			return i;
	return -1;
}

/* translate_dma_to_phys(): an address in no window is as high as can be. */
static u64 dma_to_phys(const struct dmag_constraint *c, u64 bus)
{
	unsigned int i;

	if (!c->nr_windows)
		return bus;
	for (i = 0; i < c->nr_windows; i++)
		if (bus - c->windows[i].bus < c->windows[i].size)
			return bus - c->windows[i].bus + c->windows[i].cpu;
	return U64_MAX;
}

/*
 * The zone that Linux tries first, which stands for those below it too.  A zone
 * that a kernel for this machine is built without is as if nothing had been
 * asked for; one that is built in but empty yields what is below it.
 * Returns -1 if there is nothing.
 */
static int first_zone(const struct board *b, const struct device *d)
{
	u64 limit = dma_to_phys(&d->constraint, d->constraint.limit);
	int zone;

	if (limit <= b->zone_dma_limit)
		return b->zone_dma ? find_zone(b, "DMA") : (int)b->nr_zones - 1;
	if (limit > limit32 || !b->zone_dma32)
		return b->nr_zones - 1;
	zone = find_zone(b, "DMA32");
	return zone < 0 ? find_zone(b, "DMA") : zone;
}

/* ---- groups ---------------------------------------------------------- */

static struct group *group_alloc(struct board *b, const struct device *d)
{
	struct dmag_range *seg;
	struct group *g;
	int nr;

	nr = dmag_reach_build(&d->constraint, &b->ram, NULL, 0);
	if (nr < 0) {
		board_fail(b, "%s: dma-ranges: not a constraint", d->path);
		return NULL;
	}
	g = arena_alloc(&b->arena, sizeof(*g));
	seg = arena_alloc(&b->arena, nr * sizeof(*seg) + 1);
	if (dmag_reach_build(&d->constraint, &b->ram, seg, nr) != nr ||
	    dmag_group_init(&g->core, seg, nr, d->constraint.attrs)) {
		board_fail(b, "%s: dma-ranges: not a group", d->path);
		return NULL;
	}
	g->frames = dmag_reach_frames(&g->core.reach);
	g->universal = !g->core.attrs &&
		       dmag_reach_covers(&g->core.reach, &b->ram);
	return g;
}

static int join_group(struct board *b, struct device *d)
{
	struct group *fresh = group_alloc(b, d);
	struct dmag_group *core;

	if (!fresh)
		return -1;
	core = dmag_join(&b->registry, &d->member, &fresh->core);
	d->group = container_of(core, struct group, core);
	if (d->group == fresh)
		*ARENA_ADD(&b->arena, b->groups, b->nr_groups) = fresh;
	return 0;
}

static int group_cmp(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a;
	const struct group *y = *(struct group *const *)b;
	const struct dmag_reach *r = &x->core.reach, *s = &y->core.reach;

	if (x->frames != y->frames)
		return x->frames < y->frames ? -1 : 1;
	if (r->nr && s->nr && r->seg[0].start != s->seg[0].start)
		return r->seg[0].start < s->seg[0].start ? -1 : 1;
	if (r->nr != s->nr)
		return r->nr < s->nr ? -1 : 1;
	return (int)x->core.attrs - (int)y->core.attrs;
}

static void number_groups(struct board *b)
{
	unsigned int i;

	if (b->nr_groups)
		qsort(b->groups, b->nr_groups, sizeof(*b->groups), group_cmp);
	for (i = 0; i < b->nr_groups; i++)
		b->groups[i]->id = i + 1;
}

/* What the zones up to @zone hold of @r. */
static u64 zone_frames(const struct board *b, const struct dmag_reach *r,
		       int zone)
{
	struct dmag_range below = { 0, 0 };

	if (zone < 0)
		return 0;
	below.last = b->zones[zone].range.last;
	return span_frames(r, &below);
}

/*
 * Is there a zone whose memory, with that of the zones below, is the reach?
 * Nothing needs no zone.
 */
static bool zone_describes(const struct board *b, const struct group *g)
{
	int i;

	if (!g->frames)
		return true;
	for (i = 0; i < (int)b->nr_zones; i++)
		if (zone_frames(b, &g->core.reach, i) == g->frames &&
		    zone_frames(b, &b->ram, i) == g->frames)
			return true;
	return false;
}

/*
 * Compare what Linux tries for @d with what @d can use.  If the first zone has
 * memory outside the reach, allocations that fail the check go on to lower
 * zones; certain is only what the first zone without such memory holds.
 */
static void judge_device(struct board *b, struct device *d)
{
	const struct dmag_reach *reach = &d->group->core.reach;

	d->zone = first_zone(b, d);
	d->outside = zone_frames(b, &b->ram, d->zone) -
		     zone_frames(b, reach, d->zone);
	if (d->outside)
		d->verdict |= VERDICT_LARGE;
	if (zone_frames(b, reach, d->zone) < d->group->frames)
		d->verdict |= VERDICT_SMALL;
	for (d->sure = d->zone; d->sure >= 0; d->sure--)
		if (zone_frames(b, &b->ram, d->sure) ==
		    zone_frames(b, reach, d->sure))
			break;
	d->wasted = d->group->frames - zone_frames(b, reach, d->sure);
}

static void judge_group(struct board *b, struct device *d)
{
	struct group *g = d->group;

	judge_device(b, d);
	if (!g->frames)
		board_note(b, "%s: a mask of %u bits reaches no memory",
			   d->path, d->mask_bits);
	g->verdict |= d->verdict;
	g->wasted = max(g->wasted, d->wasted);
	g->outside = max(g->outside, d->outside);
	if (!g->worst ||
	    d->wasted + d->outside > g->worst->wasted + g->worst->outside)
		g->worst = d;
}

/* Regions may overlap: count the frames of their union. */
static void count_reserved(struct board *b)
{
	struct span *s;
	struct dmag_range r;
	unsigned int i, j, nr = 0;
	u64 next = 0;

	s = arena_alloc(&b->arena, b->nr_regions * sizeof(*s) + 1);
	for (i = 0; i < b->nr_regions; i++)
		if (b->regions[i].placed && b->regions[i].kind != REGION_CMA)
			s[nr++] = b->regions[i].span;
	qsort(s, nr, sizeof(*s), span_cmp);
	for (i = 0; i < nr; i++) {
		r.start = max(next, s[i].start >> PAGE_SHIFT);
		r.last = s[i].last >> PAGE_SHIFT;
		if (r.start > r.last)
			continue;
		next = r.last + 1;
		for (j = 0; j < b->nr_groups; j++)
			b->groups[j]->reserved +=
				span_frames(&b->groups[j]->core.reach, &r);
	}
}

/**
 * board_plan() - Make zones and groups of the facts about a machine.
 * @b: the board, filled by a source
 *
 * Return: 0, or -1 with b->error set.
 */
int board_plan(struct board *b)
{
	unsigned int i;

	if (check_banks(b))
		return -1;
	build_ram(b);
	build_zones(b);
	for (i = 0; i < b->nr_devices; i++)
		if (b->devices[i].kind == DEVICE_DIRECT &&
		    join_group(b, &b->devices[i]))
			return -1;
	number_groups(b);
	for (i = 0; i < b->nr_groups; i++)
		b->groups[i]->described = zone_describes(b, b->groups[i]);
	for (i = 0; i < b->nr_devices; i++)
		if (b->devices[i].group)
			judge_group(b, &b->devices[i]);
	count_reserved(b);
	return 0;
}
