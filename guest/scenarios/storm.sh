# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A storm of atomic requests while the machine is in direct reclaim: pages of a
# file stream through memory that processes fill to the brim. Once the reserve has
# been raised and filled none may fail; after the storm it must shrink again.
# (Atomic pools that had to be sized on the command line: reports 1, 4.)
#: memory=1G
#: devices=28
#: disks=4G 1G
#: flavours=compare debug kcsan rt
#: timeout=300
#: append=swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM

adaptation=10 steady=20 rate=2000 life_ms=1000
[ "$flavour" = normal ] || rate=500

# What must be granted while the reserve adapts: of groups nothing, of stock, which
# has nothing to adapt, all.
share=$([ "$dmag" = off ] && echo 100 || echo 0)
all_asked=0 all_granted=0

# phase NAME PERCENT KEY=VALUE...: one row of what came since the last. That the
# load is hard shows in what stock refuses; here it is enough that a host which is
# late with most ticks made a second's worth.
phase()
{
	local what="$1" percent="$2"

	shift 2
	storm phase
	check "$what: what was granted is good" [ "$(value bad)" = 0 ]
	check "$what: the storm was one" [ "$(value asked)" -gt $rate ]
	row "$what" "$(value asked)" "$(value granted)" "$percent" size=4-64K "$@" \
		refused=$(($(value asked) - $(value granted))) frames="$(value most_frames)" \
		missed="$(value missed)"
	all_asked=$((all_asked + $(value asked)))
	all_granted=$((all_granted + $(value granted)))
}

# From min on a reserve serves what made it grow. The storm goes on meanwhile: for
# a moment is enough.
filled()
{
	[ "$(fact "$dev" free)" -ge "$(fact "$dev" min)" ]
}

# Halfway down to where it was. The first step down comes 64 s after the last
# draw that made it hold, see docs/reserve.rst.
await_calm()
{
	local began

	began=$(uptime_s)
	halfway=$(((start + peak) / 2))
	while [ "$(fact "$dev" high)" -gt $halfway ] && [ $(($(uptime_s) - began)) -le 110 ]; do
		sleep 1
	done
	seconds=$(($(uptime_s) - began))
}

load 28
dev=$devices
await_protected "$dev"
[ "$dmag" = off ] || start=$(fact "$dev" high)
# What is left is for the file and the device.
swap_load -150
say "RECLAIM at $(uptime_s) s"
scanned=$(vmstat pgscan_direct)

storm start "$dev" $rate $life_ms "$seed"
sleep $adaptation
check_groups "the raised reserve was filled" await filled
phase adaptation "$share" stock=any
sleep $steady
scanned=$(($(vmstat pgscan_direct) - scanned))
phase steady 100 stock=any report=4
# Stock must have failed in one of them, or the load proved nothing. In which, is
# a matter of when it found its pace.
row storm $all_asked $all_granted "$share" size=4-64K stock=fails scanned=$scanned \
	refused=$((all_asked - all_granted))
check "the machine was in direct reclaim" [ $scanned -gt 0 ]
[ "$dmag" = off ] || peak=$(fact "$dev" high)
show_groups "at the end of the storm"
storm calm
end_swap_load
if [ "${trace:-}" = 1 ]; then
	tell TRACE <$debug/dmag_storm/trace
fi
storm stop
check "nothing was overwritten" [ "$(value bad)" = 0 ]
if [ "$dmag" = on ]; then
	await_calm
	limit_row halved 100 "$seconds" unit=s stock=none start="$start" peak="$peak" high="$(fact "$dev" high)"
	show_groups "after the storm"
fi
rmmod dmag_storm
unload
check_groups "none is left" await_groups 0
