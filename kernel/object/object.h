// SPDX-License-Identifier: MIT
// What handles name: reference-counted objects of a few types.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "abi/generated/types.h"

namespace nebulet::kernel {

using abi::ObjectType;
using abi::Right;

/// Base of all kernel objects. Shared by handles and by the kernel; dies with its last reference, in thread
/// context.
class Object : public boost::intrusive_ref_counter<Object, boost::thread_safe_counter> {
 public:
  explicit Object(ObjectType type) : type_(type) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  ObjectType type() const { return type_; }

 private:
  const ObjectType type_;
};

template <class T>
using Ref = boost::intrusive_ptr<T>;

/// A set of rights.
class Rights {
 public:
  constexpr Rights() = default;
  constexpr explicit Rights(std::uint32_t bits) : bits_(bits) {}
  constexpr Rights(Right right)
      : bits_(static_cast<std::uint32_t>(right)) {}  // NOLINT: a right is a set of one
  constexpr std::uint32_t bits() const { return bits_; }
  constexpr bool contains(Rights other) const { return (bits_ & other.bits_) == other.bits_; }
  friend constexpr Rights operator|(Rights a, Rights b) { return Rights(a.bits_ | b.bits_); }

 private:
  std::uint32_t bits_ = 0;
};
constexpr Rights operator|(Right a, Right b) { return Rights(a) | Rights(b); }

}  // namespace nebulet::kernel
