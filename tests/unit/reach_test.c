// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* Reach: the cases that have names, and every kind of bad input. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "util.h"

/* A PC with 6 GiB: memory below 640 KiB, to 3 GiB, and above 4 GiB. */
static const struct dmag_range pc_ranges[] = {
	RANGE(4 * KB, 640 * KB),
	RANGE(1 * MB, 3 * GB),
	RANGE(4 * GB, 7 * GB),
};

static const struct dmag_reach pc = { pc_ranges, ARRAY_SIZE(pc_ranges) };

static void assert_reach(const struct dmag_constraint *c,
			 const struct dmag_reach *ram,
			 const struct dmag_range *want, int nr)
{
	struct dmag_range seg[8];
	int i, got = dmag_reach_build(c, ram, seg, ARRAY_SIZE(seg));

	assert_int_equal(got, nr);
	for (i = 0; i < nr; i++) {
		assert_int_equal(seg[i].start, want[i].start);
		assert_int_equal(seg[i].last, want[i].last);
	}
}

static void assert_windows(const struct dmag_window *w, unsigned int nr_windows,
			   u64 limit, const struct dmag_reach *ram,
			   const struct dmag_range *want, int nr)
{
	const struct dmag_constraint c = {
		.windows = w,
		.nr_windows = nr_windows,
		.limit = limit,
	};

	assert_reach(&c, ram, want, nr);
}

static void masks_without_windows(void **state)
{
	const struct dmag_range bits24[] = { RANGE(4 * KB, 640 * KB),
					     RANGE(1 * MB, 16 * MB) };
	const struct dmag_range bits30[] = { RANGE(4 * KB, 640 * KB),
					     RANGE(1 * MB, 1 * GB) };

	assert_windows(NULL, 0, 16 * MB - 1, &pc, bits24, 2);
	assert_windows(NULL, 0, 1 * GB - 1, &pc, bits30, 2);
	assert_windows(NULL, 0, 4 * GB - 1, &pc, pc_ranges, 2);
	assert_windows(NULL, 0, U64_MAX, &pc, pc_ranges, 3);
	assert_windows(NULL, 0, 0, &pc, NULL, 0);
}

/* A limit in the middle of a page loses the page. */
static void partial_pages(void **state)
{
	const struct dmag_range ram[] = { { 0, 9 } };
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	const struct dmag_window w = { .cpu = 0x1001,
				       .bus = 0x1001,
				       .size = 0x3ffe };
	const struct dmag_window tiny = { .cpu = 0x10,
					  .bus = 0x10,
					  .size = 0x20 };
	const struct dmag_window top = { .cpu = 0 - 0x1800ULL,
					 .bus = 0,
					 .size = 0x1800 };
	const struct dmag_range high[] = { { U64_MAX >> PAGE_SHIFT,
					     U64_MAX >> PAGE_SHIFT } };
	const struct dmag_reach h = { high, ARRAY_SIZE(high) };
	const struct dmag_range first[] = { { 0, 2 } }, mid[] = { { 2, 3 } };

	assert_windows(NULL, 0, 0x3ffe, &r, first, 1);
	assert_windows(NULL, 0, 0x2fff, &r, first, 1);
	assert_windows(NULL, 0, 0xffe, &r, NULL, 0);
	assert_windows(&w, 1, U64_MAX, &r, mid, 1);
	assert_windows(&tiny, 1, U64_MAX, &r, NULL, 0);
	assert_windows(&top, 1, U64_MAX, &h, high, 1);
	assert_windows(&top, 1, 0x17fe, &h, NULL, 0);
}

/* Half a page each: neither window has the page, both together do. */
static void page_of_two_windows(void **state)
{
	const struct dmag_range ram[] = { { 0, 9 } };
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	struct dmag_window w[] = {
		{ .cpu = 0x0, .bus = 0x10000, .size = 0x1800 },
		{ .cpu = 0x1800, .bus = 0x11800, .size = 0x1800 },
	};
	const struct dmag_range whole[] = { { 0, 2 } };
	const struct dmag_range cut[] = { { 0, 0 }, { 2, 2 } };

	assert_windows(w, 2, U64_MAX, &r, whole, 1);
	w[1].bus += 0x100;
	assert_windows(w, 2, U64_MAX, &r, cut, 2);
}

