#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag plan --live, show and top on a made-up /proc and /sys.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

root=$(cd "$work" && pwd)/root
pci=$root/sys/bus/pci/devices

# pci NAME MASK CLASS COMMAND-BYTE [DRIVER [IOMMU-TYPE]]
pci_device()
{
	mkdir -p "$pci/$1"
	echo "$2" >"$pci/$1/consistent_dma_mask_bits"
	echo "$3" >"$pci/$1/class"
	# shellcheck disable=SC2059 # the byte is an escape
	printf "\\064\\022\\350\\021\\$4\\000" >"$pci/$1/config"
	[ -z "${5:-}" ] || ln -s "../../../bus/pci/drivers/$5" "$pci/$1/driver"
	[ -z "${6:-}" ] || {
		mkdir "$pci/$1/iommu_group"
		echo "$6" >"$pci/$1/iommu_group/type"
	}
}

mkdir -p "$root/proc" "$root/sys/kernel/debug/dmag" "$root/sys/class/dmi/id"
echo 'Test Machine' >"$root/sys/class/dmi/id/product_name"
cat >"$root/proc/iomem" <<'END'
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
00100000-7fffffff : System RAM
  01000000-01ffffff : Kernel code
fec00000-fec003ff : IOAPIC 0
100000000-27fffffff : System RAM
END
cat >"$root/proc/zoneinfo" <<'END'
Node 0, zone      DMA
        spanned  4095
        present  3998
  start_pfn:           1
Node 0, zone    DMA32
        spanned  1044480
  start_pfn:           4096
Node 0, zone   Normal
        spanned  786432
  start_pfn:           1048576
Node 1, zone   Normal
        spanned  786432
  start_pfn:           1835008
Node 1, zone  Movable
        spanned  786432
  start_pfn:           1835008
END
pci_device 0000:00:00.0 32 0x060000 006 bridge
pci_device 0000:00:01.0 28 0x00ff00 007 edu
pci_device 0000:00:02.0 64 0x010802 007 nvme
pci_device 0000:00:03.0 32 0x0c0500 003 smbus
pci_device 0000:00:04.0 32 0x020000 007
pci_device 0000:00:05.0 32 0x020000 007 e1000e DMA-FQ
pci_device 0000:00:06.0 30 0x040300 007 snd identity

live()
{
	want=$1
	what=$2
	shift 2
	status "$want" "$what" "$dmag" plan --live --root "$root" "$@"
}

live 0 live
has 'model' '^board Test Machine'
has 'zones of all nodes' 'Normal \[0x100000000, 0x27fffffff\] 6 GiB'
hasnt 'no movable zone' 'Movable'
has '28 bits' '^ *1 1 \[0x1000, 0x9efff\] 255.6 MiB - DMA32 too large'
has '30 bits' '^ *2 1 \[0x1000, 0x9efff\] 1023.6 MiB - DMA32 too large'
has '64 bits' '^ *3 1 .* Normal exact .* universal'
has 'iommu' '^ *- 32 sysfs .* 0000:00:05.0, e1000e \(iommu\)'
hasnt 'bridge, idle, no driver' '0000:00:0[034].0'
has 'left out' 'PCI: 3 left out' err
live 0 'live mask' --mask 0000:00:02.0=24
has '24 bits' '^ *1 1 \[0x1000, 0x9efff\] 15.6 MiB - DMA exact'
live 2 'live and a board' "$work/x.dtb"

# A kernel without ZONE_DMA: a 24-bit device is served as if it had asked for nothing.
sed -i '1,4d' "$root/proc/zoneinfo"
live 0 'no zone' --mask 0000:00:02.0=24
has 'no zone' '^ *1 1 \[0x1000, 0x9efff\] 15.6 MiB - Normal too large'

