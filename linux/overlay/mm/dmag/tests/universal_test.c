// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of devices that reach all memory: their group has no reserve, and
 * claims for requests that the zones did not serve.  dmag_settle_pages() without
 * pages stands for zones that are fragmented.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../candidate.h"
#include "../map.h"
#include "helpers.h"

#include <trace/events/dmag.h>

static struct device *make_universal(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-all", DMA_BIT_MASK(64));

	KUNIT_ASSERT_EQ(test, group_of(dev)->service, DMAG_UNIVERSAL);
	return dev;
}

static struct dmag_kgroup *owner_of(const struct page *page)
{
	struct dmag_kgroup *owner;

	rcu_read_lock();
	owner = dmag_owner(page_to_pfn(page));
	rcu_read_unlock();
	return owner;
}

/* The group has nothing left, and the worker has forgotten what it had. */
static void expect_nothing_kept(struct kunit *test, struct dmag_kgroup *group,
				const struct page *page)
{
	KUNIT_EXPECT_EQ(test, frames_used(group), 0);
	KUNIT_EXPECT_EQ(test, group->core.frames.free, 0);
	KUNIT_EXPECT_TRUE(test, eventually(!owner_of(page)));
	expect_valid(test);
}

/*
 * More than the page allocator gives in one piece.  It would warn if it were asked
 * for that, so the judge of the log is a part of this test.
 */
static void test_large(struct kunit *test)
{
	static const size_t sizes[] = { SZ_4M + SZ_4K, SZ_16M + SZ_8M,
					SZ_64M + 11 * SZ_1M };
	struct device *dev = make_universal(test);
	struct dmag_kgroup *group = group_of(dev);

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		dma_addr_t dma;
		void *buf = dma_alloc_coherent(dev, sizes[i], &dma, GFP_KERNEL);

		expect_good(test, dev, buf, dma, sizes[i]);
		KUNIT_EXPECT_EQ(test, frames_used(group), PFN_UP(sizes[i]));
		memset(buf, 0xa5, sizes[i]);
		dma_free_coherent(dev, sizes[i], buf, dma);
		expect_nothing_kept(test, group, virt_to_page(buf));
	}
	kunit_device_unregister(test, dev);
}

static void test_too_large(struct kunit *test)
{
	struct device *dev = make_universal(test);
	u64 fails = group_of(dev)->counter[DMAG_NR_ALLOC_FAIL];
	dma_addr_t dma;

	KUNIT_EXPECT_NULL(test, dma_alloc_coherent(dev, SZ_2G, &dma,
						   GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_EQ(test, frames_used(group_of(dev)), 0);
	KUNIT_EXPECT_GT(test, group_of(dev)->counter[DMAG_NR_ALLOC_FAIL],
			fails);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* The group keeps nothing of a buffer that is freed. */
static void test_zones_failed(struct kunit *test)
{
	static const gfp_t gfp[] = { GFP_KERNEL, GFP_KERNEL | __GFP_NORETRY,
				     GFP_KERNEL | __GFP_THISNODE, GFP_NOFS,
				     GFP_NOIO };
	struct device *dev = make_universal(test);
	struct dmag_kgroup *group = group_of(dev);

	for (int i = 0; i < ARRAY_SIZE(gfp); i++) {
		struct page *page;

		page = dmag_settle_pages(dev, SZ_512K, gfp[i], NULL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_EXPECT_PTR_EQ(test, owner_of(page), group);
		KUNIT_EXPECT_EQ(test, frames_used(group),
				SZ_512K >> PAGE_SHIFT);
		KUNIT_EXPECT_EQ(test, held_by(dev), SZ_512K >> PAGE_SHIFT);
		expect_valid(test);
		KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_512K));
		KUNIT_EXPECT_EQ(test, held_by(dev), 0);
		expect_nothing_kept(test, group, page);
	}
	kunit_device_unregister(test, dev);
}

/* The group would keep all that a claim brings besides, whatever rung serves it. */
static void test_claims_exactly(struct kunit *test)
{
	struct dmag_request req = DMAG_REQUEST(SZ_512K >> PAGE_SHIFT);
	struct device *dev = make_universal(test);
	struct dmag_kgroup *group = group_of(dev);
	struct dmag_range best = {};

	req.within.last = group->core.reach.seg[group->core.reach.nr - 1].last;
	dmag_claim_lock();
	group->effort = (struct dmag_effort){ .until = jiffies + HZ,
					      .most_moves = LONG_MAX,
					      .node = NUMA_NO_NODE };
	KUNIT_EXPECT_EQ(
		test,
		dmag_candidate_find(group, &req, DMAG_CLAIM_MIGRATE, &best), 0);
	dmag_claim_unlock();
	KUNIT_EXPECT_EQ(test, best.last - best.start + 1, req.count);
	kunit_device_unregister(test, dev);
}

/* NULL if a page that cannot be taken, and so cannot move, lies there already. */
static struct page *take_page(unsigned long address)
{
	unsigned long pfn = PHYS_PFN(address);

	return alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE, GFP_KERNEL) ?
		       NULL :
		       pfn_to_page(pfn);
}

/* An opportunistic climb in vain spares others of that size the same, for a while. */
static void test_in_vain(struct kunit *test)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct device *dev = make_universal(test);
	struct dmag_kgroup *group = group_of(dev);
	struct page *taken[] = { take_page(SZ_512M + SZ_256M),
				 take_page(SZ_1G + SZ_256M) };
	struct page *page;
	u64 fails;

	KUNIT_EXPECT_NULL(test, dmag_settle_pages(dev, SZ_512M, gfp, NULL));
	fails = group->counter[DMAG_NR_CLAIM_FAIL];
	KUNIT_EXPECT_GT(test, fails, 0);
	KUNIT_EXPECT_NULL(test, dmag_settle_pages(dev, SZ_512M, gfp, NULL));
	KUNIT_EXPECT_EQ(test, group->counter[DMAG_NR_CLAIM_FAIL], fails);
	page = dmag_settle_pages(dev, SZ_64K, gfp, NULL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_64K));
	msleep(500);
	KUNIT_EXPECT_NULL(test, dmag_settle_pages(dev, SZ_512M, gfp, NULL));
	KUNIT_EXPECT_GT(test, group->counter[DMAG_NR_CLAIM_FAIL], fails);
	for (int i = 0; i < ARRAY_SIZE(taken); i++)
		if (taken[i])
			__free_page(taken[i]);
	kunit_device_unregister(test, dev);
}

