// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Files of device trees: blobs, sources, overlays.
 *
 * A source is compiled by dtc(1), which need not be there for anything else.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dts.h"
#include "of_fdt.h"
#include "sysfile.h"

static bool dts_is_source(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".dts");
}

/* dtc's own messages go where ours go. */
static void __noreturn dts_exec(const char *name, int out)
{
	dup2(out, STDOUT_FILENO);
	execlp("dtc", "dtc", "-q", "-@", "-I", "dts", "-O", "dtb", name,
	       (char *)NULL);
	_exit(127);
}

/* Run dtc, whose standard output is the blob. */
static const char *dts_compile(struct board *board, const char *name,
			       size_t *size)
{
	int ends[2], status = -1;
	const char *blob = NULL;
	pid_t pid;

	if (pipe(ends)) {
		board_fail(board, "dtc: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (!pid)
		dts_exec(name, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		blob = sys_read_fd(&board->arena, ends[0], size);
		waitpid(pid, &status, 0);
	} else {
		close(ends[0]);
	}
	if (blob && WIFEXITED(status) && !WEXITSTATUS(status))
		return blob;
	board_fail(
		board,
		WIFEXITED(status) && WEXITSTATUS(status) == 127 ?
			"a source, and dtc is not installed" :
			"a source that dtc does not compile (run cpp first if it has #include)");
	return NULL;
}

/**
 * dts_read() - Read a device tree from a file.
 * @board: the board that it is for
 * @name: of the file; compiled first if it ends in ".dts"
 * @size: gets the length of the blob
 *
 * Return: the blob, unchecked, or NULL with board->error set.
 */
const char *dts_read(struct board *board, const char *name, size_t *size)
{
	const char *blob;

	if (dts_is_source(name) && !access(name, R_OK))
		return dts_compile(board, name, size);
	blob = sys_read(&board->arena, name, size);
	if (!blob)
		board_fail(board, "%s", strerror(errno));
	return blob;
}

/**
 * dts_overlay() - Apply an overlay to a device tree.
 * @board: the board that it is for
 * @base: the device tree
 * @size: its length; gets that of the result
 * @name: file of the overlay
 *
 * Return: the result, or NULL with board->error set.
 */
const char *dts_overlay(struct board *board, const char *base, size_t *size,
			const char *name)
{
	size_t extra, room;
	const char *read = dts_read(board, name, &extra);
	char *overlay, *blob;
	int ret;

	if (!read || of_check(board, base, *size) ||
	    of_check(board, read, extra)) {
		board_fail(board, "overlay %s: %s", name, board->error);
		return NULL;
	}
	room = *size + 2 * extra + 4096;
	blob = arena_alloc(&board->arena, room);
	overlay = arena_alloc(&board->arena, extra);
	memcpy(overlay, read, extra); /* applying changes it */
	ret = fdt_open_into(base, blob, (int)room);
	if (!ret)
		ret = fdt_overlay_apply(blob, overlay);
	if (!ret)
		ret = fdt_pack(blob);
	if (ret) {
		board_fail(board, "overlay %s: %s%s", name, fdt_strerror(ret),
			   ret == -FDT_ERR_NOTFOUND ?
				   " (was the board compiled with dtc -@?)" :
				   "");
		return NULL;
	}
	*size = fdt_totalsize(blob);
	return blob;
}
