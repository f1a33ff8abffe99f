// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Devices that do DMA and their constraints, from a device tree.
 *
 * A device tree does not say which devices do DMA, nor with which mask.  A node
 * counts as such a device if it and all above it are enabled, and one of these
 * holds; the first that does is reported as the reason:
 *
 *  1. it is a PCI host bridge (it stands for the devices behind it);
 *  2. it has iommus or iommu-map, or a memory-region that is a pool to allocate
 *     from;
 *  3. it is a DMA controller (#dma-cells);
 *  4. it has dma-coherent or dma-noncoherent;
 *  5. its driver in Linux sets a DMA mask or allocates DMA memory
 *     (masks.inc, made from the kernel's source);
 *  6. it has one of the generic names that the device tree specification gives
 *     to masters: ethernet, mmc, usb and so on (see class_names).
 *
 * Rules 3 to 6 pass over buses, IOMMUs, interrupt controllers, and glue around a
 * device of the same name.  Rules 3, 5 and 6 want registers that the CPU sees, so
 * that a chip on an I2C or SPI bus is not mistaken for a master.  Rules 4 to 6 do
 * not apply to clients of a DMA controller (dmas), whose buffers are allocated
 * for that controller.
 */
#include <libfdt.h>
#include <string.h>

#include "arch.h"
#include "cmdline.h"
#include "masks.h"
#include "memory.h"
#include "of_fdt.h"
#include "source.h"

static const char *const class_names[] = {
	"crypto",
	"dma",
	"dma-controller",
	"display-controller",
	"dsi",
	"ethernet",
	"fman",
	"gpu",
	"hdmi",
	"isp",
	"jpegdec",
	"jpegenc",
	"mmc",
	"npu",
	"nand-controller",
	"sata",
	"sdhci",
	"ufs",
	"ufshc",
	"usb",
	"video-codec",
	"vop",
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
	u64 most = U64_MAX - max(range->cpu, range->bus);
	struct dmag_window window = { range->cpu, range->bus, range->size };

	if (range->size - 1 > most) {
		of_warn(board, bus,
			"dma-ranges: an entry runs past the end of the address space");
		window.size = most + 1 ?: U64_MAX;
	}
	source_add_window(board, dev, &window);
}

/*
 * Linux's map ends at the first entry of size 0.  If none of its entries leads to the
 * CPU's addresses, there is no map, and devices get CPU addresses as they are.
 */
static void window_read_all(struct board *board, const struct of_tree *tree,
			    struct device *dev, const struct of_node *bus)
{
	struct of_range range;
	struct of_cursor cursor;
	bool lost = false;

	if (!of_cursor_init(&cursor, tree, bus)) {
		of_warn(board, bus,
			"dma-ranges: #address-cells or #size-cells make no sense");
		return;
	}
	while (of_cursor_next(&cursor, &range)) {
		if (!range.translated) {
			of_warn(board, bus,
				"dma-ranges: bus address %#llx has no CPU address, entry ignored",
				range.bus);
			lost = true;
			continue;
		}
		if (!range.size)
			break;
		window_add(board, dev, &range, bus);
	}
	if (lost && !dev->constraint.nr_windows)
		of_warn(board, bus,
			"dma-ranges: none is left: Linux gives devices below CPU addresses, which this bus does not carry");
}

/* Windows further up that the rule of window_find() hides: a likely mistake. */
static void window_note_lost(struct board *board, const struct of_tree *tree,
			     const struct of_node *bus)
{
	const struct of_node *up = bus;
	unsigned int hops;
	u32 len;

	for (hops = 0; up && hops <= OF_MAX_DEPTH; hops++) {
		if (of_get(up, "dma-ranges", &len) && len) {
			of_warn(board, bus,
				"dma-ranges: missing, so that those of %s are lost for devices below",
				of_path(board, up));
			return;
		}
		up = of_dma_parent(tree, up);
	}
}

/*
 * The first bus on the way up whose dma-ranges says something; an empty one
 * says that nothing changes, and obliges those above to say so too.
 */
static const struct of_node *window_find(struct board *board,
					 const struct of_tree *tree,
					 const struct of_node *bus)
{
	bool found = false;
	unsigned int hops;
	u32 len = 0;

	for (hops = 0; bus && hops <= OF_MAX_DEPTH; hops++) {
		const void *ranges = of_get(bus, "dma-ranges", &len);

		if (ranges && len)
			return bus;
		if (found && !ranges) {
			window_note_lost(board, tree, bus);
			return NULL;
		}
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
	return board->arch != ARCH_ARM64 && board->arch != ARCH_ARM;
}

/* The first enabled region that @np allocates from; NULL if there is none. */
static const struct of_node *device_pool_node(const struct of_tree *tree,
					      const struct of_node *np)
{
	const struct of_node *to;
	unsigned int i;

	for (i = 0; (to = of_phandle_at(tree, np, "memory-region", i)); i++)
		if (to->available && region_kind(to) >= REGION_CMA)
			return to;
	return NULL;
}

static bool device_has_iommu(const struct of_tree *tree,
			     const struct of_node *np)
{
	const struct of_node *to;

	to = of_phandle_at(tree, np, "iommus", 0);
	if (to && to->available)
		return true;
	to = of_phandle_at(tree, np, "iommu-map", 1);
	return to && to->available;
}

/*
 * An IOMMU that is disabled leaves its clients to dma-direct.  So does a region
 * that only holds firmware: a driver maps it, it does not allocate from it.
 */
static enum device_kind device_kind_of(const struct of_tree *tree,
				       const struct of_node *np)
{
	const struct of_node *pool = device_pool_node(tree, np);

	if (device_has_iommu(tree, np))
		return DEVICE_IOMMU;
	if (!pool)
		return DEVICE_DIRECT;
	return region_kind(pool) == REGION_RESTRICTED ? DEVICE_RESTRICTED :
							DEVICE_POOL;
}

static const struct region *region_named(const struct board *board,
					 const char *path)
{
	unsigned int i;

	for (i = 0; i < board->nr_regions; i++)
		if (!strcmp(board->regions[i].name, path))
			return &board->regions[i];
	return NULL;
}

/*
 * CONFIG_DMA_GLOBAL_POOL, which some riscv systems select: the only memory that
 * the CPU can use without its caches is one pool.  On arm64 and arm with an MMU
 * the property means nothing.
 */
static const struct region *region_for_all(const struct board *board)
{
	unsigned int i;

	if (board->arch != ARCH_RISCV)
		return NULL;
	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].pool_default)
			return &board->regions[i];
	return NULL;
}

static void device_set_pool(struct board *board, const struct of_tree *tree,
			    const struct of_node *np, struct device *dev)
{
	const struct of_node *pool = device_pool_node(tree, np);

	if (dev->kind == DEVICE_POOL || dev->kind == DEVICE_RESTRICTED)
		dev->pool = region_named(board, of_path(board, pool));
	if (dev->kind != DEVICE_DIRECT || dev->coherent)
		return;
	dev->pool = region_for_all(board);
	if (dev->pool)
		dev->kind = DEVICE_DEFAULT_POOL;
}

/*
 * The mask of a host bridge's driver is for its own registers and MSIs, not for
 * the devices behind it, whose masks a tree does not tell.
 */
static void device_set_mask(struct device *dev, const struct of_node *np)
{
	enum driver_dma known = DRIVER_UNKNOWN;
	unsigned int bits = 32;
	const char *name = NULL;

	while (!dev->bridge && !known &&
	       (name = of_next_string(np, "compatible", name)))
		known = driver_mask(name, &bits);
	dev->mask_bits = bits;
	dev->stream_bits = bits;
	dev->mask_from = MASK_UNKNOWN;
	if (known == DRIVER_CONSTANT)
		dev->mask_from = MASK_TABLE;
	else if (known == DRIVER_DEFAULT)
		dev->mask_from = MASK_DEFAULT;
}

/* ---- devices --------------------------------------------------------- */

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
	const char *name = NULL;
	unsigned int bits;

	while ((name = of_next_string(np, "compatible", name)))
		if (driver_mask(name, &bits))
			return true;
	return false;
}

