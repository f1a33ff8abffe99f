// SPDX-License-Identifier: GPL-2.0
/*
 * Driver for QEMU's edu device, made to ask for DMA memory and to prove what
 * it was given.
 *
 * Each device has a file ctl in debugfs. Writing a line runs one command;
 * reading gives its result as KEY=VALUE words:
 *
 *	alloc CONTEXT KIND COUNT SIZE [GIVE-UP]
 *					ask for buffers, check and keep them
 *	roundtrip COUNT SEED		send sampled buffers through the device
 *	verify				does every buffer still hold its own tag?
 *	free CONTEXT			give everything back
 *	cost CONTEXT COUNT		cycles of an alloc/free pair of one page
 *	pairs CONTEXT COUNT OTHER	so many pairs, while device OTHER does as many
 *					on another CPU; nanoseconds a pair
 *	latency COUNT SIZE		so many atomic requests of a real-time task, each
 *					given back before the next
 *	mask BITS			set both masks, as a driver does; takes how long?
 *	stream BITS			set the streaming mask alone
 *	poke BITS			write the coherent mask behind the API's back
 *	churn COUNT SEED		so many random requests, checks and frees
 *
 * CONTEXT is block, quick (__GFP_NORETRY), user (GFP_USER), irqoff or softirq; KIND
 * is coherent, nokmap, pages, noncoherent or mapped, which is memory from anywhere
 * with a streaming mapping. A check needs no trust in the allocator: the device clamps
 * addresses beyond its mask, so that a wrong buffer comes back corrupted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <asm/msr.h>
#ifdef CONFIG_X86_TEST_MEM_ENCRYPT
#include <asm/coco.h>
#endif

#include "dmag_ctl.h"

#define EDU_DMA_SRC 0x80
#define EDU_DMA_DST 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD 0x98
#define EDU_DMA_RUN BIT(0)
#define EDU_DMA_TO_RAM BIT(1)
#define EDU_BUFFER 0x40000

/* A transfer of the device's whole 4 KiB aborts QEMU 7.2. */
#define EDU_CHUNK 2048
/* A transfer takes 100 ms of the guest's time; an overloaded host more. */
#define EDU_TIMEOUT_MS 20000
/*
 * A refused blocking request has been through reclaim and compaction, which
 * takes long. After this many in a row, unless the command says how many, the
 * rest is taken to be refused too.
 */
#define EDU_GIVE_UP 8

/* Longer than this is slow: of a thousand requests one may be. */
#define EDU_SLOW_NS (100 * NSEC_PER_MSEC)

#define EDU_MAX_DEVICES 16

enum edu_context {
	EDU_BLOCK,
	EDU_QUICK,
	EDU_USER,
	EDU_IRQOFF,
	EDU_SOFTIRQ,
	EDU_NR_CONTEXTS
};

static const char *const edu_contexts[] = { "block", "quick", "user", "irqoff",
					    "softirq" };
static_assert(ARRAY_SIZE(edu_contexts) == EDU_NR_CONTEXTS);

enum edu_kind {
	EDU_COHERENT,
	EDU_NOKMAP,
	EDU_PAGES,
	EDU_NONCOHERENT,
	EDU_MAPPED,
	EDU_NR_KINDS
};

static const char *const edu_kinds[] = { "coherent", "nokmap", "pages",
					 "noncoherent", "mapped" };
static_assert(ARRAY_SIZE(edu_kinds) == EDU_NR_KINDS);

/*
 * @cookie: what the allocation returned, and what freeing it wants back
 * @ns: the time that the allocation took
 */
struct edu_buffer {
	void *cookie;
	dma_addr_t dma;
	u64 ns;
};

/* The buffers of one request. */
struct edu_lot {
	struct list_head list;
	struct device *dev;
	enum edu_kind kind;
	size_t size;
	u64 limit;
	gfp_t gfp;
	unsigned long asked;
	unsigned long granted;
	unsigned int give_up;
	u64 total_ns;
	u64 max_ns;
	unsigned long slow;
	struct edu_buffer buffers[];
};

/* @limit, @stream_limit: the last bus addresses of coherent and of mapped memory */
struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	spinlock_t lock; /* guards nothing: makes a context that may not sleep */
	struct list_head lots;
	u64 limit;
	u64 stream_limit;
	struct dentry *dir;
	struct ctl ctl; /* its mutex guards lots */
};

/* A piece of work and the context it runs in. */
struct edu_work {
	void (*func)(struct edu *edu, struct edu_lot *lot);
	struct edu *edu;
	struct edu_lot *lot;
	struct timer_list timer;
	struct completion done;
};

