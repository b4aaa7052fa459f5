// SPDX-License-Identifier: MIT
let text = "Hello from AssemblyScript";
const words = process.argv;
for (let i = 1; i < words.length; i++) text += ", " + words[i];
console.log(text);
