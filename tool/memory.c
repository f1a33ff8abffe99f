// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Memory in a device tree: banks, and regions that are set aside.
 */
#include <libfdt.h>
#include <string.h>

#include "memory.h"

/* ---- memory ---------------------------------------------------------- */

/* The first @size bytes from @start, as far as there are addresses. */
static struct span span_from(u64 start, u64 size)
{
	struct span s = { start, start + (size - 1) };

	if (size - 1 > U64_MAX - start)
		s.last = U64_MAX;
	return s;
}

struct reg_cursor {
	const u8 *at, *end;
	unsigned int na, ns;
};

/* Cells are those of the parent, as for every reg. */
static bool reg_init(struct reg_cursor *cursor, const struct of_node *np,
		     const char *name)
{
	u32 len;
	const u8 *data = of_get(np, name, &len);

	if (!data)
		return false;
	cursor->at = data;
	cursor->end = data + len;
	cursor->na = of_addr_cells(np->parent);
	cursor->ns = of_size_cells(np->parent);
	return true;
}

static bool reg_next(struct reg_cursor *cursor, u64 *start, u64 *size)
{
	if ((size_t)(cursor->end - cursor->at) < (cursor->na + cursor->ns) * 4)
		return false;
	*start = of_number(cursor->at, cursor->na);
	*size = of_number(cursor->at + cursor->na * 4, cursor->ns);
	cursor->at += (cursor->na + cursor->ns) * 4;
	return true;
}

static int reg_fail(struct board *board, const struct of_node *np,
		    const char *name, const struct reg_cursor *cursor)
{
	return of_fail(board, np, "%s: %td bytes are no list of %u + %u cells",
		       name, cursor->end - cursor->at, cursor->na, cursor->ns);
}

/*
 * Boot loaders fill in sizes.  A bank of 0 bytes in a tree that was never booted
 * does not mean that there is no memory.
 */
static void bank_add(struct board *board, const struct of_node *np, u64 start,
		     u64 size, const struct plan_options *opt)
{
	if (!size && !opt->assume) {
		of_note(board, np,
			"reg: the size is left to the firmware (give --memory or --assume-memory)");
		return;
	}
	if (!size)
		of_note(board, np, "reg: no size, assuming %llu MiB",
			opt->assume >> 20);
	*ARENA_ADD(&board->arena, board->banks, board->nr_banks) =
		span_from(start, size ? size : opt->assume);
}

/*
 * More than two cells would not fit a number here, and no Linux reads them as
 * memory.
 */
static int bank_read(struct board *board, const struct of_node *np,
		     const struct plan_options *opt)
{
	const char *name = "linux,usable-memory";
	struct reg_cursor cursor;
	u64 start, size;

	if (!of_has(np, name))
		name = "reg";
	if (!reg_init(&cursor, np, name))
		return of_fail(board, np, "reg: missing");
	if (!cursor.na || cursor.na > 2 || !cursor.ns || cursor.ns > 2)
		return reg_fail(board, np, name, &cursor);
	while (reg_next(&cursor, &start, &size))
		bank_add(board, np, start, size, opt);
	return cursor.at == cursor.end ? 0 : reg_fail(board, np, name, &cursor);
}

int memory_read(struct board *board, const struct of_tree *tree,
		const struct plan_options *opt)
{
	const struct of_node *np;

	if (opt->nr_memory) {
		board->banks = opt->memory;
		board->nr_banks = opt->nr_memory;
		return 0;
	}
	for (np = tree->root->child; np; np = np->sibling) {
		const char *type = of_string(np, "device_type");

		if (np->available && type && !strcmp(type, "memory") &&
		    bank_read(board, np, opt))
			return -1;
	}
	return 0;
}

/* ---- reserved memory ------------------------------------------------- */

/* A pool that is not reusable is carved out; "reusable" makes it an area of CMA. */
enum region_kind region_kind(const struct of_node *np)
{
	if (of_compatible(np, "restricted-dma-pool"))
		return REGION_RESTRICTED;
	if (of_compatible(np, "shared-dma-pool"))
		return of_has(np, "reusable") ? REGION_CMA : REGION_COHERENT;
	return of_has(np, "no-map") ? REGION_NOMAP : REGION_RESERVED;
}

static void region_add(struct board *board, const struct of_node *np,
		       bool placed, u64 start, u64 size)
{
	struct region *region;

	if (!size)
		return;
	region = ARENA_ADD(&board->arena, board->regions, board->nr_regions);
	region->name = np ? of_path(board, np) : "memory reservation block";
	region->kind = np ? region_kind(np) : REGION_RESERVED;
	region->placed = placed;
	region->size = size;
	if (placed)
		region->span = span_from(start, size);
}

/*
 * With reg the region has a place.  With size alone Linux finds one, which is not
 * known before it runs.
 */
static int region_read(struct board *board, const struct of_node *np)
{
	struct reg_cursor cursor;
	u64 start, size;
	u32 len;
	const u8 *data;

	if (reg_init(&cursor, np, "reg")) {
		if (!cursor.na || cursor.na > 2 || cursor.ns > 2)
			return reg_fail(board, np, "reg", &cursor);
		while (cursor.ns && reg_next(&cursor, &start, &size))
			region_add(board, np, true, start, size);
		return cursor.at == cursor.end ?
			       0 :
			       reg_fail(board, np, "reg", &cursor);
	}
	data = of_get(np, "size", &len);
	if (data && (len == 4 || len == 8))
		region_add(board, np, false, 0, of_number(data, len / 4));
	else if (data)
		return of_fail(board, np, "size: %u bytes are no number", len);
	return 0;
}

/* Pairs of 64-bit numbers; libfdt has checked that they are there. */
void memory_read_reservations(struct board *board, const void *blob)
{
	const u8 *at = (const u8 *)blob + fdt_off_mem_rsvmap(blob);
	int i, nr = fdt_num_mem_rsv(blob);

	for (i = 0; i < nr; i++, at += 16)
		region_add(board, NULL, true, of_number(at, 2),
			   of_number(at + 8, 2));
}

int memory_read_regions(struct board *board, const struct of_tree *tree)
{
	const struct of_node *np;

	for (np = tree->root->child; np; np = np->sibling)
		if (!strcmp(np->name, "reserved-memory") && np->available)
			break;
	for (np = np ? np->child : NULL; np; np = np->sibling)
		if (np->available && region_read(board, np))
			return -1;
	return 0;
}
