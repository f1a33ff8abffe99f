# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The host refuses memory at random, and a driver fails its probe. A request
# may then fail; nothing may break, and nothing may be lost.
#: memory=2G
#: devices=24 28 30
#: flavours=debug
#: timeout=100

# inject PERCENT: into this shell alone, and silently, for a trace is a splat
inject()
{
	for kind in failslab fail_page_alloc; do
		check "$kind is there" [ -d $debug/$kind ]
		echo 0 >$debug/$kind/verbose
		echo Y >$debug/$kind/task-filter
		echo N >$debug/$kind/ignore-gfp-wait
		echo -1 >$debug/$kind/times
		echo "$1" >$debug/$kind/probability
	done
	echo 0 >$debug/fail_page_alloc/min-order
	echo 1 >/proc/self/make-it-fail
}

load 24,28,30
inject 0
round=0
granted=0
while [ $round -lt 20 ]; do
	for dev in $devices; do
		echo $((round * 5)) >$debug/failslab/probability
		echo $((round * 5)) >$debug/fail_page_alloc/probability
		echo "churn 50 $((seed + round))" >"$edu/$dev/ctl" && answered=yes || answered=no
		echo 0 >$debug/failslab/probability
		echo 0 >$debug/fail_page_alloc/probability
		[ $answered = yes ] || continue
		result=$(cat "$edu/$dev/ctl")
		say "CTL $dev churn: $result"
		check "$dev round $round: what was granted is good" [ "$(value bad)" = 0 ]
		granted=$((granted + 1))
	done
	round=$((round + 1))
done
check "some rounds got through" [ $granted -gt 0 ]

# Groups that cannot be made when the mask is set.
for dev in $devices; do
	echo "$dev" >$pci/unbind
	echo 50 >$debug/failslab/probability
	echo "$dev" >$pci/bind 2>/dev/null
	echo 0 >$debug/failslab/probability
	[ -e "$edu/$dev/ctl" ] || echo "$dev" >$pci/bind
	request "$dev after faults" "$dev" block coherent 8 16384
	intact "$dev after faults" "$dev" 1
done
show_groups "after faults"
unload
check_groups "none is left" await_groups 0

insmod /dmag_edu.ko masks=24,28,30 fail_probe=1
check "no device is bound" [ -z "$(ls $edu)" ]
check_groups "a failed probe leaves no group" await_groups 0
unload
