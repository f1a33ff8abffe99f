// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Memory that is freed all at once, and lists that grow in it.
 *
 * A plan is made, printed and forgotten: nothing in it is freed on its own.
 * Running out of memory ends the program, which has nothing to lose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct arena_chunk {
	struct arena_chunk *next;
	max_align_t data[];
};

/*
 * The next @bytes of the current chunk, zeroed.  A request as large as a chunk gets
 * one of its own, so that what is left of the current one stays in use.
 */
void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk;

	if (bytes <= arena->left) {
		void *start = arena->at;
		size_t step = round_up(bytes, sizeof(max_align_t));

		arena->at += min(step, arena->left);
		arena->left -= min(step, arena->left);
		return start;
	}
	if (bytes < ARENA_CHUNK) {
		arena->at = arena_alloc(arena, ARENA_CHUNK);
		arena->left = ARENA_CHUNK;
		return arena_alloc(arena, bytes);
	}
	chunk = bytes > SIZE_MAX - sizeof(*chunk) ?
			NULL :
			calloc(1, sizeof(*chunk) + bytes);
	if (!chunk)
		die("out of memory");
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk->data;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(arena, fmt, args);
	va_end(args);
	return s;
}

/* Formats twice: the length decides how much the arena has to give. */
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		die("cannot format a message");
	text = arena_alloc(arena, len + 1);
	vsnprintf(text, len + 1, fmt, args);
	return text;
}

/* Room for one more of @size at the end of @items, zeroed; doubles as needed. */
void *arena_grow(struct arena *arena, void *items, unsigned int nr, size_t size)
{
	void *more;

	if (nr == 1 || (nr & (nr - 1)))
		return items;
	more = arena_alloc(arena, (nr ? 2 * (size_t)nr : 2) * size);
	if (nr)
		memcpy(more, items, nr * size);
	return more;
}

void arena_free(struct arena *arena)
{
	struct arena_chunk *chunk, *next;

	for (chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(arena, 0, sizeof(*arena));
}
