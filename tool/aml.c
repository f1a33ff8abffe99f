// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * ACPI's byte code (AML): names of the namespace, and their constant data.
 *
 * This is no interpreter.  It walks what a table defines when it is loaded, package
 * by package, and runs nothing: an If at that level is left out, and so is the rest
 * of a package from the first term that is no definition on.  A note tells of it, if
 * the table names _DMA at all.  A method has a value if it does nothing but return a
 * constant, which it may name first.
 *
 * Every step is bounded by the package around it, scopes by their depth, a table by
 * its terms, and a path by its length.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "aml.h"

#define AML_DEPTH 32 /* of scopes */
#define AML_TERMS 65536 /* of one table */

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_ALIAS = 0x06,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_VAR_PACKAGE = 0x13,
	OP_METHOD = 0x14,
	OP_EXTERNAL = 0x15,
	OP_DUAL_NAME = 0x2e,
	OP_MULTI_NAME = 0x2f,
	OP_EXTENDED = 0x5b,
	OP_CREATE_DWORD = 0x8a,
	OP_CREATE_WORD = 0x8b,
	OP_CREATE_BYTE = 0x8c,
	OP_CREATE_BIT = 0x8d,
	OP_CREATE_QWORD = 0x8f,
	OP_IF = 0xa0,
	OP_ELSE = 0xa1,
	OP_WHILE = 0xa2,
	OP_NOOP = 0xa3,
	OP_RETURN = 0xa4,
	OP_ONES = 0xff,

	/* After OP_EXTENDED, which is their first byte. */
	OP_MUTEX = 0x5b01,
	OP_EVENT = 0x5b02,
	OP_CREATE_FIELD = 0x5b13,
	OP_REGION = 0x5b80,
	OP_FIELD = 0x5b81,
	OP_DEVICE = 0x5b82,
	OP_PROCESSOR = 0x5b83,
	OP_POWER = 0x5b84,
	OP_THERMAL = 0x5b85,
	OP_INDEX_FIELD = 0x5b86,
	OP_BANK_FIELD = 0x5b87,
	OP_DATA_REGION = 0x5b88,
};

/* What is left to read of a table or of a package in it. */
struct aml_reader {
	struct aml *aml;
	const struct aml_table *table;
	const uint8_t *at, *end;
	const char *scope;
	unsigned int depth;
	const char *why; /* it cannot go on */
};

static bool aml_stop(struct aml_reader *in, const char *why)
{
	if (!in->why)
		in->why = why;
	return false;
}

/* ---- bytes and packages ---------------------------------------------- */

static bool aml_skip(struct aml_reader *in, size_t bytes)
{
	if ((size_t)(in->end - in->at) < bytes)
		return aml_stop(in, "cut short");
	in->at += bytes;
	return true;
}

/* Little-endian; 0 beyond the end, where the reader stops. */
static u64 aml_number(struct aml_reader *in, unsigned int bytes)
{
	const uint8_t *at = in->at;
	u64 val = 0;

	if (!aml_skip(in, bytes))
		return 0;
	while (bytes--)
		val = val << 8 | at[bytes];
	return val;
}

/* The first two bits of a length say how many bytes follow; it counts itself. */
static bool aml_package(struct aml_reader *in, struct aml_reader *package)
{
	const uint8_t *start = in->at;
	unsigned int lead = aml_number(in, 1), more = lead >> 6;
	u64 length = more ? lead & 0xf : lead & 0x3f;

	length |= aml_number(in, more) << 4;
	if (in->why || length < (size_t)(in->at - start) ||
	    length > (size_t)(in->end - start))
		return aml_stop(in,
				"a package that ends beyond the one around");
	*package = *in;
	package->end = start + length;
	in->at = package->end;
	return true;
}

/* ---- names ----------------------------------------------------------- */

static bool aml_is_segment(const uint8_t *at)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (!isupper(at[i]) && at[i] != '_' && (!i || !isdigit(at[i])))
			return false;
	return true;
}

