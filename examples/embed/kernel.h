/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* What the example kernel offers its drivers and the rest of itself. */
#ifndef KERNEL_H
#define KERNEL_H

#include "dmag.h"
#include "dmag_port.h"

#define SEGS 8 /* segments that a device's reach may have here */
#define GROUPS 16 /* groups at one time */

/* A device; its driver fills in the constraint. */
struct device {
	struct dmag_member member;
};

int memory_boot(const struct dmag_reach *ram);
int page_alloc(u64 *pfn);

int device_add(struct device *dev);
void device_remove(struct device *dev);
int dma_alloc(struct device *dev, u64 pages, bool may_wait, u64 *pfn);
int dma_free(struct dmag_group *group, u64 pfn, u64 pages);

#endif /* KERNEL_H */