static unsigned int masks[EDU_MAX_DEVICES];
static unsigned int nr_masks;
module_param_array(masks, uint, &nr_masks, 0444);
MODULE_PARM_DESC(masks, "bits that each device can address, in PCI order (28)");

static bool fail_probe;
module_param(fail_probe, bool, 0644);
MODULE_PARM_DESC(fail_probe, "fail each probe once the masks are set");

static struct dentry *edu_root;

static void edu_work_timer(struct timer_list *timer)
{
	struct edu_work *work = from_timer(work, timer, timer);

	work->func(work->edu, work->lot);
	complete(&work->done);
}

static void edu_run_softirq(struct edu_work *work)
{
	init_completion(&work->done);
	timer_setup_on_stack(&work->timer, edu_work_timer, 0);
	mod_timer(&work->timer, jiffies + 1);
	wait_for_completion(&work->done);
	del_timer_sync(&work->timer);
	destroy_timer_on_stack(&work->timer);
}

static void edu_run(struct edu *edu, struct edu_lot *lot,
		    enum edu_context context,
		    void (*func)(struct edu *edu, struct edu_lot *lot))
{
	struct edu_work work = { .func = func, .edu = edu, .lot = lot };
	unsigned long flags;

	switch (context) {
	case EDU_IRQOFF:
		spin_lock_irqsave(&edu->lock, flags);
		func(edu, lot);
		spin_unlock_irqrestore(&edu->lock, flags);
		break;
	case EDU_SOFTIRQ:
		edu_run_softirq(&work);
		break;
	default:
		func(edu, lot);
	}
}

static struct page *edu_map(struct device *dev, const struct edu_lot *lot,
			    dma_addr_t *dma)
{
	struct page *page =
		alloc_pages(lot->gfp | __GFP_ZERO, get_order(lot->size));

	if (!page) {
		dev_err(dev, "no memory to map\n");
		return NULL;
	}
	*dma = dma_map_page_attrs(dev, page, 0, lot->size, DMA_BIDIRECTIONAL,
				  DMA_ATTR_NO_WARN);
	if (!dma_mapping_error(dev, *dma))
		return page;
	__free_pages(page, get_order(lot->size));
	return NULL;
}

static void edu_unmap(struct device *dev, const struct edu_lot *lot,
		      const struct edu_buffer *buf)
{
	dma_unmap_page(dev, buf->dma, lot->size, DMA_BIDIRECTIONAL);
	__free_pages(buf->cookie, get_order(lot->size));
}

static void *edu_get(struct device *dev, const struct edu_lot *lot,
		     dma_addr_t *dma)
{
	switch (lot->kind) {
	case EDU_MAPPED:
		return edu_map(dev, lot, dma);
	case EDU_NOKMAP:
		return dma_alloc_attrs(dev, lot->size, dma, lot->gfp,
				       DMA_ATTR_NO_KERNEL_MAPPING);
	case EDU_PAGES:
		return dma_alloc_pages(dev, lot->size, dma, DMA_BIDIRECTIONAL,
				       lot->gfp);
	case EDU_NONCOHERENT:
		return dma_alloc_noncoherent(dev, lot->size, dma,
					     DMA_BIDIRECTIONAL, lot->gfp);
	default:
		return dma_alloc_coherent(dev, lot->size, dma, lot->gfp);
	}
}

static void edu_put(struct device *dev, const struct edu_lot *lot,
		    const struct edu_buffer *buf)
{
	switch (lot->kind) {
	case EDU_MAPPED:
		edu_unmap(dev, lot, buf);
		break;
	case EDU_NOKMAP:
		dma_free_attrs(dev, lot->size, buf->cookie, buf->dma,
			       DMA_ATTR_NO_KERNEL_MAPPING);
		break;
	case EDU_PAGES:
		dma_free_pages(dev, lot->size, buf->cookie, buf->dma,
			       DMA_BIDIRECTIONAL);
		break;
	case EDU_NONCOHERENT:
		dma_free_noncoherent(dev, lot->size, buf->cookie, buf->dma,
				     DMA_BIDIRECTIONAL);
		break;
	default:
		dma_free_coherent(dev, lot->size, buf->cookie, buf->dma);
	}
}

/* Ask for the next buffer; whether it was granted. */
static bool edu_ask(struct edu *edu, struct edu_lot *lot)
{
	struct edu_buffer *buf = &lot->buffers[lot->granted];
	u64 start = ktime_get_ns();
	u64 ns;

	buf->cookie = edu_get(&edu->pdev->dev, lot, &buf->dma);
	ns = ktime_get_ns() - start;
	buf->ns = ns;
	lot->total_ns += ns;
	lot->max_ns = max(lot->max_ns, ns);
	lot->slow += ns > EDU_SLOW_NS;
	if (!buf->cookie)
		return false;
	lot->granted++;
	return true;
}