/* "\", "^^", "ABCD.EFGH": as it is written, with all its underscores. */
static bool aml_segments(struct aml_reader *in, char *text, size_t len)
{
	unsigned int nr = 1, lead = in->at < in->end ? *in->at : OP_ZERO;

	if (lead == OP_DUAL_NAME || lead == OP_MULTI_NAME || lead == OP_ZERO)
		aml_skip(in, 1);
	if (lead == OP_ZERO)
		nr = 0;
	else if (lead == OP_DUAL_NAME)
		nr = 2;
	else if (lead == OP_MULTI_NAME)
		nr = aml_number(in, 1);
	for (; nr; nr--) {
		if (in->end - in->at < 4 || !aml_is_segment(in->at))
			return aml_stop(in, "no name where one has to be");
		if (len + 6 > AML_PATH)
			return aml_stop(in, "a name that is too long");
		len += sprintf(text + len, "%.4s%s", in->at, nr > 1 ? "." : "");
		in->at += 4;
	}
	return true;
}

static const char *aml_name(struct aml_reader *in)
{
	char text[AML_PATH];
	size_t len = 0;

	while (in->at < in->end && len < AML_DEPTH &&
	       (*in->at == '^' || (*in->at == '\\' && !len))) {
		text[len++] = *in->at++;
		if (*text == '\\')
			break;
	}
	text[len] = 0;
	if (!aml_segments(in, text, len) || in->why)
		return NULL;
	return arena_printf(&in->aml->board->arena, "%s", text);
}

/**
 * aml_parent() - The path above.
 * @aml: the namespace, whose arena is used
 * @path: "\_SB_.PCI0"
 *
 * Return: "\_SB_"; "\" for what is right below that, NULL above it.
 */
const char *aml_parent(struct aml *aml, const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot)
		return arena_printf(&aml->board->arena, "%.*s",
				    (int)(dot - path), path);
	return path[1] ? "\\" : NULL;
}

/* A name in a scope becomes a path; NULL if it is above the root or too long. */
static const char *aml_path(struct aml *aml, const char *scope,
			    const char *name)
{
	const char *path;

	if (*name == '\\')
		return name;
	for (; scope && *name == '^'; name++)
		scope = aml_parent(aml, scope);
	if (!scope || strlen(scope) + strlen(name) + 2 > AML_PATH)
		return NULL;
	if (!*name)
		return scope;
	path = arena_printf(&aml->board->arena, "%s%s%s", scope,
			    scope[1] ? "." : "", name);
	return path;
}

static const struct aml_object *aml_at(const struct aml *aml, const char *path)
{
	unsigned int i;

	for (i = 0; i < aml->nr; i++)
		if (!strcmp(aml->object[i].path, path))
			return &aml->object[i];
	return NULL;
}

/* A name of one segment is searched for in all scopes above, too. */
static const struct aml_object *aml_find(struct aml *aml, const char *scope,
					 const char *name)
{
	const struct aml_object *found;

	const char *path;

	do {
		path = aml_path(aml, scope, name);
		found = path ? aml_at(aml, path) : NULL;
		scope = aml_parent(aml, scope);
	} while (!found && scope && !strpbrk(name, "\\^."));
	return found;
}

/**
 * aml_child() - Find an object right below another.
 * @aml: the namespace
 * @path: the path of the other
 * @name: "_CRS"
 *
 * Return: the object; NULL if there is none.
 */
const struct aml_object *aml_child(const struct aml *aml, const char *path,
				   const char *name)
{
	size_t len = strlen(path);
	unsigned int i;

	for (i = 0; i < aml->nr; i++) {
		const char *other = aml->object[i].path;

		if (!strncmp(other, path, len) && other[len] == '.' &&
		    !strcmp(other + len + 1, name))
			return &aml->object[i];
	}
	return NULL;
}

/* ---- data ------------------------------------------------------------ */

static bool aml_string(struct aml_reader *in, struct aml_value *value)
{
	size_t size = strnlen((const char *)in->at, in->end - in->at);

	*value = (struct aml_value){ AML_STRING, .data = in->at, .size = size };
	return aml_skip(in, size + 1);
}

