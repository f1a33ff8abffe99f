// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Reader of the files of dmag record: recorder.c describes the form.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct record_reader {
	struct record *record;
	struct record_group *group; /* whose lines are being read */
};

/* ---- series ---------------------------------------------------------- */

const struct record_series *record_find(const struct record_group *group,
					const char *name)
{
	unsigned int i;

	for (i = 0; i < group->nr_series; i++)
		if (!strcmp(group->series[i].name, name))
			return &group->series[i];
	return NULL;
}

/**
 * record_begin() - Start to walk through a series.
 * @group: whose it is
 * @name: of the series; one that is not there is 0 throughout
 *
 * Return: the place before the first sample.
 */
struct record_walk record_begin(const struct record_group *group,
				const char *name)
{
	return (struct record_walk){ .series = record_find(group, name) };
}

/**
 * record_at() - The value at a sample.
 * @walk: the place
 * @sample: not before that of the last call
 *
 * Return: the value, 0 before the first.
 */
u64 record_at(struct record_walk *walk, unsigned int sample)
{
	const struct record_series *series = walk->series;

	while (series && walk->next < series->nr &&
	       series->point[walk->next].sample <= sample)
		walk->value = series->point[walk->next++].value;
	return walk->value;
}

/* The first sample that @group has no values for. */
unsigned int record_end(const struct record *record,
			const struct record_group *group)
{
	return group->gone ? group->gone : record->nr_time;
}

/* ---- reading --------------------------------------------------------- */

static struct record_group *record_group(struct record *record,
					 const char *name)
{
	struct record_group *group;
	unsigned int i;

	for (i = 0; i < record->nr_group; i++)
		if (!strcmp(record->group[i].name, name))
			return &record->group[i];
	group = ARENA_ADD(&record->arena, record->group, record->nr_group);
	*group = (struct record_group){ .name = name, .kind = "" };
	return group;
}

static void record_set(struct record *record, struct record_group *group,
		       const char *name, u64 value)
{
	struct record_series *series =
		(struct record_series *)record_find(group, name);

	if (!series) {
		series = ARENA_ADD(&record->arena, group->series,
				   group->nr_series);
		*series = (struct record_series){ .name = name };
	}
	*ARENA_ADD(&record->arena, series->point, series->nr) =
		(struct record_point){ record->nr_time - 1, value };
}

static bool record_number(const char *text, u64 *value)
{
	char *end;

	if (!text)
		return false;
	*value = strtoull(text, &end, 0);
	return end != text && !*end;
}

/* "member 0000:00:01.0 mask 0xfffffff windows 0 used 16": a series of its own. */
static void record_read_member(struct record_reader *reader, char *rest)
{
	struct record *record = reader->record;
	char *save, *name = strtok_r(rest, " ", &save), *key;
	u64 value;

	while (name && (key = strtok_r(NULL, " ", &save)))
		if (record_number(strtok_r(NULL, " ", &save), &value) &&
		    !strcmp(key, "used"))
			record_set(record, reader->group,
				   arena_printf(&record->arena, "member %s",
						name),
				   value);
}

static void record_add_total(struct record *record, struct record_group *group,
			     const struct record_event *event)
{
	struct record_total *total;
	unsigned int i;

	for (i = 0; i < group->nr_total; i++)
		if (!strcmp(group->total[i].name, event->name))
			break;
	if (i == group->nr_total) {
		total = ARENA_ADD(&record->arena, group->total,
				  group->nr_total);
		*total = (struct record_total){ .name = event->name };
	}
	group->total[i].nr += event->nr;
	group->total[i].frames += event->frames;
}

static void record_read_event(struct record_reader *reader, char *rest)
{
	struct record *record = reader->record;
	char *save, *name = strtok_r(rest, " ", &save);
	struct record_group *group;
	struct record_event event = { .sample = record->nr_time - 1 };

	if (!name)
		return;
	group = record_group(record, name);
	event.name = strtok_r(NULL, " ", &save);
	if (!event.name ||
	    !record_number(strtok_r(NULL, " ", &save), &event.nr) ||
	    !record_number(strtok_r(NULL, " ", &save), &event.frames))
		return;
	*ARENA_ADD(&record->arena, group->event, group->nr_event) = event;
	record_add_total(record, group, &event);
}

