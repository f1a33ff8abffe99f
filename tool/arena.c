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

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_chunk *c;

	if (bytes <= a->left) {
		void *p = a->at;
		size_t step = round_up(bytes, sizeof(max_align_t));

		a->at += min(step, a->left);
		a->left -= min(step, a->left);
		return p;
	}
	if (bytes < ARENA_CHUNK) {
		a->at = arena_alloc(a, ARENA_CHUNK);
		a->left = ARENA_CHUNK;
		return arena_alloc(a, bytes);
	}
	c = bytes > SIZE_MAX - sizeof(*c) ? NULL :
					    calloc(1, sizeof(*c) + bytes);
	if (!c)
		die("out of memory");
	c->next = a->chunks;
	a->chunks = c;
	return c->data;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(a, fmt, args);
	va_end(args);
	return s;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		die("cannot format a message");
	s = arena_alloc(a, n + 1);
	vsnprintf(s, n + 1, fmt, args);
	return s;
}

/* Room for one more of @size at the end of @items, zeroed; doubles as needed. */
void *arena_grow(struct arena *a, void *items, unsigned int nr, size_t size)
{
	void *more;

	if (nr == 1 || (nr & (nr - 1)))
		return items;
	more = arena_alloc(a, (nr ? 2 * (size_t)nr : 2) * size);
	if (nr)
		memcpy(more, items, nr * size);
	return more;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	memset(a, 0, sizeof(*a));
}
