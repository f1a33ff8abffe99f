// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What real users ran into, on model machines with their memory maps.
 *
 * Each case names the board, its RAM and the windows of its devices, brings the
 * memory into the state that was reported, and asks for what was refused.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine.h"

#define KB BIT_ULL(10)
#define MB BIT_ULL(20)
#define GB BIT_ULL(30)
#define PFN(address) ((address) >> PAGE_SHIFT)
#define RANGE(first, end)                \
	{                                \
		PFN(first), PFN(end) - 1 \
	}
static struct machine m;

static void boot(const struct dmag_range *ram, unsigned int nr)
{
	machine_init(&m, ram, nr);
}

static void assert_sound(void)
{
	const char *wrong = machine_check(&m, 4);

	if (wrong)
		fail_msg("%s", wrong);
}

/* A device appears and its group fills its reserve. */
static void attach(struct dmag_member *d, const struct dmag_window *w,
		   unsigned int nr, u64 limit)
{
	memset(d, 0, sizeof(*d));
	d->constraint.windows = w;
	d->constraint.nr_windows = nr;
	d->constraint.limit = limit;
	machine_join(&m, d);
	assert_int_equal(dmag_group_balance(&m.reg, d->group, &machine_backend),
			 0);
}

static int balance(struct dmag_member *d)
{
	return dmag_group_balance(&m.reg, d->group, &machine_backend);
}

/* All devices gone, all memory is the host's again. */
static void shut_down(u64 pages)
{
	assert_sound();
	assert_int_equal(m.count[MACHINE_OWNED], 0);
	assert_int_equal(m.pages, pages);
	assert_int_equal(m.reg.nr_groups, 0);
	machine_exit(&m);
}

/* A buffer of @size bytes whose last byte is below @end in CPU addresses. */
static u64 alloc_below(struct dmag_member *d, u64 size, u64 end)
{
	u64 pfn = 0;

	assert_int_equal(machine_alloc(&m, d, PFN(size), &pfn), 0);
	assert_true(pfn + PFN(size) <= PFN(end));
	return pfn;
}

static void put(struct dmag_member *d, u64 pfn, u64 size)
{
	assert_int_equal(dmag_group_put(d->group, pfn, PFN(size)), 0);
}

/*
 * 1. Raspberry Pi 4, 4 GiB less 64 MiB for its GPU: legacy devices see [0, 1G)
 * at 3 GiB, PCIe [0, 3G) at 0, Ethernet all.  One zone boundary cannot serve
 * three; three groups can, and each leaves alone what others need more.
 */
static void pi4_three_masks(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 4 * GB - 64 * MB) };
	static const struct dmag_window legacy_w = { 0, 3 * GB, 1 * GB };
	static const struct dmag_window pcie_w = { 0, 0, 3 * GB };
	struct dmag_member legacy, pcie, ether;
	unsigned int i;
	u64 pfn;

	boot(ram, 1);
	attach(&legacy, &legacy_w, 1, 4 * GB - 1);
	attach(&pcie, &pcie_w, 1, U64_MAX);
	memset(&ether, 0, sizeof(ether));
	ether.constraint.limit = U64_MAX;
	machine_join(&m, &ether);
	assert_int_equal(m.reg.nr_groups, 3);
	assert_true(dmag_reach_covers(&ether.group->reach, &m.ram));
	assert_false(dmag_reach_covers(&pcie.group->reach, &m.ram));
	/* 1 GiB for PCIe in 64 KiB pieces, and not one page below 1 GiB. */
	for (i = 0; i < 1 * GB / (64 * KB); i++) {
		pfn = alloc_below(&pcie, 64 * KB, 3 * GB);
		assert_true(pfn >= PFN(1 * GB));
	}
	for (i = 0; i < 512 * MB / (64 * KB); i++)
		alloc_below(&legacy, 64 * KB, 1 * GB);
	assert_sound();
	machine_exit(&m);
}

/*
 * 2. Raspberry Pi 5, 8 GiB: a legacy block sees 1 GiB.  Nobody uses it, and so
 * nothing may be set aside for it; while it is there but idle, 4 MiB.
 */
static void pi5_unused_costs_nothing(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 8 * GB) };
	static const struct dmag_window legacy_w = { 0, 3 * GB, 1 * GB };
	struct dmag_member legacy;

	boot(ram, 1);
	assert_int_equal(m.count[MACHINE_FREE], PFN(8 * GB));
	attach(&legacy, &legacy_w, 1, 4 * GB - 1);
	assert_true(m.count[MACHINE_OWNED] <= PFN(4 * MB));
	machine_leave(&m, &legacy);
	assert_int_equal(m.count[MACHINE_FREE], PFN(8 * GB));
	shut_down(PFN(8 * GB));
}

/* Single pages for one who cannot wait, and then the worker runs. */
static void burst(struct dmag_member *d, u64 size)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 n, pfn;

	for (n = 0; n < PFN(size); n++)
		assert_int_equal(dmag_group_get(d->group, &rq, true, &pfn), 0);
	assert_int_equal(balance(d), 0);
}

/*
 * 4. Raspberry Pi 1, 512 MiB, a non-coherent device that may not sleep: 256 KiB
 * were set aside, 1 MiB and 4 MiB were needed.  A burst of each is served at
 * once, and the next after the worker ran, until 64 MiB are out.
 */
