// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag plan: the options, the files, and the writers they ask for.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"
#include "plan.h"
#include "source.h"
#include "sysfile.h"
#include "write.h"

static const char plan_usage[] =
	"usage: dmag plan [OPTION]... BOARD.dtb...\n"
	"       dmag plan [OPTION]... --live\n"
	"\n"
	"Show the allocation groups of a board, the devices that share them, and\n"
	"what Linux's memory zones would give them.\n"
	"\n"
	"  -l, --live                 this machine instead of a device tree\n"
	"  -m, --memory RANGE[,...]   the memory there is; RANGE is START-LAST or\n"
	"                             START+SIZE, numbers may end in K, M, G or T\n"
	"  -a, --assume-memory SIZE   size of banks whose size the firmware fills in\n"
	"  -M, --mask NODE=BITS       a device's DMA mask; NODE is a name or a path\n"
	"  -A, --arch ARCH            whose zones: arm64 or riscv (default: guessed)\n"
	"  -j, --json                 print JSON\n"
	"  -c, --csv                  print comma-separated values, a line per device\n"
	"  -s, --summary              print comma-separated values, a line per board\n"
	"      --svg FILE             plan_draw memory and groups by address\n"
	"      --html FILE            the same, with the table, as a web page\n"
	"      --linear               plan_draw addresses to scale instead of log\n"
	"      --color WHEN           always, never or auto (a terminal)\n"
	"  -q, --quiet                no notes on what is odd about the input\n"
	"  -h, --help                 print this\n";

enum output {
	OUT_TABLE,
	OUT_JSON,
	OUT_CSV,
	OUT_SUMMARY,
};

struct plan_command {
	struct arena arena;
	struct plan_options opt;
	enum output output;
	struct style style;
	const char *svg, *html;
	const char *root;
	bool live, linear, quiet;
};

/* ---- options --------------------------------------------------------- */

/* --memory: the first one replaces what the source says, later ones add to it. */
static int plan_set_memory(struct plan_command *cmd, const char *arg)
{
	struct plan_options *opt = &cmd->opt;
	const char *text = arg;
	struct span span;
	char *end;

	for (;; text = end + 1) {
		if (!parse_range(text, &end, &span))
			return complain("--memory: '%s' is no list of ranges",
					arg);
		*ARENA_ADD(&cmd->arena, opt->memory, opt->nr_memory) = span;
		if (!*end)
			return 0;
		if (*end != ',')
			return complain("--memory: '%s' is no list of ranges",
					arg);
	}
}

static int plan_set_assume(struct plan_command *cmd, const char *arg)
{
	char *end;

	if (!parse_size(arg, &end, &cmd->opt.assume) || *end ||
	    !cmd->opt.assume)
		return complain("--assume-memory: '%s' is no size", arg);
	return 0;
}

/* --mask: the last "=" counts, since names of nodes may hold one. */
static int plan_set_mask(struct plan_command *cmd, const char *arg)
{
	const char *equals = strrchr(arg, '=');
	struct mask_option *mask;
	unsigned long bits;
	char *end;

	if (!equals || equals == arg || equals[1] < '0' || equals[1] > '9')
		return complain("--mask: '%s' is not NODE=BITS", arg);
	bits = strtoul(equals + 1, &end, 10);
	if (*end || bits < 1 || bits > 64)
		return complain("--mask: '%s': a mask has 1 to 64 bits", arg);
	mask = ARENA_ADD(&cmd->arena, cmd->opt.masks, cmd->opt.nr_masks);
	mask->node =
		arena_printf(&cmd->arena, "%.*s", (int)(equals - arg), arg);
	mask->bits = bits;
	return 0;
}

static int plan_set_arch(struct plan_command *cmd, const char *arg)
{
	if (!strcmp(arg, "arm64"))
		cmd->opt.arch = ARCH_ARM64;
	else if (!strcmp(arg, "riscv"))
		cmd->opt.arch = ARCH_RISCV;
	else
		return complain("--arch: '%s' is neither arm64 nor riscv", arg);
	return 0;
}

enum {
	OPT_SVG = 256,
	OPT_HTML,
	OPT_LINEAR,
	OPT_COLOR,
	OPT_ROOT,
};

static const struct option plan_options[] = {
	{ "live", no_argument, NULL, 'l' },
	{ "memory", required_argument, NULL, 'm' },
	{ "assume-memory", required_argument, NULL, 'a' },
	{ "mask", required_argument, NULL, 'M' },
	{ "arch", required_argument, NULL, 'A' },
	{ "json", no_argument, NULL, 'j' },
	{ "csv", no_argument, NULL, 'c' },
	{ "summary", no_argument, NULL, 's' },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "linear", no_argument, NULL, OPT_LINEAR },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int plan_set_flag(struct plan_command *cmd, int key)
{
	switch (key) {
	case 'l':
		cmd->live = true;
		return 0;
	case 'j':
		cmd->output = OUT_JSON;
		return 0;
	case 'c':
		cmd->output = OUT_CSV;
		return 0;
	case 's':
		cmd->output = OUT_SUMMARY;
		return 0;
	case 'q':
		cmd->quiet = true;
		return 0;
	case OPT_LINEAR:
		cmd->linear = true;
		return 0;
	default:
		return -1;
	}
}

