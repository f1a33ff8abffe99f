/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag core: memory for devices that cannot reach all of it.
 *
 * Freestanding C, for any kernel.  Documents are in docs/ of the project; in
 * Linux, Documentation/mm/dmag/ has those that concern it.  embedding.rst tells
 * how to use the core elsewhere.
 */
#ifndef DMAG_CORE_H
#define DMAG_CORE_H

#include "dmag_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: Theory of operation
 *
 * A device reaches a physical page only if the page has a *bus* address and
 * that address is within the device's limit.  The memory that a device can use
 * is therefore a set of ranges, and it is known as soon as the device's bus and
 * mask are.  The core keeps one reserve for each such set, and claims memory
 * for it, so that an allocation needs no guess and no retry: memory is found
 * first and handed out after.
 *
 * The words, in the order in which one needs them:
 *
 * **Constraint**: what is known about one device: the windows of its bus (none
 *	if bus addresses are CPU addresses), the highest bus address that it can
 *	emit, and attributes such as "shared with the hypervisor".
 * **Reach**: the memory that a constraint allows, in normal form: sorted,
 *	inclusive segments of page frame numbers, each contiguous in CPU and in
 *	bus space, clipped to RAM.  Constraints that allow the same memory have
 *	equal reaches, however they were written down.
 * **Group**: all devices with the same key; the key is a reach and attributes.
 *	A group owns **frames**, which it claimed from its host.
 * **Host**: the kernel around the core, and its page allocator.  The core calls
 *	it through a **backend**, a table of four functions.
 * **Reserve**: a group's free frames.  **Watermarks** steer it: below *low* it
 *	wants refilling, up to *high*.  Atomic requests may take its last frame;
 *	blocking requests leave *min* behind, and claim instead.
 * **Draw**: how many frames atomic requests took, or were refused, that nothing
 *	made up for yet.  Watermarks adapt to the largest draw.
 * **Claim ladder**: the ways to claim memory from the host, by what they cost
 *	it.  Each is a **rung**: free memory, memory that can be migrated away,
 *	memory that can be reclaimed, the surplus of another group.
 * **Demand** of a frame: the number of groups that reach it.
 * **Cell**: a largest possible range of equal demand.  Claims take the cell of
 *	least demand first, so that a device with a wide reach does not consume
 *	the memory on which devices with a narrow one depend.
 * **Capacity goal**: how much of a scarce reach the host should keep free of
 *	pages that cannot move, so that a claim can succeed later.
 *
 * Memory changes hands by three verbs.  A group *releases* frames to its host,
 * *cedes* a run to another group, and *drops* frames when it stops owning them.
 *
 * Invariants, under the numbers that validators, assertions and tests quote:
 *
 * - I1 A run that is handed out satisfies the group's constraint over its whole
 *   length, contiguous in bus space.
 * - I2 A frame is owned by at most one group, and is either free or used;
 *   owned = free + used + quarantined.
 * - I3 A blocking request never takes the reserve below min.  A host may serve one
 *   with dmag_group_try() nevertheless, before it would fail.
 * - I4 No function marked "Context: Any" sleeps, allocates or converts.
 * - I5 A frame that was released to the host is in the host's state.
 * - I6 A frame whose conversion failed is on no free list.
 * - I7 A group exists iff it has members or still owns frames.
 * - I8 Two live groups never have equal keys.
 * - I10 The cost to find memory in a reserve depends neither on its size nor on
 *   the number of groups or allocations: a few words a level for a power of two
 *   at natural alignment, at most DMAG_SEARCH_MAX places for other requests.
 *   Before it claims, dmag_group_alloc() searches all of them once.
 *   It is multiplied by the number of segments if some of them touch.
 *
 * I9, "disabled means absent", and I11, "what the host would have served without
 * dmag is served, in the same order of time, and the host is no worse off", are up
 * to the host.
 *
 * The core takes no locks: its caller serialises all calls on one object.  It
 * allocates nothing: its caller asks how much memory a structure needs, and
 * brings it.  It counts in page frame numbers (PFNs); only windows and limits
 * are addresses in bytes.  All ranges are inclusive, [start, last], so that the
 * top of the address space is no special case.
 */

/** struct dmag_range - Page frame numbers @start to @last, both included. */
struct dmag_range {
	u64 start;
	u64 last;
};

/* ---- reach ----------------------------------------------------------- */

/** enum dmag_attr - Properties of memory, beyond its place (bits). */
enum dmag_attr {
	DMAG_SHARED = 1 << 0, /* decrypted, shared with the host */
	DMAG_UNCACHED = 1 << 1, /* needs a non-cacheable mapping */
	DMAG_ATTRS = DMAG_SHARED | DMAG_UNCACHED,
};

