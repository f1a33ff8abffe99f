/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Panels of lines over time, as SVG.
 */
#ifndef DMAG_TOOL_CHART_H
#define DMAG_TOOL_CHART_H

#include <stdbool.h>
#include <stdio.h>

#define CHART_WIDTH 940

/**
 * struct chart - A picture that is being drawn.
 * @time: of each value, in seconds, never falling
 * @nr: how many
 * @y: where the next panel begins
 */
struct chart {
	FILE *out;
	const double *time;
	unsigned int nr;
	double y;
};

/**
 * struct chart_line - A line of a panel.
 * @name: in the legend
 * @cls: its class in the style sheet
 * @value: one for each time; NAN where there is none
 */
struct chart_line {
	const char *name;
	const char *cls;
	const double *value;
};

/**
 * struct chart_panel - One panel.
 * @title: above it
 * @bytes: values are bytes, not numbers
 */
struct chart_panel {
	const char *title;
	const struct chart_line *line;
	unsigned int nr;
	bool bytes;
};

void chart_begin(struct chart *chart, unsigned int panels,
		 unsigned int headings);
void chart_heading(struct chart *chart, const char *text);
void chart_draw(struct chart *chart, const struct chart_panel *panel);
void chart_mark(const struct chart *chart, unsigned int sample,
		const char *text);
void chart_end(struct chart *chart);

#endif /* DMAG_TOOL_CHART_H */
