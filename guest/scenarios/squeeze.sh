# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A reserve that a storm has raised, on a machine that swaps. The host takes the frames
# above low, and a device asks for a page now and then. The reserve must not take a block
# from the host for each page, since the host would take it back at once.
#: memory=1G
#: devices=28
#: disks=4G 1G
#: flavours=normal
#: timeout=200
#: append=swiotlb=2048

# pairs COUNT: so many pages that are taken and given back, five a second
pairs()
{
	local nr=0

	while [ $nr -lt "$1" ]; do
		echo "alloc block coherent 1 4096" >"$edu/$dev/ctl"
		echo "free block" >"$edu/$dev/ctl"
		usleep 200000
		nr=$((nr + 1))
	done
}

load 28
dev=$devices
await_protected "$dev"
disk_on /dev/vda
swap_on /dev/vdb
truncate -s 1G /disk/big
# More than there is.
anon_mib=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) + 50 }' /proc/meminfo)
background /bin/load anon "$anon_mib" 3600 "$seed"
background /bin/load write /disk 3600 "$seed"
stream &
streamer=$!
until [ "$(vmstat pgscan_direct)" -gt 0 ]; do usleep 100000; done
first=$(fact "$dev" high)
storm start "$dev" 2000 1000 "$seed"
sleep 10
storm calm
storm stop
check "the storm has raised the reserve" [ "$(fact "$dev" high)" -gt "$first" ]
show_groups "after the storm"

claims=$(counter claim) claimed=$(counter claim_frames) taken=$(counter shrink_frames)
pairs 75
claims=$(($(counter claim) - claims)) claimed=$(($(counter claim_frames) - claimed))
taken=$(($(counter shrink_frames) - taken))
say "SQUEEZE $claims claims, $claimed frames claimed, $taken taken"
check "the host has taken frames" [ $taken -gt 0 ]
limit_row claims 15 $claims stock=none frames=$claimed taken=$taken
kill $streamer
killall -TERM load
joined
rmmod dmag_storm
unload
check "none is left" await_groups 0