/**
 * struct dmag_window - One linear piece of a bus translation.
 * @cpu: first CPU physical address, bytes
 * @bus: the bus address that @cpu appears at, bytes
 * @size: length in bytes, not 0; neither side may run past 2^64
 */
struct dmag_window {
	u64 cpu;
	u64 bus;
	u64 size;
};

/**
 * struct dmag_constraint - The memory that one device can address.
 * @windows: its bus windows; the first that contains a CPU address counts
 * @nr_windows: how many; 0 means that bus addresses are CPU addresses
 * @limit: highest bus address that the device can use, inclusive
 * @attrs: enum dmag_attr bits
 */
struct dmag_constraint {
	const struct dmag_window *windows;
	unsigned int nr_windows;
	unsigned int attrs;
	u64 limit;
};

/**
 * struct dmag_reach - A sorted list of disjoint PFN segments.
 * @seg: the segments, in the caller's memory
 * @nr: how many
 *
 * In a device's reach, two segments that touch are separate because the bus is
 * not contiguous between them.  A RAM map has the same form; in it, touching
 * segments mean nothing.
 */
struct dmag_reach {
	const struct dmag_range *seg;
	unsigned int nr;
};

int __must_check dmag_reach_build(const struct dmag_constraint *constraint,
				  const struct dmag_reach *ram,
				  struct dmag_range *seg, unsigned int max);
unsigned int dmag_reach_normalise(struct dmag_range *seg, unsigned int nr);
bool dmag_reach_bus(const struct dmag_constraint *constraint, u64 pfn,
		    u64 *bus);
bool dmag_reach_valid(const struct dmag_reach *reach);
bool dmag_reach_equal(const struct dmag_reach *a, const struct dmag_reach *b);
bool dmag_reach_includes(const struct dmag_reach *outer,
			 const struct dmag_reach *inner);
bool dmag_reach_contains(const struct dmag_reach *reach, u64 start, u64 last);
bool dmag_reach_covers(const struct dmag_reach *reach,
		       const struct dmag_reach *ram);
u64 dmag_reach_frames(const struct dmag_reach *reach);

/* ---- frames ---------------------------------------------------------- */

#define DMAG_BLOCK_ORDER 9 /* a block is 512 frames: one cache line of bits */
#define DMAG_BLOCK_FRAMES 512ULL
#define DMAG_PFN_BITS 45 /* 2^57 bytes in 4 KiB pages: the most any CPU has */
#define DMAG_PFN_MAX ((1ULL << DMAG_PFN_BITS) - 1)
#define DMAG_MEM_ALIGN 64 /* alignment of memory fed to dmag_frames, bytes */

/** enum dmag_from - The end of the allowed range that is used up first. */
enum dmag_from {
	DMAG_LOWEST,
	DMAG_HIGHEST,
};

/**
 * struct dmag_request - A request for a run of frames.
 * @count: length in frames, 1 to 2^45
 * @align: the run must begin at a multiple of this power of two; 0 means 1
 * @boundary: the run may not cross a multiple of this power of two (frames);
 *	0 means that it may
 * @phase: added to a PFN before @align and @boundary are applied to it: how far
 *	the bus is ahead of the CPU, in frames, modulo 2^64; see
 *	dmag_reach_bus().  0 aligns CPU addresses
 * @within: the run must lie in here; up to DMAG_PFN_MAX
 * @from: which end to prefer
 */
struct dmag_request {
	u64 count;
	u64 align;
	u64 boundary;
	u64 phase;
	struct dmag_range within;
	enum dmag_from from;
};

/** DMAG_REQUEST - Initialiser: @n frames, a power of two, at natural alignment. */
#define DMAG_REQUEST(n)                                                \
	{                                                              \
		.count = (n), .align = (n), .boundary = 0, .phase = 0, \
		.within = { 0, DMAG_PFN_MAX }, .from = DMAG_LOWEST,    \
	}

/** enum dmag_state - The state of a frame in a struct dmag_frames. */
enum dmag_state {
	DMAG_FOREIGN, /* not owned */
	DMAG_FREE,
	DMAG_USED,
};

/** struct dmag_run - A maximal run of owned frames in one state, for walking. */
struct dmag_run {
	struct dmag_range range;
	enum dmag_state state;
};

struct dmag_node;

