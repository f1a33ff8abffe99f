# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Cases for selftest.py: does duel.py find every kind of loss, and no other?"""
import contextlib
import io
import itertools
import unittest.mock

import duel
import duel_draw

FAST, SLOW = duel.DIGITS[8], duel.DIGITS[48]
OOM = "[    3.000000] load invoked oom-killer: gfp_mask=0"


def log(granted=(20, 20), digit=FAST, times="", bad=0, late=0, oom=0, forks=0, speed=1.0, free=90000, extra=(),
        end=True):
    """A boot with two plays."""
    head = "[    1.000000] "
    text = ["KTAP version 1", "# BEGIN duel normal dmag=on"]
    for nr, got in enumerate(granted):
        text += [f"# PLAY id={nr} asked=20 granted={got} bad=0 late={late} ns=1 max_ns=2",
                 f"# TIMES {nr} {times or digit * got}"]
    text += [f"{'not ' if bad else ''}ok 1 - play", f"# VMSTAT oom_kill {oom} pgscan_direct 0",
             f"# WORK phase=play LOAD work units=9 work_s=10 compute_s={speed * 10} failed_forks={forks}"]
    text += [f"# END MemTotal=100000 MemFree={free}", "1..1"] if end else []
    return [head + line for line in text] + list(extra)


def request(slots=0, size=4096):
    return duel_draw.Request(0, 28, "coherent", "task", "kernel", "w", 20, size, slots, 0)


KEPT = (request(), request())
CHURN = (request(4), request(4))
LARGER = (request(4), request(4, 65536))
# Is it a loss, what is it, the requests, boots with groups, boots of stock.
CASES = (
    (False, "as much", KEPT, [log()], [log()]),
    (True, "a grant less", KEPT, [log((20, 19))], [log()]),
    (True, "a play that grants nothing", KEPT, [log((0, 20))], [log((1, 20))]),
    (False, "less, but an earlier play kept as much more", KEPT, [log((20, 10))], [log((10, 20))]),
    (True, "less, and an earlier play gave back the more", CHURN, [log((20, 10))], [log((10, 20))]),
    (True, "less, and an earlier play was of smaller buffers", LARGER, [log((20, 10))], [log((10, 20))]),
    (True, "less in each pair", KEPT, [log((20, 15))] * 3, [log((20, 18))] * 3),
    (False, "less in one pair of three", KEPT, [log((20, n)) for n in (15, 18, 15)], [log((20, 18))] * 3),
    (False, "less, within the spread of stock", KEPT, [log((20, 15))] * 2, [log((20, n)) for n in (16, 18)]),
    (True, "slower", KEPT, [log(digit=SLOW)], [log()]),
    (False, "slower by less than a millisecond", KEPT, [log(digit=duel.DIGITS[20])], [log()]),
    (False, "one grant, and that slower", KEPT, [log((1, 1), digit=SLOW)], [log((1, 1))]),
    (False, "as slow", KEPT, [log(digit=SLOW)], [log(digit=SLOW)]),
    (False, "slower only where stock refuses", KEPT, [log((20, 20), times=FAST * 15 + SLOW * 5)], [log((15, 15))]),
    (True, "slower where stock does not refuse", KEPT, [log((20, 20), times=FAST * 15 + SLOW * 5)], [log()]),
    (False, "refused slowly", KEPT, [log((5, 5), times=FAST * 5 + f"-{SLOW}" * 3)], [log((5, 5))]),
    (True, "an OOM kill", KEPT, [log(oom=1, extra=[OOM])], [log()]),
    (False, "as many OOM kills", KEPT, [log(oom=1, extra=[OOM])], [log(oom=1, extra=[OOM])]),
    (True, "a failed fork", KEPT, [log(forks=1)], [log()]),
    (True, "a shell that cannot fork", KEPT, [log(extra=["sh: can't fork: Out of memory"])], [log()]),
    (True, "a buffer that is bad", KEPT, [log(bad=1)], [log()]),
    (True, "a splat", KEPT, [log(extra=["[    2.000000] WARNING: CPU: 0 PID: 1 at mm/dmag/x.c:3"])], [log()]),
    (False, "a splat of both", KEPT, [log(extra=["[    2.000000] WARNING: CPU: 0 PID: 1 at mm/x.c:3"])],
     [log(extra=["[    3.000000] WARNING: CPU: 1 PID: 2 at mm/x.c:3"])]),
    (False, "a failure that stock tells of in other words", KEPT,
     [log(extra=["[    2.000000] sh: page allocation failure: order:11"])],
     [log(extra=["[    2.000000] WARNING: CPU: 1 PID: 1 at __alloc_pages_noprof+0x2e2/0x2f0"])]),
    (True, "a splat in one pair of two", KEPT,
     [log(extra=["[    2.000000] WARNING: CPU: 0 PID: 1 at mm/dmag/x.c:3"]), log()], [log()] * 2),
    (False, "an allocation failure in one pair of two", KEPT,
     [log(extra=["[    2.000000] sh: page allocation failure: order:0"]), log()], [log()] * 2),
    (True, "an allocation failure in each pair", KEPT,
     [log(extra=["[    2.000000] sh: page allocation failure: order:0"])] * 2, [log()] * 2),
    (True, "no end", KEPT, [log(end=False)], [log()]),
    (True, "a slower host", KEPT, [log(speed=0.9)], [log()]),
    (False, "a host that is 1 % slower", KEPT, [log(speed=0.99)], [log()]),
    (True, "memory lost", KEPT, [log(free=80000)], [log()]),
    (False, "memory within the margin", KEPT, [log(free=88000)], [log()]),
)


