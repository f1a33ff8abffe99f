/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag record: the groups of a running kernel over time, into a file.
 */
#ifndef DMAG_TOOL_RECORDER_H
#define DMAG_TOOL_RECORDER_H

#include <stdio.h>

#include "arena.h"

/**
 * struct recorder - How to record.
 * @root: what goes before /proc and /sys
 * @out: the file
 * @delay: seconds between two samples
 * @count: how many samples; 0: until a signal
 * @trace: count trace events too
 */
struct recorder {
	const char *root;
	FILE *out;
	double delay;
	unsigned long count;
	bool trace;
};

int recorder_run(const struct recorder *recorder);

#endif /* DMAG_TOOL_RECORDER_H */
