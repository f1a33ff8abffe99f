/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The scale of a picture: from addresses to coordinates.
 */
#ifndef DMAG_TOOL_SCALE_H
#define DMAG_TOOL_SCALE_H

#include "board.h"

/** struct scale_piece - Bytes @start to @last from @x on, @width pixels. */
struct scale_piece {
	u64 start;
	u64 last;
	double x;
	double width;
	bool hole; /* no memory is there */
};

struct scale {
	struct arena arena;
	struct scale_piece *piece; /* in the order of addresses, without gaps */
	unsigned int nr;
};

void scale_build(struct scale *scale, const struct board *board, bool linear,
		 double x, double width);
double scale_x(const struct scale *scale, u64 addr);
double scale_end(const struct scale *scale, u64 last);
void scale_free(struct scale *scale);

#endif /* DMAG_TOOL_SCALE_H */
