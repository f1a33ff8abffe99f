// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of membership: windows, masks, and which devices share a group.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/sizes.h>

#include "helpers.h"

static void test_windows(struct kunit *test)
{
	static const struct bus_dma_region map[] = {
		{ .cpu_start = SZ_256M, .dma_start = 0, .size = SZ_64M },
		{ .cpu_start = SZ_512M, .dma_start = SZ_1G, .size = SZ_64M },
		{}
	};
	struct device *dev = bare_device(test, "dmag-windows");
	const struct dmag_reach *reach;
	void *buf[40];
	dma_addr_t dma[40];

	set_map(test, dev, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(32)), 0);
	reach = &group_of(dev)->core.reach;
	KUNIT_ASSERT_EQ(test, reach->nr, 2);
	KUNIT_EXPECT_EQ(test, reach->seg[0].start, PFN_DOWN(SZ_256M));
	KUNIT_EXPECT_EQ(test, reach->seg[0].last,
			PFN_DOWN(SZ_256M + SZ_64M) - 1);
	KUNIT_EXPECT_EQ(test, reach->seg[1].start, PFN_DOWN(SZ_512M));

	/* 80 MiB: more than one window holds. */
	for (int i = 0; i < ARRAY_SIZE(buf); i++) {
		buf[i] = dma_alloc_coherent(dev, SZ_2M, &dma[i], GFP_KERNEL);
		expect_good(test, dev, buf[i], dma[i], SZ_2M);
	}
	expect_valid(test);
	for (int i = 0; i < ARRAY_SIZE(buf); i++)
		dma_free_coherent(dev, SZ_2M, buf[i], dma[i]);
	kunit_device_unregister(test, dev);
	expect_valid(test);
}

static void test_bus_limit(struct kunit *test)
{
	struct device *dev = bare_device(test, "dmag-limit");

	dev->bus_dma_limit = LIMIT_29;
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(32)), 0);
	KUNIT_EXPECT_LE(test, group_of(dev)->core.reach.seg[0].last,
			PFN_DOWN(LIMIT_29));
	kunit_device_unregister(test, dev);
}

static void test_share(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *one = make_device(test, "dmag-a", LIMIT_30);
	struct device *same = make_device(test, "dmag-b", LIMIT_30);
	struct device *other = make_device(test, "dmag-c", LIMIT_29);

	KUNIT_EXPECT_PTR_EQ(test, group_of(one), group_of(same));
	KUNIT_EXPECT_PTR_NE(test, group_of(one), group_of(other));
	KUNIT_EXPECT_EQ(test, group_of(one)->core.members, 2);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);
	kunit_device_unregister(test, one);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);
	kunit_device_unregister(test, same);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 1);
	kunit_device_unregister(test, other);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
	expect_valid(test);
}

static void test_rebind(struct kunit *test)
{
	unsigned int before = nr_groups();

	for (int i = 0; i < 3; i++) {
		struct device *dev = make_device(test, "dmag-again", LIMIT_30);
		dma_addr_t dma;
		void *buf = dma_alloc_coherent(dev, SZ_4K, &dma, GFP_KERNEL);

		expect_good(test, dev, buf, dma, SZ_4K);
		dma_free_coherent(dev, SZ_4K, buf, dma);
		kunit_device_unregister(test, dev);
		KUNIT_EXPECT_TRUE(test, groups_retire());
		KUNIT_EXPECT_EQ(test, nr_groups(), before);
	}
}

static void test_universal(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-all", DMA_BIT_MASK(64));
	struct dmag_kgroup *group = group_of(dev);
	dma_addr_t dma;
	void *buf;

	KUNIT_EXPECT_EQ(test, group->service, DMAG_UNIVERSAL);
	buf = dma_alloc_coherent(dev, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, dev, buf, dma, SZ_64K);
	KUNIT_EXPECT_EQ(test, group->core.frames.free + group->core.frames.used,
			0);
	dma_free_coherent(dev, SZ_64K, buf, dma);
	kunit_device_unregister(test, dev);
}

static void test_mask_twice(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-twice", LIMIT_30);
	struct dmag_kgroup *group = group_of(dev);

	KUNIT_EXPECT_EQ(test, dma_set_coherent_mask(dev, LIMIT_30), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(dev), group);
	KUNIT_EXPECT_EQ(test, group->core.members, 1);
	kunit_device_unregister(test, dev);
}