/**
 * struct dmag_frames - A set of owned frames that knows which of them are free.
 * @free: frames owned and free
 * @used: frames owned and in use
 * @quarantined: frames whose conversion failed: owned, but out of use for good
 * @search_max: how many places a search may look at, for a count that is no power
 *	of two or an alignment that is not natural, before it gives up; after
 *	two it takes part of a larger free block if there is one.  0, as
 *	after dmag_frames_init(), for all
 *
 * A sparse set of blocks, each a bitmap of 512 frames, hangs under a tree of
 * 64-way nodes.  A node knows for every order which children hold a free
 * aligned run of it.  Blocks and nodes are cut from memory that is fed.
 */
struct dmag_frames {
	/* private: */
	struct dmag_node *root;
	unsigned int height; /* levels of nodes; 0: nothing owned */
	void *spare_node; /* lists, through the first word of each */
	void *spare_block;
	u64 nr_spare_node;
	u64 nr_spare_block;
	u64 nr_node; /* in use */
	u64 nr_block;
	u64 hot; /* one free frame, in no summary; or DMAG_NO_FRAME */
	u64 bound; /* only the hot frame may be free below this */
	/* public: read only, in frames */
	u64 free;
	u64 used;
	u64 quarantined;
	/* public: may be set */
	unsigned int search_max;
};

/** struct dmag_frames_stats - Counts that take a walk over all runs. */
struct dmag_frames_stats {
	u64 free;
	u64 used;
	u64 quarantined;
	u64 largest_free; /* longest run of free frames, any alignment */
	u64 runs_free; /* number of maximal free runs */
	u64 blocks; /* blocks present */
	u64 bytes; /* metadata in use, without spares */
};

bool dmag_request_valid(const struct dmag_request *req);

void dmag_frames_init(struct dmag_frames *frames);
u64 dmag_frames_need(const struct dmag_frames *frames, u64 start, u64 last);
u64 dmag_frames_size(const struct dmag_range *ranges, unsigned int nr);
int __must_check dmag_frames_feed(struct dmag_frames *frames, void *mem,
				  size_t bytes);
void dmag_frames_drain(struct dmag_frames *frames, struct dmag_frames *to);
int __must_check dmag_frames_add(struct dmag_frames *frames, u64 start,
				 u64 last);
int __must_check dmag_frames_remove(struct dmag_frames *frames, u64 start,
				    u64 last);
int __must_check dmag_frames_quarantine(struct dmag_frames *frames, u64 start,
					u64 last);
int __must_check dmag_frames_get(struct dmag_frames *frames,
				 const struct dmag_request *req, u64 *pfn);
int __must_check dmag_frames_take(struct dmag_frames *frames, u64 start,
				  u64 last);
int __must_check dmag_frames_put(struct dmag_frames *frames, u64 start,
				 u64 count);
enum dmag_state dmag_frames_state(const struct dmag_frames *f, u64 pfn);
bool dmag_frames_walk(const struct dmag_frames *frames, u64 from,
		      struct dmag_run *run);
void dmag_frames_stats(const struct dmag_frames *frames,
		       struct dmag_frames_stats *stats);
int __must_check dmag_frames_validate(const struct dmag_frames *frames,
				      unsigned int level);

/* ---- groups ---------------------------------------------------------- */

/**
 * struct dmag_marks - Watermarks of a reserve, in frames.
 * @min: blocking requests leave this much to atomic ones
 * @low: below this the reserve wants refilling
 * @high: refilling ends here; frames above may be released
 */
struct dmag_marks {
	u64 min;
	u64 low;
	u64 high;
};

/* For a group's @frames.search_max: microseconds, as locks are held for it. */
#define DMAG_SEARCH_MAX 32

/* Quiet periods after which a raised reserve shrinks; reserve.rst says why. */
#define DMAG_HOLD_MS 64000 /* the first time */
#define DMAG_EPOCH_MS 16000 /* from then on */

/* How long refusals add up: a caller that wants on has retried by then. */
#define DMAG_REFUSED_MS 1000

/**
 * struct dmag_edge - One end of a segment, in the tree of all groups' edges.
 *
 * A group has two for each segment of its reach, in memory that its creator
 * brings.
 */
struct dmag_edge {
	/* private: */
	u64 place; /* twice the first frame beyond it; odd if demand falls */
	struct dmag_edge *parent;
	struct dmag_edge *child[2]; /* before it, after it */
	unsigned int priority; /* at least the children's */
	int sum; /* of the subtree: rising edges less falling ones */
	int least; /* the least sum of a beginning of it, of at least one edge */
};

