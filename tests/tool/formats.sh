#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Output for programs: JSON, CSV and the line per board, and odd or broken input.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# json WHAT EXPRESSION: holds for the object p that was printed
json()
{
	python3 - "$work/out" "$2" <<'END' 2>"$work/json.err"
import json, sys
with open(sys.argv[1]) as f:
    p = json.load(f)
    sys.exit(not eval(sys.argv[2]))
END
	verdict $? "$1" "not true: $2 $(cat "$work/json.err")"
}

# csv WHAT EXPRESSION: holds for the list r of rows, by column name
csv()
{
	python3 - "$work/out" "$2" <<'END' 2>"$work/json.err"
import csv, sys
with open(sys.argv[1], newline="") as f:
    r = list(csv.DictReader(f, strict=True))
    sys.exit(not (all(None not in x and None not in x.values() for x in r) and eval(sys.argv[2])))
END
	verdict $? "$1" "not true: $2 $(cat "$work/json.err")"
}

board pi4
board icicle
board rules

status 0 'pi4 json' "$dmag" plan --json "$work/pi4.dtb"
json 'names' 'p["format"] == 1 and p["arch"] == "arm64" and p["model"] == "Pi 4, reduced"'
json 'memory' 'p["memory"][0] == {"start": "0x0", "last": "0x3b3fffff"} and p["memory_known"]'
json 'zones' '[z["name"] for z in p["zones"]] == ["DMA", "DMA32"]'
json 'groups' '[g["id"] for g in p["groups"]] == [1, 2, 3]'
json 'pcie' 'p["groups"][1]["reach"][1] == {"start": "0x40000000", "last": "0xbfffffff"}'
json 'pcie zone' 'p["groups"][1]["verdict"] == "too large" and not p["groups"][1]["zone_exists"]'
json 'pcie outside' 'p["groups"][1]["outside"] == 960 << 20 and p["groups"][1]["wasted"] == 2 << 30'
json 'attributes' 'all(g["attributes"] == ["uncached"] for g in p["groups"])'
json 'members' 'sorted(sum(d.get("group") == g["id"] for d in p["devices"]) for g in p["groups"]) == [1, 1, 2]'
json 'window' '{"cpu": "0x0", "bus": "0xc0000000", "size": "0x40000000"} in p["devices"][0]["windows"]'

status 0 'rules json' "$dmag" plan --json "$work/rules.dtb"
json 'regions' '{r["kind"] for r in p["reserved"]} == {"reserved", "no-map", "restricted-dma-pool", "shared-dma-pool, reusable"}'
json 'region without a place' '[r["bytes"] for r in p["reserved"] if "span" not in r] == [1 << 20]'
json 'not in groups' '{d["device"]: d["memory_from"] for d in p["devices"] if "group" not in d} == {"/translated@10000": "iommu", "/bounced@12000": "restricted pool", "/codec@13000": "own pool"}'
json 'reserved in reach' 'max(g["reserved"] for g in p["groups"]) == (4 << 20) + (16 << 20) + 4096'

status 0 'csv' "$dmag" plan --csv "$work/pi4.dtb" "$work/rules.dtb"
csv 'rows' 'len(r) == 12 and {x["board"][-7:] for x in r} == {"pi4.dtb", "les.dtb"}'
csv 'fields' '[x["reach_bytes"] for x in r if x["device"].endswith("usb@7e980000")] == [str(948 << 20)]'
csv 'no group' '[x["group"] for x in r if x["memory_from"] == "iommu"] == [""]'

status 0 'summary' "$dmag" plan --summary "$work/pi4.dtb" "$work/icicle.dtb"
csv 'boards' '[(x["arch"], x["groups"], x["without_zone"]) for x in r] == [("arm64", "3", "1"), ("riscv", "2", "0")]'
csv 'worst' 'r[0]["worst_device"] == "/scb/pcie@7d500000" and r[1]["worst_device"] == ""'

# Pictures: well-formed, everything inside, no label on another, a bar a group.
picture()
{
	python3 - "$1" "$2" <<'END' 2>"$work/svg.err"
import sys, xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
ns = "{http://www.w3.org/2000/svg}"
width, height = float(root.get("width")), float(root.get("height"))
boxes = []
for t in root.iter(ns + "text"):
    x, y, kind = float(t.get("x")), float(t.get("y")), t.get("class")
    w = len(t.text) * {"small": 5.4, "title": 9.5, "name": 7.2, "bad": 7.2}.get(kind, 6.2)
    x -= w / 2 if kind == "mid" else 0
    boxes.append((x, y - 9, x + w, y + 1, t.text))
for i, a in enumerate(boxes):
    assert a[0] >= 0 and a[1] >= 0 and a[2] <= width and a[3] <= height, a
    for b in boxes[:i]:
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
for r in root.iter(ns + "rect"):
    if r.get("x"):
        assert float(r.get("x")) >= 0 and float(r.get("x")) + float(r.get("width")) <= width, r.attrib
names = [t for t in root.iter(ns + "text") if t.get("class") == "name"]
assert len(names) == int(sys.argv[2]) + 1, len(names)
END
	verdict $? "picture ${1##*/}: nothing overlaps, $2 groups" "$(tail -n 1 "$work/svg.err")"
}