# Without privilege addresses are zero; then the firmware's map, then an error.
sed -i 's/^\( *\)[0-9a-f]*-[0-9a-f]* /\100000000-00000000 /' "$root/proc/iomem"
live 1 'no addresses'
has 'no addresses' '/proc/iomem: .* needs root' err
mkdir -p "$root/sys/firmware/memmap/0" "$root/sys/firmware/memmap/1"
echo 0x0 >"$root/sys/firmware/memmap/0/start"
echo 0x3fffffff >"$root/sys/firmware/memmap/0/end"
echo 'System RAM' >"$root/sys/firmware/memmap/0/type"
echo 0x40000000 >"$root/sys/firmware/memmap/1/start"
echo 0x4fffffff >"$root/sys/firmware/memmap/1/end"
echo 'Reserved' >"$root/sys/firmware/memmap/1/type"
live 0 'memmap'
has 'memmap' 'memory \[0x0, 0x3fffffff\] 1 GiB'
hasnt 'memmap reserved' '^ \[0x4'
has 'memmap note' "from the firmware's map" err
live 0 'live memory' --memory 0+512M
has 'live memory' 'memory \[0x0, 0x1fffffff\] 512 MiB'
rm "$root/proc/zoneinfo"
live 1 'no zoneinfo'
has 'no zoneinfo' '/proc/zoneinfo: No such file' err

# A machine with a device tree: its devices, and PCI through its host bridge.
cat >"$root/proc/zoneinfo" <<'END'
Node 0, zone      DMA
        spanned  262144
  start_pfn:           0
Node 0, zone    DMA32
        spanned  770048
  start_pfn:           262144
END
cat >"$root/proc/iomem" <<'END'
00000000-3b3fffff : System RAM
40000000-fbffffff : System RAM
END
board pi4
cp "$work/pi4.dtb" "$root/sys/firmware/fdt"
rm -r "$pci"
bus=$root/sys/devices/platform/scb/fd500000.pcie
mkdir -p "$bus/pci0000:00" "$pci" "$root/sys/firmware/devicetree/base/scb/pcie@7d500000"
ln -s "$root/sys/firmware/devicetree/base/scb/pcie@7d500000" "$bus/of_node"
pci=$bus/pci0000:00
pci_device 0000:01:00.0 64 0x0c0330 006 xhci_hcd
mkdir -p "$root/sys/bus/pci/devices"
ln -s "$pci/0000:01:00.0" "$root/sys/bus/pci/devices/0000:01:00.0"
live 0 'fdt' --arch arm64
has 'fdt model' '^board Pi 4, reduced'
has 'fdt legacy' '^ *1 2 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact'
has 'fdt pcie' '^ *2 1 \[0x0, 0x3b3fffff\] 2.9 GiB uncached DMA32 too large'
has 'fdt xhci' '^ *2 64 sysfs 0xbfffffff 1 no bus master 0000:01:00.0, xhci_hcd'
hasnt 'fdt bridge' 'PCI host bridge'

# A copy is judged by its own architecture, told by its device tree; the size of
# memory that the boot loader fills in is in /proc/iomem.
sed 's/reg = <0x0 0x00000000 0x3b400000>.*/reg = <0x0 0x0 0x0>;/' "$here/boards/pi4.dts" >"$work/pi4-blank.dts"
dtc -q -o "$root/sys/firmware/fdt" "$work/pi4-blank.dts"
live 0 'copy'
has 'copy: arm64' '^board Pi 4, reduced .*, arm64$'
has 'copy: legacy' '^ *1 2 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact'
hasnt 'copy: notes on memory' 'reg:|firmware' err
rm "$root/sys/firmware/fdt"
mkdir -p "$root/proc/sys/kernel"
echo aarch64 >"$root/proc/sys/kernel/arch"
live 0 'copy without a device tree'
has 'copy without a device tree' ', arm64$'
rm "$root/proc/sys/kernel/arch"
printf 'processor\t: 0\nvendor_id\t: GenuineIntel\n' >"$root/proc/cpuinfo"
live 0 'copy of a PC'
has 'copy of a PC' ', x86$'

# Switchtec: x86 with 1 TiB, a class that is "other bridge", masks of 64 and 32 bits.
rm -r "$root/sys/bus/pci/devices"
pci=$root/sys/bus/pci/devices
pci_device 0000:3b:00.1 32 0x068000 006 switchtec
pci_device 0000:3b:00.0 64 0x060400 007 pcieport
echo 64 >"$pci/0000:3b:00.1/dma_mask_bits"
cat >"$root/proc/iomem" <<'END'
00001000-0009fbff : System RAM
00100000-7fffffff : System RAM
100000000-ff7fffffff : System RAM
END
cat >"$root/proc/zoneinfo" <<'END'
Node 0, zone      DMA
        spanned  4095
        managed  3840
  start_pfn:           1
