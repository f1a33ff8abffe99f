// SPDX-License-Identifier: GPL-2.0
/*
 * Devices and their groups: when a device joins a group, and when it leaves.
 *
 * A device joins when its coherent mask is set, or at its first allocation
 * that may sleep if a driver wrote the mask directly.  Its membership records the
 * mask, limit and map that it was resolved from, so that a later allocation sees a
 * change.  It leaves when the driver core drops its dma_range_map: on unbind, on
 * failed probes, at the end of its life.
 *
 * Bounce buffers are for the streaming mask.  If that asks for other memory than the
 * coherent one, the device has a second membership.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dmag.h>
#include <linux/init.h>
#include <linux/iommu-dma.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "convert.h"
#include "device.h"
#include "host.h"
#include "kgroup.h"
#include "reserve.h"

/*
 * A new group's first fill may keep dma_set_mask() waiting this long, if no other
 * task claims; the worker continues.  Two pageblocks take 25 ms on a full, emulated
 * machine.
 */
#define DMAG_FILL_BOUND (HZ / 4)

/* Likewise the search for free memory, if another task claims. */
#define DMAG_FREE_FILL_BOUND (HZ / 40)

static struct dmag_reach dmag_ram; /* dmag_mutex */
static bool ram_untold; /* to all devices (dmag_mutex) */
static bool dmag_off __initdata;

static unsigned int device_nr_windows(const struct bus_dma_region *map)
{
	unsigned int nr = 0;

	if (map)
		while (map[nr].size)
			nr++;
	return nr;
}

/*
 * Whether dma_direct_alloc() takes coherent memory from elsewhere: some architectures
 * have it remapped, and others have one pool for all such devices.
 */
static bool device_is_diverted(struct device *dev)
{
	return !dev_is_dma_coherent(dev) &&
	       (IS_ENABLED(CONFIG_ARCH_HAS_DMA_ALLOC) ||
		IS_ENABLED(CONFIG_DMA_GLOBAL_POOL));
}

/* Devices of dma-direct that have no memory of their own. */
static bool device_eligible(struct device *dev)
{
	if (get_dma_ops(dev) || use_dma_iommu(dev) || is_swiotlb_for_alloc(dev))
		return false;
	if (device_is_diverted(dev) ||
	    (dmag_has_cma_area(dev) && !dmag_convert_attrs(dev)))
		return false;
#ifdef CONFIG_DMA_DECLARE_COHERENT
	if (dev->dma_mem)
		return false;
#endif
	return dev->coherent_dma_mask;
}

/* Devices of dma-direct that use the pools of swiotlb which all have in common. */
static bool device_streams(struct device *dev)
{
#ifdef CONFIG_DMAG_SWIOTLB
	return dev->dma_mask && *dev->dma_mask && !get_dma_ops(dev) &&
	       !use_dma_iommu(dev) && dev->dma_io_tlb_mem &&
	       dev->dma_io_tlb_mem->can_grow;
#else
	return false;
#endif
}

static u64 device_mask(const struct device *dev, enum dmag_use use)
{
	return use == DMAG_STREAMING ? *dev->dma_mask : dev->coherent_dma_mask;
}

static struct dmag_device __rcu **device_slot(struct device *dev,
					      enum dmag_use use)
{
	return use == DMAG_STREAMING ? &dev->dmag_streaming : &dev->dmag;
}

static struct dmag_device *device_alloc(struct device *dev, enum dmag_use use)
{
	const struct bus_dma_region *map = dev->dma_range_map;
	unsigned int nr = device_nr_windows(map);
	struct dmag_device *member;

	member = kzalloc(struct_size(member, windows, nr),
			 use == DMAG_STREAMING ? DMAG_GFP_META : GFP_KERNEL);
	if (!member)
		return NULL;
	member->dev = dev;
	member->use = use;
	member->map = map;
	member->mask = device_mask(dev, use);
	member->bus_limit = dev->bus_dma_limit;
	for (unsigned int i = 0; i < nr; i++)
		member->windows[i] = (struct dmag_window){
			.cpu = map[i].cpu_start,
			.bus = map[i].dma_start,
			.size = map[i].size,
		};
	member->core.constraint = (struct dmag_constraint){
		.windows = member->windows,
		.nr_windows = nr,
		.limit = min_not_zero(member->mask, member->bus_limit),
		.attrs = use == DMAG_STREAMING ?
				 dmag_convert_bounce_attrs(dev) :
				 dmag_convert_attrs(dev),
	};
	return member;
}

