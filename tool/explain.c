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
#include "answer.h"
#include "reach.h"
#include "text.h"

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
	[LOG_CMA_BUSY] = explain_cma_busy,
	[LOG_CMA_RESERVE] = explain_cma_reserve,
	[LOG_SWIOTLB_BOOT] = explain_swiotlb_boot,
	[LOG_RESERVED] = explain_reserved,
	[LOG_PAGES] = explain_pages,
	[LOG_REGION] = explain_region,
	[LOG_HOST_BUFFER] = explain_host_buffer,
	[LOG_IOMMU] = explain_iommu,
	[LOG_RING] = explain_ring,
	[LOG_FAR] = explain_far,
	[LOG_DRIVER] = explain_driver,
	[LOG_MAP] = explain_map,
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
