/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * dmag collect: the files that --root reads, in one archive.
 */
#ifndef DMAG_TOOL_COLLECT_H
#define DMAG_TOOL_COLLECT_H

#include <stdio.h>

int collect_write(FILE *out, const char *root);

#endif /* DMAG_TOOL_COLLECT_H */
