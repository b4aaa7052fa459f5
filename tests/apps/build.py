#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the programs that `run` runs, for WebAssembly and for the host, into build/apps. The sources of Lua, bzip2, zlib,
SQLite and QuickJS are Debian's source packages; the rest is in the repository. What is up to date is not built again.

Lua jumps out of protected calls with longjmp, for which clang uses WebAssembly's exceptions (shim/setjmp.c)."""
import argparse
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OUT = ROOT / "build/apps"
SOURCES = OUT / "src"
SHIM = HERE / "shim"

WASM = ["clang-19", "--target=wasm32-wasi", "-O2", "-w", "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS",
        "-D_WASI_EMULATED_GETPID", f"-I{SHIM}", "-include", str(SHIM / "missing.h")]
WASM_LIBS = ["-lwasi-emulated-signal", "-lwasi-emulated-process-clocks", "-lwasi-emulated-getpid", "-lm"]
NATIVE = ["clang-19", "-O3", "-w"]


class Failed(Exception):
    pass


def run(command, **options):
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)
    if result.returncode != 0:
        raise Failed(f"{command[0]} failed:\n{result.stdout[-1500:]}")
    return result.stdout


def source_entries(suite=None):
    """Debian's own entries of the machine's package sources, as ones of source packages; of `suite` in place of the machine's release."""
    release = Path("/etc/os-release").read_text()
    codename = next((line.split("=")[1].strip('"') for line in release.splitlines() if line.startswith("VERSION_CODENAME=")), "stable")
    suites = {codename, "stable", *(f"{codename}{part}" for part in ("-updates", "-security", "/updates"))}
    lists = Path("/etc/apt/sources.list")
    files = [lists, *sorted(Path("/etc/apt/sources.list.d").glob("*.list")), *sorted(Path("/etc/apt/sources.list.d").glob("*.sources"))]
    entries = {".list": [], ".sources": []}
    for path in filter(Path.exists, files):
        if path.suffix == ".list":
            for line in path.read_text().splitlines():
                words = line.split("]")[-1].split() if "[" in line else line.split()[1:]
                if line.startswith("deb ") and "main" in words and suites & set(words):
                    if suite and codename not in words:
                        continue
                    entries[".list"].append("deb-src " + (re.sub(rf" {codename} ", f" {suite} ", line[4:]) if suite else line[4:]))
            continue
        for stanza in path.read_text().split("\n\n"):
            fields = dict(line.split(":", 1) for line in stanza.splitlines() if ":" in line and line[0] not in "# \t")
            if "deb" in fields.get("Types", "").split() and "main" in fields.get("Components", "").split() and (
                    suites & set(fields.get("Suites", "").split())):
                stanza = re.sub(r"^Types:.*$", "Types: deb-src", stanza.strip(), flags=re.MULTILINE)
                if suite and codename not in fields["Suites"].split():
                    continue
                entries[".sources"].append(re.sub(r"^Suites:.*$", f"Suites: {suite}", stanza, flags=re.MULTILINE) if suite else stanza)
    return entries


def apt_environment(suite=None, kind="deb-src"):
    """An apt of this folder's own that asks for source packages, or with `deb` for others, wherever the machine gets its binary ones."""
    place = OUT / ("apt" + (f"-{suite}" if suite else "") + ("-binary" if kind == "deb" else ""))
    config = place / "apt.conf"
    if not config.exists():
        entries = source_entries(suite)
        if not any(entries.values()):
            raise Failed("no entry of Debian in /etc/apt to take the place of source packages from")
        (place / "parts").mkdir(parents=True, exist_ok=True)
        (place / "lists/partial").mkdir(parents=True, exist_ok=True)
        for ending, separator in ((".list", "\n"), (".sources", "\n\n")):
            (place / f"parts/debian{ending}").write_text(separator.join(entries[ending]).replace("deb-src", kind) + "\n")
        (place / "apt.conf.new").write_text(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{place}/parts";\n'
                                            f'Dir::State::lists "{place}/lists";\nDir::Cache "{place}";\nAPT::Sandbox::User "";\n')
        run(["apt-get", "update", "-qq"], env={**os.environ, "APT_CONFIG": f"{config}.new"})
        (place / "apt.conf.new").rename(config)
    return {**os.environ, "APT_CONFIG": str(config)}


