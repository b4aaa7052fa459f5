#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the runner for external directories: that each thing which a specification asks for reaches the program, that each
way to fail is told, and the exit code. Needs ./nebulet build and the programs of user/apps."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPS = ROOT / "build/wasm/user/apps"

# Name, program, specification (None: no file; str: the file's text), what the line says.
CASES = [
    ("plain", "hello", None, "PASS plain"),
    ("empty", "hello", {}, "PASS empty"),
    ("code", "exit", {"args": ["42"], "exit_code": 42}, "PASS code"),
    ("output", "hello", {"stdout": "Hello from WebAssembly\n", "stderr": ""}, "PASS output"),
    ("arguments", "args", {"args": ["one", "two words"], "stdout": "arg 0: arguments.wasm\narg 1: one\narg 2: two words\n"}, "PASS arguments"),
    ("directory", "files", {"dirs": ["d.dir"], "args": ["d.dir"]}, "PASS directory"),
    ("root", "show", {"root": "d.dir", "args": ["/left"], "stdout": "content\n"}, "PASS root"),
    ("operations", "cat", {"operations": [{"type": "run", "args": []}, {"type": "write", "id": "stdin", "payload": "ab"},
                                          {"type": "read", "payload": "ab"}, {"type": "wait"}]}, "PASS operations"),
    ("bad-code", "exit", {"args": ["3"]}, "FAIL bad-code: exit code 3, expected 0"),
    ("bad-output", "hello", {"stdout": "Bye\n"}, "FAIL bad-output: stdout is 'Hello from WebAssembly\\n', expected 'Bye\\n'"),
    ("bad-trap", "trap", {"args": ["unreachable"]}, "FAIL bad-trap: exit code 134, expected 0; "),
    ("bad-key", "hello", {"exit-code": 0}, "FAIL bad-key: bad-key.json: unknown key 'exit-code'"),
    ("bad-type", "hello", {"args": "x"}, "FAIL bad-type: bad-type.json: 'args' must be a list, not 'x'"),
    ("bad-operation", "hello", {"operations": [{"type": "connect"}]}, "FAIL bad-operation: bad-operation.json: unknown operation 'connect'"),
    ("bad-json", "hello", "{", "FAIL bad-json: bad-json.json: "),
    ("bad-directory", "hello", {"dirs": ["gone"]}, "FAIL bad-directory: there is no directory gone"),
    ("sub/deep", "hello", None, "PASS sub/deep"),
]


def external(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(ROOT / "tests/run"), "--wasi", *map(str, words)], capture_output=True, text=True)


def run_checks() -> tuple[int, int]:
    """How many passed and failed."""
    failed = checks = 0

    def check(condition: bool, what: str) -> None:
        nonlocal failed, checks
        checks += 1
        failed += not condition
        if not condition:
            print(f"FAILED external: {what}")

    with tempfile.TemporaryDirectory() as scratch:
        place = pathlib.Path(scratch)
        (place / "sub").mkdir()
        (place / "d.dir").mkdir()
        (place / "d.dir/left").write_text("content\n")
        (place / "d.dir/old.cleanup").write_text("")
        for name, program, specification, _ in CASES:
            shutil.copy(APPS / f"{program}.wasm", place / f"{name}.wasm")
            if specification is not None:
                (place / f"{name}.json").write_text(specification if isinstance(specification, str) else json.dumps(specification))
        done = external(place, "--hosted")
        lines = {line.split(":")[0].split(" ", 1)[-1]: line for line in done.stdout.splitlines() if line[:4] in ("PASS", "FAIL")}
        for name, *_, expected in CASES:
            check(lines.get(name, "").startswith(expected), f"{name}: {lines.get(name)!r}, expected {expected!r}")
        passing = sum(expected.startswith("PASS") for *_, expected in CASES)
        check(done.returncode == 1 and done.stdout.endswith(f"{passing} passed, {len(CASES) - passing} failed\n"),
              f"exit code {done.returncode}, totals {done.stdout[-60:]!r}")
        check(sorted(path.name for path in (place / "d.dir").iterdir()) == ["left", "old.cleanup"], "the tests' directories changed")
        for flag, where in (("--hosted", "hosted"), ("--qemu", "QEMU")):
            done = external(place, flag, "plain", "root")
            check(done.returncode == 0 and f"({where})" in done.stdout and done.stdout.endswith("2 passed, 0 failed\n"),
                  f"only the passing ones {flag}: {done.returncode}, {done.stdout!r}")
        for words, text in (((place / "none",), "no such directory"), ((place / "d.dir",), "no *.wasm there"), ((place, "xyz"), "with such a name")):
            done = external(*words)
            check(done.returncode == 125 and text in done.stderr, f"{words}: {done.returncode}, {done.stderr!r}")
    return checks - failed, failed


if __name__ == "__main__":
    counts = run_checks()
    print(f"{counts[0]} passed, {counts[1]} failed")
    sys.exit(1 if counts[1] else 0)
