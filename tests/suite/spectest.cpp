// SPDX-License-Identifier: MIT
#include "tests/suite/spectest.h"

namespace nebulet::suite {

using namespace wasm;

namespace {

/// What the functions print is for human readers; no script looks at it.
void print() {}

constexpr Limits kTableLimits{.min = 10, .max = 20, .has_max = true};
constexpr Limits kMemoryLimits{.min = 1, .max = 2, .has_max = true};

}  // namespace

std::optional<Extern> Spectest::find(std::string_view name) {
  if (const auto found = made_.find(name); found != made_.end()) return found->second;
  const Result<Extern> made = make(name);
  if (!made) return std::nullopt;
  return made_.emplace(name, *made).first->second;
}

Result<Extern> Spectest::make(std::string_view name) {
  const auto function = [this](std::vector<ValType> params) {
    return store_.host_function({std::move(params), {}}, print, nullptr);
  };
  const auto global = [this](ValType type, std::uint64_t bits) {
    return store_.host_global({.type = type}, {.low = bits});
  };
  const auto limits = [](Limits of, bool is_64, bool shared) {
    of.is_64 = is_64;
    of.shared = shared;
    return of;
  };
  if (name == "print") return function({});
  if (name == "print_i32") return function({kI32});
  if (name == "print_i64") return function({kI64});
  if (name == "print_f32") return function({kF32});
  if (name == "print_f64") return function({kF64});
  if (name == "print_i32_f32") return function({kI32, kF32});
  if (name == "print_f64_f64") return function({kF64, kF64});
  if (name == "global_i32") return global(kI32, 666);
  if (name == "global_i64") return global(kI64, 666);
  if (name == "global_f32") return global(kF32, 0x4426a666);          // 666.6
  if (name == "global_f64") return global(kF64, 0x4084d4cccccccccd);  // 666.6
  if (name == "table") return store_.host_table({.element = kFuncRef, .limits = kTableLimits});
  if (name == "table64")
    return store_.host_table({.element = kFuncRef, .limits = limits(kTableLimits, true, false)});
  if (name == "memory") return store_.host_memory({.limits = kMemoryLimits});
  if (name == "shared_memory") return store_.host_memory({.limits = limits(kMemoryLimits, false, true)});
  return std::unexpected(Error{Error::Kind::unlinkable, 0, "unknown import"});
}

}  // namespace nebulet::suite
