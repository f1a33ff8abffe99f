// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how groups fill, protect, wait and give back.
 *
 * Each has a group of its own: devices with windows in [256 MiB, 512 MiB),
 * memory that every guest has.  Where the worker must not interfere, the test
 * holds dmag_mutex.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/cma.h>
#include <linux/delay.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dmag.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/pagevec.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include "../../internal.h"
#include "../capture.h"
#include "../host.h"
#include "../kgroup.h"
#include "../map.h"
#include "../validate.h"

#define BASE SZ_256M

/* How often a test looks, each 50 ms, before it gives up: for a minute. */
#define LOOKS 1200

static struct device *device_reaching(struct kunit *test, const char *name,
				      u64 bytes)
{
	const struct bus_dma_region map[] = {
		{ .cpu_start = BASE, .dma_start = 0, .size = bytes },
		{},
	};
	struct device *dev;

	dev = kunit_device_register_with_driver(test, name, test->priv);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	dev->dma_range_map = kmemdup(map, sizeof(map), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev->dma_range_map);
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(32)), 0);
	return dev;
}

/* Its group stays as long as the device, which is not unbound meanwhile. */
static struct dmag_kgroup *group_of(struct kunit *test, struct device *dev)
{
	struct dmag_kgroup *g = NULL;
	struct dmag_device *d;

	rcu_read_lock();
	d = rcu_dereference(dev->dmag);
	if (d)
		g = d->group;
	rcu_read_unlock();
	KUNIT_ASSERT_NOT_NULL(test, g);
	return g;
}

static void expect_valid(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, dmag_validate() ?: "ok", "ok");
}

/* Buffers of one device. */
struct hoard {
	struct device *dev;
	size_t size;
	unsigned int nr;
	struct page *page[1024];
};

static struct hoard *make_hoard(struct kunit *test, struct device *dev,
				size_t size)
{
	struct hoard *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->dev = dev;
	h->size = size;
	return h;
}

/* Until @most or refused. */
static void hoard(struct hoard *h, gfp_t gfp, unsigned int most)
{
	while (h->nr < most) {
		struct page *page;
		dma_addr_t dma;

		page = dma_alloc_pages(h->dev, h->size, &dma, DMA_TO_DEVICE,
				       gfp | __GFP_NOWARN);
		if (!page)
			return;
		h->page[h->nr++] = page;
	}
}

static void unhoard(struct hoard *h, unsigned int least)
{
	while (h->nr > least) {
		struct page *page = h->page[--h->nr];

		dma_free_pages(h->dev, h->size, page,
			       phys_to_dma(h->dev, page_to_phys(page)),
			       DMA_TO_DEVICE);
	}
}

/* ---- capture --------------------------------------------------------- */

/* Free a page as reclaim does; whether it was captured. */
static bool reclaimed(struct dmag_kgroup *g, struct page *page)
{
	u64 before = g->counter[DMAG_NR_CAPTURE_FRAMES];
	struct reclaim_state state = {};
	struct folio_batch batch;

	folio_batch_init(&batch);
	if (!folio_put_testzero(page_folio(page)))
		return false;
	folio_batch_add(&batch, page_folio(page));
	current->reclaim_state = &state;
	free_unref_folios(&batch);
	current->reclaim_state = NULL;
	return g->counter[DMAG_NR_CAPTURE_FRAMES] == before + 1;
}

/* A free pageblock of [@from, @to) bytes, as single pages. */
static struct page *take_block(struct kunit *test, u64 from, u64 to)
{
	for (u64 pfn = PHYS_PFN(from); pfn < PHYS_PFN(to);
	     pfn += pageblock_nr_pages)
		if (!alloc_contig_range(pfn, pfn + pageblock_nr_pages,
					MIGRATE_MOVABLE,
					GFP_KERNEL | __GFP_NOWARN))
			return pfn_to_page(pfn);
	KUNIT_FAIL_AND_ABORT(test, "no pageblock is free");
	return NULL;
}

