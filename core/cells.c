// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Cells: memory cut by how many groups want it.
 *
 * Cells are derived from the live groups on demand, into an array that the
 * caller brings.  They are sorted in the order in which claims go through
 * them, so that a binary search finds the next one.
 */
#include "dmag.h"
#include "dmag_port.h"

/* The order in which claims go: least wanted first, then from the top. */
static bool cells_before(const struct dmag_cell *a, const struct dmag_cell *b)
{
	if (a->demand != b->demand)
		return a->demand < b->demand;
	return a->range.start > b->range.start;
}

static void cells_swap(struct dmag_cell *a, struct dmag_cell *b)
{
	struct dmag_cell tmp = *a;

	*a = *b;
	*b = tmp;
}

/* Let cell[@root] sink in the heap of @nr until no child comes after it. */
static void cells_sink(struct dmag_cell *cell, unsigned int root,
		       unsigned int nr)
{
	unsigned int child;

	for (; (child = 2 * root + 1) < nr; root = child) {
		if (child + 1 < nr &&
		    cells_before(&cell[child], &cell[child + 1]))
			child++;
		if (!cells_before(&cell[root], &cell[child]))
			return;
		cells_swap(&cell[root], &cell[child]);
	}
}

/* Heap sort: it needs neither memory nor luck. */
static void cells_sort(struct dmag_cell *cell, unsigned int nr)
{
	unsigned int i;

	for (i = nr / 2; i-- > 0;)
		cells_sink(cell, i, nr);
	while (nr > 1) {
		cells_swap(&cell[0], &cell[--nr]);
		cells_sink(cell, 0, nr);
	}
}

/*
 * While boundaries are collected, a struct dmag_cell holds one of them:
 * range.start is the lowest frame above it, and range.last, modulo 2^64, the
 * change of demand from above it to below.
 */
static unsigned int cells_boundaries(const struct dmag_registry *reg,
				     struct dmag_cell *cell)
{
	const struct dmag_group *group;
	unsigned int i, bucket, nr = 0;

	for (bucket = 0; bucket < DMAG_BUCKETS; bucket++) {
		list_for_each_entry(group, &reg->bucket[bucket], node) {
			for (i = 0; i < group->reach.nr; i++) {
				cell[nr].range.start =
					group->reach.seg[i].last + 1;
				cell[nr].range.last = 1;
				cell[nr++].demand = 0;
				cell[nr].range.start =
					group->reach.seg[i].start;
				cell[nr].range.last = -1ULL;
				cell[nr++].demand = 0;
			}
		}
	}
	DMAG_CHECK(nr == dmag_cells_bound(reg));
	return nr;
}

/**
 * dmag_cells_bound() - How much room dmag_cells_build() needs.
 * @reg: the registry
 *
 * Context: Any.
 * Return: a number of struct dmag_cell.
 */
unsigned int dmag_cells_bound(const struct dmag_registry *reg)
{
	DMAG_CHECK(reg);
	return 2 * reg->nr_segs;
}

/**
 * dmag_cells_build() - Cut memory into cells of equal demand.
 * @reg: the registry
 * @cell: room for the cells
 * @max: how many fit there, at least dmag_cells_bound()
 *
 * Cells are as large as can be, and in the order in which claims go through
 * them.  They describe the groups of this moment: build them again when groups
 * come or go.  Old ones cost order, not correctness.
 *
 * Context: Any.
 * Return: the number of cells; 0, with none written, if @max is too small.
 */
unsigned int dmag_cells_build(const struct dmag_registry *reg,
			      struct dmag_cell *cell, unsigned int max)
{
	unsigned int i, out = 0, nr;
	struct dmag_cell above = { 0 };

	DMAG_CHECK(reg && (cell || !max));
	if (dmag_cells_bound(reg) > max)
		return 0;
	nr = cells_boundaries(reg, cell);
	cells_sort(cell, nr);
	/* At most one cell lies below each boundary, so @out stays behind @i. */
	for (i = 0; i < nr; i++) {
		const struct dmag_cell edge = cell[i];

		if (above.demand && edge.range.start < above.range.start) {
			if (out && cell[out - 1].demand == above.demand &&
			    cell[out - 1].range.start == above.range.start) {
				cell[out - 1].range.start = edge.range.start;
			} else {
				cell[out].range.start = edge.range.start;
				cell[out].range.last = above.range.start - 1;
				cell[out++].demand = above.demand;
			}
		}
		above.range.start = edge.range.start;
		above.demand += (unsigned int)edge.range.last;
	}
	DMAG_CHECK(!above.demand && out <= nr);
	cells_sort(cell, out);
	return out;
}

/* The number of cells that lie entirely before @pos in claim order. */
static unsigned int cells_skip(const struct dmag_cell *cells, unsigned int nr,
			       const struct dmag_cell *pos)
{
	unsigned int low = 0, high = nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct dmag_cell *probe = &cells[mid];

		if (probe->demand < pos->demand ||
		    (probe->demand == pos->demand &&
		     probe->range.start >= pos->range.start))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The highest part of @reach inside @range. */
static bool cells_highest_part(const struct dmag_reach *reach,
			       const struct dmag_range *range,
			       struct dmag_range *part)
{
	unsigned int low = 0, high = reach->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (reach->seg[mid].start <= range->last)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || reach->seg[low - 1].last < range->start)
		return false;
	part->start = max(range->start, reach->seg[low - 1].start);
	part->last = min(range->last, reach->seg[low - 1].last);
	DMAG_CHECK(part->start <= part->last);
	return true;
}

/**
 * dmag_cells_next() - Go through a group's reach, least wanted memory first.
 * @reg: the registry; NULL to go through the segments, from the top
 * @group: the group
 * @cell: the place reached so far; demand 0 to begin
 *
 * Each range lies within one segment of @group.  A registry without cells is like
 * none.  No state but @cell is kept, so groups and cells may change between
 * two calls.
 *
 * Context: Any.
 * Return: false at the end, otherwise true with the next range in @cell.
 */
bool dmag_cells_next(const struct dmag_registry *reg,
		     const struct dmag_group *group, struct dmag_cell *cell)
{
	static const struct dmag_cell all = { { 0, DMAG_PFN_MAX }, 1 };
	const struct dmag_cell *cells = &all;
	unsigned int i, nr = 1;

	DMAG_CHECK(group && cell);
	DMAG_CHECK(!cell->demand || cell->range.start <= cell->range.last);
	if (reg && reg->nr_cells) {
		cells = reg->cells;
		nr = reg->nr_cells;
	}
	for (i = cells_skip(cells, nr, cell); i < nr; i++) {
		struct dmag_range range = cells[i].range;
		unsigned int demand = cells[i].demand;

		if (demand == cell->demand && range.last >= cell->range.start)
			range.last = cell->range.start - 1;
		if (cells_highest_part(&group->reach, &range, &cell->range)) {
			DMAG_CHECK(demand);
			cell->demand = demand;
			return true;
		}
	}
	return false;
}
