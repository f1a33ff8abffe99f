/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the KUnit tests of mm/dmag.
 *
 * Devices get masks and windows as firmware and drivers would set them.  All of
 * them reach only memory below 1 GiB, which every guest has.  A test that looks at
 * one reserve has a group of its own: a device with a window that begins at
 * 256 MiB.  It holds both mutexes where the worker must not interfere.
 */
#ifndef _MM_DMAG_TESTS_HELPERS_H
#define _MM_DMAG_TESTS_HELPERS_H

#include <kunit/device.h>
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dmag.h>
#include <linux/pagevec.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "../../internal.h"
#include "../host.h"
#include "../kgroup.h"
#include "../pcp.h"
#include "../reserve.h"
#include "../validate.h"

#define LIMIT_30 DMA_BIT_MASK(30)
#define LIMIT_29 DMA_BIT_MASK(29)
#define BASE SZ_256M

/* Whether @cond comes true; checked each 50 ms, for a minute. */
#define eventually(cond)                       \
	({                                     \
		int _left = 1200;              \
		while (!(cond) && _left-- > 0) \
			msleep(50);            \
		_left >= 0;                    \
	})

/* ---- groups ---------------------------------------------------------- */

static inline void note_memberless(struct dmag_kgroup *group, void *data)
{
	if (!group->core.members)
		*(bool *)data = true;
}

static inline bool all_have_members(void)
{
	bool memberless = false;

	dmag_claim_lock();
	dmag_kgroup_visit_all(note_memberless, &memberless);
	dmag_claim_unlock();
	return !memberless;
}

/*
 * The worker takes a second to retire a group that has no members, and does not
 * retire one that it works on.
 */
static inline bool groups_retire(void)
{
	return eventually(all_have_members());
}

/* Frames in buffers: caches hold frames that the core takes for used. */
static inline u64 frames_used(struct dmag_kgroup *group)
{
	dmag_pcp_drain(group);
	return READ_ONCE(group->core.frames.used);
}

static inline u64 counted(struct dmag_kgroup *group, enum dmag_counter nr)
{
	u64 counter[DMAG_NR_COUNTERS] = {};

	dmag_pcp_count(group, counter);
	return counter[nr] + READ_ONCE(group->counter[nr]);
}

/* The first fill may fall short; the worker continues. */
static inline bool reserve_fills_up(struct dmag_kgroup *group)
{
	return eventually(!dmag_kgroup_low(group));
}

/* The same without the worker. */
static inline bool reserve_fill(struct dmag_kgroup *group)
{
	dmag_claim_lock();
	dmag_kgroup_fill(group, 60 * HZ);
	dmag_claim_unlock();
	return !dmag_group_shortage(&group->core);
}

/*
 * The group stays as long as the device, which no test unbinds while it uses it.
 * Waits for whatever claims just now, so that tests see what came of it.
 */
static inline struct dmag_kgroup *group_of(const struct device *dev)
{
	struct dmag_kgroup *group = NULL;
	struct dmag_device *member;

	dmag_claim_lock();
	member = rcu_dereference_protected(dev->dmag,
					   lockdep_is_held(&dmag_mutex));
	if (member)
		group = member->group;
	dmag_claim_unlock();
	return group;
}

static inline struct dmag_kgroup *joined_group(struct kunit *test,
					       const struct device *dev)
{
	struct dmag_kgroup *group = group_of(dev);

	KUNIT_ASSERT_NOT_NULL(test, group);
	return group;
}

static inline u64 held_by(const struct device *dev)
{
	u64 held;

	rcu_read_lock();
	held = dmag_device_held(rcu_dereference(dev->dmag));
	rcu_read_unlock();
	return held;
}

static inline unsigned int nr_groups(void)
{
	unsigned int nr;

	dmag_claim_lock();
	nr = dmag_registry.nr_groups;
	dmag_claim_unlock();
	return nr;
}

static inline void expect_valid(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, dmag_validate() ?: "ok", "ok");
}

/* ---- devices --------------------------------------------------------- */

static inline void set_linger(void *jiffies_linger)
{
	dmag_linger = (unsigned long)jiffies_linger;
	dmag_worker_kick();
}

/*
 * On KUnit's bus any driver takes any device, so all share one per test.  Groups
 * without members end at once, unless the test is about that.
 */
static inline int dmag_test_init(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test,
			kunit_add_action(test, set_linger, (void *)dmag_linger),
			0);
	set_linger(NULL);
	KUNIT_ASSERT_TRUE(test, groups_retire());
	test->priv = kunit_driver_create(test, "dmag-test");
	return PTR_ERR_OR_ZERO(test->priv);
}

