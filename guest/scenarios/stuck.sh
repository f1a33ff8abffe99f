# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Two things that a claim must not wait for. On a machine full of shared memory, one
# page in each 2 MiB below 256 MiB stays locked for good, as those of storage that no
# longer answers: a 28-bit device takes buffers, and at that time another, which
# reaches everything, sets its mask. Then a real-time task never lets go of an
# isolated CPU, as pollers of packets do, while a 30-bit device takes buffers.
#: memory=3G
#: cpus=4
#: devices=28 30 36
#: flavours=compare debug
#: timeout=120
#: append=isolcpus=3

spin_on()
{
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	[ ! -e "$debug/sched/fair_server/cpu$1" ] ||
		echo 0 >"$debug/sched/fair_server/cpu$1/runtime"
	background /bin/load spin "$1" >/tmp/spins
	until [ -s /tmp/spins ] || [ -e /tmp/failed ]; do usleep 200000; done
}

load 28,30,36
# shellcheck disable=SC2086 # one device a word
set -- $devices
fill $(($(mem_free_kib) / 1024 - 200))

press lock 0 256
check "pages are locked" [ "$(value locked)" -gt 50 ]
(
	ctl "$1" alloc block coherent 400 65536
	echo "$result" >/tmp/taken
) &
usleep 20000
# A wait for the claims ends in the timeout of this guest. A lock that is held
# too long is lockdep's to find, since the host is shared and time says little.
ctl "$3" mask 64
row mask 1 $((1 - $(value err))) 100 stock=any ns="$(value ns)" max_ns="$(value ns)"
wait
result=$(cat /tmp/taken)
check_granted_well "beside locked pages"
row locked 400 "$(value granted)" 60 stock=any size=64K ns="$(value ns)" max_ns="$(value max_ns)"
show_groups "with locked pages"
press unlock

# What the first device holds stays, so that this one has to claim as well.
spin_on 3
ctl "$2" alloc block coherent 512 65536
check_granted_well "beside a real-time task"
row spins 512 "$(value granted)" 60 stock=any size=64K ns="$(value ns)" max_ns="$(value max_ns)"
killall -TERM load
joined
ctl "$1" free block
ctl "$2" free block
unload
unfill
check_groups "none is left" await_groups 0
