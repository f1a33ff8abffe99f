// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what a claim may wait for, and of what must not wait for a claim.
 */

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "../candidate.h"
#include "helpers.h"

/* Longer than any bound of a claim, shorter than the hung task detector's. */
#define PATIENCE (30 * HZ)

/* A call that may hang, made elsewhere. */
struct job {
	struct work_struct work;
	struct completion done;
	void (*fn)(void *data);
	void *data;
};

static void job_run(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	job->fn(job->data);
	complete(&job->done);
}

static struct job *job_start(struct kunit *test, void (*fn)(void *data),
			     void *data)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->fn = fn;
	job->data = data;
	init_completion(&job->done);
	INIT_WORK(&job->work, job_run);
	queue_work(system_unbound_wq, &job->work);
	return job;
}

static bool job_ends(struct job *job)
{
	return wait_for_completion_timeout(&job->done, PATIENCE);
}

/* A page of shared memory, in a block that could be claimed. */
struct busy {
	struct file *file;
	struct folio *folio;
	struct dmag_range block;
};

static bool busy_fits(struct busy *busy)
{
	u64 pfn = folio_pfn(busy->folio);

	busy->block.start = round_down(pfn, MAX_ORDER_NR_PAGES);
	busy->block.last = busy->block.start + MAX_ORDER_NR_PAGES - 1;
	return is_migrate_movable(
		       get_pageblock_migratetype(folio_page(busy->folio, 0))) &&
	       dmag_pages_to_move(&busy->block, DMAG_PAGE_LOCKED) > 0;
}

static struct busy *busy_make(struct kunit *test)
{
	struct busy *busy = kunit_kzalloc(test, sizeof(*busy), GFP_KERNEL);
	bool fits = false;

	KUNIT_ASSERT_NOT_NULL(test, busy);
	busy->file = shmem_kernel_file_setup("dmag-busy", SZ_64M, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(busy->file));
	lru_add_drain_all();
	for (pgoff_t i = 0; !fits && i < SZ_64M / PAGE_SIZE; i++) {
		busy->folio = shmem_read_folio(busy->file->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(busy->folio));
		lru_add_drain();
		fits = busy_fits(busy);
		if (!fits)
			folio_put(busy->folio);
	}
	KUNIT_ASSERT_TRUE(test, fits);
	return busy;
}

static struct device *device_reaching_range(struct kunit *test,
					    const char *name,
					    const struct dmag_range *range)
{
	const struct bus_dma_region map[] = {
		{ .cpu_start = PFN_PHYS(range->start),
		  .dma_start = 0,
		  .size = PFN_PHYS(range->last - range->start + 1) },
		{},
	};
	struct device *dev = bare_device(test, name);

	set_map(test, dev, map, sizeof(map));
	return dev;
}

static void take_all(void *hoard)
{
	hoard_fill(hoard, GFP_KERNEL, 1024);
}

static void set_mask_32(void *dev)
{
	dma_set_coherent_mask(dev, DMA_BIT_MASK(32));
}

static void set_mask_64(void *dev)
{
	dma_set_coherent_mask(dev, DMA_BIT_MASK(64));
}

/*
 * Storage that no longer answers leaves pages locked for good.  A claim passes them
 * by, and neither a probe that fills its first reserve nor any other waits for it.
 */
static void test_locked_page(struct kunit *test)
{
	struct busy *busy = busy_make(test);
	struct device *dev, *other = bare_device(test, "dmag-other");
	struct hoard *hoard;

	dev = device_reaching_range(test, "dmag-locked", &busy->block);
	hoard = hoard_make(test, dev, SZ_64K);
	folio_lock(busy->folio);
	if (job_ends(job_start(test, set_mask_32, dev))) {
		KUNIT_EXPECT_TRUE(test,
				  job_ends(job_start(test, take_all, hoard)));
		KUNIT_EXPECT_TRUE(
			test, job_ends(job_start(test, set_mask_64, other)));
	} else {
		KUNIT_FAIL(test, "a probe hangs");
	}
	KUNIT_EXPECT_GT(test, hoard->nr, 0);
	folio_unlock(busy->folio);
	folio_put(busy->folio);
	hoard_free(hoard, 0);
	fput(busy->file);
	expect_valid(test);
	kunit_device_unregister(test, other);
	kunit_device_unregister(test, dev);
}

static unsigned long direct_reclaims(struct kunit *test)
{
	unsigned long *events = kunit_kcalloc(test, NR_VM_EVENT_ITEMS,
					      sizeof(*events), GFP_KERNEL);
	unsigned long nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, events);
	all_vm_events(events);
	for (enum vm_event_item i = ALLOCSTALL_NORMAL; i <= ALLOCSTALL_MOVABLE;
	     i++)
		nr += events[i];
	return nr;
}

