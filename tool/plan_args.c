// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The command line of dmag plan.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "plan_args.h"

static const char plan_usage[] =
	"usage: dmag plan [OPTION]... BOARD.dtb|BOARD.dts...\n"
	"       dmag plan [OPTION]... --live\n"
	"       dmag plan [OPTION]... --dmesg LOG\n"
	"\n"
	"Show the allocation groups of a board, the devices that share them, and\n"
	"what Linux's memory zones would give them.\n"
	"\n"
	"  -l, --live                 this machine instead of a device tree\n"
	"      --dmesg LOG            the machine whose boot log this is\n"
	"      --root DIR             with --live: a copy of another one's /proc and /sys\n"
	"      --acpi DIR             with --live, --dmesg: the machine's ACPI tables\n"
	"  -m, --memory RANGE[,...]   the memory there is; RANGE is START+SIZE or\n"
	"                             START-LAST, numbers may end in K, M, G or T\n"
	"  -a, --assume-memory SIZE   size of banks whose size the firmware fills in\n"
	"      --overlay FILE.dtbo    apply an overlay first; may be given again\n"
	"      --cmdline TEXT         kernel parameters: mem=, cma=, swiotlb=, iommu=\n"
	"      --cma SIZE             the same as --cmdline cma=SIZE\n"
	"  -M, --mask NODE=BITS       a device's DMA mask; NODE is a name or a path,\n"
	"                             in which * and ? stand for anything\n"
	"      --window NODE=CPU+SIZE@BUS  a window of a device's bus\n"
	"      --no-iommu NODE        a device whose IOMMU does not translate\n"
	"  -A, --arch ARCH            whose zones: arm64, arm, riscv or x86\n"
	"      --check                exit with 3 if some device cannot work\n"
	"      --require NODE=SIZE    exit with 3 if a device reaches less; SIZE may be all\n"
	"  -j, --json                 print JSON\n"
	"  -c, --csv                  print comma-separated values, a line per device\n"
	"  -s, --summary              print comma-separated values, a line per board\n"
	"      --svg FILE             draw memory and groups by address\n"
	"      --html FILE            the same as a web page, with notes and tables\n"
	"      --linear               draw memory to scale instead of log\n"
	"      --color WHEN           always, never or auto (a terminal)\n"
	"  -q, --quiet                no notes on the input\n"
	"  -h, --help                 print this\n";

static const char explain_usage[] =
	"usage: dmag explain [OPTION]... [LOG]\n"
	"\n"
	"Find the failures of DMA memory in a kernel log (a file, or standard input; with\n"
	"--live the running kernel's), and say for each why it happened and what to do.\n"
	"\n"
	"  -b, --board BOARD          the device tree of the machine that wrote the log\n"
	"  -l, --live                 this machine wrote it\n"
	"      --color WHEN           always, never or auto (a terminal)\n"
	"  -h, --help                 print this\n"
	"\n"
	"With --board or --live, --memory, --assume-memory, --cmdline, --cma, --mask,\n"
	"--window, --no-iommu, --arch and --root are as for dmag plan.\n";

static const char diff_usage[] =
	"usage: dmag diff [OPTION]... OLD NEW\n"
	"       dmag diff [OPTION]... --overlay FILE.dtbo BOARD\n"
	"\n"
	"Show what changes for devices from one board to another, or by overlays: memory,\n"
	"zones, devices that come and go, their reach and what becomes of it.\n"
	"\n"
	"      --overlay FILE.dtbo    apply to the new board; may be given again\n"
	"      --color WHEN           always, never or auto (a terminal)\n"
	"  -h, --help                 print this\n"
	"\n"
	"--memory, --assume-memory, --cmdline, --cma, --mask, --window, --no-iommu and\n"
	"--arch are as for dmag plan, for both boards.\n";

static const char lint_usage[] =
	"usage: dmag lint [OPTION]... BOARD.dtb|BOARD.dts...\n"
	"       dmag lint [OPTION]... --live | --dmesg LOG\n"
	"\n"
	"Say what is wrong with a board as far as DMA goes: devices that reach no memory,\n"
	"windows that are lost, pools out of reach, areas that do not fit or overlap.\n"
	"The exit status is 3 if something is.\n"
	"\n"
	"      --strict               3 also if something is only unlikely to be meant\n"
	"      --color WHEN           always, never or auto (a terminal)\n"
	"  -h, --help                 print this\n"
	"\n"
	"--memory, --assume-memory, --overlay, --cmdline, --cma, --mask, --window,\n"
	"--no-iommu, --arch, --root and --acpi are as for dmag plan.\n";

