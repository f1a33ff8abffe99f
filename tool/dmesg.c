// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A boot log as a source: the machine that every report describes.
 *
 * A log tells memory, zones, reserved regions, swiotlb, the command line and the
 * windows of host bridges, on any architecture and with ACPI as well.  It lists PCI
 * functions, but not their masks: these are unknown, unless a failure in the log
 * shows one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "cmdline.h"
#include "dmesg.h"
#include "log.h"

#define PCI_CLASS_BRIDGE 0x06

struct dmesg {
	struct board *board;
	struct acpi acpi;
	struct span *e820;
	unsigned int nr_e820;
	bool in_zones; /* the lines of "Zone ranges:" are being read */
	bool in_nodes; /* those of "Early memory node ranges" */
	bool translated; /* IOMMUs are not in passthrough mode */
};

/* "[mem 0x0000000000001000-0x0000000000ffffff]" */
static bool dmesg_span(const char *text, struct span *span)
{
	const char *at = strstr(text, "[mem ");

	return at &&
	       sscanf(at, "[mem %llx-%llx]", &span->start, &span->last) == 2 &&
	       span->start <= span->last;
}

/* ---- memory and zones ------------------------------------------------ */

static bool dmesg_read_memory(struct dmesg *log, const char *line)
{
	struct board *board = log->board;
	unsigned int node;
	struct span span;

	if (strstr(line, "BIOS-e820:") && strstr(line, "usable") &&
	    dmesg_span(line, &span)) {
		*ARENA_ADD(&board->arena, log->e820, log->nr_e820) = span;
		return true;
	}
	if (strstr(line, "Early memory node ranges")) {
		log->in_nodes = true;
		log->in_zones = false;
		return true;
	}
	if (!log->in_nodes || sscanf(line, " node %u:", &node) != 1 ||
	    !dmesg_span(line, &span))
		return false;
	board_add_node(board, node, span);
	*ARENA_ADD(&board->arena, board->banks, board->nr_banks) = span;
	return true;
}

/* "  DMA32    [mem 0x0000000001000000-0x00000000ffffffff]", or "empty" */
static bool dmesg_read_zone(struct dmesg *log, const char *line)
{
	struct board *board = log->board;
	char name[16];
	struct span span;

	if (strstr(line, "Zone ranges:")) {
		log->in_zones = true;
		return true;
	}
	if (!log->in_zones || sscanf(line, " %15s", name) != 1 ||
	    (!strstr(line, "empty") && !dmesg_span(line, &span)))
		return false;
	board->zone_dma |= !strcmp(name, "DMA");
	board->zone_dma32 |= !strcmp(name, "DMA32");
	board->zones_given = true;
	if (strstr(line, "empty") || !strcmp(name, "Device") ||
	    board->nr_zones == MAX_ZONES)
		return true;
	if (!strcmp(name, "DMA"))
		board->zone_dma_limit = span.last;
	board->zones[board->nr_zones++] = (struct zone){
		.name = arena_printf(&board->arena, "%s", name),
		.range = { span.start >> PAGE_SHIFT, span.last >> PAGE_SHIFT },
	};
	return true;
}

/* ---- regions --------------------------------------------------------- */

static void dmesg_add_region(struct board *board, const char *name,
			     enum region_kind kind, u64 start, u64 mib)
{
	struct region *region;

	if (!mib || mib > U64_MAX >> 20 || start > U64_MAX - ((mib << 20) - 1))
		return;
	region = ARENA_ADD(&board->arena, board->regions, board->nr_regions);
	region->name = name;
	region->kind = kind;
	region->placed = true;
	region->size = mib << 20;
	region->span = (struct span){ start, start + ((mib << 20) - 1) };
}

static bool dmesg_read_region(struct dmesg *log, const char *line)
{
	struct board *board = log->board;
	u64 start, mib;
	const char *at;

	at = strstr(line, "cma: Reserved ");
	if (at &&
	    sscanf(at, "cma: Reserved %llu MiB at %llx", &mib, &start) == 2) {
		dmesg_add_region(board, "default CMA", REGION_CMA, start, mib);
		return true;
	}
	at = strstr(line, "created CMA memory pool at ");
	if (at && sscanf(at, "created CMA memory pool at %llx, size %llu",
			 &start, &mib) == 2) {
		dmesg_add_region(board, "CMA of the device tree", REGION_CMA,
				 start, mib);
		return true;
	}
	at = strstr(line, "created DMA memory pool at ");
	if (!at || sscanf(at, "created DMA memory pool at %llx, size %llu",
			  &start, &mib) != 2)
		return false;
	dmesg_add_region(board, "pool of the device tree", REGION_COHERENT,
			 start, mib);
	return true;
}