def source(package, suite=None):
    """The unpacked source package, of the machine's release of Debian or of `suite`."""
    SOURCES.mkdir(parents=True, exist_ok=True)
    found = [path for path in SOURCES.glob(f"{package}-*") if path.is_dir()]
    if found:
        return found[0]
    if not list(SOURCES.glob(f"{package}_*.dsc")):
        run(["apt-get", "source", "--download-only", "-qq", package], cwd=SOURCES, env=apt_environment(suite))
    run(["dpkg-source", "--no-check", "-x", next(SOURCES.glob(f"{package}_*.dsc")).name], cwd=SOURCES)
    return next(path for path in SOURCES.glob(f"{package}-*") if path.is_dir())


def compile_c(name, sources, flags=(), wasm_flags=(), wasm_sources=(), native_flags=()):
    """Compiles file by file. The link has no -O: with it clang would run wasm-opt."""
    place = OUT / "objects" / name
    place.mkdir(parents=True, exist_ok=True)

    def compile_one(path):
        run([*WASM, *flags, *wasm_flags, "-c", path, "-o", place / f"{path.stem}.o"])
        return place / f"{path.stem}.o"

    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        native = pool.submit(run, [*NATIVE, *flags, *native_flags, *sources, "-o", OUT / name, "-lm"])
        objects = list(pool.map(compile_one, [*sources, *wasm_sources, SHIM / "missing.c"]))
        native.result()
    run(["clang-19", "--target=wasm32-wasi", *objects, *WASM_LIBS, *LINK_FLAGS.get(name, []), "-Wl,--strip-debug", "-o", OUT / f"{name}.wasm"])


# What is linked in particular; bench/compute links the same objects again.
LINK_FLAGS = {"lua": ["-Wl,-z,stack-size=1048576"]}


# C with setjmp.
SETJMP = ["-mexception-handling", "-mllvm", "-wasm-enable-sjlj"]


def lua_sources():
    """The files, and the flags for native code and WebAssembly."""
    src = source("lua5.4") / "src"
    config = OUT / "lua-config"
    config.mkdir(exist_ok=True)
    # Debian's package has its build write this one; only the default search path of C modules comes from it.
    (config / "lua5.4-deb-multiarch.h").write_text('#define DEB_HOST_MULTIARCH "none"\n')
    files = [path for path in sorted(src.glob("*.c")) if path.name != "luac.c"]
    return files, [f"-I{src}", f"-I{config}"], ["-DL_tmpnam=20"]


def lua():
    files, flags, wasm_flags = lua_sources()
    compile_c("lua", files, flags=flags, wasm_flags=[*wasm_flags, *SETJMP], wasm_sources=[SHIM / "setjmp.c"], native_flags=["-DLUA_USE_POSIX"])


def bzip2():
    src = source("bzip2")
    names = ["blocksort", "huffman", "crctable", "randtable", "compress", "decompress", "bzlib", "bzip2"]
    compile_c("bzip2", [src / f"{name}.c" for name in names], flags=["-D_FILE_OFFSET_BITS=64"])


def minigzip():
    src = source("zlib")
    names = ["adler32", "compress", "crc32", "deflate", "gzclose", "gzlib", "gzread", "gzwrite", "infback", "inffast",
             "inflate", "inftrees", "trees", "uncompr", "zutil"]
    compile_c("minigzip", [*(src / f"{name}.c" for name in names), src / "test/minigzip.c"],
              flags=[f"-I{src}", "-DHAVE_UNISTD_H", "-DZ_SOLO_IS_NOT_SET"])


