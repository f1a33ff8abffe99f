/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A group as the kernel has it, its locks, and the wake-up of those that wait for it.
 *
 * Locks, outermost first:
 *
 *   dmag_claim_mutex   climbs, fills, protection: one at a time
 *   cpus_read_lock, mem_hotplug_lock	memory hotplug calls with them held
 *   dmag_mutex	   the registry, the RAM map, owners and protectors of memory
 *   dmag_pcp.lock  one CPU's cache of a group; irq safe
 *   kgroup.lock   one group's frames, counters, captured pages; irq safe
 *   those of the page allocator, of wait queues and of workqueues
 *
 * The holder of dmag_claim_mutex may migrate, reclaim and wait for I/O, so only the
 * worker and requests that may wait for all of that take it.  For these steps it
 * lets go of dmag_mutex, which dmag_kgroup_pause() does; afterwards it looks again at
 * whatever may have changed.  The holder of dmag_mutex does none of that: joins,
 * leaves, masks, hotplug and reclaim itself take it, and never wait for a claim.
 *
 * A group's frames change only under its lock; its members and watermarks change,
 * and blocks enter and leave dmag_owners, only under dmag_mutex as well.
 *
 * Groups and devices' memberships are freed after an RCU grace period: the
 * fast paths find them by pointer under rcu_read_lock().
 */
#ifndef _MM_DMAG_KGROUP_H
#define _MM_DMAG_KGROUP_H

#include <linux/device.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "core/dmag.h"
#include "dmag_port.h"

struct bus_dma_region;
struct dmag_pcp;

/* Per group, under its lock; names in debugfs.c. */
enum dmag_counter {
	DMAG_NR_ALLOC,
	DMAG_NR_ALLOC_ATOMIC,
	DMAG_NR_ALLOC_FAIL,
	DMAG_NR_ALLOC_ATOMIC_FAIL,
	DMAG_NR_FREE,
	DMAG_NR_CLAIM,
	DMAG_NR_CLAIM_FAIL,
	DMAG_NR_CLAIM_FRAMES,
	DMAG_NR_RELEASE_FRAMES,
	DMAG_NR_CAPTURE_FRAMES,
	DMAG_NR_SHRINK_FRAMES,
	DMAG_NR_GROWN,
	DMAG_NR_WAIT,
	DMAG_NR_ZONES_HELPED,
	DMAG_NR_CONVERT,
	DMAG_NR_CONVERT_FAIL,
	DMAG_NR_BOUNCE,
	DMAG_NR_COUNTERS,
};

/**
 * enum dmag_service - Whether devices are served from a group.
 * @DMAG_SERVES: they are; the group's reach is restricted
 * @DMAG_UNIVERSAL: its reach is all of RAM, so it has no reserve; it claims for
 *	requests that the ordinary path did not serve, and owns only what these
 *	hold; RAM that comes online can end that
 * @DMAG_BROKEN: it is out of service for good, see DMAG_WARN_ON()
 * @DMAG_SERVICES: how many there are; names in debugfs.c
 */
enum dmag_service {
	DMAG_SERVES,
	DMAG_UNIVERSAL,
	DMAG_BROKEN,
	DMAG_SERVICES,
};

/* Why the worker was woken for a group, last; the later, the more urgent. */
enum dmag_kick {
	DMAG_QUIET,
	DMAG_SURPLUS,
	DMAG_LOW,
	DMAG_BELOW_MIN,
	DMAG_REFUSED,
};

/**
 * struct dmag_retry - When the worker tries again what fell short.
 * @backoff: how long it leaves it alone, jiffies; 0: nothing fell short
 * @at: until when, jiffies
 */
struct dmag_retry {
	unsigned long backoff;
	unsigned long at;
};

