#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag collect: what it packs is planned to the same answer, and tells no names.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

root=$(cd "$work" && pwd)/root
bus=$root/sys/bus/pci/devices
bridge=$root/sys/devices/platform/scb/fd500000.pcie
card=$bridge/pci0000:00/0000:00:00.0/0000:01:00.0
mkdir -p "$root/proc/sys/kernel" "$bus" "$card" "$root/sys/class/dmi/id" \
	"$root/sys/firmware/memmap/0" "$root/sys/kernel/debug/swiotlb"
echo aarch64 >"$root/proc/sys/kernel/arch"
echo 'console=ttyS0 host=secret swiotlb=65536 root=/dev/secret' >"$root/proc/cmdline"
printf 'vendor_id\t: x\nSerial\t\t: 10000000deadbeef\n' >"$root/proc/cpuinfo"
echo secret-host >"$root/proc/sys/kernel/hostname"
echo 'CmaTotal: 65536 kB' >"$root/proc/meminfo"
cat >"$root/proc/iomem" <<'END'
00000000-3b3fffff : System RAM
40000000-fbffffff : System RAM
END
cat >"$root/proc/zoneinfo" <<'END'
Node 0, zone      DMA
        spanned  262144
        managed  200000
  start_pfn:           0
Node 0, zone    DMA32
        spanned  770048
        managed  700000
  start_pfn:           262144
END
for file in start end type; do
	echo 0x0 >"$root/sys/firmware/memmap/0/$file"
done
echo 32768 >"$root/sys/kernel/debug/swiotlb/io_tlb_nslabs"
board pi4
fdtput -t s "$work/pi4.dtb" / serial-number 10000000deadbeef
fdtput -t s -p "$work/pi4.dtb" /chosen bootargs 'secret=1 cma=64M smsc95xx.macaddr=secret'
cp "$work/pi4.dtb" "$root/sys/firmware/fdt"
ln -s ../../../../firmware/devicetree/base/scb/pcie@7d500000 "$bridge/of_node"
ln -s ../../../devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0 "$bus/0000:01:00.0"
echo 0x0c0330 >"$card/class"
echo 64 >"$card/dma_mask_bits"
echo 32 >"$card/consistent_dma_mask_bits"
{ printf '\006\021\203\064\006\000'; head -c 4090 /dev/zero | tr '\0' s; } >"$card/config"
ln -s ../../../../../../../bus/pci/drivers/xhci_hcd "$card/driver"

status 0 collect "$dmag" collect --root "$root" -o "$work/copy.tar"
mkdir "$work/copy"
tar -C "$work/copy" -xf "$work/copy.tar" 2>"$work/err"
verdict $? 'tar reads it' "$(cat "$work/err")"
for from in root copy; do
	status 0 "plan of the $from" "$dmag" plan --live --root "$work/$from" --json
	cp "$work/out" "$work/$from.json"
	cp "$work/err" "$work/$from.err"
done
cmp "$work/root.json" "$work/copy.json" >"$work/out" 2>&1
verdict $? 'the same plan' "$(diff "$work/root.json" "$work/copy.json")"
sed 's,/root/,/copy/,' "$work/root.err" | cmp -s - "$work/copy.err"
verdict $? 'the same notes'
cp "$work/copy.json" "$work/out"
has 'the card, by way of its bridge' '"device": "0000:01:00.0"'
has 'the command line' '"swiotlb": 67108864'
! grep -rqE 'secret|deadbeef' "$work/copy" "$work/copy.tar"
verdict $? 'no names, no serial numbers' "$(grep -rlE 'secret|deadbeef' "$work/copy")"
[ "$(wc -c <"$(find "$work/copy" -name config)")" = 64 ]
verdict $? 'no capability of a device, which may hold a serial number'
[ "$(grep -c . "$work/copy/proc/cpuinfo")" = 1 ]
verdict $? 'one line of cpuinfo'
status 0 'again' sh -c "'$dmag' collect --root '$root' | cmp - '$work/copy.tar'"
status 0 'this machine' sh -c "'$dmag' collect | tar -tf -"
has 'this machine' '^proc/iomem$'
status 1 'nothing there' "$dmag" collect --root "$bridge" -o "$work/none.tar"
has 'nothing there' 'nothing to collect' err
status 1 'no root' "$dmag" collect --root "$work/none" -o "$work/none.tar"
status 1 'no place' "$dmag" collect -o "$work/none/copy.tar"
status 2 'an argument' "$dmag" collect copy.tar
status 2 'no such option' "$dmag" collect --json
status 0 help "$dmag" collect --help
has help '^usage: dmag collect'
finish
