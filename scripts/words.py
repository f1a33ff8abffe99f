#!/usr/bin/env python3
# SPDX-License-Identifier: (MIT OR GPL-2.0)
"""Check the words of documents and comments.

    words.py            check the tree; silent when it is clean
    words.py --figures  print the figures of each file or folder
    words.py --self-test

Three habits hide the noun of a sentence, and none is allowed: a sentence that
begins with "what", "who", "whoever" or "where" and is no question; "somebody",
"nobody", "anybody", "meanwhile"; and "what" more than twice in 1000 words.
Documents keep to that. LIMITS has the figures that the comments of a folder
may reach. It is a ratchet: lower it when a folder has become better.
"""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
WHAT_RATE = 2  # in 1000 words

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.rst",
             "linux/overlay/Documentation/**/*.rst", "linux/patches/v6.12/0*")
# Folder: (bad beginnings, forbidden words, "what" in 1000 words) of its comments.
LIMITS = {
    "core": (0, 0, 2),
    "linux": (2, 0, 4),
    "guest": (4, 3, 14),
    "tool": (8, 0, 9),
    "tests": (32, 15, 17),
    "examples": (1, 0, 7),
}

BEGINS = re.compile(r"^\W*(what|who|whoever|where)\b", re.I)
WORDS = re.compile(r"\b(somebody|nobody|anybody|meanwhile|whoever)\b", re.I)
WHAT = re.compile(r"\bwhat\b", re.I)
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)


def prose_of_document(text):
    """Paragraphs, without literal blocks, quoted words and markup."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r'"[^"\n]*(?:\n[^"\n]*)?"|\*(?:what|who|whoever|where|somebody|nobody|anybody|meanwhile)\*',
                  "x", text)
    # A literal block is indented more than the paragraph that ends in "::".
    lines, indent = [], None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip())
        if indent is not None and (not line.strip() or depth > indent):
            line = ""
        elif line.strip():
            indent = depth if line.endswith("::") else None
        lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"``[^`]*``|`[^`]*`", "x", text)
    for part in re.split(r"\n\s*\n|\n\s*(?:[-*#]|\d+\.)\s|\||\n=+[= ]*\n|\s{3,}(?=\S)", text):
        yield " ".join(part.split())


def prose_of_source(text):
    """Comments, one after the other; "@out: where it goes" is kernel-doc's manner."""
    for found in COMMENT.finditer(text):
        comment = found.group()
        if comment.startswith('"'):
            continue
        comment = re.sub(r"^\s*(/\*+|\*/|\*|//)|\*/$", "", comment, flags=re.M)
        comment = re.sub(r'"[^"\n]*"', "x", comment)
        for part in re.split(r"\n\s*\n|\n\s*-\s", comment):
            part = re.sub(r"^\s*@?[\w.]+(\(\))?:\s", "x: ", part, flags=re.M)
            yield " ".join(part.split())


def sentences(paragraphs):
    """Pairs of a sentence, and the mark behind the one before it."""
    for paragraph in paragraphs:
        before = "."
        for sentence in re.findall(r"[^.!?;:]+[.!?;:]?", re.sub(r"\b(e\.g|i\.e)\.", "x", paragraph)):
            yield sentence, before
            before = sentence[-1]


def figures(paragraphs):
    """(sentences that begin badly, forbidden words, "what", all words)"""
    paragraphs = list(paragraphs)
    text = " ".join(paragraphs)
    begins = []
    for sentence, before in sentences(paragraphs):
        # Behind a semicolon or a colon, a clause goes on.
        if BEGINS.match(sentence) and not sentence.endswith("?") and before not in ";:":
            begins.append(sentence.strip())
    return begins, WORDS.findall(text), WHAT.findall(text), len(text.split())


def rate(found, total):
    """In 1000 words."""
    return 1000 * len(found) / max(total, 1)


def documents():
    for pattern in DOCUMENTS:
        for path in sorted(TOP.glob(pattern)):
            text = path.read_text()
            # Of a patch, its message.
            text = re.split(r"^---$", text, flags=re.M)[0] if "patches" in path.parts else text
            yield path.relative_to(TOP), figures(prose_of_document(text))


def folders():
    named = subprocess.run(["git", "-C", TOP, "ls-files", "*.c", "*.h"], check=True,
                           capture_output=True, text=True).stdout.split()
    for folder in LIMITS:
        paragraphs = []
        for name in named:
            if name.startswith(folder + "/"):
                paragraphs += prose_of_source((TOP / name).read_text())
        yield folder, figures(paragraphs)


def check():
    """Everything that is wrong, one a line."""
    for path, (begins, words, whats, total) in documents():
        for sentence in begins:
            yield f"{path}: begins badly: {sentence[:60]}"
        for word in words:
            yield f"{path}: {word}: name the noun"
        if len(whats) > 1 and rate(whats, total) > WHAT_RATE:
            yield f"{path}: 'what' {len(whats)} times in {total} words"
    for folder, (begins, words, whats, total) in folders():
        most = LIMITS[folder]
        if len(begins) > most[0]:
            yield f"{folder}: {len(begins)} comments begin badly, {most[0]} may: {begins[-1][:60]}"
        if len(words) > most[1]:
            yield f"{folder}: {len(words)} forbidden words in comments, {most[1]} are allowed"
        if rate(whats, total) > most[2]:
            yield f"{folder}: 'what' {rate(whats, total):.1f} times in 1000 words, {most[2]} are allowed"


def self_test():
    bad = ("What is left goes back.", "It waits. Where there is none, it fails.", "Nobody asks.",
           "- Who asks waits.", "One\ntwo:\n\n- What stays")
    good = ("What does it do?", "``what`` is code.", "The text::\n\n  What is literal.\n\nGoes on.",
            'Say "what" and *nobody*.', "It frees; where none is, it waits.")
    source = ('/* What it is. */ char *s = "Nobody";', '/**\n * @n: where to\n *\n * Who asks waits.\n */')
    for text in bad:
        begins, words, _, _ = figures(prose_of_document(text))
        if not begins and not words:
            yield f"words.py: did not find: {text!r}"
    for text in good:
        begins, words, _, _ = figures(prose_of_document(text))
        if begins or words:
            yield f"words.py: found {begins + words} in {text!r}"
    for text in source:
        begins, words, _, _ = figures(prose_of_source(text))
        if len(begins) != 1 or words:
            yield f"words.py: found {begins + words} in {text!r}"


def main():
    if sys.argv[1:] == ["--figures"]:
        for name, (begins, words, whats, total) in [*documents(), *folders()]:
            print(f"{len(begins):4} {len(words):4} {rate(whats, total):6.1f} {total:6} {name}")
        return 0
    complaints = list(self_test() if sys.argv[1:] == ["--self-test"] else check())
    for complaint in complaints:
        print(complaint)
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
