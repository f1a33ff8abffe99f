// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure on memory, and a judge of what is left of it.
 *
 * One file ctl in debugfs. Writing a line runs one command; reading gives the
 * result of the last one as KEY=VALUE words:
 *
 *	contig FIRST LAST LEAVE	how many MiB of [FIRST, LAST) MiB can be emptied
 *				while LEAVE MiB stay free, without which the
 *				next fork would be killed
 *	hog LEAVE		take unmovable pages until refused; keep all but
 *				LEAVE MiB, without which nothing would run
 *	fragment MIB COUNT SEED	so many random allocations and frees of unmovable
 *				pages, of so much in all; keep what is left
 *	strew FIRST LAST STEP	take an unmovable page each STEP KiB of [FIRST, LAST) MiB
 *	unhog			give all of these back
 *	pin ADDRESS BYTES	pin the caller's own memory for long
 *	unpin			let go of all pins
 *	lock FIRST LAST		lock one page of shared memory in each pageblock of
 *				[FIRST, LAST) MiB, as storage does that no longer
 *				answers
 *	unlock			unlock them
 *
 * Nothing here knows of groups: it runs the same with them and without.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pageblock-flags.h>
#include <linux/pagemap.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dmag_ctl.h"

/* Pages pinned by one command. */
struct press_pin {
	struct list_head list;
	unsigned long nr;
	struct page *pages[];
};

static int press_command(struct ctl *ctl, char *line);

static struct ctl press_ctl = {
	/* its mutex guards all below */
	.command = press_command,
	.mutex = __MUTEX_INITIALIZER(press_ctl.mutex),
};

static LIST_HEAD(press_hogged); /* pages by lru; private holds the order */
static LIST_HEAD(press_pins);
static struct folio *press_locked[512];
static unsigned int press_nr_locked;
static struct dentry *press_dir;
static bool press_spares(unsigned long leave)
{
	struct sysinfo info;

	si_meminfo(&info);
	return info.freeram >= leave + pageblock_nr_pages;
}

static bool press_claim(unsigned long pfn, unsigned long leave)
{
	return pfn_to_online_page(pfn) && press_spares(leave) &&
	       !alloc_contig_range(pfn, pfn + pageblock_nr_pages,
				   MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN);
}

/* Emptying one pageblock moves its pages to another: until nothing is gained. */
static unsigned long press_claim_all(unsigned long first, unsigned long count,
				     unsigned long leave, unsigned long *held)
{
	unsigned long total = 0, gained, i;

	do {
		gained = 0;
		for (i = count; i-- && !fatal_signal_pending(current);) {
			if (test_bit(i, held))
				continue;
			if (!press_claim(first + i * pageblock_nr_pages, leave))
				continue;
			__set_bit(i, held);
			gained++;
			cond_resched();
		}
		total += gained;
	} while (gained);
	return total;
}

/*
 * What could be had at best: every pageblock that alloc_contig_range() can
 * empty, all held at once, taken from the top.
 */
static int press_contig(const char *args)
{
	unsigned long first_mib, last_mib, leave, first, count, claimed, i;
	u64 start = ktime_get_ns();
	unsigned long *held;

	if (sscanf(args, "%lu %lu %lu", &first_mib, &last_mib, &leave) != 3 ||
	    first_mib >= last_mib)
		return -EINVAL;
	first = ALIGN(first_mib << (20 - PAGE_SHIFT), pageblock_nr_pages);
	count = ((last_mib << (20 - PAGE_SHIFT)) - first) / pageblock_nr_pages;
	held = bitmap_zalloc(count, GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	claimed =
		press_claim_all(first, count, leave << (20 - PAGE_SHIFT), held);
	for_each_set_bit(i, held, count)
		free_contig_range(first + i * pageblock_nr_pages,
				  pageblock_nr_pages);
	bitmap_free(held);
	ctl_report(&press_ctl, "blocks=%lu claimed=%lu mib=%lu ns=%llu\n",
		   count, claimed,
		   claimed * pageblock_nr_pages >> (20 - PAGE_SHIFT),
		   ktime_get_ns() - start);
	return 0;
}

static unsigned long press_put(struct page *page)
{
	unsigned int order = page_private(page);

	set_page_private(page, 0);
	__free_pages(page, order);
	return 1UL << order;
}

/* The last ones taken first. */
static unsigned long press_give_back(unsigned long most)
{
	struct page *page, *next;
	unsigned long frames = 0;

	list_for_each_entry_safe(page, next, &press_hogged, lru) {
		if (frames >= most)
			break;
		list_del(&page->lru);
		frames += press_put(page);
		cond_resched();
	}
	return frames;
}

/* Refused at once rather than after an OOM kill. */
static struct page *press_get(unsigned int order)
{
	struct page *page =
		alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, order);

	if (page)
		set_page_private(page, order);
	return page;
}

