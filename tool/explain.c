// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Causes and remedies of failures that a kernel log tells of.
 *
 * The log alone is often enough: it has the mask, the limit of the bus, the size
 * of swiotlb.  A board adds the reach of the device.  kernel/dma/direct.c,
 * swiotlb.c and pool.c in Linux 6.12 are what the answers are about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "explain.h"
#include "reach.h"
#include "text.h"

#define SWIOTLB_PIECE (256ULL << 10) /* IO_TLB_SEGSIZE slots of 2 KiB */
#define SWIOTLB_SLOT 2048ULL

struct explain {
	struct board *board; /* NULL without one */
	struct arena *arena;
	const struct log_event *event;
	const struct device *dev; /* of the board; NULL if not found */
};

static const char *explain_size(const struct explain *e, u64 bytes)
{
	char size[32];

	return arena_printf(e->arena, "%s",
			    size_text(size, sizeof(size), bytes));
}

/* A sentence that needs no figures. */
static void explain_set(const char **part, const char *text)
{
	*part = text;
}

static unsigned int explain_bits(u64 addr)
{
	return addr ? fls64(addr) : 0;
}

/* ---- the device ------------------------------------------------------ */

/*
 * Linux calls a platform device "fe340000.mmc" whose node is "mmc@7e340000": the
 * CPU's address and that of its bus differ in the upper digits only.
 */
static bool explain_is_platform(const char *path, const char *name)
{
	const char *node = strrchr(path, '/'), *at, *dot = strchr(name, '.');
	u64 bus, cpu;

	node = node ? node + 1 : path;
	at = strchr(node, '@');
	if (!at || !dot || strlen(dot + 1) != (size_t)(at - node) ||
	    strncmp(dot + 1, node, at - node))
		return false;
	cpu = strtoull(name, NULL, 16);
	bus = strtoull(at + 1, NULL, 16);
	return !((cpu ^ bus) & 0xffffff);
}

/* "0000:01:00.0": a PCI function, which is behind some host bridge. */
static bool explain_is_pci_name(const char *name)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	return sscanf(name, "%4x:%2x:%2x.%1u%n", &domain, &bus, &slot,
		      &function, &end) == 4 &&
	       !name[end];
}

static const struct device *explain_find_bridge(const struct board *board)
{
	const struct device *found = NULL;
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++) {
		if (!board->devices[i].bridge)
			continue;
		if (found)
			return NULL; /* which of them, the log does not say */
		found = &board->devices[i];
	}
	return found;
}

static const struct device *explain_find(const struct board *board,
					 const char *name)
{
	unsigned int i;

	if (!board || !name)
		return NULL;
	for (i = 0; i < board->nr_devices; i++) {
		const struct device *dev = &board->devices[i];
		const char *node = strrchr(dev->path, '/');

		if (!strcmp(dev->path, name) ||
		    (node && !strcmp(node + 1, name)) ||
		    explain_is_platform(dev->path, name))
			return dev;
	}
	return explain_is_pci_name(name) ? explain_find_bridge(board) : NULL;
}

static const char *explain_reach(const struct explain *e)
{
	const struct device *dev = e->dev;
	unsigned int bits;
	u64 all, reach;

	if (!dev || !e->board->memory_known)
		return NULL;
	if (!dev->group)
		return arena_printf(e->arena, "%s: memory from %s", dev->path,
				    device_kind_name(dev->kind));
	bits = explain_bits(e->event->mask) ?: dev->mask_bits;
	all = frames_bytes(dmag_reach_frames(&e->board->ram));
	reach = frames_bytes(reach_frames(e->board, dev, bits, &e->board->ram));
	return arena_printf(e->arena, "%s reaches %s of %s with %u bits%s",
			    dev->path,
			    reach ? explain_size(e, reach) : "nothing",
			    explain_size(e, all), bits,
			    dev->mask_from == MASK_UNKNOWN && !e->event->mask ?
				    " (a guess)" :
				    "");
}

/* The masks with which the bus of the device is of use, if that is known. */
static const char *explain_masks(const struct explain *e)
{
	char text[160];

	if (!e->dev || !e->dev->nr_steps)
		return NULL;
	bridge_text(text, sizeof(text), e->board, e->dev);
	return arena_printf(e->arena, "%s", text);
}

/* ---- swiotlb --------------------------------------------------------- */

static void explain_streaming(struct explanation *x)
{
	explain_set(
		&x->groups,
		"buffers that the driver allocates for DMA come from its group and never bounce; those it only maps still do");
}

