# SPDX-License-Identifier: MIT
"""gdb's commands (tools/gdb/nebulet.py) on a kernel that is stopped while a program waits."""

import subprocess
import time

COMMANDS = ["nb-processes", "nb-threads", "nb-threads 1", "nb-handles 1", "nb-backtrace 1"]


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def gdb(run, *words: str) -> str:
    command = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", f"source {run.root}/tools/gdb/nebulet.py", *words,
               *(word for each in COMMANDS for word in ("-ex", each))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def objects(run):
    program = run.program("many_calls")
    tool = str(run.root / "build/host-release/tools/nebulet/nebulet")
    words = ["--argv0", "sleeper", "--invoke", "sleep", str(program)]
    socket = run.directory / "gdb"
    if run.mode == "hosted":
        process = subprocess.Popen([tool, "run", "--hosted", "--timeout", "110", *words], stdin=subprocess.DEVNULL)
    else:
        process = subprocess.Popen([tool, "run", "--timeout", "110", "--qemu=-gdb", f"--qemu=unix:{socket},server=on,wait=off", *words], stdin=subprocess.DEVNULL)
    try:
        # Until the program waits: there is no sign of it from outside, so the debugger looks again.
        for _ in range(20):
            time.sleep(1)
            if run.mode == "hosted":
                kernels = subprocess.run(["pgrep", "-P", str(process.pid), "nebulet-hosted"], capture_output=True, text=True).stdout.split()
                if not kernels:
                    continue
                text = gdb(run, "-p", kernels[0])
            else:
                if not socket.exists():
                    continue
                text = gdb(run, "-ex", f"file {run.root}/build/kernel-release/machine/x86_64/nebulet.elf.debug", "-ex", f"target remote {socket}")
            if "sleep (function" in text:
                break
    finally:
        process.kill()
        process.wait()
    for wanted in ("sleeper", "1.1  sleeper: waits", "  console  rights", "#0  0x", "in sleep (function 3 of sleeper)"):
        expect(wanted in text, f"no {wanted!r} in\n{text}")


TESTS = {"gdb: objects": objects}
