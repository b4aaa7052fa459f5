#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""generate.py DIRECTORY: writes scripts that go through many cases of one kind, for vulnerabilities of other engines
(docs/concepts/vulnerabilities.md): cve-shifts.wast, cve-fused-loads.wast, cve-folding.wast."""

import pathlib
import sys

OUT_OF_BOUNDS = '"out of bounds memory access"'
BYTES = "".join(f"\\{i:02x}" for i in range(32))
INTEGERS = {"i32": 32, "i64": 64}
SIZES = {"i32": 4, "i64": 8, "f32": 4, "f64": 8}


def shifts() -> str:
    """CVE-2023-26489: a shift to the left becomes the scale of a 64-bit address and keeps its carries. CVE-2026-34971: its count is
    not taken modulo the width of the shift."""
    functions, assertions = [], []

    def expect(name: str, arguments: str, address: int, offset: int) -> None:
        at = address + offset
        if at < 65536:
            assertions.append(f'(assert_return (invoke "{name}" {arguments}) (i32.const {at if at < 32 else 0}))')
        else:
            assertions.append(f'(assert_trap (invoke "{name}" {arguments}) {OUT_OF_BOUNDS})')

    for count in (1, 2, 3, 31, 32, 33, 34, 35, 63, 64):
        for offset in (0, 4):
            load = f"i32.load8_u offset={offset}"
            shift = f"(i32.shl (local.get 0) (i32.const {count}))"
            name = f"{count}+{offset}"
            functions += [
                f'(func (export "shl {name}") (param i32) (result i32) ({load} {shift}))',
                f'(func (export "sum {name}") (param i32 i32) (result i32) ({load} (i32.add (local.get 1) {shift})))',
                f'(func (export "i64 {name}") (param i64) (result i32) ({load} (i32.wrap_i64 (i64.shl (local.get 0) (i64.const {count})))))']
            for x in (0, 1, 2, 3, 0x80000000, 0x80000001, 0x40000001, 0x20000001, 0xE0000001, 0xFFFFFFFF):
                shifted = x << count % 32 & 0xFFFFFFFF
                expect(f"shl {name}", f"(i32.const {x})", shifted, offset)
                for base in (0, 3, 0xFFFFFFFC):
                    expect(f"sum {name}", f"(i32.const {x}) (i32.const {base})", shifted + base & 0xFFFFFFFF, offset)
                wide = x | x << 32
                expect(f"i64 {name}", f"(i64.const {wide})", wide << count % 64 & 0xFFFFFFFF, offset)
    return f'(module (memory 1 1) (data (i32.const 0) "{BYTES}")\n' + "\n".join(functions) + ")\n" + "\n".join(assertions)


def fused_loads() -> str:
    """CVE-2026-24116, CVE-2026-34944: a load that becomes the operand of an instruction reads more than it had. Each operation gets a
    load of the last bytes of a memory that cannot grow, then one byte further, where it must trap."""
    cases = []  # result, expression, bytes read

    def case(result: str, expression: str, size: int) -> None:
        cases.append((result, expression, size))

    for t in ("f32", "f64"):
        load, other = f"({t}.load (local.get 0))", f"(global.get ${t})"
        for op in ("add", "sub", "mul", "div", "min", "max", "copysign"):
            case(t, f"({t}.{op} {other} {load})", SIZES[t])
            case(t, f"({t}.{op} {load} {other})", SIZES[t])
        for op in ("eq", "ne", "lt", "gt", "le", "ge"):
            case("i32", f"({t}.{op} {other} {load})", SIZES[t])
            case("i32", f"({t}.{op} {load} {other})", SIZES[t])
            case("i32", f"(if (result i32) ({t}.{op} {other} {load}) (then (i32.const 1)) (else (i32.const 2)))", SIZES[t])
        for op in ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"):
            case(t, f"({t}.{op} {load})", SIZES[t])
        case(t, f"(select {other} {load} (global.get $i32))", SIZES[t])
        for i in INTEGERS:
            for sign in "su":
                case(i, f"({i}.trunc_{t}_{sign} {load})", SIZES[t])
                case(i, f"({i}.trunc_sat_{t}_{sign} {load})", SIZES[t])
                case(t, f"({t}.convert_{i}_{sign} ({i}.load (local.get 0)))", SIZES[i])
                case(t, f"({t}.convert_{i}_{sign} ({i}.load8_{sign} (local.get 0)))", 1)
    case("f64", "(f64.promote_f32 (f32.load (local.get 0)))", 4)
    case("f32", "(f32.demote_f64 (f64.load (local.get 0)))", 8)
    for to, source in (("i32", "f32"), ("f32", "i32"), ("i64", "f64"), ("f64", "i64")):
        case(to, f"({to}.reinterpret_{source} ({source}.load (local.get 0)))", SIZES[to])
    for t in INTEGERS:
        other = f"(global.get ${t})"
        narrow = [(bits, sign) for bits in (8, 16, 32) if bits < INTEGERS[t] for sign in "su"]
        loads = [(f"({t}.load (local.get 0))", SIZES[t]), *((f"({t}.load{bits}_{sign} (local.get 0))", bits // 8) for bits, sign in narrow)]
        for load, size in loads:
            for op in ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"):
                case(t, f"({t}.{op} {other} {load})", size)
            for op in ("div_u", "rem_u"):
                case(t, f"({t}.{op} {load} {other})", size)
            for op in ("eq", "lt_s", "lt_u", "ge_s"):
                case("i32", f"({t}.{op} {other} {load})", size)
            case("i32", f"({t}.eqz {load})", size)
            case("i32", f"({t}.eq {load} ({t}.const 77))", size)
            case("i32", f"({t}.eqz ({t}.and {load} ({t}.const 64)))", size)
            case("i32", f"(if (result i32) ({t}.eqz {load}) (then (i32.const 1)) (else (i32.const 2)))", size)
        load = loads[0][0]
        for op in ("clz", "ctz", "popcnt", "extend8_s", "extend16_s"):
            case(t, f"({t}.{op} {load})", SIZES[t])
        case(t, f"(select {other} {load} (global.get $i32))", SIZES[t])
        for bits in (8, 16, INTEGERS[t]):
            full = bits == INTEGERS[t]
            read = f"({t}.load{'' if full else f'{bits}_u'} (local.get 0))"
            for op in ("add", "sub", "and", "or", "xor"):
                case(t, f"({t}.store{'' if full else bits} (local.get 0) ({t}.{op} {read} {other})) {other}", bits // 8)
    case("i64", "(i64.extend_i32_u (i32.load (local.get 0)))", 4)
    case("i64", "(i64.extend_i32_s (i32.load (local.get 0)))", 4)
    case("i32", "(i32.wrap_i64 (i64.load (local.get 0)))", 8)
    case("i64", "(i64.extend32_s (i64.load (local.get 0)))", 8)

    text = "(module (memory 1 1)\n"
    for t, value in (("f32", 2), ("f64", 2), ("i32", 3), ("i64", 3)):
        text += f"(global ${t} (mut {t}) ({t}.const {value}))\n"
    text += "(func $reset (i64.store (i32.const 65528) (i64.const 0x3ff0000000000000)))\n"
    for i, (result, expression, _) in enumerate(cases):
        text += f'(func ${i} (export "{i}") (param i32) (result {result}) {expression})\n'
    text += '(func (export "all") (result i32)\n'
    for i, (_, _, size) in enumerate(cases):
        text += f"(call $reset) (drop (call ${i} (i32.const {65536 - size})))\n"
    text += f'(i32.const {len(cases)})))\n(assert_return (invoke "all") (i32.const {len(cases)}))\n'
    for i, (_, _, size) in enumerate(cases):
        text += f'(assert_trap (invoke "{i}" (i32.const {65537 - size})) {OUT_OF_BOUNDS})\n'
    return text


BINARY = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "div_s", "div_u", "rem_s", "rem_u",
          "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
BOUNDARIES = {
    "i32": [0, 1, 2, 7, 31, 32, 33, 0x80, 0x8000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF],
    "i64": [0, 1, 2, 63, 64, 65, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0x8000000000000001,
            0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF]}


def traps(t: str, op: str, a: int, b: int) -> bool:
    lowest, minus_one = 1 << INTEGERS[t] - 1, (1 << INTEGERS[t]) - 1
    return op.startswith(("div", "rem")) and (b == 0 or op == "div_s" and a == lowest and b == minus_one)


def folding() -> str:
    """WebKit 312682, CVE-2022-31169: what is folded or made simpler because operands are constants must be what the instruction computes.
    Each exported function counts the differences to the instruction on values that nobody knows."""
    functions, exports, assertions = [], {}, []

    def differ(export: str, result: str, folded: str, computed: str) -> None:
        if result.startswith("f"):  # by their bits: NaN is not equal to itself
            bits = "i" + result[1:]
            folded, computed, result = f"({bits}.reinterpret_{result} {folded})", f"({bits}.reinterpret_{result} {computed})", bits
        exports.setdefault(export, []).append(f"(local.set 0 (i32.add (local.get 0) ({result}.ne {folded} {computed})))")

    for t, values in BOUNDARIES.items():
        for op in BINARY:
            name, result = f"{t}.{op}", "i32" if op[:2] in ("eq", "ne", "lt", "gt", "le", "ge") else t
            functions.append(f"(func ${name} (param {t} {t}) (result {result}) ({name} (local.get 0) (local.get 1)))")
            for number, b in enumerate(values):
                constant = f"({t}.const {b})"
                functions.append(f"(func ${name}.right.{number} (param {t}) (result {result}) ({name} (local.get 0) {constant}))")
                functions.append(f"(func ${name}.left.{number} (param {t}) (result {result}) ({name} {constant} (local.get 0)))")
                for a in values:
                    if not traps(t, op, a, b):
                        other = f"({t}.const {a})"
                        computed = f"(call ${name} {other} {constant})"
                        differ(name, result, f"({name} {other} {constant})", computed)
                        differ(name, result, f"(call ${name}.right.{number} {other})", computed)
                    if not traps(t, op, b, a):
                        other = f"({t}.const {a})"
                        differ(name, result, f"(call ${name}.left.{number} {other})", f"(call ${name} {constant} {other})")
            if op.startswith(("div", "rem")):
                functions.append(f'(func (export "{name} by 0") (drop ({name} ({t}.const 5) ({t}.const 0))))')
                assertions.append(f'(assert_trap (invoke "{name} by 0") "integer divide by zero")')
        lowest = 1 << INTEGERS[t] - 1
        functions.append(f'(func (export "{t} overflow") (drop ({t}.div_s ({t}.const {lowest}) ({t}.const -1))))')
        assertions.append(f'(assert_trap (invoke "{t} overflow") "integer overflow")')
    unary = [(f"{t}.{op}", t, "i32" if op == "eqz" else t) for t in INTEGERS
             for op in ("clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s", *(["extend32_s"] if t == "i64" else []))]
    unary += [("i32.wrap_i64", "i64", "i32"), ("i64.extend_i32_s", "i32", "i64"), ("i64.extend_i32_u", "i32", "i64"),
              ("f32.reinterpret_i32", "i32", "f32"), ("f64.reinterpret_i64", "i64", "f64")]
    for name, operand, result in unary:
        functions.append(f"(func ${name} (param {operand}) (result {result}) ({name} (local.get 0)))")
        for a in BOUNDARIES[operand]:
            constant = f"({operand}.const {a})"
            differ(name, result, f"({name} {constant})", f"(call ${name} {constant})")
    text = "(module\n" + "\n".join(functions) + "\n"
    for name, lines in exports.items():
        text += f'(func (export "{name}") (result i32) (local i32)\n' + "\n".join(lines) + "\n(local.get 0))\n"
        assertions.append(f'(assert_return (invoke "{name}") (i32.const 0))')
    return text + ")\n" + "\n".join(assertions)


def main() -> None:
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in (("shifts", shifts), ("fused-loads", fused_loads), ("folding", folding)):
        (directory / f"cve-{name}.wast").write_text(text() + "\n")


if __name__ == "__main__":
    main()
