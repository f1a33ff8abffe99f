/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Messages about the tool's own failures and about wrong commands.
 */
#ifndef DMAG_TOOL_MSG_H
#define DMAG_TOOL_MSG_H

#define __attr(x) __attribute__((x))
#define __printf(a, b) __attr(__format__(__printf__, a, b))
#define __noreturn __attr(__noreturn__)

/** enum - Exit codes, documented in dmag(1). */
enum {
	EXIT_OK,
	EXIT_TROUBLE, /* input that cannot be used, a file that cannot be read */
	EXIT_USAGE,
	EXIT_CHECK, /* a demand on the command line is not met */
};

void __noreturn die(const char *fmt, ...) __printf(1, 2);
int complain(const char *fmt, ...) __printf(1, 2);

#endif /* DMAG_TOOL_MSG_H */
