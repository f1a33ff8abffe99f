// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A picture of physical memory: zones as columns behind, a bar for each group.
 *
 * Three columns: who (text), where (the drawing), how well the zones do (text).
 * Addresses go from left to right, by default on a logarithmic scale, on which
 * 16 MiB and 64 GiB both show.  That scale begins below the lowest boundary;
 * what lies under it shares a strip at the left.  Bars are solid where Linux's
 * zones find the memory for certain, hatched where it is wasted, and red where
 * the zone that is tried holds memory that the group cannot use.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "write.h"

/* Pixels. A character of the text is taken to be as wide as the widest digit. */
#define WHERE_X 270.0
#define WHERE_W 640.0
#define VERDICT_X (WHERE_X + WHERE_W + 14)
#define WIDTH (VERDICT_X + 200)
#define TITLE_MAX 110 /* characters */
#define ROW_H 38.0
#define BAR_H 20.0
#define LINE_H 16.0
#define CHAR_W 6.4
#define SMALL_W 5.6
#define STRIP 0.04 /* of the width: what is below the logarithmic scale */

struct canvas {
	FILE *out;
	const struct board *board;
	bool linear;
	u64 low, top; /* where the scale begins and ends */
	double y;
};

/* At most @max characters, -1 for all; entities count as one. */
void write_xml_text(FILE *out, const char *text, int max)
{
	static const char special[] = "&<>\"";
	static const char *const entity[] = { "&amp;", "&lt;", "&gt;",
					      "&quot;" };
	for (; *text && max--; text++) {
		const char *at = strchr(special, *text);

		if (at)
			fputs(entity[at - special], out);
		else
			putc(*text >= ' ' && *text <= '~' ? *text : '?', out);
	}
}

static void svg_label(const struct canvas *canvas, double x, double y,
		      const char *cls, const char *text)
{
	fprintf(canvas->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y,
		cls);
	write_xml_text(canvas->out, text, -1);
	fputs("</text>\n", canvas->out);
}

/* Good enough to keep labels apart without knowing the font. */
static double svg_text_width(const char *s)
{
	return CHAR_W * strlen(s);
}

/* ---- the scale ------------------------------------------------------- */

/* Addresses beyond the scale are drawn at its ends. */
static double svg_x(const struct canvas *canvas, u64 addr)
{
	double part;

	if (canvas->linear)
		part = (double)(addr - canvas->low) /
		       (double)(canvas->top - canvas->low);
	else if (addr < canvas->low)
		part = STRIP * (double)addr / (double)canvas->low;
	else
		part = STRIP +
		       (1 - STRIP) * log2((double)addr / (double)canvas->low) /
			       log2((double)canvas->top / (double)canvas->low);
	return WHERE_X + WHERE_W * fmin(fmax(part, 0), 1);
}

static u64 svg_lowest_ram(const struct board *board)
{
	return board->ram.nr ? frames_bytes(board->ram.seg[0].start) : 0;
}

/* The scale has to begin under the first boundary inside memory. */
static u64 svg_lowest_boundary(const struct board *board)
{
	u64 low = board->ram.nr ? frames_bytes(board->ram.seg[0].last + 1) : 1;
	unsigned int i, j;

	for (i = 0; i < board->nr_zones; i++)
		if (board->zones[i].frames)
			low = min(low, range_span(&board->zones[i].range).last);
	for (i = 0; i < board->nr_groups; i++) {
		const struct dmag_reach *reach = &board->groups[i]->core.reach;

		for (j = 0; j < reach->nr; j++)
			low = min(low, range_span(&reach->seg[j]).last);
	}
	return low;
}

/* A power of two below the first boundary, so that ticks are round numbers. */
static void svg_set_scale(struct canvas *canvas)
{
	const struct board *board = canvas->board;
	u64 start = svg_lowest_ram(board);
	unsigned int i;

	canvas->top = BIT_ULL(PAGE_SHIFT);
	for (i = 0; i < board->ram.nr; i++)
		canvas->top = range_span(&board->ram.seg[i]).last;
	if (canvas->linear) {
		canvas->low = start;
		return;
	}
	canvas->low = BIT_ULL(fls64(max(svg_lowest_boundary(board), 8ULL)) - 2);
	if (start)
		canvas->low = BIT_ULL(fls64(start) - 1);
}

