// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * From a flattened device tree to one with pointers.
 *
 * libfdt checks the blob as a whole before anything in it is believed; what
 * follows is one walk.  Names and values stay where they are in the blob.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "of_fdt.h"

static void of_add_props(struct of_tree *tree, struct of_node *np,
			 const void *blob, int offset)
{
	struct of_prop **end = &np->props;
	int at;

	for (at = fdt_first_property_offset(blob, offset); at >= 0;
	     at = fdt_next_property_offset(blob, at)) {
		struct of_prop *prop =
			arena_alloc(&tree->board->arena, sizeof(*prop));
		int len;

		prop->data = fdt_getprop_by_offset(blob, at, &prop->name, &len);
		prop->len = prop->data ? len : 0;
		*end = prop;
		end = &prop->next;
	}
}

static bool of_status_okay(const struct of_node *np)
{
	const char *status;

	if (!of_has(np, "status"))
		return true;
	status = of_string(np, "status");
	return status && (!strcmp(status, "okay") || !strcmp(status, "ok"));
}

static void of_add_phandle(struct of_tree *tree, struct of_node *np)
{
	if (!of_u32(np, "phandle", &np->phandle) &&
	    !of_u32(np, "linux,phandle", &np->phandle))
		return;
	*ARENA_ADD(&tree->board->arena, tree->phandles, tree->nr_phandles) = np;
}

static struct of_node *of_add_node(struct of_tree *tree, const void *blob,
				   int offset, struct of_node *parent)
{
	struct of_node *np = arena_alloc(&tree->board->arena, sizeof(*np));

	np->parent = parent;
	np->name = fdt_get_name(blob, offset, NULL);
	of_add_props(tree, np, blob, offset);
	np->available = of_status_okay(np) && (!parent || parent->available);
	of_add_phandle(tree, np);
	return np;
}

static int of_phandle_cmp(const void *a, const void *b)
{
	const struct of_node *const *x = a, *const *y = b;

	return (*x)->phandle < (*y)->phandle ? -1 :
					       (*x)->phandle > (*y)->phandle;
}

static int of_check_phandles(struct of_tree *tree)
{
	struct board *board = tree->board;
	unsigned int i;

	if (tree->nr_phandles)
		qsort(tree->phandles, tree->nr_phandles,
		      sizeof(*tree->phandles), of_phandle_cmp);
	for (i = 1; i < tree->nr_phandles; i++)
		if (tree->phandles[i]->phandle ==
		    tree->phandles[i - 1]->phandle)
			return of_fail(board, tree->phandles[i],
				       "phandle: %#x is also that of %s",
				       tree->phandles[i]->phandle,
				       of_path(board, tree->phandles[i - 1]));
	return 0;
}

/* Put @np under its parent, behind its siblings and in the list of all. */
static void of_link(struct of_node *np, struct of_node **last_child,
		    struct of_node **last)
{
	if (*last_child)
		(*last_child)->sibling = np;
	else if (np->parent)
		np->parent->child = np;
	*last_child = np;
	if (*last)
		(*last)->next = np;
	*last = np;
}

static int of_walk(struct of_tree *tree, const void *blob)
{
	struct of_node *open[OF_MAX_DEPTH + 1] = { NULL }, *last = NULL;
	int offset, depth = 0;

	for (offset = 0; offset >= 0 && depth >= 0;
	     offset = fdt_next_node(blob, offset, &depth)) {
		struct of_node *parent = depth ? open[depth - 1] : NULL;

		if (depth >= OF_MAX_DEPTH)
			return of_fail(tree->board, parent,
				       "nodes are nested more than %d deep",
				       OF_MAX_DEPTH);
		of_link(of_add_node(tree, blob, offset, parent), &open[depth],
			&last);
		open[depth + 1] = NULL;
		if (!tree->root)
			tree->root = last;
	}
	if (offset < 0 && offset != -FDT_ERR_NOTFOUND)
		return board_fail(tree->board, "structure block: %s",
				  fdt_strerror(offset));
	return of_check_phandles(tree);
}

static u32 of_tag(const u8 *at)
{
	return of_number(at, 1);
}

