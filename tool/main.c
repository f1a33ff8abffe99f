// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag: what the command line says, and which part does it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "dmag_port.h"
#include "msg.h"

static const char main_usage[] =
	"usage: dmag plan [OPTION]... BOARD.dtb...\n"
	"       dmag plan [OPTION]... --live\n"
	"       dmag diff [OPTION]... OLD NEW\n"
	"       dmag lint [OPTION]... BOARD...\n"
	"       dmag explain [--board BOARD | --live] [LOG]\n"
	"       dmag show [--json]\n"
	"       dmag top [--delay SECONDS] [--count N]\n"
	"       dmag record [-o FILE]\n"
	"       dmag report [--html FILE] [RECORD]\n"
	"       dmag collect [-o FILE.tar]\n"
	"       dmag --help | --version\n"
	"\n"
	"See what devices can reach by DMA: which allocation groups a machine has,\n"
	"and how Linux's memory zones would serve them instead.  See dmag(1).\n";

/* A reader that has gone is no reason to complain; a full disk is. */
static int main_finish(int ret)
{
	if (!fflush(stdout) && !ferror(stdout))
		return ret;
	if (errno != EPIPE)
		fprintf(stderr, "dmag: standard output: %s\n", strerror(errno));
	return EXIT_TROUBLE;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "plan", cmd_plan },	    { "diff", cmd_diff },
	{ "lint", cmd_lint },	    { "explain", cmd_explain },
	{ "show", cmd_show },	    { "top", cmd_top },
	{ "record", cmd_record },   { "report", cmd_report },
	{ "collect", cmd_collect },
};

/* A command finds its own name in argv[0], as getopt() wants. */
int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return main_finish(commands[i].run(argc - 1, argv + 1));
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		fputs(main_usage, stdout);
		return main_finish(EXIT_OK);
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("dmag " DMAG_VERSION);
		return main_finish(EXIT_OK);
	}
	if (*name)
		fprintf(stderr, "dmag: there is no command '%s'\n", name);
	fputs(main_usage, stderr);
	return EXIT_USAGE;
}
