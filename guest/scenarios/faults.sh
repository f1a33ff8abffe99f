# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The host refuses memory at random, and a driver fails its probe. A request
# may then fail; nothing may break, and nothing may be lost.
#: memory=2G
#: devices=24 28 30
#: flavours=debug
#: allow=DMA-API: cacheline tracking ENOMEM
#: timeout=100

load 24,28,30
prepare_faults
granted=0
round=0
while [ $round -lt 20 ]; do
	for dev in $devices; do
		fault_rate $((round * 5))
		faulty "churn 50 $((seed + round))" "$edu/$dev/ctl" || continue
		result=$(cat "$edu/$dev/ctl")
		say "CTL $dev churn, $((round * 5)) % of allocations fail: $result"
		check "$dev round $round: what was granted is good" [ "$(value bad)" = 0 ]
		granted=$((granted + $(value granted)))
	done
	round=$((round + 1))
done
check "something was granted" [ $granted -gt 0 ]

# Injected faults refuse a reserve as well as the page allocator. The driver's own
# allocations are of lower orders, or can be.
fault_rate 100
echo 0 >$debug/failslab/probability
echo 3 >$debug/fail_page_alloc/min-order
for dev in $devices; do
	for context in block irqoff; do
		check "$dev $context: asked" \
			faulty "alloc $context coherent 1 32768" "$edu/$dev/ctl"
		result=$(cat "$edu/$dev/ctl")
		say "CTL $dev $context, all blocks fail: $result"
		check "$dev $context: nothing is granted" [ "$(value granted)" = 0 ]
	done
done
echo 0 >$debug/fail_page_alloc/min-order

# Groups that cannot be made when the mask is set: each allocation of the last device's
# probe fails in turn. It may be bound then, without its control file.
fault_rate 0
nth=1
while
	echo "$dev" >$pci/unbind
	faulty_nth $nth "$dev" $pci/bind
do
	[ -e "$pci/$dev" ] || echo "$dev" >$pci/bind
	nth=$((nth + 1))
done
say "NTH a probe makes $nth allocations"
check "a probe makes allocations" [ $nth -gt 20 ]
request "after failed probes" "$dev" block coherent 8 16384
intact "after failed probes" "$dev" 1
show_groups "after faults"
unload
check_groups "none is left" await_groups 0

insmod /dmag_edu.ko masks=24,28,30 fail_probe=1
check "no device is bound" [ -z "$(ls $edu)" ]
check_groups "a failed probe leaves no group" await_groups 0
unload