/**
 * struct dmag_group - All devices whose reach and attributes are equal.
 * @node: in the registry
 * @reach: the key's first half; its segments are the group creator's memory
 * @edges: two for each segment, to be set before the group joins; the creator's
 *	memory, like the segments.  NULL: the group does not count in the demand
 * @attrs: the key's second half
 * @touching: whether two segments touch, that is, are cut in bus space only
 * @members: how many devices
 * @frames: the frames that the group owns
 * @marks: the present watermarks of @frames.free
 * @base: the first watermarks, to which quiet periods lead back
 * @drawn: frames that atomic requests took or were refused, less those that
 *	came back or were refilled
 * @peak: the most that @drawn was since the last adaptation
 * @missed: frames refused to atomic requests since the last adaptation
 * @refused: the part of @drawn that was refused and is still remembered
 * @forget_at: when @refused is to be forgotten, milliseconds
 * @ease_at: when the excess over @base shrinks next, milliseconds
 */
struct dmag_group {
	struct list_head node;
	struct dmag_reach reach;
	struct dmag_edge *edges;
	unsigned int attrs;
	bool touching;
	unsigned int members;
	struct dmag_frames frames;
	struct dmag_marks marks;
	u64 drawn;
	u64 peak;
	u64 missed;
	u64 refused;
	u64 forget_at;
	u64 ease_at;
	struct dmag_marks base;
};

/**
 * struct dmag_member - One device in the registry.
 * @node: in the registry
 * @group: the group of which it is a member, or NULL
 * @constraint: its constraint, kept to build the reach again when RAM changes
 */
struct dmag_member {
	struct list_head node;
	struct dmag_group *group;
	struct dmag_constraint constraint;
};

/**
 * struct dmag_cell - Memory that the same number of groups can reach.
 * @range: the frames
 * @demand: how many groups reach them
 */
struct dmag_cell {
	struct dmag_range range;
	int demand;
};

#define DMAG_CELLS_MAX 16 /* more than a handful of groups make */

/**
 * struct dmag_cells - The order in which claims go through a reach.
 * @nr: how many cells come first
 * @rest: whether all segments follow, from the top
 * @cell: the cells, the parts of each in one segment; least wanted first
 */
struct dmag_cells {
	unsigned int nr;
	bool rest;
	struct dmag_cell cell[DMAG_CELLS_MAX];
};

#define DMAG_BUCKETS 256 /* lists; 10,000 groups make 40 in each */

/**
 * struct dmag_registry - All groups and their members.
 * @bucket: groups, by hash of their key
 * @members: devices
 * @nr_groups: how many groups
 * @edges: the root of the tree of their edges, or NULL
 * @serial: how many edges there ever were
 */
struct dmag_registry {
	struct list_head bucket[DMAG_BUCKETS];
	struct list_head members;
	unsigned int nr_groups;
	struct dmag_edge *edges;
	u64 serial;
};

void dmag_registry_init(struct dmag_registry *reg);
int __must_check dmag_group_init(struct dmag_group *group,
				 const struct dmag_range *seg, unsigned int nr,
				 unsigned int attrs);
struct dmag_group *dmag_find(struct dmag_registry *reg,
			     const struct dmag_group *key);
struct dmag_group *dmag_join(struct dmag_registry *reg,
			     struct dmag_member *member,
			     struct dmag_group *fresh);
struct dmag_group *dmag_leave(struct dmag_registry *reg,
			      struct dmag_member *member);
bool dmag_group_retire(struct dmag_registry *reg, struct dmag_group *group);
void dmag_cells_choose(const struct dmag_registry *reg,
		       const struct dmag_group *group,
		       struct dmag_cells *cells);
bool dmag_cells_at(const struct dmag_cells *cells,
		   const struct dmag_group *group, unsigned int i,
		   struct dmag_range *range);
int __must_check dmag_group_validate(const struct dmag_group *group,
				     unsigned int level);
int __must_check dmag_registry_validate(const struct dmag_registry *reg,
					unsigned int level);

int __must_check dmag_group_get(struct dmag_group *group,
				const struct dmag_request *req, bool atomic,
				u64 *pfn);
int __must_check dmag_group_try(struct dmag_group *group,
				const struct dmag_request *req, u64 *pfn);
unsigned int dmag_group_get_many(struct dmag_group *group,
				 const struct dmag_request *req, bool atomic,
				 u64 *pfn, unsigned int nr);
int __must_check dmag_group_put(struct dmag_group *group, u64 start, u64 count);
int __must_check dmag_group_own(struct dmag_group *group, u64 start, u64 last);
int __must_check dmag_group_add(struct dmag_group *group, u64 start, u64 last);

/**
 * dmag_group_steady() - Whether a reserve needs no attention.
 * @group: the group
 *
 * Cheap enough to be asked at each get and put.
 *
 * Context: Any.
 * Return: true if it is neither low nor has a surplus, and refused nothing.
 */
