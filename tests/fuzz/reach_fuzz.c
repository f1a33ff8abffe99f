// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Reach with constraints of any numbers.
 *
 * The input is a constraint and a RAM map, byte by byte, valid or not.  Where
 * the result can be wrong is near the edges of windows, RAM, limit and
 * segments, so the pages there are judged one by one: translation is linear
 * between edges, and looking at each edge inside a page judges all its bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "dmag.h"
#include "dmag_port.h"

#define NR 8
#define SEGS (3 * NR)
#define PAGE_LAST ((1ULL << PAGE_SHIFT) - 1)
#define PFN_LAST (U64_MAX >> PAGE_SHIFT)

struct input {
	const uint8_t *data;
	size_t size;
};

struct fuzz {
	struct dmag_window w[NR];
	struct dmag_range ram_seg[NR];
	struct dmag_range seg[SEGS];
	struct dmag_constraint c;
	struct dmag_reach ram;
	struct dmag_reach reach;
};

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static u64 take(struct input *in, size_t bytes)
{
	u64 value = 0;

	while (bytes-- && in->size) {
		value = value << 8 | *in->data++;
		in->size--;
	}
	return value;
}

/* Small, near 2^64, page-aligned or any: edges meet by chance too seldom. */
static u64 number(struct input *in)
{
	uint8_t kind = take(in, 1);

	switch (kind & 3) {
	case 0:
		return take(in, 2) << (kind >> 2 & 15);
	case 1:
		return 0 - (take(in, 2) << (kind >> 2 & 15));
	case 2:
		return take(in, 1) << PAGE_SHIFT;
	default:
		return take(in, 8);
	}
}

static void decode(struct fuzz *f, struct input *in)
{
	unsigned int i;
	u64 at = 0;

	memset(f, 0, sizeof(*f));
	f->c.nr_windows = take(in, 1) % (NR + 1);
	f->c.windows = f->w;
	f->c.limit = number(in);
	f->ram.nr = 1 + take(in, 1) % NR;
	f->ram.seg = f->ram_seg;
	for (i = 0; i < f->ram.nr; i++) {
		f->ram_seg[i].start = at + (number(in) >> PAGE_SHIFT);
		f->ram_seg[i].last =
			f->ram_seg[i].start + (number(in) >> PAGE_SHIFT);
		at = f->ram_seg[i].last + 1;
	}
	for (i = 0; i < f->c.nr_windows; i++) {
		f->w[i].cpu = number(in);
		f->w[i].bus = number(in);
		f->w[i].size = number(in);
	}
}

static bool translate(const struct fuzz *f, u64 cpu, u64 *bus)
{
	unsigned int i;

	*bus = cpu;
	for (i = 0; i < f->c.nr_windows; i++) {
		if (cpu >= f->w[i].cpu && cpu - f->w[i].cpu < f->w[i].size) {
			*bus = f->w[i].bus + (cpu - f->w[i].cpu);
			break;
		}
	}
	return *bus <= f->c.limit && (!f->c.nr_windows || i < f->c.nr_windows);
}

/* Whether the byte @off into a page appears @off after its first. */
static bool byte_good(const struct fuzz *f, u64 cpu, u64 off, u64 first)
{
	u64 bus;

	if (off > PAGE_LAST)
		return true;
	return translate(f, cpu + off, &bus) && bus >= first &&
	       bus - first == off;
}

static bool page_good(const struct fuzz *f, u64 pfn, u64 *first)
{
	const u64 cpu = pfn << PAGE_SHIFT;
	unsigned int i;

	if (!dmag_reach_contains(&f->ram, pfn, pfn) ||
	    !translate(f, cpu, first) || !byte_good(f, cpu, PAGE_LAST, *first))
		return false;
	for (i = 0; i < f->c.nr_windows; i++) {
		u64 start = f->w[i].cpu - cpu;
		u64 end = start + f->w[i].size;

		if (!byte_good(f, cpu, start, *first) ||
		    !byte_good(f, cpu, start - 1, *first) ||
		    !byte_good(f, cpu, end, *first) ||
		    !byte_good(f, cpu, end - 1, *first))
			return false;
	}
	return true;
}

/* A page and the one after it: in reach, and in one segment, as they should. */
static void check_at(const struct fuzz *f, u64 pfn)
{
	u64 a = 0, b = 0;
	bool good, next;

	if (pfn >= PFN_LAST)
		return;
	good = page_good(f, pfn, &a);
	next = page_good(f, pfn + 1, &b);
	REQUIRE(dmag_reach_contains(&f->reach, pfn, pfn) == good);
	REQUIRE(dmag_reach_contains(&f->reach, pfn, pfn + 1) ==
		(good && next && b > a && b - a == PAGE_LAST + 1));
}

static void check_around(const struct fuzz *f, u64 pfn)
{
	if (pfn)
		check_at(f, pfn - 1);
	check_at(f, pfn);
	check_at(f, pfn + 1);
}

static void check_edges(const struct fuzz *f)
{
	unsigned int i;

	for (i = 0; i < f->c.nr_windows; i++) {
		const struct dmag_window *w = &f->w[i];

		check_around(f, w->cpu >> PAGE_SHIFT);
		check_around(f, (w->cpu + (w->size - 1)) >> PAGE_SHIFT);
		check_around(f, (w->cpu + (f->c.limit - w->bus)) >> PAGE_SHIFT);
	}
	for (i = 0; i < f->ram.nr; i++) {
		check_around(f, f->ram_seg[i].start);
		check_around(f, f->ram_seg[i].last);
	}
	for (i = 0; i < f->reach.nr; i++) {
		check_around(f, f->seg[i].start);
		check_around(f, f->seg[i].last);
	}
	check_around(f, f->c.limit >> PAGE_SHIFT);
}

static void check_algebra(const struct fuzz *f)
{
	const struct dmag_reach *r = &f->reach;

	REQUIRE(dmag_reach_valid(r));
	REQUIRE(dmag_reach_equal(r, r) && dmag_reach_includes(r, r));
	REQUIRE(dmag_reach_covers(&f->ram, r));
	REQUIRE(dmag_reach_frames(r) <= dmag_reach_frames(&f->ram));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	struct fuzz f;
	int nr;

	decode(&f, &in);
	nr = dmag_reach_build(&f.c, &f.ram, f.seg, SEGS);
	if (nr == -EINVAL)
		return 0;
	REQUIRE(nr >= 0 && nr <= SEGS);
	f.reach.seg = f.seg;
	f.reach.nr = nr;
	check_algebra(&f);
	check_edges(&f);
	return 0;
}
