// SPDX-License-Identifier: GPL-2.0
/*
 * A storm of atomic requests, as a network card's ring refill makes them.
 *
 * Debugfs has a file ctl. Writing a line runs one command; reading gives the
 * result of the last one as KEY=VALUE words:
 *
 *	start DEVICE RATE LIFE SEED	so many requests a second of 4 to 64 KiB,
 *					from a softirq, each kept for a random
 *					time of up to LIFE ms
 *	phase				what came of them since the last phase
 *	calm				no more requests
 *	stop				give everything back
 *
 * and a file trace: what was taken and given back at which millisecond since
 * the start, in frames, one "MILLISECOND +FRAMES" or "MILLISECOND -FRAMES" a
 * line. A request that is refused counts as given back at once.
 *
 * Nothing here knows of groups: it runs the same with them and without.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

#include "dmag_ctl.h"

/* Five sizes, 4 KiB to 64 KiB. */
#define STORM_ORDERS 5
/* Ten minutes of ticks, if they come every 4 ms; what comes later is not kept. */
#define STORM_TRACE 150000
/* A guest may not run for a while: what it missed beyond this is not made up. */
#define STORM_CATCH_UP (HZ / 10)

struct storm_buffer {
	struct list_head list;
	void *cookie;
	dma_addr_t dma;
	size_t size;
};

/* @missed: ticks that were not made up for */
struct storm_counts {
	u64 asked;
	u64 refused;
	u64 bad;
	u64 missed;
	u64 frames;
	u64 most_frames;
};

struct storm_tick {
	u32 ms;
	u32 taken;
	u32 given;
};

/* @due: requests times HZ; @expires: what is to be freed at each tick, a ring */
struct storm {
	struct device *dev;
	struct timer_list timer;
	spinlock_t lock; /* guards all below */
	struct rnd_state random;
	unsigned long rate;
	unsigned long life;
	unsigned long begin;
	unsigned long now;
	unsigned long due;
	struct list_head idle;
	struct list_head *expires;
	struct storm_buffer *buffers;
	struct storm_counts counts;
	struct storm_tick *trace;
	unsigned int nr_trace;
};

static int storm_command(struct ctl *ctl, char *line);

static struct ctl storm_ctl = {
	/* its mutex guards all below */
	.command = storm_command,
	.mutex = __MUTEX_INITIALIZER(storm_ctl.mutex),
};

static struct storm storm;
static struct dentry *storm_dir;

static u64 *storm_last_word(const struct storm_buffer *buf)
{
	return buf->cookie + buf->size - sizeof(u64);
}

static bool storm_good(const struct storm_buffer *buf)
{
	return buf->dma + buf->size - 1 <= storm.dev->coherent_dma_mask &&
	       !memchr_inv(buf->cookie, 0, buf->size);
}

static void storm_tag(struct storm_buffer *buf)
{
	*(u64 *)buf->cookie = buf->dma;
	*storm_last_word(buf) = ~buf->dma;
}

static bool storm_tagged(const struct storm_buffer *buf)
{
	return *(u64 *)buf->cookie == buf->dma &&
	       *storm_last_word(buf) == ~buf->dma;
}

static void storm_put(struct storm_buffer *buf, struct storm_tick *tick)
{
	storm.counts.bad += !storm_tagged(buf);
	dma_free_coherent(storm.dev, buf->size, buf->cookie, buf->dma);
	storm.counts.frames -= buf->size >> PAGE_SHIFT;
	tick->given += buf->size >> PAGE_SHIFT;
	list_move(&buf->list, &storm.idle);
}

static void storm_expire(unsigned long now, struct storm_tick *tick)
{
	struct storm_buffer *buf, *next;

	list_for_each_entry_safe(buf, next, &storm.expires[now % storm.life],
				 list)
		storm_put(buf, tick);
}

static void storm_get(struct storm_tick *tick)
{
	struct storm_buffer *buf =
		list_first_entry(&storm.idle, struct storm_buffer, list);
	u32 bits = prandom_u32_state(&storm.random);
	unsigned long life = 1 + (bits >> 8) % (storm.life - 1);
	unsigned long frames = 1UL << bits % STORM_ORDERS;

	buf->size = frames << PAGE_SHIFT;
	buf->cookie = dma_alloc_coherent(storm.dev, buf->size, &buf->dma,
					 GFP_ATOMIC | __GFP_NOWARN);
	storm.counts.asked++;
	tick->taken += frames;
	if (!buf->cookie) {
		storm.counts.refused++;
		tick->given += frames;
		return;
	}
	storm.counts.bad += !storm_good(buf);
	storm.counts.frames += frames;
	storm.counts.most_frames =
		max(storm.counts.most_frames, storm.counts.frames);
	storm_tag(buf);
	list_move(&buf->list, &storm.expires[(storm.now + life) % storm.life]);
}

static void storm_record(const struct storm_tick *tick)
{
	if (storm.nr_trace < STORM_TRACE && (tick->taken || tick->given))
		storm.trace[storm.nr_trace++] = *tick;
}

static void storm_turn(unsigned long now, bool made_up)
{
	struct storm_tick tick = { .ms = jiffies_to_msecs(now - storm.begin) };

	storm.now = now;
	storm_expire(now, &tick);
	if (!made_up)
		storm.counts.missed++;
	for (storm.due += storm.rate; made_up && storm.due >= HZ;
	     storm.due -= HZ)
		storm_get(&tick);
	storm.due %= HZ;
	storm_record(&tick);
}

