/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Bytes of ACPI's tables, which are little-endian and not aligned.
 */
#ifndef DMAG_TOOL_ACPI_BYTES_H
#define DMAG_TOOL_ACPI_BYTES_H

#include "board.h"

#define ACPI_HEADER 36 /* bytes that all tables begin with */

/** struct acpi_bytes - A table, or a part of one. */
struct acpi_bytes {
	const char *name;
	const uint8_t *data;
	size_t size;
};

/* Little-endian; 0 beyond the end. */
static inline u64 acpi_get(const struct acpi_bytes *in, size_t at,
			   unsigned int bytes)
{
	u64 val = 0;

	if (at > in->size || in->size - at < bytes)
		return 0;
	while (bytes--)
		val = val << 8 | in->data[at + bytes];
	return val;
}

/* @size bytes from @at on; false if they are not all there. */
static inline bool acpi_cut(const struct acpi_bytes *in, size_t at, size_t size,
			    struct acpi_bytes *part)
{
	if (at > in->size || in->size - at < size)
		return false;
	*part = (struct acpi_bytes){ in->name, in->data + at, size };
	return true;
}

void acpi_read_iommus(struct board *board, const struct acpi_bytes *table,
		      bool amd);

#endif /* DMAG_TOOL_ACPI_BYTES_H */
