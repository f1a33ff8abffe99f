// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Reaches of devices besides that of their group.
 */
#include "reach.h"

/**
 * reach_frames() - How much of some memory a device reaches with some mask.
 * @board: the board whose arena may be used
 * @dev: the device, whose bus and attributes count
 * @bits: the mask, instead of the device's own
 * @map: the memory
 *
 * Return: frames; 0 also if the constraint is none for the core.
 */
u64 reach_frames(struct board *board, const struct device *dev,
		 unsigned int bits, const struct dmag_reach *map)
{
	struct dmag_constraint dma = dev->constraint;
	u64 mask = ~0ULL >> (64 - bits);
	struct dmag_reach reach;
	struct dmag_range *seg;
	int nr;

	dma.limit = dev->bus_limit ? min(mask, dev->bus_limit) : mask;
	nr = dmag_reach_build(&dma, map, NULL, 0);
	if (nr <= 0)
		return 0;
	seg = arena_alloc(&board->arena, nr * sizeof(*seg));
	if (dmag_reach_build(&dma, map, seg, nr) != nr)
		return 0;
	reach = (struct dmag_reach){ seg, nr };
	return dmag_reach_frames(&reach);
}
