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

#include "acpi.h"
#include "cmdline.h"
#include "sysfile.h"

struct live {
	struct board *board;
	const char *root;
	struct plan_options *opt;
	struct acpi *acpi;
};

static char *live_path(const struct live *l, const char *fmt, ...)
	__printf(2, 3);

/* Tests and copies of other machines have /proc and /sys under a root. */
static char *live_path(const struct live *live, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(&live->board->arena, fmt, args);
	va_end(args);
	return *live->root ? arena_printf(&live->board->arena, "%s%s",
					  live->root, s) :
			     s;
}

/* ---- memory ---------------------------------------------------------- */

static void live_add_bank(struct board *board, u64 start, u64 last)
{
	if (start <= last)
		*ARENA_ADD(&board->arena, board->banks, board->nr_banks) =
			(struct span){ start, last };
}

/* "00100000-bffdffff : System RAM", all zeros for those without privilege. */
static void live_iomem_line(struct board *board, const char *line)
{
	unsigned long long start, last;
	char name[11];

	if (sscanf(line, " %llx-%llx : %10[^\n]", &start, &last, name) == 3 &&
	    !strcmp(name, "System RAM") && last)
		live_add_bank(board, start, last);
}

static void live_read_iomem(const struct live *live)
{
	char *line, *save, *text;

	text = sys_read(&live->board->arena, live_path(live, "/proc/iomem"),
			NULL);
	line = text ? strtok_r(text, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save))
		live_iomem_line(live->board, line);
}

/*
 * The firmware's map is readable by all, but knows nothing of what the kernel
 * was told to leave alone.
 */
static void live_read_memmap(const struct live *live)
{
	static const char by_firmware[] =
		"/proc/iomem: addresses need root; memory is from the firmware's map";
	struct arena *arena = &live->board->arena;
	unsigned int i, nr;
	u64 start, last;
	char **names;

	nr = sys_list(arena, live_path(live, "/sys/firmware/memmap"), &names);
	for (i = 0; i < nr; i++) {
		const char *dir =
			live_path(live, "/sys/firmware/memmap/%s", names[i]);
		const char *type =
			sys_line(arena, arena_printf(arena, "%s/type", dir));

		if (type && !strcmp(type, "System RAM") &&
		    sys_number(arena, arena_printf(arena, "%s/start", dir),
			       &start) &&
		    sys_number(arena, arena_printf(arena, "%s/end", dir),
			       &last))
			live_add_bank(live->board, start, last);
	}
	if (live->board->nr_banks)
		board_note(live->board, "%s", by_firmware);
}

static int live_read_memory(const struct live *live)
{
	static const char unknown[] =
		"/proc/iomem: where memory is needs root here (or give --memory)";

	if (live->opt->nr_memory) {
		live->board->banks = live->opt->memory;
		live->board->nr_banks = live->opt->nr_memory;
		return 0;
	}
	live_read_iomem(live);
	if (!live->board->nr_banks)
		live_read_memmap(live);
	if (!live->board->nr_banks)
		return board_fail(live->board, "%s", unknown);
	return 0;
}

/* ---- zones ----------------------------------------------------------- */

/* Zones of different NUMA nodes are one zone here: masks know no nodes. */
static struct zone *live_zone_named(struct board *board, const char *name)
{
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++)
		if (!strcmp(board->zones[i].name, name))
			return &board->zones[i];
	if (board->nr_zones == MAX_ZONES)
		return NULL;
	board->zones[i].name = arena_printf(&board->arena, "%s", name);
	board->zones[i].range = (struct dmag_range){ U64_MAX, 0 };
	board->nr_zones++;
	return &board->zones[i];
}

/*
 * ZONE_MOVABLE and ZONE_DEVICE overlap others and never serve DMA memory.  An
 * empty zone still changes what the kernel tries first.
 */
