# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The demonstration: devices of four reaches in a machine whose memory is full
# of movable pages. A device holds all its buffers at once; the next one's turn
# comes when they are freed, for less memory is free than all want together.
# Its rows become the table.
#: memory=6G
#: debug_memory=3G
#: flavours=compare debug
#: devices=24 24 28 30 30 36
#: timeout=240
# The bounce buffer, 64 MiB by default, is of no use here and half of what is free.
#: append=swiotlb=2048

if [ "$flavour" = debug ]; then
	load_mib=1700 scale=8 huge=8388608
else
	load_mib=5530 scale=1 huge=67108864
fi

# ask DEVICE BITS CONTEXT COUNT SIZE: the answer is kept until report()
ask()
{
	ctl "$1" alloc "$3" coherent "$4" "$5"
	check_granted_well "$1 $2 bits: $5 bytes, $3"
	echo "$3 $4 $5 $(value granted) $(value ns)" >>/tmp/answers
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

# report DEVICE BITS: a row for each request of the device, with its line of the
# round trip. What 28- and 30-bit devices got is added up.
report()
{
	local nr=0 context asked size got ns

	while read -r context asked size got ns; do
		nr=$((nr + 1))
		row "$1:$context:${asked}x$size" "$asked" "$got" 100 stock=any "dev=$1" "bits=$2" \
			"context=$context" "size=$size" "ns=$ns" "$(sed -n ${nr}p /tmp/trips)" \
			"kind=$(fact "$1" kind)" "group=$(fact "$1" group)" "reach=$(fact "$1" reach)"
		case $2 in
		28 | 30)
			scarce_asked=$((scarce_asked + asked))
			scarce_got=$((scarce_got + got))
			;;
		esac
	done </tmp/answers
}
scarce_asked=0 scarce_got=0

load 24,24,28,30,30,36
unload
settle
before=$(mem_free_kib)
fill $load_mib
load 24,24,28,30,30,36
show_groups "loaded"

# turn DEVICE BITS: allocate, transfer, compare, free
turn()
{
	: >/tmp/answers
	requests "$1" "$2"
	show_groups "$1 holds its buffers"
	ctl "$1" roundtrip 4 "$seed"
	check "$1: data survives the device" all_intact
	echo "$result" >/tmp/trips
	report "$1" "$2"
	ctl "$1" verify
	check "$1: no buffer was overwritten" all_intact
	ctl "$1" free block
}

bits_of="24 24 28 30 30 36"
for dev in $devices; do
	turn "$dev" "${bits_of%% *}"
	bits_of=${bits_of#* }
done
row scarce "$scarce_asked" "$scarce_got" 100 stock=fails

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