static void test_mask_change(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_device(test, "dmag-change", LIMIT_30);
	struct dmag_kgroup *old = group_of(dev);
	dma_addr_t dma, dma2;
	void *buf = dma_alloc_coherent(dev, SZ_64K, &dma, GFP_KERNEL);
	void *buf2;

	expect_good(test, dev, buf, dma, SZ_64K);
	KUNIT_EXPECT_EQ(test, dma_set_coherent_mask(dev, LIMIT_29), 0);
	KUNIT_EXPECT_PTR_NE(test, group_of(dev), old);
	KUNIT_EXPECT_EQ(test, old->core.members, 0);
	/* At once, or when the worker, which may be protecting for it, is done. */
	KUNIT_EXPECT_TRUE(test, eventually(!READ_ONCE(old->core.frames.free)));
	KUNIT_EXPECT_EQ(test, frames_used(old), 16);
	buf2 = dma_alloc_coherent(dev, SZ_64K, &dma2, GFP_KERNEL);
	expect_good(test, dev, buf2, dma2, SZ_64K);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);

	/* Back again: the old group is still there, and taken over. */
	KUNIT_EXPECT_EQ(test, dma_set_coherent_mask(dev, LIMIT_30), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(dev), old);
	KUNIT_EXPECT_TRUE(test, reserve_fills_up(old));
	dma_free_coherent(dev, SZ_64K, buf, dma);
	dma_free_coherent(dev, SZ_64K, buf2, dma2);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* A driver whose probe is deferred, or that tries one mask after the other. */
static void test_linger(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_device(test, "dmag-linger", LIMIT_29);
	struct dmag_kgroup *group = joined_group(test, dev);
	u64 claims, free;

	dmag_linger = 60 * HZ;
	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	claims = group->counter[DMAG_NR_CLAIM];
	free = group->core.frames.free;
	for (int i = 0; i < 50; i++) {
		dma_set_coherent_mask(dev, LIMIT_30);
		KUNIT_EXPECT_EQ(test, group->core.members, 0);
		dma_set_coherent_mask(dev, LIMIT_29);
		KUNIT_EXPECT_PTR_EQ(test, group_of(dev), group);
	}
	KUNIT_EXPECT_EQ(test, group->counter[DMAG_NR_CLAIM], claims);
	KUNIT_EXPECT_EQ(test, group->core.frames.free, free);
	KUNIT_EXPECT_EQ(test, group->protected, group->goal);
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_GT(test, nr_groups(), before);
	set_linger(NULL);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
}

/* Allocate and free without a pause, wherever the device belongs just now. */
static int churn(void *data)
{
	struct device *dev = data;

	while (!kthread_should_stop()) {
		dma_addr_t dma;
		void *buf = dma_alloc_coherent(dev, SZ_4K, &dma,
					       GFP_ATOMIC | __GFP_NOWARN);

		if (buf)
			dma_free_coherent(dev, SZ_4K, buf, dma);
		cond_resched();
	}
	return 0;
}

/* Memberships and groups end while another task reads them. */
static void test_mask_race(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_device(test, "dmag-race", LIMIT_30);
	struct task_struct *task = kthread_run(churn, dev, "dmag-churn");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (int i = 0; i < 50; i++)
		KUNIT_EXPECT_EQ(test,
				dma_set_coherent_mask(dev, i & 1 ? LIMIT_30 :
								   LIMIT_29),
				0);
	kthread_stop(task);
	expect_valid(test);
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
}

/* Some 170 drivers write the mask themselves. */
static void test_mask_written(struct kunit *test)
{
	struct device *dev = bare_device(test, "dmag-written");
	dma_addr_t dma;
	void *buf;

	KUNIT_EXPECT_NULL(test, group_of(dev));
	dev->coherent_dma_mask = LIMIT_29;
	buf = dma_alloc_coherent(dev, SZ_8K, &dma, GFP_KERNEL);
	expect_good(test, dev, buf, dma, SZ_8K);
	KUNIT_EXPECT_NOT_NULL(test, group_of(dev));
	dma_free_coherent(dev, SZ_8K, buf, dma);
	kunit_device_unregister(test, dev);
}

/*
 * A request that cannot wait for the device to join again is not served from the
 * group that the device was in before, which reaches more.
 */
static void test_mask_lowered(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-lowered", LIMIT_30);
	dma_addr_t dma;
	void *buf;

	dev->coherent_dma_mask = DMA_BIT_MASK(28);
	buf = dma_alloc_coherent(dev, SZ_8K, &dma, GFP_NOIO);
	expect_good(test, dev, buf, dma, SZ_8K);
	dma_free_coherent(dev, SZ_8K, buf, dma);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(test_windows),      KUNIT_CASE(test_bus_limit),
	KUNIT_CASE(test_share),	       KUNIT_CASE(test_rebind),
	KUNIT_CASE(test_universal),    KUNIT_CASE(test_mask_twice),
	KUNIT_CASE(test_mask_change),  KUNIT_CASE(test_linger),
	KUNIT_CASE(test_mask_race),    KUNIT_CASE(test_mask_written),
	KUNIT_CASE(test_mask_lowered), {},
};

static struct kunit_suite device_suite = {
	.name = "dmag_device",
	.init = dmag_test_init,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
