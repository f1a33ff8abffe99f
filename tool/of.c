// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Addresses in a device tree, by the rules of Linux 6.12.
 *
 * The kernel's reading of a tree counts here, not that of the specification, so
 * this follows drivers/of/address.c in substance, quirks included:
 * a bus without dma-ranges translates one to one when an address is carried up
 * through it, the DMA parent of a node may be elsewhere ("dma-mem"), and an
 * entry that cannot be translated is dropped.
 */
#include <string.h>

#include "of.h"

#define OF_MAX_ADDR_CELLS 4
#define OF_CELL 4 /* bytes */

/* The kinds of buses whose addresses Linux reads differently. */
enum of_bus_kind {
	OF_BUS_PCI,
	OF_BUS_ISA,
	OF_BUS_FLAGS,
	OF_BUS_DEFAULT,
};

struct of_bus {
	enum of_bus_kind kind;
	unsigned int na, ns, flag_cells;
};

/* An address on its way up: @cells of a bus with @bus's format. */
struct of_addr {
	struct of_bus bus;
	u8 cells[OF_MAX_ADDR_CELLS * OF_CELL];
};

/* Lists are short; a hash would cost more than it saves. */
const void *of_get(const struct of_node *np, const char *name, u32 *len)
{
	const struct of_prop *prop;

	for (prop = np->props; prop; prop = prop->next) {
		if (!prop->name || strcmp(prop->name, name))
			continue;
		if (len)
			*len = prop->len;
		return prop->data;
	}
	return NULL;
}

bool of_has(const struct of_node *np, const char *name)
{
	return of_get(np, name, NULL);
}

/* The string after @prev in a list of strings; all end within the property. */
const char *of_next_string(const struct of_node *np, const char *name,
			   const char *prev)
{
	const char *s, *end;
	u32 len = 0;

	s = of_get(np, name, &len);
	if (!s)
		return NULL;
	end = s + len;
	if (prev)
		s = prev + strlen(prev) + 1;
	return s < end && memchr(s, 0, end - s) ? s : NULL;
}

const char *of_string(const struct of_node *np, const char *name)
{
	return of_next_string(np, name, NULL);
}

/* Big-endian cells; of more than two the last two count, as in Linux. */
u64 of_number(const u8 *cells, unsigned int nr)
{
	u64 val = 0;

	for (; nr--; cells += OF_CELL)
		val = val << 32 | (u32)cells[0] << 24 | (u32)cells[1] << 16 |
		      (u32)cells[2] << 8 | cells[3];
	return val;
}

bool of_u32(const struct of_node *np, const char *name, u32 *val)
{
	u32 len;
	const void *data = of_get(np, name, &len);

	if (!data || len < OF_CELL)
		return false;
	*val = of_number(data, 1);
	return true;
}

bool of_compatible(const struct of_node *np, const char *compatible)
{
	const char *s = NULL;

	while ((s = of_next_string(np, "compatible", s)))
		if (!strcmp(s, compatible))
			return true;
	return false;
}

/* The enabled child of this whole name; NULL if there is none. */
const struct of_node *of_child(const struct of_node *np, const char *name)
{
	const struct of_node *child;

	for (child = np->child; child; child = child->sibling)
		if (child->available && !strcmp(child->name, name))
			return child;
	return NULL;
}

const char *of_path(struct board *board, const struct of_node *np)
{
	if (!np || !np->parent)
		return "/";
	if (!np->parent->parent)
		return arena_printf(&board->arena, "/%s", np->name);
	return arena_printf(&board->arena, "%s/%s", of_path(board, np->parent),
			    np->name);
}

/* A note about a node: board_note() with its path in front. */
void of_note(struct board *board, const struct of_node *np, const char *fmt,
	     ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(&board->arena, fmt, args);
	va_end(args);
	board_note(board, "%s: %s", of_path(board, np), text);
}

/* The same for board_warn(). */
void of_warn(struct board *board, const struct of_node *np, const char *fmt,
	     ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(&board->arena, fmt, args);
	va_end(args);
	board_warn(board, "%s: %s", of_path(board, np), text);
}

/* board_fail() with the path of a node in front; returns -1. */
int of_fail(struct board *board, const struct of_node *np, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(&board->arena, fmt, args);
	va_end(args);
	return board_fail(board, "%s: %s", of_path(board, np), text);
}

/* Sorted by of_check_phandles(), which has refused doubles. */
struct of_node *of_by_phandle(const struct of_tree *tree, u32 phandle)
{
	unsigned int lo = 0, hi = tree->nr_phandles;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (tree->phandles[mid]->phandle < phandle)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == tree->nr_phandles || tree->phandles[lo]->phandle != phandle)
		return NULL;
	return tree->phandles[lo];
}