static void svg_tick(const struct canvas *canvas, u64 addr, double *free_x,
		     double bottom)
{
	double x = svg_x(canvas, addr), half;
	char text[32];

	size_text(text, sizeof(text), addr);
	half = svg_text_width(addr ? text : "0") / 2;
	if (x - half < *free_x)
		return;
	*free_x = x + half + 8;
	fprintf(canvas->out,
		"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"tick\"/>\n",
		x, x, canvas->y + 6, bottom);
	svg_label(canvas, x, canvas->y, "mid", addr ? text : "0");
}

/* Powers of two, or multiples of one; as many as there is room for. */
static void svg_axis(struct canvas *canvas, double bottom)
{
	double free_x = WHERE_X - 30;
	u64 step, addr;

	canvas->y += LINE_H;
	if (canvas->linear) {
		step = BIT_ULL(fls64((canvas->top - canvas->low) / 8 | 1));
		for (addr = canvas->low;
		     addr - canvas->low <= canvas->top - canvas->low;
		     addr = round_up(addr + 1, step)) {
			svg_tick(canvas, addr, &free_x, bottom);
			if (addr > U64_MAX - step)
				break;
		}
	} else {
		if (!svg_lowest_ram(canvas->board))
			svg_tick(canvas, 0, &free_x, bottom);
		for (addr = canvas->low; addr - 1 <= canvas->top; addr <<= 1)
			svg_tick(canvas, addr, &free_x, bottom);
	}
	canvas->y += 8;
}

/* ---- bars ------------------------------------------------------------ */

/* Never thinner than a pixel: what is small must still be seen. */
static void svg_bar(const struct canvas *canvas, struct span s, const char *cls,
		    double y, double height)
{
	double x = svg_x(canvas, s.start);
	double end = svg_x(canvas, s.last == U64_MAX ? s.last : s.last + 1);

	fprintf(canvas->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n",
		x, y, fmax(end - x, 1), height, cls);
}

/* The part of @reach that lies in [first, last]. */
static void svg_reach(const struct canvas *canvas,
		      const struct dmag_reach *reach, u64 first, u64 last,
		      const char *cls)
{
	unsigned int i;

	for (i = 0; i < reach->nr; i++) {
		struct dmag_range part;

		part.start = max(reach->seg[i].start, first);
		part.last = min(reach->seg[i].last, last);
		if (part.start <= part.last)
			svg_bar(canvas, range_span(&part), cls, canvas->y,
				BAR_H);
	}
}

/* The frame after the last one of @zone, 0 if that is none. */
static u64 svg_zone_end(const struct board *board, int zone)
{
	return zone < 0 ? 0 : board->zones[zone].range.last + 1;
}

/* Red first: the reach is drawn over it, and what stays red is outside. */
static void svg_group_bars(const struct canvas *canvas,
			   const struct group *group)
{
	u64 tried = svg_zone_end(canvas->board, group->worst->zone);
	u64 sure = svg_zone_end(canvas->board, group->worst->sure);

	if (group->worst->outside)
		svg_reach(canvas, &canvas->board->ram, 0, tried - 1, "outside");
	svg_reach(canvas, &group->core.reach, 0, U64_MAX, "blank");
	if (sure)
		svg_reach(canvas, &group->core.reach, 0, sure - 1, "reach");
	svg_reach(canvas, &group->core.reach, sure, U64_MAX, "wasted");
}

/* ---- rows ------------------------------------------------------------ */

