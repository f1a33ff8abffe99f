// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A kernel that has no page allocator but dmag; see docs/embedding.rst.
 *
 * One lock would do for all of it: this one has a single processor and no
 * interrupts.
 */
#include "kernel.h"

/*
 * A group belongs to the registry from its first join until it is retired, and
 * may outlive the device that brought it; so it is no part of a device.
 */
struct group {
	struct dmag_group core;
	struct dmag_range seg[SEGS];
	struct dmag_edge edges[2 * SEGS];
	bool taken;
};

static struct dmag_frames memory; /* all of the machine's */
static const struct dmag_reach *memory_map;
static struct dmag_registry registry;
static struct group groups[GROUPS];

/* Metadata comes from memory that early boot set aside. */
static int feed(struct dmag_frames *frames, u64 bytes)
{
	static char pool[1 << 20] __aligned(DMAG_MEM_ALIGN), *next = pool;
	char *mem = next;

	bytes = round_up(bytes, DMAG_MEM_ALIGN);
	if (bytes > (u64)(pool + sizeof(pool) - next))
		return -ENOMEM;
	next += bytes;
	return bytes ? dmag_frames_feed(frames, mem, bytes) : 0;
}

int memory_boot(const struct dmag_reach *ram)
{
	int ret;

	dmag_frames_init(&memory);
	dmag_registry_init(&registry);
	memory_map = ram;
	for (unsigned int i = 0; i < GROUPS; i++)
		dmag_frames_init(&groups[i].core.frames);
	ret = feed(&memory, dmag_frames_size(ram->seg, ram->nr));
	for (unsigned int i = 0; i < ram->nr && !ret; i++)
		ret = dmag_frames_add(&memory, ram->seg[i].start,
				      ram->seg[i].last);
	return ret;
}

/* A page for which any will do: from the top, where the fewest devices reach. */
int page_alloc(u64 *pfn)
{
	struct dmag_request req = DMAG_REQUEST(1);

	req.from = DMAG_HIGHEST;
	return dmag_frames_get(&memory, &req, pfn);
}

/* The backend.  Nothing here migrates or reclaims pages: one rung is all. */
static int claim(struct dmag_group *group, const struct dmag_request *req,
		 enum dmag_rung rung, struct dmag_range *got)
{
	if (rung != DMAG_CLAIM_FREE ||
	    dmag_frames_get(&memory, req, &got->start))
		return -EAGAIN;
	got->last = got->start + req->count - 1;
	if (!feed(&group->frames,
		  dmag_frames_need(&group->frames, got->start, got->last)))
		return 0;
	return dmag_frames_put(&memory, got->start, req->count) ?: -ENOMEM;
}

static void release(struct dmag_group *group, const struct dmag_range *range)
{
	int ret = dmag_frames_put(&memory, range->start,
				  range->last - range->start + 1);

	WARN_ON_ONCE(ret);
}

static const struct dmag_backend backend = { .claim = claim,
					     .release = release };

static struct group *group_unused(void)
{
	for (unsigned int i = 0; i < GROUPS; i++)
		if (!groups[i].taken)
			return &groups[i];
	return NULL;
}

/* Memory that an earlier group of this place was fed serves the next one. */
static int group_init(struct group *group, const struct dmag_constraint *c)
{
	int nr = dmag_reach_build(c, memory_map, group->seg, SEGS);
	struct dmag_frames fed;
	int ret;

	if (nr < 0 || nr > SEGS)
		return -EINVAL;
	dmag_frames_init(&fed);
	dmag_frames_drain(&group->core.frames, &fed);
	ret = dmag_group_init(&group->core, group->seg, nr, c->attrs);
	group->core.edges = group->edges;
	dmag_frames_drain(&fed, &group->core.frames);
	return ret;
}

/* Give back all that a group without members has, and take it out when it can. */
static void group_settle(struct dmag_group *core)
{
	/* A reserve that is not full serves what it has. */
	(void)dmag_group_balance(&registry, core, &backend);
	if (dmag_group_retire(&registry, core))
		container_of(core, struct group, core)->taken = false;
}

/* Once it has joined, the device is there, though its reserve may be small. */
int device_add(struct device *dev)
{
	struct group *fresh = group_unused();
	int ret;

	if (!fresh)
		return -ENOMEM;
	ret = group_init(fresh, &dev->member.constraint);
	if (ret)
		return ret;
	if (dmag_join(&registry, &dev->member, &fresh->core) == &fresh->core)
		fresh->taken = true;
	group_settle(dev->member.group);
	return 0;
}

/* Buffers may still be out: the group goes when the last of them is freed. */
void device_remove(struct device *dev)
{
	struct dmag_group *core = dmag_leave(&registry, &dev->member);

	if (core)
		group_settle(core);
}

int dma_alloc(struct device *dev, u64 pages, bool may_wait, u64 *pfn)
{
	struct dmag_group *core = dev->member.group;
	struct dmag_request req = DMAG_REQUEST(pages);

	return may_wait ?
		       dmag_group_alloc(&registry, core, &backend, &req, pfn) :
		       dmag_group_get(core, &req, true, pfn);
}

/* A buffer goes back to the group that it is from, whatever its device joined. */
int dma_free(struct dmag_group *core, u64 pfn, u64 pages)
{
	int ret = dmag_group_put(core, pfn, pages);

	/* A larger kernel wakes a worker for this. */
	if (!ret && !dmag_group_steady(core))
		group_settle(core);
	return ret;
}