static void record_read_refusal(struct record_reader *reader, char *rest)
{
	struct record *record = reader->record;
	char *save, *name = strtok_r(rest, " ", &save), *how;
	struct record_refusal refusal = { .sample = record->nr_time - 1 };
	struct record_group *group;

	if (!name)
		return;
	group = record_group(record, name);
	refusal.device = strtok_r(NULL, " ", &save);
	if (!refusal.device ||
	    !record_number(strtok_r(NULL, " ", &save), &refusal.pages))
		return;
	how = strtok_r(NULL, " ", &save);
	refusal.atomic = how && !strcmp(how, "atomic");
	*ARENA_ADD(&record->arena, group->refusal, group->nr_refusal) = refusal;
}

static void record_read_host(struct record_reader *reader, char *rest)
{
	char *save, *name = strtok_r(rest, " ", &save);
	u64 kib;

	if (name && record_number(strtok_r(NULL, " ", &save), &kib))
		record_set(reader->record, &reader->record->host, name, kib);
}

static void record_read_sample(struct record_reader *reader, char *rest)
{
	struct record *record = reader->record;
	double last = record->nr_time ? record->time[record->nr_time - 1] : 0;
	double when = strtod(rest, NULL);

	*ARENA_ADD(&record->arena, record->time, record->nr_time) =
		isfinite(when) && when > last ? when : last;
	reader->group = NULL;
}

static void record_read_group(struct record_reader *reader, char *rest)
{
	reader->group = record_group(reader->record, rest);
	reader->group->gone = 0;
}

static void record_read_gone(struct record_reader *reader, char *rest)
{
	record_group(reader->record, rest)->gone = reader->record->nr_time - 1;
}

/* An unknown fact is a series if it is a number, and passed over if not. */
static void record_read_fact(struct record_reader *reader, const char *key,
			     char *rest)
{
	u64 value;

	if (!reader->group)
		return;
	if (!strcmp(key, "kind"))
		reader->group->kind = rest;
	else if (!strcmp(key, "member"))
		record_read_member(reader, rest);
	else if (record_number(rest, &value))
		record_set(reader->record, reader->group, key, value);
}

static void record_read_line(struct record_reader *reader, char *line)
{
	static const struct {
		const char *key;
		void (*read)(struct record_reader *reader, char *rest);
	} kinds[] = {
		{ "sample", record_read_sample },
		{ "group", record_read_group },
		{ "gone", record_read_gone },
		{ "event", record_read_event },
		{ "refused", record_read_refusal },
		{ "host", record_read_host },
	};
	char *rest, *key = strtok_r(line, " ", &rest);
	unsigned int i;

	if (!key || (!reader->record->nr_time && strcmp(key, "sample")))
		return;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(key, kinds[i].key)) {
			kinds[i].read(reader, rest);
			return;
		}
	record_read_fact(reader, key, rest);
}

static int record_cmp(const void *a, const void *b)
{
	const struct record_group *x = a, *y = b;
	u64 m = strtoull(x->name, NULL, 10), n = strtoull(y->name, NULL, 10);

	return m < n ? -1 : m > n ? 1 : strcmp(x->name, y->name);
}

/**
 * record_read() - Read a record.
 * @record: zeroed; to be freed in any case
 * @text: the file, which is taken apart and must live as long
 *
 * Return: 0, or -1 with record->error set.
 */
int record_read(struct record *record, char *text)
{
	struct record_reader reader = { .record = record };
	char *save, *line = strtok_r(text, "\n", &save);

	record->host = (struct record_group){ .name = "host", .kind = "" };
	if (!line || strncmp(line, "dmag-record ", strlen("dmag-record "))) {
		record->error = "this is no record of dmag record";
		return -1;
	}
	if (strcmp(line, "dmag-record 1")) {
		record->error = "a newer dmag wrote this record";
		return -1;
	}
	while ((line = strtok_r(NULL, "\n", &save)))
		record_read_line(&reader, line);
	if (!record->nr_time) {
		record->error = "the record has no sample";
		return -1;
	}
	if (record->nr_group)
		qsort(record->group, record->nr_group, sizeof(*record->group),
		      record_cmp);
	return 0;
}

/** record_free() - Free all of it. */
void record_free(struct record *record)
{
	arena_free(&record->arena);
}
