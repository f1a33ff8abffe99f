/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Values on the command line that more than one command takes.
 */
#ifndef DMAG_TOOL_OPTIONS_H
#define DMAG_TOOL_OPTIONS_H

#include <getopt.h>

#include "write.h"

int parse_option(int argc, char **argv, const char *letters,
		 const struct option *options);
int parse_rest(int argc, char **argv, int most);
bool parse_size(const char *text, char **end, u64 *val);
bool parse_range(const char *text, char **end, struct span *span);
int parse_delay(const char *text, double *seconds);
int parse_count(const char *text, unsigned long *count);
int parse_color(struct style *style, const char *when);

#endif /* DMAG_TOOL_OPTIONS_H */
