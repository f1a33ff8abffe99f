// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A report on a record, as a picture and as a web page.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "report.h"
#include "text.h"
#include "write.h"

#define LINES_MAX 4

/* Marks beyond so many would hide each other. */
#define MARKS_MAX 200

/* A line of a panel, as the record calls it. */
struct picture_line {
	const char *series;
	const char *name;
	const char *cls;
	bool rate; /* events per second, not an amount */
};

struct picture {
	struct chart chart;
	const struct record *record;
	double *value[LINES_MAX];
};

/* ---- values ---------------------------------------------------------- */

/* A counter that fell began anew. */
static double picture_rate(const struct record *record, unsigned int sample,
			   u64 now, u64 then)
{
	double seconds =
		sample ? record->time[sample] - record->time[sample - 1] : 0;

	return seconds > 0 && now >= then ? (double)(now - then) / seconds :
					    NAN;
}

static void picture_fill(const struct picture *picture,
			 const struct record_group *group,
			 const struct picture_line *line, u64 unit,
			 double *value)
{
	const struct record *record = picture->record;
	struct record_walk walk = record_begin(group, line->series);
	unsigned int i, end = record_end(record, group);
	u64 then = 0;

	for (i = 0; i < record->nr_time; i++) {
		u64 now = record_at(&walk, i);

		if (!walk.next || i >= end)
			value[i] = NAN;
		else if (line->rate)
			value[i] = picture_rate(record, i, now, then);
		else
			value[i] = (double)now * (double)unit;
		then = now;
	}
}

/* ---- panels ---------------------------------------------------------- */

static void picture_panel(struct picture *picture,
			  const struct record_group *group, const char *title,
			  const struct picture_line *lines, unsigned int nr,
			  u64 unit)
{
	struct chart_line drawn[LINES_MAX];
	const struct chart_panel panel = { title, drawn, nr, !lines->rate };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		picture_fill(picture, group, &lines[i], unit,
			     picture->value[i]);
		drawn[i] = (struct chart_line){ lines[i].name, lines[i].cls,
						picture->value[i] };
	}
	chart_draw(&picture->chart, &panel);
}

static void picture_marks(struct picture *picture,
			  const struct record_group *group)
{
	unsigned int i;
	char text[160];

	for (i = 0; i < group->nr_refusal && i < MARKS_MAX; i++) {
		const struct record_refusal *refusal = &group->refusal[i];

		snprintf(text, sizeof(text), "refused: %s, %llu pages, %s",
			 refusal->device, refusal->pages,
			 refusal->atomic ? "atomic" : "blocking");
		chart_mark(&picture->chart, refusal->sample, text);
	}
}

static void picture_group(struct picture *picture,
			  const struct record_group *group)
{
	static const struct picture_line reserve[] = {
		{ "free", "free", "free", false },
		{ "min", "min", "min", false },
		{ "low", "low", "low", false },
		{ "high", "high", "high", false },
	};
	static const struct picture_line held[] = {
		{ "used", "held by devices", "used", false },
		{ "owned", "owned by the group", "owned", false },
	};
	static const struct picture_line rates[] = {
		{ "alloc_atomic", "atomic allocations", "free", true },
		{ "alloc", "others", "used", true },
		{ "claim", "claims", "owned", true },
		{ "alloc_atomic_fail", "refused", "fail", true },
	};
	char text[160];

	snprintf(text, sizeof(text), "group %s, %s", group->name, group->kind);
	chart_heading(&picture->chart, text);
	picture_panel(picture, group, "reserve", reserve, ARRAY_SIZE(reserve),
		      1 << PAGE_SHIFT);
	picture_marks(picture, group);
	picture_panel(picture, group, "memory", held, ARRAY_SIZE(held),
		      1 << PAGE_SHIFT);
	picture_panel(picture, group, "per second", rates, ARRAY_SIZE(rates),
		      1);
}