/* An integer constant, if the next byte begins one. */
static bool aml_constant(struct aml_reader *in, struct aml_value *value)
{
	unsigned int op = in->at < in->end ? *in->at : OP_IF;
	unsigned int bytes = op == OP_BYTE  ? 1 :
			     op == OP_WORD  ? 2 :
			     op == OP_DWORD ? 4 :
			     op == OP_QWORD ? 8 :
					      0;

	if (!bytes && op != OP_ZERO && op != OP_ONE && op != OP_ONES)
		return false;
	in->at++;
	*value = (struct aml_value){ .kind = AML_INTEGER, .number = op };
	if (op == OP_ONES)
		value->number = U64_MAX;
	if (bytes)
		value->number = aml_number(in, bytes);
	return !in->why;
}

/* Bytes that are not written are 0, and end no resource template. */
static bool aml_buffer(struct aml_reader *in, struct aml_value *value)
{
	struct aml_reader buffer;
	struct aml_value size;

	if (!aml_package(in, &buffer))
		return false;
	*value = (struct aml_value){ .kind = AML_COMPLEX };
	if (!aml_constant(&buffer, &size))
		return true; /* a size that is computed */
	value->kind = AML_BUFFER;
	value->data = buffer.at;
	value->size = buffer.end - buffer.at;
	return true;
}

static bool aml_reference(struct aml_reader *in, struct aml_value *value)
{
	in->at--;
	*value = (struct aml_value){ .kind = AML_REFERENCE,
				     .path = aml_name(in) };
	return value->path;
}

static bool aml_value(struct aml_reader *in, struct aml_value *value)
{
	struct aml_reader package;
	unsigned int op;

	if (aml_constant(in, value))
		return true;
	op = aml_number(in, 1);
	switch (op) {
	case OP_STRING:
		return aml_string(in, value);
	case OP_BUFFER:
		return aml_buffer(in, value);
	case OP_PACKAGE:
	case OP_VAR_PACKAGE:
		*value = (struct aml_value){ .kind = AML_COMPLEX };
		return aml_package(in, &package);
	}
	if (isupper(op) || (op && strchr("_\\^./", op)))
		return aml_reference(in, value);
	return aml_stop(in, "an expression where a constant has to be");
}

/* ---- definitions ----------------------------------------------------- */

/*
 * The arguments of an opcode: p a package, which has all that follows; n the name that
 * is defined, r one that is referred to; b, w, d a byte, two, four; i an integer, v
 * any constant, s the same if it is not kept.  The rest of a package is skipped, but
 * for T: that has more definitions.
 */
static const struct aml_term {
	unsigned int op;
	const char *args;
	enum aml_type type;
} aml_terms[] = {
	{ OP_ALIAS, "rn", AML_OTHER },
	{ OP_NAME, "nv", AML_NAME },
	{ OP_SCOPE, "prT", AML_OTHER },
	{ OP_METHOD, "pnb", AML_METHOD },
	{ OP_EXTERNAL, "rbb", AML_OTHER },
	{ OP_CREATE_DWORD, "sin", AML_OTHER },
	{ OP_CREATE_WORD, "sin", AML_OTHER },
	{ OP_CREATE_BYTE, "sin", AML_OTHER },
	{ OP_CREATE_BIT, "sin", AML_OTHER },
	{ OP_CREATE_QWORD, "sin", AML_OTHER },
	{ OP_CREATE_FIELD, "siin", AML_OTHER },
	{ OP_IF, "p", AML_OTHER },
	{ OP_ELSE, "p", AML_OTHER },
	{ OP_WHILE, "p", AML_OTHER },
	{ OP_NOOP, "", AML_OTHER },
	{ OP_MUTEX, "nb", AML_OTHER },
	{ OP_EVENT, "n", AML_OTHER },
	{ OP_REGION, "nbii", AML_OTHER },
	{ OP_FIELD, "p", AML_OTHER },
	{ OP_DEVICE, "pnT", AML_DEVICE },
	{ OP_PROCESSOR, "pnbdbT", AML_OTHER },
	{ OP_POWER, "pnbwT", AML_OTHER },
	{ OP_THERMAL, "pnT", AML_OTHER },
	{ OP_INDEX_FIELD, "p", AML_OTHER },
	{ OP_BANK_FIELD, "p", AML_OTHER },
	{ OP_DATA_REGION, "nsss", AML_OTHER },
};

static const struct aml_term *aml_term_of(unsigned int op)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aml_terms); i++)
		if (aml_terms[i].op == op)
			return &aml_terms[i];
	return NULL;
}