static bool dmesg_read_swiotlb(struct dmesg *log, const char *line)
{
	struct board *board = log->board;
	struct span span;

	if (!strstr(line, "software IO TLB: mapped") ||
	    !dmesg_span(line, &span))
		return false;
	if (!(span.last & 0xfff))
		span.last--; /* the end that is printed is the byte after */
	board->swiotlb_known = true;
	board->swiotlb = span;
	board->swiotlb_live = span.last - span.start + 1;
	return true;
}

/* ---- the machine ----------------------------------------------------- */

static bool dmesg_read_name(struct dmesg *log, const char *line)
{
	struct board *board = log->board;
	const char *at;

	at = strstr(line, "ommand line: ");
	if (at) {
		cmdline_read(board, at + strlen("ommand line: "));
		return true;
	}
	at = strstr(line, "achine model: ");
	if (!at && !strncmp(line, "DMI: ", strlen("DMI: ")))
		at = line;
	if (!at || board->model)
		return false;
	at = strchr(at, ':') + 2;
	board->model =
		arena_printf(&board->arena, "%.*s", (int)strcspn(at, ","), at);
	return true;
}

/* Each has a line that no other architecture has, early in its log. */
static void dmesg_read_arch(struct dmesg *log, const char *line)
{
	static const struct {
		const char *text;
		enum arch arch;
	} signs[] = {
		{ "BIOS-e820:", ARCH_X86 },
		{ "x86/fpu:", ARCH_X86 },
		{ "AArch64", ARCH_ARM64 },
		{ "aarch64", ARCH_ARM64 },
		{ "physical CPU 0x0000000000 [", ARCH_ARM64 },
		{ "CPU: ARMv", ARCH_ARM },
		{ "SBI specification", ARCH_RISCV },
		{ "riscv: base ISA", ARCH_RISCV },
	};
	unsigned int i;

	for (i = 0; !log->board->arch && i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i].text))
			log->board->arch = signs[i].arch;
}

/* ---- devices --------------------------------------------------------- */

static struct device *dmesg_device(struct board *board, const char *name)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; i < board->nr_devices; i++)
		if (!strcmp(board->devices[i].path, name))
			return &board->devices[i];
	dev = ARENA_ADD(&board->arena, board->devices, board->nr_devices);
	*dev = (struct device){
		.path = arena_printf(&board->arena, "%s", name),
		.why = "log",
		.coherent = board->arch != ARCH_ARM64 &&
			    board->arch != ARCH_ARM,
		.mask_bits = 32,
		.stream_bits = 32,
		.mask_from = MASK_UNKNOWN,
	};
	return dev;
}

/* "brcm-pcie fd500000.pcie:   IB MEM 0x0000000000..0x00bfffffff -> 0x0400000000" */
static bool dmesg_read_window(struct dmesg *log, const char *line)
{
	const char *at = strstr(line, "IB MEM ");
	struct dmag_window window;
	struct device *dev;
	char name[64];
	u64 last;

	if (!at || sscanf(at, "IB MEM %llx..%llx -> %llx", &window.cpu, &last,
			  &window.bus) != 3)
		return false;
	if (sscanf(line, "%*s %63[^ :]", name) != 1 || last < window.cpu ||
	    last - window.cpu > U64_MAX - 1 - max(window.bus, window.cpu))
		return false;
	window.size = last - window.cpu + 1;
	dev = dmesg_device(log->board, name);
	dev->bridge = true;
	dev->why = "PCI host bridge";
	source_add_window(log->board, dev, &window);
	return true;
}

/* "0000:01:00.0:", the name of a PCI function before a message. */
static bool dmesg_pci_name(char *name)
{
	size_t len = strlen(name);

	if (len < 2 || name[len - 1] != ':')
		return false;
	name[len - 1] = 0;
	return !name[strspn(name, "0123456789abcdef:.")];
}

