// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Random boards against a naive oracle, and broken ones against nothing at all.
 *
 * A board is made twice from the same dice: as a device tree, and as a table of
 * buses in which the oracle looks up every page of a small address space by
 * hand.  The tool's reading of the tree has to agree page by page: reach,
 * members of groups, memory that zones waste.  Then the tree is truncated at every
 * length and mutated, where the only demand is an orderly answer (run it under
 * the sanitizers).  The seed is printed; an argument or SEED sets it.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plan.h"
#include "source.h"
#include "text.h"
#include "writers.h"

#define PAGES 96 /* of physical memory, RAM or not */
#define MAX_BUSES 8
#define MAX_ENTRIES 3
#define MAX_DEVICES 6
#define BLOB (16 << 10)
#define PAGE BIT_ULL(PAGE_SHIFT)
#define BOARDS 3000
#define BROKEN 3 /* of them are broken in all ways */
#define MUTANTS 2000 /* of each */
#define TIMEOUT 120 /* seconds, for all of it: an endless loop is a failure */

struct entry {
	u64 child, parent, size; /* pages */
};

/* How a bus talks about DMA: not at all, "as is", or in entries. */
struct bus {
	int parent; /* -1: the root, which is no bus of the model */
	int nr; /* of entries; -1: no dma-ranges */
	struct entry entry[MAX_ENTRIES];
};

struct dev {
	int bus;
	unsigned int mask_bits;
	bool coherent;
};

struct model {
	bool ram[PAGES];
	struct bus bus[MAX_BUSES];
	int nr_buses;
	struct dev dev[MAX_DEVICES];
	int nr_devices;
};

static u64 state;

static u64 dice(u64 sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dULL >> 11) % sides;
}

/* Cases that passed; the first that does not ends the program. */
static unsigned int cases;

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("not ok %u - %s:%d: %s\n1..%u\n", cases + 1, \
			       __FILE__, __LINE__, #cond, cases + 1);       \
			exit(1);                                            \
		}                                                           \
	} while (0)

static void passed(const char *what, unsigned int nr)
{
	printf("ok %u - %u %s\n", ++cases, nr, what);
	fflush(stdout);
}

/* ---- the model ------------------------------------------------------- */

static void roll_bus(struct model *m, int i)
{
	struct bus *b = &m->bus[i];

	b->parent = (int)dice(i + 1) - 1;
	b->nr = (int)dice(MAX_ENTRIES + 2) - 1;
	for (int e = 0; e < b->nr; e++) {
		b->entry[e].child = dice(PAGES);
		b->entry[e].parent = dice(PAGES);
		b->entry[e].size = 1 + dice(PAGES / 2);
	}
}

static void roll(struct model *m)
{
	memset(m, 0, sizeof(*m));
	for (int i = 0; i < PAGES; i++)
		m->ram[i] = i && m->ram[i - 1] ? dice(16) : !dice(4);
	m->ram[dice(PAGES)] = true;
	m->nr_buses = 1 + dice(MAX_BUSES);
	for (int i = 0; i < m->nr_buses; i++)
		roll_bus(m, i);
	m->nr_devices = 1 + dice(MAX_DEVICES);
	for (int i = 0; i < m->nr_devices; i++) {
		m->dev[i].bus = (int)dice(m->nr_buses + 1) - 1;
		m->dev[i].mask_bits = PAGE_SHIFT + dice(10);
		m->dev[i].coherent = dice(2);
	}
}

/* ---- the oracle ------------------------------------------------------ */

/* The CPU's page for page @page of bus @bus; -1 if there is none. */
static long translate(const struct model *m, int bus, u64 page)
{
	const struct bus *b = m->bus + max(bus, 0);

	if (bus < 0)
		return page;
	if (b->nr <= 0)
		return translate(m, b->parent, page);
	for (int e = 0; e < b->nr; e++)
		if (page >= b->entry[e].child &&
		    page < b->entry[e].child + b->entry[e].size)
			return translate(m, b->parent,
					 page - b->entry[e].child +
						 b->entry[e].parent);
	return -1;
}

/* The bus whose entries count for @bus's devices; -1 if none do. */
static int ruling_bus(const struct model *m, int bus)
{
	bool found = false;

	for (; bus >= 0; bus = m->bus[bus].parent) {
		if (m->bus[bus].nr > 0)
			return bus;
		if (found && m->bus[bus].nr < 0)
			return -1;
		found = true;
	}
	return -1;
}

