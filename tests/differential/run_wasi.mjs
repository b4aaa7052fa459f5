// SPDX-License-Identifier: MIT
// Runs a WASI program in V8: node run_wasi.mjs PROGRAM.wasm
import fs from 'node:fs';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', args: [process.argv[2]], env: {} });
const module = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
process.exitCode = wasi.start(new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport }));
