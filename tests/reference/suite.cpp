// SPDX-License-Identifier: MIT
// suite_reference SCRIPT…: the official suite on the reference interpreter, which it proves. Prints what
// tests/suite/run reads. Refused modules are the validator's matter, so assertions about them are read over,
// as text is.
#include <cstdio>
#include <cstdlib>
#include <format>
#include <map>

#include "tests/reference/values.h"

namespace {

using namespace nebulet;
using namespace nebulet::reference;
using suite::Op, suite::ScriptReader;

bool same_text(std::string_view expected, std::string_view actual) {
  return expected.starts_with(actual) || actual.starts_with(expected);
}

std::string text_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::returned: return "returned";
    case Outcome::Kind::trapped: return std::string("trap: ") + outcome.trap;
    case Outcome::Kind::thrown: return "exception";
    case Outcome::Kind::out_of_fuel: return "out of fuel";
  }
  return {};
}

class Runner {
 public:
  unsigned run(ScriptReader& script) {
    if (script.string() != "wast1") return 1;
    const std::string_view name = script.string();
    std::printf("begin %.*s\n", static_cast<int>(name.size()), name.data());
    for (Op op; (op = static_cast<Op>(script.byte())) != Op::end;) {
      line_ = script.number();
      store_.set_fuel(1'000'000'000);
      command(op, script);
    }
    std::printf("end %.*s: %u passed, %u failed, %u text, 0 of 0 worded\n", static_cast<int>(name.size()),
                name.data(), passed_, failed_, text_);
    return failed_;
  }

 private:
  void fail(const std::string& why) {
    ++failed_;
    std::printf("  line %llu: %s\n", static_cast<unsigned long long>(line_), why.c_str());
  }
  void check(bool ok, const std::string& why) { ok ? static_cast<void>(++passed_) : fail(why); }

  std::optional<Module> module_of(std::span<const std::byte> bytes) {
    return decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }

  /// An empty text: all well.
  std::string start(const std::optional<Module>& module, Instance*& instance) {
    instance = nullptr;
    if (!module) return "not decoded";
    Store::Instantiated made =
        store_.instantiate(*module, [this](const Import& import) { return find(import); });
    if (!made.error.empty()) return made.error;
    if (made.outcome.kind == Outcome::Kind::trapped) return made.outcome.trap;
    if (made.outcome.kind != Outcome::Kind::returned) return text_of(made.outcome);
    instance = made.instance;
    return {};
  }

  std::optional<Extern> find(const Import& import) {
    if (import.module == "spectest") return spectest(import.name);
    const auto found = registered_.find(import.module);
    return found == registered_.end() || !found->second ? std::nullopt
                                                        : found->second->find_export(import.name);
  }

  std::optional<Extern> spectest(const std::string& name) {
    if (const auto found = spectest_.find(name); found != spectest_.end()) return found->second;
    const ValType i32{0x7f}, i64{0x7e}, f32{0x7d}, f64{0x7c}, funcref{0x64, true, heap::func};
    const std::map<std::string, std::vector<ValType>> functions = {{"print", {}},
                                                                   {"print_i32", {i32}},
                                                                   {"print_i64", {i64}},
                                                                   {"print_f32", {f32}},
                                                                   {"print_f64", {f64}},
                                                                   {"print_i32_f32", {i32, f32}},
                                                                   {"print_f64_f64", {f64, f64}}};
    const std::map<std::string, std::pair<ValType, std::uint64_t>> globals = {
        {"global_i32", {i32, 666}},
        {"global_i64", {i64, 666}},
        {"global_f32", {f32, 0x4426a666}},
        {"global_f64", {f64, 0x4084d4cccccccccd}}};
    Extern made;
    if (const auto f = functions.find(name); f != functions.end()) {
      DefType type;
      type.params = f->second;
      made = {.kind = Kind::function,
              .function = store_.host_function(type, [](auto, auto&) { return Outcome{}; })};
    } else if (const auto g = globals.find(name); g != globals.end()) {
      made = {.kind = Kind::global,
              .global = store_.host_global({g->second.first, false}, {g->second.second, 0})};
    } else if (name == "table" || name == "table64") {
      made = {.kind = Kind::table,
              .table = store_.host_table(
                  {funcref, {.min = 10, .max = 20, .has_max = true, .is_64 = name == "table64"}})};
    } else if (name == "memory" || name == "shared_memory") {
      made = {.kind = Kind::memory,
              .memory = store_.host_memory(
                  {.min = 1, .max = 2, .has_max = true, .shared = name == "shared_memory"})};
    } else {
      return std::nullopt;
    }
    return spectest_[name] = made;
  }

  Instance* named(std::string_view name) {
    if (name.empty()) return current_;
    const auto found = instances_.find(std::string(name));
    return found == instances_.end() ? nullptr : found->second;
  }

  void instantiate(std::string_view name, const std::optional<Module>& module) {
    Instance* made;
    if (const std::string why = start(module, made); !why.empty()) fail("module: " + why);
    current_ = made;
    if (!name.empty()) instances_[std::string(name)] = made;
  }

  void define(std::string_view name, std::optional<Module> module) {
    if (!module) fail("module: not decoded");
    last_ = std::move(module);
    if (!name.empty()) definitions_[std::string(name)] = last_;
  }

  struct Performed {
    std::string what, problem;
    Outcome outcome;
    std::vector<Value> results;
  };
  Performed perform(ScriptReader& script) {
    const bool is_get = script.byte();
    const std::string_view module = script.string(), name = script.string();
    std::vector<Value> arguments(script.number());
    for (Value& argument : arguments) argument = read_argument(script);
    Performed done{std::string(name), {}, {}, {}};
    Instance* instance = named(module);
    const auto target = instance ? instance->find_export(name) : std::nullopt;
    if (!target) {
      done.problem = "no such export";
    } else if (is_get) {
      done.results = {target->global->value};
    } else {
      done.outcome = store_.invoke(*target->function, arguments, done.results);
    }
    return done;
  }

  void assert_return(ScriptReader& script) {
    const Performed done = perform(script);
    const std::uint64_t count = script.number();
    bool ok =
        done.problem.empty() && done.outcome.kind == Outcome::Kind::returned && count == done.results.size();
    std::string got = done.problem + text_of(done.outcome);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Value value = i < done.results.size() ? done.results[i] : Value{};
      ok &= match_result(script, store_, value);
      got += " " + describe(value);
    }
    check(ok, std::format("assert_return: {}: got {}", done.what, got));
  }

