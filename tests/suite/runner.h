// SPDX-License-Identifier: MIT
// Runs the official test suite's scripts on the engine. Knows nothing of where it runs: it is given a Host
// for each script, a wasm stack, and a function that prints.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/suite/script.h"
#include "tests/suite/spectest.h"
#include "wasm/compile.h"
#include "wasm/error.h"
#include "wasm/runtime/gc_heap.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace nebulet::suite {

struct Counts {
  unsigned passed = 0;                ///< assertions
  unsigned failed = 0;                ///< assertions, and other commands
  unsigned text = 0;                  ///< assertions about text that the assembler decided
  unsigned refusals = 0, worded = 0;  ///< modules refused as expected; with the spec's words
};

using Print = void (*)(std::string_view line);

/// What is to be made harder than usual.
struct Settings {
  wasm::Effort effort = wasm::Effort::automatic;
  wasm::GcHeap::Stress stress = wasm::GcHeap::Stress::none;
  std::uint64_t heap_bytes = 0;                ///< limit of the heap of objects, if not 0
  wasm::GcHeap::Observer* observer = nullptr;  ///< of that heap
};

/// One script: its own store, the module `spectest`, the instances it named and registered.
class Runner {
 public:
  Runner(wasm::Host& host, wasm::WasmStack& stack, Print print, const Settings& settings = {});
  ~Runner();
  /// Prints "begin NAME", a line for each failure, and "end NAME …" with the counts.
  Counts run(ScriptReader& script);
  wasm::Store& store() { return store_; }

 private:
  void command(Op op, ScriptReader& script);
  void module(ScriptReader& script);
  void definition(ScriptReader& script);
  void instance(ScriptReader& script);
  void register_instance(ScriptReader& script);
  void action(ScriptReader& script);
  void assert_return(ScriptReader& script);
  void assert_trap(ScriptReader& script);
  void assert_exception(ScriptReader& script);
  void assert_refused(Op op, ScriptReader& script);
  void assert_unlinkable(ScriptReader& script);
  void assert_uninstantiable(ScriptReader& script);

  wasm::Result<wasm::ModuleCodeRef> compile(std::span<const std::byte> bytes);
  wasm::Result<wasm::Instantiated> instantiate(wasm::ModuleCodeRef code);
  /// Instantiates and runs the start function. An empty text: all well; else the trap, exception or error.
  std::string start(wasm::ModuleCodeRef code, wasm::Instance*& instance);
  void name_instance(std::string_view name, wasm::Instance* instance);

  /// What an action did; results and their types are in results_ and types_.
  struct Performed {
    std::string problem;  ///< it could not be performed
    wasm::Outcome outcome;
    std::string what;  ///< in the words of the script
  };
  Performed perform(ScriptReader& script);
  wasm::Instance* instance_named(std::string_view name);

  void fail(std::string_view why);
  void pass() { ++counts_.passed; }

  const Print print_;
  const Settings settings_;
  wasm::WasmStack& stack_;
  wasm::Host& host_;
  wasm::Store store_;
  Spectest spectest_;
  std::map<std::string, wasm::ModuleCodeRef, std::less<>> definitions_;
  std::map<std::string, wasm::Instance*, std::less<>> instances_;
  std::map<std::string, wasm::Instance*, std::less<>> registered_;
  wasm::ModuleCodeRef last_definition_;
  wasm::Instance* current_ = nullptr;
  std::vector<wasm::Value> results_;
  std::vector<wasm::ValType> types_;
  Counts counts_;
  std::uint64_t line_ = 0;
};

}  // namespace nebulet::suite
