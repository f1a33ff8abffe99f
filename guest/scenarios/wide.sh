# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# 16 GiB of memory, and 2 GiB more beyond the reach of 36 bits. A claim must find its
# memory in a large reach, first on an idle machine. Then the reach is full of shared
# memory, and all that is free lies beyond. Nothing writes to most of the memory, so
# that it costs the host none.
#: memory=16G,slots=1,maxmem=96G
#: devices=36
#: qemu=-object memory-backend-ram,id=ram,size=16G,reserve=off -machine memory-backend=ram -object memory-backend-ram,id=far,size=2G,reserve=off -device pc-dimm,memdev=far,addr=0x1100000000
#: flavours=compare
#: timeout=200
#: append=swiotlb=2048 memhp_default_state=offline

mem=/sys/devices/system/memory

# far STATE: of the memory beyond 36 bits
far()
{
	local block beyond size

	size=$((0x$(cat $mem/block_size_bytes)))
	beyond=$(((1 << 36) / size))
	for block in "$mem"/memory[0-9]*; do
		[ "${block##*/memory}" -lt $beyond ] || echo "$1" >"$block/state" || return
	done
}

# answer NAME COUNT SIZE STOCK: blocking, all held at once
answer()
{
	ctl "$devices" alloc block coherent "$2" "$3" 4
	check_granted_well "$1"
	row "$1" "$2" "$(value granted)" 100 stock="$4" size="$(($3 / 1024))K" ns="$(value ns)" \
		p99_ns="$(value p99_ns)" max_ns="$(value max_ns)"
}

check "far memory comes online" far online
load 36
await_protected "$devices"
answer idle_64K 2048 65536 any
answer idle_4K 4000 4096 any
answer idle_64M 1 67108864 fails
show_groups "idle"
ctl "$devices" free block

check "far memory goes offline" far offline
fill $(($(mem_free_kib) / 1024 - 160))
check "far memory comes online again" far online
say "LOAD $(mem_free_kib) KiB free"
show_groups "full"
answer full_64K 6144 65536 fails
answer full_4K 4000 4096 any
answer full_64M 1 67108864 fails
intact "full" "$devices" 4
show_groups "served"
ctl "$devices" free block
unload
check_groups "none is left" await_groups 0
