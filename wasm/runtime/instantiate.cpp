// SPDX-License-Identifier: MIT
// Instantiation (spec 4.5.4): imports are matched, the context is laid out and filled, globals and segments
// evaluated.
#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "wasm/binary/reader.h"
#include "wasm/runtime/builtins.h"
#include "wasm/runtime/calls.h"
#include "wasm/runtime/const_eval.h"
#include "wasm/runtime/extern_type.h"
#include "wasm/runtime/gc_store.h"
#include "wasm/runtime/store.h"
#include "wasm/runtime/stubs.h"

namespace nebulet::wasm {
namespace {

std::unexpected<Error> error(Error::Kind kind, std::string_view message, std::uint32_t offset = 0) {
  return std::unexpected(Error{.kind = kind, .offset = offset, .message = std::string(message)});
}

constexpr std::uint64_t kContextAlign = 64;

void fill_builtins(InstanceContext& context) {
  std::uint64_t* next = context.builtins;
#define NB_BUILTIN(name) *next++ = address_of(nb_builtin_##name);
#include "wasm/runtime/builtins.def"
#undef NB_BUILTIN
  context.builtins[static_cast<std::size_t>(Builtin::gc_new)] = address_of(nb_gc_new);
  context.builtins[static_cast<std::size_t>(Builtin::memory_copy)] = address_of(nb_memory_copy);
  context.builtins[static_cast<std::size_t>(Builtin::memory_fill)] = address_of(nb_memory_fill);
}

}  // namespace

/// One run of Store::instantiate. The instance is in the store from the moment that a table could hold its
/// functions.
class Instantiation {
 public:
  Instantiation(Store& store, ModuleCodeRef code, std::span<const Extern> imports)
      : store_(store),
        code_(std::move(code)),
        module_(code_->module()),
        layout_(code_->layout()),
        imports_(imports) {}

  Result<Instantiated> run() {
    TRY(match_imports());
    TRY(make_context());
    TRY(enter_heap());
    take_imports();
    publish_functions();
    TRY(make_tables());
    TRY(make_memories());
    TRY(make_globals());
    TRY(evaluate_elements());
    return run_segments();
  }

 private:
  template <class T>
  T& at(std::uint32_t offset) {
    return *reinterpret_cast<T*>(reinterpret_cast<std::byte*>(instance_->context_) + offset);
  }

  Result<> match_imports() {
    if (imports_.size() != module_.imports.size()) return error(Error::Kind::unlinkable, "unknown import");
    for (std::size_t i = 0; i < imports_.size(); ++i) {
      const Import& import = module_.imports[i];
      if (matches(*code_, import, imports_[i])) continue;
      std::string message =
          "incompatible import type for " + std::string(import.module) + "." + std::string(import.name);
      message +=
          ": the module wants " + describe_import(module_, import) + ", it is given " + describe(imports_[i]);
      return error(Error::Kind::unlinkable, message, import.position);
    }
    return {};
  }

  Result<> make_context() {
    const std::uint64_t functions = module_.functions.size();
    if (functions > FunctionTable::kMaxFunctions - store_.next_ref_)
      return error(Error::Kind::limit, "too many functions in one process");
    if (!store_.function_table_.grow(store_.next_ref_ + static_cast<std::uint32_t>(functions)))
      return error(Error::Kind::out_of_memory, "no memory for the table of functions");
    for (const auto& instance : store_.instances_)
      instance->context_->functions = store_.function_table_.elements();
    const auto published = std::ranges::count(module_.functions, true, &FunctionDecl::declared);
    const std::uint64_t bytes = layout_.size + kContextAlign + sizeof(Instance) +
                                8ull * (functions + module_.globals.size() + module_.tables.size()) +
                                sizeof(GcAllocation) * module_.types.size() +
                                sizeof(Function) * static_cast<std::uint64_t>(published) +
                                (sizeof(Tag) + 16) * module_.tags.size();
    if (!store_.host_.charge(bytes))
      return error(Error::Kind::out_of_memory, "the instance is beyond the memory quota");
    std::unique_ptr<Instance> instance(new Instance(store_, code_));
    instance_ = instance.get();
    evaluator_.emplace(*instance_);
    instance_->charged_ = bytes;
    instance_->context_memory_ = std::make_unique<std::byte[]>(layout_.size + kContextAlign);
    const auto raw = reinterpret_cast<std::uint64_t>(instance_->context_memory_.get());
    instance_->context_ =
        reinterpret_cast<InstanceContext*>((raw + kContextAlign - 1) & ~(kContextAlign - 1));
    InstanceContext& context = *instance_->context_;
    fill_builtins(context);
    context.ref_base = store_.next_ref_;
    context.instance = instance_;
    store_.next_ref_ += static_cast<std::uint32_t>(functions);
    context.functions = store_.function_table_.elements();
    for (std::uint32_t i = 0; i < module_.types.size(); ++i) {
      at<std::uint32_t>(layout_.signature(i)) = code_->types()[i].id;
      at<std::uint32_t>(layout_.abi(i)) = code_->types()[i].abi;
    }
    instance_->functions_.resize(module_.defined_functions());
    instance_->globals_.resize(module_.globals.size() - module_.imported_globals);
    instance_->data_dropped_.resize(module_.data.size());
    instance_->elements_.resize(module_.elements.size());
    store_.instances_.push_back(std::move(instance));
    return {};
  }