static void edu_alloc_lot(struct edu *edu, struct edu_lot *lot)
{
	unsigned int refused = 0;
	unsigned long i;

	for (i = 0; i < lot->asked && refused < lot->give_up; i++)
		refused = edu_ask(edu, lot) ? 0 : refused + 1;
}

static void edu_free_lot(struct edu *edu, struct edu_lot *lot)
{
	while (lot->granted)
		edu_put(&edu->pdev->dev, lot, &lot->buffers[--lot->granted]);
}

/*
 * PCI is not translated here, so that a bus address is a physical address.
 * This holds for NO_KERNEL_MAPPING too, whose cookie is not to be looked into.
 */
static void *edu_memory(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	return lot->kind == EDU_MAPPED ? page_address(buf->cookie) :
					 phys_to_virt(buf->dma);
}

/* Mapped memory is the device's, or the kernel's. */
static void edu_give(const struct edu_lot *lot, const struct edu_buffer *buf,
		     size_t offset, size_t size)
{
	if (lot->kind == EDU_MAPPED)
		dma_sync_single_range_for_device(lot->dev, buf->dma, offset,
						 size, DMA_BIDIRECTIONAL);
}

static void edu_take(const struct edu_lot *lot, const struct edu_buffer *buf,
		     size_t offset, size_t size)
{
	if (lot->kind == EDU_MAPPED)
		dma_sync_single_range_for_cpu(lot->dev, buf->dma, offset, size,
					      DMA_BIDIRECTIONAL);
}

static bool edu_bounced(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	return lot->kind == EDU_MAPPED &&
	       virt_to_phys(edu_memory(lot, buf)) != buf->dma;
}

/* A device of a machine with encrypted memory reaches only what is decrypted. */
static bool edu_decrypted(const struct edu_lot *lot,
			  const struct edu_buffer *buf)
{
#ifdef CONFIG_X86_TEST_MEM_ENCRYPT
	return cc_test_is_shared(buf->dma, lot->size);
#else
	return true;
#endif
}

static bool edu_reachable(const struct edu_lot *lot,
			  const struct edu_buffer *buf)
{
	u64 last = buf->dma + lot->size - 1;

	if (last < buf->dma || last > lot->limit || !edu_decrypted(lot, buf))
		return false;
	if (lot->kind == EDU_COHERENT || lot->kind == EDU_NONCOHERENT)
		return virt_to_phys(buf->cookie) == buf->dma;
	return true;
}

/* The DMA API promises zeroes to all but NO_KERNEL_MAPPING. */
static bool edu_zeroed(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	return lot->kind == EDU_NOKMAP ||
	       !memchr_inv(edu_memory(lot, buf), 0, lot->size);
}

/* As far as the page allocator would do it, and for mappings swiotlb. */
static bool edu_aligned(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	int order = lot->kind == EDU_MAPPED ?
			    0 :
			    min(get_order(lot->size), MAX_PAGE_ORDER);

	return !(buf->dma & ((PAGE_SIZE << order) - 1));
}

static u64 *edu_tag_at(const struct edu_lot *lot, const struct edu_buffer *buf,
		       size_t offset)
{
	return edu_memory(lot, buf) + offset;
}

static bool edu_good(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	return edu_reachable(lot, buf) && edu_aligned(lot, buf) &&
	       edu_zeroed(lot, buf);
}

/* A tag is its own address: no two buffers can share a page unnoticed. */
static void edu_tag(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	size_t offset;

	edu_take(lot, buf, 0, lot->size);
	for (offset = 0; offset < lot->size; offset += PAGE_SIZE)
		*edu_tag_at(lot, buf, offset) = (uintptr_t)buf ^ offset;
	edu_give(lot, buf, 0, lot->size);
}

static bool edu_tagged(const struct edu_lot *lot, const struct edu_buffer *buf)
{
	bool same = true;
	size_t offset;

	edu_take(lot, buf, 0, lot->size);
	for (offset = 0; offset < lot->size && same; offset += PAGE_SIZE)
		same = *edu_tag_at(lot, buf, offset) ==
		       ((uintptr_t)buf ^ offset);
	edu_give(lot, buf, 0, lot->size);
	return same;
}

