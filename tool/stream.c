// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Streaming DMA: buffers that were not made for the device that gets them.
 *
 * A buffer out of a device's reach is copied through swiotlb, a buffer of fixed
 * size that Linux allocates at boot: 64 MiB unless told otherwise, from the top
 * of the memory that ZONE_DMA (arm64) or 32 bits (elsewhere) allow.  A device
 * that does not reach that place gets errors instead.
 */
#include "ram.h"
#include "reach.h"
#include "stream.h"
#include "zones.h"

#define SWIOTLB_DEFAULT (64ULL << 20) /* IO_TLB_DEFAULT_SIZE */
#define SWIOTLB_SEGMENT (256ULL << 10) /* IO_TLB_SEGSIZE slots of 2 KiB */

/*
 * swiotlb_init() is called with "addressing limit" if there is memory above that
 * limit.  Without, arm64 keeps a small one for buffers that are not aligned to
 * cache lines: 1 MiB for each GiB of memory.
 */
static u64 stream_size(const struct board *board)
{
	u64 size = board->cmdline.swiotlb ?: SWIOTLB_DEFAULT;
	u64 ram = frames_bytes(dmag_reach_frames(&board->ram));
	u64 top = board->banks[board->nr_banks - 1].last;

	if (board->arch == ARCH_UNKNOWN)
		return 0;
	if (top > zone_low_limit(board))
		return size;
	if (board->arch != ARCH_ARM64)
		return 0;
	return min(size, round_up(ram / 1024, SWIOTLB_SEGMENT));
}

/* The highest place of @size bytes in @span; false if it is too small. */
static bool stream_fit(const struct span *span, u64 size, struct span *place)
{
	if (span->last - span->start < size - 1)
		return false;
	place->last = span->last;
	place->start = span->last - (size - 1);
	return true;
}

/**
 * stream_place() - Guess where a kernel's swiotlb will be.
 * @board: the board, with RAM and zones known; gets board->swiotlb
 *
 * memblock gives out memory from the top.  Other early allocations may have
 * taken the very top, but not so much that windows of a GiB would notice.
 */
void stream_place(struct board *board)
{
	u64 size = board->swiotlb_known ? board->swiotlb_live :
					  stream_size(board);
	struct span *spans, place;
	unsigned int nr;

	board->swiotlb_bytes = size;
	if (!size || !board->memory_known)
		return;
	if (board->swiotlb.last) /* the source knows */
		return;
	nr = ram_free_spans(board, zone_low_limit(board), &spans);
	while (nr--)
		if (stream_fit(&spans[nr], size, &place) &&
		    place.last > board->swiotlb.last)
			board->swiotlb = place;
}

static bool stream_reaches_swiotlb(struct board *board,
				   const struct device *dev)
{
	struct dmag_range range = {
		board->swiotlb.start >> PAGE_SHIFT,
		board->swiotlb.last >> PAGE_SHIFT,
	};
	const struct dmag_reach place = { &range, 1 };

	return board->swiotlb.last &&
	       reach_frames(board, dev, dev->stream_bits, &place) ==
		       range.last - range.start + 1;
}

/**
 * stream_judge() - Tell how buffers from anywhere get to a device.
 * @board: the board, with its swiotlb placed
 * @dev: the device
 */
void stream_judge(struct board *board, struct device *dev)
{
	u64 all = dmag_reach_frames(&board->ram);

	dev->streaming = STREAM_UNKNOWN;
	if (!board->memory_known)
		return;
	dev->unreachable =
		all - reach_frames(board, dev, dev->stream_bits, &board->ram);
	if (!dev->unreachable)
		dev->streaming = STREAM_DIRECT;
	else if (dev->unreachable == all ||
		 (board->arch && !stream_reaches_swiotlb(board, dev)))
		dev->streaming = STREAM_FAILS;
	else if (board->arch)
		dev->streaming = STREAM_BOUNCES;
}
