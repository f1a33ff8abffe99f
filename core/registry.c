// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * The registry: it makes devices with equal constraints share a group.
 *
 * A group is found by its key in a hash table of fixed size: the core has no
 * memory to grow one, and devices join rarely.
 */
#include "cells.h"

/* ---- keys ------------------------------------------------------------ */

/*
 * Multiplying by 2^64 / phi spreads the differences between keys, which are in
 * few and mostly low bits, to the top byte; that chooses the bucket.
 */
#define DMAG_HASH_MULT 0x9e3779b97f4a7c15ULL

static unsigned int registry_hash(const struct dmag_group *group)
{
	u64 hash = group->attrs;
	unsigned int i;

	static_assert(DMAG_BUCKETS == 256);
	for (i = 0; i < group->reach.nr; i++) {
		hash = ((hash >> 29) ^ hash ^ group->reach.seg[i].start) *
		       DMAG_HASH_MULT;
		hash = ((hash >> 29) ^ hash ^ group->reach.seg[i].last) *
		       DMAG_HASH_MULT;
	}
	return (hash * DMAG_HASH_MULT) >> 56;
}

static bool registry_keys_equal(const struct dmag_group *a,
				const struct dmag_group *b)
{
	return a->attrs == b->attrs && dmag_reach_equal(&a->reach, &b->reach);
}

static u64 registry_group_owned(const struct dmag_group *group)
{
	return group->frames.free + group->frames.used +
	       group->frames.quarantined;
}

/* ---- the registry ---------------------------------------------------- */

/**
 * dmag_registry_init() - Make an empty registry.
 * @reg: the registry
 *
 * Context: Any.
 */
void dmag_registry_init(struct dmag_registry *reg)
{
	unsigned int i;

	DMAG_CHECK(reg);
	for (i = 0; i < DMAG_BUCKETS; i++)
		INIT_LIST_HEAD(&reg->bucket[i]);
	INIT_LIST_HEAD(&reg->members);
	reg->nr_groups = 0;
	reg->edges = NULL;
	reg->serial = 0;
}

/**
 * dmag_find() - Find the group that dmag_join() would choose.
 * @reg: the registry
 * @key: a group with the key that is looked for
 *
 * For callers that have a lock for each group: joining changes the group's members.
 *
 * Context: Any.
 * Return: the group that is equal to @key; NULL if there is none.
 */
struct dmag_group *dmag_find(struct dmag_registry *reg,
			     const struct dmag_group *key)
{
	struct dmag_group *group;

	DMAG_CHECK(reg && key);
	list_for_each_entry(group, &reg->bucket[registry_hash(key)], node)
		if (registry_keys_equal(group, key))
			return group;
	return NULL;
}

static void registry_insert(struct dmag_registry *reg, struct dmag_group *group)
{
	DMAG_CHECK(!dmag_find(reg, group)); /* I8 */
	list_add_tail(&group->node, &reg->bucket[registry_hash(group)]);
	reg->nr_groups++;
	dmag_cells_add(reg, group);
}

/**
 * dmag_join() - Make a device a member of the group that fits it.
 * @reg: the registry
 * @member: the device; zeroed before it joins for the first time
 * @fresh: a group with the device's key, in no registry, without members
 *
 * If there is an equal group the device joins that, and @fresh stays with the
 * caller; otherwise @fresh becomes part of the registry.  A device that was a
 * member of another group leaves it.  That group stays in the registry until
 * it is retired.  When RAM changes, the caller joins all of &reg->members
 * again, each with a reach built from its constraint.
 *
 * Context: Any.
 * Return: the group that the device is now a member of; NULL if @fresh is in a
 * registry or has members.
 */
struct dmag_group *dmag_join(struct dmag_registry *reg,
			     struct dmag_member *member,
			     struct dmag_group *fresh)
{
	struct dmag_group *group;

