#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag diff: what changes for devices between two boards, and by an overlay.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# diff_is WHAT LINES: all that was printed, runs of blanks as one
diff_is()
{
	printf '%s\n' "$2" >"$work/want"
	tr -s ' ' <"$work/out" | diff "$work/want" - >"$work/difference"
	verdict $? "$1" "$(cat "$work/difference")"
}

board pi5
status 0 'the same' "$dmag" diff "$work/pi5.dtb" "$work/pi5.dtb"
diff_is 'the same' 'no difference for any device'

# The window of PCIe moves from 64 GiB to 0, for the first 2 GiB of memory; the
# card reader goes, a network comes.
sed -e 's/dma-ranges = <0x03000000 0x10 .*/dma-ranges = <0x03000000 0x0 0x0 0x0 0x0 0x0 0x80000000>;/' \
	-e 's/mmc@/ethernet@/' "$here/boards/pi5.dts" >"$work/new.dts"
status 0 'moved' "$dmag" diff "$work/pi5.dtb" "$work/new.dts"
has 'a device goes' '^- .*/mmc@[0-9a-f]+: 32 bits, reaches 4 GiB from 0x0 in 1 parts, uncached, DMA32 exact, streaming bounces$'
has 'a device comes' '^\+ .*/ethernet@[0-9a-f]+: 32 bits, reaches 4 GiB from 0x0 in 1 parts, uncached, DMA32 exact, streaming bounces$'
has 'a reach changes' '^~ /axi/pcie@100000$'
has 'from' '^ was 32 bits, reaches 0 B from 0x0 in 0 parts, uncached, Normal unusable, streaming fails$'
has 'to' '^ is 32 bits, reaches 2 GiB from 0x0 in 1 parts, uncached, DMA32 too large, streaming bounces$'
status 0 'memory' "$dmag" diff -m 0+1G "$work/pi5.dtb" "$work/pi5.dtb"
diff_is 'memory of both' 'no difference for any device'

# An overlay that switches a device off.
cat >"$work/base.dts" <<'END'
/dts-v1/;
/ {
	#address-cells = <1>; #size-cells = <1>;
	model = "base";
	memory@0 { device_type = "memory"; reg = <0 0x10000000>; };
	dma: dma-controller@4000 { compatible = "test,dma"; reg = <0x4000 4>; #dma-cells = <1>; };
};
END
cat >"$work/off.dts" <<'END'
/dts-v1/;
/plugin/;
&dma { status = "disabled"; };
END
dtc -q -@ -o "$work/off.dtbo" "$work/off.dts"
status 0 'overlay' "$dmag" diff --overlay "$work/off.dtbo" "$work/base.dts"
diff_is 'overlay' '- /dma-controller@4000: 32 bits, reaches 256 MiB from 0x0 in 1 parts, none unknown, streaming direct'

status 2 'one board' "$dmag" diff "$work/pi5.dtb"
has 'one board' '^dmag: give two boards, or one and an overlay$' err
status 2 'options of plan' "$dmag" diff --json "$work/pi5.dtb" "$work/pi5.dtb"
status 1 'no such board' "$dmag" diff "$work/pi5.dtb" "$work/none.dtb"
has 'no such board' '^dmag: .*none.dtb: No such file' err
status 0 'help' "$dmag" diff --help
has 'help' '^usage: dmag diff'
finish
