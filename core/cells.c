// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Cells: memory cut by how many groups want it.
 *
 * A segment of a reach has two *edges*: demand rises at its first frame and falls
 * beyond its last.  The edges of all groups are in one tree, in the order of their
 * places, so the demand of a frame is the sum of all edges up to it.  Each node
 * knows the sum of its subtree and the least sum of any beginning of it.
 * Therefore a walk down the tree finds the least wanted part of any range.
 *
 * Among edges of one place, rising ones come first.  A sum in the midst of such
 * edges is then above the demand on one side of the place at least, so it is never
 * taken for the least demand of a range.
 *
 * The tree is a treap: a node's priority is at least its children's.  Priorities
 * are scrambled numbers of a sequence, so the tree is balanced whatever the
 * order in which groups come and go.
 */
#include "cells.h"

/* ---- the tree of edges ----------------------------------------------- */

#define DMAG_MIX_MULT 0x9e3779b97f4a7c15ULL

static unsigned int cells_priority(u64 serial)
{
	u64 mix = serial * DMAG_MIX_MULT;

	mix = (mix ^ mix >> 32) * DMAG_MIX_MULT;
	return mix >> 32;
}

/* The sum of an edge and all before it in its subtree. */
static int cells_sum_to(const struct dmag_edge *edge)
{
	const struct dmag_edge *before = edge->child[0];

	return (before ? before->sum : 0) + (edge->place & 1 ? -1 : 1);
}

/* The summary of a subtree, from those of the children. */
static void cells_sum_up(struct dmag_edge *edge)
{
	const struct dmag_edge *before = edge->child[0];
	const struct dmag_edge *after = edge->child[1];

	edge->sum = cells_sum_to(edge);
	edge->least = edge->sum;
	if (before)
		edge->least = min(edge->least, before->least);
	if (after) {
		edge->least = min(edge->least, edge->sum + after->least);
		edge->sum += after->sum;
	}
}

static void cells_sum_up_all(struct dmag_edge *edge)
{
	for (; edge; edge = edge->parent)
		cells_sum_up(edge);
}

/* Let @heir, or nothing, be where @edge was. */
static void cells_replace(struct dmag_registry *reg, struct dmag_edge *edge,
			  struct dmag_edge *heir)
{
	struct dmag_edge *parent = edge->parent;

	if (!parent)
		reg->edges = heir;
	else
		parent->child[parent->child[1] == edge] = heir;
	if (heir)
		heir->parent = parent;
}

/* Let a node and its parent change places; the node's summary is left as it is. */
static void cells_rotate(struct dmag_registry *reg, struct dmag_edge *edge)
{
	struct dmag_edge *parent = edge->parent;
	bool side = parent->child[1] == edge;
	struct dmag_edge *inner = edge->child[!side];

	parent->child[side] = inner;
	if (inner)
		inner->parent = parent;
	cells_replace(reg, parent, edge);
	edge->child[!side] = parent;
	parent->parent = edge;
	cells_sum_up(parent);
}

static void cells_insert(struct dmag_registry *reg, struct dmag_edge *edge,
			 u64 place)
{
	struct dmag_edge **link = &reg->edges;

	*edge = (struct dmag_edge){ .place = place };
	edge->priority = cells_priority(++reg->serial);
	while (*link) {
		edge->parent = *link;
		link = &(*link)->child[place >= (*link)->place];
	}
	*link = edge;
	while (edge->parent && edge->parent->priority < edge->priority)
		cells_rotate(reg, edge);
	cells_sum_up_all(edge);
}

static void cells_erase(struct dmag_registry *reg, struct dmag_edge *edge)
{
	struct dmag_edge *before, *after;

	while (edge->child[0] && edge->child[1]) {
		before = edge->child[0];
		after = edge->child[1];
		cells_rotate(reg, before->priority > after->priority ? before :
								       after);
	}
	cells_replace(reg, edge, edge->child[0] ?: edge->child[1]);
	cells_sum_up_all(edge->parent);
}

/* Twice the frame, so that rising edges of one place come before falling ones. */
static u64 cells_rise(const struct dmag_range *seg)
{
	return 2 * seg->start;
}

static u64 cells_fall(const struct dmag_range *seg)
{
	return 2 * (seg->last + 1) + 1;
}

