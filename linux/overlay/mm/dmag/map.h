/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which group a frame belongs to, which group protects it, and which frames are
 * about to go offline.
 */
#ifndef _MM_DMAG_MAP_H
#define _MM_DMAG_MAP_H

#include <linux/mmzone.h>
#include <linux/pageblock-flags.h>
#include <linux/xarray.h>

#include "kgroup.h"

extern struct xarray dmag_owners; /* block number -> struct dmag_kgroup */

/**
 * dmag_owner() - The group that owns frames of a block.
 * @pfn: any frame of the block
 *
 * Context: Any, under RCU or dmag_mutex.
 * Return: the group, or NULL.
 */
static inline struct dmag_kgroup *dmag_owner(u64 pfn)
{
	dmag_assert_groups_stay();
	return xa_load(&dmag_owners, pfn >> DMAG_BLOCK_ORDER);
}

int dmag_owner_enter(struct dmag_kgroup *group, const struct dmag_range *range);
void dmag_owner_erase(struct dmag_kgroup *group,
		      const struct dmag_range *range);
void dmag_owner_erase_empty(struct dmag_kgroup *group);
bool dmag_range_owned(struct dmag_kgroup *group,
		      const struct dmag_range *range);

/** dmag_pageblock() - The frames of pageblock number @nr. */
static inline struct dmag_range dmag_pageblock(unsigned long nr)
{
	u64 start = (u64)nr << pageblock_order;

	return (struct dmag_range){ start, start + pageblock_nr_pages - 1 };
}

struct dmag_kgroup *dmag_protector(u64 pfn);
bool dmag_range_protected(const struct dmag_range *range);
bool dmag_pageblock_isolate(const struct dmag_range *range, int migratetype);
void dmag_pageblock_restore(const struct dmag_range *range, int migratetype);
int dmag_protect_block(struct dmag_kgroup *group,
		       const struct dmag_range *range);
void dmag_restore_types(const struct dmag_range *range);
void dmag_unprotect_range(const struct dmag_range *range);
void dmag_kgroup_unprotect(struct dmag_kgroup *group);
u64 dmag_protected_frames(const struct dmag_kgroup *group);

#ifdef CONFIG_MEMORY_HOTPLUG
bool dmag_pfn_avoided(u64 pfn);
void dmag_avoid_range(const struct dmag_range *range);
void dmag_avoid_nothing(void);
#else

static inline bool dmag_pfn_avoided(u64 pfn)
{
	return false;
}
#endif

#endif /* _MM_DMAG_MAP_H */
