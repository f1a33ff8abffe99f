// SPDX-License-Identifier: GPL-2.0
/*
 * Plays a list of requests for DMA memory and times each, the same with groups
 * and without: guest/duel.py compares.
 *
 * Two files in debugfs. Writing a line to ctl runs one command; reading gives
 * its result as KEY=VALUE words:
 *
 *	device BITS NODE BUS	add a device with both masks so, on a node (-1: none),
 *				behind a bus of so many bits (0: of as many as it wants)
 *	play DEVICE API CONTEXT GFP FLAGS COUNT SIZE SLOTS SECONDS
 *				ask COUNT times. With SLOTS 0 keep all buffers until
 *				they are freed; else free the oldest first when so
 *				many are out, and the rest at the end. Ends after
 *				SECONDS, and after DUEL_GIVE_UP refusals in a row.
 *	free			give back all that plays kept
 *	remove			remove all devices
 *
 * API, CONTEXT and GFP are names of the tables below. FLAGS is "-" or letters:
 * r NORETRY, m RETRY_MAYFAIL, w NOWARN, n NOMEMALLOC, t THISNODE. The API "mapped" is
 * a streaming mapping of memory from anywhere, of which the mapping alone is timed.
 *
 * The file times has the times of the last play, a digit each: see duel_digit().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dmag_ctl.h"

#define DUEL_MAX_DEVICES 16
#define DUEL_MAX_COUNT 100000
#define DUEL_GIVE_UP 8

enum duel_api {
	DUEL_COHERENT,
	DUEL_NOKMAP,
	DUEL_CONTIG,
	DUEL_SINGLE,
	DUEL_PAGES,
	DUEL_NONCOHERENT,
	DUEL_NONCONTIGUOUS,
	DUEL_MAPPED,
	DUEL_NR_APIS
};

static const char *const duel_apis[] = { "coherent",	  "nokmap",
					 "contig",	  "single",
					 "pages",	  "noncoherent",
					 "noncontiguous", "mapped" };
static_assert(ARRAY_SIZE(duel_apis) == DUEL_NR_APIS);

static const unsigned long duel_attrs[DUEL_NR_APIS] = {
	[DUEL_NOKMAP] = DMA_ATTR_NO_KERNEL_MAPPING,
	[DUEL_CONTIG] = DMA_ATTR_FORCE_CONTIGUOUS,
	[DUEL_SINGLE] = DMA_ATTR_ALLOC_SINGLE_PAGES,
};

enum duel_context { DUEL_TASK, DUEL_BH, DUEL_IRQOFF, DUEL_NR_CONTEXTS };

static const char *const duel_contexts[] = { "task", "bh", "irqoff" };
static_assert(ARRAY_SIZE(duel_contexts) == DUEL_NR_CONTEXTS);

static const char *const duel_gfp_names[] = { "kernel", "nofs", "noio",
					      "nowait", "atomic" };
static const gfp_t duel_gfps[] = { GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_NOWAIT,
				   GFP_ATOMIC };
static_assert(ARRAY_SIZE(duel_gfp_names) == ARRAY_SIZE(duel_gfps));

/* @cookie: what the allocation returned, and what freeing it wants back */
struct duel_buffer {
	void *cookie;
	dma_addr_t dma;
};

/* The buffers of one play, in a ring: those of asks [tail, head). */
struct duel_lot {
	struct list_head list;
	struct device *dev;
	u64 limit;
	enum duel_api api;
	enum duel_context context;
	gfp_t gfp;
	size_t size;
	unsigned long asked;
	unsigned long granted;
	unsigned long bad;
	unsigned long head;
	unsigned long tail;
	unsigned long nr_slots;
	u64 total_ns;
	u64 max_ns;
	struct duel_buffer buffers[];
};

static int duel_command(struct ctl *ctl, char *line);

static struct ctl duel_ctl = {
	/* its mutex guards all below */
	.command = duel_command,
	.mutex = __MUTEX_INITIALIZER(duel_ctl.mutex),
};

