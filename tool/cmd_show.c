// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * dmag show and dmag top: the groups of a running kernel, from debugfs.
 *
 * The kernel prints one fact a line, "key value...", and a group begins with its
 * number.  Each fact is found by its key.  An unknown key with one number is a
 * counter and anything else unknown is passed over, so that a newer kernel can
 * say more.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "json_writer.h"
#include "options.h"
#include "sysfile.h"
#include "text.h"

static const char usage[] =
	"usage: dmag show [--json] [--color WHEN]\n"
	"       dmag top [--delay SECONDS] [--count N]\n"
	"\n"
	"Show the allocation groups of the running kernel: what each protects and owns,\n"
	"its reserve against its watermarks, and what it counted.  top repeats that,\n"
	"with rates per second, until q is pressed.\n"
	"\n"
	"  -j, --json           print JSON\n"
	"  -d, --delay SECONDS  between two pictures of top (3)\n"
	"  -n, --count N        end after so many\n"
	"      --color WHEN     always, never or auto (a terminal)\n"
	"  -h, --help           print this\n";

struct counter {
	const char *name;
	u64 value;
};

struct member {
	const char *name;
	u64 mask;
	u64 windows;
	u64 used; /* frames that it holds */
};

/* One group of the kernel; amounts are in frames. */
struct kgroup {
	u64 id, members, frames, owned, free, used, quarantined, min, low, high;
	u64 goal, protected;
	const char *kind;
	struct span *seg;
	struct counter *counter;
	struct member *member;
	unsigned int nr_seg, nr_counter, nr_member;
};

/* All groups, as they were at one moment. */
struct snapshot {
	struct arena arena;
	struct kgroup *group;
	unsigned int nr;
	double when;
};

struct show_command {
	const char *root;
	struct style style;
	bool json, top;
	double delay;
	unsigned long count;
};

/* ---- reading --------------------------------------------------------- */

static bool parse_number(const char *text, u64 *value)
{
	char *end;

	*value = strtoull(text, &end, 0);
	return end != text && !*end;
}

/* A place for the number of each key in a group's or a member's lines. */
struct fact {
	const char *key;
	u64 *value;
};

static bool set_fact(const struct fact *fact, unsigned int nr, const char *key,
		     u64 value)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(fact[i].key, key)) {
			*fact[i].value = value;
			return true;
		}
	return false;
}

/* One number: a known fact of the group, or else a counter. */
static void parse_fact(struct arena *a, struct kgroup *g, const char *key,
		       u64 value)
{
	const struct fact fact[] = {
		{ "members", &g->members },
		{ "frames", &g->frames },
		{ "owned", &g->owned },
		{ "free", &g->free },
		{ "used", &g->used },
		{ "quarantined", &g->quarantined },
		{ "min", &g->min },
		{ "low", &g->low },
		{ "high", &g->high },
		{ "goal", &g->goal },
		{ "protected", &g->protected },
	};

	if (!set_fact(fact, ARRAY_SIZE(fact), key, value))
		*ARENA_ADD(a, g->counter, g->nr_counter) =
			(struct counter){ key, value };
}

static void parse_reach(struct arena *a, struct kgroup *g, char *rest)
{
	struct span s;

	if (sscanf(rest, "%llx %llx", &s.start, &s.last) == 2)
		*ARENA_ADD(a, g->seg, g->nr_seg) = s;
}

/* A name, then pairs of a key and a number. */
static void parse_member(struct arena *a, struct kgroup *g, char *rest)
{
	struct member m = { 0 };
	const struct fact fact[] = {
		{ "mask", &m.mask },
		{ "windows", &m.windows },
		{ "used", &m.used },
	};
	unsigned int known = 0;
	char *key, *text, *save;
	u64 value;

	m.name = strtok_r(rest, " ", &save);
	while ((key = strtok_r(NULL, " ", &save)) &&
	       (text = strtok_r(NULL, " ", &save)))
		if (parse_number(text, &value))
			known += set_fact(fact, ARRAY_SIZE(fact), key, value);
	if (known == ARRAY_SIZE(fact))
		*ARENA_ADD(a, g->member, g->nr_member) = m;
}

