#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag record on a made-up /proc and /sys, and dmag report on what it wrote.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

root=$(cd "$work" && pwd)/root
debug=$root/sys/kernel/debug/dmag
instance=$root/sys/kernel/tracing/instances/dmag-record
mkdir -p "$debug" "$root/proc" "$instance/events/dmag"

# sample FREE USED ATOMIC FAILED [MORE]: one group as the kernel shows it
sample()
{
	cat <<END
group 1
kind restricted
members 1
reach 0x1000 0xfffffff
frames 65535
owned $(($1 + $2))
free $1
used $2
min 512
low 768
high 1024
alloc 10
alloc_atomic $3
alloc_atomic_fail $4
claim 3
new_number 17
member 0000:00:01.0 mask 0xfffffff windows 0 used $2
END
	printf '%s' "${5:-}"
}

# A pipe gives each reader the next sample: one writer at a time.
samples()
{
	sample 1024 0 0 0 'group 2
kind restricted
free 5
' >"$debug/groups"
	sleep 0.5
	sample 256 768 900 4 >"$debug/groups"
	sleep 0.5
	sample 256 768 900 4 >"$debug/groups"
	sleep 0.5
	sample 1024 16 1000 4 >"$debug/groups"
}

printf 'MemTotal: 1000 kB\nMemFree:  4096 kB\nMemAvailable: 8192 kB\n' >"$root/proc/meminfo"
cat >"$instance/trace_pipe" <<'END'
    kworker-7 [000] ..... 1.0: dmag_claim: group=1 pfn=0x100-0x1ff by=free
    kworker-7 [000] ..... 1.1: dmag_claim: group=1 pfn=0x200-0x20f by=free
    kworker-7 [000] ..... 1.1: dmag_claim: group=1 pfn=0x300-0x3ff by=migrate
    storm-9 [001] d.h.. 1.2: dmag_alloc_fail: device=0000:00:01.0 group=1 pages=16 atomic
    storm-9 [001] d.h.. 1.3: dmag_adapt: group=1 min=512 low=768 high=1024
    storm-9 [001] d.h.. 1.3: sched_switch: prev_comm=dmag_claim
END

mkfifo "$debug/groups"
samples &
status 0 record "$dmag" record --root "$root" --count 4 --delay 0.1 -o "$work/record"
wait
cp "$work/record" "$work/out"
has 'a form that report knows' '^dmag-record 1$'
[ "$(grep -c '^sample ' "$work/record")" = 4 ]
verdict $? 'four samples'
[ "$(grep -c '^new_number 17$' "$work/record")" = 1 ]
verdict $? 'a line that stays is written once'
[ "$(grep -c '^free ' "$work/record")" = 4 ]
verdict $? 'a line that changes is written again'
has 'an unknown number' '^new_number 17$'
has 'a member' '^member 0000:00:01.0 mask 0xfffffff windows 0 used 768$'
has 'a group that went' '^gone 2$'
has 'claims by rung' '^event 1 claim.free 2 272$'
has 'claims by another rung' '^event 1 claim.migrate 1 256$'
has 'a refusal' '^refused 1 0000:00:01.0 16 atomic$'
has 'the host' '^host MemFree 4096$'
hasnt 'no other event' 'sched|event 0'

status 0 report "$dmag" report --svg "$work/r.svg" --html "$work/r.html" "$work/record"
has 'what it is' '^[0-9.]+ s, 4 samples, 2 groups$'
has 'the row of a group' '^ *1 3 MiB 1 MiB 4 MiB [0-9.]+ 1000 0 0 4$'
has 'a group that went' '^group 2 restricted, gone at'
has 'the reserve' '^ reserve \|#!!#\|$'
has 'a member' '^ member 0000:00:01.0: held 3 MiB at most$'
has 'events' '^ event claim.free: 2 times, 1.1 MiB$'
has 'a refusal' '^ refused at 0.0 s: 0000:00:01.0, 16 pages, atomic$'
has 'the host' '^host MemAvailable: 8 MiB at least, 8 MiB at the end$'
for file in r.svg r.html; do
	cp "$work/$file" "$work/out"
	has "$file: groups" '>group 1, restricted<'
	has "$file: a mark" 'refused: 0000:00:01.0, 16 pages, atomic'
	has "$file: dark" 'prefers-color-scheme:dark'
done
xmllint --noout "$work/r.svg" 2>"$work/err"
verdict $? 'the picture is XML' "$(cat "$work/err")"
has 'tables' '<td>claim.migrate</td><td>1</td><td>256</td>'

# Three samples have one rate: a dot.
status 0 'a short record' "$dmag" report --svg "$work/short.svg" "$here/records/storm.record"
grep -q 'class="line free" d="M[0-9.]* [0-9.]*h0"' "$work/short.svg" && grep -q 'stroke-linecap:round' "$work/short.svg"
verdict $? 'a line of one value is a dot'

# Hostile and broken records.
status 0 'standard input' sh -c "'$dmag' report - <'$work/record'"
printf 'dmag-record 2\nsample 0\n' >"$work/newer"
status 1 'a newer form' "$dmag" report "$work/newer"
has 'a newer form' 'a newer dmag wrote' err
echo 'group 1' >"$work/other"
status 1 'no record' "$dmag" report "$work/other"
has 'no record' 'this is no record' err
echo 'dmag-record 1' >"$work/empty"
status 1 'no sample' "$dmag" report "$work/empty"
has 'no sample' 'has no sample' err
status 1 'no file' "$dmag" report "$work/none"
printf 'dmag-record 1\nsample nan\ngroup \033[31m<x>\nfree 18446744073709551615\nhigh 0\nevent 1\nrefused 1 x\nsample -5\ngone 1\n' >"$work/hostile"
status 0 'hostile' "$dmag" report --svg "$work/h.svg" "$work/hostile"
hasnt 'no escape' "$(printf '\033')"
xmllint --noout "$work/h.svg" 2>"$work/err"
verdict $? 'the hostile picture is XML' "$(cat "$work/err")"

rm -r "$root/sys"
status 1 'no groups' "$dmag" record --root "$root" --count 1
has 'no groups' 'debug/dmag/groups: No such file' err
has 'no tracer' 'no trace events: is tracefs mounted' err
status 1 'no place' "$dmag" record -o "$work/none/record" --count 1
for bad in --delay=0 --count=x more; do
	status 2 "record $bad" "$dmag" record "$bad"
done
status 2 'two records' "$dmag" report "$work/record" "$work/record"
for command in record report; do
	status 0 "$command help" "$dmag" $command --help
	has "$command help" "^usage: dmag $command"
done
finish
