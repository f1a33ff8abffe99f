// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the kernel side of allocation groups.
 *
 * They go through the DMA API wherever it can express the case, with devices
 * whose masks and windows are set as firmware and drivers would.  All of them
 * reach only memory below 1 GiB, which every guest has.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dmag.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../device.h"
#include "../host.h"
#include "../kgroup.h"
#include "../map.h"
#include "../validate.h"

#define LIMIT_30 DMA_BIT_MASK(30)
#define LIMIT_29 DMA_BIT_MASK(29)

/* How often a test looks, each 100 ms, before it gives up: for a minute. */
#define LOOKS 600

/* The driver core frees a device's map, so each has a copy of its own. */
static void set_map(struct kunit *test, struct device *dev,
		    const struct bus_dma_region *map, size_t bytes)
{
	dev->dma_range_map = kmemdup(map, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev->dma_range_map);
}

static void note_memberless(struct dmag_kgroup *g, void *data)
{
	if (!g->core.members)
		*(bool *)data = true;
}

/*
 * The worker takes a second to see that a group is needed no more, and one that it
 * works on stays so long.
 */
static bool groups_settle(void)
{
	for (int i = 0; i < LOOKS; i++) {
		bool waiting = false;

		mutex_lock(&dmag_mutex);
		dmag_kgroup_visit_all(note_memberless, &waiting);
		mutex_unlock(&dmag_mutex);
		if (!waiting)
			return true;
		msleep(100);
	}
	return false;
}

/* The first fill may fall short; the worker goes on. */
static bool reserve_fills(struct dmag_kgroup *g)
{
	bool low = true;

	for (int i = 0; i < LOOKS && low; i++) {
		spin_lock_irq(&g->lock);
		low = dmag_group_low(&g->core);
		spin_unlock_irq(&g->lock);
		if (low)
			msleep(100);
	}
	return !low;
}

/* On KUnit's bus any driver takes any device, so all share one per test. */
static int dmag_test_init(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, groups_settle());
	test->priv = kunit_driver_create(test, "dmag-test");
	return PTR_ERR_OR_ZERO(test->priv);
}

static struct device *bare_device(struct kunit *test, const char *name)
{
	struct device *dev;

	dev = kunit_device_register_with_driver(test, name, test->priv);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	return dev;
}

static struct device *make_device(struct kunit *test, const char *name,
				  u64 mask)
{
	struct device *dev = bare_device(test, name);

	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, mask), 0);
	return dev;
}

static struct dmag_kgroup *group_of(const struct device *dev)
{
	struct dmag_kgroup *g = NULL;
	struct dmag_device *d;

	mutex_lock(&dmag_mutex);
	d = rcu_dereference_protected(dev->dmag, lockdep_is_held(&dmag_mutex));
	if (d)
		g = d->group;
	mutex_unlock(&dmag_mutex);
	return g;
}

static unsigned int nr_groups(void)
{
	unsigned int nr;

	mutex_lock(&dmag_mutex);
	nr = dmag_registry.nr_groups;
	mutex_unlock(&dmag_mutex);
	return nr;
}

static void expect_valid(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, dmag_validate() ?: "ok", "ok");
}

static bool all_zero(const void *buf, size_t size)
{
	return !memchr_inv(buf, 0, size);
}

/* What the DMA API promises of every coherent buffer. */
static void expect_good(struct kunit *test, struct device *dev, void *buf,
			dma_addr_t dma, size_t size)
{
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_TRUE(test, dma_coherent_ok(dev, virt_to_phys(buf), size));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(virt_to_phys(buf),
					   PAGE_SIZE << get_order(size)));
	KUNIT_EXPECT_EQ(test, phys_to_dma(dev, virt_to_phys(buf)), dma);
	KUNIT_EXPECT_TRUE(test, all_zero(buf, size));
}

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
	struct device *a = make_device(test, "dmag-a", LIMIT_30);
	struct device *b = make_device(test, "dmag-b", LIMIT_30);
	struct device *c = make_device(test, "dmag-c", LIMIT_29);

	KUNIT_EXPECT_PTR_EQ(test, group_of(a), group_of(b));
	KUNIT_EXPECT_PTR_NE(test, group_of(a), group_of(c));
	KUNIT_EXPECT_EQ(test, group_of(a)->core.members, 2);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);
	kunit_device_unregister(test, a);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);
	kunit_device_unregister(test, b);
	KUNIT_EXPECT_TRUE(test, groups_settle());
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 1);
	kunit_device_unregister(test, c);
	KUNIT_EXPECT_TRUE(test, groups_settle());
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
		KUNIT_EXPECT_TRUE(test, groups_settle());
		KUNIT_EXPECT_EQ(test, nr_groups(), before);
	}
}