def zstd():
    lib = source("libzstd") / "lib"
    sources = [path for part in ("common", "compress", "decompress") for path in sorted((lib / part).glob("*.c"))]
    compile_c("zstd", [*sources, HERE / "zstd_main.c"], flags=[f"-I{lib}", "-DZSTD_DISABLE_ASM", "-DXXH_NAMESPACE=ZSTD_"])


def xz():
    src = source("xz-utils") / "src"
    lzma = src / "liblzma"
    parts = ["api", "common", "check", "lz", "lzma", "delta", "simple", "rangecoder"]
    # What other processors, threads and small tables need, and programs that make tables.
    without = ("_mt", "_small", "tablegen", "hardware_", "outqueue")
    sources = [path for part in parts for path in sorted((lzma / part).glob("*.c")) if not any(word in path.stem for word in without)]
    coders = ["LZMA1", "LZMA2", "DELTA", "X86"]
    defined = ["HAVE_STDINT_H", "HAVE_INTTYPES_H", "HAVE_STDBOOL_H", "HAVE_LIMITS_H", "HAVE_ENCODERS", "HAVE_DECODERS", "HAVE_LZIP_DECODER",
               "HAVE_CHECK_CRC32", "HAVE_CHECK_CRC64", "HAVE_CHECK_SHA256", *(f"HAVE_{kind}_{coder}" for kind in ("ENCODER", "DECODER") for coder in coders),
               *(f"HAVE_MF_{finder}" for finder in ("HC3", "HC4", "BT2", "BT3", "BT4"))]
    compile_c("xz", [*sources, HERE / "xz_main.c"],
              flags=[*(f"-I{lzma / part}" for part in parts), f"-I{src / 'common'}", *(f"-D{name}=1" for name in defined), "-DTUKLIB_SYMBOL_PREFIX=lzma_"],
              wasm_flags=["-DSIZEOF_SIZE_T=4", "-Dsigprocmask(how, set, old)=0"], native_flags=["-DSIZEOF_SIZE_T=8"])


SQLITE_FLAGS = ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OS_OTHER", "-DSQLITE_TEMP_STORE=3",
                "-DSQLITE_ENABLE_MATH_FUNCTIONS"]


def sqlite():
    src = source("sqlite3")
    amalgamation = OUT / "sqlite-amalgamation"
    if not (amalgamation / "sqlite3.c").exists():
        amalgamation.mkdir(exist_ok=True)
        run([src / "configure", "--disable-tcl", "--disable-readline", "CC=clang-19", "BUILD_CC=clang-19"], cwd=amalgamation)
        run(["make", "sqlite3.c"], cwd=amalgamation)
    compile_c("sqlite", [amalgamation / "sqlite3.c", HERE / "sqlite_main.c", HERE / "sqlite_os.c"], flags=[f"-I{amalgamation}", *SQLITE_FLAGS])


def quickjs():
    # Debian 12 has none. With EMSCRIPTEN it does without threads, computed goto and a way to ask for the stack's end.
    src = source("quickjs", "trixie")
    sources = [src / f"{name}.c" for name in ("quickjs", "libregexp", "libunicode", "cutils", "dtoa")]
    compile_c("quickjs", [*sources, HERE / "quickjs_main.c"], flags=[f"-I{src}", "-D_GNU_SOURCE", '-DCONFIG_VERSION="Debian"'],
              wasm_flags=["-DEMSCRIPTEN"])


def containers():
    src = ROOT / "user/apps/containers.cpp"
    run(["clang++-19", "-stdlib=libc++", "-std=c++23", "-O3", src, "-o", OUT / "containers"])
    place = OUT / "objects/containers"
    place.mkdir(parents=True, exist_ok=True)
    check, unit = place / "stack_check.o", place / "containers.o"
    run(["clang-19", "--target=wasm32-wasi", "-O2", "-c", ROOT / "user/apps/stack_check.c", "-o", check])
    run(["clang++-19", "--target=wasm32-wasi", "-std=c++23", "-O2", "-fno-exceptions", "-c", src, "-o", unit])
    run(["clang++-19", "--target=wasm32-wasi", unit, check, "-o", OUT / "containers.wasm"])


