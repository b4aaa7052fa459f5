#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs real programs, compiled to WebAssembly, and compares their output byte for byte and their exit codes with the same
programs compiled for the host.

  tests/apps/run.py                                   with ./nebulet run
  tests/apps/run.py --runner './nebulet run --hosted' in a process
  tests/apps/run.py --runner node                     with node's own WASI
  tests/apps/run.py --runner node-nebulet             with the WASI library of user/wasi on node
A runner is a command that takes [--dir HOST::GUEST] FILE.wasm [ARGS]."""
import argparse
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import build

ROOT = build.ROOT
HERE = build.HERE


@dataclass
class Case:
    """One run. Without `native`, `expected` says what standard output must be."""
    name: str
    wasm: Path
    arguments: list = field(default_factory=list)
    native: Path | None = None
    native_arguments: list | None = None
    expected: bytes | None = None
    status: int | None = 0  # None: that of the native program
    stdin: bytes = b""
    directory: Path | None = None  # the program sees it as /data
    trap: bool = False
    skip_lines: int = 0  # of the output, which depend on the runner


def text_of_10_mb():
    source = random.Random(1)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(1, 9))) for _ in range(3000)]
    parts, size = [], 0
    while size < 10_000_000:
        line = b" ".join(source.choices(words, k=40)) + b"\n"
        parts.append(line)
        size += len(line)
    return b"".join(parts)


def user_cases(apps, scratch):
    binary = random.Random(2).randbytes(10_000_000)
    yield Case("hello", apps / "hello.wasm", expected=b"Hello from WebAssembly\n")
    yield Case("cat, 10 MB of noise", apps / "cat.wasm", stdin=binary, expected=binary)
    yield Case("cat, no input", apps / "cat.wasm", expected=b"")
    yield Case("arguments", apps / "args.wasm", ["one", "", "two words", "\u00e9\u20ac"],
               expected="arg 1: one\narg 2: \narg 3: two words\narg 4: \u00e9\u20ac\n".encode(), skip_lines=1)
    for status in (0, 1, 42, 255):
        yield Case(f"exit {status}", apps / "exit.wasm", [str(status)], expected=b"", status=status)
    yield Case("clocks, sleep, randomness", apps / "clock.wasm", expected=b"ok\n")
    yield Case("recursion 10000 deep", apps / "recurse.wasm", ["10000"], expected=None)
    yield Case("256 MiB of memory", apps / "memory.wasm", ["256"], expected=b"268435456 bytes, sum 8355840\n")
    for kind in ("unreachable", "divide", "divide-overflow", "conversion", "load", "store", "signature", "table", "stack",
                 "abort"):
        yield Case(f"trap: {kind}", apps / "trap.wasm", [kind], expected=b"before\n", trap=True)
    yield Case("all file operations", apps / "files.wasm", ["/data"], directory=scratch, expected=None)


def app_cases(out):
    text = text_of_10_mb()
    compressed = subprocess.run(["bzip2", "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout

    def both(name, app, *arguments, **options):
        return Case(name, out / f"{app}.wasm", list(arguments), native=out / app, **options)

    def lua(name, script, *arguments, status=0):
        return Case(name, out / "lua.wasm", [f"/data/{script}", *arguments], native=out / "lua",
                    native_arguments=[str(HERE / "lua" / script), *arguments], directory=HERE / "lua", status=status)

    yield both("bzip2, 10 MB", "bzip2", "-c", stdin=text)
    yield both("bzip2 -d, 10 MB", "bzip2", "-dc", stdin=compressed)
    yield both("minigzip, 10 MB", "minigzip", stdin=text)
    gzipped = out / "text.gz"
    with gzipped.open("wb") as file:
        subprocess.run([out / "minigzip"], input=text, stdout=file, check=False)
    yield both("minigzip -d, 10 MB", "minigzip", "-d", stdin=gzipped.read_bytes())
    yield both("C++ containers and format", "containers")
    yield both("Rust", "rust", stdin=text[:100_000])
    yield lua("Lua benchmark", "benchmark.lua")
    yield lua("Lua language", "language.lua", status=None)
    yield both("SQLite", "sqlite", ":memory:", stdin=(HERE / "queries.sql").read_bytes())


class Runner:
    """How a command line is made of a case."""

    def __init__(self, name):
        self.prefix = shlex.split(name)
        if name == "node":
            self.prefix = ["node", "--no-warnings", str(HERE / "node_wasi.mjs")]
        elif name == "node-nebulet":
            wasi = [path for path in ROOT.glob("build/*/user/wasi/wasi.wasm")]
            server = [path for path in ROOT.glob("build/*/tools/ninep/ninep_stdio")]
            if not wasi or not server:
                sys.exit("build the preset wasm and ninep_stdio first")
            self.prefix = ["node", str(HERE / "node_nebulet.mjs"), str(wasi[0]), str(server[0])]

    def command(self, case):
        directory = [] if case.directory is None else ["--dir", f"{case.directory}::/data"]
        return [*self.prefix, *directory, str(case.wasm), *case.arguments]


def execute(command, stdin, timeout):
    start = time.monotonic()
    result = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, cwd=ROOT)
    return result, time.monotonic() - start


def judge(case, result, timeout):
    """What is wrong with the result; empty if nothing."""
    expected, status = case.expected, case.status
    if case.native is not None:
        arguments = case.arguments if case.native_arguments is None else case.native_arguments
        native, _ = execute([str(case.native), *arguments], case.stdin, timeout)
        expected = native.stdout
        status = native.returncode if status is None else status
    if case.trap:
        # 134 is Nebulet's status for a trap; other runners have their own, which is not 0.
        if result.returncode == 0:
            return "exited with 0 instead of trapping"
    elif result.returncode != status:
        return f"exit status {result.returncode} instead of {status}: {result.stderr[-300:].decode(errors='replace').strip()}"
    output = b"".join(result.stdout.splitlines(keepends=True)[case.skip_lines:]) if case.skip_lines else result.stdout
    if expected is not None and output != expected:
        at = next((i for i, (a, b) in enumerate(zip(output, expected)) if a != b), min(len(output), len(expected)))
        return (f"output differs at byte {at} of {len(expected)} (got {len(output)}): "
                f"{output[at:at + 40]!r} instead of {expected[at:at + 40]!r}")
    if expected is None and re.search(rb"^not ok", result.stdout, re.MULTILINE):
        return b"; ".join(re.findall(rb"^not ok.*", result.stdout, re.MULTILINE)).decode(errors="replace")
    return ""


def find_user_apps():
    found = sorted(ROOT.glob("build/*/user/apps/hello.wasm"), key=lambda path: path.stat().st_mtime)
    if not found:
        sys.exit("build the preset wasm first: cmake --preset wasm && cmake --build build/wasm")
    return found[-1].parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=str(ROOT / "nebulet") + " run")
    parser.add_argument("--filter", default="", help="run only the cases whose name contains this")
    parser.add_argument("--timeout", type=float, default=120)
    options = parser.parse_args()
    runner = Runner(options.runner)
    unbuilt = build.build(build.APPS)
    for name, reason in unbuilt.items():
        print(f"# {name} was not built: {reason}")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as scratch:
        for case in [*user_cases(find_user_apps(), Path(scratch)), *app_cases(build.OUT)]:
            if options.filter not in case.name:
                continue
            if not case.wasm.exists() or (case.native is not None and not case.native.exists()):
                print(f"skipped {case.name}: not built")
                counts["skipped"] += 1
                continue
            try:
                result, seconds = execute(runner.command(case), case.stdin, options.timeout)
                problem = judge(case, result, options.timeout)
            except subprocess.TimeoutExpired:
                problem, seconds = "timed out", options.timeout
            counts["failed" if problem else "passed"] += 1
            print(f"{'FAILED' if problem else 'passed'} {case.name} ({seconds:.2f} s){': ' + problem if problem else ''}", flush=True)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
