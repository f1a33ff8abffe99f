/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * DMA in ACPI's tables.
 */
#ifndef DMAG_TOOL_ACPI_H
#define DMAG_TOOL_ACPI_H

#include "aml.h"
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

/**
 * struct acpi_bus - A device in the namespace that has _DMA.
 * @dev: it, with its windows, in place of the devices below
 * @list: what its _DMA is, a list of resources
 * @has_cca: there is a word on its coherence
 * @pci: it is a PCI host bridge
 * @segment: of a host bridge, and @first the number of its first bus
 */
struct acpi_bus {
	struct device dev;
	struct aml_value list;
	bool has_cca;
	bool pci;
	unsigned int segment;
	unsigned int first;
};

/** struct acpi - The tables of a machine, as far as they are understood. */
struct acpi {
	struct board *board;
	struct acpi_node *node;
	unsigned int nr;
	struct aml aml;
	struct acpi_bus *bus;
	unsigned int nr_buses;
};

void acpi_read_table(struct acpi *acpi, const char *name, const void *data,
		     size_t size);
unsigned int acpi_read(struct acpi *acpi, const char *dir);
void acpi_limit_pci(const struct acpi *acpi, struct device *dev);
void acpi_limit_zones(const struct acpi *acpi);
void acpi_add_components(const struct acpi *acpi, struct plan_options *opt);

void acpi_read_buses(struct acpi *acpi);
bool acpi_limit_dma(const struct acpi *acpi, struct device *dev);
void acpi_add_buses(const struct acpi *acpi, struct plan_options *opt);
const void *acpi_write_code(const struct acpi *acpi, size_t *size);

#endif /* DMAG_TOOL_ACPI_H */