static unsigned long press_take(unsigned int order)
{
	unsigned long frames = 0;
	struct page *page;

	while (!fatal_signal_pending(current)) {
		page = press_get(order);
		if (!page)
			break;
		list_add(&page->lru, &press_hogged);
		frames += 1UL << order;
		cond_resched();
	}
	return frames;
}

/* The large pages first, as long as there are any; in the end every page. */
static int press_hog(const char *args)
{
	static const unsigned int orders[] = { MAX_PAGE_ORDER, 3, 0 };
	unsigned long leave;
	unsigned int i;

	if (kstrtoul(args, 0, &leave))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		ctl_report(&press_ctl, "order_%u=%lu ", orders[i],
			   press_take(orders[i]));
	ctl_report(&press_ctl, "left=%lu\n",
		   press_give_back(leave << (20 - PAGE_SHIFT)));
	return 0;
}

/* Half of them single pages, a quarter pairs, and so on to 64 pages. */
static unsigned int press_order(struct rnd_state *random)
{
	return min(ffs(prandom_u32_state(random) | BIT(6)) - 1, 6);
}

/*
 * Each turn frees a slot or fills it, so that half of them are filled: pages of
 * all ages and sizes, between those of everybody else.
 */
static void press_churn(struct page **slots, u32 nr, unsigned long count,
			struct rnd_state *random)
{
	struct page **slot;

	while (count-- && !fatal_signal_pending(current)) {
		slot = &slots[prandom_u32_state(random) % nr];
		if (*slot) {
			press_put(*slot);
			*slot = NULL;
		} else {
			*slot = press_get(press_order(random));
		}
		cond_resched();
	}
}

