/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Pieces of JSON.
 */
#ifndef DMAG_TOOL_JSON_H
#define DMAG_TOOL_JSON_H

#include <stdio.h>

#include "board.h"

void json_string(FILE *out, const char *s);
void json_pair(FILE *out, const char *name, const char *s);
void json_bool(FILE *out, const char *name, bool val);
void json_span(FILE *out, struct span s);

#endif /* DMAG_TOOL_JSON_H */
