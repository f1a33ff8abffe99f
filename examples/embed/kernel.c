// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* A kernel that has no page allocator but dmag; see docs/embedding.rst. */
#include "kernel.h"

static struct dmag_frames memory; /* all of the machine's */
static const struct dmag_reach *memory_map;
static struct dmag_registry registry;
static struct dmag_cell cells[2 * SEGS * 16];

/* Metadata comes from memory that early boot set aside. */
static int feed(struct dmag_frames *f, u64 bytes)
{
	static char pool[1 << 20] __aligned(DMAG_MEM_ALIGN), *next = pool;
	char *mem = next;

	if (bytes > (u64)(pool + sizeof(pool) - next))
		return -ENOMEM;
	next += round_up(bytes, DMAG_MEM_ALIGN);
	return bytes ? dmag_frames_feed(f, mem, bytes) : 0;
}

int memory_boot(const struct dmag_reach *ram)
{
	int ret;

	dmag_frames_init(&memory);
	dmag_registry_init(&registry);
	memory_map = ram;
	ret = feed(&memory, dmag_frames_size(ram->seg, ram->nr));
	for (unsigned int i = 0; i < ram->nr && !ret; i++)
		ret = dmag_frames_add(&memory, ram->seg[i].start,
				      ram->seg[i].last);
	return ret;
}

/* A page for whom any will do: from the top, where the fewest devices reach. */
int page_alloc(u64 *pfn)
{
	struct dmag_request rq = DMAG_REQUEST(1);

	rq.from = DMAG_HIGHEST;
	return dmag_frames_get(&memory, &rq, pfn);
}

/* The backend.  Nothing here moves or reclaims pages: one rung is all. */
static int claim(struct dmag_group *g, const struct dmag_request *rq,
		 enum dmag_rung rung, struct dmag_range *got)
{
	if (rung != DMAG_CLAIM_FREE ||
	    dmag_frames_get(&memory, rq, &got->start))
		return -EAGAIN;
	got->last = got->start + rq->count - 1;
	if (!feed(&g->frames,
		  dmag_frames_need(&g->frames, got->start, got->last)))
		return 0;
	return dmag_frames_put(&memory, got->start, rq->count) ?: -ENOMEM;
}

static void release(struct dmag_group *g, const struct dmag_range *r)
{
	int ret = dmag_frames_put(&memory, r->start, r->last - r->start + 1);

	WARN_ON_ONCE(ret);
}

static const struct dmag_backend backend = { .claim = claim,
					     .release = release };

int device_add(struct device *dev)
{
	const struct dmag_constraint *c = &dev->member.constraint;
	int nr = dmag_reach_build(c, memory_map, dev->seg, SEGS);

	if (nr < 0 || nr > SEGS ||
	    dmag_group_init(&dev->own, dev->seg, nr, c->attrs) ||
	    !dmag_join(&registry, &dev->member, &dev->own))
		return -EINVAL;
	registry.nr_cells =
		dmag_cells_build(&registry, cells, ARRAY_SIZE(cells));
	registry.cells = cells;
	return dmag_group_balance(&registry, dev->member.group, &backend);
}

void device_remove(struct device *dev)
{
	struct dmag_group *g = dmag_leave(&registry, &dev->member);

	if (!dmag_group_balance(&registry, g, &backend) &&
	    dmag_group_retire(&registry, g))
		registry.nr_cells =
			dmag_cells_build(&registry, cells, ARRAY_SIZE(cells));
}

int dma_alloc(struct device *dev, u64 pages, bool may_wait, u64 *pfn)
{
	struct dmag_group *g = dev->member.group;
	struct dmag_request rq = DMAG_REQUEST(pages);

	return may_wait ? dmag_group_alloc(&registry, g, &backend, &rq, pfn) :
			  dmag_group_get(g, &rq, true, pfn);
}
