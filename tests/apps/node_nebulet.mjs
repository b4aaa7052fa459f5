// SPDX-License-Identifier: MIT
// Runs a WASI program on the WASI library of user/wasi with the kernel's calls played by node: a second opinion on the
// library that needs no kernel.   node node_nebulet.mjs WASI.wasm SERVER [--dir HOST::GUEST]… [--env K=V]… PROGRAM [ARG]…
// SERVER is the program ninep_stdio, which answers 9P messages on its standard input and output.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';

const [libraryFile, serverFile, ...rest] = process.argv.slice(2);
const directories = [];
const environment = [];
while (rest[0]?.startsWith('--')) {
  const flag = rest.shift();
  const value = rest.shift();
  if (flag === '--dir') directories.push(value.includes('::') ? value : `${value}::${value}`);
  else if (flag === '--env') environment.push(value);
  else throw new Error(`unknown flag ${flag}`);
}
const [programFile] = rest;

// The server's pipes are named ones, since only these can be used synchronously.
let toServer, fromServer, server, pipes;
if (directories.length !== 0) {
  pipes = fs.mkdtempSync(path.join(os.tmpdir(), 'nebulet-'));
  execFileSync('mkfifo', [`${pipes}/in`, `${pipes}/out`]);
  const input = fs.openSync(`${pipes}/in`, 'r+');
  const output = fs.openSync(`${pipes}/out`, 'r+');
  server = spawn(serverFile, directories, { stdio: [input, output, 'inherit'] });
  toServer = input;
  fromServer = output;
}

function quit(status) {
  server?.kill();
  if (pipes !== undefined) fs.rmSync(pipes, { recursive: true });
  process.exit(status);
}

const consoleHandle = 1, filesHandle = 2;
function startupBlock() {
  const parts = [];
  const words = (...list) => parts.push(Buffer.from(new Uint32Array(list).buffer));
  const string = (text) => {
    const bytes = Buffer.from(text);
    words(bytes.length);
    parts.push(bytes, Buffer.alloc(-bytes.length & 3));
  };
  const strings = (list) => {
    words(list.length);
    list.forEach(string);
  };
  words(2, consoleHandle, 0, consoleHandle, consoleHandle, consoleHandle, 0);
  strings([path.basename(programFile), ...rest.slice(1)]);
  strings(environment);
  words(directories.length);
  for (const directory of directories) {
    const guest = directory.split('::')[1];
    words(filesHandle);
    string(guest);
    string(guest);
  }
  words(0, 0);
  return Buffer.concat(parts);
}

let library, program;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
const own = (at, size) => Buffer.from(memory.buffer, at >>> 0, size >>> 0);
const theirs = (at, size) => {
  const memory = program.exports.memory.buffer;
  if ((at >>> 0) + (size >>> 0) > memory.byteLength) return undefined;
  return Buffer.from(memory, at >>> 0, size >>> 0);
};

function readFully(fd, into) {
  for (let done = 0; done < into.length;) done += fs.readSync(fd, into, done, into.length - done);
}
function writeFully(fd, from) {
  for (let done = 0; done < from.length;) {
    try {
      done += fs.writeSync(fd, from, done, from.length - done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const badHandle = -2, badAddress = -5, notSupported = -8;
const consoleType = 3n, filesType = 4n;
const block = startupBlock();
const calls = {
  caller_memory_read(at, into, size) {
    const from = theirs(at, size);
    if (from === undefined) return badAddress;
    own(into, size).set(from);
    return 0;
  },
  caller_memory_write(at, from, size) {
    const into = theirs(at, size);
    if (into === undefined) return badAddress;
    into.set(own(from, size));
    return 0;
  },
  caller_memory_size: () => BigInt(program.exports.memory.buffer.byteLength),
  clock_read(clock) {
    if (clock === 1) return BigInt(Date.now()) * 1000000n;
    return process.hrtime.bigint();
  },
  files_transact(handle, request, requestSize, reply, replySize) {
    writeFully(toServer, own(request, requestSize));
    // Several messages, one after the other, have as many answers.
    const messages = Buffer.from(own(request, requestSize));
    const head = Buffer.alloc(4);
    let answered = 0;
    for (let at = 0; at < messages.length; at += messages.readUInt32LE(at)) {
      readFully(fromServer, head);
      const size = head.readUInt32LE();
      if (answered + size > replySize >>> 0) return -10n;
      own(reply + answered, 4).set(head);
      readFully(fromServer, own(reply + answered, size).subarray(4));
      answered += size;
    }
    return BigInt(answered);
  },
  console_read(handle, into, size) {
    while (true) {
      try {
        return BigInt(fs.readSync(0, own(into, size)));
      } catch (error) {
        if (error.code === 'EOF') return 0n;
        if (error.code !== 'EAGAIN') return -10n;
      }
    }
  },
  console_write(handle, stream, from, size) {
    writeFully(stream, own(from, size));
    return 0;
  },
  console_wait: () => 0,
  thread_sleep_until(deadline) {
    const left = deadline - process.hrtime.bigint();
    if (left > 0n) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(left) / 1e6);
    return 0;
  },
  entropy_read(into, size) {
    randomFillSync(own(into, size));
    return 0;
  },
  thread_yield: () => 0,
  // Nothing has streams or doors here.
  stream_read: () => BigInt(badHandle),
  stream_write: () => BigInt(badHandle),
  object_wait: () => BigInt(badHandle),
  object_wait_many: () => BigInt(badHandle),
  door_exchange: () => BigInt(badHandle),
  thread_spawn: () => BigInt(notSupported),
  handle_close: () => badHandle,
  handle_info(handle, property) {
    if (property !== 0) return 0xffn;
    return handle === consoleHandle ? consoleType : handle === filesHandle ? filesType : BigInt(badHandle);
  },
  process_exit: quit,
  log_write(level, text, size) {
    fs.writeSync(2, `[log] ${own(text, size)}\n`);
    return 0;
  },
  process_startup(into, size) {
    const count = Math.min(size >>> 0, block.length);
    own(into, count).set(block.subarray(0, count));
    return BigInt(block.length);
  },
};

library = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(libraryFile)), { nebulet: calls, env: { memory } });
library.exports._initialize();
const module = new WebAssembly.Module(fs.readFileSync(programFile));
program = new WebAssembly.Instance(module, { wasi_snapshot_preview1: library.exports });
try {
  program.exports._start();
} catch (error) {
  fs.writeSync(2, `trap: ${error.message}\n`);
  quit(134);
}
quit(0);
