// SPDX-License-Identifier: MIT
// Runs all exports of instrumented modules in V8 and prints what they return, as differential_engine does. Usage: node v8.mjs MODULE.wasm…
import fs from 'node:fs';
import path from 'node:path';

const TRAPS = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds|data segment/, 'out of bounds memory access'],
  [/divide by zero|remainder by zero/, 'integer divide by zero'],
  [/divide result unrepresentable/, 'integer overflow'],
  [/float unrepresentable/, 'integer overflow'],
  [/table index is out of bounds|table access out of bounds|table.*out of bounds|element segment/, 'table'],
  [/null function or function signature|signature mismatch/, 'table'],
  [/dereferencing a null pointer|rethrowing null value/, 'null reference'],
  [/illegal cast/, 'cast failure'],
  [/array element access out of bounds|array index out of bounds/, 'out of bounds array access'],
  [/requested new array is too large/, 'out of memory'],
  [/operation does not support unaligned|unaligned/, 'unaligned atomic'],
  [/Atomics.wait cannot be called|shared/, 'expected shared memory'],
  [/call stack|stack size/, 'exhausted'],
];

function trapOf(error) {
  if (error instanceof WebAssembly.Exception) return 'exception';
  const found = TRAPS.find(([pattern]) => pattern.test(error.message));
  return found ? found[1] : `unknown: ${error.message}`;
}

const hex = (value) => (typeof value === 'bigint' ? BigInt.asUintN(64, value) : value >>> 0).toString(16);

const out = [];
for (const file of process.argv.slice(2)) {
  out.push(`module ${path.basename(file)}`);
  let instance, module;
  try {
    module = new WebAssembly.Module(fs.readFileSync(file));
  } catch (error) {
    out.push(`refused ${error.message}`);
    continue;
  }
  try {
    instance = new WebAssembly.Instance(module);
  } catch (error) {
    out.push(`instance ${trapOf(error)}`);
    continue;
  }
  for (const { name } of WebAssembly.Module.exports(module)) {
    try {
      let results = instance.exports[name]();
      if (results === undefined) results = [];
      out.push([name, ...(Array.isArray(results) ? results : [results]).map(hex)].join(' '));
    } catch (error) {
      out.push(`${name} trap ${trapOf(error)}`);
    }
  }
}
fs.writeSync(1, out.join('\n') + '\n');
