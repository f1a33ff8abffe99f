# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Functions that the scenarios share. A scenario reports in KTAP and by messages of
# the kernel, which reach the log in whole lines; judge.py counts them. The output
# of other programs goes to the console as it is, for people.

debug=/sys/kernel/debug
tracing=/sys/kernel/tracing
edu=$debug/dmag_edu
pci=/sys/bus/pci/drivers/dmag_edu
checks=0

# say WORD...: a line that is no result
say()
{
	echo "# $*" >/dev/kmsg
}

# tell LABEL: say each line of the standard input, after a label
tell()
{
	local line

	while IFS= read -r line; do
		say "$1 $line"
	done
}

# check NAME COMMAND...: the command's success is the verdict
check()
{
	local name="$1" verdict=ok

	shift
	"$@" || verdict="not ok"
	checks=$((checks + 1))
	echo "$verdict $checks - $name" >/dev/kmsg
	[ "$verdict" = ok ] || say "failed: $*"
}

# Claims leave a trace, which explain() shows; it costs only what is slow anyway.
trace_claims()
{
	local event

	mount -t tracefs tracefs $tracing
	echo 64 >$tracing/buffer_size_kb
	for event in claim claim_fail scan alloc_fail; do
		echo 1 >$tracing/events/dmag/dmag_$event/enable
	done
}

# explain: what memory is free, and what claims met with last, beside a failed check
explain()
{
	grep -E "^(MemFree|CmaFree|MemAvailable):" /proc/meminfo | tell failed:
	sed -n "s/^.* \([0-9.]*: dmag_\)/\1/p" $tracing/trace | tail -n 12 | tell failed:
}

begin()
{
	echo "KTAP version 1" >/dev/kmsg
	[ ! -e $debug/dmag ] || trace_claims
	# Disks are in groups if their memory has to be decrypted.
	groups_at_boot=$(counter groups)
	say "BEGIN $scenario $flavour dmag=$dmag"
	: "${seed:=$(od -An -tu4 -N4 /dev/urandom | tr -d ' ')}"
	say "SEED $seed"
}

uptime_s()
{
	cut -d. -f1 /proc/uptime
}

# A kernel that looks for no data race reports none.
races_sought()
{
	tell KCSAN <$debug/kcsan
	[ "$(awk '$1 == "setup_watchpoints:" { print $2 }' $debug/kcsan)" -gt 1000 ]
}

finish()
{
	[ "$flavour" != kcsan ] || check "data races were looked for" races_sought
	say "UPTIME $(uptime_s) s"
	echo "1..$checks" >/dev/kmsg
}

# A check that only a kernel with groups can pass; stock is there to compare.
check_groups()
{
	[ "$dmag" = off ] || check "$@"
}

load()
{
	insmod /dmag_edu.ko masks="$1" || check "the driver loads" false
	devices=$(ls $edu)
}

unload()
{
	rmmod dmag_edu || check "the driver unloads" false
}

# ctl DEVICE COMMAND...: one command; leaves its answer in $result
ctl()
{
	local dev="$1"

	shift
	if echo "$*" >"$edu/$dev/ctl"; then
		result=$(cat "$edu/$dev/ctl")
	else
		result="error=refused"
	fi
	say "CTL $dev $*: $result"
}

# module NAME COMMAND...: the same, to a module that has one file for all
module()
{
	local name="$1"

	shift
	[ -d "$debug/$name" ] || insmod "/$name.ko" || check "$name loads" false
	if echo "$*" >"$debug/$name/ctl"; then
		result=$(cat "$debug/$name/ctl")
	else
		result="error=refused"
	fi
	say "CTL $name $*: $result"
}

press()
{
	module dmag_press "$@"
}

storm()
{
	module dmag_storm "$@"
}

# value KEY: from the last answer
value()
{
	echo "$result" | tr ' ' '\n' | sed -n "s/^$1=//p" | head -n 1
}

# Every buffer that was granted is one that its device can use.
check_granted_well()
{
	check "$1: in reach" [ "$(value bad_reach)" = 0 ]
	check "$1: zeroed" [ "$(value bad_zero)" = 0 ]
	check "$1: aligned" [ "$(value bad_align)" = 0 ]
}

# request NAME DEVICE CONTEXT KIND COUNT SIZE: all must be granted
request()
{
	local name="$1" dev="$2"

	shift 2
	ctl "$dev" alloc "$@"
	check_groups "$name: all granted" [ "$(value granted)" = "$3" ]
	check_granted_well "$name"
}