static bool reached(const u64 *value, u64 goal)
{
	for (int i = 0; i < LOOKS && READ_ONCE(*value) < goal; i++)
		msleep(50);
	return READ_ONCE(*value) >= goal;
}

/* The first fill may have been cut off. */
static bool fill_reserve(struct dmag_kgroup *g)
{
	mutex_lock(&dmag_mutex);
	dmag_kgroup_fill(g, 60 * HZ);
	mutex_unlock(&dmag_mutex);
	return !dmag_group_shortage(&g->core);
}

/* An empty group that the worker has given up to fill: that is what hungry is. */
static void starve(struct dmag_kgroup *g)
{
	const struct dmag_retry never = { .backoff = HZ,
					  .at = jiffies + 60 * HZ };

	mutex_lock(&dmag_mutex);
	dmag_kgroup_unprotect(g);
	dmag_kgroup_release(g, 0, U64_MAX);
	g->fill = never;
	g->protect = never;
	dmag_kgroup_set_hungry(g, true);
	spin_lock_irq(&g->lock);
	g->core.marks = (struct dmag_marks){ 1, 2, 3 };
	spin_unlock_irq(&g->lock);
	mutex_unlock(&dmag_mutex);
	dmag_worker_kick();
}

static bool capturing(void)
{
	for (int i = 0; i < LOOKS && !static_key_enabled(&dmag_hungry_key); i++)
		msleep(50);
	return static_key_enabled(&dmag_hungry_key);
}

