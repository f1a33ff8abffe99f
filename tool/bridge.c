// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * PCI host bridges, and buses in ACPI: which masks of what is behind them reach
 * memory.
 *
 * A tree does not know the cards, and a namespace does not know which devices do
 * DMA.  Most have 32 or 64 bits, some 36 or 40, and on a bus whose addresses do not
 * begin at 0 that decides whether they work.
 */
#include <stdio.h>

#include "bridge.h"
#include "reach.h"
#include "text.h"

#define CARD_BITS 32 /* the narrowest mask that cards of today have */

/**
 * bridge_judge() - List the masks with which more memory comes into reach.
 * @board: the board, with its RAM known
 * @dev: the host bridge, which gets the list
 *
 * The first step is for %CARD_BITS, whatever that reaches.
 */
void bridge_judge(struct board *board, struct device *dev)
{
	unsigned int bits;

	for (bits = CARD_BITS; bits <= 64; bits++) {
		u64 bytes = frames_bytes(
			reach_frames(board, dev, bits, &board->ram));

		if (!dev->nr_steps ||
		    bytes != dev->steps[dev->nr_steps - 1].bytes)
			*ARENA_ADD(&board->arena, dev->steps, dev->nr_steps) =
				(struct mask_step){ bits, bytes };
	}
}

static const char *bridge_amount(char *buf, size_t len,
				 const struct board *board, u64 bytes)
{
	u64 all = frames_bytes(dmag_reach_frames(&board->ram));
	char size[32], total[32];

	size_text(size, sizeof(size), bytes);
	if (!bytes)
		snprintf(buf, len, "nothing");
	else if (bytes == all)
		snprintf(buf, len, "all %s", size);
	else
		snprintf(buf, len, "%s of %s", size,
			 size_text(total, sizeof(total), all));
	return buf;
}

/**
 * bridge_text() - Say in one line which cards, or devices on a bus, reach what.
 * @buf: gets "32-bit cards: nothing; from 37 bits: all 8 GiB"
 * @len: its room
 * @board: the plan
 * @dev: the host bridge
 */
void bridge_text(char *buf, size_t len, const struct board *board,
		 const struct device *dev)
{
	const struct mask_step *last = &dev->steps[dev->nr_steps - 1];
	const char *behind = dev->platform ? "devices" : "cards";
	char first[80], most[80];

	bridge_amount(first, sizeof(first), board, dev->steps[0].bytes);
	bridge_amount(most, sizeof(most), board, last->bytes);
	if (dev->nr_steps == 1)
		snprintf(buf, len, "all %s: %s", behind, first);
	else
		snprintf(buf, len, "%d-bit %s: %s; from %u bits: %s", CARD_BITS,
			 behind, first, last->bits, most);
}