static bool device_current(const struct dmag_device *member,
			   const struct device *dev)
{
	return member->mask == device_mask(dev, member->use) &&
	       member->bus_limit == dev->bus_dma_limit &&
	       member->map == dev->dma_range_map;
}

/**
 * dmag_device_stale() - Has the device changed since it joined?
 * @member: its membership for coherent memory
 * @dev: the device
 *
 * Context: Any.
 * Return: true if the membership was resolved from another mask, limit or map.
 */
bool dmag_device_stale(const struct dmag_device *member,
		       const struct device *dev)
{
	return !device_current(member, dev);
}

static void device_free(struct rcu_head *rcu)
{
	struct dmag_device *member = container_of(rcu, struct dmag_device, rcu);

	free_percpu(member->held);
	kfree(member);
}

/**
 * dmag_device_count_held() - Count the frames that a member holds from now on.
 * @member: the member; it is not counted if memory is short
 *
 * Most members of a universal group never hold any, so these are counted when they get
 * the first.
 *
 * Context: Process, under dmag_mutex.
 */
void dmag_device_count_held(struct dmag_device *member)
{
	lockdep_assert_held(&dmag_mutex);
	DMAG_CHECK(member->use == DMAG_COHERENT);
	if (member->held)
		return;
	/* All parts are 0 before the pointer is seen. */
	smp_store_release(&member->held, alloc_percpu_gfp(s64, DMAG_GFP_META));
}

/* Whether a group's devices can do with whatever the page allocator has. */
static bool device_takes_any(const struct dmag_group *core)
{
	lockdep_assert_held(&dmag_mutex);
	return !core->attrs && dmag_reach_covers(&core->reach, &dmag_ram);
}

/* Bounce buffers are charged to no device. */
static void device_count_restricted(struct dmag_device *member)
{
	if (member->use == DMAG_COHERENT &&
	    !device_takes_any(&member->group->core))
		dmag_device_count_held(member);
}

static struct dmag_kgroup *
device_alloc_group(const struct dmag_constraint *constraint)
{
	static int last_id;
	struct dmag_kgroup *group;
	int nr;

	lockdep_assert_held(&dmag_mutex);
	nr = dmag_reach_build(constraint, &dmag_ram, NULL, 0);
	if (nr < 0)
		return NULL;
	group = kzalloc(size_add(struct_size(group, seg, nr),
				 array_size(2 * nr, sizeof(struct dmag_edge))),
			DMAG_GFP_META);
	if (!group)
		return NULL;
	if (dmag_reach_build(constraint, &dmag_ram, group->seg, nr) != nr ||
	    dmag_group_init(&group->core, group->seg, nr, constraint->attrs)) {
		kfree(group);
		return NULL;
	}
	/* They follow the segments, which keep them aligned. */
	group->core.edges = (struct dmag_edge *)&group->seg[nr];
	spin_lock_init(&group->lock);
	INIT_LIST_HEAD(&group->meta);
	INIT_LIST_HEAD(&group->captured);
	group->freed_in_vain = U64_MAX; /* none was */
	group->reclaim_goal = DMAG_BLOCK_FRAMES;
	if (device_takes_any(&group->core))
		group->service = DMAG_UNIVERSAL;
	if (group->service == DMAG_UNIVERSAL)
		group->core.marks = (struct dmag_marks){};
	else
		group->goal = dmag_group_goal(&group->core,
					      dmag_reach_frames(&dmag_ram));
	group->id = ++last_id;
	return group;
}

