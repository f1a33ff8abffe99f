# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A PolarFire Icicle (report 7): 768 MiB in a low bank, 1 GiB in a high one, and
# a device with 32 bits, which reaches the low bank alone. That bank is full of
# shared memory and the high one is free, yet without groups not even single
# pages are to be had. Here the banks are at 0 and 4 GiB.
#: memory=1792M
#: devices=32
#: qemu=-machine max-ram-below-4g=768M
#: flavours=compare
#: timeout=120
#: append=swiotlb=2048

load 32
dev=$devices
await_protected "$dev"
# The first file lies in the high bank, the second takes what the low one has.
fill 900 high
fill $(($(mem_free_kib) / 1024 - 40)) low
rm /fill/high
say "LOAD $(mem_free_kib) KiB free"
check "the high bank is free" [ "$(mem_free_kib)" -gt 900000 ]
show_groups "low bank full"

moved=$(vmstat pgmigrate_success)
ctl "$dev" alloc block coherent 25600 4096 16
check_granted_well "pages"
row pages 25600 "$(value granted)" 100 stock=fails size=4K ns="$(value ns)" \
	max_ns="$(value max_ns)" moved=$(($(vmstat pgmigrate_success) - moved)) report=7
ctl "$dev" alloc block coherent 1 67108864 1
check_granted_well "64 MiB"
row 64M 1 "$(value granted)" 100 stock=fails size=64M ns="$(value ns)" report=7
intact "both" "$dev" 4
ctl "$dev" free block
unload
check_groups "none is left" await_groups 0
