#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Boot the guest for one scenario and judge its log.
#
#   run.sh SCENARIO [FLAVOUR [KERNEL-PARAMETER...]]
#
# What a scenario needs stands at the head of guest/scenarios/SCENARIO.sh, as
# lines "#: KEY=VALUE": memory, debug_memory, cpus, devices (bits of each),
# disks (size of each, empty at boot), flavours (all; compare: with groups and
# with stock, for scripts/compare.sh), accel, qemu (more options), timeout
# (seconds on a quiet host; three times as many pass, nine with debug, for it is
# there to end hangs, not to judge speed), kunit (1: run its suites at boot),
# append (kernel parameters), allow (a splat that it provokes).

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
scenario=$1
flavour=${2:-normal}
shift
[ $# -eq 0 ] || shift
script=$top/guest/scenarios/$scenario.sh
name=$scenario-$flavour
case " $* " in
*" dmag=off "*) name=$name-off ;;
esac
logs=${LOG_DIR:-$build/log}
log=$logs/$name.log
kernel=$build/kernel-$flavour/arch/x86/boot/bzImage

[ -f "$script" ] || {
	echo "run.sh: no scenario '$scenario'" >&2
	exit 2
}

need()
{
	found=$(sed -n "s/^#: $1=//p" "$script")
	echo "${found:-$2}"
}

memory=$(need memory 2G)
timeout=$(($(need timeout 120) * 3))
cpus=${CPUS:-$(need cpus 2)}
kunit=$(need kunit 0)
append=$(need append '')
if [ "$flavour" = debug ]; then
	memory=$(need debug_memory "$memory")
	append="$append page_poison=1 $(need debug_append '')"
	timeout=$((timeout * 3))
fi
# In QEMU 7.2 a virtual CPU may trip over code that another one patches, which is
# done at boot, mostly. So one CPU boots, and guest/init brings the others online.
# KUnit's suites run at boot and want them all.
if [ "$cpus" -gt 1 ] && [ "$kunit" = 0 ]; then
	append="$append maxcpus=1"
fi

set -- $append "$@"
devices=
for bits in $(need devices ''); do
	devices="$devices -device edu,dma_mask=$(printf '0x%x' $(((1 << bits) - 1)))"
done

mkdir -p "$logs"
# Sparse files, which live no longer than the guest.
images=
disks=
trap '[ -z "$images" ] || rm -f $images' EXIT
for size in $(need disks ''); do
	image=$logs/$name.$$.disk$(echo "$images" | wc -w)
	truncate -s "$size" "$image"
	images="$images $image"
	disks="$disks -drive file=$image,format=raw,if=none,cache=unsafe,id=${image##*.}"
	disks="$disks -device virtio-blk-pci,drive=${image##*.}"
done
flock "$build/initramfs.lock" "$top/guest/initramfs.sh" "$flavour"

# A busy host is late with the first timer interrupts, so the guest does not
# look whether they come.
# shellcheck disable=SC2046,SC2086
timeout -k 5 "$timeout" qemu-system-x86_64 -machine q35 -accel "${ACCEL:-$(need accel tcg,thread=multi)}" -cpu max \
	-m "$memory" -smp "$cpus" $devices $disks $(need qemu '') \
	-kernel "$kernel" -initrd "$build/initramfs-$flavour.cpio" \
	-append "console=ttyS0 no_timer_check panic=-1 oops=panic kunit.enable=$kunit scenario=$scenario flavour=$flavour $*" \
	-display none -nodefaults -no-reboot -monitor none -serial "file:$log" \
	>"$logs/$name.qemu" 2>&1 </dev/null || {
	status=$?
	echo "run.sh: QEMU ended with $status (124: after $timeout seconds)" >>"$log"
}

# The device itself says when it was given an address beyond its mask.
if grep -q clamping "$logs/$name.qemu"; then
	echo "BUG: edu: a device was given memory beyond its mask" >>"$log"
fi
"$top/guest/judge.sh" "$log" "$(need allow '')"
