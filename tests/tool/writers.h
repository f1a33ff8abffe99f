/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * All writers at once, for tests that only ask that each survives a plan.
 */
#ifndef DMAG_TESTS_TOOL_WRITERS_H
#define DMAG_TESTS_TOOL_WRITERS_H

#include <stdlib.h>

#include "write.h"

static inline void write_all(const struct board *board)
{
	static FILE *null;
	const struct style style = { .color = true };

	if (!null)
		null = fopen("/dev/null", "w");
	if (!null)
		abort();
	write_table(null, board, &style);
	write_json(null, board);
	write_csv(null, board);
	write_summary(null, board);
	write_svg(null, board, false);
	write_html(null, board, true);
}

#endif /* DMAG_TESTS_TOOL_WRITERS_H */
