/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Memory that is freed all at once, and lists that grow in it.
 */
#ifndef DMAG_TOOL_ARENA_H
#define DMAG_TOOL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "dmag.h"
#include "dmag_port.h"
#include "msg.h"

#define ARENA_CHUNK (64UL << 10)

struct arena {
	struct arena_chunk *chunks;
	char *at;
	size_t left;
};

void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_printf(struct arena *arena, const char *fmt, ...) __printf(2, 3);
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args);
void *arena_grow(struct arena *arena, void *items, unsigned int nr,
		 size_t size);
void arena_free(struct arena *arena);

/* Room for one more at the end of the array @items of @nr. */
#define ARENA_ADD(a, items, nr)                                               \
	({                                                                    \
		typeof(items) *__items = &(items);                            \
		typeof(nr) *__nr = &(nr);                                     \
		*__items = arena_grow(a, *__items, *__nr, sizeof(**__items)); \
		&(*__items)[(*__nr)++];                                       \
	})

#endif /* DMAG_TOOL_ARENA_H */
