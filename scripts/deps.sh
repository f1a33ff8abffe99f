#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Install the Debian packages that make's goals need and that are missing. The
# Makefile calls this before it reads its rules. Silent if nothing is missing.
#
#   deps.sh GOAL...	goals of make; those that need no package are ignored
#
# KERNEL_SRC=DIR: a kernel source is there already, do not install Debian's.
# On a system without dpkg the user installs what the compiler misses.

set -eu

# Every package stands at the need that it serves; a goal is a list of needs.
needs()
{
	case $1 in
	cc) echo gcc make libc6-dev binutils ;;
	tool) echo libfdt-dev device-tree-compiler ;;
	tool-tests) echo device-tree-compiler python3 mandoc perl pkg-config zsh fish acpica-tools ;;
	unit) echo libcmocka-dev perl ;;
	fuzz) echo clang libclang-rt-14-dev ;;
	foreign)
		echo qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
			gcc-powerpc-linux-gnu libc6-dev-powerpc-cross
		;;
	coverage) echo gcovr ;;
	source) [ -n "${KERNEL_SRC:-}" ] || echo linux-source-6.12 xz-utils ;;
	patch) echo patch ;;
	kernel)
		echo bc bison flex libelf-dev libssl-dev kmod cpio ccache perl-base rsync
		;;
	results) echo python3 ;;
	guest) echo qemu-system-x86 busybox-static cpio python3 ;;
	lint) echo clang-format-14 sparse cppcheck shellcheck perl python3 ;;
	dist) echo git gzip tar ;;
	deb) echo dpkg-dev debhelper lintian ;;
	fresh) echo debootstrap util-linux git ;;
	esac
}

goal()
{
	case $1 in
	bench) echo cc unit ;;
	fuzz) echo cc fuzz ;;
	coverage) echo cc unit coverage ;;
	check) echo cc unit fuzz foreign tool tool-tests ;;
	tool | tool-static | install | build/tool/*) echo cc tool ;;
	dist) echo dist ;;
	deb) echo cc tool dist deb ;;
	pack-check) echo cc tool tool-tests dist deb ;;
	build/user/*) echo cc unit ;;
	tool-check) echo cc tool tool-tests ;;
	tool-fuzz) echo cc tool tool-tests fuzz ;;
	docs/*) echo cc tool tool-tests ;;
	boards | boards-*) echo cc tool tool-tests source ;;
	patched-tree) echo patch ;;
	kernel | kernel-tree | identity) echo cc source patch kernel ;;
	run | compare | scenario | duel) echo cc source patch kernel guest ;;
	tool-guest) echo cc tool tool-tests source patch kernel guest ;;
	results) echo results ;;
	lint) echo cc source patch kernel lint ;;
	fresh | fresh-*) echo fresh ;;
	test | test-all)
		echo cc unit fuzz foreign coverage tool tool-tests source patch kernel \
			guest lint fresh
		;;
	esac
}

# One package a line, once.
wanted()
{
	for name in "$@"; do
		for need in $(goal "$name"); do
			needs "$need"
		done
	done | xargs -r -n 1 | sort -u
}

# dpkg-query fails if it does not know one of them.
installed()
{
	# shellcheck disable=SC2016,SC2086 # dpkg's variables; one package a word
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' $1 2>/dev/null |
		sed -n 's/ installed$//p' | sort -u || true
}

command -v dpkg-query >/dev/null || exit 0
packages=$(wanted "$@")
[ -n "$packages" ] || exit 0
missing=$(installed "$packages" | { cat; echo "$packages"; } | sort | uniq -u | xargs)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "deps: 'make $*' needs packages, and only root can install them:" >&2
	echo "deps:     apt-get install --no-install-recommends $missing" >&2
	exit 1
fi

echo "deps: installing $missing" >&2
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends"
# The package lists may be absent or old: then a package is unknown, or gone.
# shellcheck disable=SC2086 # a command with arguments, one package a word
if ! said=$($install $missing 2>&1 </dev/null); then
	echo "deps: refreshing the package lists, since apt-get said:" >&2
	echo "$said" | grep '^E:' | head -n 3 >&2
	$as_root apt-get update -qq >&2
	if ! said=$($install $missing 2>&1 </dev/null); then
		echo "$said" | tail -n 20 >&2
		echo "deps: apt-get could not install $missing" >&2
		exit 1
	fi
fi
