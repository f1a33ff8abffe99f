/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The groups of a running kernel, as text and as JSON.
 */
#ifndef DMAG_TOOL_SHOW_H
#define DMAG_TOOL_SHOW_H

#include "kgroup.h"
#include "write.h"

void show_size(u64 frames);
void show_head(const struct style *style);
void show_row(const struct kgroup *group, const struct style *style);
void show_counts(const struct snapshot *snap);
void show_open(const struct snapshot *snap);
void show_table(const struct snapshot *snap, const struct style *style);
void show_json(const struct snapshot *snap);

#endif /* DMAG_TOOL_SHOW_H */
