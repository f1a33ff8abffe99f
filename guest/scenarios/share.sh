# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Equal constraints share a group; another mask makes another group; the last
# member's unbinding removes it.
#: memory=2G
#: devices=28 28 24

load 28,28,24
# shellcheck disable=SC2086 # one device a word
set -- $devices
check_groups "two groups for three devices" groups_are 2
show_groups "three devices"
request "first of two" "$1" block coherent 32 65536
request "second of two" "$2" block coherent 32 65536
request "the other mask" "$3" block coherent 8 65536
intact "first of two" "$1" 4
intact "second of two" "$2" 4
intact "the other mask" "$3" 4

echo "$1" >$pci/unbind
check_groups "a member is left" groups_are 2
ctl "$2" verify
check "the other member's buffers are untouched" all_intact
echo "$2" >$pci/unbind
check_groups "the last member takes its group along" await_groups 1
show_groups "one device"

echo "$1" >$pci/bind
check_groups "binding again makes it again" await_groups 2
request "bound again" "$1" block coherent 32 65536
echo "$1" >$pci/unbind
unload
check_groups "none is left" await_groups 0
show_groups "none"
