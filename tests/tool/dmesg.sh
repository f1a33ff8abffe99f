#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag plan --dmesg: machines from their boot logs.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# A Raspberry Pi 5 with a card of 32 bits, whose bus begins at 64 GiB.
status 0 'pi5' "$dmag" plan --dmesg "$here/boots/pi5.log"
has 'model, architecture' '^board Raspberry Pi 5 Model B Rev 1.0, arm64$'
has 'first bank' '^memory \[0x0, 0x3fbfffff\] 1020 MiB$'
has 'second bank' '^ \[0x40000000, 0x1ffffffff\] 7 GiB$'
has 'zone' '^zones DMA \[0x0, 0xffffffff\] 4 GiB$'
has 'CMA' '^reserved \[0x3a000000, 0x3dffffff\] 64 MiB shared-dma-pool, reusable'
has 'the card' '^ *1 32 log 0xffffffff 1 no PCI function 0000:01:00.0$'
has 'nothing' '^ *1 2 nothing 0 B uncached Normal unusable 0 B 0 B 8 GiB$'
has 'cards' '^bridges 1000110000.pcie: 32-bit cards: nothing; from 37 bits: all 8 GiB$'
hasnt 'bridge of PCI' '0000:00:00.0'
status 0 'pi5, 40 bits' "$dmag" plan --dmesg "$here/boots/pi5.log" -M '0000:01:00.0=40' -M '*.pcie=36'
has 'pi5, 40 bits' '^ *2 1 \[0x0, 0x3fbfffff\] 8 GiB uncached Normal exact 0 B 0 B 0 B$'
status 0 'explain' "$dmag" explain "$here/boots/pi5.log"
has 'reach from the log' 'reach 0000:01:00.0 reaches nothing of 8 GiB with 32 bits$'

# A PC with ACPI: 4 GiB below a hole and above, an IOMMU for one of two functions.
status 0 'pc' "$dmag" plan --dmesg "$here/boots/pc.log"
has 'pc model' '^board Test Vendor Box/Board, x86$'
has 'pc low memory' '^ \[0x100000, 0x7fffffff\] 2 GiB$'
has 'pc AHCI' '^ *1 32 unknown 0xffffffff 0 yes PCI function 0000:00:1f.2$'
has 'pc reach' '^ *1 1 \[0x0, 0x9efff\] 2 GiB - DMA32 exact 0 B 0 B 2 GiB$'
has 'pc bounces' '^streaming group 1 bounces: 2 GiB through a swiotlb of 64 MiB$'
has 'pc IOMMU' '^ *- 32 unknown .* 0000:00:02.0 \(iommu\)$'
status 0 'pc, ISA' "$dmag" plan --dmesg "$here/boots/pc.log" -M '0000:00:1f.2=24' --no-iommu 0000:00:02.0
has 'pc, ISA' '^ *1 1 \[0x0, 0x9efff\] 15.6 MiB - DMA exact 0 B 0 B 4 GiB$'
has 'pc, no IOMMU' '^ *2 1 .* DMA32 exact'

# A server of two NUMA nodes, which are drawn apart.
status 0 'server' "$dmag" plan --dmesg "$here/boots/server.log" -M '0000:17:00.0=35' --svg "$work/server.svg"
has 'node 0' '^nodes 0 \[0x1000, 0x87fffffff\] 31.7 GiB$'
has 'node 1' '^ 1 \[0x880000000, 0x107fffffff\] 32 GiB$'
has 'memory across nodes' '^ \[0x100000000, 0x107fffffff\] 62 GiB$'
has 'reach into node 0' '^ *2 1 .* 29.7 GiB - Normal too large 28 GiB 34 GiB'
cp "$work/server.svg" "$work/out"
has 'picture of node 0' '>node 0: 31.7 GiB</text>'
has 'picture of node 1' '>node 1: 32 GiB</text>'
# One gap, before the row of zones and the rows of groups: 14 pixels from the end of
# the bracket of node 0 on, which is where that of node 1 begins.
python3 - "$work/server.svg" <<'END' 2>"$work/err"
import sys, xml.etree.ElementTree as ET
root, ns = ET.parse(sys.argv[1]).getroot(), "{http://www.w3.org/2000/svg}"
gaps = [(float(r.get("x")), 14) for r in root.iter(ns + "rect") if r.get("class") == "page" and r.get("width") == "14.0"]
names = [float(t.get("x")) for t in root.iter(ns + "text") if t.text in ("DMA", "DMA32", "Normal")]
assert gaps and len(names) == 3, (gaps, names)
for x in names:
    assert all(x + 20 < start or x - 20 > start + width for start, width in gaps), (x, gaps)
END
verdict $? 'no name of a zone across the gap between nodes' "$(cat "$work/err")"
awk -F '[M ]' '/class="node"/ { split($4, path, "v"); split($4, h, "h"); print $3, h[2] + 0 }' "$work/server.svg" >"$work/brackets"
[ "$(awk 'NR == 1 { end = $1 + $2 } NR == 2 { printf "%.0f", $1 - end }' "$work/brackets")" = 14 ]
verdict $? 'the gap' "$(cat "$work/brackets")"
status 0 'one node' "$dmag" plan --dmesg "$here/boots/pi5.log" --svg "$work/pi5.svg"
hasnt 'one node' '^nodes'
cp "$work/pi5.svg" "$work/out"
hasnt 'picture of one node' 'node 0:'

# Logs that are none, or lack their beginning.
echo 'nothing here' >"$work/none.log"
status 1 'no boot' "$dmag" plan --dmesg "$work/none.log"
has 'no boot' 'none.log: the log does not begin with the boot' err
status 0 'no boot, but memory' "$dmag" plan --dmesg "$work/none.log" -m 0+1G
status 1 'no file' "$dmag" plan --dmesg "$work/nowhere.log"
status 2 'a log and a board' "$dmag" plan --dmesg "$here/boots/pc.log" "$work/x.dtb"
finish