static void live_add_node_zone(struct board *board, unsigned int node,
			       const char *name, const struct zone *part)
{
	struct zone *zone;

	if (!strcmp(name, "Movable") || !strcmp(name, "Device"))
		return;
	board->zone_dma |= !strcmp(name, "DMA");
	board->zone_dma32 |= !strcmp(name, "DMA32");
	zone = part->range.last ? live_zone_named(board, name) : NULL;
	if (!zone)
		return;
	board_add_node(board, node, range_span(&part->range));
	zone->range.start = min(zone->range.start, part->range.start);
	zone->range.last = max(zone->range.last, part->range.last);
	zone->managed += part->managed;
}

static int live_zone_cmp(const void *a, const void *b)
{
	const struct zone *x = a, *y = b;

	return x->range.start < y->range.start ?
		       -1 :
		       x->range.start > y->range.start;
}

/* A zone's text begins with its node and name, and ends with its start. */
static int live_read_zones(const struct live *live)
{
	struct board *board = live->board;
	struct zone part = { .managed = U64_MAX };
	char *line, *save, *text, name[16] = "";
	u64 start, spanned = 0;
	unsigned int i;
	unsigned int node = 0;

	text = sys_read(&board->arena, live_path(live, "/proc/zoneinfo"), NULL);
	if (!text)
		return board_fail(board, "/proc/zoneinfo: %s", strerror(errno));
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "Node %u, zone %15s", &node, name) == 2) {
			spanned = 0;
			part.managed = 1; /* kernels before 3.16 do not say */
		} else if (sscanf(line, " spanned %llu", &spanned) != 1 &&
			   sscanf(line, " managed %llu", &part.managed) != 1 &&
			   sscanf(line, " start_pfn: %llu", &start) == 1) {
			part.range.start = start;
			part.range.last = spanned ? start + spanned - 1 : 0;
			live_add_node_zone(board, node, name, &part);
		}
	}
	for (i = 0; i < board->nr_zones; i++)
		board->zones[i].unmanaged = !board->zones[i].managed;
	if (!board->nr_zones)
		return board_fail(board, "/proc/zoneinfo: no zones");
	qsort(board->zones, board->nr_zones, sizeof(*board->zones),
	      live_zone_cmp);
	board->zones_given = true;
	if (board->zone_dma)
		board->zone_dma_limit =
			range_span(&live_zone_named(board, "DMA")->range).last;
	return 0;
}

/* ---- PCI ------------------------------------------------------------- */

#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4
#define PCI_CLASS_HOST 0x0600
#define PCI_CLASS_CARDBUS 0x0607
#define PCI_CLASS_SEMI_TRANSPARENT 0x0609

/* Behind an IOMMU that translates, not one that passes addresses through. */
static bool live_translated(const struct live *live, const char *dir)
{
	struct arena *arena = &live->board->arena;
	const char *type = sys_line(
		arena, arena_printf(arena, "%s/iommu_group/type", dir));

	return type && !strncmp(type, "DMA", 3);
}

