// SPDX-License-Identifier: MIT
#include "tests/suite/runner.h"

#include <format>

#include "base/result.h"
#include "tests/suite/values.h"
#include "wasm/compile.h"
#include "wasm/runtime/gc_store.h"

namespace nebulet::suite {

using namespace wasm;

namespace {

/// The suite's texts are prefixes of what engines say, or the other way round.
bool same_text(std::string_view expected, std::string_view actual) {
  return expected.starts_with(actual) || actual.starts_with(expected);
}

bool same_trap(std::string_view expected, Trap trap) {
  // The suite tells null references of kinds apart; the engine has one trap for them.
  if (trap == Trap::null_reference && expected.starts_with("null ") && expected.ends_with("reference"))
    return true;
  return same_text(expected, ir::trap_text(trap));
}

std::string_view kind_name(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::malformed: return "malformed";
    case Error::Kind::invalid: return "invalid";
    case Error::Kind::limit: return "beyond a limit";
    case Error::Kind::unlinkable: return "unlinkable";
    case Error::Kind::rejected: return "rejected by the verifier";
    case Error::Kind::out_of_memory: return "out of memory";
    case Error::Kind::cancelled: return "cancelled";
  }
  return "";
}

std::string text_of(const Error& error) {
  return std::format("{} at {}: {}", kind_name(error.kind), error.offset, error.message);
}

std::string text_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::returned: return "returned";
    case Outcome::Kind::trapped: return std::format("trap: {}", ir::trap_text(outcome.trap));
    case Outcome::Kind::unwound: return "unwound";
    case Outcome::Kind::thrown: return "an uncaught exception";
  }
  return "";
}

}  // namespace

Runner::Runner(Host& host, WasmStack& stack, Print print, const Settings& settings)
    : print_(print), settings_(settings), stack_(stack), host_(host), store_(host), spectest_(store_) {
  if (settings.stress == GcHeap::Stress::none && settings.heap_bytes == 0) return;
  StoreGc* gc = store_.make_gc();
  if (!gc) return;
  gc->heap().set_stress(settings.stress);
  if (settings.heap_bytes) gc->heap().set_limit(settings.heap_bytes);
  if (settings.observer) gc->heap().set_observer(*settings.observer);
}

Runner::~Runner() = default;

void Runner::fail(std::string_view why) {
  ++counts_.failed;
  print_(std::format("  line {}: {}", line_, why));
}

Counts Runner::run(ScriptReader& script) {
  if (script.string() != "wast1") {
    print_("this is no script of this runner's version");
    return {.failed = 1};
  }
  const std::string_view name = script.string();
  print_(std::format("begin {}", name));
  for (Op op; (op = static_cast<Op>(script.byte())) != Op::end;) {
    line_ = script.number();
    command(op, script);
  }
  print_(std::format("end {}: {} passed, {} failed, {} text, {} of {} worded", name, counts_.passed,
                     counts_.failed, counts_.text, counts_.worded, counts_.refusals));
  return counts_;
}

void Runner::command(Op op, ScriptReader& script) {
  switch (op) {
    case Op::module: return module(script);
    case Op::definition: return definition(script);
    case Op::instance: return instance(script);
    case Op::register_: return register_instance(script);
    case Op::action: return action(script);
    case Op::assert_return: return assert_return(script);
    case Op::assert_trap:
    case Op::assert_exhaustion: return assert_trap(script);
    case Op::assert_exception: return assert_exception(script);
    case Op::assert_invalid:
    case Op::assert_malformed: return assert_refused(op, script);
    case Op::assert_unlinkable: return assert_unlinkable(script);
    case Op::assert_uninstantiable: return assert_uninstantiable(script);
    case Op::text:
      script.string();
      ++counts_.text;
      return;
    case Op::unassembled: return fail(std::format("the assembler refused the module: {}", script.string()));
    case Op::end: return;
  }
  fail("a command that the runner does not know");
}

Result<ModuleCodeRef> Runner::compile(std::span<const std::byte> bytes) {
  Module module = TRY(decode_module(bytes));
  std::unique_ptr<CodeObject> code = TRY(compile_module(module, nullptr, {}, settings_.effort));
  // The script's bytes outlive the store, so the module need not keep them.
  return ModuleCode::create(host_, {}, std::move(module), std::move(*code));
}

