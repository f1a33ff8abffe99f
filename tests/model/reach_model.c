// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Reach against an oracle that translates every piece of every page.
 *
 * An address space of a few dozen pages at the bottom, the top, or anywhere is
 * cut into units of which no window begins or ends in the middle.  The oracle
 * translates unit by unit with the first window that has it, as Linux does, and
 * joins pages that follow each other in bus space.  Units of one byte find
 * rounding errors; large ones make many segments.
 */
#include "group_random.h"

#define PAGE BIT_ULL(PAGE_SHIFT)
#define MAX_PAGES 48
#define MAX_WINDOWS 6
#define SPACES ROUNDS(60000)

struct space {
	u64 base; /* of the CPU addresses, a whole page */
	unsigned int pages;
	u64 unit;
	bool ram[MAX_PAGES];
	bool good[MAX_PAGES]; /* in reach, says the oracle */
	bool joined[MAX_PAGES]; /* to the page before */
	struct dmag_window w[MAX_WINDOWS];
	struct dmag_constraint c;
	struct dmag_range ram_seg[MAX_PAGES];
	struct dmag_reach ram_map;
	struct dmag_range seg[MAX_PAGES];
	struct dmag_reach reach;
};

static u64 random_base(u64 bytes)
{
	switch (rnd_below(4)) {
	case 0:
		return 0;
	case 1:
		return 0 - bytes;
	case 2:
		return (1ULL << 32) - (bytes / 2 & ~(PAGE - 1));
	default:
		return (rnd() % (0 - bytes)) & ~(PAGE - 1);
	}
}

static void random_window(struct space *s, struct dmag_window *w)
{
	u64 units = s->pages * (PAGE / s->unit);
	u64 at = rnd_below(units);
	u64 len = 1 + rnd_below(units - at);
	u64 slack;

	w->cpu = s->base + at * s->unit;
	w->size = len * s->unit;
	slack = 0 - w->size; /* the highest bus address it can have */
	switch (rnd_below(5)) {
	case 0:
		w->bus = 0;
		break;
	case 1:
		w->bus = slack;
		break;
	case 2:
		w->bus = w->cpu;
		break;
	case 3: /* often continues another window */
		w->bus = (w->cpu + (s->w[0].bus - s->w[0].cpu));
		if (w->bus > slack)
			w->bus = 0;
		break;
	default:
		w->bus = rnd() % slack / s->unit * s->unit;
	}
}

/* RAM as random pages; some touching ranges are split, which must not matter. */
static void random_ram(struct space *s)
{
	unsigned int i, nr = 0, density = 1 + rnd_below(8);

	for (i = 0; i < s->pages; i++) {
		s->ram[i] = rnd_below(8) < density;
		if (!s->ram[i])
			continue;
		if (!i || !s->ram[i - 1] || rnd_below(8) == 0)
			s->ram_seg[nr++].start = (s->base >> PAGE_SHIFT) + i;
		s->ram_seg[nr - 1].last = (s->base >> PAGE_SHIFT) + i;
	}
	s->ram_map.seg = s->ram_seg;
	s->ram_map.nr = nr;
}

/* The map in any order, with ranges twice and in part: the same set of pages. */
static void check_normalise(const struct space *s)
{
	struct dmag_range seg[2 * MAX_PAGES], tmp;
	struct dmag_reach map = { .seg = seg };
	unsigned int i, j, nr = 0;
	u64 pfn = s->base >> PAGE_SHIFT;

	for (i = 0; i < s->ram_map.nr; i++) {
		seg[nr++] = s->ram_seg[i];
		if (rnd_below(2))
			seg[nr++].last = s->ram_seg[i].last;
		seg[nr - 1].start = s->ram_seg[i].start;
	}
	for (i = nr; i > 1; i--) {
		j = rnd_below(i);
		tmp = seg[i - 1];
		seg[i - 1] = seg[j];
		seg[j] = tmp;
	}
	map.nr = dmag_reach_normalise(seg, nr);
	REQUIRE(dmag_reach_valid(&map));
	for (i = 0; i < s->pages; i++)
		REQUIRE(dmag_reach_contains(&map, pfn + i, pfn + i) ==
			s->ram[i]);
	for (i = 1; i < map.nr; i++)
		REQUIRE(seg[i - 1].last + 1 != seg[i].start);
}

static void random_space(struct space *s)
{
	static const u64 units[] = { 1, 512, 512, PAGE, PAGE };
	u64 at;
	unsigned int i;

	s->unit = units[rnd_below(ARRAY_SIZE(units))];
	s->pages = s->unit == 1 ? 3 : 4 + rnd_below(MAX_PAGES - 3);
	s->base = random_base(s->pages * PAGE);
	random_ram(s);
	s->c.windows = s->w;
	s->c.nr_windows = rnd_below(MAX_WINDOWS + 1);
	for (i = 0; i < s->c.nr_windows; i++)
		random_window(s, &s->w[i]);
	/* The last byte of some unit that appears somewhere, or no limit. */
	at = rnd_below(s->pages * (PAGE / s->unit)) * s->unit;
	s->c.limit = U64_MAX;
	if (rnd_below(3))
		s->c.limit = s->base + at + s->unit - 1;
	if (s->c.nr_windows && rnd_below(2))
		s->c.limit = s->w[0].bus + at % s->w[0].size + s->unit - 1;
}

