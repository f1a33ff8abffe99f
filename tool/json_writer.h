/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * JSON as it is written: names, values and the commas between them.
 */
#ifndef DMAG_TOOL_JSON_WRITER_H
#define DMAG_TOOL_JSON_WRITER_H

#include <stdio.h>

#include "board.h"

/**
 * struct json - A document that is being written.
 * @out: where to
 * @depth: how many objects and arrays are open
 * @more: the innermost of them has an element already
 */
struct json {
	FILE *out;
	unsigned int depth;
	bool more;
};

void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *name, const char *val);
void json_number(struct json *json, const char *name, u64 val);
void json_hex(struct json *json, const char *name, u64 val);
void json_bool(struct json *json, const char *name, bool val);
void json_span(struct json *json, const char *name, struct span span);

#endif /* DMAG_TOOL_JSON_WRITER_H */
