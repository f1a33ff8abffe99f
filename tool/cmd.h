/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * The commands.
 */
#ifndef DMAG_TOOL_CMD_H
#define DMAG_TOOL_CMD_H

int cmd_plan(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_collect(int argc, char **argv);
int cmd_report(int argc, char **argv);

#endif /* DMAG_TOOL_CMD_H */
