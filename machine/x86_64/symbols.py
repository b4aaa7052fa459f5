#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the symbol table for backtraces: symbols.py NM CXXFILT IMAGE > symbols.S. Without an IMAGE the table is empty."""
import re
import subprocess
import sys

KERNEL_START = 0xFFFFFFFF80200000
LONGEST_NAME = 72


def shorten(name):
    """A demangled name without parameters and with template arguments cut out."""
    name = name.replace("(anonymous namespace)::", "").replace("[abi:nqe190107]", "")
    previous = None
    while previous != name:
        previous, name = name, re.sub(r"(?<!operator)<[^<>]*>", "", name)
    name = re.sub(r"\(.*", "", name).split(" ")[-1] or name
    return name[:LONGEST_NAME]


def functions(nm, cxxfilt, image):
    lines = subprocess.run([nm, "--defined-only", "--numeric-sort", image], capture_output=True, text=True, check=True).stdout
    found = []
    for line in lines.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tT" and int(address, 16) >= KERNEL_START and not name.startswith(".L"):
            found.append((int(address, 16) - KERNEL_START, name))
    names = subprocess.run([cxxfilt], input="\n".join(n for _, n in found), capture_output=True, text=True, check=True).stdout.split("\n")
    unique = {}
    for (offset, _), name in zip(found, names):
        unique.setdefault(offset, shorten(name))
    return sorted(unique.items())


def main(arguments):
    symbols = functions(*arguments) if len(arguments) == 3 else []
    print('    .section .symbols, "a", @progbits\n    .balign 4\n    .globl symbol_count, symbol_offsets, symbol_names, symbol_text')
    print(f"symbol_count:\n    .long {len(symbols)}\nsymbol_offsets:")
    for offset, _ in symbols:
        print(f"    .long {offset}")
    print("symbol_names:")
    at = 0
    text = []
    for _, name in symbols:
        print(f"    .long {at}")
        text.append(name)
        at += len(name)
    print(f"    .long {at}\nsymbol_text:")
    for name in text:
        print(f'    .ascii "{name}"')
    print('    .section .note.GNU-stack, "", @progbits')


main(sys.argv[1:])