static int plan_set_option(struct plan_command *cmd, int key, const char *arg)
{
	switch (key) {
	case 'm':
		return plan_set_memory(cmd, arg);
	case 'a':
		return plan_set_assume(cmd, arg);
	case 'M':
		return plan_set_mask(cmd, arg);
	case 'A':
		return plan_set_arch(cmd, arg);
	case OPT_COLOR:
		return parse_color(&cmd->style, arg);
	case OPT_SVG:
		cmd->svg = arg;
		return 0;
	case OPT_HTML:
		cmd->html = arg;
		return 0;
	case OPT_ROOT:
		cmd->root = arg;
		return 0;
	default:
		return plan_set_flag(cmd, key);
	}
}

/* Returns -1 to go on, else the exit code. */
static int plan_parse(struct plan_command *cmd, int argc, char **argv)
{
	int key;

	cmd->style.color = isatty(STDOUT_FILENO);
	while ((key = getopt_long(argc, argv, "lm:a:M:A:jcsqh", plan_options,
				  NULL)) != -1) {
		if (key == 'h') {
			fputs(plan_usage, stdout);
			return EXIT_OK;
		}
		if (key == '?' || plan_set_option(cmd, key, optarg))
			return EXIT_USAGE;
	}
	if (cmd->live ? optind < argc : optind == argc) {
		fputs(plan_usage, stderr);
		return EXIT_USAGE;
	}
	if ((cmd->svg || cmd->html) && argc - optind > 1) {
		fputs("dmag: a picture shows one board\n", stderr);
		return EXIT_USAGE;
	}
	return -1;
}

/* ---- files ----------------------------------------------------------- */

/* Standard output is for the plan, which programs read: notes go elsewhere. */
static void plan_report(const struct plan_command *cmd,
			const struct board *board)
{
	const struct note *note;

	if (!cmd->quiet)
		for (note = board->notes; note; note = note->next)
			fprintf(stderr, "dmag: %s: note: %s\n", board->source,
				note->text);
	if (board->error)
		fprintf(stderr, "dmag: %s: %s\n", board->source, board->error);
}

static void plan_write(const struct plan_command *cmd,
		       const struct board *board)
{
	switch (cmd->output) {
	case OUT_TABLE:
		write_table(stdout, board, &cmd->style);
		break;
	case OUT_JSON:
		write_json(stdout, board);
		break;
	case OUT_CSV:
		write_csv(stdout, board);
		break;
	case OUT_SUMMARY:
		write_summary(stdout, board);
		break;
	}
}

/*
 * A picture that was written in part is no picture: both the stream and its end
 * are asked whether all went well.
 */
static int plan_draw(const struct plan_command *cmd, const struct board *board,
		     const char *name,
		     void (*write)(FILE *out, const struct board *board,
				   bool linear))
{
	FILE *out = fopen(name, "w");

	if (out) {
		write(out, board, cmd->linear);
		if (!ferror(out) & !fclose(out))
			return 0;
	}
	fprintf(stderr, "dmag: %s: %s\n", name, strerror(errno));
	return -1;
}

static int plan_draw_all(const struct plan_command *cmd,
			 const struct board *board)
{
	int ret = 0;

	if (cmd->svg)
		ret |= plan_draw(cmd, board, cmd->svg, write_svg);
	if (cmd->html)
		ret |= plan_draw(cmd, board, cmd->html, write_html);
	return ret;
}

/* One line of names, however many boards follow. */
static void plan_write_head(const struct plan_command *cmd)
{
	if (cmd->output == OUT_CSV)
		write_csv_head(stdout);
	else if (cmd->output == OUT_SUMMARY)
		write_summary_head(stdout);
}

static int plan_read(struct plan_command *cmd, struct board *board,
		     const char *name)
{
	size_t size;
	void *blob = sys_read(&board->arena, name, &size);

	if (!blob)
		return board_fail(board, "%s", strerror(errno));
	return board_from_fdt(board, blob, size, &cmd->opt);
}

/*
 * A board that cannot be planned does not keep others from it; the exit status
 * remembers.
 */
static int plan_board(struct plan_command *cmd, const char *name)
{
	struct board board;
	int ret;

	board_init(&board, name);
	if (cmd->live)
		ret = board_from_live(&board, cmd->root, &cmd->opt);
	else
		ret = plan_read(cmd, &board, name);
	if (!ret)
		ret = board_plan(&board);
	plan_report(cmd, &board);
	if (!ret) {
		plan_write(cmd, &board);
		ret = plan_draw_all(cmd, &board);
	}
	board_free(&board);
	return ret;
}

/*
 * A mask that was meant for a device which no board has is a typing error, and a
 * plan without it would answer another question.
 */
static int plan_check_masks(const struct plan_command *cmd)
{
	static const char fmt[] =
		"--mask: no device that does DMA is called '%s'";
	const struct mask_option *mask = cmd->opt.masks;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < cmd->opt.nr_masks; i++)
		if (!mask[i].used)
			ret = complain(fmt, mask[i].node);
	return ret;
}

int cmd_plan(int argc, char **argv)
{
	struct plan_command cmd = { .root = "" };
	int ret = plan_parse(&cmd, argc, argv), i;

	if (ret < 0) {
		ret = 0;
		plan_write_head(&cmd);
		if (cmd.live)
			ret = plan_board(&cmd, "this machine");
		for (i = optind; i < argc; i++)
			ret |= plan_board(&cmd, argv[i]);
		ret |= plan_check_masks(&cmd);
		ret = ret ? EXIT_TROUBLE : EXIT_OK;
	}
	arena_free(&cmd.arena);
	return ret;
}
