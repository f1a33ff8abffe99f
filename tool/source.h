/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Sources fill a board with facts: a flattened device tree, or a running machine.
 */
#ifndef DMAG_TOOL_SOURCE_H
#define DMAG_TOOL_SOURCE_H

#include "board.h"

/** struct mask_option - --mask NODE=BITS. */
struct mask_option {
	const char *node;
	unsigned int bits;
	bool used;
};

struct plan_options {
	struct span *memory; /* --memory: instead of what the source says */
	unsigned int nr_memory;
	u64 assume; /* --assume-memory: size of a bank that has none, or 0 */
	struct mask_option *masks;
	unsigned int nr_masks;
	enum arch arch;
};

int board_from_fdt(struct board *board, const void *blob, size_t size,
		   struct plan_options *opt);
int board_from_live(struct board *board, const char *root,
		    struct plan_options *opt);

#endif /* DMAG_TOOL_SOURCE_H */
