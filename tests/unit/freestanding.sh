#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# freestanding.sh DIR: compile the core with nothing but the compiler's own
# headers, for several kinds of machine, and list the symbols that it leaves
# undefined.  Speaks TAP.

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

while read -r name cc; do
	cases=$((cases + 1))
	if check "$name" "$cc"; then verdict=ok; else verdict="not ok"; fi
	echo "$verdict $cases - core/*.c are freestanding for $name"
done <<MACHINES
x86_64 gcc
i386 gcc -m32
aarch64 aarch64-linux-gnu-gcc
powerpc powerpc-linux-gnu-gcc -m32
MACHINES
echo "1..$cases"