static void test_reserve(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-reserve", LIMIT_30);
	struct dmag_kgroup *g = group_of(dev);

	/* A first fill may be cut off, but not before it has got anything. */
	KUNIT_EXPECT_GT(test, g->core.frames.free, 0);
	mutex_lock(&dmag_mutex);
	dmag_kgroup_fill(g, 60 * HZ);
	KUNIT_EXPECT_GE(test, g->core.frames.free, g->core.marks.high);
	mutex_unlock(&dmag_mutex);
	kunit_device_unregister(test, dev);
}

static void test_universal(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-all", DMA_BIT_MASK(64));
	struct dmag_kgroup *g = group_of(dev);
	dma_addr_t dma;
	void *buf;

	KUNIT_EXPECT_TRUE(test, g->universal);
	buf = dma_alloc_coherent(dev, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, dev, buf, dma, SZ_64K);
	KUNIT_EXPECT_EQ(test, g->core.frames.free + g->core.frames.used, 0);
	dma_free_coherent(dev, SZ_64K, buf, dma);
	kunit_device_unregister(test, dev);
}

static void test_mask_twice(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-twice", LIMIT_30);
	struct dmag_kgroup *g = group_of(dev);

	KUNIT_EXPECT_EQ(test, dma_set_coherent_mask(dev, LIMIT_30), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(dev), g);
	KUNIT_EXPECT_EQ(test, g->core.members, 1);
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
	KUNIT_EXPECT_EQ(test, old->core.frames.free, 0);
	KUNIT_EXPECT_EQ(test, old->core.frames.used, 16);
	buf2 = dma_alloc_coherent(dev, SZ_64K, &dma2, GFP_KERNEL);
	expect_good(test, dev, buf2, dma2, SZ_64K);
	KUNIT_EXPECT_EQ(test, nr_groups(), before + 2);

	/* Back again: the old group is still there, and taken over. */
	KUNIT_EXPECT_EQ(test, dma_set_coherent_mask(dev, LIMIT_30), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(dev), old);
	KUNIT_EXPECT_TRUE(test, reserve_fills(old));
	dma_free_coherent(dev, SZ_64K, buf, dma);
	dma_free_coherent(dev, SZ_64K, buf2, dma2);
	expect_valid(test);
	kunit_device_unregister(test, dev);
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

/* Memberships and groups go while somebody reads them. */
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
	KUNIT_EXPECT_TRUE(test, groups_settle());
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

#define BURST 64

static void test_atomic(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-atomic", LIMIT_30);
	static DEFINE_SPINLOCK(lock);
	dma_addr_t dma[BURST];
	void *buf[BURST];
	unsigned long flags;

	KUNIT_ASSERT_TRUE(test, reserve_fills(group_of(dev)));
	spin_lock_irqsave(&lock, flags);
	for (int i = 0; i < BURST; i++)
		buf[i] = dma_alloc_coherent(dev, SZ_4K, &dma[i], GFP_ATOMIC);
	spin_unlock_irqrestore(&lock, flags);
	for (int i = 0; i < BURST; i++) {
		expect_good(test, dev, buf[i], dma[i], SZ_4K);
		dma_free_coherent(dev, SZ_4K, buf[i], dma[i]);
	}
	KUNIT_EXPECT_EQ(test, group_of(dev)->counter[DMAG_NR_ALLOC_ATOMIC],
			BURST);
	kunit_device_unregister(test, dev);
}

/* I3 both ways: atomic requests take the last frame, blocking ones do not. */
static void test_atomic_last_frame(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-last", LIMIT_29);
	struct dmag_kgroup *g = group_of(dev);
	struct dmag_request rq = DMAG_REQUEST(1);
	unsigned long flags, nr = 0;
	u64 *pfn = kunit_kcalloc(test, SZ_64K, sizeof(*pfn), GFP_KERNEL);
	u64 extra;
	int blocking;

	KUNIT_ASSERT_NOT_NULL(test, pfn);
	KUNIT_ASSERT_TRUE(test, reserve_fills(g));
	spin_lock_irqsave(&g->lock, flags);
	while (!dmag_group_get(&g->core, &rq, false, &pfn[nr]))
		nr++;
	blocking = g->core.frames.free == g->core.marks.min;
	while (!dmag_group_get(&g->core, &rq, true, &pfn[nr]))
		nr++;
	KUNIT_EXPECT_EQ(test, dmag_group_get(&g->core, &rq, true, &extra),
			-ENOMEM);
	while (nr)
		if (dmag_group_put(&g->core, pfn[--nr], 1))
			blocking = false;
	spin_unlock_irqrestore(&g->lock, flags);
	KUNIT_EXPECT_TRUE(test, blocking);
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
	struct dmag_kgroup *g;
	u64 used;

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->dev = make_device(test, "dmag-irq", LIMIT_30);
	job->page = dma_alloc_pages(job->dev, SZ_64K, &job->dma,
				    DMA_FROM_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job->page);
	g = group_of(job->dev);
	used = g->core.frames.used;
	init_completion(&job->done);
	job->work = IRQ_WORK_INIT_HARD(free_in_irq);
	irq_work_queue(&job->work);
	wait_for_completion(&job->done);
	irq_work_sync(&job->work);
	KUNIT_EXPECT_TRUE(test, job->in_irq);
	KUNIT_EXPECT_EQ(test, g->core.frames.used, used - 16);
	kunit_device_unregister(test, job->dev);
}

static void test_other_calls(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-calls", LIMIT_29);
	struct dmag_kgroup *g = group_of(dev);
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
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 2 + 4 + 8);
	dma_free_attrs(dev, SZ_8K, cookie, dma[0], DMA_ATTR_NO_KERNEL_MAPPING);
	dma_free_pages(dev, SZ_16K, page, dma[1], DMA_BIDIRECTIONAL);
	dma_free_noncoherent(dev, SZ_32K, buf, dma[2], DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 0);
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
		KUNIT_EXPECT_EQ(test, group_of(dev)->core.frames.used,
				PFN_UP(sizes[i]));
		memset(buf, 0xa5, sizes[i]);
		dma_free_coherent(dev, sizes[i], buf, dma);
		KUNIT_EXPECT_EQ(test, group_of(dev)->core.frames.used, 0);
	}
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
	KUNIT_EXPECT_EQ(test, group_of(dev)->core.frames.used, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static void test_bad_free(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-bad", LIMIT_30);
	struct dmag_kgroup *g = group_of(dev);
	struct page *page, *foreign;
	dma_addr_t dma;

	page = dma_alloc_pages(dev, SZ_8K, &dma, DMA_TO_DEVICE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);

	/* More than there is, more than was allocated, nothing, and the same twice. */
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, 1ULL << 63));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_64M));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_16K));
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 2);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, 0));
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 2);
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_TRUE(test, dmag_free_pages(dev, page, SZ_8K));
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 0);

	/* The page allocator's own page is not ours to take. */
	foreign = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	KUNIT_EXPECT_FALSE(test, dmag_free_pages(dev, foreign, PAGE_SIZE));
	__free_page(foreign);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* What was freed last went to nobody's reserve. */
