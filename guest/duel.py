#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Invariant I11: the host is never worse off with groups than without.

    duel.py [--counts] [--kernel=FLAVOUR] [--encrypted] [SEED [ROUNDS]]
    duel.py --show SEED         print what is drawn, boot nothing

With --counts times are printed, not judged. With --kernel each round is on that kernel,
else on the one that it draws. With --encrypted memory is encrypted, by the test
platform. A round that is void is drawn anew.

Each round draws a machine, a load and a list of requests from its seed (see
duel_draw.py), boots it with groups and with dmag=off, and compares. Chance makes
two boots of the same system differ. So a loss counts only if it is larger than
the spread of stock's own boots in each of PAIRS pairs; a round that loses
nothing in its first pair ends there. A round is void if stock does not survive it;
then another is drawn. The last line is "N passed, N failed".
"""
import dataclasses
import itertools
import os
import random
import re
import subprocess
import sys

import duel_draw
import judge
from results import number, told, words

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.environ.get("LOG_DIR", f"{TOP}/build/log") + "/duel"
PAIRS = 3
# Rounds that may be void for each that is wanted.
MOST_VOID = 3
# The first high of a group's reserve, which is no more than a quarter of its reach.
RESERVE = 4 << 20
SLACK_NS = 1_000_000
# Percentiles, and the grants that they are judged of: of one or two, chance is all.
LEAST_GRANTS = {50: 5, 99: 20}
# The digits of dmag_duel.c.
DIGITS = [chr(code) for code in range(33, 127) if chr(code) not in "\"$'-:AEIOU\\_`aeiou"]


def bounds():
    bound = 256
    for digit in DIGITS:
        yield digit, bound
        bound += (bound >> 2) + (bound >> 4)


BOUNDS = dict(bounds())


def decode(text):
    """The times of a play in ns, in order: those granted, those refused."""
    granted, refused = [], []
    for minus, digit in re.findall("(-?)([^-])", text):
        (refused if minus else granted).append(BOUNDS[digit])
    return granted, refused


@dataclasses.dataclass
class Play:
    """How one class of requests went in one boot."""
    granted: int
    asked: int
    late: bool
    times: list
    refusals: list
    max_ns: int


@dataclasses.dataclass
class Boot:
    """All that is compared of one boot."""
    ended: bool
    plays: dict
    failed: set
    splats: set
    oom: int
    forks: int
    work: dict
    free_kib: int
    total_kib: int


def read_plays(lines):
    digits = {}
    for text in told(lines, "TIMES"):
        nr, _, part = text.partition(" ")
        digits[nr] = digits.get(nr, "") + part
    plays = {}
    for play in map(words, told(lines, "PLAY")):
        if "granted" in play:
            times, refusals = decode(digits.get(play["id"], ""))
            plays[int(play["id"])] = Play(int(play["granted"]), int(play["asked"]), play["late"] == "1",
                                          times, refusals, int(play["max_ns"]))
    return plays


def kind(splat):
    """A complaint without what differs from boot to boot."""
    text = re.sub(r"^.*?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ", "", splat)
    # Of a request for more than its largest block the page allocator complains in another way.
    text = re.sub(r"^WARNING: .* (at __alloc_pages_noprof\+|mm/page_alloc\.c:).*", "page allocation failure", text)
    text = re.sub(r"^\S+: page allocation failure.*|^\S+ invoked oom-killer.*|^Out of memory.*",
                  lambda m: re.search("page allocation failure|invoked oom-killer|Out of memory", m[0])[0], text)
    return re.sub(r"0x[0-9a-f]+|\d+", "N", text)


def read_boot(lines):
    ktap = judge.Ktap(judge.messages(lines))
    vmstat = dict(zip(*[iter(" ".join(told(lines, "VMSTAT")).split())] * 2))
    work = [words(text) for text in told(lines, "WORK")]
    end = words(" ".join(told(lines, "END")))
    return Boot(
        ended=not ktap.broken and "MemFree" in end,
        plays=read_plays(lines),
        failed={re.sub(r"^not ok \d+ - ", "", text) for text in ktap.failures},
        splats={kind(line) for line in judge.splats(lines)},
        oom=int(vmstat.get("oom_kill", 0)),
        forks=sum(int(w["failed_forks"]) for w in work) + sum("can't fork" in line for line in lines),
        work={w["phase"]: float(w["compute_s"]) / float(w["work_s"]) for w in work},
        free_kib=int(number(end, "MemFree") or 0) + int(number(end, "PerCpuFree") or 0),
        total_kib=int(number(end, "MemTotal") or 0))


def percentile(times, percent):
    return sorted(times)[(len(times) - 1) * percent // 100] if times else 0


@dataclasses.dataclass
class Loss:
    what: str
    text: str
    timed: bool = False


def fewer(groups, stock, margin=0.0):
    """All of one side below all of the other, by more than the latter's spread."""
    return max(groups) < min(stock) * (1 - margin) - (max(stock) - min(stock))


