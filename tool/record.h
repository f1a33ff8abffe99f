/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Reader of the files of dmag record.
 */
#ifndef DMAG_TOOL_RECORD_H
#define DMAG_TOOL_RECORD_H

#include "arena.h"

/** struct record_point - A value from one sample on. */
struct record_point {
	unsigned int sample;
	u64 value;
};

/** struct record_series - A number over time, as the samples at which it changed. */
struct record_series {
	const char *name;
	struct record_point *point;
	unsigned int nr;
};

/** struct record_event - Trace events between a sample and the one before. */
struct record_event {
	unsigned int sample;
	const char *name;
	u64 nr;
	u64 frames;
};

/** struct record_total - All events of one kind. */
struct record_total {
	const char *name;
	u64 nr;
	u64 frames;
};

/** struct record_refusal - An allocation that failed. */
struct record_refusal {
	unsigned int sample;
	const char *device;
	u64 pages;
	bool atomic;
};

/**
 * struct record_group - A group, or the host.
 * @name: its number, "host" for the host
 * @kind: what it was last
 * @gone: the first sample without it; 0 if it stayed
 */
struct record_group {
	const char *name;
	const char *kind;
	unsigned int gone;
	struct record_series *series;
	unsigned int nr_series;
	struct record_event *event;
	unsigned int nr_event;
	struct record_total *total;
	unsigned int nr_total;
	struct record_refusal *refusal;
	unsigned int nr_refusal;
};

/**
 * struct record - All of it.
 * @time: of each sample, in seconds, never falling
 * @error: why it could not be read
 */
struct record {
	struct arena arena;
	double *time;
	unsigned int nr_time;
	struct record_group *group;
	unsigned int nr_group;
	struct record_group host;
	const char *error;
};

/** struct record_walk - A place in a series, for a loop over all samples. */
struct record_walk {
	const struct record_series *series;
	unsigned int next;
	u64 value;
};

int record_read(struct record *record, char *text);
void record_free(struct record *record);

const struct record_series *record_find(const struct record_group *group,
					const char *name);
struct record_walk record_begin(const struct record_group *group,
				const char *name);
u64 record_at(struct record_walk *walk, unsigned int sample);
unsigned int record_end(const struct record *record,
			const struct record_group *group);

#endif /* DMAG_TOOL_RECORD_H */