static LIST_HEAD(duel_lots);
static struct platform_device *duel_devices[DUEL_MAX_DEVICES];
static u64 duel_limits[DUEL_MAX_DEVICES];
static unsigned int duel_nr_devices;
static char *duel_times; /* two characters an ask at most, and a 0 */
static size_t duel_nr_times;
static struct dentry *duel_dir;

/*
 * Digits have no vowels, which every splat that judge.py looks for has. The first
 * one is up to 256 ns, each further one 5/16 more: the last one is 3 minutes.
 */
static char duel_digit(u64 ns)
{
	static const char skipped[] = "\"$'-:AEIOU\\_`aeiou";
	u64 bound = 256;
	char digit = '!';

	while (ns > bound && digit < '~') {
		bound += (bound >> 2) + (bound >> 4);
		do
			digit++;
		while (strchr(skipped, digit));
	}
	return digit;
}

/* A refusal has a minus before its time. */
static void duel_note_time(struct duel_lot *lot, u64 ns, bool granted)
{
	lot->total_ns += ns;
	lot->max_ns = max(lot->max_ns, ns);
	if (!granted)
		duel_times[duel_nr_times++] = '-';
	duel_times[duel_nr_times++] = duel_digit(ns);
}

static void duel_get(struct duel_lot *lot, struct duel_buffer *buf)
{
	struct device *dev = lot->dev;
	struct sg_table *sgt;

	switch (lot->api) {
	case DUEL_PAGES:
		buf->cookie = dma_alloc_pages(dev, lot->size, &buf->dma,
					      DMA_BIDIRECTIONAL, lot->gfp);
		break;
	case DUEL_NONCOHERENT:
		buf->cookie = dma_alloc_noncoherent(
			dev, lot->size, &buf->dma, DMA_BIDIRECTIONAL, lot->gfp);
		break;
	case DUEL_MAPPED:
		buf->dma = dma_map_single_attrs(dev, buf->cookie, lot->size,
						DMA_BIDIRECTIONAL,
						DMA_ATTR_NO_WARN);
		break;
	case DUEL_NONCONTIGUOUS:
		sgt = dma_alloc_noncontiguous(dev, lot->size, DMA_BIDIRECTIONAL,
					      lot->gfp, 0);
		buf->cookie = sgt;
		if (sgt)
			buf->dma = sg_dma_address(sgt->sgl);
		break;
	default:
		buf->cookie = dma_alloc_attrs(dev, lot->size, &buf->dma,
					      lot->gfp, duel_attrs[lot->api]);
	}
}

static void duel_put(struct duel_lot *lot, struct duel_buffer *buf)
{
	struct device *dev = lot->dev;

	switch (lot->api) {
	case DUEL_PAGES:
		dma_free_pages(dev, lot->size, buf->cookie, buf->dma,
			       DMA_BIDIRECTIONAL);
		break;
	case DUEL_NONCOHERENT:
		dma_free_noncoherent(dev, lot->size, buf->cookie, buf->dma,
				     DMA_BIDIRECTIONAL);
		break;
	case DUEL_MAPPED:
		dma_unmap_single(dev, buf->dma, lot->size, DMA_BIDIRECTIONAL);
		break;
	case DUEL_NONCONTIGUOUS:
		dma_free_noncontiguous(dev, lot->size, buf->cookie,
				       DMA_BIDIRECTIONAL);
		break;
	default:
		dma_free_attrs(dev, lot->size, buf->cookie, buf->dma,
			       duel_attrs[lot->api]);
	}
}

static bool duel_granted(const struct duel_lot *lot,
			 const struct duel_buffer *buf)
{
	if (lot->api == DUEL_MAPPED)
		return !dma_mapping_error(lot->dev, buf->dma);
	return buf->cookie;
}

static void duel_get_timed(struct duel_lot *lot, struct duel_buffer *buf)
{
	u64 start = ktime_get_ns();

	duel_get(lot, buf);
	duel_note_time(lot, ktime_get_ns() - start, duel_granted(lot, buf));
}

