# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# How long a driver waits that sets its mask on a full machine: the first fill
# of a new group ends after 250 ms, plus the candidate that is under way. Shared
# memory fills 5.4 of 6 GiB, what is free lies above 4 GiB, and what the zones
# keep for such devices is given up, so that the groups must move pages.
#: memory=6G
#: devices=36 36 36
#: flavours=compare
#: timeout=200
#: append=swiotlb=2048

# And for that candidate as much again.
limit_ms=500

load 36,36,36
echo 4096 >/proc/sys/vm/min_free_kbytes
echo 100000 100000 100000 100000 >/proc/sys/vm/lowmem_reserve_ratio
# The first file lies above 4 GiB, the second takes all but a little of the rest,
# and a module that little.
fill 400 first
fill 5450
press hog 8
rm /fill/first
say "LOAD $(mem_free_kib) KiB free"
bits_left="30 28 24"
for dev in $devices; do
	bits=${bits_left%% *}
	bits_left=${bits_left#* }
	moved=$(vmstat pgmigrate_success)
	ctl "$dev" mask "$bits"
	check "$bits bits: accepted" [ "$(value err)" = 0 ]
	limit_row "mask_$bits" $limit_ms $(($(value ns) / 1000000)) unit=ms \
		moved=$(($(vmstat pgmigrate_success) - moved))
done
show_groups "created"
unload
check_groups "none is left" await_groups 0
