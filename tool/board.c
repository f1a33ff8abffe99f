// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A board without contents, and what was odd or wrong with its source.
 */
#include <string.h>

#include "board.h"

/**
 * board_init() - Make a board of which nothing is known.
 * @board: the board
 * @source: what messages call it; must stay
 */
void board_init(struct board *board, const char *source)
{
	memset(board, 0, sizeof(*board));
	board->source = source;
	board->zone_dma_limit = U64_MAX;
	board->notes_end = &board->notes;
	dmag_registry_init(&board->registry);
}

/* Frees all that hangs in the board; @board itself is the caller's. */
void board_free(struct board *board)
{
	arena_free(&board->arena);
	board->error = NULL;
	board->notes = NULL;
}

/**
 * board_add_node() - Add memory of a NUMA node.
 * @board: the board
 * @node: its number
 * @span: its memory, or addresses that its memory lies between
 */
void board_add_node(struct board *board, unsigned int node, struct span span)
{
	unsigned int i;

	ARENA_ADD(&board->arena, board->nodes, board->nr_nodes);
	for (i = board->nr_nodes - 1; i; i--) {
		if (board->nodes[i - 1].span.start <= span.start)
			break;
		board->nodes[i] = board->nodes[i - 1];
	}
	board->nodes[i] = (struct node_span){ node, span };
}

/* Equal notes are one; the kind of the first counts. */
void board_vnote(struct board *board, enum note_kind kind, const char *fmt,
		 va_list args)
{
	const char *text = arena_vprintf(&board->arena, fmt, args);
	struct note *note;

	for (note = board->notes; note; note = note->next)
		if (!strcmp(note->text, text))
			return;
	note = arena_alloc(&board->arena, sizeof(*note));
	note->kind = kind;
	note->text = text;
	*board->notes_end = note;
	board->notes_end = &note->next;
}

/* Notes an oddity of the input, once. */
void board_note(struct board *board, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	board_vnote(board, NOTE_INFO, fmt, args);
	va_end(args);
}

/* The same for a thing that is most likely a mistake. */
void board_warn(struct board *board, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	board_vnote(board, NOTE_WARNING, fmt, args);
	va_end(args);
}

/* The same for a thing that cannot work. */
void board_wrong(struct board *board, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	board_vnote(board, NOTE_ERROR, fmt, args);
	va_end(args);
}

/**
 * board_fail() - Say why a board cannot be planned.
 * @board: the board
 * @fmt: as for printf(); names the node and the property
 *
 * Return: -1, for the caller to return.
 */
int board_fail(struct board *board, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	board->error = arena_vprintf(&board->arena, fmt, args);
	va_end(args);
	return -1;
}
