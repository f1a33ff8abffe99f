// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* The model machine; every search is the plainest one that is right. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "util.h"

/* ---- pages ----------------------------------------------------------- */

/* The place of a page in the machine's arrays; RAM maps are short. */
static u64 place(const struct machine *m, u64 pfn)
{
	u64 before = 0;
	unsigned int i;

	for (i = 0; i < m->ram.nr; i++) {
		const struct dmag_range *r = &m->ram.seg[i];

		if (pfn >= r->start && pfn <= r->last)
			return before + (pfn - r->start);
		before += r->last - r->start + 1;
	}
	assert(!"a page outside of RAM");
	abort();
}

static void set_state(struct machine *m, u64 at, enum machine_page state)
{
	m->count[m->state[at]]--;
	m->count[state]++;
	m->state[at] = state;
	if (state == MACHINE_FREE && m->shared[at])
		m->shared_free++;
}

/** machine_state() - What page @pfn is. */
enum machine_page machine_state(const struct machine *m, u64 pfn)
{
	return m->state[place(m, pfn)];
}

/* Whether the host may make this of a page that is its own. */
static bool may_become(const struct machine *m, u64 at, enum machine_page state)
{
	return m->state[at] < MACHINE_OWNED &&
	       !(m->guard[at] && state == MACHINE_PINNED);
}

/**
 * machine_set() - Let the host use or free pages; not holes, nor a group's, nor
 * to stay where only movable pages may be.
 */
void machine_set(struct machine *m, u64 start, u64 last,
		 enum machine_page state)
{
	unsigned int i;
	u64 pfn;

	for (i = 0; i < m->ram.nr; i++) {
		const struct dmag_range *r = &m->ram.seg[i];

		for (pfn = max(start, r->start); pfn <= min(last, r->last);
		     pfn++)
			if (may_become(m, place(m, pfn), state))
				set_state(m, place(m, pfn), state);
	}
}

/** machine_count() - How many pages of a range are in a state. */
u64 machine_count(const struct machine *m, u64 start, u64 last,
		  enum machine_page state)
{
	unsigned int i;
	u64 pfn, n = 0;

	for (i = 0; i < m->ram.nr; i++) {
		const struct dmag_range *r = &m->ram.seg[i];

		for (pfn = max(start, r->start); pfn <= min(last, r->last);
		     pfn++)
			n += machine_state(m, pfn) == state;
	}
	return n;
}

/** machine_init() - A machine with @nr ranges of RAM, all free. */
void machine_init(struct machine *m, const struct dmag_range *ram,
		  unsigned int nr)
{
	memset(m, 0, sizeof(*m));
	m->ram.seg = ram;
	m->ram.nr = nr;
	m->pages = dmag_reach_frames(&m->ram);
	m->state = calloc(m->pages, 1);
	m->shared = calloc(m->pages, 1);
	m->owner = calloc(m->pages, sizeof(*m->owner));
	m->guard = calloc(m->pages, sizeof(*m->guard));
	assert(m->state && m->shared && m->owner && m->guard);
	m->count[MACHINE_FREE] = m->pages;
	m->fail_error = -EAGAIN;
	dmag_registry_init(&m->reg);
}

/* ---- the backend ----------------------------------------------------- */

static struct machine_group *to_machine_group(struct dmag_group *g)
{
	return container_of(g, struct machine_group, core);
}

/* The lock is dropped here; returns whether this call is the one to fail. */
static bool enter_call(struct machine *m)
{
	m->calls++;
	if (m->unlocked)
		m->unlocked(m);
	return m->calls == m->fail_call;
}

static int feed(struct machine_group *g, const struct dmag_range *r)
{
	u64 bytes = dmag_frames_need(&g->core.frames, r->start, r->last);
	char *mem;

	if (!bytes)
		return 0;
	bytes = round_up(bytes, DMAG_MEM_ALIGN);
	mem = aligned_alloc(DMAG_MEM_ALIGN, DMAG_MEM_ALIGN + bytes);
	if (!mem)
		return -ENOMEM;
	*(void **)mem = g->meals;
	g->meals = mem;
	return dmag_frames_feed(&g->core.frames, mem + DMAG_MEM_ALIGN, bytes);
}

