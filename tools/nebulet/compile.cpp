// SPDX-License-Identifier: MIT
#include "tools/nebulet/compile.h"

#include "base/result.h"
#include "tools/nebulet/files.h"
#include "wasm/compile.h"
#include "wasm/object/code_file.h"

namespace nebulet::tool {

Result<> compile_file(const std::string& input, const std::string& output) {
  const auto refuse = [&](const wasm::Error& error) {
    return fail("{}: at byte {:#x}: {}", input, error.offset, error.message);
  };
  const auto bytes = TRY(read_file(input));
  const auto module = wasm::decode_module(bytes);
  if (!module) return refuse(module.error());
  const auto code = wasm::compile_module(*module);
  if (!code) return refuse(code.error());
  return write_file(output, wasm::write_code_file(**code, *module));
}

}  // namespace nebulet::tool
