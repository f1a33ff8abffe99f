# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Every way to ask, from contexts that may sleep and that may not.
#: memory=2G
#: devices=28 24
#: flavours=normal debug rt
#: timeout=150

load 28,24
for dev in $devices; do
	for kind in coherent nokmap pages noncoherent; do
		request "$dev $kind" "$dev" block $kind 8 16384
		request "$dev $kind irqs off" "$dev" irqoff $kind 16 4096
		request "$dev $kind softirq" "$dev" softirq $kind 4 8192
		intact "$dev $kind" "$dev" 2
		ctl "$dev" free softirq
		check "$dev $kind: freed in a softirq" [ "$(value freed)" = all ]
	done
	# Odd sizes: one byte, and one page more than a power of two.
	request "$dev one byte" "$dev" block coherent 4 1
	request "$dev 17 pages" "$dev" block coherent 4 69632
	ctl "$dev" free block
done
show_groups "after all"
unload
check_groups "none is left" await_groups 0