static const char *const plan_usages[] = {
	[COMMAND_PLAN] = plan_usage,
	[COMMAND_EXPLAIN] = explain_usage,
	[COMMAND_DIFF] = diff_usage,
	[COMMAND_LINT] = lint_usage,
};

enum {
	OPT_SVG = 256,
	OPT_HTML,
	OPT_LINEAR,
	OPT_COLOR,
	OPT_ROOT,
	OPT_OVERLAY,
	OPT_CMDLINE,
	OPT_CMA,
	OPT_WINDOW,
	OPT_NO_IOMMU,
	OPT_CHECK,
	OPT_REQUIRE,
	OPT_DMESG,
	OPT_STRICT,
	OPT_ACPI,
};

static const struct option plan_options[] = {
	{ "live", no_argument, NULL, 'l' },
	{ "board", required_argument, NULL, 'b' },
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
	{ "overlay", required_argument, NULL, OPT_OVERLAY },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "cma", required_argument, NULL, OPT_CMA },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "no-iommu", required_argument, NULL, OPT_NO_IOMMU },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "require", required_argument, NULL, OPT_REQUIRE },
	{ "dmesg", required_argument, NULL, OPT_DMESG },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "acpi", required_argument, NULL, OPT_ACPI },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* ---- values ---------------------------------------------------------- */

/* "4G-8G" would be 4 GiB and one byte, which is not what people mean. */
static int plan_check_range(const struct span *span, const char *arg)
{
	if ((span->last & ((1ULL << PAGE_SHIFT) - 1)) || !span->last)
		return 0;
	return complain(
		"--memory: '%s': LAST is the last byte; START+SIZE takes a size",
		arg);
}

