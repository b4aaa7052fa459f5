// SPDX-License-Identifier: MIT
// Compiles a module in V8 and nothing else: node [FLAGS] compile.mjs FILE.wasm
import fs from 'node:fs';

new WebAssembly.Module(fs.readFileSync(process.argv[2]));
