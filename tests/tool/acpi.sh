#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# ACPI's tables: limits of PCI segments and components, NUMA nodes.  The tables are
# made by hand and compiled by iasl; all expected values are written by hand.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$work/tables"
for table in iort srat dsdt ssdt dmar ivrs; do
	iasl -p "$work/$table" "$here/acpi/$table.dsl" >"$work/iasl" 2>&1
	verdict $? "iasl compiles $table" "$(cat "$work/iasl")"
done
cp "$work/iort.aml" "$work/tables/IORT"
cp "$work/srat.aml" "$work/tables/SRAT"
# A license key that nothing may read.
printf 'MSDM secret' >"$work/tables/MSDM"

cat >"$work/boot.log" <<'END'
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x414fd0c1]
[    0.000000] Early memory node ranges
[    0.000000]   node   0: [mem 0x0000000000000000-0x000000007fffffff]
[    0.000000]   node   0: [mem 0x0000000880000000-0x00000008ffffffff]
[    0.000000] Initmem setup node 0 [mem 0x0000000000000000-0x00000008ffffffff]
[    0.000000] software IO TLB: mapped [mem 0x000000003c000000-0x0000000040000000] (64MB)
[    1.000000] pci 0000:01:00.0: [10ec:8168] type 00 class 0x020000
[    1.000000] pci 0001:01:00.0: [144d:a808] type 00 class 0x010802
[    1.000000] pci 0002:01:00.0: [1106:3483] type 00 class 0x0c0330
END
plan()
{
	want=$1
	what=$2
	shift 2
	status "$want" "$what" "$dmag" plan --dmesg "$work/boot.log" "$@"
}

plan 0 'without tables' -M '*:01:00.0=64'
has 'no limit' '^ *1 64 option 0xffffffffffffffff 0 no PCI function 0000:01:00.0$'
hasnt 'no component' 'ETH0'
hasnt 'one node' '^nodes'

plan 0 tables --acpi "$work/tables" -M '*:01:00.0=64' -M '*ETH0=64'
has '30 bits of segment 0' '^ *1 64 option 0x3fffffff 0 yes PCI function 0000:01:00.0$'
has '40 bits of segment 1' '^ *[23] 64 option 0xffffffffff 0 yes PCI function 0001:01:00.0$'
has 'an old revision has no limit' '^ *[23] 64 option 0xffffffffffffffff 0 yes PCI function 0002:01:00.0$'
has '36 bits of a component' '^ *[23] 64 option 0xfffffffff 0 no IORT ._SB_.ETH0$'
has 'behind an SMMU' '^ *- 32 unknown 0xffffffff 0 yes IORT ._SB_.GPU0 \(iommu\)$'
has 'reach of segment 0' '^ *1 1 \[0x0, 0x3fffffff\] 1 GiB - DMA exact'
has 'ZONE_DMA by the least limit' '^zones DMA \[0x0, 0x3fffffff\] 1 GiB$'
has 'node 0 by the first CPU' '^nodes 0 \[0x880000000, 0x8ffffffff\] 2 GiB$'
has 'node 1' '^ 1 \[0x0, 0x7fffffff\] 2 GiB$'
plan 0 'mask of a component' --acpi "$work/tables" -M '*:01:00.0=64'
has 'unknown mask' '^ *[0-9] 32 unknown 0xffffffff 0 no IORT ._SB_.ETH0$'
plan 0 'no SMMU' --acpi "$work/tables" --no-iommu '*GPU0' -M '*GPU0=64'
has 'no SMMU' '^ *[0-9] 64 option 0xffffffffff 0 yes IORT ._SB_.GPU0$'
plan 0 json --acpi "$work/tables" --json
has 'json' '"nodes": \[$'
plan 1 'no tables' --acpi "$work/nowhere"
has 'no tables' 'nowhere: no ACPI tables' err
status 2 'a board' "$dmag" plan --acpi "$work/tables" "$work/x.dtb"
has 'a board' '^dmag: --acpi is for --live and --dmesg' err

