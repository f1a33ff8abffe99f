// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The kernel's trace events of dmag, counted as they come.
 *
 * An instance of the tracer has a buffer of its own, so that other traces are not
 * disturbed.  Claims may come by the thousand: they are counted by group and by the
 * rung that made them.  Refusals are kept one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

/* So many refusals between two samples are kept. */
#define TRACE_REFUSALS 32

/* ---- a line ---------------------------------------------------------- */

/* The value behind "@word=", up to a blank; NULL if there is none. */
static const char *trace_value(const char *line, const char *word)
{
	const char *at = line;
	size_t len = strlen(word);

	while ((at = strstr(at, word))) {
		if (at > line && at[-1] == ' ' && at[len] == '=')
			return at + len + 1;
		at += len;
	}
	return NULL;
}

static u64 trace_number(const char *line, const char *word)
{
	const char *at = trace_value(line, word);

	return at ? strtoull(at, NULL, 0) : 0;
}

/* "pfn=0x100-0x1ff" */
static u64 trace_frames(const char *line)
{
	const char *at = trace_value(line, "pfn");
	u64 start, last;
	char *end;

	if (!at)
		return 0;
	start = strtoull(at, &end, 0);
	last = *end == '-' ? strtoull(end + 1, NULL, 0) : start;
	return last >= start ? last - start + 1 : 0;
}

static const char *trace_word(struct arena *arena, const char *at)
{
	return arena_printf(arena, "%.*s", (int)strcspn(at, " \t:"), at);
}

static void trace_count(struct arena *arena, struct trace_events *events,
			const char *name, const char *line)
{
	u64 group = trace_number(line, "group");
	struct trace_count *count;
	unsigned int i;

	for (i = 0; i < events->nr_count; i++)
		if (events->count[i].group == group &&
		    !strcmp(events->count[i].name, name))
			break;
	if (i < events->nr_count) {
		count = &events->count[i];
	} else {
		count = ARENA_ADD(arena, events->count, events->nr_count);
		*count = (struct trace_count){ .group = group, .name = name };
	}
	count->nr++;
	count->frames += trace_frames(line);
}

static void trace_refuse(struct arena *arena, struct trace_events *events,
			 const char *line)
{
	const char *device = trace_value(line, "device");
	size_t len = strcspn(device ?: "", " ");

	if (events->nr_refusal == TRACE_REFUSALS) {
		events->lost++;
		return;
	}
	*ARENA_ADD(arena, events->refusal,
		   events->nr_refusal) = (struct trace_refusal){
		.group = trace_number(line, "group"),
		.device = arena_printf(arena, "%.*s", (int)len, device ?: ""),
		.pages = trace_number(line, "pages"),
		.atomic = strstr(line, " atomic"),
	};
}

/**
 * trace_line() - Count an event.
 * @arena: gets what is kept
 * @events: the counts
 * @line: of a trace, "TASK [CPU] FLAGS TIME: dmag_claim: group=1 pfn=0x1-0x4 by=free"
 */
void trace_line(struct arena *arena, struct trace_events *events,
		const char *line)
{
	const char *at = strstr(line, ": dmag_"), *rung;
	const char *name;

	if (!at)
		return;
	at += strlen(": dmag_");
	name = trace_word(arena, at);
	rung = trace_value(at, "by");
	if (!strcmp(name, "alloc_fail"))
		trace_refuse(arena, events, at);
	if (rung)
		name = arena_printf(arena, "%s.%s", name,
				    trace_word(arena, rung));
	trace_count(arena, events, name, at);
}

/* ---- the kernel's files ---------------------------------------------- */

static void trace_set(const struct trace *trace, const char *file,
		      const char *value)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", trace->dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "dmag: %s: %s\n", path, strerror(errno));
	close(fd);
}

/**
 * trace_open() - Make an instance of the tracer and turn dmag's events on.
 * @trace: the instance
 * @arena: gets its name
 * @root: what goes before /sys
 *
 * Return: false if the kernel has no tracer, or does not let us.
 */
bool trace_open(struct trace *trace, struct arena *arena, const char *root)
{
	static const char *const dirs[] = { "/sys/kernel/tracing",
					    "/sys/kernel/debug/tracing" };
	unsigned int i;

	*trace = (struct trace){ .fd = -1 };
	for (i = 0; trace->fd < 0 && i < ARRAY_SIZE(dirs); i++) {
		trace->dir = arena_printf(arena, "%s%s/instances/dmag-record",
					  root, dirs[i]);
		if (mkdir(trace->dir, 0700) && errno != EEXIST)
			continue;
		trace->fd =
			open(arena_printf(arena, "%s/trace_pipe", trace->dir),
			     O_RDONLY | O_NONBLOCK);
	}
	if (trace->fd < 0) {
		trace->dir = NULL;
		return false;
	}
	trace_set(trace, "events/dmag/enable", "1");
	return true;
}

static void trace_take(struct trace *trace, struct arena *arena,
		       struct trace_events *events, char byte)
{
	if (byte != '\n') {
		if (trace->nr_rest < sizeof(trace->rest) - 1)
			trace->rest[trace->nr_rest++] = byte;
		return;
	}
	trace->rest[trace->nr_rest] = 0;
	trace->nr_rest = 0;
	trace_line(arena, events, trace->rest);
}

/**
 * trace_read() - Count the events since the last time.
 * @trace: the instance
 * @arena: gets what is kept
 * @events: the counts, zeroed
 */
void trace_read(struct trace *trace, struct arena *arena,
		struct trace_events *events)
{
	char buf[4096];
	ssize_t len, i;

	if (!trace->dir)
		return;
	while ((len = read(trace->fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < len; i++)
			trace_take(trace, arena, events, buf[i]);
}

/** trace_close() - Remove the instance. */
void trace_close(struct trace *trace)
{
	if (!trace->dir)
		return;
	trace_set(trace, "events/dmag/enable", "0");
	close(trace->fd);
	rmdir(trace->dir);
	trace->dir = NULL;
}