for scale in '' --linear; do
	# shellcheck disable=SC2086 # no option at all in one case
	status 0 'svg' "$dmag" plan $scale --svg "$work/pi4.svg" --html "$work/pi4.html" "$work/pi4.dtb"
	picture "$work/pi4.svg" 3
	python3 "$here/boards/many.py" >"$work/many.dts"
	dtc -q -o "$work/many.dtb" "$work/many.dts"
	# shellcheck disable=SC2086 # as above
	status 0 'svg 30' "$dmag" plan $scale --svg "$work/many.svg" -M usb@f64000=64 "$work/many.dtb"
	picture "$work/many.svg" 30
done
grep -q '<svg' "$work/pi4.html" && grep -q 'PCI host bridge' "$work/pi4.html"
verdict $? 'html has the picture and the table'

# The Icicle's two banks have 768 and 1024 MiB: so wide are their bars to scale, the
# hole between them is a strip, and ZONE_DMA32's column ends where the first bank does.
status 0 'two banks' "$dmag" plan --linear --svg "$work/icicle.svg" --html "$work/icicle.html" "$work/icicle.dtb"
python3 - "$work/icicle.svg" <<'END' 2>"$work/svg.err"
import sys, xml.etree.ElementTree as ET
bars = {}
for r in ET.parse(sys.argv[1]).getroot().iter("{http://www.w3.org/2000/svg}rect"):
    bars.setdefault(r.get("class"), []).append((float(r.get("x") or 0), float(r.get("width").rstrip("%"))))
first, second = bars["ram"]
assert abs(second[1] / first[1] - 4 / 3) < 0.01, bars["ram"]
assert abs(second[0] - first[0] - first[1] - 16) < 0.2, bars["ram"]
assert bars["z0"][0][0] == first[0] == 270, bars["z0"]
assert bars["z0"][0][1] >= first[1], bars["z0"]
END
verdict $? 'two banks to scale' "$(tail -n 1 "$work/svg.err")"
grep -q 'prefers-color-scheme:dark' "$work/icicle.svg" && grep -q '<title>no memory from 0xb0000000 to 0xfffffffff</title>' "$work/icicle.svg"
verdict $? 'dark mode, and a title on the hole'
grep -q '<svg' "$work/icicle.html" && grep -q '<h2>Devices</h2>' "$work/icicle.html" && ! grep -q 'https*://[^w]' "$work/icicle.html"
verdict $? 'a page that needs nothing from elsewhere'
# Paths may be broken before a node; the column of the cards is as wide as a few words.
grep -q '<td class="wide"><wbr>/scb<wbr>/pcie@7d500000</td>' "$work/pi4.html" &&
	grep -q '<td class="wide">all cards: 2.9 GiB of 3.9 GiB</td>' "$work/pi4.html"
verdict $? 'columns that fit their text'
grep -q '^.reserved{fill:#000;stroke:#999' "$work/pi4.svg"
verdict $? 'reserved memory shows on a dark page'
board nothing
status 0 'notes in html' "$dmag" plan --html "$work/nothing.html" "$work/nothing.dtb"
grep -q '<li>/soc/ethernet@1000000: a mask of 32 bits (a guess) reaches no memory' "$work/nothing.html"
verdict $? 'notes in html'
status 1 'svg nowhere' "$dmag" plan --svg "$work/none/x.svg" "$work/pi4.dtb"
has 'svg nowhere' 'none/x.svg: No such file' err
status 2 'svg of two' "$dmag" plan --svg "$work/x.svg" "$work/pi4.dtb" "$work/icicle.dtb"