static void explain_piece(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"one mapping of %s: swiotlb copies at most 256 KiB in one piece, however large it is",
		explain_size(e, e->event->size));
	explain_set(
		&x->remedy,
		"let the driver respect dma_max_mapping_size() (block devices: lower max_sectors_kb)\n"
		"set a wider DMA mask if the device has more address lines, so that nothing bounces");
}

static void explain_swiotlb_reach(const struct explain *e,
				  struct explanation *x)
{
	explain_set(
		&x->cause,
		"swiotlb is empty, yet no part of it suits the device: it lies outside the device's mask or the windows of its bus");
	explain_set(
		&x->remedy,
		"set the DMA mask that the bus takes (dmag plan shows from which mask on cards reach memory)\n"
		"make the bus's dma-ranges cover the memory below 4 GiB (on arm64: ZONE_DMA), where swiotlb is");
	(void)e;
}

static void explain_no_swiotlb(const struct explain *e, struct explanation *x)
{
	explain_set(
		&x->cause,
		"there is no swiotlb (swiotlb=noforce, or it could not be allocated at boot)");
	explain_set(
		&x->remedy,
		"boot with swiotlb=32768, and look for an error of swiotlb early in the log");
	(void)e;
}

static void explain_used_up(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	u64 slots = event->known ? event->total : 32768;

	x->cause = arena_printf(
		e->arena,
		"swiotlb is used up%s: buffers out of the device's reach (in an encrypted guest: all) are copied through %s",
		event->known ?
			arena_printf(e->arena, " (%llu of %llu slots in use)",
				     event->used, event->total) :
			"",
		explain_size(e, slots * SWIOTLB_SLOT));
	x->remedy = arena_printf(
		e->arena,
		"set a 64-bit DMA mask if the device can: then nothing bounces\n"
		"boot with swiotlb=%llu for twice the size (or CONFIG_SWIOTLB_DYNAMIC, since 6.6)\n"
		"lower the queue depth or ring size of the driver\n"
		"if the slots in use only ever grow, the driver forgets to unmap: report that\n"
		"use an IOMMU that translates for the device, if there is one",
		2 * slots);
}

static void explain_fragmented(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"no run of free slots is long enough for %s, though %llu of %llu are free: each CPU has its own area",
		explain_size(e, e->event->size),
		e->event->total - e->event->used, e->event->total);
	x->remedy = arena_printf(
		e->arena,
		"boot with swiotlb=%llu,1 for twice the size in one area\n"
		"set a 64-bit DMA mask if the device can: then nothing bounces",
		2 * e->event->total);
}

static void explain_swiotlb(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;

	explain_set(&x->title, "swiotlb is full");
	explain_streaming(x);
	if (event->known && !event->total)
		explain_no_swiotlb(e, x);
	else if (event->size > SWIOTLB_PIECE)
		explain_piece(e, x);
	else if (event->known && !event->used)
		explain_swiotlb_reach(e, x);
	else if (event->known && event->used < event->total / 2)
		explain_fragmented(e, x);
	else
		explain_used_up(e, x);
}

static void explain_swiotlb_boot(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "swiotlb could not be allocated");
	x->cause = arena_printf(
		e->arena,
		"no free range of %s below 4 GiB (on arm64: in ZONE_DMA) early at boot",
		e->event->size ? explain_size(e, e->event->size) : "its size");
	explain_set(
		&x->remedy,
		"make it smaller (swiotlb=8192 is 16 MiB), or reserve less low memory (crashkernel=, cma=)\n"
		"devices with 64-bit masks do without it");
	explain_streaming(x);
}

/* ---- masks and buses ------------------------------------------------- */

/* All that the device can emit is below the buffer, or below all memory. */
static void explain_narrow_mask(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	unsigned int mask = explain_bits(event->mask);
	unsigned int limit = explain_bits(event->limit);

	x->cause = arena_printf(
		e->arena,
		"the device's mask has %u bits, the buffer has the bus address %#llx, which takes %u%s",
		mask, event->addr, explain_bits(event->addr),
		limit > mask ?
			arena_printf(
				e->arena,
				"; memory is at addresses of up to %u bits on this bus",
				limit) :
			"");
	x->remedy = arena_printf(
		e->arena,
		"let the driver set a mask of %u bits or more, if the device has the address lines\n"
		"else move the bus's window of memory below 4 GiB (dma-ranges), or boot with swiotlb=32768 if the log shows no \"software IO TLB\"",
		max(limit, explain_bits(event->addr)));
}

