// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A board without contents, and what was odd or wrong with its source.
 */
#include <string.h>

#include "board.h"

/**
 * board_init() - Make a board of which nothing is known.
 * @b: the board
 * @source: what messages call it; must stay
 */
void board_init(struct board *b, const char *source)
{
	memset(b, 0, sizeof(*b));
	b->source = source;
	b->zone_dma_limit = U64_MAX;
	b->notes_end = &b->notes;
	dmag_registry_init(&b->registry);
}

/* Frees all that hangs in the board; @b itself is the caller's. */
void board_free(struct board *b)
{
	arena_free(&b->arena);
	b->error = NULL;
	b->notes = NULL;
}

/* Notes are for people and do not keep a plan from being made. */
void board_note(struct board *b, const char *fmt, ...)
{
	struct note *n = arena_alloc(&b->arena, sizeof(*n));
	va_list args;

	va_start(args, fmt);
	n->text = arena_vprintf(&b->arena, fmt, args);
	va_end(args);
	*b->notes_end = n;
	b->notes_end = &n->next;
}

/**
 * board_fail() - Say why a board cannot be planned.
 * @b: the board
 * @fmt: as for printf(); names the node and the property
 *
 * Return: -1, for the caller to return.
 */
int board_fail(struct board *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	b->error = arena_vprintf(&b->arena, fmt, args);
	va_end(args);
	return -1;
}
