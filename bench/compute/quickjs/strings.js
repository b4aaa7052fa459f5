// SPDX-License-Identifier: MIT
// Strings, regular expressions, maps, JSON and sorting. The argument says how often.
let total = 0;
for (let round = 0; round < Number(scriptArgs[0]); round++) {
  const words = [];
  for (let i = 0; i < 2000; i++) words.push(`w${(((i + round) * 7919) % 65536).toString(16)}`);
  const text = words.join(" ");
  const seen = new Map();
  for (const [word] of text.matchAll(/\w+/g)) seen.set(word, (seen.get(word) ?? 0) + 1);
  const keys = [...seen.keys()].sort();
  const copy = JSON.parse(JSON.stringify({ keys, counts: Object.fromEntries(seen) }));
  total += copy.keys.length + text.replace(/w1(.)/g, "<$1>").length + text.toUpperCase().split(" ").length + keys[0].length;
}
print(total);
