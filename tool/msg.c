// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Messages on standard error, all of which begin with the program's name.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg.h"

/**
 * die() - End the program, since it cannot go on.
 * @fmt: why, as for printf()
 *
 * Output that was complete until then is still written.
 */
void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("dmag: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
	exit(EXIT_TROUBLE);
}

/**
 * complain() - Say what is wrong with the command line, or with what it names.
 * @fmt: as for printf()
 *
 * Return: -1.
 */
int complain(const char *fmt, ...)
{
	va_list args;

	fputs("dmag: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
	return -1;
}
