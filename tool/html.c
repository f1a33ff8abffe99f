// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan as a web page: the picture, notes, and tables.
 *
 * The page needs nothing from elsewhere.  A click on a heading sorts its table;
 * colours follow the reader's preference.
 */
#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "text.h"
#include "write.h"

static const char *const html_head[] = {
	"<style>",
	"body{font:14px/1.4 'DejaVu Sans',Verdana,Arial,sans-serif;margin:1em}",
	"svg{max-width:100%;height:auto}table{border-collapse:collapse}",
	"th,td{padding:.2em .6em;text-align:left;vertical-align:top}",
	"th{cursor:pointer;border-bottom:1px solid #888}",
	"tr:hover td{background:#8882}.bad{color:#b3261e;font-weight:bold}",
	"td.n{text-align:right}code{font-size:13px}",
	".wide{min-width:12em}",
	"@media (prefers-color-scheme:dark){",
	"body{background:#16181b;color:#ddd}.bad{color:#ff8a80}}",
	"</style>",
	"<script>addEventListener('click',e=>{const h=e.target.closest('th');",
	"if(!h)return;const i=h.cellIndex,b=h.closest('table').tBodies[0];",
	"const v=r=>r.cells[i].dataset.v??r.cells[i].textContent;",
	"const s=h.dataset.s=h.dataset.s==1?-1:1;",
	"[...b.rows].sort((x,y)=>s*v(x).localeCompare(v(y),undefined,",
	"{numeric:true})).forEach(r=>b.append(r))})</script>",
};

/**
 * write_html_head() - Begin a web page.
 * @out: where to
 * @title: of the page
 */
void write_html_head(FILE *out, const char *title)
{
	unsigned int i;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
	      out);
	fputs("<meta name=\"color-scheme\" content=\"light dark\"><title>",
	      out);
	write_xml_text(out, title, -1);
	fputs("</title>\n", out);
	for (i = 0; i < ARRAY_SIZE(html_head); i++)
		fprintf(out, "%s\n", html_head[i]);
	fputs("</head><body>\n", out);
}

/**
 * write_html_table() - Begin a table that a click sorts.
 * @out: where to
 * @heads: the headings of its columns
 * @nr: how many
 */
void write_html_table(FILE *out, const char *const *heads, unsigned int nr)
{
	unsigned int i;

	fputs("<table><thead><tr>", out);
	for (i = 0; i < nr; i++)
		fprintf(out, "<th>%s</th>", heads[i]);
	fputs("</tr></thead><tbody>\n", out);
}

static void html_cell(FILE *out, const char *cls, const char *text)
{
	fprintf(out, *cls ? "<td class=\"%s\">" : "<td>", cls);
	write_xml_text(out, text, -1);
	fputs("</td>", out);
}

static void html_text(FILE *out, const char *text)
{
	html_cell(out, "", text);
}

/* A path may be broken before each of its nodes, and nowhere else. */
static void html_path(FILE *out, const char *path)
{
	size_t len;

	fputs("<td class=\"wide\">", out);
	for (; *path; path += len) {
		len = 1 + strcspn(path + 1, "/");
		fputs("<wbr>", out);
		write_xml_text(out, path, (int)len);
	}
	fputs("</td>", out);
}

/* Sorted by bytes, read with a unit. */
static void html_size(FILE *out, u64 frames)
{
	char size[32];

	fprintf(out, "<td class=\"n\" data-v=\"%llu\">%s</td>",
		frames_bytes(frames),
		size_text(size, sizeof(size), frames_bytes(frames)));
}

static void html_verdict(FILE *out, unsigned int verdict)
{
	fprintf(out, "<td%s>%s</td>",
		verdict_bad(verdict) ? " class=\"bad\"" : "",
		verdict_name(verdict));
}

static void html_reach(FILE *out, const struct dmag_reach *reach)
{
	unsigned int i;

	fputs("<td>", out);
	for (i = 0; i < reach->nr; i++) {
		struct span span = range_span(&reach->seg[i]);

		fprintf(out, "%s<code>[0x%llx, 0x%llx]</code>", i ? "<br>" : "",
			span.start, span.last);
	}
	fputs(reach->nr ? "</td>" : "nothing</td>", out);
}

