// SPDX-License-Identifier: MIT
// One export of calls.wasm in V8, called once with a number: node [FLAGS] v8.mjs calls.wasm library.wasm EXPORT N
import fs from 'node:fs';

const [calls, library, name, count] = process.argv.slice(2);
const compile = (path) => new WebAssembly.Module(fs.readFileSync(path));
const { fd_tell } = new WebAssembly.Instance(compile(library)).exports;
new WebAssembly.Instance(compile(calls), { wasi_snapshot_preview1: { fd_tell } }).exports[name](Number(count));
