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

#include "of.h"

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

/* ---- memory ---------------------------------------------------------- */

/* The first @size bytes from @start, as far as there are addresses. */
static struct span span_of(u64 start, u64 size)
{
	struct span s = { start, start + (size - 1) };

	if (size - 1 > U64_MAX - start)
		s.last = U64_MAX;
	return s;
}

struct reg_cursor {
	const u8 *at, *end;
	unsigned int na, ns;
};

static bool reg_init(struct reg_cursor *c, const struct of_node *np,
		     const char *name)
{
	u32 len;
	const u8 *data = of_get(np, name, &len);

	if (!data)
		return false;
	c->at = data;
	c->end = data + len;
	c->na = of_addr_cells(np->parent);
	c->ns = of_size_cells(np->parent);
	return true;
}

static bool reg_next(struct reg_cursor *c, u64 *start, u64 *size)
{
	if ((size_t)(c->end - c->at) < (c->na + c->ns) * 4)
		return false;
	*start = of_number(c->at, c->na);
	*size = of_number(c->at + c->na * 4, c->ns);
	c->at += (c->na + c->ns) * 4;
	return true;
}

static int bad_reg(struct board *b, const struct of_node *np, const char *name,
		   const struct reg_cursor *c)
{
	return of_fail(b, np, "%s: %td bytes are no list of %u + %u cells",
		       name, c->end - c->at, c->na, c->ns);
}

static void add_bank(struct board *b, const struct of_node *np, u64 start,
		     u64 size, const struct plan_options *opt)
{
	if (!size && !opt->assume) {
		of_note(b, np,
			"reg: the size is left to the firmware (give --memory or --assume-memory)");
		return;
	}
	if (!size)
		of_note(b, np, "reg: no size, assuming %llu MiB",
			opt->assume >> 20);
	*ARENA_ADD(&b->arena, b->banks, b->nr_banks) =
		span_of(start, size ? size : opt->assume);
}

static int read_bank(struct board *b, const struct of_node *np,
		     const struct plan_options *opt)
{
	const char *name = "linux,usable-memory";
	struct reg_cursor c;
	u64 start, size;

	if (!of_has(np, name))
		name = "reg";
	if (!reg_init(&c, np, name))
		return of_fail(b, np, "reg: missing");
	if (!c.na || c.na > 2 || !c.ns || c.ns > 2)
		return bad_reg(b, np, name, &c);
	while (reg_next(&c, &start, &size))
		add_bank(b, np, start, size, opt);
	return c.at == c.end ? 0 : bad_reg(b, np, name, &c);
}

static int read_memory(struct board *b, const struct of_tree *tree,
		       const struct plan_options *opt)
{
	const struct of_node *np;

	if (opt->nr_memory) {
		b->banks = opt->memory;
		b->nr_banks = opt->nr_memory;
		return 0;
	}
	for (np = tree->root->child; np; np = np->sibling) {
		const char *type = of_string(np, "device_type");

		if (np->available && type && !strcmp(type, "memory") &&
		    read_bank(b, np, opt))
			return -1;
	}
	return 0;
}

/* ---- reserved memory ------------------------------------------------- */

static enum region_kind region_kind(const struct of_node *np)
{
	if (of_compatible(np, "restricted-dma-pool"))
		return REGION_RESTRICTED;
	if (of_compatible(np, "shared-dma-pool"))
		return of_has(np, "reusable") ? REGION_CMA : REGION_COHERENT;
	return of_has(np, "no-map") ? REGION_NOMAP : REGION_RESERVED;
}

static void add_region(struct board *b, const struct of_node *np, bool placed,
		       u64 start, u64 size)
{
	struct region *r;

	if (!size)
		return;
	r = ARENA_ADD(&b->arena, b->regions, b->nr_regions);
	r->name = np ? of_path(b, np) : "memory reservation block";
	r->kind = np ? region_kind(np) : REGION_RESERVED;
	r->placed = placed;
	r->size = size;
	if (placed)
		r->span = span_of(start, size);
}

static int read_region(struct board *b, const struct of_node *np)
{
	struct reg_cursor c;
	u64 start, size;
	u32 len;
	const u8 *data;

	if (reg_init(&c, np, "reg")) {
		if (!c.na || c.na > 2 || c.ns > 2)
			return bad_reg(b, np, "reg", &c);
		while (c.ns && reg_next(&c, &start, &size))
			add_region(b, np, true, start, size);
		return c.at == c.end ? 0 : bad_reg(b, np, "reg", &c);
	}
	data = of_get(np, "size", &len);
	if (data && (len == 4 || len == 8))
		add_region(b, np, false, 0, of_number(data, len / 4));
	else if (data)
		return of_fail(b, np, "size: %u bytes are no number", len);
	return 0;
}

/* Pairs of 64-bit numbers; libfdt has checked that they are there. */
static void read_reservations(struct board *b, const void *blob)
{
	const u8 *at = (const u8 *)blob + fdt_off_mem_rsvmap(blob);
	int i, nr = fdt_num_mem_rsv(blob);

	for (i = 0; i < nr; i++, at += 16)
		add_region(b, NULL, true, of_number(at, 2),
			   of_number(at + 8, 2));
}

static int read_regions(struct board *b, const struct of_tree *tree)
{
	const struct of_node *np;

	for (np = tree->root->child; np; np = np->sibling)
		if (!strcmp(np->name, "reserved-memory") && np->available)
			break;
	for (np = np ? np->child : NULL; np; np = np->sibling)
		if (np->available && read_region(b, np))
			return -1;
	return 0;
}

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
