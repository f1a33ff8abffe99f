/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reserves of groups, and the end of a group.
 */
#ifndef _MM_DMAG_RESERVE_H
#define _MM_DMAG_RESERVE_H

#include <linux/types.h>

struct dmag_kgroup;

extern unsigned long dmag_linger;

void dmag_kgroup_retire(struct dmag_kgroup *group);
u64 dmag_reserve_release_all(void);

#endif /* _MM_DMAG_RESERVE_H */
