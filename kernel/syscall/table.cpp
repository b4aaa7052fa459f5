// SPDX-License-Identifier: MIT
#include "kernel/syscall/table.h"

#include <algorithm>
#include <array>

#include "abi/generated/calls.h"

namespace nebulet::kernel {

const CallEntry* find_call(std::string_view name) {
#define NB_CALL_ENTRY(number, name)                                                 \
  CallEntry{number, #name, wasm::host_code(&Call<sys_##name>::Code::call),          \
            wasm::host_code(&Call<sys_##name>::Code::template traced_call<number>), \
            &Call<sys_##name>::Code::type},
  static const auto entries = std::to_array<CallEntry>({NB_FOR_EACH_CALL(NB_CALL_ENTRY)});
#undef NB_CALL_ENTRY
  const auto it = std::ranges::find(entries, name, &CallEntry::name);
  return it == entries.end() ? nullptr : &*it;
}

}  // namespace nebulet::kernel
