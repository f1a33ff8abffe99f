/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * DMA in ACPI's tables.
 */
#ifndef DMAG_TOOL_ACPI_H
#define DMAG_TOOL_ACPI_H

#include "source.h"

/**
 * struct acpi_node - A device, or all devices of a PCI segment, in the IORT.
 * @path: of a named component; NULL: a PCI root complex
 * @segment: of a root complex
 * @bits: addresses that get from it to memory have so many; 0: unknown
 * @coherent: it sees the CPU's caches
 * @translated: an SMMU is between it and memory
 */
struct acpi_node {
	const char *path;
	unsigned int segment;
	unsigned int bits;
	bool coherent;
	bool translated;
};

/** struct acpi - The tables of a machine, as far as they are understood. */
struct acpi {
	struct board *board;
	struct acpi_node *node;
	unsigned int nr;
};

void acpi_read_table(struct acpi *acpi, const char *name, const void *data,
		     size_t size);
unsigned int acpi_read(struct acpi *acpi, const char *dir);
void acpi_limit_pci(const struct acpi *acpi, struct device *dev);
void acpi_limit_zones(const struct acpi *acpi);
void acpi_add_components(const struct acpi *acpi, struct plan_options *opt);

#endif /* DMAG_TOOL_ACPI_H */
