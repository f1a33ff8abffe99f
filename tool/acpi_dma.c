// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * _DMA: windows of the buses in ACPI's namespace.
 *
 * As acpi_dma_get_range() in Linux, which arm64 and LoongArch call: the nearest
 * device on the way up that has _DMA decides, if it has _CRS, too; the IORT has no
 * say then.  For PCI functions this is the host bridge, whose own way up ends there.
 * Only memory that a device produces (ResourceProducer) is translated.
 *
 * Which devices are below a bus and do DMA, the namespace does not say: the bus
 * stands for them.
 */
#include <stdio.h>
#include <string.h>

#include "acpi.h"
#include "acpi_bytes.h"

enum {
	/* A descriptor: small with its length in three bits, or large. */
	DESC_LARGE = 0x80,
	DESC_LENGTH = 1,
	DESC_LARGE_HEADER = 3,
	DESC_END = 0x78, /* without its length */

	DESC_MEMORY24 = 0x81,
	DESC_MEMORY32 = 0x85,
	DESC_FIXED32 = 0x86,
	DESC_DWORD = 0x87,
	DESC_WORD = 0x88,
	DESC_QWORD = 0x8a,
	DESC_EXTENDED = 0x8b,

	/* An address space. */
	SPACE_TYPE = 3,
	SPACE_FLAGS = 4,
	SPACE_NUMBERS = 6, /* granularity, min, max, translation, length */
	SPACE_EXTENDED_NUMBERS = 8,
	SPACE_MEMORY = 0,
	SPACE_CONSUMER = 1,

	/* Memory of 24 or 32 bits. */
	MEMORY_MIN = 4,
};

/* Memory as a descriptor has it, on the side of the bus. */
struct dma_space {
	u64 min, max, offset, length;
};

/* ---- descriptors ----------------------------------------------------- */

static bool dma_read_space(const struct acpi_bytes *desc, unsigned int width,
			   size_t at, struct dma_space *space)
{
	if (acpi_get(desc, SPACE_TYPE, 1) != SPACE_MEMORY)
		return false;
	space->min = acpi_get(desc, at + width, width);
	space->max = acpi_get(desc, at + 2 * width, width);
	space->length = acpi_get(desc, at + 4 * width, width);
	if (!(acpi_get(desc, SPACE_FLAGS, 1) & SPACE_CONSUMER))
		space->offset = acpi_get(desc, at + 3 * width, width);
	return true;
}

/* Memory without a translation, of which only the first address and length count. */
static bool dma_read_memory(const struct acpi_bytes *desc, unsigned int width,
			    size_t length, struct dma_space *space)
{
	unsigned int shift = width == 2 ? 8 :
					  0; /* 24 bits, without the low 8 */

	space->min = acpi_get(desc, MEMORY_MIN, width) << shift;
	space->length = acpi_get(desc, length, width) << shift;
	space->max = space->min + (space->length - 1);
	return true;
}

/* As is_memory() in Linux: all but memory is passed over. */
static bool dma_read_descriptor(const struct acpi_bytes *desc,
				struct dma_space *space)
{
	*space = (struct dma_space){ 0 };
	switch (acpi_get(desc, 0, 1)) {
	case DESC_QWORD:
		return dma_read_space(desc, 8, SPACE_NUMBERS, space);
	case DESC_DWORD:
		return dma_read_space(desc, 4, SPACE_NUMBERS, space);
	case DESC_WORD:
		return dma_read_space(desc, 2, SPACE_NUMBERS, space);
	case DESC_EXTENDED:
		return dma_read_space(desc, 8, SPACE_EXTENDED_NUMBERS, space);
	case DESC_MEMORY24:
		return dma_read_memory(desc, 2, 10, space);
	case DESC_MEMORY32:
		return dma_read_memory(desc, 4, 16, space);
	case DESC_FIXED32:
		return dma_read_memory(desc, 4, 8, space);
	}
	return false;
}

static bool dma_next(const struct acpi_bytes *list, size_t *at,
		     struct acpi_bytes *desc)
{
	unsigned int tag = acpi_get(list, *at, 1);
	size_t size = 1 + (tag & 7);

	if (tag & DESC_LARGE)
		size = DESC_LARGE_HEADER + acpi_get(list, *at + DESC_LENGTH, 2);
	if (!acpi_cut(list, *at, size, desc))
		return false;
	*at += size;
	return true;
}

/* ---- windows --------------------------------------------------------- */

/*
 * Linux passes over a range without a length, or one that ends before it begins.
 * One of a single byte makes it give up on all of them.
 */
