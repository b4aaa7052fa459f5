// SPDX-License-Identifier: MIT
#include "kernel/loader/program.h"

#include <algorithm>
#include <format>

#include "kernel/process/process.h"
#include "kernel/syscall/table.h"
#include "wasm/ir/ir.h"

namespace nebulet::kernel {
namespace {

using wasm::ExternKind;

constexpr std::string_view kKernelModule = "nebulet";
constexpr std::string_view kWasiThreads = "wasi";

std::string_view extern_name(ExternKind kind) {
  switch (kind) {
    case ExternKind::function: return "function";
    case ExternKind::table: return "table";
    case ExternKind::memory: return "memory";
    case ExternKind::global: return "global";
    case ExternKind::tag: return "tag";
  }
  return "item";
}

/// `has_provider`: there is an instance of the module's name, without such an export.
LoadError unresolved(std::string_view name, const wasm::Import& import, bool has_provider) {
  if (!has_provider && import.module == Program::kWasiName)
    return {Status::unlinkable,
            std::format("{}: needs WASI ({}), but no module `wasi` was loaded", name, import.name)};
  return {Status::unlinkable, std::format("{}: nothing provides the imported {} {}.{}", name,
                                          extern_name(import.kind), import.module, import.name)};
}

bool is_shared_memory(const wasm::Module& module, const wasm::Import& import) {
  return import.kind == ExternKind::memory && module.memories[import.index].limits.shared;
}

std::string_view member_name(std::string_view import_module) {
  return import_module == kWasiThreads ? Program::kWasiName : import_module;
}

bool is_function(const wasm::Export& item, std::string_view name) {
  return item.name == name && item.kind == ExternKind::function;
}

}  // namespace

Program::Program(Process& process) : process_(process), store_(process.memory()) {}
Program::~Program() = default;

const Program::Member* Program::provider(std::string_view import_module) const {
  const auto found = std::ranges::find(members_, member_name(import_module), &Member::name);
  return found != members_.end() ? &*found : nullptr;
}
Program::Member* Program::provider(std::string_view import_module) {
  return const_cast<Member*>(std::as_const(*this).provider(import_module));
}

Loaded<> Program::check_imports(std::string_view name, const wasm::Module& module,
                                const wasm::Module* library) const {
  for (const wasm::Import& import : module.imports) {
    const bool function = import.kind == ExternKind::function;
    if (import.module == kKernelModule && function && find_call(import.name) != nullptr) continue;
    if (is_shared_memory(module, import)) continue;
    if (library != nullptr && member_name(import.module) == kWasiName && function &&
        std::ranges::any_of(library->exports,
                            [&](const wasm::Export& item) { return is_function(item, import.name); }))
      continue;
    return std::unexpected(unresolved(name, import, library != nullptr));
  }
  return {};
}

Loaded<wasm::Extern> Program::resolve(std::string_view name, const wasm::Module& module,
                                      const wasm::Import& import, CallBinding& binding) {
  if (import.module == kKernelModule) {
    const CallEntry* call = import.kind == ExternKind::function ? find_call(import.name) : nullptr;
    if (call == nullptr) return std::unexpected(unresolved(name, import, true));
    auto function = store_.host_function(call->type(), call->code(), &binding);
    if (!function) return std::unexpected(load_error(name, function.error()));
    return *function;
  }
  if (Member* member = provider(import.module)) {
    const wasm::Export* item = member->module->find_export(import.name);
    if (item != nullptr) return member->instance->exported(*item);
  }
  if (!is_shared_memory(module, import))
    return std::unexpected(unresolved(name, import, provider(import.module) != nullptr));
  wasm::Memory* memory = process_.shared_memory(members_.size(), import.index, module.memories[import.index]);
  if (memory == nullptr)
    return std::unexpected(LoadError{
        Status::out_of_memory,
        std::format("{}: no address space for the imported memory {}.{}", name, import.module, import.name)});
  return wasm::Extern::of(*memory);
}

Loaded<wasm::Instance*> Program::add(std::string name, Ref<Module> module) {
  const std::string_view text = module->name();
  if (members_.size() >= kMaxInstances)
    return std::unexpected(LoadError{
        Status::limit_reached, std::format("{}: a process has at most {} instances", text, kMaxInstances)});
  if (provider(name) != nullptr)
    return std::unexpected(LoadError{Status::invalid_argument,
                                     std::format("{}: there is an instance `{}` already", text, name)});
  auto binding = std::make_unique<CallBinding>(
      CallBinding{&process_, this, static_cast<std::uint32_t>(members_.size()), nullptr});
  std::vector<wasm::Extern> imports;
  imports.reserve(module->module().imports.size());
  for (const wasm::Import& import : module->module().imports)
    imports.push_back(TRY(resolve(text, module->module(), import, *binding)));
  // Stays even if it fails: tables of other instances may have functions of it (spec 4.5.4).
  members_.push_back({std::move(name), module, nullptr, std::move(binding)});
  auto made = store_.instantiate(module->code(), imports);
  if (!made) return std::unexpected(load_error(text, made.error()));
  if (made->trap) {
    const bool no_memory = *made->trap == wasm::Trap::out_of_memory;
    return std::unexpected(LoadError{no_memory ? Status::out_of_memory : Status::unlinkable,
                                     std::format("{}: trap while its {} was copied: {}", text, made->segment,
                                                 wasm::ir::trap_text(*made->trap))});
  }
  members_.back().instance = made->instance;
  for (const wasm::Import& import : module->module().imports)
    if (Member* member = provider(import.module); member != nullptr && member->binding->caller == nullptr)
      member->binding->caller = made->instance;
  return made->instance;
}

Loaded<std::unique_ptr<Program>> Program::copy() const {
  auto copy = std::make_unique<Program>(process_);
  for (const Member& member : members_) TRY(copy->add(member.name, member.module));
  return copy;
}

std::size_t Program::served_by(const CallBinding& binding) const {
  if (binding.caller == nullptr) return binding.index;
  const auto found = std::ranges::find(members_, binding.caller, &Member::instance);
  return static_cast<std::size_t>(found - members_.begin());
}

const Ref<Module>* Program::find_module(std::string_view instance) const {
  const auto found = std::ranges::find(members_, instance, &Member::name);
  return found != members_.end() ? &found->module : nullptr;
}

std::string_view Program::name_of(const wasm::ModuleCode& code) const {
  for (const Member& member : members_)
    if (member.module->code().get() == &code) return member.module->name();
  return "another module";
}

wasm::Function* Program::find_function(std::size_t index, std::string_view name) const {
  const wasm::Export* item = members_[index].module->find_export(name);
  if (item == nullptr || item->kind != ExternKind::function) return nullptr;
  return &members_[index].instance->function(item->index);
}

std::vector<wasm::Function*> Program::initializers(std::size_t entry_of, std::string_view entry,
                                                   Initialize which) const {
  std::vector<wasm::Function*> found;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    wasm::Instance& instance = *members_[i].instance;
    if (instance.module().start) found.push_back(&instance.function(*instance.module().start));
    if (i == entry_of && (entry == "_initialize" || which == Initialize::others)) continue;
    if (wasm::Function* function = find_function(i, "_initialize")) found.push_back(function);
  }
  return found;
}

}  // namespace nebulet::kernel
