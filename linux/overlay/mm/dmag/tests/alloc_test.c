// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of allocation and freeing, through the DMA API wherever it can
 * express the case.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../candidate.h"
#include "../map.h"
#include "helpers.h"

#define BURST 64

static void test_atomic(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-atomic", LIMIT_30);
	static DEFINE_SPINLOCK(lock);
	dma_addr_t dma[BURST];
	void *buf[BURST];
	unsigned long flags;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group_of(dev)));
	spin_lock_irqsave(&lock, flags);
	for (int i = 0; i < BURST; i++)
		buf[i] = dma_alloc_coherent(dev, SZ_4K, &dma[i], GFP_ATOMIC);
	spin_unlock_irqrestore(&lock, flags);
	for (int i = 0; i < BURST; i++) {
		expect_good(test, dev, buf[i], dma[i], SZ_4K);
		dma_free_coherent(dev, SZ_4K, buf[i], dma[i]);
	}
	KUNIT_EXPECT_EQ(test, counted(group_of(dev), DMAG_NR_ALLOC_ATOMIC),
			BURST);
	kunit_device_unregister(test, dev);
}

/* I3 both ways: atomic requests take the last frame, blocking ones do not. */
static void test_atomic_last_frame(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-last", LIMIT_29);
	struct dmag_kgroup *group = group_of(dev);
	struct dmag_request req = DMAG_REQUEST(1);
	unsigned long flags, nr = 0;
	u64 *pfn = kunit_kcalloc(test, SZ_64K, sizeof(*pfn), GFP_KERNEL);
	u64 extra;
	int blocking;

	KUNIT_ASSERT_NOT_NULL(test, pfn);
	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	spin_lock_irqsave(&group->lock, flags);
	while (!dmag_group_get(&group->core, &req, false, &pfn[nr]))
		nr++;
	blocking = group->core.frames.free == group->core.marks.min;
	while (!dmag_group_get(&group->core, &req, true, &pfn[nr]))
		nr++;
	KUNIT_EXPECT_EQ(test, dmag_group_get(&group->core, &req, true, &extra),
			-ENOMEM);
	while (nr)
		if (dmag_group_put(&group->core, pfn[--nr], 1))
			blocking = false;
	spin_unlock_irqrestore(&group->lock, flags);
	KUNIT_EXPECT_TRUE(test, blocking);
	kunit_device_unregister(test, dev);
}

/* A small part of a zone has a small part of the zone's watermark. */
static void test_zones_keep(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-part", DMA_BIT_MASK(25));
	struct dmag_kgroup *group = joined_group(test, dev);

	KUNIT_EXPECT_GT(test, dmag_candidate_zones_keep(group), 0);
	KUNIT_EXPECT_LT(test, dmag_candidate_zones_keep(group),
			group->core.base.min / 4);
	kunit_device_unregister(test, dev);
}

/*
 * Of a small zone min is more than the zone itself would keep, and a request that may
 * wait has that before it fails.
 */