/* CPU neighbours whose bus addresses are not neighbours stay apart. */
static void cut_in_bus_space(void **state)
{
	const struct dmag_range ram[] = { { 0, 9 } };
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	struct dmag_window w[] = {
		{ .cpu = 0x0, .bus = 0x100000, .size = 0x2000 },
		{ .cpu = 0x2000, .bus = 0x200000, .size = 0x2000 },
	};
	const struct dmag_range cut[] = { { 0, 1 }, { 2, 3 } };

	assert_windows(w, 2, U64_MAX, &r, cut, 2);
	/* A hole in the bus, of less than a page. */
	w[1].cpu += 0x800;
	w[1].bus += 0x800;
	assert_windows(w, 2, U64_MAX, &r,
		       (struct dmag_range[]){ { 0, 1 }, { 3, 3 } }, 2);
	w[1].cpu -= 0x800;
	/* The same distance modulo 2^64, yet nothing follows the top. */
	w[0].bus = 0 - 0x2000ULL;
	w[1].bus = 0;
	assert_windows(w, 2, U64_MAX, &r, cut, 2);
	assert_windows(w, 2, 0x1fff, &r, &cut[1], 1);
}

/* The first window rules where several overlap, wherever it is listed from. */
static void overlapping_windows(void **state)
{
	const struct dmag_range ram[] = { { 0, 15 } };
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	const struct dmag_window inner[] = {
		{ .cpu = 0x4000, .bus = 0x90000, .size = 0x2000 },
		{ .cpu = 0x0, .bus = 0x0, .size = 0x8000 },
		{ .cpu = 0x5000, .bus = 0x80000, .size = 0x5000 },
	};
	const struct dmag_range want[] = {
		{ 0, 3 },
		{ 4, 5 },
		{ 6, 7 },
		{ 8, 9 },
	};

	assert_windows(inner, 3, U64_MAX, &r, want, 4);
	/* The ruling window hides the page even when it is out of reach. */
	assert_windows(inner, 3, 0x7fff, &r,
		       (struct dmag_range[]){ { 0, 3 }, { 6, 7 } }, 2);
}

static void ram_with_holes(void **state)
{
	const struct dmag_range ram[] = {
		{ 0, 1 }, { 2, 3 }, { 5, 5 }, { 100, 199 }, { 200, 300 }
	};
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	const struct dmag_reach none = { .nr = 0 };
	const struct dmag_range want[] = { { 0, 3 }, { 5, 5 }, { 100, 249 } };

	assert_windows(NULL, 0, PFN(0) + 250 * 4 * KB - 1, &r, want, 3);
	assert_windows(NULL, 0, U64_MAX, &none, NULL, 0);
}

/* Scenario 1: Raspberry Pi 4 with 4 GB, less the top 64 MiB for its GPU. */
static void raspberry_pi_4(void **state)
{
	const struct dmag_range ram[] = { RANGE(0, 4 * GB - 64 * MB) };
	const struct dmag_reach r = { ram, ARRAY_SIZE(ram) };
	const struct dmag_window legacy = { .cpu = 0,
					    .bus = 3 * GB,
					    .size = 1 * GB };
	const struct dmag_window pcie = { .cpu = 0, .bus = 0, .size = 3 * GB };
	const struct dmag_range low[] = { RANGE(0, 1 * GB) };
	const struct dmag_range three[] = { RANGE(0, 3 * GB) };

	assert_windows(&legacy, 1, 4 * GB - 1, &r, low, 1);
	assert_windows(&pcie, 1, U64_MAX, &r, three, 1);
	assert_windows(NULL, 0, U64_MAX, &r, ram, 1);
}