/* "pci 0000:01:00.0: [1106:3483] type 00 class 0x0c0330" */
static bool dmesg_read_function(struct dmesg *log, const char *line)
{
	char name[32], id[16];
	unsigned int type, kind;
	struct device *dev;

	if (sscanf(line, "pci %31s [%15[0-9a-f:]] type %x class %x", name, id,
		   &type, &kind) != 4 ||
	    type || kind >> 16 == PCI_CLASS_BRIDGE || !dmesg_pci_name(name))
		return false;
	dev = dmesg_device(log->board, name);
	dev->why = "PCI function";
	dev->compatible = arena_printf(&log->board->arena, "%s", id);
	return true;
}

/* Each device that an IOMMU translates for is said to join one of its groups. */
static bool dmesg_read_iommu(struct dmesg *log, const char *line)
{
	char name[32];

	if (strstr(line, "iommu: Default domain type: Passthrough"))
		log->translated = false;
	if (!strstr(line, ": Adding to iommu group") || !log->translated ||
	    sscanf(line, "%*s %31s", name) != 1 || !dmesg_pci_name(name))
		return false;
	dmesg_device(log->board, name)->kind = DEVICE_IOMMU;
	return true;
}

/* Masks that failures show; several bridges leave open which windows count. */
static void dmesg_finish_devices(struct dmesg *log, const char *text,
				 struct plan_options *opt)
{
	struct board *board = log->board;
	const struct log_event *event = log_parse(&board->arena, text);
	const struct device *bridge = NULL;
	unsigned int i, bridges = 0;

	for (; event; event = event->next) {
		struct device *dev;

		if (!event->dev || !event->mask ||
		    event->mask & (event->mask + 1))
			continue;
		dev = dmesg_device(board, event->dev);
		dev->mask_bits = fls64(event->mask);
		dev->stream_bits = dev->mask_bits;
		dev->mask_from = MASK_LOG;
	}
	for (i = 0; i < board->nr_devices; i++)
		if (board->devices[i].bridge) {
			bridge = &board->devices[i];
			bridges++;
		}
	for (i = 0; i < board->nr_devices; i++) {
		struct device *dev = &board->devices[i];

		if (bridges == 1 && strchr(dev->path, ':')) {
			dev->constraint = bridge->constraint;
			dev->bus_limit = bridge->bus_limit;
		} else if (!bridges) {
			acpi_limit_pci(&log->acpi, dev);
		}
		source_finish_device(board, dev, dev->path, opt);
	}
}

static void dmesg_line(struct dmesg *log, const char *line)
{
	static const struct {
		bool (*read)(struct dmesg *log, const char *line);
	} readers[] = {
		{ dmesg_read_memory },	 { dmesg_read_zone },
		{ dmesg_read_region },	 { dmesg_read_swiotlb },
		{ dmesg_read_name },	 { dmesg_read_window },
		{ dmesg_read_function }, { dmesg_read_iommu },
	};
	unsigned int i;

	dmesg_read_arch(log, line);
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		if (readers[i].read(log, line))
			return;
	if (strstr(line, "Movable zone start") || strstr(line, "Initmem setup"))
		log->in_zones = false;
	if (strstr(line, "Initmem setup"))
		log->in_nodes = false;
}

/**
 * board_from_dmesg() - Fill a board from a boot log.
 * @board: the board, as board_init() left it
 * @text: the log, from its beginning
 * @opt: what the user knows better
 *
 * Return: 0, or -1 with board->error set.
 */
int board_from_dmesg(struct board *board, const char *text,
		     struct plan_options *opt)
{
	struct dmesg log = { .board = board,
			     .acpi.board = board,
			     .translated = true };
	char *copy = arena_printf(&board->arena, "%s", text), *save, *line;

	if (opt->arch)
		board->arch = opt->arch;
	for (line = strtok_r(copy, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save))
		dmesg_line(&log, log_skip_time(line));
	board->live = board->nr_banks; /* mem= and the like are in effect */
	if (!board->nr_banks) {
		board->banks = log.e820;
		board->nr_banks = log.nr_e820;
	}
	if (opt->nr_memory) {
		board->banks = opt->memory;
		board->nr_banks = opt->nr_memory;
	}
	if (!board->nr_banks)
		return board_fail(
			board,
			"the log does not begin with the boot: no memory map (give --memory)");
	source_begin(board, opt);
	if (opt->acpi && !acpi_read(&log.acpi, opt->acpi))
		return board_fail(board, "%s: no ACPI tables", opt->acpi);
	if (!board->zones_given)
		acpi_limit_zones(&log.acpi);
	dmesg_finish_devices(&log, text, opt);
	acpi_add_components(&log.acpi, opt);
	acpi_add_buses(&log.acpi, opt);
	return 0;
}
