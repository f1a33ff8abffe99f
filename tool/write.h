/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Writers print a plan; they only read it.
 */
#ifndef DMAG_TOOL_WRITE_H
#define DMAG_TOOL_WRITE_H

#include <stdio.h>

#include "board.h"

/** struct style - How people want to see it. */
struct style {
	bool color;
};

void write_table(FILE *out, const struct board *board,
		 const struct style *style);
void write_json(FILE *out, const struct board *board);
void write_csv_head(FILE *out);
void write_csv(FILE *out, const struct board *board);
void write_summary_head(FILE *out);
void write_summary(FILE *out, const struct board *board);
void write_svg(FILE *out, const struct board *board, bool linear);
void write_html(FILE *out, const struct board *board, bool linear);
void write_html_head(FILE *out, const char *title);
void write_html_table(FILE *out, const char *const *heads, unsigned int nr);
void write_xml_text(FILE *out, const char *text, int max);

#endif /* DMAG_TOOL_WRITE_H */
