/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Protected capacity.
 */
#ifndef _MM_DMAG_PROTECT_H
#define _MM_DMAG_PROTECT_H

#include <linux/types.h>

struct dmag_kgroup;

void dmag_kgroup_protect(struct dmag_kgroup *group);
bool dmag_kgroup_lacks_capacity(const struct dmag_kgroup *group);

#endif /* _MM_DMAG_PROTECT_H */
