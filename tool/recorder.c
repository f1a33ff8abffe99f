// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag record: the groups of a running kernel over time, into a file.
 *
 * The file is text.  A sample has the lines of the kernel's own file that changed
 * since the one before, so that idle groups cost nothing and a newer kernel's
 * numbers are recorded as well.  record.c reads it back.
 *
 *	dmag-record 1
 *	sample 0.000		seconds since the first
 *	group 1
 *	free 1200		and so on, as in /sys/kernel/debug/dmag/groups
 *	event 1 claim.free 3 96	of group 1 since the last sample; frames
 *	refused 1 0000:00:01.0 16 atomic
 *	host MemFree 204800	kB
 *	gone 1			the group has been removed
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "recorder.h"
#include "sysfile.h"
#include "trace.h"

/* A line of the kernel's file: "member NAME" and "reach A B" are keys too. */
struct recorder_line {
	const char *group;
	const char *key;
	const char *value;
};

struct recorder_sample {
	struct arena arena;
	struct recorder_line *line;
	unsigned int nr;
};

struct recorder_state {
	const struct recorder *how;
	struct recorder_sample then, now;
	struct trace trace;
	double began;
};

/* ---- a sample -------------------------------------------------------- */

static char *recorder_split(char *text)
{
	char *blank = strchr(text, ' ');

	if (!blank)
		return text + strlen(text);
	*blank = 0;
	return blank + 1;
}

static void recorder_add(struct recorder_sample *sample, const char *group,
			 char *text)
{
	struct recorder_line line = { .group = group, .key = text };
	char *rest = recorder_split(text);

	if (!strcmp(text, "member")) {
		char *values = recorder_split(rest);

		line.key = arena_printf(&sample->arena, "member %s", rest);
		line.value = values;
	} else if (!strcmp(text, "reach")) {
		line.key = arena_printf(&sample->arena, "reach %s", rest);
		line.value = "";
	} else {
		line.value = rest;
	}
	*ARENA_ADD(&sample->arena, sample->line, sample->nr) = line;
}

static void recorder_parse(struct recorder_sample *sample, char *text)
{
	const char *group = NULL;
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "group ", strlen("group ")))
			group = line + strlen("group ");
		else if (group)
			recorder_add(sample, group, line);
	}
}

/* Lines keep their order, so that the place where one was is tried first. */
static const struct recorder_line *
recorder_find(const struct recorder_sample *sample,
	      const struct recorder_line *line, unsigned int hint)
{
	unsigned int i;

	for (i = 0; i < sample->nr; i++) {
		const struct recorder_line *other =
			&sample->line[(hint + i) % sample->nr];

		if (!strcmp(other->group, line->group) &&
		    !strcmp(other->key, line->key))
			return other;
	}
	return NULL;
}

static bool recorder_has_group(const struct recorder_sample *sample,
			       const char *group)
{
	unsigned int i;

	for (i = 0; i < sample->nr; i++)
		if (!strcmp(sample->line[i].group, group))
			return true;
	return false;
}

/* ---- writing --------------------------------------------------------- */

static void recorder_write_groups(const struct recorder_state *state)
{
	FILE *out = state->how->out;
	const char *group = "";
	unsigned int i;

	for (i = 0; i < state->now.nr; i++) {
		const struct recorder_line *line = &state->now.line[i];
		const struct recorder_line *old =
			recorder_find(&state->then, line, i);

		if (old && !strcmp(old->value, line->value))
			continue;
		if (strcmp(group, line->group))
			fprintf(out, "group %s\n", line->group);
		group = line->group;
		fprintf(out, "%s%s%s\n", line->key, *line->value ? " " : "",
			line->value);
	}
}

static void recorder_write_gone(const struct recorder_state *state)
{
	const char *last = "";
	unsigned int i;

	for (i = 0; i < state->then.nr; i++) {
		const char *group = state->then.line[i].group;

		if (strcmp(group, last) &&
		    !recorder_has_group(&state->now, group))
			fprintf(state->how->out, "gone %s\n", group);
		last = group;
	}
}