static inline bool dmag_group_steady(const struct dmag_group *group)
{
	u64 free = group->frames.free;

	return group->members && free >= group->marks.low && !group->missed &&
	       free < group->marks.high + DMAG_BLOCK_FRAMES;
}

/**
 * dmag_group_unit() - The least that a group claims and gives back.
 * @group: the group
 *
 * Memory is converted in whole blocks: the host's page tables map these with large
 * entries, which the conversion of a part would split.
 *
 * Context: Any.
 * Return: frames; extents of a group are multiples of that, and aligned to it.
 */
static inline u64 dmag_group_unit(const struct dmag_group *group)
{
	return group->attrs ? DMAG_BLOCK_FRAMES : 1;
}

bool dmag_group_low(const struct dmag_group *group);
u64 dmag_group_shortage(const struct dmag_group *group);
u64 dmag_group_surplus(const struct dmag_group *group);
bool dmag_group_pick(struct dmag_group *group, u64 max, struct dmag_range *out);
int __must_check dmag_group_drop(struct dmag_group *group,
				 const struct dmag_range *range);
bool dmag_group_tighter(const struct dmag_group *group,
			const struct dmag_group *than);
bool dmag_group_cede(struct dmag_group *group, const struct dmag_group *to,
		     const struct dmag_request *req, struct dmag_range *out);
bool dmag_group_adapt(struct dmag_group *group, u64 now);
u64 dmag_group_goal(const struct dmag_group *group, u64 ram);

/* ---- the claim ladder ------------------------------------------------ */

/** enum dmag_rung - How hard a claim may try; a rung includes those before it. */
enum dmag_rung {
	DMAG_CLAIM_FREE, /* an extent that is free */
	DMAG_CLAIM_MIGRATE, /* one whose pages can be migrated away */
	DMAG_CLAIM_RECLAIM, /* the same, after reclaim inside the extent */
	DMAG_CLAIM_SURPLUS, /* dmag_group_cede(); to serve a request, not to fill */
	DMAG_RUNGS,
};

/**
 * struct dmag_backend - The host's page allocator, as a group sees it.
 *
 * Every function may drop the lock that serialises the group and take it again:
 * the core keeps no state across a call, and a range that is being converted
 * counts as owned and in use.
 *
 * @claim: take an extent for @req from the host, by means up to @rung, and feed
 *	@group->frames for it.  @req has count, align and within, and a phase
 *	below align if the request that it serves has one; never a boundary.
 *	Returns 0 with the extent in @got, at least @req->count frames in one
 *	segment of the reach; -EAGAIN if these means find nothing here; or an error that
 *	ends the climb, such as -EINTR (fatal signal), -ETIME (the caller's time
 *	is over) or -ENOMEM (nothing to feed).
 *	For a group with attributes, @req and @got are whole blocks; memory of the
 *	rung DMAG_CLAIM_SURPLUS has the attributes already, any other is in the
 *	host's state.
 * @release: give a range back to the host, in the host's state
 * @prepare: convert a claimed range, of whole blocks, to the group's attributes.
 *	-EAGAIN says that nothing was changed, so the range goes back to the host.
 *	Any other error leaves its state unknown, so the range is quarantined.  The
 *	second failure of either kind ends the climb.
 * @restore: the reverse, before @release; with -EAGAIN the range stays in the
 *	reserve, with any other error it is quarantined
 *
 * @prepare and @restore are called for groups with attributes only, and may be
 * NULL if there are none.
 */
struct dmag_backend {
	int (*claim)(struct dmag_group *group, const struct dmag_request *req,
		     enum dmag_rung rung, struct dmag_range *got);
	void (*release)(struct dmag_group *group,
			const struct dmag_range *range);
	int (*prepare)(struct dmag_group *group,
		       const struct dmag_range *range);
	int (*restore)(struct dmag_group *group,
		       const struct dmag_range *range);
};

int __must_check dmag_group_alloc(struct dmag_registry *reg,
				  struct dmag_group *group,
				  const struct dmag_backend *backend,
				  const struct dmag_request *req, u64 *pfn);
int dmag_group_balance(struct dmag_registry *reg, struct dmag_group *group,
		       const struct dmag_backend *backend);
int dmag_group_refill(struct dmag_group *group,
		      const struct dmag_backend *backend,
		      const struct dmag_range *within);
u64 dmag_group_shrink(struct dmag_group *group,
		      const struct dmag_backend *backend, u64 keep, u64 max);
int dmag_group_vacate(struct dmag_group *group,
		      const struct dmag_backend *backend,
		      const struct dmag_range *range);

#ifdef __cplusplus
}
#endif

#endif /* DMAG_CORE_H */
