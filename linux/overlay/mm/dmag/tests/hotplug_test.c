// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of memory that goes offline and comes online.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/memory_hotplug.h>
#include <linux/sizes.h>

#include "../device.h"
#include "../map.h"
#include "helpers.h"

static bool owns_any(struct dmag_kgroup *group, const struct dmag_range *range)
{
	struct dmag_run run;
	bool ret;

	spin_lock_irq(&group->lock);
	ret = dmag_frames_walk(&group->core.frames, range->start, &run) &&
	      run.range.start <= range->last;
	spin_unlock_irq(&group->lock);
	return ret;
}

static int going_offline(const struct dmag_range *range)
{
	int ret;

	mem_hotplug_begin();
	ret = dmag_going_offline(range->start, range->last - range->start + 1);
	mem_hotplug_done();
	return ret;
}

/* A buffer keeps its memory online; a reserve makes way, and stays away. */
static void test_offline(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-offline", LIMIT_29);
	struct dmag_kgroup *group = group_of(dev);
	void *buf, *far;
	dma_addr_t dma, far_dma;
	struct dmag_range range;
	u64 owned;

	if (!IS_ENABLED(CONFIG_MEMORY_HOTPLUG))
		kunit_skip(test, "memory does not go offline here");
	buf = dma_alloc_coherent(dev, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, dev, buf, dma, SZ_64K);
	range.start = round_down(PFN_DOWN(dma), MAX_ORDER_NR_PAGES);
	range.last = range.start + MAX_ORDER_NR_PAGES - 1;
	owned = group->core.frames.free + group->core.frames.used;
	KUNIT_EXPECT_EQ(test, going_offline(&range), -EBUSY);
	KUNIT_EXPECT_FALSE(test, dmag_pfn_avoided(range.start));
	KUNIT_EXPECT_EQ(test, group->core.frames.free + group->core.frames.used,
			owned);

	dma_free_coherent(dev, SZ_64K, buf, dma);
	KUNIT_EXPECT_EQ(test, going_offline(&range), 0);
	KUNIT_EXPECT_TRUE(test, dmag_pfn_avoided(range.start));
	KUNIT_EXPECT_TRUE(test, dmag_pfn_avoided(range.last));
	KUNIT_EXPECT_FALSE(test, owns_any(group, &range));
	far = dma_alloc_coherent(dev, SZ_8M, &far_dma, GFP_KERNEL);
	expect_good(test, dev, far, far_dma, SZ_8M);
	KUNIT_EXPECT_FALSE(test, owns_any(group, &range));
	dmag_offline_failed();
	KUNIT_EXPECT_FALSE(test, dmag_pfn_avoided(range.start));
	dma_free_coherent(dev, SZ_8M, far, far_dma);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static int ram_online(const struct dmag_range *range)
{
	int ret;

	dmag_claim_lock();
	ret = dmag_ram_online(range);
	dmag_claim_unlock();
	return ret;
}

/* No guest has memory there, and 40 bits do not reach it. */
#define FAR_RAM BIT_ULL(40)

/*
 * As if memory came online there.  The RAM map does not forget it, so this is
 * the last test, and skips a second run.
 */
static void test_online(struct kunit *test)
{
	static const struct bus_dma_region map[] = {
		{ .cpu_start = SZ_256M, .dma_start = 0, .size = SZ_64M },
		{ .cpu_start = FAR_RAM, .dma_start = SZ_1G, .size = SZ_64M },
		{}
	};
	const struct dmag_range range = { PFN_DOWN(FAR_RAM),
					  PFN_DOWN(FAR_RAM + SZ_128M) - 1 };
	struct device *all = make_device(test, "dmag-64", DMA_BIT_MASK(64));
	struct device *most = make_device(test, "dmag-40", DMA_BIT_MASK(40));
	struct device *low = make_device(test, "dmag-30", LIMIT_30);
	struct device *mapped = bare_device(test, "dmag-mapped");
	struct dmag_kgroup *group = group_of(most), *low_group = group_of(low);
	struct dmag_device *low_member;
	dma_addr_t dma, dma2;
	void *buf, *buf2;

	if (group->service != DMAG_UNIVERSAL)
		kunit_skip(test, "there is memory above 1 TiB");
	set_map(test, mapped, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(mapped, DMA_BIT_MASK(32)),
			0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(all), group);
	KUNIT_EXPECT_EQ(test, group_of(mapped)->core.reach.nr, 1);
	low_member = rcu_access_pointer(low->dmag);
	buf = dma_alloc_coherent(most, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, most, buf, dma, SZ_64K);

	KUNIT_EXPECT_EQ(test, ram_online(&range), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(most), group);
	KUNIT_EXPECT_TRUE(test, dmag_kgroup_serves(group));
	KUNIT_EXPECT_EQ(test, group->core.members, 1);
	KUNIT_EXPECT_EQ(test, group_of(all)->service, DMAG_UNIVERSAL);
	KUNIT_EXPECT_EQ(test, group_of(mapped)->core.reach.nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, group_of(low), low_group);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(low->dmag), low_member);
	KUNIT_EXPECT_TRUE(test, reserve_fills_up(group));
	KUNIT_EXPECT_TRUE(test, reserve_fills_up(group_of(mapped)));
	expect_valid(test);

	buf2 = dma_alloc_coherent(most, SZ_64K, &dma2, GFP_ATOMIC);
	expect_good(test, most, buf2, dma2, SZ_64K);
	KUNIT_EXPECT_EQ(test, frames_used(group), 16);
	dma_free_coherent(most, SZ_64K, buf, dma);
	dma_free_coherent(most, SZ_64K, buf2, dma2);
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	KUNIT_EXPECT_EQ(test, ram_online(&range), 0);
	expect_valid(test);
	kunit_device_unregister(test, all);
	kunit_device_unregister(test, most);
	kunit_device_unregister(test, low);
	kunit_device_unregister(test, mapped);
	expect_valid(test);
}

static struct kunit_case hotplug_cases[] = {
	KUNIT_CASE(test_offline),
	KUNIT_CASE(test_online),
	{},
};

static struct kunit_suite hotplug_suite = {
	.name = "dmag_hotplug",
	.init = dmag_test_init,
	.test_cases = hotplug_cases,
};

kunit_test_suite(hotplug_suite);
