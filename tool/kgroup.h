/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The groups of a running kernel, from debugfs.
 */
#ifndef DMAG_TOOL_KGROUP_H
#define DMAG_TOOL_KGROUP_H

#include "board.h"

/** struct counter - What the kernel counts, or a number that we do not know. */
struct counter {
	const char *name;
	u64 value;
};

/** struct member - A device of a group. */
struct member {
	const char *name;
	u64 mask;
	u64 windows;
	u64 used; /* frames that it holds */
	bool streaming; /* it has only its bounce buffers there */
	const char *driver; /* NULL if it has none, or is on no bus we look at */
};

/** struct kgroup - One group of the kernel; amounts are in frames. */
struct kgroup {
	u64 id, members, frames, owned, free, used, quarantined, min, low, high;
	u64 goal, protected;
	const char *kind;
	bool shared; /* its memory is decrypted */
	struct span *seg;
	struct counter *counter;
	struct member *member;
	unsigned int nr_seg, nr_counter, nr_member;
};

/**
 * struct snapshot - All groups, as they were at one moment.
 * @swiotlb: bytes of its own pools; those in groups are theirs
 */
struct snapshot {
	struct arena arena;
	u64 swiotlb;
	struct kgroup *group;
	unsigned int nr;
	double when;
};

void snapshot_parse(struct snapshot *snap, char *text);
int snapshot_read(struct snapshot *snap, const char *root);

int kgroup_cmp(const void *a, const void *b);
u64 kgroup_counter(const struct kgroup *group, const char *name);
bool kgroup_universal(const struct kgroup *group);
bool kgroup_broken(const struct kgroup *group);
u64 kgroup_failures(const struct kgroup *group);
u64 kgroup_allocations(const struct kgroup *group);

#endif /* DMAG_TOOL_KGROUP_H */
