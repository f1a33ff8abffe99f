// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Pieces that the answers are made of.
 */
#include "answer.h"
#include "text.h"

const char *explain_size(const struct explain *e, u64 bytes)
{
	char size[32];

	return arena_printf(e->arena, "%s",
			    size_text(size, sizeof(size), bytes));
}

/* A sentence that needs no figures. */
void explain_set(const char **part, const char *text)
{
	*part = text;
}

unsigned int explain_bits(u64 addr)
{
	return addr ? fls64(addr) : 0;
}

/* The board says that no memory is in the device's reach. */
bool explain_reaches_nothing(const struct explain *e)
{
	return e->dev && e->dev->group && !e->dev->group->frames;
}
