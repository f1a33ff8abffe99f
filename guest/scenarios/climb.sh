# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A device that reaches all memory, on a machine as fragment.sh leaves it: it has
# no reserve, and nothing is set aside for it.
#: memory=3G
#: devices=40
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

# large NAME CONTEXT COUNT SIZE STOCK [KEY=VALUE...]: all of it held at once
large()
{
	local name="$1" context="$2" count="$3" size="$4" stock="$5" got ns

	shift 5
	ctl "$dev" alloc "$context" coherent "$count" "$size" 2
	check_granted_well "$name"
	got=$(value granted) ns=$(value ns)
	intact "$name" "$dev" "$count"
	ctl "$dev" free block
	row "$name" "$count" "$got" 100 stock="$stock" size="$size" ns="$ns" "$@"
}

load 40
dev=$devices
disk_on /dev/vda
fill $shared_mib
mkdir -p /fill/files /disk/files
# Holes, read: page cache without waiting for the disk.
truncate -s 2G /disk/big

background /bin/load write /disk/files "$seconds" "$seed"
background /bin/load write /fill/files "$seconds" "$seed"
background dd if=/disk/big of=/dev/null bs=1M 2>/dev/null
press fragment 1000 "$turns" "$seed"
joined
grep -E '^(MemFree|Cached|CmaFree)' /proc/meminfo | tell MEMINFO
say "FRAGMENTED at $(uptime_s) s"
tell BUDDYINFO </proc/buddyinfo
show_groups "fragmented"

large 4M block 1 4194304 any report=13
large 512K quick 8 524288 any
large 24M block 1 25165824 fails
large 75M block 1 78643200 fails report=6
show_groups "after"
press unhog
unload
unfill
umount /disk
check_groups "none is left" await_groups 0
