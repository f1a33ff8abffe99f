// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A plan as a web page: the picture, and the table as text under it.
 */
#include <stdlib.h>
#include <string.h>

#include "write.h"

/**
 * write_html() - Make a web page of a plan.
 * @out: where to
 * @board: the plan
 * @linear: as for write_svg()
 */
void write_html(FILE *out, const struct board *board, bool linear)
{
	const struct style plain = { .color = false };
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		die("out of memory");
	write_table(mem, board, &plain);
	if (fclose(mem))
		die("out of memory");
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>",
	      out);
	write_xml_text(out, board->model ? board->model : board->source, -1);
	fputs("</title></head><body>\n", out);
	write_svg(out, board, linear);
	fputs("<pre>\n", out);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		write_xml_text(out, line, -1);
		putc('\n', out);
	}
	fputs("</pre>\n</body></html>\n", out);
	free(text);
}
