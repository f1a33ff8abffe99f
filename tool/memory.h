/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Memory in a device tree.
 */
#ifndef DMAG_TOOL_MEMORY_H
#define DMAG_TOOL_MEMORY_H

#include "of.h"
#include "source.h"

int memory_read(struct board *board, const struct of_tree *tree,
		const struct plan_options *opt);
int memory_read_regions(struct board *board, const struct of_tree *tree);
void memory_read_reservations(struct board *board, const void *blob);
enum region_kind region_kind(const struct of_node *np);

#endif /* DMAG_TOOL_MEMORY_H */
