// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag top: the groups of a running kernel again and again, with rates.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "show.h"
#include "top.h"

static const struct kgroup *top_find(const struct snapshot *snap, u64 id)
{
	unsigned int i;

	for (i = 0; i < snap->nr; i++)
		if (snap->group[i].id == id)
			return &snap->group[i];
	return NULL;
}

/* Events since the snapshot before, per second. */
static double top_rate(double seconds, u64 now, u64 then)
{
	return seconds > 0 && now >= then ? (double)(now - then) / seconds : 0;
}

static void top_rates(const struct snapshot *now, const struct snapshot *then)
{
	static const struct kgroup none;
	double seconds = now->when - then->when;
	unsigned int i;

	printf("\n%5s %12s %12s %12s %12s\n", "GROUP", "ALLOCS/s", "FREES/s",
	       "CLAIMS/s", "FAILED/s");
	for (i = 0; i < now->nr; i++) {
		const struct kgroup *group = &now->group[i];
		const struct kgroup *old = top_find(then, group->id) ?: &none;

		printf("%5llu %12.1f %12.1f %12.1f %12.1f\n", group->id,
		       top_rate(seconds, kgroup_allocations(group),
				kgroup_allocations(old)),
		       top_rate(seconds, kgroup_counter(group, "free_calls"),
				kgroup_counter(old, "free_calls")),
		       top_rate(seconds, kgroup_counter(group, "claim"),
				kgroup_counter(old, "claim")),
		       top_rate(seconds, kgroup_failures(group),
				kgroup_failures(old)));
	}
}

/* The largest holders of a group, as many as a screen has room for. */
#define TOP_HOLDERS 3

static void top_holders(const struct snapshot *snap)
{
	unsigned int i, k;

	printf("\n%5s %7s  %s\n", "GROUP", "HOLDS", "DEVICE");
	for (i = 0; i < snap->nr; i++) {
		const struct kgroup *group = &snap->group[i];

		for (k = 0; k < group->nr_member && k < TOP_HOLDERS; k++) {
			if (!group->member[k].used)
				break;
			printf("%5llu", group->id);
			show_size(group->member[k].used);
			printf("  %s %s\n", group->member[k].name,
			       group->member[k].driver ?: "");
		}
	}
}

/* Most used first: that is what top is for. */
static int top_cmp(const void *a, const void *b)
{
	const struct kgroup *x = a, *y = b;

	return x->used > y->used ? -1 :
	       x->used < y->used ? 1 :
				   kgroup_cmp(a, b);
}

static void top_screen(struct snapshot *now, const struct snapshot *then,
		       const struct top *cmd)
{
	unsigned int i;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	if (now->nr)
		qsort(now->group, now->nr, sizeof(*now->group), top_cmp);
	show_head(&cmd->style);
	for (i = 0; i < now->nr; i++)
		show_row(&now->group[i], &cmd->style);
	show_counts(now);
	show_open(now);
	top_holders(now);
	if (then->when)
		top_rates(now, then);
	fflush(stdout);
}

/*
 * A signal ends top as q does, so that the terminal gets its settings back.
 * Only library calls separate its writer from its readers.
 */
static sig_atomic_t top_stopped;

static void top_stop(int sig)
{
	(void)sig;
	top_stopped = 1;
}

/* Wait for the next picture; true if the user has had enough. */
static bool top_wait(double seconds)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int ready;
	char key;

	ready = poll(&in, isatty(STDIN_FILENO), (int)(seconds * 1000));
	if (ready <= 0)
		return top_stopped;
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q';
}

static int top_loop(const struct top *cmd)
{
	struct snapshot then = { 0 }, now;
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && (!cmd->count || i < cmd->count); i++) {
		if (i && top_wait(cmd->delay))
			break;
		memset(&now, 0, sizeof(now));
		ret = snapshot_read(&now, cmd->root);
		if (!ret)
			top_screen(&now, &then, cmd);
		if (ferror(stdout))
			ret = -1;
		arena_free(&then.arena);
		then = now;
	}
	arena_free(&then.arena);
	return ret;
}

/* Keys come one at a time while top runs. */
int top_run(const struct top *cmd)
{
	const struct sigaction action = { .sa_handler = top_stop };
	struct termios old, raw;
	bool terminal = !tcgetattr(STDIN_FILENO, &old);
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (terminal) {
		raw = old;
		raw.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	ret = top_loop(cmd);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
	return ret;
}
