// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag lint: what is wrong with a board as far as DMA goes.
 */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "load.h"

struct lint {
	const struct plan_command *cmd;
	unsigned int errors, warnings;
};

/* Trees come from anywhere: nothing in one may steer a terminal. */
static void lint_put(const char *text)
{
	for (; *text; text++)
		putchar(*text >= ' ' && *text <= '~' ? *text : '?');
}

static void lint_print(struct lint *lint, const struct board *board,
		       enum note_kind kind, const char *text)
{
	bool error = kind == NOTE_ERROR;
	bool color = lint->cmd->style.color;

	if (kind == NOTE_INFO)
		return;
	*(error ? &lint->errors : &lint->warnings) += 1;
	lint_put(board->source);
	printf(": %s%s%s: ", color ? error ? "\033[31m" : "\033[33m" : "",
	       error ? "error" : "warning", color ? "\033[0m" : "");
	lint_put(text);
	putchar('\n');
}

/* Streaming that fails is a verdict, not a note: a plan shows it as one. */
static void lint_streaming(struct lint *lint, struct board *board)
{
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++) {
		const struct device *dev = &board->devices[i];

		if (!dev->group || !dev->group->frames ||
		    dev->streaming != STREAM_FAILS)
			continue;
		lint_print(
			lint, board,
			dev->mask_from == MASK_UNKNOWN ? NOTE_WARNING :
							 NOTE_ERROR,
			arena_printf(
				&board->arena,
				"%s: buffers out of reach cannot bounce: swiotlb is out of reach too, or there is none",
				dev->path));
	}
}

static int lint_board(struct plan_command *cmd, struct lint *lint,
		      const char *name)
{
	struct board board;
	const struct note *note;
	int ret;

	board_init(&board, name);
	ret = load_board(cmd, &board, name, cmd->nr_overlays);
	if (ret)
		complain("%s: %s", board.source, board.error);
	for (note = board.notes; !ret && note; note = note->next)
		lint_print(lint, &board, note->kind, note->text);
	if (!ret)
		lint_streaming(lint, &board);
	board_free(&board);
	return ret;
}

static int lint_exit(const struct lint *lint)
{
	if (lint->errors || (lint->cmd->strict && lint->warnings))
		return EXIT_CHECK;
	return EXIT_OK;
}

int cmd_lint(int argc, char **argv)
{
	struct plan_command cmd = { .root = "", .kind = COMMAND_LINT };
	struct lint lint = { .cmd = &cmd };
	int ret = plan_parse(&cmd, argc, argv), i;

	if (ret < 0) {
		ret = 0;
		if (cmd.live)
			ret = lint_board(&cmd, &lint, "this machine");
		if (cmd.dmesg)
			ret = lint_board(&cmd, &lint, cmd.dmesg);
		for (i = optind; i < argc; i++)
			ret |= lint_board(&cmd, &lint, argv[i]);
		ret = ret ? EXIT_TROUBLE : lint_exit(&lint);
	}
	arena_free(&cmd.arena);
	return ret;
}
