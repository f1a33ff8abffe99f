# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Streaming mappings of memory that devices do not reach, where all memory is below 4 GiB,
# so that there is no pool at boot. All CPUs are of node 1, beyond the devices' reach, so
# that what they map is there.
#: memory=2G
#: devices=30 28
#: qemu=-object memory-backend-ram,id=node0,size=1G -object memory-backend-ram,id=node1,size=1G -numa node,nodeid=0,memdev=node0 -numa node,nodeid=1,cpus=0-1,memdev=node1
#: flavours=compare
#: allow=DMA-API: cacheline tracking ENOMEM
#: stock_allow=WARNING: CPU: .* dma_map_page_attrs
#: timeout=150

masks=30,28

# shellcheck disable=SC1091 # the guest has it
. /scenarios/bounce.sh
