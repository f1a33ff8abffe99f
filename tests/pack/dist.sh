#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# make dist: the same tarball wherever it is made, from which the tool is built.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/../tool/lib.sh"
top=$(cd "$here/../.." && pwd)
version=$(make -s -C "$top" version)
tarball=build/pack/dmag-$version.tar.gz

status 0 dist make -s -C "$top" dist
has dist "^dist: $tarball is ready, SHA-256 [0-9a-f]{64}\$"
git clone -q "$top" "$work/clone"
(umask 077 && TZ=Asia/Tokyo LC_ALL=C make -s -C "$work/clone" dist >/dev/null)
cmp "$top/$tarball" "$work/clone/$tarball"
verdict $? 'a clone makes the same'

tar -tzf "$top/$tarball" | grep -v '/$' | cut -d / -f 2- | sort >"$work/packed"
git -C "$top" ls-tree -r --name-only HEAD | sort >"$work/committed"
cmp -s "$work/packed" "$work/committed"
verdict $? 'it has what git has' "$(diff "$work/packed" "$work/committed")"

mkdir "$work/there"
tar -C "$work/there" -xzf "$top/$tarball"
from=$work/there/dmag-$version
found=$(find "$from" \( -name '*.[oad]' -o -name '*.ko' -o -name '*.dtb' -o -name build \) -print)
found=$found$(find "$from" -type f -exec grep -l -a "^$(printf '\177')ELF" {} +)
[ -z "$found" ]
verdict $? 'no products of the build' "$found"
status 0 'the tool from the tarball' make -s -C "$from" tool
status 0 'the program' "$from/build/tool/dmag" --version
has 'the version' "^dmag $version\$"
status 0 'without git' env GIT_DIR="$work/none" make -s -C "$from" version
finish