	DMAG_CHECK(reg && member && fresh);
	DMAG_CHECK(dmag_reach_valid(&fresh->reach));
	if (WARN_ON_ONCE(!list_empty(&fresh->node) || fresh->members))
		return NULL;
	group = dmag_find(reg, fresh);
	if (!group) {
		registry_insert(reg, fresh);
		group = fresh;
	}
	if (member->group == group)
		return group;
	if (member->group)
		member->group->members--;
	else
		list_add_tail(&member->node, &reg->members);
	member->group = group;
	group->members++;
	DMAG_CHECK(group->members && !list_empty(&group->node)); /* I7 */
	return group;
}

/**
 * dmag_leave() - End a device's membership.
 * @reg: the registry
 * @member: the device
 *
 * Context: Any.
 * Return: the group that it left, for the caller to retire; NULL if none.
 */
struct dmag_group *dmag_leave(struct dmag_registry *reg,
			      struct dmag_member *member)
{
	struct dmag_group *group;

	DMAG_CHECK(reg && member);
	group = member->group;
	if (!group)
		return NULL;
	list_del_init(&member->node);
	member->group = NULL;
	DMAG_CHECK(group->members && !list_empty(&group->node)); /* I7 */
	group->members--;
	return group;
}

/**
 * dmag_group_retire() - Take a group that has no reason to exist out (I7).
 * @reg: the registry
 * @group: the group
 *
 * A group without members that still owns frames stays: buffers may outlive a
 * membership, and a new device with the same key takes the group over.
 *
 * Context: Any.
 * Return: true if it was taken out and is the caller's to free.
 */
bool dmag_group_retire(struct dmag_registry *reg, struct dmag_group *group)
{
	DMAG_CHECK(reg && group);
	if (group->members || registry_group_owned(group) ||
	    list_empty(&group->node))
		return false;
	DMAG_CHECK(reg->nr_groups);
	list_del_init(&group->node);
	reg->nr_groups--;
	dmag_cells_remove(reg, group);
	return true;
}

/* ---- validation ------------------------------------------------------ */

/* I8, within the bucket that equal keys share. */
static bool registry_key_unique(const struct dmag_registry *reg,
				unsigned int bucket,
				const struct dmag_group *group)
{
	const struct dmag_group *other;

	list_for_each_entry(other, &reg->bucket[bucket], node)
		if (other != group && registry_keys_equal(other, group))
			return false;
	return true;
}

static bool registry_entry_valid(const struct dmag_registry *reg,
				 unsigned int bucket,
				 const struct dmag_group *group,
				 unsigned int level)
{
	if (registry_hash(group) != bucket ||
	    (level >= 3 && !registry_key_unique(reg, bucket, group)))
		return false;
	return !level || !dmag_group_validate(group, level);
}

/**
 * dmag_registry_validate() - Check the registry and all in it.
 * @reg: the registry
 * @level: 0 for the registry alone; else also each group, by
 *	dmag_group_validate() at this level, and from 3 on I8
 *
 * Context: Any.
 * Return: 0 or -EUCLEAN.
 */
int dmag_registry_validate(const struct dmag_registry *reg, unsigned int level)
{
	u64 groups = 0, edges = 0, members = 0;
	const struct dmag_member *member;
	const struct dmag_group *group;
	unsigned int bucket;

	DMAG_CHECK(reg);
	for (bucket = 0; bucket < DMAG_BUCKETS; bucket++) {
		list_for_each_entry(group, &reg->bucket[bucket], node) {
			if (!registry_entry_valid(reg, bucket, group, level) ||
			    !dmag_cells_group_valid(group, &edges))
				return -EUCLEAN;
			groups++;
			members += group->members;
		}
	}
	list_for_each_entry(member, &reg->members, node) {
		if (!member->group || !members)
			return -EUCLEAN;
		members--;
	}
	if (groups != reg->nr_groups || members ||
	    !dmag_cells_valid(reg, edges))
		return -EUCLEAN;
	return 0;
}
