// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of requests that wait, and of those that must not.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "helpers.h"

struct late_free {
	struct work_struct work;
	struct dmag_kgroup *group;
	struct hoard *hoard;
};

/* Free once a request waits.  Look each tick, because the wait lasts a second. */
static void free_late(struct work_struct *work)
{
	struct late_free *late = container_of(work, struct late_free, work);
	unsigned long end = jiffies + 60 * HZ;

	while (!READ_ONCE(late->group->waiters) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	hoard_free(late->hoard, 0);
}

/*
 * A request that neither reserve nor ladder can serve waits for frames to come
 * free, unless it has __GFP_NORETRY, or a wait was in vain and none came free since.
 */
static void test_wait(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-wait", SZ_8M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *all = hoard_make(test, dev, SZ_1M);
	struct hoard *one = hoard_make(test, dev, SZ_1M);
	struct late_free late = { .group = group, .hoard = all };
	u64 waits;

	hoard_fill(all, GFP_KERNEL, 8);
	hoard_fill(all, GFP_ATOMIC, 8);
	KUNIT_ASSERT_GT(test, all->nr, 1);
	waits = group->counter[DMAG_NR_WAIT];
	hoard_fill(one, GFP_KERNEL | __GFP_NORETRY, 1);
	KUNIT_EXPECT_EQ(test, one->nr, 0);
	KUNIT_EXPECT_EQ(test, group->counter[DMAG_NR_WAIT], waits);
	hoard_fill(one, GFP_KERNEL, 1);
	KUNIT_EXPECT_EQ(test, one->nr, 0);
	KUNIT_EXPECT_EQ(test, group->counter[DMAG_NR_WAIT], waits);
	hoard_free(all, all->nr - 1);
	hoard_fill(all, GFP_ATOMIC, 8);
	INIT_WORK_ONSTACK(&late.work, free_late);
	schedule_work(&late.work);
	hoard_fill(one, GFP_KERNEL, 1);
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_EQ(test, one->nr, 1);
	KUNIT_EXPECT_GT(test, group->counter[DMAG_NR_WAIT], waits);
	KUNIT_EXPECT_EQ(test, group->waiters, 0);
	hoard_free(one, 0);
	hoard_free(all, 0);
	kunit_device_unregister(test, dev);
}

/* The wait has a bound. */
static void test_wait_bound(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-bound", SZ_8M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *all = hoard_make(test, dev, SZ_1M);

	hoard_fill(all, GFP_KERNEL, 9);
	KUNIT_EXPECT_LE(test, all->nr, 8);
	KUNIT_EXPECT_GE(test, group->counter[DMAG_NR_WAIT], 1);
	KUNIT_EXPECT_EQ(test, group->waiters, 0);
	hoard_free(all, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/*
 * Hold the mutexes, with the reserve at min.  A request that must not wait for the
 * holder is served all the same before expect_served() lets go.
 */
static struct hoard *hold_mutexes(struct kunit *test, const char *name)
{
	struct device *dev = device_reaching(test, name, SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);

	KUNIT_ASSERT_TRUE(test, reserve_fill(group));
	dmag_claim_lock();
	dmag_kgroup_release(group, group->core.marks.min, U64_MAX);
	return hoard;
}

static void expect_served(struct kunit *test, struct hoard *hoard)
{
	dmag_claim_unlock();
	KUNIT_EXPECT_EQ(test, hoard->nr, 1);
	hoard_free(hoard, 0);
	expect_valid(test);
	kunit_device_unregister(test, hoard->dev);
}

/* A task that reclaims may do so for the holder. */
static void test_in_reclaim(struct kunit *test)
{
	struct hoard *hoard = hold_mutexes(test, "dmag-reclaims");
	unsigned int flags = memalloc_noreclaim_save();

	hoard_fill(hoard, GFP_KERNEL, 1);
	memalloc_noreclaim_restore(flags);
	expect_served(test, hoard);
}

/* While devices are suspended the holder may wait for one of them. */
static void test_suspended(struct kunit *test)
{
	struct hoard *hoard = hold_mutexes(test, "dmag-suspended");
	gfp_t allowed = gfp_allowed_mask;

	gfp_allowed_mask &= ~(__GFP_IO | __GFP_FS);
	hoard_fill(hoard, GFP_KERNEL, 1);
	gfp_allowed_mask = allowed;
	expect_served(test, hoard);
}

/* With a probe waiting all the time, each claim lets go of the mutex. */
static void test_yield_to_probe(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-through", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4M);

	atomic_inc(&dmag_contenders);
	hoard_fill(hoard, GFP_KERNEL, 8);
	atomic_dec(&dmag_contenders);
	KUNIT_EXPECT_EQ(test, hoard->nr, 8);
	/* On a busy host a climb may run out of time, and the zones serve. */
	KUNIT_EXPECT_GT(test, frames_used(group), 0);
	hoard_free(hoard, 0);
	dmag_claim_lock();
	KUNIT_EXPECT_EQ(test, group->pins, 0);
	dmag_claim_unlock();
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(test_wait),		 KUNIT_CASE(test_wait_bound),
	KUNIT_CASE(test_in_reclaim),	 KUNIT_CASE(test_suspended),
	KUNIT_CASE(test_yield_to_probe), {},
};

static struct kunit_suite wait_suite = {
	.name = "dmag_wait",
	.init = dmag_test_init,
	.test_cases = wait_cases,
};

kunit_test_suite(wait_suite);
