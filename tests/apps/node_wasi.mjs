// SPDX-License-Identifier: MIT
// Runs a WASI program with node's own WASI, as a reference: node node_wasi.mjs [--dir HOST::GUEST]… PROGRAM [ARG]…
import fs from 'node:fs';
import path from 'node:path';
import { WASI } from 'node:wasi';

const rest = process.argv.slice(2);
const preopens = {};
while (rest[0] === '--dir') {
  const [host, guest] = rest[1].split('::');
  preopens[guest ?? host] = host;
  rest.splice(0, 2);
}
const wasi = new WASI({ version: 'preview1', args: [path.basename(rest[0]), ...rest.slice(1)], env: {}, preopens });
const module = new WebAssembly.Module(fs.readFileSync(rest[0]));
const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport });
try {
  process.exitCode = wasi.start(instance) ?? 0;
} catch (error) {
  fs.writeSync(2, `trap: ${error.message}\n`);
  process.exitCode = 134;
}
