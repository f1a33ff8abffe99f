#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Public reports as questions to dmag, a case each: which device reaches what, and what
# helps.  Every value is from the report or found by hand; the report is named.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# plan NAME [OPTION...]: the plan of boards/NAME.dts
plan()
{
	name=$1
	shift
	board "$name"
	status 0 "$name $*" "$dmag" plan "$@" "$work/$name.dtb"
}

explain()
{
	name=$1
	status 0 "$name" "$dmag" explain "$here/logs/$name.log"
	tr -s ' \n' '  ' <"$work/out" >"$work/line"
	mv "$work/line" "$work/out"
}

# raspberrypi/linux 7608: memory at 0x10_0000_0000 of the Pi 5's PCIe, a USB card of
# 36 bits: "xhci can't setup: -12".
plan rp1 -M 'pcie@*=36'
has '7608: 36 bits reach nothing' '^ *1 2 nothing 0 B uncached Normal unusable'
has '7608: remedy' '/pcie@1000120000: a mask of 36 bits reaches no memory: it takes 37 bits$' err
has '7608: cards' '^bridges /pcie@1000120000: 32-bit cards: nothing; from 37 bits: all 8 GiB$'
plan rp1 -M 'pcie@*=37'
has '7608: 37 bits reach all' '^ *2 1 \[0x0, 0x1ffffffff\] 8 GiB uncached Normal exact 0 B 0 B 0 B'

# raspberrypi/linux 5896: a card of 32 bits there; an overlay moves the window to
# [0, 2G).  7049: an NVMe drive behind that window uses up swiotlb.
sed 's/dma-ranges = <0x43000000 0x10 0x0 .*/dma-ranges = <0x43000000 0x0 0x0 0x0 0x0 0x0 0x80000000>;/' \
	"$here/boards/rp1.dts" >"$work/moved.dts"
for bits in 32 64; do
	status 0 "5896, 7049: $bits bits" "$dmag" plan -M "pcie@*=$bits" "$work/moved.dts"
	has "5896, 7049: $bits bits" '^ *1 1 \[0x0, 0x7fffffff\] 2 GiB uncached DMA exact 0 B 0 B 6 GiB$'
	has "5896, 7049: $bits bits bounce" '^streaming group 1 bounces: 6 GiB through a swiotlb of 64 MiB$'
done
status 3 '7049: --require' "$dmag" plan -q --require 'pcie@*=4G' "$work/moved.dts"
status 0 '7049: the window of before' "$dmag" plan -q -M 'pcie@*=64' --require 'pcie@*=all' "$work/rp1.dtb"

# raspberrypi/linux 7317: the overlay for 32-bit cards, but on the bridge of RP1, whose
# own devices have addresses from 0x10_0000_0000 on: none of these leads to memory now.
status 0 '7317' "$dmag" lint "$work/rp1.dtb"
hasnt '7317: before' 'dma-ranges'
status 0 '7317' "$dmag" lint "$work/moved.dts"
has '7317: RP1 has no window' '/pci-ep-bus@1: dma-ranges: bus address 0x1000000000 has no CPU address, entry ignored$'
has '7317: what that does' '/pci-ep-bus@1: dma-ranges: none is left: Linux gives devices below CPU addresses'

# raspberrypi/linux 4117, geerlingguy 57: memory at 0x4_0000_0000 of the CM4's PCIe; cards
# of 32 bits: "overflow (mask ffffffff, bus limit 47fffffff)".
for bits in 32 34; do
	plan pi4 --window 'pcie@*=0+4G@0x400000000' -M "pcie@*=$bits"
	has "4117: $bits bits reach nothing" '^ *1 1 nothing 0 B uncached DMA32 unusable'
	has "4117: $bits bits, remedy" "/scb/pcie@7d500000: a mask of $bits bits reaches no memory: it takes 35 bits$" err
done
plan pi4 --window 'pcie@*=0+4G@0x400000000' -M 'pcie@*=35'
has '4117: 35 bits reach all' '^bridges /scb/pcie@7d500000: 32-bit cards: nothing; from 35 bits: all 3.9 GiB$'
has '4117: no other has nothing' '^ *1 2 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact'
explain lan743x
has '4117: log' '0000:01:00.0 \(lan743x\): a buffer is out of .* let the driver set a mask of 35 bits or more'
explain tuner
has '57: log' '\(cx23885\): a buffer is out of .* let the driver set a mask of 35 bits or more'

# raspberrypi/linux 3509: USB of the Pi 4 reaches 1 GiB, the rest has to bounce.
plan pi4
has '3509' '^ *1 2 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact 0 B 0 B 2.9 GiB$'
has '3509: bounces' '^streaming group 1 bounces: 2.9 GiB through a swiotlb of 64 MiB$'

# Xilinx/dma_ip_drivers 129: memory above 4 GiB of the bus, a coherent mask of 32 bits.
plan pci-window
has '129' '^ *1 1 nothing 0 B uncached DMA unusable'
has '129: remedy' '/pcie@40000000: a mask of 32 bits \(a guess\) reaches no memory: it takes 36 bits$' err

# Microsemi/switchtec-kernel 13: 1 TiB, CMA at its end, a coherent mask of 32 bits.
explain switchtec
has '13' '0000:3b:00.1: no coherent memory of 20 MiB .*set the coherent mask'

# projectacrn/acrn-hypervisor 5283: 32,768 slots are too few for two networks of 32 bits.
explain stmmac
has '5283' '32768 of 32768 .*swiotlb=65536'

# coreos/fedora-coreos-tracker 1079: a crash kernel whose ZONE_DMA has no free page.
explain kdump
has '1079' 'order 5.* ZONE_DMA has no free run of 32 pages.*crashkernel=SIZE,low'

# openwrt/mt76 500: a wireless card of 32 bits uses up swiotlb.
explain wifi-narrow
has '500' '\(mt7615e\): swiotlb is full, 2 times .*used up \(31983 of 32768 slots.*64-bit DMA mask'
finish