static int press_fragment(const char *args)
{
	unsigned long mib, count, kept = 0;
	struct rnd_state random;
	struct page **slots;
	u64 seed;
	u32 nr, i;

	if (sscanf(args, "%lu %lu %llu", &mib, &count, &seed) != 3 || !mib ||
	    mib > SZ_1M)
		return -EINVAL;
	/* Half the slots hold three and a half pages in the mean. */
	nr = (mib << (20 - PAGE_SHIFT)) * 4 / 7;
	slots = kvcalloc(nr, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	prandom_seed_state(&random, seed);
	press_churn(slots, nr, count, &random);
	for (i = 0; i < nr; i++) {
		if (!slots[i])
			continue;
		kept += 1UL << page_private(slots[i]);
		list_add(&slots[i]->lru, &press_hogged);
	}
	kvfree(slots);
	ctl_report(&press_ctl, "turns=%lu kept=%lu\n", count, kept);
	return 0;
}

/* Of a pageblock that was claimed, keep a page in @step. */
static unsigned long press_strew_block(unsigned long pfn, unsigned long step)
{
	unsigned long i, kept = 0;

	for (i = 0; i < pageblock_nr_pages; i++) {
		struct page *page = pfn_to_page(pfn + i);

		if (i % step) {
			__free_page(page);
			continue;
		}
		set_page_private(page, 0);
		list_add(&page->lru, &press_hogged);
		kept++;
	}
	return kept;
}

/* Pageblocks that cannot be emptied stay as they are. */
static int press_strew(const char *args)
{
	unsigned long first, last, step, pfn, taken = 0;

	if (sscanf(args, "%lu %lu %lu", &first, &last, &step) != 3 ||
	    step < PAGE_SIZE / SZ_1K)
		return -EINVAL;
	last <<= 20 - PAGE_SHIFT;
	pfn = ALIGN(first << (20 - PAGE_SHIFT), pageblock_nr_pages);
	for (; pfn + pageblock_nr_pages <= last; pfn += pageblock_nr_pages) {
		if (press_claim(pfn, 0))
			taken += press_strew_block(pfn,
						   step * SZ_1K >> PAGE_SHIFT);
		cond_resched();
	}
	ctl_report(&press_ctl, "taken=%lu\n", taken);
	return 0;
}

static int press_unhog(const char *args)
{
	ctl_report(&press_ctl, "frames=%lu\n", press_give_back(ULONG_MAX));
	return 0;
}

static int press_pin(const char *args)
{
	unsigned long address, bytes, nr;
	struct press_pin *pin;
	long pinned;

	if (sscanf(args, "%lx %lu", &address, &bytes) != 2 || !bytes ||
	    !PAGE_ALIGNED(address) || !PAGE_ALIGNED(bytes) || bytes > SZ_1G)
		return -EINVAL;
	nr = bytes >> PAGE_SHIFT;
	pin = kvzalloc(struct_size(pin, pages, nr), GFP_KERNEL);
	if (!pin)
		return -ENOMEM;
	pinned = pin_user_pages_fast(address, nr, FOLL_WRITE | FOLL_LONGTERM,
				     pin->pages);
	if (pinned <= 0) {
		kvfree(pin);
		return pinned ?: -EFAULT;
	}
	pin->nr = pinned;
	list_add(&pin->list, &press_pins);
	ctl_report(&press_ctl, "frames=%ld\n", pinned);
	return 0;
}

static int press_unpin(const char *args)
{
	struct press_pin *pin, *next;
	unsigned long frames = 0;

	list_for_each_entry_safe(pin, next, &press_pins, list) {
		unpin_user_pages(pin->pages, pin->nr);
		frames += pin->nr;
		list_del(&pin->list);
		kvfree(pin);
	}
	ctl_report(&press_ctl, "frames=%lu\n", frames);
	return 0;
}

/* Lock the folio of @page if it is one of shared memory. */
static struct folio *press_lock_page(struct page *page)
{
	struct folio *folio;

	if (!page || !PageLRU(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;
	if (folio_test_swapbacked(folio) && !folio_test_anon(folio) &&
	    folio_trylock(folio))
		return folio;
	folio_put(folio);
	return NULL;
}

static void press_lock_block(unsigned long pfn)
{
	unsigned long end = pfn + pageblock_nr_pages;
	struct folio *folio = NULL;

	while (!folio && pfn < end)
		folio = press_lock_page(pfn_to_online_page(pfn++));
	if (folio)
		press_locked[press_nr_locked++] = folio;
}

static int press_lock(const char *args)
{
	unsigned long first_mib, last_mib, pfn;

	if (sscanf(args, "%lu %lu", &first_mib, &last_mib) != 2)
		return -EINVAL;
	for (pfn = first_mib << (20 - PAGE_SHIFT);
	     pfn < last_mib << (20 - PAGE_SHIFT) &&
	     press_nr_locked < ARRAY_SIZE(press_locked);
	     pfn += pageblock_nr_pages)
		press_lock_block(pfn);
	ctl_report(&press_ctl, "locked=%u\n", press_nr_locked);
	return 0;
}

static int press_unlock(const char *args)
{
	while (press_nr_locked) {
		struct folio *folio = press_locked[--press_nr_locked];

		folio_unlock(folio);
		folio_put(folio);
	}
	ctl_report(&press_ctl, "locked=0\n");
	return 0;
}

static const struct {
	const char *name;
	int (*func)(const char *args);
} press_commands[] = {
	{ "contig", press_contig },	{ "hog", press_hog },
	{ "fragment", press_fragment }, { "unhog", press_unhog },
	{ "pin", press_pin },		{ "unpin", press_unpin },
	{ "lock", press_lock },		{ "unlock", press_unlock },
	{ "strew", press_strew },
};

static int press_command(struct ctl *ctl, char *line)
{
	char *args = strim(line);
	char *name = strsep(&args, " ");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(press_commands); i++)
		if (!strcmp(name, press_commands[i].name))
			return press_commands[i].func(args ?: "");
	return -EINVAL;
}

static int __init press_init(void)
{
	press_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("ctl", 0600, press_dir, &press_ctl, &ctl_fops);
	return 0;
}
module_init(press_init);

static void __exit press_exit(void)
{
	debugfs_remove(press_dir);
	press_unhog("");
	press_unpin("");
	press_unlock("");
}
module_exit(press_exit);

MODULE_DESCRIPTION("Memory pressure for tests of DMA allocation groups");
MODULE_LICENSE("GPL");
