// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Panels of lines over time, as SVG.
 *
 * A record may have more samples than a picture has pixels.  Each column of pixels
 * shows the least and the most of its samples, so that no dip is lost.  Colours
 * follow those of the page that shows the picture, light or dark.
 */
#include <math.h>
#include <string.h>

#include "chart.h"
#include "text.h"
#include "write.h"

/* Pixels. */
#define PLOT_X 80.0
#define PLOT_W 840.0
#define PLOT_H 96.0
#define PANEL_H (PLOT_H + 44)
#define HEADING_H 30.0
#define LEGEND_CHAR 6.2

static const char *const chart_style[] = {
	"<style>",
	"text{font:11px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#222}",
	".title{font-size:15px;font-weight:bold}.name{font-weight:bold}",
	".end{text-anchor:end}.mid{text-anchor:middle}.page{fill:#fff}",
	".plot{fill:#f6f7f9}.tick{stroke:#ccd;stroke-width:.6}",
	".line{fill:none;stroke-width:1.4;stroke-linejoin:round;",
	"stroke-linecap:round}",
	".free{stroke:#2f6aa8}.used{stroke:#1b6e2f}.owned{stroke:#8a8a8a}",
	".min,.low,.high{stroke-linecap:butt}",
	".min{stroke:#b3261e;stroke-dasharray:4 3}",
	".low{stroke:#a8621b;stroke-dasharray:4 3}",
	".high{stroke:#2e9e8f;stroke-dasharray:4 3}.fail{stroke:#b3261e}",
	".mark{fill:#b3261e}",
	"@media (prefers-color-scheme:dark){text{fill:#ddd}",
	".page{fill:#16181b}.plot{fill:#1e2125}.tick{stroke:#3a3f47}",
	".free{stroke:#6ea8e0}.used{stroke:#81c995}.owned{stroke:#999}",
	".min{stroke:#ff8a80}.low{stroke:#e0a060}.high{stroke:#5cc8b8}",
	".fail{stroke:#ff8a80}.mark{fill:#ff8a80}}",
	"</style>",
	"<rect width=\"100%\" height=\"100%\" class=\"page\"/>",
};

static void chart_text(const struct chart *chart, double x, double y,
		       const char *cls, const char *text)
{
	fprintf(chart->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y,
		cls);
	write_xml_text(chart->out, text, 100);
	fputs("</text>\n", chart->out);
}

/**
 * chart_begin() - Begin a picture.
 * @chart: with its times
 * @panels: how many will be drawn
 * @headings: and how many headings
 */
void chart_begin(struct chart *chart, unsigned int panels,
		 unsigned int headings)
{
	double height = 10 + panels * PANEL_H + headings * HEADING_H;
	unsigned int i;

	fprintf(chart->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\">\n",
		CHART_WIDTH, height, CHART_WIDTH, height);
	for (i = 0; i < ARRAY_SIZE(chart_style); i++)
		fprintf(chart->out, "%s\n", chart_style[i]);
	chart->y = 0;
}

/** chart_heading() - Write a line across the picture. */
void chart_heading(struct chart *chart, const char *text)
{
	chart_text(chart, 10, chart->y + 20, "title", text);
	chart->y += HEADING_H;
}

/* ---- axes ------------------------------------------------------------ */

static double chart_x(const struct chart *chart, unsigned int sample)
{
	double first = chart->time[0];
	double whole = chart->time[chart->nr - 1] - first;

	if (whole <= 0)
		return PLOT_X;
	return PLOT_X + (chart->time[sample] - first) / whole * PLOT_W;
}

static double chart_most(const struct chart *chart,
			 const struct chart_panel *panel)
{
	double most = 0;
	unsigned int i, k;

	for (i = 0; i < panel->nr; i++)
		for (k = 0; k < chart->nr; k++)
			if (panel->line[i].value[k] > most)
				most = panel->line[i].value[k];
	return most > 0 ? most : 1;
}

static void chart_label(const struct chart_panel *panel, double value,
			char *buf, size_t size)
{
	if (panel->bytes)
		size_text(buf, size, value < 0x1p63 ? (u64)value : U64_MAX);
	else
		snprintf(buf, size, value < 10 ? "%.1f" : "%.0f", value);
}

static void chart_y_axis(const struct chart *chart,
			 const struct chart_panel *panel, double most)
{
	char text[32];
	unsigned int i;

	for (i = 0; i <= 2; i++) {
		double y = chart->y + PLOT_H - PLOT_H * i / 2;

		fprintf(chart->out,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"tick\"/>\n",
			PLOT_X, y, PLOT_X + PLOT_W, y);
		chart_label(panel, most * i / 2, text, sizeof(text));
		chart_text(chart, PLOT_X - 6, y + 4, "end", text);
	}
}

