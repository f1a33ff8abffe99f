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
	const u64 limit32 = (1ULL << 32) - 1;
	struct span *bank;

	if (!size && !opt->assume) {
		of_note(board, np,
			"reg: the size is left to the firmware (give --memory or --assume-memory)");
		return;
	}
	if (!size)
		of_note(board, np, "reg: no size, assuming %llu MiB",
			opt->assume >> 20);
	bank = ARENA_ADD(&board->arena, board->banks, board->nr_banks);
	*bank = span_from(start, size ? size : opt->assume);
	if (!size && of_addr_cells(np->parent) == 1 && start <= limit32)
		bank->last = min(bank->last, limit32); /* no cell for more */
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
	if (!reg_init(&cursor, np, name)) {
		of_warn(board, np,
			"reg: missing, Linux ignores the node (give --memory)");
		return 0;
	}
	if (!cursor.na || cursor.na > 2 || !cursor.ns || cursor.ns > 2)
		return reg_fail(board, np, name, &cursor);
	while (reg_next(&cursor, &start, &size))
		bank_add(board, np, start, size, opt);
	return cursor.at == cursor.end ? 0 : reg_fail(board, np, name, &cursor);
}

/*
 * /chosen/linux,usable-memory-range, which a crash kernel gets: the first range
 * caps what the memory nodes say, further ones are added.
 */
static int memory_cap(struct board *board, const struct of_tree *tree)
{
	const struct of_node *chosen = of_child(tree->root, "chosen");
	struct reg_cursor cursor;
	struct span cap;
	u64 start, size;
	unsigned int i, nr = 0;

	if (!chosen || !reg_init(&cursor, chosen, "linux,usable-memory-range"))
		return 0;
	if (!cursor.na || cursor.na > 2 || !cursor.ns || cursor.ns > 2 ||
	    !reg_next(&cursor, &start, &size) || !size)
		return reg_fail(board, chosen, "linux,usable-memory-range",
				&cursor);
	cap = span_from(start, size);
	for (i = 0; i < board->nr_banks; i++) {
		start = max(board->banks[i].start, cap.start);
		size = min(board->banks[i].last, cap.last);
		if (start <= size)
			board->banks[nr++] = (struct span){ start, size };
	}
	board->nr_banks = nr;
	while (reg_next(&cursor, &start, &size) && size)
		*ARENA_ADD(&board->arena, board->banks, board->nr_banks) =
			span_from(start, size);
	of_note(board, chosen, "linux,usable-memory-range: memory is capped");
	return 0;
}

/* A node that looks like memory to people, but not to Linux. */
static void memory_check_type(struct board *board, const struct of_node *np)
{
	if (!strncmp(np->name, "memory@", 7) && np->available &&
	    !of_has(np, "device_type") && !of_has(np, "compatible"))
		of_warn(board, np,
			"device_type = \"memory\" is missing, Linux ignores the node");
}

/**
 * memory_read() - Find the banks of memory in a device tree.
 * @board: gets the banks, unless it is that of a running machine
 * @tree: the tree
 * @opt: may know better
 *
 * Return: 0, or -1 with board->error set.
 */
int memory_read(struct board *board, const struct of_tree *tree,
		const struct plan_options *opt)
{
	const struct of_node *np;

	if (board->live)
		return 0;
	if (opt->nr_memory) {
		board->banks = opt->memory;
		board->nr_banks = opt->nr_memory;
		return 0;
	}
	for (np = tree->root->child; np; np = np->sibling) {
		const char *type = of_string(np, "device_type");

		memory_check_type(board, np);
		if (np->available && type && !strcmp(type, "memory") &&
		    bank_read(board, np, opt))
			return -1;
	}
	return memory_cap(board, tree);
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

/* alloc-ranges: the first of these that has room holds the region. */
static void region_read_within(struct board *board, const struct of_node *np,
			       struct region *region)
{
	struct reg_cursor cursor;
	u64 start, size;

	if (!reg_init(&cursor, np, "alloc-ranges") || !cursor.na ||
	    cursor.na > 2 || !cursor.ns || cursor.ns > 2)
		return;
	while (reg_next(&cursor, &start, &size))
		if (size)
			*ARENA_ADD(&board->arena, region->within,
				   region->nr_within) = span_from(start, size);
}

static void region_add(struct board *board, const struct of_node *np,
		       bool placed, u64 start, u64 size)
{
	struct region *region;

	if (!size)
		return;
	region = ARENA_ADD(&board->arena, board->regions, board->nr_regions);
	region->name = np ? of_path(board, np) : "memory reservation block";
	region->placed = placed;
	region->size = size;
	if (placed)
		region->span = span_from(start, size);
	if (!np)
		return;
	region->kind = region_kind(np);
	region->nomap = of_has(np, "no-map");
	region->cma_default = region->kind == REGION_CMA &&
			      of_has(np, "linux,cma-default");
	region->pool_default = region->kind == REGION_COHERENT &&
			       of_has(np, "linux,dma-default");
	if (!placed)
		region_read_within(board, np, region);
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

/**
 * memory_read_regions() - Find the reserved regions of a device tree.
 * @board: gets the regions
 * @tree: the tree
 *
 * Return: 0, or -1 with board->error set.
 */
int memory_read_regions(struct board *board, const struct of_tree *tree)
{
	const struct of_node *np;

	np = of_child(tree->root, "reserved-memory");
	for (np = np ? np->child : NULL; np; np = np->sibling)
		if (np->available && region_read(board, np))
			return -1;
	return 0;
}
