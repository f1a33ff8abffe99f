#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Print the device tree of a board with 30 groups in two banks of memory."""

print('''/dts-v1/;
/ { model = "30 groups: a board with <many> & odd windows"; compatible="test,many"; #address-cells = <2>; #size-cells = <2>;
cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a72"; reg = <0>; }; };
memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x80000000>, <0x8 0x80000000 0xf 0x80000000>; };
reserved-memory { #address-cells=<2>; #size-cells=<2>; ranges; a@90000000 { reg = <0 0x90000000 0 0x4000000>; }; b@900000000 { reg = <9 0 0 0x10000000>; no-map; }; };
''')
for i in range(28):
    base=0x80000000 + (i%14)*0x8000000 if i<14 else 0x880000000+ (i-14)*0x40000000
    size=0x4000000*(1+i%7) if i<14 else 0x80000000*(1+(i%5)*3)
    print(f'''bus{i} {{ compatible="simple-bus"; #address-cells=<2>; #size-cells=<2>; ranges; dma-ranges = <0 0 {base>>32:#x} {base&0xffffffff:#x} {size>>32:#x} {size&0xffffffff:#x}>;
 {"ethernet" if i%3 else "very-long-named-video-codec"}@{i:x}000 {{ compatible="x"; reg=<0 {i*0x1000:#x} 0 0x1000>; dma-coherent; }};
 mmc@{i+64:x}000 {{ compatible="x"; reg=<0 {(i+64)*0x1000:#x} 0 0x1000>; dma-coherent; }}; }};''')
for b in (32,64):
    print(f'usb@f{b}000 {{ compatible="x"; reg=<0 0xf{b}000 0 0x1000>; dma-coherent; }};')
print('};')
