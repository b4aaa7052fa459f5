# SPDX-License-Identifier: MIT
"""What bench/compute runs: for each benchmark a native and a wasm program, arguments and input of the measured run and of a run
that does as good as nothing, whose time is subtracted."""
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OUT = ROOT / "build/bench/compute"
sys.path.insert(0, str(ROOT / "tests/apps"))
import build  # noqa: E402
import cases  # noqa: E402

W2C_RUNTIME = Path("/usr/src/wasm2c")  # Debian's package wabt
# How often each kernel repeats, so that it takes a third of a second or so in native code.
KERNELS = {"aes": 500, "chase": 300, "crc32": 450, "dct": 2000, "edit": 300, "hashmap": 150, "interpreter": 60, "mandelbrot": 120,
           "matmul": 250, "nbody": 400, "regex": 120, "lu": 1500, "fft": 1000, "base64": 1500, "utf8": 1500, "lz": 250, "sha256": 1000, "sort": 120, "spmv": 1600, "stencil": 9000}
# Those that profit from vectors; run when named, or with --simd.
VECTOR_KERNELS = {"blend": 4000, "fir": 3000, "gray": 4000, "quantized": 500}
LUA = {"fib": 80, "trees": 100, "nbody": 300, "strings": 25}
QUICKJS = {"objects": 40, "numbers": 40, "strings": 40}
FLAGS = ["-O3", "-ffp-contract=off"]
SIMD_FLAGS = ["-msimd128"]  # of the wasm programs, with --simd


@dataclass
class Benchmark:
    name: str
    group: str
    native: Path
    wasm: Path
    arguments: list
    base_arguments: list
    stdin: bytes = b""
    base_stdin: bytes = b""
    script: Path | None = None  # given as standard input
    plain: Path | None = None  # the same program without exceptions, for an engine that has none

    def compiled_by_wasm2c(self):
        """The program that clang -O3 makes of what wasm2c makes of the wasm, or None if wasm2c cannot."""
        source = self.plain or self.wasm
        target = OUT / f"{source.parent.name}.{source.stem}.wasm2c"
        place = HERE / "wasm2c"
        if is_new(target, [source, *place.iterdir()]):
            return target
        code = target.with_suffix(".c")
        # The names of what is defined, and so the host's C, follow from the module's name.
        if subprocess.run(["wasm2c", source, "-n", "program", "-o", code], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return None
        run(["clang-19", "-O3", "-w", f"-I{W2C_RUNTIME}", f'-DPROGRAM_HEADER="{code.with_suffix(".h")}"', code, place / "main.c", place / "wasi.c",
             W2C_RUNTIME / "wasm-rt-impl.c", "-lm", "-o", target])
        return target


def run(command):
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}")


def is_new(target, sources):
    return target.exists() and target.stat().st_mtime > max(path.stat().st_mtime for path in sources)


def wizer_main():
    """The object file with the function that Wizer calls; every engine runs the same modules with it."""
    target, source = OUT / "wizer_main.o", HERE / "wizer_main.c"
    if not is_new(target, [source]):
        run(["clang-19", "--target=wasm32-wasi", "-O2", "-c", source, "-o", target])
    return target


def kernel(name, repeat, simd=False):
    sources = [HERE / "kernels/main.c", HERE / f"kernels/{name}.c"]
    native, wasm = OUT / name, OUT / (f"{name}.simd.wasm" if simd else f"{name}.wasm")
    for target, compiler in ((native, ["clang-19"]), (wasm, ["clang-19", "--target=wasm32-wasi", *(SIMD_FLAGS if simd else [])])):
        if is_new(target, [*sources, HERE / "wizer_main.c"]):
            continue
        # The link has no -O: with it clang would run wasm-opt.
        objects = [wizer_main()] if target == wasm else []
        for path in sources:
            objects.append(Path(f"{target}.{path.stem}.o"))
            run([*compiler, *FLAGS, "-c", path, "-o", objects[-1]])
        run([*compiler, *objects, "-o", target, "-lm"])
    return Benchmark(name, "SIMD kernels" if simd else "kernels", native, wasm, [str(repeat)], ["1"])


def program(name):
    """The wasm program of tests/apps, linked again with Wizer's function."""
    objects = sorted((build.OUT / "objects" / name).glob("*.o"))
    wasm = OUT / f"{name}.wasm"
    if not is_new(wasm, [*objects, HERE / "wizer_main.c"]):
        compiler = "clang++-19" if name == "containers" else "clang-19"
        run([compiler, "--target=wasm32-wasi", *objects, wizer_main(), *build.WASM_LIBS, *build.LINK_FLAGS.get(name, []),
             "-Wl,--strip-debug", "-o", wasm])
    return build.OUT / name, wasm