def brief(values, unit=1):
    return "+".join(f"{value / unit:.4g}" for value in values)


def credit(duel, nr, groups, stock):
    """Bytes that earlier plays kept beyond what stock gave them: memory has an end."""
    kept = [i for i, request in enumerate(duel.requests[:nr]) if not request.slots]
    return sum(max(0, min(b.plays[i].granted for b in groups) - max(b.plays[i].granted for b in stock)) *
               duel.requests[i].kept() for i in kept)


def reserved(duel, nr):
    """Bytes that the groups of other devices keep for these, as design.rst has it under Limits."""
    bits = [min(mask, bus or mask) for mask, _, bus in duel.devices]
    others = {bits[i] for i in range(len(bits)) if i != duel.requests[nr].device} - {bits[duel.requests[nr].device]}
    return sum(min(RESERVE, (1 << other) // 4) for other in others if 1 << other < duel.mib << 20)


def judge_count(duel, nr, groups, stock):
    # The host may have no memory to map; of such a request nothing is asked.
    mapped = duel.requests[nr].api == "mapped"
    got, had = ([boot.plays[nr].granted - mapped * boot.plays[nr].asked for boot in boots]
                for boots in (groups, stock))
    if not fewer(got, had):
        return
    missing = (min(had) - max(got)) * duel.requests[nr].size
    # KCSAN delays what it watches, so of a play that did not end in time the speed is judged.
    late = duel.flavour == "kcsan" and any(boot.plays[nr].late for boot in groups)
    if missing > credit(duel, nr, groups, stock) + reserved(duel, nr):
        yield Loss(str(duel.requests[nr]), f"granted: groups {brief(got)}, stock {brief(had)}", late)


def judge_time(duel, nr, groups, stock):
    """The times of as many grants as stock had, for the rest stock would refuse."""
    served = min(min(len(boot.plays[nr].times) for boot in boots) for boots in (groups, stock))
    for percent, least in LEAST_GRANTS.items():
        if served < least:
            continue
        took, had = ([percentile(boot.plays[nr].times[:served], percent) for boot in boots]
                     for boots in (groups, stock))
        if min(took) > 2 * max(had) + SLACK_NS:
            yield Loss(str(duel.requests[nr]),
                       f"p{percent} in ms: groups {brief(took, 1e6)}, stock {brief(had, 1e6)}", True)


def judge_host(groups, stock):
    for what, key in (("OOM kills", "oom"), ("failed forks", "forks")):
        got, had = ([getattr(boot, key) for boot in boots] for boots in (groups, stock))
        if fewer(had, got):
            yield Loss(f"host, {what}", f"groups {brief(got)}, stock {brief(had)}")
    got, had = ([boot.free_kib / 1024 for boot in boots] for boots in (groups, stock))
    margin = max(4, stock[0].total_kib / 1024 / 100)
    if fewer([value + margin for value in got], had):
        yield Loss("host, memory back at the end", f"MiB free: groups {brief(got)}, stock {brief(had)}")
    for phase in sorted(set.intersection(*(set(boot.work) for boot in groups + stock))):
        got, had = ([boot.work[phase] for boot in boots] for boots in (groups, stock))
        if fewer(got, had, 0.02):
            yield Loss(f"host, its own work ({phase})", f"speed: groups {brief(got)}, stock {brief(had)}",
                       True)


def judge_soundness(groups, stock):
    """What stock never does must not happen once."""
    for boot in groups:
        if not boot.ended:
            yield Loss("host", "groups did not get to the end")
    for what, key in (("check", "failed"), ("kernel", "splats")):
        seen = [getattr(boot, key) for boot in groups]
        for text in sorted(set.union(*seen) - set.union(*(getattr(boot, key) for boot in stock))):
            loss = Loss(f"host, {what}", text)
            if not soft(loss) or text in set.intersection(*seen):
                yield loss


def soft(loss):
    """Chance alone may bring these."""
    return not re.match("host(, check|, kernel)?$", loss.what) or re.search(
        "page allocation failure|oom-killer|Out of memory|Call Trace|Mem-Info", loss.text)


def losses(duel, groups, stock):
    """Everything that groups lose in all of these boots."""
    yield from judge_soundness(groups, stock)
    if not all(boot.ended for boot in groups):
        return
    for nr in range(len(duel.requests)):
        if all(nr in boot.plays for boot in groups + stock):
            yield from judge_count(duel, nr, groups, stock)
            yield from judge_time(duel, nr, groups, stock)
    yield from judge_host(groups, stock)


def boot(duel, system, nr):
    """Boot it once; returns a Boot."""
    encrypted = "-encrypted" if "cc_test" in duel.append else ""
    directory = f"{LOGS}/{duel.seed}{encrypted}/{system}{nr}"
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/duel.sh"
    with open(path, "w") as script:
        script.write(duel.script())
    subprocess.run([f"{TOP}/guest/run.sh", path, duel.flavour] + (["dmag=off"] if system == "stock" else []),
                   env=dict(os.environ, LOG_DIR=directory), stdout=subprocess.DEVNULL, check=False)
    lines = judge.read(f"{directory}/duel-{duel.flavour}.log")
    if duel.flavour == "kcsan":
        lines, _ = judge.without_races(lines, judge.read_functions(f"{directory}/kcsan.functions"))
    return read_boot(lines)


def table(duel, groups, stock):
    """A line for each class of requests, of the last pair."""
    for nr, request in enumerate(duel.requests):
        if not all(nr in boots[-1].plays for boots in (groups, stock)):
            yield f"  {request}: not played"
            continue
        got, had = groups[-1].plays[nr], stock[-1].plays[nr]
        served = min(len(got.times), len(had.times))
        cells = [f"p{p} {percentile(got.times[:served], p) / 1000:.0f}/{percentile(had.times[:served], p) / 1000:.0f}"
                 for p in (50, 99)]
        cells.append(f"max {got.max_ns / 1000:.0f}/{had.max_ns / 1000:.0f} us")
        yield f"  {request}: {got.granted}/{had.granted} of {max(got.asked, had.asked)}, {', '.join(cells)}"
    rates = [f"{phase} {groups[-1].work.get(phase, 0):.3f}/{stock[-1].work.get(phase, 0):.3f}"
             for phase in ("before", "play")]
    yield (f"  host: speed {', '.join(rates)}; OOM kills {groups[-1].oom}/{stock[-1].oom}; "
           f"MiB free at the end {groups[-1].free_kib // 1024}/{stock[-1].free_kib // 1024}")


def play(duel, counts_only):
    """The losses of a round that repeat; None if stock itself does not survive it."""
    groups, stock, lost = [], [], []
    subprocess.run([f"{TOP}/scripts/kernel.sh", "build", duel.flavour], check=True)
    for nr in range(PAIRS):
        stock.append(boot(duel, "stock", nr))
        if not stock[-1].ended:
            return None
        groups.append(boot(duel, "groups", nr))
        lost = [loss for loss in losses(duel, groups, stock) if not (counts_only and loss.timed)]
        if not lost or not all(map(soft, lost)):
            break
        print(f"  pair {nr + 1}: " + "; ".join(f"{loss.what}: {loss.text}" for loss in lost), flush=True)
    print("\n".join(table(duel, groups, stock)))
    return lost


def derived(seed, nr):
    """The seed of a round; the first round has that of all."""
    return seed if not nr else random.Random(f"{seed} {nr}").randrange(1 << 32)


def drawn(seed, kernel=None, encrypted=False):
    """All the rounds that follow from a seed, each on that kernel, or the one it draws."""
    for nr in itertools.count():
        duel = duel_draw.draw(derived(seed, nr))
        if encrypted:
            duel = dataclasses.replace(duel, append=duel.append + ["cc_test"])
        yield dataclasses.replace(duel, flavour=kernel) if kernel else duel


def judge_round(duel, counts_only):
    """Play it and tell what was lost. Whether it passed; None if it is void."""
    lost = play(duel, counts_only)
    if lost is None:
        print("  void: stock did not get to the end, so another is drawn", flush=True)
        return None
    kernel = "" if duel.flavour in ("normal", "blocks") else f" FLAVOUR={duel.flavour}"
    platform = " PLATFORM=encrypted" if "cc_test" in duel.append else ""
    for loss in lost:
        print(f"LOSS SEED={duel.seed} | {duel.machine()} | {loss.what} | {loss.text} | "
              f"make duel SEED={duel.seed} ROUNDS=1{kernel}{platform}", flush=True)
    return not lost


def verdict(passed, failed, void):
    if failed or not passed:
        return "FAILED"
    return f"ok, {void} void" if void else "ok"


def main(args):
    counts_only, encrypted = "--counts" in args, "--encrypted" in args
    kernel = next((arg.removeprefix("--kernel=") for arg in args if arg.startswith("--kernel=")), None)
    numbers = [int(arg) for arg in args if not arg.startswith("--")]
    seed = numbers[0] if numbers else random.SystemRandom().randrange(1 << 32)
    rounds = numbers[1] if len(numbers) > 1 else 1
    if "--show" in args:
        for duel in itertools.islice(drawn(seed, kernel, encrypted), rounds):
            print(f"SEED={duel.seed} {duel.machine()}\n{duel.script()}")
        return False
    results = []
    for duel in drawn(seed, kernel, encrypted):
        passed, failed, void = map(results.count, (True, False, None))
        if passed + failed == rounds or void == MOST_VOID * rounds:
            break
        print(f"round {passed + failed + 1} of {rounds}: SEED={duel.seed} {duel.machine()}", flush=True)
        results.append(judge_round(duel, counts_only))
    print(f"verdict: {verdict(passed, failed, void)}")
    print(f"{passed} passed, {failed} failed")
    return verdict(passed, failed, void) == "FAILED"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
