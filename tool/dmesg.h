/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A boot log as a source.
 */
#ifndef DMAG_TOOL_DMESG_H
#define DMAG_TOOL_DMESG_H

#include "source.h"

int board_from_dmesg(struct board *board, const char *text,
		     struct plan_options *opt);

#endif /* DMAG_TOOL_DMESG_H */
