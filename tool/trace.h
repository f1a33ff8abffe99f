/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The kernel's trace events of dmag, counted as they come.
 */
#ifndef DMAG_TOOL_TRACE_H
#define DMAG_TOOL_TRACE_H

#include "arena.h"

/**
 * struct trace_count - Events of one kind that one group had.
 * @group: its number
 * @name: of the event without "dmag_", with ".RUNG" behind that of a claim
 * @nr: how many
 * @frames: in all of their ranges
 */
struct trace_count {
	u64 group;
	const char *name;
	u64 nr;
	u64 frames;
};

/** struct trace_refusal - An allocation that failed. */
struct trace_refusal {
	u64 group;
	const char *device;
	u64 pages;
	bool atomic;
};

/**
 * struct trace_events - What came since the last time.
 * @lost: refusals beyond those that are kept
 */
struct trace_events {
	struct trace_count *count;
	unsigned int nr_count;
	struct trace_refusal *refusal;
	unsigned int nr_refusal;
	u64 lost;
};

/**
 * struct trace - An instance of the kernel's tracer.
 * @dir: where it is; NULL if there is none
 * @fd: its trace_pipe
 * @rest: a line that is not complete yet
 */
struct trace {
	const char *dir;
	int fd;
	char rest[512];
	size_t nr_rest;
};

bool trace_open(struct trace *trace, struct arena *arena, const char *root);
void trace_read(struct trace *trace, struct arena *arena,
		struct trace_events *events);
void trace_close(struct trace *trace);
void trace_line(struct arena *arena, struct trace_events *events,
		const char *line);

#endif /* DMAG_TOOL_TRACE_H */