/**
 * dmag_cells_add() - Let a group count in the demand for its reach.
 * @reg: the registry, which the group has just entered
 * @group: the group, with edges or without
 *
 * Context: Any.  It takes the time of a search for each segment.
 */
void dmag_cells_add(struct dmag_registry *reg, struct dmag_group *group)
{
	const struct dmag_reach *reach = &group->reach;

	for (unsigned int i = 0; group->edges && i < reach->nr; i++) {
		cells_insert(reg, &group->edges[2 * i],
			     cells_rise(&reach->seg[i]));
		cells_insert(reg, &group->edges[2 * i + 1],
			     cells_fall(&reach->seg[i]));
	}
}

/**
 * dmag_cells_remove() - Undo dmag_cells_add().
 * @reg: the registry
 * @group: the group, which leaves it
 *
 * Context: Any.
 */
void dmag_cells_remove(struct dmag_registry *reg, struct dmag_group *group)
{
	for (unsigned int i = 0; group->edges && i < 2 * group->reach.nr; i++)
		cells_erase(reg, &group->edges[i]);
}

/* ---- the least wanted part of a range -------------------------------- */

/* The demand from @place up to the next edge. */
static int cells_demand(const struct dmag_registry *reg, u64 place)
{
	const struct dmag_edge *edge = reg->edges;
	int demand = 0;

	while (edge) {
		bool side = edge->place <= place;

		if (side)
			demand += cells_sum_to(edge);
		edge = edge->child[side];
	}
	return demand;
}

/* The first frame of the cell above the one that begins at @place. */
static u64 cells_end(const struct dmag_registry *reg, u64 place)
{
	const struct dmag_edge *edge = reg->edges;
	u64 end = U64_MAX;

	while (edge) {
		bool side = edge->place <= place;

		if (!side)
			end = edge->place;
		edge = edge->child[side];
	}
	return end / 2;
}

/*
 * struct cells_best - The least demand found so far, and the highest place of it.
 * @demand: that demand
 * @edge: the edge from which it holds, or the root of a subtree with that edge;
 *	NULL if it holds from the start of the range
 * @sum: the sum of all edges before that subtree
 * @alone: whether it is the root itself
 */
struct cells_best {
	int demand;
	const struct dmag_edge *edge;
	int sum;
	bool alone;
};

/*
 * Keep what was found if it is wanted less, or as much and higher up.  @above:
 * it is above all that was found so far; if not, only above the start.
 */
static void cells_try(struct cells_best *best, struct cells_best found,
		      bool above)
{
	if (found.demand < best->demand ||
	    (found.demand == best->demand && (above || !best->edge)))
		*best = found;
}

static void cells_try_edge(struct cells_best *best,
			   const struct dmag_edge *edge, int sum, bool above)
{
	const struct cells_best found = { sum + cells_sum_to(edge), edge, sum,
					  true };

	cells_try(best, found, above);
}

static void cells_try_tree(struct cells_best *best,
			   const struct dmag_edge *tree, int sum, bool above)
{
	if (tree)
		cells_try(best,
			  (struct cells_best){ sum + tree->least, tree, sum,
					       false },
			  above);
}

/* Consider the edges of @tree beyond @place, from the last one down. */
static void cells_try_beyond(struct cells_best *best,
			     const struct dmag_edge *tree, int sum, u64 place)
{
	while (tree) {
		int sum_to = sum + cells_sum_to(tree);

		if (tree->place <= place) {
			sum = sum_to;
			tree = tree->child[1];
			continue;
		}
		cells_try_tree(best, tree->child[1], sum_to, false);
		cells_try_edge(best, tree, sum, false);
		tree = tree->child[0];
	}
}

/* Consider the edges of @tree up to @place, from the first one up. */
static void cells_try_up_to(struct cells_best *best,
			    const struct dmag_edge *tree, int sum, u64 place)
{
	while (tree) {
		if (tree->place > place) {
			tree = tree->child[0];
			continue;
		}
		cells_try_tree(best, tree->child[0], sum, true);
		cells_try_edge(best, tree, sum, true);
		sum += cells_sum_to(tree);
		tree = tree->child[1];
	}
}

/* The edge that was found, if what was found is a subtree. */
static const struct dmag_edge *cells_resolve(const struct cells_best *best)
{
	const struct dmag_edge *edge = best->edge;
	int sum = best->sum;

	while (edge && !best->alone) {
		const struct dmag_edge *after = edge->child[1];
		int sum_to = sum + cells_sum_to(edge);

		if (after && sum_to + after->least == best->demand) {
			sum = sum_to;
			edge = after;
			continue;
		}
		if (sum_to == best->demand)
			break;
		edge = edge->child[0];
	}
	return edge;
}

