// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A report on a record, as text.
 */
#include <string.h>

#include "report.h"
#include "text.h"

/* Columns of the strip that shows the reserve over time. */
#define REPORT_STRIP 60U

/* So many refusals of a group are listed. */
#define REPORT_REFUSALS 10

/* Records come from anywhere: nothing in one may steer a terminal. */
static void report_put(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(*text >= ' ' && *text <= '~' ? *text : '?', out);
}

struct report_range {
	u64 first, last, min, max;
};

/* The extremes of a series while the group was there. */
static struct report_range report_range(const struct record *record,
					const struct record_group *group,
					const char *name)
{
	struct report_range range = { .min = U64_MAX };
	struct record_walk walk = record_begin(group, name);
	unsigned int i, end = record_end(record, group);

	if (!walk.series)
		return (struct report_range){ 0 };
	for (i = walk.series->point[0].sample; i < end; i++) {
		u64 value = record_at(&walk, i);

		if (i == walk.series->point[0].sample)
			range.first = value;
		range.last = value;
		range.min = min(range.min, value);
		range.max = max(range.max, value);
	}
	return range;
}

/* The growth of a counter from the first sample to the last. */
static u64 report_counted(const struct record *record,
			  const struct record_group *group, const char *name)
{
	struct report_range range = report_range(record, group, name);

	return range.last >= range.first ? range.last - range.first : 0;
}

/* Seconds that the reserve was below its lowest mark. */
static double report_below(const struct record *record,
			   const struct record_group *group)
{
	struct record_walk free = record_begin(group, "free");
	struct record_walk low = record_begin(group, "min");
	unsigned int i, end = record_end(record, group);
	double seconds = 0;

	for (i = 0; i + 1 < end; i++)
		if (record_at(&free, i) < record_at(&low, i))
			seconds += record->time[i + 1] - record->time[i];
	return seconds;
}

static void report_size(FILE *out, u64 frames)
{
	char size[32];

	fprintf(out, " %10s", size_text(size, sizeof(size), frames << 12));
}

static u64 report_failed(const struct record *record,
			 const struct record_group *group)
{
	return report_counted(record, group, "alloc_fail") +
	       report_counted(record, group, "alloc_atomic_fail");
}

static void report_row(FILE *out, const struct record *record,
		       const struct record_group *group)
{
	struct report_range free = report_range(record, group, "free");

	fprintf(out, "%*s", max(5 - (int)strlen(group->name), 0), "");
	report_put(out, group->name);
	report_size(out, report_range(record, group, "used").max);
	report_size(out, free.min);
	report_size(out, free.last);
	fprintf(out, " %7.1f %9llu %7llu %7llu %7llu\n",
		report_below(record, group),
		report_counted(record, group, "alloc") +
			report_counted(record, group, "alloc_atomic"),
		report_counted(record, group, "claim"),
		report_counted(record, group, "claim_fail"),
		report_failed(record, group));
}

/*
 * How full the reserve was, as a share of high, at worst in each column.  A column
 * in which it was below min has a mark of its own.
 */
static void report_strip(FILE *out, const struct record *record,
			 const struct record_group *group)
{
	static const char shades[] = ".:-=+*#";
	struct record_walk free = record_begin(group, "free");
	struct record_walk low = record_begin(group, "min");
	struct record_walk high = record_begin(group, "high");
	unsigned int i, end = record_end(record, group), at = 0;
	unsigned int columns = min(end, REPORT_STRIP);
	double worst = 1;

	fputs("  reserve |", out);
	for (i = 0; i < end; i++) {
		u64 now = record_at(&free, i), full = record_at(&high, i);
		double share = full ? (double)now / (double)full : 1;

		worst = share < worst ? share : worst;
		if (now < record_at(&low, i))
			worst = -1;
		if ((u64)(i + 1) * columns / end == at)
			continue;
		at = (u64)(i + 1) * columns / end;
		putc(worst < 0 ? '!' : shades[(int)(worst * 6)], out);
		worst = 1;
	}
	fputs("|\n", out);
}

