// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Byte code anew: a DSDT that says of buses with _DMA what a plan needs, and nothing
 * else of a firmware whose tables may have serial numbers and addresses anywhere.
 */
#include <string.h>

#include "acpi.h"
#include "acpi_bytes.h"

#define CODE_HID "PNP0A08"

struct code {
	struct arena *arena;
	uint8_t *byte;
	unsigned int nr;
};

static void code_bytes(struct code *code, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size--)
		*ARENA_ADD(code->arena, code->byte, code->nr) = *from++;
}

static void code_number(struct code *code, u64 number, unsigned int bytes)
{
	for (; bytes--; number >>= 8)
		code_bytes(code, &(uint8_t){ number }, 1);
}

/* A length of three bytes, which counts itself: up to 1 MiB, as no list has. */
static void code_package(struct code *code, const struct code *body)
{
	unsigned int length = body->nr + 3;

	code_number(code, 0x80 | (length & 0xf), 1);
	code_number(code, length >> 4, 2);
	code_bytes(code, body->byte, body->nr);
}

/* "\_SB_.PCI0" as a root, a count and names of four letters. */
static void code_path(struct code *code, const char *path)
{
	unsigned int names = (strlen(path) + 4) / 5;

	code_bytes(code, "\\/", 2);
	code_number(code, names, 1);
	for (; names--; path += 5)
		code_bytes(code, path + 1, 4);
}

static void code_buffer(struct code *code, const char *name, const void *data,
			size_t size)
{
	struct code body = { .arena = code->arena };

	code_number(&body, 0x0c, 1);
	code_number(&body, size, 4);
	code_bytes(&body, data, size);
	code_bytes(code, "\x08", 1);
	code_bytes(code, name, 4);
	code_bytes(code, "\x11", 1);
	code_package(code, &body);
}

static void code_integer(struct code *code, const char *name, u64 number)
{
	code_bytes(code, "\x08", 1);
	code_bytes(code, name, 4);
	code_bytes(code, "\x0c", 1);
	code_number(code, number, 4);
}

static void code_bus(struct code *code, const struct acpi_bus *bus)
{
	struct code body = { .arena = code->arena };

	code_path(&body, bus->dev.path);
	code_buffer(&body, "_CRS", "\x79", 2);
	code_buffer(&body, "_DMA", bus->list.data, bus->list.size);
	if (bus->has_cca)
		code_integer(&body, "_CCA", bus->dev.coherent);
	if (bus->pci) {
		code_bytes(&body, "\x08_HID\x0d" CODE_HID,
			   sizeof("\x08_HID\x0d" CODE_HID));
		code_integer(&body, "_SEG", bus->segment);
		code_integer(&body, "_BBN", bus->first);
	}
	code_bytes(code, "\x5b\x82", 2);
	code_package(code, &body);
}

/**
 * acpi_write_code() - Make a table of the buses that have _DMA.
 * @acpi: the tables
 * @size: gets the size of the table in bytes; 0: there are no such buses
 *
 * Return: the table, in the arena of the board.
 */
const void *acpi_write_code(const struct acpi *acpi, size_t *size)
{
	struct code code = { .arena = &acpi->board->arena };
	uint8_t sum = 0;
	unsigned int i;

	*size = 0;
	if (!acpi->nr_buses)
		return NULL;
	code_bytes(&code, "DSDT\0\0\0\0\2\0DMAG  COLLECT \1\0\0\0DMAG\1\0\0\0",
		   ACPI_HEADER);
	for (i = 0; i < acpi->nr_buses; i++)
		code_bus(&code, &acpi->bus[i]);
	for (i = 0; i < 4; i++)
		code.byte[4 + i] = code.nr >> 8 * i;
	for (i = 0; i < code.nr; i++)
		sum += code.byte[i];
	code.byte[9] = -sum;
	*size = code.nr;
	return code.byte;
}
