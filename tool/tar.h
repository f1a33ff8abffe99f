/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * A tar archive as it is written: files and links without an owner.
 */
#ifndef DMAG_TOOL_TAR_H
#define DMAG_TOOL_TAR_H

#include <stdbool.h>
#include <stdio.h>

bool tar_file(FILE *out, const char *name, const void *data, size_t size);
bool tar_link(FILE *out, const char *name, const char *target);
void tar_end(FILE *out);

#endif /* DMAG_TOOL_TAR_H */
