# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# How many instructions a pair of allocation and free costs. QEMU counts: the
# time stamp counter advances by one an instruction. Both systems run it;
# results.py compares. A kernel full of checkers is of no interest.
#: flavours=none
#: memory=2G
#: cpus=1
#: devices=28 24
#: qemu=-icount shift=0
#: append=tsc=reliable
#: timeout=150

load 28,24
# Per-CPU caches are made after the first request, in the background.
for dev in $devices; do
	ctl "$dev" cost block 10
done
sleep 1
for dev in $devices; do
	for context in block softirq; do
		ctl "$dev" cost $context 1000
		say "COST dev=$dev $result"
		check "$dev $context: counted" [ "$(value min)" -gt 0 ]
	done
done
show_groups "cost"
unload
