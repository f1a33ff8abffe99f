/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA allocation groups: memory for devices that reach only part of it.
 *
 * Public face of mm/dmag: what the driver core and dma-direct call.  Every hook
 * is an inline that costs one static branch when dmag is off.
 */
#ifndef _LINUX_DMAG_H
#define _LINUX_DMAG_H

#include <linux/gfp_types.h>
#include <linux/jump_label.h>
#include <linux/types.h>

struct device;
struct folio_batch;
struct page;

#ifdef CONFIG_DMAG

DECLARE_STATIC_KEY_FALSE(dmag_key);
DECLARE_STATIC_KEY_FALSE(dmag_hungry_key);

bool __dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page);
bool __dmag_alloc_shared(struct device *dev, size_t size, gfp_t gfp,
			 struct page **page);
bool __dmag_alloc_bounce(struct device *dev, size_t size, gfp_t gfp,
			 struct page **page);
bool __dmag_can_bounce(struct device *dev);
bool __dmag_claim_pages(struct device *dev, size_t size, gfp_t gfp,
			struct page **page);
struct page *__dmag_settle_pages(struct device *dev, size_t size, gfp_t gfp,
				 struct page *page);
bool __dmag_free_pages(struct device *dev, struct page *page, size_t size);
bool __dmag_is_shared(const struct page *page);
void __dmag_device_update(struct device *dev);
void __dmag_streaming_update(struct device *dev);
void __dmag_device_leave(struct device *dev);
void __dmag_capture(struct folio_batch *folios);
bool __dmag_take_broken(struct page *page);
int __dmag_going_offline(unsigned long start_pfn, unsigned long nr_pages);
void __dmag_offline_failed(void);

/**
 * dmag_alloc_pages() - Allocate coherent memory from the reserve of a group.
 * @dev: a direct-mapped device
 * @size: length in bytes; rounded up to whole pages
 * @gfp: whether it may sleep, and for what; zone flags mean nothing here
 * @page: set to the first page
 *
 * The run is physically and bus contiguous, inside the device's reach, and
 * aligned to the smallest page order that holds @size, or to MAX_PAGE_ORDER if that
 * is less.  It is not zeroed unless init_on_alloc or __GFP_ZERO asks for it.
 *
 * Context: Any, if @gfp does not allow blocking.
 * Return: true if there are pages; false if the device is not restricted, or the
 * reserve has nothing for it.
 */
static inline bool dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
				    struct page **page)
{
	return static_branch_unlikely(&dmag_key) &&
	       __dmag_alloc_pages(dev, size, gfp, page);
}

/**
 * dmag_alloc_shared() - Allocate decrypted memory from a group.
 * @dev: a device that needs it, see force_dma_unencrypted()
 * @size: as for dmag_alloc_pages()
 * @gfp: likewise
 * @page: likewise
 *
 * A request that may sleep has memory claimed for it, too.
 *
 * Context: Any, if @gfp does not allow blocking.
 * Return: true if there are pages, which are freed as they are by dmag_free_pages();
 * false if the caller has to find memory and decrypt it.
 */
static inline bool dmag_alloc_shared(struct device *dev, size_t size, gfp_t gfp,
				     struct page **page)
{
	return static_branch_unlikely(&dmag_key) &&
	       __dmag_alloc_shared(dev, size, gfp, page);
}

/**
 * dmag_alloc_bounce() - Allocate memory that a device's streaming mappings reach.
 * @dev: a device with a streaming mask
 * @size: as for dmag_alloc_pages()
 * @gfp: if it allows blocking, memory is claimed, and the reserve left alone
 * @page: likewise
 *
 * If memory is encrypted, these pages are not, whether or not @dev needs that.  They are
 * freed without a device, since they are not charged to @dev: dmag_free_pages(NULL, ...).
 *
 * Context: Any, if @gfp does not allow blocking.  Else the caller has asked
 * dmag_can_bounce() while @dev had its driver, and checks the reach when it uses the pages,
 * since the limits of @dev may have changed.
 * Return: true if there are pages, mapped by the direct map; false if the caller
 * should go on as if dmag did not exist.
 */
static inline bool dmag_alloc_bounce(struct device *dev, size_t size, gfp_t gfp,
				     struct page **page)
{
	return static_branch_unlikely(&dmag_key) &&
	       __dmag_alloc_bounce(dev, size, gfp, page);
}

