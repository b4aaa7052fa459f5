// SPDX-License-Identifier: MIT
#include "base/assert.h"

namespace nebulet {
namespace {
PanicHandler g_handler = nullptr;
}

void set_panic_handler(PanicHandler handler) { g_handler = handler; }

void panic(const char* message, std::source_location where) {
  if (g_handler) g_handler(message, where.file_name(), where.line());
  __builtin_trap();
}

}  // namespace nebulet
