#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Make docs/boards.rst of what dmag plan --summary says about many boards.

usage: boards-table.py STRIP MAIN SIZE=FILE... >docs/boards.rst

A FILE is the output of dmag plan -q -a SIZE --summary BOARD...; STRIP is what to
leave out at the start of board names, MAIN the SIZE of which details are shown (in G).
"""

import csv
import sys

HEAD = """.. SPDX-License-Identifier: (MIT OR GPL-2.0)
.. Made by make boards.

All boards
==========

The plans of ``dmag plan`` for every board whose device tree is in the source of
Linux 6.12 for arm64, arm (32 bits) and riscv. Many device trees leave memory to the firmware:
a bank without a size is assumed to have the size that a table states; boards that
name no bank at all are read, but not in the figures on memory. Devices behind an
IOMMU and those with a pool of their own are in no group. A device has the mask that
its driver sets, or 32 bits if the driver sets none. A mask that the driver computes,
or whose driver is not known, is planned for as 32 bits, which may be too few:
*guessed* has the boards on which only such devices miss memory.

*No zone*: boards with a device whose reach is not the memory of any zone and
those below it. *Too large*: the zone that Linux tries for some device holds
memory that the device cannot use (*outside*: allocate, check, free). *Too small*:
it lacks memory that the device could use. *Wasted*: memory that a device could
use, but that Linux finds by luck (in a zone that is too large) or not at all.
*Unreachable*: memory that some device of known mask cannot use, whatever the
allocator does. *Nothing*: boards on which that is all memory, as a mask of 32 bits
where memory starts above 4 GiB; such devices are in no other column.
"""


def gib(value):
    return "%.1f" % (int(value) / 2**30)


def rows(out, widths, lines):
    rule = "  ".join("=" * w for w in widths)
    out.append(rule)
    for i, line in enumerate(lines):
        out.append("  ".join(str(c).ljust(w) for c, w in zip(line, widths)).rstrip())
        if i == 0:
            out.append(rule)
    out.append(rule)
    out.append("")


def table(out, lines):
    rows(out, [max(len(str(line[i])) for line in lines) for i in range(len(lines[0]))], lines)


COUNTS = ("boards", "read", "memory known", "unreachable", "guessed", "nothing", "no zone", "too large",
          "too small", "memory GiB", "unreachable GiB", "outside GiB", "wasted GiB")


def counts(name, boards):
    known = [b for b in boards if b["memory_known"] == "yes"]

    def some(column):
        return sum(int(b[column]) > 0 for b in known)

    return (name, len(boards), len(known), some("unreachable"),
            sum(int(b["unreachable_unknown"]) > 0 and int(b["unreachable"]) == 0 for b in known),
            some("reach_nothing"),
            some("without_zone"), some("too_large"), some("too_small"),
            *(gib(sum(int(b[c]) for b in known)) for c in ("memory", "unreachable", "outside", "wasted")))


def read(path, strip):
    with open(path, encoding="ascii", newline="") as f:
        boards = list(csv.DictReader(f))
    for b in boards:
        b["board"] = b["board"].removeprefix(strip)
    return boards


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sizes = {s: read(path, sys.argv[1]) for s, path in (a.split("=", 1) for a in sys.argv[3:])}
    boards = sizes[sys.argv[2]]
    main_size = sys.argv[2][:-1]
    out = [HEAD]
    table(out, [COUNTS] + [counts("%s GiB banks" % s[:-1], rows_) for s, rows_ in sizes.items()])
    table(out, [COUNTS] + [counts("%s, %s GiB" % (a, main_size), [b for b in boards if b["arch"] == a])
                           for a in ("arm64", "arm", "riscv")])
    out.append("Amounts add up, for each board, the device that fares worst.\n")
    out += ["The ten worst", "-------------", "",
            "Boards on which Linux's zones suit a device least (%s GiB where the size is unknown):" % main_size,
            "most memory outside its reach or wasted first.\n"]
    worst = sorted((b for b in boards if b["memory_known"] == "yes" and b["worst_device"]),
                   key=lambda b: (-int(b["outside"]) - int(b["wasted"]), b["board"]))
    table(out, [("board", "groups", "GiB", "unreachable GiB", "outside GiB", "wasted GiB", "device")]
          + [(b["board"], b["groups"], gib(b["memory"]), gib(b["unreachable"]), gib(b["outside"]),
              gib(b["wasted"]), b["worst_device"]) for b in worst[:10]])
    out += ["How many groups", "---------------", ""]
    spread = {}
    for b in boards:
        spread[int(b["groups"])] = spread.get(int(b["groups"]), 0) + 1
    table(out, [("groups", "boards")] + sorted(spread.items()))
    print("\n".join(out).rstrip())


main()