/* Ask for a block of the page allocator, by all means. */
static int climb_for(struct dmag_kgroup *group, const struct dmag_range *block)
{
	struct dmag_effort effort = { .until = jiffies + HZ / 5,
				      .most_moves = LONG_MAX,
				      .node = NUMA_NO_NODE };
	struct dmag_request req = DMAG_REQUEST(MAX_ORDER_NR_PAGES);
	int ret;

	req.within = *block;
	dmag_claim_lock();
	ret = climb(group, &req, &effort);
	dmag_claim_unlock();
	return ret;
}

/*
 * A page under writeback is waited for, and one that page-out gave back is on its way to
 * the LRU for a while.  Neither is a lack of room, for which other memory is reclaimed.
 */
static void test_reclaims_for_room_only(struct kunit *test)
{
	struct device *dev = bare_device(test, "dmag-writeback");
	struct busy *busy = busy_make(test);
	unsigned long before;

	set_mask_64(dev);
	folio_lock(busy->folio);
	folio_start_writeback(busy->folio);
	folio_unlock(busy->folio);
	before = direct_reclaims(test);
	KUNIT_EXPECT_NE(test, climb_for(joined_group(test, dev), &busy->block),
			0);
	KUNIT_EXPECT_EQ(test, direct_reclaims(test), before);
	folio_end_writeback(busy->folio);
	folio_put(busy->folio);
	fput(busy->file);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* All that must not wait for a claim, of two devices. */
struct bystanders {
	struct device *joins;
	struct device *leaves;
	u64 free;
	int offline;
	struct page *page;
	dma_addr_t dma;
};

static u64 free_of(const struct device *dev)
{
	const struct dmag_device *member;
	u64 free;

	dmag_lock();
	member = rcu_dereference_protected(dev->dmag,
					   lockdep_is_held(&dmag_mutex));
	free = member->group->core.frames.free;
	mutex_unlock(&dmag_mutex);
	return free;
}

static void go_on(void *data)
{
	struct bystanders *all = data;

	dma_set_coherent_mask(all->joins, DMA_BIT_MASK(64));
	dma_set_coherent_mask(all->joins, LIMIT_29);
	dma_set_coherent_mask(all->joins, LIMIT_30);
	all->free = free_of(all->joins);
	all->page = dma_alloc_pages(all->joins, SZ_4K, &all->dma, DMA_TO_DEVICE,
				    GFP_NOIO);
	dmag_device_leave(all->leaves);
	mem_hotplug_begin();
	all->offline = dmag_going_offline(PHYS_PFN(BASE), MAX_ORDER_NR_PAGES);
	if (!all->offline)
		dmag_offline_failed();
	mem_hotplug_done();
}

/*
 * A claim may last as long as reclaim does.  Joins, leaves, masks and hotplug go on
 * beside it; a first fill takes what is free.
 */
static void test_beside_claim(struct kunit *test)
{
	struct bystanders all = {
		.joins = bare_device(test, "dmag-joins"),
		.leaves = device_reaching(test, "dmag-leaves", SZ_128M),
	};
	struct job *job;

	mutex_lock(&dmag_claim_mutex);
	job = job_start(test, go_on, &all);
	KUNIT_EXPECT_TRUE(test, job_ends(job));
	mutex_unlock(&dmag_claim_mutex);
	flush_work(&job->work);
	KUNIT_EXPECT_GT(test, all.free, 0);
	KUNIT_EXPECT_NOT_NULL(test, all.page);
	if (all.page)
		dma_free_pages(all.joins, SZ_4K, all.page, all.dma,
			       DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, all.offline, 0);
	expect_valid(test);
	kunit_device_unregister(test, all.joins);
	kunit_device_unregister(test, all.leaves);
}

static void take_some(void *hoard)
{
	hoard_fill(hoard, GFP_KERNEL, 512);
}

/*
 * A claim may wait for storage that no longer answers.  Other requests get memory that
 * is free in the reach, or that the zones have, all the same.
 */
static void test_request_beside_claim(struct kunit *test)
{
	struct device *dev = device_reaching(test, "dmag-beside", SZ_128M);
	struct hoard *hoard = hoard_make(test, dev, SZ_64K);
	struct job *job;

	mutex_lock(&dmag_claim_mutex);
	job = job_start(test, take_some, hoard);
	KUNIT_EXPECT_TRUE(test, job_ends(job));
	mutex_unlock(&dmag_claim_mutex);
	flush_work(&job->work);
	KUNIT_EXPECT_EQ(test, hoard->nr, 512);
	hoard_free(hoard, 0);
	expect_valid(test);
	kunit_device_unregister(test, dev);
}

/* Two claims at once: a fill, and a request that does not let go. */
struct rivals {
	struct device *dev;
	struct dmag_kgroup *group;
	struct hoard *hoard;
	void (*fill)(struct dmag_kgroup *group, unsigned long bound);
	struct completion filling;
	struct completion claiming;
	struct completion release;
	struct job *filler;
	struct job *claimer;
	int ret;
};

static void claim_for_long(void *data)
{
	struct rivals *rivals = data;

	rivals->ret = dmag_claim_lock_timeout(PATIENCE);
	complete(&rivals->claiming);
	if (rivals->ret)
		return;
	mutex_unlock(&dmag_mutex);
	wait_for_completion(&rivals->release);
	dmag_lock();
	dmag_claim_unlock();
}

static void fill_reserve(void *data)
{
	struct rivals *rivals = data;

	dmag_claim_lock();
	complete(&rivals->filling);
	hoard_fill(rivals->hoard, GFP_NOWAIT, 128);
	while (!atomic_read(&dmag_claimers))
		schedule_timeout_uninterruptible(1);
	rivals->fill(rivals->group, PATIENCE);
	dmag_claim_unlock();
}

static void rivals_start(struct kunit *test, struct rivals *rivals)
{
	rivals->dev = device_reaching(test, "dmag-rivals", SZ_128M);
	rivals->group = joined_group(test, rivals->dev);
	rivals->hoard = hoard_make(test, rivals->dev, SZ_64K);
	init_completion(&rivals->filling);
	init_completion(&rivals->claiming);
	init_completion(&rivals->release);
	rivals->filler = job_start(test, fill_reserve, rivals);
	wait_for_completion(&rivals->filling);
	rivals->claimer = job_start(test, claim_for_long, rivals);
}

static void rivals_end(struct kunit *test, struct rivals *rivals)
{
	complete(&rivals->release);
	flush_work(&rivals->filler->work);
	flush_work(&rivals->claimer->work);
	KUNIT_EXPECT_EQ(test, rivals->ret, 0);
	hoard_free(rivals->hoard, 0);
	expect_valid(test);
	kunit_device_unregister(test, rivals->dev);
}

/* A driver's probe waits for its own claim, and for no other. */
static void test_probe_beside_claim(struct kunit *test)
{
	struct rivals rivals = { .fill = dmag_kgroup_fill_first };

	rivals_start(test, &rivals);
	KUNIT_EXPECT_TRUE(test, job_ends(rivals.filler));
	rivals_end(test, &rivals);
}

/* The worker waits for a request, which does not let the worker through in its turn. */
static void test_fill_beside_claim(struct kunit *test)
{
	struct rivals rivals = { .fill = dmag_kgroup_fill };

	rivals_start(test, &rivals);
	wait_for_completion(&rivals.claiming);
	msleep(50);
	KUNIT_EXPECT_EQ(test, atomic_read(&dmag_claimers), 0);
	rivals_end(test, &rivals);
}

/* A device that joins on another CPU. */
struct joiner {
	struct work_struct work;
	struct device *dev;
	bool started;
};

static void join_elsewhere(struct work_struct *work)
{
	struct joiner *joiner = container_of(work, struct joiner, work);

	WRITE_ONCE(joiner->started, true);
	dma_set_coherent_mask(joiner->dev, LIMIT_29);
}

/*
 * Let it join now, and take its time.  The other CPU may wait for this one, so not for
 * ever; one that is emulated may get to run after a tenth of a second only.
 */
static void join_start(struct joiner *joiner)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());

	if (cpu >= nr_cpu_ids)
		return;
	schedule_work_on(cpu, &joiner->work);
	for (int i = 0; i < 1000 && !READ_ONCE(joiner->started); i++) {
		cpu_relax();
		mdelay(1);
	}
	for (int i = 0; i < 20; i++) {
		cpu_relax();
		mdelay(1);
	}
}

