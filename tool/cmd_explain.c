// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag explain: failures in a kernel log, each with its cause and remedies.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "dmesg.h"
#include "explain.h"
#include "load.h"
#include "plan.h"
#include "sysfile.h"

#define EXPLAIN_WIDTH 78
#define EXPLAIN_INDENT 10
#define EXPLAIN_BLANKS "\n "

/* Logs come from anywhere: nothing in one may steer a terminal. */
static void explain_put(const char *text, size_t len)
{
	for (; len && *text; text++, len--)
		putchar(*text >= ' ' && *text <= '~' ? *text : '?');
}

/* One paragraph, whose further lines are indented as far as the first. */
static void explain_wrap(const char *text)
{
	size_t column = EXPLAIN_INDENT, len;

	while (*text && *text != '\n') {
		len = strcspn(text, EXPLAIN_BLANKS);
		if (column > EXPLAIN_INDENT &&
		    column + 1 + len > EXPLAIN_WIDTH) {
			printf("\n%*s", EXPLAIN_INDENT, "");
			column = EXPLAIN_INDENT;
		} else if (column > EXPLAIN_INDENT) {
			putchar(' ');
			column++;
		}
		explain_put(text, len);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void explain_part(const struct style *style, const char *name,
			 const char *text)
{
	while (text && *text) {
		printf("  %s%-8s%s", style->color ? "\033[1m" : "", name,
		       style->color ? "\033[0m" : "");
		explain_wrap(text);
		text += strcspn(text, "\n");
		text += *text == '\n';
		name = "";
	}
}

static void explain_print(const struct plan_command *cmd, struct board *board,
			  const struct log_event *event, unsigned int nr)
{
	struct explanation answer = explain_event(board, event);

	printf("%s%u. ", nr > 1 ? "\n" : "", nr);
	if (event->dev) {
		explain_put(event->dev, strlen(event->dev));
		if (event->driver) {
			fputs(" (", stdout);
			explain_put(event->driver, strlen(event->driver));
			putchar(')');
		}
		fputs(": ", stdout);
	}
	fputs(answer.title, stdout);
	if (event->count > 1)
		printf(", %u times", event->count);
	putchar('\n');
	explain_part(&cmd->style, "log", event->line);
	explain_part(&cmd->style, "reach", answer.reach);
	explain_part(&cmd->style, "masks", answer.masks);
	explain_part(&cmd->style, "cause", answer.cause);
	explain_part(&cmd->style, "do", answer.remedy);
	explain_part(&cmd->style, "groups", answer.groups);
}

/* A source of facts is welcome, but not needed. */
static int explain_read_board(struct plan_command *cmd, struct board *board)
{
	int ret;

	if (!cmd->live && !cmd->board)
		return 0;
	ret = load_board(cmd, board, cmd->board, 0);
	if (ret)
		complain("%s: %s", board->source, board->error);
	return ret;
}

/* A file, standard input, or the log of the running kernel. */
static char *explain_read_log(const struct plan_command *cmd,
			      struct arena *arena, const char *name)
{
	FILE *dmesg;
	char *text;

	if (name && strcmp(name, "-"))
		return sys_read(arena, name, NULL);
	if (name || !cmd->live)
		return sys_read_fd(arena, STDIN_FILENO, NULL);
	dmesg = popen("dmesg", "r");
	if (!dmesg)
		return NULL;
	text = sys_read_fd(arena, dup(fileno(dmesg)), NULL);
	if (pclose(dmesg)) {
		errno = EPERM;
		return NULL;
	}
	return text;
}

/*
 * A log that begins with the boot is a source itself.  One that does not, or that
 * makes no plan, still has its failures.
 */
static void explain_boot(struct plan_command *cmd, struct board *board,
			 const char *text)
{
	if (board_from_dmesg(board, text, &cmd->opt) || board_plan(board))
		board->memory_known = false;
}

static int explain_log(struct plan_command *cmd, struct board *board,
		       const char *name)
{
	struct log_event *events, *event;
	char *text = explain_read_log(cmd, &board->arena, name);
	unsigned int nr = 0;

	if (!text)
		return complain("%s: %s", name ? name : "dmesg",
				strerror(errno));
	if (!cmd->live && !cmd->board)
		explain_boot(cmd, board, text);
	events = log_parse(&board->arena, text);
	for (event = events; event; event = event->next)
		explain_print(cmd, board, event, ++nr);
	if (!nr)
		puts("no failure of DMA memory that dmag knows is in this log");
	return 0;
}

int cmd_explain(int argc, char **argv)
{
	struct plan_command cmd = { .root = "", .kind = COMMAND_EXPLAIN };
	int ret = plan_parse(&cmd, argc, argv);
	struct board board;

	if (ret < 0) {
		board_init(&board, cmd.board ?: "this machine");
		ret = explain_read_board(&cmd, &board) ||
				      explain_log(&cmd, &board,
						  optind < argc ? argv[optind] :
								  NULL) ?
			      EXIT_TROUBLE :
			      EXIT_OK;
		board_free(&board);
	}
	arena_free(&cmd.arena);
	return ret;
}
