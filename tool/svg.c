// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A picture of physical memory: zones as columns behind, a bar for each group.
 *
 * Three columns: the group (text), its place (the drawing), the zones' verdict
 * (text).  Addresses go from left to right, on the scale of scale.c.  Bars are
 * solid where Linux's zones find the memory for certain, hatched where it is
 * wasted, and red where the zone that is tried holds memory that the group cannot
 * use.  Colours follow those of the page that shows the picture, light or dark.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"
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
#define NODES_H 26.0
#define CHAR_W 6.4
#define SMALL_W 5.6

struct canvas {
	FILE *out;
	const struct board *board;
	struct scale scale;
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

static void svg_tick(const struct canvas *canvas, u64 addr, double *free_x,
		     double bottom)
{
	double x = scale_x(&canvas->scale, addr), half;
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

/* The ends of pieces of memory, as many as there is room for. */
static void svg_axis(struct canvas *canvas, double bottom)
{
	const struct scale *scale = &canvas->scale;
	double free_x = WHERE_X - 30;
	unsigned int i;

	canvas->y += LINE_H;
	for (i = 0; i < scale->nr; i++) {
		const struct scale_piece *piece = &scale->piece[i];

		if (!piece->hole) /* there is room for one end only */
			svg_tick(canvas, piece->start, &free_x, bottom);
		if (i + 1 == scale->nr)
			svg_tick(canvas, piece->last + 1, &free_x, bottom);
	}
	canvas->y += 8;
}

/* Runs of pieces of one node, with its name and what of its memory is there. */
static void svg_node(const struct canvas *canvas, unsigned int first,
		     unsigned int end)
{
	const struct scale_piece *piece = canvas->scale.piece;
	double x = piece[first].x;
	double width = piece[end - 1].x + piece[end - 1].width - x;
	char text[64], size[32];
	u64 bytes = 0;
	unsigned int i;

	for (i = first; i < end; i++)
		if (!piece[i].hole)
			bytes += piece[i].last - piece[i].start + 1;
	snprintf(text, sizeof(text), "node %u: %s", piece[first].node,
		 size_text(size, sizeof(size), bytes));
	fprintf(canvas->out,
		"<path d=\"M%.1f %.1fv-6h%.1fv6\" class=\"node\"><title>%s</title></path>\n",
		x, canvas->y + 20, width, text);
	if (width > svg_text_width(text))
		svg_label(canvas, x + width / 2, canvas->y + 10, "mid", text);
}

/* The memory of a node ends before a gap, and before a hole ahead of it. */
static void svg_nodes(struct canvas *canvas)
{
	const struct scale *scale = &canvas->scale;
	unsigned int i, first = 0, end = 0;

	if (!scale->numa)
		return;
	for (i = 0; i < scale->nr; i++) {
		if (scale->piece[i].gap > 0) {
			svg_node(canvas, first, end);
			first = i;
		}
		if (!scale->piece[i].hole)
			end = i + 1;
	}
	svg_node(canvas, first, end);
	canvas->y += NODES_H;
}

/* A block across two nodes is drawn in one, and parted afterwards. */
static void svg_gaps(const struct canvas *canvas, double bottom)
{
	const struct scale *scale = &canvas->scale;
	unsigned int i;

	for (i = 0; i < scale->nr; i++)
		if (scale->piece[i].gap > 0)
			fprintf(canvas->out,
				"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"page\"/>\n",
				scale->piece[i].x - scale->piece[i].gap,
				canvas->y, scale->piece[i].gap,
				bottom - canvas->y);
}

/* A hole is a break in the picture, as wide as it would be if it were true. */
static void svg_holes(const struct canvas *canvas, double bottom)
{
	const struct scale *scale = &canvas->scale;
	unsigned int i;

	for (i = 0; i < scale->nr; i++) {
		const struct scale_piece *piece = &scale->piece[i];

		if (!piece->hole)
			continue;
		fprintf(canvas->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"page\"><title>no memory from 0x%llx to 0x%llx</title></rect>\n",
			piece->x, canvas->y, piece->width, bottom - canvas->y,
			piece->start, piece->last);
		fprintf(canvas->out,
			"<path d=\"M%.1f %.1fl4 -10m0 10l4 -10\" class=\"break\"/>\n",
			piece->x + piece->width / 2 - 4, canvas->y + 15);
	}
}

/* ---- bars ------------------------------------------------------------ */

/*
 * Never thinner than a pixel: what is small must still be seen.  Under the mouse,
 * a bar says what it is.
 */
static void svg_bar(const struct canvas *canvas, struct span span,
		    const char *cls, double height, const char *name)
{
	double x = scale_x(&canvas->scale, span.start);
	double end = scale_end(&canvas->scale, span.last);
	char size[32];

	fprintf(canvas->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"><title>",
		fmin(x, WHERE_X + WHERE_W - 1), canvas->y, fmax(end - x, 1),
		height, cls);
	write_xml_text(canvas->out, name, -1);
	fprintf(canvas->out, ": 0x%llx to 0x%llx, %s</title></rect>\n",
		span.start, span.last,
		size_text(size, sizeof(size), span.last - span.start + 1));
}

/* The part of @reach that lies in [first, last]. */
static void svg_reach(const struct canvas *canvas,
		      const struct dmag_reach *reach, u64 first, u64 last,
		      const char *cls, const char *name)
{
	unsigned int i;

	for (i = 0; i < reach->nr; i++) {
		struct dmag_range part;

		part.start = max(reach->seg[i].start, first);
		part.last = min(reach->seg[i].last, last);
		if (part.start <= part.last)
			svg_bar(canvas, range_span(&part), cls, BAR_H, name);
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
	const struct dmag_reach *reach = &group->core.reach;
	u64 tried = svg_zone_end(canvas->board, group->worst->zone);
	u64 sure = svg_zone_end(canvas->board, group->worst->sure);

	if (group->worst->outside)
		svg_reach(canvas, &canvas->board->ram, 0, tried - 1, "outside",
			  "tried, out of reach");
	svg_reach(canvas, reach, 0, U64_MAX, "blank", "in reach");
	if (verdict_bad(group->verdict) && sure)
		svg_reach(canvas, reach, 0, sure - 1, "reach",
			  "found in a zone");
	if (verdict_bad(group->verdict))
		svg_reach(canvas, reach, sure, U64_MAX, "wasted",
			  "in reach, wasted");
	else
		svg_reach(canvas, reach, 0, U64_MAX, "reach", "in reach");
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

static const char *svg_verdict_class(unsigned int verdict)
{
	if (verdict == VERDICT_UNKNOWN)
		return "small";
	return verdict_bad(verdict) ? "bad" : "good";
}

/* Amounts take a second line, under the verdict in words. */
static void svg_verdict(const struct canvas *canvas, const struct group *group)
{
	char wasted[32], outside[32], text[96];

	snprintf(text, sizeof(text), "%s: %s",
		 zone_text(canvas->board, group->worst->zone),
		 verdict_name(group->verdict));
	svg_label(canvas, VERDICT_X, canvas->y + 11,
		  svg_verdict_class(group->verdict), text);
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

static const char *svg_region_class(const struct region *region)
{
	if (region->kind == REGION_CMA)
		return "cma";
	return region->kind >= REGION_COHERENT ? "pool" : "reserved";
}

/* Regions that Linux places at boot have no bar, but take memory all the same. */
static void svg_unplaced(const struct canvas *canvas)
{
	const struct board *board = canvas->board;
	char size[32], text[64];
	unsigned int i, nr = 0;
	u64 bytes = 0;

	for (i = 0; i < board->nr_regions; i++) {
		if (board->regions[i].placed)
			continue;
		bytes += board->regions[i].size;
		nr++;
	}
	if (!nr)
		return;
	snprintf(text, sizeof(text), "%u region%s placed at boot: %s", nr,
		 nr == 1 ? "" : "s", size_text(size, sizeof(size), bytes));
	svg_label(canvas, 10, canvas->y + 4 + LINE_H + 8, "small", text);
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
	svg_unplaced(canvas);
	for (i = 0; i < board->ram.nr; i++)
		svg_bar(canvas, range_span(&board->ram.seg[i]),
			board->memory_known ? "ram" : "wasted", BAR_H,
			"memory");
	for (i = 0; i < board->nr_regions; i++)
		if (board->regions[i].placed)
			svg_bar(canvas, board->regions[i].span,
				svg_region_class(&board->regions[i]), BAR_H,
				board->regions[i].name);
	canvas->y += ROW_H;
}

/* Devices that take no memory from a group are counted, not drawn. */
static void svg_others(const struct canvas *canvas, double y)
{
	const struct board *board = canvas->board;
	unsigned int i, nr = 0;
	char text[64];

	for (i = 0; i < board->nr_devices; i++)
		nr += !board->devices[i].group;
	snprintf(text, sizeof(text), "%u device%s in no group", nr,
		 nr == 1 ? "" : "s");
	if (nr)
		svg_label(canvas, 10, y, "small", text);
}

/* Columns of colour behind all rows. */
static void svg_zones(const struct canvas *canvas, double bottom)
{
	static const char *const zone_cls[] = { "z0", "z1", "z2", "z3", "z4" };
	const struct board *board = canvas->board;
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++)
		if (board->zones[i].frames)
			svg_bar(canvas, range_span(&board->zones[i].range),
				zone_cls[i], bottom - canvas->y,
				board->zones[i].name);
}

/*
 * The widest part of [*x, *end] that no gap between nodes cuts: a name has to be on
 * its zone.
 */
static void svg_uncut(const struct scale *scale, double *x, double *end)
{
	double from = *x, to = *end, start = from;
	double best = 0;
	unsigned int i;

	for (i = 0; i < scale->nr; i++) {
		const struct scale_piece *piece = &scale->piece[i];
		double right = fmin(piece->x + piece->width, to);

		if (piece->gap > 0)
			start = fmax(piece->x, from);
		if (right - start <= best)
			continue;
		best = right - start;
		*x = start;
		*end = right;
	}
}

/* Those that fit into their columns. */
static void svg_zone_names(struct canvas *canvas)
{
	const struct board *board = canvas->board;
	unsigned int i;

	for (i = 0; i < board->nr_zones; i++) {
		const struct zone *zone = &board->zones[i];
		struct span span = range_span(&zone->range);
		double x = scale_x(&canvas->scale, span.start);
		double end = scale_end(&canvas->scale, span.last);

		svg_uncut(&canvas->scale, &x, &end);
		if (zone->frames && end - x > svg_text_width(zone->name) + 6)
			svg_label(canvas, (x + end) / 2, canvas->y + 13, "mid",
				  zone->name);
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
		{ "cma", "CMA" },
		{ "pool", "pool" },
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
	".cma{fill:#2e9e8f}.pool{fill:#a8621b}.page{fill:#fff}",
	".break{stroke:#666;fill:none}.node{stroke:#666;fill:none}",
	".reach{fill:#2f6aa8}.outside{fill:url(#o)}",
	".wasted{fill:url(#w);stroke:#2f6aa8}",
	"#w rect{fill:#fff}#w .line{fill:#2f6aa8}",
	"#o rect{fill:#fdeceb}#o .line{fill:#b3261e}",
	"@media (prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}",
	".bad{fill:#ff8a80}.good{fill:#81c995}.page{fill:#16181b}",
	".z0{fill:#1d3245}.z1{fill:#263a1f}.z2{fill:#40351a}.z3{fill:#392a3d}",
	".z4{fill:#333}.ram{fill:#8a8a8a}.tick{stroke:#888}",
	".reserved{fill:#000;stroke:#999;stroke-width:.6}",
	".break,.node{stroke:#aaa}",
	".blank{fill:#16181b}.reach{fill:#6ea8e0}.wasted{stroke:#6ea8e0}",
	"#w rect{fill:#16181b}#w .line{fill:#6ea8e0}",
	"#o rect{fill:#3a1a18}#o .line{fill:#ff8a80}}",
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
	"<rect width=\"100%\" height=\"100%\" class=\"page\"/>",
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
 * @linear: pieces of memory as wide as their size, not its logarithm
 */
void write_svg(FILE *out, const struct board *board, bool linear)
{
	struct canvas canvas = { .out = out, .board = board };
	double top, bottom, height = 130 + ROW_H * (board->nr_groups + 1);
	unsigned int i;

	scale_build(&canvas.scale, board, linear, WHERE_X, WHERE_W);
	height += canvas.scale.numa ? NODES_H : 0;
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
		WIDTH, height, WIDTH, height);
	for (i = 0; i < ARRAY_SIZE(svg_style); i++)
		fprintf(out, "%s\n", svg_style[i]);
	svg_title(&canvas);
	svg_nodes(&canvas);
	bottom = canvas.y + 2 * LINE_H + 16 + ROW_H * (board->nr_groups + 1);
	svg_zones(&canvas, bottom);
	svg_gaps(&canvas, bottom);
	svg_zone_names(&canvas);
	svg_axis(&canvas, bottom);
	svg_holes(&canvas, bottom);
	top = canvas.y;
	svg_ram(&canvas);
	for (i = 0; i < board->nr_groups; i++)
		svg_group(&canvas, board->groups[i]);
	canvas.y = top;
	svg_gaps(&canvas, bottom);
	canvas.y = bottom + 8;
	svg_others(&canvas, canvas.y + 10);
	svg_legend(&canvas);
	scale_free(&canvas.scale);
	fputs("</svg>\n", out);
}