static void expect_left(struct kunit *test, const struct dmag_kgroup *g,
			struct page *page)
{
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 0);
	KUNIT_EXPECT_EQ(test,
			dmag_frames_state(&g->core.frames, page_to_pfn(page)),
			DMAG_FOREIGN);
}

/* A page that somebody still holds must not reach the next device. */
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

#ifdef CONFIG_MEMORY_FAILURE
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
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 0);
	ClearPageHWPoison(page);
	init_page_count(page);
	__free_page(page);
}
#else
static void test_broken_page(struct kunit *test)
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
	KUNIT_EXPECT_TRUE(test, groups_settle());
	KUNIT_EXPECT_EQ(test, nr_groups(), before);
}

static bool owns_any(struct dmag_kgroup *g, const struct dmag_range *r)
{
	struct dmag_run run;
	bool ret;

	spin_lock_irq(&g->lock);
	ret = dmag_frames_walk(&g->core.frames, r->start, &run) &&
	      run.range.start <= r->last;
	spin_unlock_irq(&g->lock);
	return ret;
}

static int going_offline(const struct dmag_range *r)
{
	int ret;

	mem_hotplug_begin();
	ret = dmag_going_offline(r->start, r->last - r->start + 1);
	mem_hotplug_done();
	return ret;
}