# _DMA in the byte code.  The windows are as acpi_dma_get_range() reads them; the IORT
# has no say where there is _DMA.
mkdir "$work/code"
cp "$work/dsdt.aml" "$work/code/DSDT"
cp "$work/ssdt.aml" "$work/code/SSDT1"
cat >"$work/code.log" <<'END'
[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x414fd0c1]
[    0.000000] Early memory node ranges
[    0.000000]   node   0: [mem 0x0000000000000000-0x00000000ffffffff]
[    0.000000] Initmem setup node 0 [mem 0x0000000000000000-0x00000000ffffffff]
[    1.000000] pci 0000:7f:00.0: [1106:3483] type 00 class 0x0c0330
[    1.000000] pci 0000:80:00.0: [144d:a808] type 00 class 0x010802
[    1.000000] pci 0001:80:00.0: [144d:a808] type 00 class 0x010802
END
code()
{
	name=$1
	shift
	status 0 "$name" "$dmag" plan --dmesg "$work/code.log" --acpi "$work/code" -M '*:00.0=64' "$@"
}
code '_DMA as JSON' --json
has 'a negative translation' '{"cpu": "0x0", "bus": "0xc0000000", "size": "0x40000000"}'
has 'a window at 16 GiB' '{"cpu": "0x0", "bus": "0x400000000", "size": "0x100000000"}'
code _DMA
has 'the bus of 1 GiB' '^bridges \\_SB_.GDV0: all devices: 1 GiB of 4 GiB$'
has '3 GiB of a list with a name' '^ *[0-9] 64 option 0xbfffffff 1 no PCI function 0000:7f:00.0$'
has 'the host bridge of bus 0x80' '^ *[0-9] 64 option 0x4ffffffff 1 yes PCI function 0000:80:00.0$'
has 'another segment' '^ *[0-9] 64 option 0xffffffffffffffff 0 no PCI function 0001:80:00.0$'
has 'cards of PCI1' '^ \\_SB_.PCI1: 32-bit cards: nothing; from 35 bits: all 4 GiB$'
has 'an empty list' '^ *[0-9] 32 unknown 0xffffffff 0 no _DMA \\_SB_.BUS2$'
has 'computed' '^dmag: .*\\_SB_.BUS0._DMA: not constant: devices below may reach less$' err
has 'no _CRS' '\\_SB_.BUS1: _DMA without _CRS: Linux ignores it$' err
has 'no list' '\\_SB_.BUS3: _DMA is no list of ranges: Linux ignores it$' err
has 'written elsewhere' '\\_SB_.BUS4._DMA: not constant' err
has 'a single byte' '\\_SB_.BUS5: _DMA is no list of ranges' err
has 'a condition' 'SSDT1: _DMA in .* depends on a condition: not read$' err
has 'a term that is run' 'SSDT1: a term that is no definition at byte 0x[0-9a-f]+ in .*: the rest of that is not read$' err
hasnt 'none of these is a bus' '_SB_.BUS[01345]$|LOST'
# Another table defines the same devices: one line as a device, one as a bridge.
cp "$work/dsdt.aml" "$work/code/SSDT5"
code 'devices defined twice'
[ "$(grep -c '_SB_.PCI1' "$work/out")" = 2 ]
verdict $? 'a name is defined once' "$(cat "$work/out")"
rm "$work/code/SSDT5"
code 'the window of the user' --window '*GDV0=0+2G@0'
has 'the window of the user' '^bridges \\_SB_.GDV0: all devices: 2 GiB of 4 GiB$'
# A table goes on with the devices of one that was loaded before.
cat >"$work/more.dsl" <<'END'
DefinitionBlock ("", "SSDT", 2, "DMAG", "MORE", 1)
{
	External (\_SB.BUS9, DeviceObj)
	Scope (\_SB.BUS9)
	{
		Name (_CRS, ResourceTemplate () { IO (Decode16, 0, 0, 0, 1) })
		Name (_DMA, ResourceTemplate () {
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
				ReadWrite, 0, 0, 0x7fff, 0, 0x8000)
			ExtendedMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite, 0, 0x10000, 0x1ffff, 0x20000000, 0x10000)
			Memory32Fixed (ReadWrite, 0x10000000, 0x100000)
		})
	}
}
END
sed 's/MORE/BASE/; /External/d; s/Scope (.*BUS9)/Device (\\_SB.BUS9)/; /Name (_/,/})/d' "$work/more.dsl" >"$work/bus9.dsl"
for table in more bus9; do
	iasl -p "$work/$table" "$work/$table.dsl" >"$work/iasl" 2>&1
	verdict $? "iasl compiles $table" "$(cat "$work/iasl")"
