# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The alternative of a board's engineer to groups: a CMA area of 256 MiB, in the
# lowest GiB, which every device reaches ("placed"), or where Linux puts it
# ("area"). Files and unmovable pages come and go as in scenario fragment; then a
# 30-bit device asks for what fits such an area, and for more. results.py puts
# the systems side by side, with what each keeps from the host, and how fast the
# host works before the device's buffers, during and after.
#: memory=3G
#: devices=30
#: disks=2G
#: flavours=compare
#: systems=normal off placed area
#: timeout=240
#: append=swiotlb=2048

meminfo_kib()
{
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

# Memory that no page of the host can use, and memory for pages that move.
waste()
{
	local owned

	owned=$(fact "$dev" owned)
	say "WASTE owned_kib=$((${owned:-0} * 4)) movable_kib=$(meminfo_kib CmaTotal)"
}

# host WHEN: files that the host writes and reads in a second
host()
{
	local line

	line=$(/bin/load write /fill/files 4 "$seed")
	line=${line##*pages=}
	check "$1: the host works" [ "${line:-0}" -gt 0 ]
	say "HOST when=$1 pages=$((line / 4))"
}

# ask NAME COUNT SIZE: buffers, all held at once. A CMA area aligns them to 1 MiB.
ask()
{
	ctl "$dev" alloc block coherent "$2" "$3" 2
	check "$1: in reach" [ "$(value bad_reach)" = 0 ]
	check "$1: zeroed" [ "$(value bad_zero)" = 0 ]
	say "AREA what=$1 asked=$2 got=$(value granted) p50_ns=$(value p50_ns)" \
		"p99_ns=$(value p99_ns) max_ns=$(value max_ns)"
}

give_back()
{
	ctl "$dev" free block
}

load 30
dev=$devices
await_protected "$dev"
waste
disk_on /dev/vda
fill 900
mkdir -p /fill/files /disk/files
background /bin/load write /disk/files 10 "$seed"
background /bin/load write /fill/files 10 "$seed"
press fragment 600 1000000 "$seed"
joined
tell BUDDYINFO </proc/buddyinfo

host before
ask 2048x64K 2048 65536
host during
give_back
host after
for what in 128x1M:128:1048576 1x56M:1:58720256 1x75M:1:78643200 3x75M:3:78643200 \
	8192x64K:8192:65536 6x64M:6:67108864; do
	name=${what%%:*} rest=${what#*:}
	ask "$name" "${rest%:*}" "${rest#*:}"
	give_back
done
show_groups "areas"
press unhog
unload
unfill
umount /disk
check_groups "none is left" await_groups 0
