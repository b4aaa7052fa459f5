// SPDX-License-Identifier: MIT
// Reads the S-expressions of a .wast script. The source is a string of bytes (latin1): scripts hold text that is no UTF-8 on purpose.

/** A node, in which annotations are left out, is {kind: "list", items}, {kind: "atom", text} or {kind: "string", bytes}; all have start, end and line. */
export function read(source) {
  const token = /[ \t\r\n]+|;;[^\n\r]*|\(;|\(|\)|"(?:[^"\\]|\\[^])*"|(?:[^\s()";]|;(?![;)]))+|[^]/gy;
  const top = { kind: "list", items: [] };
  const open = [top];
  let line = 1;
  for (let match; (match = token.exec(source)); ) {
    const text = match[0], start = match.index, here = line;
    let end = token.lastIndex;
    if (text === "(;") token.lastIndex = end = blockCommentEnd(source, start);
    for (let i = start; i < end; ++i) if (source.charCodeAt(i) === 10) ++line;
    if (text === "(;" || text.startsWith(";;") || /^\s/.test(text)) continue;
    const list = open.at(-1);
    if (text === "(") {
      const node = { kind: "list", items: [], start, line: here };
      list.items.push(node);
      open.push(node);
    } else if (text === ")") {
      if (open.length === 1) throw new Error(`line ${line}: a ) without its (`);
      const done = open.pop();
      done.end = end;
      if (done.items[0]?.text?.startsWith("@")) open.at(-1).items.pop();  // an annotation may stand anywhere
    } else if (text[0] === '"' && text.length > 1) {
      list.items.push({ kind: "string", bytes: unescape(text.slice(1, -1)), start, end, line: here });
    } else {
      list.items.push({ kind: "atom", text, start, end, line: here });
    }
  }
  if (open.length > 1) throw new Error(`line ${open.at(-1).line}: a ( without its )`);
  return top.items;
}

function blockCommentEnd(source, start) {
  const mark = /\(;|;\)/g;
  mark.lastIndex = start;
  let depth = 0;
  for (let match; (match = mark.exec(source)); ) {
    depth += match[0] === "(;" ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  throw new Error("a block comment does not end");
}

const SHORT = { t: 9, n: 10, r: 13, '"': 34, "'": 39, "\\": 92 };

/** The bytes that a string literal's contents (spec 6.3.3) stand for. */
function unescape(text) {
  if (!text.includes("\\")) return Buffer.from(text, "latin1");
  const parts = text.replace(/\\(?:u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2})|([^]))/g, (_, unicode, byte, short) => {
    if (unicode) return Buffer.from(String.fromCodePoint(parseInt(unicode.replaceAll("_", ""), 16)), "utf8").toString("latin1");
    if (byte) return String.fromCharCode(parseInt(byte, 16));
    if (!(short in SHORT)) throw new Error(`unknown escape \\${short}`);
    return String.fromCharCode(SHORT[short]);
  });
  return Buffer.from(parts, "latin1");
}

/** Source text in which comments are blanks and strings are ASCII: assemblers refuse some of Unicode in both. */
export function plainText(source, start, end) {
  const token = /;;[^\n\r]*|\(;|"(?:[^"\\]|\\[^])*"/g;
  token.lastIndex = start;
  let out = "", at = start;
  for (let match; (match = token.exec(source)) && match.index < end; at = token.lastIndex) {
    out += source.slice(at, match.index);
    if (match[0][0] === '"') {
      out += match[0].replace(/[\x80-\xff]/g, (c) => "\\" + c.charCodeAt(0).toString(16));
    } else {
      if (match[0] === "(;") token.lastIndex = blockCommentEnd(source, match.index);
      out += " ";
    }
  }
  return out + source.slice(at, end);
}

export const isAtom = (node, text) => node?.kind === "atom" && (text === undefined || node.text === text);
export const isList = (node, head) => node?.kind === "list" && (head === undefined || isAtom(node.items[0], head));
