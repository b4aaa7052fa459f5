// SPDX-License-Identifier: MIT
#include "tools/nebulet/compile.h"

#include <string>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/progress.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::tool {

namespace {

struct Told {
  const wasm::Module& module;
  const std::string& name;
  Progress progress = {};
};

wasm::Result<> before_function(void* state, const wasm::CompileProgress& at) {
  auto& told = *static_cast<Told*>(state);
  told.progress.say(
      std::format("compiling {}: function {} of {}", told.name, at.function, told.module.functions.size()));
  return {};
}

}  // namespace

Result<std::vector<std::byte>> compile_bytes(std::span<const std::byte> bytes, const std::string& name) {
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", name, error.offset, error.message);
  };
  const auto module = wasm::decode_module(bytes);
  if (!module) return refuse(module.error());
  Told told{.module = *module, .name = name};
  const auto code =
      wasm::compile_module(*module, nullptr, {.before_function = before_function, .state = &told});
  if (!code) return refuse(code.error());
  return wasm::write_code_file(**code, *module);
}

Result<> compile_file(const CompileOptions& options) {
  const auto module = TRY(read_module(options.file));
  const auto code = TRY(compile_bytes(module, options.file));
  return write_file(options.output.empty() ? options.file + ".code" : options.output, code);
}

}  // namespace nebulet::tool
