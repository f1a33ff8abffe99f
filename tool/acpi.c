// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * ACPI's tables as a source: what a machine without a device tree says about DMA.
 *
 * The IORT of arm64 has a limit for the addresses of each PCI segment and of each
 * platform device that is no PCI function, as iort_dma_get_ranges() in Linux
 * applies them; the SRAT has the memory of each NUMA node.  The byte code of DSDT
 * and SSDT has the windows of buses, _DMA (aml.c, acpi_dma.c); the DMAR and the IVRS
 * of x86 have IOMMUs (acpi_iommu.c).
 *
 * Tables are little-endian, and their fields are not aligned.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "acpi_bytes.h"
#include "sysfile.h"

#define ACPI_LENGTH 4 /* in the header: of the whole table */

/* Linux uses a table whose checksum is wrong as well, and says so. */
static bool acpi_check(const struct acpi *acpi, struct acpi_bytes *table)
{
	u64 length = acpi_get(table, ACPI_LENGTH, 4);
	uint8_t sum = 0;
	size_t i;

	if (length < ACPI_HEADER || length > table->size) {
		board_warn(acpi->board, "%s: cut short: not read", table->name);
		return false;
	}
	table->size = length;
	for (i = 0; i < length; i++)
		sum += table->data[i];
	if (sum)
		board_warn(acpi->board, "%s: the checksum is wrong",
			   table->name);
	return true;
}

/* ---- IORT ------------------------------------------------------------ */

enum {
	IORT_NODES = 36, /* how many there are */
	IORT_FIRST = 40, /* where the first one is */

	/* A node. */
	IORT_NODE_LENGTH = 1,
	IORT_NODE_REVISION = 3,
	IORT_NODE_MAPPINGS = 8, /* how many there are */
	IORT_NODE_MAPPING = 12, /* where the first one is */
	IORT_NODE_HEADER = 16,

	/* A named component. */
	IORT_NAMED_COHERENT = 20,
	IORT_NAMED_LIMIT = 28,
	IORT_NAMED_PATH = 29,

	/* A root complex. */
	IORT_ROOT_COHERENT = 16,
	IORT_ROOT_SEGMENT = 28,
	IORT_ROOT_LIMIT = 32,

	/* A mapping. */
	IORT_MAPPING_TARGET = 12,
	IORT_MAPPING_SIZE = 20,

	/* Types of nodes. */
	IORT_NAMED = 1,
	IORT_ROOT = 2,
	IORT_SMMU = 3,
	IORT_SMMU3 = 4,
};

/* An SMMU is a target of the node's mappings; others map interrupts. */
static bool iort_translated(const struct acpi_bytes *table,
			    const struct acpi_bytes *node)
{
	u64 i, nr = acpi_get(node, IORT_NODE_MAPPINGS, 4);
	u64 at = acpi_get(node, IORT_NODE_MAPPING, 4);
	struct acpi_bytes mapping;

	for (i = 0; i < nr; i++, at += IORT_MAPPING_SIZE) {
		u64 type;

		if (!acpi_cut(node, at, IORT_MAPPING_SIZE, &mapping))
			return false;
		type = acpi_get(table,
				acpi_get(&mapping, IORT_MAPPING_TARGET, 4), 1);
		if (type == IORT_SMMU || type == IORT_SMMU3)
			return true;
	}
	return false;
}

static void iort_add(struct acpi *acpi, const struct acpi_bytes *table,
		     const struct acpi_bytes *node, struct acpi_node found)
{
	found.translated = iort_translated(table, node);
	if (found.bits > 64)
		found.bits = 64;
	*ARENA_ADD(&acpi->board->arena, acpi->node, acpi->nr) = found;
}

/* The limit of a root complex is younger than the rest of its node. */
static void iort_read_node(struct acpi *acpi, const struct acpi_bytes *table,
			   const struct acpi_bytes *node)
{
	struct acpi_node found = { 0 };

	switch (acpi_get(node, 0, 1)) {
	case IORT_NAMED:
		if (node->size <= IORT_NAMED_PATH)
			return;
		found.path = arena_printf(
			&acpi->board->arena, "%.*s",
			(int)strnlen((const char *)node->data + IORT_NAMED_PATH,
				     node->size - IORT_NAMED_PATH),
			(const char *)node->data + IORT_NAMED_PATH);
		found.coherent = acpi_get(node, IORT_NAMED_COHERENT, 4) == 1;
		found.bits = acpi_get(node, IORT_NAMED_LIMIT, 1);
		break;
	case IORT_ROOT:
		found.segment = acpi_get(node, IORT_ROOT_SEGMENT, 4);
		found.coherent = acpi_get(node, IORT_ROOT_COHERENT, 4) == 1;
		if (acpi_get(node, IORT_NODE_REVISION, 1))
			found.bits = acpi_get(node, IORT_ROOT_LIMIT, 1);
		break;
	default:
		return;
	}
	iort_add(acpi, table, node, found);
}

