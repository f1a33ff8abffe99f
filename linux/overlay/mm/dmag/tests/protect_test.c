// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of protected capacity.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/sizes.h>

#include "../map.h"
#include "helpers.h"

static u64 first_protected(struct dmag_kgroup *group)
{
	for (u64 pfn = PHYS_PFN(BASE); pfn < PHYS_PFN(BASE + SZ_256M);
	     pfn += pageblock_nr_pages)
		if (dmag_protector(pfn) == group)
			return pfn;
	return 0;
}

static void test_protect(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-protect", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_1M);
	struct page *page;

	KUNIT_EXPECT_EQ(test, group->goal, PHYS_PFN(SZ_32M));
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	dmag_claim_lock();
	page = pfn_to_page(first_protected(group));
	dmag_claim_unlock();
	KUNIT_EXPECT_TRUE(test, is_migrate_cma_page(page));

	/* The group itself may have all of it, and it stays protected. */
	hoard_fill(hoard, GFP_KERNEL, 120);
	KUNIT_EXPECT_EQ(test, hoard->nr, 120);
	expect_valid(test);
	hoard_free(hoard, 0);
	KUNIT_EXPECT_EQ(test, group->protected, group->goal);
	expect_valid(test);

	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_TRUE(test, eventually(!is_migrate_cma_page(page)));
}

/*
 * All that a device reaches is protected for another one's group.  Without groups its
 * atomic requests would have that memory.
 */
static void test_atomic_beside(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-protect", SZ_128M);
	struct device *beside = bare_device(test, "dmag-beside");
	struct dmag_kgroup *group = joined_group(test, dev);
	struct bus_dma_region map[] = { {}, {} };
	dma_addr_t dma;
	void *buf;

	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	dmag_claim_lock();
	map[0].cpu_start = PFN_PHYS(first_protected(group));
	dmag_claim_unlock();
	map[0].size = pageblock_nr_pages << PAGE_SHIFT;
	set_map(test, beside, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(beside, DMA_BIT_MASK(32)),
			0);
	buf = dma_alloc_coherent(beside, SZ_64K, &dma, GFP_ATOMIC);
	expect_good(test, beside, buf, dma, SZ_64K);
	KUNIT_EXPECT_EQ(test, frames_used(group_of(beside)), 0);
	dma_free_coherent(beside, SZ_64K, buf, dma);
	expect_valid(test);
	kunit_device_unregister(test, beside);
	kunit_device_unregister(test, dev);
}

/*
 * An alloc_contig_range() of another caller that fails may lift the isolation of a
 * protected pageblock that is being claimed.  It is movable then, and its
 * protection ends.
 */