/* The cell of least demand inside @range, the highest if there are several. */
static struct dmag_cell cells_least(const struct dmag_registry *reg,
				    const struct dmag_range *range)
{
	u64 first = 2 * range->start + 1, last = 2 * range->last + 1;
	struct cells_best best = { .demand = cells_demand(reg, first) };
	const struct dmag_edge *edge = reg->edges;
	struct dmag_cell cell;
	int sum = 0;

	while (edge && (edge->place <= first || edge->place > last)) {
		bool side = edge->place <= first;

		if (side)
			sum += cells_sum_to(edge);
		edge = edge->child[side];
	}
	if (edge) {
		cells_try_beyond(&best, edge->child[0], sum, first);
		cells_try_edge(&best, edge, sum, true);
		cells_try_up_to(&best, edge->child[1], sum + cells_sum_to(edge),
				last);
	}
	edge = cells_resolve(&best);
	cell.range.start = edge ? edge->place / 2 : range->start;
	cell.range.last =
		min(range->last, cells_end(reg, 2 * cell.range.start + 1) - 1);
	cell.demand = best.demand;
	DMAG_CHECK(range->start <= cell.range.start);
	DMAG_CHECK(cell.range.start <= cell.range.last);
	return cell;
}

/* ---- the order of claims --------------------------------------------- */

/*
 * While the order is worked out, an entry is either a cell or a part of the reach
 * that is yet to be cut, with the least demand in it.  Parts do not overlap, so
 * one whose start is higher is higher as a whole.
 */
static bool cells_before(const struct dmag_cell *a, const struct dmag_cell *b)
{
	if (a->demand != b->demand)
		return a->demand < b->demand;
	return a->range.start > b->range.start;
}

/*
 * Sort a part in.  If there are too many, the last one is left out.  From then on
 * there may not be more again: one that is left out would have come before.
 */
static void cells_offer(const struct dmag_registry *reg,
			struct dmag_cells *cells, u64 start, u64 last)
{
	struct dmag_cell part = { .range = { start, last } };
	unsigned int i;

	part.demand = cells_least(reg, &part.range).demand;
	if (cells->rest || cells->nr == DMAG_CELLS_MAX) {
		cells->rest = true;
		if (!cells_before(&part, &cells->cell[cells->nr - 1]))
			return;
		cells->nr--;
	}
	for (i = cells->nr++; i && cells_before(&part, &cells->cell[i - 1]);
	     i--)
		cells->cell[i] = cells->cell[i - 1];
	cells->cell[i] = part;
}

/* Cut the first of the parts from @i on: its cell stays at @i. */
static void cells_cut(const struct dmag_registry *reg, struct dmag_cells *cells,
		      unsigned int i)
{
	const struct dmag_range part = cells->cell[i].range;
	const struct dmag_cell cell = cells_least(reg, &part);

	DMAG_CHECK(cell.demand == cells->cell[i].demand);
	cells->cell[i] = cell;
	if (cell.range.last < part.last)
		cells_offer(reg, cells, cell.range.last + 1, part.last);
	if (part.start < cell.range.start)
		cells_offer(reg, cells, part.start, cell.range.start - 1);
}

/*
 * Demand may fall and rise at one place, with equal demand on both sides.  Such
 * cells follow each other and are one, unless the reach is cut there.
 */
static bool cells_join(const struct dmag_reach *reach, struct dmag_cell *cell,
		       const struct dmag_cell *next)
{
	if (next->demand != cell->demand ||
	    next->range.last + 1 != cell->range.start ||
	    !dmag_reach_contains(reach, next->range.start, cell->range.last))
		return false;
	cell->range.start = next->range.start;
	return true;
}

/* Take entry @i out. */
static void cells_delete(struct dmag_cells *cells, unsigned int i)
{
	for (cells->nr--; i < cells->nr; i++)
		cells->cell[i] = cells->cell[i + 1];
}

