/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The command line of dmag plan.
 */
#ifndef DMAG_TOOL_PLAN_ARGS_H
#define DMAG_TOOL_PLAN_ARGS_H

#include "source.h"
#include "write.h"

enum output {
	OUT_NONE,
	OUT_TABLE,
	OUT_JSON,
	OUT_CSV,
	OUT_SUMMARY,
};

/** struct requirement - --require NODE=SIZE; a size of 0 stands for all. */
struct requirement {
	const char *node;
	u64 bytes;
	bool used;
};

/** enum command_kind - Commands that take facts about a machine. */
enum command_kind {
	COMMAND_PLAN,
	COMMAND_EXPLAIN,
	COMMAND_DIFF,
	COMMAND_LINT,
};

/** struct plan_command - Their options; most are those of plan. */
struct plan_command {
	struct arena arena;
	struct plan_options opt;
	enum output output;
	struct style style;
	const char *svg, *html;
	const char *root;
	const char *dmesg; /* a boot log instead of a board */
	const char *board; /* of explain, whose argument is a log */
	const char **overlays;
	unsigned int nr_overlays;
	struct requirement *require;
	unsigned int nr_require;
	enum command_kind kind;
	bool live, linear, quiet, check, strict;
	bool failed; /* some demand is not met */
};

int plan_parse(struct plan_command *cmd, int argc, char **argv);

#endif /* DMAG_TOOL_PLAN_ARGS_H */
