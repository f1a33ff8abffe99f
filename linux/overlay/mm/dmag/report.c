// SPDX-License-Identifier: GPL-2.0
/*
 * The line that a failed request prints, from which one can read the cause.
 * Documentation/mm/dmag/diagnosis.rst explains it.
 */

#include <linux/device.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/seq_buf.h>

#include "kgroup.h"
#include "report.h"

#include <trace/events/dmag.h>

#define DMAG_REPORT_HOLDERS 3

static void report_reach(struct seq_buf *line, const struct dmag_reach *reach)
{
	for (unsigned int i = 0; i < reach->nr; i++)
		seq_buf_printf(line, " [%#llx, %#llx]",
			       reach->seg[i].start << PAGE_SHIFT,
			       ((reach->seg[i].last + 1) << PAGE_SHIFT) - 1);
}

/* The walk over all runs is too long for a task that may not wait. */
static u64 report_largest(struct dmag_kgroup *group)
{
	struct dmag_frames_stats stats;

	spin_lock_irq(&group->lock);
	dmag_frames_stats(&group->core.frames, &stats);
	spin_unlock_irq(&group->lock);
	return stats.largest_free;
}

static void report_reserve(struct seq_buf *line, struct dmag_kgroup *group,
			   bool blocking)
{
	struct dmag_marks marks;
	unsigned long flags;
	u64 free, used, quarantined;

	spin_lock_irqsave(&group->lock, flags);
	marks = group->core.marks;
	free = group->core.frames.free;
	used = group->core.frames.used;
	quarantined = group->core.frames.quarantined;
	spin_unlock_irqrestore(&group->lock, flags);
	seq_buf_printf(line, "; owns %llu of %llu frames, %llu free",
		       free + used, dmag_reach_frames(&group->core.reach),
		       free);
	if (blocking)
		seq_buf_printf(line, ", %llu in one run",
			       report_largest(group));
	if (group->core.attrs & DMAG_SHARED)
		seq_buf_printf(line, "; decrypted, %llu quarantined",
			       quarantined);
	seq_buf_printf(line,
		       "; watermarks %llu/%llu/%llu; protected %llu of %llu",
		       marks.min, marks.low, marks.high,
		       READ_ONCE(group->protected), READ_ONCE(group->goal));
}

/* The member that holds most, of those that hold less than @below; then that much. */
static struct dmag_device *report_next_holder(struct dmag_kgroup *group,
					      u64 *below)
{
	struct dmag_device *most = NULL;
	struct dmag_member *entry;
	u64 held, most_held = 0;

	lockdep_assert_held(&dmag_mutex);
	list_for_each_entry(entry, &dmag_registry.members, node) {
		struct dmag_device *member = to_dmag_device(entry);

		held = dmag_device_held(member);
		if (entry->group == &group->core && held < *below &&
		    held > most_held) {
			most = member;
			most_held = held;
		}
	}
	*below = most_held;
	return most;
}

/* Members are listed under the mutex, which an atomic request cannot take. */
static void report_holders(struct seq_buf *line, struct dmag_kgroup *group)
{
	struct dmag_device *member;
	u64 below = U64_MAX;
	int nr;

	if (!mutex_trylock(&dmag_mutex))
		return;
	seq_buf_puts(line, "; held by");
	for (nr = 0; nr < DMAG_REPORT_HOLDERS; nr++) {
		member = report_next_holder(group, &below);
		if (!member)
			break;
		seq_buf_printf(line, " %s %llu", dev_name(member->dev), below);
	}
	if (!nr)
		seq_buf_puts(line, " nobody");
	mutex_unlock(&dmag_mutex);
}

/**
 * dmag_report_failure() - A request of a device's group has failed.
 * @dev: the device
 * @count: frames that it wanted
 * @gfp: its flags; with __GFP_NOWARN only the trace point tells
 *
 * Context: Any, as @gfp says.
 */
void dmag_report_failure(struct device *dev, u64 count, gfp_t gfp)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 3);
	bool blocking = gfpflags_allow_blocking(gfp);
	DECLARE_SEQ_BUF(line, 512);
	struct dmag_device *member;
	struct dmag_kgroup *group;

	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	group = member ? member->group : NULL;
	trace_dmag_alloc_fail(dev, group ? group->id : 0, count, blocking);
	if (group && !(gfp & __GFP_NOWARN) && __ratelimit(&limit)) {
		report_reach(&line, &group->core.reach);
		report_reserve(&line, group, blocking);
		if (blocking)
			report_holders(&line, group);
		dev_warn(dev, "dmag: no %llu pages (%s) in group %d:%s\n",
			 count, blocking ? "blocking" : "atomic", group->id,
			 seq_buf_str(&line));
	}
	rcu_read_unlock();
}