static void edu_check_lot(struct edu *edu, struct edu_lot *lot)
{
	unsigned long bad_reach = 0, bad_zero = 0, bad_align = 0, bounced = 0;
	unsigned long i;
	u64 lowest = U64_MAX, highest = 0;

	for (i = 0; i < lot->granted; i++) {
		struct edu_buffer *buf = &lot->buffers[i];

		bad_reach += !edu_reachable(lot, buf);
		bad_align += !edu_aligned(lot, buf);
		bad_zero += !edu_zeroed(lot, buf);
		bounced += edu_bounced(lot, buf);
		edu_tag(lot, buf);
		lowest = min(lowest, buf->dma);
		highest = max(highest, buf->dma + lot->size - 1);
		cond_resched();
	}
	ctl_report(&edu->ctl, "bad_reach=%lu bad_zero=%lu bad_align=%lu ",
		   bad_reach, bad_zero, bad_align);
	if (lot->kind == EDU_MAPPED)
		ctl_report(&edu->ctl, "bounced=%lu ", bounced);
	if (lot->granted)
		ctl_report(&edu->ctl, "low=%#llx high=%#llx\n", lowest,
			   highest);
	else
		ctl_report(&edu->ctl, "low=- high=-\n");
}

static int edu_context(const char *name)
{
	return match_string(edu_contexts, EDU_NR_CONTEXTS, name);
}

static gfp_t edu_gfp(enum edu_context context)
{
	switch (context) {
	case EDU_BLOCK:
		return GFP_KERNEL | __GFP_NOWARN;
	case EDU_QUICK:
		return GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	case EDU_USER:
		return GFP_USER | __GFP_NOWARN;
	default:
		return GFP_ATOMIC | __GFP_NOWARN;
	}
}

