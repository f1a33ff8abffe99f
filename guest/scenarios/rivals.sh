# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Two tasks ask at once, on a machine that swaps, so that each claim has to make room
# first: for two devices of one group, then for two of different groups.
#: memory=1G
#: devices=29 29 28
#: disks=4G
#: flavours=compare
#: timeout=200
#: append=swiotlb=2048

count=320

# answer NAME DEVICE: to its last request
answer()
{
	result=$(cat "$edu/$2/ctl")
	say "CTL $2 alloc: $result"
	check_granted_well "$1"
	row "$1" $count "$(value granted)" 95 stock=any size=64K ns="$(value ns)" \
		p99_ns="$(value p99_ns)" max_ns="$(value max_ns)"
}

# both NAME DEVICE OTHER
both()
{
	local first second

	say "LOAD $(mem_free_kib) KiB free"
	echo "alloc block coherent $count 65536 8" >"$edu/$2/ctl" &
	first=$!
	echo "alloc block coherent $count 65536 8" >"$edu/$3/ctl" &
	second=$!
	check "$1: both were answered" wait $first $second
	answer "$1_a" "$2"
	answer "$1_b" "$3"
	show_groups "$1"
	ctl "$2" free block
	ctl "$3" free block
	# What they leave goes back, and the load takes it.
	usleep 2000000
}

load 29,29,28
# shellcheck disable=SC2086 # one device a word
set -- $devices
for dev in $devices; do
	await_protected "$dev"
done
swap_on /dev/vda
background /bin/load anon 1200 3600 "$seed"
usleep 10000000

both one_group "$1" "$2"
both two_groups "$1" "$3"
killall -TERM load
joined
unload
check_groups "none is left" await_groups 0
