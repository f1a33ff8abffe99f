#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Edit the series as commits.
#
#   patches.sh open DIR	make DIR a git repository: the files that the series
#			touches, from Debian's 6.12 or KERNEL_SRC, and one
#			commit a patch on top of the tag "base"
#   patches.sh save DIR	write those commits to linux/patches/v6.12
#
# Commit with --fixup and rebase in between, as with any series. The text of
# 0000-cover-letter is edited by hand; save renews its diffstat.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
patches=$top/linux/patches/v6.12

touched()
{
	sed -n 's,^--- a/,,p' "$patches"/*.patch | sort -u
}

do_open()
{
	clean=$("$top/scripts/kernel.sh" source)
	git init -q -b dmag "$1"
	into=$(cd "$1" && pwd)
	(cd "$clean" && touched | cpio -pdm --quiet "$into")
	git -C "$1" add -A
	git -C "$1" commit -q -m "Linux 6.12, the files that the series touches"
	git -C "$1" tag base
	sed "/^#/d; s,^,$patches/," "$patches/series" | xargs git -C "$1" am -q
}

# Commit ids and the version of git change nothing, so they are left out.
do_save()
{
	rm -f "$patches"/*.patch
	git -C "$1" format-patch -q --zero-commit --no-signature --abbrev=12 -U3 \
		-o "$patches" base
	{
		echo "# SPDX-License-Identifier: GPL-2.0"
		find "$patches" -name '*.patch' -printf '%f\n' | sort
	} >"$patches/series"
	stat=$(git -C "$1" diff --stat=72 base)
	{ sed '/^---$/q' "$patches/0000-cover-letter"; echo "$stat"; } >"$patches/cover.new"
	mv "$patches/cover.new" "$patches/0000-cover-letter"
}

case ${1:-} in
open | save) [ $# -eq 2 ] && "do_$1" "$2" ;;
*)
	echo "usage: patches.sh open DIR | save DIR" >&2
	exit 2
	;;
esac
