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
	const struct board *b;
	bool linear;
	u64 low, top; /* where the scale begins and ends */
	double y;
};

void write_xml_text(FILE *out, const char *s, int max)
{
	static const char special[] = "&<>\"";
	static const char *const entity[] = { "&amp;", "&lt;", "&gt;",
					      "&quot;" };
	for (; *s && max--; s++) {
		const char *at = strchr(special, *s);

		if (at)
			fputs(entity[at - special], out);
		else
			putc(*s >= ' ' && *s <= '~' ? *s : '?', out);
	}
}

static void put_label(const struct canvas *c, double x, double y,
		      const char *cls, const char *text)
{
	fprintf(c->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, cls);
	write_xml_text(c->out, text, -1);
	fputs("</text>\n", c->out);
}

static double text_width(const char *s)
{
	return CHAR_W * strlen(s);
}

/* ---- the scale ------------------------------------------------------- */

static double scale(const struct canvas *c, u64 addr)
{
	double part;

	if (c->linear)
		part = (double)(addr - c->low) / (double)(c->top - c->low);
	else if (addr < c->low)
		part = STRIP * (double)addr / (double)c->low;
	else
		part = STRIP + (1 - STRIP) *
				       log2((double)addr / (double)c->low) /
				       log2((double)c->top / (double)c->low);
	return WHERE_X + WHERE_W * fmin(fmax(part, 0), 1);
}

static u64 lowest_ram(const struct board *b)
{
	return b->ram.nr ? frames_bytes(b->ram.seg[0].start) : 0;
}

/* Where memory begins to be interesting: under the first boundary inside it. */
static u64 lowest_boundary(const struct board *b)
{
	u64 low = b->ram.nr ? frames_bytes(b->ram.seg[0].last + 1) : 1;
	unsigned int i, j;

	for (i = 0; i < b->nr_zones; i++)
		if (b->zones[i].frames)
			low = min(low, range_span(&b->zones[i].range).last);
	for (i = 0; i < b->nr_groups; i++) {
		const struct dmag_reach *r = &b->groups[i]->core.reach;

		for (j = 0; j < r->nr; j++)
			low = min(low, range_span(&r->seg[j]).last);
	}
	return low;
}

static void set_scale(struct canvas *c)
{
	const struct board *b = c->b;
	u64 start = lowest_ram(b);
	unsigned int i;

	c->top = BIT_ULL(PAGE_SHIFT);
	for (i = 0; i < b->ram.nr; i++)
		c->top = range_span(&b->ram.seg[i]).last;
	if (c->linear) {
		c->low = start;
		return;
	}
	c->low = BIT_ULL(fls64(max(lowest_boundary(b), 8ULL)) - 2);
	if (start)
		c->low = BIT_ULL(fls64(start) - 1);
}

static void put_tick(const struct canvas *c, u64 addr, double *free_x,
		     double bottom)
{
	double x = scale(c, addr), half;
	char text[32];

	size_text(text, sizeof(text), addr);
	half = text_width(addr ? text : "0") / 2;
	if (x - half < *free_x)
		return;
	*free_x = x + half + 8;
	fprintf(c->out,
		"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"tick\"/>\n",
		x, x, c->y + 6, bottom);
	put_label(c, x, c->y, "mid", addr ? text : "0");
}

/* Powers of two, or multiples of one; as many as there is room for. */
static void put_axis(struct canvas *c, double bottom)
{
	double free_x = WHERE_X - 30;
	u64 step, addr;

	c->y += LINE_H;
	if (c->linear) {
		step = BIT_ULL(fls64((c->top - c->low) / 8 | 1));
		for (addr = c->low; addr - c->low <= c->top - c->low;
		     addr = round_up(addr + 1, step)) {
			put_tick(c, addr, &free_x, bottom);
			if (addr > U64_MAX - step)
				break;
		}
	} else {
		if (!lowest_ram(c->b))
			put_tick(c, 0, &free_x, bottom);
		for (addr = c->low; addr - 1 <= c->top; addr <<= 1)
			put_tick(c, addr, &free_x, bottom);
	}
	c->y += 8;
}

