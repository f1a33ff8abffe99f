#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Build the guest's kernel, incrementally.
#
#   kernel.sh source		print the clean tree (unpacks Debian's if needed)
#   kernel.sh tree		bring the patched copy up to date
#   kernel.sh build FLAVOUR	the kernel in build/kernel-FLAVOUR (normal, debug,
#			without: as normal, less groups; blocks: as normal, with
#			larger pageblocks; kcsan, rt)
#
# KERNEL_SRC=DIR takes a clean tree of the same series instead of Debian's.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
tree=$build/linux
jobs=${JOBS:-$(nproc)}
# Paths in commands are relative to this, so that ccache finds what another clone built.
export CCACHE_BASEDIR="$top"

die()
{
	echo "kernel: $*" >&2
	exit 1
}

clean_tree()
{
	if [ -n "${KERNEL_SRC:-}" ]; then
		[ -f "$KERNEL_SRC/Kbuild" ] || die "KERNEL_SRC=$KERNEL_SRC is not a Linux source tree"
		(cd "$KERNEL_SRC" && pwd)
		return
	fi
	if [ ! -f "$build/linux-source-6.12/Kbuild" ]; then
		echo "kernel: unpacking linux-source-6.12" >&2
		mkdir -p "$build/unpack"
		tar -C "$build/unpack" -xf /usr/src/linux-source-6.12.tar.xz
		rm -rf "$build/linux-source-6.12"
		mv "$build/unpack/linux-source-6.12" "$build/"
		rmdir "$build/unpack"
	fi
	echo "$build/linux-source-6.12"
}

sync_tree()
{
	clean=$(clean_tree)
	if [ "$(cat "$tree/.dmag-clean" 2>/dev/null)" != "$clean" ]; then
		echo "kernel: copying $clean" >&2
		rm -rf "$tree" "$tree.new"
		mkdir -p "$build"
		cp -a --reflink=auto "$clean/." "$tree.new"
		echo "$clean" >"$tree.new/.dmag-clean"
		mv "$tree.new" "$tree"
	fi
	"$top/linux/patched-tree.sh" sync-platforms "$clean" "$tree"
}

fragments()
{
	cat "$top/guest/config/base.config"
	[ "$1" = normal ] || cat "$top/guest/config/$1.config"
}

# What the fragments ask for: of a symbol that several name, the last word; of one
# that is off, nothing that has its name and more.
wanted()
{
	fragments "$1" | awk '
		/^CONFIG_/ { symbol = $0; sub(/=.*/, "", symbol) }
		/^# CONFIG_.* is not set$/ { symbol = $2 }
		!/^(CONFIG_|# CONFIG_.* is not set$)/ { next }
		{ if (!(symbol in line)) order[++n] = symbol; line[symbol] = $0 }
		END {
			for (i = 1; i <= n; i++) {
				parent = order[i]
				while (sub(/_[^_]*$/, "", parent) && line[parent] !~ /^#/)
					;
				if (line[parent] !~ /^#/)
					print line[order[i]]
			}
		}'
}

# A symbol of the fragments that did not make it is an error, for a guest that
# silently lacks a checker proves nothing. Only dmag's own may be missing, and
# only from a tree that does not have dmag. One that cannot be on is off.
check_config()
{
	wanted "$1" | while IFS= read -r line; do
		symbol=${line%%=*}
		grep -qxF "$line" "$2/.config" && continue
		case $line in
		"# "*)
			symbol=${line#\# }
			grep -q "^${symbol%% *}=" "$2/.config" || continue
			;;
		esac
		# A later fragment may choose another preemption model.
		[ "$line" = CONFIG_PREEMPT_VOLUNTARY=y ] && [ "$1" = debug ] && continue
		case $symbol in
		CONFIG_DMAG*)
			grep -q dmag/Kconfig "$tree/mm/Kconfig" || {
				echo "kernel: warning: $symbol is not in this tree yet" >&2
				continue
			}
			;;
		esac
		echo "kernel: $line asked for, not in $2/.config" >&2
		exit 1
	done
}

configure()
{
	flavour=$1 out=$2
	stamp=$({ fragments "$flavour"; cat "$tree"/.dmag-files
		xargs -a "$tree/.dmag-files" -I{} sh -c 'case {} in *Kconfig*) cat {};; esac'; } |
		(cd "$tree" && sha256sum))
	[ "$stamp" != "$(cat "$out/.dmag-config" 2>/dev/null)" ] || return 0
	fragments "$flavour" >"$out/fragment"
	make -s -C "$tree" O="$out" KCONFIG_ALLCONFIG="$out/fragment" allnoconfig 2>&1 |
		grep -v 'override: reassigning' >&2 || true
	check_config "$flavour" "$out"
	echo "$stamp" >"$out/.dmag-config"
}

do_build()
{
	flavour=$1 out=$build/kernel-$1
	[ -f "$top/guest/config/$flavour.config" ] || [ "$flavour" = normal ] ||
		die "unknown flavour '$flavour'"
	mkdir -p "$out" "$build/log"
	cd "$tree"
	# No boot shall judge what was built before.
	trap 'rm -f "$out/arch/x86/boot/bzImage"' EXIT
	configure "$flavour" "$out"
	log=$build/log/kernel-$flavour.build
	echo "kernel: building $flavour (progress in ${log#"$top"/})" >&2
	# Fixed, so that ccache can answer whichever commit is built.
	export KBUILD_BUILD_TIMESTAMP='2000-01-01' KBUILD_BUILD_USER=dmag KBUILD_BUILD_HOST=guest
	if ! make -C "$tree" O="$out" CC="${CC:-ccache gcc}" -j"$jobs" bzImage modules >"$log" 2>&1; then
		grep -E -A8 'error|warning|Error|undefined reference' "$log" | tail -60 >&2
		die "the $flavour kernel does not build, see $log"
	fi
	trap - EXIT
	# Warnings in our own files are wanted on the screen.
	grep -E -A3 '(dmag|edu).*(warning|error):' "$log" >&2 || true
}

# with_lock NAME COMMAND...
with_lock()
{
	mkdir -p "$build"
	exec 9>"$build/$1.lock"
	flock 9
	shift
	"$@"
}

# A tree that changes under a build is like a source edited meanwhile: the next
# build sees it. Only two syncs, or two builds of one flavour, are kept apart.
flavour=${2:-normal}
case ${1:-} in
source) with_lock tree clean_tree ;;
tree) with_lock tree sync_tree ;;
build) with_lock "kernel-$flavour" do_build "$flavour" ;;
*) die "usage: kernel.sh source | tree | build FLAVOUR" ;;
esac
