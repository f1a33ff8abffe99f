// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of per-CPU caches: their frames are counted, found, and given back.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "helpers.h"

/* Buffers of a device that a CPU gets and frees. */
struct cpu_job {
	struct hoard *hoard;
	unsigned int most;
	unsigned int least;
};

static long fill_and_free(void *arg)
{
	struct cpu_job *job = arg;

	hoard_fill(job->hoard, GFP_KERNEL, job->most);
	hoard_free(job->hoard, job->least);
	return 0;
}

/* Get buffers on a CPU until there are @most, free them there down to @least. */
static void on_cpu(struct kunit *test, unsigned int cpu, struct hoard *hoard,
		   unsigned int most, unsigned int least)
{
	struct cpu_job job = { hoard, most, least };

	KUNIT_ASSERT_EQ(test, work_on_cpu(cpu, fill_and_free, &job), 0);
}

static unsigned int last_cpu(void)
{
	return cpumask_last(cpu_online_mask);
}

/* Wait until the group of @dev has a full reserve, and caches. */
static void await_caches(struct kunit *test, struct device *dev)
{
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	hoard_fill(hoard, GFP_KERNEL, 1);
	hoard_free(hoard, 0);
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(group->pcp)));
}

/* A device that is alone in its group. */
static struct device *cached_device(struct kunit *test, const char *name,
				    u64 bytes)
{
	struct device *dev = device_reaching(test, name, bytes);

	await_caches(test, dev);
	return dev;
}

/* Counts are exact, whichever CPU served a request and whichever freed it. */
static void test_counts(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-counts", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);
	u64 got = counted(group, DMAG_NR_ALLOC);
	u64 put = counted(group, DMAG_NR_FREE);

	for (int i = 0; i < 100; i++) {
		on_cpu(test, 0, hoard, 50, 30);
		on_cpu(test, last_cpu(), hoard, 60, 10 * (i & 1));
	}
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_LE(test, dmag_pcp_frames(group),
			READ_ONCE(group->pcp_lent));
	KUNIT_EXPECT_EQ(test, hoard->nr, 10);
	expect_valid(test);
	got = counted(group, DMAG_NR_ALLOC) - got;
	put = counted(group, DMAG_NR_FREE) - put;
	/* To 50 from 0 or 10, in turn but for the first; and each time from 30 to 60. */
	KUNIT_EXPECT_EQ(test, got, 51 * 50 + 49 * 40 + 100 * 30);
	KUNIT_EXPECT_EQ(test, put, got - 10);
	KUNIT_EXPECT_EQ(test, frames_used(group), 10);
	hoard_free(hoard, 0);
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* All orders that are cached, and more than the caches hold. */
static void test_orders(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-orders", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);

	for (size_t size = SZ_4K; size <= SZ_64K; size *= 2) {
		struct hoard *hoard = hoard_make(test, dev, size);

		hoard_fill(hoard, GFP_KERNEL, 40);
		KUNIT_ASSERT_EQ(test, hoard->nr, 40);
		for (unsigned int i = 0; i < hoard->nr; i++) {
			void *buf = page_address(hoard->page[i]);

			expect_good(test, dev, buf,
				    phys_to_dma(dev, virt_to_phys(buf)), size);
			memset(buf, i + 1, size);
		}
		for (unsigned int i = 0; i < hoard->nr; i++)
			KUNIT_EXPECT_PTR_EQ(
				test,
				memchr_inv(page_address(hoard->page[i]), i + 1,
					   size),
				NULL);
		expect_valid(test);
		hoard_free(hoard, 0);
		expect_valid(test);
	}
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	kunit_device_unregister(test, dev);
}

/* @page of a buffer of two pages is freed; then no free of it counts any more. */
static void expect_freed_once(struct kunit *test, struct device *dev,
			      struct page *page)
{
	struct dmag_kgroup *group = group_of(dev);
	u64 put, cached = dmag_pcp_frames(group);

	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	put = counted(group, DMAG_NR_FREE);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), cached + 2);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_4K));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page + 1, SZ_4K));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_16K));
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_FREE), put);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), cached + 2);
	dmag_pcp_drain(group);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_FREE), put);
}

/* The second free of a page that is in a cache, or was there, is found. */
static void test_double_free(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-twice", SZ_128M);
	struct hoard *hoard = hoard_make(test, dev, SZ_8K);

	hoard_fill(hoard, GFP_KERNEL, 3);
	KUNIT_ASSERT_EQ(test, hoard->nr, 3);
	expect_freed_once(test, dev, hoard->page[2]);
	/* A larger one that includes pages of another buffer frees nothing. */
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, hoard->page[0], SZ_64M));
	KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 4);
	hoard->nr = 2;
	hoard_free(hoard, 0);
	KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* A page that its driver left another mark on, or a reference, is freed as ever. */
