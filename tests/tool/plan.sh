#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag plan on boards whose groups are known: scenarios, and a device a rule.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# Raspberry Pi 4 with 4 GiB: legacy devices reach [0, 1G), PCIe [0, 3G); one
# ZONE_DMA suits the first, no zone the second.
board pi4
status 0 pi4 "$dmag" plan "$work/pi4.dtb"
has 'pi4 zone' 'DMA \[0x0, 0x3fffffff\] 948 MiB'
has 'pi4 legacy' '^ *1 2 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact 0 B 0 B'
has 'pi4 pcie' '^ *2 1 \[0x0, 0x3b3fffff\] 2.9 GiB uncached DMA32 too large 2 GiB 960 MiB'
has 'pi4 pcie top' '^ \[0x40000000, 0xbfffffff\]$'
has 'pi4 rest' '^ *3 1 \[0x0, 0x3b3fffff\] 3.9 GiB uncached DMA32 exact'
hasnt 'pi4 groups' '^ *4 [0-9]+ \['
has 'pi4 usb' '^ *1 32 .*/soc/usb@7e980000'
has 'pi4 ethernet' '^ *3 40 driver .*/scb/ethernet@7d580000'
hasnt 'pi4 no masters' 'serial|crypto|gpu'
hasnt 'plain in a pipe' "$(printf '\033')"

# A 30-bit device there needs no zone of its own: it joins the legacy devices.
status 0 'pi4 v3d' "$dmag" plan -M ethernet@7d580000=30 "$work/pi4.dtb"
has 'pi4 v3d' '^ *1 3 \[0x0, 0x3b3fffff\] 948 MiB uncached DMA exact'
hasnt 'pi4 v3d' '^ *3 [0-9]+ \['

# Raspberry Pi 5: one legacy block makes ZONE_DMA 1 GiB large, for everyone.  The
# bus addresses of PCIe begin above 32 bits, so that it needs the wider mask.
board pi5
status 0 pi5 "$dmag" plan -M pcie@100000=64 "$work/pi5.dtb"
has 'pi5 zone' 'DMA \[0x0, 0x3fffffff\] 1 GiB'
has 'pi5 legacy' '^ *1 1 \[0x0, 0x3fffffff\] 1 GiB uncached DMA exact'
has 'pi5 mmc' '^ *2 1 \[0x0, 0xffffffff\] 4 GiB uncached DMA32 exact'
has 'pi5 pcie' '^ *3 1 \[0x0, 0x1ffffffff\] 8 GiB uncached Normal exact'
hasnt 'pi5 groups' '^ *4 [0-9]+ \['
status 0 'pi5 32-bit pcie' "$dmag" plan "$work/pi5.dtb"
has 'pi5 nothing' '^ *1 1 nothing'
has 'pi5 nothing note' '/axi/pcie@100000: a mask of 32 bits \(a guess\) reaches no memory: it takes 37 bits' err

# PolarFire Icicle: the low bank for 32-bit devices, all for the others.
board icicle
status 0 icicle "$dmag" plan "$work/icicle.dtb"
has 'icicle arch' 'microchip,mpfs-icicle-kit\), riscv'
has 'icicle low' '^ *1 1 \[0x80000000, 0xafffffff\] 768 MiB - DMA32 exact'
has 'icicle all' '^ *2 1 \[0x80000000, 0xafffffff\] 1.8 GiB - Normal exact .* universal'
has 'icicle bank' '^ \[0x1000000000, 0x103fffffff\]$'
has 'icicle mmc' '^ *1 32 unknown .*/soc/mmc@20008000'
has 'icicle macb' '^ *2 44 driver .*/soc/ethernet@20110000'

