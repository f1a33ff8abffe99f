/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* What the example kernel offers its drivers and the rest of itself. */
#ifndef KERNEL_H
#define KERNEL_H

#include "dmag.h"

#define SEGS 8 /* segments that a device's reach may have here */

/* A device: its constraint in @member, and a group in case it is the first. */
struct device {
	struct dmag_member member;
	struct dmag_group own;
	struct dmag_range seg[SEGS];
};

int memory_boot(const struct dmag_reach *ram);
int page_alloc(u64 *pfn);

int device_add(struct device *dev);
void device_remove(struct device *dev);
int dma_alloc(struct device *dev, u64 pages, bool may_wait, u64 *pfn);

#endif /* KERNEL_H */