  void command(Op op, ScriptReader& script) {
    switch (op) {
      case Op::module: {
        const std::string_view name = script.string();
        define(name, module_of(script.bytes()));
        return instantiate(name, last_);
      }
      case Op::definition: {
        const std::string_view name = script.string();
        return define(name, module_of(script.bytes()));
      }
      case Op::instance: {
        const std::string_view name = script.string(), of = script.string();
        return instantiate(name, of.empty() ? last_ : definitions_[std::string(of)]);
      }
      case Op::register_: {
        const std::string as(script.string());
        registered_[as] = named(script.string());
        return;
      }
      case Op::action: {
        const Performed done = perform(script);
        if (!done.problem.empty() || done.outcome.kind != Outcome::Kind::returned)
          fail(std::format("{}: {} {}", done.what, done.problem, text_of(done.outcome)));
        return;
      }
      case Op::assert_return: return assert_return(script);
      case Op::assert_trap:
      case Op::assert_exhaustion: {
        const Performed done = perform(script);
        const std::string_view text = script.string();
        return check(done.problem.empty() && done.outcome.kind == Outcome::Kind::trapped &&
                         same_text(text, done.outcome.trap),
                     std::format("assert_trap: {}: expected {}, got {} {}", done.what, text, done.problem,
                                 text_of(done.outcome)));
      }
      case Op::assert_exception: {
        const Performed done = perform(script);
        return check(
            done.outcome.kind == Outcome::Kind::thrown,
            std::format("assert_exception: {}: got {} {}", done.what, done.problem, text_of(done.outcome)));
      }
      case Op::assert_invalid:
      case Op::assert_malformed:
        script.bytes();
        script.string();
        ++text_;
        return;
      case Op::assert_unlinkable:
      case Op::assert_uninstantiable: {
        const auto module = module_of(script.bytes());
        const std::string_view text = script.string();
        Instance* made;
        const std::string why = start(module, made);
        return check(
            !why.empty() && (same_text(text, why) || (op == Op::assert_unlinkable && why == "exception")),
            std::format("expected {}, got {}", text, why));
      }
      case Op::text:
        script.string();
        ++text_;
        return;
      case Op::unassembled: return fail(std::format("the assembler refused the module: {}", script.string()));
      case Op::end: return;
    }
    std::printf("  a command that the runner does not know\n");
    std::exit(2);
  }

  Store store_;
  std::map<std::string, Extern> spectest_;
  std::map<std::string, std::optional<Module>> definitions_;
  std::map<std::string, Instance*> instances_, registered_;
  std::optional<Module> last_;
  Instance* current_ = nullptr;
  unsigned passed_ = 0, failed_ = 0, text_ = 0;
  std::uint64_t line_ = 0;
};

std::vector<std::byte> read_file(const char* path) {
  std::vector<std::byte> bytes;
  std::FILE* file = std::fopen(path, "rb");
  if (!file) {
    std::fprintf(stderr, "suite_reference: %s cannot be opened\n", path);
    std::exit(2);
  }
  std::byte buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file))
    bytes.insert(bytes.end(), buffer, buffer + count);
  std::fclose(file);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  unsigned failed = 0;
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::byte> bytes = read_file(argv[i]);
    ScriptReader script(bytes);
    while (!script.at_end()) failed += Runner().run(script);
  }
  return failed ? 1 : 0;
}
