# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A device that reaches all memory, which is as fragmented as in scenario fragment.
# Nothing is set aside for such a device. Of the reports: a router has no 4 MiB after 39
# days; rings of 512 KiB, for which a driver does not insist; buffers beyond the largest
# order of the page allocator.
#: memory=3G
#: devices=40
#: disks=4G
#: flavours=compare debug
#: timeout=240
#: append=swiotlb=2048

# large NAME CONTEXT COUNT SIZE PERCENT STOCK [KEY=VALUE...]: all of it held at once
large()
{
	local name="$1" context="$2" count="$3" size="$4" percent="$5" stock="$6" got ns

	shift 6
	ctl "$dev" alloc "$context" coherent "$count" "$size" 2
	check_granted_well "$name"
	got=$(value granted) ns=$(value ns)
	intact "$name" "$dev" 8
	ctl "$dev" free block
	check_groups "$name: the group keeps nothing" [ "$(fact "$dev" owned)" = 0 ]
	row "$name" "$count" "$got" "$percent" stock="$stock" size="$size" ns="$ns" "$@"
}

load 40
dev=$devices
fragment 1000
# As much as is free, since such a request does not reclaim.
large 16x512K quick 16 524288 50 any
large 8x4M block 8 4194304 100 fails report=13
large 24M block 1 25165824 100 fails
# With checkers, reclaim for more takes longer than a climb may.
if [ "$flavour" != debug ]; then
	large 75M block 1 78643200 100 fails report=6
	large 128M block 1 134217728 100 fails report=8
fi
show_groups "after"
unload
unfragment
check_groups "none is left" await_groups 0
