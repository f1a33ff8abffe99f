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
#include "validate.h"

static const char *const counter_name[] = {
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
};

static_assert(ARRAY_SIZE(counter_name) == DMAG_NR_COUNTERS);

static const char *const service_name[] = {
	[DMAG_SERVES] = "restricted",
	[DMAG_UNIVERSAL] = "universal",
	[DMAG_BROKEN] = "broken",
};

static_assert(ARRAY_SIZE(service_name) == DMAG_SERVICES);

static void show_frames(struct seq_file *m, u64 free, u64 used, u64 quarantined)
{
	seq_printf(m, "owned %llu\nfree %llu\nused %llu\nquarantined %llu\n",
		   free + used + quarantined, free, used, quarantined);
}

static void show_counters(struct seq_file *m, const u64 *counter)
{
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_name[i], counter[i]);
}

static void show_reach(struct seq_file *m, const struct dmag_reach *reach)
{
	for (unsigned int i = 0; i < reach->nr; i++)
		seq_printf(m, "reach %#llx %#llx\n",
			   reach->seg[i].start << PAGE_SHIFT,
			   ((reach->seg[i].last + 1) << PAGE_SHIFT) - 1);
	seq_printf(m, "frames %llu\n", dmag_reach_frames(reach));
}

static void show_members(struct seq_file *m, const struct dmag_group *core)
{
	struct dmag_member *member;

	list_for_each_entry(member, &dmag_registry.members, node) {
		if (member->group != core)
			continue;
		seq_printf(m, "member %s mask %#llx windows %u used %llu\n",
			   dev_name(to_dmag_device(member)->dev),
			   to_dmag_device(member)->mask,
			   member->constraint.nr_windows,
			   READ_ONCE(to_dmag_device(member)->held));
	}
}

static void show_group(struct dmag_kgroup *g, void *m)
{
	const struct dmag_marks *marks = &g->core.marks;
	struct dmag_frames f;

	spin_lock_irq(&g->lock);
	f = g->core.frames;
	spin_unlock_irq(&g->lock);
	seq_printf(m, "group %d\nkind %s\nmembers %u\n", g->id,
		   service_name[g->service], g->core.members);
	show_reach(m, &g->core.reach);
	show_frames(m, f.free, f.used, f.quarantined);
	seq_printf(m, "min %llu\nlow %llu\nhigh %llu\n", marks->min, marks->low,
		   marks->high);
	seq_printf(m, "goal %llu\nprotected %llu\n", g->goal, g->protected);
	show_counters(m, g->counter);
	show_members(m, &g->core);
}

static int groups_show(struct seq_file *m, void *unused)
{
	mutex_lock(&dmag_mutex);
	dmag_kgroup_visit_all(show_group, m);
	mutex_unlock(&dmag_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

struct totals {
	u64 groups;
	u64 members;
	u64 free;
	u64 used;
	u64 quarantined;
	u64 counter[DMAG_NR_COUNTERS];
};

static void add_group(struct dmag_kgroup *g, void *data)
{
	struct totals *t = data;

	if (g->service == DMAG_UNIVERSAL)
		return;
	spin_lock_irq(&g->lock);
	t->groups++;
	t->members += g->core.members;
	t->free += g->core.frames.free;
	t->used += g->core.frames.used;
	t->quarantined += g->core.frames.quarantined;
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		t->counter[i] += g->counter[i];
	spin_unlock_irq(&g->lock);
}

static int counters_show(struct seq_file *m, void *unused)
{
	struct totals t = {};

	mutex_lock(&dmag_mutex);
	memcpy(t.counter, dmag_retired, sizeof(dmag_retired));
	dmag_kgroup_visit_all(add_group, &t);
	mutex_unlock(&dmag_mutex);

	seq_printf(m, "groups %llu\nmembers %llu\n", t.groups, t.members);
	show_frames(m, t.free, t.used, t.quarantined);
	show_counters(m, t.counter);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int validate_show(struct seq_file *m, void *unused)
{
	const char *wrong = dmag_validate();

	WARN(wrong, "dmag: %s\n", wrong);
	seq_printf(m, "%s\n", wrong ?: "ok");
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
