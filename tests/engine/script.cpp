// SPDX-License-Identifier: MIT
#include "tests/engine/script.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/result.h"
#include "tests/engine/files.h"
#include "tests/engine/values.h"
#include "wasm/compile.h"

namespace nebulet::test {

using namespace wasm;

namespace {

// spectest's functions print in the reference interpreter; the suite does not look at what they print.
void print() {}

/// `expected` may list alternatives with `|`: what other engines say is not always as precise.
bool same_trap(std::string_view expected, Trap trap) {
  const std::string_view actual = ir::trap_text(trap);
  for (;;) {
    const std::size_t bar = expected.find('|');
    const std::string_view one = expected.substr(0, bar);
    if (one.starts_with(actual) || actual.starts_with(one)) return true;
    if (bar == std::string_view::npos) return false;
    expected.remove_prefix(bar + 1);
  }
}

}  // namespace

Script::Script(std::string directory)
    : directory_(std::move(directory)), store_(host_), stack_(WasmStack::create(host_, nullptr)) {
  add_spectest();
}

Script::~Script() = default;

void Script::add_spectest() {
  const FuncType types[] = {{},           {{kI32}, {}},       {{kI64}, {}},      {{kF32}, {}},
                            {{kF64}, {}}, {{kI32, kF32}, {}}, {{kF64, kF64}, {}}};
  const char* const names[] = {"print",     "print_i32",     "print_i64",    "print_f32",
                               "print_f64", "print_i32_f32", "print_f64_f64"};
  for (int i = 0; i < 7; ++i) spectest_.emplace(names[i], *store_.host_function(types[i], print, nullptr));
  spectest_.emplace("global_i32", *store_.host_global({.type = kI32}, {.low = 666}));
  spectest_.emplace("global_i64", *store_.host_global({.type = kI64}, {.low = 666}));
  spectest_.emplace("global_f32", *store_.host_global({.type = kF32}, {.low = 0x4426a666}));
  spectest_.emplace("global_f64", *store_.host_global({.type = kF64}, {.low = 0x4084d4cccccccccd}));
  spectest_.emplace(
      "table", *store_.host_table({.element = kFuncRef, .limits = {.min = 10, .max = 20, .has_max = true}}));
  spectest_.emplace("memory", *store_.host_memory({.limits = {.min = 1, .max = 2, .has_max = true}}));
}

void Script::fail(const std::string& why) {
  ++counts_.failed;
  std::printf("  line %u: %s\n", line_, why.c_str());
}

void Script::cannot_perform() {
  // The actions on a module that uses a feature beyond the engine are skipped with it.
  if (unsupported_ && !current_) return skip();
  fail("the action could not be performed");
}

Counts Script::run(const Json& script) {
  const Json* commands = script.find("commands");
  if (!commands) return {.failed = 1};
  for (const Json& item : commands->items) command(item);
  return counts_;
}

void Script::command(const Json& command) {
  const std::string_view type = command["type"], line = command["line"];
  std::from_chars(line.data(), line.data() + line.size(), line_);
  if (std::getenv("ENGINE_RUN_VERBOSE"))
    std::fprintf(stderr, "line %u %s\n", line_, std::string(type).c_str());
  if (type == "module") return module_command(command);
  if (type == "register") {
    registered_[std::string(command["as"])] = instance_named(command["name"]);
    return;
  }
  if (type == "action") {
    Outcome outcome;
    if (!perform(*command.find("action"), outcome)) return cannot_perform();
    return outcome.kind == Outcome::Kind::returned
               ? pass()
               : fail(std::string("trapped: ") + ir::trap_text(outcome.trap));
  }
  if (type == "assert_return") return assert_return(command);
  if (type == "assert_trap" || type == "assert_exhaustion") return assert_trap(command);
  if (type == "assert_invalid" || type == "assert_malformed") return assert_refused(command);
  if (type == "assert_unlinkable" || type == "assert_uninstantiable") return assert_link_error(command);
  ++counts_.skipped;
}

Result<ModuleCodeRef> Script::compile(std::string_view file) {
  std::vector<std::byte> bytes = read_file(directory_ + "/" + std::string(file));
  Module module = TRY(decode_module(bytes));
  std::unique_ptr<CodeObject> code = TRY(compile_module(module));
  return ModuleCode::create(host_, std::move(bytes), std::move(module), std::move(*code));
}

Result<Instantiated> Script::instantiate(ModuleCodeRef code) {
  std::vector<Extern> imports;
  for (const Import& import : code->module().imports) {
    std::optional<Extern> found;
    if (import.module == "spectest") {
      if (auto it = spectest_.find(import.name); it != spectest_.end()) found = it->second;
    } else if (auto it = registered_.find(import.module); it != registered_.end() && it->second) {
      found = it->second->find_export(import.name);
    }
    if (!found) {
      return std::unexpected(
          Error{Error::Kind::unlinkable, import.position,
                "unknown import " + std::string(import.module) + "." + std::string(import.name)});
    }
    imports.push_back(*found);
  }
  return store_.instantiate(std::move(code), imports);
}

std::string Script::start(std::string_view file, Instance*& instance) {
  instance = nullptr;
  auto code = compile(file);
  if (!code && code.error().kind == Error::Kind::limit) unsupported_ = true;
  if (!code) return "refused: " + code.error().message + " at " + std::to_string(code.error().offset);
  auto made = instantiate(*code);
  if (!made) return made.error().message;
  if (made->trap) return ir::trap_text(*made->trap);
  if ((*code)->module().start) {
    const Outcome outcome = invoke(*stack_, made->instance->function(*(*code)->module().start), {}, {});
    if (outcome.kind != Outcome::Kind::returned) return ir::trap_text(outcome.trap);
  }
  instance = made->instance;
  return {};
}

void Script::module_command(const Json& command) {
  unsupported_ = false;
  const std::string why = start(command["filename"], current_);
  if (const std::string_view name = command["name"]; !name.empty()) named_[std::string(name)] = current_;
  if (why.empty()) return pass();
  if (unsupported_) return skip();
  fail("module " + std::string(command["filename"]) + ": " + why);
}

Instance* Script::instance_named(std::string_view name) {
  if (name.empty()) return current_;
  const auto found = named_.find(name);
  return found == named_.end() ? nullptr : found->second;
}

bool Script::perform(const Json& action, Outcome& outcome) {
  Instance* instance = instance_named(action["module"]);
  if (!instance) return false;
  const auto target = instance->find_export(action["field"]);
  if (!target) return false;
  if (action["type"] == "get") {
    results_ = {*target->global->cell};
    result_types_ = {target->global->type.type};
    return true;
  }
  Function& function = *target->function;
  std::vector<Value> args;
  for (const Json& arg : action.find("args")->items) args.push_back(parse_value(arg));
  if (args.size() != function.type->params.size()) return false;
  result_types_ = function.type->results;
  results_.assign(result_types_.size(), {});
  outcome = invoke(*stack_, function, args, results_);
  return true;
}

void Script::assert_return(const Json& command) {
  Outcome outcome;
  if (!perform(*command.find("action"), outcome)) return cannot_perform();
  if (outcome.kind != Outcome::Kind::returned)
    return fail(std::string("trapped: ") + ir::trap_text(outcome.trap));
  const std::vector<Json>& expected = command.find("expected")->items;
  if (expected.size() != results_.size()) return fail("wrong number of results");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!value_matches(expected[i], results_[i])) {
      return fail(std::string((*command.find("action"))["field"]) + ": result is " +
                  hexadecimal(results_[i]) + ", expected " + describe_expected(expected[i]));
    }
  }
  pass();
}

