/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Streaming DMA: buffers that were not made for the device that gets them.
 */
#ifndef DMAG_TOOL_STREAM_H
#define DMAG_TOOL_STREAM_H

#include "board.h"

void stream_place(struct board *board);
void stream_judge(struct board *board, struct device *dev);

#endif /* DMAG_TOOL_STREAM_H */
