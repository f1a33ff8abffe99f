# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Memory and devices that come and go: a buffer keeps its memory online, a
# reserve makes way, and memory that comes online restricts a device which had
# reached all there was. Then all of that at once, while devices work.
#: memory=2G,slots=2,maxmem=4G
#: devices=24 28 29 30 32 36
#: qemu=-object memory-backend-ram,id=dimm,size=1G -device pc-dimm,memdev=dimm
#: timeout=200

mem=/sys/devices/system/memory
block=$((0x$(cat $mem/block_size_bytes)))

if [ "$flavour" = debug ]; then
	load_mib=200 turns=3
else
	load_mib=400 turns=30
fi

memory()
{
	echo "$1" 2>/dev/null >$mem/memory"$2"/state
}

goes_offline()
{
	memory offline "$1"
}

comes_online()
{
	memory online "$1"
}

stays_online()
{
	! memory offline "$1"
}

# For what reason memory stayed online: devices' buffers, or the kernel's pages
explained()
{
	dmesg | grep -cE "$1"
}
by_groups='dmag: .mem .* stays online: group'
by_others='page dumped because: (unmovable page|migration failure)'

# others_keep_it GROUPS OTHERS: a page of the kernel's own, such as a slab, keeps a block
# online now and then. The arguments are what was explained before.
others_keep_it()
{
	[ "$(explained "$by_groups")" -eq "$1" ] && [ "$(explained "$by_others")" -gt "$2" ]
}

# The number of the memory block that the last answer's buffers begin in
block_of_result()
{
	echo $(($(value low) / block))
}

# moves NAME DEVICE: with nothing in use, its reserve leaves the memory that the
# first buffers came from
moves()
{
	local from groups others

	request "$1" "$2" block coherent 16 65536
	from=$(block_of_result)
	check "$1: a buffer keeps block $from online" stays_online "$from"
	check "$1: which the kernel says" [ "$(explained "$by_groups")" -gt 0 ]
	ctl "$2" verify
	check "$1: the buffers are untouched" all_intact
	ctl "$2" free block
	groups=$(explained "$by_groups") others=$(explained "$by_others")
	if ! goes_offline "$from"; then
		check "$1: no reserve keeps block $from" others_keep_it "$groups" "$others"
		return
	fi
	request "$1, from elsewhere" "$2" block coherent 16 65536
	check "$1: not from block $from" [ "$(block_of_result)" -ne "$from" ]
	intact "$1" "$2" 2
	check "$1: block $from comes back" comes_online "$from"
	ctl "$2" free block
}

# As long as the storm lasts; leaves all its results
churn()
{
	local nr=$((seed))

	while [ -e /tmp/storm ]; do
		echo "churn 200 $nr" >"$edu/$1/ctl" && cat "$edu/$1/ctl"
		nr=$((nr + 1))
	done >"/tmp/churn.$1"
}

# total DEVICE KEY: over the results of its churn
total()
{
	tr ' ' '\n' <"/tmp/churn.$1" | awk -F= -v key="$2" '
		$1 == key { sum += $2; seen = 1 } END { print seen ? sum : "none" }'
}

valid()
{
	[ "$(cat $debug/dmag/validate)" = ok ]
}

far=$((0x100000000 / block))

# tells_through_faults FIRST LAST: bring blocks online while the first, second,
# third... allocation of it fails. Either the memory stays offline, or some
# device is not told, until the next time. Only sizes that groups need fail: what
# KASAN does without leaves a trace.
tells_through_faults()
{
	local nr="$1" nth=1 untold=0 bad=0

	for cache in 128 192 256 512 1k 2k; do
		echo 1 >/sys/kernel/slab/kmalloc-$cache/failslab
	done
	echo Y >$debug/failslab/cache-filter
	echo N >$debug/failslab/ignore-gfp-wait
	echo 0 >$debug/failslab/verbose
	while [ "$nr" -le "$2" ]; do
		(
			echo $nth >/proc/self/fail-nth
			memory online "$nr"
		) && nr=$((nr + 1))
		valid || bad=$((bad + 1))
		nth=$((nth + 1))
	done
	untold=$(explained 'dmag: no memory to tell all devices')
	say "FAULTS attempts=$((nth - 1)) untold=$untold"
	check "faults meet dmag" [ "$untold" -gt 0 ]
	check "groups are valid after each" [ $bad -eq 0 ]
}