/* As firmware gives it: unsorted, overlapping, with crumbs. */
static void firmware_maps(void **state)
{
	struct dmag_range map[] = {
		{ 500, 599 }, { 0, 9 },	    { 10, 19 },
		{ 700, 699 }, { 550, 560 }, { 590, 610 },
		{ 30, 39 },   { 0, 4 },	    { U64_MAX - 1, U64_MAX },
		{ 7, 3 },     { 30, 39 },   { U64_MAX, U64_MAX },
	};
	const struct dmag_range want[] = {
		{ 0, 19 },
		{ 30, 39 },
		{ 500, 610 },
		{ U64_MAX - 1, U64_MAX },
	};
	struct dmag_reach ram = { .seg = map };

	ram.nr = dmag_reach_normalise(map, ARRAY_SIZE(map));
	assert_int_equal(ram.nr, ARRAY_SIZE(want));
	assert_memory_equal(map, want, sizeof(want));
	assert_true(dmag_reach_valid(&ram));
	assert_int_equal(dmag_reach_normalise(map, ram.nr), ram.nr);
	assert_int_equal(dmag_reach_normalise(NULL, 0), 0);
}

/* Each frame of a reach has the bus address that its window says, and no other. */
static void bus_addresses(void **state)
{
	const struct dmag_window w[] = {
		{ .cpu = 4 * MB, .bus = 0, .size = 4 * MB },
		{ .cpu = 0, .bus = 3 * GB, .size = 1 * GB },
	};
	struct dmag_constraint c = { .windows = w,
				     .nr_windows = 2,
				     .limit = 4 * GB - 1 };
	u64 bus;

	assert_true(dmag_reach_bus(&c, PFN(5 * MB), &bus));
	assert_int_equal(bus, 1 * MB);
	assert_true(dmag_reach_bus(&c, PFN(8 * MB), &bus));
	assert_int_equal(bus, 3 * GB + 8 * MB);
	assert_true(dmag_reach_bus(&c, PFN(1 * MB), &bus));
	assert_int_equal(bus, 3 * GB + 1 * MB);
	assert_false(dmag_reach_bus(&c, PFN(1 * GB), &bus));
	c.limit = 3 * GB - 1;
	assert_false(dmag_reach_bus(&c, PFN(8 * MB), &bus));
	c.nr_windows = 0;
	assert_true(dmag_reach_bus(&c, PFN(8 * MB), &bus));
	assert_int_equal(bus, 8 * MB);
	assert_false(dmag_reach_bus(&c, PFN(3 * GB), &bus));
}

static void build_like_snprintf(void **state)
{
	const struct dmag_constraint c = { .limit = U64_MAX };
	struct dmag_range seg[2] = { { 7, 7 }, { 7, 7 } };

	assert_int_equal(dmag_reach_build(&c, &pc, NULL, 0), 3);
	assert_int_equal(dmag_reach_build(&c, &pc, seg, 1), 3);
	assert_int_equal(seg[0].start, pc_ranges[0].start);
	assert_int_equal(seg[0].last, pc_ranges[0].last);
	assert_int_equal(seg[1].start, 7);
}

static int build(struct dmag_constraint c, struct dmag_reach ram)
{
	struct dmag_range seg[8];

	return dmag_reach_build(&c, &ram, seg, ARRAY_SIZE(seg));
}

static void bad_constraints(void **state)
{
	struct dmag_window w = { .cpu = 0x1000, .bus = 0x1000, .size = 0x1000 };
	struct dmag_constraint c = { .windows = &w,
				     .nr_windows = 1,
				     .limit = U64_MAX };

	assert_int_equal(build(c, pc), 1);
	w.size = 0;
	assert_int_equal(build(c, pc), -EINVAL);
	w.size = 1ULL << 63;
	w.cpu = 1ULL << 63;
	assert_int_equal(build(c, pc), 0);
	w.cpu++;
	assert_int_equal(build(c, pc), -EINVAL);
	w.cpu = 0;
	w.bus = (1ULL << 63) + 1;
	assert_int_equal(build(c, pc), -EINVAL);
	w.bus = 0;
	c.attrs = DMAG_ATTRS + 1;
	assert_int_equal(build(c, pc), -EINVAL);
	c.attrs = DMAG_SHARED;
	c.nr_windows = -1U;
	assert_int_equal(build(c, pc), -EINVAL);
	c.nr_windows = 1;
	c.windows = NULL;
	assert_int_equal(build(c, pc), -EINVAL);
	c.nr_windows = 0;
}

