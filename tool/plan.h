/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * From the facts on a board to its zones, its groups and a verdict on each device.
 */
#ifndef DMAG_TOOL_PLAN_H
#define DMAG_TOOL_PLAN_H

#include "board.h"

int board_plan(struct board *board);

#endif /* DMAG_TOOL_PLAN_H */
