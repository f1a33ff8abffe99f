// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/dmag: the groups and the totals of their counters, both as
 * lines of "key value" that programs read, and a file that checks all invariants
 * when it is read. For people there is dmag show.
 */

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dmag.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "kgroup.h"
#include "pcp.h"
#include "validate.h"

static const char *const debugfs_counter_name[] = {
	[DMAG_NR_ALLOC] = "alloc",
	[DMAG_NR_ALLOC_ATOMIC] = "alloc_atomic",
	[DMAG_NR_ALLOC_FAIL] = "alloc_fail",
	[DMAG_NR_ALLOC_ATOMIC_FAIL] = "alloc_atomic_fail",
	[DMAG_NR_FREE] = "free_calls",
	[DMAG_NR_CLAIM] = "claim",
	[DMAG_NR_CLAIM_FAIL] = "claim_fail",
	[DMAG_NR_CLAIM_FRAMES] = "claim_frames",
	[DMAG_NR_RELEASE_FRAMES] = "release_frames",
	[DMAG_NR_CAPTURE_FRAMES] = "capture_frames",
	[DMAG_NR_SHRINK_FRAMES] = "shrink_frames",
	[DMAG_NR_GROWN] = "grown",
	[DMAG_NR_WAIT] = "wait",
	[DMAG_NR_ZONES_HELPED] = "zones_helped",
	[DMAG_NR_CONVERT] = "convert",
	[DMAG_NR_CONVERT_FAIL] = "convert_fail",
	[DMAG_NR_BOUNCE] = "bounce",
};

static_assert(ARRAY_SIZE(debugfs_counter_name) == DMAG_NR_COUNTERS);

static const char *const debugfs_service_name[] = {
	[DMAG_SERVES] = "restricted",
	[DMAG_UNIVERSAL] = "universal",
	[DMAG_BROKEN] = "broken",
};

static_assert(ARRAY_SIZE(debugfs_service_name) == DMAG_SERVICES);

/* Where a group's frames are. */
struct debugfs_frames {
	u64 free;
	u64 cached;
	u64 used;
	u64 quarantined;
};

/* To the core, cached frames are used.  It may count them a moment later. */
static void debugfs_add_frames(struct dmag_kgroup *group,
			       struct debugfs_frames *frames)
{
	const struct dmag_frames *core = &group->core.frames;
	u64 cached = dmag_pcp_frames(group);

	spin_lock_irq(&group->lock);
	cached = min(cached, core->used);
	frames->free += core->free;
	frames->cached += cached;
	frames->used += core->used - cached;
	frames->quarantined += core->quarantined;
	spin_unlock_irq(&group->lock);
}

static u64 debugfs_owned(const struct debugfs_frames *frames)
{
	return frames->free + frames->cached + frames->used +
	       frames->quarantined;
}

static void debugfs_show_frames(struct seq_file *file,
				const struct debugfs_frames *frames)
{
	seq_printf(file, "owned %llu\nfree %llu\ncached %llu\n",
		   debugfs_owned(frames), frames->free, frames->cached);
	seq_printf(file, "used %llu\nquarantined %llu\n", frames->used,
		   frames->quarantined);
}

static void debugfs_add_counters(struct dmag_kgroup *group, u64 *counter)
{
	spin_lock_irq(&group->lock);
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		counter[i] += group->counter[i];
	spin_unlock_irq(&group->lock);
	dmag_pcp_count(group, counter);
}

static void debugfs_show_counters(struct seq_file *file, const u64 *counter)
{
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		seq_printf(file, "%s %llu\n", debugfs_counter_name[i],
			   counter[i]);
}

static void debugfs_show_reach(struct seq_file *file,
			       const struct dmag_reach *reach)
{
	for (unsigned int i = 0; i < reach->nr; i++)
		seq_printf(file, "reach %#llx %#llx\n",
			   reach->seg[i].start << PAGE_SHIFT,
			   ((reach->seg[i].last + 1) << PAGE_SHIFT) - 1);
	seq_printf(file, "frames %llu\n", dmag_reach_frames(reach));
}

