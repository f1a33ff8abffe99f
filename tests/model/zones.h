/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The policy to compare with: boot-time zones, allocate, check, free.
 *
 * As Linux's dma_direct_alloc_pages() does it: guess a zone from the device's
 * limit, take the first run that fits there or in a lower zone, and look
 * afterwards whether the device can use it.  In its favour every zone reclaims
 * and compacts without fail; but page allocators serve powers of two up to
 * 4 MiB, and pages move within their zone.
 */
#ifndef ZONES_H
#define ZONES_H

#include "machine.h"

#define ZONES_MAX_FRAMES ((4ULL << 20) >> PAGE_SHIFT)

/** struct zones - The first PFN above each of the lower zones. */
struct zones {
	u64 dma;
	u64 dma32;
};

int __must_check zones_alloc(struct machine *m, const struct zones *z,
			     const struct dmag_reach *reach, u64 count,
			     u64 *pfn);

#endif /* ZONES_H */
