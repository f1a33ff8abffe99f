/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Cells, for the registry: the edges of groups that enter and leave it.
 */
#ifndef DMAG_CELLS_H
#define DMAG_CELLS_H

#include "dmag.h"
#include "dmag_port.h"

void dmag_cells_add(struct dmag_registry *reg, struct dmag_group *group);
void dmag_cells_remove(struct dmag_registry *reg, struct dmag_group *group);
bool dmag_cells_valid(const struct dmag_registry *reg, u64 nr);
bool dmag_cells_group_valid(const struct dmag_group *group, u64 *nr);

#endif /* DMAG_CELLS_H */
