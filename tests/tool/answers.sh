#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag plan on boards that earlier versions answered wrongly.  Every expected value
# was found by hand, from the device tree and from Linux's source.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# plan NAME [OPTION...]: the plan of boards/NAME.dts
plan()
{
	name=$1
	shift
	board "$name"
	status 0 "$name" "$dmag" plan "$@" "$work/$name.dtb"
}

# A device that reaches nothing is unusable, whatever the zones are.
plan nothing
has 'nothing: unusable' '^ *1 1 nothing 0 B - DMA32 unusable 0 B 0 B 8 GiB$'
has 'nothing: streaming' '^streaming group 1 fails: it reaches no memory$'
has 'nothing: remedy' '/soc/ethernet@1000000: a mask of 32 bits \(a guess\) reaches no memory: it takes 33 bits' err
status 3 'nothing: --check' "$dmag" plan -q --check "$work/nothing.dtb"
has 'nothing: --check' '--check: /soc/ethernet@1000000 cannot work' err
plan nothing -M ethernet@1000000=33
has 'nothing: 33 bits' '^ *1 1 \[0x100000000, 0x1ffffffff\] 4 GiB - Normal too large 4 GiB 4 GiB 4 GiB$'
has 'nothing: no swiotlb either' 'group 1 fails: 4 GiB are out of reach, and so is swiotlb'
plan nothing -M '*@1000000=34' --check --require '/soc/*=all'
has 'nothing: 34 bits' '^ *1 1 \[0x100000000, 0x2ffffffff\] 8 GiB - Normal exact 0 B 0 B 0 B universal$'

# Memory that streaming DMA bounces for: 8 GiB, of which 32 bits reach four.
plan cma-ranges
has 'unreachable' '^ *1 1 \[0x0, 0xffffffff\] 4 GiB uncached DMA exact 0 B 0 B 4 GiB$'
has 'bounces' '^streaming group 1 bounces: 4 GiB through a swiotlb of 64 MiB$'
plan cma-ranges --cmdline 'quiet swiotlb=100000,4,force'
has 'swiotlb=' '^streaming group 1 bounces: 4 GiB through a swiotlb of 256 MiB$'
status 3 'require too much' "$dmag" plan -q --require ethernet@1000000=5G "$work/cma-ranges.dtb"
has 'require too much' '--require: /soc/ethernet@1000000 reaches less' err
status 0 'require enough' "$dmag" plan -q --require ethernet@1000000=4G "$work/cma-ranges.dtb"

# Pools and CMA against the reach of their users, and against memory.
plan cma-ranges
has 'alloc-ranges' 'within \[0x100000000, 0x1ffffffff\] 256 MiB shared-dma-pool, reusable, /reserved-memory/linux,cma$'
has 'default CMA' '/reserved-memory/linux,cma: the default CMA area is out of reach of group 1$' err
has 'pool' '/soc/vpu@2000000: its pool .*/vpu@180000000 at 0x180000000 is out of reach of 32 bits$' err
has 'pool verdict' '/soc/vpu@2000000 \(own pool\) unusable$'
has 'CMA that does not fit' '/reserved-memory/large: 6 GiB do not fit: 4 GiB is the largest range$' err
status 3 'pool: --check' "$dmag" plan -q --check "$work/cma-ranges.dtb"
plan cma-ranges -M 'vpu@*=33'
hasnt 'pool in reach' 'vpu@180000000 at' err
plan cma-ranges --cmdline cma=64M
hasnt 'cma= bypasses linux,cma-default' 'default CMA area' err
plan cma-ranges --cma 64M
hasnt '--cma is cma=' 'default CMA area' err
has 'the area of the command line' 'within \[0x0, 0xffffffff\] 64 MiB shared-dma-pool, reusable, cma= of the command line$'
hasnt 'that of the tree is bypassed' 'linux,cma$'
plan cma-ranges --cma 5G
has '--cma does not fit' 'cma= of the command line: 5 GiB do not fit: 4 GiB is the largest range$' err
status 3 '--cma does not fit: lint' "$dmag" lint --cma 5G "$work/cma-ranges.dtb"
plan cma-ranges --cma 1G@5G-8G -A x86
has '--cma with a range' 'within \[0x140000000, 0x1ffffffff\] 1 GiB .* cma= of the command line$'
has '--cma with a range: reach' 'cma= of the command line: the default CMA area is out of reach of group 1$' err
plan cma-ranges --cma 0
hasnt 'no area' 'cma= of|linux,cma$'
status 2 '--cma: no size' "$dmag" plan --cma much "$work/cma-ranges.dtb"
has '--cma: no size' "^dmag: --cma: 'much' is no size$" err
plan cma-ranges --cma 64M --cmdline swiotlb=8192
has '--cma and --cmdline' 'through a swiotlb of 16 MiB$'
hasnt '--cma and --cmdline' 'default CMA area' err
plan pool-nomap
has 'no-map pool is no memory' '^ *1 1 \[0x80000000, 0x9fffffff\] 512 MiB uncached DMA exact'
has 'no-map pool' '\[0xa0000000, 0xbfffffff\] 512 MiB shared-dma-pool, no-map, /reserved-memory/dsp@a0000000'
plan default-pool
has 'default pool in reach' '/soc/alias/mmc@3000000 \(default pool\)$'
has 'default pool out of reach' '/soc/ethernet@1000000 \(default pool\) unusable$'
hasnt 'default pool: no group' '^ *1 1 '