# intact NAME DEVICE SAMPLES: through the device, and by tag
intact()
{
	ctl "$2" roundtrip "$3" "$seed"
	check "$1: data survives the device" all_intact
	ctl "$2" verify
	check "$1: no buffer was overwritten" all_intact
}

all_intact()
{
	echo "$result" | awk '
		{ for (i = 1; i <= NF; i++) { split($i, kv, "="); v[kv[1]] = kv[2] }
		  n++; if (v["intact"] != v["sampled"] v["buffers"]) bad = 1 }
		END { exit bad || !n }'
}

# enough GOT ASKED PERCENT
enough()
{
	[ $(($1 * 100)) -ge $(($2 * $3)) ] && return
	[ "$dmag" = off ] || explain
	return 1
}

# row WHAT ASKED GOT PERCENT [KEY=VALUE...]: a line of the table of results.py. With groups PERCENT of what is asked for must be got.
# stock=fails: without groups it must not be, or the load proves nothing.
# stock=none: only groups have this line.
row()
{
	local what="$1" asked="$2" got="$3" percent="$4"

	shift 4
	say "ROW scenario=$scenario what=$what asked=$asked got=$got percent=$percent $*"
	check_groups "$what: $percent % of $asked" enough "${got:-0}" "$asked" "$percent"
}

# limit_row WHAT LIMIT VALUE [KEY=VALUE...]: a line for what must not be more.
limit_row()
{
	local what="$1" limit="$2" got="$3"

	shift 3
	say "ROW scenario=$scenario what=$what limit=$limit got=$got $*"
	check_groups "$what: at most $limit" [ "${got:-$((limit + 1))}" -le "$limit" ]
}

vmstat()
{
	awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat
}

# stream: read /disk/big over and over, until the reader is killed
stream()
{
	while dd if=/disk/big of=/dev/null bs=1M 2>/dev/null; do
		:
	done
}

# disk_on DEVICE: an empty file system at /disk
disk_on()
{
	mkdir -p /disk
	mke2fs "$1" >/dev/null 2>&1
	check "a disk" mount -t ext2 "$1" /disk
}

swap_on()
{
	mkswap "$1" >/dev/null
	check "swapping to $1" swapon "$1"
}

# swap_load MIB: until end_swap_load(), processes want so much more memory than there is, one
# writes files and one reads them. Returns when tasks reclaim directly.
swap_load()
{
	local mib

	disk_on /dev/vda
	swap_on /dev/vdb
	truncate -s 1G /disk/big
	mib=$(awk -v more="$1" '$1 == "MemAvailable:" { print int($2 / 1024) + more }' /proc/meminfo)
	# For an hour, that is until they are told to end.
	background /bin/load anon "$mib" 3600 "$seed"
	background /bin/load write /disk 3600 "$seed"
	stream &
	streamer=$!
	until [ "$(vmstat pgscan_direct)" -gt 0 ]; do usleep 100000; done
}

end_swap_load()
{
	kill "$streamer"
	killall -TERM load
	joined
}

counter()
{
	awk -v name="$1" '$1 == name { print $2 }' $debug/dmag/counters 2>/dev/null
}

groups_are()
{
	[ "$(counter groups)" = $(($1 + groups_at_boot)) ]
}

show_groups()
{
	[ -e $debug/dmag/groups ] || return 0
	say "GROUPS, $1"
	tell GROUPS <$debug/dmag/groups
	tell COUNTERS <$debug/dmag/counters
}

# check_valid: all invariants of all groups
check_valid()
{
	[ "$dmag" = on ] || return 0
	tell VALIDATE <$debug/dmag/validate
	check "the groups are valid" grep -q ok $debug/dmag/validate
}

# conversions: how often the test platform has converted memory
conversions()
{
	echo $(($(cat $debug/cc_test/to_shared) + $(cat $debug/cc_test/to_private)))
}

# await COMMAND...: until it succeeds, for a minute or so
await()
{
	local tenths=0

	until "$@"; do
		[ $tenths -lt 600 ] || return
		usleep 100000
		tenths=$((tenths + 1))
	done
}

# A group that its last member left gives its memory back in the background.
await_groups()
{
	await groups_are "$1"
}

# fact DEVICE KEY: the value of a key, for the group that the device is a member
# of; several ranges are "first-last,first-last"
fact()
{
	[ -e $debug/dmag/groups ] || return 0
	awk -v dev="$1" -v key="$2" '
		$1 == "group" { value = "" }
		$1 == key { value = value (value == "" ? "" : ",") $2 (NF > 2 ? "-" $3 : "") }
		$1 == "member" && $2 == dev && $NF != "streaming" { print value }' $debug/dmag/groups
}

