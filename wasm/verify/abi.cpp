// SPDX-License-Identifier: MIT
#include "wasm/verify/abi.h"

#include <vector>

namespace nebulet::wasm::verify {
namespace {

std::uint32_t place(const std::vector<ValType>& types, std::uint16_t& zero) {
  unsigned gprs = 0, vecs = 0;
  std::uint32_t stack = 0;
  for (const ValType& type : types) {
    const bool vec = type.kind == ValType::Kind::f32 || type.kind == ValType::Kind::f64 ||
                     type.kind == ValType::Kind::v128;
    if (vec ? vecs < kArgVecs : gprs < kArgGprs.size()) {
      if (is_small(type)) zero |= static_cast<std::uint16_t>(1u << kArgGprs[gprs]);
      vec ? vecs++ : gprs++;
    } else {
      stack += type.kind == ValType::Kind::v128 ? 16 : 8;
    }
  }
  return stack;
}

}  // namespace

TypeAbi abi_of(const FuncType& type) {
  TypeAbi abi;
  abi.stack_args = place(type.params, abi.arg_zero);
  abi.stack_results = place(type.results, abi.result_zero);
  return abi;
}

BuiltinAbi abi_of(Builtin builtin) {
  // Addresses, indices and counts have 64 bits for some memories and tables; services cut them. References
  // are 32-bit values.
  constexpr std::uint16_t kSecond = 1u << kRdx, kFirst = 1u << kRcx, kResult = 1u << kRax;
  switch (builtin) {
    case Builtin::table_get:
    case Builtin::atomic_wait:
    case Builtin::atomic_notify: return {true, 0, kResult};
    case Builtin::gc_new:
    case Builtin::gc_new_array:
    case Builtin::gc_new_data:
    case Builtin::gc_new_elem:
    case Builtin::gc_test: return {true, 0, kResult};
    case Builtin::func_test:
    case Builtin::indirect_callee: return {true, kFirst, kResult};
    case Builtin::throw_ref:
    case Builtin::table_grow: return {true, kFirst, 0};
    case Builtin::table_set:
    case Builtin::table_fill: return {true, kSecond, 0};
    case Builtin::atomic_bits:
    case Builtin::memory_grow:
    case Builtin::memory_fill:
    case Builtin::memory_copy:
    case Builtin::memory_init:
    case Builtin::table_copy:
    case Builtin::gc_shade:
    case Builtin::gc_fill:
    case Builtin::gc_copy:
    case Builtin::gc_init_data:
    case Builtin::throw_:
    case Builtin::catch_:  // what their tag says besides
    case Builtin::gc_init_elem:
    case Builtin::table_init:
    case Builtin::data_drop:
    case Builtin::elem_drop: return {true, 0, 0};
    default: return {};
  }
}

}  // namespace nebulet::wasm::verify
