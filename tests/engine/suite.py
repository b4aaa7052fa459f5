#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Converts the official test suite with wast2json and runs it with engine_run, one process for each file.

Prints the counts of each file and the totals. Fails if anything failed, or a file passes nothing. Files that wast2json
cannot convert are reported, never counted. Exit status 77: there is no suite or no wast2json."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

FILES = """address align binary binary-leb128 block br br_if br_table bulk call call_indirect comments const conversions custom
data elem endianness exports f32 f32_bitwise f32_cmp f64 f64_bitwise f64_cmp fac float_exprs float_literals float_memory
float_misc forward func func_ptrs global i32 i64 if imports inline-module int_exprs int_literals labels left-to-right linking
load local_get local_set local_tee loop memory memory_copy memory_fill memory_grow memory_init memory_redundancy memory_size
memory_trap names nop obsolete-keywords ref_func ref_is_null ref_null return select skip-stack-guard-page stack start store
switch table table-sub table_copy table_fill table_get table_grow table_init table_set table_size token traps type unreachable
unreached-invalid unreached-valid unwind utf8-custom-section-id utf8-import-field utf8-import-module
utf8-invalid-encoding""".split()


def run_file(name, arguments):
    """Returns (counts or None, text)."""
    source = pathlib.Path(arguments.suite) / f"{name}.wast"
    if not source.exists():
        return None, f"{name}: not in the suite\n"
    target = pathlib.Path(arguments.work) / name
    target.mkdir(parents=True, exist_ok=True)
    script = target / f"{name}.json"
    converted = subprocess.run(["wast2json", source, "-o", script], capture_output=True, text=True)
    if converted.returncode:
        reason = converted.stderr.strip().splitlines()
        return None, f"{name}: not converted: {reason[0] if reason else 'wast2json failed'}\n"
    try:
        result = subprocess.run([arguments.engine, script], capture_output=True, text=True, errors="replace",
                                timeout=arguments.timeout)
        text = result.stdout + result.stderr
    except subprocess.TimeoutExpired:
        return (0, 1, 0), f"{name}: timed out\n"
    found = re.search(r"^total: (\d+) passed, (\d+) failed, (\d+) skipped", text, re.M)
    if not found:
        return (0, 1, 0), f"{name}: ended with status {result.returncode}\n{text[-2000:]}\n"
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("total:"))
    return tuple(int(n) for n in found.groups()), text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--suite", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("files", nargs="*", help="names without .wast; default: all of the supported features")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.suite) or not shutil.which("wast2json"):
        print("skipped: no test suite or no wast2json")
        return 77
    total = [0, 0, 0]
    unconverted = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for counts, text in pool.map(lambda name: run_file(name, arguments), arguments.files or FILES):
            sys.stdout.write(text)
            if counts is None:
                unconverted += 1
                continue
            total = [a + b for a, b in zip(total, counts)]
    print(f"total: {total[0]} passed, {total[1]} failed, {total[2]} skipped, {unconverted} files not converted")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