static void test_capture(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-capture", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, PAGE_SIZE);
	struct page *a, *b, *far;

	/* Not before it is hungry. */
	a = take_block(test, BASE, BASE + SZ_64M);
	KUNIT_EXPECT_FALSE(test, reclaimed(g, a++));
	starve(g);
	KUNIT_ASSERT_TRUE(test, capturing());
	/* Not outside of its reach. */
	far = take_block(test, BASE + SZ_128M, BASE + SZ_256M);
	KUNIT_EXPECT_FALSE(test, reclaimed(g, far++));
	/* Below min from any block. */
	KUNIT_EXPECT_TRUE(test, reclaimed(g, a++));
	KUNIT_EXPECT_TRUE(test, reached(&g->core.frames.free, 1));
	/* Above it from its own, up to high. */
	b = take_block(test, BASE + SZ_64M, BASE + SZ_128M);
	KUNIT_EXPECT_FALSE(test, reclaimed(g, b++));
	KUNIT_EXPECT_TRUE(test, reclaimed(g, a++));
	KUNIT_EXPECT_TRUE(test, reclaimed(g, a++));
	KUNIT_EXPECT_FALSE(test, reclaimed(g, a++));
	KUNIT_EXPECT_TRUE(test, reached(&g->core.frames.free, 3));

	free_contig_range(page_to_pfn(a), pageblock_nr_pages - 5);
	free_contig_range(page_to_pfn(b), pageblock_nr_pages - 1);
	free_contig_range(page_to_pfn(far), pageblock_nr_pages - 1);
	hoard(h, GFP_ATOMIC, 3);
	KUNIT_EXPECT_EQ(test, h->nr, 3);
	unhoard(h, 0);
	spin_lock_irq(&g->lock);
	g->core.marks = g->core.base;
	spin_unlock_irq(&g->lock);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* ---- protected capacity ---------------------------------------------- */

static u64 first_protected(struct dmag_kgroup *g)
{
	for (u64 pfn = PHYS_PFN(BASE); pfn < PHYS_PFN(BASE + SZ_256M);
	     pfn += pageblock_nr_pages)
		if (dmag_protector(pfn) == g)
			return pfn;
	return 0;
}

static void test_protect(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-protect", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, SZ_1M);
	struct page *page;

	KUNIT_EXPECT_EQ(test, g->goal, PHYS_PFN(SZ_32M));
	KUNIT_EXPECT_TRUE(test, reached(&g->protected, g->goal));
	page = pfn_to_page(first_protected(g));
	KUNIT_EXPECT_TRUE(test, is_migrate_cma_page(page));

	/* The group itself may have all of it, and it stays protected. */
	hoard(h, GFP_KERNEL, 120);
	KUNIT_EXPECT_EQ(test, h->nr, 120);
	expect_valid(test);
	unhoard(h, 0);
	KUNIT_EXPECT_EQ(test, g->protected, g->goal);
	expect_valid(test);

	kunit_device_unregister(test, dev);
	for (int i = 0; i < LOOKS && is_migrate_cma_page(page); i++)
		msleep(50);
	KUNIT_EXPECT_FALSE(test, is_migrate_cma_page(page));
}

/*
 * Someone whose alloc_contig_range() fails may lift the isolation of a protected
 * pageblock that is being claimed.  It is movable then, and so protected no more.
 */
static void test_isolation_lifted(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-lifted", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	unsigned long cma;
	struct dmag_range r;

	KUNIT_ASSERT_TRUE(test, reached(&g->protected, g->goal));
	mutex_lock(&dmag_mutex);
	cma = totalcma_pages;
	r.start = first_protected(g);
	r.last = r.start + pageblock_nr_pages - 1;
	KUNIT_EXPECT_EQ(test,
			start_isolate_page_range(r.start, r.last + 1,
						 MIGRATE_CMA, 0, GFP_KERNEL),
			0);
	undo_isolate_page_range(r.start, r.last + 1, MIGRATE_MOVABLE);
	dmag_restore_types(&r);
	KUNIT_EXPECT_NULL(test, dmag_protector(r.start));
	KUNIT_EXPECT_EQ(test, g->protected, g->goal - pageblock_nr_pages);
	KUNIT_EXPECT_EQ(test, totalcma_pages, cma - pageblock_nr_pages);
	mutex_unlock(&dmag_mutex);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Runs, of protected pageblocks and of others; all keep their types. */
static void test_protect_run(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-run", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, SZ_16M);

	KUNIT_EXPECT_TRUE(test, reached(&g->protected, g->goal));
	hoard(h, GFP_KERNEL, 6);
	KUNIT_EXPECT_EQ(test, h->nr, 6);
	expect_valid(test);
	unhoard(h, 0);
	mutex_lock(&dmag_mutex);
	for (u64 pfn = PHYS_PFN(BASE); pfn < PHYS_PFN(BASE + SZ_128M);
	     pfn += pageblock_nr_pages)
		KUNIT_EXPECT_EQ(test, dmag_protector(pfn) == g,
				is_migrate_cma_page(pfn_to_page(pfn)));
	mutex_unlock(&dmag_mutex);
	kunit_device_unregister(test, dev);
}

/* ---- giving back ----------------------------------------------------- */

static void test_squeeze(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-squeeze", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	u64 low = g->core.marks.low, min = g->core.marks.min, free;

	KUNIT_ASSERT_TRUE(test, fill_reserve(g));
	mutex_lock(&dmag_mutex);
	free = g->core.frames.free;
	KUNIT_EXPECT_GT(test, free, low);
	KUNIT_EXPECT_EQ(test, dmag_kgroup_release(g, low, 16), 16);
	KUNIT_EXPECT_EQ(test, dmag_kgroup_release(g, low, U64_MAX),
			free - low - 16);
	KUNIT_EXPECT_EQ(test, dmag_kgroup_release(g, low, U64_MAX), 0);
	KUNIT_EXPECT_EQ(test, dmag_kgroup_release(g, min, U64_MAX), low - min);
	KUNIT_EXPECT_EQ(test, g->core.frames.free, min);
	mutex_unlock(&dmag_mutex);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* ---- overlapping groups ---------------------------------------------- */

/* What a tighter group has above high serves a looser one, and no more. */
static void test_surplus(struct kunit *test)
{
	struct device *tight = device_reaching(test, "dmag-tight", SZ_16M);
	struct device *loose = device_reaching(test, "dmag-loose", SZ_32M);
	struct dmag_kgroup *g = group_of(test, tight);
	struct hoard *a = make_hoard(test, tight, SZ_1M);
	struct hoard *b = make_hoard(test, loose, SZ_1M);

	hoard(a, GFP_KERNEL, 16);
	KUNIT_EXPECT_GE(test, a->nr, 8);
	hoard(b, GFP_KERNEL | __GFP_NORETRY, 32);
	KUNIT_EXPECT_LT(test, b->nr, 32);
	unhoard(a, 0);
	hoard(b, GFP_KERNEL, 32);
	KUNIT_EXPECT_GE(test, g->core.frames.free, g->core.marks.high);
	KUNIT_EXPECT_GT(test, PHYS_PFN((u64)b->nr * SZ_1M),
			PHYS_PFN(SZ_16M) - 512);
	expect_valid(test);
	unhoard(b, 0);
	expect_valid(test);
	kunit_device_unregister(test, tight);
	kunit_device_unregister(test, loose);
}

/* ---- waiting --------------------------------------------------------- */

struct late_free {
	struct work_struct work;
	struct dmag_kgroup *g;
	struct hoard *h;
};

/* Once somebody waits; a look each tick, for the wait lasts a second. */
static void free_late(struct work_struct *work)
{
	struct late_free *late = container_of(work, struct late_free, work);
	unsigned long end = jiffies + 60 * HZ;

	while (!READ_ONCE(late->g->waiters) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	unhoard(late->h, 0);
}

/*
 * A request that nothing can serve waits for what others free, unless it can do
 * without.
 */
static void test_wait(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-wait", SZ_8M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *all = make_hoard(test, dev, SZ_1M);
	struct hoard *one = make_hoard(test, dev, SZ_1M);
	struct late_free late = { .g = g, .h = all };
	u64 waits;

	hoard(all, GFP_KERNEL, 8);
	hoard(all, GFP_ATOMIC, 8);
	KUNIT_ASSERT_GT(test, all->nr, 0);
	waits = g->counter[DMAG_NR_WAIT];
	hoard(one, GFP_KERNEL | __GFP_NORETRY, 1);
	KUNIT_EXPECT_EQ(test, one->nr, 0);
	KUNIT_EXPECT_EQ(test, g->counter[DMAG_NR_WAIT], waits);
	INIT_WORK_ONSTACK(&late.work, free_late);
	schedule_work(&late.work);
	hoard(one, GFP_KERNEL, 1);
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_EQ(test, one->nr, 1);
	KUNIT_EXPECT_GT(test, g->counter[DMAG_NR_WAIT], waits);
	KUNIT_EXPECT_EQ(test, g->waiters, 0);
	unhoard(one, 0);
	unhoard(all, 0);
	kunit_device_unregister(test, dev);
}

/* And not for ever. */
static void test_wait_bound(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-bound", SZ_8M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *all = make_hoard(test, dev, SZ_1M);

	hoard(all, GFP_KERNEL, 9);
	KUNIT_EXPECT_LE(test, all->nr, 8);
	KUNIT_EXPECT_GE(test, g->counter[DMAG_NR_WAIT], 1);
	KUNIT_EXPECT_EQ(test, g->waiters, 0);
	unhoard(all, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/*
 * With the mutex taken and the reserve at min: who must not wait for the holder is
 * served all the same, between these two.
 */
static struct hoard *hold_mutex(struct kunit *test, const char *name)
{
	struct device *dev = device_reaching(test, name, SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, SZ_64K);

	KUNIT_ASSERT_TRUE(test, fill_reserve(g));
	mutex_lock(&dmag_mutex);
	dmag_kgroup_release(g, g->core.marks.min, U64_MAX);
	return h;
}

static void expect_served(struct kunit *test, struct hoard *h)
{
	mutex_unlock(&dmag_mutex);
	KUNIT_EXPECT_EQ(test, h->nr, 1);
	unhoard(h, 0);
	expect_valid(test);
	kunit_device_unregister(test, h->dev);
}

/* Who reclaims may do so for the holder. */
static void test_in_reclaim(struct kunit *test)
{
	struct hoard *h = hold_mutex(test, "dmag-reclaims");
	unsigned int flags = memalloc_noreclaim_save();

	hoard(h, GFP_KERNEL, 1);
	memalloc_noreclaim_restore(flags);
	expect_served(test, h);
}

/* While devices are suspended the holder may wait for one of them. */
static void test_suspended(struct kunit *test)
{
	struct hoard *h = hold_mutex(test, "dmag-suspended");
	gfp_t allowed = gfp_allowed_mask;

	gfp_allowed_mask &= ~(__GFP_IO | __GFP_FS);
	hoard(h, GFP_KERNEL, 1);
	gfp_allowed_mask = allowed;
	expect_served(test, h);
}

/* As if a probe waited all the time: each claim lets go of the mutex. */
static void test_let_through(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-through", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, SZ_4M);

	atomic_inc(&dmag_contenders);
	hoard(h, GFP_KERNEL, 8);
	atomic_dec(&dmag_contenders);
	KUNIT_EXPECT_EQ(test, h->nr, 8);
	KUNIT_EXPECT_EQ(test, g->core.frames.used, PHYS_PFN(8 * SZ_4M));
	unhoard(h, 0);
	mutex_lock(&dmag_mutex);
	KUNIT_EXPECT_EQ(test, g->pins, 0);
	mutex_unlock(&dmag_mutex);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static unsigned long round_of(const struct dmag_kgroup *g)
{
	unsigned long round;

	mutex_lock(&dmag_mutex);
	round = g->round;
	mutex_unlock(&dmag_mutex);
	return round;
}

/* A buffer outlives its device, which lacked protection: no cause for haste. */
static void test_no_haste(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-haste", SZ_128M);
	struct dmag_kgroup *g = group_of(test, dev);
	struct hoard *h = make_hoard(test, dev, PAGE_SIZE);
	unsigned long round;

	hoard(h, GFP_KERNEL, 1);
	KUNIT_ASSERT_EQ(test, h->nr, 1);
	mutex_lock(&dmag_mutex);
	dmag_kgroup_unprotect(g);
	g->protect = (struct dmag_retry){ .backoff = HZ, .at = jiffies };
	mutex_unlock(&dmag_mutex);
	get_device(dev);
	kunit_device_unregister(test, dev);
	dmag_worker_kick();
	msleep(100);
	round = round_of(g);
	msleep(400);
	KUNIT_EXPECT_LT(test, round_of(g) - round, 10);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, h->page[0], PAGE_SIZE));
	put_device(dev);
}

static int reclaim_test_init(struct kunit *test)
{
	test->priv = kunit_driver_create(test, "dmag-reclaim-test");
	return PTR_ERR_OR_ZERO(test->priv);
}

static struct kunit_case reclaim_cases[] = {
	KUNIT_CASE(test_capture),
	KUNIT_CASE(test_protect),
	KUNIT_CASE(test_isolation_lifted),
	KUNIT_CASE(test_protect_run),
	KUNIT_CASE(test_squeeze),
	KUNIT_CASE(test_surplus),
	KUNIT_CASE(test_wait),
	KUNIT_CASE(test_wait_bound),
	KUNIT_CASE(test_in_reclaim),
	KUNIT_CASE(test_suspended),
	KUNIT_CASE(test_let_through),
	KUNIT_CASE(test_no_haste),
	{},
};

static struct kunit_suite reclaim_suite = {
	.name = "dmag_reclaim",
	.init = reclaim_test_init,
	.test_cases = reclaim_cases,
};

kunit_test_suite(reclaim_suite);

MODULE_DESCRIPTION("KUnit tests of the reserves of DMA allocation groups");
MODULE_LICENSE("GPL");
