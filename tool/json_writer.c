// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * JSON as it is written: names, values and the commas between them.
 *
 * Every value takes its name, which is NULL in an array.  The writer knows
 * whether a comma has to go before it, so that no caller has to.  Elements of
 * the document and of its lists stand on a line each, for diff and grep; what
 * is inside them stays on that line.
 */
#include "json_writer.h"

/* Elements this deep and less begin a line. */
#define JSON_LINES_DEPTH 2

/* Values come from any device tree: all but plain ASCII is escaped. */
static void json_quote(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char byte = *text;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < ' ' || byte > '~')
			fprintf(out, "\\u%04x", byte);
		else
			putc(byte, out);
	}
	putc('"', out);
}

/* Comma, blank or line break before a value, and its name. */
static void json_item(struct json *json, const char *name)
{
	if (json->more)
		putc(',', json->out);
	if (json->depth && json->depth <= JSON_LINES_DEPTH)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	else if (json->more)
		putc(' ', json->out);
	json->more = true;
	if (!name)
		return;
	json_quote(json->out, name);
	fputs(": ", json->out);
}

/**
 * json_open() - Begin an object or an array.
 * @json: the document; zeroed but for its file at first
 * @name: of the member that it is, or NULL in an array
 * @bracket: '{' or '['
 */
void json_open(struct json *json, const char *name, char bracket)
{
	json_item(json, name);
	putc(bracket, json->out);
	json->depth++;
	json->more = false;
}

/* End the innermost object or array with its @bracket, '}' or ']'. */
void json_close(struct json *json, char bracket)
{
	json->depth--;
	json->more = true;
	if (!json->depth)
		putc('\n', json->out);
	putc(bracket, json->out);
	if (!json->depth)
		putc('\n', json->out);
}

/* A string, or null if @val is NULL. */
void json_string(struct json *json, const char *name, const char *val)
{
	json_item(json, name);
	if (val)
		json_quote(json->out, val);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *name, u64 val)
{
	json_item(json, name);
	fprintf(json->out, "%llu", val);
}

/*
 * An address, as the string "0x...": many readers of JSON keep numbers as
 * doubles, which hold 53 bits.
 */
void json_hex(struct json *json, const char *name, u64 val)
{
	json_item(json, name);
	fprintf(json->out, "\"0x%llx\"", val);
}

void json_bool(struct json *json, const char *name, bool val)
{
	json_item(json, name);
	fputs(val ? "true" : "false", json->out);
}

void json_span(struct json *json, const char *name, struct span span)
{
	json_open(json, name, '{');
	json_hex(json, "start", span.start);
	json_hex(json, "last", span.last);
	json_close(json, '}');
}
