/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag top: the groups of a running kernel again and again, with rates.
 */
#ifndef DMAG_TOOL_TOP_H
#define DMAG_TOOL_TOP_H

#include "write.h"

/**
 * struct top - How to show them.
 * @root: what goes before /sys
 * @style: of the rows
 * @delay: seconds between two pictures
 * @count: how many of them; 0: until the user has had enough
 */
struct top {
	const char *root;
	struct style style;
	double delay;
	unsigned long count;
};

int top_run(const struct top *cmd);

#endif /* DMAG_TOOL_TOP_H */
