/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The report of a failed request.
 */
#ifndef _MM_DMAG_REPORT_H
#define _MM_DMAG_REPORT_H

#include <linux/types.h>

struct device;

void dmag_report_failure(struct device *dev, u64 count, gfp_t gfp);

#endif /* _MM_DMAG_REPORT_H */