static void duel_get_in_context(struct duel_lot *lot, struct duel_buffer *buf)
{
	unsigned long flags;

	switch (lot->context) {
	case DUEL_BH:
		local_bh_disable();
		duel_get_timed(lot, buf);
		local_bh_enable();
		break;
	case DUEL_IRQOFF:
		local_irq_save(flags);
		duel_get_timed(lot, buf);
		local_irq_restore(flags);
		break;
	default:
		duel_get_timed(lot, buf);
	}
}

/* The devices are not translated: a bus address is a physical address. */
static u64 *duel_word(const struct duel_buffer *buf, size_t offset)
{
	return phys_to_virt(buf->dma) + offset;
}

/* A tag is its own address: no two buffers can share a page unnoticed. */
static u64 duel_tag(const struct duel_buffer *buf, size_t offset)
{
	return (uintptr_t)buf ^ (buf->dma + offset);
}

/*
 * The DMA API promises zeroes to all but NO_KERNEL_MAPPING, and natural alignment,
 * which ends at the largest block of the page allocator for what is larger.
 */
static bool duel_good(const struct duel_lot *lot, const struct duel_buffer *buf)
{
	int order = min(get_order(lot->size), MAX_PAGE_ORDER);
	u64 last = buf->dma + lot->size - 1;

	if (last < buf->dma || last > lot->limit)
		return false;
	if (lot->api != DUEL_MAPPED && buf->dma & ((PAGE_SIZE << order) - 1))
		return false;
	return lot->api == DUEL_NOKMAP ||
	       !memchr_inv(duel_word(buf, 0), 0, lot->size);
}

static void duel_check_and_tag(struct duel_lot *lot, struct duel_buffer *buf)
{
	size_t offset;

	if (!duel_good(lot, buf)) {
		lot->bad++;
		return;
	}
	for (offset = 0; offset < lot->size; offset += PAGE_SIZE)
		*duel_word(buf, offset) = duel_tag(buf, offset);
}

/* @mem: where they should be: at the device, or where it was mapped from */
static void duel_check_tags(struct duel_lot *lot, struct duel_buffer *buf,
			    const void *mem)
{
	size_t offset;

	for (offset = 0; offset < lot->size; offset += PAGE_SIZE)
		if (*(const u64 *)(mem + offset) != duel_tag(buf, offset)) {
			lot->bad++;
			return;
		}
}

static void duel_put_oldest(struct duel_lot *lot)
{
	struct duel_buffer *buf = &lot->buffers[lot->tail++ % lot->nr_slots];

	duel_check_tags(lot, buf, duel_word(buf, 0));
	duel_put(lot, buf);
	if (lot->api != DUEL_MAPPED)
		return;
	duel_check_tags(lot, buf, buf->cookie);
	free_pages_exact(buf->cookie, lot->size);
}

/* The memory to map is the host's. Without it, nothing is asked. */
static bool duel_find_memory(struct duel_lot *lot, struct duel_buffer *buf)
{
	if (lot->api != DUEL_MAPPED)
		return true;
	buf->cookie = alloc_pages_exact(lot->size, GFP_KERNEL | __GFP_NOWARN |
							   __GFP_NORETRY |
							   __GFP_ZERO);
	return buf->cookie;
}

static void duel_empty(struct duel_lot *lot)
{
	while (lot->tail != lot->head) {
		duel_put_oldest(lot);
		cond_resched();
	}
}

/* One ask; true if it was granted. */
static bool duel_ask(struct duel_lot *lot)
{
	struct duel_buffer *buf;

	if (lot->head - lot->tail == lot->nr_slots)
		duel_put_oldest(lot);
	buf = &lot->buffers[lot->head % lot->nr_slots];
	if (!duel_find_memory(lot, buf))
		return false;
	lot->asked++;
	duel_get_in_context(lot, buf);
	if (!duel_granted(lot, buf)) {
		if (lot->api == DUEL_MAPPED)
			free_pages_exact(buf->cookie, lot->size);
		return false;
	}
	lot->head++;
	lot->granted++;
	duel_check_and_tag(lot, buf);
	return true;
}

/* Returns whether the time was over. */
static bool duel_play(struct duel_lot *lot, unsigned long count, u64 seconds)
{
	u64 end = ktime_get_ns() + seconds * NSEC_PER_SEC;
	unsigned int refused = 0;

	while (count-- && refused < DUEL_GIVE_UP) {
		refused = duel_ask(lot) ? 0 : refused + 1;
		cond_resched();
		if (ktime_get_ns() > end)
			return true;
	}
	return false;
}

