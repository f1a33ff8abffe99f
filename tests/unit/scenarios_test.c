// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What real users ran into, on model machines with their memory maps.
 *
 * Each case has the number of the report, names the board, its RAM and the
 * windows of its devices, brings the memory into the state that was reported,
 * and asks for what was refused.  Where it tells something, the same is asked
 * of boot-time zones on an equal machine.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "group_random.h"
#include "util.h"
#include "zones.h"

#define BLOCK DMAG_BLOCK_FRAMES

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

/* A group's capacity goal is kept for movable pages. */
static u64 protect(struct dmag_member *d)
{
	return machine_protect(&m, container_of(d->group, struct machine_group,
						core));
}

/* A buffer aligned to a block, as large ones from CMA are to less. */
static int alloc_blocks(struct dmag_member *d, u64 size, u64 *pfn)
{
	struct dmag_request rq = DMAG_REQUEST(PFN(size));

	rq.align = BLOCK;
	return dmag_group_alloc(&m.reg, d->group, &machine_backend, &rq, pfn);
}

/* The same of zones; the machine has no groups. */
static int alloc_zone(const struct zones *z, const struct dmag_range *seg,
		      u64 size, u64 *pfn)
{
	const struct dmag_reach reach = { .seg = seg, .nr = 1 };

	return zones_alloc(&m, z, &reach, PFN(size), pfn);
}

/*
 * A long uptime: three quarters of all pages are in use, in pieces of 16 KiB;
 * what cannot move is in one block of eight, as grouping by mobility has it,
 * and where the host may put it.
 */
static void uptime(void)
{
	unsigned int i;
	u64 pfn;

	for (i = 0; i < m.ram.nr; i++) {
		const struct dmag_range *r = &m.ram.seg[i];

		for (pfn = r->start; pfn <= r->last; pfn += 4)
			machine_set(&m, pfn, pfn + 3,
				    rnd_below(4) ?
					    MACHINE_CACHE + rnd_below(2) :
					    MACHINE_FREE);
		for (pfn = r->start; pfn <= r->last; pfn += BLOCK)
			if (pfn / BLOCK % 8 == 5)
				machine_set(&m, pfn + rnd_below(BLOCK / 2),
					    pfn + BLOCK / 2, MACHINE_PINNED);
	}
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
 * Somebody takes pages that cannot move, lowest first, and leaves @size bytes:
 * room for what has to move out of a capacity.
 */
static void hog_but(u64 size)
{
	u64 all = m.count[MACHINE_FREE] + m.count[MACHINE_CACHE];

	assert_true(all > PFN(size));
	machine_hog(&m, all - PFN(size));
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

/* 1 with one boundary at 1 GiB: PCIe takes what the legacy devices need. */
static void pi4_with_zones(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 4 * GB - 64 * MB) };
	static const struct dmag_range legacy = RANGE(0, 1 * GB);
	static const struct dmag_range pcie = RANGE(0, 3 * GB);
	static const struct zones z = { PFN(1 * GB), PFN(4 * GB) };
	unsigned int i;
	u64 pfn;

	boot(ram, 1);
	for (i = 0; i < 1 * GB / (4 * MB); i++) {
		assert_int_equal(alloc_zone(&z, &pcie, 4 * MB, &pfn), 0);
		assert_true(pfn < PFN(1 * GB));
	}
	assert_int_equal(alloc_zone(&z, &legacy, 4 * KB, &pfn), -ENOMEM);
	assert_int_equal(alloc_zone(&z, &pcie, 4 * KB, &pfn), -ENOMEM);
	assert_int_equal(m.count[MACHINE_FREE], PFN(3 * GB - 64 * MB));
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

/* The frames of a burst of single ones that the reserve does not have. */
static u64 refused_of(struct dmag_member *d, u64 count)
{
	struct dmag_request rq = DMAG_REQUEST(1);
	u64 *pfn = calloc(count, sizeof(*pfn));
	u64 n = 0, i;

	assert_non_null(pfn);
	while (n < count && !dmag_group_get(d->group, &rq, true, &pfn[n]))
		n++;
	/* The request that ended the loop was one. */
	for (i = n + 1; i < count; i++)
		assert_int_equal(dmag_group_get(d->group, &rq, true, &pfn[i]),
				 -ENOMEM);
	for (i = 0; i < n; i++)
		put(d, pfn[i], 4 * KB);
	free(pfn);
	return count - n;
}

/*
 * 4, on: nobody sets coherent_pool=.  A burst of 16 MiB is refused in part
 * once; from the next on it is served, from min alone.  After two quiet
 * minutes the group has what it began with.
 */
static void pi1_grows_by_itself(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 512 * MB) };
	struct dmag_member usb;
	u64 now = 1000;

	boot(ram, 1);
	attach(&usb, NULL, 0, 4 * GB - 1);
	assert_int_equal(refused_of(&usb, PFN(16 * MB)), PFN(12 * MB));
	assert_true(dmag_group_adapt(usb.group, now));
	assert_int_equal(balance(&usb), 0);
	assert_int_equal(usb.group->marks.min, PFN(16 * MB));
	while (usb.group->frames.free >= usb.group->marks.min + BLOCK)
		alloc_below(&usb, 2 * MB, 4 * GB);
	assert_int_equal(refused_of(&usb, PFN(16 * MB)), 0);
	assert_true(dmag_group_adapt(usb.group, now));
	assert_int_equal(balance(&usb), 0);
	for (; dmag_group_adapt(usb.group, now); now += DMAG_EPOCH_MS)
		assert_int_equal(balance(&usb), 0);
	assert_true(now <= 1000 + 2 * 60 * 1000);
	assert_int_equal(balance(&usb), 0);
	assert_true(usb.group->frames.free < PFN(4 * MB) + BLOCK);
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
 * 7 with zones: DMA32 ends at 4 GiB, and its pages move within it, where there
 * is no room.  With groups, 192 MiB are left to the device even when all the
 * rest of memory is taken by what cannot move.
 */