static void picture_host(struct picture *picture)
{
	static const struct picture_line memory[] = {
		{ "MemFree", "free", "free", false },
		{ "MemAvailable", "available", "used", false },
		{ "CmaFree", "free CMA", "owned", false },
	};

	chart_heading(&picture->chart, "host");
	picture_panel(picture, &picture->record->host, "memory", memory,
		      ARRAY_SIZE(memory), 1 << 10);
}

/* A universal group has no reserve to look at. */
static bool picture_shows(const struct record_group *group)
{
	return group->nr_series && strcmp(group->kind, "universal");
}

/**
 * report_svg() - Draw a record.
 * @out: where to
 * @record: the record
 */
void report_svg(FILE *out, const struct record *record)
{
	struct picture picture = {
		.chart = { out, record->time, record->nr_time, 0 },
		.record = record,
	};
	unsigned int i, nr = 0;

	for (i = 0; i < LINES_MAX; i++)
		picture.value[i] = calloc(record->nr_time, sizeof(double));
	for (i = 0; i < LINES_MAX; i++)
		if (!picture.value[i])
			die("out of memory");
	for (i = 0; i < record->nr_group; i++)
		nr += picture_shows(&record->group[i]);
	chart_begin(&picture.chart, 3 * nr + 1, nr + 1);
	for (i = 0; i < record->nr_group; i++)
		if (picture_shows(&record->group[i]))
			picture_group(&picture, &record->group[i]);
	picture_host(&picture);
	chart_end(&picture.chart);
	for (i = 0; i < LINES_MAX; i++)
		free(picture.value[i]);
}

/* ---- the page -------------------------------------------------------- */

static void page_cell(FILE *out, const char *text)
{
	fputs("<td>", out);
	write_xml_text(out, text, -1);
	fputs("</td>", out);
}

static void page_refusals(FILE *out, const struct record *record)
{
	static const char *const heads[] = { "second", "group", "device",
					     "pages", "kind" };
	unsigned int i, k, nr = 0;

	for (i = 0; i < record->nr_group; i++)
		nr += record->group[i].nr_refusal;
	if (!nr)
		return;
	fputs("<h2>Refused</h2>\n", out);
	write_html_table(out, heads, ARRAY_SIZE(heads));
	for (i = 0; i < record->nr_group; i++)
		for (k = 0; k < record->group[i].nr_refusal; k++) {
			const struct record_refusal *refusal =
				&record->group[i].refusal[k];

			fprintf(out, "<tr><td>%.3f</td>",
				record->time[refusal->sample]);
			page_cell(out, record->group[i].name);
			page_cell(out, refusal->device);
			fprintf(out, "<td>%llu</td><td>%s</td></tr>\n",
				refusal->pages,
				refusal->atomic ? "atomic" : "blocking");
		}
	fputs("</tbody></table>\n", out);
}

static void page_events(FILE *out, const struct record *record)
{
	static const char *const heads[] = { "group", "event", "times",
					     "pages" };
	unsigned int i, k, nr = 0;

	for (i = 0; i < record->nr_group; i++)
		nr += record->group[i].nr_total;
	if (!nr)
		return;
	fputs("<h2>Events</h2>\n", out);
	write_html_table(out, heads, ARRAY_SIZE(heads));
	for (i = 0; i < record->nr_group; i++)
		for (k = 0; k < record->group[i].nr_total; k++) {
			const struct record_total *total =
				&record->group[i].total[k];

			fputs("<tr>", out);
			page_cell(out, record->group[i].name);
			page_cell(out, total->name);
			fprintf(out, "<td>%llu</td><td>%llu</td></tr>\n",
				total->nr, total->frames);
		}
	fputs("</tbody></table>\n", out);
}

/**
 * report_html() - Make a web page of a record.
 * @out: where to
 * @record: the record
 */
void report_html(FILE *out, const struct record *record)
{
	write_html_head(out, "dmag record");
	report_svg(out, record);
	page_events(out, record);
	page_refusals(out, record);
	fputs("</body></html>\n", out);
}
