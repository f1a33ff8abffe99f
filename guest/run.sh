#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Boot the guest for one scenario and judge its log.
#
#   run.sh SCENARIO [FLAVOUR [KERNEL-PARAMETER...]]
#   run.sh PATH.sh ...	the same, of a scenario that duel.py has drawn
#   run.sh --list FLAVOUR|compare	the scenarios that boot there
#   run.sh --need SCENARIO KEY DEFAULT	what the scenario says of KEY
#
# FLAVOUR is that of the kernel, or one of those without groups, for which the normal
# kernel boots with dmag=off: "off"; "area", with a CMA area of 256 MiB where Linux puts
# it; "placed", with one in the lowest GiB, where every device of the scenarios reaches it.
# "rt-off" is the real-time kernel with dmag=off.
#
# A scenario says what it needs at the head of guest/scenarios/SCENARIO.sh, in
# lines "#: KEY=VALUE": memory, debug_memory, cpus, devices (bits of each),
# disks (size of each, empty at boot), flavours (normal and debug, kcsan, rt; compare:
# one of those that make compare boots), systems (flavours that scripts/compare.sh boots),
# qemu (more options), timeout (seconds on a quiet host; three times as
# many pass, nine with checkers, for it is there to end hangs, not to judge speed),
# kunit (1: run its suites at boot), append (kernel parameters), programs (made
# by make, put into the guest's /bin), allow (a splat that it provokes), stock_allow (one
# that stock answers it with).

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build

