// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/dmag: a table for people, counters for scripts.
 */

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dmag.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "host.h"

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
};
static_assert(ARRAY_SIZE(counter_name) == DMAG_NR_COUNTERS);

/* What groups that are gone had counted (dmag_mutex). */
static u64 retired[DMAG_NR_COUNTERS];

/**
 * dmag_count_retired() - Keep the counts of a group that is about to go.
 * @g: the group
 */
void dmag_count_retired(const struct dmag_kgroup *g)
{
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		retired[i] += g->counter[i];
}

#define for_each_group(b, core)                  \
	for ((b) = 0; (b) < DMAG_BUCKETS; (b)++) \
		list_for_each_entry(core, &dmag_registry.bucket[b], node)

static void show_members(struct seq_file *m, const struct dmag_group *core)
{
	struct dmag_member *member;

	list_for_each_entry(member, &dmag_registry.members, node) {
		if (member->group != core)
			continue;
		seq_printf(m, "  member %s mask %#llx windows %u\n",
			   dev_name(to_dmag_device(member)->dev),
			   to_dmag_device(member)->mask,
			   member->constraint.nr_windows);
	}
}

static void show_group(struct seq_file *m, struct dmag_kgroup *g)
{
	const struct dmag_frames *f = &g->core.frames;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	seq_printf(
		m,
		"%-5d %-10s %7u %10llu %8llu %8llu %8llu %11llu %5llu %5llu %5llu\n",
		g->id, g->universal ? "universal" : "restricted",
		g->core.members, dmag_reach_frames(&g->core.reach),
		f->free + f->used + f->quarantined, f->free, f->used,
		f->quarantined, g->core.marks.min, g->core.marks.low,
		g->core.marks.high);
	spin_unlock_irqrestore(&g->lock, flags);

	for (unsigned int i = 0; i < g->core.reach.nr; i++)
		seq_printf(m, "  reach [%#llx, %#llx]\n",
			   g->core.reach.seg[i].start << PAGE_SHIFT,
			   ((g->core.reach.seg[i].last + 1) << PAGE_SHIFT) - 1);
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		seq_printf(m, "  %s %llu\n", counter_name[i], g->counter[i]);
	show_members(m, &g->core);
}

static int groups_show(struct seq_file *m, void *unused)
{
	struct dmag_group *core;
	unsigned int b;

	seq_puts(
		m,
		"group kind       members      reach    owned     free     used quarantined   min   low  high (frames)\n");
	mutex_lock(&dmag_mutex);
	for_each_group(b, core) show_group(m, to_kgroup(core));
	mutex_unlock(&dmag_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

static int counters_show(struct seq_file *m, void *unused)
{
	u64 groups = 0, members = 0, free = 0, used = 0, quarantined = 0;
	u64 sum[DMAG_NR_COUNTERS];
	struct dmag_group *core;
	unsigned int b;

	mutex_lock(&dmag_mutex);
	memcpy(sum, retired, sizeof(sum));
	for_each_group(b, core)
	{
		struct dmag_kgroup *g = to_kgroup(core);

		if (g->universal)
			continue;
		groups++;
		members += core->members;
		free += READ_ONCE(core->frames.free);
		used += READ_ONCE(core->frames.used);
		quarantined += READ_ONCE(core->frames.quarantined);
		for (int i = 0; i < DMAG_NR_COUNTERS; i++)
			sum[i] += READ_ONCE(g->counter[i]);
	}
	mutex_unlock(&dmag_mutex);

	seq_printf(m, "groups %llu\nmembers %llu\n", groups, members);
	seq_printf(m, "owned %llu\nfree %llu\nused %llu\nquarantined %llu\n",
		   free + used + quarantined, free, used, quarantined);
	for (int i = 0; i < DMAG_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", counter_name[i], sum[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int __init dmag_debugfs_init(void)
{
	struct dentry *dir;

	if (!static_key_enabled(&dmag_key))
		return 0;
	dir = debugfs_create_dir("dmag", NULL);
	debugfs_create_file("groups", 0444, dir, NULL, &groups_fops);
	debugfs_create_file("counters", 0444, dir, NULL, &counters_fops);
	return 0;
}
late_initcall(dmag_debugfs_init);
