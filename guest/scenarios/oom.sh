# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A process locks memory until the machine has none. A storm has raised the reserve
# before. When the process is killed, the reserve must have been given back down to the
# min watermark that it began with, and no further; afterwards it must fill again.
#: memory=512M
#: devices=28
#: append=swiotlb=2048 page_owner=on
#: allow=invoked oom-killer|Out of memory: Killed process|load: page allocation failure|Call Trace:

tracing=/sys/kernel/tracing

owned_is_at_least()
{
	[ "$(counter owned)" -ge "$1" ]
}

# The least that was owned, from what was owned at first and the trace.
least_owned()
{
	awk -v owned="$1" '
		function hex(text,   i, value) {
			for (i = 3; i <= length(text); i++)
				value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return value
		}
		BEGIN { least = owned }
		/dmag_(claim|release|capture):/ {
			match($0, /pfn=[0-9a-fx-]+/)
			split(substr($0, RSTART + 4, RLENGTH - 4), pfn, "-")
			frames = hex(pfn[2]) - hex(pfn[1]) + 1
			owned += /dmag_release:/ ? -frames : frames
			if (owned < least) least = owned
		}
		END { print least }' $tracing/trace
}

# at_rest: frames that come or go while they are counted would count twice
at_rest()
{
	echo >$tracing/trace
	before=$(counter owned)
	! grep -qE "dmag_(claim|release|capture):" $tracing/trace
}

load 28
dev=$devices
await_protected "$dev"
first=$(fact "$dev" min)
storm start "$dev" 4000 1000 "$seed"
sleep 3
storm calm
storm stop
min=$(fact "$dev" min) low=$(fact "$dev" low) high=$(fact "$dev" high)
check "the marks are three" [ "$((0 < min && min < low && low < high))" = 1 ]
check "the storm has raised them" [ "$min" -gt "$first" ]
check "the reserve is full" await owned_is_at_least "$high"
mount -t tracefs tracefs $tracing
# The local clocks of two CPUs may put a release before its claim.
echo counter >$tracing/trace_clock
echo 1 >$tracing/events/dmag/enable
check "a moment of rest" await at_rest

(
	echo 1000 >/proc/self/oom_score_adj
	exec /bin/load lock 4096
)
check "the process was killed" [ $? = 137 ]
check "the machine was out of memory" [ "$(vmstat oom_kill)" = 1 ]
least=$(least_owned "$before")
say "LEAST $least of $before frames; marks $min $low $high; first min $first"
check "the reserve was given back down to the first min" [ "$least" = "$first" ]
check "the reserve is filled again" await owned_is_at_least "$low"
check "the validator finds nothing" [ "$(cat $debug/dmag/validate)" = ok ]
show_groups "after it"
rmmod dmag_storm
unload
check "none is left" await_groups 0