/* 1, 2 or 5 times a power of ten: about eight ticks. */
static double chart_step(double whole)
{
	static const double steps[] = { 2, 5, 10 };
	double step = pow(10, floor(log10(whole / 8)));
	unsigned int i;

	if (step >= whole / 8)
		return step;
	for (i = 0; i + 1 < ARRAY_SIZE(steps); i++)
		if (step * steps[i] >= whole / 8)
			break;
	return step * steps[i];
}

static void chart_x_axis(const struct chart *chart)
{
	double whole = chart->time[chart->nr - 1] - chart->time[0];
	double step, at;
	char text[32];

	if (whole <= 0)
		return;
	step = chart_step(whole);
	for (at = 0; at <= whole; at += step) {
		double x = PLOT_X + at / whole * PLOT_W;

		fprintf(chart->out,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"tick\"/>\n",
			x, chart->y, x, chart->y + PLOT_H);
		snprintf(text, sizeof(text), "%g s", at);
		chart_text(chart, x, chart->y + PLOT_H + 14, "mid", text);
	}
}

/* ---- lines ----------------------------------------------------------- */

/* The part of a line that one column of pixels shows. */
struct chart_column {
	double x, min, max;
	bool any;
};

static void chart_put(const struct chart *chart,
		      const struct chart_column *column, double most,
		      bool *open)
{
	double low = chart->y + PLOT_H * (1 - column->min / most);
	double high = chart->y + PLOT_H * (1 - column->max / most);

	if (!column->any)
		return;
	/* A line of no length is a dot: all there is of a single value. */
	fprintf(chart->out, *open ? "L%.1f %.1f" : "M%.1f %.1fh0", column->x,
		low);
	if (high < low)
		fprintf(chart->out, "L%.1f %.1f", column->x, high);
	*open = true;
}

static void chart_path(const struct chart *chart, const struct chart_line *line,
		       double most)
{
	struct chart_column column = { 0 };
	bool open = false;
	unsigned int i;

	fprintf(chart->out, "<path class=\"line %s\" d=\"", line->cls);
	for (i = 0; i < chart->nr; i++) {
		double x = chart_x(chart, i), value = line->value[i];

		if (isnan(value) || x - column.x >= 1) {
			chart_put(chart, &column, most, &open);
			column.any = false;
		}
		if (isnan(value)) {
			open = false;
			continue;
		}
		if (!column.any)
			column = (struct chart_column){ x, value, value, true };
		column.min = fmin(column.min, value);
		column.max = fmax(column.max, value);
	}
	chart_put(chart, &column, most, &open);
	fputs("\"><title>", chart->out);
	write_xml_text(chart->out, line->name, -1);
	fputs("</title></path>\n", chart->out);
}

/* A kernel may not have what a line is about. */
static bool chart_has(const struct chart *chart, const struct chart_line *line)
{
	unsigned int i;

	for (i = 0; i < chart->nr; i++)
		if (!isnan(line->value[i]))
			return true;
	return false;
}

static void chart_legend(const struct chart *chart,
			 const struct chart_panel *panel)
{
	double x = PLOT_X + PLOT_W, y = chart->y - 8;
	unsigned int i;

	for (i = panel->nr; i--;) {
		const struct chart_line *line = &panel->line[i];

		if (!chart_has(chart, line))
			continue;
		x -= (double)strlen(line->name) * LEGEND_CHAR;
		chart_text(chart, x, y + 4, "text", line->name);
		x -= 26;
		fprintf(chart->out,
			"<path class=\"line %s\" d=\"M%.1f %.1fh20\"/>\n",
			line->cls, x, y);
		x -= 14;
	}
}

/**
 * chart_draw() - Draw a panel below what there is.
 * @chart: the picture
 * @panel: what to draw
 */
void chart_draw(struct chart *chart, const struct chart_panel *panel)
{
	double most = chart_most(chart, panel);
	unsigned int i;

	chart_text(chart, PLOT_X, chart->y + 12, "name", panel->title);
	chart->y += 18;
	fprintf(chart->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"plot\"/>\n",
		PLOT_X, chart->y, PLOT_W, PLOT_H);
	chart_y_axis(chart, panel, most);
	chart_x_axis(chart);
	chart_legend(chart, panel);
	for (i = 0; i < panel->nr; i++)
		chart_path(chart, &panel->line[i], most);
	chart->y += PANEL_H - 18;
}

/**
 * chart_mark() - Mark a moment at the upper edge of the last panel.
 * @chart: the picture
 * @sample: when
 * @text: shown when the mouse is there
 */
void chart_mark(const struct chart *chart, unsigned int sample,
		const char *text)
{
	double x = chart_x(chart, sample);
	double y = chart->y - PANEL_H + 18;

	fprintf(chart->out,
		"<path class=\"mark\" d=\"M%.1f %.1fl-5 -8h10z\"><title>", x,
		y + 8);
	write_xml_text(chart->out, text, -1);
	fputs("</title></path>\n", chart->out);
}

/** chart_end() - End the picture. */
void chart_end(struct chart *chart)
{
	fputs("</svg>\n", chart->out);
}