static void bad_ram(void **state)
{
	const struct dmag_constraint c = { .limit = U64_MAX };
	const struct dmag_range reversed[] = { { 2, 1 } };
	const struct dmag_range unsorted[] = { { 5, 6 }, { 1, 2 } };
	const struct dmag_range overlap[] = { { 1, 5 }, { 5, 6 } };

	assert_int_equal(build(c, (struct dmag_reach){ reversed, 1 }), -EINVAL);
	assert_int_equal(build(c, (struct dmag_reach){ unsorted, 2 }), -EINVAL);
	assert_int_equal(build(c, (struct dmag_reach){ overlap, 2 }), -EINVAL);
	assert_int_equal(build(c, (struct dmag_reach){ .nr = 1 }), -EINVAL);
}

/* More ranges than an int result can count: refused before any is looked at. */
static void too_much_ram(void **state)
{
	const struct dmag_constraint c = { .limit = U64_MAX };
	const struct dmag_reach big = { .seg = pc_ranges, .nr = 0x10000001 };

	assert_int_equal(build(c, big), -EINVAL);
}

static void comparisons(void **state)
{
	const struct dmag_range a_seg[] = { { 1, 4 }, { 5, 9 } };
	const struct dmag_range b_seg[] = { { 1, 9 } };
	const struct dmag_range c_seg[] = { { 1, 4 }, { 5, 8 } };
	const struct dmag_range d_seg[] = { { 1, 4 }, { 6, 9 } };
	const struct dmag_reach a = { a_seg, ARRAY_SIZE(a_seg) },
				b = { b_seg, ARRAY_SIZE(b_seg) };
	const struct dmag_reach c = { c_seg, ARRAY_SIZE(c_seg) },
				d = { d_seg, ARRAY_SIZE(d_seg) };
	const struct dmag_reach top = { .seg = a_seg + 1, .nr = 1 };
	const struct dmag_reach none = { .nr = 0 };

	assert_true(dmag_reach_equal(&a, &a));
	assert_false(dmag_reach_equal(&a, &b));
	assert_false(dmag_reach_equal(&a, &c));
	assert_false(dmag_reach_equal(&a, &d));
	assert_true(dmag_reach_includes(&b, &a));
	assert_false(dmag_reach_includes(&a, &b));
	assert_true(dmag_reach_covers(&a, &b));
	assert_true(dmag_reach_covers(&b, &a));
	assert_false(dmag_reach_covers(&c, &b));
	assert_false(dmag_reach_covers(&d, &b));
	assert_true(dmag_reach_covers(&a, &top));
	assert_false(dmag_reach_covers(&none, &top));
	assert_true(dmag_reach_covers(&none, &none));
	assert_int_equal(dmag_reach_frames(&d), 8);
	assert_true(dmag_reach_contains(&a, 5, 9));
	assert_false(dmag_reach_contains(&a, 4, 5));
	assert_false(dmag_reach_contains(&a, 9, 10));
	assert_false(dmag_reach_contains(&a, 10, 10));
	assert_false(dmag_reach_contains(&a, 0, 1));
}

static void bad_reaches(void **state)
{
	const struct dmag_range reversed[] = { { 2, 1 } };
	const struct dmag_reach bad = { reversed, ARRAY_SIZE(reversed) },
				none = { .nr = 0 };

	assert_false(dmag_reach_valid(&bad));
	assert_true(dmag_reach_valid(&none));
	assert_false(dmag_reach_contains(&none, 1, 1));
	assert_false(dmag_reach_contains(&pc, 600, 599));
	assert_int_equal(dmag_reach_frames(&none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_without_windows),
		cmocka_unit_test(partial_pages),
		cmocka_unit_test(page_of_two_windows),
		cmocka_unit_test(cut_in_bus_space),
		cmocka_unit_test(overlapping_windows),
		cmocka_unit_test(ram_with_holes),
		cmocka_unit_test(raspberry_pi_4),
		cmocka_unit_test(firmware_maps),
		cmocka_unit_test(bus_addresses),
		cmocka_unit_test(build_like_snprintf),
		cmocka_unit_test(bad_constraints),
		cmocka_unit_test(bad_ram),
		cmocka_unit_test(too_much_ram),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(bad_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