/* The bus page at which @d sees CPU page @cpu, -1 if at none. */
static long sees(const struct model *m, const struct dev *d, long cpu)
{
	int rule = ruling_bus(m, d->bus);
	u64 limit = BIT_ULL(d->mask_bits - PAGE_SHIFT);
	u64 top = 0;
	long at = -1;

	for (int e = 0; rule >= 0 && e < m->bus[rule].nr; e++) {
		const struct entry *n = &m->bus[rule].entry[e];
		long base = translate(m, m->bus[rule].parent, n->parent);

		if (base < 0)
			continue;
		top = max(top, n->child + n->size);
		if (at < 0 && cpu >= base && cpu < base + (long)n->size)
			at = n->child + (cpu - base);
	}
	if (!top) /* no entry that says anything: as if there were none */
		at = cpu;
	else
		limit = min(limit, top);
	return at >= 0 && (u64)at < limit ? at : -1;
}

/* ---- the device tree ------------------------------------------------- */

static void put_cells(void *blob, const char *name, const u64 *val, int nr)
{
	fdt32_t cells[64];

	for (int i = 0; i < nr; i++)
		cells[i] = cpu_to_fdt32(val[i]);
	CHECK(!fdt_property(blob, name, cells, nr * 4));
}

static void put_cell(void *blob, const char *name, u64 val)
{
	put_cells(blob, name, &val, 1);
}

static void put_device(void *blob, const struct model *m, int i)
{
	char name[32];
	const u64 reg[] = { 0x1000 * i, 0x1000 };

	snprintf(name, sizeof(name), "dma-controller@%x", 0x1000 * i);
	CHECK(!fdt_begin_node(blob, name));
	CHECK(!fdt_property_string(blob, "compatible", "test,master"));
	put_cells(blob, "reg", reg, 2);
	put_cell(blob, "#dma-cells", 1);
	if (m->dev[i].coherent)
		CHECK(!fdt_property(blob, "dma-coherent", NULL, 0));
	CHECK(!fdt_end_node(blob));
}

static void put_children(void *blob, const struct model *m, int bus);

static void put_bus(void *blob, const struct model *m, int i)
{
	const struct bus *b = &m->bus[i];
	char name[32];
	u64 cells[3 * MAX_ENTRIES];

	snprintf(name, sizeof(name), "bus-%d", i);
	CHECK(!fdt_begin_node(blob, name));
	CHECK(!fdt_property_string(blob, "compatible", "simple-bus"));
	put_cell(blob, "#address-cells", 1);
	put_cell(blob, "#size-cells", 1);
	CHECK(!fdt_property(blob, "ranges", NULL, 0));
	for (int e = 0; e < b->nr; e++) {
		cells[3 * e] = b->entry[e].child * PAGE;
		cells[3 * e + 1] = b->entry[e].parent * PAGE;
		cells[3 * e + 2] = b->entry[e].size * PAGE;
	}
	if (b->nr >= 0)
		put_cells(blob, "dma-ranges", cells, 3 * b->nr);
	put_children(blob, m, i);
	CHECK(!fdt_end_node(blob));
}

static void put_children(void *blob, const struct model *m, int bus)
{
	for (int i = 0; i < m->nr_devices; i++)
		if (m->dev[i].bus == bus)
			put_device(blob, m, i);
	for (int i = 0; i < m->nr_buses; i++)
		if (m->bus[i].parent == bus)
			put_bus(blob, m, i);
}

static void put_memory(void *blob, const struct model *m)
{
	u64 cells[64];
	int nr = 0;

	for (int i = 0; i < PAGES && nr < 62; i++) {
		int start = i;

		while (i < PAGES && m->ram[i])
			i++;
		if (i == start)
			continue;
		cells[nr++] = start * PAGE;
		cells[nr++] = (i - start) * PAGE;
	}
	CHECK(!fdt_begin_node(blob, "memory"));
	CHECK(!fdt_property_string(blob, "device_type", "memory"));
	put_cells(blob, "reg", cells, nr);
	CHECK(!fdt_end_node(blob));
}

static void put_board(void *blob, const struct model *m)
{
	CHECK(!fdt_create(blob, BLOB));
	CHECK(!fdt_finish_reservemap(blob));
	CHECK(!fdt_begin_node(blob, ""));
	put_cell(blob, "#address-cells", 1);
	put_cell(blob, "#size-cells", 1);
	put_memory(blob, m);
	put_children(blob, m, -1);
	CHECK(!fdt_end_node(blob));
	CHECK(!fdt_finish(blob));
}

/* ---- comparing ------------------------------------------------------- */

static int model_index(const struct device *d)
{
	return (int)(strtoul(strrchr(d->path, '@') + 1, NULL, 16) / 0x1000);
}