static int duel_flags(const char *text, gfp_t *gfp)
{
	static const struct {
		char letter;
		gfp_t flag;
	} flags[] = {
		{ 'r', __GFP_NORETRY },	 { 'm', __GFP_RETRY_MAYFAIL },
		{ 'w', __GFP_NOWARN },	 { 'n', __GFP_NOMEMALLOC },
		{ 't', __GFP_THISNODE }, { '-', 0 },
	};
	unsigned int i;

	for (; *text; text++) {
		for (i = 0; i < ARRAY_SIZE(flags); i++)
			if (flags[i].letter == *text)
				break;
		if (i == ARRAY_SIZE(flags))
			return -EINVAL;
		*gfp |= flags[i].flag;
	}
	return 0;
}

static int duel_lookup(struct duel_lot *lot, const char *api,
		       const char *context, const char *gfp, const char *flags)
{
	int which_api = match_string(duel_apis, DUEL_NR_APIS, api);
	int which_context =
		match_string(duel_contexts, DUEL_NR_CONTEXTS, context);
	int which_gfp =
		match_string(duel_gfp_names, ARRAY_SIZE(duel_gfps), gfp);

	if (which_api < 0 || which_context < 0 || which_gfp < 0)
		return -EINVAL;
	lot->api = which_api;
	lot->context = which_context;
	lot->gfp = duel_gfps[which_gfp];
	if (lot->context != DUEL_TASK && gfpflags_allow_blocking(lot->gfp))
		return -EINVAL;
	return duel_flags(flags, &lot->gfp);
}

static struct duel_lot *duel_alloc_lot(const char *args, unsigned long *count,
				       unsigned long *seconds)
{
	char api[16], context[16], gfp[16], flags[16];
	unsigned long slots;
	unsigned int nr;
	struct duel_lot *lot;
	size_t size;

	if (sscanf(args, "%u %15s %15s %15s %15s %lu %zu %lu %lu", &nr, api,
		   context, gfp, flags, count, &size, &slots, seconds) != 9)
		return ERR_PTR(-EINVAL);
	if (nr >= duel_nr_devices || !*count || *count > DUEL_MAX_COUNT ||
	    !size || slots > *count)
		return ERR_PTR(-EINVAL);
	slots = slots ?: *count;
	lot = kvzalloc(struct_size(lot, buffers, slots), GFP_KERNEL);
	if (!lot)
		return ERR_PTR(-ENOMEM);
	lot->dev = &duel_devices[nr]->dev;
	lot->limit = duel_limits[nr];
	lot->size = size;
	lot->nr_slots = slots;
	if (duel_lookup(lot, api, context, gfp, flags)) {
		kvfree(lot);
		return ERR_PTR(-EINVAL);
	}
	return lot;
}

static void duel_report(struct duel_lot *lot, bool late)
{
	ctl_report(&duel_ctl, "asked=%lu granted=%lu bad=%lu late=%d ",
		   lot->asked, lot->granted, lot->bad, late);
	ctl_report(&duel_ctl, "ns=%llu max_ns=%llu\n", lot->total_ns,
		   lot->max_ns);
}

static int duel_cmd_play(const char *args)
{
	unsigned long count, seconds;
	struct duel_lot *lot = duel_alloc_lot(args, &count, &seconds);
	bool late;

	if (IS_ERR(lot))
		return PTR_ERR(lot);
	kvfree(duel_times);
	duel_nr_times = 0;
	duel_times = kvmalloc(2 * count, GFP_KERNEL);
	if (!duel_times) {
		kvfree(lot);
		return -ENOMEM;
	}
	late = duel_play(lot, count, seconds);
	if (lot->nr_slots < count)
		duel_empty(lot);
	list_add_tail(&lot->list, &duel_lots);
	duel_report(lot, late);
	return 0;
}