/* The byte at PCI_COMMAND is readable by all, unlike most of the config space. */
static bool live_masters_bus(const struct live *live, const char *dir)
{
	struct arena *arena = &live->board->arena;
	size_t size;
	char *config;

	config = sys_read(arena, arena_printf(arena, "%s/config", dir), &size);
	return config && size > PCI_COMMAND &&
	       config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

/*
 * Bridges from one bus to another have no buffers of their own.  "Other" bridges
 * may: non-transparent ones and switches with DMA engines are among them.
 */
static bool live_is_bridge(const struct live *live, const char *dir)
{
	struct arena *arena = &live->board->arena;
	u64 kind;

	if (!sys_number(arena, arena_printf(arena, "%s/class", dir), &kind))
		return true;
	kind >>= 8;
	return (kind >= PCI_CLASS_HOST && kind <= PCI_CLASS_CARDBUS) ||
	       kind == PCI_CLASS_SEMI_TRANSPARENT;
}

/* Masks of 0 bits or more than 64 are no masks. */
static bool live_mask(const struct live *live, const char *dir,
		      const char *name, u64 *bits)
{
	struct arena *arena = &live->board->arena;

	return sys_number(arena, arena_printf(arena, "%s/%s", dir, name),
			  bits) &&
	       *bits && *bits <= 64;
}

/* The host bridge's node, if a device tree describes it, has the windows. */
static const struct device *live_host_bridge(const struct live *live,
					     const char *dir)
{
	struct arena *arena = &live->board->arena;
	char *path = realpath(dir, NULL), *slash;
	const struct device *found = NULL;
	unsigned int i;

	while (path && !found && (slash = strrchr(path, '/')) &&
	       slash != path) {
		const char *name;

		*slash = 0;
		name = sys_link(arena, arena_printf(arena, "%s/of_node", path));
		for (i = 0; name && i < live->board->nr_devices; i++)
			if (!strcmp(strrchr(live->board->devices[i].path, '/') +
					    1,
				    name))
				found = &live->board->devices[i];
	}
	free(path);
	return found;
}

static void live_add_pci_device(const struct live *live, const char *dir,
				const char *name, u64 bits)
{
	struct arena *arena = &live->board->arena;
	const struct device *bridge = live_host_bridge(live, dir);
	struct device dev = {
		.path = name,
		.compatible =
			sys_link(arena, arena_printf(arena, "%s/driver", dir)),
		.why = "bus master",
		.kind = live_translated(live, dir) ? DEVICE_IOMMU :
						     DEVICE_DIRECT,
		.coherent = bridge ? bridge->coherent : true,
		.mask_bits = bits,
		.stream_bits = bits,
		.mask_from = MASK_SYSFS,
	};

	if (live_mask(live, dir, "dma_mask_bits", &bits))
		dev.stream_bits = bits;
	if (bridge) {
		dev.constraint = bridge->constraint;
		dev.bus_limit = bridge->bus_limit;
	} else {
		acpi_limit_pci(live->acpi, &dev);
	}
	source_finish_device(live->board, &dev, name, live->opt);
	*ARENA_ADD(arena, live->board->devices, live->board->nr_devices) = dev;
}

struct live_idle {
	unsigned int bridges, undriven, passive;
};

static void live_note_idle(const struct live *live,
			   const struct live_idle *idle)
{
	unsigned int all = idle->bridges + idle->undriven + idle->passive;

	if (all)
		board_note(
			live->board,
			"PCI: %u left out: %u bridges, %u without a driver, %u that may not master the bus",
			all, idle->bridges, idle->undriven, idle->passive);
}

static void live_read_pci(const struct live *live)
{
	struct arena *arena = &live->board->arena;
	struct live_idle idle = { 0 };
	unsigned int i, nr;
	char **names;
	u64 bits;

	nr = sys_list(arena, live_path(live, "/sys/bus/pci/devices"), &names);
	for (i = 0; i < nr; i++) {
		const char *dir =
			live_path(live, "/sys/bus/pci/devices/%s", names[i]);

		if (!live_mask(live, dir, "consistent_dma_mask_bits", &bits))
			continue;
		if (live_is_bridge(live, dir))
			idle.bridges++;
		else if (!sys_link(arena,
				   arena_printf(arena, "%s/driver", dir)))
			idle.undriven++;
		else if (!live_masters_bus(live, dir))
			idle.passive++;
		else
			live_add_pci_device(live, dir, names[i], bits);
	}
	live_note_idle(live, &idle);
}

/* ---- the machine ----------------------------------------------------- */

/* Devices and what is reserved; memory and masks of PCI come from elsewhere. */
static int live_read_device_tree(const struct live *live)
{
	struct board *board = live->board;
	size_t size;
	char *blob;

	board->live = true;
	blob = sys_read(&board->arena, live_path(live, "/sys/firmware/fdt"),
			&size);
	if (!blob) {
		if (errno != ENOENT)
			board_note(board, "/sys/firmware/fdt: %s: PCI only",
				   strerror(errno));
		return 0;
	}
	return board_from_fdt(board, blob, size, live->opt);
}

/* Host bridges stood for what is behind them, which is known now. */
static void live_drop_bridges(struct board *board)
{
	unsigned int i, nr = 0;

	for (i = 0; i < board->nr_devices; i++)
		if (!board->devices[i].bridge || board->devices[i].platform)
			board->devices[nr++] = board->devices[i];
	board->nr_devices = nr;
}

static enum arch live_arch_named(const char *machine)
{
	static const struct {
		const char *prefix;
		enum arch arch;
	} archs[] = {
		{ "aarch64", ARCH_ARM64 }, { "arm", ARCH_ARM },
		{ "riscv", ARCH_RISCV },   { "x86_64", ARCH_X86 },
		{ "i386", ARCH_X86 },	   { "i686", ARCH_X86 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(archs); i++)
		if (!strncmp(machine, archs[i].prefix, strlen(archs[i].prefix)))
			return archs[i].arch;
	return ARCH_UNKNOWN;
}

/*
 * A copy of another machine's files must not be taken for this one.  Its kernel
 * tells its architecture since 6.1; before, only x86 is easy to know.
 */
static enum arch live_arch(const struct live *live)
{
	struct arena *arena = &live->board->arena;
	const char *text;
	struct utsname uts;

	if (!*live->root && !uname(&uts))
		return live_arch_named(uts.machine);
	text = sys_line(arena, live_path(live, "/proc/sys/kernel/arch"));
	if (text)
		return live_arch_named(text);
	text = sys_read(arena, live_path(live, "/proc/cpuinfo"), NULL);
	return text && strstr(text, "vendor_id\t:") ? ARCH_X86 : ARCH_UNKNOWN;
}

/* The command line in force, and the swiotlb that came of it. */
static void live_read_kernel(const struct live *live)
{
	struct board *board = live->board;
	const char *text;
	u64 slots;

	text = sys_line(&board->arena, live_path(live, "/proc/cmdline"));
	if (text)
		cmdline_read(board, text);
	if (!sys_number(&board->arena,
			live_path(live,
				  "/sys/kernel/debug/swiotlb/io_tlb_nslabs"),
			&slots))
		return;
	board->swiotlb_known = true;
	board->swiotlb_live = slots << SWIOTLB_SLOT_SHIFT;
}

/* CMA that no device tree placed: /proc/meminfo has no addresses. */
static void live_read_cma(const struct live *live)
{
	struct board *board = live->board;
	const char *text, *line;
	struct region *region;
	unsigned int i;
	u64 kib;

	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].kind == REGION_CMA)
			return;
	text = sys_read(&board->arena, live_path(live, "/proc/meminfo"), NULL);
	line = text ? strstr(text, "CmaTotal:") : NULL;
	if (!line || sscanf(line, "CmaTotal: %llu", &kib) != 1 || !kib)
		return;
	region = ARENA_ADD(&board->arena, board->regions, board->nr_regions);
	region->name = "CmaTotal in /proc/meminfo";
	region->kind = REGION_CMA;
	region->size = kib << 10;
}

