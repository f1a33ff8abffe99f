// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The running machine as a source: what /proc and /sys say.
 *
 * Memory is in /proc/iomem, whose addresses only root sees; the firmware's map
 * in /sys/firmware/memmap is the second best, for it knows nothing of what the
 * kernel left out.  Zones are in /proc/zoneinfo.  A PCI device counts if it has
 * a driver, is no bridge, and may master the bus: sysfs shows a mask of 32 bits
 * for a device that never does DMA as well, and bus mastering is what tells them
 * apart.  Other buses do not show their masks; on a machine with a device tree
 * its devices are taken from there (root again), by the rules of devices.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "source.h"
#include "sysfile.h"

struct live {
	struct board *b;
	const char *root;
	struct plan_options *opt;
};

static char *live_path(const struct live *l, const char *fmt, ...)
	__printf(2, 3);

static char *live_path(const struct live *l, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(&l->b->arena, fmt, args);
	va_end(args);
	return *l->root ? arena_printf(&l->b->arena, "%s%s", l->root, s) : s;
}

/* ---- memory ---------------------------------------------------------- */

static void add_bank(struct board *b, u64 start, u64 last)
{
	if (start <= last)
		*ARENA_ADD(&b->arena, b->banks, b->nr_banks) =
			(struct span){ start, last };
}

/* "00100000-bffdffff : System RAM", all zeros for those without privilege. */
static void iomem_line(struct board *b, const char *line)
{
	unsigned long long start, last;
	char name[11];

	if (sscanf(line, " %llx-%llx : %10[^\n]", &start, &last, name) == 3 &&
	    !strcmp(name, "System RAM") && last)
		add_bank(b, start, last);
}

static void read_iomem(const struct live *l)
{
	char *line, *save, *text;

	text = sys_read(&l->b->arena, live_path(l, "/proc/iomem"), NULL);
	line = text ? strtok_r(text, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save))
		iomem_line(l->b, line);
}

static void read_memmap(const struct live *l)
{
	static const char by_firmware[] =
		"/proc/iomem: addresses need root; memory is from the firmware's map";
	struct arena *a = &l->b->arena;
	unsigned int i, nr;
	u64 start, last;
	char **names;

	nr = sys_list(a, live_path(l, "/sys/firmware/memmap"), &names);
	for (i = 0; i < nr; i++) {
		const char *dir =
			live_path(l, "/sys/firmware/memmap/%s", names[i]);
		const char *type = sys_line(a, arena_printf(a, "%s/type", dir));

		if (type && !strcmp(type, "System RAM") &&
		    sys_number(a, arena_printf(a, "%s/start", dir), &start) &&
		    sys_number(a, arena_printf(a, "%s/end", dir), &last))
			add_bank(l->b, start, last);
	}
	if (l->b->nr_banks)
		board_note(l->b, "%s", by_firmware);
}

static int read_memory(const struct live *l)
{
	static const char unknown[] =
		"/proc/iomem: where memory is needs root here (or give --memory)";

	if (l->opt->nr_memory) {
		l->b->banks = l->opt->memory;
		l->b->nr_banks = l->opt->nr_memory;
		return 0;
	}
	read_iomem(l);
	if (!l->b->nr_banks)
		read_memmap(l);
	if (!l->b->nr_banks)
		return board_fail(l->b, "%s", unknown);
	return 0;
}

/* ---- zones ----------------------------------------------------------- */

static struct zone *zone_named(struct board *b, const char *name)
{
	unsigned int i;

	for (i = 0; i < b->nr_zones; i++)
		if (!strcmp(b->zones[i].name, name))
			return &b->zones[i];
	if (b->nr_zones == MAX_ZONES)
		return NULL;
	b->zones[i].name = arena_printf(&b->arena, "%s", name);
	b->zones[i].range = (struct dmag_range){ U64_MAX, 0 };
	b->nr_zones++;
	return &b->zones[i];
}

