# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Conversions that fail, before and after the page tables were changed: memory in an
# unknown state is never used again, neither by a device nor by the kernel.
#: memory=2G
#: devices=32 24
#: flavours=debug
#: append=cc_test swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM|__set_memory_enc_pgtable|Call Trace:
#: timeout=200

test=$debug/cc_test

lost()
{
	cat $test/failed
}

# Groups convert a block at a time here. A request that the group cannot serve goes on
# without it, and leaks pages that cannot be converted, as on stock.
quarantine_is_exact()
{
	[ "$(counter quarantined)" = $((512 * $(counter convert_fail))) ] &&
		[ "$(counter quarantined)" -le "$(lost)" ]
}

load 32,24
# shellcheck disable=SC2086 # one device a word
set -- $devices
check_groups "both groups are filled" await protected "$1"
check "nothing is lost yet" [ "$(lost)" = 0 ]
for every in 2 3 1; do
	echo $every >$test/fail_every
	for dev in $devices; do
		# More than the reserve has, so that it climbs.
		ctl "$dev" alloc block coherent 64 65536
		check_granted_well "$dev, each $every. conversion fails"
		intact "$dev, each $every. conversion fails" "$dev" 2
		ctl "$dev" alloc irqoff coherent 64 4096
		check_granted_well "$dev, atomic, each $every. conversion fails"
		ctl "$dev" free block
		ctl "$dev" free block
	done
	echo 0 >$test/fail_every
	for dev in $devices; do
		request "$dev, conversions work again" "$dev" block coherent 64 65536
		intact "$dev, conversions work again" "$dev" 2
		ctl "$dev" free block
	done
	show_groups "each $every. conversion failed"
	check_groups "quarantine has what could not be converted" quarantine_is_exact
	check_groups "the groups are valid" grep -q ok $debug/dmag/validate
done
check "conversions failed" [ "$(lost)" -gt 0 ]
echo 2 >$test/fail_every
unload
sleep 12
echo 0 >$test/fail_every
show_groups "unbound"
check_groups "quarantine has what could not be converted" quarantine_is_exact
check_groups "nothing is in use" [ "$(counter used)" = 0 ]
check_groups "the groups are valid" grep -q ok $debug/dmag/validate