static void test_isolation_lifted(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-lifted", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	unsigned long cma;
	struct dmag_range range;

	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	dmag_claim_lock();
	cma = totalcma_pages;
	range.start = first_protected(group);
	range.last = range.start + pageblock_nr_pages - 1;
	KUNIT_EXPECT_EQ(test,
			start_isolate_page_range(range.start, range.last + 1,
						 MIGRATE_CMA, 0, GFP_KERNEL),
			0);
	undo_isolate_page_range(range.start, range.last + 1, MIGRATE_MOVABLE);
	dmag_restore_types(&range);
	KUNIT_EXPECT_NULL(test, dmag_protector(range.start));
	KUNIT_EXPECT_EQ(test, group->protected,
			group->goal - pageblock_nr_pages);
	KUNIT_EXPECT_EQ(test, totalcma_pages, cma - pageblock_nr_pages);
	dmag_claim_unlock();
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Runs, of protected pageblocks and of others; all keep their types. */
static void test_protect_run(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-run", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_16M);

	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	hoard_fill(hoard, GFP_KERNEL, 6);
	KUNIT_EXPECT_EQ(test, hoard->nr, 6);
	expect_valid(test);
	hoard_free(hoard, 0);
	dmag_claim_lock();
	for (u64 pfn = PHYS_PFN(BASE); pfn < PHYS_PFN(BASE + SZ_128M);
	     pfn += pageblock_nr_pages)
		KUNIT_EXPECT_EQ(test, dmag_protector(pfn) == group,
				is_migrate_cma_page(pfn_to_page(pfn)));
	dmag_claim_unlock();
	kunit_device_unregister(test, dev);
}

static unsigned int nr_protected_by(const struct hoard *hoard,
				    const struct dmag_kgroup *group)
{
	unsigned int nr = 0;

	dmag_claim_lock();
	for (unsigned int i = 0; i < hoard->nr; i++)
		nr += dmag_protector(page_to_pfn(hoard->page[i])) == group;
	dmag_claim_unlock();
	return nr;
}

/* The worker must not refill the reserve in the process. */
static void burst(struct hoard *hoard, unsigned int most)
{
	dmag_claim_lock();
	hoard_fill(hoard, GFP_NOWAIT, most);
	dmag_claim_unlock();
}

/*
 * Requests that may not wait, and that the reserve and the zones refuse, get protected
 * memory that is free.
 */
static void test_protect_atomic(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-burst", SZ_128M);
	struct dmag_kgroup *group = joined_group(test, dev);
	struct hoard *hoard = hoard_make(test, dev, SZ_512K);

	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	burst(hoard, 256);
	KUNIT_EXPECT_GT(test, nr_protected_by(hoard, group),
			group->goal / PHYS_PFN(SZ_512K) / 2);
	for (unsigned int i = 0; i < hoard->nr; i++) {
		phys_addr_t phys = page_to_phys(hoard->page[i]);

		KUNIT_EXPECT_TRUE(test, dma_coherent_ok(dev, phys, SZ_512K));
	}
	expect_valid(test);
	hoard_free(hoard, 0);
	KUNIT_EXPECT_EQ(test, group->protected, group->goal);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

#ifdef CONFIG_MEMORY_HOTPLUG
/* Pageblocks that were added after boot are no CMA pages of their zone. */
static void test_protect_added(struct kunit *test)
{
	struct mem_section *section = __pfn_to_section(PHYS_PFN(BASE));
	struct zone *zone = page_zone(pfn_to_page(PHYS_PFN(BASE)));
	unsigned long before = zone->cma_pages, total = totalcma_pages;
	struct dmag_kgroup *group;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, SZ_128M, 1UL << SECTION_SIZE_BITS);
	KUNIT_ASSERT_TRUE(test, early_section(section));
	section->section_mem_map &= ~SECTION_IS_EARLY;
	dev = device_reaching(test, "dmag-added", SZ_128M);
	group = joined_group(test, dev);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	KUNIT_EXPECT_EQ(test, totalcma_pages, total + group->goal);
	KUNIT_EXPECT_EQ(test, zone->cma_pages, before);
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_TRUE(test, eventually(totalcma_pages == total));
	KUNIT_EXPECT_EQ(test, zone->cma_pages, before);
	section->section_mem_map |= SECTION_IS_EARLY;
}
#else
static void test_protect_added(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMORY_HOTPLUG");
}
#endif

#ifdef CONFIG_DMA_CMA
/* Whether the largest free blocks of the area are behind all others of MIGRATE_CMA. */
static bool area_comes_last(const struct cma *area)
{
	phys_addr_t base = cma_get_base(area);
	struct zone *zone = page_zone(pfn_to_page(PHYS_PFN(base)));
	bool seen = false, last = true;
	unsigned long flags;
	struct page *page;

	spin_lock_irqsave(&zone->lock, flags);
	list_for_each_entry(
		page, &zone->free_area[MAX_PAGE_ORDER].free_list[MIGRATE_CMA],
		buddy_list) {
		bool inside = page_to_phys(page) >= base &&
			      page_to_phys(page) - base < cma_get_size(area);

		last &= inside || !seen;
		seen |= inside;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return seen && last;
}

/* Movable pages fill protected memory before the default area. */
static void test_area_last(struct kunit *test)
{
	const struct cma *area = dma_contiguous_default_area;
	struct dmag_kgroup *group;
	struct device *dev;

	if (!area)
		kunit_skip(test, "there is no default area: boot with cma=");
	dev = device_reaching(test, "dmag-area-last", SZ_128M);
	group = joined_group(test, dev);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(group->protected) >=
					   group->goal));
	/* The worker's round, which protects, is over. */
	dmag_claim_lock();
	dmag_claim_unlock();
	KUNIT_EXPECT_TRUE(test, area_comes_last(area));
	kunit_device_unregister(test, dev);
}
#else
static void test_area_last(struct kunit *test)
{
	kunit_skip(test, "there is no default area without DMA_CMA");
}
#endif

static struct kunit_case protect_cases[] = {
	KUNIT_CASE(test_protect),	   KUNIT_CASE(test_atomic_beside),
	KUNIT_CASE(test_isolation_lifted), KUNIT_CASE(test_protect_run),
	KUNIT_CASE(test_protect_atomic),   KUNIT_CASE(test_protect_added),
	KUNIT_CASE(test_area_last),	   {},
};

static struct kunit_suite protect_suite = {
	.name = "dmag_protect",
	.init = dmag_test_init,
	.test_cases = protect_cases,
};

kunit_test_suite(protect_suite);