static void check_reach(const struct model *m, const struct device *d)
{
	const struct dev *dev = &m->dev[model_index(d)];

	for (long p = 0; p < PAGES; p++) {
		bool want = m->ram[p] && sees(m, dev, p) >= 0;

		CHECK(dmag_reach_contains(&d->group->core.reach, p, p) == want);
		if (p && want && m->ram[p - 1] && sees(m, dev, p - 1) >= 0)
			CHECK(dmag_reach_contains(&d->group->core.reach, p - 1,
						  p) ==
			      (sees(m, dev, p - 1) + 1 == sees(m, dev, p)));
	}
}

/* Do two devices see the same pages, in the same runs, with the same attributes? */
static bool alike(const struct model *m, const struct dev *a,
		  const struct dev *b)
{
	for (long p = 0; p < PAGES; p++) {
		bool in = m->ram[p] && sees(m, a, p) >= 0;

		if (in != (m->ram[p] && sees(m, b, p) >= 0))
			return false;
		if (in && p && m->ram[p - 1] && sees(m, a, p - 1) >= 0 &&
		    (sees(m, a, p) == sees(m, a, p - 1) + 1) !=
			    (sees(m, b, p) == sees(m, b, p - 1) + 1))
			return false;
	}
	return a->coherent == b->coherent;
}

/* A limit on bus addresses as the CPU sees it; as high as can be if it does not. */
static u64 limit_to_cpu(const struct model *m, const struct dev *d, u64 limit)
{
	int rule = ruling_bus(m, d->bus);
	bool any = false;

	for (int e = 0; rule >= 0 && e < m->bus[rule].nr; e++) {
		const struct entry *n = &m->bus[rule].entry[e];
		long base = translate(m, m->bus[rule].parent, n->parent);
		u64 page = limit >> PAGE_SHIFT;

		if (base < 0)
			continue;
		any = true;
		if (page >= n->child && page < n->child + n->size)
			return limit - (n->child - base) * PAGE;
	}
	return any ? U64_MAX : limit;
}

/* ZONE_DMA ends with the bus whose dma-ranges end first, as Linux counts. */
static u64 zone_limit(const struct model *m)
{
	u64 limit = UINT32_MAX;

	for (int i = 0; i < m->nr_buses; i++) {
		const struct bus *b = &m->bus[i];
		u64 end = 0;

		for (int e = 0; e < b->nr; e++) {
			long base = translate(m, b->parent, b->entry[e].parent);
			u64 cpu = base < 0 ? U64_MAX : base * PAGE;

			if (cpu + b->entry[e].size * PAGE > end)
				end = cpu + b->entry[e].size * PAGE - 1;
		}
		if (b->nr > 0)
			limit = min(limit, end);
	}
	return limit;
}

/* All memory is below 4 GiB here, so there is no zone above DMA32. */
static const char *zone_tried(const struct model *m, const struct board *b,
			      const struct device *d)
{
	u64 limit = zone_limit(m);
	u64 phys =
		limit_to_cpu(m, &m->dev[model_index(d)], d->constraint.limit);

	if (phys > limit && b->nr_zones > 1)
		return "DMA32";
	return limit >= PAGE - 1 ? "DMA" : phys > limit ? "DMA32" : "none";
}

/* Memory outside the reach in the zones up to the one that Linux tries. */
static void check_zone(const struct model *m, const struct board *b,
		       const struct device *d)
{
	const struct dev *dev = &m->dev[model_index(d)];
	u64 outside = 0, unreachable = 0;

	CHECK(!strcmp(zone_text(b, d->zone), zone_tried(m, b, d)));
	for (long p = 0; p < PAGES; p++)
		unreachable += m->ram[p] && sees(m, dev, p) < 0;
	CHECK(d->unreachable == unreachable);
	CHECK((d->streaming == STREAM_DIRECT) == !unreachable);
	CHECK((d->verdict == VERDICT_UNUSABLE) ==
	      (unreachable == dmag_reach_frames(&b->ram)));
	if (d->zone < 0 || d->verdict == VERDICT_UNUSABLE)
		return;
	for (long p = 0; p <= (long)b->zones[d->zone].range.last; p++)
		outside += p < PAGES && m->ram[p] && sees(m, dev, p) < 0;
	CHECK(d->outside == outside);
	CHECK(!!(d->verdict & VERDICT_LARGE) == !!outside);
}

