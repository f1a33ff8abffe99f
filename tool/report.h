/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Writers of a report on a record.
 */
#ifndef DMAG_TOOL_REPORT_H
#define DMAG_TOOL_REPORT_H

#include <stdio.h>

#include "record.h"

void report_text(FILE *out, const struct record *record);
void report_svg(FILE *out, const struct record *record);
void report_html(FILE *out, const struct record *record);

#endif /* DMAG_TOOL_REPORT_H */
