# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A machine full of shared memory, without and then with somewhere to swap it:
# a 30-bit device takes 64 KiB buffers until it is refused. The judge is what
# alloc_contig_range() can empty in [16 MiB, 1 GiB) when the device is gone, if it
# leaves the host 48 MiB: with 39 a fork found no page.
#: memory=6G
#: devices=30
#: disks=3G
#: flavours=compare
#: timeout=300
#: append=swiotlb=2048

# What claims leave the host, in pages more than they must: see room_of_zone().
# What lies on per-CPU lists is the host's as well.
host_margin()
{
	awk '
		function count() {
			free -= 2 * high - min
			if (free > 0) free = free > reserve ? free - reserve : 0
			room += free
		}
		$1 == "Node" { if (managed) count(); managed = free = 0 }
		$1 == "pages" && $2 == "free" { free = $3 }
		$1 == "min" || $1 == "high" || $1 == "managed" { value[$1] = $2 }
		$1 == "managed" { min = value["min"]; high = value["high"]; managed = $2 }
		$1 == "protection:" { split($0, part, "[(,]"); reserve = part[4] }
		$1 == "count:" { free += $2 }
		END { if (managed) count(); print room }' /proc/zoneinfo
}

take_all()
{
	local what="$1" got ns max_ns margin

	load 30
	ctl "$devices" alloc block coherent 16384 65536
	check_granted_well "$what"
	got=$(value granted) ns=$(value ns) max_ns=$(value max_ns) margin=$(host_margin)
	show_groups "$what"
	intact "$what" "$devices" 4
	unload
	check_groups "$what: none is left" await_groups 0
	press contig 16 1024 48
	say "MARGIN $what $margin pages"
	# Kernel memory of this script is of the normal zone, down from low to min: 1020 pages.
	# Three quarters of the margin of 6148 pages must be left.
	check_groups "$what: the host keeps its margin, but for what this script uses" \
		[ "$margin" -ge -1536 ]
	row "$what" $(($(value mib) * 16)) "$got" 95 stock=fails size=64K ns="$ns" max_ns="$max_ns"
}

fill 5530
take_all tmpfs
swap_on /dev/vda
take_all tmpfs+swap
