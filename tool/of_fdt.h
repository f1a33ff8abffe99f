/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Flattened device trees.
 */
#ifndef DMAG_TOOL_OF_FDT_H
#define DMAG_TOOL_OF_FDT_H

#include "of.h"

int of_check(struct board *board, const void *blob, size_t size);
int of_unflatten(struct of_tree *tree, struct board *board, const void *blob,
		 size_t size);

#endif /* DMAG_TOOL_OF_FDT_H */