# A crash kernel, and the command line of the tree.
plan usable-range
has 'usable range' '^memory \[0xc0000000, 0xcfffffff\] 256 MiB$'
has 'usable range reach' '^ *1 1 \[0xc0000000, 0xcfffffff\] 256 MiB uncached DMA exact'
plan usable-range --memory 2G+8G
has 'mem= of the tree' '^memory \[0x80000000, 0x9fffffff\] 512 MiB$'
plan usable-range --memory 2G+8G --cmdline mem=6G -M ethernet@1000000=31
has 'a later mem=' '^memory \[0x80000000, 0x1ffffffff\] 6 GiB$'
plan no-reg
has 'no reg' '/memory: reg: missing, Linux ignores the node' err
has 'no device_type' '/memory@80000000: device_type = "memory" is missing, Linux ignores the node' err
has 'memory unknown: no verdict' '^ *1 1 \[0x0, 0xffffffff\] 4 GiB uncached [A-Za-z0-9]+ unknown 0 B 0 B 0 B$'

# Architectures: lowmem on 32-bit ARM, no zones where there are no rules.
plan arm32
has 'arm' '^board arm, 2 GiB \(test,board\), arm$'
has 'lowmem' '^zones Normal \[0x0, 0x3fffffff\] 768 MiB$'
has 'HighMem' '^ HighMem \[0x40000000, 0x8fffffff\] 1.3 GiB$'
has 'arm exact' '^ *[12] 1 \[0x10000000, 0x8fffffff\] 2 GiB uncached Normal exact 0 B 0 B 0 B$'
has 'arm coherent' '^ *[12] 1 \[0x10000000, 0x8fffffff\] 2 GiB - Normal exact 0 B 0 B 0 B universal$'
plan arm32 -M '*@1000000=29'
has 'arm 29 bits' '^ *1 1 \[0x10000000, 0x1fffffff\] 256 MiB uncached Normal too large 256 MiB 512 MiB 1.8 GiB$'
has 'arm has no swiotlb' '^streaming group 1 fails: 1.8 GiB are out of reach, there is no swiotlb$'
plan arm32 --arch x86
has 'x86' '^zones DMA \[0x0, 0xffffff\] 0 B$'
sed 's/arm,cortex-a72/test,cpu/' "$here/boards/pool-nomap.dts" >"$work/other.dts"
status 0 'another architecture, from its source' "$dmag" plan "$work/other.dts"
has 'another architecture' '^board no-map pool \(test,board\), architecture unknown$'
has 'another architecture: no zone' '^ *1 1 \[0x80000000, 0x9fffffff\] 512 MiB - none unknown 0 B 0 B 0 B'
has 'another architecture: note' 'no rules for the zones of these CPUs' err
hasnt 'another architecture: zones' '^zones'

# Mistakes in a tree that Linux does not mention, or only in passing.
plan mistakes
has 'lost windows' '/outer/soc: dma-ranges: missing, so that those of /outer are lost for devices below$' err
[ "$(grep -c 'are lost' "$work/err")" = 1 ]
verdict $? 'lost windows: one note for two devices'
has 'not limited' '^ *1 2 \[0x0, 0x3fffffff\] 1 GiB uncached DMA32 exact'
has 'overlap' '/reserved-memory/b@10100000: overlaps /reserved-memory/a@10000000$' err
has 'CMA beyond memory' '/reserved-memory/c@3f000000: reusable, but not all of it is memory$' err
hasnt 'CMA in memory' 'd@20000000: (reusable|overlaps)' err