static void iort_read(struct acpi *acpi, const struct acpi_bytes *table)
{
	u64 i, nr = acpi_get(table, IORT_NODES, 4);
	size_t at = acpi_get(table, IORT_FIRST, 4);
	struct acpi_bytes node;

	for (i = 0; i < nr; i++, at += node.size) {
		size_t size = acpi_get(table, at + IORT_NODE_LENGTH, 2);

		if (size < IORT_NODE_HEADER ||
		    !acpi_cut(table, at, size, &node)) {
			board_warn(acpi->board, "%s: node %llu is cut short",
				   table->name, i + 1);
			return;
		}
		iort_read_node(acpi, table, &node);
	}
}

/* ---- SRAT ------------------------------------------------------------ */

enum {
	SRAT_FIRST = 48,
	SRAT_LENGTH = 1,
	SRAT_HEADER = 2,

	SRAT_APIC = 0,
	SRAT_MEMORY = 1,
	SRAT_X2APIC = 2,
	SRAT_GICC = 3,

	/* Memory. */
	SRAT_DOMAIN = 2,
	SRAT_BASE = 8,
	SRAT_SIZE = 16,
	SRAT_FLAGS = 28,
	SRAT_ENABLED = 1,

	SRAT_DOMAINS = 1024, /* more than Linux knows nodes */
};

/* Linux gives domains numbers in the order in which it meets them. */
struct srat {
	struct acpi *acpi;
	u64 domain[SRAT_DOMAINS];
	unsigned int nr;
};

static unsigned int srat_node(struct srat *srat, u64 domain)
{
	unsigned int i;

	for (i = 0; i < srat->nr; i++)
		if (srat->domain[i] == domain)
			return i;
	if (srat->nr < SRAT_DOMAINS)
		srat->domain[srat->nr++] = domain;
	return i;
}

static void srat_read_cpu(struct srat *srat, const struct acpi_bytes *entry)
{
	switch (acpi_get(entry, 0, 1)) {
	case SRAT_APIC:
		if (acpi_get(entry, 4, 4) & SRAT_ENABLED)
			srat_node(srat, acpi_get(entry, 2, 1) |
						acpi_get(entry, 9, 3) << 8);
		break;
	case SRAT_X2APIC:
		if (acpi_get(entry, 12, 4) & SRAT_ENABLED)
			srat_node(srat, acpi_get(entry, 4, 4));
		break;
	case SRAT_GICC:
		if (acpi_get(entry, 10, 4) & SRAT_ENABLED)
			srat_node(srat, acpi_get(entry, 2, 4));
		break;
	}
}

static void srat_read_memory(struct srat *srat, const struct acpi_bytes *entry)
{
	u64 base = acpi_get(entry, SRAT_BASE, 8);
	u64 size = acpi_get(entry, SRAT_SIZE, 8);

	if (acpi_get(entry, 0, 1) != SRAT_MEMORY ||
	    !(acpi_get(entry, SRAT_FLAGS, 4) & SRAT_ENABLED) || !size ||
	    size - 1 > U64_MAX - base)
		return;
	board_add_node(srat->acpi->board,
		       srat_node(srat, acpi_get(entry, SRAT_DOMAIN, 4)),
		       (struct span){ base, base + (size - 1) });
}

static void srat_each(struct srat *srat, const struct acpi_bytes *table,
		      void (*read)(struct srat *srat,
				   const struct acpi_bytes *entry))
{
	struct acpi_bytes entry;
	size_t at, size;

	for (at = SRAT_FIRST; at < table->size; at += size) {
		size = acpi_get(table, at + SRAT_LENGTH, 1);
		if (size < SRAT_HEADER || !acpi_cut(table, at, size, &entry))
			return;
		read(srat, &entry);
	}
}

/* acpi_numa_init() in Linux: CPUs first, then memory. */
static void srat_read(struct acpi *acpi, const struct acpi_bytes *table)
{
	struct srat srat = { .acpi = acpi };

	acpi->board->nr_nodes = 0; /* a log and zones are less exact */
	srat_each(&srat, table, srat_read_cpu);
	srat_each(&srat, table, srat_read_memory);
}

/* ---- all tables ------------------------------------------------------ */

static void acpi_read_code(struct acpi *acpi, const struct acpi_bytes *table)
{
	const struct aml_table code = { table->name, table->data + ACPI_HEADER,
					table->size - ACPI_HEADER };

	acpi->aml.board = acpi->board;
	aml_read(&acpi->aml, &code);
}

/**
 * acpi_read_table() - Read one table.
 * @acpi: gets what it says about DMA; its board has to be set
 * @name: for notes
 * @data: the table, which begins with its signature and stays as long as the board
 * @size: in bytes
 */
