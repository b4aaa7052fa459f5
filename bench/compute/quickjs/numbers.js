// SPDX-License-Identifier: MIT
// Integers, floating point and typed arrays: a sieve, a small matrix product, a hash. The argument says how often.
function sieve(flags) {
  flags.fill(1);
  let count = 0;
  for (let i = 2; i < flags.length; i++) {
    if (flags[i] === 0) continue;
    count++;
    for (let k = i + i; k < flags.length; k += i) flags[k] = 0;
  }
  return count;
}
function product(a, b, c, n) {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  return c[n + 1];
}
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}
const flags = new Uint8Array(30000), n = 24;
const a = Float64Array.from({ length: n * n }, (_, i) => (i % 7) * 0.5), b = a.map(x => x - 1), c = new Float64Array(n * n);
const text = "the quick brown fox jumps over the lazy dog ".repeat(200);
let sum = 0;
for (let round = 0; round < Number(scriptArgs[0]); round++) sum += sieve(flags) + product(a, b, c, n) + (hash(text) % 1000) + Math.floor(Math.sqrt(round) * 10);
print(sum);
