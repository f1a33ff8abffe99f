/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Causes and remedies of failures that a kernel log tells of.
 */
#ifndef DMAG_TOOL_EXPLAIN_H
#define DMAG_TOOL_EXPLAIN_H

#include <stdio.h>

#include "board.h"
#include "log.h"

/**
 * struct explanation - An answer, in sentences.
 * @title: the failure, in a few words
 * @cause: why it happened, as far as the log and the board tell
 * @reach: what the device reaches; NULL without a board, or if it is not there
 * @masks: which masks reach what on the bus of a PCI device, or NULL
 * @remedy: what to do on a kernel as it is, one thing a line
 * @groups: what a kernel with groups does
 */
struct explanation {
	const char *title;
	const char *cause;
	const char *reach;
	const char *masks;
	const char *remedy;
	const char *groups;
};

struct explanation explain_event(struct board *board,
				 const struct log_event *event);

#endif /* DMAG_TOOL_EXPLAIN_H */
