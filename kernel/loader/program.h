// SPDX-License-Identifier: MIT
// Linked instances: what a process runs. Each thread that a program spawns has a Program of its own, of which
// only shared memories are the same, so a store and its heap of objects belong to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/loader/module.h"
#include "wasm/runtime/store.h"

namespace nebulet::kernel {

class Process;
class Program;

/// Whom an instance's kernel calls serve. One for each instance; lives as long as its store.
struct CallBinding {
  Process* process = nullptr;
  Program* program = nullptr;
  std::uint32_t index = 0;           ///< of the instance in the program
  wasm::Instance* caller = nullptr;  ///< of a library: the first instance that imports from it
};

/// One thread at a time. Its instances refer to each other by the names that they were added under.
class Program {
 public:
  static constexpr std::size_t kMaxInstances = 64;
  /// Of the WASI library, which also provides what programs with threads import from `wasi`.
  static constexpr std::string_view kWasiName = "wasi_snapshot_preview1";

  /// Outlived by the process.
  explicit Program(Process& process);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Makes an instance. Its imports of the module `nebulet` become kernel calls, the others exports of
  /// instances that are here already, each by its name; a shared memory that no instance has is made for the
  /// process. Runs no wasm code. Thread context. If it fails when an instance was made, `size` tells one
  /// more, and the program cannot be used any more.
  Loaded<wasm::Instance*> add(std::string name, Ref<Module> module);
  /// What `add` would say of the imports of a module that is not compiled yet, where `library` is to be added
  /// before it under kWasiName.
  Loaded<> check_imports(std::string_view name, const wasm::Module& module,
                         const wasm::Module* library) const;
  /// The same instances for another thread.
  Loaded<std::unique_ptr<Program>> copy() const;

  wasm::Store& store() { return store_; }
  std::size_t size() const { return members_.size(); }
  wasm::Instance& instance(std::size_t index) const { return *members_[index].instance; }
  /// For whom the kernel calls of an instance are: itself, or the program that the library is linked to.
  std::size_t served_by(const CallBinding& binding) const;
  const Ref<Module>& module(std::size_t index) const { return members_[index].module; }
  /// nullptr: there is none of this name.
  const Ref<Module>* find_module(std::string_view instance) const;
  /// The name of the module that code belongs to, for messages.
  std::string_view name_of(const wasm::ModuleCode& code) const;
  /// nullptr: the instance exports no such function.
  wasm::Function* find_function(std::size_t index, std::string_view name) const;

  /// What runs before anything else: the start functions, and each export `_initialize` but that of instance
  /// `entry_of` if it is `entry` itself or `Initialize::others`. In the order of the instances.
  enum class Initialize : std::uint8_t { all, others };
  std::vector<wasm::Function*> initializers(std::size_t entry_of, std::string_view entry,
                                            Initialize which) const;

 private:
  struct Member {
    std::string name;
    Ref<Module> module;
    wasm::Instance* instance = nullptr;
    std::unique_ptr<CallBinding> binding;
  };
  Member* provider(std::string_view import_module);
  const Member* provider(std::string_view import_module) const;
  Loaded<wasm::Extern> resolve(std::string_view name, const wasm::Module& module, const wasm::Import& import,
                               CallBinding& binding);

  Process& process_;
  std::vector<Member> members_;
  wasm::Store store_;  // last: its instances need the modules
};

}  // namespace nebulet::kernel
