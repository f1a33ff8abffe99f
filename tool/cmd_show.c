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

static const char show_usage[] =
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
	const char *driver; /* NULL if it has none, or is on no bus we look at */
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

static bool show_parse_number(const char *text, u64 *value)
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

static bool fact_set(const struct fact *fact, unsigned int nr, const char *key,
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
static void show_parse_fact(struct arena *arena, struct kgroup *group,
			    const char *key, u64 value)
{
	const struct fact fact[] = {
		{ "members", &group->members },
		{ "frames", &group->frames },
		{ "owned", &group->owned },
		{ "free", &group->free },
		{ "used", &group->used },
		{ "quarantined", &group->quarantined },
		{ "min", &group->min },
		{ "low", &group->low },
		{ "high", &group->high },
		{ "goal", &group->goal },
		{ "protected", &group->protected },
	};

	if (!fact_set(fact, ARRAY_SIZE(fact), key, value))
		*ARENA_ADD(arena, group->counter, group->nr_counter) =
			(struct counter){ key, value };
}

static void show_parse_reach(struct arena *arena, struct kgroup *group,
			     char *rest)
{
	struct span span;

	if (sscanf(rest, "%llx %llx", &span.start, &span.last) == 2)
		*ARENA_ADD(arena, group->seg, group->nr_seg) = span;
}

/* A name, then pairs of a key and a number. */
static void show_parse_member(struct arena *arena, struct kgroup *group,
			      char *rest)
{
	struct member member = { 0 };
	const struct fact fact[] = {
		{ "mask", &member.mask },
		{ "windows", &member.windows },
		{ "used", &member.used },
	};
	unsigned int known = 0;
	char *key, *text, *save;
	u64 value;

	member.name = strtok_r(rest, " ", &save);
	while ((key = strtok_r(NULL, " ", &save)) &&
	       (text = strtok_r(NULL, " ", &save)))
		if (show_parse_number(text, &value))
			known += fact_set(fact, ARRAY_SIZE(fact), key, value);
	if (known == ARRAY_SIZE(fact))
		*ARENA_ADD(arena, group->member, group->nr_member) = member;
}

static void show_parse_line(struct snapshot *snap, char *line)
{
	char *rest, *key = strtok_r(line, " ", &rest);
	struct kgroup *group = snap->nr ? &snap->group[snap->nr - 1] : NULL;
	u64 value;

	if (!key)
		return;
	if (!strcmp(key, "group") && show_parse_number(rest, &value))
		*ARENA_ADD(&snap->arena, snap->group, snap->nr) =
			(struct kgroup){ .id = value, .kind = "" };
	else if (!group)
		return;
	else if (!strcmp(key, "kind"))
		group->kind = rest;
	else if (!strcmp(key, "reach"))
		show_parse_reach(&snap->arena, group, rest);
	else if (!strcmp(key, "member"))
		show_parse_member(&snap->arena, group, rest);
	else if (show_parse_number(rest, &value))
		show_parse_fact(&snap->arena, group, key, value);
}

/* The top holders first. */
static int member_cmp(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->used < y->used ? 1 : -(x->used > y->used);
}

static void show_sort_members(struct snapshot *snap)
{
	unsigned int i;

	for (i = 0; i < snap->nr; i++)
		if (snap->group[i].nr_member)
			qsort(snap->group[i].member, snap->group[i].nr_member,
			      sizeof(*snap->group[i].member), member_cmp);
}

static int kgroup_cmp(const void *a, const void *b)
{
	const struct kgroup *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The kernel names devices; sysfs knows their drivers. */
static const char *show_driver(struct snapshot *snap, const char *root,
			       const char *name)
{
	static const char *const buses[] = { "pci", "platform", "virtio",
					     "amba" };
	const char *driver = NULL;
	unsigned int i;

	for (i = 0; !driver && i < ARRAY_SIZE(buses); i++)
		driver =
			sys_link(&snap->arena,
				 arena_printf(&snap->arena,
					      "%s/sys/bus/%s/devices/%s/driver",
					      root, buses[i], name));
	return driver;
}

static void show_find_drivers(struct snapshot *snap, const char *root)
{
	unsigned int i, k;

	for (i = 0; i < snap->nr; i++)
		for (k = 0; k < snap->group[i].nr_member; k++) {
			struct member *member = &snap->group[i].member[k];

			member->driver = show_driver(snap, root, member->name);
		}
}

/* Three cases can be told apart: no privilege, no debugfs, no groups in it. */
static const char *show_why_not(struct snapshot *snap, const char *root,
				int err)
{
	const char *debugfs =
		arena_printf(&snap->arena, "%s/sys/kernel/debug", root);
	char **names;

	if (err != ENOENT)
		return "debugfs is for root";
	if (!sys_list(&snap->arena, debugfs, &names))
		return "debugfs is not mounted: mount -t debugfs none /sys/kernel/debug";
	return "this kernel has no groups: CONFIG_DMAG is off, or dmag=off was given";
}

static int show_read(struct snapshot *snap, const char *root)
{
	char *path = arena_printf(&snap->arena,
				  "%s/sys/kernel/debug/dmag/groups", root);
	char *text = sys_read(&snap->arena, path, NULL), *line, *save;
	struct timespec now;

	if (!text)
		return complain("%s: %s (%s)", path, strerror(errno),
				show_why_not(snap, root, errno));
	clock_gettime(CLOCK_MONOTONIC, &now);
	snap->when = now.tv_sec + now.tv_nsec / 1e9;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		show_parse_line(snap, line);
	if (snap->nr)
		qsort(snap->group, snap->nr, sizeof(*snap->group), kgroup_cmp);
	show_sort_members(snap);
	show_find_drivers(snap, root);
	return 0;
}

static u64 kgroup_counter(const struct kgroup *group, const char *name)
{
	unsigned int i;

	for (i = 0; i < group->nr_counter; i++)
		if (!strcmp(group->counter[i].name, name))
			return group->counter[i].value;
	return 0;
}

/* ---- printing -------------------------------------------------------- */

static bool kgroup_universal(const struct kgroup *group)
{
	return !strcmp(group->kind, "universal");
}

/* Out of service: see diagnosis.rst. */
static bool kgroup_broken(const struct kgroup *group)
{
	return !strcmp(group->kind, "broken");
}

/* The reserve from nothing to high, with a mark at min: "###|##...". */
#define GAUGE 10

static const char *show_gauge(const struct kgroup *group, char *buf)
{
	unsigned int i;

	if (!group->high)
		return "-";
	for (i = 0; i < GAUGE; i++) {
		buf[i] = group->free * GAUGE > i * group->high ? '#' : '.';
		if (i && i == group->min * GAUGE / group->high)
			buf[i] = group->free >= group->min ? '+' : '|';
	}
	buf[GAUGE] = 0;
	return buf;
}

static const char *kgroup_state(const struct kgroup *group)
{
	if (kgroup_universal(group))
		return "universal";
	if (kgroup_broken(group))
		return "broken";
	if (group->free < group->min)
		return "below min";
	if (group->free < group->low)
		return "below low";
	return "ok";
}

/* A size in at most seven characters, "1023.9M", so that a row has 79. */
static void show_size(u64 frames)
{
	char size[32], *unit;

	size_text(size, sizeof(size), frames_bytes(frames));
	unit = strchr(size, ' ');
	if (unit) {
		unit[0] = unit[1];
		unit[1] = 0;
	}
	printf(" %7s", size);
}

static void show_head(const struct style *style)
{
	printf("%s%5s %4s %7s %7s %7s %7s %7s %7s %-10s %s%s\n",
	       style->color ? "\033[1m" : "", "GROUP", "DEVS", "REACH",
	       "PROTECT", "OWNED", "USED", "FREE", "HIGH", "RESERVE", "STATE",
	       style->color ? "\033[0m" : "");
}

static u64 kgroup_failures(const struct kgroup *group)
{
	return kgroup_counter(group, "alloc_fail") +
	       kgroup_counter(group, "alloc_atomic_fail");
}

static u64 kgroup_allocations(const struct kgroup *group)
{
	return kgroup_counter(group, "alloc") +
	       kgroup_counter(group, "alloc_atomic");
}

static void show_row(const struct kgroup *group, const struct style *style)
{
	bool short_of = !kgroup_universal(group) && group->free < group->min;
	bool bad = style->color && (short_of || kgroup_broken(group));
	const u64 sizes[] = {
		group->frames, group->protected, group->owned,
		group->used,   group->free,	 group->high,
	};
	char buf[GAUGE + 1];
	unsigned int i;

	printf("%5llu %4llu", group->id, group->members);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		show_size(sizes[i]);
	printf(" %-10s %s%s%s\n", show_gauge(group, buf), bad ? "\033[31m" : "",
	       kgroup_state(group), bad ? "\033[0m" : "");
}

/* Since boot; the counters below each group tell more. */
static void show_counts(const struct snapshot *snap)
{
	unsigned int i;

	printf("\n%5s %10s %10s %10s %10s\n", "GROUP", "ALLOCS", "CLAIMS",
	       "NOCLAIM", "FAILED");
	for (i = 0; i < snap->nr; i++) {
		const struct kgroup *group = &snap->group[i];

		printf("%5llu %10llu %10llu %10llu %10llu\n", group->id,
		       kgroup_allocations(group),
		       kgroup_counter(group, "claim"),
		       kgroup_counter(group, "claim_fail"),
		       kgroup_failures(group));
	}
}

static void show_member(const struct member *member)
{
	char size[32];

	printf("  member   %s%s%s, mask 0x%llx, windows %llu, holds %s\n",
	       member->name, member->driver ? " " : "", member->driver ?: "",
	       member->mask, member->windows,
	       size_text(size, sizeof(size), frames_bytes(member->used)));
}

static void show_capacity(const struct kgroup *group)
{
	char protected[32], goal[32];

	if (!group->goal && !group->protected)
		return;
	printf("  capacity %s protected, goal %s\n",
	       size_text(protected, sizeof(protected),
			 frames_bytes(group->protected)),
	       size_text(goal, sizeof(goal), frames_bytes(group->goal)));
}

static void show_details(const struct kgroup *group)
{
	unsigned int i;

	printf("\ngroup %llu\n", group->id);
	for (i = 0; i < group->nr_seg; i++)
		printf("  reach    [0x%llx, 0x%llx]\n", group->seg[i].start,
		       group->seg[i].last);
	show_capacity(group);
	for (i = 0; i < group->nr_member; i++)
		show_member(&group->member[i]);
	for (i = 0; i < group->nr_counter; i++)
		if (group->counter[i].value)
			printf("  %-24s %llu\n", group->counter[i].name,
			       group->counter[i].value);
}

static void show_table(const struct snapshot *snap, const struct style *style)
{
	unsigned int i;

	if (!snap->nr) {
		puts("no groups: no device has set a DMA mask yet");
		return;
	}
	show_head(style);
	for (i = 0; i < snap->nr; i++)
		show_row(&snap->group[i], style);
	show_counts(snap);
	for (i = 0; i < snap->nr; i++)
		show_details(&snap->group[i]);
}

static void show_json_lists(struct json *json, const struct kgroup *group)
{
	unsigned int i;

	json_open(json, "reach", '[');
	for (i = 0; i < group->nr_seg; i++)
		json_span(json, NULL, group->seg[i]);
	json_close(json, ']');
	json_open(json, "members", '[');
	for (i = 0; i < group->nr_member; i++) {
		json_open(json, NULL, '{');
		json_string(json, "device", group->member[i].name);
		json_string(json, "driver", group->member[i].driver);
		json_hex(json, "mask", group->member[i].mask);
		json_number(json, "windows", group->member[i].windows);
		json_number(json, "used", frames_bytes(group->member[i].used));
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "counters", '{');
	for (i = 0; i < group->nr_counter; i++)
		json_number(json, group->counter[i].name,
			    group->counter[i].value);
	json_close(json, '}');
}

static void show_json_group(struct json *json, const struct kgroup *group)
{
	const struct counter amounts[] = {
		{ "bytes", group->frames },
		{ "owned", group->owned },
		{ "free", group->free },
		{ "used", group->used },
		{ "quarantined", group->quarantined },
		{ "min", group->min },
		{ "low", group->low },
		{ "high", group->high },
		{ "goal", group->goal },
		{ "protected", group->protected },
	};
	unsigned int i;

	json_open(json, NULL, '{');
	json_number(json, "id", group->id);
	json_bool(json, "universal", kgroup_universal(group));
	json_bool(json, "broken", kgroup_broken(group));
	for (i = 0; i < ARRAY_SIZE(amounts); i++)
		json_number(json, amounts[i].name,
			    frames_bytes(amounts[i].value));
	show_json_lists(json, group);
	json_close(json, '}');
}

static void show_json(const struct snapshot *snap)
{
	struct json json = { .out = stdout };
	unsigned int i;

	json_open(&json, NULL, '{');
	json_number(&json, "format", 1);
	json_open(&json, "groups", '[');
	for (i = 0; i < snap->nr; i++)
		show_json_group(&json, &snap->group[i]);
	json_close(&json, ']');
	json_close(&json, '}');
}

/* ---- top ------------------------------------------------------------- */

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
		       const struct show_command *cmd)
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

static int top_loop(const struct show_command *cmd)
{
	struct snapshot then = { 0 }, now;
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && (!cmd->count || i < cmd->count); i++) {
		if (i && top_wait(cmd->delay))
			break;
		memset(&now, 0, sizeof(now));
		ret = show_read(&now, cmd->root);
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
static int top_run(const struct show_command *cmd)
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

static int show_run(const struct show_command *cmd)
{
	struct snapshot snap = { 0 };
	int ret = show_read(&snap, cmd->root);

	if (!ret && cmd->json)
		show_json(&snap);
	else if (!ret)
		show_table(&snap, &cmd->style);
	arena_free(&snap.arena);
	return ret;
}

/* ---- options --------------------------------------------------------- */

enum {
	OPT_COLOR = 256,
	OPT_ROOT,
};

static const struct option show_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int show_set_number(struct show_command *cmd, int key, const char *arg)
{
	char *end;

	if (key == 'd') {
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

static int show_set_option(struct show_command *cmd, int key, const char *arg)
{
	switch (key) {
	case 'j':
		cmd->json = true;
		if (cmd->top)
			return complain(
				"--json: top does not print JSON, dmag show --json does");
		return 0;
	case 'd':
	case 'n':
		if (!cmd->top)
			return complain("--delay and --count are for dmag top");
		return show_set_number(cmd, key, arg);
	case OPT_ROOT:
		cmd->root = arg;
		return 0;
	case OPT_COLOR:
		return parse_color(&cmd->style, arg);
	default:
		return -1;
	}
}

static int show_command_run(int argc, char **argv, bool top)
{
	struct show_command cmd = { .root = "", .top = top, .delay = 3 };
	int key;

	cmd.style.color = isatty(STDOUT_FILENO);
	while ((key = getopt_long(argc, argv, "jd:n:h", show_options, NULL)) !=
	       -1) {
		if (key == 'h') {
			fputs(show_usage, stdout);
			return EXIT_OK;
		}
		if (key == '?' || show_set_option(&cmd, key, optarg))
			return EXIT_USAGE;
	}
	if (optind < argc) {
		fputs(show_usage, stderr);
		return EXIT_USAGE;
	}
	return (top ? top_run(&cmd) : show_run(&cmd)) ? EXIT_TROUBLE : EXIT_OK;
}

int cmd_show(int argc, char **argv)
{
	return show_command_run(argc, argv, false);
}

int cmd_top(int argc, char **argv)
{
	return show_command_run(argc, argv, true);
}
