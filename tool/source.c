// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Steps that all sources share: the user's word on a device, and its limits.
 */
#include <fnmatch.h>

#include "cmdline.h"
#include "source.h"

/* The last option that fits counts, as the last one of anything does. */
static const struct node_option *source_option(struct node_options *opt,
					       const struct device *dev,
					       const char *name)
{
	const struct node_option *found = NULL;
	unsigned int i;

	for (i = 0; i < opt->nr; i++) {
		struct node_option *item = &opt->item[i];

		/* People copy a node's name from a log, or its path from /proc. */
		if (fnmatch(item->node, dev->path, 0) &&
		    fnmatch(item->node, name, 0))
			continue;
		item->used = true;
		found = item;
	}
	return found;
}

/**
 * source_begin() - Take the user's word on the machine.
 * @board: the board, with the source's own command line read
 * @opt: the user's options
 */
void source_begin(struct board *board, const struct plan_options *opt)
{
	if (opt->arch)
		board->arch = opt->arch;
	if (opt->cmdline)
		cmdline_read(board, opt->cmdline);
}

/**
 * source_add_window() - Give a device one more window.
 * @board: the board whose arena it lives in
 * @dev: the device
 * @window: must not run past the end of either address space
 */
void source_add_window(struct board *board, struct device *dev,
		       const struct dmag_window *window)
{
	struct dmag_constraint *dma = &dev->constraint;
	struct dmag_window *all = (struct dmag_window *)dma->windows;

	*ARENA_ADD(&board->arena, all, dma->nr_windows) = *window;
	dma->windows = all;
	dev->bus_limit = max(dev->bus_limit, window->bus + (window->size - 1));
}

/* --window replaces what the source knows; every fitting one counts. */
static void source_set_windows(struct board *board, struct device *dev,
			       const char *name, struct node_options *opt)
{
	unsigned int i;

	if (!source_option(opt, dev, name))
		return;
	dev->constraint.windows = NULL;
	dev->constraint.nr_windows = 0;
	dev->bus_limit = 0;
	for (i = 0; i < opt->nr; i++) {
		struct node_options one = { &opt->item[i], 1 };

		if (source_option(&one, dev, name))
			source_add_window(board, dev, &opt->item[i].window);
	}
}

/* Mask and bus both limit addresses on the bus, which is what the core wants. */
static u64 source_limit(const struct device *dev, unsigned int bits)
{
	u64 mask = ~0ULL >> (64 - bits);

	return dev->bus_limit ? min(mask, dev->bus_limit) : mask;
}

/**
 * source_finish_device() - Apply the user's options, then set the constraint.
 * @board: the board
 * @dev: the device, whose masks, windows and kind are the source's
 * @name: its name besides its path
 * @opt: the options; those that fit are marked as used
 */
void source_finish_device(struct board *board, struct device *dev,
			  const char *name, struct plan_options *opt)
{
	const struct node_option *mask = source_option(&opt->masks, dev, name);

	if (mask) {
		dev->mask_bits = mask->bits;
		dev->stream_bits = mask->bits;
		dev->mask_from = MASK_OPTION;
	}
	source_set_windows(board, dev, name, &opt->windows);
	if (dev->kind == DEVICE_IOMMU &&
	    (board->cmdline.no_iommu ||
	     source_option(&opt->no_iommu, dev, name)))
		dev->kind = DEVICE_DIRECT;
	dev->constraint.limit = source_limit(dev, dev->mask_bits);
	dev->constraint.attrs = dev->coherent ? 0 : DMAG_UNCACHED;
}
