# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A default CMA area in the reach of a 28-bit device, on an idle machine. Stock asks
# the area first, for more than one page, and the zones for one page.
#: memory=6G
#: devices=28
#: flavours=compare
#: timeout=120
#: append=swiotlb=2048 cma=128M@128M

# answer WHAT ASKED SIZE: blocking
answer()
{
	local ms

	ctl "$devices" alloc block coherent "$2" "$3"
	check_granted_well "$1"
	ms=$(($(value ns) * $(value granted) / 1000000))
	row "$1" "$2" "$(value granted)" 100 stock=any size="$(($3 / 1024))K" ns="$(value ns)" \
		max_ns="$(value max_ns)"
	# Stock takes six seconds at most, but the host is shared.
	limit_row "$1_in" 30000 "$ms" unit=ms stock=any
}

load 28
answer 64K 2000 65536
show_groups "64K"
answer 4K 4000 4096
answer 1M 32 1048576
show_groups "all"
say "CMA $(awk '$1 == "CmaFree:" { print $2 }' /proc/meminfo) KiB free"
ctl "$devices" free block
unload
check_groups "none is left" await_groups 0
