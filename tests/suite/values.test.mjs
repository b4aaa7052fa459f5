// SPDX-License-Identifier: MIT
// Literals against what JavaScript makes of them, and known bits.
import assert from "node:assert/strict";
import { test } from "node:test";

import { float, integer } from "./values.mjs";

const view = new DataView(new ArrayBuffer(8));
function bits64(number) {
  view.setFloat64(0, number);
  return view.getBigUint64(0);
}
function bits32(number) {
  view.setFloat32(0, number);
  return BigInt(view.getUint32(0));
}

test("decimal f64 literals round as in JavaScript", () => {
  for (const text of ["0", "1", "0.1", "1e23", "9007199254740993", "1.7976931348623157e308", "1.7976931348623159e308", "4.9e-324", "2.4e-324",
    "2.5e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "123456789.123456789e-20", "6.02214076e23", "1e-400", "1e400"]) {
    assert.equal(float(text, 64).bits, bits64(Number(text)), text);
    assert.equal(float("-" + text, 64).bits, bits64(-Number(text)), text);
  }
});

test("f32 literals round once", () => {
  // Between two floats, and nearer to the upper one by less than a double can tell: rounding to a double first would give the lower.
  assert.equal(float("1.00000005960464477540", 32).bits, 0x3f800001n);
  assert.equal(float("1.000000059604644775390625", 32).bits, 0x3f800000n);  // the exact middle: to even
  assert.equal(float("0x1.000001p0", 32).bits, 0x3f800000n);
  assert.equal(float("0x1.00000100000000001p0", 32).bits, 0x3f800001n);
  assert.equal(float("0x1p-149", 32).bits, 1n);
  assert.equal(float("0x1p-150", 32).bits, 0n);
  assert.equal(float("0x1.8p-150", 32).bits, 1n);
  assert.equal(float("0x1.fffffep-127", 32).bits, 0x00800000n);  // rounds up to the least normal number
  assert.equal(float("0x1.fffffep127", 32).bits, 0x7f7fffffn);
  assert.equal(float("0x1.ffffffp127", 32).bits, 0x7f800000n);
  for (let i = 0; i < 2000; ++i) {
    view.setUint32(0, Math.random() * 0xff000000);
    const number = view.getFloat32(0);
    if (Number.isFinite(number)) assert.equal(float(String(number), 32).bits, bits32(number), String(number));
  }
});

test("special values", () => {
  assert.deepEqual(float("nan:canonical", 32), { bits: 0x7fc00000n, nan: 1 });
  assert.deepEqual(float("nan:arithmetic", 64), { bits: 0x7ff8000000000000n, nan: 2 });
  assert.equal(float("-nan:0x1", 32).bits, 0xff800001n);
  assert.equal(float("-inf", 64).bits, 0xfff0000000000000n);
  assert.equal(float("0x1_0.8p1", 64).bits, bits64(33));
  assert.equal(float("1_000.5", 64).bits, bits64(1000.5));
});

test("integers are cut to their width", () => {
  assert.equal(integer("-1", 32), 0xffffffffn);
  assert.equal(integer("+0x8000_0000", 32), 0x80000000n);
  assert.equal(integer("-0x8000000000000000", 64), 0x8000000000000000n);
});