/**
 * struct dmag_effort - How much a climb may cost.
 * @until: when it gives up, jiffies
 * @tries: how many candidates it tries in one place
 * @most_moves: how many pages it may move for one candidate; if that is bounded,
 *	it does not reclaim either
 * @node: the node whose memory it takes before that of others, or NUMA_NO_NODE
 * @this_node: whether it takes no other
 * @gfp: by these flags it takes only memory that the task's cpuset allows; 0: any
 * @for_bounce: whether the frames are charged to no member, since RCU frees them
 * @for_request: whether it is for a request, not to fill the reserve
 * @for_probe: whether a driver's probe waits for it; it ends when another task wants
 *	to claim
 * @free_only: whether it has no dmag_claim_mutex, takes only memory that is free, and
 *	keeps dmag_mutex
 * @drained: whether it has drained LRU caches
 * @owes: whether it goes on when its time is over, until it has moved one candidate's
 *	pages or found none: a slow machine must not refuse what it has
 * @barren: for how many candidates reclaim freed nothing
 * @to_min: whether it takes all of a lower zone down to its min watermark, and not
 *	only the part that is not reserved from users of the group's highest zone
 */
struct dmag_effort {
	unsigned long until;
	unsigned int tries;
	long most_moves;
	int node;
	bool this_node;
	gfp_t gfp;
	bool for_bounce;
	bool for_request;
	bool for_probe;
	bool free_only;
	bool drained;
	bool to_min;
	bool owes;
	unsigned int barren;
};

/**
 * struct dmag_cursor - Where the last claim of a kind found something.
 * @lowest: of its candidates, the first frame of the lowest
 * @highest: likewise of the highest
 * @count: the size of each, frames
 * @align: their alignment, frames
 * @next: where the next claim of the kind begins
 * @until: from when on it begins at the top again, jiffies
 */
struct dmag_cursor {
	u64 lowest;
	u64 highest;
	u64 count;
	u64 align;
	u64 next;
	unsigned long until;
};

/**
 * struct dmag_kgroup - A group, as the kernel has it.
 * @core: key, frames, watermarks; @core.frames under @lock, @core.members and
 *	@core.marks change under both @lock and dmag_mutex
 * @lock: serialises these, @counter, @kicked, @captured and @waiters
 * @counter: by enum dmag_counter (lock)
 * @kicked: why the worker was woken (lock)
 * @service: whether devices are served from it; anything can break it, other
 *	changes under dmag_mutex
 * @id: a small number to call it by
 * @waiters: requests that wait for frames to come free (lock)
 * @arrivals: how often frames came free while requests waited (lock)
 * @vain_least: the size of a request that nothing but the reserve below min could
 *	serve, frames; 0 if there was none (written under the lock)
 * @vain_until: until when requests of that size have it at once, jiffies (the same)
 * @freed_in_vain: how often devices had freed when a wait was last in vain (lock)
 * @pcp_lent: frames that per-CPU caches may hold (lock)
 * @pcp: per-CPU caches, once they were wanted; written under dmag_mutex
 * @pcp_wanted: there was a request that they could have served
 * @captured: pages that reclaim left for the worker to adopt (lock)
 * @nr_captured: their frames (lock)
 * @reclaimed: frames of its reach that reclaim freed since the last fill, if the group
 *	cannot capture them (lock)
 * @reclaim_goal: how many of these let the worker try again (lock)
 * @squeezed: whether the host, out of memory, has taken frames since the worker's
 *	last visit (lock)
 * @emptied: whether blocks may have lost their last frame without
 *	dmag_owner_erase(), which the worker makes up for (lock)
 * @pcp_look: when the worker looks for idle caches next, jiffies (dmag_mutex)
 * @all: among all groups (dmag_mutex)
 * @round: when the worker visited it last (dmag_mutex)
 * @left: when its last member left, jiffies (dmag_mutex)
 * @pins: tasks that have let go of dmag_mutex and go on with the group
 *	(dmag_mutex)
 * @hungry: whether it captures, or watches reclaim (dmag_mutex)
 * @hungry_node: among those that do
 * @goal: frames that are to be kept for movable pages, the capacity goal
 * @protected: frames that are protected (dmag_mutex)
 * @effort: how much the present climb may cost (dmag_mutex; another climb may set
 *	its own while this one yields)
 * @cursor: where claims go on, for each rung (dmag_mutex)
 * @fill: after a fill that fell short (dmag_mutex)
 * @hold: after the host took frames above low: until then the worker does not claim
 *	them back, unless the reserve is below min (dmag_mutex)
 * @protect: after a protection that fell short (dmag_mutex)
 * @way: after frames were left in memory that other groups want more (dmag_mutex)
 * @meta: pages that were fed to @core.frames (dmag_mutex)
 * @rcu: delays freeing
 * @seg: the reach's segments
 */
