// SPDX-License-Identifier: MIT
// Writes the files that the npm package carries for Yosys's /share: node yosys_share.mjs PACKAGE DIRECTORY
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [packagePath, directory] = process.argv.slice(2);
const { filesystem } = await import(pathToFileURL(path.join(packagePath, 'gen/resources-yosys.js')));
const rest = [[filesystem.share, directory]];
while (rest.length !== 0) {
  const [node, place] = rest.pop();
  fs.mkdirSync(place, { recursive: true });
  for (const [name, value] of Object.entries(node)) {
    const file = path.join(place, name);
    if (value instanceof URL) fs.copyFileSync(value, file);
    else if (typeof value === 'string' || value instanceof Uint8Array) fs.writeFileSync(file, value);
    else rest.push([value, file]);
  }
}
