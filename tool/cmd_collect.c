// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag collect: its command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "collect.h"
#include "msg.h"
#include "options.h"

static const char collect_usage[] =
	"usage: dmag collect [-o FILE.tar]\n"
	"\n"
	"Pack the files of this machine that dmag plan --live reads, for --root on another\n"
	"one. Serial numbers, network addresses, host names and most of the command line\n"
	"are left out.\n"
	"\n"
	"  -o, --output FILE  write there (standard output, unless it is a terminal)\n"
	"  -h, --help         print this\n";

enum {
	OPT_ROOT = 256,
};

static const struct option collect_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int collect_run(const char *output, const char *root)
{
	FILE *out = output ? fopen(output, "w") : stdout;
	int ret;

	if (!out)
		return complain("%s: %s", output, strerror(errno));
	if (!output && isatty(STDOUT_FILENO))
		return complain("an archive is not for a terminal: give -o");
	ret = collect_write(out, root);
	if (output && fclose(out))
		ret = complain("%s: %s", output, strerror(errno));
	return ret;
}

int cmd_collect(int argc, char **argv)
{
	const char *output = NULL, *root = "";
	int key;

	while ((key = parse_option(argc, argv, ":o:h", collect_options)) !=
	       -1) {
		if (key == 'h') {
			fputs(collect_usage, stdout);
			return EXIT_OK;
		}
		if (key == '?')
			return EXIT_USAGE;
		*(key == 'o' ? &output : &root) = optarg;
	}
	if (parse_rest(argc, argv, 0))
		return EXIT_USAGE;
	return collect_run(output, root) ? EXIT_TROUBLE : EXIT_OK;
}
