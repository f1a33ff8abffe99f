/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The scale of a picture: from addresses to coordinates.
 */
#ifndef DMAG_TOOL_SCALE_H
#define DMAG_TOOL_SCALE_H

#include "board.h"

/**
 * struct scale_piece - Bytes @start to @last from @x on, @width pixels.
 * @gap: pixels before it that stand for no address, since another node ends there
 * @node: the NUMA node of its memory
 * @hole: no memory is there
 */
struct scale_piece {
	u64 start;
	u64 last;
	double x;
	double width;
	double gap;
	unsigned int node;
	bool hole;
};

struct scale {
	struct arena arena;
	struct scale_piece *piece; /* in the order of addresses, without gaps */
	unsigned int nr;
	bool numa; /* there is memory of several nodes */
};

void scale_build(struct scale *scale, const struct board *board, bool linear,
		 double x, double width);
double scale_x(const struct scale *scale, u64 addr);
double scale_end(const struct scale *scale, u64 last);
void scale_free(struct scale *scale);

#endif /* DMAG_TOOL_SCALE_H */
