// SPDX-License-Identifier: MIT
// assemble.mjs NODE_MODULES: assembles scripts with wasm-tools, which jco carries. Reads lines "SOURCE<tab>NAME<tab>TARGET" from its input;
// prints a line for each script that cannot be read. `parse` is the assembler of the text format, it validates nothing.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { assembleScript } from "./script.mjs";

const tools = join(process.argv[2], "@bytecodealliance/jco-transpile/vendor/wasm-tools.js");
const wasmTools = await import(pathToFileURL(tools));
await wasmTools.$init;
const parse = (text) => Buffer.from(wasmTools.tools.parse(text));

let failed = 0;
for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [source, name, target] = line.split("\t");
  try {
    const script = assembleScript(name, readFileSync(source), parse);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(`${target}.new`, script);
    renameSync(`${target}.new`, target);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
    failed = 1;
  }
}
process.exit(failed);
