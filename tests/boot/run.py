#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the test kernel on the machines of QEMU and by GRUB, and checks what they say.
usage: run.py build/kernel-release [--iso]
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OVMF = Path("/usr/share/ovmf/OVMF.fd")
MAGIC = b"\x01NEBULET-LINK1\n"
results = []


def check(name, ok, output=""):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}", flush=True)
    if not ok:
        print("".join(f"#   {line}\n" for line in str(output).splitlines()[-30:]), end="")


def qemu(*arguments, machine="q35", cpu="max", seconds=60, stdin=b""):
    """The serial port's output, or a message in place of it if the machine did not end by itself."""
    command = ["qemu-system-x86_64", "-machine", machine, "-accel", "tcg", "-cpu", cpu, "-m", "256", "-nodefaults",
               "-display", "none", "-no-reboot", "-serial", "stdio", *map(str, arguments)]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        return (expired.stdout or b"") + b"\nTIMEOUT"
    return done.stdout + done.stderr


def passed(output):
    plan = re.search(rb"^1\.\.(\d+)\r?$", output, re.M)
    good = len(re.findall(rb"^ok \d", output, re.M))
    return bool(plan) and int(plan.group(1)) == good and b"\nnot ok" not in output and b"TIMEOUT" not in output


def cpio(files):
    def entry(name, data, mode):
        head = b"070701" + b"".join(b"%08x" % v for v in (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        out = head + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        return out + bytes(-len(out) % 4)

    return b"".join(entry(n, d, 0o100644) for n, d in files.items()) + entry("TRAILER!!!", b"", 0)


def packets(output):
    """The packets of the link after its magic line, as (kind, payload)."""
    at = output.find(MAGIC)
    if at < 0:
        return []
    at += len(MAGIC)
    found = []
    while at + 4 <= len(output):
        length = int.from_bytes(output[at + 1:at + 4], "little")
        found.append((output[at], output[at + 4:at + 4 + length]))
        at += 4 + length
    return found


def test_kernel(elf, scratch):
    for machine in ("pc", "q35", "microvm"):
        output = qemu("-kernel", elf, machine=machine)
        check(f"{machine}: all tests of the machine", passed(output), output.decode(errors="replace"))
    output = qemu("-kernel", elf, "-m", "6G")
    check("6 GiB of memory", passed(output), output.decode(errors="replace"))

    archive = scratch / "boot.cpio"
    archive.write_bytes(cpio({"program": b"first file", "wasi": b"second"}))
    output = qemu("-kernel", elf, "-initrd", archive, "-append", "one two=three")
    check("the archive's files are boot modules",
          b"module program of 10 bytes: first file" in output and b"module wasi of 6 bytes: second" in output, output)
    check("the command line arrives", b'command line "one two=three"' in output, output)
    archive.write_bytes(b"\0asm\1\0\0\0")
    output = qemu("-kernel", elf, "-initrd", archive)
    check("a file that is no archive is the program", b"module program of 8 bytes" in output, output)
    for cut in (6, 109, 115, 130, 140):
        archive.write_bytes(cpio({"program": b"first file", "wasi": b"second"})[:cut])
        output = qemu("-kernel", elf, "-initrd", archive)
        check(f"an archive cut off after {cut} bytes does no harm", passed(output), output)

    for ending, words in {"panic": (b"a mistake of the test", b"inner_mistake", b"outer_mistake"),
                          "fault": (b"page fault", b"0000000000001234, write", b"kernel_main"),
                          "overflow": (b"page fault", b"fall + ")}.items():
        output = qemu("-kernel", elf, "-append", f"test={ending}")
        check(f"{ending}: the message has its cause and a backtrace", all(w in output for w in words), output)
    link = packets(qemu("-kernel", elf, "-append", "console=link test=panic"))
    check("a panic sends its status at the end", bool(link) and link[-1] == (6, (126).to_bytes(4, "little")), link)
    link = packets(qemu("-kernel", elf, "-append", "console=link"))
    text = b"".join(payload for kind, payload in link if kind == 1)
    check("the link carries the output and the status", passed(text) and link[-1] == (6, bytes(4)), link[-3:])

    for cpu, word in {"max,-avx2": b"AVX2", "max,-fsgsbase": b"FSGSBASE", "max,-bmi2": b"BMI2", "max,-xsave": b"XSAVE",
                      "max,-popcnt": b"POPCNT", "max,-abm": b"LZCNT", "max,-nx": b"NX", "max,-lm": b"64-bit"}.items():
        output = qemu("-kernel", elf, cpu=cpu)
        check(f"without {word.decode()} it says so and ends", word in output and b"TIMEOUT" not in output, output)


def test_iso(elf, scratch):
    iso = scratch / "boot.iso"
    subprocess.run([ROOT / "tools/mkiso.sh", elf, iso], check=True, capture_output=True)
    output = qemu("-cdrom", iso, "-boot", "d", seconds=120)
    check("GRUB on a BIOS", passed(output), output.decode(errors="replace"))
    if OVMF.exists():
        output = qemu("-bios", OVMF, "-cdrom", iso, seconds=240)
        check("GRUB on UEFI", passed(output), output.decode(errors="replace"))
    else:
        print("# UEFI: skipped, OVMF is not installed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--iso", action="store_true", help="boot by GRUB too (slower)")
    arguments = parser.parse_args()
    elf = arguments.build / "tests/boot/boot_test.elf"
    with tempfile.TemporaryDirectory() as name:
        test_kernel(elf, Path(name))
        if arguments.iso:
            test_iso(elf, Path(name))
    print(f"1..{len(results)}\n# {results.count(False)} failed")
    sys.exit(not all(results))


main()
