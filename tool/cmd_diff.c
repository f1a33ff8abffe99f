// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag diff: what changes for devices between two boards, or by an overlay.
 *
 * Groups have other numbers in every plan, so that their tables cannot be
 * compared as text.  Devices are found again by their paths.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "load.h"
#include "text.h"

#define DIFF_STATE 160

struct diff {
	const struct board *old, *new;
	const struct style *style;
	unsigned int changes;
};

/* Trees come from anywhere: nothing in one may steer a terminal. */
static void diff_put(const char *text)
{
	for (; *text; text++)
		putchar(*text >= ' ' && *text <= '~' ? *text : '?');
}

static void diff_line(struct diff *diff, char mark, const char *what,
		      const char *was, const char *is)
{
	bool color = diff->style->color;

	diff->changes++;
	if (color && mark != ' ')
		fputs(mark == '+' ? "\033[32m" :
		      mark == '-' ? "\033[31m" :
				    "",
		      stdout);
	printf("%c ", mark);
	diff_put(what);
	if (was) {
		fputs("\n    was ", stdout);
		diff_put(was);
	}
	if (is) {
		fputs(was ? "\n    is  " : ": ", stdout);
		diff_put(is);
	}
	puts(color ? "\033[0m" : "");
}

/* ---- the machine ----------------------------------------------------- */

static void diff_memory(struct diff *diff)
{
	u64 was = frames_bytes(dmag_reach_frames(&diff->old->ram));
	u64 is = frames_bytes(dmag_reach_frames(&diff->new->ram));
	char was_text[32], is_text[32];

	if (was != is)
		diff_line(diff, '~', "memory",
			  size_text(was_text, sizeof(was_text), was),
			  size_text(is_text, sizeof(is_text), is));
}

static void diff_zone_state(char *buf, const struct board *board,
			    unsigned int i)
{
	struct span span;

	snprintf(buf, DIFF_STATE, "none");
	if (i >= board->nr_zones)
		return;
	span = range_span(&board->zones[i].range);
	snprintf(buf, DIFF_STATE, "%s [0x%llx, 0x%llx]", board->zones[i].name,
		 span.start, span.last);
}

static void diff_zones(struct diff *diff)
{
	unsigned int i, nr = max(diff->old->nr_zones, diff->new->nr_zones);
	char was[DIFF_STATE], is[DIFF_STATE];

	for (i = 0; i < nr; i++) {
		diff_zone_state(was, diff->old, i);
		diff_zone_state(is, diff->new, i);
		if (strcmp(was, is))
			diff_line(diff, '~', "zone", was, is);
	}
}

/* ---- devices --------------------------------------------------------- */

static const struct device *diff_find(const struct board *board,
				      const char *path)
{
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++)
		if (!strcmp(board->devices[i].path, path))
			return &board->devices[i];
	return NULL;
}

/* All that counts for a device, in a line. */
static void diff_device_state(char *buf, const struct board *board,
			      const struct device *dev)
{
	const struct group *group = dev->group;
	u64 first = 0;
	char size[32];

	if (!group) {
		snprintf(buf, DIFF_STATE, "memory from %s%s%s",
			 device_kind_name(dev->kind), dev->verdict ? ", " : "",
			 dev->verdict ? verdict_name(dev->verdict) : "");
		return;
	}
	if (group->core.reach.nr)
		first = range_span(&group->core.reach.seg[0]).start;
	snprintf(
		buf, DIFF_STATE,
		"%u bits, reaches %s from 0x%llx in %u parts%s, %s %s, streaming %s",
		dev->mask_bits,
		size_text(size, sizeof(size), frames_bytes(group->frames)),
		first, group->core.reach.nr, dev->coherent ? "" : ", uncached",
		zone_text(board, dev->zone), verdict_name(dev->verdict),
		streaming_name(dev->streaming));
}

static void diff_device(struct diff *diff, const struct device *old,
			const struct device *new)
{
	char was[DIFF_STATE], is[DIFF_STATE];

	if (old)
		diff_device_state(was, diff->old, old);
	if (new)
		diff_device_state(is, diff->new, new);
	if (!old)
		diff_line(diff, '+', new->path, NULL, is);
	else if (!new)
		diff_line(diff, '-', old->path, NULL, was);
	else if (strcmp(was, is))
		diff_line(diff, '~', new->path, was, is);
}

static void diff_devices(struct diff *diff)
{
	unsigned int i;

	for (i = 0; i < diff->old->nr_devices; i++)
		diff_device(diff, &diff->old->devices[i],
			    diff_find(diff->new, diff->old->devices[i].path));
	for (i = 0; i < diff->new->nr_devices; i++)
		if (!diff_find(diff->old, diff->new->devices[i].path))
			diff_device(diff, NULL, &diff->new->devices[i]);
}

static int diff_load(struct plan_command *cmd, struct board *board,
		     const char *name, unsigned int nr_overlays)
{
	board_init(board, name);
	if (!load_board(cmd, board, name, nr_overlays))
		return 0;
	return complain("%s: %s", name, board->error);
}

static int diff_boards(struct plan_command *cmd, const char *old,
		       const char *new)
{
	struct board was, is;
	struct diff diff = { &was, &is, &cmd->style, 0 };
	int ret;

	ret = diff_load(cmd, &was, old, 0);
	ret |= diff_load(cmd, &is, new, cmd->nr_overlays);
	if (!ret) {
		diff_memory(&diff);
		diff_zones(&diff);
		diff_devices(&diff);
		if (!diff.changes)
			puts("no difference for any device");
	}
	board_free(&was);
	board_free(&is);
	return ret;
}

int cmd_diff(int argc, char **argv)
{
	struct plan_command cmd = { .root = "", .kind = COMMAND_DIFF };
	int ret = plan_parse(&cmd, argc, argv);

	if (ret < 0)
		ret = diff_boards(&cmd, argv[optind], argv[argc - 1]) ?
			      EXIT_TROUBLE :
			      EXIT_OK;
	arena_free(&cmd.arena);
	return ret;
}
