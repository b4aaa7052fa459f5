#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Converts the official test suite with wast2json and runs it with engine_run, one process for each file.

Prints the counts of each file and the totals, and fails if anything failed. What wast2json cannot convert (syntax of later
proposals) is reported, never counted. Exit status 77: there is no suite or no wast2json."""
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


# Equal ways to write the same module, of which wast2json knows the second only.
ABBREVIATIONS = [(rb"\(ref null func\)", b"funcref"), (rb"\(ref null extern\)", b"externref"),
                 (rb"\b(table\.(?:get|set|size|grow|fill))(?=\s*[()])", rb"\1 0")]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|;;[^\n]*|\(;|;\)|[()]', re.S)


def forms_in(text, start=0, end=None):
    """Byte ranges of the outermost parenthesized forms."""
    forms, depth, comment, begin = [], 0, 0, 0
    for token in TOKEN.finditer(text, start, len(text) if end is None else end):
        word = token.group()
        if word == b"(;":
            comment += 1
        elif word == b";)":
            comment -= 1
        elif comment:
            continue
        elif word == b"(":
            if depth == 0:
                begin = token.start()
            depth += 1
        elif word == b")":
            depth -= 1
            if depth == 0:
                forms.append((begin, token.end()))
    return forms


def is_module(text, form):
    return re.match(rb"\(\s*module\b", text[form[0]:form[1]]) is not None


def blank(text, form):
    begin, end = form
    return text[:begin] + re.sub(rb"[^\n]", b" ", text[begin:end]) + text[end:]


def touched(forms, line):
    """Index of the first form that has a part in the line."""
    return next((i for i, form in enumerate(forms) if form[1] > line[0] and form[0] < line[1]), None)


def bad_field(text, module, line):
    """The field that has the line and can be left out, with a pattern of the commands that need it; or None."""
    fields = forms_in(text, module[0] + 1, module[1] - 1)
    index = touched(fields, line)
    if index is None:
        return None
    begin, end = fields[index]
    match = re.match(rb'\(\s*func\b[^()]*\(\s*export\s+("[^"]*")', text[begin:end])
    if match:
        return fields[index], re.compile(rb"\(\s*invoke\s+(\$\S+\s+)?" + re.escape(match.group(1)))
    if re.match(rb"\(\s*(tag\b|export\s+\S+\s+\(\s*tag\b)", text[begin:end]):
        return fields[index], re.compile(rb'"tag')
    # A table of typed references: its users follow it.
    if re.match(rb"\(\s*table\s+\$\S+\s+\(ref null \$", text[begin:end]):
        return fields[index], re.compile(rb"(?!)")
    return None


def convert(source, script):
    """Converts what wast2json can. What it cannot parse is blanked: an exported function with the commands that invoke it,
    otherwise the command, and with a module all up to the next one.
    Returns (number of commands dropped, "") or (None, reason)."""
    text = source.read_bytes()
    for pattern, replacement in ABBREVIATIONS:
        text = re.sub(pattern, replacement, text)
    forms = forms_in(text)
    dropped = set()
    copy = script.with_suffix(".wast")
    while True:
        copy.write_bytes(text)
        run = subprocess.run(["wast2json", copy, "-o", script], capture_output=True, text=True, errors="replace")
        if run.returncode == 0:
            return len(dropped), ""
        reason = run.stderr.strip().splitlines()
        lines = [int(n) for n in re.findall(r"\.wast:(\d+):\d+: error", run.stderr)]
        if not lines:
            return None, reason[0] if reason else "wast2json failed"
        starts = [0] + [match.end() for match in re.finditer(rb"\n", text)] + [len(text)]
        line = starts[lines[0] - 1], starts[lines[0]]
        alive = [form for i, form in enumerate(forms) if i not in dropped]
        bad = touched(alive, line)
        if bad is None:
            return None, reason[0]
        bad = forms.index(alive[bad])
        if is_module(text, forms[bad]) and (field := bad_field(text, forms[bad], line)):
            text = blank(text, field[0])
            gone = [i for i, form in enumerate(forms) if not is_module(text, form) and field[1].search(text[form[0]:form[1]])]
        elif is_module(text, forms[bad]):
            last = next((i for i in range(bad + 1, len(forms)) if is_module(text, forms[i])), len(forms))
            gone = range(bad, last)
        else:
            gone = [bad]
        for i in gone:
            dropped.add(i)
            text = blank(text, forms[i])


def run_file(name, arguments):
    """Returns (counts or None, commands dropped, text)."""
    source = pathlib.Path(arguments.suite) / f"{name}.wast"
    if not source.exists():
        return None, 0, f"{name}: not in the suite\n"
    target = pathlib.Path(arguments.work) / name
    target.mkdir(parents=True, exist_ok=True)
    script = target / f"{name}.json"
    dropped, reason = convert(source, script)
    if dropped is None:
        return None, 0, f"{name}: not converted: {reason}\n"
    note = f"{name}: {dropped} commands not converted\n" if dropped else ""
    try:
        result = subprocess.run([arguments.engine, script], capture_output=True, text=True, errors="replace",
                                timeout=arguments.timeout)
        text = result.stdout + result.stderr
    except subprocess.TimeoutExpired:
        return (0, 1, 0), dropped, f"{name}: timed out\n"
    found = re.search(r"^total: (\d+) passed, (\d+) failed, (\d+) skipped", text, re.M)
    if not found:
        return (0, 1, 0), dropped, f"{name}: ended with status {result.returncode}\n{text[-2000:]}\n"
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("total:"))
    return tuple(int(n) for n in found.groups()), dropped, note + text


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
    files_not_converted = commands_not_converted = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for counts, dropped, text in pool.map(lambda name: run_file(name, arguments), arguments.files or FILES):
            sys.stdout.write(text)
            commands_not_converted += dropped
            if counts is None:
                files_not_converted += 1
                continue
            total = [a + b for a, b in zip(total, counts)]
    print(f"not converted by wast2json: {commands_not_converted} commands and {files_not_converted} files")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