# A mask from the user moves a device to another group, and takes it from one.
status 0 mask "$dmag" plan -M /soc/mmc@20008000=64 "$work/icicle.dtb"
has 'mask by path' '^ *1 2 \[0x80000000, 0xafffffff\] 1.8 GiB'
has 'mask option' '^ *1 64 option .*/soc/mmc@20008000'
status 0 mask "$dmag" plan --mask ethernet@20110000=31 "$work/icicle.dtb"
has 'mask that reaches nothing' '^ *1 1 nothing 0 B - DMA32 unusable 0 B 0 B 1.8 GiB'
status 1 mask "$dmag" plan --mask nobody=32 "$work/icicle.dtb"
has 'mask of nobody' "no device that does DMA is called 'nobody'" err

# More memory than the device tree says: sizes, ends, units.
status 0 memory "$dmag" plan -m 2G+512M,0x100000000-0x1ffffffff "$work/icicle.dtb"
has 'bank by size' 'memory \[0x80000000, 0x9fffffff\] 512 MiB'
has 'bank by end' '\[0x100000000, 0x1ffffffff\] 4 GiB'

# One device a rule.
board rules
status 0 rules "$dmag" plan "$work/rules.dtb"
has 'no-map is no memory' '\[0x80200000, 0xffffffff\]'
has 'memreserve' 'reserved \[0x80000000, 0x80000fff\] 4 KiB reserved, memory reservation block|\[0x80000000, 0x80000fff\]'
has 'dynamic' 'anywhere 1 MiB reserved, /reserved-memory/log'
has 'restricted region' 'restricted-dma-pool, /reserved-memory/pool@90000000'
has 'iommu' '^ *- .* iommus /translated@10000 \(iommu\)'
has 'disabled iommu' '^ *[0-9]+ .* iommus /untranslated@11000$'
has 'restricted' '^ *- .* /bounced@12000 \(restricted pool\)'
has 'own pool' '^ *- .* /codec@13000 \(own pool\)'
has 'carveout is no pool' '^ *[0-9]+ .* yes .* /ethernet@14000$'
has 'dma-mem' '^ *[0-9]+ 32 unknown 0x1fffffff 1 yes .* /mmc@15000'
has 'dma-mem reach' '\[0x80200000, 0x9fffffff\]'
has 'nested windows' '^ *[0-9]+ 32 unknown 0x17ffffff 1 yes .* /outer/inner/usb@0'
has 'nested reach' '\[0x88000000, 0x8fffffff\] 128 MiB'
has 'split windows' '^ *[0-9]+ 32 unknown 0x7fffffff 2 yes .* /split/sata@0'
has 'split reach' '\[0xc0000000, 0xffffffff\]$'

# The command line.
status 0 help "$dmag" plan --help
has 'help' '^usage: dmag plan'
status 0 version "$dmag" --version
has 'version' '^dmag [0-9]'
status 2 'no command' "$dmag"
status 2 'bad command' "$dmag" frobnicate
has 'bad command' "there is no command 'frobnicate'" err
status 2 'no board' "$dmag" plan
for bad in --mask=x --mask=a=0 --mask=a=65 --mask==3 --memory=5 --memory=9-3 \
	--memory=1+0 --memory=0xffffffffffffffff+2 "--memory=0+1G,," --memory=0-20000000000000T \
	--assume-memory=0 --assume-memory=3X --arch=vax --arch=arm6 --color=blue --nonsense; do
	status 2 "$bad" "$dmag" plan "$bad" "$work/pi4.dtb"
done
status 1 'no such file' "$dmag" plan "$work/none.dtb"
has 'no such file' "none.dtb: No such file" err
status 1 'a directory' "$dmag" plan "$work"
status 0 'colour on demand' "$dmag" plan --color always "$work/pi4.dtb"
has 'colour' "$(printf '\033')"
(trap '' PIPE; "$dmag" plan "$work/pi4.dtb" 2>"$work/err" | true)
hasnt 'broken pipe' . err
status 1 'full disk' sh -c "'$dmag' plan '$work/pi4.dtb' >/dev/full"
has 'full disk' 'standard output: No space' err
finish