protected()
{
	[ "$(fact "$1" protected)" = "$(fact "$1" goal)" ]
}

# A board's drivers load long before anything else fills its memory.
await_protected()
{
	[ "$dmag" = on ] || return 0
	check "$1: its capacity goal is protected" await protected "$1"
}

# acpica_bound sort|sort -r: the lowest address of the ACPI interpreter, or the highest
acpica_bound()
{
	grep -E ' [tT] acpi_(ds|ut)_[a-z_0-9]+$' /proc/kallsyms | "$@" |
		sed 's/ .*//; s/^/0x/; q'
}

# Failing allocations, silently, for a trace is a splat; only in tasks that ask. Not in
# the ACPI interpreter, which uses freed memory if one of its allocations fails.
prepare_faults()
{
	local kind first last

	first=$(acpica_bound sort)
	last=$(acpica_bound sort -r)
	for kind in failslab fail_page_alloc; do
		check "$kind is there" [ -d $debug/$kind ]
		echo "$first" >$debug/$kind/reject-start
		echo "$last" >$debug/$kind/reject-end
		echo 0 >$debug/$kind/verbose
		echo Y >$debug/$kind/task-filter
		echo N >$debug/$kind/ignore-gfp-wait
		echo -1 >$debug/$kind/times
	done
	echo 0 >$debug/fail_page_alloc/min-order
}

# fault_rate PERCENT: of allocations that fail
fault_rate()
{
	echo "$1" >$debug/failslab/probability
	echo "$1" >$debug/fail_page_alloc/probability
}

# faulty WORDS FILE: write with allocations failing at the rate that is set. A
# shell of its own, which forks no more.
faulty()
{
	(
		echo 1 >/proc/self/make-it-fail
		echo "$1" >"$2"
	) 2>/dev/null
}

# faulty_nth NUMBER WORDS FILE: write, and that allocation of it fails. False if there
# were fewer.
faulty_nth()
{
	(
		echo "$1" >/proc/self/fail-nth
		echo "$2" >"$3"
		read -r left </proc/self/fail-nth
		[ "${left:-0}" = 0 ]
	) 2>/dev/null
}

mem_free_kib()
{
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}

# background COMMAND...: until joined() judges how it ended
background()
{
	{ "$@" || echo "$*" >>/tmp/failed; } &
}

joined()
{
	wait
	check "every load in the background ended well" [ ! -e /tmp/failed ]
	[ ! -e /tmp/failed ] || tell FAILED </tmp/failed
}

settle()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	usleep 300000
}

# fill MIB [NAME]: movable pages of shared memory, as a loaded machine has them.
# Given pages, not written to: an emulated CPU would take a minute for that.
fill()
{
	local file="${2:-load}"

	if [ ! -d /fill ]; then
		mkdir /fill
		mount -t tmpfs -o size=100% tmpfs /fill
	fi
	fallocate -l "${1}M" "/fill/$file" || check "filling $1 MiB" false
	say "LOAD $1 MiB, at $(uptime_s) s, $(mem_free_kib) KiB free"
}

unfill()
{
	umount /fill
	rmdir /fill
}

# fragment MIB: hours of a board's life in seconds. Files come and go in shared memory
# and in the page cache, while a module allocates and frees MIB of unmovable pages of
# mixed sizes. The kernel's command line may say how long.
fragment()
{
	local shared=900

	if [ "$flavour" = debug ]; then
		: "${seconds:=8}" "${turns:=100000}"
		shared=500
	fi
	: "${seconds:=15}" "${turns:=3000000}"
	disk_on /dev/vda
	fill $shared
	mkdir -p /fill/files /disk/files
	# Holes, read: page cache without waiting for the disk.
	truncate -s 2G /disk/big
	background /bin/load write /disk/files "$seconds" "$seed"
	background /bin/load write /fill/files "$seconds" "$seed"
	background dd if=/disk/big of=/dev/null bs=1M 2>/dev/null
	press fragment "$1" "$turns" "$seed"
	joined
	grep -E '^(MemFree|Cached|CmaFree)' /proc/meminfo | tell MEMINFO
	say "FRAGMENTED at $(uptime_s) s"
	tell BUDDYINFO </proc/buddyinfo
	show_groups "fragmented"
}

unfragment()
{
	press unhog
	unfill
	umount /disk
}
