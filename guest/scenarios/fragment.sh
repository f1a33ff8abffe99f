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

# How long, unless the kernel's command line says.
if [ "$flavour" = debug ]; then
	: "${seconds:=8}" "${turns:=100000}"
	shared_mib=500
else
	: "${seconds:=15}" "${turns:=3000000}"
	shared_mib=900
fi

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
disk_on /dev/vda
fill $shared_mib
mkdir -p /fill/files /disk/files
# Holes, read: page cache without waiting for the disk.
truncate -s 2G /disk/big

background /bin/load write /disk/files "$seconds" "$seed"
background /bin/load write /fill/files "$seconds" "$seed"
background dd if=/disk/big of=/dev/null bs=1M 2>/dev/null
press fragment 600 "$turns" "$seed"
joined
grep -E '^(MemFree|Cached|CmaFree)' /proc/meminfo | tell MEMINFO
say "FRAGMENTED at $(uptime_s) s"
tell BUDDYINFO </proc/buddyinfo
show_groups "fragmented"

large 4M report=13 1 4194304 any
large 16M report=12 1 16777216 fails
large 56M "" 1 58720256 fails
large 75M report=6 1 78643200 fails
large 2x128M report=8 2 134217728 fails
show_groups "after"
press unhog
unload
unfill
umount /disk
check_groups "none is left" await_groups 0
