/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The messages of a kernel log that tell of failures of DMA memory.
 */
#ifndef DMAG_TOOL_LOG_MESSAGE_H
#define DMAG_TOOL_LOG_MESSAGE_H

#include "log.h"

/** struct log_hint - A mask that a driver said it took. */
struct log_hint {
	struct log_hint *next;
	const char *dev;
	u64 mask;
};

/** struct log_reader - The events so far, and those that may go on. */
struct log_reader {
	struct arena *arena;
	struct log_event *first;
	struct log_event **end;
	struct log_event *pages; /* whose stack is being read */
	struct log_event *cma; /* whose area is being described */
	struct log_event *busy; /* the last that may yet turn out a failure */
	struct log_hint *hints;
	unsigned int stack_left;
	bool slab; /* the stack has been through kmalloc() */
};

/**
 * struct log_message - One form of a message.
 * @kind: the failure that it tells of
 * @piece: text that no other message has
 * @also: text that has to follow it on the line, or NULL
 * @read: fills in the event; its last argument points at @piece in the line
 */
struct log_message {
	enum log_kind kind;
	const char *piece, *also;
	void (*read)(struct log_reader *reader, struct log_event *event,
		     const char *at);
};

bool log_number(const char *text, const char *word, int base, u64 *val);
void log_set_device(struct log_reader *reader, struct log_event *event,
		    const char *line, const char *until);
const struct log_message *log_find(const char *line, const char **at);

#endif /* DMAG_TOOL_LOG_MESSAGE_H */
