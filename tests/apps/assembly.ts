// SPDX-License-Identifier: MIT
// A program in AssemblyScript: strings, maps, classes, the collector, numbers, arguments, the environment.
class Shape {
  constructor(public name: string, public sides: i32) {}
  area(size: f64): f64 {
    return (this.sides as f64) * size * size / (4.0 * Math.tan(Math.PI / (this.sides as f64)));
  }
}

function sieve(limit: i32): i32 {
  const composite = new Uint8Array(limit + 1);
  let count = 0;
  for (let i = 2; i <= limit; i++) {
    if (composite[i]) continue;
    count++;
    for (let j: i64 = (i as i64) * i; j <= limit; j += i) composite[j as i32] = 1;
  }
  return count;
}

for (let i = 1; i < process.argv.length; i++) console.log("argument " + process.argv[i]);
console.log("primes: " + sieve(1000000).toString());

const counts = new Map<string, i32>();
let seed: u32 = 1;
for (let i = 0; i < 200000; i++) {
  seed = seed * 1664525 + 1013904223;
  const key = "k" + (seed >> 24).toString();
  counts.set(key, (counts.has(key) ? counts.get(key) : 0) + 1);
}
const keys = counts.keys().sort();
console.log(keys.length.toString() + " keys, " + keys[0] + ": " + counts.get(keys[0]).toString());

const shapes = [new Shape("triangle", 3), new Shape("square", 4), new Shape("hexagon", 6)];
for (let i = 0; i < shapes.length; i++) console.log(shapes[i].name + " " + shapes[i].area(2.0).toString());
let text = "";
for (let i = 0; i < 2000; i++) text = text.substring(text.length > 50 ? 1 : 0) + String.fromCharCode(97 + i % 26);
console.log(text.toUpperCase());
console.error("done");
process.exit(3);