# Devices behind a PCI endpoint; which cards a host bridge is good for.
plan rp1
has 'RP1' '^ *1 32 unknown 0xffffffff 1 no name /pcie@1000120000/pci@0,0/dev@0,0/pci-ep-bus@1/ethernet@40100000$'
has 'RP1 with 32 bits' '^ *1 2 nothing 0 B uncached Normal unusable 0 B 0 B 8 GiB'
has 'cards' '^bridges /pcie@1000120000: 32-bit cards: nothing; from 37 bits: all 8 GiB$'
plan rp1 -M 'ethernet@*=40'
has 'RP1 with 40 bits' '^ *2 1 \[0x0, 0x1ffffffff\] 8 GiB uncached Normal exact'
plan pci-window
has 'cards with a window' '^bridges /pcie@40000000: 32-bit cards: nothing; from 36 bits: all 2 GiB$'
plan rp1 --window 'pcie@*=0+2G@0' --window 'pcie@*=4G+1G@2G'
has 'windows of the user' '^bridges /pcie@1000120000: all cards: 3 GiB of 8 GiB$'

# Nodes that only look like masters; clients of a DMA controller.
plan not-devices
has 'the core, not its glue' '^ *1 64 driver .* driver /soc/usb@7000/usb@7100$'
has 'one device' '^ *1 1 \[0x80000000, 0xffffffff\] 2 GiB - DMA exact'
hasnt 'false devices' 'iommu@|controller@|codec@|display@|scfg@|bus@0|usb@7000$|yes .*gpu@'
plan dma-client
has 'DMA controller' '^ *1 48 driver 0xffffffffffff 0 yes #dma-cells /bus/dma-controller@285c0000$'
hasnt 'its client' 'ethernet@46000000'

# An IOMMU that the user knows to be off.
board rules
status 0 'no IOMMU' "$dmag" plan --no-iommu translated@10000 "$work/rules.dtb"
has 'no IOMMU' '^ *[0-9]+ 32 unknown .* iommus /translated@10000$'
status 0 'passthrough' "$dmag" plan --cmdline iommu.passthrough=1 "$work/rules.dtb"
has 'passthrough' '^ *[0-9]+ 32 unknown .* iommus /translated@10000$'

# Sources and overlays.
cat >"$work/base.dts" <<'END'
/dts-v1/;
/ {
	#address-cells = <1>; #size-cells = <1>;
	model = "base";
	memory@0 { device_type = "memory"; reg = <0 0x10000000>; };
	soc: soc { #address-cells = <1>; #size-cells = <1>; ranges; compatible = "simple-bus"; };
};
END
cat >"$work/add.dts" <<'END'
/dts-v1/;
/plugin/;
&soc { dma-controller@4000 { compatible = "test,dma"; reg = <0x4000 4>; #dma-cells = <1>; }; };
END
dtc -q -@ -o "$work/add.dtbo" "$work/add.dts"
dtc -q -o "$work/plain.dtb" "$work/base.dts"
status 0 'overlay' "$dmag" plan --overlay "$work/add.dtbo" "$work/base.dts"
has 'overlay' '#dma-cells /soc/dma-controller@4000$'
status 0 'no overlay' "$dmag" plan "$work/base.dts"
hasnt 'no overlay' 'dma-controller'
status 1 'overlay without symbols' "$dmag" plan --overlay "$work/add.dtbo" "$work/plain.dtb"
has 'overlay without symbols' 'add.dtbo: .*dtc -@' err
status 1 'overlay as a board' "$dmag" plan "$work/add.dtbo"
has 'overlay as a board' 'an overlay, not a board' err
echo '/dts-v1/; / { broken' >"$work/broken.dts"
status 1 'broken source' "$dmag" plan "$work/broken.dts"
has 'broken source' 'broken.dts: a source that dtc does not compile' err

# Messages that say what to do.
board nothing
for args in '--memory=4G|START\+SIZE or START-LAST, such as' '--memory=4G-8G|LAST is the last byte' \
	'--json --csv|exclude each other' '--root x|--root is for --live' \
	'--frobnicate|--frobnicate: no such option' '--svg|--svg: a value is missing' \
	'--window=a=1|is not NODE=CPU\+SIZE@BUS' '--require=a|is not NODE=SIZE' '--live|--live takes no board'; do
	options=${args%%|*}
	# shellcheck disable=SC2086 # options are words
	if [ "$options" = --svg ]; then
		status 2 "message of $options" "$dmag" plan "$work/nothing.dtb" $options
	else
		status 2 "message of $options" "$dmag" plan $options "$work/nothing.dtb"
	fi
	has "message of $options" "^dmag: .*${args#*|}" err
done
status 2 'no board at all' "$dmag" plan
has 'no board at all' '^dmag: no board: give a device tree, --dmesg or --live$' err
status 1 'a device that is not there' "$dmag" plan --no-iommu gpu@0 "$work/nothing.dtb"
has 'a device that is not there' "--no-iommu: no device that does DMA is called 'gpu@0'" err
finish