static void add_node_zone(struct board *b, const char *name, u64 start,
			  u64 spanned)
{
	struct zone *z;

	if (!strcmp(name, "Movable") || !strcmp(name, "Device"))
		return;
	b->zone_dma |= !strcmp(name, "DMA");
	b->zone_dma32 |= !strcmp(name, "DMA32");
	z = spanned ? zone_named(b, name) : NULL;
	if (!z)
		return;
	z->range.start = min(z->range.start, start);
	z->range.last = max(z->range.last, start + spanned - 1);
}

static int zone_cmp(const void *a, const void *b)
{
	const struct zone *x = a, *y = b;

	return x->range.start < y->range.start ?
		       -1 :
		       x->range.start > y->range.start;
}

/* A zone's text begins with its node and name, and ends with its start. */
static int read_zones(const struct live *l)
{
	struct board *b = l->b;
	unsigned long long spanned = 0, start;
	char *line, *save, *text, name[16] = "";
	int node;

	text = sys_read(&b->arena, live_path(l, "/proc/zoneinfo"), NULL);
	if (!text)
		return board_fail(b, "/proc/zoneinfo: %s", strerror(errno));
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "Node %d, zone %15s", &node, name) == 2)
			spanned = 0;
		else if (sscanf(line, " spanned %llu", &spanned) != 1 &&
			 sscanf(line, " start_pfn: %llu", &start) == 1)
			add_node_zone(b, name, start, spanned);
	}
	if (!b->nr_zones)
		return board_fail(b, "/proc/zoneinfo: no zones");
	qsort(b->zones, b->nr_zones, sizeof(*b->zones), zone_cmp);
	b->zones_given = true;
	if (b->zone_dma)
		b->zone_dma_limit =
			range_span(&zone_named(b, "DMA")->range).last;
	return 0;
}

/* ---- PCI ------------------------------------------------------------- */

#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4
#define PCI_CLASS_BRIDGE 6

/* Behind an IOMMU that translates, not one that passes addresses through. */
static bool translated(const struct live *l, const char *dir)
{
	struct arena *a = &l->b->arena;
	const char *type =
		sys_line(a, arena_printf(a, "%s/iommu_group/type", dir));

	return type && !strncmp(type, "DMA", 3);
}

static bool masters_bus(const struct live *l, const char *dir)
{
	struct arena *a = &l->b->arena;
	size_t size;
	char *config;
	u64 kind;

	config = sys_read(a, arena_printf(a, "%s/config", dir), &size);
	if (!config || size <= PCI_COMMAND ||
	    !(config[PCI_COMMAND] & PCI_COMMAND_MASTER))
		return false;
	return sys_number(a, arena_printf(a, "%s/class", dir), &kind) &&
	       kind >> 16 != PCI_CLASS_BRIDGE;
}

/* The host bridge's node, if a device tree describes it, has the windows. */
static const struct device *host_bridge(const struct live *l, const char *dir)
{
	struct arena *a = &l->b->arena;
	char *path = realpath(dir, NULL), *slash;
	const struct device *found = NULL;
	unsigned int i;

	while (path && !found && (slash = strrchr(path, '/')) &&
	       slash != path) {
		const char *name;

		*slash = 0;
		name = sys_link(a, arena_printf(a, "%s/of_node", path));
		for (i = 0; name && i < l->b->nr_devices; i++)
			if (!strcmp(strrchr(l->b->devices[i].path, '/') + 1,
				    name))
				found = &l->b->devices[i];
	}
	free(path);
	return found;
}

static void set_mask(const struct live *l, struct device *d)
{
	struct mask_option *m = l->opt->masks;
	unsigned int i;

	for (i = 0; i < l->opt->nr_masks; i++) {
		if (strcmp(m[i].node, d->path))
			continue;
		d->mask_bits = m[i].bits;
		d->mask_from = MASK_OPTION;
		m[i].used = true;
	}
}

