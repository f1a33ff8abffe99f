#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Compile every board device tree of a kernel source for arm64, arm and riscv.
#
#   boards.sh KERNEL-SOURCE OUTPUT-DIR [JOBS]
#
# The source is only read.  What is newer than its .dts stays; a shared .dtsi
# changes with a kernel version, and then OUTPUT-DIR is to be removed.  A source
# that does not compile, as some need a newer dtc, is named; if more than one in
# 100 do not, the exit status is 1.

set -eu

compile()
{
	src=$1
	out=$2/$(echo "${3#"$src"/arch/}" | sed 's,/boot/dts/,/,; s,\.dts$,.dtb,')
	if [ -n "$(find "$out" -newer "$3" 2>/dev/null)" ]; then
		return
	fi
	mkdir -p "${out%/*}"
	if cpp -nostdinc -I "$src/scripts/dtc/include-prefixes" -undef -D__DTS__ \
		-x assembler-with-cpp "$3" 2>"$out.log" |
		dtc -q -b 0 -i "${3%/*}" -i "$src/scripts/dtc/include-prefixes" \
			-o "$out.tmp" - 2>>"$out.log"; then
		mv "$out.tmp" "$out"
		rm -f "$out.log"
	else
		rm -f "$out.tmp"
		echo "boards.sh: $3 does not compile, see $out.log" >&2
		return 1
	fi
}

if [ "$1" = --one ]; then
	shift
	status=0
	source=$1
	output=$2
	shift 2
	for dts; do
		compile "$source" "$output" "$dts" || status=1
	done
	exit $status
fi

if [ ! -d "$1/arch/arm64/boot/dts" ]; then
	echo "boards.sh: $1: no kernel source (make kernel-tree unpacks it)" >&2
	exit 1
fi
mkdir -p "$2"
find "$1/arch/arm64/boot/dts" "$1/arch/arm/boot/dts" "$1/arch/riscv/boot/dts" -name '*.dts' | sort |
	xargs -n 20 -P "${3:-2}" "$0" --one "$1" "$2" || true
boards=$(find "$2" -name '*.dtb' | wc -l)
failed=$(find "$2" -name '*.dtb.log' | wc -l)
[ $((failed * 100)) -le "$boards" ]
