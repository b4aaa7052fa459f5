// SPDX-License-Identifier: MIT
// A module's code in code space, shared by all its instances, and the way from a program counter back to it.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "wasm/binary/module.h"
#include "wasm/code_object.h"
#include "wasm/error.h"
#include "wasm/runtime/host.h"
#include "wasm/runtime/layout.h"
#include "wasm/runtime/memory_image.h"
#include "wasm/runtime/types.h"

namespace nebulet::wasm {

class ModuleCode;
using ModuleCodeRef = boost::intrusive_ptr<const ModuleCode>;

/// Immutable once created; any number of stores may use it at a time. Code is never writable where it runs.
class ModuleCode {
 public:
  /// Maps `code`, which the verifier accepted. `bytes` are what `module` was decoded from (its views point
  /// into them), kept here; pass an empty vector if they live elsewhere, longer than this. `host` is charged
  /// for the code.
  static Result<ModuleCodeRef> create(Host& host, std::vector<std::byte> bytes, Module module,
                                      CodeObject code);
  /// The code that `pc` belongs to, or nullptr. Lock-free, for fault handlers and timers too.
  static const ModuleCode* find(std::uint64_t pc);

  const Module& module() const { return module_; }
  const CodeObject& code() const { return code_; }
  const ContextLayout& layout() const { return layout_; }
  /// Canonical ids of Module::types; equal types have equal ids in the whole kernel, for as long as it runs.
  /// Never 0.
  std::uint32_t type_id(std::uint32_t type) const { return types_[type].id; }
  /// Module::types as the whole kernel knows them.
  const HeldTypes& types() const { return types_; }
  std::uint64_t entry(std::uint32_t function) const {
    return text() + code_.functions[function - module_.imported_functions].begin;
  }
  std::uint64_t text() const { return reinterpret_cast<std::uint64_t>(text_); }
  bool contains(std::uint64_t pc) const { return pc - text() < text_size_; }

  const TrapSite* trap_at(std::uint64_t pc) const;
  const CallSite* call_returning_to(std::uint64_t pc) const;
  /// Index among the defined functions, or -1 for a gap.
  std::int64_t defined_function_at(std::uint64_t pc) const;
  std::string_view function_name(std::uint32_t function) const;
  /// What an instance's memory 0 begins with, instead of its data segments; nullptr: they are copied.
  const MemoryImage* image() const { return image_.get(); }

 private:
  friend void intrusive_ptr_add_ref(const ModuleCode*);
  friend void intrusive_ptr_release(const ModuleCode*);
  ModuleCode(Host& host, std::vector<std::byte> bytes, Module module, CodeObject code);
  ~ModuleCode();
  Result<> map();

  Host& host_;
  const std::vector<std::byte> bytes_;
  const Module module_;
  CodeObject code_;  ///< text and rodata are empty: they lie at text_
  const ContextLayout layout_;
  HeldTypes types_;
  std::byte* text_ = nullptr;
  std::uint64_t text_size_ = 0;
  std::uint64_t mapped_size_ = 0;
  std::uint64_t charged_ = 0;
  std::unique_ptr<MemoryImage> image_;
  std::uint64_t registered_ = 0;  ///< bytes of it that the registry knows
  mutable std::atomic<std::uint32_t> references_{0};
};

}  // namespace nebulet::wasm