Result<Instantiated> Runner::instantiate(ModuleCodeRef code) {
  std::vector<Extern> imports;
  for (const Import& import : code->module().imports) {
    std::optional<Extern> found;
    if (import.module == "spectest") {
      found = spectest_.find(import.name);
    } else if (auto it = registered_.find(import.module); it != registered_.end() && it->second) {
      found = it->second->find_export(import.name);
    }
    if (!found)
      return std::unexpected(Error{Error::Kind::unlinkable, import.position,
                                   std::format("unknown import {}.{}", import.module, import.name)});
    imports.push_back(*found);
  }
  return store_.instantiate(std::move(code), imports);
}

std::string Runner::start(ModuleCodeRef code, Instance*& instance) {
  instance = nullptr;
  auto made = instantiate(code);
  if (!made) return made.error().message;
  if (made->trap) return ir::trap_text(*made->trap);
  if (code->module().start) {
    const Outcome outcome = invoke(stack_, made->instance->function(*code->module().start), {}, {});
    if (outcome.kind == Outcome::Kind::trapped) return ir::trap_text(outcome.trap);
    if (outcome.kind != Outcome::Kind::returned) return text_of(outcome);
  }
  instance = made->instance;
  return {};
}

void Runner::name_instance(std::string_view name, Instance* instance) {
  current_ = instance;
  if (!name.empty()) instances_[std::string(name)] = instance;
}

void Runner::module(ScriptReader& script) {
  const std::string_view name = script.string();
  Instance* made = nullptr;
  const auto code = compile(script.bytes());
  if (!code) {
    fail(std::format("module: expected to be accepted, got {}", text_of(code.error())));
  } else {
    last_definition_ = *code;
    if (!name.empty()) definitions_[std::string(name)] = *code;
    if (const std::string why = start(*code, made); !why.empty())
      fail(std::format("module: expected to be instantiated, got {}", why));
  }
  name_instance(name, made);
}

void Runner::definition(ScriptReader& script) {
  const std::string_view name = script.string();
  const auto code = compile(script.bytes());
  last_definition_ = code ? *code : nullptr;
  if (!name.empty()) definitions_[std::string(name)] = last_definition_;
  if (!code) fail(std::format("module definition: expected to be accepted, got {}", text_of(code.error())));
}

void Runner::instance(ScriptReader& script) {
  const std::string_view name = script.string(), of = script.string();
  ModuleCodeRef code = last_definition_;
  if (!of.empty()) {
    const auto found = definitions_.find(of);
    code = found == definitions_.end() ? nullptr : found->second;
  }
  Instance* made = nullptr;
  const std::string why = code ? start(code, made) : "there is no such definition";
  if (!why.empty()) fail(std::format("module instance: {}", why));
  name_instance(name, made);
}

void Runner::register_instance(ScriptReader& script) {
  const std::string as(script.string());
  registered_[as] = instance_named(script.string());
  if (!registered_[as]) fail(std::format("register \"{}\": there is no such instance", as));
}

Instance* Runner::instance_named(std::string_view name) {
  if (name.empty()) return current_;
  const auto found = instances_.find(name);
  return found == instances_.end() ? nullptr : found->second;
}

Runner::Performed Runner::perform(ScriptReader& script) {
  const bool is_get = script.byte();
  const std::string_view module = script.string(), name = script.string();
  std::vector<Value> arguments(script.number());
  for (Value& argument : arguments) argument = read_argument(script);
  Performed performed{
      .problem = {}, .outcome = {}, .what = std::format("{} \"{}\"", is_get ? "get" : "invoke", name)};
  results_.clear();
  types_.clear();
  Instance* instance = instance_named(module);
  if (!instance) {
    performed.problem = "there is no instance";
    return performed;
  }
  const auto target = instance->find_export(name);
  if (!target || target->kind != (is_get ? ExternKind::global : ExternKind::function)) {
    performed.problem = "there is no such export";
  } else if (is_get) {
    results_ = {*target->global->cell};
    types_ = {target->global->type.type};
  } else if (Function& function = *target->function; function.type->params.size() != arguments.size()) {
    performed.problem = "the function takes another number of arguments";
  } else {
    types_ = function.type->results;
    results_.resize(types_.size());
    performed.outcome = invoke(stack_, function, arguments, results_);
  }
  return performed;
}

