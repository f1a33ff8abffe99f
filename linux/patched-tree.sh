#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Put dmag into a Linux 6.12 tree.
#
#   patched-tree.sh install DIR		into DIR, a clean tree
#   patched-tree.sh sync CLEAN DIR	make DIR equal to CLEAN with dmag in it
#   patched-tree.sh sync-platforms CLEAN DIR	the same, with the test platforms of
#					linux/platform
#
# Both first build every file that will differ in a scratch directory: the
# overlay, the core's files in mm/dmag/core, some of docs/ in
# Documentation/mm/dmag, and copies of the files that the series touches,
# patched. Only when that worked is anything written, so a hunk that does not
# apply leaves the tree as it was.
#
# sync writes only what differs and puts back what an earlier series touched,
# so that make rebuilds no more than it must.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
patches=$top/linux/patches/v6.12
platform=$top/linux/platform
manifest=.dmag-files
platforms=no

die()
{
	echo "patched-tree: $*" >&2
	exit 1
}

is_kernel_tree()
{
	[ -f "$1/Kbuild" ] || die "$1 is not a Linux source tree"
	[ -f "$1/mm/page_alloc.c" ] || die "$1 is not a Linux source tree"
	version=$(sed -n 's/^VERSION = //p' "$1/Makefile").$(sed -n 's/^PATCHLEVEL = //p' "$1/Makefile")
	[ "$version" = 6.12 ] || die "$1 is Linux $version; the series is for 6.12"
}

# The files of a directory: "SOURCE TARGET" a line.
overlay()
{
	(cd "$1" && find . -type f | sed 's,^\./,,' | sort) |
		while read -r path; do
			echo "$1/$path $path"
		done
}

# The paths, relative to the tree, of all new files: "SOURCE TARGET" a line.
new_files()
{
	if [ -d "$top/linux/overlay" ]; then
		overlay "$top/linux/overlay"
		for file in "$top"/core/*.[ch]; do
			[ ! -e "$file" ] || echo "$file mm/dmag/core/${file##*/}"
		done
		for name in design reserve diagnosis; do
			echo "$top/docs/$name.rst Documentation/mm/dmag/$name.rst"
		done
	fi
	[ $platforms = no ] || overlay "$platform/overlay"
}

# The paths of all patches, in order.
series()
{
	[ ! -f "$patches/series" ] || sed "s/#.*//; /^[[:space:]]*$/d; s,^,$patches/," "$patches/series"
	[ $platforms = no ] || find "$platform/v6.12" -name '*.patch' | sort
}

touched_files()
{
	series | while read -r patch; do
		[ -f "$patch" ] || die "series names ${patch##*/}, which does not exist"
		sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p; s,^--- a/\([^[:space:]]*\).*,\1,p' "$patch"
	done | sort -u
}

# stage CLEAN OUT
stage()
{
	touched_files >"$2.touched"
	while read -r path; do
		[ -f "$1/$path" ] || continue
		mkdir -p "$2/$(dirname "$path")"
		cp -p "$1/$path" "$2/$path"
	done <"$2.touched"

	series >"$2.series"
	while read -r patch; do
		if ! patch -s -p1 -N -F0 --no-backup-if-mismatch -r - -d "$2" <"$patch" >"$2.log" 2>&1; then
			cat "$2.log" >&2
			if patch -s -p1 -R -f --dry-run -d "$1" <"$patch" >/dev/null 2>&1; then
				die "${patch##*/} is already applied to $1; nothing was changed"
			fi
			die "${patch##*/} does not apply to $1; nothing was changed"
		fi
	done <"$2.series"

	new_files >"$2.new"
	while read -r source target; do
		mkdir -p "$2/$(dirname "$target")"
		cp "$source" "$2/$target"
	done <"$2.new"
}

# copy_changed STAGED DIR
copy_changed()
{
	(cd "$1" && find . -type f | sed 's,^\./,,' | sort) |
		while read -r path; do
			cmp -s "$1/$path" "$2/$path" && continue
			mkdir -p "$2/$(dirname "$path")"
			cp "$1/$path" "$2/$path.dmag-new"
			mv "$2/$path.dmag-new" "$2/$path"
		done
}

do_install()
{
	is_kernel_tree "$1"
	[ ! -e "$1/include/linux/dmag.h" ] || die "$1 already has dmag; nothing was changed"
	stage "$1" "$scratch/tree"
	while read -r _ target; do
		[ ! -e "$1/$target" ] || die "$1/$target exists; nothing was changed"
	done <"$scratch/tree.new"
	copy_changed "$scratch/tree" "$1"
	echo "patched-tree: $(wc -l <"$scratch/tree.new") files added, $(wc -l <"$scratch/tree.touched") patched in $1"
}

do_sync()
{
	is_kernel_tree "$1"
	stage "$1" "$scratch/tree"
	(cd "$scratch/tree" && find . -type f | sed 's,^\./,,' | sort) >"$scratch/list"
	if [ -f "$2/$manifest" ]; then
		comm -13 "$scratch/list" "$2/$manifest" | while read -r path; do
			if [ -f "$1/$path" ]; then
				cp "$1/$path" "$2/$path"
			else
				rm -f "$2/$path"
			fi
		done
	fi
	# Written first and holding both lists: an interrupted copy is then
	# undone by the next sync.
	touch "$2/$manifest"
	sort -u "$scratch/list" "$2/$manifest" >"$scratch/both"
	cp "$scratch/both" "$2/$manifest"
	copy_changed "$scratch/tree" "$2"
	cp "$scratch/list" "$2/$manifest"
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/dmag-tree.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
mkdir "$scratch/tree"

case ${1:-} in
install)
	[ $# -eq 2 ] || die "usage: patched-tree.sh install DIR"
	do_install "$2"
	;;
sync)
	[ $# -eq 3 ] || die "usage: patched-tree.sh sync CLEAN DIR"
	do_sync "$2" "$3"
	;;
sync-platforms)
	[ $# -eq 3 ] || die "usage: patched-tree.sh sync-platforms CLEAN DIR"
	platforms=yes
	do_sync "$2" "$3"
	;;
*)
	die "usage: patched-tree.sh install DIR | sync CLEAN DIR | sync-platforms CLEAN DIR"
	;;
esac