static void parse_line(struct snapshot *s, char *line)
{
	char *rest, *key = strtok_r(line, " ", &rest);
	struct kgroup *g = s->nr ? &s->group[s->nr - 1] : NULL;
	u64 value;

	if (!key)
		return;
	if (!strcmp(key, "group") && parse_number(rest, &value))
		*ARENA_ADD(&s->arena, s->group, s->nr) =
			(struct kgroup){ .id = value, .kind = "" };
	else if (!g)
		return;
	else if (!strcmp(key, "kind"))
		g->kind = rest;
	else if (!strcmp(key, "reach"))
		parse_reach(&s->arena, g, rest);
	else if (!strcmp(key, "member"))
		parse_member(&s->arena, g, rest);
	else if (parse_number(rest, &value))
		parse_fact(&s->arena, g, key, value);
}

/* The top holders first. */
static int by_holding(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->used < y->used ? 1 : -(x->used > y->used);
}

static void sort_members(struct snapshot *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		if (s->group[i].nr_member)
			qsort(s->group[i].member, s->group[i].nr_member,
			      sizeof(*s->group[i].member), by_holding);
}

static int by_id(const void *a, const void *b)
{
	const struct kgroup *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int read_groups(struct snapshot *s, const char *root)
{
	char *path = arena_printf(&s->arena, "%s/sys/kernel/debug/dmag/groups",
				  root);
	char *text = sys_read(&s->arena, path, NULL), *line, *save;
	struct timespec now;

	if (!text) {
		fprintf(stderr, "dmag: %s: %s (%s)\n", path, strerror(errno),
			errno == ENOENT ? "no groups here, or no debugfs" :
					  "debugfs is for root");
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->when = now.tv_sec + now.tv_nsec / 1e9;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		parse_line(s, line);
	if (s->nr)
		qsort(s->group, s->nr, sizeof(*s->group), by_id);
	sort_members(s);
	return 0;
}

static u64 counter(const struct kgroup *g, const char *name)
{
	unsigned int i;

	for (i = 0; i < g->nr_counter; i++)
		if (!strcmp(g->counter[i].name, name))
			return g->counter[i].value;
	return 0;
}

/* ---- printing -------------------------------------------------------- */

static bool universal(const struct kgroup *g)
{
	return !strcmp(g->kind, "universal");
}

/* The reserve from nothing to high, with a mark at min: "###|##...". */
#define GAUGE 10

static const char *gauge(const struct kgroup *g, char *buf)
{
	unsigned int i;

	if (!g->high)
		return "-";
	for (i = 0; i < GAUGE; i++) {
		buf[i] = g->free * GAUGE > i * g->high ? '#' : '.';
		if (i && i == g->min * GAUGE / g->high)
			buf[i] = g->free >= g->min ? '+' : '|';
	}
	buf[GAUGE] = 0;
	return buf;
}

static const char *state(const struct kgroup *g)
{
	if (universal(g))
		return "universal";
	if (g->free < g->min)
		return "below min";
	if (g->free < g->low)
		return "below low";
	return "ok";
}

static void put_size(u64 frames)
{
	char size[32];

	printf(" %10s", size_text(size, sizeof(size), frames_bytes(frames)));
}

static void put_head(const struct style *style)
{
	printf("%s%5s %7s %10s %10s %10s %10s %10s %10s %-10s %9s %8s %7s %7s %6s%s\n",
	       style->color ? "\033[1m" : "", "GROUP", "MEMBERS", "REACH",
	       "PROTECTED", "OWNED", "USED", "FREE", "HIGH", "RESERVE", "STATE",
	       "ALLOCS", "CLAIMS", "NOCLAIM", "FAILED",
	       style->color ? "\033[0m" : "");
}

static u64 failures(const struct kgroup *g)
{
	return counter(g, "alloc_fail") + counter(g, "alloc_atomic_fail");
}

static u64 allocations(const struct kgroup *g)
{
	return counter(g, "alloc") + counter(g, "alloc_atomic");
}

static void put_row(const struct kgroup *g, const struct style *style)
{
	bool bad = style->color && !universal(g) && g->free < g->min;
	char buf[GAUGE + 1];

	printf("%5llu %7llu", g->id, g->members);
	put_size(g->frames);
	put_size(g->protected);
	put_size(g->owned);
	put_size(g->used);
	put_size(g->free);
	put_size(g->high);
	printf(" %-10s %s%9s%s %8llu %7llu %7llu %6llu\n", gauge(g, buf),
	       bad ? "\033[31m" : "", state(g), bad ? "\033[0m" : "",
	       allocations(g), counter(g, "claim"), counter(g, "claim_fail"),
	       failures(g));
}

static void put_member(const struct member *m)
{
	char size[32];

	printf("  member   %s, mask 0x%llx, windows %llu, holds %s\n", m->name,
	       m->mask, m->windows,
	       size_text(size, sizeof(size), frames_bytes(m->used)));
}

static void put_capacity(const struct kgroup *g)
{
	char protected[32], goal[32];

	if (!g->goal && !g->protected)
		return;
	printf("  capacity %s protected, goal %s\n",
	       size_text(protected, sizeof(protected),
			 frames_bytes(g->protected)),
	       size_text(goal, sizeof(goal), frames_bytes(g->goal)));
}

static void put_details(const struct kgroup *g)
{
	unsigned int i;

	printf("\ngroup %llu\n", g->id);
	for (i = 0; i < g->nr_seg; i++)
		printf("  reach    [0x%llx, 0x%llx]\n", g->seg[i].start,
		       g->seg[i].last);
	put_capacity(g);
	for (i = 0; i < g->nr_member; i++)
		put_member(&g->member[i]);
	for (i = 0; i < g->nr_counter; i++)
		if (g->counter[i].value)
			printf("  %-24s %llu\n", g->counter[i].name,
			       g->counter[i].value);
}

static void show_table(const struct snapshot *s, const struct style *style)
{
	unsigned int i;

	put_head(style);
	for (i = 0; i < s->nr; i++)
		put_row(&s->group[i], style);
	for (i = 0; i < s->nr; i++)
		put_details(&s->group[i]);
}

static void show_json_lists(struct json *json, const struct kgroup *g)
{
	unsigned int i;

	json_open(json, "reach", '[');
	for (i = 0; i < g->nr_seg; i++)
		json_span(json, NULL, g->seg[i]);
	json_close(json, ']');
	json_open(json, "members", '[');
	for (i = 0; i < g->nr_member; i++) {
		json_open(json, NULL, '{');
		json_string(json, "device", g->member[i].name);
		json_hex(json, "mask", g->member[i].mask);
		json_number(json, "windows", g->member[i].windows);
		json_number(json, "used", frames_bytes(g->member[i].used));
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "counters", '{');
	for (i = 0; i < g->nr_counter; i++)
		json_number(json, g->counter[i].name, g->counter[i].value);
	json_close(json, '}');
}

static void show_json_group(struct json *json, const struct kgroup *g)
{
	const struct counter amounts[] = {
		{ "bytes", g->frames },
		{ "owned", g->owned },
		{ "free", g->free },
		{ "used", g->used },
		{ "quarantined", g->quarantined },
		{ "min", g->min },
		{ "low", g->low },
		{ "high", g->high },
		{ "goal", g->goal },
		{ "protected", g->protected },
	};
	unsigned int i;

	json_open(json, NULL, '{');
	json_number(json, "id", g->id);
	json_bool(json, "universal", universal(g));
	for (i = 0; i < ARRAY_SIZE(amounts); i++)
		json_number(json, amounts[i].name,
			    frames_bytes(amounts[i].value));
	show_json_lists(json, g);
	json_close(json, '}');
}

static void show_json(const struct snapshot *s)
{
	struct json json = { .out = stdout };
	unsigned int i;

	json_open(&json, NULL, '{');
	json_number(&json, "format", 1);
	json_open(&json, "groups", '[');
	for (i = 0; i < s->nr; i++)
		show_json_group(&json, &s->group[i]);
	json_close(&json, ']');
	json_close(&json, '}');
}

/* ---- top ------------------------------------------------------------- */

static const struct kgroup *find_group(const struct snapshot *s, u64 id)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		if (s->group[i].id == id)
			return &s->group[i];
	return NULL;
}

/* Events since the snapshot before, per second. */
static double rate(double seconds, u64 now, u64 then)
{
	return seconds > 0 && now >= then ? (double)(now - then) / seconds : 0;
}

static void put_rates(const struct snapshot *now, const struct snapshot *then)
{
	static const struct kgroup none;
	double seconds = now->when - then->when;
	unsigned int i;

	printf("\n%5s %12s %12s %12s %12s\n", "GROUP", "ALLOCS/s", "FREES/s",
	       "CLAIMS/s", "FAILED/s");
	for (i = 0; i < now->nr; i++) {
		const struct kgroup *g = &now->group[i];
		const struct kgroup *old = find_group(then, g->id) ?: &none;

		printf("%5llu %12.1f %12.1f %12.1f %12.1f\n", g->id,
		       rate(seconds, allocations(g), allocations(old)),
		       rate(seconds, counter(g, "free_calls"),
			    counter(old, "free_calls")),
		       rate(seconds, counter(g, "claim"),
			    counter(old, "claim")),
		       rate(seconds, failures(g), failures(old)));
	}
}

/* Who holds most of a group, as many as a screen has room for. */
#define TOP_HOLDERS 3

static void put_holders(const struct snapshot *s)
{
	unsigned int i, k;

	printf("\n%5s %10s  %s\n", "GROUP", "HOLDS", "DEVICE");
	for (i = 0; i < s->nr; i++) {
		const struct kgroup *g = &s->group[i];

		for (k = 0; k < g->nr_member && k < TOP_HOLDERS; k++) {
			if (!g->member[k].used)
				break;
			printf("%5llu", g->id);
			put_size(g->member[k].used);
			printf("  %s\n", g->member[k].name);
		}
	}
}

/* Most used first: that is what top is for. */
static int by_used(const void *a, const void *b)
{
	const struct kgroup *x = a, *y = b;

	return x->used > y->used ? -1 : x->used < y->used ? 1 : by_id(a, b);
}

static void top_screen(struct snapshot *now, const struct snapshot *then,
		       const struct show_command *cmd)
{
	unsigned int i;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	if (now->nr)
		qsort(now->group, now->nr, sizeof(*now->group), by_used);
	put_head(&cmd->style);
	for (i = 0; i < now->nr; i++)
		put_row(&now->group[i], &cmd->style);
	put_holders(now);
	if (then->when)
		put_rates(now, then);
	fflush(stdout);
}

/*
 * A signal ends top as q does, so that the terminal gets its settings back.
 * Only library calls separate its writer from its readers.
 */
static sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Wait for the next picture; true if the user has had enough. */
static bool top_wait(double seconds)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int ready;
	char key;

	ready = poll(&in, isatty(STDIN_FILENO), (int)(seconds * 1000));
	if (ready <= 0)
		return stopped;
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q';
}

