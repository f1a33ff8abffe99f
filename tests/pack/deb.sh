#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# make deb: the packages hold what make install installs, and it works.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/../tool/lib.sh"
top=$(cd "$here/../.." && pwd)
version=$(make -s -C "$top" version)
arch=$(dpkg --print-architecture)
lib=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)

for package in dmag libdmag-core-dev; do
	deb=$top/build/pack/${package}_${version}_$arch.deb
	[ "$(dpkg-deb -f "$deb" Version)" = "$version" ]
	verdict $? "$package: the version of the project"
	dpkg-deb -x "$deb" "$work/$package"
	(cd "$work/$package" && find . -type f) | grep -v /usr/share/doc/ | sed 's/\.gz$//' >>"$work/packed"
done
make -s -C "$top" install DESTDIR="$work/installed" PREFIX=/usr LIBDIR="$lib" >/dev/null
(cd "$work/installed" && find . -type f) | sort >"$work/wanted"
sort -o "$work/packed" "$work/packed"
cmp -s "$work/packed" "$work/wanted"
verdict $? 'what install installs' "$(diff "$work/wanted" "$work/packed")"
cp "$work/packed" "$work/out"
for file in bin/dmag share/man/man1/dmag.1 share/bash-completion/completions/dmag \
	share/zsh/site-functions/_dmag share/fish/vendor_completions.d/dmag.fish \
	include/dmag/dmag.h 'lib/.*/libdmag-core.a' 'lib/.*/pkgconfig/dmag-core.pc'; do
	has "$file" "^./usr/$file\$"
done
dpkg-deb -f "$top/build/pack/dmag_${version}_$arch.deb" Depends >"$work/out"
has 'libraries' 'libfdt1.*libc6|libc6.*libfdt1'
status 0 'the program' "$work/dmag/usr/bin/dmag" --version
has 'the program' "^dmag $version\$"
echo '#include <dmag.h>
int main(void) { struct dmag_reach none = { 0 }; return dmag_reach_frames(&none) != 0; }' >"$work/program.c"
export PKG_CONFIG_LIBDIR="$work/libdmag-core-dev$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/libdmag-core-dev"
# shellcheck disable=SC2046 # these are options
status 0 'a program with the library' cc -Wall -Werror -o "$work/program" "$work/program.c" \
	$(pkg-config --cflags --libs dmag-core)
status 0 'that program' "$work/program"
finish
