// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of memory for bounce buffers: it is in reach of streaming mappings, and
 * freed without a device.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "../convert.h"
#include "helpers.h"

/* The last bus address of a bounce buffer that @dev was given, or 0. */
static u64 bounce_end(struct device *dev, size_t size)
{
	struct page *page;
	u64 end;

	if (!dmag_alloc_bounce(dev, size, GFP_NOWAIT, &page))
		return 0;
	end = phys_to_dma_unencrypted(dev, page_to_phys(page)) + size - 1;
	return dmag_free_pages(NULL, page, size) ? end : U64_MAX;
}

static void test_bounce(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bounce", LIMIT_29);
	struct dmag_kgroup *group = joined_group(test, dev);
	size_t size = SZ_256K - SZ_2K;
	u64 bounced = counted(group, DMAG_NR_BOUNCE);
	u64 used = frames_used(group);
	struct page *page;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	KUNIT_ASSERT_TRUE(test,
			  dmag_alloc_bounce(dev, size, GFP_NOWAIT, &page));
	KUNIT_EXPECT_TRUE(test,
			  dma_coherent_ok(dev, page_to_phys(page), SZ_256K));
	KUNIT_EXPECT_EQ(test, frames_used(group), used + 64);
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_BOUNCE), bounced + 1);
	KUNIT_EXPECT_EQ(test, held_by(dev), 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(NULL, page, size));
	KUNIT_EXPECT_EQ(test, frames_used(group), used);
	KUNIT_EXPECT_EQ(test, held_by(dev), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/*
 * The reserve is that of the coherent mask, and the lowest frames come first: a smaller
 * streaming mask gets them if it reaches them, and else none.  No more memory is asked
 * for then.
 */
static void test_bounce_mask(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-bounce-mask", SZ_64M);
	struct dmag_kgroup *group = joined_group(test, dev);
	u64 mask, end, used, fails;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	used = frames_used(group);
	end = bounce_end(dev, SZ_64K);
	KUNIT_ASSERT_NE(test, end, 0);
	KUNIT_ASSERT_LT(test, end, SZ_64M);
	fails = counted(group, DMAG_NR_ALLOC_ATOMIC_FAIL);
	mask = end;
	dev->dma_mask = &mask;
	KUNIT_EXPECT_EQ(test, bounce_end(dev, SZ_64K), end);
	mask = end - 1;
	KUNIT_EXPECT_EQ(test, bounce_end(dev, SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, frames_used(group), used);
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_ALLOC_ATOMIC_FAIL), fails);
	expect_valid(test);
	dev->dma_mask = &dev->coherent_dma_mask;
	kunit_device_unregister(test, dev);
}

/* A device that joined no group, or one without a reserve, has other bounce memory. */
static void test_bounce_declined(struct kunit *test)
{
	struct device *dev = bare_device(test, "dmag-bounce-none");

	KUNIT_EXPECT_NULL(test, group_of(dev));
	KUNIT_EXPECT_EQ(test, bounce_end(dev, SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(64)), 0);
	KUNIT_ASSERT_NOT_NULL(test, group_of(dev));
	if (group_of(dev)->service == DMAG_UNIVERSAL) {
		KUNIT_EXPECT_FALSE(test, dmag_can_bounce(dev));
		KUNIT_EXPECT_EQ(test, bounce_end(dev, SZ_4K), 0);
	}
	dev->coherent_dma_mask = LIMIT_29;
	KUNIT_EXPECT_EQ(test, bounce_end(dev, SZ_4K), 0);
	kunit_device_unregister(test, dev);
}