/**
 * dmag_cells_choose() - The order in which claims go through a group's reach.
 * @reg: the registry; NULL to go through the segments, from the top
 * @group: the group, which need not be in the registry
 * @cells: where the order goes
 *
 * Least wanted memory comes first, and among memory that is wanted as much the
 * highest.  At most DMAG_CELLS_MAX cells are told apart; if there are more, all
 * segments follow them.  The order is that of this moment: an old one costs
 * order, not correctness.
 *
 * Context: Any.  The time is that of a few searches in the tree of edges for
 * each segment and for each cell.
 */
void dmag_cells_choose(const struct dmag_registry *reg,
		       const struct dmag_group *group, struct dmag_cells *cells)
{
	unsigned int i, cuts = 2 * DMAG_CELLS_MAX;
	const struct dmag_reach *reach;

	DMAG_CHECK(group && cells);
	reach = &group->reach;
	cells->nr = 0;
	cells->rest = !reg || !reg->edges;
	if (cells->rest)
		return;
	for (i = reach->nr; i-- > 0;)
		cells_offer(reg, cells, reach->seg[i].start,
			    reach->seg[i].last);
	for (i = 0; i < cells->nr && cuts--;) {
		cells_cut(reg, cells, i);
		if (i &&
		    cells_join(reach, &cells->cell[i - 1], &cells->cell[i]))
			cells_delete(cells, i);
		else
			i++;
	}
	cells->rest |= i < cells->nr;
	cells->nr = i;
}

/**
 * dmag_cells_at() - One step of the order of claims.
 * @cells: the order, from dmag_cells_choose()
 * @group: the group
 * @i: which step, from 0
 * @range: where its frames go, which lie within one segment of the reach
 *
 * Context: Any.
 * Return: false if there are not so many steps.
 */
bool dmag_cells_at(const struct dmag_cells *cells,
		   const struct dmag_group *group, unsigned int i,
		   struct dmag_range *range)
{
	const struct dmag_reach *reach;

	DMAG_CHECK(cells && group && range);
	reach = &group->reach;
	if (i < cells->nr) {
		*range = cells->cell[i].range;
		return true;
	}
	i -= cells->nr;
	if (!cells->rest || i >= reach->nr)
		return false;
	*range = reach->seg[reach->nr - 1 - i];
	return true;
}

/* ---- validation ------------------------------------------------------ */

/* One node, beside its parent and children. */
static bool cells_edge_valid(const struct dmag_registry *reg,
			     const struct dmag_edge *edge)
{
	const struct dmag_edge *parent = edge->parent;
	struct dmag_edge copy = *edge;

	cells_sum_up(&copy);
	return copy.sum == edge->sum && copy.least == edge->least &&
	       (parent ? (parent->child[0] == edge ||
			  parent->child[1] == edge) &&
				 parent->priority >= edge->priority :
			 reg->edges == edge);
}

/* The first edge of a subtree; NULL if that is empty. */
static const struct dmag_edge *cells_first(const struct dmag_edge *edge)
{
	while (edge && edge->child[0])
		edge = edge->child[0];
	return edge;
}

static const struct dmag_edge *cells_after(const struct dmag_edge *edge)
{
	if (edge->child[1])
		return cells_first(edge->child[1]);
	while (edge->parent && edge->parent->child[1] == edge)
		edge = edge->parent;
	return edge->parent;
}

/**
 * dmag_cells_valid() - Check the tree of edges.
 * @reg: the registry
 * @nr: how many edges there should be
 *
 * Context: Any.
 * Return: whether it is as it should be.
 */
bool dmag_cells_valid(const struct dmag_registry *reg, u64 nr)
{
	const struct dmag_edge *edge;
	u64 place = 0;

	for (edge = cells_first(reg->edges); edge; edge = cells_after(edge)) {
		if (!nr || edge->place < place || !cells_edge_valid(reg, edge))
			return false;
		place = edge->place;
		nr--;
	}
	return !nr;
}

/**
 * dmag_cells_group_valid() - Check the edges of one group.
 * @group: the group, in a registry
 * @nr: raised by the number of its edges
 *
 * Context: Any.
 * Return: whether they are where its segments begin and end.
 */
bool dmag_cells_group_valid(const struct dmag_group *group, u64 *nr)
{
	const struct dmag_reach *reach = &group->reach;
	unsigned int i;

	for (i = 0; group->edges && i < reach->nr; i++) {
		if (group->edges[2 * i].place != cells_rise(&reach->seg[i]) ||
		    group->edges[2 * i + 1].place != cells_fall(&reach->seg[i]))
			return false;
		*nr += 2;
	}
	return true;
}
