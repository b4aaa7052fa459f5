// SPDX-License-Identifier: MIT
// An object that is nothing but its signals.
#pragma once

#include "kernel/object/object.h"

namespace nebulet::kernel {

class Event final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::event;
  explicit Event(Charge charge) : Object(kType), charge_(std::move(charge)) {}

 private:
  const Charge charge_;
};

}  // namespace nebulet::kernel