static bool aml_names_dma(const uint8_t *at, const uint8_t *end)
{
	return memmem(at, end - at, "_DMA", 4);
}

/* Only a table that names _DMA at all is worth a note. */
static void aml_note(const struct aml_reader *in, const uint8_t *at,
		     const char *why)
{
	const struct aml_table *table = in->table;

	if (aml_names_dma(table->code, table->code + table->size))
		board_note(
			in->aml->board,
			"%s: %s at byte %#tx in %s: the rest of that is not read",
			table->name, why, at - table->code, in->scope);
}

static void aml_walk(struct aml_reader *in);

/* The definitions in a package, in the scope of @path. */
static void aml_enter(struct aml_reader *in, const char *path)
{
	in->scope = path;
	in->depth++;
	aml_walk(in);
	in->at = in->end;
}

static bool aml_integer_wanted(struct aml_reader *in)
{
	struct aml_value value;

	const struct aml_object *named;

	if (!aml_value(in, &value))
		return false;
	if (value.kind == AML_REFERENCE) {
		named = aml_find(in->aml, in->scope, value.path);
		if (named && named->type == AML_NAME)
			value = named->value;
	}
	if (value.kind != AML_INTEGER)
		return aml_stop(in, "an address or a size that is no constant");
	return true;
}

/* The name that is being defined. */
static bool aml_define(struct aml_reader *in, struct aml_object *object)
{
	const char *name = aml_name(in);

	object->path = name ? aml_path(in->aml, in->scope, name) : NULL;
	if (object->path && object->path[1])
		return true;
	return aml_stop(in, "a name that cannot be defined");
}

/* The scope that is gone on with has to be there. */
static bool aml_refer(struct aml_reader *in, struct aml_object *object,
		      bool needed)
{
	const char *name = aml_name(in);
	const struct aml_object *found;

	if (!name)
		return false;
	if (!needed)
		return true;
	found = aml_find(in->aml, in->scope, name);
	if (!found)
		return aml_stop(in, "a scope that is not known");
	object->path = found->path;
	return true;
}

static bool aml_arg(struct aml_reader *in, char arg, bool is_scope,
		    struct aml_object *object)
{
	struct aml_value value;

	switch (arg) {
	case 'n':
		return aml_define(in, object);
	case 'r':
		return aml_refer(in, object, is_scope);
	case 'b':
		return aml_skip(in, 1);
	case 'w':
		return aml_skip(in, 2);
	case 'd':
		return aml_skip(in, 4);
	case 'i':
		return aml_integer_wanted(in);
	case 's':
		return aml_value(in, &value);
	}
	return aml_value(in, &object->value);
}

static void aml_add(struct aml *aml, const struct aml_object *object)
{
	*ARENA_ADD(&aml->board->arena, aml->object, aml->nr) = *object;
}

/* Arguments up to the end, or to those of a package's own definitions. */
static bool aml_args(struct aml_reader *in, const struct aml_term *term,
		     const char *args)
{
	struct aml_object object = { .type = term->type };
	bool is_scope = term->op == OP_SCOPE;

	for (; *args && *args != 'T'; args++)
		if (!aml_arg(in, *args, is_scope, &object))
			return false;
	if (term->type == AML_METHOD) {
		object.value.data = in->at;
		object.value.size = in->end - in->at;
	}
	if (object.path && !is_scope)
		aml_add(in->aml, &object);
	if (*args == 'T')
		aml_enter(in, object.path);
	return true;
}

static bool aml_is_conditional(unsigned int op)
{
	return op == OP_IF || op == OP_ELSE || op == OP_WHILE;
}

/* A package that cannot be read is left out; what follows it can still be. */
static bool aml_read_package(struct aml_reader *in, const struct aml_term *term)
{
	struct aml_reader package;

	if (!aml_package(in, &package))
		return false;
	if (aml_is_conditional(term->op)) {
		if (aml_names_dma(package.at, package.end))
			board_note(
				in->aml->board,
				"%s: _DMA in %s depends on a condition: not read",
				in->table->name, in->scope);
		return true;
	}
	if (!aml_args(&package, term, term->args + 1))
		aml_note(&package, package.at, package.why);
	return true;
}