static void explain_overflow(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	unsigned int limit = explain_bits(event->limit);

	explain_set(&x->title, "a buffer is out of the device's reach");
	explain_set(
		&x->groups,
		"memory that the driver allocates is in reach from the start; a buffer that it only maps must still bounce");
	if (event->addr + 1 <= 1 || event->addr == event->mask) {
		explain_set(
			&x->cause,
			"the buffer lies in no window of the bus: it has no bus address at all");
		explain_set(
			&x->remedy,
			"make dma-ranges of the bus cover all memory, or let swiotlb lie in what they cover");
	} else if (event->limit && event->limit < event->addr) {
		x->cause = arena_printf(
			e->arena,
			"the bus carries addresses up to %#llx (%u bits), the buffer is at %#llx",
			event->limit, limit, event->addr);
		explain_set(
			&x->remedy,
			"check dma-ranges of the bus: is the limit real?\n"
			"without swiotlb nothing bounces: look for \"software IO TLB\" in the boot log, boot with swiotlb=32768");
	} else {
		explain_narrow_mask(e, x);
	}
}

static void explain_mask_refused(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "the kernel refused a DMA mask");
	explain_set(
		&x->cause,
		"a mask below 32 bits has to cover all of ZONE_DMA (-EIO otherwise), even if some memory is in reach; or the bus has no window for the device");
	explain_set(
		&x->remedy,
		"ask for a wider mask first: 32 bits and more are never refused by dma-direct\n"
		"check that the device's node, or its bridge's, has the dma-ranges that the bus needs");
	explain_set(
		&x->groups,
		"no change: a device joins a group only with a mask that the kernel has accepted");
	if (e->dev && e->dev->group && !e->dev->group->frames)
		explain_set(&x->cause,
			    "the device reaches no memory with that mask");
}

static void explain_mask_unset(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "the device has no coherent mask");
	explain_set(
		&x->cause,
		"the driver never set one, and no bus did: since 4.18 coherent memory is refused then");
	explain_set(
		&x->remedy,
		"call dma_set_mask_and_coherent() in probe; for a device made by hand, dma_coerce_mask_and_coherent()");
	explain_set(
		&x->groups,
		"no change: without a mask there is no reach, and so no group");
	(void)e;
}

static void explain_mask_zone(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "the mask is narrower than ZONE_DMA");
	x->cause = arena_printf(
		e->arena,
		"32-bit ARM takes coherent memory from ZONE_DMA or lowmem, and a mask of %u bits does not cover that",
		explain_bits(e->event->mask));
	explain_set(
		&x->remedy,
		"let the platform set a smaller dma_zone_size, or give the device a reserved-memory pool in its reach");
	explain_set(&x->groups,
		    "the device's group holds only memory in its reach");
}

static void explain_setup(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "a driver found no memory for its setup");
	explain_set(
		&x->cause,
		"-12 in setup is mostly a coherent allocation that failed: the mask is too narrow for the bus, or the memory in reach is used up");
	if (e->dev && e->dev->group && !e->dev->group->frames)
		explain_set(
			&x->cause,
			"the mask is too narrow for the bus: no memory is in the device's reach");
	explain_set(
		&x->remedy,
		"look at the same device under dmag plan: a host bridge shows from which mask on its cards reach memory\n"
		"if all is in reach, look for page allocation failures before this line");
	explain_set(
		&x->groups,
		"dmag's own line says what the group had, if there was memory in reach");
}

/* Only one of many reasons for -EIO, but the one that leaves no other line. */
static void explain_probe(const struct explain *e, struct explanation *x)
{
	explain_mask_refused(e, x);
	x->title = "a driver gave up with -EIO, which a refused DMA mask gives";
	explain_set(
		&x->cause,
		"if no other line tells of an error before it: the DMA mask was refused, because below 32 bits it has to cover all of ZONE_DMA, or because memory is out of its reach");
}

/* ---- pools and areas ------------------------------------------------- */

static void explain_pool_boot(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "an atomic pool could not be made");
	x->cause = arena_printf(
		e->arena,
		"at boot, no %s in one piece were free in the zone of %s: that zone is empty or tiny, as in a crash kernel",
		explain_size(e, e->event->size),
		e->event->gfp ? e->event->gfp : "the pool");
	explain_set(
		&x->remedy,
		"harmless unless a device needs that zone: then reserve low memory for the crash kernel (crashkernel=SIZE,low)\n"
		"coherent_pool=64K asks for less");
	explain_set(
		&x->groups,
		"atomic requests are served from the reserve of the device's group, not from these pools");
}