/* Refused bounce buffers make the reserve grow, as other atomic requests do. */
static void test_bounce_grows(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bounce-grow", LIMIT_29);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);
	u64 base = group->core.base.high;
	struct page *page;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	while (hoard->nr < ARRAY_SIZE(hoard->page) &&
	       dmag_alloc_bounce(dev, SZ_64K, GFP_NOWAIT, &page))
		hoard->page[hoard->nr++] = page;
	KUNIT_EXPECT_GE(test, 16 * hoard->nr, group->core.base.low);
	KUNIT_EXPECT_TRUE(test,
			  eventually(READ_ONCE(group->core.marks.high) > base));
	while (hoard->nr)
		KUNIT_EXPECT_TRUE(
			test, dmag_free_pages(NULL, hoard->page[--hoard->nr],
					      SZ_64K));
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* A pool that stays is claimed: the reserve is not used, and no member is charged. */
static void test_bounce_claims(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bounce-claim", LIMIT_29);
	struct dmag_kgroup *group = joined_group(test, dev);
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY;
	u64 mask = LIMIT_29 >> 1;
	struct page *page;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	KUNIT_EXPECT_TRUE(test, dmag_can_bounce(dev));
	/* Another task may claim for longer than such a request waits. */
	KUNIT_ASSERT_TRUE(
		test, eventually(dmag_alloc_bounce(dev, SZ_4M, gfp, &page)));
	KUNIT_EXPECT_TRUE(test,
			  dma_coherent_ok(dev, page_to_phys(page), SZ_4M));
	KUNIT_EXPECT_FALSE(test, dmag_kgroup_low(group));
	KUNIT_EXPECT_EQ(test, frames_used(group), SZ_4M >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, held_by(dev), 0);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(NULL, page, SZ_4M));
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	/* Memory that was claimed may be out of reach of a smaller streaming mask. */
	dev->dma_mask = &mask;
	KUNIT_EXPECT_FALSE(test, dmag_can_bounce(dev));
	dev->dma_mask = &dev->coherent_dma_mask;
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The group of a device's bounce buffers, if it is not that of coherent memory. */
static struct dmag_kgroup *streaming_group_of(const struct device *dev)
{
	struct dmag_device *member;

	dmag_claim_lock();
	member = rcu_dereference_protected(dev->dmag_streaming,
					   lockdep_is_held(&dmag_mutex));
	dmag_claim_unlock();
	return member ? member->group : NULL;
}

static bool may_stream(const struct device *dev)
{
#ifdef CONFIG_DMAG_SWIOTLB
	return dev->dma_io_tlb_mem && dev->dma_io_tlb_mem->can_grow;
#else
	return false;
#endif
}

/*
 * A work item gives the device a group for its bounce buffers, since the mask may be set
 * with a spinlock held.
 */
static bool streams_with(struct device *dev, u64 mask)
{
	static DEFINE_SPINLOCK(lock);
	int ret;

	spin_lock_irq(&lock);
	ret = dma_set_mask(dev, mask);
	spin_unlock_irq(&lock);
	return !ret && eventually(streaming_group_of(dev));
}

/* Bounce buffers are in reach of the streaming mask, and from a group of their own. */
static void test_bounce_streaming(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bounce-stream", LIMIT_29);
	const u64 limit = LIMIT_29 >> 1;
	struct dmag_kgroup *group;
	u64 mask = LIMIT_29, used;
	struct page *page;

	if (!may_stream(dev))
		kunit_skip(test, "pools of swiotlb cannot be in groups here");
	dev->dma_mask = &mask;
	KUNIT_ASSERT_TRUE(test, streams_with(dev, limit));
	group = streaming_group_of(dev);
	KUNIT_EXPECT_PTR_NE(test, group, joined_group(test, dev));
	KUNIT_EXPECT_TRUE(test, dmag_can_bounce(dev));
	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	used = frames_used(group);
	KUNIT_ASSERT_TRUE(test,
			  dmag_alloc_bounce(dev, SZ_64K, GFP_NOWAIT, &page));
	KUNIT_EXPECT_LE(test, page_to_phys(page) + SZ_64K - 1, limit);
	KUNIT_EXPECT_EQ(test, frames_used(group), used + 16);
	KUNIT_EXPECT_EQ(test, frames_used(joined_group(test, dev)), 0);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(NULL, page, SZ_64K));
	KUNIT_ASSERT_TRUE(
		test, eventually(dmag_alloc_bounce(
			      dev, SZ_1M, GFP_KERNEL | __GFP_NORETRY, &page)));
	KUNIT_EXPECT_LE(test, page_to_phys(page) + SZ_1M - 1, limit);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(NULL, page, SZ_1M));
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The second membership comes and goes as either mask asks for it. */
static void test_bounce_membership(struct kunit *test)
{
	struct device *dev = bare_device(test, "dmag-bounce-member");
	const u64 limit = LIMIT_29 >> 1;
	u64 mask = LIMIT_29;

	if (!may_stream(dev))
		kunit_skip(test, "pools of swiotlb cannot be in groups here");
	dev->dma_mask = &mask;
	KUNIT_ASSERT_TRUE(test, streams_with(dev, limit));
	KUNIT_EXPECT_NULL(test, group_of(dev));
	/* One membership is enough. */
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, limit), 0);
	KUNIT_EXPECT_TRUE(test, eventually(!streaming_group_of(dev)));
	KUNIT_EXPECT_NOT_NULL(test, group_of(dev));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, LIMIT_29), 0);
	KUNIT_EXPECT_TRUE(test, eventually(streaming_group_of(dev)));
	KUNIT_ASSERT_EQ(test, dma_set_mask(dev, LIMIT_29), 0);
	KUNIT_EXPECT_TRUE(test, eventually(!streaming_group_of(dev)));
	/* It maps all memory as it is, unless that is encrypted. */
	KUNIT_ASSERT_TRUE(test, streams_with(dev, limit));
	KUNIT_ASSERT_EQ(test, dma_set_mask(dev, DMA_BIT_MASK(64)), 0);
	if (!dmag_convert_bounce_attrs(dev))
		KUNIT_EXPECT_TRUE(test, eventually(!streaming_group_of(dev)));
	/* A change that has not been settled yet is none any more. */
	KUNIT_ASSERT_EQ(test, dma_set_mask(dev, limit), 0);
	dmag_device_leave(dev);
	msleep(200);
	KUNIT_EXPECT_NULL(test, streaming_group_of(dev));
	KUNIT_EXPECT_NULL(test, group_of(dev));
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static bool reference_released;

static void reference_release(struct device *dev)
{
	reference_released = true;
	kfree(dev);
}

/* The change of a mask has the last reference to a device, which leaves in the end. */
static void test_bounce_reference(struct kunit *test)
{
	static u64 mask;
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	device_initialize(dev);
	dev->release = reference_release;
	dev->dma_mask = &mask;
	KUNIT_EXPECT_EQ(test, dev_set_name(dev, "dmag-bounce-reference"), 0);
	reference_released = false;
	dmag_claim_lock();
	ret = dma_set_mask(dev, LIMIT_29);
	put_device(dev);
	dmag_claim_unlock();
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(reference_released)));
	expect_valid(test);
}

static struct kunit_case bounce_cases[] = {
	KUNIT_CASE(test_bounce),
	KUNIT_CASE(test_bounce_mask),
	KUNIT_CASE(test_bounce_declined),
	KUNIT_CASE(test_bounce_grows),
	KUNIT_CASE(test_bounce_claims),
	KUNIT_CASE(test_bounce_streaming),
	KUNIT_CASE(test_bounce_membership),
	KUNIT_CASE(test_bounce_reference),
	{},
};

static struct kunit_suite bounce_suite = {
	.name = "dmag_bounce",
	.init = dmag_test_init,
	.test_cases = bounce_cases,
};

kunit_test_suite(bounce_suite);