/* A buffer keeps its memory online; a reserve makes way, and stays away. */
static void test_offline(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-offline", LIMIT_29);
	struct dmag_kgroup *g = group_of(dev);
	void *buf, *far;
	dma_addr_t dma, far_dma;
	struct dmag_range r;
	u64 owned;

	if (!IS_ENABLED(CONFIG_MEMORY_HOTPLUG))
		kunit_skip(test, "memory does not go offline here");
	buf = dma_alloc_coherent(dev, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, dev, buf, dma, SZ_64K);
	r.start = round_down(PFN_DOWN(dma), MAX_ORDER_NR_PAGES);
	r.last = r.start + MAX_ORDER_NR_PAGES - 1;
	owned = g->core.frames.free + g->core.frames.used;
	KUNIT_EXPECT_EQ(test, going_offline(&r), -EBUSY);
	KUNIT_EXPECT_FALSE(test, dmag_pfn_avoided(r.start));
	KUNIT_EXPECT_EQ(test, g->core.frames.free + g->core.frames.used, owned);

	dma_free_coherent(dev, SZ_64K, buf, dma);
	KUNIT_EXPECT_EQ(test, going_offline(&r), 0);
	KUNIT_EXPECT_TRUE(test, dmag_pfn_avoided(r.start));
	KUNIT_EXPECT_TRUE(test, dmag_pfn_avoided(r.last));
	KUNIT_EXPECT_FALSE(test, owns_any(g, &r));
	far = dma_alloc_coherent(dev, SZ_8M, &far_dma, GFP_KERNEL);
	expect_good(test, dev, far, far_dma, SZ_8M);
	KUNIT_EXPECT_FALSE(test, owns_any(g, &r));
	dmag_offline_failed();
	KUNIT_EXPECT_FALSE(test, dmag_pfn_avoided(r.start));
	dma_free_coherent(dev, SZ_8M, far, far_dma);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

static int ram_online(const struct dmag_range *r)
{
	int ret;

	mutex_lock(&dmag_mutex);
	ret = dmag_ram_online(r);
	mutex_unlock(&dmag_mutex);
	return ret;
}

/* Where no guest has memory, and 40 bits do not reach. */
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
	const struct dmag_range r = { PFN_DOWN(FAR_RAM),
				      PFN_DOWN(FAR_RAM + SZ_128M) - 1 };
	struct device *all = make_device(test, "dmag-64", DMA_BIT_MASK(64));
	struct device *most = make_device(test, "dmag-40", DMA_BIT_MASK(40));
	struct device *low = make_device(test, "dmag-30", LIMIT_30);
	struct device *mapped = bare_device(test, "dmag-mapped");
	struct dmag_kgroup *g = group_of(most), *low_group = group_of(low);
	struct dmag_device *low_member;
	dma_addr_t dma, dma2;
	void *buf, *buf2;

	if (!g->universal)
		kunit_skip(test, "there is memory above 1 TiB");
	set_map(test, mapped, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(mapped, DMA_BIT_MASK(32)),
			0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(all), g);
	KUNIT_EXPECT_EQ(test, group_of(mapped)->core.reach.nr, 1);
	low_member = rcu_access_pointer(low->dmag);
	buf = dma_alloc_coherent(most, SZ_64K, &dma, GFP_KERNEL);
	expect_good(test, most, buf, dma, SZ_64K);

	KUNIT_EXPECT_EQ(test, ram_online(&r), 0);
	KUNIT_EXPECT_PTR_EQ(test, group_of(most), g);
	KUNIT_EXPECT_FALSE(test, g->universal);
	KUNIT_EXPECT_EQ(test, g->core.members, 1);
	KUNIT_EXPECT_TRUE(test, group_of(all)->universal);
	KUNIT_EXPECT_EQ(test, group_of(mapped)->core.reach.nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, group_of(low), low_group);
	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(low->dmag), low_member);
	KUNIT_EXPECT_TRUE(test, reserve_fills(g));
	KUNIT_EXPECT_TRUE(test, reserve_fills(group_of(mapped)));
	expect_valid(test);

	buf2 = dma_alloc_coherent(most, SZ_64K, &dma2, GFP_ATOMIC);
	expect_good(test, most, buf2, dma2, SZ_64K);
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 16);
	dma_free_coherent(most, SZ_64K, buf, dma);
	dma_free_coherent(most, SZ_64K, buf2, dma2);
	KUNIT_EXPECT_EQ(test, g->core.frames.used, 0);
	KUNIT_EXPECT_EQ(test, ram_online(&r), 0);
	expect_valid(test);
	kunit_device_unregister(test, all);
	kunit_device_unregister(test, most);
	kunit_device_unregister(test, low);
	kunit_device_unregister(test, mapped);
	expect_valid(test);
}

static struct kunit_case dmag_cases[] = {
	KUNIT_CASE(test_windows),
	KUNIT_CASE(test_bus_limit),
	KUNIT_CASE(test_share),
	KUNIT_CASE(test_rebind),
	KUNIT_CASE(test_reserve),
	KUNIT_CASE(test_universal),
	KUNIT_CASE(test_mask_twice),
	KUNIT_CASE(test_mask_change),
	KUNIT_CASE(test_mask_race),
	KUNIT_CASE(test_mask_written),
	KUNIT_CASE(test_atomic),
	KUNIT_CASE(test_atomic_last_frame),
	KUNIT_CASE(test_free_in_irq),
	KUNIT_CASE(test_other_calls),
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_too_large),
	KUNIT_CASE(test_bad_free),
	KUNIT_CASE(test_held_page),
	KUNIT_CASE(test_broken_page),
	KUNIT_CASE(test_held_last),
	KUNIT_CASE(test_offline),
	KUNIT_CASE(test_online),
	{},
};

static struct kunit_suite dmag_suite = {
	.name = "dmag",
	.init = dmag_test_init,
	.test_cases = dmag_cases,
};

kunit_test_suite(dmag_suite);

MODULE_DESCRIPTION("KUnit tests of DMA allocation groups");
MODULE_LICENSE("GPL");