static int edu_compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Refused requests count in the mean and the maximum only. */
static int edu_report_times(struct edu *edu, const struct edu_lot *lot)
{
	unsigned long granted = lot->granted, i;
	u64 *ns = kvmalloc_array(granted + 1, sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return -ENOMEM;
	for (i = 0; i < granted; i++)
		ns[i] = lot->buffers[i].ns;
	sort(ns, granted, sizeof(*ns), edu_compare_u64, NULL);
	ctl_report(&edu->ctl, "ns=%llu max_ns=%llu slow=%lu ",
		   div64_u64(lot->total_ns, max(granted, 1UL)), lot->max_ns,
		   lot->slow);
	if (granted)
		ctl_report(&edu->ctl, "p50_ns=%llu p99_ns=%llu ",
			   ns[granted / 2], ns[granted * 99 / 100]);
	kvfree(ns);
	return 0;
}

static int edu_cmd_alloc(struct edu *edu, const char *args)
{
	char context_name[16], kind_name[16];
	unsigned int give_up = EDU_GIVE_UP;
	unsigned long count;
	size_t size;
	struct edu_lot *lot;
	int context, kind, err;

	if (sscanf(args, "%15s %15s %lu %zu %u", context_name, kind_name,
		   &count, &size, &give_up) < 4)
		return -EINVAL;
	context = edu_context(context_name);
	kind = match_string(edu_kinds, EDU_NR_KINDS, kind_name);
	if (context < 0 || kind < 0 || !count || !size || !give_up)
		return -EINVAL;

	lot = kvzalloc(struct_size(lot, buffers, count), GFP_KERNEL);
	if (!lot)
		return -ENOMEM;
	lot->dev = &edu->pdev->dev;
	lot->kind = kind;
	lot->size = size;
	lot->limit = kind == EDU_MAPPED ? edu->stream_limit : edu->limit;
	lot->asked = count;
	lot->give_up = give_up;
	lot->gfp = edu_gfp(context);

	edu_run(edu, lot, context, edu_alloc_lot);
	list_add_tail(&lot->list, &edu->lots);
	ctl_report(&edu->ctl,
		   "context=%s kind=%s size=%zu asked=%lu granted=%lu ",
		   context_name, kind_name, size, count, lot->granted);
	err = edu_report_times(edu, lot);
	edu_check_lot(edu, lot);
	return err;
}

static void edu_free_all(struct edu *edu, enum edu_context context)
{
	struct edu_lot *lot, *next;

	list_for_each_entry_safe(lot, next, &edu->lots, list) {
		edu_run(edu, lot, context, edu_free_lot);
		list_del(&lot->list);
		kvfree(lot);
	}
}

static int edu_cmd_free(struct edu *edu, const char *args)
{
	char name[16];
	int context;

	if (sscanf(args, "%15s", name) != 1)
		return -EINVAL;
	context = edu_context(name);
	/* The DMA API forbids freeing with interrupts off. */
	if (context < 0 || context == EDU_IRQOFF)
		return -EINVAL;
	edu_free_all(edu, context);
	ctl_report(&edu->ctl, "freed=all\n");
	return 0;
}

static int edu_cmd_verify(struct edu *edu, const char *args)
{
	unsigned long buffers = 0, intact = 0, i;
	struct edu_lot *lot;

	list_for_each_entry(lot, &edu->lots, list) {
		for (i = 0; i < lot->granted; i++)
			intact += edu_tagged(lot, &lot->buffers[i]);
		buffers += lot->granted;
		cond_resched();
	}
	ctl_report(&edu->ctl, "buffers=%lu intact=%lu\n", buffers, intact);
	return 0;
}

static bool edu_transfer(struct edu *edu, u64 source, u64 destination,
			 u64 command)
{
	unsigned int waited;

	writeq(source, edu->regs + EDU_DMA_SRC);
	writeq(destination, edu->regs + EDU_DMA_DST);
	writeq(EDU_CHUNK, edu->regs + EDU_DMA_COUNT);
	writeq(command | EDU_DMA_RUN, edu->regs + EDU_DMA_CMD);
	for (waited = 0; waited < EDU_TIMEOUT_MS; waited += 20) {
		if (!(readq(edu->regs + EDU_DMA_CMD) & EDU_DMA_RUN))
			return true;
		msleep(20);
	}
	dev_err(&edu->pdev->dev, "transfer did not end\n");
	return false;
}

static void edu_pattern(u8 *memory, u32 state)
{
	unsigned int i;

	state |= 1;
	for (i = 0; i < EDU_CHUNK; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		memory[i] = state;
	}
}

static bool edu_roundtrip(struct edu *edu, struct edu_lot *lot,
			  struct edu_buffer *buf, size_t offset, u32 seed)
{
	u8 *memory = edu_memory(lot, buf) + offset;
	u8 *want = kmalloc(EDU_CHUNK, GFP_KERNEL);
	bool same;

	if (!want)
		return false;
	edu_pattern(want, seed ^ buf->dma ^ offset);
	edu_take(lot, buf, offset, EDU_CHUNK);
	memcpy(memory, want, EDU_CHUNK);
	edu_give(lot, buf, offset, EDU_CHUNK);
	same = edu_transfer(edu, buf->dma + offset, EDU_BUFFER, 0);
	edu_take(lot, buf, offset, EDU_CHUNK);
	memset(memory, 0, EDU_CHUNK);
	edu_give(lot, buf, offset, EDU_CHUNK);
	same = same &&
	       edu_transfer(edu, EDU_BUFFER, buf->dma + offset, EDU_DMA_TO_RAM);
	edu_take(lot, buf, offset, EDU_CHUNK);
	same = same && !memcmp(memory, want, EDU_CHUNK);
	kfree(want);
	edu_tag(lot, buf);
	return same;
}

static void edu_sample_lot(struct edu *edu, struct edu_lot *lot,
			   unsigned long wanted, u32 seed)
{
	unsigned long samples = min(wanted, lot->granted), intact = 0, i;

	for (i = 0; i < samples; i++) {
		unsigned long nr =
			samples == 1 ? 0 :
				       i * (lot->granted - 1) / (samples - 1);
		struct edu_buffer *buf = &lot->buffers[nr];
		bool same = true;

		/* First and last bytes, in turn; both of a buffer that is alone. */
		if (samples == 1 || !(i & 1))
			same = edu_roundtrip(edu, lot, buf, 0, seed);
		if (samples == 1 || i & 1)
			same &= edu_roundtrip(edu, lot, buf,
					      lot->size - EDU_CHUNK, seed);
		intact += same;
	}
	ctl_report(&edu->ctl, "sampled=%lu intact=%lu\n", samples, intact);
}

/* One line of result for each lot, oldest first. */
static int edu_cmd_roundtrip(struct edu *edu, const char *args)
{
	struct edu_lot *lot;
	unsigned long count;
	u32 seed;

	if (sscanf(args, "%lu %u", &count, &seed) != 2)
		return -EINVAL;
	list_for_each_entry(lot, &edu->lots, list)
		if (lot->size >= EDU_CHUNK)
			edu_sample_lot(edu, lot, count, seed);
	return 0;
}

static u64 edu_pair_cycles(struct device *dev, gfp_t gfp)
{
	dma_addr_t dma;
	u64 start = rdtsc_ordered();
	void *memory = dma_alloc_coherent(dev, PAGE_SIZE, &dma, gfp);

	if (!memory)
		return U64_MAX;
	dma_free_coherent(dev, PAGE_SIZE, memory, dma);
	return rdtsc_ordered() - start;
}

static void edu_count_pairs(struct edu *edu, u64 *cycles, unsigned long count,
			    bool atomic)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		if (atomic) {
			spin_lock_bh(&edu->lock);
			cycles[i] =
				edu_pair_cycles(&edu->pdev->dev, GFP_ATOMIC);
			spin_unlock_bh(&edu->lock);
		} else {
			cycles[i] =
				edu_pair_cycles(&edu->pdev->dev, GFP_KERNEL);
		}
	}
}

