/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Architectures, as their device trees show them.
 */
#ifndef DMAG_TOOL_ARCH_H
#define DMAG_TOOL_ARCH_H

#include "of.h"

enum arch arch_of_tree(struct board *board, const struct of_tree *tree);

#endif /* DMAG_TOOL_ARCH_H */