void Script::assert_trap(const Json& command) {
  if (!command.find("action")) return assert_link_error(command);
  Outcome outcome;
  if (!perform(*command.find("action"), outcome)) return cannot_perform();
  const std::string text(command["text"]);
  if (outcome.kind != Outcome::Kind::trapped) return fail("returned, expected the trap " + text);
  if (!same_trap(text, outcome.trap))
    return fail(std::string("trap ") + ir::trap_text(outcome.trap) + ", expected " + text);
  pass();
}

void Script::assert_refused(const Json& command) {
  if (command["module_type"] != "binary") {
    ++counts_.skipped;  // a matter of the text format
    return;
  }
  auto code = compile(command["filename"]);
  const std::string what =
      std::string(command["filename"]) + ": expected \"" + std::string(command["text"]) + "\", ";
  if (code) return fail(what + "it was accepted");
  // Refused is refused: the suite and decoders differ in what is malformed and what invalid. A code that the
  // compiler got wrong and the verifier rejected is another thing.
  if (code.error().kind == Error::Kind::rejected || code.error().kind == Error::Kind::out_of_memory) {
    return fail(what + "got " + code.error().message);
  }
  pass();
}

void Script::assert_link_error(const Json& command) {
  Instance* instance;
  const std::string why = start(command["filename"], instance);
  const std::string_view text = command["text"];
  if (instance) return fail("instantiated, expected \"" + std::string(text) + "\"");
  if (std::string_view(why).starts_with(text) || text.starts_with(why)) return pass();
  fail("got \"" + why + "\", expected \"" + std::string(text) + "\"");
}

}  // namespace nebulet::test
