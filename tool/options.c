// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Values on the command line that more than one command takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

/**
 * parse_option() - Read the next option.
 * @argc: as for main()
 * @argv: as for main(), from the name of the command on
 * @letters: of short options, as for getopt_long(), after a colon
 * @options: the long ones
 *
 * Return: as getopt_long(); '?' after a complaint for what is no option, or lacks its
 * value.
 */
int parse_option(int argc, char **argv, const char *letters,
		 const struct option *options)
{
	int key;

	opterr = 0;
	key = getopt_long(argc, argv, letters, options, NULL);
	if (key != '?' && key != ':')
		return key;
	complain(key == ':' ? "%s: a value is missing" :
			      "%s: no such option (--help lists them)",
		 argv[optind - 1]);
	return '?';
}

/**
 * parse_rest() - Refuse what is left behind the options.
 * @argc: as for main()
 * @argv: as for main()
 * @most: so many arguments may be left
 *
 * Return: 0, or -1 after a complaint.
 */
int parse_rest(int argc, char **argv, int most)
{
	if (argc - optind <= most)
		return 0;
	return complain("%s: dmag %s takes no such argument (--help)",
			argv[optind + most], argv[0]);
}

/**
 * parse_size() - Read a number of bytes, with a unit or without.
 * @text: text that begins with it, such as "0x1000" or "64M"
 * @end: is made to point at what follows
 * @val: the number
 *
 * Return: false if @text begins with no number, or with one that takes over 64 bits.
 */
bool parse_size(const char *text, char **end, u64 *val)
{
	static const char units[] = "kmgt";
	const char *unit;
	unsigned int shift;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*val = strtoull(text, end, 0);
	if (errno)
		return false;
	unit = **end ? strchr(units, **end | 0x20) : NULL;
	if (!unit)
		return true;
	shift = 10 * (unit - units + 1);
	if (*val > U64_MAX >> shift)
		return false;
	*val <<= shift;
	++*end;
	return true;
}

/**
 * parse_range() - Read START-LAST or START+SIZE.
 * @text: text that begins with it
 * @end: is made to point at what follows
 * @span: the range, whose last byte is included
 *
 * Return: false if @text begins with no range, or with an empty one.
 */
bool parse_range(const char *text, char **end, struct span *span)
{
	u64 last;

	if (!parse_size(text, end, &span->start))
		return false;
	if (**end == '-') {
		if (!parse_size(*end + 1, end, &last))
			return false;
		span->last = last;
		return span->start <= last;
	}
	if (**end != '+' || !parse_size(*end + 1, end, &last))
		return false;
	span->last = span->start + (last - 1);
	return last && last - 1 <= U64_MAX - span->start;
}

/**
 * parse_color() - Read the value of --color.
 * @style: what to change; "auto" leaves what the caller found out
 * @when: always, never or auto
 *
 * Return: 0, or -1 after a complaint.
 */
int parse_color(struct style *style, const char *when)
{
	if (!strcmp(when, "always"))
		style->color = true;
	else if (!strcmp(when, "never"))
		style->color = false;
	else if (strcmp(when, "auto"))
		return complain("--color: '%s' is not always, never or auto",
				when);
	return 0;
}

/**
 * parse_delay() - Read the value of --delay.
 * @text: seconds, up to a day
 * @seconds: gets it
 *
 * Return: 0, or -1 after a complaint.
 */
int parse_delay(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end == text || *end || !(*seconds > 0 && *seconds <= 86400))
		return complain("--delay: '%s' is no time", text);
	return 0;
}

/**
 * parse_count() - Read the value of --count.
 * @text: a number above 0
 * @count: gets it
 *
 * Return: 0, or -1 after a complaint.
 */
int parse_count(const char *text, unsigned long *count)
{
	char *end;

	*count = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !*count)
		return complain("--count: '%s' is no number", text);
	return 0;
}