/* Make @member, which may be NULL, @dev's membership for @use; the old one goes. */
static void device_replace(struct device *dev, enum dmag_use use,
			   struct dmag_device *member)
{
	struct dmag_device *old;
	struct dmag_kgroup *left;

	lockdep_assert_held(&dmag_mutex);
	old = rcu_replace_pointer(*device_slot(dev, use), member,
				  lockdep_is_held(&dmag_mutex));
	if (!old)
		return;
	left = old->group;
	spin_lock_irq(&left->lock);
	dmag_leave(&dmag_registry, &old->core);
	spin_unlock_irq(&left->lock);
	left->left = jiffies;
	dmag_kgroup_retire(left);
	call_rcu(&old->rcu, device_free);
}

/* Membership of the group that @fresh equals, or of @fresh itself. */
static void device_enter(struct dmag_device *member, struct dmag_kgroup *fresh)
{
	struct dmag_group *equal = dmag_find(&dmag_registry, &fresh->core);
	struct dmag_kgroup *group = equal ? to_kgroup(equal) : fresh;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&group->lock);
	dmag_join(&dmag_registry, &member->core, &fresh->core);
	spin_unlock_irq(&group->lock);
	member->group = group;
	if (group == fresh)
		dmag_kgroup_list(fresh);
	else
		kfree(fresh);
	device_count_restricted(member);
	device_replace(member->dev, member->use, member);
}

/* Keep the driver's probe waiting only so long; the worker continues. */
static void device_first_fill(struct dmag_kgroup *group, bool may_claim)
{
	lockdep_assert_held(&dmag_mutex);
	if (may_claim)
		dmag_kgroup_fill_first(group, DMAG_FILL_BOUND);
	else
		dmag_kgroup_fill_free(group, DMAG_FREE_FILL_BOUND);
	spin_lock_irq(&group->lock);
	if (dmag_group_shortage(&group->core))
		group->kicked = DMAG_LOW;
	spin_unlock_irq(&group->lock);
}

/* Whether nothing that a device maps has to bounce. */
static bool device_maps_any(const struct dmag_device *member,
			    const struct dmag_kgroup *fresh)
{
	lockdep_assert_held(&dmag_mutex);
	return !dmag_convert_attrs(member->dev) &&
	       dmag_reach_covers(&fresh->core.reach, &dmag_ram);
}

static void device_join(struct dmag_device *member, bool may_claim)
{
	struct dmag_kgroup *fresh, *group;

	lockdep_assert_held(&dmag_mutex);
	fresh = device_alloc_group(&member->core.constraint);
	if (!fresh) {
		dev_warn_once(member->dev, "dmag: cannot make a group\n");
		kfree(member);
		return;
	}
	if (member->use == DMAG_STREAMING && device_maps_any(member, fresh)) {
		device_replace(member->dev, DMAG_STREAMING, NULL);
		kfree(fresh);
		kfree(member);
		return;
	}
	device_enter(member, fresh);
	group = member->group;
	/* The group is new, or had lost its last member and its reserve. */
	if (dmag_kgroup_low(group))
		device_first_fill(group, may_claim);
	/* There is capacity to protect, or a fill to continue. */
	dmag_worker_kick();
}

static bool device_up_to_date(struct device *dev, enum dmag_use use)
{
	const struct dmag_device *member;
	bool ret;

	rcu_read_lock();
	member = rcu_dereference(*device_slot(dev, use));
	ret = member && device_current(member, dev);
	rcu_read_unlock();
	return ret;
}

/*
 * Take both mutexes if no other task claims.  Memory that has to be converted is not
 * found without, and atomic requests have no other, so for such a member it waits.
 */
static bool device_may_claim(const struct dmag_device *member)
{
	if (!dmag_may_wait(GFP_KERNEL))
		return false;
	return dmag_claim_trylock() ||
	       (member->core.constraint.attrs &&
		!dmag_claim_lock_timeout(DMAG_FILL_BOUND));
}