/* Whether @rung may take a page in this state. */
static bool claimable(enum machine_page state, enum dmag_rung rung)
{
	return state == MACHINE_FREE ||
	       (rung >= DMAG_CLAIM_MIGRATE &&
		(state == MACHINE_CACHE || state == MACHINE_MOVABLE));
}

/* What it takes to have an extent. */
struct effort {
	u64 moves; /* pages that have to go elsewhere */
	u64 drops; /* page cache inside */
	u64 room; /* free pages elsewhere */
};

/* Whether @g may have the @count pages from @at on at all, and for what. */
static bool extent_costs(const struct machine_group *g, u64 at, u64 count,
			 enum dmag_rung rung, struct effort *e)
{
	const struct machine *m = g->machine;
	u64 i;

	*e = (struct effort){ .room = m->count[MACHINE_FREE] };
	for (i = at; i < at + count; i++) {
		if (!claimable(m->state[i], rung) ||
		    (m->guard[i] && m->guard[i] != g))
			return false;
		e->room -= m->state[i] == MACHINE_FREE;
		e->moves += m->state[i] != MACHINE_FREE;
		e->drops += m->state[i] == MACHINE_CACHE;
	}
	if (rung == DMAG_CLAIM_RECLAIM)
		e->moves -= e->drops;
	return true;
}

/* What is moved needs room, which reclaim can make elsewhere. */
static bool extent_works(const struct machine_group *g, u64 at, u64 count,
			 enum dmag_rung rung)
{
	struct effort e;

	if (!extent_costs(g, at, count, rung, &e))
		return false;
	if (rung == DMAG_CLAIM_RECLAIM)
		e.room += g->machine->count[MACHINE_CACHE] - e.drops;
	return e.moves <= e.room;
}

/* The next page in this state that is not in [@first, @end); there is one. */
static u64 find_outside(struct machine *m, enum machine_page state, u64 first,
			u64 end)
{
	while (m->state[m->move_to] != state ||
	       (m->move_to >= first && m->move_to < end))
		m->move_to = (m->move_to + 1) % m->pages;
	return m->move_to;
}

/* Move a page to some free page that is not in [@first, @end). */
static void move_away(struct machine *m, u64 at, u64 first, u64 end)
{
	set_state(m, find_outside(m, MACHINE_FREE, first, end), m->state[at]);
	m->moved++;
}

/* Drop page cache elsewhere until there is room for what has to move. */
static void make_room(struct machine_group *g, u64 at, u64 count,
		      enum dmag_rung rung)
{
	struct machine *m = g->machine;
	struct effort e;

	extent_costs(g, at, count, rung, &e);
	for (; e.room < e.moves; e.room++) {
		set_state(m, find_outside(m, MACHINE_CACHE, at, at + count),
			  MACHINE_FREE);
		m->dropped++;
	}
}

static void take_extent(struct machine_group *g, u64 at, u64 count,
			enum dmag_rung rung)
{
	struct machine *m = g->machine;
	u64 i;

	make_room(g, at, count, rung);
	for (i = at; i < at + count; i++) {
		if (m->state[i] == MACHINE_CACHE && rung == DMAG_CLAIM_RECLAIM)
			m->dropped++;
		else if (m->state[i] != MACHINE_FREE)
			move_away(m, i, at, at + count);
		set_state(m, i, MACHINE_OWNED);
		m->owner[i] = g;
	}
}

/* The next place for @rq at or after @start in its order; false: none. */
static bool next_start(const struct dmag_request *rq, bool first, u64 *start)
{
	u64 lowest = round_up(rq->within.start + rq->phase, rq->align);
	u64 highest = rq->within.last - (rq->count - 1) + rq->phase;

	if (rq->within.last - rq->within.start < rq->count - 1)
		return false;
	highest = round_down(highest, rq->align);
	if (lowest > highest)
		return false;
	lowest -= rq->phase;
	highest -= rq->phase;
	if (first) {
		*start = rq->from == DMAG_LOWEST ? lowest : highest;
		return true;
	}
	if (*start == (rq->from == DMAG_LOWEST ? highest : lowest))
		return false;
	*start += rq->from == DMAG_LOWEST ? rq->align : 0 - rq->align;
	return true;
}

static bool find_surplus(struct machine *m, const struct dmag_group *g,
			 const struct dmag_request *rq, struct dmag_range *got)
{
	struct dmag_group *other;
	unsigned int b;

	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry(other, &m->reg.bucket[b], node)
			if (dmag_group_cede(other, g, rq, got)) {
				assert(!other->members ||
				       other->frames.free >= other->marks.high);
				return true;
			}
	return false;
}