Node 0, zone    DMA32
        spanned  1044480
        managed  500000
  start_pfn:           4096
Node 0, zone   Normal
        spanned  266862592
        managed  266000000
  start_pfn:           1048576
END
echo 'CmaTotal:       33554432 kB' >"$root/proc/meminfo"
echo 'ro quiet swiotlb=131072' >"$root/proc/cmdline"
live 0 'switchtec'
has 'other bridges are devices' '^ *1 32 sysfs .* bus master 0000:3b:00.1, switchtec \(streaming: 64 bits\)$'
has 'other bridge: coherent' '^ *1 1 \[0x1000, 0x9efff\] 2 GiB - DMA32 exact 0 B 0 B 0 B$'
has 'CMA of a running kernel' 'anywhere 32 GiB shared-dma-pool, reusable, CmaTotal'
has 'ports are bridges' 'PCI: 1 left out: 1 bridges, 0 without' err
echo 32 >"$pci/0000:3b:00.1/dma_mask_bits"
live 0 'a narrow streaming mask'
has 'a narrow streaming mask' '^streaming group 1 bounces: 1018 GiB through a swiotlb of 256 MiB$'
mkdir -p "$root/sys/kernel/debug/swiotlb"
echo 32768 >"$root/sys/kernel/debug/swiotlb/io_tlb_nslabs"
live 0 'swiotlb in debugfs'
has 'swiotlb in debugfs' '^streaming group 1 bounces: 1018 GiB through a swiotlb of 64 MiB$'

# A crash kernel: all of the low zone is reserved.
sed -i 's/managed  3840/managed  0/' "$root/proc/zoneinfo"
live 0 'kdump' --mask 0000:3b:00.1=24
has 'kdump' '^ *1 1 nothing 0 B - DMA unusable'

# show and top.
status 1 'no groups' "$dmag" show --root "$root"
has 'no groups' 'debug/dmag/groups: No such file .*this kernel has no groups: CONFIG_DMAG is off, or dmag=off' err
status 1 'no debugfs' "$dmag" show --root "$work/none"
has 'no debugfs' 'debugfs is not mounted: mount -t debugfs' err
status 2 'a delay of show' "$dmag" show --delay 3
has 'a delay of show' '^dmag: --delay and --count are for dmag top$' err
: >"$root/sys/kernel/debug/dmag/groups"
status 0 'no group' "$dmag" show --root "$root"
has 'no group' '^no groups: no device has set a DMA mask yet$'
cat >"$root/sys/kernel/debug/dmag/groups" <<'END'
group 7
kind universal
members 1
reach 0x1000 0x27fffffff
frames 1572864
owned 0
free 0
used 0
quarantined 0
min 0
low 0
high 0
goal 0
protected 0
alloc 0
member 0000:00:02.0 mask 0xffffffffffffffff windows 0 used 0
group 3
kind restricted
members 2
reach 0x1000 0x9efff
reach 0x100000 0xfffffff
frames 65536
owned 3072
free 100
used 2972
quarantined 0
min 512
low 768
high 1024
goal 16384
protected 15872
alloc 40
alloc_atomic 2
alloc_fail 3
alloc_atomic_fail 4
free_calls 5
claim 6
claim_fail 1
capture_frames 32
shrink_frames 0
grown 1
wait 11
a new fact 9
new_counter 17
new_pair 5 other 6
reach everything
member 0000:00:03.0 of a newer kernel
member 0000:00:01.0 used 16 windows 0 mask 0xfffffff
member 0000:00:01.1 mask 0xfffffff windows 2 colour 7 used 2956
END
mkdir -p "$root/sys/bus/pci/devices/0000:00:01.1"
ln -s ../../../../bus/pci/drivers/edu "$root/sys/bus/pci/devices/0000:00:01.1/driver"
status 0 show "$dmag" show --root "$root"
has 'show row' '^ *3 2 256M 62M 12M 11.6M 400K 4M #\.\.\.\.\|\.\.\.\. below min$'
has 'show counts' '^ *3 42 6 1 7$'
[ "$(grep -E '^(GROUP| *[0-9]+ +[0-9]+ )' "$work/out" | awk '{ print length }' | sort -n | tail -n 1)" -le 80 ]
verdict $? 'tables of 80 columns'
has 'show driver' 'member 0000:00:01.1 edu, mask'
has 'show order' '^ *7 1 6G .* universal$'
has 'show member' 'member 0000:00:01.1 edu, mask 0xfffffff, windows 2, holds 11.5 MiB'
has 'show new counter' 'new_counter 17'
has 'show capacity' '^ capacity 62 MiB protected, goal 64 MiB$'
[ "$(grep -c capacity "$work/out")" = 1 ]
verdict $? 'no goal, no capacity'
[ "$(grep -c '^  reach' "$work/out")" = 3 ]
verdict $? 'a reach is two addresses'
hasnt 'show unknown lines' 'new_pair|of a newer|everything|^ (goal|a|colour) '
status 0 'show json' "$dmag" show --json --root "$root"
python3 - "$work/out" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    p = json.load(f)
g = p["groups"][0]
assert [x["id"] for x in p["groups"]] == [3, 7]
assert g["owned"] == 3072 * 4096 and g["min"] == 512 * 4096 and not g["universal"]
assert g["goal"] == 64 << 20 and g["protected"] == 62 << 20
assert p["groups"][1]["goal"] == p["groups"][1]["protected"] == 0
assert sorted(g["counters"]) == ["alloc", "alloc_atomic", "alloc_atomic_fail", "alloc_fail", "capture_frames",
    "claim", "claim_fail", "free_calls", "grown", "new_counter", "shrink_frames", "wait"]