static bool aml_read_term(struct aml_reader *in)
{
	const struct aml_term *term;
	unsigned int op = aml_number(in, 1);

	if (in->aml->terms++ >= AML_TERMS)
		return aml_stop(in, "more definitions than dmag reads");
	if (op == OP_EXTENDED)
		op = op << 8 | aml_number(in, 1);
	term = in->why ? NULL : aml_term_of(op);
	if (!term)
		return aml_stop(in, "a term that is no definition");
	if (*term->args == 'p')
		return aml_read_package(in, term);
	return aml_args(in, term, term->args);
}

static void aml_walk(struct aml_reader *in)
{
	const uint8_t *at = in->at;

	if (in->depth > AML_DEPTH)
		aml_stop(in, "scopes in scopes, too many");
	while (!in->why && in->at < in->end) {
		at = in->at;
		aml_read_term(in);
	}
	if (in->why)
		aml_note(in, at, in->why);
}

/* ---- tables and values ----------------------------------------------- */

static void aml_predefine(struct aml *aml)
{
	static const char *const names[] = { "\\",     "\\_SB_", "\\_GPE",
					     "\\_PR_", "\\_TZ_", "\\_SI_" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		aml_add(aml, &(struct aml_object){ .path = names[i] });
}

/**
 * aml_read() - Add what a table defines.
 * @aml: the namespace; its board is to be set, and it must get the DSDT first
 * @table: without its header; its bytes have to stay as long as the namespace
 */
void aml_read(struct aml *aml, const struct aml_table *table)
{
	const uint8_t *end = table->code + table->size;
	struct aml_reader in = { aml, table, table->code, end, "\\", 0, NULL };

	if (!aml->nr)
		aml_predefine(aml);
	*ARENA_ADD(&aml->board->arena, aml->table, aml->nr_tables) = *table;
	aml->terms = 0;
	aml_walk(&in);
}

/* Some code makes a field of an object of that name: its value may change. */
static bool aml_is_written(const struct aml *aml, const char *path)
{
	static const uint8_t ops[] = {
		OP_CREATE_DWORD, OP_CREATE_WORD,  OP_CREATE_BYTE,
		OP_CREATE_BIT,	 OP_CREATE_QWORD, OP_CREATE_FIELD & 0xff
	};
	const char *name = path + strlen(path) - 4;
	unsigned int i, k;
	uint8_t create[5];

	for (i = 0; i < aml->nr_tables; i++)
		for (k = 0; k < sizeof(ops); k++) {
			create[0] = ops[k];
			memcpy(create + 1, name, 4);
			if (memmem(aml->table[i].code, aml->table[i].size,
				   create, sizeof(create)))
				return true;
		}
	return false;
}

/* Names that the method begins with, then what it returns. */
static bool aml_return(struct aml *aml, const struct aml_object *method,
		       struct aml_value *value)
{
	const uint8_t *code = method->value.data;
	const struct aml_table body = { method->path, code,
					method->value.size };
	struct aml_reader in = { aml,	       &body, code, code + body.size,
				 method->path, 0,     NULL };

	while (in.at < in.end && *in.at == OP_NAME)
		if (!aml_read_term(&in))
			return false;
	return aml_number(&in, 1) == OP_RETURN && aml_value(&in, value);
}

/**
 * aml_evaluate() - The value of a name, or of a method that returns a constant.
 * @aml: the namespace, with all tables read
 * @path: of the name or the method
 * @value: gets it
 *
 * Return: false if there is no such object, or its value is no constant.
 */
bool aml_evaluate(struct aml *aml, const char *path, struct aml_value *value)
{
	const struct aml_object *object = aml_at(aml, path);
	const char *own = arena_printf(&aml->board->arena, "%s.", path);

	if (!object || object->type < AML_NAME)
		return false;
	*value = object->value;
	if (object->type == AML_METHOD && !aml_return(aml, object, value))
		return false;
	if (value->kind == AML_REFERENCE) {
		object = aml_find(aml, path, value->path);
		if (!object || object->type != AML_NAME)
			return false;
		*value = object->value;
		path = object->path;
	}
	if (value->kind == AML_COMPLEX || value->kind == AML_REFERENCE)
		return false;
	return !strncmp(path, own, strlen(own)) || !aml_is_written(aml, path);
}
