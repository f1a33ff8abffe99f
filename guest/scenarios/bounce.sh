# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Streaming mappings of memory that devices do not reach. The pool of swiotlb lies just
# below 2 GiB here, beyond the reach of two devices; for the third it is small. Stock gives
# the two slots that they do not reach, warns and refuses the mapping.
#: memory=3G
#: devices=30 28 32
#: flavours=compare debug
#: append=swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM
#: stock_allow=WARNING: CPU: .* swiotlb_map
#: timeout=150

# encrypted_bounce is this on another platform.
: "${stock_overflow:=any}"

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
	check_groups "$1: its frames are free" await idle "$1"
}

idle()
{
	[ "$(fact "$1" used)" = 0 ]
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

slots()
{
	cat $debug/swiotlb/io_tlb_nslabs
}

load 30,28,32
check "there are few bounce buffers" [ "$(slots)" = 2048 ]
for dev in $devices; do
	check_groups "$dev: its reserve is filled" await filled "$dev"
done
# shellcheck disable=SC2086 # one device a word
set -- $devices
bounce one "$1" block 1 2048 fails
bounce page "$2" softirq 64 4096 fails
bounce pieces "$1" irqoff 16 65536 fails
bounce large "$2" softirq 4 262144 fails
[ ! -e $debug/cc_test ] || encrypted_steady "$1"
burst beyond_30_bits "$1" irqoff 128 65536 fails
burst beyond_28_bits "$2" softirq 32 262144 fails
show_groups "after bursts"
check_groups "no pool was added that they do not reach" [ "$(slots)" = 2048 ]
for dev in "$@"; do
	background stream_all "$dev"
done
joined
burst overflow "$3" irqoff 256 65536 "$stock_overflow"
show_groups "at the end"
check_valid
unload
check_groups "no group remains" await_groups 0
