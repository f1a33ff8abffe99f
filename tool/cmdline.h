/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The kernel's command line, as far as it changes DMA memory.
 */
#ifndef DMAG_TOOL_CMDLINE_H
#define DMAG_TOOL_CMDLINE_H

#include "board.h"

void cmdline_read(struct board *board, const char *text);

#endif /* DMAG_TOOL_CMDLINE_H */
