/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Linux's zones: where they are, and which one a device's memory comes from.
 */
#ifndef DMAG_TOOL_ZONES_H
#define DMAG_TOOL_ZONES_H

#include "board.h"

void zone_build(struct board *board);
int zone_top(const struct board *board);
int zone_first(const struct board *board, const struct device *dev);
u64 zone_low_limit(const struct board *board);
u64 zone_frames(const struct board *board, const struct dmag_reach *reach,
		int zone);

#endif /* DMAG_TOOL_ZONES_H */
