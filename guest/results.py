#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Make tables of guests' logs.

    results.py LOG-DIR SCENARIO...      judge them: the last line is "N passed, N failed"
    results.py --rst LOG-DIR            the last results, as docs/results.rst

Each scenario was booted with groups (SCENARIO-normal.log), and most of them
also without (SCENARIO-normal-off.log: dmag=off; SCENARIO-without.log: a kernel
that has none). The functions row() and limit_row() of lib.sh report the lines.
"""
import json
import os
import re
import statistics
import sys
import time

import judge

OVERHEAD_LIMIT = 1.001
# No two rounds of reclaim are alike, and those of writing are of three kinds.
NOISY = ("dirty", "kswapd", "direct")


def words(text):
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def told(lines, label):
    """What a scenario said under a label."""
    head = f"# {label} "
    return [text[len(head):] for text in judge.messages(lines) if text.startswith(head)]


def rows(lines):
    """The rows of one boot, by what was asked for."""
    return {(row["scenario"], row["what"]): row for row in map(words, told(lines, "ROW"))}


def number(row, key):
    """Nothing if there is no such number."""
    try:
        return float(row[key])
    except (KeyError, ValueError):
        return None


def enough(row):
    """Each system may have a percentage of its own."""
    got = number(row, "got")
    if got is None:
        return False
    if "limit" in row:
        return got <= float(row["limit"])
    asked = number(row, "asked")
    return bool(asked) and got * 100 >= asked * float(row["percent"])


def verdict(groups, stock):
    """Groups must get enough, and stock must not where the load is to prove something."""
    if groups.get("stock") == "none":
        return "ok" if enough(groups) else "FAILED"
    if "got" not in groups or "got" not in stock:
        return "FAILED: not reached"
    if not enough(groups):
        return "FAILED"
    if not enough(stock):
        return "ok, stock fails"
    return "FAILED: stock did not fail" if groups.get("stock") == "fails" else "ok"


def us(row):
    ns = number(row, "ns")
    return "-" if ns is None else f"{ns / 1000:.1f}"


def amount(size, format="{:g}{}"):
    for unit, bytes in (("G", 1 << 30), ("M", 1 << 20)):
        if size >= bytes and size % bytes == 0:
            return format.format(size // bytes, unit)
    return format.format(size / 1024, "K")


def wanted(row):
    if "limit" in row:
        return f"<= {row['limit']} {row.get('unit', '')}"
    return row["asked"] if row["percent"] == "100" else f"{row['percent']} % of {row['asked']}"


COLUMNS = {"scenario", "what", "asked", "got", "percent", "stock", "size", "ns", "limit", "unit"}


def notes(groups, stock):
    for key in groups:
        if key not in COLUMNS:
            other = stock.get(key, "")
            yield f"{key}={groups[key]}" + (f"/{other}" if other != groups[key] else "")


class Table:
    """Lines of cells, each with a verdict or none."""

    def __init__(self, heads):
        """A head that begins with ">" is that of numbers."""
        self.heads = heads.split("|")
        self.lines = []
        self.remarks = []
        self.passed = self.failed = 0

    @property
    def faults(self):
        """A table without a line proves nothing."""
        return self.failed + (not self.passed + self.failed)

    def count(self, verdict):
        if verdict.startswith("ok"):
            self.passed += 1
        else:
            self.failed += 1

    def add(self, *cells, verdict=None):
        if verdict is not None:
            self.count(verdict)
        self.lines.append([str(cell) for cell in cells])

    def __str__(self):
        lines = [[head.lstrip(">") for head in self.heads]] + self.lines
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = ["  ".join(cell.rjust(width) if head[0] == ">" else cell.ljust(width)
                          for cell, width, head in zip(line, widths, self.heads)).rstrip()
                for line in lines]
        return "\n".join(text + self.remarks)


def compare_table(boots):
    """The table of scenarios: for each the lines of a boot with groups and of one with stock."""
    table = Table("scenario|what|size|wanted|>groups|>stock|>us/alloc|>us/stock|verdict|more (groups/stock)")
    for normal, off in boots:
        groups, stock = rows(normal), rows(off)
        for key in list(groups) + [key for key in stock if key not in groups]:
            g, s = groups.get(key, {}), stock.get(key, {})
            said = verdict(g, s)
            table.add(*key, (g or s).get("size", "-"), wanted(g) if g else "-", g.get("got", ""),
                      s.get("got", ""), us(g), us(s), said, " ".join(notes(g, s)), verdict=said)
    return table


def reach_text(row):
    if row["kind"] == "universal":
        return "all of RAM", "-"
    ranges = [[int(end, 16) for end in seg.split("-")] for seg in row["reach"].split(",")]
    return " ".join(f"{amount(first)}-{amount(last + 1)}" for first, last in ranges), row["group"]


def run_line(table, g, s):
    said = verdict(g, s)
    if not (number(g, "sampled") and all(r.get("sampled") == r.get("intact") for r in (g, s))):
        said = "FAILED: data lost"
    size = amount(int(g["size"]), "{:g} {}iB")
    table.add(g["dev"].removeprefix("0000:"), g["bits"], *reach_text(g), f"{g['asked']} x {size}",
              "yes" if g["context"] == "block" else "no", g["asked"], g["got"], s.get("got", ""),
              f"{g['intact']}/{g['sampled']}", us(g), us(s) if number(s, "got") else "-", said, verdict=said)


def run_table(normal, off):
    """The demonstration."""
    table = Table("device|>mask|reach|>group|request|sleeps|>asked|>groups|>stock|>intact|"
                  ">us/alloc|>us/stock|verdict")
    groups, stock = rows(normal), rows(off)
    for key, row in groups.items():
        if "dev" in row:
            run_line(table, row, stock.get(key, {}))
    scarce = [boot.get(("run", "scarce"), {}) for boot in (groups, stock)]
    table.count(verdict(*scarce))
    memory = [[int(w.get(key, 0)) // 1024 for key in ("before", "after")]
              for w in (words("".join(told(log, "MEMORY")[-1:])) for log in (normal, off))]
    table.remarks = f"""
