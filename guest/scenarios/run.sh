# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The demonstration: devices of four reaches in a machine whose memory is full
# of movable pages. A device holds all its buffers at once; the next one's turn
# comes when they are freed, for less memory is free than all want together.
# Its rows become the table.
#: memory=6G
#: debug_memory=3G
#: devices=24 24 28 30 30 36
#: timeout=240
# The bounce buffer, 64 MiB by default, is of no use here and half of what is free.
#: append=swiotlb=2048

if [ "$flavour" = debug ]; then
	load_mib=1700 scale=8 huge=8388608
else
	load_mib=5530 scale=1 huge=67108864
fi

# ask DEVICE BITS CONTEXT COUNT SIZE: one row
ask()
{
	local dev="$1" bits="$2"

	shift 2
	ctl "$dev" alloc "$1" coherent "$2" "$3"
	say "ROW dev=$dev bits=$bits $result"
	check_groups "$dev $bits bits: $2 of $3 bytes, $1" [ "$(value granted)" = "$2" ]
	check_granted_well "$dev $bits bits: $3 bytes, $1"
}

requests()
{
	case $2 in
	24) ask "$1" 24 block $((64 / scale)) 65536 ;;
	28) ask "$1" 28 block $((512 / scale)) 65536 ;;
	30)
		ask "$1" 30 block $((4096 / scale)) 65536
		ask "$1" 30 block 1 $huge
		;;
	36) ask "$1" 36 block $((64 / scale)) 65536 ;;
	esac
	ask "$1" "$2" irqoff 64 4096
	ask "$1" "$2" irqoff 16 65536
}

# trips DEVICE: one line of answer for each row
trips()
{
	echo "roundtrip 4 $seed" >"$edu/$1/ctl"
}

load 24,24,28,30,30,36
unload
settle
before=$(mem_free_kib)
fill $load_mib
load 24,24,28,30,30,36
show_groups "loaded"

# One device's turn: allocate, transfer, compare, free.
turn()
{
	requests "$1" "$2"
	show_groups "$1 holds its buffers"
	trips "$1"
	result=$(cat "$edu/$1/ctl")
	check "$1: data survives the device" all_intact
	echo "$result" | awk -v dev="$1" '{ print "DMAG-TRIP dev=" dev, $0 }'
	ctl "$1" verify
	check "$1: no buffer was overwritten" all_intact
	say "TAGS dev=$1 $result"
	ctl "$1" free block
}

bits_of="24 24 28 30 30 36"
for dev in $devices; do
	turn "$dev" "${bits_of%% *}"
	bits_of=${bits_of#* }
done

unload
unfill
check_groups "no group remains" await_groups 0
show_groups "unbound"
settle
after=$(mem_free_kib)
say "MEMORY before=$before after=$after"
# KASAN alone keeps up to a 32nd of memory in quarantine.
if [ "$flavour" = debug ]; then percent=4; else percent=1; fi
check "free memory is back within $percent %" \
	[ $((before - after)) -le $((before * percent / 100)) ]
