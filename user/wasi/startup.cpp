// SPDX-License-Identifier: MIT
#include "user/wasi/startup.h"

#include <utility>

namespace nebulet::wasi {
namespace {

Startup* read() {
  auto* startup = new Startup{.given = sdk::Given::get(), .preopens = {}};
  for (auto& [server, path, attach_name] : startup->given.preopens)
    startup->preopens.push_back({std::move(path), server, std::move(attach_name)});
  for (auto& [quota, path] : startup->given.memory_directories)
    startup->preopens.push_back({.name = std::move(path), .memory_quota = quota});
  return startup;
}

}  // namespace

const Startup& Startup::get() {
  static const Startup* const startup = read();
  return *startup;
}

}  // namespace nebulet::wasi