done
cp "$work/bus9.aml" "$work/code/SSDT2"
cp "$work/more.aml" "$work/code/SSDT10"
code 'a device of another table' --json
has 'a double word' '"cpu": "0x0", "bus": "0x0", "size": "0x8000"'
has 'an extended space' '"cpu": "0x20010000", "bus": "0x10000", "size": "0x10000"'
has 'memory of 32 bits' '"cpu": "0x10000000", "bus": "0x10000000", "size": "0x100000"'
rm "$work/code/SSDT2"
code 'a device that is nowhere'
has 'a device that is nowhere' 'SSDT10: a scope that is not known at byte 0x[0-9a-f]+ in .*: the rest' err
rm "$work/code/SSDT10"
cp "$work/iort.aml" "$work/code/IORT"
code 'with an IORT'
has '_DMA comes before the IORT' '^ *[0-9] 64 option 0xbfffffff 1 no PCI function 0000:7f:00.0$'
has 'the IORT for a segment without' '^ *[0-9] 64 option 0xffffffffff 0 yes PCI function 0001:80:00.0$'
code 'another architecture' -A riscv
hasnt 'Linux asks for _DMA on arm64 only' '_DMA'
rm "$work/code/IORT"
# Cut in the middle, with the length of what is left (300).
{ head -c 4 "$work/dsdt.aml"; printf '\054\001\000\000'; head -c 300 "$work/dsdt.aml" | tail -c +9; } \
	>"$work/code/DSDT"
code 'byte code cut short'
has 'byte code cut short' 'DSDT: a package that ends beyond the one around at byte 0x[0-9a-f]+ in' err

# IOMMUs of x86: they are there, and the memory that they always map.
mkdir "$work/x86"
cp "$work/dmar.aml" "$work/x86/DMAR"
cp "$work/ivrs.aml" "$work/x86/IVRS"
cp "$work/dsdt.aml" "$work/x86/DSDT"
status 0 x86 "$dmag" plan --dmesg "$work/code.log" --acpi "$work/x86" -A x86
has 'DMAR' 'DMAR: 2 IOMMUs; sysfs or the boot log tells for which devices$' err
has 'RMRR' 'DMAR: \[0x7b800000, 0x7bffffff\] 8 MiB stays mapped for firmware.s devices$' err
has 'IVRS' 'IVRS: 1 IOMMU; ' err
has 'IVMD' 'IVRS: \[0x7c000000, 0x7c00ffff\] 64 KiB stays mapped' err
hasnt 'no _DMA on x86' '_DMA'

# Tables that are damaged: what can be read is used.
head -c 200 "$work/tables/IORT" >"$work/cut"
mkdir "$work/damaged"
cp "$work/cut" "$work/damaged/IORT"
plan 0 'cut short' --acpi "$work/damaged"
has 'cut short' 'IORT: cut short: not read' err
# The same with the length of what is left (200): the third node lacks its end.
{ head -c 4 "$work/cut"; printf '\310\000\000\000'; tail -c +9 "$work/cut"; } >"$work/damaged/IORT"
plan 0 'a node cut short' --acpi "$work/damaged" -M '0000:01:00.0=64'
has 'checksum' 'IORT: the checksum is wrong' err
has 'a node cut short' 'IORT: node 3 is cut short' err
has 'the node before' '0x3fffffff .* 0000:01:00.0$'