/**
 * dmag_can_bounce() - Whether a group's memory is good for bounce buffers.
 * @dev: a device with a driver and a streaming mask
 *
 * Context: Any.
 * Return: true if the streaming mask reaches all of the group of the device's bounce
 * buffers, and all of it is decrypted if memory is encrypted.
 */
static inline bool dmag_can_bounce(struct device *dev)
{
	return static_branch_unlikely(&dmag_key) && __dmag_can_bounce(dev);
}

/**
 * dmag_claim_pages() - Claim memory for a request that the reserve did not serve.
 * @dev: as for dmag_alloc_pages()
 * @size: likewise
 * @gfp: likewise
 * @page: likewise
 *
 * It takes a fraction of a second, or more for more than 16 MiB.
 *
 * Context: Any, if @gfp does not allow blocking; then it does nothing.
 * Return: true if there are pages; false if the caller should go on as if dmag did
 * not exist.
 */
static inline bool dmag_claim_pages(struct device *dev, size_t size, gfp_t gfp,
				    struct page **page)
{
	return static_branch_unlikely(&dmag_key) &&
	       __dmag_claim_pages(dev, size, gfp, page);
}

/**
 * dmag_quiet() - The flags by which to ask the zones for memory.
 * @gfp: those of the request
 *
 * A failure of the zones is not that of the request, so dmag_settle_pages() reports
 * that instead.
 *
 * Context: Any.
 * Return: the flags.
 */
static inline gfp_t dmag_quiet(gfp_t gfp)
{
	return static_branch_unlikely(&dmag_key) ? gfp | __GFP_NOWARN : gfp;
}

/**
 * dmag_settle_pages() - The zones have been asked on behalf of a device.
 * @dev: as for dmag_alloc_pages()
 * @size: likewise
 * @gfp: likewise; without __GFP_NOWARN a failure is reported
 * @page: those that the caller found, or NULL
 *
 * If the zones failed, the group of a device that reaches all memory climbs; one
 * that serves its device waits a moment for memory of its reach to come free.
 *
 * Context: Any, if @gfp does not allow blocking.
 * Return: @page, pages that were claimed or came free, or NULL.
 */
static inline struct page *dmag_settle_pages(struct device *dev, size_t size,
					     gfp_t gfp, struct page *page)
{
	if (static_branch_unlikely(&dmag_key))
		return __dmag_settle_pages(dev, size, gfp, page);
	return page;
}

/**
 * dmag_free_pages() - Give memory back to the group that it came from.
 * @dev: the device that frees it, any, or NULL
 * @page: what dmag_alloc_pages() gave
 * @size: what it was asked for, in bytes
 *
 * Context: Any.
 * Return: true if the pages belong to a group; false if the caller should free
 * them as it would without dmag.
 */
static inline bool dmag_free_pages(struct device *dev, struct page *page,
				   size_t size)
{
	return static_branch_unlikely(&dmag_key) &&
	       __dmag_free_pages(dev, page, size);
}

/**
 * dmag_is_shared() - Whether a page is decrypted, and stays so when it is freed.
 * @page: the page, which dmag_settle_pages() gave
 *
 * Context: Any.
 * Return: true if the page belongs to a group of devices that need it so; false if
 * the caller has to convert it.
 */
static inline bool dmag_is_shared(const struct page *page)
{
	return static_branch_unlikely(&dmag_key) && __dmag_is_shared(page);
}

/**
 * dmag_enabled() - Whether devices have groups.
 *
 * Context: Any, after core_initcall.
 * Return: false if dmag is off.
 */
static inline bool dmag_enabled(void)
{
	return static_branch_unlikely(&dmag_key);
}

/**
 * dmag_replaces_pools() - Whether there are no coherent pools.
 *
 * The reserves of groups hold decrypted memory, but none that is mapped uncached, and
 * serve devices of dma-direct only, while swiotlb makes transient pools for those of
 * dma-iommu too.
 *
 * Context: Any, after core_initcall.
 * Return: true if groups serve atomic requests for decrypted memory.
 */
static inline bool dmag_replaces_pools(void)
{
	return !IS_ENABLED(CONFIG_DMA_DIRECT_REMAP) &&
	       !(IS_ENABLED(CONFIG_SWIOTLB_DYNAMIC) &&
		 IS_ENABLED(CONFIG_IOMMU_DMA)) &&
	       dmag_enabled();
}

/**
 * dmag_device_update() - A device's coherent mask has been set.
 * @dev: the device; it joins the group of its constraint, and leaves another
 *
 * Context: May sleep.
 */