static const char *svg_node_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* As many members' names as fit, and how many there are besides. */
static void svg_members(const struct canvas *canvas, const struct group *group)
{
	const struct board *board = canvas->board;
	int room = (int)((WHERE_X - 20) / SMALL_W) - 5;
	unsigned int i, shown = 0;

	fprintf(canvas->out, "<text x=\"10\" y=\"%.1f\" class=\"small\">",
		canvas->y + 4 + LINE_H + 8);
	for (i = 0; i < board->nr_devices && room > 0; i++) {
		const char *name = svg_node_name(board->devices[i].path);

		if (board->devices[i].group != group)
			continue;
		if (shown && (int)strlen(name) + 2 > room)
			break;
		fputs(shown ? ", " : "", canvas->out);
		write_xml_text(canvas->out, name, room);
		room -= (int)strlen(name) + 2;
		shown++;
	}
	if (shown < group->core.members)
		fprintf(canvas->out, " +%u", group->core.members - shown);
	fputs("</text>\n", canvas->out);
}

/* Amounts take a second line, under the verdict in words. */
static void svg_verdict(const struct canvas *canvas, const struct group *group)
{
	char wasted[32], outside[32], text[96];

	snprintf(text, sizeof(text), "%s: %s",
		 zone_text(canvas->board, group->worst->zone),
		 verdict_name(group->verdict));
	svg_label(canvas, VERDICT_X, canvas->y + 11,
		  verdict_bad(group->verdict) ? "bad" : "good", text);
	if (!group->wasted && !group->outside)
		return;
	snprintf(text, sizeof(text), "wasted %s, out %s",
		 size_text(wasted, sizeof(wasted), frames_bytes(group->wasted)),
		 size_text(outside, sizeof(outside),
			   frames_bytes(group->outside)));
	svg_label(canvas, VERDICT_X, canvas->y + 4 + LINE_H + 8, "small", text);
}

static void svg_group(struct canvas *canvas, const struct group *group)
{
	const char *kind = "";
	char size[32], text[96];

	size_text(size, sizeof(size), frames_bytes(group->frames));
	if (group->core.attrs)
		kind = ", uncached";
	else if (group->universal)
		kind = ", universal";
	snprintf(text, sizeof(text), "%u: %s, %u device%s%s", group->id,
		 group->frames ? size : "nothing", group->core.members,
		 group->core.members == 1 ? "" : "s", kind);
	svg_label(canvas, 10, canvas->y + 11, "name", text);
	svg_members(canvas, group);
	svg_group_bars(canvas, group);
	svg_verdict(canvas, group);
	canvas->y += ROW_H;
}

static void svg_ram(struct canvas *canvas)
{
	const struct board *board = canvas->board;
	u64 bytes = frames_bytes(dmag_reach_frames(&board->ram));
	char size[32], text[64];
	unsigned int i;

	size_text(size, sizeof(size), bytes);
	snprintf(text, sizeof(text), "memory: %s",
		 board->memory_known ? size : "unknown");
	svg_label(canvas, 10, canvas->y + 11, "name", text);
	for (i = 0; i < board->ram.nr; i++)
		svg_bar(canvas, range_span(&board->ram.seg[i]), "ram",
			canvas->y, BAR_H);
	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].placed)
			svg_bar(canvas, board->regions[i].span, "reserved",
				canvas->y, BAR_H);
	canvas->y += ROW_H;
}

/* Columns of colour behind all rows, named where the name fits. */
static void svg_zones(struct canvas *canvas, double bottom)
{
	static const char *const zone_cls[] = { "z0", "z1", "z2", "z3", "z4" };
	const struct board *board = canvas->board;
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++) {
		struct span span = range_span(&board->zones[i].range);
		double x = svg_x(canvas, span.start),
		       end = svg_x(canvas, span.last);

		svg_bar(canvas, span, zone_cls[i], canvas->y,
			bottom - canvas->y);
		if (end - x > svg_text_width(board->zones[i].name) + 6)
			svg_label(canvas, (x + end) / 2, canvas->y + 13, "mid",
				  board->zones[i].name);
	}
	canvas->y += LINE_H + 6;
}

static void svg_legend(const struct canvas *canvas)
{
	static const struct {
		const char *cls, *text;
	} item[] = {
		{ "reach", "found in a zone" },
		{ "wasted", "in reach, wasted" },
		{ "outside", "tried, out of reach" },
		{ "reserved", "reserved" },
	};
	double x = WHERE_X;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(item); i++) {
		fprintf(canvas->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"24\" height=\"12\" class=\"%s\"/>\n",
			x, canvas->y, item[i].cls);
		svg_label(canvas, x + 30, canvas->y + 10, "text", item[i].text);
		x += 30 + svg_text_width(item[i].text) + 26;
	}
}

