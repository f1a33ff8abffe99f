#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# make patched-tree: that it installs into a clean tree, and that a tree which
# cannot take the series is left exactly as it was. Works on a small part of
# the source, which is all that the series touches.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
clean=$("$top/scripts/kernel.sh" source)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

try()
{
	name=$1
	shift
	if "$@" >"$scratch/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "patched-tree: $name"
		cat "$scratch/said"
	fi
}

touched()
{
	echo Kbuild Makefile mm/page_alloc.c
	sed -n 's,^--- a/,,p' "$top"/linux/patches/v6.12/*.patch "$top"/linux/platform/v6.12/*.patch
}

small_tree()
{
	rm -rf "$1"
	mkdir -p "$1"
	(cd "$clean" && touched | xargs -n1 | sort -u | cpio -pdm --quiet "$1")
}

sum_of()
{
	(cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum)
}

# refuses TREE WORDS: installing fails, says WORDS, and changes nothing
refuses()
{
	before=$(sum_of "$1")
	if "$top/linux/patched-tree.sh" install "$1" >"$scratch/refusal" 2>&1; then
		echo "it did not refuse"
		return 1
	fi
	cat "$scratch/refusal"
	grep -q "$2" "$scratch/refusal" && [ "$before" = "$(sum_of "$1")" ]
}

installed()
{
	for file in "$top"/core/*.[ch]; do
		cmp "$file" "$1/mm/dmag/core/${file##*/}" || return 1
	done
	grep -q dmag "$1/mm/Kconfig" && cmp "$top/linux/overlay/include/linux/dmag.h" "$1/include/linux/dmag.h"
}

# sync must also take back what is no longer wanted.
synced()
{
	cp "$clean/mm/Kconfig" "$scratch/Kconfig"
	echo "extra" >"$1/mm/dmag/left-over.c"
	echo "mm/dmag/left-over.c" >>"$1/.dmag-files"
	sort -o "$1/.dmag-files" "$1/.dmag-files"
	"$top/linux/patched-tree.sh" sync "$2" "$1" && [ ! -e "$1/mm/dmag/left-over.c" ] && installed "$1"
}

has_platform()
{
	[ -e "$1/arch/x86/coco/test.c" ] && grep -q X86_TEST_MEM_ENCRYPT "$1/arch/x86/Kconfig"
}

small_tree "$scratch/a"
try "installs into a clean tree" "$top/linux/patched-tree.sh" install "$scratch/a"
try "everything is there" installed "$scratch/a"
try "refuses a second time" refuses "$scratch/a" "already has dmag"

small_tree "$scratch/b"
sed -i 's/HAS_DMA/HAS_OTHER/; /damon/d' "$scratch/b/mm/Kconfig"
try "refuses a tree that a hunk does not fit" refuses "$scratch/b" "does not apply"

small_tree "$scratch/c"
sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 13/' "$scratch/c/Makefile"
try "refuses another version" refuses "$scratch/c" "is for 6.12"
mkdir "$scratch/d"
try "refuses what is not a kernel" refuses "$scratch/d" "not a Linux source tree"

small_tree "$scratch/e"
small_tree "$scratch/f"
try "a tree with test platforms" "$top/linux/patched-tree.sh" sync-platforms "$scratch/e" "$scratch/f"
try "they are there" has_platform "$scratch/f"
try "a synced tree" "$top/linux/patched-tree.sh" sync "$scratch/e" "$scratch/f"
try "everything is there, synced" installed "$scratch/f"
try "takes back what is no longer wanted" synced "$scratch/f" "$scratch/e"
try "a synced tree is an installed tree" diff -r -x .dmag-files "$scratch/a" "$scratch/f"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
