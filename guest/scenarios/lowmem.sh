# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A host of 768 GiB, as a 32-bit device sees it: DMA32 is free, and reserved from
# all other users, while the normal zone is between its low and high watermarks, as
# it always is. A claim must be judged by the zone that it takes from. Then a full
# machine, on which a 24-bit device comes last.
#: memory=6G
#: devices=24 28 30 32
#: flavours=compare
#: timeout=120
#: append=swiotlb=2048

# zone NAME KEY: pages
zone()
{
	awk -v zone="$1" -v key="$2" '
		$1 == "Node" { here = $4 == zone }
		here && $1 == "pages" { $1 = $2; $2 = $3 }
		here && $1 == key { print $2; exit }' /proc/zoneinfo
}

# answer WHAT DEVICE ASKED SIZE PERCENT: blocking
answer()
{
	ctl "$2" alloc block coherent "$3" "$4"
	check_granted_well "$1"
	row "$1" "$3" "$(value granted)" "$5" stock=any size="$(($4 / 1024))K" ns="$(value ns)" \
		max_ns="$(value max_ns)"
}

echo "256 1 32" >/proc/sys/vm/lowmem_reserve_ratio
# Twice, because the kernel needs some for the file itself.  Not to low: per-CPU lists
# may hold the rest down to min, and below that the kernel kills.
fill $((($(zone Normal free) - $(zone Normal high)) / 256 - 24))
fill $((($(zone Normal free) - $(zone Normal high)) / 256)) more
say "NORMAL $(zone Normal free) pages, low $(zone Normal low), DMA32 $(zone DMA32 free) pages"
check "the normal zone is at its usual level" \
	[ "$(zone Normal free)" -lt $((2 * $(zone Normal high))) ]
check "DMA32 is free" [ "$(zone DMA32 free)" -gt 400000 ]

load 64,28,30,32
# shellcheck disable=SC2086 # one device a word
set -- $devices
answer 64K "$4" 512 65536 100
answer 4K "$4" 2000 4096 100
show_groups "32 bits"
ctl "$4" free block
unload
check_groups "none is left" await_groups 0
unfill
echo "256 256 32" >/proc/sys/vm/lowmem_reserve_ratio

# The zone below 16 MiB is reserved from all others, and free.
fill 5530
load 64,28,30,32
# shellcheck disable=SC2086 # one device a word
set -- $devices
ctl "$3" alloc block coherent 4096 65536
ctl "$2" alloc block coherent 512 65536
ctl "$1" mask 24
# Stock has none. The two other devices may take a part of the zone as their last
# resort, before there is a group of 24 bits.
answer 24_bits "$1" 64 65536 75
show_groups "24 bits"
unload
check_groups "none is left again" await_groups 0
