# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Masks set twice, changed with buffers outstanding, and written directly.
#: memory=6G
#: debug_memory=5G
#: devices=36 36

load 32,36
# shellcheck disable=SC2086 # one device a word
set -- $devices
check_groups "32 bits are restricted here, 36 are not" groups_are 1
request "32 bits" "$1" block coherent 16 65536

ctl "$1" mask 32
check_groups "the same mask again changes nothing" groups_are 1
ctl "$1" verify
check "its buffers are untouched" all_intact

ctl "$1" mask 28
check "a smaller mask is accepted" [ "$(value err)" = 0 ]
show_groups "after 28 bits"
request "28 bits" "$1" block coherent 16 65536
request "28 bits, atomic" "$1" irqoff coherent 16 4096
ctl "$1" mask 24
request "24 bits" "$1" block coherent 4 65536
ctl "$1" verify
check "buffers of all three masks are untouched" all_intact
ctl "$1" mask 36
check_groups "the old groups stay while they own buffers or go" [ "$(counter groups)" -le 3 ]
request "36 bits" "$1" block coherent 16 65536
ctl "$1" free block
check_groups "no group is left when nobody is restricted" await_groups 0

# A probe that is deferred again and again, or fails, leaves the driver core each time.
ctl "$1" mask 32
round=0 claimed=$(counter claim_frames) released=$(counter release_frames)
while [ $round -lt 50 ]; do
	echo "$1" >$pci/unbind
	echo "$1" >$pci/bind
	round=$((round + 1))
done
check_groups "50 probes claim nothing" [ "$(counter claim_frames)" = "$claimed" ]
check_groups "50 probes release nothing" [ "$(counter release_frames)" = "$released" ]
ctl "$1" mask 36
check_groups "at last the group ends" await_groups 0

ctl "$2" poke 30
request "written directly" "$2" block coherent 64 65536
check_groups "the written mask made a group" await_groups 1
intact "written directly" "$2" 4
ctl "$2" poke 26
request "written directly again" "$2" block coherent 16 65536
ctl "$2" verify
check "both lots are untouched" all_intact
ctl "$2" free softirq
ctl "$2" poke 36
request "written back" "$2" block coherent 16 65536
ctl "$2" free block

unload
check_groups "none is left" await_groups 0
show_groups "none"