static void test_below_min(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-below", DMA_BIT_MASK(24));
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);
	u64 fails;

	KUNIT_ASSERT_TRUE(test, reserve_fills_up(group));
	KUNIT_EXPECT_LT(test, dmag_candidate_zones_keep(group),
			group->core.base.min / 4);
	hoard_fill(hoard, GFP_KERNEL, 1024);
	KUNIT_EXPECT_LT(test, hoard->nr, 1024);
	KUNIT_EXPECT_LT(test, READ_ONCE(group->core.frames.free),
			group->core.marks.min / 2);

	/* Others of that size do not climb first, for a while. */
	hoard_free(hoard, hoard->nr - 4);
	WRITE_ONCE(group->vain_until, jiffies + 60 * HZ);
	fails = group->counter[DMAG_NR_CLAIM_FAIL];
	hoard_fill(hoard, GFP_KERNEL, hoard->nr + 4);
	KUNIT_EXPECT_EQ(test, group->counter[DMAG_NR_CLAIM_FAIL], fails);
	hoard_free(hoard, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

struct free_job {
	struct irq_work work;
	struct completion done;
	struct device *dev;
	struct page *page;
	dma_addr_t dma;
	bool in_irq;
};

/* A real-time kernel frees pages in a thread, not in a hard interrupt. */
static void free_in_irq(struct irq_work *work)
{
	struct free_job *job = container_of(work, struct free_job, work);

	job->in_irq = in_hardirq();
	dma_free_pages(job->dev, SZ_64K, job->page, job->dma, DMA_FROM_DEVICE);
	complete(&job->done);
}

static void test_free_in_irq(struct kunit *test)
{
	struct free_job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	struct dmag_kgroup *group;
	u64 used;

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->dev = make_device(test, "dmag-irq", LIMIT_30);
	job->page = dma_alloc_pages(job->dev, SZ_64K, &job->dma,
				    DMA_FROM_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job->page);
	group = group_of(job->dev);
	used = frames_used(group);
	init_completion(&job->done);
	job->work = IS_ENABLED(CONFIG_PREEMPT_RT) ?
			    IRQ_WORK_INIT(free_in_irq) :
			    IRQ_WORK_INIT_HARD(free_in_irq);
	irq_work_queue(&job->work);
	wait_for_completion(&job->done);
	irq_work_sync(&job->work);
	KUNIT_EXPECT_EQ(test, job->in_irq, !IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_EQ(test, frames_used(group), used - 16);
	kunit_device_unregister(test, job->dev);
}

static void test_other_calls(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-calls", LIMIT_29);
	struct dmag_kgroup *group = group_of(dev);
	dma_addr_t dma[3];
	struct page *page;
	void *cookie, *buf;

	cookie = dma_alloc_attrs(dev, SZ_8K, &dma[0], GFP_KERNEL,
				 DMA_ATTR_NO_KERNEL_MAPPING);
	page = dma_alloc_pages(dev, SZ_16K, &dma[1], DMA_BIDIRECTIONAL,
			       GFP_KERNEL);
	buf = dma_alloc_noncoherent(dev, SZ_32K, &dma[2], DMA_TO_DEVICE,
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cookie);
	KUNIT_ASSERT_NOT_NULL(test, page);
	expect_good(test, dev, buf, dma[2], SZ_32K);
	expect_good(test, dev, page_address(page), dma[1], SZ_16K);
	KUNIT_EXPECT_LE(test, dma[0] + SZ_8K - 1, LIMIT_29);
	KUNIT_EXPECT_EQ(test, frames_used(group), 2 + 4 + 8);
	dma_free_attrs(dev, SZ_8K, cookie, dma[0], DMA_ATTR_NO_KERNEL_MAPPING);
	dma_free_pages(dev, SZ_16K, page, dma[1], DMA_BIDIRECTIONAL);
	dma_free_noncoherent(dev, SZ_32K, buf, dma[2], DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	kunit_device_unregister(test, dev);
}

/* Sixteen times what the buddy allocator can give in one piece, and odd sizes. */
static void test_sizes(struct kunit *test)
{
	static const size_t sizes[] = { 1,	   SZ_4K + 1,
					3 * SZ_4K, SZ_1M + SZ_4K,
					SZ_4M,	   SZ_8M,
					5 * SZ_2M, SZ_64M };
	struct device *dev = make_device(test, "dmag-sizes", LIMIT_30);

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		dma_addr_t dma;
		void *buf = dma_alloc_coherent(dev, sizes[i], &dma, GFP_KERNEL);

		expect_good(test, dev, buf, dma, sizes[i]);
		KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)),
				PFN_UP(sizes[i]));
		memset(buf, 0xa5, sizes[i]);
		dma_free_coherent(dev, sizes[i], buf, dma);
		KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 0);
	}
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Large buffers, for which the reach has no place at natural alignment. */
static void test_unaligned(struct kunit *test)
{
	static const size_t sizes[] = { SZ_32M, SZ_32M + SZ_4K };
	const struct bus_dma_region map[] = {
		{ .cpu_start = BASE + SZ_16M, .size = SZ_32M + 14 * SZ_1M },
		{},
	};
	struct device *dev = bare_device(test, "dmag-unaligned");

	set_map(test, dev, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(32)), 0);
	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		dma_addr_t dma;
		void *buf = dma_alloc_coherent(dev, sizes[i], &dma, GFP_KERNEL);

		expect_good(test, dev, buf, dma, sizes[i]);
		dma_free_coherent(dev, sizes[i], buf, dma);
	}
	KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* An impossible request fails, and leaves everything as it was. */
static void test_too_large(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-large", LIMIT_29);
	dma_addr_t dma;

	KUNIT_EXPECT_NULL(test, dma_alloc_coherent(dev, SZ_1G, &dma,
						   GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static void test_bad_free(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bad", LIMIT_30);
	struct dmag_kgroup *group = group_of(dev);
	struct page *page, *foreign;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_8K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);

	/* More than there is, more than was allocated, nothing, and the same twice. */
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, 1ULL << 63));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_64M));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_16K));
	KUNIT_EXPECT_EQ(test, frames_used(group), 2);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, 0));
	KUNIT_EXPECT_EQ(test, frames_used(group), 2);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);

	/* The page allocator's own page is not ours to take. */
	foreign = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	KUNIT_EXPECT_FALSE(test, dmag_free_pages(dev, foreign, PAGE_SIZE));
	__free_page(foreign);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The page that was freed last is in no reserve. */
static void expect_left(struct kunit *test, struct dmag_kgroup *group,
			struct page *page)
{
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	KUNIT_EXPECT_EQ(
		test, dmag_frames_state(&group->core.frames, page_to_pfn(page)),
		DMAG_FOREIGN);
}

/* A page that is still referenced must not reach the next device. */
static void test_held_page(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-held", LIMIT_29);
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_4K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page);
	dma_free_pages(dev, SZ_4K, page, dma, DMA_TO_DEVICE);
	expect_left(test, group_of(dev), page);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The contents of a buffer do not stay in the reserve. */
