/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Facts that tell one machine from its likes are taken out of its files.
 */
#ifndef DMAG_TOOL_REDACT_H
#define DMAG_TOOL_REDACT_H

#include <stddef.h>

void redact_cmdline(char *text);
void redact_fdt(void *blob, size_t size);

#endif /* DMAG_TOOL_REDACT_H */