def lua_without_exceptions():
    """Lua whose protected calls are left by unwinding of Binaryen's asyncify."""
    place = OUT / "lua-asyncify"
    wasm, shim = place / "lua.wasm", HERE / "asyncify"
    files, flags, wasm_flags = build.lua_sources()
    if not is_new(wasm, [*files, *shim.iterdir(), HERE / "wizer_main.c"]):
        place.mkdir(exist_ok=True)
        objects = []
        for path in [*files, shim / "protected.c", build.SHIM / "missing.c"]:
            objects.append(place / f"{path.stem}.o")
            run([*build.WASM, *flags, *wasm_flags, "-include", shim / "protected.h", "-c", path, "-o", objects[-1]])
        run(["clang-19", "--target=wasm32-wasi", *objects, wizer_main(), *build.WASM_LIBS, *build.LINK_FLAGS["lua"], "-Wl,--strip-debug",
             "-o", wasm])
        run(["wasm-opt", wasm, "-o", wasm, "--asyncify", "--pass-arg=asyncify-ignore-imports", "-O2", "--strip-debug"])
    return wasm


def lua_script(name, repeat):
    return Benchmark(f"Lua {name}", "Lua", *program("lua"), ["-", str(repeat)], ["-", "0"], script=HERE / f"lua/{name}.lua",
                     plain=lua_without_exceptions())


def compressor(name, arguments, stdin, base_stdin=b""):
    label = f"{name} -d" if {"-d", "-dc"} & set(arguments) else name
    return Benchmark(label, "zlib" if name == "minigzip" else name, *program(name), arguments, arguments, stdin=stdin, base_stdin=base_stdin)


def quickjs_script(name, repeat):
    return Benchmark(f"QuickJS {name}", "QuickJS", *program("quickjs"), [str(repeat)], ["0"], script=HERE / f"quickjs/{name}.js")


def speedtest(name, more_flags=()):
    """SQLite's own benchmark, on a database in memory."""
    native, wasm = OUT / "speedtest1", OUT / f"{name}.wasm"
    sqlite = build.OUT / "sqlite-amalgamation"
    sources = [build.SOURCES.glob("sqlite3-*/test/speedtest1.c").__next__(), build.HERE / "sqlite_os.c", sqlite / "sqlite3.c"]
    flags = [f"-I{sqlite}", *build.SQLITE_FLAGS]
    if not is_new(native, sources):
        run([*build.NATIVE, *flags, *sources, "-o", native, "-lm"])
    if not is_new(wasm, [*sources, HERE / "wizer_main.c"]):
        objects = [OUT / f"{name}.{path.stem}.o" for path in sources]
        for path, target in zip(sources, objects):
            run([*build.WASM, *flags, *more_flags, "-c", path, "-o", target])
        run(["clang-19", "--target=wasm32-wasi", build.OUT / "objects/sqlite/missing.o", *objects, wizer_main(), *build.WASM_LIBS,
             "-Wl,--strip-debug", "-o", wasm])
    return Benchmark(name, "SQLite", native, wasm, ["--size", "50", ":memory:"], ["--size", "1", ":memory:"])


def benchmarks(only, simd=False):
    """Those that are named in `only`, or all (with `simd`: all kernels); each is built before it is handed out."""
    OUT.mkdir(parents=True, exist_ok=True)
    text, compressed, size = cases.text_of, cases.compressed, cases.FULL_SIZE
    kernels = KERNELS | (VECTOR_KERNELS if simd or only else {})
    makers = {name: (lambda name=name, repeat=repeat: kernel(name, repeat, simd)) for name, repeat in kernels.items()}
    if simd:
        for name in makers:
            if not only or name in only:
                yield makers[name]()
        return
    makers |= {f"Lua {name}": (lambda name=name, repeat=repeat: lua_script(name, repeat)) for name, repeat in LUA.items()}
    makers |= {f"QuickJS {name}": (lambda name=name, repeat=repeat: quickjs_script(name, repeat)) for name, repeat in QUICKJS.items()}
    makers |= {
        "speedtest1": lambda: speedtest("speedtest1"),
        # With memory.copy and memory.fill, as LLVM 20 and later have them by default.
        "speedtest1-bulk": lambda: speedtest("speedtest1-bulk", ["-mbulk-memory"]),
        "bzip2": lambda: compressor("bzip2", ["-c"], text(4_000_000)),
        "bzip2 -d": lambda: compressor("bzip2", ["-dc"], compressed("bzip2", size), compressed("bzip2", 0)),
        "minigzip": lambda: compressor("minigzip", [], text(size)),
        "minigzip -d": lambda: compressor("minigzip", ["-d"], compressed("minigzip", size, 5), compressed("minigzip", 0)),
        "C++": lambda: Benchmark("C++", "C++", *program("containers"), ["20"], ["0"]),
    }
    chosen = [name for name in makers if not only or name in only]
    if any(name not in kernels for name in chosen):
        failed = build.build(["lua", "bzip2", "minigzip", "containers", "sqlite", "quickjs"])
        if failed:
            sys.exit("\n".join(f"{name}: {reason}" for name, reason in failed.items()))
    for name in chosen:
        yield makers[name]()
