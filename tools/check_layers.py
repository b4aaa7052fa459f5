#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that includes point downwards only (ARCHITECTURE.md, "Layers"). Exit 1 names each include that does not."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A file belongs to the longest prefix that matches it; it may include its own folder and what is listed.
ALLOWED = {
    "base": [],
    "abi": [],
    "abi/generated": ["kernel/syscall"],  # the kernel's glue, which only kernel/syscall includes
    "wasm/binary": ["base", "wasm/error.h", "wasm/compile.h"],
    "wasm/validate": ["base", "wasm/error.h", "wasm/binary"],
    "wasm/ir": ["base"],
    "wasm/frontend": ["base", "wasm/error.h", "wasm/binary", "wasm/validate", "wasm/ir", "wasm/compile.h",
                      "wasm/runtime/gc_layout.h"],
    "wasm/opt": ["base", "wasm/ir"],
    "wasm/regalloc": ["base"],
    "wasm/x64": ["base", "wasm/error.h", "wasm/binary", "wasm/ir", "wasm/regalloc", "wasm/code_object.h", "wasm/runtime/layout.h",
                 "wasm/runtime/builtins.def", "wasm/runtime/gc_layout.h"],
    "wasm/verify": ["base", "wasm/error.h", "wasm/binary", "wasm/ir", "wasm/code_object.h", "wasm/runtime/layout.h"],
    "wasm/object": ["base", "wasm/error.h", "wasm/binary", "wasm/ir", "wasm/code_object.h", "wasm/verify"],
    "wasm/debug": ["base"],
    "wasm/runtime": ["base", "wasm/error.h", "wasm/binary", "wasm/ir", "wasm/code_object.h"],
    "wasm": ["base"],
    "kernel": ["base", "abi", "machine/include", "wasm/compile.h", "wasm/error.h", "wasm/code_object.h", "wasm/binary", "wasm/ir/ir.h", "wasm/ir/traps.def", "wasm/object",
               "wasm/runtime", "wasm/debug"],
    "machine/include": ["base"],
    "machine/x86_64": ["base", "machine/include", "kernel/init"],
    "machine/hosted": ["base", "machine/include", "kernel/init"],
    "user": ["abi", "base/result.h"],
    "tools": ["*"],
    "examples": ["abi/sdk", "user/sdk", "examples"],
    "tests": ["*"],
    "bench": ["*"],
}
# Tests of a folder may look at what feeds it and what it feeds.
TEST_SUFFIXES = ("_test.cpp", "_test.h")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def owner(path: str) -> str | None:
    best = None
    for prefix in ALLOWED:
        if (path == prefix or path.startswith(prefix + "/")) and (best is None or len(prefix) > len(best)):
            best = prefix
    return best


def main() -> int:
    errors, files = [], 0
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT).as_posix()
        if path.suffix not in {".h", ".cpp", ".c", ".S", ".def"} or relative.startswith(("build/", "node_modules/")):
            continue
        home = owner(relative)
        if home is None:
            errors.append(f"{relative}: no layer has this folder; add it to tools/check_layers.py")
            continue
        files += 1
        if relative.endswith(TEST_SUFFIXES) or "/test/" in relative:
            continue
        for target in INCLUDE.findall(path.read_text(errors="replace")):
            if "/" not in target and "*" not in ALLOWED[home] and (path.parent / target).exists():
                errors.append(f'{relative}: include "{target}" from the root: "{path.parent.relative_to(ROOT).as_posix()}/{target}"')
                continue
            layer = owner(target)
            if layer is None or layer == home or home == "wasm" and target.startswith("wasm/"):
                continue
            allowed = ALLOWED[home]
            if "*" in allowed or any(target == a or target.startswith(a + "/") for a in allowed):
                continue
            errors.append(f"{relative}: may not include {target} ({home} may include {', '.join(allowed) or 'nothing else'})")
    for error in errors:
        print(error)
    print(f"layers: {files} files, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