/* ---- the whole ------------------------------------------------------- */

static const char *const svg_style[] = {
	"<style>",
	"text{font:11px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#222}",
	".title{font-size:15px;font-weight:bold}.name{font-weight:bold}",
	".small{font-size:10px;fill:#555}.mid{text-anchor:middle}",
	".bad{fill:#b3261e;font-weight:bold}.good{fill:#1b6e2f}",
	".tick{stroke:#888;stroke-width:.5;stroke-dasharray:2 3}",
	".z0{fill:#d6e6f5}.z1{fill:#e5f1da}.z2{fill:#fcefcf}",
	".z3{fill:#efe0f2}.z4{fill:#eee}",
	".ram{fill:#8a8a8a}.reserved{fill:#3c3c3c}.blank{fill:#fff}",
	".reach{fill:#2f6aa8}.outside{fill:url(#o)}",
	".wasted{fill:url(#w);stroke:#2f6aa8}",
	"#w rect{fill:#fff}#w .line{fill:#2f6aa8}",
	"#o rect{fill:#fdeceb}#o .line{fill:#b3261e}",
	"</style><defs>",
	"<pattern id=\"w\" width=\"7\" height=\"7\"",
	" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
	"<rect width=\"7\" height=\"7\"/>",
	"<rect width=\"2.5\" height=\"7\" class=\"line\"/></pattern>",
	"<pattern id=\"o\" width=\"5\" height=\"5\"",
	" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">",
	"<rect width=\"5\" height=\"5\"/>",
	"<rect width=\"1.5\" height=\"5\" class=\"line\"/></pattern>",
	"</defs>",
	"<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
};

static void svg_title(struct canvas *canvas)
{
	const struct board *board = canvas->board;
	char size[32], text[128];
	double x = 10;
	unsigned int i;

	fputs("<text x=\"10\" y=\"24\" class=\"title\">", canvas->out);
	write_xml_text(canvas->out, board->model ? board->model : board->source,
		       TITLE_MAX);
	fputs("</text>\n", canvas->out);
	canvas->y = 24 + LINE_H + 2;
	for (i = 0; i < board->nr_zones; i++) {
		struct span span = range_span(&board->zones[i].range);

		snprintf(text, sizeof(text), "%s [0x%llx, 0x%llx] %s",
			 board->zones[i].name, span.start, span.last,
			 size_text(size, sizeof(size),
				   frames_bytes(board->zones[i].frames)));
		if (x + svg_text_width(text) > WIDTH) {
			x = 10;
			canvas->y += LINE_H;
		}
		svg_label(canvas, x, canvas->y, "text", text);
		x += svg_text_width(text) + 24;
	}
	canvas->y += 6;
}

/**
 * write_svg() - Draw a plan.
 * @out: where to
 * @board: the plan
 * @linear: addresses to scale rather than on a logarithmic scale
 */
void write_svg(FILE *out, const struct board *board, bool linear)
{
	struct canvas canvas = { .out = out, .board = board, .linear = linear };
	double bottom, height = 130 + ROW_H * (board->nr_groups + 1);
	unsigned int i;

	svg_set_scale(&canvas);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
		WIDTH, height, WIDTH, height);
	for (i = 0; i < ARRAY_SIZE(svg_style); i++)
		fprintf(out, "%s\n", svg_style[i]);
	svg_title(&canvas);
	bottom = canvas.y + 2 * LINE_H + 16 + ROW_H * (board->nr_groups + 1);
	svg_zones(&canvas, bottom);
	svg_axis(&canvas, bottom);
	svg_ram(&canvas);
	for (i = 0; i < board->nr_groups; i++)
		svg_group(&canvas, board->groups[i]);
	canvas.y = bottom + 8;
	svg_legend(&canvas);
	fputs("</svg>\n", out);
}
