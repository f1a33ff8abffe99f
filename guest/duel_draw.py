# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Draw a round of the duel from its seed: machine, load, list of requests.

draw(seed) is a Round. Its script() is a scenario for guest/run.sh, made of the
functions of guest/duel.sh.
"""
import dataclasses
import math
import random
import re

MIB = 1 << 20
PAGE = 4096
# Hosts of which a small machine can imitate the reserves that zones keep.
HOST_GIB = (64, 256, 768, 1024, 4096)
# A larger machine is not filled further than this, for the host has to hold it.
FILL_MOST_MIB = 8192
# What a play may take, in seconds.
PLAY_SECONDS = 12


@dataclasses.dataclass
class Request:
    """A class of requests: one line of the list."""
    device: int
    bits: int
    api: str
    context: str
    gfp: str
    flags: str
    count: int
    size: int
    slots: int
    pause_ms: int

    def __str__(self):
        how = f"churn of {self.slots}" if self.slots else "kept"
        return (f"{self.bits}-bit {self.api} {self.context} {self.gfp} {self.flags} "
                f"{self.count} x {self.size // 1024}K {how}")

    def kept(self):
        """Bytes that a grant takes from the host: of a mapping, a bounce buffer as well."""
        return 2 * self.size if self.api == "mapped" else self.size

    def line(self, nr):
        return (f"duel_play {nr} {self.device} {self.api} {self.context} {self.gfp} {self.flags} "
                f"{self.count} {self.size} {self.slots} {PLAY_SECONDS}")


@dataclasses.dataclass
class Round:
    seed: int
    mib: int
    head: dict
    append: list
    sysctls: list
    loads: list
    late: bool
    devices: list
    requests: list
    cpu: int | None
    flavour: str = "normal"

    def machine(self):
        qemu = self.head.get("qemu", "")
        sizes = re.findall("id=node.,size=([0-9]+M)", qemu)
        below = re.findall("below-4g=([0-9]+M)", qemu)
        where = [f"nodes={'+'.join(sizes)}"] * bool(sizes) + [f"below-4G={size}" for size in below]
        tuned = [f"{name.removeprefix('../../../sys/kernel/mm/')}={value}" for name, value in self.sysctls]
        buses = [f"device {nr}: {bits}-bit mask, {bus}-bit bus" for nr, (bits, _, bus) in enumerate(self.devices)
                 if bus]
        loads = [load.removeprefix("duel_") for load in self.loads]
        blocks = ["pageblocks of 4M"] * (self.flavour == "blocks")
        return " ".join([f"{self.mib}M"] + blocks + where + self.append + tuned + buses +
                        ["load:"] + (loads or ["idle"]) +
                        (["(before the devices)"] if self.late else []) +
                        ([f"on CPU {self.cpu}"] if self.loads and self.cpu is not None else []))

    def script(self):
        lines = [f"#: {key}={value}" for key, value in self.head.items()]
        lines += [f"#: append={' '.join(self.append)}", f"seed={self.seed}", ". /duel.sh"]
        lines += [f"echo '{value}' >/proc/sys/vm/{name}" for name, value in self.sysctls]
        lines += ["duel_begin"]
        devices = [f"duel_device {bits} {node} {bus}" for bits, node, bus in self.devices]
        loads = self.loads
        if loads and self.cpu is not None:
            loads = [f"duel_pin {1 << self.cpu}"] + loads + ["duel_pin 3"]
        lines += loads + devices if self.late else devices + ["usleep 1500000"] + loads
        lines += ["duel_work before 3", "duel_worker"]
        for nr, request in enumerate(self.requests):
            if request.pause_ms:
                lines.append(f"usleep {request.pause_ms}000")
            lines.append(request.line(nr))
        lines.append("duel_end")
        return "\n".join(lines) + "\n"


def chance(rng, percent):
    return rng.random() * 100 < percent


def log_uniform(rng, low, high):
    return int(round(math.exp(rng.uniform(math.log(low), math.log(high)))))


def draw_memory(rng):
    """Small machines mostly, for a round is to take a minute."""
    sizes = (128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384)
    weights = (3, 2, 5, 5, 12, 8, 15, 8, 12, 8, 5, 6, 2, 1)
    return rng.choices(sizes, weights)[0]


def draw_cma(rng, mib):
    kind = rng.choices(("none", "small", "low", "placed", "high"), (55, 10, 15, 15, 5))[0]
    if kind == "none":
        return []
    if kind == "high" and mib > 4096:
        return [f"cma={rng.choice((64, 256))}M@5G"]
    if kind == "low" and mib >= 512:
        return [rng.choice(("cma=64M@64M", "cma=128M@128M"))]
    if kind == "placed" and mib >= 512:
        return [f"cma={rng.choice((32, 64, mib // 8))}M@0-1G"]
    return [f"cma={rng.choice((8, 16, 32))}M"]


def draw_append(rng, mib, nodes):
    append = draw_cma(rng, mib)
    if chance(rng, 50):
        append.append("swiotlb=2048")
    elif chance(rng, 20):
        append.append(rng.choice(("swiotlb=noforce", "swiotlb=force", "swiotlb=16384")))
    if chance(rng, 15):
        append.append(f"hugepages={mib * rng.randint(5, 30) // 200}")
    if chance(rng, 12):
        append.append(f"{rng.choice(('kernelcore', 'movablecore'))}={rng.randint(40, 60)}%")
    if nodes > 1 and chance(rng, 30):
        append.append(rng.choice(("movable_node", "numa_balancing=disable", "cma_pernuma=16M")))
    if chance(rng, 25):
        append.append("transparent_hugepage=always")
    for option in ("init_on_alloc=1", "init_on_free=1", "page_alloc.shuffle=1", "nokaslr", "isolcpus=1",
                   "threadirqs", "slab_nomerge"):
        if chance(rng, 7):
            append.append(option)
    return append


def draw_qemu(rng, mib, nodes):
    """Where memory lies: below 4 GiB or in part beyond, on one node or two."""
    words = []
    low = mib
    if mib >= 256 and chance(rng, 50):
        low = rng.choice((128, 256, 512, 768, 1024, 2048))
    if low < mib:
        words.append(f"-machine max-ram-below-4g={low}M")
    if nodes > 1:
        # Two sockets, for nodes that share a cache are a firmware bug.
        words.append("-smp 2,sockets=2,cores=1")
        first = rng.choice((mib // 2, mib // 4, mib * 3 // 4)) // 2 * 2
        for nr, size in enumerate((first, mib - first)):
            words.append(f"-object memory-backend-ram,id=node{nr},size={size}M")
            words.append(f"-numa node,nodeid={nr},cpus={nr},memdev=node{nr}")
    return " ".join(words)


def draw_sysctls(rng, mib):
    """What a host of another size has, scaled to this one; and other knobs."""
    sysctls = []
    if chance(rng, 40):
        host = rng.choice(HOST_GIB)
        ratio = max(1, 256 * mib // (host * 1024))
        sysctls.append(("lowmem_reserve_ratio", f"256 {ratio} 32 0"))
    if chance(rng, 30):
        sysctls.append(("watermark_scale_factor", rng.choice((50, 150, 400, 1000))))
    if chance(rng, 30):
        sysctls.append(("min_free_kbytes", mib * 1024 * rng.choice((1, 5, 20)) // 1000))
    if chance(rng, 15):
        sysctls.append(("watermark_boost_factor", 0))
    if chance(rng, 15):
        sysctls.append(("swappiness", rng.choice((0, 10, 200))))
    if chance(rng, 10):
        sysctls.append(("overcommit_memory", 1))
    return sysctls


def draw_knobs(rng, nodes):
    """Knobs of reclaim and compaction, MGLRU among them."""
    knobs = []
    if chance(rng, 10):
        knobs.append(("compaction_proactiveness", rng.choice((0, 100))))
    if nodes > 1 and chance(rng, 25):
        knobs.append(("zone_reclaim_mode", rng.choice((1, 7))))
    if chance(rng, 25):
        knobs.append(("../../../sys/kernel/mm/lru_gen/enabled", "y"))
    return knobs


def draw_loads(rng, mib, head):
    """Loads in the order in which they begin, and the disks that they need."""
    loads, disks = [], []

    def disk(size):
        disks.append(size)
        return f"/dev/vd{'abc'[len(disks) - 1]}"

    if chance(rng, 20):
        loads.append(f"duel_strewn {rng.randint(2, 12)}")
    swapped = chance(rng, 35)
    if swapped:
        loads.append(f"duel_zram {rng.randint(20, 60)}" if chance(rng, 40) else f"duel_swap {disk('2G')}")
    room = 97 if swapped else 92
    if chance(rng, 40):
        percent = rng.randint(70, room)
        room -= percent
        loads.append(f"duel_tmpfs {percent}")
    for _ in range(rng.choices((0, 1, 2, 3), (25, 40, 25, 10))[0]):
        kind = rng.choice(("tmpfs", "anon", "lock", "stream", "write"))
        if any(load.startswith((f"duel_{kind}", f"duel_memory {kind}")) for load in loads):
            continue
        if kind in ("stream", "write"):
            if not any(load.startswith(("duel_stream", "duel_write")) for load in loads):
                loads.append(f"duel_{kind} {disk('4G')}")
            continue
        # A process fills what it has by an emulated CPU.
        most = room if kind == "tmpfs" else min(room, 90_000 // mib)
        percent = rng.randint(min(20, most // 2), most) if most > 4 else 0
        if percent:
            room -= percent
            loads.append(f"duel_tmpfs {percent}" if kind == "tmpfs" else f"duel_memory {kind} {percent}")
    if disks:
        head["disks"] = " ".join(disks)
    return loads


def draw_devices(rng, mib, nodes, words):
    """Masks that say something on this machine, mostly: a zone or an area ends there."""
    ends = mib.bit_length() + 20
    near = list(range(24, ends + 1))
    if "below-4g" in words:
        near += [32] * len(near)
    if "@64M" in words or "@128M" in words:
        near += [27, 28, 28]
    devices = []
    for _ in range(rng.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]):
        bits = rng.choice(near) if chance(rng, 80) else rng.choice((20, 21, 22, 23, 24, 32, 36, 40, 48, 64))
        devices.append((bits, rng.choice((-1, 0, 1)) if nodes > 1 else -1))
    return devices


def draw_buses(rng, devices):
    """Some reach less than their mask says, for the bus is as narrow."""
    return [(rng.choice((32, 40, 64)), node, bits) if bits < 32 and chance(rng, 15) else (bits, node, 0)
            for bits, node in devices]


def draw_size(rng):
    if chance(rng, 45):
        return PAGE << rng.randint(0, 4)
    if chance(rng, 10):
        return rng.choice((8, 16, 32, 64)) * MIB
    return PAGE * log_uniform(rng, 1, 2048)


def draw_how(rng):
    """Context, GFP and flags as drivers have them."""
    context = rng.choices(("task", "bh", "irqoff"), (70, 15, 15))[0]
    if context == "task":
        gfp = rng.choices(("kernel", "noio", "nofs", "atomic", "nowait"), (65, 10, 8, 12, 5))[0]
    else:
        gfp = rng.choices(("atomic", "nowait"), (80, 20))[0]
    flags = "w" if chance(rng, 75) else ""
    if gfp in ("kernel", "noio", "nofs"):
        flags += rng.choices(("", "r", "m", "rt"), (65, 20, 10, 5))[0]
    if chance(rng, 8):
        flags += "n"
    return context, gfp, flags or "-"


def draw_request(rng, mib, device, bits):
    size = draw_size(rng)
    reach = min(1 << bits, mib * MIB)
    # A device that reaches all could take the host's last page.
    share = rng.choice((0.05, 0.2, 0.5, 1.2)) if reach < mib * MIB / 2 else rng.choice((0.01, 0.05, 0.15))
    count = max(1, min(int(reach * share) // size, rng.choice((50, 500, 4000, 4000))))
    context, gfp, flags = draw_how(rng)
    api = rng.choices(("coherent", "nokmap", "contig", "single", "pages", "noncoherent", "noncontiguous"),
                      (50, 8, 7, 5, 10, 10, 10))[0]
    if api == "noncontiguous" and context != "task":
        api = "coherent"
    slots = 0
    if count >= 8 and chance(rng, 40):
        slots, count = max(1, count // rng.choice((2, 8, 32))), min(4 * count, 4000)
    pause = rng.choice((0, 0, 0, 300, 1500))
    return Request(device, bits, api, context, gfp, flags, count, size, min(slots, count), pause)


@dataclasses.dataclass
class Cell:
    """A machine that groups lost on once, with its requests: (bits, count, size)."""
    mib: int
    asked: tuple
    append: tuple = ()
    sysctls: tuple = ()
    loads: tuple = ()


def draw_maps(rng, mib, devices):
    """Streaming mappings, of no more memory than the host can do without."""
    maps = []
    nr = rng.randint(1, 3)
    for _ in range(nr):
        device = rng.randrange(len(devices))
        size = PAGE * log_uniform(rng, 1, 256)
        count = max(1, min(mib * MIB // (50 * nr) // size, rng.choice((16, 200, 2000))))
        context = rng.choices(("task", "bh", "irqoff"), (30, 50, 20))[0]
        slots = max(1, count // rng.choice((2, 8, 32))) if count >= 8 and chance(rng, 50) else 0
        maps.append(Request(device, devices[device][0], "mapped", context, "atomic", "-", count, size, slots, 0))
    return maps


CELLS = (
    Cell(6144, ((32, 512, 64 << 10), (32, 2000, PAGE)), loads=("duel_tmpfs 50",),
         sysctls=(("lowmem_reserve_ratio", "256 1 32 0"),)),
    Cell(6144, ((28, 2000, 64 << 10), (28, 4000, PAGE), (28, 32, MIB)), append=("cma=128M@128M",)),
    Cell(2048, ((28, 1, 4 * MIB), (28, 40, MIB)), loads=("duel_strewn 3",)),
    Cell(6144, ((30, 4096, 64 << 10), (28, 512, 64 << 10), (24, 64, 64 << 10)), loads=("duel_tmpfs 88",)),
    Cell(2048, ((30, 500, 64 << 10),), loads=("duel_tmpfs 80", "duel_stream /dev/vda", "duel_memory anon 8")),
    Cell(3072, ((30, 3, 56 * MIB), (30, 3, 75 * MIB)), append=("cma=256M@0-1G",), loads=("duel_strewn 5",)),
)


def draw_cell(rng, seed):
    """A round about one of the cells: its machine and requests, and others besides."""
    cell = rng.choice(CELLS)
    loads = list(cell.loads)
    head = {"memory": f"{cell.mib}M", "cpus": "2", "timeout": "150"}
    if any("/dev/vda" in load for load in loads):
        head["disks"] = "4G"
    masks = list(dict.fromkeys(bits for bits, _, _ in cell.asked))
    requests = [Request(masks.index(bits), bits, "coherent", "task", "kernel", "w", count, size, 0, 0)
                for bits, count, size in cell.asked]
    for _ in range(rng.randint(1, 4)):
        device = rng.randrange(len(masks))
        requests.append(draw_request(rng, cell.mib, device, masks[device]))
    sysctls = list(cell.sysctls) + draw_knobs(rng, 1)
    return Round(seed, cell.mib, head, list(cell.append), sysctls, loads, False,
                 [(bits, -1, 0) for bits in masks], requests, None)


def fit_host(loads, mib):
    """The same loads, of no more memory than the host should hold."""
    most = 100 * FILL_MOST_MIB // mib
    if most >= 100:
        return loads
    return [re.sub("[0-9]+$", lambda percent: str(min(int(percent[0]), most)), load)
            for load in loads if not load.startswith("duel_strewn")]


def draw(seed):
    rng = random.Random(seed)
    mib = draw_memory(rng)
    nodes = 2 if mib >= 512 and chance(rng, 20) else 1
    head = {"memory": f"{mib}M", "cpus": "2", "timeout": "150"}
    qemu = draw_qemu(rng, mib, nodes)
    if qemu:
        head["qemu"] = qemu
    append = draw_append(rng, mib, nodes)
    sysctls = draw_sysctls(rng, mib)
    loads = draw_loads(rng, mib, head)
    if nodes > 1 and chance(rng, 35):
        loads.append(f"duel_cpuset {rng.choice((0, 1))}")
    devices = draw_devices(rng, mib, nodes, " ".join([qemu] + append))
    requests = []
    for _ in range(rng.randint(4, 9)):
        device = rng.randrange(len(devices))
        requests.append(draw_request(rng, mib, device, devices[device][0]))
    late = chance(rng, 25)
    # Drawn apart, so that what follows changes nothing of a round that was known before.
    more = random.Random(f"{seed} more")
    # Chance would put loads on either node, in one boot so, in the next otherwise.
    cpu = more.choice((0, 1)) if nodes > 1 else None
    if chance(more, 10):
        return draw_cell(more, seed)
    flavour = "blocks" if chance(more, 8) else "normal"
    maps = random.Random(f"{seed} maps")
    if chance(maps, 40) and "swiotlb=noforce" not in append:
        requests += draw_maps(maps, mib, devices)
    return Round(seed, mib, head, append, sysctls + draw_knobs(more, nodes), fit_host(loads, mib), late,
                 draw_buses(more, devices), requests, cpu, flavour)