static void debugfs_show_members(struct seq_file *file,
				 const struct dmag_group *core)
{
	struct dmag_member *member;

	list_for_each_entry(member, &dmag_registry.members, node) {
		if (member->group != core)
			continue;
		seq_printf(file,
			   "member %s mask %#llx windows %u used %llu%s\n",
			   dev_name(to_dmag_device(member)->dev),
			   to_dmag_device(member)->mask,
			   member->constraint.nr_windows,
			   dmag_device_held(to_dmag_device(member)),
			   to_dmag_device(member)->use == DMAG_STREAMING ?
				   " use streaming" :
				   "");
	}
}

static void debugfs_show_group(struct dmag_kgroup *group, void *file)
{
	const struct dmag_marks *marks = &group->core.marks;
	u64 counter[DMAG_NR_COUNTERS] = {};
	struct debugfs_frames frames = {};

	debugfs_add_frames(group, &frames);
	debugfs_add_counters(group, counter);
	seq_printf(file, "group %d\nkind %s\nmembers %u\n", group->id,
		   debugfs_service_name[READ_ONCE(group->service)],
		   group->core.members);
	if (group->core.attrs & DMAG_SHARED)
		seq_puts(file, "attr shared\n");
	debugfs_show_reach(file, &group->core.reach);
	debugfs_show_frames(file, &frames);
	seq_printf(file, "min %llu\nlow %llu\nhigh %llu\n", marks->min,
		   marks->low, marks->high);
	seq_printf(file, "goal %llu\nprotected %llu\n", group->goal,
		   group->protected);
	debugfs_show_counters(file, counter);
	debugfs_show_members(file, &group->core);
}

static int groups_show(struct seq_file *file, void *unused)
{
	mutex_lock(&dmag_mutex);
	dmag_kgroup_visit_all(debugfs_show_group, file);
	mutex_unlock(&dmag_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

struct debugfs_totals {
	u64 groups;
	u64 members;
	u64 shared;
	struct debugfs_frames frames;
	u64 counter[DMAG_NR_COUNTERS];
};

static void debugfs_add_group(struct dmag_kgroup *group, void *data)
{
	struct debugfs_totals *totals = data;
	u64 owned = debugfs_owned(&totals->frames);

	if (READ_ONCE(group->service) == DMAG_UNIVERSAL)
		return;
	totals->groups++;
	totals->members += group->core.members;
	debugfs_add_frames(group, &totals->frames);
	if (group->core.attrs & DMAG_SHARED)
		totals->shared += debugfs_owned(&totals->frames) - owned;
	debugfs_add_counters(group, totals->counter);
}

static int counters_show(struct seq_file *file, void *unused)
{
	struct debugfs_totals totals = {};

	mutex_lock(&dmag_mutex);
	memcpy(totals.counter, dmag_retired, sizeof(dmag_retired));
	dmag_kgroup_visit_all(debugfs_add_group, &totals);
	mutex_unlock(&dmag_mutex);

	seq_printf(file, "groups %llu\nmembers %llu\n", totals.groups,
		   totals.members);
	debugfs_show_frames(file, &totals.frames);
	seq_printf(file, "shared %llu\n", totals.shared);
	debugfs_show_counters(file, totals.counter);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int validate_show(struct seq_file *file, void *unused)
{
	const char *wrong = dmag_validate();

	WARN(wrong, "dmag: %s\n", wrong);
	seq_printf(file, "%s\n", wrong ?: "ok");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(validate);

static int __init dmag_debugfs_init(void)
{
	struct dentry *dir;

	if (!static_key_enabled(&dmag_key))
		return 0;
	dir = debugfs_create_dir("dmag", NULL);
	debugfs_create_file("groups", 0444, dir, NULL, &groups_fops);
	debugfs_create_file("counters", 0444, dir, NULL, &counters_fops);
	debugfs_create_file("validate", 0400, dir, NULL, &validate_fops);
	return 0;
}
late_initcall(dmag_debugfs_init);
