#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Judge the log of a guest.

    judge.py LOG [ALLOWED [FUNCTIONS]]

ALLOWED is a pattern of splats that are provoked. FUNCTIONS is a file of names: of the
data races that KCSAN reports, those of other functions are counted, no more.

The log passes if every result that KUnit and the scenario report in it is "ok",
if there are as many as they planned, and if the kernel never complained. The
last line is "N passed, N failed": the results, the plans, the absence of splats.
"""
import re
import sys

SPLATS = re.compile(r"""
    WARNING:|BUG:|Oops|KASAN|UBSAN:|KFENCE|kmemleak:|Call\ Trace:
    |INFO:\ possible|INFO:\ trying\ to\ register|INFO:\ task|INFO:\ lockdep
    |possible\ (circular|recursive|irq\ lock|irq-unsafe|deadlock).*detected
    |suspicious\ RCU\ usage|rcu:\ INFO|rcu_.*\ detected|bad\ unlock\ balance
    |inconsistent\ lock\ state|lock\ held\ when\ returning
    |scheduling\ while\ atomic|sleeping\ function\ called
    |blocked\ for\ more\ than|soft\ lockup|hard\ LOCKUP|hung_task
    |refcount_t:|(list_add|list_del)\ corruption|(add|del)_list\ corruption
    |Kernel\ panic|general\ protection|[Uu]nable\ to\ handle|page\ fault
    |double\ fault|Bad\ page|bad\ page|ODEBUG:|DMA-API:|invoked\ oom-killer
    |Out\ of\ memory|pagealloc:\ |dmag:\ .*(broken|disabled\ after)
    |page\ allocation\ failure|QEMU\ ended\ with|stack-?protector
    |corrupted\ stack|printk\ messages\ dropped""", re.VERBOSE)

# Messages of checkers that start, and the command line.
HARMLESS = re.compile(r"""
    kmemleak:\ Kernel\ memory\ leak\ detector\ (initialized|disabled)
    |DMA-API:\ (preallocated|debugging\ (enabled|disabled)|debugfs)
    |ODEBUG:\ .*(selftest\ passed|objects?\ in\ use)|Oops:\ .*\ disabled
    |[Cc]ommand\ line:|mem\ auto-init""", re.VERBOSE)

# KCSAN's report of a data race, the head of each access in it, and a line of a stack.
RACE = re.compile(r"BUG: KCSAN: ")
ACCESS = re.compile(r"(read|write|assert no (?:writes|accesses)).* (?:to|from) 0x[0-9a-f]+ of \d+ bytes by ")
FRAME = re.compile(r"\] +(?:\[ *[TC]\d+\] +)?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+")

# The kernel prints each message whole, if need be into a program's line.
MESSAGE = re.compile(r"\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? (.*)")
VERSION = re.compile(r"( *)KTAP version 1$")
PLAN = re.compile(r"( *)1\.\.(\d+)")
RESULT = re.compile(r"( *)(not )?ok (\d+)\b([^#]*)(?:# (SKIP)?.*)?$")


def read(path):
    """The lines of a log."""
    with open(path, errors="replace", newline="\n") as log:
        return log.read().replace("\r", "").split("\n")


def messages(lines):
    """The kernel's messages; KUnit and the scenario report by them."""
    return [m[1] for m in map(MESSAGE.search, lines) if m]


class Level:
    """The results of one indentation."""

    def __init__(self):
        self.seen = self.failed = 0
        self.plan = None


class Ktap:
    """The results of a log.

    The kernel's own tools/testing/kunit/kunit_parser.py cannot read it. That
    parser wants the plan first, which a scenario knows last, and one document,
    while a boot with KUnit has two.
    """

    def __init__(self, lines):
        self.passed = 0
        self.failures = []
        self.broken = []
        self.levels = {}
        for text in lines:
            self.line(text)
        if not any(text.startswith("# BEGIN ") for text in lines):
            self.broken.append("the scenario did not begin")
        self.close(0)

    def line(self, text):
        if m := VERSION.match(text):
            self.close(len(m[1]))
            self.levels[len(m[1])] = Level()
        elif (m := PLAN.match(text)) and len(m[1]) in self.levels:
            self.levels[len(m[1])].plan = int(m[2])
        elif m := RESULT.match(text):
            self.result(m)

    def close(self, indent):
        """End all levels from this indentation on, and return them."""
        ended = [self.levels.pop(i) for i in sorted(self.levels) if i >= indent]
        for level in ended:
            if level.plan != level.seen:
                self.broken.append(f"{level.seen} results, planned: {level.plan}")
        return ended

    def result(self, m):
        """One result. That of a suite counts only if no case accounts for it."""
        cases = self.close(len(m[1]) + 1)
        level = self.levels.get(len(m[1]), Level())
        level.seen += 1
        if int(m[3]) != level.seen:
            self.broken.append(f"result {level.seen} is missing: {m[0].strip()}")
            level.seen = int(m[3])
        if m[2]:
            level.failed += 1
            if not any(case.failed for case in cases):
                self.failures.append(m[0].strip())
        elif not m[5] and not cases:
            self.passed += 1


def splats(lines, allowed=""):
    return [line for line in lines if SPLATS.search(line) and not HARMLESS.search(line) and
            not (allowed and re.search(allowed, line))]


def race(report):
    """The innermost two functions of each access: a helper of all the kernel has a caller."""
    frames = []
    left = 0
    for line in report:
        if ACCESS.search(line):
            left = 2
        elif left and (m := FRAME.search(line)):
            frames.append(m[1].split(".")[0])
            left -= 1
    return frames


def read_functions(path):
    """The names in a file, less the suffixes that the compiler gave them."""
    names = {name.split(".")[0] for name in read(path) if name}
    if not names:
        sys.exit(f"judge.py: {path} names no function")
    return names


def without_races(lines, functions):
    """The lines less the titles of races in other functions, and how many those were."""
    kept, others = [], 0
    for at, line in enumerate(lines):
        if RACE.search(line):
            end = next((i for i in range(at, len(lines)) if lines[i].endswith("=" * 50)), len(lines))
            frames = race(lines[at:end])
            # A report that names nothing is not known to be of others.
            if frames and functions.isdisjoint(frames):
                others += 1
                continue
        kept.append(line)
    return kept, others


def judge(lines, allowed="", functions=None):
    """How much passed, and a line for each thing that failed."""
    said = messages(lines)
    ktap = Ktap(said)
    if functions is not None:
        lines, _ = without_races(lines, functions)
    complaints = splats(lines, allowed)
    wrong = list(ktap.failures)
    if ktap.broken:
        wrong.append("; ".join(ktap.broken))
    if complaints:
        wrong.append("\n    ".join(["the kernel complained:"] + complaints[:12]))
    return ktap.passed + (not ktap.broken) + (not complaints), wrong


def main(path, allowed="", names=None):
    lines = read(path)
    ours = None
    if names is not None:
        ours = read_functions(names)
        print(f"data races outside of dmag: {without_races(lines, ours)[1]}")
    passed, wrong = judge(lines, allowed, ours)
    for text in wrong:
        print(text)
    if wrong:
        why = [m for m in messages(lines) if re.search("# (failed:|.*(EXPECTATION|ASSERTION) FAILED)", m)]
        print("\n".join(why))
    print(f"{path.rsplit('/', 1)[-1]}: {passed} passed, {len(wrong)} failed")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