/* Whole blocks only, as where a block belongs to one group. */
static int claim_surplus(struct machine_group *g, const struct dmag_request *rq,
			 struct dmag_range *got)
{
	struct machine *m = g->machine;
	u64 i, at;
	int ret;

	if (rq->count % DMAG_BLOCK_FRAMES || rq->align % DMAG_BLOCK_FRAMES ||
	    rq->phase % DMAG_BLOCK_FRAMES ||
	    !find_surplus(m, &g->core, rq, got))
		return -EAGAIN;
	ret = feed(g, got);
	at = place(m, got->start);
	for (i = at; i < at + rq->count; i++) {
		m->owner[i] = ret ? NULL : g;
		if (ret) {
			m->shared[i] = false;
			set_state(m, i, MACHINE_FREE);
		}
	}
	m->ceded += ret ? 0 : rq->count;
	return ret;
}

static int machine_claim(struct dmag_group *core, const struct dmag_request *rq,
			 enum dmag_rung rung, struct dmag_range *got)
{
	struct machine_group *g = to_machine_group(core);
	struct machine *m = g->machine;
	bool first = true;
	u64 start;

	assert(rq->count && rq->align && !rq->boundary);
	assert(dmag_reach_contains(&core->reach, rq->within.start,
				   rq->within.last));
	if (enter_call(m))
		return m->fail_error;
	if (rung == DMAG_CLAIM_SURPLUS)
		return claim_surplus(g, rq, got);
	for (; next_start(rq, first, &start); first = false) {
		if (!extent_works(g, place(m, start), rq->count, rung))
			continue;
		got->start = start;
		got->last = start + rq->count - 1;
		if (feed(g, got))
			return -ENOMEM;
		take_extent(g, place(m, start), rq->count, rung);
		return 0;
	}
	return -EAGAIN;
}

static void machine_release(struct dmag_group *core,
			    const struct dmag_range *range)
{
	struct machine_group *g = to_machine_group(core);
	struct machine *m = g->machine;
	u64 at = place(m, range->start);
	u64 end = at + (range->last - range->start);

	for (; at <= end; at++) {
		assert(m->state[at] == MACHINE_OWNED && m->owner[at] == g);
		m->owner[at] = NULL;
		set_state(m, at, MACHINE_FREE);
	}
	enter_call(m);
}

/*
 * Convert.  Where it fails, half of the range is in either state, unless it fails at
 * once.
 */
static int convert(struct dmag_group *core, const struct dmag_range *range,
		   bool shared)
{
	struct machine_group *g = to_machine_group(core);
	struct machine *m = g->machine;
	bool fails = enter_call(m);
	u64 at = place(m, range->start);
	u64 count = range->last - range->start + 1;
	u64 i;

	assert(range->start % DMAG_BLOCK_FRAMES == 0 &&
	       count % DMAG_BLOCK_FRAMES == 0);
	if (fails && m->fail_error == -EAGAIN)
		return -EAGAIN;
	for (i = 0; i < count; i++) {
		assert(m->owner[at + i] == g && m->shared[at + i] != shared);
		if (!fails || i < (count + 1) / 2)
			m->shared[at + i] = shared;
		if (fails)
			set_state(m, at + i, MACHINE_LOST);
	}
	return fails ? -EIO : 0;
}

static int machine_prepare(struct dmag_group *g, const struct dmag_range *range)
{
	return convert(g, range, true);
}

static int machine_restore(struct dmag_group *g, const struct dmag_range *range)
{
	return convert(g, range, false);
}

const struct dmag_backend machine_backend = {
	.claim = machine_claim,
	.release = machine_release,
	.prepare = machine_prepare,
	.restore = machine_restore,
};

/* ---- groups ---------------------------------------------------------- */

static void free_group(struct machine_group *g)
{
	u64 at;

	for (at = 0; g->guarded && at < g->machine->pages; at++)
		if (g->machine->guard[at] == g)
			g->machine->guard[at] = NULL;
	while (g->meals) {
		void *meal = g->meals;

		g->meals = *(void **)meal;
		free(meal);
	}
	free(g->seg);
	free(g->edges);
	free(g);
}

