// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag plan: the options, the files, and the writers they ask for.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "load.h"

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
	case OUT_NONE:
		break;
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

/* ---- demands --------------------------------------------------------- */

/* Coherent memory, streaming, or both: something fails for sure. */
static bool plan_device_fails(const struct device *dev)
{
	return dev->verdict & VERDICT_UNUSABLE ||
	       (dev->group && dev->streaming == STREAM_FAILS);
}

static bool plan_meets(const struct requirement *need,
		       const struct board *board, const struct device *dev)
{
	u64 all = frames_bytes(dmag_reach_frames(&board->ram));

	if (!dev->group)
		return dev->kind == DEVICE_IOMMU;
	return frames_bytes(dev->group->frames) >= (need->bytes ?: all);
}

/* Is @need about this device, as --mask would be? */
static bool plan_is_about(const struct requirement *need,
			  const struct device *dev)
{
	const char *slash = strrchr(dev->path, '/');

	return !fnmatch(need->node, dev->path, 0) ||
	       (slash && !fnmatch(need->node, slash + 1, 0));
}

static int plan_demand(struct plan_command *cmd, const struct board *board,
		       const struct device *dev)
{
	unsigned int i;
	int ret = 0;

	if (cmd->check && plan_device_fails(dev))
		ret = complain("%s: --check: %s cannot work", board->source,
			       dev->path);
	for (i = 0; i < cmd->nr_require; i++) {
		struct requirement *need = &cmd->require[i];

		if (!plan_is_about(need, dev))
			continue;
		need->used = true;
		if (!plan_meets(need, board, dev))
			ret = complain("%s: --require: %s reaches less",
				       board->source, dev->path);
	}
	return ret;
}

static void plan_demand_all(struct plan_command *cmd, const struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++)
		if (plan_demand(cmd, board, &board->devices[i]))
			cmd->failed = true;
}

/* ---- boards ---------------------------------------------------------- */

/*
 * A board that cannot be planned does not keep others from it; the exit status
 * remembers.
 */
static int plan_board(struct plan_command *cmd, const char *name)
{
	struct board board;
	int ret;

	board_init(&board, name);
	ret = load_board(cmd, &board, name, cmd->nr_overlays);
	plan_report(cmd, &board);
	if (!ret) {
		plan_write(cmd, &board);
		ret = plan_draw_all(cmd, &board);
		plan_demand_all(cmd, &board);
	}
	board_free(&board);
	return ret;
}

/*
 * A fact about a device that no board has is a typing error, and a plan without
 * it would answer another question.
 */
static int plan_check_used(const struct plan_command *cmd)
{
	static const char unknown[] =
		"%s: no device that does DMA is called '%s'";
	const struct {
		const char *name;
		const struct node_options *opt;
	} lists[] = {
		{ "--mask", &cmd->opt.masks },
		{ "--window", &cmd->opt.windows },
		{ "--no-iommu", &cmd->opt.no_iommu },
	};
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		for (k = 0; k < lists[i].opt->nr; k++)
			if (!lists[i].opt->item[k].used)
				ret = complain(unknown, lists[i].name,
					       lists[i].opt->item[k].node);
	for (i = 0; i < cmd->nr_require; i++)
		if (!cmd->require[i].used)
			ret = complain(unknown, "--require",
				       cmd->require[i].node);
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
		if (cmd.dmesg)
			ret = plan_board(&cmd, cmd.dmesg);
		for (i = optind; i < argc; i++)
			ret |= plan_board(&cmd, argv[i]);
		ret |= plan_check_used(&cmd);
		if (ret)
			ret = EXIT_TROUBLE;
		else
			ret = cmd.failed ? EXIT_CHECK : EXIT_OK;
	}
	arena_free(&cmd.arena);
	return ret;
}