static inline struct device *bare_device(struct kunit *test, const char *name)
{
	struct device *dev;

	dev = kunit_device_register_with_driver(test, name, test->priv);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	return dev;
}

static inline struct device *make_device(struct kunit *test, const char *name,
					 u64 mask)
{
	struct device *dev = bare_device(test, name);

	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, mask), 0);
	return dev;
}

/* The driver core frees a device's map, so each has a copy of its own. */
static inline void set_map(struct kunit *test, struct device *dev,
			   const struct bus_dma_region *map, size_t bytes)
{
	dev->dma_range_map = kmemdup(map, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev->dma_range_map);
}

static inline struct device *device_reaching(struct kunit *test,
					     const char *name, u64 bytes)
{
	const struct bus_dma_region map[] = {
		{ .cpu_start = BASE, .dma_start = 0, .size = bytes },
		{},
	};
	struct device *dev = bare_device(test, name);

	set_map(test, dev, map, sizeof(map));
	KUNIT_ASSERT_EQ(test, dma_set_coherent_mask(dev, DMA_BIT_MASK(32)), 0);
	return dev;
}

/* ---- pages of the host ----------------------------------------------- */

/* A free pageblock of [@from, @to) bytes, as single pages. */
static inline struct page *take_block(struct kunit *test, u64 from, u64 to)
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

/* Free a page as reclaim does; false if it is still referenced. */
static inline bool reclaim_page(struct page *page)
{
	struct reclaim_state state = {};
	struct folio_batch batch;

	folio_batch_init(&batch);
	if (!folio_put_testzero(page_folio(page)))
		return false;
	folio_batch_add(&batch, page_folio(page));
	current->reclaim_state = &state;
	free_unref_folios(&batch);
	current->reclaim_state = NULL;
	return true;
}

/* ---- buffers --------------------------------------------------------- */

static inline bool all_zero(const void *buf, size_t size)
{
	return !memchr_inv(buf, 0, size);
}

/* The alignment of a buffer of any size, bytes. */
static inline u64 least_align(size_t size)
{
	return PAGE_SIZE << min(get_order(size), MAX_PAGE_ORDER);
}

/* The promises of the DMA API for every coherent buffer. */
static inline void expect_good(struct kunit *test, struct device *dev,
			       void *buf, dma_addr_t dma, size_t size)
{
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_TRUE(test, dma_coherent_ok(dev, virt_to_phys(buf), size));
	KUNIT_EXPECT_TRUE(test,
			  IS_ALIGNED(virt_to_phys(buf), least_align(size)));
	KUNIT_EXPECT_EQ(test, phys_to_dma(dev, virt_to_phys(buf)), dma);
	KUNIT_EXPECT_TRUE(test, all_zero(buf, size));
}

/* Climb under both mutexes, and leave what was found to the reserve. */
static inline int climb(struct dmag_kgroup *group,
			const struct dmag_request *req,
			const struct dmag_effort *effort)
{
	u64 pfn;
	int ret = dmag_kgroup_climb(group, req, effort, &pfn);

	if (ret)
		return ret;
	spin_lock_irq(&group->lock);
	ret = dmag_group_put(&group->core, pfn, req->count);
	spin_unlock_irq(&group->lock);
	WARN_ON(ret);
	return ret;
}

/* Buffers of one device. */
struct hoard {
	struct device *dev;
	size_t size;
	unsigned int nr;
	struct page *page[1024];
};

static inline struct hoard *hoard_make(struct kunit *test, struct device *dev,
				       size_t size)
{
	struct hoard *hoard = kunit_kzalloc(test, sizeof(*hoard), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, hoard);
	hoard->dev = dev;
	hoard->size = size;
	return hoard;
}

/* Until @most or refused. */
static inline void hoard_fill(struct hoard *hoard, gfp_t gfp, unsigned int most)
{
	while (hoard->nr < most) {
		struct page *page;
		dma_addr_t dma;

		page = dma_alloc_pages(hoard->dev, hoard->size, &dma,
				       DMA_TO_DEVICE, gfp | __GFP_NOWARN);
		if (!page)
			return;
		hoard->page[hoard->nr++] = page;
	}
}

static inline void hoard_free(struct hoard *hoard, unsigned int least)
{
	while (hoard->nr > least) {
		struct page *page = hoard->page[--hoard->nr];

		dma_free_pages(hoard->dev, hoard->size, page,
			       phys_to_dma(hoard->dev, page_to_phys(page)),
			       DMA_TO_DEVICE);
	}
}

#endif /* _MM_DMAG_TESTS_HELPERS_H */
