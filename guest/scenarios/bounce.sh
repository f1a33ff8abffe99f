# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Streaming mappings of memory that devices do not reach. The pool of swiotlb lies just
# below 2 GiB here, beyond the reach of two devices; for the third it is small. Stock gives
# the two slots that they do not reach, warns and refuses the mapping. With groups pools
# come and go in their reach.
#: memory=3G
#: devices=30 28 32
#: flavours=compare debug
#: append=swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM
#: stock_allow=WARNING: CPU: .* swiotlb_map
#: timeout=150

# encrypted_bounce and bounce_unreserved are this on other machines.
: "${stock_overflow:=any}" "${at_boot:=2048}" "${masks:=30,28,32}"

# bounce WHAT DEVICE CONTEXT COUNT SIZE STOCK: all mapped at once, and their data
bounce()
{
	ctl "$2" alloc "$3" mapped "$4" "$5" "$4"
	row "$1" "$4" "$(value granted)" 100 "stock=$6" "size=$5"
	bounced_well "$1" "$2"
	unmap "$2" softirq
}

bounced_well()
{
	local granted

	granted=$(value granted)
	check_granted_well "$1"
	check "$1: through bounce buffers" [ "$(value bounced)" = "$granted" ]
	[ "$granted" = 0 ] || intact "$1" "$2" 4
}

# Buffers are freed after a grace period of RCU.
unmap()
{
	ctl "$1" free "$2"
	check_groups "$1: its frames are free" await idle
}

# idle: the groups have nothing in use but pools that stay; a frame has two slots
idle()
{
	local dev used=0

	for dev in $devices; do
		used=$((used + $(fact "$dev" used)))
	done
	[ $used = 0 ] || [ $((2 * used)) = $(($(slots) - at_boot)) ]
}

# filled DEVICE: the worker has filled its reserve
filled()
{
	[ "$(fact "$1" free)" -ge "$(fact "$1" high)" ]
}

# More than the reserve has, once to adapt and once to judge.
burst()
{
	ctl "$2" alloc "$3" mapped "$4" "$5" "$4"
	bounced_well "$1, the first time" "$2"
	unmap "$2" block
	check_groups "$1: the reserve is filled again" await filled "$2"
	bounce "$@"
}

# Whatever is granted is good, while the other devices do the same, and pools that no
# device uses at a moment go: swiotlb looks every 10 s.
stream_all()
{
	local end=$(($(uptime_s) + 12))

	while [ "$(uptime_s)" -lt $end ]; do
		ctl "$1" alloc softirq mapped 8 65536
		[ "$(value bad_reach)$(value bad_zero)$(value bad_align)" = 000 ] || return
		ctl "$1" verify
		all_intact || return
		ctl "$1" free softirq
	done
}

slots()
{
	cat $debug/swiotlb/io_tlb_nslabs 2>/dev/null || echo 0
}

no_pools()
{
	[ "$(slots)" = "$at_boot" ]
}

pool_added()
{
	[ "$(slots)" -gt "$at_boot" ]
}

load "$masks"
check "there are few bounce buffers" no_pools
for dev in $devices; do
	check_groups "$dev: its reserve is filled" await filled "$dev"
done
# shellcheck disable=SC2086 # one device a word
set -- $devices
bounce one "$1" block 1 2048 fails
bounce page "$2" softirq 64 4096 fails
bounce pieces "$1" irqoff 16 65536 fails
bounce large "$2" softirq 4 262144 fails
bounce larger "$1" softirq 4 536576 fails
[ ! -e $debug/cc_test ] || encrypted_steady "$1"
burst beyond_30_bits "$1" irqoff 128 65536 fails
burst beyond_28_bits "$2" softirq 32 262144 fails
burst beyond_segments "$1" irqoff 16 536576 fails
burst beyond_reserves "$1" block 128 262144 fails
show_groups "after bursts"
for dev in "$@"; do
	background stream_all "$dev"
done
joined
ctl "$1" alloc block mapped 64 65536
check_groups "a pool in its reach is added" await pool_added
unmap "$1" block
check_groups "the pool goes when it is unused" await no_pools
[ $# -lt 3 ] || burst overflow "$3" irqoff 256 65536 "$stock_overflow"
show_groups "at the end"
check_valid
unload
check_groups "no group remains" await_groups 0