/* Requests have the group's lock alone, and so no device joins while one has it. */
static void test_join_beside_request(struct kunit *test)
{
	struct device *dev = make_device(test, "dmag-member", LIMIT_29);
	struct joiner joiner = { .dev = bare_device(test, "dmag-joins") };
	struct dmag_kgroup *group = joined_group(test, dev);
	unsigned int before, after;

	INIT_WORK_ONSTACK(&joiner.work, join_elsewhere);
	/* The worker would wait for the lock as well, perhaps on the other CPU. */
	mutex_lock(&dmag_claim_mutex);
	spin_lock_irq(&group->lock);
	before = group->core.members;
	join_start(&joiner);
	after = READ_ONCE(group->core.members);
	spin_unlock_irq(&group->lock);
	flush_work(&joiner.work);
	mutex_unlock(&dmag_claim_mutex);
	destroy_work_on_stack(&joiner.work);
	KUNIT_EXPECT_EQ(test, after, before);
	if (joiner.started)
		KUNIT_EXPECT_EQ(test, group->core.members, before + 1);
	kunit_device_unregister(test, joiner.dev);
	kunit_device_unregister(test, dev);
}

static struct kunit_case locks_cases[] = {
	KUNIT_CASE(test_locked_page),
	KUNIT_CASE(test_reclaims_for_room_only),
	KUNIT_CASE(test_beside_claim),
	KUNIT_CASE(test_request_beside_claim),
	KUNIT_CASE(test_probe_beside_claim),
	KUNIT_CASE(test_fill_beside_claim),
	KUNIT_CASE(test_join_beside_request),
	{},
};

static struct kunit_suite locks_suite = {
	.name = "dmag_locks",
	.init = dmag_test_init,
	.test_cases = locks_cases,
};

kunit_test_suite(locks_suite);
