// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag show and dmag top: their command line.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"
#include "show.h"
#include "top.h"

static const char show_usage[] =
	"usage: dmag show [--json] [--color WHEN]\n"
	"\n"
	"Show the allocation groups of the running kernel: what each protects and owns,\n"
	"its reserve against its watermarks, and what it counted.\n"
	"\n"
	"  -j, --json        print JSON\n"
	"      --color WHEN  always, never or auto (a terminal)\n"
	"  -h, --help        print this\n";

static const char top_usage[] =
	"usage: dmag top [--delay SECONDS] [--count N] [--color WHEN]\n"
	"\n"
	"Show the allocation groups of the running kernel again and again, with rates per\n"
	"second, until q is pressed.\n"
	"\n"
	"  -d, --delay SECONDS  between two pictures (3)\n"
	"  -n, --count N        end after so many\n"
	"      --color WHEN     always, never or auto (a terminal)\n"
	"  -h, --help           print this\n";

struct show_command {
	struct top view;
	bool json, top;
};

static int show_run(const struct show_command *cmd)
{
	struct snapshot snap = { 0 };
	int ret = snapshot_read(&snap, cmd->view.root);

	if (!ret && cmd->json)
		show_json(&snap);
	else if (!ret)
		show_table(&snap, &cmd->view.style);
	arena_free(&snap.arena);
	return ret;
}

/* ---- options --------------------------------------------------------- */

enum {
	OPT_COLOR = 256,
	OPT_ROOT,
};

static const struct option show_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int show_set_number(struct show_command *cmd, int key, const char *arg)
{
	return key == 'd' ? parse_delay(arg, &cmd->view.delay) :
			    parse_count(arg, &cmd->view.count);
}

static int show_set_option(struct show_command *cmd, int key, const char *arg)
{
	switch (key) {
	case 'j':
		cmd->json = true;
		if (cmd->top)
			return complain(
				"--json: top does not print JSON, dmag show --json does");
		return 0;
	case 'd':
	case 'n':
		if (!cmd->top)
			return complain("--delay and --count are for dmag top");
		return show_set_number(cmd, key, arg);
	case OPT_ROOT:
		cmd->view.root = arg;
		return 0;
	case OPT_COLOR:
		return parse_color(&cmd->view.style, arg);
	default:
		return -1;
	}
}

static int show_command_run(int argc, char **argv, bool top)
{
	struct show_command cmd = { .top = top,
				    .view = { .root = "", .delay = 3 } };
	const char *usage = top ? top_usage : show_usage;
	int key;

	cmd.view.style.color = isatty(STDOUT_FILENO);
	while ((key = parse_option(argc, argv, ":jd:n:h", show_options)) !=
	       -1) {
		if (key == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (key == '?' || show_set_option(&cmd, key, optarg))
			return EXIT_USAGE;
	}
	if (parse_rest(argc, argv, 0))
		return EXIT_USAGE;
	return (top ? top_run(&cmd.view) : show_run(&cmd)) ? EXIT_TROUBLE :
							     EXIT_OK;
}

int cmd_show(int argc, char **argv)
{
	return show_command_run(argc, argv, false);
}

int cmd_top(int argc, char **argv)
{
	return show_command_run(argc, argv, true);
}
