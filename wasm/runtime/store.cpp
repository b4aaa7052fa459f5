// SPDX-License-Identifier: MIT
#include "wasm/runtime/store.h"

#include <algorithm>

#include "wasm/runtime/calls.h"
#include "wasm/runtime/exception.h"
#include "wasm/runtime/gc_store.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

std::unexpected<Error> error(Error::Kind kind, std::string_view message) {
  return std::unexpected(Error{.kind = kind, .offset = 0, .message = std::string(message)});
}

bool is_float(const ValType& type) { return type == kF32 || type == kF64; }

}  // namespace

Instance::Instance(Store& store, ModuleCodeRef code) : store_(store), code_(std::move(code)) {}

Instance::~Instance() { store_.host().uncharge(charged_); }

std::optional<Extern> Instance::find_export(std::string_view name) {
  for (const Export& item : module().exports)
    if (item.name == name) return exported(item);
  return std::nullopt;
}

Extern Instance::exported(const Export& item) {
  switch (item.kind) {
    case ExternKind::function: return Extern::of(function(item.index));
    case ExternKind::table: return Extern::of(*tables_[item.index]);
    case ExternKind::memory: return Extern::of(*memories_[item.index]);
    case ExternKind::global: return Extern::of(global(item.index));
    case ExternKind::tag: break;
  }
  return Extern::of(*tags_[item.index]);
}

Function& Instance::function(std::uint32_t index) {
  if (index < imported_functions_.size()) return *imported_functions_[index];
  std::unique_ptr<Function>& made = functions_[index - imported_functions_.size()];
  if (!made) {
    made = std::make_unique<Function>();
    made->code = code_->entry(index);
    made->context = context_;
    made->type = &module().type_of(index);
    made->canonical = &code_->types()[module().functions[index].type];
    made->stack_args = ValuePlaces::stack_bytes_of(made->type->params);
    made->stack_results = ValuePlaces::stack_bytes_of(made->type->results);
    made->instance = this;
    made->index = index;
  }
  return *made;
}

Global& Instance::global(std::uint32_t index) {
  if (index < imported_globals_.size()) return *imported_globals_[index];
  std::unique_ptr<Global>& made = globals_[index - imported_globals_.size()];
  if (!made) {
    made = std::make_unique<Global>();
    made->type = module().globals[index].type;
    made->type.type = canonical_type(made->type.type, code_->types());
    made->cell = &global_cell(index);
  }
  return *made;
}

Value& Instance::global_cell(std::uint32_t index) {
  if (index < imported_globals_.size()) return *imported_globals_[index]->cell;
  return *reinterpret_cast<Value*>(reinterpret_cast<std::byte*>(context_) + code_->layout().global(index));
}

std::span<const std::byte> Instance::data(std::uint32_t segment) const {
  if (data_dropped_[segment]) return {};
  const DataSegment& data = module().data[segment];
  return module().bytes.subspan(data.begin, data.end - data.begin);
}

void Instance::drop_elements(std::uint32_t segment) {
  for (const std::uint32_t ref : elements_[segment]) store_.forget_reference(ref);
  elements_[segment] = {};
}

StoreGc* Store::make_gc() {
  if (!gc_) gc_ = StoreGc::create(*this);
  return gc_.get();
}

void Store::forget_reference(std::uint32_t ref) {
  if (gc_) gc_->heap().shade(ref);
}

Store::Store(Host& host)
    : host_(host), exceptions_(std::make_unique<Exceptions>(*this)), function_table_(host) {}

Store::~Store() = default;

Function* Store::function(std::uint32_t ref) {
  auto after = std::ranges::upper_bound(instances_, ref, {}, [](const auto& i) { return i->ref_base(); });
  if (after == instances_.begin()) return nullptr;
  Instance& instance = **(after - 1);
  const std::uint32_t index = ref - instance.ref_base();
  return index < instance.module().functions.size() ? &instance.function(index) : nullptr;
}

Result<Extern> Store::host_function(FuncType type, HostCode code, void* owner) {
  const auto floats = std::ranges::count_if(type.params, is_float);
  auto is_v128 = [](const ValType& t) { return t == kV128; };
  if (floats > 8 || type.results.size() > 1 || std::ranges::any_of(type.params, is_v128) ||
      std::ranges::any_of(type.results, is_v128)) {
    return error(Error::Kind::limit, "a host function cannot have this type");
  }
  auto host_type = std::make_unique<HostType>(std::move(type));
  const TypeDef def(host_type->type);
  if (!host_type->held.add({&def, 1})) return error(Error::Kind::limit, "too many types in this kernel");
  auto function = std::make_unique<Function>();
  function->type = &host_type->type;
  function->canonical = &host_type->held[0];
  host_types_.push_back(std::move(host_type));
  function->is_host = true;
  function->code = reinterpret_cast<std::uint64_t>(code);
  function->owner = owner;
  function->stack_args = ValuePlaces::stack_bytes_of(function->type->params);
  if (function->type->results.empty()) {
    function->result_mask = 0;
  } else if (const ValType& result = function->type->results[0]; result == kI32 || result.is_ref()) {
    function->result_mask = 0xffffffff;
  }
  host_functions_.push_back(std::move(function));
  return Extern::of(*host_functions_.back());
}

Result<Extern> Store::host_global(GlobalType type, Value value) {
  globals_.push_back(std::make_unique<Global>(Global{.type = type, .cell = nullptr, .own = value}));
  globals_.back()->cell = &globals_.back()->own;
  return Extern::of(*globals_.back());
}

Result<Extern> Store::host_memory(MemoryType type) {
  auto memory = Memory::create(host_, type);
  if (!memory) return error(Error::Kind::out_of_memory, "no address space for a memory");
  memories_.push_back(std::move(memory));
  return Extern::of(*memories_.back());
}

Result<Extern> Store::host_table(TableType type) {
  auto table = Table::create(*this, type, nullptr);
  if (!table) return error(Error::Kind::out_of_memory, "no memory for a table");
  tables_.push_back(std::move(table));
  return Extern::of(*tables_.back());
}

/// `module`: whose types the payload's references name by index.
Tag& Store::make_tag(const FuncType& type, std::uint32_t type_id, const Module* module) {
  tags_.push_back(std::make_unique<Tag>());
  Tag& tag = *tags_.back();
  tag.type = &type;
  tag.type_id = type_id;
  tag.id = static_cast<std::uint32_t>(tags_.size());
  tag.stack_bytes = ValuePlaces::stack_bytes_of(type.params);
  for (const ValType& param : type.params) {
    const bool function =
        module ? module->is_func_heap(param.heap) : param.heap == kFuncHeap || param.heap == kNoFuncHeap;
    tag.traced.push_back(param.is_ref() && !function);
    tag.any_traced |= tag.traced.back();
  }
  return tag;
}

Result<Extern> Store::host_tag(FuncType type) {
  auto host_type = std::make_unique<HostType>(std::move(type));
  const TypeDef def(host_type->type);
  if (!host_type->held.add({&def, 1})) return error(Error::Kind::limit, "too many types in this kernel");
  host_types_.push_back(std::move(host_type));
  HostType& kept = *host_types_.back();
  return Extern::of(make_tag(kept.type, kept.held[0].id, nullptr));
}

}  // namespace nebulet::wasm
