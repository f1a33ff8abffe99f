# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A Raspberry Pi 4 (report 1): legacy devices reach the lowest of four gigabytes,
# PCIe three of them, and one zone boundary cannot serve both: where PCIe takes
# what the legacy devices need, they starve beside free memory. Before anybody
# uses the legacy device nothing is set aside for it (report 2).
#: memory=4G
#: devices=32 30
#: qemu=-machine pc
#: flavours=compare
#: timeout=120
#: append=swiotlb=2048

load 32,32
# shellcheck disable=SC2086 # one device a word
set -- $devices
pcie=$1 legacy=$2
check_groups "a device that has said nothing yet has the group of all 32-bit devices" groups_are 1

# 2 GiB, then half of the lowest gigabyte.
ctl "$pcie" alloc block coherent 32768 65536 16
check_granted_well "pcie"
row pcie 32768 "$(value granted)" 100 stock=any size=64K ns="$(value ns)" low="$(value low)" report=1
ctl "$legacy" mask 30
check "the legacy device is accepted" [ "$(value err)" = 0 ]
ctl "$legacy" alloc block coherent 8192 65536 16
check_granted_well "legacy"
row legacy 8192 "$(value granted)" 100 stock=fails size=64K ns="$(value ns)" report=1
show_groups "both"
intact "pcie" "$pcie" 3
intact "legacy" "$legacy" 3
for dev in $devices; do
	ctl "$dev" free block
done
unload
check_groups "none is left" await_groups 0
