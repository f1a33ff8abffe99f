// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that goes offline and comes online.
 *
 * The page allocator refuses to isolate memory that a group owns or protects,
 * before it calls any notifier.  So it calls dmag_going_offline() first.  That
 * releases free frames, which a reserve can replace elsewhere, lifts protection,
 * and refuses if a device has a buffer there, since devices know their addresses.
 * Until the range is offline, or that has failed, groups neither claim, capture
 * nor protect there.  The worker makes up for the frames that they lost.
 *
 * Locks: mem_hotplug_lock, held by all callers, is outside of dmag_mutex.  Nothing
 * here takes dmag_claim_mutex, so a claim elsewhere holds up nothing.
 */

#include <linux/dmag.h>
#include <linux/init.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/notifier.h>
#include <linux/pfn.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>

#include "capture.h"
#include "device.h"
#include "host.h"
#include "kgroup.h"
#include "map.h"
#include "pcp.h"
#include "reserve.h"

void __dmag_offline_failed(void)
{
	dmag_avoid_nothing();
}

/* The group that has most frames in use in a range. */
struct hotplug_use {
	const struct dmag_range *range;
	const struct dmag_kgroup *group;
	u64 frames;
};

static void hotplug_count_used(struct dmag_kgroup *group, void *data)
{
	struct hotplug_use *use = data;
	const struct dmag_range *range = use->range;
	struct dmag_run run;
	u64 frames = 0;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&group->lock);
	for (u64 pfn = range->start;
	     dmag_frames_walk(&group->core.frames, pfn, &run) &&
	     run.range.start <= range->last;
	     pfn = run.range.last + 1)
		if (run.state == DMAG_USED)
			frames += min(run.range.last, range->last) -
				  max(run.range.start, range->start) + 1;
	spin_unlock_irq(&group->lock);
	if (frames > use->frames) {
		use->frames = frames;
		use->group = group;
	}
}

static unsigned int hotplug_nr_holders(const struct dmag_kgroup *group)
{
	struct dmag_member *entry;
	unsigned int nr = 0;

	lockdep_assert_held(&dmag_mutex);
	list_for_each_entry(entry, &dmag_registry.members, node)
		if (entry->group == &group->core &&
		    dmag_device_held(to_dmag_device(entry)))
			nr++;
	return nr;
}

/* A caller such as virtio-mem may try again for ever. */
static int hotplug_refuse_if_used(const struct dmag_range *range)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 100);
	struct hotplug_use use = { .range = range };

	dmag_kgroup_visit_all(hotplug_count_used, &use);
	if (!use.group)
		return 0;
	if (__ratelimit(&limit))
		pr_info("dmag: [mem %#llx-%#llx] stays online: group %d has %llu pages in use there; devices that hold buffers: %u\n",
			PFN_PHYS(range->start), PFN_PHYS(range->last + 1) - 1,
			use.group->id, use.frames,
			hotplug_nr_holders(use.group));
	return -EBUSY;
}

/* Captured pages of a range that is avoided are not adopted, but released. */
static void hotplug_release_range(struct dmag_kgroup *group, void *range)
{
	lockdep_assert_held(&dmag_mutex);
	dmag_kgroup_adopt_captured(group);
	dmag_kgroup_release_range(group, range);
	dmag_kgroup_retire(group);
}

/*
 * A claim that was under way before the range was avoided may have isolated some of
 * it, but gives it back.
 */
static int hotplug_await_claim(const struct dmag_range *range)
{
	lockdep_assert_held(&dmag_mutex);
	while (dmag_claim_isolates(range)) {
		mutex_unlock(&dmag_mutex);
		schedule_timeout_killable(1);
		dmag_lock();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* A buffer that was allocated before the range was avoided makes it fail. */
static int hotplug_empty_range(struct dmag_range *range)
{
	int ret = hotplug_refuse_if_used(range);

	lockdep_assert_held(&dmag_mutex);
	if (ret)
		return ret;
	dmag_avoid_range(range);
	ret = hotplug_await_claim(range);
	if (!ret) {
		dmag_kgroup_visit_all(hotplug_release_range, range);
		ret = hotplug_refuse_if_used(range);
	}
	if (ret)
		dmag_avoid_nothing();
	else
		dmag_unprotect_range(range);
	return ret;
}

int __dmag_going_offline(unsigned long start_pfn, unsigned long nr_pages)
{
	struct dmag_range range = { start_pfn, start_pfn + nr_pages - 1 };
	int ret;

	if (dmag_lock_killable())
		return -EINTR;
	/* Cached frames look used, and would be used again. */
	dmag_pcp_pause();
	ret = hotplug_empty_range(&range);
	dmag_pcp_resume();
	mutex_unlock(&dmag_mutex);
	return ret;
}

static void hotplug_came_online(const struct memory_notify *arg)
{
	struct dmag_range range = { arg->start_pfn,
				    arg->start_pfn + arg->nr_pages - 1 };
	int ret;

	dmag_lock();
	ret = dmag_ram_online(&range);
	mutex_unlock(&dmag_mutex);
	dmag_worker_kick();
	if (ret)
		pr_warn("dmag: no memory to tell all devices of [mem %#llx-%#llx]\n",
			PFN_PHYS(range.start), PFN_PHYS(range.last + 1) - 1);
}

static int hotplug_notified(struct notifier_block *nb, unsigned long action,
			    void *arg)
{
	if (action == MEM_ONLINE)
		hotplug_came_online(arg);
	else if (action == MEM_OFFLINE)
		dmag_avoid_nothing();
	return NOTIFY_OK;
}

/* After dmag itself, and before ACPI adds memory. */
static int __init dmag_hotplug_init(void)
{
	if (static_key_enabled(&dmag_key))
		hotplug_memory_notifier(hotplug_notified, DEFAULT_CALLBACK_PRI);
	return 0;
}
postcore_initcall(dmag_hotplug_init);
