# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Two nodes, 1 and 5 GiB. A mask of 32 bits reaches all of node 0 and 1 GiB of node 1,
# one of 30 bits node 0 alone. Requests are served from the device's node first, then
# from others, also if the task that asks is confined to node 1. A device that reaches
# all memory has no group's reserve, so that a request of GFP_USER keeps to that node.
#: memory=6G
#: devices=32 32 40
#: disks=1G
#: qemu=-smp 2,sockets=2,cores=1 -object memory-backend-ram,id=node0,size=1G -object memory-backend-ram,id=node1,size=5G -numa node,nodeid=0,cpus=0,memdev=node0 -numa node,nodeid=1,cpus=1,memdev=node1
#: flavours=compare
#: timeout=200
#: append=swiotlb=2048 numa_balancing=disable

gib=$((1 << 30))

# confine MEMS: this task and its children to nodes
confine()
{
	echo "$1" >/cgroup/nodes/cpuset.mems
}

node_free_mib()
{
	awk '$3 == "MemFree:" { print int($4 / 1024) }' "/sys/devices/system/node/node$1/meminfo"
}

# on_node NODE: whether the last request got memory there alone
on_node()
{
	[ "$(value granted)" -gt 0 ] || return 1
	if [ "$1" -eq 0 ]; then
		[ $(($(value high))) -lt $gib ]
	else
		[ $(($(value low))) -ge $gib ]
	fi
}

# answer NAME DEVICE COUNT SIZE STOCK [CONTEXT]: all held at once
answer()
{
	ctl "$2" alloc "${6:-block}" coherent "$3" "$4" 4
	check_granted_well "$1"
	row "$1" "$3" "$(value granted)" 100 stock="$5" size="$(($4 / 1024))K" ns="$(value ns)" \
		p99_ns="$(value p99_ns)" max_ns="$(value max_ns)"
}

mkdir /cgroup
mount -t cgroup2 cgroup2 /cgroup
echo +cpuset >/cgroup/cgroup.subtree_control
mkdir /cgroup/nodes
confine 0-1
echo $$ >/cgroup/nodes/cgroup.procs
check "a task can be confined" confine 0-1

load 32,32,40
# shellcheck disable=SC2086 # one device a word
set -- $devices
wide=$1 narrow=$2 all=$3
for dev in $devices; do
	echo 0 >"/sys/bus/pci/devices/$dev/numa_node"
done

# Both nodes have free memory in reach. The reserve, which has no node, is too small for
# these buffers; and no other group makes claims prefer a part of the reach.
await_protected "$wide"
answer node0_4M "$wide" 32 4194304 any
check "node 0 serves its device" on_node 0
echo 1 >"/sys/bus/pci/devices/$wide/numa_node"
answer node1_4M "$wide" 32 4194304 any
check "node 1 serves its device" on_node 1
ctl "$wide" free block
echo 0 >"/sys/bus/pci/devices/$wide/numa_node"

# Beyond the largest order of the page allocator.
answer all_24M "$all" 1 25165824 fails
check_groups "node 0 serves its device first" on_node 0
ctl "$all" free block
confine 1
answer all_user_24M "$all" 1 25165824 fails user
check_groups "node 1 serves its task" on_node 1
ctl "$all" free block
confine 0-1

ctl "$narrow" mask 30
await_protected "$narrow"

# Node 0 is full of shared memory, node 1 is free.
confine 0
fill $(($(node_free_mib 0) - 60)) zero
say "LOAD node 0 has $(node_free_mib 0) MiB free, node 1 $(node_free_mib 1)"
confine 1
answer full_64K "$narrow" 2048 65536 fails
ctl "$narrow" free block
answer spread_64K "$wide" 2048 65536 any
ctl "$wide" free block

# The same of page cache: there is nothing to move, but the task may not reclaim there.
unfill
confine 0
disk_on /dev/vda
truncate -s 2G /disk/big
dd if=/disk/big of=/dev/null bs=1M 2>/dev/null
say "LOAD node 0 has $(node_free_mib 0) MiB free, node 1 $(node_free_mib 1)"
confine 1
answer cache_64K "$narrow" 4096 65536 fails
ctl "$narrow" free block
show_groups "cache"
unload
umount /disk
check_groups "none is left" await_groups 0