def rust():
    src = HERE / "main.rs"
    run(["/usr/bin/rustc", "--edition=2021", "-O", src, "-o", OUT / "rust"], cwd=OUT)
    run(["/usr/bin/rustc", "--edition=2021", "-O", "--target", "wasm32-wasi", "-C", "linker=wasm-ld-14", "-C", "link-arg=--strip-debug", src, "-o", OUT / "rust.wasm"], cwd=OUT)


def go():
    """With Debian's backport of Go 1.23, unpacked and not installed."""
    place = OUT / "go"
    tool = place / "usr/lib/go-1.23/bin/go"
    if not tool.exists():
        place.mkdir(exist_ok=True)
        run(["apt-get", "download", "-qq", "golang-1.23-go", "golang-1.23-src"], cwd=place, env=apt_environment("bookworm-backports", "deb"))
        for package in sorted(place.glob("golang-1.23-*.deb"), reverse=True):
            run(["dpkg-deb", "-x", package, place])
            package.unlink()
    environment = {**os.environ, "GOROOT": str(tool.parents[1]), "GOCACHE": str(place / "cache"), "GOPATH": str(place / "path"), "GO111MODULE": "off",
                   "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    for output, target in ((OUT / "go-program", {}), (OUT / "go-program.wasm", {"GOOS": "wasip1", "GOARCH": "wasm"})):
        run([tool, "build", "-ldflags=-s -w", "-o", output, HERE / "main.go"], env=environment | target)


def npm():
    """Where npm's packages are, installed as the lock file says."""
    place = OUT / "npm"
    lock = HERE / "npm/package-lock.json"
    if not (place / "done").exists() or (place / "done").read_bytes() != lock.read_bytes():
        place.mkdir(exist_ok=True)
        for path in (HERE / "npm").glob("package*.json"):
            (place / path.name).write_bytes(path.read_bytes())
        run(["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place)
        (place / "done").write_bytes(lock.read_bytes())
    return place / "node_modules"


def yosys():
    package = npm() / "@yowasp/yosys"
    (OUT / "yosys.wasm").write_bytes((package / "gen/yosys.core.wasm").read_bytes())
    run(["node", HERE / "npm/yosys_share.mjs", package, OUT / "yosys-share"])


def assembly():
    modules = npm()
    # The compiler finds packages beside or above the source.
    (OUT / "npm/assembly.ts").write_bytes((HERE / "assembly.ts").read_bytes())
    run(["node", modules / "assemblyscript/bin/asc.js", "assembly.ts", "-O", "-o", OUT / "assembly.wasm", "--config",
         "node_modules/@assemblyscript/wasi-shim/asconfig.json"], cwd=OUT / "npm")


APPS = {"lua": lua, "bzip2": bzip2, "minigzip": minigzip, "containers": containers, "rust": rust, "go": go, "sqlite": sqlite, "quickjs": quickjs, "zstd": zstd, "xz": xz, "yosys": yosys, "assembly": assembly}


def stamp_of():
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in [*sorted(SHIM.iterdir()), HERE / "main.rs", HERE / "main.go", *sorted(HERE.glob("*.c")), HERE / "assembly.ts", *sorted((HERE / "npm").iterdir()), ROOT / "user/apps/containers.cpp", ROOT / "user/apps/stack_check.c"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build(names, say=print):
    """Builds what is not up to date; returns the names of what could not be built with the reason."""
    OUT.mkdir(parents=True, exist_ok=True)
    stamp = stamp_of()
    failed = {}
    for name in names:
        mark = OUT / f"{name}.stamp"
        if mark.exists() and mark.read_text() == stamp:
            continue
        say(f"building {name}")
        try:
            APPS[name]()
            mark.write_text(stamp)
        except (Failed, OSError) as error:
            failed[name] = str(error)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("apps", nargs="*", default=list(APPS), help=f"of {', '.join(APPS)}; default all")
    failed = build(parser.parse_args().apps)
    for name, reason in failed.items():
        print(f"{name}: {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    sys.exit(main())
