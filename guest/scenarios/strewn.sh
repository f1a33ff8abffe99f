# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Unmovable pages are strewn over all that a 28-bit device reaches, but for one run,
# which the reserve takes. A request for all of the run must get it.
#: memory=2G
#: devices=28
#: flavours=compare
#: timeout=120
#: append=swiotlb=2048

reserve_full()
{
	[ "$(fact "$devices" free)" -ge "$(fact "$devices" high)" ]
}

press strew 2 8 64
press strew 12 16 64
press strew 16 256 64
check "pages are strewn" [ "$(value taken)" -gt 2000 ]
load 28
[ "$dmag" = off ] || check "the reserve fills" await reserve_full
show_groups "strewn"
ctl "$devices" alloc block coherent 1 4194304 1
check_granted_well run
row run 1 "$(value granted)" 100 stock=any size=4M ns="$(value ns)"
show_groups "granted"
ctl "$devices" free block
unload
press unhog
check_groups "none is left" await_groups 0
