// SPDX-License-Identifier: MIT
// One .wast script as the runner's binary script: its commands with their modules assembled. tests/suite/script.h reads it.
import { hasFoldedTry, unfold } from "./legacy.mjs";
import { Output } from "./output.mjs";
import { isAtom, isList, plainText, read } from "./reader.mjs";
import { writeValue } from "./values.mjs";

const OP = {
  end: 0, module: 1, definition: 2, instance: 3, register: 4, action: 5, assert_return: 6, assert_trap: 7, assert_exhaustion: 8,
  assert_exception: 9, assert_invalid: 10, assert_malformed: 11, assert_unlinkable: 12, assert_uninstantiable: 13, text: 14, unassembled: 15,
};
const ABOUT_MODULES = new Set(["assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable"]);
const ABOUT_ACTIONS = new Set(["assert_return", "assert_trap", "assert_exhaustion", "assert_exception"]);

/** `parse(text)` gives a module's bytes or throws; the result is the script's bytes. */
export function assembleScript(name, bytes, parse) {
  const source = bytes.toString("latin1");
  const writer = new Writer(source, parse);
  writer.out.string("wast1").string(name);
  const forms = read(source);
  if (forms.length && !writer.isCommand(forms[0])) {
    writer.inlineModule(forms[0]);  // a file that is the fields of one module
  } else {
    for (const form of forms) writer.command(form);
  }
  return Buffer.from(writer.out.byte(OP.end).bytes());
}

class Writer {
  out = new Output();

  constructor(source, parse) {
    this.source = source;
    this.parse = parse;
  }

  isCommand(form) {
    const head = isList(form) ? form.items[0]?.text : undefined;
    return head in OP || head === "invoke" || head === "get";
  }

  command(form) {
    const [head, ...rest] = form.items;
    const kind = head.text;
    if (kind === "module") this.module(form);
    else if (kind === "register") this.op("register", form).string(rest[0].bytes).string(rest[1]?.text ?? "");
    else if (kind === "invoke" || kind === "get") this.action(this.op("action", form), form);
    else if (ABOUT_MODULES.has(kind) || (kind === "assert_trap" && isList(rest[0], "module"))) this.assertModule(form);
    else if (ABOUT_ACTIONS.has(kind)) this.assertAction(form);
    else throw new Error(`line ${form.line}: the command ${kind} is not known`);
  }

  op(name, form) {
    return this.out.byte(OP[name]).u64(form.line);
  }

  module(form) {
    const parts = moduleParts(form);
    if (parts.kind === "instance") return void this.op("instance", form).string(parts.name).string(parts.of);
    const made = this.assemble(form, parts);
    if (made.bytes) this.op(parts.kind === "definition" ? "definition" : "module", form).string(parts.name).string(made.bytes);
    else this.op("unassembled", form).string(made.error);
  }

  inlineModule(first) {
    const made = this.assembleText(plainText(this.source, first.start, this.source.length));
    if (made.bytes) this.op("module", first).string("").string(made.bytes);
    else this.op("unassembled", first).string(made.error);
  }

  action(out, form) {
    const items = form.items.slice(1);
    const name = isAtom(items[0]) ? items.shift().text : "";
    out.byte(form.items[0].text === "get" ? 1 : 0).string(name).string(items.shift().bytes).u64(items.length);
    for (const value of items) writeValue(out, value);
  }

  assertAction(form) {
    const [head, action, ...rest] = form.items;
    const out = this.op(head.text, form);
    this.action(out, action);
    if (head.text === "assert_return") {
      out.u64(rest.length);
      for (const value of rest) writeValue(out, value);
    } else if (head.text !== "assert_exception") {
      out.string(rest[0].bytes);
    }
  }

  assertModule(form) {
    const [head, module, text] = form.items;
    const made = this.assemble(module, moduleParts(module));
    if (made.bytes) {
      this.op(head.text === "assert_trap" ? "assert_uninstantiable" : head.text, form).string(made.bytes).string(text.bytes);
    } else if (head.text === "assert_malformed" || head.text === "assert_invalid") {
      this.op("text", form).string(made.error);  // the assembler refused it, so no engine can be asked
    } else {
      this.op("unassembled", form).string(made.error);
    }
  }

  /** {bytes} or {error}. */
  assemble(form, parts) {
    if (parts.kind === "binary" || parts.body === "binary") return { bytes: Buffer.concat(parts.strings) };
    if (parts.body === "quote") {
      const bytes = Buffer.concat(parts.strings);
      const text = bytes.toString("utf8");
      if (!Buffer.from(text, "utf8").equals(bytes)) return { error: "malformed UTF-8 encoding" };
      return this.assembleText(text.trim() === "" ? "(module)" : text);
    }
    if (parts.kind === "definition") return this.assembleText(`(module ${plainText(this.source, parts.fields, form.end)}`);
    return this.assembleText(plainText(this.source, form.start, form.end));
  }

  assembleText(text) {
    try {
      return { bytes: this.parse(hasFoldedTry(text) ? unfold(read(text)) : text) };
    } catch (error) {
      return { error: String(error.payload ?? error.message ?? error) };
    }
  }
}

/** (module [definition] $name? [binary | quote] "…"* | field*) or (module instance $name? $of?) */
function moduleParts(form) {
  const items = form.items.slice(1);
  const parts = { kind: "module", name: "", of: "", body: "text", strings: [], fields: form.items[0].end };
  const take = () => {
    parts.fields = items[0].end;
    return items.shift().text;
  };
  if (isAtom(items[0], "definition") || isAtom(items[0], "instance")) parts.kind = take();
  if (isAtom(items[0]) && items[0].text.startsWith("$")) parts.name = take();
  if (parts.kind === "instance") {
    if (isAtom(items[0])) parts.of = take();
  } else if (isAtom(items[0], "binary") || isAtom(items[0], "quote")) {
    parts.body = take();
    parts.strings = items.map((item) => item.bytes);
  }
  return parts;
}
