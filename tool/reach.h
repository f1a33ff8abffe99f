/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Reaches of devices besides that of their group.
 */
#ifndef DMAG_TOOL_REACH_H
#define DMAG_TOOL_REACH_H

#include "board.h"

u64 reach_frames(struct board *board, const struct device *dev,
		 unsigned int bits, const struct dmag_reach *map);

#endif /* DMAG_TOOL_REACH_H */
