// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Small text files of a running kernel, under a root that is "" but in tests.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfile.h"

static char *sys_read_stream(struct arena *arena, FILE *file, size_t *size)
{
	size_t room = 1 << 16, len = 0, got;
	char *buf = arena_alloc(arena, room), *more;

	while ((got = fread(buf + len, 1, room - 1 - len, file)) > 0) {
		len += got;
		if (len < room - 1)
			continue;
		more = arena_alloc(arena, room *= 2);
		buf = memcpy(more, buf, len);
	}
	if (ferror(file))
		return NULL;
	buf[len] = 0;
	if (size)
		*size = len;
	return buf;
}

/* fclose() may change errno, which is what the caller wants to know. */
static char *sys_read_close(struct arena *arena, FILE *file, size_t *size)
{
	char *text = file ? sys_read_stream(arena, file, size) : NULL;
	int err = errno;

	if (file)
		fclose(file);
	errno = err;
	return text;
}

/* All of a file, as text in the arena; NULL with errno if it cannot be read. */
char *sys_read(struct arena *arena, const char *path, size_t *size)
{
	return sys_read_close(arena, fopen(path, "rb"), size);
}

/* The same of a file that is open, and is closed. */
char *sys_read_fd(struct arena *arena, int fd, size_t *size)
{
	return sys_read_close(arena, fdopen(fd, "rb"), size);
}

/* A file that holds one line; without its newline. */
char *sys_line(struct arena *arena, const char *path)
{
	char *s = sys_read(arena, path, NULL);

	if (s)
		s[strcspn(s, "\n")] = 0;
	return s;
}

/* Decimal or 0x: the files of sysfs use both. */
bool sys_number(struct arena *arena, const char *path, u64 *val)
{
	const char *s = sys_line(arena, path);
	char *end;

	if (!s || !*s)
		return false;
	errno = 0;
	*val = strtoull(s, &end, 0);
	return !errno && !*end;
}

/* The last part of what a symbolic link points to; NULL if it is none. */
const char *sys_link(struct arena *arena, const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	if (len < 0)
		return NULL;
	target[len] = 0;
	slash = strrchr(target, '/');
	return arena_printf(arena, "%s", slash ? slash + 1 : target);
}

static int sys_name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted; 0 also if it cannot be read. */
unsigned int sys_list(struct arena *arena, const char *path, char ***names)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int nr = 0;

	*names = NULL;
	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			*ARENA_ADD(arena, *names, nr) =
				arena_printf(arena, "%s", entry->d_name);
	if (dir)
		closedir(dir);
	if (nr)
		qsort(*names, nr, sizeof(**names), sys_name_cmp);
	return nr;
}