struct dmag_kgroup {
	struct dmag_group core;
	spinlock_t lock; /* core, and what follows */
	enum dmag_kick kicked;
	enum dmag_service service;
	unsigned int waiters;
	unsigned long arrivals;
	u64 vain_least;
	unsigned long vain_until;
	u64 freed_in_vain;
	u64 counter[DMAG_NR_COUNTERS];
	u64 pcp_lent;
	struct dmag_pcp __percpu *pcp;
	bool pcp_wanted;
	struct list_head captured;
	u64 nr_captured;
	u64 reclaimed;
	u64 reclaim_goal;
	bool squeezed;
	bool emptied;

	int id;
	unsigned long pcp_look;
	struct list_head all;
	unsigned long round;
	unsigned long left;
	unsigned int pins;
	bool hungry;
	struct list_head hungry_node;
	u64 goal;
	u64 protected;
	struct dmag_effort effort;
	struct dmag_cursor cursor[DMAG_RUNGS];
	struct dmag_retry fill;
	struct dmag_retry hold;
	struct dmag_retry protect;
	struct dmag_retry way;
	struct list_head meta;
	struct rcu_head rcu;
	struct dmag_range seg[];
};

/* The memory that a membership is for. */
enum dmag_use {
	DMAG_COHERENT,
	DMAG_STREAMING, /* bounce buffers of a device that asks otherwise there */
};

/**
 * struct dmag_device - One device's membership; replaced, never changed.
 * @core: group and constraint
 * @dev: the device
 * @use: the memory that it is for, of which a device has one membership each
 * @group: its group; unlike @core.group it stays, for those who read under RCU
 * @map: the dma_range_map that @core.constraint was made from
 * @mask: likewise the mask for @use
 * @bus_limit: likewise the limit of the bus
 * @held: frames that it holds, of those it got as this member, a part on each
 *	CPU; NULL if it has got none of a universal group, or for want of memory
 * @change: links it before it is one, if a streaming mask asked for it
 * @rcu: delays freeing
 * @windows: copy of @map, which the driver core frees at unbind
 */
struct dmag_device {
	struct dmag_member core;
	struct device *dev;
	enum dmag_use use;
	struct dmag_kgroup *group;
	const struct bus_dma_region *map;
	u64 mask;
	u64 bus_limit;
	s64 __percpu *held;
	union {
		struct list_head change;
		struct rcu_head rcu;
	};
	struct dmag_window windows[];
};

extern atomic_t dmag_contenders; /* tasks that wait for dmag_mutex */
extern atomic_t dmag_claimers; /* requests that wait for dmag_claim_mutex */
extern struct mutex dmag_claim_mutex;
extern struct mutex dmag_mutex;
extern struct dmag_registry dmag_registry;
/* Counts of groups that are gone (dmag_mutex). */
extern u64 dmag_retired[DMAG_NR_COUNTERS];

/* Assert that the caller may claim: it has both mutexes. */
#define dmag_assert_may_claim()                         \
	do {                                            \
		lockdep_assert_held(&dmag_claim_mutex); \
		lockdep_assert_held(&dmag_mutex);       \
	} while (0)

/* Assert that groups which readers find by pointer stay. */
#define dmag_assert_groups_stay() \
	lockdep_assert(rcu_read_lock_held() || lockdep_is_held(&dmag_mutex))

/* Whether a task waits for either mutex that should not wait for long. */
static inline bool dmag_contended(void)
{
	return atomic_read(&dmag_contenders) || atomic_read(&dmag_claimers);
}

static inline struct dmag_kgroup *to_kgroup(struct dmag_group *group)
{
	return container_of(group, struct dmag_kgroup, core);
}

static inline struct dmag_device *to_dmag_device(struct dmag_member *member)
{
	return container_of(member, struct dmag_device, core);
}

/**
 * dmag_device_charge() - A member got frames, or freed them.
 * @member: the member
 * @frames: how many; less than 0 if it freed them
 *
 * Context: Any.
 */
static inline void dmag_device_charge(struct dmag_device *member, s64 frames)
{
	s64 __percpu *held = READ_ONCE(member->held);

	if (likely(held))
		this_cpu_add(*held, frames);
}

u64 dmag_device_held(const struct dmag_device *member);