static struct machine_group *make_group(struct machine *m,
					const struct dmag_constraint *c)
{
	struct machine_group *g = calloc(1, sizeof(*g));
	int nr = dmag_reach_build(c, &m->ram, NULL, 0);
	int ret;

	assert(g && nr >= 0);
	g->machine = m;
	g->seg = calloc(nr + 1, sizeof(*g->seg));
	assert(g->seg);
	ret = dmag_reach_build(c, &m->ram, g->seg, nr);
	assert(ret == nr);
	ret = dmag_group_init(&g->core, g->seg, nr, c->attrs);
	assert(!ret);
	g->edges = calloc(2 * nr + 1, sizeof(*g->edges));
	assert(g->edges);
	g->core.edges = g->edges;
	return g;
}

/** machine_exit() - The end of a machine and of what groups it still has. */
void machine_exit(struct machine *m)
{
	struct dmag_group *g, *next;
	unsigned int b;

	for (b = 0; b < DMAG_BUCKETS; b++)
		list_for_each_entry_safe(g, next, &m->reg.bucket[b], node)
			free_group(to_machine_group(g));
	free(m->state);
	free(m->shared);
	free(m->owner);
	free(m->guard);
}

/* Whether a block may become part of a capacity: all of it may move. */
static bool may_guard(const struct machine *m, u64 at)
{
	u64 i;

	for (i = at; i < at + DMAG_BLOCK_FRAMES; i++)
		if (m->guard[i] || m->state[i] >= MACHINE_PINNED)
			return false;
	return true;
}

/**
 * machine_protect() - Keep a group's capacity goal for movable pages.
 * @m: the machine
 * @g: the group
 *
 * Whole blocks, in the least wanted cells first, until the goal is met.
 *
 * Return: how many pages are kept for @g.
 */
u64 machine_protect(struct machine *m, struct machine_group *g)
{
	u64 i, at, start, goal = dmag_group_goal(&g->core, m->pages);
	struct dmag_cells cells;
	struct dmag_range cell;
	unsigned int step;

	dmag_cells_choose(&m->reg, &g->core, &cells);
	for (step = 0; dmag_cells_at(&cells, &g->core, step, &cell); step++) {
		start = round_down(cell.last + 1, DMAG_BLOCK_FRAMES);
		while (g->guarded < goal &&
		       start >= cell.start + DMAG_BLOCK_FRAMES) {
			start -= DMAG_BLOCK_FRAMES;
			at = place(m, start);
			if (!may_guard(m, at))
				continue;
			for (i = 0; i < DMAG_BLOCK_FRAMES; i++)
				m->guard[at + i] = g;
			g->guarded += DMAG_BLOCK_FRAMES;
		}
	}
	return g->guarded;
}

/**
 * machine_hog() - Pages for somebody whose memory cannot move.
 * @m: the machine
 * @count: how many are wanted
 *
 * Free ones first, then page cache is dropped; the lowest first, for they are
 * the scarcest.
 *
 * Return: how many there were.
 */
u64 machine_hog(struct machine *m, u64 count)
{
	enum machine_page state;
	u64 at, got = 0;

	for (state = MACHINE_FREE; state <= MACHINE_CACHE; state++)
		for (at = 0; at < m->pages && got < count; at++)
			if (m->state[at] == state && !m->guard[at]) {
				m->dropped += state == MACHINE_CACHE;
				set_state(m, at, MACHINE_PINNED);
				got++;
			}
	return got;
}

/**
 * machine_pin() - Pin a movable page for a long time.
 * @m: the machine
 * @pfn: the page; where it was moved to, if it may not stay where it is
 *
 * Return: 0, or -ENOMEM if there is no room where it may be pinned.
 */
int machine_pin(struct machine *m, u64 *pfn)
{
	u64 at, from = place(m, *pfn);
	unsigned int i;

	assert(m->state[from] == MACHINE_CACHE ||
	       m->state[from] == MACHINE_MOVABLE);
	if (!m->guard[from]) {
		set_state(m, from, MACHINE_PINNED);
		return 0;
	}
	for (i = 0; i < m->ram.nr; i++) {
		for (*pfn = m->ram.seg[i].start; *pfn <= m->ram.seg[i].last;
		     ++*pfn) {
			at = place(m, *pfn);
			if (m->guard[at] || m->state[at] != MACHINE_FREE)
				continue;
			set_state(m, at, MACHINE_PINNED);
			set_state(m, from, MACHINE_FREE);
			m->moved++;
			return 0;
		}
	}
	return -ENOMEM;
}

