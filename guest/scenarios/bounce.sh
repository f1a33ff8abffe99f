# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Streaming mappings of memory that devices do not reach. The pool of swiotlb lies just
# below 2 GiB here, beyond the reach of two devices; for the third it is small. Stock gives
# the two slots that they do not reach, warns and refuses the mapping. With groups pools
# come and go in their reach.
#: memory=3G
#: devices=30 28 32
#: flavours=compare debug
#: append=swiotlb=2048,32
#: allow=DMA-API: cacheline tracking ENOMEM
#: stock_allow=WARNING: CPU: .* swiotlb_map
#: timeout=150

# encrypted_bounce and bounce_unreserved are this on other machines.
: "${stock_overflow:=any}" "${masks:=30,28,32}"

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
	local used

	used=$(awk '$1 == "used" { used += $2 } END { print used }' "$debug/dmag/groups")
	[ $((2 * used)) = "$(slots)" ]
}

# streams DEVICE: it has a second membership, whose group has a filled reserve
streams()
{
	awk -v dev="$1" '$1 == "free" { free = $2 } $1 == "high" { high = $2 }
		$1 == "member" && $2 == dev && $NF == "streaming" { found = free >= high }
		END { exit !found }' "$debug/dmag/groups"
}

streams_not()
{
	! grep -q "^member $1 .*streaming" "$debug/dmag/groups"
}

# filled DEVICE: the worker has filled its reserve
filled()
{
	[ "$(fact "$1" free)" -ge "$(fact "$1" high)" ]
}

# adapted WHAT DEVICE CONTEXT COUNT SIZE: the reserve and the pools have served all of it
adapted()
{
	ctl "$2" alloc "$3" mapped "$4" "$5" "$4"
	[ "$(value granted)" = "$4" ]
	set -- $? "$@"
	bounced_well "$2, to adapt" "$3"
	unmap "$3" block
	check_groups "$2: the reserve is filled again" await filled "$3"
	return "$1"
}

# More than the reserve has.  It grows by what it gave and refused, not by what came from
# pools, and these may have gone when it is asked again.  So it may take two steps.
burst()
{
	adapted "$@" || adapted "$@" || true
	bounce "$@"
}

# Whatever is granted is good, while the other devices do the same.
stream_all()
{
	for _ in $(seq 20); do
		ctl "$1" alloc softirq mapped 8 65536
		[ "$(value bad_reach)$(value bad_zero)$(value bad_align)" = 000 ] || return
		ctl "$1" verify
		all_intact || return
		ctl "$1" free softirq
	done
}

# Pools in groups do not count here.
boot_slots()
{
	cat $debug/swiotlb/io_tlb_nslabs 2>/dev/null || echo 0
}

slots()
{
	cat $debug/swiotlb/io_tlb_group_nslabs 2>/dev/null || echo 0
}

no_pools()
{
	[ "$(slots)" = 0 ]
}

pool_added()
{
	[ "$(slots)" -gt 0 ]
}

load "$masks"
check "there are no pools in groups" no_pools
at_boot=$(boot_slots)
check "there are few bounce buffers" [ "$at_boot" -le 4096 ]
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
# The streaming mask alone is smaller now.
ctl "$1" stream 26
check "its streaming mask is set" [ "$(value err)" = 0 ]
check_groups "its bounce buffers have a group of their own" await streams "$1"
bounce stream_26_bits "$1" irqoff 16 65536 fails
ctl "$1" mask 30
check_groups "it needs no such group any more" await streams_not "$1"
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
