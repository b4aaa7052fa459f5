// SPDX-License-Identifier: MIT
// A module as an object: bytes that were decoded, compiled and verified once. Any number of processes have
// instances of it.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/memory/process_memory.h"
#include "kernel/object/object.h"
#include "wasm/compile.h"
#include "wasm/runtime/code.h"

namespace nebulet::kernel {

/// `text` names the module, the byte where it applies, and what was wrong.
struct LoadError {
  Status status;
  std::string text;
};
template <class T = void>
using Loaded = std::expected<T, LoadError>;

LoadError load_error(std::string_view name, const wasm::Error& error);

struct LoadStats {
  std::uint64_t compile_ns = 0, functions = 0, wasm_bytes = 0, code_bytes = 0;
};

/// Decoded and not yet compiled.
struct ModuleSource {
  std::string name;              ///< in messages
  std::vector<std::byte> bytes;  ///< empty if they live elsewhere, longer than the module
  wasm::Module module;           ///< its views point into the bytes
  Charge charge;                 ///< for the bytes and what was decoded
};

/// Immutable. What it takes is charged to whoever made it, for as long as it or an instance exists.
class Module final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::module;

  /// Of bytes that live longer than the module.
  static Loaded<ModuleSource> decode(const QuotaRef& quota, std::string name,
                                     std::span<const std::byte> bytes);
  /// Of bytes that `charge` is for.
  static Loaded<ModuleSource> decode(const QuotaRef& quota, std::string name, std::vector<std::byte> bytes,
                                     Charge charge);
  /// Takes the code from `code_file` (wasm/object) if it is one of this module, else compiles. Lets others
  /// run meanwhile; `cancelled` ends it. `stats` is for the kernel's first program, whose progress the host's
  /// tool shows. Thread context with a whole kernel stack.
  static Loaded<Ref<Module>> compile(const QuotaRef& quota, ModuleSource source,
                                     std::span<const std::byte> code_file, const std::atomic<bool>* cancelled,
                                     LoadStats* stats = nullptr);

  /// In messages.
  const std::string& name() const { return name_; }
  const wasm::ModuleCodeRef& code() const { return code_; }
  const wasm::Module& module() const { return code_->module(); }
  /// nullptr: it exports nothing of this name.
  const wasm::Export* find_export(std::string_view name) const;

 private:
  template <std::derived_from<Object> T, class... Args>
  friend Result<Ref<T>> make_object(const QuotaRef&, std::uint64_t, Args&&...);
  Module(Charge charge, const QuotaRef& quota, std::string name, Charge source)
      : Object(kType),
        charge_(std::move(charge)),
        source_charge_(std::move(source)),
        name_(std::move(name)),
        memory_(quota) {}

  const Charge charge_, source_charge_;
  const std::string name_;
  ProcessMemory memory_;  ///< outlives the code
  wasm::ModuleCodeRef code_;
  boost::unordered_flat_map<std::string_view, const wasm::Export*> exports_;
};

}  // namespace nebulet::kernel
