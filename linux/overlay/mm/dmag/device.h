/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices as members of groups.
 */
#ifndef _MM_DMAG_DEVICE_H
#define _MM_DMAG_DEVICE_H

#include "core/dmag.h"

struct device;
struct dmag_device;

bool dmag_device_stale(const struct dmag_device *member,
		       const struct device *dev);
void dmag_device_count_held(struct dmag_device *member);
int dmag_ram_online(const struct dmag_range *range);

#endif /* _MM_DMAG_DEVICE_H */
