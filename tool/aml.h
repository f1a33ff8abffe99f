/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The namespace of ACPI's byte code, as far as it is constant.
 */
#ifndef DMAG_TOOL_AML_H
#define DMAG_TOOL_AML_H

#include "board.h"

#define AML_PATH 256 /* bytes of the longest path, its end included */

/** enum aml_kind - Data of an object. */
enum aml_kind {
	AML_COMPLEX, /* a package, or an expression: not read */
	AML_INTEGER,
	AML_STRING,
	AML_BUFFER,
	AML_REFERENCE, /* the name of another object */
};

/**
 * struct aml_value - The data of an object.
 * @number: of an integer
 * @data: the bytes of a string (without its end) or a buffer
 * @size: how many these are
 * @path: of a reference, as it is written in the scope of the object
 */
struct aml_value {
	enum aml_kind kind;
	u64 number;
	const uint8_t *data;
	size_t size;
	const char *path;
};

/** enum aml_type - What an object is. */
enum aml_type {
	AML_OTHER, /* only its name counts */
	AML_DEVICE,
	AML_NAME, /* it has a value */
	AML_METHOD,
};

/**
 * struct aml_object - A name in the namespace.
 * @path: "\_SB_.PCI0"
 * @value: of a name; of a method, data and size are its byte code
 */
struct aml_object {
	const char *path;
	enum aml_type type;
	struct aml_value value;
};

/** struct aml_table - One table: its name for notes, and its byte code. */
struct aml_table {
	const char *name;
	const uint8_t *code;
	size_t size;
};

/** struct aml - The namespace of all tables that were read. */
struct aml {
	struct board *board;
	struct aml_table *table;
	unsigned int nr_tables;
	struct aml_object *object;
	unsigned int nr;
	unsigned int terms; /* of the last table */
};

void aml_read(struct aml *aml, const struct aml_table *table);
const struct aml_object *aml_child(const struct aml *aml, const char *path,
				   const char *name);
bool aml_evaluate(struct aml *aml, const char *path, struct aml_value *value);
const char *aml_parent(struct aml *aml, const char *path);

#endif /* DMAG_TOOL_AML_H */
