// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Answers about pools, areas and pages: kernel/dma/pool.c and mm/cma.c in Linux 6.12
 * are what they are about.
 */
#include <string.h>

#include "answer.h"

#define LARGEST_PIECE (4ULL << 20) /* of the page allocator */

/* ---- pools and areas ------------------------------------------------- */

static void explain_large_pool(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"the pool is a single piece of %s (coherent_pool=): the page allocator gives 4 MiB at most, and no CMA area had room at boot",
		explain_size(e, e->event->size));
	explain_set(
		&x->remedy,
		"coherent_pool=4M asks for no more than there is in one piece\n"
		"reserve a CMA area for a larger one (cma=SIZE)");
}

void explain_pool_boot(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "an atomic pool could not be made");
	explain_set(
		&x->groups,
		"atomic requests are served from the reserve of the device's group, not from these pools");
	if (e->event->size > LARGEST_PIECE) {
		explain_large_pool(e, x);
		return;
	}
	x->cause = arena_printf(
		e->arena,
		"at boot, no %s in one piece were free in the zone of %s: that zone is empty or tiny, as in a crash kernel",
		explain_size(e, e->event->size),
		e->event->gfp ? e->event->gfp : "the pool");
	explain_set(
		&x->remedy,
		"harmless unless a device needs that zone: then reserve low memory for the crash kernel (crashkernel=SIZE,low)\n"
		"coherent_pool=64K asks for less");
}

void explain_pool_empty(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "the atomic pool is used up");
	explain_set(
		&x->cause,
		"coherent memory for callers that cannot sleep comes from a small pool, which is empty");
	explain_set(
		&x->remedy,
		"boot with coherent_pool=4M (the default is 128 KiB to 4 MiB by memory size)\n"
		"let the driver allocate where it may sleep");
	explain_set(
		&x->groups,
		"the reserve of a group grows with the demand; see grown in dmag show");
	(void)e;
}

void explain_pool_reach(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "no atomic pool suits the device");
	explain_set(
		&x->cause,
		"all atomic pools are empty, or lie out of the reach of the device's mask and bus");
	explain_set(
		&x->remedy,
		"boot with coherent_pool=4M\n"
		"widen the mask, or the dma-ranges of the bus, so that memory below ZONE_DMA's end is in reach");
	explain_set(
		&x->groups,
		"atomic requests are served from the reserve of the device's group, which is in its reach");
	(void)e;
}

void explain_cma_alloc(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	u64 free = (event->total - event->used) * 4096;

	explain_set(&x->title, "CMA has no free range");
	if (event->ret == -16 || event->kind == LOG_CMA_BUSY)
		explain_set(
			&x->cause,
			"the area has room, but pages in it are pinned or under writeback and could not be moved (-EBUSY)");
	else if (event->known && free >= event->size)
		x->cause = arena_printf(
			e->arena,
			"the area is in pieces: %s are free, but not %s in one run",
			explain_size(e, free), explain_size(e, event->size));
	else
		x->cause = arena_printf(
			e->arena, "the area is used up: it has no run of %s%s",
			explain_size(e, event->size),
			event->known ? arena_printf(e->arena, ", %s are free",
						    explain_size(e, free)) :
				       "");
	if (event->ret == -16 || event->kind == LOG_CMA_BUSY)
		explain_set(
			&x->remedy,
			"try again later; find who pins pages there (page_owner=on), such as RDMA or vfio");
	else
		explain_set(
			&x->remedy,
			"make the area larger: cma=SIZE, or the size of linux,cma in the device tree\n"
			"find the holder: /sys/kernel/debug/cma (CONFIG_CMA_DEBUGFS)\n"
			"allocate large buffers early");
	explain_set(
		&x->groups,
		"with groups, all movable memory in the device's reach can be claimed, not only an area that was set aside");
}

