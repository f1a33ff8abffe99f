/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Capture of pages that reclaim frees.
 */
#ifndef _MM_DMAG_CAPTURE_H
#define _MM_DMAG_CAPTURE_H

#include <linux/types.h>

struct dmag_kgroup;

void dmag_kgroup_set_hungry(struct dmag_kgroup *group, bool yes);
void dmag_kgroup_adopt_captured(struct dmag_kgroup *group);
u64 dmag_capture_above(u64 (*keep)(const struct dmag_kgroup *group));
u64 dmag_capture_release(u64 (*keep)(const struct dmag_kgroup *group), u64 max);
void dmag_capture_switch(void);

#endif /* _MM_DMAG_CAPTURE_H */
