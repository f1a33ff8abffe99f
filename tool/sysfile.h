/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * Small text files of a running kernel.
 */
#ifndef DMAG_TOOL_SYSFILE_H
#define DMAG_TOOL_SYSFILE_H

#include "arena.h"

char *sys_read(struct arena *arena, const char *path, size_t *size);
char *sys_read_fd(struct arena *arena, int fd, size_t *size);
char *sys_line(struct arena *arena, const char *path);
bool sys_number(struct arena *arena, const char *path, u64 *val);
const char *sys_link(struct arena *arena, const char *path);
unsigned int sys_list(struct arena *arena, const char *path, char ***names);

#endif /* DMAG_TOOL_SYSFILE_H */
