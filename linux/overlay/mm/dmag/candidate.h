/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that a claim could take.
 */
#ifndef _MM_DMAG_CANDIDATE_H
#define _MM_DMAG_CANDIDATE_H

#include <linux/types.h>

#include "core/dmag.h"

struct dmag_kgroup;
struct page;

/**
 * enum dmag_page_use - What a claim of a page would have to do with it.
 * @DMAG_PAGE_FREE: nothing, or no more than drain a per-CPU list
 * @DMAG_PAGE_MOVES: migrate it
 * @DMAG_PAGE_WRITEBACK: the same, when writeback is done
 * @DMAG_PAGE_LOCKED: the same, when its holder unlocks it
 * @DMAG_PAGE_STAYS: it cannot move
 */
enum dmag_page_use {
	DMAG_PAGE_FREE,
	DMAG_PAGE_MOVES,
	DMAG_PAGE_WRITEBACK,
	DMAG_PAGE_LOCKED,
	DMAG_PAGE_STAYS,
};

int dmag_candidate_take_free(struct dmag_kgroup *group,
			     const struct dmag_request *req,
			     struct dmag_range *got);
int dmag_candidate_find(struct dmag_kgroup *group,
			const struct dmag_request *req, enum dmag_rung rung,
			struct dmag_range *best);
int dmag_candidate_check(const struct dmag_kgroup *group,
			 const struct dmag_range *range, bool protected,
			 long spare);
u64 dmag_candidate_zones_keep(const struct dmag_kgroup *group);
struct page *dmag_candidate_take_last(const struct dmag_kgroup *group, int node,
				      unsigned int order, gfp_t gfp);
void dmag_make_allocated(struct page *page, unsigned int order);
void dmag_candidate_failed(const struct dmag_range *range, enum dmag_rung rung);
struct dmag_range dmag_whole_pageblocks(const struct dmag_range *range);
bool dmag_page_usable(const struct dmag_kgroup *group, struct page *page);
bool dmag_pageblock_usable(struct dmag_kgroup *group,
			   const struct dmag_range *range);
long dmag_pages_to_move(const struct dmag_range *range,
			enum dmag_page_use worst);

#endif /* _MM_DMAG_CANDIDATE_H */