static void pi1_atomic_bursts(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 512 * MB) };
	static const struct dmag_window w = { 0, 1 * GB, 512 * MB };
	static const u64 bursts[] = { 256 * KB, 1 * MB, 4 * MB };
	struct dmag_member usb;
	unsigned int i;

	boot(ram, 1);
	memset(&usb, 0, sizeof(usb));
	usb.constraint = (struct dmag_constraint){
		.windows = &w,
		.nr_windows = 1,
		.limit = 4 * GB - 1,
		.attrs = DMAG_UNCACHED,
	};
	machine_join(&m, &usb);
	assert_int_equal(balance(&usb), 0);
	for (i = 0; i < ARRAY_SIZE(bursts); i++)
		burst(&usb, bursts[i]);
	while (usb.group->frames.used < PFN(64 * MB))
		burst(&usb, 4 * MB);
	assert_sound();
	machine_exit(&m);
}

/*
 * 7. PolarFire Icicle: 768 MiB at 2 GiB, 1 GiB at 64 GiB, devices with 32 bits.
 * The low bank is full of what can move, the high bank is free: a page in the
 * low bank, and 64 MiB, are a matter of moving.
 */
static void polarfire_low_bank(void **state)
{
	static const struct dmag_range ram[] = {
		RANGE(2 * GB, 2 * GB + 768 * MB),
		RANGE(64 * GB, 65 * GB),
	};
	struct dmag_member sd;
	u64 page, large;

	boot(ram, 2);
	machine_set(&m, ram[0].start, ram[0].last, MACHINE_MOVABLE);
	attach(&sd, NULL, 0, 4 * GB - 1);
	page = alloc_below(&sd, 4 * KB, 4 * GB);
	large = alloc_below(&sd, 64 * MB, 4 * GB);
	assert_true(m.moved >= PFN(64 * MB));
	assert_int_equal(m.dropped, 0);
	assert_true(machine_count(&m, ram[1].start, ram[1].last,
				  MACHINE_MOVABLE) >= PFN(64 * MB));
	put(&sd, page, 4 * KB);
	put(&sd, large, 64 * MB);
	machine_leave(&m, &sd);
	shut_down(PFN(768 * MB + 1 * GB));
}

/*
 * 8. ZCU102: 2 GiB less 1 MiB at 0, 2 GiB at 32 GiB; two buffers of 128 MiB for
 * devices with 32 bits, after one page in eight came to be in use everywhere.
 */
static void zcu102_two_large_buffers(void **state)
{
	static const struct dmag_range ram[] = {
		RANGE(0, 2 * GB - 1 * MB),
		RANGE(32 * GB, 34 * GB),
	};
	struct dmag_member fpga;
	u64 pfn, buffer[2];

	boot(ram, 2);
	for (pfn = 0; pfn <= ram[0].last; pfn += 8)
		machine_set(&m, pfn, pfn, MACHINE_MOVABLE);
	attach(&fpga, NULL, 0, 4 * GB - 1);
	buffer[0] = alloc_below(&fpga, 128 * MB, 4 * GB);
	buffer[1] = alloc_below(&fpga, 128 * MB, 4 * GB);
	assert_true(buffer[0] != buffer[1]);
	put(&fpga, buffer[0], 128 * MB);
	put(&fpga, buffer[1], 128 * MB);
	machine_leave(&m, &fpga);
	shut_down(PFN(4 * GB - 1 * MB));
}

/*
 * 5, 6, 12, 13, 14: large buffers after uptime, 4 GiB, a 32-bit device: 32 MiB
 * for bouncing, 75 MiB for a camera, 16 MiB for a GPU, 4 MiB for audio, 64 MiB.
 * Three quarters of all pages are in use; one in 4096 cannot move, and those
 * are in one block of 64, as Linux's grouping by mobility has it.
 */
static void large_after_uptime(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 3 * GB),
						 RANGE(4 * GB, 5 * GB) };
	static const u64 sizes[] = { 32 * MB, 75 * MB, 16 * MB, 4 * MB,
				     64 * MB };
	struct dmag_request rq = { .align = DMAG_BLOCK_FRAMES };
	struct dmag_member d;
	u64 pfn, i;

	boot(ram, 2);
	for (pfn = 0; pfn <= ram[1].last; pfn += 4)
		machine_set(&m, pfn, pfn + 2,
			    pfn & 64 ? MACHINE_MOVABLE : MACHINE_CACHE);
	for (pfn = 5; pfn <= ram[0].last; pfn += 64 * DMAG_BLOCK_FRAMES)
		machine_set(&m, pfn, pfn + 7, MACHINE_PINNED);
	attach(&d, NULL, 0, 4 * GB - 1);
	rq.within.last = DMAG_PFN_MAX;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		rq.count = PFN(sizes[i]);
		assert_int_equal(dmag_group_alloc(&m.reg, d.group,
						  &machine_backend, &rq, &pfn),
				 0);
		assert_true(pfn + rq.count <= PFN(3 * GB));
		assert_sound();
	}
	machine_exit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pi4_three_masks),
		cmocka_unit_test(pi5_unused_costs_nothing),
		cmocka_unit_test(pi1_atomic_bursts),
		cmocka_unit_test(polarfire_low_bank),
		cmocka_unit_test(zcu102_two_large_buffers),
		cmocka_unit_test(large_after_uptime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
