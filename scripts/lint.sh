#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Style and static checks of everything that we wrote in C, of the patches and
# of the scripts. One result a tool and file; what a tool says is shown.
#
#   lint.sh		the last line is "N passed, N failed"

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
clean=$(scripts/kernel.sh source)
passed=0 failed=0

c_files()
{
	for dir in core linux/overlay guest tool tests examples; do
		[ ! -d "$dir" ] || find "$dir" -name '*.[ch]'
	done | sort
}

# try NAME COMMAND...: silent success is success
try()
{
	name=$1
	shift
	if said=$("$@" 2>&1) && [ -z "$said" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "lint: $name"
		echo "$said" | head -n 25 | sed 's/^/	/'
	fi
}

format()
{
	clang-format-14 --dry-run -Werror "$1"
}

# Terse: silent when clean. A file that git knows is not taken for a patch unless
# it comes by way of stdin. What cannot be had outside the kernel is not asked
# for there: names that libraries chose, the types and attributes of its headers.
# Where the kernel's .clang-format ends a line with a parenthesis, it wins.
# Only a person can certify a patch's origin, so its submitter signs it.
checkpatch()
{
	ignore=FILE_PATH_CHANGES,CAMELCASE,MACRO_ARG_REUSE,OPEN_ENDED_LINE
	case $1 in
	core/port/* | tool/* | tests/* | examples/* | guest/load/* | guest/work/*)
		ignore=$ignore,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO
		ignore=$ignore,AVOID_EXTERNS,COMPLEX_MACRO,ARRAY_SIZE,VOLATILE
		ignore=$ignore,EMBEDDED_FUNCTION_NAME,EMBEDDED_FILENAME
		;;
	*trace/events/*)
		ignore=$ignore,SPACING,PARENTHESIS_ALIGNMENT,COMPLEX_MACRO
		;;
	esac
	set -- "$1" --no-tree --strict --terse --no-summary -q --ignore "$ignore"
	file=$1
	shift
	case $file in
	*.patch) perl "$clean/scripts/checkpatch.pl" "$@" --ignore MISSING_SIGN_OFF - <"$file" ;;
	*) perl "$clean/scripts/checkpatch.pl" "$@" -f "$file" ;;
	esac
	rm -f .checkpatch-camelcase.*
}

# Freestanding and user-space code as the user-space port builds it.
sparse_user()
{
	sparse -Wno-decl -Wno-non-pointer-null -Wno-shift-count-overflow -D__CHECKER__ -Icore -Icore/port "$1"
}

# The kernel's own way; C=2 checks objects that are up to date as well.
sparse_kernel()
{
	exec 9>build/kernel-normal.lock
	flock 9
	make -s -C build/linux O="$top/build/kernel-normal" CC="ccache gcc" C=2 CHECK="sparse" mm/dmag/ 2>&1 |
		grep -E 'mm/dmag|include/linux/dmag' || true
}

sparse_driver()
{
	mkdir -p build/driver-sparse
	cp guest/driver/* build/driver-sparse/
	exec 9>build/kernel-normal.lock
	flock 9
	make -s -C build/kernel-normal M="$top/build/driver-sparse" CC="ccache gcc" C=2 modules 2>&1 |
		grep -E 'dmag_(duel|edu|press|storm)' || true
}

cppcheck_dir()
{
	cppcheck -q --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=unknownMacro --std=c11 \
		--suppress=arithOperationsOnVoidPointer \
		--include=scripts/cppcheck.h -Icore -Icore/port "$1"
}

try "layers" sh -c 'scripts/layers.py --self-test && scripts/layers.py'
try "words" sh -c 'scripts/words.py --self-test && scripts/words.py'
for file in $(c_files); do
	case $file in
	# Tables in the form of calls, which no formatter of the kernel touches.
	*trace/events/*) ;;
	*) try "clang-format $file" format "$file" ;;
	esac
	try "checkpatch $file" checkpatch "$file"
done
for file in linux/patches/v6.12/*.patch; do
	[ ! -e "$file" ] || try "checkpatch $file" checkpatch "$file"
done
for file in core/*.c; do
	[ ! -e "$file" ] || try "sparse $file" sparse_user "$file"
done
if [ -f build/kernel-normal/include/generated/autoconf.h ]; then
	try "sparse mm/dmag" sparse_kernel
	try "sparse guest/driver" sparse_driver
else
	try "sparse of the kernel part needs make kernel" false
fi
for dir in core linux/overlay guest tool tests examples; do
	[ ! -d "$dir" ] || try "cppcheck $dir" cppcheck_dir "$dir"
done
# A scenario is the end of guest/init, after what it shares with the others.
shellcheck_scenario()
{
	{
		sed '/^\. /,$d' guest/init
		cat guest/lib.sh
		echo begin
		cat "$1"
		echo finish
	} | shellcheck -s dash -e SC2034 - # not every scenario uses all of lib.sh
}

# shellcheck disable=SC2013 # one name a word
for file in $(grep -rlE '^#!/bin/(ba)?sh' guest linux scripts tests .ci); do
	try "shellcheck $file" shellcheck -x -P "$top" "$file"
done
for file in guest/scenarios/*.sh guest/duel.sh; do
	try "shellcheck $file" shellcheck_scenario "$file"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
