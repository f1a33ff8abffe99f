#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Do judge.py, results.py and duel.py find what is wrong? The last line is "N passed, N failed"."""
import os
import re
import sys
import tempfile

import duel_selftest
import judge
import results

HERE = os.path.dirname(os.path.abspath(__file__))


def allowed(scenario):
    """The pattern of splats that a scenario provokes."""
    with open(f"{HERE}/scenarios/{scenario}.sh") as script:
        return re.search("^#: allow=(.*)", script.read(), re.M)[1]


BEGIN = ["[    1.0] KTAP version 1", "[    1.0] # BEGIN x normal dmag=on"]
KUNIT = ["[    0.9] KTAP version 1", "[    0.9] 1..1", "[    0.9]     KTAP version 1",
         "[    0.9]     # Subtest: dmag", "[    0.9]     1..2"]

# A log, whether it passes, and what it is: lines amid a scenario that goes well.
AMID = (
    (False, "lost messages", "** 12 printk messages dropped **"),
    (True, "clean", "[    0.1] Linux version 6.12"),
    (True, "checkers starting", "[    0.1] DMA-API: preallocated 65536 debug entries",
     "[    0.1] DMA-API: debugging enabled by kernel config", "[    0.1] ODEBUG: selftest passed",
     "[    0.0] kmemleak: Kernel memory leak detector disabled"),
    (False, "leak", "[    2.0] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"),
    (False, "warning", "[    2.0] WARNING: CPU: 0 PID: 1 at mm/x.c:3 f+0x1/0x2"),
    (False, "a warning amid other output", "Filesystem lab[    2.0] WARNING: CPU: 0 PID: 1 at mm/x.c:3"),
    (False, "bug", "[    2.0] kernel BUG: at mm/x.c:3"),
    (False, "bug at", "[    2.0] BUG: unable to handle page fault for address: 0"),
    (False, "oops", "[    2.0] Oops: general protection fault, 0000 [#1]"),
    (False, "kasan", "[    2.0] BUG: KASAN: use-after-free in f"),
    (False, "lockdep", "[    2.0] WARNING: possible circular locking dependency detected"),
    (False, "lockdep, recursive", "[    2.0] INFO: possible recursive locking detected"),
    (False, "irq inversion", "[    2.0] WARNING: inconsistent lock state"),
    (False, "atomic sleep", "[    2.0] BUG: sleeping function called from invalid context"),
    (False, "dma debug", "[    2.0] DMA-API: dmag_edu 0000:00:01.0: device driver frees"),
    (False, "trace", "[    2.0] Call Trace:"),
    (False, "hung", "[    2.0] INFO: task sh:1 blocked for more than 120 seconds."),
    (False, "refcount", "[    2.0] refcount_t: underflow; use-after-free."),
    (False, "list", "[    2.0] list_add corruption. next->prev should be prev"),
    (False, "panic", "[    2.0] Kernel panic - not syncing: x"),
    (False, "allocation", "[    2.0] sh: page allocation failure: order:4"),
    (False, "poison", "[    2.0] pagealloc: memory corruption"),
    (False, "object", "[    2.0] ODEBUG: free active (active state 0) object"),
    (False, "oom", "[    2.0] sh invoked oom-killer: gfp_mask=0"),
    (False, "broken group", "[    2.0] dmag: group 3 is broken"),
    (False, "clamp", "BUG: edu: a device was given memory beyond its mask"),
    (False, "timeout", "run.sh: QEMU ended with 124 (124: after 60 seconds)"),
)

WARNING = "[    2.0] WARNING: CPU: 1 PID: 9 at mm/dmag/"
ALLOWED = (
    (True, "soak", "detectors short of memory in the soak",
     "[    2.0] DMA-API: cacheline tracking ENOMEM, dma-debug disabled",
     "[    2.0] kmemleak: Cannot allocate a scan area, scanning the full object"),
    (False, "soak", "leak in the soak", "[    2.0] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"),
    (True, "kunit", "the group that KUnit breaks", WARNING + "tests/reserve_test.c:3 test_broken+0x1/0x2",
     "[    2.0] Call Trace:", "[    2.0] dmag: group 0 is broken"),
    (True, "kunit", "its warning without the file", "[    2.0] WARNING: CPU: 1 PID: 9 at test_broken+0x1/0x2"),
    (False, "kunit", "another group that breaks", "[    2.0] dmag: group 10 is broken"),
    (False, "kunit", "a warning of another test", WARNING + "tests/reserve_test.c:3 test_oom+0x1/0x2"),
    (False, "kunit", "a warning of dmag", WARNING + "reserve.c:3 test_broken+0x1/0x2"),
)

