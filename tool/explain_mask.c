// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Answers about masks and buses: kernel/dma/direct.c in Linux 6.12 is what they are
 * about.
 */
#include "answer.h"

/* From so many bits on, an address is hardly one of memory.  AMD's encryption sets one
 * of two bits above those of the address.
 */
#define EXPLAIN_NO_MEMORY_BITS 47
#define EXPLAIN_ENCRYPTED (BIT_ULL(47) | BIT_ULL(51))

/* The address was made from a pointer that is none of the linear map. */
static void explain_no_memory(const struct explain *e, struct explanation *x)
{
	x->cause = arena_printf(
		e->arena,
		"hardly any machine has memory at %#llx: the driver mapped a buffer on the stack, from vmalloc() or of a module",
		e->event->addr);
	explain_set(
		&x->remedy,
		"let the driver take its buffers for DMA from kmalloc() or the DMA API; CONFIG_DMA_API_DEBUG finds the place");
	explain_set(&x->groups, "no change: the driver's error stays one");
}

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

void explain_overflow(const struct explain *e, struct explanation *x)
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
	} else if (explain_bits(event->addr & ~EXPLAIN_ENCRYPTED) >=
		   EXPLAIN_NO_MEMORY_BITS) {
		explain_no_memory(e, x);
	} else {
		explain_narrow_mask(e, x);
	}
}

void explain_mask_refused(const struct explain *e, struct explanation *x)
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
	if (explain_reaches_nothing(e))
		explain_set(&x->cause,
			    "the device reaches no memory with that mask");
}

void explain_mask_unset(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "the device has no DMA mask");
	explain_set(
		&x->cause,
		"the driver never set one, and no bus did: since 4.18 memory for DMA is refused then");
	explain_set(
		&x->remedy,
		"call dma_set_mask_and_coherent() in probe; for a device made by hand, dma_coerce_mask_and_coherent()");
	explain_set(
		&x->groups,
		"no change: without a mask there is no reach, and so no group");
	(void)e;
}

void explain_mask_zone(const struct explain *e, struct explanation *x)
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

void explain_setup(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "a driver found no memory for its setup");
	explain_set(
		&x->cause,
		"-12 in setup is mostly a coherent allocation that failed: the mask is too narrow for the bus, or the memory in reach is used up");
	if (e->event->mask)
		x->cause = arena_printf(
			e->arena,
			"-12 in setup is mostly a coherent allocation that failed: the driver took a mask of %u bits, with which the bus reaches nothing, or too little that is free",
			explain_bits(e->event->mask));
	if (explain_reaches_nothing(e))
		explain_set(
			&x->cause,
			"the mask is too narrow for the bus: no memory is in the device's reach");
	explain_set(
		&x->remedy,
		"look at the same device under dmag plan: a host bridge shows from which mask on its cards reach memory\n"
		"if all is in reach, look for page allocation failures before this line\n"
		"a driver that wants large pieces needs a CMA area (cma=SIZE), or to load early");
	explain_set(
		&x->groups,
		"dmag's own line says what the group had, if there was memory in reach");
}

/* Only one of many reasons for -EIO, but the one that leaves no other line. */
void explain_probe(const struct explain *e, struct explanation *x)
{
	explain_mask_refused(e, x);
	x->title = "a driver gave up with -EIO, which a refused DMA mask gives";
	explain_set(
		&x->cause,
		"if no other line tells of an error before it: the DMA mask was refused, because below 32 bits it has to cover all of ZONE_DMA, or because memory is out of its reach");
}
