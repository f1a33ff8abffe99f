# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# How long atomic requests of a real-time task take on the real-time kernel, while
# another device of the group is asked from all contexts and pages of a file stream
# through memory, which is full. QEMU counts instructions, and the guest's clock
# advances by a nanosecond each: the host's load does not show. Both systems run it;
# results.py compares.
#: flavours=none
#: systems=rt rt-off
#: memory=3G
#: cpus=1
#: devices=32 32
#: disks=4G
#: qemu=-icount shift=0
#: append=tsc=reliable lockdep.prove_locking=0
#: timeout=300

load 32,32
# shellcheck disable=SC2086 # one device a word
set -- $devices
disk_on /dev/vda
truncate -s 3G /disk/big
fill $(($(mem_free_kib) / 1024 - 300))
stream &
streamer=$!
until [ "$(vmstat pgscan_kswapd)" -gt 0 ]; do usleep 100000; done
scanned=$(vmstat pgscan_kswapd)
(
	while [ ! -e /tmp/enough ]; do
		echo "churn 500 $seed" >"$edu/$2/ctl"
	done
) &
# The first requests have caches made in the background, and the reserve filled.
ctl "$1" latency 20 4096
sleep 1
for size in 4096 65536; do
	ctl "$1" latency 5000 $size
	say "LATENCY $result"
	check_groups "$size: all granted" [ "$(value granted)" = 5000 ]
done
touch /tmp/enough
kill $streamer
wait
check "memory was reclaimed" [ "$(vmstat pgscan_kswapd)" -gt "$scanned" ]
show_groups "latency"
unload
unfill
