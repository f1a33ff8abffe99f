/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The model machine: a host page allocator without zones, for tests.
 *
 * Physical memory is a RAM map with one state a page.  The machine is a
 * backend like Linux: it yields free extents, moves pages out of the way,
 * drops page cache, converts, and can be told to fail any one of its calls.
 * Blocks that make up a group's capacity goal take no pages that have to stay.
 * It knows whom each page belongs to, so that machine_check() can hold what
 * the groups believe against what is.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "dmag.h"
#include "dmag_port.h"

/** enum machine_page - What a page of RAM is to the host. */
enum machine_page {
	MACHINE_FREE,
	MACHINE_CACHE, /* can be moved, or dropped by reclaim */
	MACHINE_MOVABLE, /* can be moved */
	MACHINE_PINNED, /* stays */
	MACHINE_OWNED, /* a group's */
	MACHINE_LOST, /* its conversion failed: nobody's for good */
	MACHINE_STATES,
};

struct machine_group;

struct machine {
	struct dmag_reach ram;
	u64 pages;
	uint8_t *state; /* enum machine_page, by place in @ram */
	uint8_t *shared; /* whether it is decrypted */
	struct machine_group **owner;
	struct machine_group **guard; /* whose capacity it is: movable only */
	u64 count[MACHINE_STATES];
	u64 moved, dropped, ceded; /* what claims cost others */
	u64 move_to; /* where the search for a free page goes on */
	u64 calls; /* of the backend, so far */
	u64 fail_call; /* the one that fails, counted from 1; 0: none */
	int fail_error; /* with what a claim fails */
	u64 shared_free; /* pages found free while decrypted (I5): 0 */
	void (*unlocked)(struct machine *m); /* others run meanwhile */
	void *unlocked_data;
	struct dmag_registry reg;
};

/** struct machine_group - A group, its segments, and what it was fed. */
struct machine_group {
	struct dmag_group core;
	struct machine *machine;
	struct dmag_range *seg;
	struct dmag_edge *edges;
	u64 guarded; /* pages of its capacity */
	void *meals; /* a list through the first word of each */
};

extern const struct dmag_backend machine_backend;

void machine_init(struct machine *m, const struct dmag_range *ram,
		  unsigned int nr);
void machine_exit(struct machine *m);

enum machine_page machine_state(const struct machine *m, u64 pfn);
void machine_set(struct machine *m, u64 start, u64 last,
		 enum machine_page state);
u64 machine_count(const struct machine *m, u64 start, u64 last,
		  enum machine_page state);

u64 machine_protect(struct machine *m, struct machine_group *g);
u64 machine_hog(struct machine *m, u64 count);
int __must_check machine_pin(struct machine *m, u64 *pfn);

struct machine_group *machine_join(struct machine *m,
				   struct dmag_member *member);
void machine_leave(struct machine *m, struct dmag_member *member);
void machine_settle(struct machine *m, struct machine_group *g);
int machine_alloc(struct machine *m, struct dmag_member *member, u64 count,
		  u64 *pfn);
const char *machine_check(const struct machine *m, unsigned int level);

#endif /* MACHINE_H */
