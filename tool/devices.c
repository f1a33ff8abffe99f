// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What a device tree says about memory and about devices that do DMA.
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

static void add_window(struct board *b, struct device *d,
		       const struct of_range *r, const struct of_node *bus)
{
	struct dmag_constraint *c = &d->constraint;
	struct dmag_window *w = (struct dmag_window *)c->windows;
	u64 most = U64_MAX - max(r->cpu, r->bus);
	u64 size = r->size;

	if (size - 1 > most) {
		of_note(b, bus,
			"dma-ranges: an entry runs past the end of the address space");
		size = most + 1 ?: U64_MAX;
	}
	*ARENA_ADD(&b->arena, w, c->nr_windows) = (struct dmag_window){
		.cpu = r->cpu,
		.bus = r->bus,
		.size = size,
	};
	c->windows = w;
	d->bus_limit = max(d->bus_limit, r->bus + (size - 1));
}

/* Linux's map ends at the first entry of size 0. */
static void read_windows(struct board *b, const struct of_tree *tree,
			 struct device *d, const struct of_node *bus)
{
	struct of_range r;
	struct of_cursor c;

	if (!of_cursor_init(&c, tree, bus)) {
		of_note(b, bus,
			"dma-ranges: #address-cells or #size-cells make no sense");
		return;
	}
	while (of_cursor_next(&c, &r)) {
		if (!r.translated) {
			of_note(b, bus,
				"dma-ranges: bus address %#llx has no CPU address, entry ignored",
				r.bus);
			continue;
		}
		if (!r.size)
			return;
		add_window(b, d, &r, bus);
	}
}

/*
 * The first bus on the way up whose dma-ranges says something; an empty one
 * says that nothing changes, and obliges those above to say so too.
 */
static const struct of_node *find_windows(const struct of_tree *tree,
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

static bool read_coherent(const struct board *b, const struct of_tree *tree,
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
	return b->arch != ARCH_ARM64;
}

static enum device_kind read_kind(const struct of_tree *tree,
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

static bool same_node(const char *option, const char *path, const char *name)
{
	return !strcmp(option, path) || !strcmp(option, name);
}

static void set_mask(struct device *d, const struct of_node *np,
		     const struct plan_options *opt)
{
	const char *s = NULL;
	unsigned int i, bits = 0;

	d->mask_bits = 32;
	d->mask_from = MASK_DEFAULT;
	while (!bits && (s = of_next_string(np, "compatible", s)))
		bits = driver_mask(s) & ~DRIVER_DMA;
	if (bits && !of_is_pci(np)) {
		d->mask_bits = bits;
		d->mask_from = MASK_TABLE;
	}
	for (i = 0; i < opt->nr_masks; i++) {
		if (!same_node(opt->masks[i].node, d->path, np->name))
			continue;
		d->mask_bits = opt->masks[i].bits;
		d->mask_from = MASK_OPTION;
		opt->masks[i].used = true;
	}
}

static void set_limit(struct device *d)
{
	u64 mask = ~0ULL >> (64 - d->mask_bits);

	d->constraint.limit = d->bus_limit ? min(mask, d->bus_limit) : mask;
	d->constraint.attrs = d->coherent ? 0 : DMAG_UNCACHED;
}

/* ---- devices --------------------------------------------------------- */

static bool has_pool(const struct of_tree *tree, const struct of_node *np)
{
	enum device_kind kind = read_kind(tree, np);

	return kind == DEVICE_POOL || kind == DEVICE_RESTRICTED;
}

static bool has_class_name(const struct of_node *np)
{
	size_t len = strcspn(np->name, "@");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(class_names); i++)
		if (strlen(class_names[i]) == len &&
		    !strncmp(np->name, class_names[i], len))
			return true;
	return false;
}

static bool has_driver(const struct of_node *np)
{
	const char *s = NULL;

	while ((s = of_next_string(np, "compatible", s)))
		if (driver_mask(s))
			return true;
	return false;
}

/* Behind a host bridge, devices are found by asking, with or without a node. */
static bool behind_pci(const struct of_node *np)
{
	for (np = np->parent; np; np = np->parent)
		if (of_is_pci(np))
			return true;
	return false;
}

/* Why @np is a device that does DMA, NULL if it is not. */
static const char *dma_reason(const struct of_tree *tree,
			      const struct of_node *np)
{
	const char *type = of_string(np, "device_type");

	if (!np->available || !np->parent || !of_has(np, "compatible") ||
	    (type && !strcmp(type, "memory")))
		return NULL;
	if (behind_pci(np))
		return NULL;
	if (of_is_pci(np))
		return "PCI host bridge";
	if (of_has(np, "iommus") || of_has(np, "iommu-map"))
		return "iommus";
	if (has_pool(tree, np))
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
	if (has_driver(np))
		return "driver";
	return has_class_name(np) ? "name" : NULL;
}

static void add_device(struct board *b, const struct of_tree *tree,
		       const struct of_node *np, const char *why,
		       const struct plan_options *opt)
{
	struct device *d = ARENA_ADD(&b->arena, b->devices, b->nr_devices);
	const struct of_node *bus = of_is_pci(np) ? np :
						    of_dma_parent(tree, np);

	d->path = of_path(b, np);
	d->compatible = of_string(np, "compatible");
	d->why = why;
	d->kind = read_kind(tree, np);
	d->coherent = read_coherent(b, tree, np);
	bus = find_windows(tree, bus);
	if (bus)
		read_windows(b, tree, d, bus);
	set_mask(d, np, opt);
	set_limit(d);
}

/* ---- what the kernel makes of it for ZONE_DMA ------------------------ */

/* Of all dma-ranges, the one that ends first sets the limit. */
static void limit_zone(struct board *b, const struct of_tree *tree,
		       const struct of_node *np)
{
	struct of_cursor c;
	struct of_range r;
	u64 end = 0;
	u32 len;

	if (!of_get(np, "dma-ranges", &len) || !len)
		return;
	if (!of_cursor_init(&c, tree, np))
		return;
	while (of_cursor_next(&c, &r)) {
		if (!r.translated)
			r.cpu = U64_MAX;
		if (r.cpu + r.size > end)
			end = r.cpu + r.size - 1;
	}
	b->zone_dma_limit = min(b->zone_dma_limit, end);
}

static enum arch guess_arch(const struct of_tree *tree)
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
 * @b: the board, as board_init() left it
 * @blob: the device tree; must stay as long as the board
 * @size: its length in bytes
 * @opt: what the user knows better
 *
 * Return: 0, or -1 with b->error set.
 */
int board_from_fdt(struct board *b, const void *blob, size_t size,
		   struct plan_options *opt)
{
	const struct of_node *np;
	struct of_tree tree;

	if (of_unflatten(&tree, b, blob, size))
		return -1;
	b->model = of_string(tree.root, "model");
	b->compatible = of_string(tree.root, "compatible");
	b->arch = opt->arch ? opt->arch : guess_arch(&tree);
	if (read_memory(b, &tree, opt) || read_regions(b, &tree))
		return -1;
	read_reservations(b, blob);
	for (np = tree.root; np; np = np->next) {
		const char *why = dma_reason(&tree, np);

		if (why)
			add_device(b, &tree, np, why, opt);
		if (np->available)
			limit_zone(b, &tree, np);
	}
	return 0;
}
