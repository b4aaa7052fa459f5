#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds SQLite's shell for WASI into build/examples, unless it is there."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/apps"))
import build as apps  # noqa: E402  # fetches and unpacks Debian's source packages

TARGET = ROOT / "build/examples/sqlite.wasm"
# No threads, no locks of files, no programs to start.
FLAGS = ["-O2", "-w", "-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OS_OTHER", "-DSQLITE_TEMP_STORE=3",
         "-DSQLITE_ENABLE_MATH_FUNCTIONS", "-DSQLITE_NOHAVE_SYSTEM", "-DSQLITE_OMIT_POPEN", "-D_WASI_EMULATED_SIGNAL",
         "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_GETPID"]


def main():
    own = [HERE / "os.c", HERE / "pwd.h", Path(__file__)]
    if TARGET.exists() and all(TARGET.stat().st_mtime > path.stat().st_mtime for path in own):
        return
    print("building SQLite (some minutes)")
    source = apps.source("sqlite3")
    place = apps.OUT / "sqlite-amalgamation"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "Makefile").exists():
        apps.run([source / "configure", "--disable-tcl", "--disable-readline", "CC=clang-19", "BUILD_CC=clang-19"], cwd=place)
    apps.run(["make", "sqlite3.c", "shell.c"], cwd=place)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    apps.run(["clang-19", "--target=wasm32-wasi", *FLAGS, f"-I{HERE}", f"-I{place}", place / "sqlite3.c", place / "shell.c",
              source / "src/test_demovfs.c", HERE / "os.c", "-lwasi-emulated-signal", "-lwasi-emulated-process-clocks",
              "-lwasi-emulated-getpid", "-lm", "-Wl,--strip-debug", "-o", TARGET])


if __name__ == "__main__":
    try:
        main()
    except (apps.Failed, OSError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
