# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Memory is encrypted, the machine swaps, and atomic requests drain the reserve. It is
# refilled while memory is reclaimed: the trace shows kswapd and the conversions.
#: memory=1G
#: devices=30
#: disks=4G 1G
#: flavours=normal
#: append=cc_test swiotlb=2048
#: timeout=200

load 30
dev=$devices
swap_load 50

refilled()
{
	[ "$(fact "$dev" free)" -ge "$(fact "$dev" low)" ]
}

check "the reserve is full" await refilled
echo 1 >$tracing/events/dmag/dmag_convert/enable
echo 1 >$tracing/events/vmscan/mm_vmscan_kswapd_wake/enable
# Each burst takes what there is, so high doubles. The worker's own clock lets it try
# again after 2, 4, 8 and so on up to 32 seconds.
for round in 1 2 3; do
	burst=$(($(fact "$dev" free) - 60))
	ctl "$dev" alloc irqoff coherent $burst 4096
	check "round $round: the reserve is drained" [ "$(value granted)" = $burst ]
	since=$(uptime_s) scanned=$(vmstat pgsteal_kswapd)
	check "round $round: the reserve is refilled" await refilled
	say "REFILL round $round: $(fact "$dev" free) frames in $(($(uptime_s) - since)) s," \
		"while kswapd reclaimed $(($(vmstat pgsteal_kswapd) - scanned))"
	ctl "$dev" free irqoff
done
sed -n 's/^.* \([0-9.]*: [a-z_]*:\)/\1/p' $tracing/trace >/tmp/trace
tail -n 20 /tmp/trace | tell TRACE
check "kswapd was at work" grep -q mm_vmscan_kswapd_wake /tmp/trace
check "memory was decrypted beside it" grep -q 'dmag_convert.*to=shared error=0' /tmp/trace
check_valid
end_swap_load
unload
check "no group remains" await_groups 0
