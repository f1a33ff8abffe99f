// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The scale of a picture: from addresses to coordinates.
 *
 * Memory is cut into pieces at every boundary of a bank, a zone or a reach.  A
 * piece is as wide as its size, or in general as the logarithm of that, so that
 * 16 MiB and 64 GiB both show wherever they are.  Holes between banks are many
 * times larger than these and say nothing: each is a narrow strip.  Memory of
 * different NUMA nodes is drawn apart.
 */
#include <math.h>
#include <stdlib.h>

#include "scale.h"

#define HOLE_W 16.0
#define HOLES_W 120.0 /* all holes together take no more */
#define GAP_W 14.0
#define GAPS_W 140.0 /* the same of gaps between nodes */

struct boundaries {
	u64 *addr;
	unsigned int nr;
};

static void boundary_add(struct scale *scale, struct boundaries *all,
			 const struct dmag_range *range)
{
	struct span span = range_span(range);

	*ARENA_ADD(&scale->arena, all->addr, all->nr) = span.start;
	*ARENA_ADD(&scale->arena, all->addr, all->nr) = span.last + 1;
}

static void boundary_add_reach(struct scale *scale, struct boundaries *all,
			       const struct dmag_reach *reach)
{
	unsigned int i;

	for (i = 0; i < reach->nr; i++)
		boundary_add(scale, all, &reach->seg[i]);
}

static void boundary_add_node(struct scale *scale, struct boundaries *all,
			      const struct span *span)
{
	const struct dmag_range range = { span->start >> PAGE_SHIFT,
					  span->last >> PAGE_SHIFT };

	boundary_add(scale, all, &range);
}

static int boundary_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void boundary_collect(struct scale *scale, struct boundaries *all,
			     const struct board *board)
{
	unsigned int i;

	boundary_add_reach(scale, all, &board->ram);
	for (i = 0; i < board->nr_zones; i++)
		boundary_add(scale, all, &board->zones[i].range);
	for (i = 0; i < board->nr_nodes; i++)
		boundary_add_node(scale, all, &board->nodes[i].span);
	for (i = 0; i < board->nr_groups; i++)
		boundary_add_reach(scale, all, &board->groups[i]->core.reach);
	qsort(all->addr, all->nr, sizeof(*all->addr), boundary_cmp);
}

static bool scale_is_ram(const struct board *board, u64 addr)
{
	unsigned int i;

	for (i = 0; i < board->ram.nr; i++) {
		struct span span = range_span(&board->ram.seg[i]);

		if (addr >= span.start && addr <= span.last)
			return true;
	}
	return false;
}

/* A span that no node has is taken to be of the first one. */
static unsigned int scale_node(const struct board *board, u64 addr)
{
	unsigned int i;

	for (i = 0; i < board->nr_nodes; i++)
		if (addr >= board->nodes[i].span.start &&
		    addr <= board->nodes[i].span.last)
			return board->nodes[i].node;
	return 0;
}

/* Pieces from the first byte of memory to the last; holes are not divided. */
static void scale_cut(struct scale *scale, const struct board *board,
		      const struct boundaries *all)
{
	u64 first = range_span(&board->ram.seg[0]).start;
	u64 last = range_span(&board->ram.seg[board->ram.nr - 1]).last;
	unsigned int i;

	for (i = 0; i + 1 < all->nr; i++) {
		struct scale_piece *before =
			scale->nr ? &scale->piece[scale->nr - 1] : NULL;
		u64 start = all->addr[i], end = all->addr[i + 1];
		bool hole = !scale_is_ram(board, start);

		if (start == end || start < first || start > last)
			continue;
		if (hole && before && before->hole)
			before->last = end - 1;
		else
			*ARENA_ADD(&scale->arena, scale->piece, scale->nr) =
				(struct scale_piece){ .start = start,
						      .last = end - 1,
						      .node = scale_node(board,
									 start),
						      .hole = hole };
	}
}

/* Between two nodes, whether there is a hole as well or not; returns the sum. */
static double scale_set_gaps(struct scale *scale)
{
	unsigned int i, node = scale->piece[0].node, gaps = 0;
	double gap_w;

	for (i = 0; i < scale->nr; i++) {
		struct scale_piece *piece = &scale->piece[i];

		if (!piece->hole && piece->node != node)
			gaps++;
		piece->gap = !piece->hole && piece->node != node;
		if (!piece->hole)
			node = piece->node;
	}
	scale->numa = gaps;
	gap_w = gaps ? fmin(GAP_W, GAPS_W / gaps) : 0;
	for (i = 0; i < scale->nr; i++)
		scale->piece[i].gap *= gap_w;
	return gap_w * gaps;
}

static double scale_weight(const struct scale_piece *piece, bool linear)
{
	double size = (double)(piece->last - piece->start) + 1;

	return linear ? size : log2(1 + size / (1 << 20));
}

/* Holes take their share, memory the rest. */
static void scale_place(struct scale *scale, bool linear, double x,
			double width)
{
	double weight = 0, hole_w;
	unsigned int i, holes = 0;

	for (i = 0; i < scale->nr; i++) {
		if (scale->piece[i].hole)
			holes++;
		else
			weight += scale_weight(&scale->piece[i], linear);
	}
	hole_w = holes ? fmin(HOLE_W, HOLES_W / holes) : 0;
	width -= hole_w * holes + scale_set_gaps(scale);
	for (i = 0; i < scale->nr; i++) {
		struct scale_piece *piece = &scale->piece[i];

		x += piece->gap;
		piece->x = x;
		piece->width = hole_w;
		if (!piece->hole)
			piece->width =
				width * scale_weight(piece, linear) / weight;
		x += piece->width;
	}
}

/**
 * scale_build() - Make the scale of a board.
 * @scale: zeroed; to be freed
 * @board: the plan
 * @linear: as wide as the size, instead of its logarithm
 * @x: where the scale begins, in pixels
 * @width: of the scale
 */
void scale_build(struct scale *scale, const struct board *board, bool linear,
		 double x, double width)
{
	struct boundaries all = { 0 };

	if (!board->ram.nr)
		return;
	boundary_collect(scale, &all, board);
	scale_cut(scale, board, &all);
	scale_place(scale, linear, x, width);
}

/**
 * scale_x() - The coordinate at which a byte begins.
 * @scale: the scale
 * @addr: the byte; those outside memory are at the scale's ends
 *
 * Return: a coordinate.
 */
double scale_x(const struct scale *scale, u64 addr)
{
	const struct scale_piece *piece = scale->piece;
	unsigned int i;

	if (!scale->nr)
		return 0;
	for (i = 0; i < scale->nr; i++, piece++)
		if (addr <= piece->last)
			break;
	if (i == scale->nr)
		return piece[-1].x + piece[-1].width;
	if (addr <= piece->start)
		return piece->x;
	return piece->x + piece->width * (double)(addr - piece->start) /
				  ((double)(piece->last - piece->start) + 1);
}

/* The coordinate at which the byte @last ends. */
double scale_end(const struct scale *scale, u64 last)
{
	return scale_x(scale, last == U64_MAX ? last : last + 1);
}

void scale_free(struct scale *scale)
{
	arena_free(&scale->arena);
}