/* A list of phandles without arguments. */
struct of_node *of_phandle_at(const struct of_tree *tree,
			      const struct of_node *np, const char *name,
			      unsigned int index)
{
	u32 len;
	const u8 *data = of_get(np, name, &len);

	if (!data || len / OF_CELL <= index)
		return NULL;
	return of_by_phandle(tree, of_number(data + index * OF_CELL, 1));
}

/* A bus that does not say how wide its addresses are is as wide as its parent. */
static unsigned int of_cells(const struct of_node *bus, const char *name)
{
	u32 cells;

	for (; bus; bus = bus->parent)
		if (of_u32(bus, name, &cells))
			return cells;
	return 1;
}

unsigned int of_addr_cells(const struct of_node *bus)
{
	return of_cells(bus, "#address-cells");
}

unsigned int of_size_cells(const struct of_node *bus)
{
	return of_cells(bus, "#size-cells");
}

static bool of_name_is(const struct of_node *np, const char *name)
{
	size_t len = strcspn(np->name, "@");

	return len == strlen(name) && !strncmp(np->name, name, len);
}

/* By type, or by name: old trees lack the type (of_node_is_pcie() in Linux). */
bool of_is_pci(const struct of_node *np)
{
	const char *type = of_string(np, "device_type");

	if (type && (!strcmp(type, "pci") || !strcmp(type, "pciex") ||
		     !strcmp(type, "vci") || !strcmp(type, "ht")))
		return true;
	return of_name_is(np, "pcie");
}

/*
 * PCI and ISA addresses begin with a cell that says in which space they are; so
 * does any address of three cells (of_bus_default_flags_match() in Linux).
 */
static struct of_bus of_bus(const struct of_node *np)
{
	struct of_bus bus = { OF_BUS_PCI, 3, 2, 1 };

	if (of_is_pci(np))
		return bus;
	if (of_name_is(np, "isa"))
		return (struct of_bus){ OF_BUS_ISA, 2, 1, 1 };
	bus.na = of_addr_cells(np);
	bus.ns = of_size_cells(np);
	bus.kind = bus.na == 3 ? OF_BUS_FLAGS : OF_BUS_DEFAULT;
	bus.flag_cells = bus.kind == OF_BUS_FLAGS;
	return bus;
}

static bool of_bus_usable(const struct of_bus *bus)
{
	return bus->na > 0 && bus->na <= OF_MAX_ADDR_CELLS && bus->ns > 0 &&
	       bus->ns <= OF_MAX_ADDR_CELLS;
}

/* Memory or I/O: entries translate only addresses of their own kind. */
static bool of_same_space(const struct of_bus *bus, const u8 *one,
			  const u8 *other)
{
	static const u8 pci_space[] = { 0, 1, 2, 2 };

	switch (bus->kind) {
	case OF_BUS_PCI:
		return pci_space[one[0] & 3] == pci_space[other[0] & 3];
	case OF_BUS_ISA:
		return !((one[3] ^ other[3]) & 1);
	case OF_BUS_FLAGS:
		return !memcmp(one, other, OF_CELL);
	default:
		return true;
	}
}

/* How far into the range entry at @entry the address lies, if it does. */
static bool of_within(const struct of_addr *from, const u8 *entry,
		      unsigned int pna, u64 *offset)
{
	const struct of_bus *bus = &from->bus;
	unsigned int skip = bus->flag_cells;
	u64 addr, start, size;

	if (!of_same_space(bus, from->cells, entry))
		return false;
	addr = of_number(from->cells + skip * OF_CELL, bus->na - skip);
	start = of_number(entry + skip * OF_CELL, bus->na - skip);
	size = of_number(entry + (bus->na + pna) * OF_CELL, bus->ns);
	*offset = addr - start;
	return addr >= start && *offset < size;
}

static void of_set_number(u8 *cells, unsigned int nr, u64 val)
{
	memset(cells, 0, nr * OF_CELL);
	for (unsigned int i = nr * OF_CELL; i-- && val; val >>= 8)
		cells[i] = val;
}

/* Carry an address from the bus below @np, whose format it has, up to @up. */
static bool of_carry(const struct of_node *np, struct of_addr *addr,
		     const struct of_bus *up)
{
	unsigned int skip = up->flag_cells, entry;
	u64 offset = 0;
	u32 len = 0;
	const u8 *ranges = of_get(np, "dma-ranges", &len);

	if (!ranges || !len) {
		offset = of_number(addr->cells, addr->bus.na);
		memset(addr->cells + skip * OF_CELL, 0,
		       (up->na - skip) * OF_CELL);
	} else {
		entry = (addr->bus.na + up->na + addr->bus.ns) * OF_CELL;
		while (len >= entry &&
		       !of_within(addr, ranges, up->na, &offset)) {
			ranges += entry;
			len -= entry;
		}
		if (len < entry)
			return false;
		memcpy(addr->cells, ranges + addr->bus.na * OF_CELL,
		       up->na * OF_CELL);
	}
	of_set_number(addr->cells + skip * OF_CELL, up->na - skip,
		      of_number(addr->cells + skip * OF_CELL, up->na - skip) +
			      offset);
	addr->bus = *up;
	return true;
}