static void device_update(struct device *dev)
{
	struct dmag_device *member = device_alloc(dev, DMAG_COHERENT);
	bool may_claim;

	if (!member)
		return;
	may_claim = device_may_claim(member);
	if (!may_claim)
		dmag_lock();
	/* Its first two requests may have raced to here. */
	if (device_up_to_date(dev, DMAG_COHERENT))
		kfree(member);
	else
		device_join(member, may_claim);
	if (may_claim)
		dmag_claim_unlock();
	else
		mutex_unlock(&dmag_mutex);
}

static void device_leave(struct device *dev, enum dmag_use use)
{
	if (!rcu_access_pointer(*device_slot(dev, use)))
		return;
	dmag_lock();
	device_replace(dev, use, NULL);
	mutex_unlock(&dmag_mutex);
}

/* ---- streaming masks -------------------------------------------------- */

/*
 * dma_set_mask() may be called with a spinlock held, as sata_nv does, so a work item
 * joins.  By then most drivers have set the coherent mask as well, and one group is enough.
 */
static LIST_HEAD(streaming_changes); /* new memberships (streaming_lock) */
static struct device
	*streaming_settled; /* of which one is settled (streaming_lock) */
static DEFINE_SPINLOCK(streaming_lock);

/*
 * The next change; it is settled before dmag_mutex is released.  After that
 * streaming_settled may be a device that is gone, and makes another one there take the
 * mutex once for nothing.
 */
static struct dmag_device *streaming_next(void)
{
	struct dmag_device *member;

	lockdep_assert_held(&dmag_mutex);
	spin_lock_irq(&streaming_lock);
	member = list_first_entry_or_null(&streaming_changes,
					  struct dmag_device, change);
	if (member)
		list_del(&member->change);
	streaming_settled = member ? member->dev : NULL;
	spin_unlock_irq(&streaming_lock);
	return member;
}

/* Whether bounce buffers would be of the memory that the device has a group of. */
static bool streaming_as_coherent(struct device *dev, u64 limit)
{
	const struct dmag_device *member =
		rcu_dereference_check(dev->dmag, lockdep_is_held(&dmag_mutex));

	return member && device_current(member, dev) &&
	       member->core.constraint.limit == limit &&
	       member->core.constraint.attrs == dmag_convert_bounce_attrs(dev);
}

/* Returns the device of the change that was settled, or NULL. */
static struct device *streaming_settle_next(void)
{
	struct dmag_device *member = streaming_next();
	struct device *dev;

	if (!member)
		return NULL;
	dev = member->dev;
	if (streaming_as_coherent(dev, member->core.constraint.limit)) {
		device_replace(dev, DMAG_STREAMING, NULL);
		kfree(member);
	} else {
		device_join(member, false);
	}
	return dev;
}

/* A device that goes with its last reference leaves, so that is put without the mutex. */
static void streaming_settle(struct work_struct *work)
{
	struct device *dev;

	do {
		dmag_lock();
		dev = streaming_settle_next();
		mutex_unlock(&dmag_mutex);
		put_device(dev);
	} while (dev);
}

static DECLARE_WORK(streaming_work, streaming_settle);

static bool streaming_up_to_date(struct device *dev)
{
	u64 limit = min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
	bool member, needed;

	rcu_read_lock();
	member = rcu_access_pointer(dev->dmag_streaming);
	needed = !streaming_as_coherent(dev, limit);
	rcu_read_unlock();
	return member == needed &&
	       (!member || device_up_to_date(dev, DMAG_STREAMING));
}

/* Forget the changes of a device.  Return whether one is being settled just now. */
static bool streaming_cancel(struct device *dev)
{
	struct dmag_device *member, *next;
	LIST_HEAD(cancelled);
	unsigned long flags;
	bool settled;

	spin_lock_irqsave(&streaming_lock, flags);
	list_for_each_entry_safe(member, next, &streaming_changes, change)
		if (member->dev == dev)
			list_move(&member->change, &cancelled);
	settled = streaming_settled == dev;
	spin_unlock_irqrestore(&streaming_lock, flags);
	list_for_each_entry_safe(member, next, &cancelled, change) {
		kfree(member);
		put_device(dev);
	}
	return settled;
}

