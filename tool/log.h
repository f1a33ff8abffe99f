/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A kernel log, as far as it tells of failures of DMA memory.
 */
#ifndef DMAG_TOOL_LOG_H
#define DMAG_TOOL_LOG_H

#include "arena.h"

/** enum log_kind - The failures that are known, the surest signs first. */
enum log_kind {
	LOG_DMAG, /* dmag's own line */
	LOG_SWIOTLB_FULL,
	LOG_OVERFLOW,
	LOG_MASK_REFUSED,
	LOG_MASK_UNSET, /* the driver set no coherent mask */
	LOG_MASK_ZONE, /* 32-bit ARM: the mask is narrower than ZONE_DMA */
	LOG_POOL_REACH, /* no atomic pool suits a device */
	LOG_POOL_EMPTY,
	LOG_POOL_BOOT, /* an atomic pool could not be made */
	LOG_COHERENT, /* swiotlb, asked as a last resort, could not help */
	LOG_TOO_LARGE, /* more than the page allocator ever gives */
	LOG_CMA_ALLOC,
	LOG_CMA_BUSY, /* CMA met pages that could not be moved, and went on */
	LOG_CMA_RESERVE,
	LOG_SWIOTLB_BOOT,
	LOG_RESERVED, /* a reserved-memory node found no place */
	LOG_PAGES, /* page allocation failure */
	LOG_REGION, /* a reserved region is no pool */
	LOG_HOST_BUFFER, /* an NVMe drive got no memory of the host */
	LOG_IOMMU, /* an IOMMU has no addresses left */
	LOG_RING, /* a USB controller got no memory for a longer ring */
	LOG_FAR, /* in a driver's own words: memory beyond 4 GiB is out of reach */
	LOG_DRIVER, /* in a driver's own words: no coherent memory */
	LOG_MAP, /* in a driver's own words: no mapping */
	LOG_PROBE, /* a driver gave up with -EIO */
	LOG_SETUP, /* a driver gave up for want of memory */
	LOG_KINDS,
};

/**
 * struct log_event - A failure, and how often it was logged.
 * @dev: the device, as the kernel calls it; NULL if the line does not say
 * @driver: its driver; or the task that asked for pages
 * @line: the first line that told of it, without time
 * @size: bytes that were wanted, 0 if that is not said
 * @total: slots of swiotlb, pages of a CMA area, frames of a group's reach
 * @used: how many of these are in use
 * @addr: a bus address; @mask and @limit are what it exceeds.  @mask is also what
 *	the driver said that it set, in a line before
 * @order: of a page allocation
 * @gfp: its flags
 * @ret: an error code, 0 or negative
 * @known: @total and @used were in the log
 * @dma: a page allocation was the DMA API's, as the stack shows, or what a driver
 *	says after it
 * @list: it was a kmalloc() of the DMA API, for what it has to remember of a buffer
 * @stack: the log shows its stack
 * @oom: a process was killed for it
 * @failed: after CMA met busy pages, an allocation failed
 */
struct log_event {
	struct log_event *next;
	enum log_kind kind;
	const char *dev;
	const char *driver;
	const char *line;
	const char *gfp;
	u64 size;
	u64 total;
	u64 used;
	u64 addr;
	u64 mask;
	u64 limit;
	unsigned int order;
	int ret;
	bool known;
	bool dma;
	bool list;
	bool stack;
	bool oom;
	bool failed;
	unsigned int count;
};

const char *log_skip_time(const char *line);
struct log_event *log_parse(struct arena *arena, const char *text);

#endif /* DMAG_TOOL_LOG_H */