/* ---- bars ------------------------------------------------------------ */

static void put_bar(const struct canvas *c, struct span s, const char *cls,
		    double y, double height)
{
	double x = scale(c, s.start);
	double end = scale(c, s.last == U64_MAX ? s.last : s.last + 1);

	fprintf(c->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n",
		x, y, fmax(end - x, 1), height, cls);
}

/* The part of @r that lies in [first, last]. */
static void put_reach(const struct canvas *c, const struct dmag_reach *r,
		      u64 first, u64 last, const char *cls)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		struct dmag_range part;

		part.start = max(r->seg[i].start, first);
		part.last = min(r->seg[i].last, last);
		if (part.start <= part.last)
			put_bar(c, range_span(&part), cls, c->y, BAR_H);
	}
}

/* The frame after the last one of @zone, 0 if that is none. */
static u64 zone_end(const struct board *b, int zone)
{
	return zone < 0 ? 0 : b->zones[zone].range.last + 1;
}

/* Red first: the reach is drawn over it, and what stays red is outside. */
static void put_group_bars(const struct canvas *c, const struct group *g)
{
	u64 tried = zone_end(c->b, g->worst->zone);
	u64 sure = zone_end(c->b, g->worst->sure);

	if (g->worst->outside)
		put_reach(c, &c->b->ram, 0, tried - 1, "outside");
	put_reach(c, &g->core.reach, 0, U64_MAX, "blank");
	if (sure)
		put_reach(c, &g->core.reach, 0, sure - 1, "reach");
	put_reach(c, &g->core.reach, sure, U64_MAX, "wasted");
}

/* ---- rows ------------------------------------------------------------ */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* As many members' names as fit, and how many there are besides. */
static void put_members(const struct canvas *c, const struct group *g)
{
	const struct board *b = c->b;
	int room = (int)((WHERE_X - 20) / SMALL_W) - 5;
	unsigned int i, shown = 0;

	fprintf(c->out, "<text x=\"10\" y=\"%.1f\" class=\"small\">",
		c->y + 4 + LINE_H + 8);
	for (i = 0; i < b->nr_devices && room > 0; i++) {
		const char *name = last_part(b->devices[i].path);

		if (b->devices[i].group != g)
			continue;
		if (shown && (int)strlen(name) + 2 > room)
			break;
		fputs(shown ? ", " : "", c->out);
		write_xml_text(c->out, name, room);
		room -= (int)strlen(name) + 2;
		shown++;
	}
	if (shown < g->core.members)
		fprintf(c->out, " +%u", g->core.members - shown);
	fputs("</text>\n", c->out);
}

static void put_verdict(const struct canvas *c, const struct group *g)
{
	char wasted[32], outside[32], text[96];

	snprintf(text, sizeof(text), "%s: %s", zone_text(c->b, g->worst->zone),
		 verdict_name(g->verdict));
	put_label(c, VERDICT_X, c->y + 11, g->verdict ? "bad" : "good", text);
	if (!g->wasted && !g->outside)
		return;
	snprintf(text, sizeof(text), "wasted %s, out %s",
		 size_text(wasted, sizeof(wasted), frames_bytes(g->wasted)),
		 size_text(outside, sizeof(outside), frames_bytes(g->outside)));
	put_label(c, VERDICT_X, c->y + 4 + LINE_H + 8, "small", text);
}

static void put_group(struct canvas *c, const struct group *g)
{
	const char *kind = "";
	char size[32], text[96];

	size_text(size, sizeof(size), frames_bytes(g->frames));
	if (g->core.attrs)
		kind = ", uncached";
	else if (g->universal)
		kind = ", universal";
	snprintf(text, sizeof(text), "%u: %s, %u device%s%s", g->id,
		 g->frames ? size : "nothing", g->core.members,
		 g->core.members == 1 ? "" : "s", kind);
	put_label(c, 10, c->y + 11, "name", text);
	put_members(c, g);
	put_group_bars(c, g);
	put_verdict(c, g);
	c->y += ROW_H;
}

