/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Answers to the failures in a log, one function for each kind.
 */
#ifndef DMAG_TOOL_ANSWER_H
#define DMAG_TOOL_ANSWER_H

#include "explain.h"

/** struct explain - The question. */
struct explain {
	struct board *board; /* NULL without one */
	struct arena *arena;
	const struct log_event *event;
	const struct device *dev; /* of the board; NULL if not found */
};

const char *explain_size(const struct explain *e, u64 bytes);
void explain_set(const char **part, const char *text);
unsigned int explain_bits(u64 addr);
bool explain_reaches_nothing(const struct explain *e);

void explain_swiotlb(const struct explain *e, struct explanation *x);
void explain_swiotlb_boot(const struct explain *e, struct explanation *x);
void explain_overflow(const struct explain *e, struct explanation *x);
void explain_mask_refused(const struct explain *e, struct explanation *x);
void explain_mask_unset(const struct explain *e, struct explanation *x);
void explain_mask_zone(const struct explain *e, struct explanation *x);
void explain_setup(const struct explain *e, struct explanation *x);
void explain_probe(const struct explain *e, struct explanation *x);
void explain_pool_boot(const struct explain *e, struct explanation *x);
void explain_pool_empty(const struct explain *e, struct explanation *x);
void explain_pool_reach(const struct explain *e, struct explanation *x);
void explain_cma_alloc(const struct explain *e, struct explanation *x);
void explain_cma_reserve(const struct explain *e, struct explanation *x);
void explain_reserved(const struct explain *e, struct explanation *x);
void explain_coherent(const struct explain *e, struct explanation *x);
void explain_too_large(const struct explain *e, struct explanation *x);
void explain_pages(const struct explain *e, struct explanation *x);
void explain_cma_busy(const struct explain *e, struct explanation *x);
void explain_region(const struct explain *e, struct explanation *x);
void explain_host_buffer(const struct explain *e, struct explanation *x);
void explain_driver(const struct explain *e, struct explanation *x);
void explain_iommu(const struct explain *e, struct explanation *x);
void explain_ring(const struct explain *e, struct explanation *x);
void explain_far(const struct explain *e, struct explanation *x);
void explain_map(const struct explain *e, struct explanation *x);
void explain_dmag(const struct explain *e, struct explanation *x);

#endif /* DMAG_TOOL_ANSWER_H */
