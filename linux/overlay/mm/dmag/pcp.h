/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU caches of a group's frames.
 */
#ifndef _MM_DMAG_PCP_H
#define _MM_DMAG_PCP_H

#include <linux/log2.h>
#include <linux/mm.h>

#include "kgroup.h"

#define DMAG_PCP_ORDERS 4 /* runs of 1, 2, 4 and 8 frames are cached */

/*
 * The private field of a page that came from a cache tells where it is: handed
 * out, or back in a cache.  Other pages have no such value, nor has a page whose
 * driver uses the field; those go the slow way.
 */
static inline unsigned long dmag_pcp_tag_used(const struct dmag_kgroup *group)
{
	return (unsigned long)group | 1;
}

static inline unsigned long dmag_pcp_tag_cached(const struct dmag_kgroup *group)
{
	return (unsigned long)group | 2;
}

/**
 * dmag_pcp_takes() - Whether caches keep runs of a length.
 * @count: the length in frames
 *
 * Context: Any.
 * Return: true if they do.
 */
static inline bool dmag_pcp_takes(u64 count)
{
	return count < 1 << DMAG_PCP_ORDERS && is_power_of_2(count);
}

/**
 * dmag_pcp_gave() - Whether a run may have come from a group's caches.
 * @group: the group
 * @page: its first page
 * @count: its length in frames
 *
 * Context: Any, under RCU.
 * Return: false if dmag_pcp_put() would refuse it anyway.
 */
static inline bool dmag_pcp_gave(const struct dmag_kgroup *group,
				 const struct page *page, u64 count)
{
	return dmag_pcp_takes(count) &&
	       READ_ONCE(page->private) == dmag_pcp_tag_used(group);
}

struct page *dmag_pcp_get(struct dmag_kgroup *group, u64 count, bool atomic);
bool dmag_pcp_put(struct dmag_kgroup *group, struct page *page, u64 count);
int dmag_pcp_untag(struct dmag_kgroup *group, struct page *page, u64 count);

void dmag_pcp_drain(struct dmag_kgroup *group);
void dmag_pcp_pause(void);
void dmag_pcp_resume(void);
bool dmag_pcp_tend(struct dmag_kgroup *group);
void dmag_pcp_close(struct dmag_kgroup *group);

u64 dmag_pcp_frames(struct dmag_kgroup *group);
void dmag_pcp_count(struct dmag_kgroup *group, u64 *counter);
const char *dmag_pcp_validate(struct dmag_kgroup *group);

#endif /* _MM_DMAG_PCP_H */