static bool dma_add_window(struct board *board, struct device *dev,
			   const struct dma_space *space)
{
	u64 start = space->min + space->offset;
	u64 last = space->max + space->offset;
	struct dmag_window window = { start, space->min, last - start + 1 };

	if (!space->length || !window.size || start > last)
		return true;
	if (start == last || window.size - 1 > U64_MAX - space->min)
		return false;
	source_add_window(board, dev, &window);
	return true;
}

/* An empty list leaves the bus the mask that devices begin with. */
static bool dma_read_windows(struct board *board, struct device *dev,
			     const struct aml_value *value)
{
	const struct acpi_bytes list = { dev->path, value->data, value->size };
	struct acpi_bytes desc;
	struct dma_space space;
	size_t at = 0;

	while (dma_next(&list, &at, &desc)) {
		if ((*desc.data & ~7) == DESC_END) {
			if (!dev->bus_limit)
				dev->bus_limit = ~0ULL >> 32;
			return true;
		}
		if (dma_read_descriptor(&desc, &space) &&
		    !dma_add_window(board, dev, &space))
			return false;
	}
	return false;
}

/* ---- buses ----------------------------------------------------------- */

static bool dma_evaluate(struct acpi *acpi, const char *path, const char *name,
			 struct aml_value *value)
{
	return aml_evaluate(
		&acpi->aml,
		arena_printf(&acpi->board->arena, "%s.%s", path, name), value);
}

static bool dma_is_pci(struct acpi *acpi, const char *path)
{
	static const char *const ids[] = { "PNP0A03", "PNP0A08" };
	static const u64 numbers[] = { 0x030ad041, 0x080ad041 };
	struct aml_value value;
	unsigned int i;

	if (!dma_evaluate(acpi, path, "_HID", &value))
		return false;
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		if (value.kind == AML_INTEGER ?
			    value.number == numbers[i] :
			    value.size == strlen(ids[i]) &&
				    !memcmp(value.data, ids[i], value.size))
			return true;
	return false;
}

/* _SEG or _BBN of a host bridge: 0 if it is not there. */
static bool dma_number(struct acpi *acpi, const char *path, const char *name,
		       unsigned int *number)
{
	struct aml_value value;

	if (!aml_child(&acpi->aml, path, name))
		return true;
	if (!dma_evaluate(acpi, path, name, &value) ||
	    value.kind != AML_INTEGER) {
		board_note(
			acpi->board,
			"%s.%s: not constant: its _DMA applies to no function",
			path, name);
		return false;
	}
	*number = value.number;
	return true;
}

/*
 * _CCA: the one that is furthest up counts.  On arm64 there has to be one, which
 * devices on a bus that is no PCI may have themselves.
 */
static void dma_read_coherent(struct acpi *acpi, struct acpi_bus *bus)
{
	bool needed = acpi->board->arch == ARCH_ARM64;
	struct aml_value value;
	const char *at;

	bus->dev.coherent = !needed;
	for (at = bus->dev.path; at && at[1]; at = aml_parent(&acpi->aml, at)) {
		if (!dma_evaluate(acpi, at, "_CCA", &value) ||
		    value.kind != AML_INTEGER)
			continue;
		bus->dev.coherent = value.number;
		bus->has_cca = true;
	}
	if (!bus->has_cca && bus->pci && needed)
		board_warn(acpi->board,
			   "%s: no _CCA: Linux lets no device there do DMA",
			   bus->dev.path);
}

static void dma_add_bus(struct acpi *acpi, const char *path,
			const struct aml_value *value)
{
	struct acpi_bus bus = {
		.dev = { .path = path,
			 .why = "_DMA",
			 .bridge = true,
			 .mask_bits = 32,
			 .stream_bits = 32,
			 .mask_from = MASK_UNKNOWN },
		.list = *value,
		.pci = dma_is_pci(acpi, path),
	};

	if (!dma_read_windows(acpi->board, &bus.dev, value)) {
		board_warn(acpi->board,
			   "%s: _DMA is no list of ranges: Linux ignores it",
			   path);
		return;
	}
	if (bus.pci && (!dma_number(acpi, path, "_SEG", &bus.segment) ||
			!dma_number(acpi, path, "_BBN", &bus.first)))
		return;
	bus.dev.platform = !bus.pci;
	dma_read_coherent(acpi, &bus);
	*ARENA_ADD(&acpi->board->arena, acpi->bus, acpi->nr_buses) = bus;
}

