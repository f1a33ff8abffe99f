/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Sources fill a board with facts: a flattened device tree, or a running machine.
 */
#ifndef DMAG_TOOL_SOURCE_H
#define DMAG_TOOL_SOURCE_H

#include "board.h"

/**
 * struct node_option - A fact about one device that the user knows better.
 * @node: its name or path, in which * and ? stand for anything
 * @bits: --mask
 * @window: --window
 * @used: some device has that name
 */
struct node_option {
	const char *node;
	unsigned int bits;
	struct dmag_window window;
	bool used;
};

/** struct node_options - All options of one kind. */
struct node_options {
	struct node_option *item;
	unsigned int nr;
};

struct plan_options {
	struct span *memory; /* --memory: instead of what the source says */
	unsigned int nr_memory;
	u64 assume; /* --assume-memory: size of a bank that has none, or 0 */
	struct node_options masks;
	struct node_options windows;
	struct node_options no_iommu;
	const char *cmdline; /* --cmdline: after that of the source */
	const char *acpi; /* --acpi: a folder of tables */
	enum arch arch;
};

int board_from_fdt(struct board *board, const void *blob, size_t size,
		   struct plan_options *opt);
int board_from_live(struct board *board, const char *root,
		    struct plan_options *opt);

void source_begin(struct board *board, const struct plan_options *opt);
void source_add_window(struct board *board, struct device *dev,
		       const struct dmag_window *window);
void source_finish_device(struct board *board, struct device *dev,
			  const char *name, struct plan_options *opt);

#endif /* DMAG_TOOL_SOURCE_H */
