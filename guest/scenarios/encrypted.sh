# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A machine whose memory is encrypted, and must be decrypted for devices: linux/platform.
# Stock decrypts each buffer and encrypts it again; atomic requests live on pools that
# were made at boot.
#: memory=2G
#: devices=32 24 40
#: flavours=compare debug
#: append=cc_test swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM
#: timeout=200

test=$debug/cc_test
pairs=2000

# A flush of the TLBs interrupts the other CPU.
cross_calls()
{
	awk '$1 == "CAL:" || $1 == "TLB:" { sum += $2 + $3 } END { print sum }' /proc/interrupts
}

# delta WORD...: what a command prints, less what it printed when it was $before
delta()
{
	echo $(($("$@") - before))
}

# Stock sets memory aside at boot, three times.
pools=$(dmesg | sed -n 's/.*DMA: preallocated \([0-9]*\) KiB.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
limit_row set_aside_at_boot 0 "$pools" unit=KiB
dirty=$(cat $test/dirty)
shared=$(cat $test/shared)

# A module splits the direct map, since its code is read-only there. So the groups are
# made once more.
load 32,24,40
for dev in $devices; do
	echo "$dev" >$pci/unbind
done
check_groups "none is left" await_groups 0
splits=$(vmstat direct_map_level2_splits)
for dev in $devices; do
	echo "$dev" >$pci/bind
done
show_groups "bound"
# shellcheck disable=SC2086 # one device a word
set -- $devices
# Per-CPU caches are made after the first request, in the background.
for dev in $devices; do
	ctl "$dev" cost block 10
	check_groups "$dev: its group's memory is decrypted" [ "$(fact "$dev" attr)" = shared ]
done
sleep 1

# Steady state: pairs of 4 KiB. The command takes as many to warm up.
for context in block softirq; do
	before=$(conversions)
	calls=$(cross_calls)
	for dev in $devices; do
		ctl "$dev" cost $context $((pairs / 2))
	done
	made=$((3 * pairs))
	limit_row "conversions_$context" $((made / 512)) "$(delta conversions)" unit=conversions pairs=$made
	# The checkers of the debug kernel interrupt other CPUs as well.
	before=$calls
	[ "$flavour" = debug ] ||
		limit_row "broadcasts_$context" $((made / 128)) "$(delta cross_calls)" unit=interrupts pairs=$made
done

# Buffers of all kinds, and their data through the device.
for dev in $devices; do
	request "$dev blocking" "$dev" block coherent 64 16384
	request "$dev pages" "$dev" block pages 16 65536
	intact "$dev" "$dev" 4
	ctl "$dev" free block
	ctl "$dev" free block
done

# Four times the 128 KiB a GiB that stock would keep, once to adapt and once to judge.
burst=256
for what in first second; do
	ctl "$1" alloc irqoff coherent $burst 4096
	check_granted_well "$what burst"
	granted=$(value granted)
	intact "$what burst" "$1" 4
	ctl "$1" free block
	[ $what = second ] || sleep 5
	row "${what}_burst" $burst "$granted" 100 stock=any size=4096
done

# 64 MiB at once, which no pool holds.
ctl "$1" alloc block coherent 1 67108864
row large 1 "$(value granted)" 100 stock=any size=67108864
intact "large" "$1" 4
ctl "$1" free block

before=$dirty
[ "$dmag" = off ] || check "no page was shared with contents" [ "$(delta cat $test/dirty)" = 0 ]
before=$splits
limit_row splits 0 "$(delta vmstat direct_map_level2_splits)" unit=splits
show_groups "at the end"
check_valid
unload
check_groups "no group remains" await_groups 0
before=$shared
check_groups "no page is shared that was not before" [ "$(delta cat $test/shared)" = 0 ]
