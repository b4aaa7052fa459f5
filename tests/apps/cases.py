# SPDX-License-Identifier: MIT
"""What `run` runs: programs with input, and where what they must do comes from."""
import random
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import build

HERE = build.HERE
FULL_SIZE = 10_000_000


@dataclass
class Case:
    """One run. Without `native`, `expected` says what standard output must be; None: TAP without `not ok`."""
    name: str
    wasm: Path
    arguments: list = field(default_factory=list)
    native: Path | None = None
    native_arguments: list | None = None
    expected: bytes | None = None
    status: int | None = 0  # None: that of the native program
    stdin: bytes = b""
    directory: Path | None = None  # the program sees it as /data; SCRATCH is a fresh one
    shares: dict = field(default_factory=dict)  # further directories: what the program calls them, and the host's
    node: bool = False             # what is expected comes from Node's own WASI
    precompiled: bool = False      # with a code file, where there is a kernel
    modes: tuple = ()              # none: all
    trap: bool = False
    skip_lines: int = 0  # of the output, which depend on the runner


SCRATCH = Path("/scratch")
TRAPS = ("unreachable", "divide", "divide-overflow", "conversion", "load", "store", "signature", "table", "stack", "abort")


@cache
def text_of(size):
    """Words of a made-up language: compresses like prose, and is the same everywhere."""
    source = random.Random(1)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(1, 9))) for _ in range(3000)]
    parts, length = [], 0
    while length < size:
        line = b" ".join(source.choices(words, k=40)) + b"\n"
        parts.append(line)
        length += len(line)
    return b"".join(parts)[:size]


@cache
def compressed(tool, size, times=1):
    return subprocess.run([build.OUT / tool, "-c"], input=text_of(size) * times, stdout=subprocess.PIPE, check=True).stdout


def size_text(size):
    return f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} kB"


def small_programs(apps, size, whole):
    noise = random.Random(2).randbytes(size)
    yield Case("hello", apps / "hello.wasm", expected=b"Hello from WebAssembly\n")
    yield Case(f"cat, {size_text(size)} of noise", apps / "cat.wasm", stdin=noise, expected=noise)
    yield Case("arguments", apps / "args.wasm", ["one", "", "two words", "\u00e9\u20ac"],
               expected="arg 1: one\narg 2: \narg 3: two words\narg 4: \u00e9\u20ac\n".encode(), skip_lines=1)
    yield Case("exit 42", apps / "exit.wasm", ["42"], expected=b"", status=42)
    yield Case("trap: load", apps / "trap.wasm", ["load"], expected=b"before\n", trap=True)
    if not whole:
        return
    yield Case("cat, no input", apps / "cat.wasm", expected=b"")
    for status in (0, 1, 255):
        yield Case(f"exit {status}", apps / "exit.wasm", [str(status)], expected=b"", status=status)
    yield Case("clocks, sleep, randomness", apps / "clock.wasm", expected=b"ok\n")
    yield Case("recursion 10000 deep", apps / "recurse.wasm", ["10000"])
    yield Case("256 MiB of memory", apps / "memory.wasm", ["256"], expected=b"268435456 bytes, sum 8355840\n")
    for kind in TRAPS:
        if kind != "load":
            yield Case(f"trap: {kind}", apps / "trap.wasm", [kind], expected=b"before\n", trap=True)
    yield Case("all file operations", apps / "files.wasm", ["/data"], directory=SCRATCH)


def real_programs(size, whole):
    """`size`: bytes of input of the compressors."""
    out = build.OUT

    def both(name, app, *arguments, **options):
        return Case(name, out / f"{app}.wasm", list(arguments), native=out / app, **options)

    def lua(name, script, *arguments, **options):
        return Case(name, out / "lua.wasm", [f"/data/{script}", *arguments], native=out / "lua",
                    native_arguments=[str(HERE / "lua" / script), *arguments], directory=HERE / "lua", **options)

    yield both(f"bzip2, {size_text(size)}", "bzip2", "-c", stdin=text_of(size))
    yield both(f"minigzip -d, {size_text(size)}", "minigzip", "-d", stdin=compressed("minigzip", size))
    yield both("C++ iostream, containers, format", "containers")
    yield both("Rust with std", "rust", stdin=text_of(min(size, 100_000)))
    yield Case("Go with goroutines, reflection, files", out / "go-program.wasm", ["/data"], native=out / "go-program", native_arguments=[SCRATCH],
               stdin=text_of(min(size, 300_000)), status=3, directory=SCRATCH, modes=("hosted", "q35"))
    yield lua("Lua language", "language.lua", status=None)
    yield both("SQLite", "sqlite", stdin=(HERE / "queries.sql").read_bytes())
    # QuickJS's own tests, which say nothing when they pass.
    for script in sorted(build.SOURCES.glob("quickjs-*/tests/test_*.js")):
        name = script.stem.removeprefix("test_")
        if name == "language" or (whole and name in ("bigint", "closure", "loop")):
            yield both(f"QuickJS {name}", "quickjs", stdin=script.read_bytes(), modes=("hosted", "microvm"))
    yield both(f"zstd, {size_text(size)}", "zstd", stdin=text_of(size))
    yield both(f"xz -d, {size_text(size)}", "xz", "-d", stdin=compressed("xz", size))
    yield Case("AssemblyScript", out / "assembly.wasm", ["one", "two words"], node=True, status=None)
    if not whole:
        return
    yield both(f"bzip2 -d, {size_text(size)}", "bzip2", "-dc", stdin=compressed("bzip2", size))
    yield both(f"minigzip, {size_text(size)}", "minigzip", stdin=text_of(size))
    yield both(f"zstd -d, {size_text(size)}", "zstd", "-d", stdin=compressed("zstd", size))
    yield both(f"xz, {size_text(size // 5)}", "xz", stdin=text_of(size // 5))
    yield lua("Lua benchmark", "benchmark.lua")
    for name, words in {"-V": ["-V"], "help": ["-QT", "-p", "help synth"],
                        "synthesis": ["-QT", "-p", "read_verilog /data/counter.v; synth; stat; write_blif"]}.items():
        yield Case(f"Yosys {name}", out / "yosys.wasm", words, node=True, precompiled=True, modes=("hosted", "q35") if name == "synthesis" else ("hosted",), directory=HERE / "verilog",
                   shares={"/share": out / "yosys-share", "/tmp": SCRATCH})


def cases(apps, size=FULL_SIZE, whole=True):
    """All, or one for each program; `apps` is where the programs of user/apps are."""
    yield from small_programs(apps, size, whole)
    yield from real_programs(size, whole)