# Whole logs, and what is counted in them: passed, failed. Of what passes two
# are the plans and the absence of splats.
WHOLE = (
    ((3, 0), "a scenario", *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1"),
    ((3, 0), "a result amid other output", *BEGIN, "Filesys[    1.1] ok 1 - a", "tem", "[    1.2] 1..1"),
    ((3, 0), "an ok of another program", *BEGIN, "[    1.1] ok 1 - a", "ok 2 - b", "[    1.2] 1..1"),
    ((2, 1), "a failed check", *BEGIN, "[    1.1] not ok 1 - a", "[    1.2] 1..1"),
    ((2, 1), "no end", *BEGIN, "[    1.1] ok 1 - a"),
    ((1, 1), "no check before it died", *BEGIN),
    ((1, 1), "nothing", "[    0.0] Linux version 6.12"),
    ((3, 1), "a check too few", *BEGIN, "[    1.1] ok 1 - a", "[    1.1] ok 2 - b", "[    1.2] 1..3"),
    ((3, 1), "a lost check", *BEGIN, "[    1.1] ok 1 - a", "[    1.1] ok 3 - c", "[    1.2] 1..3"),
    ((3, 1), "a check after the end", *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1", "[    1.3] ok 2 - b"),
    ((5, 0), "KUnit", *KUNIT, "[    0.9]     ok 1 share", "[    0.9]     ok 2 mask", "[    0.9] ok 1 dmag",
     *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1"),
    ((4, 0), "a KUnit case that is left out", *KUNIT, "[    0.9]     ok 1 share", "[    0.9]     ok 2 mask # SKIP",
     "[    0.9] ok 1 dmag", *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1"),
    ((4, 1), "a failed KUnit case", *KUNIT, "[    0.9]     ok 1 share", "[    0.9]     not ok 2 mask",
     "[    0.9] not ok 1 dmag", *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1"),
    ((5, 1), "a KUnit suite that fails with no case", *KUNIT, "[    0.9]     ok 1 share", "[    0.9]     ok 2 mask",
     "[    0.9] not ok 1 dmag", *BEGIN, "[    1.1] ok 1 - a", "[    1.2] 1..1"),
    ((3, 1), "a KUnit suite that dies", *KUNIT, "[    0.9]     ok 1 share", *BEGIN, "[    1.1] ok 1 - a",
     "[    1.2] 1..1"),
    ((3, 1), "KUnit alone", *KUNIT, "[    0.9]     ok 1 share", "[    0.9]     ok 2 mask", "[    0.9] ok 1 dmag"),
)

def report(*functions, unknown=False):
    """A report of KCSAN: of each access the innermost function first."""
    head = ["[    2.0] " + "=" * 66, "[    2.0] BUG: KCSAN: data-race in a / b", "[    2.0] "]
    for i, names in enumerate(functions):
        access = "race at unknown origin, with read" if unknown else ("write", "read")[i % 2]
        head.append(f"[    2.0] {access} to 0xffff888003a1c0f0 of 8 bytes by task 54 on cpu {i}:")
        head += [f"[    2.0]  {name}+0x1d/0x90" for name in names] + ["[    2.0] "]
    return head + ["[    2.0] Reported by Kernel Concurrency Sanitizer on:", "[    2.0] " + "=" * 66]


OURS = {"claim_take", "dmag_join"}
RACES = (
    (True, "a race of others", report(("f", "g", "dmag_join"), ("h", "i"))),
    (False, "ours", report(("claim_take.isra.0", "g"), ("h", "i"))),
    (False, "ours, the second access", report(("f", "g"), ("claim_take", "i"))),
    (False, "ours, by way of a helper", report(("f", "g"), ("xas_load", "dmag_join"))),
    (False, "ours, with an unknown one", report(("dmag_join", "g"), unknown=True)),
    (True, "unknown ones of others", report(("f", "g"), unknown=True)),
    (False, "one of others and then ours", report(("f", "g"), ("h", "i")) + report(("dmag_join", "g"), ("h", "i"))),
    (False, "a report that is cut off", report(("f", "g"), ("h", "i"))[:2]),
    (False, "another splat amid one", report(("f", "g"), ("h", "i"))[:4] + ["[    2.0] BUG: KASAN: x"]),
)

ASK = "what=w asked=100 percent=95 stock=fails"
EASY = "what=w asked=2 percent=100 stock=any"
LIMIT = "what=w limit=40 stock=none"
COMPARED = (
    (True, "as it should be", f"{ASK} got=95", f"{ASK} got=94"),
    (False, "groups got too little", f"{ASK} got=94", f"{ASK} got=10"),
    (False, "stock did not fail", f"{ASK} got=100", f"{ASK} got=95"),
    (False, "groups did not get there", f"what=v {ASK[7:]}", f"{ASK} got=1"),
    (False, "stock did not get there", f"{ASK} got=100", "what=v"),
    (False, "nothing was asked for", "what=w asked=0 percent=95 got=0 stock=any", "what=w asked=0 percent=95 got=0"),
    (False, "no figure", f"{ASK} got=", f"{ASK} got=1"),
    (True, "stock may do as it likes", f"{EASY} got=2", f"{EASY} got=2"),
    (True, "stock must have all, groups nothing", "what=w asked=9 percent=0 stock=fails got=8",
     "what=w asked=9 percent=100 got=8"),
    (False, "stock has all", "what=w asked=9 percent=0 stock=fails got=8", "what=w asked=9 percent=100 got=9"),
    (False, "groups may not", f"{EASY} got=1", f"{EASY} got=2"),
    (True, "in time", f"{LIMIT} got=40", ""),
    (False, "too late", f"{LIMIT} got=41", ""),
    (False, "no time", f"{LIMIT} got=", ""),
)

RUN = "what=w dev=d bits=28 kind=restricted group=1 reach=0x0-0xfff size=4096 context=block ns=1 asked=4 percent=100"
SCARCE = "what=scarce asked=4 percent=100 stock=fails"
RAN = (
    (True, "as it should be", f"{RUN} stock=any got=4 sampled=4 intact=4", f"{SCARCE} got=4", f"{SCARCE} got=1"),
    (False, "a sample lost", f"{RUN} stock=any got=4 sampled=4 intact=3", f"{SCARCE} got=4", f"{SCARCE} got=1"),
    (False, "no samples", f"{RUN} stock=any got=4 sampled=0 intact=0", f"{SCARCE} got=4", f"{SCARCE} got=1"),
    (False, "one was not granted", f"{RUN} stock=any got=3 sampled=4 intact=4", f"{SCARCE} got=4", f"{SCARCE} got=1"),
    (False, "stock did not fail", f"{RUN} stock=any got=4 sampled=4 intact=4", f"{SCARCE} got=4", f"{SCARCE} got=4"),
)

COST = "dev=d context=block min=1 median="
COSTS = (
    (True, "as much", f"{COST}9", f"{COST}9"),
    (False, "more", f"{COST}10", f"{COST}9"),
    (False, "nothing counted", f"{COST}0", f"{COST}9"),
    (False, "stock did not count", f"{COST}9", "dev=e context=block min=1 median=9"),
)

LATENCIES = (
    (True, "at stock's level", "size=4096 asked=9 granted=9 p50_ns=20 p99_ns=30 max_ns=90",
     "size=4096 asked=9 granted=9 p50_ns=20 p99_ns=30 max_ns=40"),
    (False, "a slow tail", "size=4096 asked=9 granted=9 p50_ns=20 p99_ns=61 max_ns=90",
     "size=4096 asked=9 granted=9 p50_ns=20 p99_ns=30 max_ns=90"),
    (False, "one was refused", "size=4096 asked=9 granted=8 p50_ns=20 p99_ns=30 max_ns=90",
     "size=4096 asked=9 granted=8 p50_ns=20 p99_ns=30 max_ns=90"),
    (False, "stock did not ask", "size=4096 asked=9 granted=9 p50_ns=20 p99_ns=30 max_ns=90", ""),
    (False, "none was asked", "", ""),
)

WORK = ("phase=fork instructions=2000", "phase=direct instructions=1000", "phase=direct instructions=3000",
        "phase=direct instructions=9000")
OVERHEAD = (
    (True, "as much", WORK, WORK),
    (True, "one round of reclaim is much worse", WORK, WORK[:3] + ("phase=direct instructions=99000",)),
    (True, "the other round of a phase is worse", WORK + WORK[:1], WORK + ("phase=fork instructions=9999",)),
    (False, "0.2 % more", WORK, ("phase=fork instructions=2010",) + WORK[1:]),
    (False, "a round is missing", WORK, WORK[:3]),
    (False, "nothing was counted", (), ()),
)


def said(label, *lines):
    return [f"[    1.0] # {label} {line}" for line in lines]


def row(text):
    return said("ROW", f"scenario=run {text}") if text else []


def holds(table):
    return table.passed > 0 and not table.failed


def stamped(lines):
    """With a time as long as the kernel's."""
    return [re.sub(r"\[( *\d+\.\d)\]", r"[\g<1>00000]", line) for line in lines]


def cases():
    """What is tried, what comes of it, and what should."""
    for good, what, *lines in AMID:
        log = stamped(BEGIN + lines + ["[    1.1] ok 1 - a", "[    1.2] 1..1"])
        yield what, not judge.judge(log)[1], good
    for good, scenario, what, *lines in ALLOWED:
        log = stamped(BEGIN + lines + ["[    1.1] ok 1 - a", "[    1.2] 1..1"])
        yield what, not judge.judge(log, allowed(scenario))[1], good
    for good, what, lines in RACES:
        log = stamped(BEGIN + lines + ["[    1.1] ok 1 - a", "[    1.2] 1..1"])
        yield f"kcsan: {what}", not judge.judge(log, functions=OURS)[1], good
        yield f"other kernels: {what}", not judge.judge(log)[1], False
    for counts, what, *lines in WHOLE:
        passed, wrong = judge.judge(stamped(lines))
        yield what, (passed, len(wrong)), counts
    for good, what, groups, stock in COMPARED:
        yield what, holds(results.compare_table([(stamped(row(groups)), stamped(row(stock)))])), good
    for good, what, line, groups, stock in RAN:
        logs = (stamped(row(line) + row(scarce)) for scarce in (groups, stock))
        yield f"run: {what}", holds(results.run_table(*logs)), good
    for good, what, *lines in COSTS:
        yield f"cost: {what}", holds(results.cost_table(*(stamped(said("COST", line)) for line in lines))), good
    for good, what, *lines in LATENCIES:
        logs = (stamped(said("LATENCY", line) if line else []) for line in lines)
        yield f"latency: {what}", holds(results.latency_table(*logs)), good
    for good, what, groups, stock in COMPARED[:3]:
        yield f"published: {what}", published(groups, stock), good
    for good, what, without, groups in OVERHEAD:
        logs = (stamped(said("WORK", *lines)) for lines in (without, groups, without))
        yield f"overhead: {what}", holds(results.overhead_table(*logs)), good
    yield from duel_selftest.cases()


def published(groups, stock):
    """Whether make results takes the tables of these two logs."""
    with tempfile.TemporaryDirectory() as logs:
        for system, text in (("normal", groups), ("normal-off", stock)):
            with open(f"{logs}/x-{system}.log", "w") as log:
                log.writelines(f"{line}\n" for line in stamped(row(text)))
        try:
            return bool(results.facts(logs))
        except SystemExit:
            return False


def main():
    passed = failed = 0
    for what, got, want in cases():
        if got == want:
            passed += 1
        else:
            failed += 1
            print(f"selftest: '{what}' gave {got}, should be {want}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
