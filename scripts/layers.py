#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Check that no file calls, or includes the header of, a file above it.

    layers.py [TOP]         check the tree at TOP; silent when it is clean
    layers.py --self-test   plant upward references and see them found

FLOORS below is the one place that knows the order. A file may use the names
that files of lower floors define, not those of its own floor or of a higher
one. NAME stands for NAME.c and NAME.h; every .c file of a directory that is
listed stands on some floor. NAME.h may have a floor of its own.

A name belongs to the file that defines it with external linkage, or whose
header defines it as a macro or an inline function. Uses are found by name in
the source without its comments and strings, so whatever the configuration
compiles is seen.
"""

import re
import sys
import tempfile
from pathlib import Path

# Top floor first.
FLOORS = {
    "linux/overlay/mm/dmag": [
        "alloc debugfs hotplug",
        "device",
        "reserve",
        "capture",
        "host protect",
        "contig convert",
        "candidate validate",
        "map pcp report",
        "kgroup",
    ],
    "core": [
        "claim",
        "registry",
        "cells",
        "group",
        "frames_check",
        "frames",
        "frames_find",
        "frames.h reach",
    ],
    "tool": [
        "main",
        "cmd_collect cmd_diff cmd_explain cmd_lint cmd_plan cmd_record cmd_show",
        "load",
        "dmesg live",
        "collect devices",
        "acpi memory plan_args",
        "acpi_code acpi_dma acpi_iommu",
        "acpi.h",
        "dts plan report_svg source",
        "chart cmdline explain fdt html stream table top",
        "arch bridge cma csv explain_driver explain_mask explain_pool explain_swiotlb findings json of_fdt options report recorder show svg zones",
        "acpi_bytes aml answer json_writer kgroup of ram record redact tar trace reach scale write",
        "explain.h log text",
        "log_message",
        "board log.h sysfile",
        "arena",
        "cmd masks msg",
    ],
}

NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([\w/]+\.h)"', re.M)
MACRO = re.compile(r"^\s*#\s*define\s+(\w+)", re.M)
DIRECTIVE = re.compile(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", re.M)
AFTER_BODY = re.compile(r"^\}[^\n{;=]*", re.M)
ATTRIBUTE = re.compile(r"__(?:printf|attribute__)\s*\(.*?\)+")
TAG = re.compile(r"\b(?:struct|enum|union)[ \t]+\w+")
IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")
DEFINER = re.compile(r"DEFINE_(?!SHOW_ATTRIBUTE)\w+\((\w+)")
FUNCTION = re.compile(r"(\w+)\s*\(")
VARIABLE = re.compile(r"\w\W+(\w+)\s*(?:\[[^\]]*\]\s*)*$", re.S)


def statements(code):
    """(head, has_body) of everything at the outermost level."""
    depth, head = 0, ""
    for char in code:
        if char in "{;" and depth == 0:
            if head.strip():
                yield head.strip(), char == "{"
            head = ""
        elif depth == 0 and char != "}":
            head += char
        depth += {"{": 1, "}": -1}.get(char, 0)


def subject(head):
    """The function or variable that a statement defines or declares, or None."""
    definer = DEFINER.search(head)
    if definer:
        return definer.group(1)
    left = ATTRIBUTE.sub("", head.split("=")[0]).strip()
    if re.match(r"typedef|(struct|enum|union)\s+\w+$", left):
        return None
    found = FUNCTION.search(left) or VARIABLE.search(left)
    return found.group(1) if found else None


def is_definition(head, has_body):
    """Whether a statement that has a subject defines it."""
    if DEFINER.search(head) or has_body:
        return True
    return not head.startswith("extern") and "(" not in head.split("=")[0]


class Source:
    """One .c or .h file: what it includes, defines and uses.

    public: names that it defines for others. private: its static names, and those
    that a header only declares; neither is a use.
    """

    def __init__(self, path):
        text = path.read_text()
        header = path.suffix == ".h"
        self.path = path
        self.includes = INCLUDE.findall(text)
        self.code = NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        self.public = set(MACRO.findall(self.code)) if header else set()
        self.private = set()
        for head, has_body in statements(AFTER_BODY.sub("}", DIRECTIVE.sub("", self.code))):
            name = subject(head)
            if name and is_definition(head, has_body) and (header or not head.startswith("static")):
                self.public.add(name)
            elif name and (header or is_definition(head, has_body)):
                self.private.add(name)

    def uses(self):
        """(identifier, line number) of the first use of names from elsewhere."""
        seen = {}
        for number, line in enumerate(TAG.sub("", self.code).split("\n"), 1):
            for name in IDENTIFIER.findall(line):
                seen.setdefault(name, number)
        return [(name, number) for name, number in seen.items() if name not in self.private]


def floor_of(height, file):
    """NAME.h where the table has it, else NAME."""
    return file if file in height else file.rsplit(".", 1)[0]


def check(directory, floors):
    """Complaints about one directory."""
    height = {name: -n for n, row in enumerate(floors) for name in row.split()}
    sources, owner = [], {}
    for path in sorted(directory.glob("*.[ch]")):
        if floor_of(height, path.name) in height:
            sources.append(Source(path))
            owner.update(dict.fromkeys(sources[-1].public, floor_of(height, path.name)))
        elif path.suffix == ".c":
            yield f"{path}: has no floor in scripts/layers.py"
    for source in sources:
        own = floor_of(height, source.path.name)

        def upward(target):
            return target in height and target != own and height[target] >= height[own]

        for target in source.includes:
            if upward(floor_of(height, target)):
                yield f"{source.path}: includes {target}, which is not below it"
        for name, number in source.uses():
            if upward(owner.get(name)):
                yield f"{source.path}:{number}: uses {name} of {owner[name]}, which is not below it"


def check_tree(top):
    complaints = []
    for place, floors in FLOORS.items():
        if (top / place).is_dir():
            complaints += check(top / place, floors)
    return complaints


TOP_H = """#define TOP 2
extern struct mutex top_mutex;
int top(void);
static inline int top_inline(void)
{
	return 1;
}
"""


def self_test():
    """Each planted reference is found, and nothing else is."""
    clean = {
        "top.c": '#include "low.h"\nint top(void)\n{\n\treturn low(1) + LOW; /* top2() */\n}\nDEFINE_MUTEX(top_mutex);\n',
        "side.c": "static int top;\nstatic struct {\n\tint x;\n} table[] = {\n\t{ 1 },\n};\n__printf(1, 2) int side(void)\n{\n}\nint side_state;\nstatic int own(void)\n{\n\treturn top;\n}\n",
        "low.h": "#define LOW 1\nint low(int x);\nextern int low_state;\n",
        "low.c": '#include "low.h"\nint low_state = 3;\nDEFINE_MUTEX(low_mutex);\nint low(int x)\n{\n\treturn x;\n}\n',
    }
    floors = ["top side", "low"]
    planted = {
        "a call": ("low.c", "int low2(void)\n{\n\treturn top();\n}\n", 1),
        "a variable": ("low.c", "int *low2(void)\n{\n\treturn &side_state;\n}\n", 1),
        "a call to the side": ("top.c", "int top2(void)\n{\n\treturn side();\n}\n", 1),
        "an include": ("low.h", '#include "top.h"\n', 1),
        "a macro": ("low.c", "int low2 = TOP;\n", 1),
        "a table": ("low.c", "const struct x low2 = {\n\t.fn = top,\n};\n", 1),
        "a downward call": ("top.c", "int top2(void)\n{\n\treturn low_state + low(2);\n}\n", 0),
        "a mention": ("low.c", '/* top() */\nconst char *low2 = "top()";\n', 0),
        "a private name": ("low.c", "static int table;\nint low2(void)\n{\n\treturn table;\n}\n", 0),
        "a tag": ("low.c", "enum side {\n\tLOW_SIDE,\n};\nenum side low2;\n", 0),
        "a lock": ("side.c", "int side2(void)\n{\n\treturn lock(&low_mutex);\n}\n", 0),
        "a lock above": ("low.c", "int low2(void)\n{\n\treturn lock(&top_mutex);\n}\n", 1),
        "an inline function": ("low.c", "int low2 = top_inline();\n", 1),
        "a file without a floor": ("new.c", "int new;\n", 1),
    }
    failed = 0
    for name, (file, text, expected) in planted.items():
        with tempfile.TemporaryDirectory() as scratch:
            where = Path(scratch)
            for path, content in clean.items():
                (where / path).write_text(content)
            (where / "top.h").write_text(TOP_H)
            with open(where / file, "a", encoding="ascii") as out:
                out.write(text)
            found = list(check(where, floors))
        if len(found) != expected:
            failed += 1
            print(f"layers.py: {name}: {len(found)} complaints, not {expected}: {found}")
    return failed


def main(args):
    if args == ["--self-test"]:
        return 1 if self_test() else 0
    complaints = check_tree(Path(args[0]) if args else Path(__file__).resolve().parent.parent)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