static void polarfire_hogged(void **state)
{
	static const struct dmag_range ram[] = {
		RANGE(2 * GB, 2 * GB + 768 * MB),
		RANGE(64 * GB, 65 * GB),
	};
	static const struct zones z = { PFN(2 * GB), PFN(4 * GB) };
	struct dmag_member sd;
	u64 pfn;

	boot(ram, 2);
	machine_set(&m, ram[0].start, ram[0].last, MACHINE_MOVABLE);
	assert_int_equal(alloc_zone(&z, &ram[0], 4 * KB, &pfn), -ENOMEM);
	assert_int_equal(m.count[MACHINE_FREE], PFN(1 * GB));
	machine_exit(&m);

	boot(ram, 2);
	attach(&sd, NULL, 0, 4 * GB - 1);
	assert_int_equal(protect(&sd), PFN(192 * MB));
	machine_set(&m, ram[0].start, ram[0].last, MACHINE_CACHE);
	machine_hog(&m, U64_MAX);
	assert_int_equal(m.count[MACHINE_FREE], 0);
	assert_int_equal(alloc_blocks(&sd, 64 * MB, &pfn), 0);
	assert_int_equal(alloc_blocks(&sd, 126 * MB, &pfn), 0);
	assert_sound();
	machine_exit(&m);
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

/* 8, with all memory but the capacity taken by what cannot move. */
static void zcu102_hogged(void **state)
{
	static const struct dmag_range ram[] = {
		RANGE(0, 2 * GB - 1 * MB),
		RANGE(32 * GB, 34 * GB),
	};
	static const struct zones z = { PFN(1 * GB), PFN(4 * GB) };
	struct dmag_member fpga;
	u64 pfn[2];

	boot(ram, 2);
	assert_int_equal(alloc_zone(&z, ram, 128 * MB, pfn), -ENOMEM);
	attach(&fpga, NULL, 0, 4 * GB - 1);
	assert_int_equal(protect(&fpga), PFN(256 * MB));
	uptime();
	hog_but(512 * MB);
	assert_int_equal(machine_count(&m, 0, PFN(1 * GB), MACHINE_FREE), 0);
	assert_int_equal(alloc_blocks(&fpga, 128 * MB, &pfn[0]), 0);
	assert_int_equal(alloc_blocks(&fpga, 128 * MB, &pfn[1]), 0);
	assert_true(pfn[0] + PFN(128 * MB) <= pfn[1] ||
		    pfn[1] + PFN(128 * MB) <= pfn[0]);
	assert_sound();
	machine_exit(&m);
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

/*
 * 12. A GPU's host driver on a PC of 16 GiB, 32 bits: 16 MiB in one piece after
 * a long uptime.  Zones have no block so large, however much is free.
 */
static void gpu_16_mib(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 3 * GB),
						 RANGE(4 * GB, 17 * GB) };
	static const struct zones z = { PFN(16 * MB), PFN(4 * GB) };
	struct dmag_member gpu;
	unsigned int i;
	u64 pfn;

	boot(ram, 2);
	uptime();
	assert_int_equal(alloc_zone(&z, ram, 16 * MB, &pfn), -ENOMEM);
	machine_exit(&m);

	boot(ram, 2);
	attach(&gpu, NULL, 0, 4 * GB - 1);
	assert_int_equal(protect(&gpu), PFN(256 * MB));
	uptime();
	hog_but(512 * MB);
	assert_int_equal(machine_count(&m, 0, PFN(2 * GB), MACHINE_FREE), 0);
	for (i = 0; i < 12; i++)
		alloc_below(&gpu, 16 * MB, 3 * GB);
	assert_sound();
	machine_exit(&m);
}

/*
 * 13. An audio interface on a PC of 8 GiB, 32 bits: a ring of 4 MiB.  Three
 * quarters of memory are free, but no 4 MiB are without a page that stays: the
 * zones refuse.  The group was there before, and kept 64 of them possible.
 */
