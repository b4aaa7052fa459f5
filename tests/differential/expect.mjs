// SPDX-License-Identifier: MIT
// Runs every exported function of a module in V8 and writes what happened as a script in wast2json's format, for engine_run.
// Usage: node expect.mjs SUPPORT.wasm OUT.json MODULE.wasm…
import fs from 'node:fs';
import path from 'node:path';

const [support, out, ...modules] = process.argv.slice(2);
const buffer = new DataView(new ArrayBuffer(8));
const commands = [];
let line = 0;

// The bits of a value, as wast2json writes them.
function constant(type, value) {
  if (type === 'i32') return { type, value: String(value >>> 0) };
  if (type === 'i64') return { type, value: String(BigInt.asUintN(64, value)) };
  if (type === 'f32') return buffer.setFloat32(0, value), { type, value: String(buffer.getUint32(0)) };
  return buffer.setFloat64(0, value), { type, value: String(buffer.getBigUint64(0)) };
}

const TRAPS = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds/, 'out of bounds memory access'],
  [/divide by zero|remainder by zero/, 'integer divide by zero'],
  [/divide result unrepresentable/, 'integer overflow'],
  [/float unrepresentable/, 'invalid conversion to integer|integer overflow'],
  [/table index is out of bounds|table access out of bounds/, 'undefined element|out of bounds table access'],
  [/null function or function signature|signature mismatch/, 'uninitialized element|indirect call type mismatch'],
  [/call stack|stack size/, 'call stack exhausted'],
];

// V8 does not tell a function's type; the binary does.
function functionTypes(bytes) {
  let at = 8;
  const u32 = () => { let r = 0, s = 0, b; do { b = bytes[at++]; r |= (b & 127) << s; s += 7; } while (b & 128); return r >>> 0; };
  const names = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128', 0x70: 'funcref', 0x6f: 'externref' };
  const types = [], functions = [], exported = new Map();
  while (at < bytes.length) {
    const id = bytes[at++], size = u32(), end = at + size;
    if (id === 1) for (let n = u32(); n > 0; --n) {
      at++;
      const params = Array.from({ length: u32() }, () => names[bytes[at++]]);
      types.push({ params, results: Array.from({ length: u32() }, () => names[bytes[at++]]) });
    } else if (id === 2) for (let n = u32(); n > 0; --n) {
      for (let k = 0; k < 2; ++k) { const length = u32(); at += length; }
      const kind = bytes[at++];
      if (kind === 0) functions.push(u32());
      else if (kind === 3) at += 2;
      else { if (kind === 1) at++; const flags = bytes[at++]; u32(); if (flags & 1) u32(); }
    } else if (id === 3) for (let n = u32(); n > 0; --n) functions.push(u32());
    else if (id === 7) for (let n = u32(); n > 0; --n) {
      const length = u32(), name = Buffer.from(bytes.subarray(at, at + length)).toString(); at += length;
      const kind = bytes[at++], index = u32();
      if (kind === 0) exported.set(name, index);
    }
    at = end;
  }
  return new Map([...exported].map(([name, index]) => [name, types[functions[index]]]));
}

const INTERESTING = { i32: [0, 1, -1, 0x7fffffff, -0x80000000, 0x12345678], i64: [0n, 1n, -1n, 0x7fffffffffffffffn, -0x8000000000000000n, 0x123456789an],
                      f32: [0, -0, 1.5, -3e38, 2147483648, 1e-40], f64: [0, -0, 1.5, -1e308, 9223372036854775808, 5e-324] };

const supportInstance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(support)));
commands.push({ type: 'module', line: ++line, name: '$support', filename: path.basename(support) });
commands.push({ type: 'register', line: ++line, name: '$support', as: 'fuzzing-support' });
for (const file of modules) {
  const bytes = fs.readFileSync(file);
  let instance;
  try {
    instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { 'fuzzing-support': supportInstance.exports });
  } catch {
    continue;  // traps when it is instantiated: nothing to compare
  }
  commands.push({ type: 'module', line: ++line, filename: path.basename(file) });
  let round = 0;
  for (const [name, type] of functionTypes(bytes)) {
    if ([...type.params, ...type.results].some((t) => !INTERESTING[t])) continue;
    const call = (field, args) => ({ type: 'invoke', field, args });
    if (typeof instance.exports.hangLimitInitializer === 'function') {
      instance.exports.hangLimitInitializer();
      commands.push({ type: 'action', line: ++line, action: call('hangLimitInitializer', []), expected: [] });
    }
    const values = type.params.map((t, i) => INTERESTING[t][(round + i) % INTERESTING[t].length]);
    round++;
    const args = values.map((v, i) => constant(type.params[i], v));
    try {
      let results = instance.exports[name](...values);
      if (!Array.isArray(results)) results = type.results.length === 0 ? [] : [results];
      const expected = results.map((v, i) => constant(type.results[i], v));
      commands.push({ type: 'assert_return', line: ++line, action: call(name, args), expected });
    } catch (error) {
      const found = TRAPS.find(([pattern]) => pattern.test(error.message));
      if (!found) throw error;
      commands.push({ type: found[1] === 'call stack exhausted' ? 'assert_exhaustion' : 'assert_trap', line: ++line,
                      action: call(name, args), text: found[1], expected: [] });
      if (found[1] === 'call stack exhausted') break;  // where the stack ends differs, and so does what was done by then
    }
  }
}
fs.writeFileSync(out, JSON.stringify({ source_filename: 'differential', commands }));
