# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A machine at work: its memory is full of page cache, clean and dirty, and of
# anonymous memory, with a disk to swap to. A reader, a writer and a process
# that works on its memory go on and check their data, while a 30-bit device
# takes 64 KiB buffers until it is refused. The judge is what
# alloc_contig_range() can empty when it is gone, the load still going on.
#: memory=3G
#: devices=30
#: disks=4G 4G
#: flavours=compare
#: timeout=300
#: append=swiotlb=2048

load 30
dev=$devices
await_protected "$dev"
disk_on /dev/vda
mkdir /disk/files
swap_on /dev/vdb
check "a file to read" /bin/load make /disk/file 700 "$seed"
truncate -s 2G /disk/big
dd if=/disk/big of=/dev/null bs=1M 2>/dev/null
# For an hour, that is until they are told to end.
background /bin/load anon 900 3600 "$seed"
background /bin/load read /disk/file 3600 "$seed"
background /bin/load write /disk/files 3600 "$seed"
usleep 8000000
grep -E '^(MemFree|Cached|Dirty|AnonPages|SwapFree)' /proc/meminfo | tell MEMINFO
say "AT WORK at $(uptime_s) s"

moved=$(vmstat pgmigrate_success)
out=$(vmstat pswpout)
ctl "$dev" alloc block coherent 16384 65536
check_granted_well "at work"
got=$(value granted) ns=$(value ns) max_ns=$(value max_ns)
say "TAKEN at $(uptime_s) s"
intact "at work" "$dev" 4
show_groups "at work"
moved=$(($(vmstat pgmigrate_success) - moved)) out=$(($(vmstat pswpout) - out))
unload
check_groups "none is left" await_groups 0
# What the load leaves to be claimed differs from boot to boot; stock gets next to nothing.
asked=16384 percent=50
if [ "$dmag" = on ]; then
	press contig 16 1024 32
	asked=$(($(value mib) * 16)) percent=95
fi
row work $asked "$got" $percent stock=fails size=64K ns="$ns" max_ns="$max_ns" \
	moved=$moved swapped=$out
killall -TERM load
joined