# Machines and requests that the promise names, as scripts have them.
KINDS = ("memory=128M", "memory=16384M", "-numa", "cma=8M", "cma=128M@128M", "@0-1G", "M@5G", "swiotlb=force",
         "lowmem_reserve_ratio", "watermark_scale_factor", "min_free_kbytes", "hugepages=", "duel_swap", "duel_zram",
         "movable_node", "lru_gen", "duel_tmpfs", "duel_stream", "duel_memory anon", "duel_memory lock", "duel_strewn",
         "duel_cpuset", "duel_device 64 -1 24", "irqoff atomic", "bh nowait", "kernel r", "kernel m")


def kinds_missing():
    """Kinds of machines and requests that none of many rounds has."""
    drawn = list(map(duel_draw.draw, range(1500)))
    text = "\n".join(one.script() for one in drawn)
    return [kind for kind in KINDS if kind not in text] + ["pageblocks"] * (
        not any(one.flavour == "blocks" for one in drawn))


def lost(requests, groups, stock):
    drawn = duel_draw.draw(1)
    drawn.requests, drawn.devices = list(requests), [(28, -1, 0)]
    groups, stock = (list(map(duel.read_boot, boots)) for boots in (groups, stock))
    return bool(list(duel.losses(drawn, groups, stock)))


def shortfall(mine, other, missing):
    """Whether it is a loss that a device of so many bits got so much less beside another one."""
    drawn = duel_draw.draw(1)
    drawn.mib, drawn.devices, drawn.requests = 1024, [(mine, -1, 0), (other, -1, 0)], [request(size=missing)]
    boots = [[duel.read_boot(log(granted=(nr, 20)))] for nr in (19, 20)]
    return bool(list(duel.judge_count(drawn, 0, *boots)))


def timed(flavour, late):
    """Whether a grant less is a matter of speed."""
    drawn = duel_draw.draw(1)
    drawn.flavour, drawn.requests, drawn.devices = flavour, list(KEPT), [(28, -1, 0)]
    loss, = duel.judge_count(drawn, 1, [duel.read_boot(log((20, 19), late=late))], [duel.read_boot(log())])
    return loss.timed


def cases():
    """Each case tried: its name, its outcome, the right one."""
    for bad, name, *boots in CASES:
        yield f"duel: {name}", lost(*boots), bad
    yield "duel: a reserve is another device's", shortfall(24, 25, 4 << 20), False
    yield "duel: no more than a reserve is", shortfall(24, 25, 5 << 20), True
    yield "duel: a small reach has a small reserve", shortfall(24, 22, 2 << 20), True
    yield "duel: devices of one group share a reserve", shortfall(24, 24, 1 << 20), True
    yield "duel: a device that reaches all has no reserve", shortfall(24, 30, 1 << 20), True
    yield "duel: KCSAN makes a play late", timed("kcsan", 1), True
    yield "duel: KCSAN refuses nothing", timed("kcsan", 0), False
    yield "duel: no other kernel makes a play late", timed("normal", 1), False
    yield "duel: one seed, one round", duel_draw.draw(5).script() == duel_draw.draw(5).script(), True
    yield "duel: another seed, another round", duel_draw.draw(5).script() == duel_draw.draw(6).script(), False
    yield "duel: every kind of machine is drawn", kinds_missing(), []
    yield "duel: no more memory is filled than the host has", duel_draw.fit_host(
        ["duel_strewn 9", "duel_tmpfs 90"], 16384), ["duel_tmpfs 50"]
    yield "duel: the first round has the seed that was given", duel.derived(5, 0), 5
    yield "duel: every round is on the kernel that was given", {
        one.flavour for one in itertools.islice(duel.drawn(5, "kcsan"), 30)}, {"kcsan"}
    yield "duel: a refusal has its own time", duel.decode(f"{FAST}-{SLOW}{FAST}"), (
        [duel.BOUNDS[FAST]] * 2, [duel.BOUNDS[SLOW]])
    yield "duel: as many rounds as wanted", duels((True, True, True), 2), "2 passed, 0 failed"
    yield "duel: another round for a void one", duels((None, True), 1), "1 passed, 0 failed"
    yield "duel: a void round is no loss", duels((None, True, False), 2), "1 passed, 1 failed"
    yield "duel: nothing but void rounds", duels((None,) * 9, 2), "0 passed, 0 failed"
    yield "duel: nothing but void rounds is no success", duel.verdict(0, 0, 9), "FAILED"


def duels(outcomes, rounds):
    """The last line of rounds with these outcomes."""
    out, left = io.StringIO(), iter(outcomes)
    with contextlib.redirect_stdout(out), unittest.mock.patch("duel.judge_round", lambda *_: next(left)):
        duel.main(["7", str(rounds)])
    return out.getvalue().splitlines()[-1]
