# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Two things that a claim must not wait for. A real-time task never lets go of an
# isolated CPU, as pollers of packets do; and on a machine full of shared memory one
# page in each 2 MiB below 256 MiB stays locked for good, as that of storage which
# no longer answers. A 28-bit device takes buffers, and meanwhile another device,
# which reaches everything, sets its mask.
#: memory=3G
#: cpus=4
#: devices=28 36
#: flavours=compare debug
#: timeout=120
#: append=isolcpus=3

now_ms()
{
	awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

spin_on()
{
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	[ ! -e "$debug/sched/fair_server/cpu$1" ] ||
		echo 0 >"$debug/sched/fair_server/cpu$1/runtime"
	background /bin/load spin "$1" >/tmp/spins
	until [ -s /tmp/spins ] || [ -e /tmp/failed ]; do usleep 200000; done
}

load 28,36
# shellcheck disable=SC2086 # one device a word
set -- $devices
fill $(($(mem_free_kib) / 1024 - 200))

spin_on 3
ctl "$1" alloc block coherent 64 65536
check_granted_well "beside a real-time task"
row spins 64 "$(value granted)" 100 stock=any size=64K ns="$(value ns)" max_ns="$(value max_ns)"
ctl "$1" free block
killall -TERM load
joined

press lock 0 256
check "pages are locked" [ "$(value locked)" -gt 50 ]
(
	ctl "$1" alloc block coherent 400 65536
	echo "$result" >/tmp/taken
) &
usleep 20000
start=$(now_ms)
ctl "$2" mask 64
limit_row mask 100 $(($(now_ms) - start))
wait
result=$(cat /tmp/taken)
check_granted_well "beside locked pages"
row locked 400 "$(value granted)" 60 stock=any size=64K ns="$(value ns)" max_ns="$(value max_ns)"
show_groups "with locked pages"
ctl "$1" free block
press unlock
unload
unfill
check_groups "none is left" await_groups 0
