// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of the capture of pages that reclaim frees.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../capture.h"
#include "../map.h"
#include "../reserve.h"
#include "helpers.h"

/* Free a page as reclaim does; whether it was captured. */
static bool reclaimed(struct dmag_kgroup *group, struct page *page)
{
	u64 before = group->counter[DMAG_NR_CAPTURE_FRAMES];

	return reclaim_page(page) &&
	       group->counter[DMAG_NR_CAPTURE_FRAMES] == before + 1;
}

/* The same while the page's zone has less than its min watermark. */
static bool reclaimed_below_min(struct dmag_kgroup *group, struct page *page)
{
	unsigned long *min = &page_zone(page)->_watermark[WMARK_MIN];
	unsigned long saved = *min;
	bool ret;

	WRITE_ONCE(*min, zone_managed_pages(page_zone(page)));
	ret = reclaimed(group, page);
	WRITE_ONCE(*min, saved);
	return ret;
}

/* Make a group hungry: empty, and its last fill fell short. */
static void starve(struct dmag_kgroup *group, struct dmag_marks marks)
{
	const struct dmag_retry never = { .backoff = HZ,
					  .at = jiffies + 60 * HZ };

	dmag_claim_lock();
	dmag_kgroup_unprotect(group);
	dmag_kgroup_release(group, 0, U64_MAX);
	group->fill = never;
	group->protect = never;
	dmag_kgroup_set_hungry(group, true);
	spin_lock_irq(&group->lock);
	group->core.marks = marks;
	spin_unlock_irq(&group->lock);
	dmag_claim_unlock();
	dmag_worker_kick();
}

static void test_capture(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-capture", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, PAGE_SIZE);
	struct page *ours, *other, *far;

	/* Not before it is hungry. */
	ours = take_block(test, BASE, BASE + SZ_64M);
	KUNIT_EXPECT_FALSE(test, reclaimed(group, ours++));
	starve(group, (struct dmag_marks){ 1, 2, 3 });
	KUNIT_ASSERT_TRUE(test,
			  eventually(static_key_enabled(&dmag_hungry_key)));
	/* Not outside of its reach. */
	far = take_block(test, BASE + SZ_128M, BASE + SZ_256M);
	KUNIT_EXPECT_FALSE(test, reclaimed(group, far++));
	/* Not what the task that reclaims needs itself. */
	KUNIT_EXPECT_FALSE(test, reclaimed_below_min(group, ours++));
	/* Below min from any block. */
	KUNIT_EXPECT_TRUE(test, reclaimed(group, ours++));
	KUNIT_EXPECT_TRUE(test,
			  eventually(READ_ONCE(group->core.frames.free) >= 1));
	/* Above it from its own, up to high. */
	other = take_block(test, BASE + SZ_64M, BASE + SZ_128M);
	KUNIT_EXPECT_FALSE(test, reclaimed(group, other++));
	KUNIT_EXPECT_TRUE(test, reclaimed(group, ours++));
	KUNIT_EXPECT_TRUE(test, reclaimed(group, ours++));
	KUNIT_EXPECT_FALSE(test, reclaimed(group, ours++));
	KUNIT_EXPECT_TRUE(test,
			  eventually(READ_ONCE(group->core.frames.free) >= 3));

	free_contig_range(page_to_pfn(ours), pageblock_nr_pages - 6);
	free_contig_range(page_to_pfn(other), pageblock_nr_pages - 1);
	free_contig_range(page_to_pfn(far), pageblock_nr_pages - 1);
	hoard_fill(hoard, GFP_ATOMIC, 3);
	KUNIT_EXPECT_EQ(test, hoard->nr, 3);
	hoard_free(hoard, 0);
	spin_lock_irq(&group->lock);
	group->core.marks = group->core.base;
	spin_unlock_irq(&group->lock);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Pages that wait for a worker which waits for a claim are not lost to the host. */
static void test_capture_oom(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-capture", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	const struct dmag_marks base = group->core.base;
	struct page *page;

	starve(group, (struct dmag_marks){ 3, 4, 5 });
	KUNIT_ASSERT_TRUE(test,
			  eventually(static_key_enabled(&dmag_hungry_key)));
	page = take_block(test, BASE, BASE + SZ_128M);
	dmag_claim_lock();
	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, reclaimed(group, page++));
	KUNIT_EXPECT_EQ(test, group->nr_captured, 3);
	KUNIT_EXPECT_EQ(test, dmag_reserve_release_all(), 0);
	group->core.base = (struct dmag_marks){ 1, 1, 1 };
	KUNIT_EXPECT_EQ(test, dmag_reserve_release_all(), 2);
	KUNIT_EXPECT_EQ(test, group->nr_captured, 1);
	spin_lock_irq(&group->lock);
	group->core.marks = base;
	group->core.base = base;
	spin_unlock_irq(&group->lock);
	dmag_claim_unlock();

	KUNIT_EXPECT_TRUE(test,
			  eventually(READ_ONCE(group->core.frames.free) >= 1));
	free_contig_range(page_to_pfn(page), pageblock_nr_pages - 3);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static struct kunit_case capture_cases[] = {
	KUNIT_CASE(test_capture),
	KUNIT_CASE(test_capture_oom),
	{},
};

static struct kunit_suite capture_suite = {
	.name = "dmag_capture",
	.init = dmag_test_init,
	.test_cases = capture_cases,
};

kunit_test_suite(capture_suite);