/*
 * Functions and bridges of a PCI bus are found by asking, with or without a
 * node.  A bus below a function (RP1 on a Raspberry Pi 5) has platform devices
 * like any other.
 */
static bool device_on_pci(const struct of_node *np)
{
	return of_is_pci(np->parent);
}

/* Their own DMA, if any, is not through the DMA API's allocators. */
static bool device_is_infrastructure(const struct of_node *np)
{
	return of_has(np, "#iommu-cells") || of_has(np, "msi-controller") ||
	       of_has(np, "dma-masters") || /* a router of requests */
	       of_has(np, "interrupt-controller") ||
	       of_compatible(np, "simple-bus") ||
	       of_compatible(np, "simple-mfd") ||
	       of_compatible(np, "simple-pm-bus");
}

static bool device_same_class(const struct of_node *np,
			      const struct of_node *other)
{
	size_t len = strcspn(np->name, "@");

	return len == strcspn(other->name, "@") &&
	       !strncmp(np->name, other->name, len);
}

/* Glue around a core of the same name: usb@x with usb@y in it. */
static bool device_is_wrapper(const struct of_node *np)
{
	const struct of_node *child;

	for (child = np->child; child; child = child->sibling)
		if (child->available && of_has(child, "compatible") &&
		    of_has(child, "reg") && of_has(np, "ranges") &&
		    device_same_class(np, child))
			return true;
	return false;
}

