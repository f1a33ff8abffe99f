/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Words for what a plan contains.
 */
#ifndef DMAG_TOOL_TEXT_H
#define DMAG_TOOL_TEXT_H

#include "board.h"

const char *size_text(char *buf, size_t len, u64 bytes);
const char *device_kind_name(enum device_kind kind);
const char *mask_from_name(enum mask_from from);
const char *region_kind_name(enum region_kind kind);
const char *arch_name(enum arch arch);
const char *verdict_name(unsigned int verdict);
bool verdict_bad(unsigned int verdict);
const char *streaming_name(enum streaming streaming);
const char *attrs_text(unsigned int attrs);
const char *zone_text(const struct board *board, int zone);

#endif /* DMAG_TOOL_TEXT_H */
