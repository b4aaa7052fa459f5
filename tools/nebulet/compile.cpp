// SPDX-License-Identifier: MIT
#include "tools/nebulet/compile.h"

#include <string>

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::tool {

Result<> compile_file(const CompileOptions& options) {
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", options.file, error.offset, error.message);
  };
  const auto bytes = TRY(read_module(options.file));
  const auto module = wasm::decode_module(bytes);
  if (!module) return refuse(module.error());
  const auto code = wasm::compile_module(*module);
  if (!code) return refuse(code.error());
  const std::string output = options.output.empty() ? options.file + ".code" : options.output;
  return write_file(output, wasm::write_code_file(**code, *module));
}

}  // namespace nebulet::tool