void __dmag_streaming_update(struct device *dev)
{
	bool settled = streaming_cancel(dev);
	struct dmag_device *member;
	unsigned long flags;

	if (!device_streams(dev) || (!settled && streaming_up_to_date(dev)))
		return;
	member = device_alloc(dev, DMAG_STREAMING);
	if (!member)
		return;
	get_device(dev);
	spin_lock_irqsave(&streaming_lock, flags);
	list_add_tail(&member->change, &streaming_changes);
	spin_unlock_irqrestore(&streaming_lock, flags);
	schedule_work(&streaming_work);
}

/* ---- calls of the driver core ------------------------------------------ */

void __dmag_device_update(struct device *dev)
{
	bool eligible = device_eligible(dev);

	/* Error recovery sets the same mask again, and must not wait for I/O. */
	if (eligible ? device_up_to_date(dev, DMAG_COHERENT) :
		       !rcu_access_pointer(dev->dmag))
		return;
	if (eligible)
		device_update(dev);
	else
		device_leave(dev, DMAG_COHERENT);
	__dmag_streaming_update(dev);
}

void __dmag_device_leave(struct device *dev)
{
	bool settled = streaming_cancel(dev);

	if (!settled && !rcu_access_pointer(dev->dmag) &&
	    !rcu_access_pointer(dev->dmag_streaming))
		return;
	dmag_lock();
	device_replace(dev, DMAG_COHERENT, NULL);
	device_replace(dev, DMAG_STREAMING, NULL);
	mutex_unlock(&dmag_mutex);
}

/* The same device with the same constraint, to be resolved again. */
static struct dmag_device *device_copy(const struct dmag_device *old)
{
	unsigned int nr = old->core.constraint.nr_windows;
	struct dmag_device *member;

	member = kzalloc(struct_size(member, windows, nr), DMAG_GFP_META);
	if (!member)
		return NULL;
	member->dev = old->dev;
	member->use = old->use;
	member->map = old->map;
	member->mask = old->mask;
	member->bus_limit = old->bus_limit;
	memcpy(member->windows, old->windows,
	       flex_array_size(member, windows, nr));
	member->core.constraint = old->core.constraint;
	member->core.constraint.windows = member->windows;
	return member;
}

/*
 * Resolve @old against the present RAM map.  If the driver has changed its mask,
 * the membership stays stale, and the device joins again when it allocates.  The
 * worker fills a new group's reserve.
 */
static int device_resolve(struct dmag_device *old)
{
	struct dmag_kgroup *fresh = device_alloc_group(&old->core.constraint);
	struct dmag_device *member;

	lockdep_assert_held(&dmag_mutex);
	if (!fresh)
		return -ENOMEM;
	if (dmag_reach_equal(&fresh->core.reach, &old->group->core.reach)) {
		device_count_restricted(old);
		kfree(fresh);
		return 0;
	}
	member = device_copy(old);
	if (!member) {
		kfree(fresh);
		return -ENOMEM;
	}
	device_enter(member, fresh);
	return 0;
}

/*
 * More RAM can end that a group reaches all of it; its devices then need a reserve.
 * The more RAM there is, the scarcer is the memory that a group reaches.
 */
static void ram_weigh_group(struct dmag_kgroup *group, void *unused)
{
	lockdep_assert_held(&dmag_mutex);
	if (device_takes_any(&group->core))
		return;
	group->goal =
		dmag_group_goal(&group->core, dmag_reach_frames(&dmag_ram));
	spin_lock_irq(&group->lock);
	/* A broken group stays broken. */
	if (cmpxchg(&group->service, DMAG_UNIVERSAL, DMAG_SERVES) ==
	    DMAG_UNIVERSAL)
		group->core.marks = group->core.base;
	dmag_kgroup_kick(group);
	spin_unlock_irq(&group->lock);
}

/*
 * A membership that is replaced goes to the end of the list; the loop then finds
 * it up to date.
 */
