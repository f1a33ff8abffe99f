// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Answers about swiotlb: kernel/dma/swiotlb.c in Linux 6.12 is what they are about.
 */
#include "answer.h"

#define SWIOTLB_PIECE (256ULL << 10) /* IO_TLB_SEGSIZE slots of 2 KiB */
#define SWIOTLB_SLOT 2048ULL

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

/* Of this line, else of the boot, else the default. */
static u64 explain_slots(const struct explain *e)
{
	if (e->event->known)
		return e->event->total;
	if (e->board->swiotlb_known && e->board->swiotlb_live)
		return e->board->swiotlb_live / SWIOTLB_SLOT;
	return 32768;
}

static void explain_used_up(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;
	u64 slots = explain_slots(e);

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

void explain_swiotlb(const struct explain *e, struct explanation *x)
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

void explain_swiotlb_boot(const struct explain *e, struct explanation *x)
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