static void audio_ring_4_mib(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 3 * GB),
						 RANGE(4 * GB, 9 * GB) };
	static const struct zones z = { PFN(16 * MB), PFN(4 * GB) };
	struct dmag_member audio;
	bool groups;
	u64 at, n, pfn;

	for (groups = false;; groups = true) {
		boot(ram, 2);
		if (groups) {
			attach(&audio, NULL, 0, 4 * GB - 1);
			assert_int_equal(protect(&audio), PFN(256 * MB));
		}
		for (at = 0; at <= ram[1].last; at += PFN(4 * MB)) {
			machine_set(&m, at, at + PFN(1 * MB), MACHINE_MOVABLE);
			pfn = at + rnd_below(PFN(4 * MB));
			machine_set(&m, pfn, pfn, MACHINE_PINNED);
		}
		if (groups)
			break;
		assert_int_equal(alloc_zone(&z, ram, 4 * MB, &pfn), -ENOMEM);
		machine_exit(&m);
	}
	for (n = 0; n < 63; n++)
		alloc_below(&audio, 4 * MB, 3 * GB);
	assert_sound();
	machine_exit(&m);
}

/* ---- capacity -------------------------------------------------------- */

/*
 * A machine of 8 GiB and 30-bit devices: whoever takes pages that cannot move
 * until there are no more leaves the capacity; without one, only the reserve.
 */
static void hog_leaves_the_capacity(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 3 * GB),
						 RANGE(4 * GB, 9 * GB) };
	struct dmag_member d;
	bool protects;
	u64 pfn, got;

	for (protects = false;; protects = true) {
		boot(ram, 2);
		attach(&d, NULL, 0, 1 * GB - 1);
		assert_true(!protects || protect(&d) == PFN(256 * MB));
		machine_hog(&m, U64_MAX);
		for (got = 0; !machine_alloc(&m, &d, 16, &pfn); got += 16)
			;
		assert_int_equal(got, protects ? PFN(258 * MB) : PFN(2 * MB));
		assert_sound();
		machine_exit(&m);
		if (protects)
			break;
	}
}

/* Two groups in each other: each has its own capacity, and gets it. */
static void each_has_its_capacity(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 2 * GB) };
	struct dmag_member isa, video;
	u64 pfn, got;

	boot(ram, 1);
	attach(&isa, NULL, 0, 16 * MB - 1);
	attach(&video, NULL, 0, 1 * GB - 1);
	assert_int_equal(protect(&isa), PFN(4 * MB));
	assert_int_equal(protect(&video), PFN(256 * MB));
	machine_hog(&m, U64_MAX);
	for (got = 0; !machine_alloc(&m, &video, 16, &pfn); got += 16)
		assert_true(pfn >= PFN(16 * MB));
	assert_true(got >= PFN(256 * MB));
	for (got = 0; !machine_alloc(&m, &isa, 16, &pfn); got += 16)
		;
	assert_true(got >= PFN(4 * MB));
	assert_sound();
	machine_exit(&m);
}

/* A page is moved out of the capacity before it is pinned for long. */
static void pins_move_out(void **state)
{
	static const struct dmag_range ram[] = { RANGE(0, 64 * MB) };
	struct dmag_member d;
	u64 at, pfn, pins = 0;

	boot(ram, 1);
	attach(&d, NULL, 0, 32 * MB - 1);
	assert_int_equal(protect(&d), PFN(8 * MB));
	machine_set(&m, 0, PFN(32 * MB) - 1, MACHINE_MOVABLE);
	for (at = 0; at < PFN(32 * MB); at++) {
		if (machine_state(&m, at) != MACHINE_MOVABLE)
			continue;
		pfn = at;
		assert_int_equal(machine_pin(&m, &pfn), 0);
		assert_int_equal(machine_state(&m, pfn), MACHINE_PINNED);
		pins++;
	}
	assert_int_equal(m.moved, PFN(8 * MB));
	assert_int_equal(m.count[MACHINE_PINNED], pins);
	machine_hog(&m, U64_MAX);
	machine_set(&m, 0, PFN(32 * MB) - 1, MACHINE_PINNED);
	assert_sound();
	/* No room outside: no pin. */
	for (pfn = 0; machine_state(&m, pfn) != MACHINE_FREE; pfn++)
		;
	machine_set(&m, pfn, pfn, MACHINE_CACHE);
	assert_int_equal(machine_pin(&m, &pfn), -ENOMEM);
	assert_sound();
	machine_exit(&m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pi4_three_masks),
		cmocka_unit_test(pi4_with_zones),
		cmocka_unit_test(pi5_unused_costs_nothing),
		cmocka_unit_test(pi1_atomic_bursts),
		cmocka_unit_test(pi1_grows_by_itself),
		cmocka_unit_test(polarfire_low_bank),
		cmocka_unit_test(polarfire_hogged),
		cmocka_unit_test(zcu102_two_large_buffers),
		cmocka_unit_test(zcu102_hogged),
		cmocka_unit_test(large_after_uptime),
		cmocka_unit_test(gpu_16_mib),
		cmocka_unit_test(audio_ring_4_mib),
		cmocka_unit_test(hog_leaves_the_capacity),
		cmocka_unit_test(each_has_its_capacity),
		cmocka_unit_test(pins_move_out),
	};

	rnd_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