struct of_node *of_dma_parent(const struct of_tree *tree,
			      const struct of_node *np)
{
	const char *name = NULL;
	unsigned int index = 0, at = 0;
	struct of_node *to;
	u32 len, cells;
	const u8 *data;

	while ((name = of_next_string(np, "interconnect-names", name)) &&
	       strcmp(name, "dma-mem"))
		index++;
	data = name ? of_get(np, "interconnects", &len) : NULL;
	while (data && at < len / OF_CELL) {
		to = of_by_phandle(tree, of_number(data + at * OF_CELL, 1));
		if (!to || !of_u32(to, "#interconnect-cells", &cells))
			break;
		if (cells >= len / OF_CELL - at)
			break;
		if (!index--)
			return to;
		at += 1 + cells;
	}
	return np->parent;
}

/* The CPU's view of addr DMA address that leaves @np, in the format of its bus. */
static bool of_translate(const struct of_tree *tree, const struct of_node *np,
			 const u8 *cells, const u8 *end, u64 *cpu)
{
	const struct of_node *bus_np = of_dma_parent(tree, np);
	unsigned int hops = 0;
	struct of_addr addr;
	struct of_bus up;

	if (!bus_np)
		return false;
	addr.bus = of_bus(bus_np);
	if (!of_bus_usable(&addr.bus) ||
	    (size_t)(end - cells) < addr.bus.na * OF_CELL)
		return false;
	memcpy(addr.cells, cells, addr.bus.na * OF_CELL);
	while (of_dma_parent(tree, bus_np)) {
		up = of_bus(of_dma_parent(tree, bus_np));
		if (hops++ > OF_MAX_DEPTH || !of_bus_usable(&up) ||
		    !of_carry(bus_np, &addr, &up))
			return false;
		bus_np = of_dma_parent(tree, bus_np);
	}
	*cpu = of_number(addr.cells, addr.bus.na);
	return true;
}

/**
 * of_cursor_init() - Start reading a node's dma-ranges.
 * @cursor: the cursor
 * @tree: the tree
 * @np: the bus
 *
 * Return: false if there is no such property or its cells make no sense.
 */
bool of_cursor_init(struct of_cursor *cursor, const struct of_tree *tree,
		    const struct of_node *np)
{
	u32 len;
	const u8 *data = of_get(np, "dma-ranges", &len);

	if (!data)
		return false;
	cursor->tree = tree;
	cursor->node = np;
	cursor->at = data;
	cursor->end = data + len;
	cursor->na = of_addr_cells(np);
	cursor->pna = of_addr_cells(np->parent ? np->parent : np);
	cursor->ns = of_size_cells(np);
	cursor->flag_cells = of_bus(np).flag_cells;
	return cursor->na > cursor->flag_cells &&
	       cursor->na <= OF_MAX_ADDR_CELLS && cursor->pna &&
	       cursor->pna <= OF_MAX_ADDR_CELLS && cursor->ns &&
	       cursor->ns <= OF_MAX_ADDR_CELLS;
}

bool of_cursor_next(struct of_cursor *cursor, struct of_range *range)
{
	unsigned int entry = (cursor->na + cursor->pna + cursor->ns) * OF_CELL;
	const u8 *cpu = cursor->at + cursor->na * OF_CELL;

	if ((size_t)(cursor->end - cursor->at) < entry)
		return false;
	range->bus = of_number(cursor->at + cursor->flag_cells * OF_CELL,
			       cursor->na - cursor->flag_cells);
	range->size = of_number(
		cursor->at + (cursor->na + cursor->pna) * OF_CELL, cursor->ns);
	range->translated = of_translate(cursor->tree, cursor->node, cpu,
					 cursor->end, &range->cpu);
	cursor->at += entry;
	return true;
}

/* Whether the CPU sees the registers of @np: its buses translate to the root. */
bool of_memory_mapped(const struct of_node *np)
{
	const struct of_node *bus;

	if (!of_has(np, "reg"))
		return false;
	for (bus = np->parent; bus && bus->parent; bus = bus->parent)
		if (!of_has(bus, "ranges"))
			return false;
	return bus;
}