# The file of a scenario.
script()
{
	case $1 in
	*/*) echo "$1" ;;
	*) echo "$top/guest/scenarios/$1.sh" ;;
	esac
}

# need SCENARIO KEY DEFAULT
need()
{
	found=$(sed -n "s/^#: $2=//p" "$(script "$1")")
	echo "${found:-$3}"
}

list()
{
	for script in "$top"/guest/scenarios/*.sh; do
		name=$(basename "$script" .sh)
		case " $(need "$name" flavours "normal debug") " in
		*" $1 "*) echo "$name" ;;
		esac
	done
}

case $1 in
--list)
	list "$2"
	exit
	;;
--need)
	need "$2" "$3" "$4"
	exit
	;;
esac

scenario=$1
flavour=${2:-normal}
shift
[ $# -eq 0 ] || shift
base=$(basename "$scenario" .sh)
name=$base-$flavour
case $flavour in
off | rt-off) set -- dmag=off "$@" ;;
area) set -- dmag=off cma=256M "$@" ;;
placed) set -- dmag=off cma=256M@0-1G "$@" ;;
esac
case $flavour in
off | area | placed) name=$base-normal-$flavour flavour=normal ;;
rt-off) flavour=rt ;;
esac
logs=${LOG_DIR:-$build/log}
log=$logs/$name.log
kernel=$build/kernel-$flavour/arch/x86/boot/bzImage
[ -f "$(script "$scenario")" ] || {
	echo "run.sh: no scenario '$scenario'" >&2
	exit 2
}
# A boot that cannot start must not leave the result of an earlier one.
rm -f "$log" "$logs/$name.judge"
[ -f "$kernel" ] || {
	echo "run.sh: there is no $flavour kernel (make kernel FLAVOUR=$flavour)" >&2
	exit 2
}

memory=$(need "$scenario" memory 2G)
timeout=$((${TIMEOUT:-$(need "$scenario" timeout 120)} * 3))
cpus=$(need "$scenario" cpus 2)
kunit=$(need "$scenario" kunit 0)
programs=$(need "$scenario" programs '')
append=$(need "$scenario" append '')
qemu=$(need "$scenario" qemu '')
# In QEMU 7.2 a virtual CPU may trip over code that another one patches, which a
# static key does. So the CPUs take turns, but for kernels without jump labels, unless
# instructions are counted.
thread=single
case $flavour in
debug | kcsan | rt)
	memory=$(need "$scenario" debug_memory "$memory")
	timeout=$((timeout * 3))
	thread=multi
	;;
esac
case $qemu in
*-icount*) thread=single ;;
esac
[ "$flavour" != debug ] || append="$append page_poison=1"

devices=
for bits in $(need "$scenario" devices ''); do
	devices="$devices -device edu,dma_mask=$(printf '0x%x' $(((1 << bits) - 1)))"
done

# Disks are sparse files in a directory that lives no longer than the guest. Requests
# lie in the ring itself: a table for each would be an atomic allocation, which fails,
# and complains, while the machine swaps.
mkdir -p "$logs"
scratch=$(mktemp -d "$logs/$name.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
nr=0 disks=''
for size in $(need "$scenario" disks ''); do
	nr=$((nr + 1))
	truncate -s "$size" "$scratch/disk$nr"
	disks="$disks -drive file=$scratch/disk$nr,format=raw,if=none,cache=unsafe,id=disk$nr"
	disks="$disks -device virtio-blk-pci,drive=disk$nr,indirect_desc=off"
done
# shellcheck disable=SC2086 # a list of programs
[ -z "$programs" ] || make -s -C "$top" $programs >&2
# shellcheck disable=SC2086 # the same list
flock "$build/initramfs.lock" "$top/guest/initramfs.sh" "$flavour" $programs
initrd=$build/initramfs-$flavour.cpio
if [ "$scenario" != "$base" ]; then
	# The kernel unpacks two archives one after the other.
	mkdir "$scratch/scenarios"
	cp "$scenario" "$scratch/scenarios/"
	(cd "$scratch" && find scenarios -type f | cpio -o -H newc --quiet -R 0:0) |
		cat "$initrd" - >"$scratch/initrd"
	initrd=$scratch/initrd
fi

# A busy host is late with the first timer interrupts, so the guest does not
# look whether they come. Scenarios report by way of /dev/kmsg, without a limit.
# shellcheck disable=SC2086 # lists of options
timeout -k 5 "$timeout" qemu-system-x86_64 -machine q35 \
	-accel tcg,thread=$thread -cpu max \
	-m "$memory" -smp "$cpus" $devices $disks $qemu \
	-kernel "$kernel" -initrd "$initrd" \
	-append "console=ttyS0 no_timer_check panic=-1 oops=panic printk.devkmsg=on kunit.enable=$kunit scenario=$base flavour=$flavour $append $*" \
	-display none -nodefaults -no-reboot -monitor none -serial "file:$log" \
	>"$logs/$name.qemu" 2>&1 </dev/null || {
	status=$?
	echo "run.sh: QEMU ended with $status (124: after $timeout seconds)" >>"$log"
}

# The device itself says when it was given an address beyond its mask.
if grep -q clamping "$logs/$name.qemu"; then
	echo "BUG: edu: a device was given memory beyond its mask" >>"$log"
fi
echo "run.sh: commit $(git -C "$top" describe --always --dirty --exclude='*' 2>/dev/null || echo unknown)" >>"$log"
# A report of a data race is dmag's if it is in one of these functions.
ours=
if [ "$flavour" = kcsan ]; then
	ours=$logs/kcsan.functions
	nm "$build/kernel-kcsan/mm/dmag/built-in.a" | awk '$2 ~ /^[tT]$/ { print $3 }' >"$ours"
fi
allow=$(need "$scenario" allow '')
# Stock may fail its own requests under these loads, for which it is there.
case " $* " in
*" dmag=off "*)
	stock=$(need "$scenario" stock_allow '')
	allow="${allow:+$allow|}${stock:+$stock|}page allocation failure|Call Trace:"
	;;
esac
status=0
# shellcheck disable=SC2086 # none or one
"$top/guest/judge.py" "$log" "$allow" $ours >"$logs/$name.judge" || status=1
cat "$logs/$name.judge"
exit $status