static inline void dmag_device_update(struct device *dev)
{
	if (static_branch_unlikely(&dmag_key))
		__dmag_device_update(dev);
}

/**
 * dmag_streaming_update() - A device's streaming mask has been set.
 * @dev: the device; its bounce buffers may need another group than coherent memory,
 *	which it joins a moment later
 *
 * Context: Any.
 */
static inline void dmag_streaming_update(struct device *dev)
{
	if (static_branch_unlikely(&dmag_key))
		__dmag_streaming_update(dev);
}

/**
 * dmag_device_leave() - A device lost its driver, or goes away.
 * @dev: the device; buffers that it has not freed stay with their group
 *
 * Context: May sleep.
 */
static inline void dmag_device_leave(struct device *dev)
{
	if (static_branch_unlikely(&dmag_key))
		__dmag_device_leave(dev);
}

/**
 * dmag_going_offline() - Memory is about to be isolated and taken offline.
 * @start_pfn: its first page
 * @nr_pages: how many
 *
 * Groups give back their free frames there, and claim none of it until it is
 * offline or dmag_offline_failed() is called.
 *
 * Context: Process, mem_hotplug_lock held for writing.
 * Return: 0; -EBUSY if a device has a buffer there; -EINTR on a fatal signal.
 */
static inline int dmag_going_offline(unsigned long start_pfn,
				     unsigned long nr_pages)
{
	return static_branch_unlikely(&dmag_key) ?
		       __dmag_going_offline(start_pfn, nr_pages) :
		       0;
}

/**
 * dmag_offline_failed() - Memory stays online, whatever the reason.
 *
 * Context: Any, mem_hotplug_lock held for writing.
 */
static inline void dmag_offline_failed(void)
{
	if (static_branch_unlikely(&dmag_key))
		__dmag_offline_failed();
}

/**
 * dmag_capture() - Offer groups that are short the pages that reclaim frees.
 * @folios: prepared for freeing, with the order of each in its private field;
 *	those that are taken are removed
 *
 * Does nothing unless the task is in reclaim.
 *
 * Context: Any.
 */
static inline void dmag_capture(struct folio_batch *folios)
{
	if (static_branch_unlikely(&dmag_hungry_key))
		__dmag_capture(folios);
}

/**
 * dmag_take_broken() - Take a page whose memory is broken out of a reserve.
 * @page: the page, marked PG_hwpoison
 *
 * Context: Process.
 * Return: true if it was a free frame of a group.  It keeps its reference, and is
 * freed with that if the mark is removed; not so memory that is decrypted.
 */
static inline bool dmag_take_broken(struct page *page)
{
	return static_branch_unlikely(&dmag_key) && __dmag_take_broken(page);
}

#else /* !CONFIG_DMAG */

static inline bool dmag_alloc_pages(struct device *dev, size_t size, gfp_t gfp,
				    struct page **page)
{
	return false;
}

static inline bool dmag_alloc_shared(struct device *dev, size_t size, gfp_t gfp,
				     struct page **page)
{
	return false;
}

static inline bool dmag_alloc_bounce(struct device *dev, size_t size, gfp_t gfp,
				     struct page **page)
{
	return false;
}

static inline bool dmag_can_bounce(struct device *dev)
{
	return false;
}

static inline bool dmag_claim_pages(struct device *dev, size_t size, gfp_t gfp,
				    struct page **page)
{
	return false;
}

static inline gfp_t dmag_quiet(gfp_t gfp)
{
	return gfp;
}

static inline struct page *dmag_settle_pages(struct device *dev, size_t size,
					     gfp_t gfp, struct page *page)
{
	return page;
}

static inline bool dmag_free_pages(struct device *dev, struct page *page,
				   size_t size)
{
	return false;
}

static inline bool dmag_is_shared(const struct page *page)
{
	return false;
}

static inline bool dmag_enabled(void)
{
	return false;
}

static inline bool dmag_replaces_pools(void)
{
	return false;
}

static inline void dmag_device_update(struct device *dev)
{
}

static inline void dmag_streaming_update(struct device *dev)
{
}

static inline void dmag_device_leave(struct device *dev)
{
}

static inline int dmag_going_offline(unsigned long start_pfn,
				     unsigned long nr_pages)
{
	return 0;
}

static inline void dmag_offline_failed(void)
{
}

static inline void dmag_capture(struct folio_batch *folios)
{
}

static inline bool dmag_take_broken(struct page *page)
{
	return false;
}

#endif /* CONFIG_DMAG */

#endif /* _LINUX_DMAG_H */