/* Kernels before 6.x print this for each range that CMA tries in vain. */
void explain_cma_busy(const struct explain *e, struct explanation *x)
{
	if (e->event->failed) {
		explain_cma_alloc(e, x);
		return;
	}
	explain_set(&x->title, "CMA met pages that it could not move");
	explain_set(
		&x->cause,
		"pages in one range were pinned or under writeback; no allocation failed after that: CMA took another range");
	explain_set(
		&x->remedy,
		"nothing, unless devices wait long for memory: then find who pins pages there (page_owner=on)");
	explain_set(&x->groups, "groups try other ranges too");
}

void explain_region(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "a reserved region cannot serve the device");
	if (e->event->ret == -19)
		explain_set(
			&x->cause,
			"memory-region leads to no node under /reserved-memory, or there is none");
	else
		explain_set(
			&x->cause,
			"the node that memory-region leads to was not made a pool at boot: it is disabled, not aligned, not all memory, or the kernel lacks CONFIG_DMA_CMA (reusable) or CONFIG_DMA_DECLARE_COHERENT (no-map)");
	explain_set(
		&x->remedy,
		"look for \"Reserved memory\" and \"OF: reserved mem\" early in the boot log: the region must be there\n"
		"align its start and size to 4 MiB if it is reusable, and keep it apart from other regions and from cma=\n"
		"dmag lint shows regions that overlap or are no memory");
	explain_set(&x->groups,
		    "a pool is only needed for memory that must not be shared");
}

void explain_cma_reserve(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "CMA could not be reserved");
	x->cause = arena_printf(
		e->arena,
		"no free range of %s below the limit of the area (on arm64: the end of ZONE_DMA)",
		explain_size(e, e->event->size));
	explain_set(
		&x->remedy,
		"ask for less (cma=SIZE), or allow more (cma=SIZE@0-LIMIT; alloc-ranges in the device tree)\n"
		"move other reservations out of the low memory");
	explain_set(&x->groups,
		    "no area is needed: groups claim movable memory");
}

void explain_reserved(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "reserved memory found no place");
	x->cause = arena_printf(
		e->arena,
		"no free range of %s where %s may be (alloc-ranges), or its range is not memory",
		e->event->size ? explain_size(e, e->event->size) : "its size",
		e->event->dev ? e->event->dev : "the node");
	explain_set(&x->remedy,
		    "widen alloc-ranges, or make the region smaller\n"
		    "dmag plan shows what is free and what does not fit");
	explain_set(&x->groups,
		    "a pool is only needed for memory that must not be shared");
}

void explain_coherent(const struct explain *e, struct explanation *x)
{
	x->title = arena_printf(e->arena, "no coherent memory of %s",
				explain_size(e, e->event->size));
	explain_set(
		&x->cause,
		"the page allocator had no such piece in reach of the coherent mask, and swiotlb, asked as a last resort, gives 256 KiB at most");
	explain_set(
		&x->remedy,
		"set the coherent mask to the bits that the device has; if the driver sets none it is 32\n"
		"reserve a CMA area in reach (cma=SIZE), since the page allocator gives 4 MiB at most\n"
		"allocate early, or in smaller pieces");
	explain_set(
		&x->groups,
		"large pieces are claimed in the device's reach, by moving what is in the way");
}

void explain_too_large(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title,
		    "more was asked for than the page allocator ever gives");
	explain_set(
		&x->cause,
		"a request of more than MAX_PAGE_ORDER (4 MiB with 4 KiB pages), or of 0 bytes: no CMA area served it before");
	explain_set(
		&x->remedy,
		"reserve a CMA area that is large enough and in the device's reach (cma=SIZE)\n"
		"allocate several smaller buffers; behind an IOMMU large ones need not be contiguous\n"
		"check that the driver does not ask for 0 bytes");
	explain_set(&x->groups, "groups serve requests larger than that too");
	if (e->event->dma)
		return;
	x->cause = arena_printf(e->arena, "%s; the stack shows no DMA API",
				x->cause);
}