static int ram_resolve_all(void)
{
	struct dmag_member *entry, *next;
	int ret = 0;

	lockdep_assert_held(&dmag_mutex);
	list_for_each_entry_safe(entry, next, &dmag_registry.members, node)
		if (device_resolve(to_dmag_device(entry)))
			ret = -ENOMEM;
	dmag_kgroup_visit_all(ram_weigh_group, NULL);
	return ret;
}

/* @ram and @add, joined where they overlap or touch. */
static unsigned int ram_unite(const struct dmag_reach *ram,
			      struct dmag_range add, struct dmag_range *seg)
{
	unsigned int i = 0, nr = 0;

	while (i < ram->nr && ram->seg[i].last + 1 < add.start)
		seg[nr++] = ram->seg[i++];
	for (; i < ram->nr && ram->seg[i].start <= add.last + 1; i++) {
		add.start = min(add.start, ram->seg[i].start);
		add.last = max(add.last, ram->seg[i].last);
	}
	seg[nr++] = add;
	while (i < ram->nr)
		seg[nr++] = ram->seg[i++];
	return nr;
}

/**
 * dmag_ram_online() - Memory came online, perhaps for the first time.
 * @range: its frames
 *
 * The RAM map only grows.  Memory that goes offline stays in it, since it may come
 * back; no claim finds anything there until it does.
 *
 * Context: Process, under dmag_mutex.
 * Return: 0, or -ENOMEM if not all devices could be resolved again; the others
 * keep their reach until memory comes online the next time.
 */
int dmag_ram_online(const struct dmag_range *range)
{
	const struct dmag_reach added = { range, 1 };
	const struct dmag_range *old = dmag_ram.seg;
	struct dmag_range *seg;

	lockdep_assert_held(&dmag_mutex);
	if (!ram_untold && dmag_reach_covers(&dmag_ram, &added))
		return 0;
	seg = kcalloc(dmag_ram.nr + 1, sizeof(*seg), DMAG_GFP_META);
	if (!seg)
		return -ENOMEM;
	dmag_ram.nr = ram_unite(&dmag_ram, *range, seg);
	dmag_ram.seg = seg;
	DMAG_CHECK(dmag_reach_covers(&dmag_ram, &added));
	kfree(old);
	ram_untold = ram_resolve_all();
	return ram_untold ? -ENOMEM : 0;
}

struct ram_map {
	struct dmag_range *seg;
	unsigned int nr;
};

/* Called once to count and once to fill. */
static int __init ram_add(unsigned long start, unsigned long nr, void *data)
{
	struct ram_map *map = data;

	if (map->seg)
		map->seg[map->nr] =
			(struct dmag_range){ start, start + nr - 1 };
	map->nr++;
	return 0;
}

static int __init ram_read(void)
{
	struct ram_map map = {};

	walk_system_ram_range(0, ULONG_MAX >> PAGE_SHIFT, &map, ram_add);
	map.seg = kcalloc(map.nr, sizeof(*map.seg), GFP_KERNEL);
	if (!map.seg)
		return -ENOMEM;
	map.nr = 0;
	walk_system_ram_range(0, ULONG_MAX >> PAGE_SHIFT, &map, ram_add);
	dmag_ram = (struct dmag_reach){ map.seg, map.nr };
	return dmag_reach_valid(&dmag_ram) ? 0 : -EINVAL;
}

static int __init dmag_param(char *arg)
{
	if (strcmp(arg, "off")) {
		pr_warn("dmag: unknown option '%s'; 'off' is the only one\n",
			arg);
		return -EINVAL;
	}
	dmag_off = true;
	return 0;
}
early_param("dmag", dmag_param);

/* Before any bus scans for devices. */
static int __init dmag_init(void)
{
	int ret;

	if (dmag_off) {
		pr_info("dmag: off\n");
		return 0;
	}
	dmag_registry_init(&dmag_registry);
	ret = ram_read();
	if (ret) {
		pr_warn("dmag: no usable RAM map, staying off\n");
		return ret;
	}
	/* Teach lockdep that reclaim may wait for dmag_mutex. */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&dmag_mutex);
	fs_reclaim_release(GFP_KERNEL);
	static_branch_enable(&dmag_key);
	return 0;
}
core_initcall(dmag_init);