/*
 * Under QEMU's -icount shift=0 the time stamp counter counts instructions.
 * The lowest and the median pair are free of the timer interrupt.
 */
static int edu_cmd_cost(struct edu *edu, const char *args)
{
	unsigned long count;
	char name[16];
	u64 *cycles;
	int context;

	if (sscanf(args, "%15s %lu", name, &count) != 2 || !count ||
	    count > 100000)
		return -EINVAL;
	context = edu_context(name);
	if (context < 0 || context == EDU_IRQOFF)
		return -EINVAL;
	cycles = kvmalloc_array(count, sizeof(*cycles), GFP_KERNEL);
	if (!cycles)
		return -ENOMEM;
	/* Once to warm up. */
	edu_count_pairs(edu, cycles, count, context >= EDU_IRQOFF);
	edu_count_pairs(edu, cycles, count, context >= EDU_IRQOFF);
	sort(cycles, count, sizeof(*cycles), edu_compare_u64, NULL);
	ctl_report(&edu->ctl,
		   "context=%s pairs=%lu min=%llu median=%llu max=%llu\n", name,
		   count, cycles[0], cycles[count / 2], cycles[count - 1]);
	kvfree(cycles);
	return 0;
}

/* One CPU's part of a race: pairs of a device of its own. */
struct edu_racer {
	struct edu *edu;
	unsigned long count;
	bool atomic;
	unsigned long failed;
	u64 ns;
	atomic_t *ready; /* how many stand at the start */
	struct completion done;
};

static void edu_race_pair(struct edu_racer *racer)
{
	struct device *dev = &racer->edu->pdev->dev;
	gfp_t gfp = racer->atomic ? GFP_ATOMIC : GFP_KERNEL;
	dma_addr_t dma;
	void *memory;

	if (racer->atomic)
		local_bh_disable();
	memory = dma_alloc_coherent(dev, PAGE_SIZE, &dma, gfp);
	if (memory)
		dma_free_coherent(dev, PAGE_SIZE, memory, dma);
	else
		racer->failed++;
	if (racer->atomic)
		local_bh_enable();
}

static int edu_race_thread(void *data)
{
	struct edu_racer *racer = data;
	u64 start;

	atomic_inc(racer->ready);
	while (atomic_read(racer->ready) < 2)
		cond_resched();
	start = ktime_get_ns();
	for (unsigned long i = 0; i < racer->count; i++)
		edu_race_pair(racer);
	racer->ns = ktime_get_ns() - start;
	kthread_complete_and_exit(&racer->done, 0);
}

