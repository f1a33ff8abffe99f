#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Build the driver and the guest's file system for one flavour.
#
#   initramfs.sh FLAVOUR [PROGRAM...]	PROGRAM: a static one, for the guest's /bin

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
flavour=$1
shift
kernel=$top/build/kernel-$flavour
root=$top/build/initramfs-$flavour
module=$top/build/driver-$flavour
bin=$top/build/guest-bin

mkdir -p "$module" "$bin"
for file in "$top"/guest/driver/*; do
	cmp -s "$file" "$module/${file##*/}" || cp "$file" "$module/"
done
if ! make -s -C "$kernel" M="$module" CC="${CC:-ccache gcc}" W=1 modules >"$module.log" 2>&1; then
	cat "$module.log" >&2
	exit 1
fi
grep -E 'warning:' "$module.log" >&2 || true

# Programs of our own, each of one file.
for source in "$top"/guest/work/*.c "$top"/guest/load/*.c; do
	program=$bin/$(basename "$source" .c)
	# shellcheck disable=SC3013 # all shells that may be sh have -nt
	[ "$program" -nt "$source" ] ||
		gcc -std=gnu11 -Wall -Wextra -Werror -O2 -static -o "$program" "$source"
done

# Made anew each time: files that an earlier scenario brought would take memory
# from this one.
rm -rf "$root"
mkdir -p "$root/bin" "$root/scenarios" "$root/proc" "$root/sys"
cp /bin/busybox "$bin"/* "$root/bin/"
ln -s busybox "$root/bin/sh"
for program in "$@"; do
	cp "$top/$program" "$root/bin/"
done
cp "$module"/*.ko "$top/guest/lib.sh" "$top/guest/duel.sh" "$root/"
cp "$top"/guest/scenarios/*.sh "$root/scenarios/"
install -m 755 "$top/guest/init" "$root/init"
(cd "$root" && find . | sort | cpio -o -H newc --quiet -R 0:0) >"$root.cpio.new"
mv "$root.cpio.new" "$root.cpio"