/** machine_settle() - Release what a group has too much of, then the group. */
void machine_settle(struct machine *m, struct machine_group *g)
{
	dmag_group_balance(&m->reg, &g->core, &machine_backend);
	if (dmag_group_retire(&m->reg, &g->core))
		free_group(g);
}

/** machine_join() - Put a device where its constraint belongs. */
struct machine_group *machine_join(struct machine *m,
				   struct dmag_member *member)
{
	struct machine_group *fresh = make_group(m, &member->constraint);
	struct dmag_group *old = member->group;
	struct dmag_group *g = dmag_join(&m->reg, member, &fresh->core);

	assert(g);
	if (g != &fresh->core)
		free_group(fresh);
	if (old && old != g)
		machine_settle(m, to_machine_group(old));
	return to_machine_group(g);
}

/** machine_leave() - Take a device out; its group too if it was the last. */
void machine_leave(struct machine *m, struct dmag_member *member)
{
	struct dmag_group *g = dmag_leave(&m->reg, member);

	assert(g);
	machine_settle(m, to_machine_group(g));
}

/** machine_alloc() - A buffer at its natural alignment, as the DMA API has it. */
int machine_alloc(struct machine *m, struct dmag_member *member, u64 count,
		  u64 *pfn)
{
	struct dmag_request rq = DMAG_REQUEST(count);

	while (rq.align & (rq.align - 1))
		rq.align += rq.align & (0 - rq.align);
	rq.from = DMAG_HIGHEST;
	return dmag_group_alloc(&m->reg, member->group, &machine_backend, &rq,
				pfn);
}

/* ---- checking -------------------------------------------------------- */

/* A group's frames are pages that the host knows to be the group's. */
static const char *check_group(const struct machine *m,
			       const struct dmag_group *g, u64 *owned)
{
	const struct machine_group *owner =
		container_of(g, struct machine_group, core);
	struct dmag_run run;
	u64 at = 0, pfn, walked = 0;

	while (dmag_frames_walk(&g->frames, at, &run)) {
		at = run.range.last + 1;
		for (pfn = run.range.start; pfn <= run.range.last; pfn++) {
			u64 p = place(m, pfn);

			walked++;
			if (m->state[p] == MACHINE_LOST &&
			    run.state == DMAG_USED)
				continue; /* about to be quarantined */
			if (m->owner[p] != owner ||
			    m->state[p] != MACHINE_OWNED)
				return "I2: owns what is not its own";
			if (run.state == DMAG_FREE &&
			    m->shared[p] != !!g->attrs)
				return "I6: free in the wrong state";
		}
	}
	*owned += walked;
	if (!g->members && !walked && !g->frames.quarantined)
		return "I7: a group without reason to be";
	if (walked != g->frames.free + g->frames.used)
		return "I2: owned is not free + used";
	return NULL;
}

/* No page that has to stay is where only movable ones may be. */
static bool guards_hold(const struct machine *m)
{
	u64 at;

	for (at = 0; at < m->pages; at++)
		if (m->guard[at] && m->state[at] == MACHINE_PINNED)
			return false;
	return true;
}

/**
 * machine_check() - Hold groups and pages against each other.
 * @m: the machine, not inside a backend call
 * @level: how thoroughly the core checks itself
 *
 * Return: NULL, or what is wrong.
 */
const char *machine_check(const struct machine *m, unsigned int level)
{
	const struct dmag_group *g;
	u64 owned = 0, lost = 0;
	unsigned int b;

	if (dmag_registry_validate(&m->reg, level))
		return "the registry is not valid";
	if (level >= 4 && !guards_hold(m))
		return "a page that stays where only movable ones may be";
	for (b = 0; b < DMAG_BUCKETS; b++) {
		list_for_each_entry(g, &m->reg.bucket[b], node) {
			const char *wrong = check_group(m, g, &owned);

			if (wrong)
				return wrong;
			lost += g->frames.quarantined;
		}
	}
	if (owned != m->count[MACHINE_OWNED])
		return "I2: pages of no group, or of two";
	if (lost != m->count[MACHINE_LOST])
		return "I6: lost pages that are not quarantined";
	return m->shared_free ? "I5: decrypted pages were freed" : NULL;
}
