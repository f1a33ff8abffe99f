#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# With CONFIG_DMAG=n a patched kernel must be the unpatched one (invariant I9).
#
#   identity.sh
#   identity.sh --self-test	also show that a difference would be found
#
# The clean and the patched tree are configured alike, without dmag, and these
# objects are built in both: each C file that the series touches and, since it
# touches headers too, all other objects of the same directories and some large
# users of those headers. The same compiler with the same options sees the same
# relative paths, so that the objects must agree in the contents of every
# section, in every relocation, and in every symbol.
#
# One thing may differ. An inserted #include moves the lines below it, and the
# table of WARN and BUG sites (__bug_table) has their line numbers: 12 bytes a
# site, {code offset, file name offset, u16 line, u16 flags}. Bytes 8 and 9 of
# each are left out of the comparison. So are the line and the
# serial number within the names of local symbols. Nothing else is.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
jobs=${JOBS:-$(nproc)}
# The paths in __FILE__ must agree: -fmacro-prefix-map removes the name of the tree
# from absolute paths only, so ccache may not make them relative.
export CCACHE_BASEDIR=
out=$build/identity
cc="${CC:-ccache gcc}"

# Large users of the headers that the series touches.
also="mm/page_alloc.o mm/vmscan.o mm/cma.o drivers/pci/pci-driver.o"

# No configuration of x86 has these.
elsewhere="kernel/dma/coherent.c"