static int edu_race(struct edu_racer *racer)
{
	const unsigned int cpu[2] = { cpumask_first(cpu_online_mask),
				      cpumask_last(cpu_online_mask) };
	struct task_struct *task[2];

	for (unsigned int i = 0; i < 2; i++) {
		init_completion(&racer[i].done);
		task[i] =
			kthread_create(edu_race_thread, &racer[i], "dmag_race");
		if (IS_ERR(task[i])) {
			if (i)
				kthread_stop(task[0]);
			return PTR_ERR(task[i]);
		}
		kthread_bind(task[i], cpu[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		wake_up_process(task[i]);
	for (unsigned int i = 0; i < 2; i++)
		wait_for_completion(&racer[i].done);
	return 0;
}

static int edu_cmd_pairs(struct edu *edu, const char *args)
{
	atomic_t ready = ATOMIC_INIT(0);
	struct edu_racer racer[2] = { { .edu = edu } };
	char name[16], other[32];
	unsigned long count;
	struct device *dev;
	int context, err;

	if (sscanf(args, "%15s %lu %31s", name, &count, other) != 3 || !count)
		return -EINVAL;
	context = edu_context(name);
	if (context < 0 || context == EDU_IRQOFF)
		return -EINVAL;
	dev = bus_find_device_by_name(&pci_bus_type, NULL, other);
	if (!dev)
		return -ENODEV;
	racer[0].count = count;
	racer[0].atomic = context >= EDU_IRQOFF;
	racer[0].ready = &ready;
	racer[1] = racer[0];
	racer[1].edu = dev_get_drvdata(dev);
	err = edu_race(racer);
	put_device(dev);
	ctl_report(&edu->ctl, "context=%s pairs=%lu failed=%lu ns=%llu\n", name,
		   racer[0].count, racer[0].failed + racer[1].failed,
		   div64_u64(racer[0].ns + racer[1].ns, 2 * racer[0].count));
	return err;
}

/* A task that asks as the thread of an interrupt does, and what it asks for. */
struct edu_latency {
	struct edu *edu;
	struct edu_lot *lot;
	struct completion done;
};

/* The pauses are for the others, which have the CPU only while this task sleeps. */
static int edu_latency_thread(void *data)
{
	struct edu_latency *latency = data;
	struct edu_lot *lot = latency->lot;
	struct edu *edu = latency->edu;
	unsigned long flags;
	bool granted;

	sched_set_fifo(current);
	for (unsigned long i = 0; i < lot->asked; i++) {
		spin_lock_irqsave(&edu->lock, flags);
		granted = edu_ask(edu, lot);
		spin_unlock_irqrestore(&edu->lock, flags);
		if (granted)
			edu_put(&edu->pdev->dev, lot,
				&lot->buffers[lot->granted - 1]);
		usleep_range(300, 500);
	}
	kthread_complete_and_exit(&latency->done, 0);
}

static int edu_run_latency(struct edu *edu, struct edu_lot *lot)
{
	struct edu_latency latency = { .edu = edu, .lot = lot };
	struct task_struct *task;

	init_completion(&latency.done);
	task = kthread_run(edu_latency_thread, &latency, "dmag_latency");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wait_for_completion(&latency.done);
	ctl_report(&edu->ctl, "size=%zu asked=%lu granted=%lu ", lot->size,
		   lot->asked, lot->granted);
	return edu_report_times(edu, lot);
}

static int edu_cmd_latency(struct edu *edu, const char *args)
{
	struct edu_lot *lot;
	unsigned long count;
	size_t size;
	int err;

	if (sscanf(args, "%lu %zu", &count, &size) != 2 || !count || !size)
		return -EINVAL;
	lot = kvzalloc(struct_size(lot, buffers, count), GFP_KERNEL);
	if (!lot)
		return -ENOMEM;
	lot->size = size;
	lot->asked = count;
	lot->gfp = edu_gfp(EDU_IRQOFF);
	err = edu_run_latency(edu, lot);
	ctl_report(&edu->ctl, "\n");
	kvfree(lot);
	return err;
}

static int edu_parse_bits(const char *args, u64 *mask)
{
	unsigned int bits;

	if (kstrtouint(args, 0, &bits) || !bits || bits > 64)
		return -EINVAL;
	*mask = DMA_BIT_MASK(bits);
	return 0;
}

static int edu_cmd_mask(struct edu *edu, const char *args)
{
	u64 mask, ns;
	int err;

	err = edu_parse_bits(args, &mask);
	if (err)
		return err;
	ns = ktime_get_ns();
	err = dma_set_mask_and_coherent(&edu->pdev->dev, mask);
	ns = ktime_get_ns() - ns;
	if (!err) {
		edu->limit = mask;
		edu->stream_limit = mask;
	}
	ctl_report(&edu->ctl, "mask=%#llx err=%d ns=%llu\n", mask, err, ns);
	return 0;
}

static int edu_cmd_stream(struct edu *edu, const char *args)
{
	u64 mask;
	int err;

	err = edu_parse_bits(args, &mask);
	if (err)
		return err;
	err = dma_set_mask(&edu->pdev->dev, mask);
	if (!err)
		edu->stream_limit = mask;
	ctl_report(&edu->ctl, "mask=%#llx err=%d\n", mask, err);
	return 0;
}

static int edu_cmd_poke(struct edu *edu, const char *args)
{
	u64 mask;
	int err;

	err = edu_parse_bits(args, &mask);
	if (err)
		return err;
	edu->pdev->dev.coherent_dma_mask = mask;
	edu->limit = mask;
	ctl_report(&edu->ctl, "mask=%#llx err=0\n", mask);
	return 0;
}

/* What a churn counts. */
struct edu_churn {
	struct rnd_state random;
	unsigned long asked;
	unsigned long granted;
	unsigned long bad;
};

/* Mostly pages, some runs, of every kind and from every context. */
static struct edu_lot *edu_churn_get(struct edu *edu, struct edu_churn *churn)
{
	u32 bits = prandom_u32_state(&churn->random);
	enum edu_context context = bits % EDU_NR_CONTEXTS;
	struct edu_lot *lot = kzalloc(struct_size(lot, buffers, 1), GFP_KERNEL);

	if (!lot)
		return NULL;
	/* Only guests with bounce buffers can map all memory. */
	lot->kind = (bits >> 8) % EDU_MAPPED;
	lot->size = 1 + (bits >> 16) % (PAGE_SIZE << ((bits >> 12) & 3));
	lot->limit = edu->limit;
	lot->gfp = edu_gfp(context);
	lot->asked = 1;
	lot->give_up = 1;
	churn->asked++;
	edu_run(edu, lot, context, edu_alloc_lot);
	if (!lot->granted) {
		kfree(lot);
		return NULL;
	}
	churn->granted++;
	churn->bad += !edu_good(lot, &lot->buffers[0]);
	edu_tag(lot, &lot->buffers[0]);
	return lot;
}

static void edu_churn_put(struct edu *edu, struct edu_churn *churn,
			  struct edu_lot *lot)
{
	bool softirq = prandom_u32_state(&churn->random) & 1;

	churn->bad += !edu_tagged(lot, &lot->buffers[0]);
	edu_run(edu, lot, softirq ? EDU_SOFTIRQ : EDU_BLOCK, edu_free_lot);
	kfree(lot);
}

static int edu_cmd_churn(struct edu *edu, const char *args)
{
	struct edu_lot *slots[64] = {};
	struct edu_churn churn = {};
	unsigned long count;
	unsigned int i;
	u64 seed;

	if (sscanf(args, "%lu %llu", &count, &seed) != 2)
		return -EINVAL;
	prandom_seed_state(&churn.random, seed);
	while (count--) {
		i = prandom_u32_state(&churn.random) % ARRAY_SIZE(slots);
		if (slots[i]) {
			edu_churn_put(edu, &churn, slots[i]);
			slots[i] = NULL;
		} else {
			slots[i] = edu_churn_get(edu, &churn);
		}
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		if (slots[i])
			edu_churn_put(edu, &churn, slots[i]);
	ctl_report(&edu->ctl, "asked=%lu granted=%lu bad=%lu\n", churn.asked,
		   churn.granted, churn.bad);
	return 0;
}

static const struct {
	const char *name;
	int (*func)(struct edu *edu, const char *args);
} edu_commands[] = {
	{ "alloc", edu_cmd_alloc },	    { "free", edu_cmd_free },
	{ "roundtrip", edu_cmd_roundtrip }, { "verify", edu_cmd_verify },
	{ "cost", edu_cmd_cost },	    { "mask", edu_cmd_mask },
	{ "poke", edu_cmd_poke },	    { "churn", edu_cmd_churn },
	{ "pairs", edu_cmd_pairs },	    { "latency", edu_cmd_latency },
	{ "stream", edu_cmd_stream },
};

static int edu_command(struct ctl *ctl, char *line)
{
	struct edu *edu = container_of(ctl, struct edu, ctl);
	char *args = strim(line);
	char *name = strsep(&args, " ");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(edu_commands); i++)
		if (!strcmp(name, edu_commands[i].name))
			return edu_commands[i].func(edu, args ?: "");
	return -EINVAL;
}

static const struct pci_device_id edu_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) },
						{} };
