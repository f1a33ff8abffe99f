#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Make tool/masks.inc: which drivers do DMA, and with which mask.

usage: boards-masks.py KERNEL-SOURCE >tool/masks.inc

For each compatible string in a driver's match table: whether the driver calls
the DMA API, and the largest constant that it gives to a function that sets the
coherent mask.  The largest, because the calls that follow in the source are
mostly the retry with less, and dma-direct never refuses 32 bits or more.  A
mask that the driver computes is COMPUTED, unless the driver's own data holds one
constant for it (.dma_mask = DMA_BIT_MASK(34)).  A
match table counts if it is the driver's, not one by which it looks for other
nodes.  A driver is the source files that its Makefile links into one object.
Facts only: no code of the kernel is copied.
"""

import os
import re
import sys

ROOTS = ("drivers", "sound")
# Host bridges stand for the devices behind them; IOMMUs translate, not allocate;
# memory controllers set masks for their clients.
SKIP = ("drivers/pci", "drivers/iommu", "drivers/memory", "drivers/of")

# An object with more match tables than this holds several drivers (a display
# pipeline, say), of which each speaks for itself.
MANY = 2

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
TABLE = re.compile(r"struct\s+of_device_id\s+(\w+)\s*\[\s*\]\s*[^={;]*=\s*\{(.*?)\n\s*\}\s*;", re.S)
# Tables by which drivers are matched.
USED = re.compile(r"MODULE_DEVICE_TABLE\s*\(\s*of\s*,\s*(\w+)\s*\)"
                  r"|of_match_table\s*=\s*(?:of_match_ptr\s*\(\s*)?(\w+)")
COMPATIBLE = re.compile(r"\.compatible\s*=\s*\"([^\"]+)\"")
MASK = re.compile(
    r"(?:dma_set_mask_and_coherent|dma_set_coherent_mask|dma_coerce_mask_and_coherent)"
    r"\s*\([^,;]+,\s*DMA_BIT_MASK\s*\(\s*(\d+)\s*\)\s*\)"
    r"|coherent_dma_mask\s*=\s*DMA_BIT_MASK\s*\(\s*(\d+)\s*\)")
# Any call that sets the coherent mask, whatever it is given.
SETS = re.compile(r"\b(?:dma_set_mask_and_coherent|dma_set_coherent_mask|dma_coerce_mask_and_coherent)\s*\("
                  r"|coherent_dma_mask\s*=[^=]")
DATA = re.compile(r"\.\s*(?:coherent_)?dma_(?:bit_)?mask\s*=\s*DMA_BIT_MASK\s*\(\s*(\d+)\s*\)")
COMPUTED = -1
DMA = re.compile(
    r"\b(?:dmam?_alloc_(?:coherent|attrs|noncoherent|noncontiguous|pages|wc)"
    r"|dma_map_(?:single|page|sg|sgtable)(?:_attrs)?|dmam?_pool_create"
    r"|vb2_dma_(?:contig|sg)_memops|drm_gem_dma_\w+|DRM_GEM_DMA_\w+"
    r"|snd_pcm_(?:set_managed_buffer|lib_preallocate_pages)\w*)\b")
# A client's buffers are allocated for the DMA controller that it asks for.
CLIENT = re.compile(r"\b(?:devm_)?(?:dma_request_(?:chan|slave_channel)\w*|snd_dmaengine\w+"
                    r"|dmaengine_prep_slave\w*)\b")
LINK = re.compile(r"^([\w.-]+?)-(?:y|objs|\$\(\w+\))\s*[:+]?=\s*(.*)$", re.M)


def scan(path):
    """What one source file says: compatibles, masks, does DMA, has it done."""
    with open(path, encoding="utf-8", errors="replace") as f:
        text = COMMENT.sub(" ", f.read())
    used = {a or b for a, b in USED.findall(text)}
    names = {c for table, t in TABLE.findall(text) if table in used for c in COMPATIBLE.findall(t)}
    constants = MASK.findall(text)
    masks = {int(a or b) for a, b in constants}
    if len(SETS.findall(text)) > len(constants):
        data = {int(bits) for bits in DATA.findall(text)}
        masks |= data if len(data) == 1 else {COMPUTED}
    return names, {m for m in masks if 1 <= m <= 64 or m == COMPUTED}, bool(DMA.search(text)), bool(CLIENT.search(text))


def modules(directory):
    """Which sources of a directory are linked together."""
    path = os.path.join(directory, "Makefile")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read().replace("\\\n", " ")
    linked = {}
    for name, objects in LINK.findall(text):
        if name not in ("obj", "subdir", "ccflags", "asflags"):
            linked.setdefault(name, set()).update(
                o[:-2] + ".c" for o in objects.split() if o.endswith(".o"))
    for name, sources in linked.items():
        yield {os.path.normpath(os.path.join(directory, s))
               for s in sources | {name + ".c"}}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.chdir(sys.argv[1])
    facts, drivers = {}, []
    for root in ROOTS:
        for directory, _, files in os.walk(root):
            if directory.startswith(SKIP):
                continue
            for name in files:
                if name.endswith(".c"):
                    path = os.path.join(directory, name)
                    facts[path] = scan(path)
                    drivers.append({path})
            drivers.extend(modules(directory))
    table = {}
    for sources in drivers:
        found = [facts[s] for s in sources if s in facts]
        if len(sources) > 1 and sum(bool(f[0]) for f in found) > MANY:
            continue
        names = set().union(*(f[0] for f in found))
        masks = set().union(*(f[1] for f in found))
        if not masks and (not any(f[2] for f in found) or any(f[3] for f in found)):
            continue
        for name in names:
            table.setdefault(name, set()).update(masks)
    print("/* SPDX-License-Identifier: (MIT OR GPL-2.0) */")
    print("/* Made by scripts/boards-masks.py from the source of Linux 6.12. */")
    print("/* compatible, bits of its driver's coherent mask (0: never set, COMPUTED: not a constant) */")
    for name in sorted(table, key=lambda n: n.encode()):
        bits = "COMPUTED" if COMPUTED in table[name] else max(table[name], default=0)
        print('{ "%s", %s },' % (name, bits))


main()