/* The token after the one whose contents end at @at, at most @end. */
static const u8 *of_align(const u8 *at, const u8 *start, const u8 *end)
{
	size_t pad = -(size_t)(at - start) % FDT_TAGSIZE;

	return (size_t)(end - at) < pad ? end : at + pad;
}

/* The end of the token whose tag lies before @at; NULL if it is cut. */
static const u8 *of_skip(u32 tag, const u8 *at, const u8 *end)
{
	const u8 *nul;
	u32 len;

	switch (tag) {
	case FDT_BEGIN_NODE:
		nul = memchr(at, 0, end - at);
		return nul ? nul + 1 : NULL;
	case FDT_PROP:
		if ((size_t)(end - at) < 2 * FDT_TAGSIZE)
			return NULL;
		len = of_tag(at);
		at += 2 * FDT_TAGSIZE;
		return len > (size_t)(end - at) ? NULL : at + len;
	case FDT_END_NODE:
	case FDT_NOP:
		return at;
	default:
		return NULL;
	}
}

/*
 * Does every property end within the structure block?  libfdt up to 1.6.1 adds
 * lengths to offsets without a look and can go round in circles for ever.
 */
static bool of_check_lengths(const void *blob)
{
	const u8 *start = (const u8 *)blob + fdt_off_dt_struct(blob);
	const u8 *end = start + fdt_size_dt_struct(blob);
	const u8 *at = start;

	while (at && (size_t)(end - at) >= FDT_TAGSIZE) {
		u32 tag = of_tag(at);

		if (tag == FDT_END)
			return true;
		at = of_skip(tag, at + FDT_TAGSIZE, end);
		if (at)
			at = of_align(at, start, end);
	}
	return false;
}

/*
 * All device trees since 2007 have version 17.  fdt_check_full() does not look
 * at the version, but functions that it calls return NULL for older ones.
 */
#define OF_OLDEST_VERSION 17

/**
 * of_check() - Tell whether a flattened device tree can be used.
 * @board: the board that it is for
 * @blob: the device tree
 * @size: its length in bytes
 *
 * Return: 0, or -1 with board->error set.
 */
int of_check(struct board *board, const void *blob, size_t size)
{
	int ret = -FDT_ERR_TRUNCATED;

	if (size >= sizeof(struct fdt_header))
		ret = fdt_check_header(blob);
	if (!ret && fdt_version(blob) < OF_OLDEST_VERSION)
		return board_fail(board,
				  "a device tree of version %u is too old",
				  fdt_version(blob));
	if (!ret && fdt_totalsize(blob) > size)
		ret = -FDT_ERR_TRUNCATED;
	if (!ret && !of_check_lengths(blob))
		ret = -FDT_ERR_BADSTRUCTURE;
	if (!ret)
		ret = fdt_check_full(blob, size);
	if (ret)
		return board_fail(board, "not a usable device tree: %s",
				  fdt_strerror(ret));
	return 0;
}

/* An overlay has fragments with changes to another tree. */
static bool of_is_overlay(const struct of_tree *tree)
{
	const struct of_node *np, *child;

	if (of_has(tree->root, "#address-cells") ||
	    of_string(tree->root, "model"))
		return false;
	for (np = tree->root->child; np; np = np->sibling)
		for (child = np->child; child; child = child->sibling)
			if (!strcmp(child->name, "__overlay__"))
				return true;
	return false;
}

/**
 * of_unflatten() - Read a flattened device tree.
 * @tree: what to fill
 * @board: the board whose arena it lives in
 * @blob: the device tree, which must stay
 * @size: its length in bytes
 *
 * Return: 0, or -1 with board->error set.
 */
int of_unflatten(struct of_tree *tree, struct board *board, const void *blob,
		 size_t size)
{
	memset(tree, 0, sizeof(*tree));
	tree->board = board;
	if (of_check(board, blob, size) || of_walk(tree, blob))
		return -1;
	if (of_is_overlay(tree))
		return board_fail(
			board,
			"an overlay, not a board (give the board, and this with --overlay)");
	return 0;
}
