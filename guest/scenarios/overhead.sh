# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# What groups cost a machine that has no restricted device: the instructions of
# a fixed load of processes, files and reclaim. QEMU counts: the time stamp
# counter advances by one an instruction. With one CPU, a fixed clock, a fixed
# seed and a disk that answers at once, two boots of one kernel count much the same.
# results.py compares with a kernel without groups.
#
# String instructions are counted once for each turn, and copying is the same
# in both kernels: with bytes it would hide the rest, so erms is off.
#: flavours=none
#: systems=without normal off
#: memory=512M
#: cpus=1
#: qemu=-cpu max,-erms -icount shift=0,sleep=off -seed 1 -rtc base=2000-01-01,clock=vm
#: append=tsc=reliable norandmaps brd.rd_size=16777216
#: timeout=300

no_groups()
{
	[ ! -e $debug/dmag ] || groups_are 0
}

mkdir -p /tmp/files
# What runs now and then does so by chance.
echo 0 >/proc/sys/vm/watermark_boost_factor
echo 0 >/proc/sys/vm/compaction_proactiveness
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
echo 90 >/proc/sys/vm/dirty_ratio
echo 80 >/proc/sys/vm/dirty_background_ratio
# What is reclaimed lies in one zone.
echo 1 1 1 1 >/proc/sys/vm/lowmem_reserve_ratio
# Boot has work left for later; it costs nothing to wait.
sleep 5
set -- "$(vmstat pgsteal_kswapd)" "$(vmstat pgsteal_direct)"
check "the load ends" work /dev/ram0 /tmp/files "$(pidof kswapd0)" 7 >/tmp/work
tell WORK </tmp/work
for name in pgsteal_kswapd pgsteal_direct; do
	say "VMSTAT $name=$(($(vmstat $name) - $1))"
	check "$name: it was exercised" [ "$(vmstat $name)" -gt "$1" ]
	shift
done
check "no device was restricted" no_groups
