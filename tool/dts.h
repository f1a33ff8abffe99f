/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Files of device trees: blobs, sources, overlays.
 */
#ifndef DMAG_TOOL_DTS_H
#define DMAG_TOOL_DTS_H

#include "board.h"

const char *dts_read(struct board *board, const char *name, size_t *size);
const char *dts_overlay(struct board *board, const char *base, size_t *size,
			const char *name);

#endif /* DMAG_TOOL_DTS_H */