/* ---- pages ----------------------------------------------------------- */

static const char *explain_zone(const char *gfp)
{
	if (strstr(gfp, "GFP_DMA32"))
		return "ZONE_DMA32";
	return strstr(gfp, "GFP_DMA") ? "ZONE_DMA" : NULL;
}

static void explain_other_pages(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"an allocation without a DMA zone, and no sign of the DMA API in its stack%s: fragmentation or want of memory, not DMA",
		e->event->stack ? "" : ", which is not in the log");
	explain_set(
		&x->remedy,
		"look at the Mem-Info that follows it: free memory by order; vm.min_free_kbytes, compaction");
	explain_set(&x->groups, "nothing: this is no DMA memory");
}

/* dma_common_contiguous_remap() and its likes. */
static void explain_list(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"not the buffer itself, but the list of its pages, for which the DMA API calls kmalloc(): any memory would do, but there is no free run of %u pages",
		1U << min(e->event->order, 31U));
	explain_set(
		&x->remedy,
		"look at the Mem-Info that follows it: free memory by order; vm.min_free_kbytes, compaction\n"
		"ask for smaller buffers, or for them early: the list grows with the buffer");
	explain_set(&x->groups, "the same: the list is no DMA memory");
}

static void explain_atomic_pages(struct explanation *x)
{
	x->cause = "and the caller could not wait for one";
	explain_set(
		&x->remedy,
		"let the driver allocate where it may sleep (GFP_KERNEL), and early\n"
		"ask for smaller pieces; a larger vm.min_free_kbytes keeps more pages ready");
}

static void explain_blocking_pages(struct explanation *x)
{
	x->cause = "and reclaim and compaction found none";
	explain_set(
		&x->remedy,
		"look at the zone's \"managed\" in the Mem-Info: 0 means that the machine has no memory there, or that all of it is reserved (crash kernel: crashkernel=SIZE,low)\n"
		"allocate early, or in smaller pieces; a CMA area in reach of the device serves large ones (cma=SIZE)\n"
		"a driver that asks for GFP_DMA although its device has 32 bits should set its mask instead");
}

void explain_pages(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	const char *zone = explain_zone(event->gfp);

	x->title = arena_printf(e->arena, "no %s in one piece (order %u)",
				explain_size(e, event->size), event->order);
	if (!zone && !event->dma) {
		explain_other_pages(e, x);
		return;
	}
	if (event->list) {
		explain_list(e, x);
		return;
	}
	explain_set(
		&x->groups,
		"the device's group claims memory in its reach, whatever the zone, and moves what is in the way");
	if (strstr(event->gfp, "ATOMIC") || strstr(event->gfp, "NOWAIT"))
		explain_atomic_pages(x);
	else
		explain_blocking_pages(x);
	x->cause = arena_printf(
		e->arena, "%s has %s, %s%s",
		zone ? zone : "the zone that suits the device",
		event->order ? arena_printf(e->arena, "no free run of %u pages",
					    1U << min(event->order, 31U)) :
			       "no free page",
		x->cause, event->oom ? ", so a process was killed for it" : "");
}

void explain_dmag(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;

	x->title = arena_printf(e->arena, "a group had no %s in one piece",
				explain_size(e, event->size));
	explain_set(
		&x->remedy,
		"dmag show: holders, reserve and counters of the group; docs/diagnosis.rst goes on from there");
	explain_set(&x->groups, "this is a kernel with groups");
	if (event->ret)
		explain_set(
			&x->cause,
			"an atomic request found the reserve drained or in pieces; the reserve grows after a burst");
	else if (event->known && event->used >= event->total - event->total / 8)
		x->cause = arena_printf(
			e->arena,
			"devices hold %llu of the %llu frames in reach: all of it, or one of them leaks",
			event->used, event->total);
	else
		explain_set(
			&x->cause,
			"frames that the group does not own hold what cannot be moved, or the host has none to spare");
}
