#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Install the Debian packages that a part of the build needs, and only those
# that are missing. Silent when there is nothing to do.
#
#   deps.sh GROUP...	groups: user kernel guest lint
#
# Anywhere but on a Debian-like system the user installs them; then only the
# commands are checked, not the packages.

set -eu

packages()
{
	case $1 in
	user)
		echo gcc make libc6-dev libcmocka-dev binutils clang libclang-rt-14-dev \
			lcov gcovr qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
			gcc-powerpc-linux-gnu libc6-dev-powerpc-cross \
			libfdt-dev device-tree-compiler python3 mandoc pkg-config
		;;
	kernel)
		echo gcc make libc6-dev binutils bc bison flex libelf-dev libssl-dev \
			kmod cpio xz-utils ccache patch perl-base rsync "$kernel_source"
		;;
	guest)
		echo qemu-system-x86 busybox-static cpio python3
		;;
	lint)
		echo clang-format-14 sparse cppcheck shellcheck perl python3 "$kernel_source"
		;;
	*)
		echo "deps.sh: unknown group '$1' (user kernel guest lint)" >&2
		exit 2
		;;
	esac
}

kernel_source=linux-source-6.12
# Whoever brings a tree does not need Debian's.
[ -z "${KERNEL_SRC:-}" ] || kernel_source=

for group in "$@"; do
	packages "$group" >/dev/null
done
command -v dpkg-query >/dev/null || exit 0

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for group in "$@"; do
	for pkg in $(packages "$group"); do
		installed "$pkg" || case " $missing " in
		*" $pkg "*) ;;
		*) missing="$missing $pkg" ;;
		esac
	done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "deps.sh: these packages are missing and installing them needs root:$missing" >&2
	exit 1
fi

echo "deps: installing$missing" >&2
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
# shellcheck disable=SC2086
if ! $install $missing >/dev/null 2>&1; then
	echo "deps: refreshing the package lists" >&2
	$as_root apt-get update -qq >&2
	if ! $install $missing >&2; then
		echo "deps.sh: apt-get could not install:$missing" >&2
		exit 1
	fi
fi
