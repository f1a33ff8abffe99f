// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Boards, as the command line names them.
 */
#include <errno.h>
#include <string.h>

#include "dmesg.h"
#include "dts.h"
#include "load.h"
#include "plan.h"
#include "sysfile.h"

static int load_tree(struct plan_command *cmd, struct board *board,
		     const char *name, unsigned int nr_overlays)
{
	const char *blob;
	unsigned int i;
	size_t size;

	blob = dts_read(board, name, &size);
	for (i = 0; blob && i < nr_overlays; i++)
		blob = dts_overlay(board, blob, &size, cmd->overlays[i]);
	return blob ? board_from_fdt(board, blob, size, &cmd->opt) : -1;
}

static int load_dmesg(struct plan_command *cmd, struct board *board)
{
	const char *text = sys_read(&board->arena, cmd->dmesg, NULL);

	if (!text)
		return board_fail(board, "%s", strerror(errno));
	return board_from_dmesg(board, text, &cmd->opt);
}

/**
 * load_board() - Read a board and plan it.
 * @cmd: the command line, which may ask for the running machine or for a log
 * @board: the board, as board_init() left it
 * @name: of the device tree, if it asks for neither
 * @nr_overlays: how many of the command line's overlays to apply to the tree
 *
 * Return: 0, or -1 with board->error set.
 */
int load_board(struct plan_command *cmd, struct board *board, const char *name,
	       unsigned int nr_overlays)
{
	int ret;

	if (cmd->live)
		ret = board_from_live(board, cmd->root, &cmd->opt);
	else if (cmd->dmesg)
		ret = load_dmesg(cmd, board);
	else
		ret = load_tree(cmd, board, name, nr_overlays);
	return ret ? ret : board_plan(board);
}