  Result<> enter_heap() {
    const bool has_objects = std::ranges::any_of(
        module_.types, [](const TypeDef& type) { return type.kind != TypeDef::Kind::function; });
    if (!has_objects && !code_->code().uses_heap) return {};
    StoreGc* gc = store_.make_gc();
    if (!gc || !gc->enter(*instance_))
      return error(Error::Kind::out_of_memory, "no memory for a heap of objects");
    return {};
  }

  void take_imports() {
    for (const Extern& item : imports_) {
      switch (item.kind) {
        case ExternKind::function: take_function(*item.function); break;
        case ExternKind::table:
          item.table->share();
          add_table(*item.table);
          break;
        case ExternKind::memory: add_memory(*item.memory); break;
        case ExternKind::global: take_global(*item.global); break;
        case ExternKind::tag: add_tag(*item.tag); break;
      }
    }
    for (std::uint32_t i = module_.imported_tags; i < module_.tags.size(); ++i) {
      const std::uint32_t type = module_.tags[i].type;
      add_tag(store_.make_tag(module_.func_type(type), code_->type_id(type), &module_));
    }
  }

  void add_tag(Tag& tag) {
    at<std::uint32_t>(layout_.tag(static_cast<std::uint32_t>(instance_->tags_.size()))) = tag.id;
    instance_->tags_.push_back(&tag);
  }

  /// Lets references name the functions that code of the instance can make references of.
  void publish_functions() {
    for (std::uint32_t i = 0; i < module_.functions.size(); ++i)
      if (module_.functions[i].declared)
        store_.function_table_.set(instance_->ref_base() + i, instance_->function(i));
  }

  void take_function(Function& function) {
    const auto index = static_cast<std::uint32_t>(instance_->imported_functions_.size());
    instance_->imported_functions_.push_back(&function);
    at<FuncSlot>(layout_.import(index)) = {
        .code = address_of(function.is_host ? nb_call_host : nb_call_foreign),
        .target = &function,
        .signature = function.canonical->id,
        .ref = instance_->ref_base() + index,
        .abi = function.canonical->abi};
  }

  void take_global(Global& global) {
    const auto index = static_cast<std::uint32_t>(instance_->imported_globals_.size());
    instance_->imported_globals_.push_back(&global);
    if (global_is_indirect(module_, index)) {
      at<Value*>(layout_.global(index)) = global.cell;
    } else {
      at<Value>(layout_.global(index)) = *global.cell;
    }
  }

  void add_table(Table& table) {
    at<FuncSlot*>(layout_.table(static_cast<std::uint32_t>(instance_->tables_.size()))) = table.elements();
    instance_->tables_.push_back(&table);
  }

  void add_memory(Memory& memory) {
    const auto index = static_cast<std::uint32_t>(instance_->memories_.size());
    const auto base = reinterpret_cast<std::uint64_t>(memory.base());
    at<MemoryRef>(layout_.memory_base(index)) = {.base = base, .pages = memory.pages_address()};
    if (index == 0) instance_->context_->memory_base = base;
    instance_->memories_.push_back(&memory);
  }