static void explain_pool_empty(const struct explain *e, struct explanation *x)
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

static void explain_pool_reach(const struct explain *e, struct explanation *x)
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

static void explain_cma_alloc(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	u64 free = (event->total - event->used) * 4096;

	explain_set(&x->title, "CMA has no free range");
	if (event->ret == -16)
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
	if (event->ret == -16)
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

static void explain_cma_reserve(const struct explain *e, struct explanation *x)
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

static void explain_reserved(const struct explain *e, struct explanation *x)
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

static void explain_coherent(const struct explain *e, struct explanation *x)
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

static void explain_too_large(const struct explain *e, struct explanation *x)
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

static void explain_pages(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	const char *zone = explain_zone(event->gfp);

	x->title = arena_printf(e->arena, "no %s in one piece (order %u)",
				explain_size(e, event->size), event->order);
	explain_set(
		&x->groups,
		"the device's group claims memory in its reach, whatever the zone, and moves what is in the way");
	if (!zone && !event->dma) {
		explain_set(
			&x->cause,
			"an allocation without a DMA zone, and no sign of the DMA API in its stack: fragmentation or want of memory, not DMA");
		explain_set(
			&x->remedy,
			"look at the Mem-Info that follows it: free memory by order; vm.min_free_kbytes, compaction");
		explain_set(&x->groups, "nothing: this is no DMA memory");
		return;
	}
	x->cause = arena_printf(
		e->arena, "%s has %s%s",
		zone ? zone : "the zone that suits the device",
		event->order ? arena_printf(e->arena, "no free run of %u pages",
					    1U << min(event->order, 31U)) :
			       "no free page",
		strstr(event->gfp, "ATOMIC") || strstr(event->gfp, "NOWAIT") ?
			", and the caller could not wait for one" :
			", and reclaim and compaction found none");
	explain_set(
		&x->remedy,
		"look at the zone's \"managed\" in the Mem-Info: 0 means that all of it is reserved (crash kernel: crashkernel=SIZE,low)\n"
		"allocate early, or in smaller pieces; a CMA area in reach of the device serves large ones (cma=SIZE)\n"
		"a driver that asks for GFP_DMA although its device has 32 bits should set its mask instead");
}

static void explain_dmag(const struct explain *e, struct explanation *x)
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

/* ---- the answer ------------------------------------------------------ */

static void (*const explain_kinds[LOG_KINDS])(const struct explain *e,
					      struct explanation *x) = {
	[LOG_DMAG] = explain_dmag,
	[LOG_SWIOTLB_FULL] = explain_swiotlb,
	[LOG_OVERFLOW] = explain_overflow,
	[LOG_MASK_REFUSED] = explain_mask_refused,
	[LOG_MASK_UNSET] = explain_mask_unset,
	[LOG_MASK_ZONE] = explain_mask_zone,
	[LOG_COHERENT] = explain_coherent,
	[LOG_TOO_LARGE] = explain_too_large,
	[LOG_POOL_REACH] = explain_pool_reach,
	[LOG_POOL_EMPTY] = explain_pool_empty,
	[LOG_POOL_BOOT] = explain_pool_boot,
	[LOG_CMA_ALLOC] = explain_cma_alloc,
	[LOG_CMA_RESERVE] = explain_cma_reserve,
	[LOG_SWIOTLB_BOOT] = explain_swiotlb_boot,
	[LOG_RESERVED] = explain_reserved,
	[LOG_PAGES] = explain_pages,
	[LOG_PROBE] = explain_probe,
	[LOG_SETUP] = explain_setup,
};

/**
 * explain_event() - Say why something failed and what to do.
 * @board: the machine, with its plan made; holds all text that is returned
 * @event: the failure
 *
 * A board without devices will do: then the log alone tells.
 *
 * Return: the answer.
 */
struct explanation explain_event(struct board *board,
				 const struct log_event *event)
{
	const struct explain e = {
		.board = board,
		.arena = &board->arena,
		.event = event,
		.dev = explain_find(board, event->dev),
	};
	struct explanation x = {
		.reach = explain_reach(&e),
		.masks = explain_masks(&e),
	};

	explain_kinds[event->kind](&e, &x);
	return x;
}
