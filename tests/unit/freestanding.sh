#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# freestanding.sh DIR: compile the core with nothing but the compiler's own
# headers, for several kinds of machine and of u64, and list the symbols that it leaves
# undefined.  Then include dmag.h beside headers of a C and a C++ library.
# Speaks TAP.

here=$(dirname "$0")
dir=$1
cases=0

check()
{
	name=$1 cc=$2
	nm=$(echo "$cc" | sed -n 's/^\([a-z0-9_]*-linux-gnu-\)gcc.*/\1/p')nm
	mkdir -p "$dir/$name"
	rm -f "$dir/$name"/*.o
	for src in "$here"/../../core/*.c; do
		# shellcheck disable=SC2086 # a command with arguments
		$cc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror \
			-ffreestanding -nostdlib -nostdinc -fno-pic -fno-stack-protector \
			-isystem "$($cc -print-file-name=include)" \
			-I"$here"/../../core -I"$here"/../../core/port \
			-c "$src" -o "$dir/$name/$(basename "$src" .c).o" || return 1
	done
	"$nm" --defined-only "$dir/$name"/*.o | awk 'NF == 3 { print $3 }' |
		sort -u >"$dir/$name/defined"
	grep -v '^#' "$here/freestanding.allow" | sort -u - "$dir/$name/defined" \
		>"$dir/$name/allowed"
	"$nm" -u "$dir/$name"/*.o | awk '$1 == "U" { print $2 }' | sort -u |
		comm -23 - "$dir/$name/allowed" >"$dir/$name/undefined"
	[ -s "$dir/$name/undefined" ] || return 0
	echo "# $name: undefined and not allowed: $(xargs <"$dir/$name/undefined")"
	return 1
}

# Some hosts have a u64 that is uint64_t, which may be another type of that size.
mkdir -p "$dir/uint64"
sed 's/unsigned long long u64/uint64_t u64/' "$here"/../../core/port/dmag_types.h \
	>"$dir/uint64/dmag_types.h"

while read -r name cc; do
	cases=$((cases + 1))
	if check "$name" "$cc"; then verdict=ok; else verdict="not ok"; fi
	echo "$verdict $cases - core/*.c are freestanding for $name"
done <<MACHINES
x86_64 gcc
i386 gcc -m32
aarch64 aarch64-linux-gnu-gcc
powerpc powerpc-linux-gnu-gcc -m32
uint64 gcc -I$dir/uint64
uint64-clang clang -I$dir/uint64
MACHINES

# dmag.h belongs to the program that includes it: any language, any header.
beside()
{
	printf '#include "dmag.h"\n#include <%s>\nstruct dmag_request rq = DMAG_REQUEST(4);\n' "$2" |
		$1 -Wall -Wextra -Werror -I"$here"/../../core -I"$here"/../../core/port \
			-c -x "$3" - -o "$dir/beside.o"
}

while read -r cc header language; do
	cases=$((cases + 1))
	if beside "$cc" "$header" "$language"; then verdict=ok; else verdict="not ok"; fi
	echo "$verdict $cases - dmag.h in $language ($cc) beside $header"
done <<HEADERS
gcc errno.h c
gcc sys/param.h c
gcc assert.h c
clang++ algorithm c++
HEADERS
echo "1..$cases"
