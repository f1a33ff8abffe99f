// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag record and dmag report: their command lines.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "options.h"
#include "recorder.h"
#include "report.h"
#include "sysfile.h"

static const char record_usage[] =
	"usage: dmag record [--delay SECONDS] [--count N] [-o FILE]\n"
	"\n"
	"Record the allocation groups of the running kernel, the host's free memory and\n"
	"dmag's trace events until a signal comes, for dmag report.\n"
	"\n"
	"  -d, --delay SECONDS  between two samples (1)\n"
	"  -n, --count N        end after so many\n"
	"  -o, --output FILE    write there (standard output)\n"
	"      --no-trace       no trace events\n"
	"  -h, --help           print this\n";

static const char report_usage[] =
	"usage: dmag report [--svg FILE] [--html FILE] [RECORD]\n"
	"\n"
	"Show what dmag record wrote (a file, or standard input): reserves against their\n"
	"watermarks, memory, events and refusals over time.\n"
	"\n"
	"      --svg FILE   draw it\n"
	"      --html FILE  the same as a web page, with tables\n"
	"  -h, --help       print this\n";

enum {
	OPT_ROOT = 256,
	OPT_NO_TRACE,
	OPT_SVG,
	OPT_HTML,
};

/* ---- record ---------------------------------------------------------- */

struct record_command {
	struct recorder recorder;
	const char *output;
};

static const struct option record_options[] = {
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "no-trace", no_argument, NULL, OPT_NO_TRACE },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int record_set_option(struct record_command *cmd, int key,
			     const char *arg)
{
	switch (key) {
	case 'd':
		return parse_delay(arg, &cmd->recorder.delay);
	case 'n':
		return parse_count(arg, &cmd->recorder.count);
	case 'o':
		cmd->output = arg;
		return 0;
	case OPT_NO_TRACE:
		cmd->recorder.trace = false;
		return 0;
	case OPT_ROOT:
		cmd->recorder.root = arg;
		return 0;
	default:
		return -1;
	}
}

static int record_run(struct record_command *cmd)
{
	int ret;

	cmd->recorder.out = cmd->output ? fopen(cmd->output, "w") : stdout;
	if (!cmd->recorder.out)
		return complain("%s: %s", cmd->output, strerror(errno));
	ret = recorder_run(&cmd->recorder);
	if (cmd->output && fclose(cmd->recorder.out))
		ret = complain("%s: %s", cmd->output, strerror(errno));
	return ret;
}

int cmd_record(int argc, char **argv)
{
	struct record_command cmd = {
		.recorder = { .root = "", .delay = 1, .trace = true },
	};
	int key;

	while ((key = parse_option(argc, argv, ":d:n:o:h", record_options)) !=
	       -1) {
		if (key == 'h') {
			fputs(record_usage, stdout);
			return EXIT_OK;
		}
		if (key == '?' || record_set_option(&cmd, key, optarg))
			return EXIT_USAGE;
	}
	if (parse_rest(argc, argv, 0))
		return EXIT_USAGE;
	return record_run(&cmd) ? EXIT_TROUBLE : EXIT_OK;
}

/* ---- report ---------------------------------------------------------- */

struct report_command {
	const char *svg, *html;
	const char *file; /* NULL: standard input */
};

static const struct option report_options[] = {
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int report_write(const char *name, const struct record *record,
			void (*write)(FILE *out, const struct record *record))
{
	FILE *out = name ? fopen(name, "w") : NULL;

	if (!name)
		return 0;
	if (out) {
		write(out, record);
		if (!ferror(out) & !fclose(out))
			return 0;
	}
	return complain("%s: %s", name, strerror(errno));
}

static int report_run(const struct report_command *cmd)
{
	const char *name = cmd->file ?: "standard input";
	struct record record = { 0 };
	char *text = cmd->file ? sys_read(&record.arena, cmd->file, NULL) :
				 sys_read_fd(&record.arena, 0, NULL);
	int ret = 0;

	if (!text) {
		ret = complain("%s: %s", name, strerror(errno));
	} else if (record_read(&record, text)) {
		ret = complain("%s: %s", name, record.error);
	} else {
		report_text(stdout, &record);
		ret |= report_write(cmd->svg, &record, report_svg);
		ret |= report_write(cmd->html, &record, report_html);
	}
	record_free(&record);
	return ret;
}

int cmd_report(int argc, char **argv)
{
	struct report_command cmd = { 0 };
	int key;

	while ((key = parse_option(argc, argv, ":h", report_options)) != -1) {
		if (key == 'h') {
			fputs(report_usage, stdout);
			return EXIT_OK;
		}
		if (key == '?')
			return EXIT_USAGE;
		*(key == OPT_SVG ? &cmd.svg : &cmd.html) = optarg;
	}
	if (parse_rest(argc, argv, 1))
		return EXIT_USAGE;
	if (optind < argc && strcmp(argv[optind], "-"))
		cmd.file = argv[optind];
	return report_run(&cmd) ? EXIT_TROUBLE : EXIT_OK;
}