# Text from a device tree cannot break a format or steer a terminal.
cat >"$work/text.dts" <<'END'
/dts-v1/;
/ {
	#address-cells = <1>;
	#size-cells = <1>;
	model = "quote \" comma , backslash \\ escape \x1b[31m newline \n byte \xff";
	memory { device_type = "memory"; reg = <0 0x1000000>; };
	dma@0 { compatible = "x\",\x1b"; reg = <0 4>; #dma-cells = <1>; };
};
END
dtc -q -o "$work/text.dtb" "$work/text.dts"
status 0 'text json' "$dmag" plan --json "$work/text.dtb"
json 'text' 'p["model"] == "quote \" comma , backslash \\ escape \x1b[31m newline \n byte \xff"'
status 0 'text csv' "$dmag" plan --csv "$work/text.dtb"
csv 'text' 'len(r) == 1 and r[0]["compatible"] == "x\",?"'
status 0 'text svg' "$dmag" plan --svg "$work/text.svg" "$work/text.dtb"
picture "$work/text.svg" 1
status 0 'text table' "$dmag" plan "$work/text.dtb"
hasnt 'escape' "$(printf '\033')"

# Errors name file, node and property.
bad()
{
	printf '/dts-v1/;\n/ { #address-cells = <%s>; #size-cells = <1>; %s };\n' \
		"${5:-1}" "$3" >"$work/bad.dts"
	dtc -q -f -o "$work/bad.dtb" "$work/bad.dts" 2>"$work/dtc.err" ||
		verdict 1 "$1: dtc" "$(cat "$work/dtc.err")"
	status "$2" "$1" "$dmag" plan "$work/bad.dtb"
	[ -z "$4" ] || has "$1" "$4" err
}
bad 'half a bank' 1 'memory@0 { device_type = "memory"; reg = <0 1 2>; };' \
	'bad.dtb: /memory@0: reg: .* no list of 1 \+ 1 cells'
bad 'wide cells' 1 'memory@0 { device_type = "memory"; reg = <0 1>; };' \
	'bad.dtb: /memory@0: reg: .* 9 \+ 1 cells' 9
bad 'no reg' 0 'memory { device_type = "memory"; };' 'bad.dtb: note: /memory: reg: missing'
bad 'size' 1 'reserved-memory { #address-cells = <1>; #size-cells = <1>; r { size = [00 00]; }; };' \
	'bad.dtb: /reserved-memory/r: size: 2 bytes'
bad 'two of a phandle' 1 'a { phandle = <7>; }; b { phandle = <7>; };' 'bad.dtb: /b: phandle: 0x7 is also that of /a|/a: phandle: 0x7 is also that of /b'
bad 'memory unknown' 0 'a { };' 'bad.dtb: note: memory unknown'
bad 'size unknown' 0 'memory@0 { device_type = "memory"; reg = <0 0>; };' '/memory@0: reg: .*firmware'
bad 'nowhere' 0 'memory@0 { device_type = "memory"; reg = <0 4096>; };
	a { #address-cells = <1>; #size-cells = <1>; ranges; dma-ranges = <0 0x8000 0x1000>;
	b { #address-cells = <1>; #size-cells = <1>; ranges; dma-ranges = <0x5000 0 0x1000>, <0x9000 0x9000 0x1000>;
	dma@0 { compatible = "x"; reg = <0 1>; #dma-cells = <1>; }; }; };' \
	'/a/b: dma-ranges: bus address 0x9000 has no CPU address, entry ignored'
bad 'a loop' 0 'memory@0 { device_type = "memory"; reg = <0 4096>; };
	x: a { #interconnect-cells = <0>; compatible = "x"; dma-coherent; interconnects = <&y>; interconnect-names = "dma-mem"; };
	y: b { #interconnect-cells = <0>; compatible = "x"; interconnects = <&x>; interconnect-names = "dma-mem"; };' \
	''
echo >"$work/empty.dtb"
status 1 'no device tree' "$dmag" plan "$work/empty.dtb"
has 'no device tree' 'empty.dtb: not a usable device tree' err
status 1 'one of two' "$dmag" plan --summary "$work/empty.dtb" "$work/pi4.dtb"
csv 'the other' 'len(r) == 1'
depth=70
{
	echo '/dts-v1/; / {'
	i=0
	while [ $i -lt $depth ]; do echo 'n {'; i=$((i + 1)); done
	while [ $i -gt 0 ]; do echo '};'; i=$((i - 1)); done
	echo '};'
} >"$work/deep.dts"
dtc -q -o "$work/deep.dtb" "$work/deep.dts"
status 1 'deep' "$dmag" plan "$work/deep.dtb"
has 'deep' 'nested more than 64 deep' err

# Mistakes on the command line are named, by all commands in the same words.
for command in plan diff lint explain show top collect record report; do
	status 2 "$command: no such option" "$dmag" $command --nonsense
	[ "$(cat "$work/err")" = 'dmag: --nonsense: no such option (--help lists them)' ]
	verdict $? "$command: no such option" "$(cat "$work/err")"
done
for command in show top collect record; do
	status 2 "$command: an argument" "$dmag" $command this
	[ "$(cat "$work/err")" = "dmag: this: dmag $command takes no such argument (--help)" ]
	verdict $? "$command: an argument" "$(cat "$work/err")"
done
status 2 'a value is missing' "$dmag" record -d
has 'a value is missing' '^dmag: -d: a value is missing$' err
finish
