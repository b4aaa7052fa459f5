// SPDX-License-Identifier: MIT
// Runs one script of the official test suite in wast2json's form against the engine.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/engine/json.h"
#include "tests/engine/linux_host.h"
#include "wasm/runtime/stack.h"
#include "wasm/runtime/store.h"

namespace nebulet::test {

struct Counts {
  unsigned passed = 0, failed = 0, skipped = 0;
};

/// One script: its own store and stack, the module `spectest`, the modules it named and registered.
class Script {
 public:
  explicit Script(std::string directory);
  ~Script();
  Counts run(const Json& script);

 private:
  using Imports = std::map<std::string, wasm::Extern, std::less<>>;

  void command(const Json& command);
  void module_command(const Json& command);
  void assert_return(const Json& command);
  void assert_trap(const Json& command);
  void assert_refused(const Json& command);
  void assert_link_error(const Json& command);

  wasm::Result<wasm::ModuleCodeRef> compile(std::string_view file);
  wasm::Result<wasm::Instantiated> instantiate(wasm::ModuleCodeRef code);
  /// Instantiates and runs the start function. An empty text: all well; else the trap or error.
  std::string start(std::string_view file, wasm::Instance*& instance);
  /// Performs an action; the outcome and the results it left in results_.
  bool perform(const Json& action, wasm::Outcome& outcome);
  wasm::Instance* instance_named(std::string_view name);

  void add_spectest();
  void pass() { ++counts_.passed; }
  void skip() { ++counts_.skipped; }
  void cannot_perform();
  void fail(const std::string& why);

  const std::string directory_;
  LinuxHost host_;
  wasm::Store store_;
  std::unique_ptr<wasm::WasmStack> stack_;
  std::map<std::string, wasm::Instance*, std::less<>> named_;
  std::map<std::string, wasm::Instance*, std::less<>> registered_;
  Imports spectest_;
  wasm::Instance* current_ = nullptr;
  std::vector<wasm::Value> results_;
  std::vector<wasm::ValType> result_types_;
  Counts counts_;
  bool unsupported_ = false;  ///< the last module uses a feature that the engine does not have
  unsigned line_ = 0;
};

}  // namespace nebulet::test