/* --memory: the first one replaces what the source says, later ones add to it. */
static int plan_set_memory(struct plan_command *cmd, const char *arg)
{
	struct plan_options *opt = &cmd->opt;
	const char *text = arg;
	struct span span;
	char *end;

	for (;; text = end + 1) {
		if (!parse_range(text, &end, &span) || (*end && *end != ','))
			return complain(
				"--memory: '%s' is no list of START+SIZE or START-LAST, such as 0x80000000+4G",
				arg);
		if (plan_check_range(&span, arg))
			return -1;
		*ARENA_ADD(&cmd->arena, opt->memory, opt->nr_memory) = span;
		if (!*end)
			return 0;
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

/* NODE=VALUE: the last "=" counts, since names of nodes may hold one. */
static const char *plan_split(struct plan_command *cmd, const char *arg,
			      const char **node)
{
	const char *equals = strrchr(arg, '=');

	if (!equals || equals == arg || !equals[1])
		return NULL;
	*node = arena_printf(&cmd->arena, "%.*s", (int)(equals - arg), arg);
	return equals + 1;
}

static int plan_set_mask(struct plan_command *cmd, const char *arg)
{
	struct node_options *masks = &cmd->opt.masks;
	struct node_option mask = { 0 };
	const char *val = plan_split(cmd, arg, &mask.node);
	unsigned long bits;
	char *end;

	if (!val || *val < '0' || *val > '9')
		return complain("--mask: '%s' is not NODE=BITS", arg);
	bits = strtoul(val, &end, 10);
	if (*end || bits < 1 || bits > 64)
		return complain("--mask: '%s': a mask has 1 to 64 bits", arg);
	mask.bits = bits;
	*ARENA_ADD(&cmd->arena, masks->item, masks->nr) = mask;
	return 0;
}

static int plan_set_window(struct plan_command *cmd, const char *arg)
{
	struct node_options *windows = &cmd->opt.windows;
	struct node_option option = { 0 };
	const char *val = plan_split(cmd, arg, &option.node);
	struct span cpu;
	u64 bus;
	char *end;

	if (!val || !parse_range(val, &end, &cpu) || *end != '@' ||
	    !parse_size(end + 1, &end, &bus) || *end ||
	    cpu.last - cpu.start > U64_MAX - 1 - bus || cpu.last == U64_MAX)
		return complain("--window: '%s' is not NODE=CPU+SIZE@BUS", arg);
	option.window = (struct dmag_window){
		.cpu = cpu.start,
		.bus = bus,
		.size = cpu.last - cpu.start + 1,
	};
	*ARENA_ADD(&cmd->arena, windows->item, windows->nr) = option;
	return 0;
}

static int plan_set_require(struct plan_command *cmd, const char *arg)
{
	struct requirement need = { 0 };
	const char *val = plan_split(cmd, arg, &need.node);
	char *end;

	if (!val ||
	    (strcmp(val, "all") &&
	     (!parse_size(val, &end, &need.bytes) || *end || !need.bytes)))
		return complain("--require: '%s' is not NODE=SIZE or NODE=all",
				arg);
	*ARENA_ADD(&cmd->arena, cmd->require, cmd->nr_require) = need;
	return 0;
}

static int plan_set_arch(struct plan_command *cmd, const char *arg)
{
	static const struct {
		const char *name;
		enum arch arch;
	} archs[] = {
		{ "arm64", ARCH_ARM64 },
		{ "arm", ARCH_ARM },
		{ "riscv", ARCH_RISCV },
		{ "x86", ARCH_X86 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(archs); i++)
		if (!strcmp(arg, archs[i].name))
			cmd->opt.arch = archs[i].arch;
	if (cmd->opt.arch)
		return 0;
	return complain("--arch: '%s' is not arm64, arm, riscv or x86", arg);
}

static int plan_set_output(struct plan_command *cmd, enum output output)
{
	if (cmd->output && cmd->output != output)
		return complain(
			"--json, --csv and --summary exclude each other");
	cmd->output = output;
	return 0;
}

/* ---- options --------------------------------------------------------- */

static int plan_set_flag(struct plan_command *cmd, int key)
{
	switch (key) {
	case 'l':
		cmd->live = true;
		return 0;
	case 'j':
		return plan_set_output(cmd, OUT_JSON);
	case 'c':
		return plan_set_output(cmd, OUT_CSV);
	case 's':
		return plan_set_output(cmd, OUT_SUMMARY);
	case 'q':
		cmd->quiet = true;
		return 0;
	case OPT_CHECK:
		cmd->check = true;
		return 0;
	case OPT_STRICT:
		cmd->strict = true;
		return 0;
	case OPT_LINEAR:
		cmd->linear = true;
		return 0;
	default:
		return -1;
	}
}

/* Behind what was given before, since the last word of a parameter counts. */
static void plan_add_cmdline(struct plan_command *cmd, const char *name,
			     const char *val)
{
	cmd->opt.cmdline = arena_printf(
		&cmd->arena, "%s %s%s",
		cmd->opt.cmdline ? cmd->opt.cmdline : "", name, val);
}

static int plan_set_cma(struct plan_command *cmd, const char *arg)
{
	char *end;
	u64 size;

	if (!parse_size(arg, &end, &size) || (*end && *end != '@'))
		return complain("--cma: '%s' is no size", arg);
	plan_add_cmdline(cmd, "cma=", arg);
	return 0;
}

/* Values that are taken as they are. */
static int plan_set_text(struct plan_command *cmd, int key, const char *arg)
{
	struct node_options *no_iommu = &cmd->opt.no_iommu;

	switch (key) {
	case 'b':
		cmd->board = arg;
		return 0;
	case OPT_SVG:
		cmd->svg = arg;
		return 0;
	case OPT_HTML:
		cmd->html = arg;
		return 0;
	case OPT_ROOT:
		cmd->root = arg;
		return 0;
	case OPT_DMESG:
		cmd->dmesg = arg;
		return 0;
	case OPT_ACPI:
		cmd->opt.acpi = arg;
		return 0;
	case OPT_CMDLINE:
		plan_add_cmdline(cmd, "", arg);
		return 0;
	case OPT_OVERLAY:
		*ARENA_ADD(&cmd->arena, cmd->overlays, cmd->nr_overlays) = arg;
		return 0;
	case OPT_NO_IOMMU:
		*ARENA_ADD(&cmd->arena, no_iommu->item, no_iommu->nr) =
			(struct node_option){ .node = arg };
		return 0;
	default:
		return plan_set_flag(cmd, key);
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
	case OPT_CMA:
		return plan_set_cma(cmd, arg);
	case OPT_WINDOW:
		return plan_set_window(cmd, arg);
	case OPT_REQUIRE:
		return plan_set_require(cmd, arg);
	case OPT_COLOR:
		return parse_color(&cmd->style, arg);
	default:
		return plan_set_text(cmd, key, arg);
	}
}

/* Only the plan itself is written in other forms, or measured. */
static int plan_check_facts(const struct plan_command *cmd)
{
	if (cmd->output || cmd->svg || cmd->html || cmd->linear || cmd->check ||
	    cmd->nr_require || cmd->quiet)
		return complain("such options are for dmag plan (--help)");
	return 0;
}

static int explain_check_options(const struct plan_command *cmd, int logs)
{
	if (logs > 1)
		return complain("one log at a time");
	if (cmd->live && cmd->board)
		return complain("--live and --board exclude each other");
	if (cmd->nr_overlays || cmd->dmesg || cmd->opt.acpi)
		return complain("such options are for dmag plan (--help)");
	return plan_check_facts(cmd);
}

static int diff_check_options(const struct plan_command *cmd, int boards)
{
	if (cmd->live || cmd->board || cmd->dmesg || cmd->opt.acpi)
		return complain("dmag diff compares device trees");
	if (boards != 2 && !(boards == 1 && cmd->nr_overlays))
		return complain("give two boards, or one and an overlay");
	return plan_check_facts(cmd);
}

/* One machine, of which there may be many boards, has to be given. */
static int plan_check_source(const struct plan_command *cmd, int boards)
{
	bool self = cmd->live || cmd->dmesg;

	if (cmd->live && cmd->dmesg)
		return complain("--live and --dmesg exclude each other");
	if (self && boards)
		return complain("%s takes no board",
				cmd->live ? "--live" : "--dmesg");
	if (!self && !boards)
		return complain(
			"no board: give a device tree, --dmesg or --live");
	if (self && (cmd->opt.assume || cmd->nr_overlays))
		return complain(
			"--assume-memory and --overlay are for device trees");
	if (!cmd->live && *cmd->root)
		return complain("--root is for --live");
	if (!self && cmd->opt.acpi)
		return complain("--acpi is for --live and --dmesg");
	return 0;
}

/* Options that would be ignored are refused: their user expects something. */
static int plan_check_options(const struct plan_command *cmd, int boards)
{
	if (cmd->strict && cmd->kind != COMMAND_LINT)
		return complain("--strict is for dmag lint");
	if (cmd->kind == COMMAND_EXPLAIN)
		return explain_check_options(cmd, boards);
	if (cmd->kind == COMMAND_DIFF)
		return diff_check_options(cmd, boards);
	if (cmd->board)
		return complain("--board is for dmag explain");
	if (plan_check_source(cmd, boards))
		return -1;
	if (cmd->kind == COMMAND_LINT)
		return plan_check_facts(cmd);
	if ((cmd->svg || cmd->html) && boards > 1)
		return complain("a picture shows one board");
	return 0;
}

/**
 * plan_parse() - Read the command line of dmag plan.
 * @cmd: gets it; zeroed but for an empty root
 * @argc: as for main()
 * @argv: as for main(), from the name of the command on
 *
 * Boards are at optind and behind.
 *
 * Return: -1 to go on, else the exit code.
 */
int plan_parse(struct plan_command *cmd, int argc, char **argv)
{
	int key;

	cmd->style.color = isatty(STDOUT_FILENO);
	while ((key = parse_option(argc, argv, ":lb:m:a:M:A:jcsqh",
				   plan_options)) != -1) {
		if (key == 'h') {
			fputs(plan_usages[cmd->kind], stdout);
			return EXIT_OK;
		}
		if (key == '?' || plan_set_option(cmd, key, optarg))
			return EXIT_USAGE;
	}
	if (plan_check_options(cmd, argc - optind))
		return EXIT_USAGE;
	if (!cmd->output)
		cmd->output = OUT_TABLE;
	return -1;
}