void acpi_read_table(struct acpi *acpi, const char *name, const void *data,
		     size_t size)
{
	struct acpi_bytes table = { name, data, size };

	if (!acpi_check(acpi, &table))
		return;
	if (!memcmp(data, "IORT", 4))
		iort_read(acpi, &table);
	else if (!memcmp(data, "SRAT", 4))
		srat_read(acpi, &table);
	else if (!memcmp(data, "DSDT", 4) || !memcmp(data, "SSDT", 4))
		acpi_read_code(acpi, &table);
	else if (!memcmp(data, "DMAR", 4) || !memcmp(data, "IVRS", 4))
		acpi_read_iommus(acpi->board, &table, *table.data == 'I');
}

/* Linux asks for _DMA on arm64 and on LoongArch, which has no name here. */
static bool acpi_is_wanted(const struct acpi *acpi, const char *name)
{
	enum arch arch = acpi->board->arch;

	if (!strcmp(name, "DSDT") || !strncmp(name, "SSDT", 4))
		return arch == ARCH_ARM64 || arch == ARCH_UNKNOWN;
	return !strcmp(name, "IORT") || !strcmp(name, "SRAT") ||
	       !strcmp(name, "DMAR") || !strcmp(name, "IVRS");
}

/* SSDT2 was loaded before SSDT10, which may go on with its devices. */
static int acpi_name_cmp(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/**
 * acpi_read() - Read the tables in a folder.
 * @acpi: as for acpi_read_table()
 * @dir: the folder, such as /sys/firmware/acpi/tables
 *
 * Return: how many were read; 0 also if there is no such folder.
 */
unsigned int acpi_read(struct acpi *acpi, const char *dir)
{
	struct arena *arena = &acpi->board->arena;
	unsigned int i, nr, found = 0;
	char **names;

	nr = sys_list(arena, dir, &names);
	if (nr)
		qsort(names, nr, sizeof(*names), acpi_name_cmp);
	for (i = 0; i < nr; i++) {
		const char *path = arena_printf(arena, "%s/%s", dir, names[i]);
		size_t size;
		char *data;

		if (!acpi_is_wanted(acpi, names[i]))
			continue;
		data = sys_read(arena, path, &size);
		if (data) {
			acpi_read_table(acpi, names[i], data, size);
			found++;
		} else if (!strcmp(names[i], "IORT")) {
			board_note(acpi->board, "%s: %s: limits are unknown",
				   path, strerror(errno));
		}
	}
	acpi_read_buses(acpi);
	return found;
}

/* ---- devices --------------------------------------------------------- */

static void acpi_limit(const struct acpi_node *node, struct device *dev)
{
	if (node->bits)
		dev->bus_limit = ~0ULL >> (64 - node->bits);
	dev->coherent = node->coherent;
}

/**
 * acpi_limit_pci() - Apply _DMA of a PCI function's host bridge, or its segment's limit.
 * @acpi: the tables
 * @dev: the function, whose path is its name on the bus, "0000:01:00.0"
 */
void acpi_limit_pci(const struct acpi *acpi, struct device *dev)
{
	unsigned int i, segment, rest;

	if (acpi_limit_dma(acpi, dev) ||
	    sscanf(dev->path, "%x:%x:", &segment, &rest) != 2)
		return;
	for (i = 0; i < acpi->nr; i++)
		if (!acpi->node[i].path && acpi->node[i].segment == segment)
			acpi_limit(&acpi->node[i], dev);
}

/**
 * acpi_limit_zones() - Let ZONE_DMA end where the least limit does.
 * @acpi: the tables of a machine whose zones are not known yet
 *
 * As acpi_iort_dma_get_max_cpu_address() in Linux.
 */
void acpi_limit_zones(const struct acpi *acpi)
{
	u64 *limit = &acpi->board->zone_dma_limit;
	unsigned int i;

	for (i = 0; i < acpi->nr; i++)
		if (acpi->node[i].bits)
			*limit =
				min(*limit, ~0ULL >> (64 - acpi->node[i].bits));
}

/**
 * acpi_add_components() - Add the devices that the IORT names.
 * @acpi: the tables
 * @opt: the user's options
 *
 * Their drivers, and so their masks, are not known.
 */
void acpi_add_components(const struct acpi *acpi, struct plan_options *opt)
{
	struct board *board = acpi->board;
	unsigned int i;

	for (i = 0; i < acpi->nr; i++) {
		const struct acpi_node *node = &acpi->node[i];
		struct device dev = {
			.path = node->path,
			.why = "IORT",
			.kind = node->translated ? DEVICE_IOMMU : DEVICE_DIRECT,
			.mask_bits = 32,
			.stream_bits = 32,
			.mask_from = MASK_UNKNOWN,
		};

		if (!node->path)
			continue;
		if (!acpi_limit_dma(acpi, &dev))
			acpi_limit(node, &dev);
		source_finish_device(board, &dev, dev.path, opt);
		*ARENA_ADD(&board->arena, board->devices, board->nr_devices) =
			dev;
	}
}
