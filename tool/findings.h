/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Findings: what cannot work on a board, as notes.
 */
#ifndef DMAG_TOOL_FINDINGS_H
#define DMAG_TOOL_FINDINGS_H

#include "board.h"

void note_findings(struct board *board);

#endif /* DMAG_TOOL_FINDINGS_H */
