/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Boards, as the command line names them.
 */
#ifndef DMAG_TOOL_LOAD_H
#define DMAG_TOOL_LOAD_H

#include "plan_args.h"

int load_board(struct plan_command *cmd, struct board *board, const char *name,
	       unsigned int nr_overlays);

#endif /* DMAG_TOOL_LOAD_H */