/* For our own metadata under dmag_mutex, whose holder must not reclaim. */
#define DMAG_GFP_META (GFP_ATOMIC | __GFP_NOWARN)

/*
 * The holder of dmag_claim_mutex may wait for I/O and for locks of filesystems.  So
 * a task that reclaims memory must not wait for it, since the holder may wait for
 * that task; nor may any task while devices are suspended and allow no I/O.
 */
static inline bool dmag_may_wait(gfp_t gfp)
{
	const gfp_t needed = __GFP_DIRECT_RECLAIM | __GFP_IO | __GFP_FS;

	return (current_gfp_context(gfp & gfp_allowed_mask) & needed) ==
		       needed &&
	       !(current->flags & PF_MEMALLOC);
}

/* A device with a CMA area of its own is served from there. */
static inline bool dmag_has_cma_area(const struct device *dev)
{
#ifdef CONFIG_DMA_CMA
	return dev->cma_area;
#else
	return false;
#endif
}

void dmag_lock(void);
int dmag_lock_killable(void);
void dmag_claim_lock(void);
int dmag_claim_lock_timeout(unsigned long bound);
bool dmag_claim_trylock(void);
void dmag_claim_unlock(void);
void dmag_kgroup_pause(struct dmag_kgroup *group);
void dmag_kgroup_resume(struct dmag_kgroup *group);
void dmag_kgroup_yield(struct dmag_kgroup *group);
int dmag_kgroup_give_up(const struct dmag_kgroup *group);

/**
 * dmag_kgroup_serves() - Whether a group serves devices from a reserve.
 * @group: the group
 *
 * Context: Any.
 * Return: true if it does; otherwise its devices go on as without dmag.
 */
static inline bool dmag_kgroup_serves(const struct dmag_kgroup *group)
{
	return READ_ONCE(group->service) == DMAG_SERVES;
}

/**
 * dmag_kgroup_claims() - Whether a group may claim memory for requests.
 * @group: the group
 *
 * Context: Any.
 * Return: false if it is broken.
 */
static inline bool dmag_kgroup_claims(const struct dmag_kgroup *group)
{
	return READ_ONCE(group->service) != DMAG_BROKEN;
}

bool dmag_kgroup_low(struct dmag_kgroup *group);
void dmag_kgroup_break(struct dmag_kgroup *group);

/**
 * DMAG_WARN_ON() - Warn once if @cond is true, and take the group out of service.
 * @group: the group that is not to be trusted any more
 * @cond: what must not be
 *
 * Context: Any, @group locked or not.
 * Return: @cond.
 */
#define DMAG_WARN_ON(group, cond)                        \
	({                                               \
		const bool _broken = WARN_ON_ONCE(cond); \
		if (unlikely(_broken))                   \
			dmag_kgroup_break(group);        \
		_broken;                                 \
	})

void dmag_kgroup_list(struct dmag_kgroup *group);
void dmag_kgroup_unlist(struct dmag_kgroup *group);
void dmag_kgroup_visit_all(void (*fn)(struct dmag_kgroup *group, void *data),
			   void *data);
struct dmag_kgroup *dmag_kgroup_next(unsigned long round);

void __dmag_kgroup_arrival(struct dmag_kgroup *group);
int dmag_worker_init(work_func_t fn);
void dmag_worker_kick(void);
void dmag_worker_kick_in(unsigned long delay);
void dmag_worker_kick_later(void);
void __dmag_kgroup_kick(struct dmag_kgroup *group);

/**
 * dmag_kgroup_arrival() - Wake requests that wait, because frames came free.
 * @group: the group, locked
 *
 * Context: Any.
 */
static inline void dmag_kgroup_arrival(struct dmag_kgroup *group)
{
	lockdep_assert_held(&group->lock);
	if (unlikely(group->waiters))
		__dmag_kgroup_arrival(group);
}

/**
 * dmag_kgroup_kick() - Wake the worker if the group is short or in surplus.
 * @group: the group, locked
 *
 * Every allocation and every free asks; few have a reason.
 *
 * Context: Any.
 */
static inline void dmag_kgroup_kick(struct dmag_kgroup *group)
{
	lockdep_assert_held(&group->lock);
	if (unlikely(!dmag_group_steady(&group->core)))
		__dmag_kgroup_kick(group);
}

#endif /* _MM_DMAG_KGROUP_H */
