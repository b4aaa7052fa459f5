// SPDX-License-Identifier: MIT
// The legacy exception instructions in folded form, which the assembler knows as plain instructions only:
//   (try $l bt (do A) (catch $e B) (catch_all C))  ->  try $l bt A catch $e B catch_all C end
//   (try $l bt (do A) (delegate $m))               ->  try $l bt A delegate $m
import { isList } from "./reader.mjs";

const SEQUENCES = new Set(["func", "block", "loop", "do", "catch", "catch_all", "then", "else", "try_table"]);
const IMMEDIATES = new Set(["type", "param", "result", "local", "export", "import", "then", "else", "ref", "catch", "catch_ref", "catch_all",
  "catch_all_ref", "shared", "mut", "item", "offset"]);

/** Whether the text can have such an instruction. */
export const hasFoldedTry = (text) => /\(\s*try[\s(]/.test(text);

/** `nodes` of a module's text with every folded try, and what cannot stay folded around it, written as plain instructions. */
export function unfold(nodes) {
  return nodes.map((node) => write(node).text).join("\n");
}

/** {text, plain}: plain if it is no longer one folded form. Nesting in scripts is shallow, so recursion will do. */
function write(node) {
  if (node.kind === "atom") return { text: node.text, plain: false };
  if (node.kind === "string") return { text: quote(node.bytes), plain: false };
  if (isList(node, "try")) return { text: plainTry(node), plain: true };
  const [head, ...rest] = node.items;
  const parts = rest.map(write);
  const keep = { text: `(${[head ? write(head).text : "", ...parts.map((p) => p.text)].join(" ")})`, plain: false };
  if (!head || !parts.some((p) => p.plain) || SEQUENCES.has(head.text) || head.text === "module") return keep;
  if (head.text === "if") return { text: plainIf(rest, parts), plain: true };
  const operands = parts.filter((_, i) => isOperand(rest[i]));
  const immediates = parts.filter((_, i) => !isOperand(rest[i]));
  return { text: [...operands, { text: head.text }, ...immediates].map((p) => p.text).join(" "), plain: true };
}

const isOperand = (node) => isList(node) && !IMMEDIATES.has(node.items[0]?.text);
const body = (node, skip) => node.items.slice(skip).map((n) => write(n).text).join(" ");

function plainTry(node) {
  const out = ["try"];
  let ended = false;
  for (const item of node.items.slice(1)) {
    if (isList(item, "do")) out.push(body(item, 1));
    else if (isList(item, "catch")) out.push(`catch ${item.items[1].text} ${body(item, 2)}`);
    else if (isList(item, "catch_all")) out.push(`catch_all ${body(item, 1)}`);
    else if (isList(item, "delegate")) {
      out.push(`delegate ${item.items[1].text}`);
      ended = true;
    } else out.push(write(item).text);
  }
  return [...out, ended ? "" : "end"].join(" ");
}

function plainIf(items, parts) {
  const condition = parts.filter((_, i) => isOperand(items[i])).map((p) => p.text);
  const type = parts.filter((_, i) => !isOperand(items[i]) && !isList(items[i], "then") && !isList(items[i], "else")).map((p) => p.text);
  const arm = (name) => items.filter((n) => isList(n, name)).map((n) => body(n, 1)).join(" ");
  return [...condition, "if", ...type, arm("then"), "else", arm("else"), "end"].join(" ");
}

function quote(bytes) {
  return `"${[...bytes].map((b) => (b < 0x20 || b > 0x7e || b === 0x22 || b === 0x5c ? "\\" + b.toString(16).padStart(2, "0") : String.fromCharCode(b))).join("")}"`;
}
