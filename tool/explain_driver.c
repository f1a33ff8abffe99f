// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Answers to failures that only a driver tells of, in its own words.
 */
#include "answer.h"

#define LARGEST_PIECE (4ULL << 20) /* of the page allocator */

static void explain_driver_cause(const struct explain *e, struct explanation *x)
{
	explain_set(
		&x->cause,
		"the memory in reach of the device's mask is used up or in pieces, or nothing is in reach");
	if (e->event->size > LARGEST_PIECE)
		explain_set(
			&x->cause,
			"the page allocator gives 4 MiB at most, and no CMA area in reach of the device had room");
	if (explain_reaches_nothing(e))
		explain_set(
			&x->cause,
			"no memory is in the reach of the device's mask and bus");
}

void explain_driver(const struct explain *e, struct explanation *x)
{
	const struct log_event *event = e->event;

	x->title = event->size ?
			   arena_printf(e->arena, "a driver got no %s for DMA",
					explain_size(e, event->size)) :
			   "a driver got no memory for DMA";
	explain_driver_cause(e, x);
	explain_set(
		&x->remedy,
		"look for the kernel's own line beside this one: cma_alloc, page allocation failure, swiotlb\n"
		"make the default CMA area larger (cma=SIZE): large and aligned pieces come from there\n"
		"load the driver early, and let it set the widest mask that the device has");
	explain_set(
		&x->groups,
		"pieces of all sizes are claimed in the device's reach, by moving what is in the way");
}

void explain_host_buffer(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title,
		    "an NVMe drive got no memory of the host for its tables");
	explain_set(
		&x->cause,
		"the drive asks for a buffer of up to hundreds of MiB in pieces of up to 4 MiB; there were no such pieces (behind swiotlb, as in Xen's dom0, there never are)");
	explain_set(
		&x->remedy,
		"harmless: the drive works without it, with slower random access\n"
		"nvme.max_host_mem_size_mb=0 does not ask; a smaller value asks for less\n"
		"a CMA area (cma=SIZE) serves the pieces where no IOMMU translates");
	explain_set(
		&x->groups,
		"the pieces are claimed in the drive's reach, by moving what is in the way");
	(void)e;
}

void explain_map(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "a driver could not map a buffer for DMA");
	explain_set(
		&x->cause,
		"the buffer is out of the device's reach and swiotlb could not copy it, or the IOMMU had no addresses left");
	if (explain_reaches_nothing(e))
		explain_set(
			&x->cause,
			"neither the buffer nor swiotlb is in the reach of the device's mask and bus");
	explain_set(
		&x->remedy,
		"look for the kernel's own line beside this one: swiotlb, overflow; both tell more\n"
		"set the widest mask that the device has, then nothing bounces\n"
		"boot with swiotlb=65536 for twice the size of swiotlb");
	explain_set(
		&x->groups,
		"buffers that the driver allocates for DMA are in reach; those that it only maps must still bounce");
}

void explain_iommu(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "an IOMMU has no addresses left");
	explain_set(
		&x->cause,
		"mappings fill the addresses that the IOMMU has for the device (its aperture, or what is below the device's mask)");
	explain_set(
		&x->remedy,
		"set the widest mask that the device has: more addresses can be used\n"
		"if mappings only ever grow, the driver forgets to unmap: report that\n"
		"an AMD GART has a larger aperture with iommu=memaper=3; iommu=pt does without where all memory is in reach");
	explain_set(&x->groups,
		    "nothing: behind an IOMMU devices take no group's memory");
	(void)e;
}

void explain_ring(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title,
		    "a USB controller got no memory for a longer ring");
	explain_set(
		&x->cause,
		"coherent memory for the ring is asked where the driver cannot sleep: the atomic pool (arm, arm64), or the free memory in reach, was used up");
	explain_set(
		&x->remedy,
		"boot with coherent_pool=4M on arm and arm64; elsewhere a larger vm.min_free_kbytes keeps more pages ready\n"
		"queue fewer or smaller transfers; a queue that only grows is a driver's fault: report that");
	explain_set(
		&x->groups,
		"atomic requests are served from the reserve of the device's group");
	(void)e;
}

void explain_far(const struct explain *e, struct explanation *x)
{
	explain_set(&x->title, "a buffer is out of the device's reach");
	explain_set(
		&x->cause,
		"the driver says that its device, or the device's own MMU, takes addresses of 32 bits: the buffer is above 4 GiB");
	explain_set(
		&x->remedy,
		"allocate the buffer below 4 GiB: a DMA heap or CMA area that lies there, GFP_DMA32\n"
		"let the driver set its mask and map by the DMA API: then Linux copies such a buffer");
	explain_set(
		&x->groups,
		"buffers that the driver allocates for DMA are in reach; those that it only maps must still bounce");
	(void)e;
}
