// SPDX-License-Identifier: MIT
// Runs a conformance program under Node's WASI: node node_wasi.mjs [--dir HOST::GUEST | --env NAME=VALUE]… PROGRAM [ARGUMENT]…
import fs from 'node:fs';
import path from 'node:path';
import { WASI } from 'node:wasi';

const rest = process.argv.slice(2);
const preopens = {}, env = {};
while (rest[0].startsWith('--')) {
  const [flag, value] = rest.splice(0, 2);
  if (flag === '--dir') {
    const [host, guest] = value.split('::');
    preopens[guest] = host;
  } else {
    const split = value.indexOf('=');
    env[value.slice(0, split)] = value.slice(split + 1);
  }
}
const wasi = new WASI({ version: 'preview1', args: [path.basename(rest[0]), ...rest.slice(1)], env, preopens });
const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(rest[0])), { wasi_snapshot_preview1: wasi.wasiImport });
process.exitCode = wasi.start(instance);
