# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Hours of a board's life in seconds: files come and go in shared memory and in
# the page cache, while a kernel module allocates and frees unmovable pages of
# mixed sizes. The device was bound before, as on a board, but asks only now:
# for the large buffers of public reports, in [0, 1 GiB).
#: memory=3G
#: devices=30
#: disks=4G
#: flavours=compare debug
#: timeout=240
#: append=swiotlb=2048

# large NAME REPORT COUNT SIZE STOCK: all of it held at once
large()
{
	local ns got

	ctl "$dev" alloc block coherent "$3" "$4" 2
	check_granted_well "$1"
	got=$(value granted) ns=$(value ns)
	intact "$1" "$dev" "$3"
	ctl "$dev" free block
	row "$1" "$3" "$got" 100 stock="$5" size="$4" ns="$ns" "$2"
}

load 30
dev=$devices
await_protected "$dev"
fragment 600

large 4M report=13 1 4194304 any
large 16M report=12 1 16777216 fails
# A climb has a second or two, in which the debug kernel does not move as much.
if [ "$flavour" != debug ]; then
	large 56M "" 1 58720256 fails
	large 75M report=6 1 78643200 fails
	large 2x128M report=8 2 134217728 fails
fi
show_groups "after"
unload
unfragment
check_groups "none is left" await_groups 0