static void recorder_write_host(struct recorder_state *state)
{
	static const char *const keys[] = { "MemFree", "MemAvailable",
					    "CmaFree" };
	struct arena *arena = &state->now.arena;
	const char *text = sys_read(
		arena, arena_printf(arena, "%s/proc/meminfo", state->how->root),
		NULL);
	unsigned int i;

	for (i = 0; text && i < ARRAY_SIZE(keys); i++) {
		const char *at =
			strstr(text, arena_printf(arena, "%s:", keys[i]));
		u64 kib;

		if (at && sscanf(at + strlen(keys[i]), ": %llu", &kib) == 1)
			fprintf(state->how->out, "host %s %llu\n", keys[i],
				kib);
	}
}

static void recorder_write_events(struct recorder_state *state)
{
	struct trace_events events = { 0 };
	FILE *out = state->how->out;
	unsigned int i;

	trace_read(&state->trace, &state->now.arena, &events);
	for (i = 0; i < events.nr_count; i++)
		fprintf(out, "event %llu %s %llu %llu\n", events.count[i].group,
			events.count[i].name, events.count[i].nr,
			events.count[i].frames);
	for (i = 0; i < events.nr_refusal; i++)
		fprintf(out, "refused %llu %s %llu %s\n",
			events.refusal[i].group, events.refusal[i].device,
			events.refusal[i].pages,
			events.refusal[i].atomic ? "atomic" : "blocking");
}

static double recorder_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static int recorder_take(struct recorder_state *state)
{
	struct recorder_sample *now = &state->now;
	const char *path = arena_printf(&now->arena,
					"%s/sys/kernel/debug/dmag/groups",
					state->how->root);
	char *text = sys_read(&now->arena, path, NULL);

	if (!text)
		return complain("%s: %s (dmag show tells more about that)",
				path, strerror(errno));
	recorder_parse(now, text);
	fprintf(state->how->out, "sample %.3f\n",
		recorder_now() - state->began);
	recorder_write_gone(state);
	recorder_write_groups(state);
	recorder_write_events(state);
	recorder_write_host(state);
	if (!fflush(state->how->out))
		return 0;
	return complain("the record: %s", strerror(errno));
}

/* ---- time ------------------------------------------------------------ */

static volatile sig_atomic_t recorder_stopped;

static void recorder_stop(int sig)
{
	(void)sig;
	recorder_stopped = 1;
}

/* Samples are due at times that do not depend on how long one takes. */
static void recorder_wait(double until)
{
	struct timespec at = {
		.tv_sec = (time_t)until,
		.tv_nsec = (long)((until - (double)(time_t)until) * 1e9),
	};

	while (!recorder_stopped &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) ==
		       EINTR)
		;
}

static int recorder_loop(struct recorder_state *state)
{
	const struct recorder *how = state->how;
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && (!how->count || i < how->count); i++) {
		if (i)
			recorder_wait(state->began + (double)i * how->delay);
		ret = recorder_take(state);
		arena_free(&state->then.arena);
		state->then = state->now;
		memset(&state->now, 0, sizeof(state->now));
		if (recorder_stopped)
			break;
	}
	arena_free(&state->then.arena);
	return ret;
}

/**
 * recorder_run() - Record until enough samples are taken or a signal comes.
 * @recorder: how
 *
 * A last sample is taken when the signal comes.
 *
 * Return: 0, or -1 after a complaint.
 */
int recorder_run(const struct recorder *recorder)
{
	const struct sigaction action = { .sa_handler = recorder_stop };
	struct recorder_state state = { .how = recorder };
	struct arena arena = { 0 };
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (recorder->trace &&
	    !trace_open(&state.trace, &arena, recorder->root))
		complain("no trace events: is tracefs mounted?");
	state.began = recorder_now();
	fputs("dmag-record 1\n", recorder->out);
	ret = recorder_loop(&state);
	trace_close(&state.trace);
	arena_free(&arena);
	return ret;
}