load 24,28,29,30,32,36
# shellcheck disable=SC2086 # one device a word
set -- $devices
check_groups "four devices of six are restricted" groups_are 4
if [ "$dmag" = on ]; then
	moves "28 bits" "$2"
	moves "30 bits" "$4"
fi

request "32 bits, universal" "$5" block coherent 16 65536
check_groups "32 bits are universal" [ "$(fact "$5" kind)" = universal ]
check "memory beyond 4 GiB comes online" comes_online $far
check_groups "32 bits are restricted now" [ "$(fact "$5" kind)" = restricted ]
check_groups "36 bits are not" [ "$(fact "$6" kind)" = universal ]
check_groups "five groups" await_groups 5
show_groups "with memory beyond 4 GiB"
if [ "$flavour$dmag" = debugon ]; then
	tells_through_faults $((far + 1)) $((far + 6))
fi
check "the last of it comes online" comes_online $((far + 7))
check_groups "32 bits are still restricted" [ "$(fact "$5" kind)" = restricted ]
check_groups "36 bits are still not" [ "$(fact "$6" kind)" = universal ]
check_groups "still five groups" await_groups 5
request "32 bits, restricted" "$5" block coherent 64 65536
intact "32 bits, before and after" "$5" 2
request "36 bits" "$6" block coherent 16 65536
check "memory beyond 4 GiB goes again" goes_offline $((far + 7))
check "and comes again" comes_online $((far + 7))
check_groups "groups are valid" valid
ctl "$6" free block

online=$(cat $mem/memory*/state | grep -cx online)
before=$(mem_free_kib)
fill $load_mib
for dev in "$1" "$2" "$4"; do
	request "$dev holds" "$dev" block coherent 8 65536
done
touch /tmp/storm
for dev in "$1" "$2" "$4"; do
	churn "$dev" &
done
turn=0 went=0 refused=0 invalid=0
reasons=$(explained "$by_groups|$by_others")
while [ $turn -lt $turns ]; do
	nr=1
	while [ $((nr * block)) -lt $((1 << 30)) ]; do
		if goes_offline $nr; then
			went=$((went + 1))
			comes_online $nr || check "block $nr comes back" false
		else
			refused=$((refused + 1))
		fi
		nr=$((nr + 1))
	done
	echo 1 >"/sys/bus/pci/devices/$6/remove"
	echo "$3" >$pci/unbind
	echo 1 >/sys/bus/pci/rescan
	echo "$3" >$pci/bind
	[ "$dmag" = off ] || valid || invalid=$((invalid + 1))
	turn=$((turn + 1))
done
rm /tmp/storm
wait
reasons=$(($(explained "$by_groups|$by_others") - reasons))
say "STORM turns=$turns went=$went refused=$refused reasons=$reasons"
check "groups were valid throughout" [ $invalid -eq 0 ]
check "memory went and came" [ $went -ge $turns ]
check "the kernel says why it stayed" [ $reasons -ge $refused ]
for dev in "$1" "$2" "$4"; do
	say "CHURN $dev asked=$(total "$dev" asked) granted=$(total "$dev" granted) bad=$(total "$dev" bad)"
	check "$dev: something was granted" [ "$(total "$dev" granted)" -gt 0 ]
	check "$dev: all that was granted is good" [ "$(total "$dev" bad)" = 0 ]
	intact "$dev, held throughout" "$dev" 2
done
intact "32 bits, held throughout" "$5" 2
request "29 bits, bound again" "$3" block coherent 16 65536
intact "29 bits" "$3" 2
check "the removed device is back" [ -e "$edu/$6/ctl" ]
request "36 bits, back" "$6" block coherent 16 65536
check_groups "five groups at the end" await_groups 5
show_groups "after the storm"

unload
unfill
check_groups "none is left" await_groups 0
check "as much memory is online" [ "$(cat $mem/memory*/state | grep -cx online)" = "$online" ]
settle
check "free memory is back" [ $((before - $(mem_free_kib))) -le $((before / 20)) ]
