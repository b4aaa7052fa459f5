// SPDX-License-Identifier: MIT
// args_* and environ_*: the strings that the process was started with.
#include <vector>

#include "base/result.h"
#include "user/wasi/caller.h"
#include "user/wasi/export.h"
#include "user/wasi/startup.h"

namespace nebulet::wasi {
namespace {

using Strings = std::vector<std::string>;

Result<> store_sizes(const Strings& strings, Address count_at, Address bytes_at) {
  std::size_t bytes = 0;
  for (const auto& text : strings) bytes += text.size() + 1;
  TRY(store(count_at, static_cast<std::uint32_t>(strings.size())));
  return store(bytes_at, static_cast<std::uint32_t>(bytes));
}

/// Stores the strings, each with a NUL, one after the other at `buffer`, and their addresses at `array`.
Result<> store_strings(const Strings& strings, Address array, Address buffer) {
  std::vector<Address> addresses;
  std::vector<char> bytes;
  for (const auto& text : strings) {
    addresses.push_back(buffer + static_cast<Address>(bytes.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.push_back('\0');
  }
  TRY(write_caller(array, std::as_bytes(std::span(addresses))));
  return write_caller(buffer, std::as_bytes(std::span(bytes)));
}

}  // namespace

WASI_EXPORT(args_sizes_get, (Address count, Address bytes), (count, bytes)) {
  return code(store_sizes(Startup::get().given.arguments, count, bytes));
}
WASI_EXPORT(args_get, (Address array, Address buffer), (array, buffer)) {
  return code(store_strings(Startup::get().given.arguments, array, buffer));
}
WASI_EXPORT(environ_sizes_get, (Address count, Address bytes), (count, bytes)) {
  return code(store_sizes(Startup::get().given.environment, count, bytes));
}
WASI_EXPORT(environ_get, (Address array, Address buffer), (array, buffer)) {
  return code(store_strings(Startup::get().given.environment, array, buffer));
}

}  // namespace nebulet::wasi