/* The bus address of one unit; false if it has none or one too high. */
static bool translate(const struct space *s, u64 cpu, u64 *bus)
{
	unsigned int i;

	*bus = cpu;
	for (i = 0; i < s->c.nr_windows; i++) {
		if (cpu >= s->w[i].cpu && cpu - s->w[i].cpu < s->w[i].size) {
			*bus = s->w[i].bus + (cpu - s->w[i].cpu);
			break;
		}
	}
	if (s->c.nr_windows && i == s->c.nr_windows)
		return false;
	return *bus <= s->c.limit && s->unit - 1 <= s->c.limit - *bus;
}

/* Whether a page is good, and if so its first bus address. */
static bool oracle_page(const struct space *s, unsigned int page, u64 *first)
{
	u64 off, bus, expect = 0;

	for (off = 0; off < PAGE; off += s->unit) {
		if (!translate(s, s->base + page * PAGE + off, &bus))
			return false;
		if (!off)
			*first = bus;
		else if (bus != expect || !bus)
			return false;
		expect = bus + s->unit;
	}
	return s->ram[page];
}

static unsigned int oracle(struct space *s, struct dmag_range *seg)
{
	unsigned int i, nr = 0;
	u64 bus, expect = 0;

	for (i = 0; i < s->pages; i++) {
		s->joined[i] = false;
		s->good[i] = oracle_page(s, i, &bus);
		if (!s->good[i])
			continue;
		s->joined[i] = i && s->good[i - 1] && bus && bus == expect;
		expect = bus + PAGE;
		if (!s->joined[i])
			seg[nr++].start = (s->base >> PAGE_SHIFT) + i;
		seg[nr - 1].last = (s->base >> PAGE_SHIFT) + i;
	}
	return nr;
}

static void check_build(struct space *s)
{
	struct dmag_range want[MAX_PAGES], part[MAX_PAGES];
	unsigned int i, max, nr = oracle(s, want);
	int got = dmag_reach_build(&s->c, &s->ram_map, s->seg, MAX_PAGES);

	REQUIRE(got == (int)nr);
	for (i = 0; i < nr; i++) {
		REQUIRE(s->seg[i].start == want[i].start);
		REQUIRE(s->seg[i].last == want[i].last);
	}
	max = rnd_below(nr + 1);
	got = dmag_reach_build(&s->c, &s->ram_map, max ? part : NULL, max);
	REQUIRE(got == (int)nr);
	for (i = 0; i < max; i++) {
		REQUIRE(part[i].start == want[i].start);
		REQUIRE(part[i].last == want[i].last);
	}
	s->reach.seg = s->seg;
	s->reach.nr = nr;
	REQUIRE(dmag_reach_valid(&s->reach));
}

/* Every run of pages: contained iff all are good and each joins the last. */
static void check_contains(const struct space *s)
{
	u64 pfn = s->base >> PAGE_SHIFT;
	unsigned int i, j;

	for (i = 0; i < s->pages; i++) {
		bool in = s->good[i];

		for (j = i; j < s->pages; j++) {
			in = in && (j == i || s->joined[j]);
			REQUIRE(dmag_reach_contains(&s->reach, pfn + i,
						    pfn + j) == in);
		}
	}
}

static void check_sums(const struct space *s)
{
	bool covers = true;
	u64 frames = 0;
	unsigned int i;

	for (i = 0; i < s->pages; i++) {
		frames += s->good[i];
		covers = covers && s->good[i] == s->ram[i];
	}
	REQUIRE(dmag_reach_frames(&s->reach) == frames);
	REQUIRE(dmag_reach_covers(&s->reach, &s->ram_map) == covers);
	REQUIRE(dmag_reach_covers(&s->ram_map, &s->reach));
	REQUIRE(dmag_reach_equal(&s->reach, &s->reach));
}

/* Two constraints on one machine. */
static void check_pair(const struct space *a, const struct space *b)
{
	bool equal = true, includes = true;
	unsigned int i;

	for (i = 0; i < a->pages; i++) {
		equal = equal && a->good[i] == b->good[i] &&
			a->joined[i] == b->joined[i];
		includes = includes && a->good[i] >= b->good[i] &&
			   a->joined[i] >= b->joined[i];
	}
	REQUIRE(dmag_reach_equal(&a->reach, &b->reach) == equal);
	REQUIRE(dmag_reach_includes(&a->reach, &b->reach) == includes);
}

int main(int argc, char **argv)
{
	static struct space a, b;
	u64 segments = 0;
	unsigned int round;

	rnd_init(argc, argv);
	for (round = 0; round < SPACES; round++) {
		random_space(&a);
		check_normalise(&a);
		check_build(&a);
		check_contains(&a);
		check_sums(&a);
		b = a;
		b.c.windows = b.w;
		b.ram_map.seg = b.ram_seg;
		if (b.c.nr_windows)
			random_window(&b, &b.w[rnd_below(b.c.nr_windows)]);
		check_build(&b);
		check_pair(&a, &b);
		segments += a.reach.nr;
	}
	printf("reach: %u spaces, %llu segments, seed %llu\n", round,
	       (unsigned long long)segments, (unsigned long long)rnd_seed);
	return 0;
}
