/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Memory as Linux's allocator gets it, and arithmetic on spans of it.
 */
#ifndef DMAG_TOOL_RAM_H
#define DMAG_TOOL_RAM_H

#include "board.h"

/**
 * struct ram_node - A NUMA node.
 * @node: its number
 * @span: from its first byte to its last; other nodes may have some in between
 * @frames: of its memory
 */
struct ram_node {
	unsigned int node;
	struct span span;
	u64 frames;
};

int ram_build(struct board *board);
unsigned int ram_free_spans(struct board *board, u64 limit, struct span **out);
unsigned int ram_nodes(const struct board *board, struct arena *arena,
		       struct ram_node **out);
int span_cmp(const void *a, const void *b);
unsigned int span_cut(const struct span *spans, unsigned int nr,
		      const struct span *hole, struct span *out);
u64 span_frames(const struct dmag_reach *reach, const struct dmag_range *range);

#endif /* DMAG_TOOL_RAM_H */
