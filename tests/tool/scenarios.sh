#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# The boards of reported failures, and all others, from the kernel's own device
# trees.  BOARDS is the directory that scripts/boards.sh filled.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"
arm64=$BOARDS/arm64
riscv=$BOARDS/riscv

# Raspberry Pi 4: [0, 1G) for the legacy buses, [0, 3G) for PCIe.
pi4=$arm64/broadcom/bcm2711-rpi-4-b.dtb
for memory in 1G-0xfbffffff 1G-0xfbffffff,4G+4G; do
	status 0 'pi4' "$dmag" plan -m "0+948M,$memory" "$pi4"
	has 'pi4 legacy' '^ *1 [0-9]+ \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact'
	has 'pi4 emmc2' '^ *1 32 .*/emmc2bus/mmc@7e340000'
	has 'pi4 usb' '^ *1 32 .*/soc/usb@7e980000'
	has 'pi4 pcie' '^ *2 1 \[0x0, 0x3b3fffff\] 2.9 GiB uncached DMA32 too large 2 GiB 960 MiB'
	has 'pi4 pcie' '^ *2 32 .*/scb/pcie@7d500000'
	has 'pi4 genet' '^ *[34] 40 driver .*/scb/ethernet@7d580000'
done

# Raspberry Pi 5, as far as this kernel describes it.
status 0 'pi5' "$dmag" plan -m 0+8G "$arm64/broadcom/bcm2712-rpi-5-b.dtb"
has 'pi5' '^ *1 1 \[0x80000, 0xffffffff\] 4 GiB uncached DMA exact'

# PolarFire Icicle: 768 MiB low, 1 GiB high.
icicle=$riscv/microchip/mpfs-icicle-kit.dtb
status 0 'icicle' "$dmag" plan -m 0x80000000+768M,0x1000000000+1G "$icicle"
has 'icicle low' '^ *1 [0-9]+ \[0x80000000, 0xafffffff\] 768 MiB - DMA32 exact'
has 'icicle mmc' '^ *1 32 .*/soc/mmc@20008000'
has 'icicle all' '^ *2 [0-9]+ \[0x80000000, 0xafffffff\] 1.8 GiB - Normal exact .* universal'

# ZCU102: 2 GiB below 4 GiB for what emits 32 bits, all for ethernet and DMA.
status 0 'zcu102' "$dmag" plan "$arm64/xilinx/zynqmp-zcu102-rev1.0.dtb"
has 'zcu102 low' '^ *1 [0-9]+ \[0x0, 0x3ecfffff\] 2 GiB uncached DMA exact'
has 'zcu102 all' '^ *2 [0-9]+ \[0x0, 0x3ecfffff\] 4 GiB uncached Normal exact'
has 'zcu102 mmc' '^ *1 32 .*/axi/mmc@ff170000'
has 'zcu102 gem' '^ *2 44 driver .*/axi/ethernet@ff0e0000'

# Every board, and the largest in time.
find "$BOARDS" -name '*.dtb' >"$work/boards"
[ "$(wc -l <"$work/boards")" -gt 1000 ]
verdict $? 'more than 1000 boards' "$(wc -l <"$work/boards") in $BOARDS"
# shellcheck disable=SC2046 # one name a word
status 0 'all boards' "$dmag" plan -q --summary $(cat "$work/boards")
[ "$(wc -l <"$work/out")" -eq $(($(wc -l <"$work/boards") + 1)) ]
verdict $? 'one line a board'
largest=$(xargs ls -S <"$work/boards" | sed -n 1p)
python3 - "$dmag" "$largest" <<'END'
import subprocess, sys, time
def run():
    start = time.perf_counter()
    subprocess.run([sys.argv[1], "plan", "-q", sys.argv[2]], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
median = sorted(run() for _ in range(9))[4]
print("# %s: median %.1f ms" % (sys.argv[2], median * 1000))
sys.exit(median >= 0.1)
END
verdict $? 'the plan of the largest board takes less than 100 ms' "$largest"
finish
