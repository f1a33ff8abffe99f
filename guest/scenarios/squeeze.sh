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

# pairs SECONDS: pages that are taken and given back, ten a second
pairs()
{
	local end=$(($(cut -d. -f1 /proc/uptime) + $1))

	while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
		echo "alloc block coherent 1 4096" >"$edu/$dev/ctl"
		echo "free block" >"$edu/$dev/ctl"
		usleep 100000
	done
}

# squeezed: the host has taken frames since the storm began
squeezed()
{
	[ "$(counter shrink_frames)" -gt "$taken" ]
}

load 28
dev=$devices
await_protected "$dev"
swap_load 50
first=$(fact "$dev" high)
taken=$(counter shrink_frames)
storm start "$dev" 2000 1000 "$seed"
sleep 10
storm calm
storm stop
check "the storm has raised the reserve" [ "$(fact "$dev" high)" -gt "$first" ]
show_groups "after the storm"
check "the host has taken frames" await squeezed
band=$(($(fact "$dev" high) - $(fact "$dev" low)))

claims=$(counter claim) claimed=$(counter claim_frames) taken=$(counter shrink_frames)
pairs 15
claims=$(($(counter claim) - claims)) claimed=$(($(counter claim_frames) - claimed))
taken=$(($(counter shrink_frames) - taken))
say "SQUEEZE $claims claims, $claimed frames claimed, $taken taken"
# The reserve is left alone for 2 s after it was squeezed, then for 4 s, for 8 s and so
# on: 15 s are time for four fills, each from low to high.
limit_row claimed $((4 * band)) $claimed stock=none claims=$claims taken=$taken
end_swap_load
rmmod dmag_storm
unload
check "none is left" await_groups 0