static void put_ram(struct canvas *c)
{
	const struct board *b = c->b;
	u64 bytes = frames_bytes(dmag_reach_frames(&b->ram));
	char size[32], text[64];
	unsigned int i;

	size_text(size, sizeof(size), bytes);
	snprintf(text, sizeof(text), "memory: %s",
		 b->memory_known ? size : "unknown");
	put_label(c, 10, c->y + 11, "name", text);
	for (i = 0; i < b->ram.nr; i++)
		put_bar(c, range_span(&b->ram.seg[i]), "ram", c->y, BAR_H);
	for (i = 0; i < b->nr_regions; i++)
		if (b->regions[i].placed)
			put_bar(c, b->regions[i].span, "reserved", c->y, BAR_H);
	c->y += ROW_H;
}

/* Columns of colour behind all rows, named where the name fits. */
static void put_zones(struct canvas *c, double bottom)
{
	static const char *const zone_cls[] = { "z0", "z1", "z2", "z3", "z4" };
	const struct board *b = c->b;
	unsigned int i;

	for (i = 0; i < b->nr_zones; i++) {
		struct span s = range_span(&b->zones[i].range);
		double x = scale(c, s.start), end = scale(c, s.last);

		put_bar(c, s, zone_cls[i], c->y, bottom - c->y);
		if (end - x > text_width(b->zones[i].name) + 6)
			put_label(c, (x + end) / 2, c->y + 13, "mid",
				  b->zones[i].name);
	}
	c->y += LINE_H + 6;
}

static void put_legend(const struct canvas *c)
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
		fprintf(c->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"24\" height=\"12\" class=\"%s\"/>\n",
			x, c->y, item[i].cls);
		put_label(c, x + 30, c->y + 10, "text", item[i].text);
		x += 30 + text_width(item[i].text) + 26;
	}
}

/* ---- the whole ------------------------------------------------------- */

static const char *const style[] = {
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

static void put_title(struct canvas *c)
{
	const struct board *b = c->b;
	char size[32], text[128];
	double x = 10;
	unsigned int i;

	fputs("<text x=\"10\" y=\"24\" class=\"title\">", c->out);
	write_xml_text(c->out, b->model ? b->model : b->source, TITLE_MAX);
	fputs("</text>\n", c->out);
	c->y = 24 + LINE_H + 2;
	for (i = 0; i < b->nr_zones; i++) {
		struct span s = range_span(&b->zones[i].range);

		snprintf(text, sizeof(text), "%s [0x%llx, 0x%llx] %s",
			 b->zones[i].name, s.start, s.last,
			 size_text(size, sizeof(size),
				   frames_bytes(b->zones[i].frames)));
		if (x + text_width(text) > WIDTH) {
			x = 10;
			c->y += LINE_H;
		}
		put_label(c, x, c->y, "text", text);
		x += text_width(text) + 24;
	}
	c->y += 6;
}

/**
 * write_svg() - Draw a plan.
 * @out: where to
 * @b: the plan
 * @linear: addresses to scale rather than on a logarithmic scale
 */
void write_svg(FILE *out, const struct board *b, bool linear)
{
	struct canvas c = { .out = out, .b = b, .linear = linear };
	double bottom, height = 130 + ROW_H * (b->nr_groups + 1);
	unsigned int i;

	set_scale(&c);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
		WIDTH, height, WIDTH, height);
	for (i = 0; i < ARRAY_SIZE(style); i++)
		fprintf(out, "%s\n", style[i]);
	put_title(&c);
	bottom = c.y + 2 * LINE_H + 16 + ROW_H * (b->nr_groups + 1);
	put_zones(&c, bottom);
	put_axis(&c, bottom);
	put_ram(&c);
	for (i = 0; i < b->nr_groups; i++)
		put_group(&c, b->groups[i]);
	c.y = bottom + 8;
	put_legend(&c);
	fputs("</svg>\n", out);
}
