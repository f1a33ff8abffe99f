// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Linux's zones: where they are, and which one a device's memory comes from.
 */
#include <string.h>

#include "ram.h"
#include "zones.h"

static const u64 limit24 = (1ULL << 24) - 1;
static const u64 limit32 = (1ULL << 32) - 1;

/*
 * adjust_lowmem_bounds() in arch/arm/mm/mmu.c: 3 GiB for user space, 240 MiB for
 * vmalloc() and what is mapped at fixed addresses leave so much.
 */
#define ARM_LOWMEM (768ULL << 20)

/* The next zone goes from the end of the last one to the frame before @end. */
static void zone_add(struct board *board, const char *name, u64 end)
{
	u64 start = board->nr_zones ?
			    board->zones[board->nr_zones - 1].range.last + 1 :
			    0;
	struct zone *zone;

	if (end <= start)
		return;
	zone = &board->zones[board->nr_zones++];
	zone->name = name;
	zone->range = (struct dmag_range){ start, end - 1 };
}

/* As max_zone_phys() in arch/arm64/mm/init.c, in frames. */
static u64 zone_end(const struct board *board, u64 limit)
{
	u64 top = board->banks[board->nr_banks - 1].last;

	return (min(limit, top) + 1) >> PAGE_SHIFT;
}

/* zone_sizes_init() of each architecture; the others have no rules here. */
static void zone_build_arch(struct board *board)
{
	board->zone_dma = board->arch == ARCH_ARM64 || board->arch == ARCH_X86;
	board->zone_dma32 = board->arch != ARCH_ARM;
	switch (board->arch) {
	case ARCH_ARM64:
	case ARCH_X86:
		zone_add(board, "DMA", zone_end(board, board->zone_dma_limit));
		__attr(__fallthrough__);
	case ARCH_RISCV:
		zone_add(board, "DMA32", zone_end(board, limit32));
		zone_add(board, "Normal", zone_end(board, U64_MAX));
		break;
	case ARCH_ARM:
		zone_add(board, "Normal",
			 zone_end(board,
				  board->banks[0].start + ARM_LOWMEM - 1));
		zone_add(board, "HighMem", zone_end(board, U64_MAX));
		break;
	case ARCH_UNKNOWN:
		break;
	}
}

/**
 * zone_build() - Give a board its zones, unless its source had them.
 * @board: the board, with its RAM known
 */
void zone_build(struct board *board)
{
	unsigned int i;

	if (board->arch == ARCH_ARM64 && board->banks[0].start < limit32)
		board->zone_dma_limit = min(board->zone_dma_limit, limit32);
	else if (board->arch != ARCH_ARM64 && !board->zone_dma)
		board->zone_dma_limit = limit24;
	if (!board->zones_given)
		zone_build_arch(board);
	for (i = 0; i < board->nr_zones; i++)
		board->zones[i].frames =
			span_frames(&board->ram, &board->zones[i].range);
}

static int zone_find(const struct board *board, const char *name)
{
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++)
		if (!strcmp(board->zones[i].name, name))
			return i;
	return -1;
}

/* translate_dma_to_phys(): an address in no window is as high as can be. */
static u64 zone_phys_limit(const struct dmag_constraint *dma, u64 bus)
{
	unsigned int i;

	if (!dma->nr_windows)
		return bus;
	for (i = 0; i < dma->nr_windows; i++)
		if (bus - dma->windows[i].bus < dma->windows[i].size)
			return bus - dma->windows[i].bus + dma->windows[i].cpu;
	return U64_MAX;
}

/**
 * zone_top() - The highest zone that the kernel can use at any time.
 * @board: the board
 *
 * HighMem has no permanent addresses, and so never holds coherent memory but by
 * way of CMA.
 *
 * Return: its index; -1 if no zones are known.
 */
int zone_top(const struct board *board)
{
	int top = (int)board->nr_zones - 1;

	while (top >= 0 && !strcmp(board->zones[top].name, "HighMem"))
		top--;
	return top;
}

/**
 * zone_first() - The zone that Linux tries first for a device.
 * @board: the board
 * @dev: the device
 *
 * It stands for those below it too.  A zone that a kernel for this machine is
 * built without is as if nothing had been asked for; one that is built in but
 * empty yields the memory below it.
 *
 * Return: its index; -1 if there is none with memory.
 */
int zone_first(const struct board *board, const struct device *dev)
{
	u64 limit = zone_phys_limit(&dev->constraint, dev->constraint.limit);
	int zone;

	if (limit <= board->zone_dma_limit)
		return board->zone_dma ? zone_find(board, "DMA") :
					 zone_top(board);
	if (limit > limit32 || !board->zone_dma32)
		return zone_top(board);
	zone = zone_find(board, "DMA32");
	return zone < 0 ? zone_find(board, "DMA") : zone;
}

/**
 * zone_low_limit() - The last byte that swiotlb may have.
 * @board: the board
 *
 * ARCH_LOW_ADDRESS_LIMIT: on arm64 ZONE_DMA's end, elsewhere that of 32 bits.
 *
 * Return: an address.
 */
u64 zone_low_limit(const struct board *board)
{
	return board->arch == ARCH_ARM64 ? board->zone_dma_limit : limit32;
}

/* Frames of @reach in the zones up to @zone. */
u64 zone_frames(const struct board *board, const struct dmag_reach *reach,
		int zone)
{
	struct dmag_range below = { 0, 0 };

	if (zone < 0)
		return 0;
	below.last = board->zones[zone].range.last;
	return span_frames(reach, &below);
}