static void test_marked_page(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-mark", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);
	struct page *held;

	hoard_fill(hoard, GFP_KERNEL, 2);
	KUNIT_ASSERT_EQ(test, hoard->nr, 2);
	held = hoard->page[0];
	set_page_private(hoard->page[1], 1);
	get_page(held);
	hoard_free(hoard, 0);
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	KUNIT_EXPECT_EQ(test, page_private(held), 0);
	KUNIT_EXPECT_EQ(
		test, dmag_frames_state(&group->core.frames, page_to_pfn(held)),
		DMAG_FOREIGN);
	put_page(held);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Buffers that did not come through the DMA API, which checks that. */
static void free_to_group(struct hoard *hoard, unsigned int least)
{
	while (hoard->nr > least)
		dmag_free_pages(hoard->dev, hoard->page[--hoard->nr],
				hoard->size);
}

/* An atomic request is refused only when no cache of any CPU has a frame. */
static void test_atomic_last(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-last", SZ_4M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *other = hoard_make(test, dev, SZ_4K);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);
	u64 refused, owned;

	on_cpu(test, last_cpu(), other, 1, 0);
	/* So that the worker does not refill the reserve. */
	dmag_claim_lock();
	refused = counted(group, DMAG_NR_ALLOC_ATOMIC_FAIL);
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(group), 0);
	owned = group->core.frames.free + group->core.frames.used;
	KUNIT_ASSERT_LE(test, owned, ARRAY_SIZE(hoard->page));
	while (hoard->nr < owned) {
		struct page *page;

		if (!dmag_alloc_pages(dev, SZ_4K, GFP_ATOMIC, &page))
			break;
		hoard->page[hoard->nr++] = page;
	}
	KUNIT_EXPECT_EQ(test, hoard->nr, owned);
	KUNIT_EXPECT_EQ(test, counted(group, DMAG_NR_ALLOC_ATOMIC_FAIL),
			refused);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_EQ(test, group->core.missed, 0);
	/* Below min, freed frames are the reserve's. */
	free_to_group(hoard, hoard->nr - 8);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_EQ(test, group->core.frames.free, 8);
	dmag_claim_unlock();
	free_to_group(hoard, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Caches that are not used give back their frames and their quota. */
static void test_idle(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-idle", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);

	on_cpu(test, 0, hoard, 4, 0);
	on_cpu(test, last_cpu(), hoard, 4, 0);
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_TRUE(test, eventually(!READ_ONCE(group->pcp_lent)));
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(group->core.frames.used), 0);
	kunit_device_unregister(test, dev);
}

/* While caches are paused, they hold nothing and take nothing. */
static void test_pause(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-pause", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);

	hoard_fill(hoard, GFP_KERNEL, 4);
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(group), 0);
	dmag_claim_lock();
	dmag_pcp_pause();
	KUNIT_EXPECT_EQ(test, group->core.frames.used, 4);
	hoard_free(hoard, 2);
	hoard_fill(hoard, GFP_ATOMIC, 3);
	KUNIT_EXPECT_EQ(test, group->core.frames.used, 3);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), 0);
	dmag_pcp_resume();
	dmag_claim_unlock();
	hoard_free(hoard, 0);
	kunit_device_unregister(test, dev);
}

/* When the host is out of memory, it gets cached frames, too, down to min. */
static void test_out_of_memory(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-oom", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);

	on_cpu(test, last_cpu(), hoard, 1, 0);
	dmag_claim_lock();
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_GT(test, dmag_reserve_release_all(), 0);
	KUNIT_EXPECT_EQ(test, dmag_pcp_frames(group), 0);
	KUNIT_EXPECT_EQ(test, group->core.frames.used, 0);
	KUNIT_EXPECT_EQ(test, group->core.frames.free, group->core.base.min);
	dmag_claim_unlock();
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/*
 * Another mask, another group: buffers go back to the group that they came from,
 * which ends with the last one, caches and all.
 */
static void test_mask_change(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_device(test, "dmag-pcp-mask", LIMIT_30);
	struct dmag_kgroup *old = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);

	await_caches(test, dev);
	hoard_fill(hoard, GFP_KERNEL, 4);
	KUNIT_ASSERT_EQ(test, hoard->nr, 4);
	KUNIT_EXPECT_GT(test, dmag_pcp_frames(old), 0);
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, LIMIT_29), 0);
	KUNIT_EXPECT_PTR_NE(test, group_of(dev), old);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);
	hoard_free(hoard, 0);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 1);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Counts outlive the caches of a group that ends. */
static void test_retired_counts(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-end", SZ_128M);
	struct dmag_kgroup *group = group_of(dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_4K);
	u64 retired = dmag_retired[DMAG_NR_ALLOC];
	u64 got;

	hoard_fill(hoard, GFP_KERNEL, 100);
	hoard_free(hoard, 0);
	got = counted(group, DMAG_NR_ALLOC);
	KUNIT_EXPECT_GE(test, got, 100);
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, dmag_retired[DMAG_NR_ALLOC], retired + got);
}

/* The frames that a device holds are known, whichever CPUs it works on. */
static void test_held(struct kunit *test)
{
	struct device *dev = cached_device(test, "dmag-pcp-held", SZ_128M);
	struct hoard *hoard = hoard_make(test, dev, SZ_8K);
	struct dmag_device *member;

	on_cpu(test, 0, hoard, 8, 8);
	on_cpu(test, last_cpu(), hoard, 8, 3);
	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	KUNIT_EXPECT_EQ(test, dmag_device_held(member), 6);
	rcu_read_unlock();
	hoard_free(hoard, 0);
	rcu_read_lock();
	member = rcu_dereference(dev->dmag);
	KUNIT_EXPECT_EQ(test, dmag_device_held(member), 0);
	rcu_read_unlock();
	kunit_device_unregister(test, dev);
}

static struct kunit_case pcp_cases[] = {
	KUNIT_CASE(test_counts),      KUNIT_CASE(test_orders),
	KUNIT_CASE(test_double_free), KUNIT_CASE(test_marked_page),
	KUNIT_CASE(test_atomic_last), KUNIT_CASE(test_idle),
	KUNIT_CASE(test_pause),	      KUNIT_CASE(test_out_of_memory),
	KUNIT_CASE(test_mask_change), KUNIT_CASE(test_retired_counts),
	KUNIT_CASE(test_held),	      {},
};

static struct kunit_suite pcp_suite = {
	.name = "dmag_pcp",
	.init = dmag_test_init,
	.test_cases = pcp_cases,
};

kunit_test_suite(pcp_suite);
