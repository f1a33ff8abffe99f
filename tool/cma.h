/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The default CMA area that the command line asks for.
 */
#ifndef DMAG_TOOL_CMA_H
#define DMAG_TOOL_CMA_H

#include "board.h"

void cma_place(struct board *board);

#endif /* DMAG_TOOL_CMA_H */