touched_sources()
{
	sed -n 's,^+++ b/\([^[:space:]]*\.c\)$,\1,p' "$top"/linux/patches/v6.12/*.patch |
		grep -vxF "$elsewhere" | sort -u
}

# configure TREE OUT
configure()
{
	mkdir -p "$2"
	{
		grep -v '^CONFIG_\(DMAG\|X86_TEST\)' "$top/guest/config/base.config"
		printf 'CONFIG_%s=y\n' DEBUG_BUGVERBOSE X86_MCE MEMORY_FAILURE
		# Objects of another version of this script may be built otherwise.
		echo "# $(sha256sum <"$top/scripts/identity.sh")"
	} >"$2.fragment"
	if ! cmp -s "$2.fragment" "$2/fragment"; then
		rm -rf "$2"
		mkdir -p "$2"
		make -s -C "$1" O="$2" KCONFIG_ALLCONFIG="$2.fragment" allnoconfig >"$2/log" 2>&1 || {
			cat "$2/log" >&2
			exit 1
		}
		mv "$2.fragment" "$2/fragment"
	fi
	if grep -q '^CONFIG_DMAG=y' "$2/.config"; then
		echo "identity: dmag is on in $2" >&2
		exit 1
	fi
}

# build TREE OUT OBJECTS...
build()
{
	tree=$1 into=$2
	shift 2
	export KBUILD_BUILD_TIMESTAMP='2000-01-01' KBUILD_BUILD_USER=dmag KBUILD_BUILD_HOST=guest
	make -C "$tree" O="$into" CC="$cc" -j"$jobs" "$@" >"$into/log" 2>&1 || {
		grep -E -A5 'error|Error' "$into/log" | head -n 30 >&2
		exit 1
	}
}

bug_table_without_lines()
{
	rm -f "$1.bugs"
	objcopy -O binary --set-section-flags __bug_table=alloc --only-section=__bug_table "$1" "$1.bugs"
	[ ! -e "$1.bugs" ] || od -An -v -tx1 -w12 "$1.bugs" | awk '{ $9 = $10 = "--"; print }'
	rm -f "$1.bugs"
}

# Names of local symbols that are made from a line or a running number.
without_serials()
{
	sed -E 's/(__initcall__kmod_.*__)[0-9]+_[0-9]+_/\1N_N_/; s/(__UNIQUE_ID_\w*[^0-9])[0-9]+$/\1N/; s/([A-Za-z_])\.[0-9]+\b/\1.N/g'
}

# Everything about an object except where in the file things lie.
fingerprint()
{
	objdump -h -w "$1" | awk '$1 ~ /^[0-9]+$/ && $2 != ".comment" { print $2, $3 }'
	objdump -s "$1" | awk '
		/^Contents of section/ { skip = $4 == "__bug_table:" || $4 == ".comment:" }
		/^Contents of section/ || (!skip && /^ /)'
	bug_table_without_lines "$1"
	objdump -r "$1" | sed 1,3d | without_serials
	objdump -t "$1" | sed 1,3d | grep -v '\*ABS\*' | without_serials
}

# same OBJECT OBJECT
same()
{
	fingerprint "$1" >"$1.print"
	fingerprint "$2" >"$2.print"
	cmp -s "$1.print" "$2.print"
}

objects_of()
{
	for source in $(touched_sources); do
		echo "${source%.c}.o"
		dir=$(dirname "$source")
		# What the configuration builds there, found from the clean build.
		(cd "$out/clean" && ls "$dir"/*.o 2>/dev/null) | grep -v 'built-in'
	done | sort -u
	echo "$also" | xargs -n1
}

# variant OUT OBJECT EDIT: the patched tree's object from an edited source.
# Built by the very command that built the real one.
variant()
{
	dir=$build/identity/variant
	source=$build/linux/${2%.o}.c
	rm -rf "$dir"
	mkdir -p "$dir"
	sed "$3" "$source" >"$dir/$(basename "$source")"
	command=$(sed -n 's/^savedcmd_[^ ]* := //p' "$1/$(dirname "$2")/.$(basename "$2").cmd" |
		sed "s,-c -o $2 $source,-iquote $(dirname "$source") -fmacro-prefix-map=$dir/=$(dirname "$2")/ -c -o $dir/variant.o $dir/$(basename "$source"),; s,-Wp\,-MMD\,[^ ]*,-Wp\,-MMD\,$dir/variant.d,; s, $2\$, $dir/variant.o,")
	(cd "$1" && eval "$command") >"$dir/log" 2>&1 || {
		head -n 20 "$dir/log"
		exit 1
	}
}

expect()
{
	verdict=$1 what=$2 object=$3
	variant "$out/patched" "$object" "$4"
	if same "$out/clean/$object" "$out/variant/variant.o"; then got=same; else got=different; fi
	if [ "$got" = "$verdict" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "identity: $what is $got, should be $verdict"
	fi
}

self_test()
{
	expect same "the source as it is" kernel/dma/mapping.o ''
	expect same "seven more lines" kernel/dma/mapping.o '1i \\n\n\n\n\n\n\n'
	expect different "one more load" kernel/dma/mapping.o \
		's,^int dma_set_coherent_mask.*,&\n#define dma_supported(d\, m) (READ_ONCE((d)->dma_mask)\, (dma_supported)(d\, m)),'
	expect different "another constant" kernel/dma/mapping.o 's/ENOMEM/EBUSY/'
	expect different "one more WARN" kernel/dma/mapping.o 's,WARN_ON(irqs_disabled()),(&\, WARN_ON(in_nmi())),'
	expect different "a string" drivers/base/dd.o 's/-EPROBE_DEFER, "Device not ready/-EPROBE_DEFER, "Device not yet ready/'
}

if ! [ -f "$top/linux/patches/v6.12/series" ]; then
	echo "identity: there is no series"
	echo "0 passed, 1 failed"
	exit 1
fi

clean=$("$top/scripts/kernel.sh" source)
"$top/scripts/kernel.sh" tree
exec 9>"$build/identity.lock"
flock 9

configure "$clean" "$out/clean"
configure "$build/linux" "$out/patched"
dirs=$(touched_sources | xargs -n1 dirname | sort -u | sed 's,$,/,')
for side in "$clean:clean" "$build/linux:patched"; do
	# shellcheck disable=SC2046,SC2086 # lists of objects
	build "${side%:*}" "$out/${side#*:}" $(touched_sources | sed 's,\.c$,.o,') $dirs $also
done

passed=0 failed=0
for object in $(objects_of | sort -u); do
	if same "$out/clean/$object" "$out/patched/$object"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "identity: $object differs:"
		diff "$out/clean/$object.print" "$out/patched/$object.print" | head -n 12
	fi
done
[ "${1:-}" != --self-test ] || self_test
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