static void add_pci_device(const struct live *l, const char *dir,
			   const char *name, u64 bits)
{
	struct arena *a = &l->b->arena;
	const struct device *bridge = host_bridge(l, dir);
	struct device d = {
		.path = name,
		.compatible = sys_link(a, arena_printf(a, "%s/driver", dir)),
		.why = "bus master",
		.kind = translated(l, dir) ? DEVICE_IOMMU : DEVICE_DIRECT,
		.coherent = bridge ? bridge->coherent : true,
		.mask_bits = bits,
		.mask_from = MASK_SYSFS,
	};
	u64 mask;

	if (bridge) {
		d.constraint = bridge->constraint;
		d.bus_limit = bridge->bus_limit;
	}
	set_mask(l, &d);
	mask = ~0ULL >> (64 - d.mask_bits);
	d.constraint.limit = d.bus_limit ? min(mask, d.bus_limit) : mask;
	d.constraint.attrs = d.coherent ? 0 : DMAG_UNCACHED;
	*ARENA_ADD(a, l->b->devices, l->b->nr_devices) = d;
}

static void read_pci(const struct live *l)
{
	struct arena *a = &l->b->arena;
	unsigned int i, nr, idle = 0;
	char **names;
	u64 bits;

	nr = sys_list(a, live_path(l, "/sys/bus/pci/devices"), &names);
	for (i = 0; i < nr; i++) {
		const char *dir =
			live_path(l, "/sys/bus/pci/devices/%s", names[i]);
		const char *file =
			arena_printf(a, "%s/consistent_dma_mask_bits", dir);

		if (!sys_number(a, file, &bits) || !bits || bits > 64)
			continue;
		if (sys_link(a, arena_printf(a, "%s/driver", dir)) &&
		    masters_bus(l, dir))
			add_pci_device(l, dir, names[i], bits);
		else
			idle++;
	}
	if (idle)
		board_note(l->b, "PCI: %u left out: no driver, no bus master",
			   idle);
}

/* ---- the machine ----------------------------------------------------- */

/* Devices and what is reserved; memory and masks of PCI come from elsewhere. */
static int read_device_tree(const struct live *l)
{
	struct board *b = l->b;
	size_t size;
	char *blob;

	blob = sys_read(&b->arena, live_path(l, "/sys/firmware/fdt"), &size);
	if (!blob) {
		if (errno != ENOENT)
			board_note(b, "/sys/firmware/fdt: %s: PCI only",
				   strerror(errno));
		return 0;
	}
	if (board_from_fdt(b, blob, size, l->opt))
		return -1;
	b->nr_banks = 0;
	b->nr_regions = 0;
	b->banks = NULL;
	b->regions = NULL;
	return 0;
}

/* Host bridges stood for what is behind them, which is known now. */
static void drop_bridges(struct board *b)
{
	unsigned int i, nr = 0;

	for (i = 0; i < b->nr_devices; i++)
		if (strcmp(b->devices[i].why, "PCI host bridge"))
			b->devices[nr++] = b->devices[i];
	b->nr_devices = nr;
}

static enum arch this_arch(void)
{
	struct utsname u;

	if (uname(&u))
		return ARCH_UNKNOWN;
	if (!strcmp(u.machine, "aarch64"))
		return ARCH_ARM64;
	if (!strncmp(u.machine, "riscv", 5))
		return ARCH_RISCV;
	return ARCH_X86;
}

/**
 * board_from_live() - Fill a board from a running Linux.
 * @b: the board, as board_init() left it
 * @root: what goes before /proc and /sys
 * @opt: what the user knows better
 *
 * Return: 0, or -1 with b->error set.
 */
int board_from_live(struct board *b, const char *root, struct plan_options *opt)
{
	static const char *const names[] = {
		"/sys/class/dmi/id/product_name",
		"/proc/sys/kernel/hostname",
	};
	const struct live l = { b, root, opt };
	unsigned int i;

	if (read_device_tree(&l))
		return -1;
	b->arch = opt->arch ? opt->arch : this_arch();
	for (i = 0; !b->model && i < ARRAY_SIZE(names); i++)
		b->model = sys_line(&b->arena, live_path(&l, "%s", names[i]));
	if (read_memory(&l) || read_zones(&l))
		return -1;
	read_pci(&l);
	drop_bridges(b);
	return 0;
}
