/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that a claim could take.
 */
#ifndef _MM_DMAG_CANDIDATE_H
#define _MM_DMAG_CANDIDATE_H

#include "core/dmag.h"

struct dmag_kgroup;
struct page;

int dmag_candidate_take_free(struct dmag_kgroup *group,
			     const struct dmag_request *req,
			     struct dmag_range *got);
int dmag_candidate_find(struct dmag_kgroup *group,
			const struct dmag_request *req, enum dmag_rung rung,
			struct dmag_range *best);
bool dmag_host_spares(u64 count, bool of_any);
void dmag_make_allocated(struct page *page, unsigned int order);
void dmag_candidate_failed(const struct dmag_range *range, enum dmag_rung rung);
struct dmag_range dmag_whole_pageblocks(const struct dmag_range *range);
bool dmag_page_usable(const struct dmag_kgroup *group, struct page *page);
bool dmag_pageblock_usable(struct dmag_kgroup *group,
			   const struct dmag_range *range);
long dmag_pages_to_move(const struct dmag_range *range);

#endif /* _MM_DMAG_CANDIDATE_H */
