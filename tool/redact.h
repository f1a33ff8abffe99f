/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * What tells one machine from its likes is taken out of its files.
 */
#ifndef DMAG_TOOL_REDACT_H
#define DMAG_TOOL_REDACT_H

#include <stddef.h>

void redact_cmdline(char *text);
void redact_fdt(void *blob, size_t size);

#endif /* DMAG_TOOL_REDACT_H */
