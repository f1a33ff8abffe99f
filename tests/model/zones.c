// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* The zone policy; what it hands out is pinned, as a driver's buffer is. */
#include <errno.h>

#include "zones.h"

static struct dmag_range zone_range(const struct zones *z, unsigned int zone)
{
	switch (zone) {
	case 0:
		return (struct dmag_range){ 0, z->dma - 1 };
	case 1:
		return (struct dmag_range){ z->dma, z->dma32 - 1 };
	default:
		return (struct dmag_range){ z->dma32, DMAG_PFN_MAX };
	}
}

/* Whether compaction and reclaim inside a zone can make @count pages free. */
static bool can_empty(const struct machine *m, u64 free, u64 start, u64 count)
{
	u64 pfn, moves = 0, inside = 0;

	for (pfn = start; pfn < start + count; pfn++) {
		enum machine_page state = machine_state(m, pfn);

		if (state >= MACHINE_PINNED)
			return false;
		moves += state == MACHINE_MOVABLE;
		inside += state == MACHINE_FREE;
	}
	return moves <= free - inside;
}

/* Where the movable pages of a run go. */
static void empty_run(struct machine *m, const struct dmag_range *zone,
		      u64 start, u64 count)
{
	u64 moves = machine_count(m, start, start + count - 1, MACHINE_MOVABLE);
	unsigned int i;
	u64 pfn;

	for (i = 0; i < m->ram.nr; i++) {
		const struct dmag_range *r = &m->ram.seg[i];

		for (pfn = max(r->start, zone->start);
		     moves && pfn <= min(r->last, zone->last); pfn++) {
			if (machine_state(m, pfn) != MACHINE_FREE ||
			    (pfn >= start && pfn < start + count))
				continue;
			machine_set(m, pfn, pfn, MACHINE_MOVABLE);
			moves--;
		}
	}
}

/* The first run from the top of a range of RAM inside a zone. */
static bool take_in_ram(struct machine *m, const struct dmag_range *ram,
			const struct dmag_range *zone, u64 count, u64 *pfn)
{
	u64 first = round_up(max(ram->start, zone->start), count);
	u64 start = round_down(min(ram->last, zone->last) + 1, count);
	u64 free = machine_count(m, zone->start, zone->last, MACHINE_FREE);

	while (start >= first + count) {
		start -= count;
		if (!can_empty(m, free, start, count))
			continue;
		empty_run(m, zone, start, count);
		machine_set(m, start, start + count - 1, MACHINE_PINNED);
		*pfn = start;
		return true;
	}
	return false;
}

static bool take_in_zone(struct machine *m, const struct dmag_range *zone,
			 u64 count, u64 *pfn)
{
	unsigned int i;

	for (i = m->ram.nr; i-- > 0;)
		if (take_in_ram(m, &m->ram.seg[i], zone, count, pfn))
			return true;
	return false;
}

/**
 * zones_alloc() - A buffer, the way of the zones.
 * @m: the machine, without groups
 * @z: its zones
 * @reach: what the device can use
 * @count: pages
 * @pfn: where the first goes
 *
 * Return: 0 or -ENOMEM.
 */
int zones_alloc(struct machine *m, const struct zones *z,
		const struct dmag_reach *reach, u64 count, u64 *pfn)
{
	u64 limit = reach->seg[reach->nr - 1].last, run = 1;
	unsigned int top = limit < z->dma ? 0 : limit < z->dma32 ? 1 : 2;
	unsigned int zone;

	while (run < count)
		run <<= 1;
	if (run > ZONES_MAX_FRAMES)
		return -ENOMEM;
	for (;; top--) {
		struct dmag_range range;

		for (zone = top + 1; zone-- > 0;) {
			range = zone_range(z, zone);
			if (take_in_zone(m, &range, run, pfn))
				break;
		}
		if (zone > top)
			return -ENOMEM;
		if (dmag_reach_contains(reach, *pfn, *pfn + count - 1))
			return 0;
		machine_set(m, *pfn, *pfn + run - 1, MACHINE_FREE);
		if (!top)
			return -ENOMEM;
	}
}