  Result<> make_tables() {
    for (std::size_t i = module_.imported_tables; i < module_.tables.size(); ++i) {
      const TableDecl& decl = module_.tables[i];
      TableType type = decl.type;
      type.element = canonical_type(type.element, code_->types());
      auto table = Table::create(store_, type, instance_);
      if (!table) return error(Error::Kind::out_of_memory, "no memory for a table");
      add_table(*table);
      store_.tables_.push_back(std::move(table));
    }
    return {};
  }

  Result<> make_memories() {
    for (std::size_t i = module_.imported_memories; i < module_.memories.size(); ++i) {
      auto memory = Memory::create(store_.host_, module_.memories[i], i == 0 && code_->image());
      if (!memory) return error(Error::Kind::out_of_memory, "no address space for a memory");
      add_memory(*memory);
      store_.memories_.push_back(std::move(memory));
    }
    return {};
  }

  Result<> make_globals() {
    for (std::uint32_t i = module_.imported_globals; i < module_.globals.size(); ++i) {
      at<Value>(layout_.global(i)) = TRY(evaluate(*module_.globals[i].init));
    }
    // Initial values of tables come last in the spec's order of evaluation, but before segments.
    for (std::uint32_t i = module_.imported_tables; i < module_.tables.size(); ++i) {
      if (!module_.tables[i].init) continue;
      const Value value = TRY(evaluate(*module_.tables[i].init));
      Table& table = *instance_->tables_[i];
      for (std::uint32_t at = 0; at < table.size(); ++at)
        table.set(at, static_cast<std::uint32_t>(value.low));
    }
    return {};
  }

  Result<> evaluate_elements() {
    for (std::size_t i = 0; i < module_.elements.size(); ++i) {
      const ElementSegment& segment = module_.elements[i];
      if (segment.mode == ElementSegment::Mode::declarative) continue;  // dropped at once
      std::vector<std::uint32_t>& refs = instance_->elements_[i];
      refs.reserve(segment.size());
      for (const std::uint32_t function : segment.functions) refs.push_back(instance_->ref_base() + function);
      for (const ConstExpr& expression : segment.expressions) {
        refs.push_back(static_cast<std::uint32_t>(TRY(evaluate(expression)).low));
      }
    }
    return {};
  }

  Result<Instantiated> run_segments() {
    for (std::uint32_t i = 0; i < module_.elements.size(); ++i) {
      const ElementSegment& segment = module_.elements[i];
      if (segment.mode != ElementSegment::Mode::active) continue;
      const std::uint64_t offset = TRY(evaluate(segment.offset)).low;
      if (auto trap = table_init(*instance_, segment.table, i, offset, 0, segment.size()))
        return Instantiated{instance_, trap, with_number("element segment", i)};
      instance_->drop_elements(i);
    }
    const MemoryImage* const image = code_->image();
    if (image && !instance_->memories_[0]->show(*image))
      return Instantiated{instance_, Trap::out_of_memory, "data segments"};
    for (std::uint32_t i = 0; i < module_.data.size(); ++i) {
      const DataSegment& segment = module_.data[i];
      if (!segment.active) continue;
      if (image) {
        instance_->drop_data(i);
        continue;
      }
      const std::uint64_t offset = TRY(evaluate(segment.offset)).low;
      if (auto trap = memory_init(*instance_, segment.memory, i, offset, 0, segment.end - segment.begin)) {
        return Instantiated{instance_, trap, with_number("data segment", i)};
      }
      instance_->drop_data(i);
    }
    return Instantiated{instance_, std::nullopt, {}};
  }

  Result<Value> evaluate(const ConstExpr& expression) { return evaluator_->evaluate(expression); }

  Store& store_;
  const ModuleCodeRef code_;
  const Module& module_;
  const ContextLayout& layout_;
  const std::span<const Extern> imports_;
  Instance* instance_ = nullptr;
  std::optional<ConstEvaluator> evaluator_;
};

Result<Instantiated> Store::instantiate(ModuleCodeRef code, std::span<const Extern> imports) {
  return Instantiation(*this, std::move(code), imports).run();
}

}  // namespace nebulet::wasm