static int top_loop(const struct show_command *cmd)
{
	struct snapshot then = { 0 }, now;
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && (!cmd->count || i < cmd->count); i++) {
		if (i && top_wait(cmd->delay))
			break;
		memset(&now, 0, sizeof(now));
		ret = read_groups(&now, cmd->root);
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
static int run_top(const struct show_command *cmd)
{
	const struct sigaction action = { .sa_handler = stop };
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

static int run_show(const struct show_command *cmd)
{
	struct snapshot s = { 0 };
	int ret = read_groups(&s, cmd->root);

	if (!ret && cmd->json)
		show_json(&s);
	else if (!ret)
		show_table(&s, &cmd->style);
	arena_free(&s.arena);
	return ret;
}

/* ---- options --------------------------------------------------------- */

enum {
	OPT_COLOR = 256,
	OPT_ROOT,
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int set_numbers(struct show_command *cmd, int c, const char *arg)
{
	char *end;

	if (c == 'd') {
		cmd->delay = strtod(arg, &end);
		if (end == arg || *end ||
		    !(cmd->delay > 0 && cmd->delay <= 86400))
			return complain("--delay: '%s' is no time", arg);
	} else {
		cmd->count = strtoul(arg, &end, 10);
		if (*arg < '0' || *arg > '9' || *end || !cmd->count)
			return complain("--count: '%s' is no number", arg);
	}
	return 0;
}

static int set_option(struct show_command *cmd, int c, const char *arg)
{
	switch (c) {
	case 'j':
		cmd->json = true;
		if (cmd->top)
			return complain("--json: '%s' is for people", "top");
		return 0;
	case 'd':
	case 'n':
		return set_numbers(cmd, c, arg);
	case OPT_ROOT:
		cmd->root = arg;
		return 0;
	case OPT_COLOR:
		return parse_color(&cmd->style, arg);
	default:
		return -1;
	}
}

static int show_or_top(int argc, char **argv, bool top)
{
	struct show_command cmd = { .root = "", .top = top, .delay = 3 };
	int c;

	cmd.style.color = isatty(STDOUT_FILENO);
	while ((c = getopt_long(argc, argv, "jd:n:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return EXIT_OK;
		}
		if (c == '?' || set_option(&cmd, c, optarg))
			return EXIT_USAGE;
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return (top ? run_top(&cmd) : run_show(&cmd)) ? EXIT_TROUBLE : EXIT_OK;
}

int cmd_show(int argc, char **argv)
{
	return show_or_top(argc, argv, false);
}

int cmd_top(int argc, char **argv)
{
	return show_or_top(argc, argv, true);
}