/* Linux defines a name once, however often tables do. */
static bool dma_is_known(const struct acpi *acpi, const char *path)
{
	unsigned int i;

	for (i = 0; i < acpi->nr_buses; i++)
		if (!strcmp(acpi->bus[i].dev.path, path))
			return true;
	return false;
}

static void dma_read_bus(struct acpi *acpi, const char *path)
{
	struct aml_value value;

	if (dma_is_known(acpi, path))
		return;
	if (!aml_child(&acpi->aml, path, "_CRS")) {
		board_warn(acpi->board,
			   "%s: _DMA without _CRS: Linux ignores it", path);
		return;
	}
	if (!dma_evaluate(acpi, path, "_DMA", &value) ||
	    value.kind != AML_BUFFER) {
		board_note(
			acpi->board,
			"%s._DMA: not constant: devices below may reach less",
			path);
		return;
	}
	dma_add_bus(acpi, path, &value);
}

/**
 * acpi_read_buses() - Find the buses that have _DMA.
 * @acpi: gets them; all tables have been read
 */
void acpi_read_buses(struct acpi *acpi)
{
	struct aml *aml = &acpi->aml;
	unsigned int i;

	for (i = 0; i < aml->nr; i++) {
		struct aml_object device = aml->object[i];
		const struct aml_object *dma;

		dma = device.type == AML_DEVICE ?
			      aml_child(aml, device.path, "_DMA") :
			      NULL;
		if (dma)
			dma_read_bus(acpi, device.path);
	}
}

/* The host bridge whose buses begin last before a function's. */
static const struct acpi_bus *dma_bus_of_pci(const struct acpi *acpi,
					     const char *name)
{
	const struct acpi_bus *found = NULL;
	unsigned int i, segment, number;

	if (sscanf(name, "%x:%x:", &segment, &number) != 2)
		return NULL;
	for (i = 0; i < acpi->nr_buses; i++) {
		const struct acpi_bus *bus = &acpi->bus[i];

		if (bus->pci && bus->segment == segment &&
		    bus->first <= number &&
		    (!found || bus->first > found->first))
			found = bus;
	}
	return found;
}

/* The nearest bus above, or the device itself. */
static const struct acpi_bus *dma_bus_of_path(const struct acpi *acpi,
					      const char *path)
{
	const struct acpi_bus *found = NULL;
	size_t longest = 0;
	unsigned int i;

	for (i = 0; i < acpi->nr_buses; i++) {
		const struct acpi_bus *bus = &acpi->bus[i];
		size_t len = strlen(bus->dev.path);

		if (strncmp(bus->dev.path, path, len) || len <= longest ||
		    (path[len] && path[len] != '.'))
			continue;
		found = bus;
		longest = len;
	}
	return found;
}

/**
 * acpi_limit_dma() - Apply _DMA to a device, as Linux does before the IORT.
 * @acpi: the tables
 * @dev: a PCI function with its name on the bus, or a device of the namespace
 *
 * Return: whether there is a _DMA for it.
 */
bool acpi_limit_dma(const struct acpi *acpi, struct device *dev)
{
	const struct acpi_bus *bus = *dev->path == '\\' ?
					     dma_bus_of_path(acpi, dev->path) :
					     dma_bus_of_pci(acpi, dev->path);

	if (!bus)
		return false;
	dev->constraint = bus->dev.constraint;
	dev->bus_limit = bus->dev.bus_limit;
	dev->coherent = bus->dev.coherent;
	return true;
}

/* An SMMU translates for what is behind a host bridge. */
static bool dma_is_translated(const struct acpi *acpi,
			      const struct acpi_bus *bus)
{
	unsigned int i;

	for (i = 0; bus->pci && i < acpi->nr; i++)
		if (!acpi->node[i].path &&
		    acpi->node[i].segment == bus->segment)
			return acpi->node[i].translated;
	return false;
}

/**
 * acpi_add_buses() - Add the buses that have _DMA, in place of what is below.
 * @acpi: the tables
 * @opt: the user's options
 */
void acpi_add_buses(const struct acpi *acpi, struct plan_options *opt)
{
	struct board *board = acpi->board;
	unsigned int i;

	for (i = 0; i < acpi->nr_buses; i++) {
		struct device dev = acpi->bus[i].dev;

		if (dma_is_translated(acpi, &acpi->bus[i]))
			dev.kind = DEVICE_IOMMU;
		source_finish_device(board, &dev, dev.path, opt);
		*ARENA_ADD(&board->arena, board->devices, board->nr_devices) =
			dev;
	}
}
