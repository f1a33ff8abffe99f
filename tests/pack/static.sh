#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# make tool-static: the program needs no library and no environment, and answers as
# the other one does.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/../tool/lib.sh"
static=build/tool/dmag-static

readelf -lW $static >"$work/out"
has 'segments' ' LOAD '
hasnt 'interpreter' 'INTERP|DYNAMIC'
board pi4 "$here/../tool"
for arguments in --version "plan -q $work/pi4.dtb" "plan -q -j $work/pi4.dtb" \
	"explain $here/../tool/logs/wifi-leak.log"; do
	# shellcheck disable=SC2086 # a list of arguments
	"$dmag" $arguments >"$work/want"
	# shellcheck disable=SC2086
	status 0 "static: $arguments" env -i $static $arguments
	cmp -s "$work/want" "$work/out"
	verdict $? "the same answer: $arguments"
done

# Not even a file of the system.
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$work/root"
	cp $static "$work/pi4.dtb" "$work/root"
	status 0 'in an empty root' chroot "$work/root" /dmag-static plan -q /pi4.dtb
	has 'in an empty root' '^zones '
fi
finish