/* Ticks by the clock: an emulated CPU that is not run loses jiffies. */
static unsigned long storm_clock(void)
{
	return div_u64(ktime_get_ns(), TICK_NSEC);
}

static void storm_timer(struct timer_list *timer)
{
	unsigned long until = storm_clock();

	spin_lock(&storm.lock);
	while (storm.now != until)
		storm_turn(storm.now + 1, until - storm.now <= STORM_CATCH_UP);
	spin_unlock(&storm.lock);
	mod_timer(&storm.timer, jiffies + 1);
}

static int storm_allocate(void)
{
	/* No more than are asked for in the time that the longest is kept. */
	unsigned long nr = (storm.life + 1) * DIV_ROUND_UP(storm.rate, HZ);
	unsigned long i;

	storm.expires =
		kvmalloc_array(storm.life, sizeof(*storm.expires), GFP_KERNEL);
	storm.buffers = kvcalloc(nr, sizeof(*storm.buffers), GFP_KERNEL);
	storm.trace = kvcalloc(STORM_TRACE, sizeof(*storm.trace), GFP_KERNEL);
	if (!storm.expires || !storm.buffers || !storm.trace)
		return -ENOMEM;
	INIT_LIST_HEAD(&storm.idle);
	for (i = 0; i < storm.life; i++)
		INIT_LIST_HEAD(&storm.expires[i]);
	for (i = 0; i < nr; i++)
		list_add(&storm.buffers[i].list, &storm.idle);
	return 0;
}

static void storm_release(void)
{
	kvfree(storm.expires);
	kvfree(storm.buffers);
	kvfree(storm.trace);
	put_device(storm.dev);
	memset(&storm, 0, sizeof(storm));
}

static int storm_start(const char *args)
{
	unsigned long rate, life;
	struct device *dev;
	char name[32];
	u64 seed;

	if (sscanf(args, "%31s %lu %lu %llu", name, &rate, &life, &seed) != 4 ||
	    !rate || rate > 1000000 || life > 60000 ||
	    msecs_to_jiffies(life) < 2)
		return -EINVAL;
	if (storm.dev)
		return -EBUSY;
	dev = bus_find_device_by_name(&pci_bus_type, NULL, name);
	if (!dev)
		return -ENODEV;
	storm.dev = dev;
	storm.rate = rate;
	storm.life = msecs_to_jiffies(life);
	if (storm_allocate()) {
		storm_release();
		return -ENOMEM;
	}
	spin_lock_init(&storm.lock);
	prandom_seed_state(&storm.random, seed);
	storm.begin = storm_clock();
	storm.now = storm.begin;
	timer_setup(&storm.timer, storm_timer, 0);
	mod_timer(&storm.timer, jiffies + 1);
	return 0;
}

static int storm_calm(const char *args)
{
	if (!storm.dev)
		return -ENODEV;
	spin_lock_bh(&storm.lock);
	storm.rate = 0;
	spin_unlock_bh(&storm.lock);
	return 0;
}

static int storm_phase(const char *args)
{
	struct storm_counts counts;

	if (!storm.dev)
		return -ENODEV;
	spin_lock_bh(&storm.lock);
	counts = storm.counts;
	storm.counts = (struct storm_counts){ .frames = counts.frames };
	spin_unlock_bh(&storm.lock);
	ctl_report(
		&storm_ctl,
		"asked=%llu granted=%llu bad=%llu missed=%llu most_frames=%llu\n",
		counts.asked, counts.asked - counts.refused, counts.bad,
		counts.missed, counts.most_frames);
	return 0;
}

static int storm_stop(const char *args)
{
	struct storm_tick tick = {};
	unsigned long i;
	int err;

	if (!storm.dev)
		return -ENODEV;
	timer_shutdown_sync(&storm.timer);
	for (i = 0; i < storm.life; i++)
		storm_expire(i, &tick);
	err = storm_phase(args);
	storm_release();
	return err;
}

static int storm_command(struct ctl *ctl, char *line)
{
	char *args = strim(line);
	char *name = strsep(&args, " ");

	if (!strcmp(name, "start"))
		return storm_start(args ?: "");
	if (!strcmp(name, "calm"))
		return storm_calm(args);
	if (!strcmp(name, "phase"))
		return storm_phase(args);
	if (!strcmp(name, "stop"))
		return storm_stop(args);
	return -EINVAL;
}

/* Of a storm that goes on: what is past does not change. */
static int trace_show(struct seq_file *m, void *unused)
{
	const struct storm_tick *tick;
	unsigned int nr, i;

	mutex_lock(&storm_ctl.mutex);
	nr = READ_ONCE(storm.nr_trace);
	for (i = 0; i < nr; i++) {
		tick = &storm.trace[i];
		if (tick->taken)
			seq_printf(m, "%u +%u\n", tick->ms, tick->taken);
		if (tick->given)
			seq_printf(m, "%u -%u\n", tick->ms, tick->given);
	}
	mutex_unlock(&storm_ctl.mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(trace);

static int __init storm_init(void)
{
	storm_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("ctl", 0600, storm_dir, &storm_ctl, &ctl_fops);
	debugfs_create_file("trace", 0400, storm_dir, NULL, &trace_fops);
	return 0;
}
module_init(storm_init);

static void __exit storm_exit(void)
{
	debugfs_remove(storm_dir);
	storm_stop("");
}
module_exit(storm_exit);

MODULE_DESCRIPTION("Storm of atomic DMA requests");
MODULE_LICENSE("GPL");
