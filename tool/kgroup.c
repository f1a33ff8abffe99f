// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The groups of a running kernel, from debugfs.
 *
 * The kernel prints one fact a line, "key value...", and a group begins with its
 * number.  Each fact is found by its key.  An unknown key with one number is a
 * counter and anything else unknown is passed over, so that a newer kernel can
 * say more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kgroup.h"
#include "msg.h"
#include "sysfile.h"

static bool snapshot_parse_number(const char *text, u64 *value)
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
static void snapshot_parse_fact(struct arena *arena, struct kgroup *group,
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

static void snapshot_parse_reach(struct arena *arena, struct kgroup *group,
				 char *rest)
{
	struct span span;

	if (sscanf(rest, "%llx %llx", &span.start, &span.last) == 2)
		*ARENA_ADD(arena, group->seg, group->nr_seg) = span;
}

/* A name, then pairs of a key and a number. */
static void snapshot_parse_member(struct arena *arena, struct kgroup *group,
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
		if (!strcmp(key, "use"))
			member.streaming = !strcmp(text, "streaming");
		else if (snapshot_parse_number(text, &value))
			known += fact_set(fact, ARRAY_SIZE(fact), key, value);
	if (known == ARRAY_SIZE(fact))
		*ARENA_ADD(arena, group->member, group->nr_member) = member;
}

static void snapshot_parse_line(struct snapshot *snap, char *line)
{
	char *rest, *key = strtok_r(line, " ", &rest);
	struct kgroup *group = snap->nr ? &snap->group[snap->nr - 1] : NULL;
	u64 value;

	if (!key)
		return;
	if (!strcmp(key, "group") && snapshot_parse_number(rest, &value))
		*ARENA_ADD(&snap->arena, snap->group, snap->nr) =
			(struct kgroup){ .id = value, .kind = "" };
	else if (!group)
		return;
	else if (!strcmp(key, "kind"))
		group->kind = rest;
	else if (!strcmp(key, "attr"))
		group->shared |= !strcmp(rest, "shared");
	else if (!strcmp(key, "reach"))
		snapshot_parse_reach(&snap->arena, group, rest);
	else if (!strcmp(key, "member"))
		snapshot_parse_member(&snap->arena, group, rest);
	else if (snapshot_parse_number(rest, &value))
		snapshot_parse_fact(&snap->arena, group, key, value);
}

/* The top holders first. */
static int member_cmp(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->used < y->used ? 1 : -(x->used > y->used);
}

static void snapshot_sort_members(struct snapshot *snap)
{
	unsigned int i;

	for (i = 0; i < snap->nr; i++)
		if (snap->group[i].nr_member)
			qsort(snap->group[i].member, snap->group[i].nr_member,
			      sizeof(*snap->group[i].member), member_cmp);
}

int kgroup_cmp(const void *a, const void *b)
{
	const struct kgroup *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/**
 * snapshot_parse() - Read the groups from the text of the kernel.
 * @snap: zeroed
 * @text: is taken apart, and must live as long as @snap
 */
void snapshot_parse(struct snapshot *snap, char *text)
{
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		snapshot_parse_line(snap, line);
	if (snap->nr)
		qsort(snap->group, snap->nr, sizeof(*snap->group), kgroup_cmp);
	snapshot_sort_members(snap);
}

/* The kernel names devices; sysfs knows their drivers. */
static const char *snapshot_driver(struct snapshot *snap, const char *root,
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

static void snapshot_find_drivers(struct snapshot *snap, const char *root)
{
	unsigned int i, k;

	for (i = 0; i < snap->nr; i++)
		for (k = 0; k < snap->group[i].nr_member; k++) {
			struct member *member = &snap->group[i].member[k];

			member->driver =
				snapshot_driver(snap, root, member->name);
		}
}

/* Three cases can be told apart: no privilege, no debugfs, no groups in it. */
static const char *snapshot_why_not(struct snapshot *snap, const char *root,
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

static void snapshot_read_swiotlb(struct snapshot *snap, const char *root)
{
	const char *path =
		arena_printf(&snap->arena,
			     "%s/sys/kernel/debug/swiotlb/io_tlb_nslabs", root);
	u64 slots;

	if (sys_number(&snap->arena, path, &slots))
		snap->swiotlb = slots << SWIOTLB_SLOT_SHIFT;
}

/**
 * snapshot_read() - Read the groups of the running kernel.
 * @snap: zeroed
 * @root: what goes before /sys
 *
 * Return: 0, or -1 after a complaint.
 */
int snapshot_read(struct snapshot *snap, const char *root)
{
	char *path = arena_printf(&snap->arena,
				  "%s/sys/kernel/debug/dmag/groups", root);
	char *text = sys_read(&snap->arena, path, NULL);
	struct timespec now;

	if (!text)
		return complain("%s: %s (%s)", path, strerror(errno),
				snapshot_why_not(snap, root, errno));
	clock_gettime(CLOCK_MONOTONIC, &now);
	snap->when = now.tv_sec + now.tv_nsec / 1e9;
	snapshot_read_swiotlb(snap, root);
	snapshot_parse(snap, text);
	snapshot_find_drivers(snap, root);
	return 0;
}

u64 kgroup_counter(const struct kgroup *group, const char *name)
{
	unsigned int i;

	for (i = 0; i < group->nr_counter; i++)
		if (!strcmp(group->counter[i].name, name))
			return group->counter[i].value;
	return 0;
}

bool kgroup_universal(const struct kgroup *group)
{
	return !strcmp(group->kind, "universal");
}

/* Out of service: see diagnosis.rst. */
bool kgroup_broken(const struct kgroup *group)
{
	return !strcmp(group->kind, "broken");
}

u64 kgroup_failures(const struct kgroup *group)
{
	return kgroup_counter(group, "alloc_fail") +
	       kgroup_counter(group, "alloc_atomic_fail");
}

u64 kgroup_allocations(const struct kgroup *group)
{
	return kgroup_counter(group, "alloc") +
	       kgroup_counter(group, "alloc_atomic");
}