static void check_board(const struct model *m, const void *blob)
{
	struct plan_options opt = { .arch = ARCH_ARM64 };
	struct node_option mask[MAX_DEVICES];
	char name[MAX_DEVICES][32];
	struct board b;

	for (int i = 0; i < m->nr_devices; i++) {
		snprintf(name[i], sizeof(name[i]), "dma-controller@%x",
			 0x1000 * i);
		mask[i] = (struct node_option){ .node = name[i],
						.bits = m->dev[i].mask_bits };
	}
	opt.masks = (struct node_options){ mask, m->nr_devices };
	board_init(&b, "random");
	CHECK(!board_from_fdt(&b, blob, fdt_totalsize(blob), &opt));
	CHECK(!board_plan(&b));
	CHECK(b.nr_devices == (unsigned int)m->nr_devices);
	CHECK(!dmag_registry_validate(&b.registry, 4));
	for (unsigned int i = 0; i < b.nr_devices; i++) {
		check_reach(m, &b.devices[i]);
		check_zone(m, &b, &b.devices[i]);
		for (unsigned int j = 0; j < i; j++)
			CHECK((b.devices[i].group == b.devices[j].group) ==
			      alike(m, &m->dev[model_index(&b.devices[i])],
				    &m->dev[model_index(&b.devices[j])]));
	}
	write_all(&b);
	board_free(&b);
}

/* ---- broken input ---------------------------------------------------- */

/* Any answer will do. The copy has the exact size, for the sanitizers. */
static bool survives(const void *blob, size_t size)
{
	struct plan_options opt = { .assume = 1 << 30 };
	void *copy = malloc(size + !size);
	struct board b;
	bool ok;

	CHECK(copy);
	memcpy(copy, blob, size);
	board_init(&b, "broken");
	ok = !board_from_fdt(&b, copy, size, &opt) && !board_plan(&b);
	CHECK(ok || (b.error && *b.error));
	if (ok)
		write_all(&b);
	board_free(&b);
	free(copy);
	return ok;
}

/*
 * Every word of the tree in turn becomes something that overflows somewhere.
 * A property of -12 bytes is followed by itself.
 */
static void break_words(const char *blob)
{
	static const uint32_t bad[] = { 0,	    1,		0x7fffffff,
					0x80000000, 0xffffffff, 0xfffffff0,
					0xfffffff4, 0xffffff00, 0xfffff000 };
	size_t size = fdt_totalsize(blob), i;
	char broken[BLOB];

	memcpy(broken, blob, size);
	for (i = 0; i + 4 <= size; i += 4) {
		for (unsigned int j = 0; j < ARRAY_SIZE(bad); j++) {
			fdt32_t word = cpu_to_fdt32(bad[j]);

			memcpy(broken + i, &word, 4);
			survives(broken, size);
		}
		memcpy(broken + i, blob + i, 4);
	}
	passed("words of a board survive every overflow", i / 4);
}

static void break_length(const char *blob)
{
	size_t size = fdt_totalsize(blob), i;

	for (i = 0; i < size; i++)
		CHECK(!survives(blob, i));
	passed("lengths at which a board was cut are refused", i);
}

/* Some mutants must still be readable, or all of this stops at the header. */
static void break_bytes(const char *blob)
{
	size_t size = fdt_totalsize(blob);
	char broken[BLOB];
	unsigned int read = 0;

	for (unsigned int i = 0; i < MUTANTS; i++) {
		memcpy(broken, blob, size);
		for (u64 n = 1 + dice(4); n; n--)
			broken[dice(size)] = dice(2) ? dice(256) :
						       0xff * dice(2);
		read += survives(broken, size);
	}
	CHECK(read && read < MUTANTS);
	passed("mutants of a board were still readable", read);
}

/* ---- the test -------------------------------------------------------- */

static void try_boards(char blob[BROKEN][BLOB])
{
	struct model m;

	for (unsigned int i = 0; i < BOARDS; i++) {
		char *board = blob[i % BROKEN];

		roll(&m);
		put_board(board, &m);
		check_board(&m, board);
	}
	passed("boards agree with the oracle page by page", BOARDS);
}

int main(int argc, char **argv)
{
	static char blob[BROKEN][BLOB];
	const char *seed = argc > 1 ? argv[1] : getenv("SEED");

	state = seed ? strtoull(seed, NULL, 0) : (u64)time(NULL);
	printf("# seed %llu\n", state);
	fflush(stdout);
	alarm(TIMEOUT);
	state = state * 2 + 1;
	try_boards(blob);
	for (int i = 0; i < BROKEN; i++) {
		break_length(blob[i]);
		break_words(blob[i]);
		break_bytes(blob[i]);
	}
	printf("1..%u\n", cases);
	return 0;
}
