// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Devices that do DMA and their constraints, from a device tree.
 *
 * A device tree does not say which devices do DMA, nor with which mask.  A node
 * counts as such a device if it and all above it are enabled, and one of these
 * holds; the first that does is reported as the reason:
 *
 *  1. it is a PCI host bridge (it stands for the devices behind it);
 *  2. it has iommus or iommu-map, dma-coherent or dma-noncoherent, or a
 *     memory-region that is a pool to allocate from;
 *  3. it is a DMA controller (#dma-cells);
 *  4. its driver in Linux sets a DMA mask or allocates DMA memory
 *     (masks.inc, made from the kernel's source);
 *  5. it has one of the generic names that the device tree specification gives
 *     to masters: ethernet, mmc, usb and so on (see class_names).
 *
 * Rules 3 to 5 want registers that the CPU sees, so that a chip on an I2C or
 * SPI bus is not mistaken for a master; rules 4 and 5 do not apply to clients
 * of a DMA controller (dmas), whose buffers are that controller's business.
 */
#include <libfdt.h>
#include <string.h>

#include "of_fdt.h"
#include "masks.h"
#include "memory.h"
#include "source.h"

static const char *const class_names[] = {
	"codec",       "crypto",
	"display",     "display-controller",
	"dma",	       "dma-controller",
	"dsi",	       "ethernet",
	"fman",	       "gpu",
	"hdmi",	       "isp",
	"jpegdec",     "jpegenc",
	"mmc",	       "nand-controller",
	"npu",	       "sata",
	"sdhci",       "ufs",
	"ufshc",       "usb",
	"video-codec", "vop",
	"vpu",
};

/* ---- constraints ----------------------------------------------------- */

/*
 * The core refuses a window that wraps around.  Firmware that says "all there is"
 * as 2^64 bytes from some start means up to the end.
 */
static void window_add(struct board *board, struct device *dev,
		       const struct of_range *range, const struct of_node *bus)
{
	struct dmag_constraint *dma = &dev->constraint;
	struct dmag_window *window = (struct dmag_window *)dma->windows;
	u64 most = U64_MAX - max(range->cpu, range->bus);
	u64 size = range->size;

	if (size - 1 > most) {
		of_note(board, bus,
			"dma-ranges: an entry runs past the end of the address space");
		size = most + 1 ?: U64_MAX;
	}
	*ARENA_ADD(&board->arena, window, dma->nr_windows) =
		(struct dmag_window){
			.cpu = range->cpu,
			.bus = range->bus,
			.size = size,
		};
	dma->windows = window;
	dev->bus_limit = max(dev->bus_limit, range->bus + (size - 1));
}

/* Linux's map ends at the first entry of size 0. */
static void window_read_all(struct board *board, const struct of_tree *tree,
			    struct device *dev, const struct of_node *bus)
{
	struct of_range range;
	struct of_cursor cursor;

	if (!of_cursor_init(&cursor, tree, bus)) {
		of_note(board, bus,
			"dma-ranges: #address-cells or #size-cells make no sense");
		return;
	}
	while (of_cursor_next(&cursor, &range)) {
		if (!range.translated) {
			of_note(board, bus,
				"dma-ranges: bus address %#llx has no CPU address, entry ignored",
				range.bus);
			continue;
		}
		if (!range.size)
			return;
		window_add(board, dev, &range, bus);
	}
}

/*
 * The first bus on the way up whose dma-ranges says something; an empty one
 * says that nothing changes, and obliges those above to say so too.
 */
static const struct of_node *window_find(const struct of_tree *tree,
					 const struct of_node *bus)
{
	bool found = false;
	unsigned int hops;
	u32 len = 0;

	for (hops = 0; bus && hops <= OF_MAX_DEPTH; hops++) {
		const void *ranges = of_get(bus, "dma-ranges", &len);

		if (ranges && len)
			return bus;
		if (found && !ranges)
			return NULL;
		found = true;
		bus = of_dma_parent(tree, bus);
	}
	return NULL;
}

/*
 * of_dma_is_coherent(): the nearest node on the way of a DMA that says either.
 * Without a word, an architecture has its default.
 */
static bool device_coherent(const struct board *board,
			    const struct of_tree *tree,
			    const struct of_node *np)
{
	unsigned int hops;

	for (hops = 0; np && hops <= OF_MAX_DEPTH; hops++) {
		if (of_has(np, "dma-coherent"))
			return true;
		if (of_has(np, "dma-noncoherent"))
			return false;
		np = of_dma_parent(tree, np);
	}
	return board->arch != ARCH_ARM64;
}

/*
 * An IOMMU that is disabled leaves its clients to dma-direct.  So does a region
 * that only holds firmware: a driver maps it, it does not allocate from it.
 */
static enum device_kind device_kind_of(const struct of_tree *tree,
				       const struct of_node *np)
{
	const struct of_node *to;
	unsigned int i;

	to = of_phandle_at(tree, np, "iommus", 0);
	if (to && to->available)
		return DEVICE_IOMMU;
	to = of_phandle_at(tree, np, "iommu-map", 1);
	if (to && to->available)
		return DEVICE_IOMMU;
	for (i = 0; (to = of_phandle_at(tree, np, "memory-region", i)); i++) {
		if (!to->available)
			continue;
		if (region_kind(to) == REGION_RESTRICTED)
			return DEVICE_RESTRICTED;
		if (region_kind(to) >= REGION_CMA)
			return DEVICE_POOL;
	}
	return DEVICE_DIRECT;
}

/* People copy the name of a node from a log, or its path from /proc. */
static bool mask_is_for(const char *option, const char *path, const char *name)
{
	return !strcmp(option, path) || !strcmp(option, name);
}

/*
 * The mask of a host bridge's driver is for its own registers and MSIs, not for
 * the devices behind it.
 */
static void device_set_mask(struct device *dev, const struct of_node *np,
			    const struct plan_options *opt)
{
	const char *name = NULL;
	unsigned int i, bits = 0;

	dev->mask_bits = 32;
	dev->mask_from = MASK_DEFAULT;
	while (!bits && (name = of_next_string(np, "compatible", name)))
		bits = driver_mask(name) & ~DRIVER_DMA;
	if (bits && !of_is_pci(np)) {
		dev->mask_bits = bits;
		dev->mask_from = MASK_TABLE;
	}
	for (i = 0; i < opt->nr_masks; i++) {
		if (!mask_is_for(opt->masks[i].node, dev->path, np->name))
			continue;
		dev->mask_bits = opt->masks[i].bits;
		dev->mask_from = MASK_OPTION;
		opt->masks[i].used = true;
	}
}

/* Both limit addresses on the bus, which is what the core wants. */
static void device_set_limit(struct device *dev)
{
	u64 mask = ~0ULL >> (64 - dev->mask_bits);

	dev->constraint.limit = dev->bus_limit ? min(mask, dev->bus_limit) :
						 mask;
	dev->constraint.attrs = dev->coherent ? 0 : DMAG_UNCACHED;
}

/* ---- devices --------------------------------------------------------- */

static bool device_has_pool(const struct of_tree *tree,
			    const struct of_node *np)
{
	enum device_kind kind = device_kind_of(tree, np);

	return kind == DEVICE_POOL || kind == DEVICE_RESTRICTED;
}

/* A name and its unit address: "usb@7e980000" is a "usb". */
static bool device_has_class_name(const struct of_node *np)
{
	size_t len = strcspn(np->name, "@");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(class_names); i++)
		if (strlen(class_names[i]) == len &&
		    !strncmp(np->name, class_names[i], len))
			return true;
	return false;
}

static bool device_has_driver(const struct of_node *np)
{
	const char *s = NULL;

	while ((s = of_next_string(np, "compatible", s)))
		if (driver_mask(s))
			return true;
	return false;
}

/* Behind a host bridge, devices are found by asking, with or without a node. */
static bool device_behind_pci(const struct of_node *np)
{
	for (np = np->parent; np; np = np->parent)
		if (of_is_pci(np))
			return true;
	return false;
}

/* Why @np is a device that does DMA, NULL if it is not. */
static const char *device_reason(const struct of_tree *tree,
				 const struct of_node *np)
{
	const char *type = of_string(np, "device_type");

	if (!np->available || !np->parent || !of_has(np, "compatible") ||
	    (type && !strcmp(type, "memory")))
		return NULL;
	if (device_behind_pci(np))
		return NULL;
	if (of_is_pci(np))
		return "PCI host bridge";
	if (of_has(np, "iommus") || of_has(np, "iommu-map"))
		return "iommus";
	if (device_has_pool(tree, np))
		return "memory-region";
	if (of_compatible(np, "simple-bus"))
		return NULL;
	if (of_has(np, "dma-coherent") || of_has(np, "dma-noncoherent"))
		return "dma-coherent";
	if (!of_memory_mapped(np))
		return NULL;
	if (of_has(np, "#dma-cells"))
		return "#dma-cells";
	if (of_has(np, "dmas"))
		return NULL;
	if (device_has_driver(np))
		return "driver";
	return device_has_class_name(np) ? "name" : NULL;
}

/* Devices behind a host bridge see its own dma-ranges, others those above them. */
static void device_add(struct board *board, const struct of_tree *tree,
		       const struct of_node *np, const char *why,
		       const struct plan_options *opt)
{
	struct device *dev =
		ARENA_ADD(&board->arena, board->devices, board->nr_devices);
	const struct of_node *bus = of_is_pci(np) ? np :
						    of_dma_parent(tree, np);

	dev->path = of_path(board, np);
	dev->compatible = of_string(np, "compatible");
	dev->why = why;
	dev->kind = device_kind_of(tree, np);
	dev->coherent = device_coherent(board, tree, np);
	bus = window_find(tree, bus);
	if (bus)
		window_read_all(board, tree, dev, bus);
	device_set_mask(dev, np, opt);
	device_set_limit(dev);
}

/* ---- what the kernel makes of it for ZONE_DMA ------------------------ */

/* Of all dma-ranges, the one that ends first sets the limit. */
static void zone_limit_by(struct board *board, const struct of_tree *tree,
			  const struct of_node *np)
{
	struct of_cursor cursor;
	struct of_range range;
	u64 end = 0;
	u32 len;

	if (!of_get(np, "dma-ranges", &len) || !len)
		return;
	if (!of_cursor_init(&cursor, tree, np))
		return;
	while (of_cursor_next(&cursor, &range)) {
		if (!range.translated)
			range.cpu = U64_MAX;
		if (range.cpu + range.size > end)
			end = range.cpu + range.size - 1;
	}
	board->zone_dma_limit = min(board->zone_dma_limit, end);
}

/* Every riscv tree has one of these in its CPU nodes, and no other tree has. */
static enum arch arch_guess(const struct of_tree *tree)
{
	const struct of_node *np;

	for (np = tree->root->next; np; np = np->next)
		if (of_compatible(np, "riscv") || of_has(np, "riscv,isa") ||
		    of_has(np, "riscv,isa-base"))
			return ARCH_RISCV;
	return ARCH_ARM64;
}

/**
 * board_from_fdt() - Fill a board from a flattened device tree.
 * @board: the board, as board_init() left it
 * @blob: the device tree; must stay as long as the board
 * @size: its length in bytes
 * @opt: what the user knows better
 *
 * Return: 0, or -1 with board->error set.
 */
int board_from_fdt(struct board *board, const void *blob, size_t size,
		   struct plan_options *opt)
{
	const struct of_node *np;
	struct of_tree tree;

	if (of_unflatten(&tree, board, blob, size))
		return -1;
	board->model = of_string(tree.root, "model");
	board->compatible = of_string(tree.root, "compatible");
	board->arch = opt->arch ? opt->arch : arch_guess(&tree);
	if (memory_read(board, &tree, opt) || memory_read_regions(board, &tree))
		return -1;
	memory_read_reservations(board, blob);
	for (np = tree.root; np; np = np->next) {
		const char *why = device_reason(&tree, np);

		if (why)
			device_add(board, &tree, np, why, opt);
		if (np->available)
			zone_limit_by(board, &tree, np);
	}
	return 0;
}
