/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Claims from, and releases to, the kernel's page allocator.
 */
#ifndef _MM_DMAG_HOST_H
#define _MM_DMAG_HOST_H

#include "core/dmag.h"

struct dmag_effort;
struct dmag_kgroup;

void dmag_kgroup_fill(struct dmag_kgroup *group, unsigned long bound);
void dmag_kgroup_fill_first(struct dmag_kgroup *group, unsigned long bound);
void dmag_kgroup_fill_free(struct dmag_kgroup *group, unsigned long bound);
int dmag_kgroup_climb(struct dmag_kgroup *group, const struct dmag_request *req,
		      const struct dmag_effort *effort, u64 *pfn);
int dmag_kgroup_make_way(struct dmag_kgroup *group, unsigned long bound);
bool dmag_claim_isolates(const struct dmag_range *range);
void dmag_kgroup_release_range(struct dmag_kgroup *group,
			       const struct dmag_range *range);
u64 dmag_kgroup_release(struct dmag_kgroup *group, u64 keep, u64 max);
u64 dmag_kgroup_release_now(struct dmag_kgroup *group, u64 keep, u64 max);
int dmag_kgroup_adopt(struct dmag_kgroup *group,
		      const struct dmag_range *range);

#endif /* _MM_DMAG_HOST_H */