/* The kernel's folder need not be there, the user's has to. */
static int live_read_acpi(const struct live *live)
{
	const char *dir = live->opt->acpi;

	if (!dir)
		dir = live_path(live, "/sys/firmware/acpi/tables");
	if (!acpi_read(live->acpi, dir) && live->opt->acpi)
		return board_fail(live->board, "%s: no ACPI tables", dir);
	return 0;
}

/**
 * board_from_live() - Fill a board from a running Linux.
 * @board: the board, as board_init() left it
 * @root: what goes before /proc and /sys
 * @opt: what the user knows better
 *
 * Return: 0, or -1 with board->error set.
 */
int board_from_live(struct board *board, const char *root,
		    struct plan_options *opt)
{
	struct acpi acpi = { .board = board };
	const struct live live = { board, root, opt, &acpi };

	live_read_kernel(&live);
	if (live_read_device_tree(&live))
		return -1;
	if (!board->arch)
		board->arch = live_arch(&live);
	source_begin(board, opt);
	if (!board->model)
		board->model = sys_line(
			&board->arena,
			live_path(&live, "/sys/class/dmi/id/product_name"));
	if (live_read_memory(&live) || live_read_zones(&live) ||
	    live_read_acpi(&live))
		return -1;
	live_read_cma(&live);
	live_read_pci(&live);
	acpi_add_components(&acpi, opt);
	acpi_add_buses(&acpi, opt);
	live_drop_bridges(board);
	return 0;
}