/* Nodes that cannot be devices of this machine's CPU. */
static bool device_possible(const struct of_node *np)
{
	const char *type = of_string(np, "device_type");

	return np->available && np->parent && of_has(np, "compatible") &&
	       !(type && !strcmp(type, "memory")) &&
	       strcmp(np->parent->name, "reserved-memory") &&
	       !device_on_pci(np);
}

/* Why @np is a device that does DMA, NULL if it is not. */
static const char *device_reason(const struct of_tree *tree,
				 const struct of_node *np)
{
	if (!device_possible(np))
		return NULL;
	if (of_is_pci(np))
		return "PCI host bridge";
	if (of_has(np, "iommus") || of_has(np, "iommu-map"))
		return "iommus";
	if (device_pool_node(tree, np))
		return "memory-region";
	if (device_is_infrastructure(np) || device_is_wrapper(np))
		return NULL;
	if (of_has(np, "#dma-cells") && of_memory_mapped(np))
		return "#dma-cells";
	if (of_has(np, "dmas"))
		return NULL;
	if (of_has(np, "dma-coherent") || of_has(np, "dma-noncoherent"))
		return "dma-coherent";
	if (!of_memory_mapped(np))
		return NULL;
	if (device_has_driver(np))
		return "driver";
	return device_has_class_name(np) ? "name" : NULL;
}

/* Devices behind a host bridge see its own dma-ranges, others those above them. */
static void device_add(struct board *board, const struct of_tree *tree,
		       const struct of_node *np, const char *why,
		       struct plan_options *opt)
{
	struct device *dev =
		ARENA_ADD(&board->arena, board->devices, board->nr_devices);
	const struct of_node *bus;

	dev->path = of_path(board, np);
	dev->compatible = of_string(np, "compatible");
	dev->why = why;
	dev->bridge = of_is_pci(np);
	dev->kind = device_kind_of(tree, np);
	dev->coherent = device_coherent(board, tree, np);
	bus = window_find(board, tree,
			  dev->bridge ? np : of_dma_parent(tree, np));
	if (bus)
		window_read_all(board, tree, dev, bus);
	device_set_mask(dev, np);
	source_finish_device(board, dev, np->name, opt);
	device_set_pool(board, tree, np, dev);
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

/* The boot loader may replace bootargs; on a running machine it has. */
static void read_chosen(struct board *board, const struct of_tree *tree)
{
	const struct of_node *chosen = of_child(tree->root, "chosen");
	const char *bootargs = chosen ? of_string(chosen, "bootargs") : NULL;

	if (bootargs && !board->live)
		cmdline_read(board, bootargs);
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
	read_chosen(board, &tree);
	if (!opt->arch)
		board->arch = arch_of_tree(board, &tree);
	source_begin(board, opt);
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
