# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# A machine full of shared memory, without and then with somewhere to swap it:
# a 30-bit device takes 64 KiB buffers until it is refused. The judge is what
# alloc_contig_range() can empty in [16 MiB, 1 GiB) when the device is gone.
#: memory=6G
#: devices=30
#: disks=3G
#: flavours=compare
#: timeout=300
#: append=swiotlb=2048

take_all()
{
	local what="$1" got ns max_ns

	load 30
	ctl "$devices" alloc block coherent 16384 65536 2
	check_granted_well "$what"
	got=$(value granted) ns=$(value ns) max_ns=$(value max_ns)
	show_groups "$what"
	intact "$what" "$devices" 4
	unload
	check_groups "$what: none is left" await_groups 0
	press contig 16 1024 32
	row "$what" $(($(value mib) * 16)) "$got" 95 stock=fails size=64K ns="$ns" max_ns="$max_ns"
}

fill 5530
take_all tmpfs
swap_on /dev/vda
take_all tmpfs+swap
