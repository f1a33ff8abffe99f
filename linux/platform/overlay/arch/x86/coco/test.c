// SPDX-License-Identifier: GPL-2.0
/*
 * A hypervisor's view of encrypted memory, on machines that have none.
 *
 * With cc_test on the command line memory is private until the kernel shares it, in
 * the polarity of TDX: a set bit in the page table says shared.  CPUs ignore that
 * bit.  The real code of the kernel does the conversions; here is the other side,
 * which tracks the state of each page, replaces its contents at each crossing, as
 * encryption does, fails on demand, and warns of each page that is in the wrong
 * state.
 *
 * It cannot show an access through a stale alias, since the CPU ignores the bit, nor
 * caches that are not coherent.
 */

#include <linux/bitmap.h>
#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/coco.h>
#include <asm/x86_init.h>

/* Bits 52 to 58 are ignored at each level, by CPUs and by QEMU. */
#define CC_TEST_BIT 52

/* Memory up to 32 GiB. */
#define CC_TEST_PAGES (1UL << 23)

static DECLARE_BITMAP(cc_test_shared, CC_TEST_PAGES);
static atomic64_t cc_test_nr_shared; /* pages that are shared now */
static atomic64_t cc_test_to_shared; /* conversions */
static atomic64_t cc_test_to_private;
static atomic64_t cc_test_dirty; /* pages that were shared with contents */
static atomic64_t cc_test_failed; /* pages that a conversion failed for */
static u32 cc_test_fail_every; /* the n-th conversion fails; 0: none */
static atomic_t cc_test_calls;

static bool cc_test_on(void)
{
	return cc_vendor == CC_VENDOR_TEST;
}

static bool cc_test_tracks(unsigned long end)
{
	return !WARN_ONCE(end > CC_TEST_PAGES, "cc_test: too much memory\n");
}

static unsigned long cc_test_pfn(unsigned long vaddr)
{
	return __pa(vaddr) >> PAGE_SHIFT;
}

/* Failures before and after the change of page tables take turns. */
static bool cc_test_fails(bool late)
{
	u32 every = READ_ONCE(cc_test_fail_every);
	u32 call;

	if (!every)
		return false;
	call = late ? atomic_read(&cc_test_calls) :
		      atomic_inc_return(&cc_test_calls);
	return !(call % every) && (call / every) % 2 == late;
}

static int cc_test_prepare(unsigned long vaddr, int npages, bool enc)
{
	unsigned long pfn = cc_test_pfn(vaddr);

	might_sleep();
	/* Bounce buffers are converted before there is a scheduler. */
	WARN_ONCE(system_state != SYSTEM_BOOTING &&
			  (in_atomic() || irqs_disabled()),
		  "cc_test: a conversion in atomic context\n");
	if (!cc_test_tracks(pfn + npages))
		return -EINVAL;
	if (cc_test_fails(false)) {
		atomic64_add(npages, &cc_test_failed);
		return -EIO;
	}
	for (int i = 0; i < npages; i++) {
		WARN_ONCE(test_bit(pfn + i, cc_test_shared) != enc,
			  "cc_test: page %#lx is %s already\n", pfn + i,
			  enc ? "private" : "shared");
		if (!enc &&
		    memchr_inv((void *)vaddr + i * PAGE_SIZE, 0, PAGE_SIZE))
			atomic64_inc(&cc_test_dirty);
	}
	return 0;
}

static int cc_test_finish(unsigned long vaddr, int npages, bool enc)
{
	unsigned long pfn = cc_test_pfn(vaddr);

	if (cc_test_fails(true)) {
		atomic64_add(npages, &cc_test_failed);
		return -EIO;
	}
	for (int i = 0; i < npages; i++) {
		assign_bit(pfn + i, cc_test_shared, !enc);
		memset((void *)vaddr + i * PAGE_SIZE, (pfn + i) | 1, PAGE_SIZE);
	}
	atomic64_inc(enc ? &cc_test_to_private : &cc_test_to_shared);
	atomic64_add(enc ? -npages : npages, &cc_test_nr_shared);
	return 0;
}

static bool cc_test_tlb_flush(bool enc)
{
	return !enc;
}

static bool cc_test_cache_flush(void)
{
	return false;
}

/**
 * cc_test_is_shared() - Whether a device may use memory.
 * @start: its first address, bytes
 * @size: its length, bytes, not 0
 *
 * Context: Any.
 * Return: true if all of its pages are shared, or memory is not encrypted.
 */
bool cc_test_is_shared(phys_addr_t start, size_t size)
{
	unsigned long end = PHYS_PFN(start + size - 1) + 1;

	return !cc_test_on() ||
	       find_next_zero_bit(cc_test_shared, end, PHYS_PFN(start)) >= end;
}
EXPORT_SYMBOL_GPL(cc_test_is_shared);

/**
 * cc_test_freeing() - Memory returns to the page allocator, so it must be private.
 * @page: the first page
 * @order: 2^order of them
 *
 * Context: Any.
 */
void cc_test_freeing(const struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page), end = pfn + (1UL << order);

	WARN_ONCE(cc_test_tracks(end) &&
			  find_next_bit(cc_test_shared, end, pfn) < end,
		  "cc_test: shared memory is freed, page %#lx\n", pfn);
}

static int __init cc_test_setup(char *arg)
{
	cc_vendor = CC_VENDOR_TEST;
	cc_set_mask(BIT_ULL(CC_TEST_BIT));
	x86_platform.guest.enc_status_change_prepare = cc_test_prepare;
	x86_platform.guest.enc_status_change_finish = cc_test_finish;
	x86_platform.guest.enc_tlb_flush_required = cc_test_tlb_flush;
	x86_platform.guest.enc_cache_flush_required = cc_test_cache_flush;
	return 0;
}
early_param("cc_test", cc_test_setup);

static int cc_test_get(void *counter, u64 *value)
{
	*value = atomic64_read(counter);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(cc_test_counter, cc_test_get, NULL, "%llu\n");

static int __init cc_test_debugfs(void)
{
	struct dentry *dir;

	if (!cc_test_on())
		return 0;
	dir = debugfs_create_dir("cc_test", NULL);
	debugfs_create_u32("fail_every", 0600, dir, &cc_test_fail_every);
	debugfs_create_file("shared", 0400, dir, &cc_test_nr_shared,
			    &cc_test_counter);
	debugfs_create_file("to_shared", 0400, dir, &cc_test_to_shared,
			    &cc_test_counter);
	debugfs_create_file("to_private", 0400, dir, &cc_test_to_private,
			    &cc_test_counter);
	debugfs_create_file("dirty", 0400, dir, &cc_test_dirty,
			    &cc_test_counter);
	debugfs_create_file("failed", 0400, dir, &cc_test_failed,
			    &cc_test_counter);
	return 0;
}
late_initcall(cc_test_debugfs);
