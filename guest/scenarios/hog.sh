# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A process locks and pins all the memory that it can get, for good, and a kernel
# module takes unmovable pages until it is refused. Each group must still
# deliver its capacity goal. Stock is asked for the same amounts.
#: memory=3G
#: devices=24 28 30
#: flavours=compare debug
#: timeout=200
#: append=swiotlb=2048

# 64 KiB buffers: a quarter of each reach in whole blocks, 256 MiB at most.
buffers_24=64 buffers_28=1024 buffers_30=4096

# The reserve's last frames are for those who may not sleep.
deliver()
{
	local dev="$1" bits="$2" asked="$3" got ns

	ctl "$dev" alloc block coherent "$asked" 65536
	check_granted_well "$bits bits"
	got=$(value granted) ns=$(value ns)
	if [ "$got" -lt "$asked" ]; then
		ctl "$dev" alloc irqoff coherent $((asked - got)) 65536 1
		check_granted_well "$bits bits, atomic"
		got=$((got + $(value granted)))
	fi
	row "goal_$bits" "$asked" "$got" 100 size=64K ns="$ns" "$4"
}

load 24,28,30
# shellcheck disable=SC2086 # one device a word
set -- $devices
if [ "$dmag" = on ]; then
	for dev in $devices; do
		await_protected "$dev"
	done
	check "the goals are those that stock is asked for" \
		[ "$(fact "$1" goal) $(fact "$2" goal) $(fact "$3" goal)" = \
		"$((buffers_24 * 16)) $((buffers_28 * 16)) $((buffers_30 * 16))" ]
fi
show_groups "before the hogs"

press unpin
background /bin/load pin 4096 16 64 >/tmp/pinned
until [ -s /tmp/pinned ] || [ -e /tmp/failed ]; do usleep 200000; done
tell PINNED </tmp/pinned
say "PINNED $(vmstat nr_foll_pin_acquired), $(mem_free_kib) KiB free"
press hog 24
grep -E 'MemFree|CmaFree|MemAvail|Mlocked' /proc/meminfo | tell MEMINFO
show_groups "under the hogs"

deliver "$1" 24 $buffers_24 stock=any
deliver "$2" 28 $buffers_28 stock=fails
deliver "$3" 30 $buffers_30 stock=fails
show_groups "delivered"
for dev in $devices; do
	intact "$dev" "$dev" 2
	ctl "$dev" free block
done
press unhog
killall -TERM load
joined
press unpin
unload
check_groups "none is left" await_groups 0