static void report_events(FILE *out, const struct record_group *group)
{
	unsigned int i;
	char size[32];

	for (i = 0; i < group->nr_total; i++) {
		const struct record_total *total = &group->total[i];

		fputs("  event   ", out);
		report_put(out, total->name);
		fprintf(out, ": %llu times", total->nr);
		if (total->frames)
			fprintf(out, ", %s",
				size_text(size, sizeof(size),
					  total->frames << 12));
		putc('\n', out);
	}
}

static void report_refusals(FILE *out, const struct record *record,
			    const struct record_group *group)
{
	unsigned int i;

	for (i = 0; i < group->nr_refusal && i < REPORT_REFUSALS; i++) {
		const struct record_refusal *refusal = &group->refusal[i];

		fprintf(out,
			"  refused at %.1f s: ", record->time[refusal->sample]);
		report_put(out, refusal->device);
		fprintf(out, ", %llu page%s, %s\n", refusal->pages,
			refusal->pages == 1 ? "" : "s",
			refusal->atomic ? "atomic" : "blocking");
	}
	if (i < group->nr_refusal)
		fprintf(out, "  refused %u times more\n",
			group->nr_refusal - i);
}

static void report_members(FILE *out, const struct record *record,
			   const struct record_group *group)
{
	static const char prefix[] = "member ";
	unsigned int i;
	char size[32];

	for (i = 0; i < group->nr_series; i++) {
		const char *name = group->series[i].name;
		u64 most;

		if (strncmp(name, prefix, strlen(prefix)))
			continue;
		most = report_range(record, group, name).max;
		if (!most)
			continue;
		fputs("  member  ", out);
		report_put(out, name + strlen(prefix));
		fprintf(out, ": held %s at most\n",
			size_text(size, sizeof(size), most << 12));
	}
}

static void report_details(FILE *out, const struct record *record,
			   const struct record_group *group)
{
	fputs("\ngroup ", out);
	report_put(out, group->name);
	putc(' ', out);
	report_put(out, group->kind);
	if (group->gone)
		fprintf(out, ", gone at %.1f s", record->time[group->gone]);
	putc('\n', out);
	if (report_range(record, group, "high").max)
		report_strip(out, record, group);
	report_members(out, record, group);
	report_events(out, group);
	report_refusals(out, record, group);
}

static void report_host(FILE *out, const struct record *record)
{
	unsigned int i;
	char least[32], last[32];

	for (i = 0; i < record->host.nr_series; i++) {
		const char *name = record->host.series[i].name;
		struct report_range range =
			report_range(record, &record->host, name);

		fputs("host ", out);
		report_put(out, name);
		fprintf(out, ": %s at least, %s at the end\n",
			size_text(least, sizeof(least), range.min << 10),
			size_text(last, sizeof(last), range.last << 10));
	}
}

/**
 * report_text() - Print what a record shows.
 * @out: where to
 * @record: the record
 */
void report_text(FILE *out, const struct record *record)
{
	unsigned int i;

	fprintf(out, "%.1f s, %u samples, %u group%s\n\n",
		record->time[record->nr_time - 1] - record->time[0],
		record->nr_time, record->nr_group,
		record->nr_group == 1 ? "" : "s");
	fprintf(out, "%5s %10s %10s %10s %7s %9s %7s %7s %7s\n", "GROUP",
		"USED MAX", "FREE MIN", "FREE LAST", "S < MIN", "ALLOCS",
		"CLAIMS", "NOCLAIM", "FAILED");
	for (i = 0; i < record->nr_group; i++)
		report_row(out, record, &record->group[i]);
	putc('\n', out);
	report_host(out, record);
	for (i = 0; i < record->nr_group; i++)
		report_details(out, record, &record->group[i]);
}
