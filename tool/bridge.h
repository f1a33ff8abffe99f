/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * PCI host bridges: which masks of the cards behind them reach memory.
 */
#ifndef DMAG_TOOL_BRIDGE_H
#define DMAG_TOOL_BRIDGE_H

#include "board.h"

void bridge_judge(struct board *board, struct device *dev);
void bridge_text(char *buf, size_t len, const struct board *board,
		 const struct device *dev);

#endif /* DMAG_TOOL_BRIDGE_H */
