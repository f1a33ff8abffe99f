// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * What a device tree says about memory: banks, and regions that are set aside.
 */
#include <libfdt.h>
#include <string.h>

#include "memory.h"

/* ---- memory ---------------------------------------------------------- */

/* The first @size bytes from @start, as far as there are addresses. */
static struct span span_of(u64 start, u64 size)
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

static bool reg_init(struct reg_cursor *c, const struct of_node *np,
		     const char *name)
{
	u32 len;
	const u8 *data = of_get(np, name, &len);

	if (!data)
		return false;
	c->at = data;
	c->end = data + len;
	c->na = of_addr_cells(np->parent);
	c->ns = of_size_cells(np->parent);
	return true;
}

static bool reg_next(struct reg_cursor *c, u64 *start, u64 *size)
{
	if ((size_t)(c->end - c->at) < (c->na + c->ns) * 4)
		return false;
	*start = of_number(c->at, c->na);
	*size = of_number(c->at + c->na * 4, c->ns);
	c->at += (c->na + c->ns) * 4;
	return true;
}

static int bad_reg(struct board *b, const struct of_node *np, const char *name,
		   const struct reg_cursor *c)
{
	return of_fail(b, np, "%s: %td bytes are no list of %u + %u cells",
		       name, c->end - c->at, c->na, c->ns);
}

static void add_bank(struct board *b, const struct of_node *np, u64 start,
		     u64 size, const struct plan_options *opt)
{
	if (!size && !opt->assume) {
		of_note(b, np,
			"reg: the size is left to the firmware (give --memory or --assume-memory)");
		return;
	}
	if (!size)
		of_note(b, np, "reg: no size, assuming %llu MiB",
			opt->assume >> 20);
	*ARENA_ADD(&b->arena, b->banks, b->nr_banks) =
		span_of(start, size ? size : opt->assume);
}

static int read_bank(struct board *b, const struct of_node *np,
		     const struct plan_options *opt)
{
	const char *name = "linux,usable-memory";
	struct reg_cursor c;
	u64 start, size;

	if (!of_has(np, name))
		name = "reg";
	if (!reg_init(&c, np, name))
		return of_fail(b, np, "reg: missing");
	if (!c.na || c.na > 2 || !c.ns || c.ns > 2)
		return bad_reg(b, np, name, &c);
	while (reg_next(&c, &start, &size))
		add_bank(b, np, start, size, opt);
	return c.at == c.end ? 0 : bad_reg(b, np, name, &c);
}

int read_memory(struct board *b, const struct of_tree *tree,
		       const struct plan_options *opt)
{
	const struct of_node *np;

	if (opt->nr_memory) {
		b->banks = opt->memory;
		b->nr_banks = opt->nr_memory;
		return 0;
	}
	for (np = tree->root->child; np; np = np->sibling) {
		const char *type = of_string(np, "device_type");

		if (np->available && type && !strcmp(type, "memory") &&
		    read_bank(b, np, opt))
			return -1;
	}
	return 0;
}

/* ---- reserved memory ------------------------------------------------- */

enum region_kind region_kind(const struct of_node *np)
{
	if (of_compatible(np, "restricted-dma-pool"))
		return REGION_RESTRICTED;
	if (of_compatible(np, "shared-dma-pool"))
		return of_has(np, "reusable") ? REGION_CMA : REGION_COHERENT;
	return of_has(np, "no-map") ? REGION_NOMAP : REGION_RESERVED;
}

static void add_region(struct board *b, const struct of_node *np, bool placed,
		       u64 start, u64 size)
{
	struct region *r;

	if (!size)
		return;
	r = ARENA_ADD(&b->arena, b->regions, b->nr_regions);
	r->name = np ? of_path(b, np) : "memory reservation block";
	r->kind = np ? region_kind(np) : REGION_RESERVED;
	r->placed = placed;
	r->size = size;
	if (placed)
		r->span = span_of(start, size);
}

static int read_region(struct board *b, const struct of_node *np)
{
	struct reg_cursor c;
	u64 start, size;
	u32 len;
	const u8 *data;

	if (reg_init(&c, np, "reg")) {
		if (!c.na || c.na > 2 || c.ns > 2)
			return bad_reg(b, np, "reg", &c);
		while (c.ns && reg_next(&c, &start, &size))
			add_region(b, np, true, start, size);
		return c.at == c.end ? 0 : bad_reg(b, np, "reg", &c);
	}
	data = of_get(np, "size", &len);
	if (data && (len == 4 || len == 8))
		add_region(b, np, false, 0, of_number(data, len / 4));
	else if (data)
		return of_fail(b, np, "size: %u bytes are no number", len);
	return 0;
}

/* Pairs of 64-bit numbers; libfdt has checked that they are there. */
void read_reservations(struct board *b, const void *blob)
{
	const u8 *at = (const u8 *)blob + fdt_off_mem_rsvmap(blob);
	int i, nr = fdt_num_mem_rsv(blob);

	for (i = 0; i < nr; i++, at += 16)
		add_region(b, NULL, true, of_number(at, 2),
			   of_number(at + 8, 2));
}

int read_regions(struct board *b, const struct of_tree *tree)
{
	const struct of_node *np;

	for (np = tree->root->child; np; np = np->sibling)
		if (!strcmp(np->name, "reserved-memory") && np->available)
			break;
	for (np = np ? np->child : NULL; np; np = np->sibling)
		if (np->available && read_region(b, np))
			return -1;
	return 0;
}