static void html_groups(FILE *out, const struct board *board)
{
	static const char *const heads[] = {
		"group",      "devices",   "reach",	"size",
		"attributes", "zone",	   "verdict",	"wasted",
		"outside",    "unreached", "streaming",
	};
	unsigned int i;

	if (!board->nr_groups)
		return;
	fputs("<h2>Groups</h2>\n", out);
	write_html_table(out, heads, ARRAY_SIZE(heads));
	for (i = 0; i < board->nr_groups; i++) {
		const struct group *group = board->groups[i];

		fprintf(out, "<tr><td>%u</td><td>%u</td>", group->id,
			group->core.members);
		html_reach(out, &group->core.reach);
		html_size(out, group->frames);
		html_text(out, attrs_text(group->core.attrs));
		html_text(out, zone_text(board, group->worst->zone));
		html_verdict(out, group->verdict);
		html_size(out, group->wasted);
		html_size(out, group->outside);
		html_size(out, group->unreachable);
		html_text(out, streaming_name(group->streaming));
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void html_device(FILE *out, const struct board *board,
			const struct device *dev)
{
	char text[160] = "";

	fputs("<tr>", out);
	if (dev->group)
		fprintf(out, "<td>%u</td>", dev->group->id);
	else
		html_text(out, device_kind_name(dev->kind));
	html_path(out, dev->path);
	html_text(out, dev->compatible ? dev->compatible : "");
	fprintf(out, "<td>%u %s</td><td><code>0x%llx</code></td><td>%u</td>",
		dev->mask_bits, mask_from_name(dev->mask_from),
		dev->constraint.limit, dev->constraint.nr_windows);
	html_text(out, dev->coherent ? "yes" : "no");
	html_text(out, dev->why);
	if (dev->group || dev->verdict)
		html_verdict(out, dev->verdict);
	else
		html_text(out, "");
	if (dev->nr_steps)
		bridge_text(text, sizeof(text), board, dev);
	html_cell(out, *text ? "wide" : "", text);
	fputs("</tr>\n", out);
}

static void html_devices(FILE *out, const struct board *board)
{
	static const char *const heads[] = {
		"group",   "device",   "compatible", "mask",	"limit",
		"windows", "coherent", "why",	     "verdict", "cards",
	};
	unsigned int i;

	if (!board->nr_devices)
		return;
	fputs("<h2>Devices</h2>\n", out);
	write_html_table(out, heads, ARRAY_SIZE(heads));
	for (i = 0; i < board->nr_devices; i++)
		html_device(out, board, &board->devices[i]);
	fputs("</tbody></table>\n", out);
}

static void html_regions(FILE *out, const struct board *board)
{
	static const char *const heads[] = { "start", "size", "use", "name" };
	unsigned int i;

	if (!board->nr_regions)
		return;
	fputs("<h2>Reserved memory</h2>\n", out);
	write_html_table(out, heads, ARRAY_SIZE(heads));
	for (i = 0; i < board->nr_regions; i++) {
		const struct region *region = &board->regions[i];

		if (region->placed)
			fprintf(out, "<tr><td><code>0x%llx</code></td>",
				region->span.start);
		else
			fputs("<tr><td>at boot</td>", out);
		html_size(out, region->size >> PAGE_SHIFT);
		html_text(out, region_kind_name(region->kind));
		html_text(out, region->name);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void html_notes(FILE *out, const struct board *board)
{
	const struct note *note;

	if (!board->notes)
		return;
	fputs("<h2>Notes</h2>\n<ul>\n", out);
	for (note = board->notes; note; note = note->next) {
		fputs("<li>", out);
		write_xml_text(out, note->text, -1);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

/**
 * write_html() - Make a web page of a plan.
 * @out: where to
 * @board: the plan
 * @linear: as for write_svg()
 */
void write_html(FILE *out, const struct board *board, bool linear)
{
	write_html_head(out, board->model ? board->model : board->source);
	write_svg(out, board, linear);
	html_notes(out, board);
	html_groups(out, board);
	html_devices(out, board);
	html_regions(out, board);
	fputs("</body></html>\n", out);
}
