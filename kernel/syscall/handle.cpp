// SPDX-License-Identifier: MIT
#include "abi/generated/calls.h"

namespace nebulet::kernel {

Result<> sys_handle_close(CallContext& context, HandleValue handle) {
  if (context.thread.is_at_home()) context.thread.handle_cache().clear();
  return context.process.handles().close(handle);
}

Result<HandleValue> sys_handle_duplicate(CallContext& context, HandleValue handle, std::uint32_t rights) {
  return context.process.handles().duplicate(handle, Rights(rights));
}

Result<HandleValue> sys_handle_replace(CallContext& context, HandleValue handle, std::uint32_t rights) {
  return context.process.handles().replace(handle, Rights(rights));
}

Result<std::uint64_t> sys_handle_info(CallContext& context, HandleValue handle,
                                      abi::HandleProperty property) {
  const HandleInfo info = TRY(context.process.handles().info(handle));
  switch (property) {
    case abi::HandleProperty::object_type: return static_cast<std::uint64_t>(info.type);
    case abi::HandleProperty::rights: return info.rights.bits();
    case abi::HandleProperty::object_id: return info.object_id;
  }
  return fail(Status::invalid_argument);
}

}  // namespace nebulet::kernel