void Runner::action(ScriptReader& script) {
  const Performed done = perform(script);
  if (!done.problem.empty()) return fail(std::format("{}: {}", done.what, done.problem));
  if (done.outcome.kind != Outcome::Kind::returned)
    fail(std::format("{}: expected to return, got {}", done.what, text_of(done.outcome)));
}

void Runner::assert_return(ScriptReader& script) {
  const Performed done = perform(script);
  const std::uint64_t count = script.number();
  std::string expected, got, why = done.problem;
  bool ok = why.empty();
  if (ok && done.outcome.kind != Outcome::Kind::returned) why = text_of(done.outcome);
  if (why.empty() && count != results_.size())
    why = std::format("{} results, not {}", results_.size(), count);
  ok = why.empty();
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool have = why.empty();
    const Match match =
        match_result(script, store_, have ? types_[i] : ValType{}, have ? results_[i] : Value{});
    expected += (i ? ", " : "") + match.expected;
    ok &= match.ok;
    if (have) got += (i ? ", " : "") + describe(types_[i], results_[i]);
  }
  if (ok) return pass();
  fail(std::format("assert_return: {}: expected {}, got {}", done.what,
                   expected.empty() ? "no results" : expected, why.empty() ? got : why));
}

void Runner::assert_trap(ScriptReader& script) {
  const Performed done = perform(script);
  const std::string_view text = script.string();
  if (!done.problem.empty()) return fail(std::format("assert_trap: {}: {}", done.what, done.problem));
  if (done.outcome.kind == Outcome::Kind::trapped && same_trap(text, done.outcome.trap)) return pass();
  fail(std::format("assert_trap: {}: expected trap: {}, got {}", done.what, text, text_of(done.outcome)));
}

void Runner::assert_exception(ScriptReader& script) {
  const Performed done = perform(script);
  if (!done.problem.empty()) return fail(std::format("assert_exception: {}: {}", done.what, done.problem));
  if (done.outcome.kind == Outcome::Kind::thrown) return pass();
  fail(std::format("assert_exception: {}: expected an exception, got {}", done.what, text_of(done.outcome)));
}

void Runner::assert_refused(Op op, ScriptReader& script) {
  const bool invalid = op == Op::assert_invalid;
  const auto code = compile(script.bytes());
  const std::string_view text = script.string();
  const std::string_view name = invalid ? "assert_invalid" : "assert_malformed";
  if (code) return fail(std::format("{}: expected \"{}\", got a module that was accepted", name, text));
  if (code.error().kind != (invalid ? Error::Kind::invalid : Error::Kind::malformed))
    return fail(std::format("{}: expected \"{}\", got {}", name, text, text_of(code.error())));
  pass();
  ++counts_.refusals;
  if (same_text(text, code.error().message)) {
    ++counts_.worded;
  } else {
    print_(std::format("  words {}: {}: \"{}\", got {}", line_, name, text, text_of(code.error())));
  }
}

void Runner::assert_unlinkable(ScriptReader& script) {
  const auto code = compile(script.bytes());
  const std::string_view text = script.string();
  if (!code)
    return fail(std::format("assert_unlinkable: expected \"{}\", got {}", text, text_of(code.error())));
  const auto made = instantiate(*code);
  if (made) return fail(std::format("assert_unlinkable: expected \"{}\", got an instance", text));
  if (made.error().kind == Error::Kind::unlinkable && same_text(text, made.error().message)) return pass();
  fail(std::format("assert_unlinkable: expected \"{}\", got {}", text, text_of(made.error())));
}

void Runner::assert_uninstantiable(ScriptReader& script) {
  const auto code = compile(script.bytes());
  const std::string_view text = script.string();
  if (!code)
    return fail(std::format("assert_trap: module: expected \"{}\", got {}", text, text_of(code.error())));
  Instance* instance;
  const std::string why = start(*code, instance);
  if (instance) return fail(std::format("assert_trap: module: expected \"{}\", got an instance", text));
  if (same_text(text, why)) return pass();
  fail(std::format("assert_trap: module: expected \"{}\", got {}", text, why));
}

}  // namespace nebulet::suite