asked, groups, stock: buffers asked for and given. intact: sampled buffers whose data
came back from the device; every buffer was also checked to lie in the device's mask, to
be zeroed, aligned and not shared. A device that reaches all of RAM needs no group.
A request is given up after 8 refusals in a row.
free memory before and after: groups {memory[0][0]} and {memory[0][1]} MiB, stock {memory[1][0]} and {memory[1][1]} MiB
stock gave 28- and 30-bit devices {scarce[1].get("got")} of {scarce[1].get("asked")} buffers: {verdict(*scarce)}""".split("\n")
    return table


def cost_table(normal, off, share=1):
    """Instructions of a pair of allocation and free of 4 KiB, counted by QEMU.

    A request that sleeps must cost no more than that share of stock's.
    """
    table = Table("instructions a pair|>groups min|>median|>stock min|>median|verdict")
    costs = [{(c["dev"], c["context"]): c for c in map(words, told(log, "COST"))} for log in (normal, off)]
    for key in costs[0]:
        g, s = costs[0][key], costs[1].get(key, {"min": 0, "median": 0})
        most = int(s["median"]) * (share if key[1] == "block" else 1)
        said = "ok" if 0 < int(g["median"]) <= most else "FAILED"
        table.add(key[0] + (" sleeps" if key[1] == "block" else " atomic"),
                  g["min"], g["median"], s["min"], s["median"], said, verdict=said)
    return table


def encrypted_cost_table(normal, off):
    """Stock converts each buffer twice if it may sleep; to clear it is half of our cost."""
    return cost_table(normal, off, share=0.125)


def worth(phase, rounds):
    """The least is what a phase takes by itself; the rest met something besides."""
    return statistics.median(rounds) if phase in NOISY else min(rounds)


def overhead_table(without, normal, off):
    """Instructions of a fixed load without a restricted device, counted by QEMU."""
    table = Table("phase|>without|>with groups|>ratio|>dmag=off|>ratio|verdict")
    taken = [{}, {}, {}]
    for log, phases in zip((without, normal, off), taken):
        for line in map(words, told(log, "WORK")):
            phases.setdefault(line["phase"], []).append(int(line["instructions"]))
    alike = taken[0] and all({p: len(r) for p, r in t.items()} == {p: len(r) for p, r in taken[0].items()}
                             for t in taken)
    worths = [{phase: worth(phase, rounds) for phase, rounds in phases.items()} for phases in taken]

    def add(name, sums, verdict=""):
        table.add(name, f"{sums[0]:.0f}", *(f"{v:{f}}" for total in sums[1:]
                  for v, f in ((total, ".0f"), (total / sums[0] if sums[0] else 0, ".5f"))), verdict)

    for phase in worths[0]:
        add(phase, [w.get(phase, 0) for w in worths])
    sums = [sum(w.values()) for w in worths]
    said = ["ok" if alike and total <= OVERHEAD_LIMIT * sums[0] else "FAILED" for total in sums[1:]]
    for each in said:
        table.count(each)
    add("all", sums, " ".join(said))
    return table


# Systems of scenario areas, the first of which has groups, and that which groups must equal.
AREAS = ("normal", "normal-off", "normal-placed", "normal-area")
HEADS = ("groups", "stock", "placed", "area")
PLACED = 2


def times(row):
    """Median, 99th percentile and worst, in microseconds."""
    return "/".join(f"{number(row, key) / 1000:.0f}" if number(row, key) is not None else "-"
                    for key in ("p50_ns", "p99_ns", "max_ns"))


def areas_facts(logs):
    """What each system keeps from the host, and how the host works beside it."""
    for label, keys in (("WASTE", ("owned_kib", "movable_kib")), ("HOST", ("before", "during", "after"))):
        for key in keys:
            found = [[w for w in map(words, told(log, label)) if w.get("when", key) == key] for log in logs]
            yield (f"{label.lower()} {key}",
                   [w[-1].get("pages", w[-1].get(key, "")) if w else "" for w in found])


def areas_table(*logs):
    """Groups beside the CMA areas that users would pick instead."""
    table = Table("request|>" + "|>".join(HEADS) + "|>" +
                  "|>".join(f"{head} us p50/p99/worst" for head in HEADS) + "|verdict")
    asked = [{row["what"]: row for row in map(words, told(log, "AREA"))} for log in logs]
    for what in asked[0]:
        row = [boot.get(what, {}) for boot in asked]
        got = [number(r, "got") for r in row]
        said = "ok" if None not in got and got[0] >= max(got[PLACED], got[1]) else "FAILED"
        table.add(what, *(r.get("got", "") for r in row), *map(times, row), said, verdict=said)
    for name, values in areas_facts(logs):
        table.add(name, *values, *[""] * (len(HEADS) + 1))
    return table


def latency_table(groups, stock):
    """Atomic requests of a real-time task, in microseconds; a worst case is of one request."""
    table = Table("size|>asked|>groups|>stock|>groups us p50/p99/worst|>stock us p50/p99/worst|verdict")
    asked = [{row["size"]: row for row in map(words, told(log, "LATENCY"))} for log in (groups, stock)]
    for size, g in asked[0].items():
        s = asked[1].get(size, {})
        quick = all(key in g and key in s and number(g, key) <= 2 * number(s, key) for key in ("p50_ns", "p99_ns"))
        said = "ok" if quick and g["granted"] == g["asked"] else "FAILED"
        table.add(amount(int(size)), g["asked"], g["granted"], s.get("granted", ""), times(g), times(s),
                  said, verdict=said)
    return table


def tool_table(normal):
    """dmag plan --live must predict what dmag show then reports."""
    table = Table("the tool's prediction|verdict")
    try:
        plan, show = (json.loads("".join(told(normal, label))) for label in ("PLAN", "SHOW"))
    except ValueError as error:
        table.add("the tool's JSON", f"FAILED: {error}", verdict="FAILED")
        return table

    def group(g, members):
        return [(s["start"], s["last"]) for s in g["reach"]], g["universal"], sorted(members)

    def goal(g):
        # A quarter of what is scarce, 256 MiB at most, in whole pageblocks.
        return 0 if g["universal"] else min((g["bytes"] // 4 + (1 << 20)) >> 21 << 21, 256 << 20)

    said = sorted(group(g, [m["device"] for m in g["members"]]) for g in show["groups"])
    planned = sorted(group(g, [d["device"] for d in plan["devices"] if d.get("group") == g["id"]])
                     for g in plan["groups"])
    masks = {m["device"]: int(m["mask"], 16).bit_length() for g in show["groups"] for m in g["members"]}
    for what, good in (
            ("there are three groups, one of two devices",
             len(said) == 3 and any(len(members) == 2 for _, _, members in said)),
            ("reach and members of each group are those planned", planned == said),
            ("each group has the goal that follows from its reach",
             all(g["goal"] == goal(g) and 0 <= g["protected"] <= g["goal"] for g in show["groups"])),
            ("masks are those planned", masks == {d["device"]: d["mask_bits"] for d in plan["devices"]})):
        verdict = "ok" if good else "FAILED"
        table.add(what, verdict, verdict=verdict)
    if table.failed:
        table.remarks = [f"planned: {json.dumps(planned)}", f"reported: {json.dumps(show)}"]
    return table


# Tables of their own, and the boots that they are made of.
TABLES = {
    "run": (run_table, ("normal", "normal-off")),
    "areas": (areas_table, AREAS),
    "cost": (cost_table, ("normal", "normal-off")),
    "encrypted_cost": (encrypted_cost_table, ("normal", "normal-off")),
    "overhead": (overhead_table, ("without", "normal", "normal-off")),
    "latency": (latency_table, ("rt", "rt-off")),
    "tool": (tool_table, ("normal",)),
}


DEFAULT = (compare_table, ("normal", "normal-off"))


def boots(directory, scenario, systems=DEFAULT[1]):
    return [judge.read(f"{directory}/{scenario}-{system}.log") for system in systems]


def tables(directory, scenarios):
    compared = [name for name in scenarios if name not in TABLES]
    if compared:
        yield compare_table([boots(directory, name) for name in compared])
    for name in scenarios:
        if name in TABLES:
            make, systems = TABLES[name]
            yield make(*boots(directory, name, systems))


def main(directory, *scenarios):
    passed = failed = 0
    for table in tables(directory, scenarios):
        print(table, "\n")
        passed += table.passed
        failed += table.faults
    print(f"tables: {passed} passed, {failed} failed")
    return failed > 0


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search("model name\t: (.*)", info.read())
    with open("/proc/meminfo") as info:
        memory = int(re.search(r"MemTotal: *(\d+)", info.read())[1]) / (1 << 20)
    return f"{os.cpu_count()} CPUs ({model[1] if model else os.uname().machine}), {memory:.0f} GiB"


def complete(directory):
    """The scenarios that have all their logs, and these."""
    stock = "(.*)-(normal|rt)-off.log"
    names = [match[1] for match in (re.fullmatch(stock, name) for name in sorted(os.listdir(directory))) if match]
    logs = {name: [f"{directory}/{name}-{system}.log" for system in TABLES.get(name, DEFAULT)[1]]
            for name in names}
    return {name: paths for name, paths in logs.items() if all(map(os.path.exists, paths))}


def place(scenario):
    """The place in results.rst.in for its table."""
    if scenario.startswith("encrypted"):
        return "encrypted"
    return scenario if scenario in TABLES else "compare"


def facts(directory):
    """What results.rst.in has a place for."""
    logs = complete(directory)
    bench = [path for path in [f"{directory}/test-bench.log"] if os.path.exists(path)]
    used = sum(logs.values(), bench)
    if not used:
        sys.exit(f"results.py: {directory} has no logs: make run, make compare or make test first")
    days = sorted(time.strftime("%Y-%m-%d", time.gmtime(os.path.getmtime(path))) for path in used)
    commits = {line.split()[-1] for path in used for line in judge.read(path) if line.startswith("run.sh: commit ")}
    text = {"date": " to ".join(dict.fromkeys((days[0], days[-1]))), "commit": ", ".join(sorted(commits)),
            "machine": machine()}
    faults = 0
    for what in ("run", "compare", "encrypted", "areas", "cost", "latency", "overhead"):
        names = [name for name in logs if place(name) == what]
        made = list(tables(directory, names))
        faults += sum(table.faults for table in made)
        text[what] = "\n\n".join(map(str, made))
    if faults:
        sys.exit(f"results.py: {faults} failed in the tables of {directory}")
    text["bench"] = "\n".join(line for path in bench for line in judge.read(path)
                              if line and not line.startswith("  ") and not line.endswith("failed"))
    return text


def rst(directory):
    text = facts(directory)
    with open(f"{os.path.dirname(os.path.abspath(__file__))}/results.rst.in") as template:
        for line in template:
            table = re.fullmatch("@([a-z]+)@\n", line)
            if table:
                print(re.sub("(?m)^(?=.)", "    ", text[table[1]] or "(not run)"))
            else:
                print(re.sub("@([a-z]+)@", lambda m: text[m[1]], line), end="")


if __name__ == "__main__":
    if sys.argv[1] == "--rst":
        rst(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:]))
