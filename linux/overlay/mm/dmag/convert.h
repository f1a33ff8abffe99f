/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that a group's devices need in another state than the page allocator's.
 */
#ifndef _MM_DMAG_CONVERT_H
#define _MM_DMAG_CONVERT_H

#include "core/dmag.h"

struct device;

unsigned int dmag_convert_attrs(struct device *dev);
unsigned int dmag_convert_bounce_attrs(struct device *dev);
int dmag_convert_share(const struct dmag_range *range);
int dmag_convert_unshare(const struct dmag_range *range);

#endif /* _MM_DMAG_CONVERT_H */
