/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A device tree in memory, and Linux's rules for addresses in it.
 */
#ifndef DMAG_TOOL_OF_H
#define DMAG_TOOL_OF_H

#include "board.h"

/* Bytes and cells of a device tree. */
typedef uint8_t u8;
typedef uint32_t u32;

/* Deeper trees, and longer ways of a DMA through it, are an attack or a loop. */
#define OF_MAX_DEPTH 64

struct of_prop {
	struct of_prop *next;
	const char *name;
	const void *data;
	u32 len;
};

struct of_node {
	struct of_node *parent, *child, *sibling;
	struct of_node *next; /* all nodes, parents before children */
	struct of_prop *props;
	const char *name;
	u32 phandle;
	bool available; /* it and all above it are */
};

/** struct of_tree - All nodes, and those with a phandle in its order. */
struct of_tree {
	struct board *board;
	struct of_node *root;
	struct of_node **phandles;
	unsigned int nr_phandles;
};

/** struct of_cursor - Goes through the entries of a (dma-)ranges property. */
struct of_cursor {
	const struct of_tree *tree;
	const struct of_node *node;
	const u8 *at;
	const u8 *end;
	unsigned int na, pna, ns, flag_cells;
};

struct of_range {
	u64 bus;
	u64 cpu;
	u64 size;
	bool translated;
};

const void *of_get(const struct of_node *np, const char *name, u32 *len);
bool of_has(const struct of_node *np, const char *name);
const char *of_string(const struct of_node *np, const char *name);
const char *of_next_string(const struct of_node *np, const char *name,
			   const char *prev);
bool of_u32(const struct of_node *np, const char *name, u32 *val);
bool of_compatible(const struct of_node *np, const char *compatible);
void of_note(struct board *board, const struct of_node *np, const char *fmt,
	     ...) __printf(3, 4);
void of_warn(struct board *board, const struct of_node *np, const char *fmt,
	     ...) __printf(3, 4);
int of_fail(struct board *board, const struct of_node *np, const char *fmt, ...)
	__printf(3, 4);
const struct of_node *of_child(const struct of_node *np, const char *name);
const char *of_path(struct board *board, const struct of_node *np);
struct of_node *of_by_phandle(const struct of_tree *tree, u32 phandle);
struct of_node *of_phandle_at(const struct of_tree *tree,
			      const struct of_node *np, const char *name,
			      unsigned int index);
u64 of_number(const u8 *cells, unsigned int nr);
unsigned int of_addr_cells(const struct of_node *bus);
unsigned int of_size_cells(const struct of_node *bus);
bool of_is_pci(const struct of_node *np);
struct of_node *of_dma_parent(const struct of_tree *tree,
			      const struct of_node *np);
bool of_cursor_init(struct of_cursor *cursor, const struct of_tree *tree,
		    const struct of_node *np);
bool of_cursor_next(struct of_cursor *cursor, struct of_range *range);
bool of_memory_mapped(const struct of_node *np);

#endif /* DMAG_TOOL_OF_H */
