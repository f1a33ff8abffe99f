// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of groups of decrypted memory, on a machine that encrypts.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../capture.h"
#include "../reserve.h"
#include "helpers.h"

static u64 conversions(struct dmag_kgroup *group)
{
	return counted(group, DMAG_NR_CONVERT);
}

/* A group that no other device is in, with a full reserve. */
static struct dmag_kgroup *shared_group(struct kunit *test, struct device *dev)
{
	struct dmag_kgroup *group = joined_group(test, dev);

	if (!group->core.attrs)
		kunit_skip(test, "memory is not encrypted");
	KUNIT_ASSERT_TRUE(test, reserve_fill(group));
	return group;
}

/* Buffers come from the reserve and go back to it, in any context, as they are. */
static void test_pairs(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-shared", SZ_128M);
	struct dmag_kgroup *group = shared_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);
	u64 before = conversions(group);

	for (int i = 0; i < 8; i++) {
		hoard_fill(hoard, i % 2 ? GFP_ATOMIC : GFP_KERNEL, 8);
		KUNIT_EXPECT_EQ(test, hoard->nr, 8);
		for (unsigned int nr = 0; nr < hoard->nr; nr++)
			KUNIT_EXPECT_TRUE(test,
					  dmag_is_shared(hoard->page[nr]));
		hoard_free(hoard, 0);
	}
	KUNIT_EXPECT_EQ(test, conversions(group), before);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Low just above @frames, and high a block above that. */
static void set_marks(struct dmag_kgroup *group, u64 frames)
{
	lockdep_assert_held(&group->lock);
	group->core.marks.low = frames + 1;
	group->core.marks.high = frames + DMAG_BLOCK_FRAMES;
	group->core.base = group->core.marks;
}

/* The next fill is due in ten minutes, if reclaim is idle. */
static void starve(struct kunit *test, struct dmag_kgroup *group)
{
	const struct dmag_retry never = { .backoff = HZ,
					  .at = jiffies + 600 * HZ };

	dmag_claim_lock();
	group->fill = never;
	group->protect = never;
	dmag_kgroup_set_hungry(group, true);
	spin_lock_irq(&group->lock);
	KUNIT_EXPECT_EQ(test, group->reclaim_goal, DMAG_BLOCK_FRAMES);
	group->reclaimed = 0;
	set_marks(group, group->core.frames.free);
	spin_unlock_irq(&group->lock);
	dmag_claim_unlock();
	dmag_worker_kick();
}

/* While memory is reclaimed a reserve that is short is refilled, and decrypted. */
static void test_reclaim(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-shared", SZ_128M);
	struct dmag_kgroup *group = shared_group(test, dev);
	u64 before = conversions(group);
	struct page *page, *far;

	page = take_block(test, BASE, BASE + SZ_128M);
	far = take_block(test, BASE + SZ_128M, BASE + SZ_256M);
	starve(test, group);
	KUNIT_ASSERT_TRUE(test,
			  eventually(static_key_enabled(&dmag_hungry_key)));
	/* Not by what it cannot reach, nor by too little. */
	for (u64 i = 0; i < DMAG_BLOCK_FRAMES; i++)
		KUNIT_ASSERT_TRUE(test, reclaim_page(far + i));
	for (u64 i = 1; i < DMAG_BLOCK_FRAMES; i++)
		KUNIT_ASSERT_TRUE(test, reclaim_page(page + i));
	msleep(200);
	KUNIT_EXPECT_EQ(test, conversions(group), before);
	KUNIT_ASSERT_TRUE(test, reclaim_page(page));
	KUNIT_EXPECT_TRUE(test, eventually(conversions(group) > before));
	KUNIT_EXPECT_TRUE(test, eventually(!dmag_kgroup_low(group)));
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_CAPTURE_FRAMES), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The host gets nothing back in a context that may not convert. */
static void test_pressure(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-shared", SZ_128M);
	struct dmag_kgroup *group = shared_group(test, dev);
	u64 before = conversions(group), free = group->core.frames.free;

	KUNIT_EXPECT_EQ(test, dmag_reserve_release_all(), 0);
	dmag_claim_lock();
	KUNIT_EXPECT_EQ(test, dmag_kgroup_release(group, 0, U64_MAX), 0);
	dmag_claim_unlock();
	KUNIT_EXPECT_EQ(test, group->core.frames.free, free);
	KUNIT_EXPECT_EQ(test, conversions(group), before);
	kunit_device_unregister(test, dev);
}

/* Memory that goes offline is encrypted again, in whole blocks that are free. */
static void test_vacate(struct kunit *test)
{
	const struct dmag_range all = { 0, DMAG_PFN_MAX };
	struct device *dev = device_reaching(test, "dmag-shared", SZ_128M);
	struct dmag_kgroup *group = shared_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);
	u64 before;

	hoard_fill(hoard, GFP_KERNEL, 1);
	KUNIT_ASSERT_EQ(test, hoard->nr, 1);
	dmag_claim_lock();
	before = conversions(group);
	dmag_kgroup_release_range(group, &all);
	KUNIT_EXPECT_GT(test, conversions(group), before);
	KUNIT_EXPECT_EQ(test, group->core.frames.free + group->core.frames.used,
			DMAG_BLOCK_FRAMES);
	dmag_claim_unlock();
	KUNIT_EXPECT_TRUE(test, dmag_is_shared(hoard->page[0]));
	hoard_free(hoard, 0);
	KUNIT_EXPECT_TRUE(test, reserve_fills_up(group));
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static u64 quarantined(struct dmag_kgroup *group)
{
	return READ_ONCE(group->core.frames.quarantined);
}

/* A page that is still referenced when it is freed stays decrypted, and out of use. */
static void test_held_page(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-shared", SZ_128M);
	struct dmag_kgroup *group = shared_group(test, dev);
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_4K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page);
	dma_free_pages(dev, SZ_4K, page, dma, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	KUNIT_EXPECT_EQ(test, quarantined(group), 1);
	KUNIT_EXPECT_TRUE(test, dmag_is_shared(page));
	put_page(page);
	KUNIT_EXPECT_EQ(test, quarantined(group), 1);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static struct kunit_case shared_cases[] = {
	KUNIT_CASE(test_pairs),	    KUNIT_CASE(test_reclaim),
	KUNIT_CASE(test_pressure),  KUNIT_CASE(test_vacate),
	KUNIT_CASE(test_held_page), {},
};

static struct kunit_suite shared_suite = {
	.name = "dmag_shared",
	.init = dmag_test_init,
	.test_cases = shared_cases,
};

kunit_test_suite(shared_suite);