static void test_init_on_free(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-init", LIMIT_29);
	struct page *page;
	dma_addr_t dma;

	if (!want_init_on_free())
		kunit_skip(test, "no init_on_free");
	page = dma_alloc_pages(dev, SZ_8K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page_address(page), 0xa5, SZ_8K);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_64M));
	KUNIT_EXPECT_FALSE(test, all_zero(page_address(page), SZ_8K));
	dma_free_pages(dev, SZ_8K, page, dma, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, group_of(dev)->core.frames.used, 0);
	KUNIT_EXPECT_TRUE(test, all_zero(page_address(page), SZ_8K));
	kunit_device_unregister(test, dev);
}

static bool owned_block(struct page *page)
{
	bool ret;

	rcu_read_lock();
	ret = dmag_owner(page_to_pfn(page));
	rcu_read_unlock();
	return ret;
}

/* A block that left the group by such pages is any group's to claim. */
static void test_held_block(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-held-block", LIMIT_29);
	const size_t size = DMAG_BLOCK_FRAMES << PAGE_SHIFT;
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, size, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, owned_block(page));
	get_page(page);
	dma_free_pages(dev, size, page, dma, DMA_TO_DEVICE);
	expect_left(test, group_of(dev), page);
	KUNIT_EXPECT_TRUE(test, eventually(!owned_block(page)));
	put_page(page);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

#ifdef CONFIG_MEMORY_FAILURE
/* Give a broken page, of which no reference is left, back to the page allocator. */
static void unbury(struct kunit *test, struct page *page)
{
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 0);
	ClearPageHWPoison(page);
	init_page_count(page);
	__free_page(page);
}

/* A page that the device had, and has freed. */
static struct page *freed_page(struct kunit *test, struct device *dev)
{
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_4K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	dma_free_pages(dev, SZ_4K, page, dma, DMA_TO_DEVICE);
	return page;
}

/* A page whose memory is broken goes to the page allocator, which buries it. */
static void test_broken_page(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-broken", LIMIT_29);
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_8K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	SetPageHWPoison(page);
	dma_free_pages(dev, SZ_8K, page, dma, DMA_TO_DEVICE);
	expect_left(test, group_of(dev), page);
	KUNIT_EXPECT_FALSE(test, PageBuddy(page));
	expect_valid(test);
	kunit_device_unregister(test, dev);
	unbury(test, page);
}

/* Whatever the reserve gives, it is not the page. */
static void expect_not_given(struct kunit *test, struct device *dev,
			     const struct page *page)
{
	struct hoard *hoard = hoard_make(test, dev, PAGE_SIZE);

	hoard_fill(hoard, GFP_ATOMIC, ARRAY_SIZE(hoard->page));
	KUNIT_EXPECT_GT(test, hoard->nr, 0);
	for (unsigned int i = 0; i < hoard->nr; i++)
		KUNIT_EXPECT_PTR_NE(test, hoard->page[i], page);
	hoard_free(hoard, 0);
}

/* A frame that was marked on its way into the reserve is not handed out. */
static void test_broken_frame(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-broken-frame", LIMIT_29);
	struct page *page = freed_page(test, dev);

	SetPageHWPoison(page);
	num_poisoned_pages_inc(page_to_pfn(page));
	expect_not_given(test, dev, page);
	expect_left(test, group_of(dev), page);
	num_poisoned_pages_sub(page_to_pfn(page), 1);
	expect_valid(test);
	kunit_device_unregister(test, dev);
	unbury(test, page);
}

/* A free frame that breaks leaves the reserve at once, and can come back. */
static void test_memory_failure(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-failure", LIMIT_29);
	struct page *page = freed_page(test, dev);

	KUNIT_EXPECT_EQ(test,
			memory_failure(page_to_pfn(page), MF_SW_SIMULATED), 0);
	expect_left(test, group_of(dev), page);
	expect_not_given(test, dev, page);
	expect_valid(test);
	KUNIT_EXPECT_EQ(test, unpoison_memory(page_to_pfn(page)), 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}
#else
static void test_broken_page(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
}

static void test_broken_frame(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
}

static void test_memory_failure(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
}
#endif

/* The last buffer of a group without members takes the group along. */
static void test_held_last(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_device(test, "dmag-held-last", LIMIT_29);
	struct page *page;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_4K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	get_device(dev);
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 1);
	get_page(page);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_4K));
	put_device(dev);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE(test_atomic),	 KUNIT_CASE(test_atomic_last_frame),
	KUNIT_CASE(test_free_in_irq),	 KUNIT_CASE(test_other_calls),
	KUNIT_CASE(test_sizes),		 KUNIT_CASE(test_unaligned),
	KUNIT_CASE(test_too_large),	 KUNIT_CASE(test_bad_free),
	KUNIT_CASE(test_held_page),	 KUNIT_CASE(test_held_block),
	KUNIT_CASE(test_broken_page),	 KUNIT_CASE(test_broken_frame),
	KUNIT_CASE(test_memory_failure), KUNIT_CASE(test_held_last),
	KUNIT_CASE(test_init_on_free),	 KUNIT_CASE(test_below_min),
	KUNIT_CASE(test_zones_keep),	 {},
};

static struct kunit_suite alloc_suite = {
	.name = "dmag_alloc",
	.init = dmag_test_init,
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