/* Requests that cannot wait get nothing that they did not get before. */
static void test_atomic(struct kunit *test)
{
	struct device *dev = make_universal(test);
	u64 claims = group_of(dev)->counter[DMAG_NR_CLAIM];

	KUNIT_EXPECT_NULL(test,
			  dmag_settle_pages(dev, SZ_64K,
					    GFP_ATOMIC | __GFP_NOWARN, NULL));
	KUNIT_EXPECT_NULL(test,
			  dmag_settle_pages(dev, SZ_64K,
					    GFP_NOWAIT | __GFP_NOWARN, NULL));
	KUNIT_EXPECT_EQ(test, group_of(dev)->counter[DMAG_NR_CLAIM], claims);
	kunit_device_unregister(test, dev);
}

/* A page of a buffer that is still referenced is not freed with the rest. */
static void test_free_with_neighbour(struct kunit *test)
{
	struct device *dev = make_universal(test);
	struct dmag_kgroup *group = group_of(dev);
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;
	struct page *page;

	page = dmag_settle_pages(dev, SZ_64K, GFP_KERNEL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page + 1);
	spin_lock_irqsave(&lock, flags);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_64K));
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, page_ref_count(page + 1), 1);
	/* The group does not own it any more. */
	KUNIT_EXPECT_FALSE(test, dmag_free_pages(dev, page + 1, SZ_4K));
	put_page(page + 1);
	expect_nothing_kept(test, group, page);
	kunit_device_unregister(test, dev);
}

static void test_outlives_member(struct kunit *test)
{
	unsigned int before = nr_groups();
	struct device *dev = make_universal(test);
	struct device *other = make_device(test, "dmag-low", LIMIT_30);
	struct page *page;

	page = dmag_settle_pages(dev, SZ_64K, GFP_KERNEL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	kunit_device_unregister(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, owner_of(page));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(other, page, SZ_64K));
	KUNIT_EXPECT_TRUE(test, eventually(!owner_of(page)));
	kunit_device_unregister(test, other);
	KUNIT_EXPECT_TRUE(test, groups_retire());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
	expect_valid(test);
}

static void count_candidates(void *data, int group, u64 count,
			     unsigned int rung, unsigned int candidates,
			     bool found)
{
	*(unsigned int *)data += candidates;
}

/* How many candidates are looked at to find that there is none below @end. */
static unsigned int looks_in_vain(struct kunit *test, struct dmag_kgroup *group,
				  u64 end)
{
	struct dmag_request req = DMAG_REQUEST(PHYS_PFN(SZ_128M));
	unsigned int looks = 0, before, nr;
	struct dmag_range best;
	int ret;

	req.align = DMAG_BLOCK_FRAMES;
	req.within.start = PHYS_PFN(BASE);
	req.within.last = PHYS_PFN(end) - 1;
	KUNIT_EXPECT_EQ(test,
			register_trace_dmag_scan(count_candidates, &looks), 0);
	dmag_claim_lock();
	group->effort = (struct dmag_effort){ .until = jiffies + 60 * HZ,
					      .most_moves = LONG_MAX,
					      .node = NUMA_NO_NODE };
	before = looks;
	ret = dmag_candidate_find(group, &req, DMAG_CLAIM_RECLAIM, &best);
	nr = looks - before; /* by this scan alone, for it has both mutexes */
	dmag_claim_unlock();
	unregister_trace_dmag_scan(count_candidates, &looks);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_EQ(test, ret, -EAGAIN);
	return nr;
}

/* Of 33 candidates that one page rules out, one is looked at. */
static void test_hopeless(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-hopeless", SZ_256M);
	struct dmag_kgroup *group = joined_group(test, dev);
	unsigned long held = PHYS_PFN(BASE + SZ_128M) - 1;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "there are no tracepoints");
	KUNIT_ASSERT_EQ(test,
			alloc_contig_range(held, held + 1, MIGRATE_MOVABLE,
					   GFP_KERNEL),
			0);
	KUNIT_EXPECT_EQ(test, looks_in_vain(test, group, BASE + SZ_128M), 1);
	KUNIT_EXPECT_EQ(test,
			looks_in_vain(test, group, BASE + SZ_128M + SZ_64M), 1);
	free_contig_range(held, 1);
	kunit_device_unregister(test, dev);
}

static struct kunit_case universal_cases[] = {
	KUNIT_CASE(test_large),		  KUNIT_CASE(test_too_large),
	KUNIT_CASE(test_zones_failed),	  KUNIT_CASE(test_in_vain),
	KUNIT_CASE(test_atomic),	  KUNIT_CASE(test_free_with_neighbour),
	KUNIT_CASE(test_outlives_member), KUNIT_CASE(test_claims_exactly),
	KUNIT_CASE(test_hopeless),	  {}
};

static struct kunit_suite universal_suite = {
	.name = "dmag_universal",
	.init = dmag_test_init,
	.test_cases = universal_cases,
};

kunit_test_suite(universal_suite);