# A running machine; its archive has these tables and no others.
root=$(cd "$work" && pwd)/root
mkdir -p "$root/proc/sys/kernel" "$root/sys/firmware/acpi/tables" "$root/sys/bus/pci/devices/0000:01:00.0"
cp "$work/tables"/* "$root/sys/firmware/acpi/tables"
echo aarch64 >"$root/proc/sys/kernel/arch"
cat >"$root/proc/iomem" <<'END'
00000000-7fffffff : System RAM
880000000-8ffffffff : System RAM
END
cat >"$root/proc/zoneinfo" <<'END'
Node 0, zone      DMA
        spanned  262144
  start_pfn:           0
Node 0, zone   Normal
        spanned  9175040
  start_pfn:           262144
END
card=$root/sys/bus/pci/devices/0000:01:00.0
echo 64 >"$card/consistent_dma_mask_bits"
echo 0x020000 >"$card/class"
printf '\354\020\150\201\007\000' >"$card/config"
ln -s ../../../bus/pci/drivers/r8169 "$card/driver"
status 0 live "$dmag" plan --live --root "$root"
has 'live limit' '^ *1 64 sysfs 0x3fffffff 0 yes bus master 0000:01:00.0, r8169$'
has 'live component' 'IORT ._SB_.ETH0$'
has 'live nodes' '^nodes 0 \[0x880000000'
cp "$work/dsdt.aml" "$root/sys/firmware/acpi/tables/DSDT"
cp "$work/ssdt.aml" "$root/sys/firmware/acpi/tables/SSDT1"
status 0 'collect byte code' "$dmag" collect --root "$root" -o "$work/copy.tar"
has 'what is no constant is told' '\\_SB_.BUS0._DMA: not constant' err
mkdir "$work/code-copy"
tar -C "$work/code-copy" -xf "$work/copy.tar"
iasl -p "$work/again" -d "$work/code-copy/sys/firmware/acpi/tables/DSDT" >"$work/iasl" 2>&1 &&
	iasl -p "$work/again" "$work/again.dsl" >"$work/iasl" 2>&1
verdict $? 'iasl reads and compiles what is packed' "$(cat "$work/iasl")"
cp "$work/again.dsl" "$work/out"
hasnt 'nothing else of the code' 'WORK|CTRL|BCM2848|RBUF|ACPI0007'
for folder in "$root" "$work/code-copy"; do
	status 0 'byte code of a copy' "$dmag" plan --live --root "$folder" --json
	python3 - "$work/out" >"$work/devices.${folder##*/}" <<'END'
import json, sys
for d in json.load(open(sys.argv[1]))["devices"]:
    print(d)
END
done
diff "$work/devices.root" "$work/devices.code-copy" >"$work/err"
verdict $? 'a copy has the same devices' "$(cat "$work/err")"
[ "$(grep -c _DMA "$work/devices.code-copy")" = 2 ]
verdict $? 'two buses' "$(cat "$work/devices.code-copy")"
status 0 'a copy of a copy' "$dmag" collect --root "$work/code-copy" -o "$work/second.tar"
mkdir "$work/second"
tar -C "$work/second" -xf "$work/second.tar"
cmp "$work/code-copy/sys/firmware/acpi/tables/DSDT" "$work/second/sys/firmware/acpi/tables/DSDT" >"$work/err" 2>&1
verdict $? 'a copy of a copy is the same' "$(cat "$work/err")"
rm "$root/sys/firmware/acpi/tables/SSDT1"
status 0 'live with _DMA' "$dmag" plan --live --root "$root"
has 'live _DMA' '^ *[0-9] 64 sysfs 0xbfffffff 1 no bus master 0000:01:00.0, r8169$'
has 'a live bus' '^ *[0-9] 32 unknown 0xffffffff 1 no _DMA \\_SB_.GDV0$'
hasnt 'a live host bridge' '_DMA .*PCI0'
rm "$root/sys/firmware/acpi/tables/DSDT"
status 0 collect "$dmag" collect --root "$root" -o "$work/copy.tar"
tar -tf "$work/copy.tar" | grep acpi | sort >"$work/out"
[ "$(tr '\n' ' ' <"$work/out")" = 'sys/firmware/acpi/tables/IORT sys/firmware/acpi/tables/SRAT ' ]
verdict $? 'the tables that are packed' "$(cat "$work/out")"
mkdir "$work/copy"
tar -C "$work/copy" -xf "$work/copy.tar"
status 0 'a copy' "$dmag" plan --live --root "$work/copy"
has 'limit in a copy' '^ *1 64 sysfs 0x3fffffff 0 yes bus master 0000:01:00.0, r8169$'
rm -r "$root/sys/firmware/acpi"
status 0 'no ACPI' "$dmag" plan --live --root "$root"
has 'no ACPI' '^ *1 64 sysfs 0xffffffffffffffff'
status 0 'tables from elsewhere' "$dmag" plan --live --root "$root" --acpi "$work/tables"
has 'tables from elsewhere' '^ *1 64 sysfs 0x3fffffff'
finish