assert g["counters"]["alloc_fail"] == 3 and g["counters"]["new_counter"] == 17
assert g["members"][0] == {"device": "0000:00:01.1", "driver": "edu", "mask": "0xfffffff", "windows": 2, "used": 2956 * 4096,
    "streaming": False}
assert g["reach"][1] == {"start": "0x100000", "last": "0xfffffff"}
END
verdict $? 'show json'
sed -i.served 's/^kind restricted$/kind broken/' "$root/sys/kernel/debug/dmag/groups"
status 0 'show broken' "$dmag" show --root "$root"
has 'show broken' '^ *3 2 256M .* broken$'
status 0 'show broken json' "$dmag" show --json --root "$root"
has 'show broken json' '"broken": true'
has 'show universal json' '"broken": false'
has 'show plain json' '"shared": false'
mkdir -p "$root/sys/kernel/debug/swiotlb"
echo 2048 >"$root/sys/kernel/debug/swiotlb/io_tlb_nslabs"
sed -i '/^member 0000:00:01.0/s/$/ use streaming/' "$root/sys/kernel/debug/dmag/groups"
sed -i 's/^kind broken$/&\nattr shared/; s/^quarantined 0$/quarantined 512/' "$root/sys/kernel/debug/dmag/groups"
status 0 'show shared' "$dmag" show --root "$root"
has 'show shared' '^ memory decrypted, 12 MiB, of which 2 MiB out of use$'
has 'show open' '^open to the host: 12 MiB of groups, 4 MiB of swiotlb$'
has 'show streaming' '^ member 0000:00:01.0, mask 0xfffffff, windows 0, bounces only$'
status 0 'show shared json' "$dmag" show --json --root "$root"
has 'show shared json' '"shared": true'
mv "$root/sys/kernel/debug/dmag/groups.served" "$root/sys/kernel/debug/dmag/groups"
status 0 top "$dmag" top --root "$root" --count 2 --delay 0.1
has 'top holders' '^ *3 11.5M 0000:00:01.1 edu$'
has 'top rates' '^ *3 0.0 0.0 0.0 0.0'
[ "$(awk '{ print length }' "$work/out" | sort -n | tail -n 1)" -le 80 ]
verdict $? 'top in 80 columns' "$(cat "$work/out")"
[ "$(grep -c ALLOCS/s "$work/out")" = 1 ]
verdict $? 'rates from the second picture on'
(
	sleep 0.5
	sed -i 's/alloc 40/alloc 90/' "$root/sys/kernel/debug/dmag/groups"
) &
status 0 'top counts' "$dmag" top --root "$root" --count 2 --delay 1
wait
has 'top counts' '^ *3 (4[0-9]|50)\.[0-9] 0.0'
for bad in --delay=0 --delay=x --delay=nan --count=0 --count=-1 --color=x --json more; do
	status 2 "top $bad" "$dmag" top "$bad"
done
status 0 'show help' "$dmag" show --help
finish
