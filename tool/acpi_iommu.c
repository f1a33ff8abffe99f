// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * DMAR (Intel) and IVRS (AMD): that a machine has IOMMUs, and which memory they
 * always have to let firmware's devices use.
 *
 * Which devices an IOMMU translates for depends on the kernel's configuration and
 * command line, and is told by sysfs or the log.
 */
#include "acpi_bytes.h"
#include "text.h"

enum {
	IOMMU_FIRST = 48, /* entries, in both tables */

	/* DMAR: a type and a length of two bytes each. */
	DMAR_HEADER = 4,
	DMAR_UNIT = 0,
	DMAR_RESERVED = 1,
	DMAR_BASE = 8,
	DMAR_LIMIT = 16, /* the last byte */

	/* IVRS: a type and flags of one byte each, a length of two. */
	IVRS_RESERVED = 0x20, /* and the two types after it */
	IVRS_START = 16,
	IVRS_SIZE = 24,
};

/* A unit of AMD is in the table once for each type of entry that can describe it. */
static const unsigned int ivrs_units[] = { 0x10, 0x11, 0x40 };

struct iommu {
	struct board *board;
	const char *table;
	unsigned int units[ARRAY_SIZE(ivrs_units)];
};

static void iommu_reserve(const struct iommu *iommu, u64 start, u64 last)
{
	char size[32];

	if (start > last || !(last - start + 1))
		return;
	board_note(iommu->board,
		   "%s: [%#llx, %#llx] %s stays mapped for firmware's devices",
		   iommu->table, start, last,
		   size_text(size, sizeof(size), last - start + 1));
}

static void dmar_read_entry(struct iommu *iommu, const struct acpi_bytes *entry)
{
	switch (acpi_get(entry, 0, 2)) {
	case DMAR_UNIT:
		iommu->units[0]++;
		break;
	case DMAR_RESERVED:
		iommu_reserve(iommu, acpi_get(entry, DMAR_BASE, 8),
			      acpi_get(entry, DMAR_LIMIT, 8));
		break;
	}
}

static void ivrs_read_entry(struct iommu *iommu, const struct acpi_bytes *entry)
{
	unsigned int i, type = acpi_get(entry, 0, 1);
	u64 start = acpi_get(entry, IVRS_START, 8);

	for (i = 0; i < ARRAY_SIZE(ivrs_units); i++)
		iommu->units[i] += type == ivrs_units[i];
	if (type >= IVRS_RESERVED && type <= IVRS_RESERVED + 2)
		iommu_reserve(iommu, start,
			      start + (acpi_get(entry, IVRS_SIZE, 8) - 1));
}

static void iommu_note(const struct iommu *iommu)
{
	unsigned int i, units = 0;

	for (i = 0; i < ARRAY_SIZE(iommu->units); i++)
		units = max(units, iommu->units[i]);
	board_note(
		iommu->board,
		"%s: %u IOMMU%s; sysfs or the boot log tells for which devices",
		iommu->table, units, units == 1 ? "" : "s");
}

/**
 * acpi_read_iommus() - Note the IOMMUs of a DMAR or an IVRS.
 * @board: gets the notes
 * @table: the table
 * @amd: it is an IVRS
 */
void acpi_read_iommus(struct board *board, const struct acpi_bytes *table,
		      bool amd)
{
	struct iommu iommu = { .board = board, .table = table->name };
	struct acpi_bytes entry;
	size_t at, size;

	for (at = IOMMU_FIRST; at < table->size; at += size) {
		size = acpi_get(table, at + 2, 2);
		if (size < DMAR_HEADER || !acpi_cut(table, at, size, &entry)) {
			board_warn(board, "%s: cut short", table->name);
			break;
		}
		if (amd)
			ivrs_read_entry(&iommu, &entry);
		else
			dmar_read_entry(&iommu, &entry);
	}
	iommu_note(&iommu);
}
