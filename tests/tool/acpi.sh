#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# ACPI's tables: limits of PCI segments and components, NUMA nodes.  The tables are
# made by hand and compiled by iasl; all expected values are written by hand.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$work/tables"
for table in iort srat; do
	iasl -p "$work/$table" "$here/acpi/$table.dsl" >"$work/iasl" 2>&1
	verdict $? "iasl compiles $table" "$(cat "$work/iasl")"
	mv "$work/$table.aml" "$work/tables/$(echo $table | tr '[:lower:]' '[:upper:]')"
done
# Byte code of which only the name counts; a license key that nothing may read.
printf 'DSDT\051\000\000\000\002%027d\024_DMA' 0 >"$work/tables/DSDT"
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
has '_DMA' 'DSDT: names _DMA, which dmag does not read' err
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
