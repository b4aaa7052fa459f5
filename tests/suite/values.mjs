// SPDX-License-Identifier: MIT
// Literals of the text format (spec 6.3) as bits, and the values and result patterns of scripts in the runner's form.

const mask = (bits) => (1n << BigInt(bits)) - 1n;

export function integer(text, bits) {
  const negative = text.startsWith("-");
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const value = BigInt(digits);
  return (negative ? -value : value) & mask(bits);
}

const FORMATS = { 32: { fraction: 23, exponent: 8 }, 64: { fraction: 52, exponent: 11 } };

/** Rounds numerator / denominator to the nearest float, ties to even; returns its bits without a sign. */
function round(numerator, denominator, { fraction, exponent }) {
  if (numerator === 0n) return 0n;
  const bias = (1 << (exponent - 1)) - 1;
  const length = (n) => n.toString(2).length;
  // The power of two of the last bit kept: by the leading bit, but not below that of subnormals.
  let shift = Math.max(length(numerator) - length(denominator) - fraction - 1, 1 - bias - fraction);
  for (;;) {
    const [n, d] = shift < 0 ? [numerator << BigInt(-shift), denominator] : [numerator, denominator << BigInt(shift)];
    let kept = n / d;
    const rest = (n % d) * 2n;
    if (rest > d || (rest === d && kept & 1n)) kept += 1n;
    if (kept >> BigInt(fraction + 1)) {
      ++shift;
      continue;
    }
    const normal = kept >> BigInt(fraction);
    const biased = normal ? BigInt(shift + fraction + bias) : 0n;
    if (biased >= BigInt((1 << exponent) - 1)) return BigInt((1 << exponent) - 1) << BigInt(fraction);
    return (biased << BigInt(fraction)) | (kept & mask(fraction));
  }
}

/** {bits, nan}: nan is 1 for nan:canonical, 2 for nan:arithmetic (spec 4.3.3), else 0. */
export function float(text, bits) {
  const format = FORMATS[bits];
  const infinity = mask(format.exponent) << BigInt(format.fraction);
  const quiet = infinity | (1n << BigInt(format.fraction - 1));
  if (text === "nan:canonical") return { bits: quiet, nan: 1 };
  if (text === "nan:arithmetic") return { bits: quiet, nan: 2 };
  const sign = text.startsWith("-") ? 1n << BigInt(bits - 1) : 0n;
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const exact = (value) => ({ bits: value | sign, nan: 0 });
  if (digits === "inf") return exact(infinity);
  if (digits === "nan") return exact(quiet);
  if (digits.startsWith("nan:0x")) return exact(infinity | BigInt(digits.slice(4)));
  const hex = digits.startsWith("0x");
  const match = (hex ? /^0x([0-9a-f]+)\.?([0-9a-f]*)(?:p([+-]?\d+))?$/i : /^(\d+)\.?(\d*)(?:e([+-]?\d+))?$/i).exec(digits);
  if (!match) throw new Error(`${text} is no float`);
  const significand = BigInt((hex ? "0x" : "") + match[1] + match[2]);
  const base = hex ? 2n : 10n;
  const power = BigInt(match[3] ?? 0) - BigInt(match[2].length) * (hex ? 4n : 1n);
  return exact(power < 0n ? round(significand, base ** -power, format) : round(significand * base ** power, 1n, format));
}

// Tags of values; tests/suite/script.h has the same.
const TAG = { i32: 1, i64: 2, f32: 3, f64: 4, v128: 5, refNull: 6, refExtern: 7, refHost: 8, refPattern: 9, either: 10 };
const SHAPES = { i8x16: [8, 16], i16x8: [16, 8], i32x4: [32, 4], i64x2: [64, 2], f32x4: [32, 4], f64x2: [64, 2] };
const REF_PATTERNS = { "ref.any": 0, "ref.eq": 1, "ref.i31": 2, "ref.struct": 3, "ref.array": 4, "ref.func": 5, "ref.exn": 6, "ref.extern": 7, "ref.host": 8 };

function v128(out, [shape, ...lanes]) {
  const [bits, count] = SHAPES[shape.text];
  if (lanes.length !== count) throw new Error(`line ${shape.line}: ${shape.text} has ${count} lanes`);
  let value = 0n, canonical = 0, arithmetic = 0;
  lanes.forEach((lane, i) => {
    const part = shape.text[0] === "f" ? float(lane.text, bits) : { bits: integer(lane.text, bits), nan: 0 };
    value |= part.bits << BigInt(i * bits);
    if (part.nan === 1) canonical |= 1 << i;
    if (part.nan === 2) arithmetic |= 1 << i;
  });
  out.byte(TAG.v128).byte(bits / 8).u64(value & mask(64)).u64(value >> 64n).u64(canonical).u64(arithmetic);
}

/** Writes a constant or a result pattern. */
export function writeValue(out, node) {
  const [head, ...rest] = node.items;
  const op = head.text;
  if (op === "i32.const" || op === "i64.const") {
    const bits = op === "i32.const" ? 32 : 64;
    out.byte(bits === 32 ? TAG.i32 : TAG.i64).u64(integer(rest[0].text, bits));
  } else if (op === "f32.const" || op === "f64.const") {
    const bits = op === "f32.const" ? 32 : 64;
    const value = float(rest[0].text, bits);
    out.byte(bits === 32 ? TAG.f32 : TAG.f64).byte(value.nan).u64(value.bits);
  } else if (op === "v128.const") {
    v128(out, rest);
  } else if (op === "ref.null") {
    out.byte(TAG.refNull);
  } else if ((op === "ref.extern" || op === "ref.host") && rest.length) {
    out.byte(op === "ref.extern" ? TAG.refExtern : TAG.refHost).u64(integer(rest[0].text, 32));
  } else if (op in REF_PATTERNS) {
    out.byte(TAG.refPattern).byte(REF_PATTERNS[op]);
  } else if (op === "either") {
    out.byte(TAG.either).u64(rest.length);
    for (const alternative of rest) writeValue(out, alternative);
  } else {
    throw new Error(`line ${head.line}: ${op} is no value`);
  }
}
