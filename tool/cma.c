// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The default CMA area that the command line asks for: cma=SIZE[@BASE[-LIMIT]].
 *
 * It is instead of that of the device tree, which Linux then bypasses.
 */
#include "cma.h"

/* The last byte it may have: dma_contiguous_reserve() gets that from each arch. */
static u64 cma_last(const struct board *board)
{
	u64 limit = board->cmdline.cma_limit ?: U64_MAX;

	if (board->arch == ARCH_ARM64 && board->nr_zones)
		return min(limit, range_span(&board->zones[0].range).last);
	if (board->arch == ARCH_RISCV || board->arch == ARCH_ARM)
		return min(limit, ~0ULL >> 32);
	return limit;
}

/* Devices may point to regions: these stay where they are, in the old array. */
static void cma_drop_default(struct board *board)
{
	struct region *kept = NULL;
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_regions; i++)
		if (!board->regions[i].cma_default)
			*ARENA_ADD(&board->arena, kept, nr) = board->regions[i];
	board->regions = kept;
	board->nr_regions = nr;
}

/**
 * cma_place() - Take the area of the command line for one without a place.
 * @board: the board, with its zones made
 *
 * A running kernel has its area already.
 */
void cma_place(struct board *board)
{
	struct span *within;
	struct region *region;

	if (!board->cmdline.has_cma)
		return;
	cma_drop_default(board);
	if (board->live || !board->cmdline.cma)
		return;
	within = arena_alloc(&board->arena, sizeof(*within));
	*within = (struct span){ board->cmdline.cma_base, cma_last(board) };
	region = ARENA_ADD(&board->arena, board->regions, board->nr_regions);
	*region = (struct region){
		.name = "cma= of the command line",
		.size = board->cmdline.cma,
		.within = within,
		.nr_within = 1,
		.cma_default = true,
		.kind = REGION_CMA,
	};
}