static int duel_cmd_free(const char *args)
{
	struct duel_lot *lot, *next;
	unsigned long bad = 0;

	list_for_each_entry_safe(lot, next, &duel_lots, list) {
		lot->bad = 0;
		duel_empty(lot);
		bad += lot->bad;
		list_del(&lot->list);
		kvfree(lot);
	}
	ctl_report(&duel_ctl, "bad=%lu\n", bad);
	return 0;
}

/* A driver sets its masks, or writes what the kernel does not like itself. */
static int duel_probe(struct platform_device *pdev)
{
	u64 *mask = dev_get_platdata(&pdev->dev);
	u64 start = ktime_get_ns();
	int err = dma_coerce_mask_and_coherent(&pdev->dev, *mask);

	ctl_report(&duel_ctl, "err=%d ns=%llu\n", err, ktime_get_ns() - start);
	if (err)
		pdev->dev.coherent_dma_mask = *mask;
	return 0;
}

static struct platform_driver duel_driver = {
	.driver.name = KBUILD_MODNAME,
	.probe = duel_probe,
};

static int duel_cmd_device(const char *args)
{
	unsigned int bits, bus, nr = duel_nr_devices;
	struct platform_device *pdev;
	int node, err;
	u64 mask;

	if (sscanf(args, "%u %d %u", &bits, &node, &bus) != 3 || !bits ||
	    bits > 64 || bus > 64 || nr == DUEL_MAX_DEVICES)
		return -EINVAL;
	pdev = platform_device_alloc(KBUILD_MODNAME, nr);
	if (!pdev)
		return -ENOMEM;
	mask = DMA_BIT_MASK(bits);
	pdev->dev.bus_dma_limit = bus ? DMA_BIT_MASK(bus) : 0;
	duel_limits[nr] = min_not_zero(mask, pdev->dev.bus_dma_limit);
	set_dev_node(&pdev->dev, node);
	err = platform_device_add_data(pdev, &mask, sizeof(mask));
	err = err ?: platform_device_add(pdev);
	if (err) {
		platform_device_put(pdev);
		return err;
	}
	duel_devices[nr] = pdev;
	duel_nr_devices++;
	return 0;
}

static int duel_cmd_remove(const char *args)
{
	if (!list_empty(&duel_lots))
		return -EBUSY;
	while (duel_nr_devices)
		platform_device_unregister(duel_devices[--duel_nr_devices]);
	ctl_report(&duel_ctl, "devices=0\n");
	return 0;
}

static const struct {
	const char *name;
	int (*func)(const char *args);
} duel_commands[] = {
	{ "device", duel_cmd_device },
	{ "play", duel_cmd_play },
	{ "free", duel_cmd_free },
	{ "remove", duel_cmd_remove },
};

static int duel_command(struct ctl *ctl, char *line)
{
	char *args = strim(line);
	char *name = strsep(&args, " ");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(duel_commands); i++)
		if (!strcmp(name, duel_commands[i].name))
			return duel_commands[i].func(args ?: "");
	return -EINVAL;
}

static ssize_t duel_read_times(struct file *file, char __user *user,
			       size_t size, loff_t *pos)
{
	ssize_t ret;

	mutex_lock(&duel_ctl.mutex);
	ret = simple_read_from_buffer(user, size, pos, duel_times,
				      duel_nr_times);
	mutex_unlock(&duel_ctl.mutex);
	return ret;
}

static const struct file_operations duel_times_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = duel_read_times,
	.llseek = default_llseek,
};

static int __init duel_init(void)
{
	int err = platform_driver_register(&duel_driver);

	if (err)
		return err;
	duel_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("ctl", 0600, duel_dir, &duel_ctl, &ctl_fops);
	debugfs_create_file("times", 0400, duel_dir, NULL, &duel_times_fops);
	return 0;
}
module_init(duel_init);

static void __exit duel_exit(void)
{
	debugfs_remove(duel_dir);
	duel_cmd_free("");
	duel_cmd_remove("");
	platform_driver_unregister(&duel_driver);
	kvfree(duel_times);
}
module_exit(duel_exit);

MODULE_DESCRIPTION("A list of requests for DMA memory, played and timed");
MODULE_LICENSE("GPL");
