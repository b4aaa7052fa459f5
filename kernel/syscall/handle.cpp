// SPDX-License-Identifier: MIT
#include "abi/generated/calls.h"

namespace nebulet::kernel {

Result<> sys_handle_close(CallContext& context, HandleValue handle) {
  return context.process.handles().close(handle);
}

Result<HandleValue> sys_handle_duplicate(CallContext& context, HandleValue handle, std::uint32_t rights) {
  return context.process.handles().duplicate(handle, Rights(rights));
}

}  // namespace nebulet::kernel