MODULE_DEVICE_TABLE(pci, edu_ids);

/* The device's place among its kind in PCI order, the same on each probe. */
static unsigned int edu_index(struct pci_dev *pdev)
{
	struct pci_dev *other = NULL;
	unsigned int index = 0;

	while ((other = pci_get_device(edu_ids[0].vendor, edu_ids[0].device,
				       other))) {
		if (other == pdev)
			break;
		index++;
	}
	pci_dev_put(other);
	return index;
}

static int edu_set_masks(struct edu *edu)
{
	unsigned int index = edu_index(edu->pdev);
	unsigned int bits = index < nr_masks ? masks[index] : 28;

	if (!bits || bits > 64)
		return -EINVAL;
	edu->limit = DMA_BIT_MASK(bits);
	edu->stream_limit = edu->limit;
	return dma_set_mask_and_coherent(&edu->pdev->dev, edu->limit);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	int err;

	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	edu->ctl.command = edu_command;
	mutex_init(&edu->ctl.mutex);
	spin_lock_init(&edu->lock);
	INIT_LIST_HEAD(&edu->lots);

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (err)
		return err;
	edu->regs = pcim_iomap_table(pdev)[0];
	err = edu_set_masks(edu);
	if (err)
		return err;
	if (fail_probe)
		return -ENODEV;
	pci_set_master(pdev);
	pci_set_drvdata(pdev, edu);
	edu->dir = debugfs_create_dir(pci_name(pdev), edu_root);
	debugfs_create_file("ctl", 0600, edu->dir, &edu->ctl, &ctl_fops);
	return 0;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	debugfs_remove(edu->dir);
	edu_free_all(edu, EDU_BLOCK);
}

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_init(void)
{
	int err;

	edu_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	err = pci_register_driver(&edu_driver);
	if (err)
		debugfs_remove(edu_root);
	return err;
}
module_init(edu_init);

static void __exit edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
	debugfs_remove(edu_root);
}
module_exit(edu_exit);

MODULE_DESCRIPTION("DMA memory for the edu device, and proof of it");
MODULE_LICENSE("GPL");
