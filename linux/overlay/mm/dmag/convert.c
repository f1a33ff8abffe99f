// SPDX-License-Identifier: GPL-2.0
/*
 * Conversion of memory between private and shared.
 *
 * A device of a confidential guest sees shared memory only, which is decrypted.  The
 * kernel maps whole pageblocks by large entries, so these are converted as a whole.
 */

#include <linux/cc_platform.h>
#include <linux/dma-direct.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/set_memory.h>

#include "convert.h"

/**
 * dmag_convert_attrs() - The attributes of memory that a device needs.
 * @dev: the device
 *
 * They follow from its mask, its bus and what does not change after boot.
 *
 * Context: Any.
 * Return: enum dmag_attr bits.
 */
unsigned int dmag_convert_attrs(struct device *dev)
{
	return force_dma_unencrypted(dev) ? DMAG_SHARED : 0;
}

/**
 * dmag_convert_bounce_attrs() - The attributes of a device's bounce buffers.
 * @dev: the device
 *
 * If memory is encrypted, swiotlb decrypts that of all devices.
 *
 * Context: Any.
 * Return: enum dmag_attr bits.
 */
unsigned int dmag_convert_bounce_attrs(struct device *dev)
{
	return cc_platform_has(CC_ATTR_MEM_ENCRYPT) ? DMAG_SHARED :
						      dmag_convert_attrs(dev);
}

static unsigned long convert_start(const struct dmag_range *range)
{
	return (unsigned long)page_address(pfn_to_page(range->start));
}

/* The host is not to read what the kernel had there. */
static void convert_clear(const struct dmag_range *range)
{
	for (u64 pfn = range->start; pfn <= range->last; pfn++) {
		clear_page(page_address(pfn_to_page(pfn)));
		cond_resched();
	}
}

/* Conversions stop for good, before anything is changed, when a new kernel takes over. */
static int convert_result(int ret)
{
	return ret == -EBUSY ? -EAGAIN : ret;
}

/**
 * dmag_convert_share() - Make memory visible to devices.
 * @range: whole pageblocks of one section of RAM, allocated; cleared
 *
 * Context: Process, may sleep and allocate.
 * Return: 0; -EAGAIN if it is private as before; another error if its state is
 * unknown.
 */
int dmag_convert_share(const struct dmag_range *range)
{
	might_sleep();
	convert_clear(range);
	return convert_result(set_memory_decrypted(
		convert_start(range), range->last - range->start + 1));
}

/**
 * dmag_convert_unshare() - Make shared memory private again.
 * @range: a part of what was converted, whole pageblocks
 *
 * Memory goes offline under dmag_mutex, whose holder must not reclaim.
 *
 * Context: Process, may sleep and allocate, without reclaim.
 * Return: 0; -EAGAIN if it is shared as before; another error if its state is
 * unknown.
 */
int dmag_convert_unshare(const struct dmag_range *range)
{
	unsigned int flags;
	int ret;

	might_sleep();
	flags = memalloc_noreclaim_save();
	ret = set_memory_encrypted(convert_start(range),
				   range->last - range->start + 1);
	memalloc_noreclaim_restore(flags);
	return convert_result(ret);
}
