// SPDX-License-Identifier: MIT
// Instances: linking, instantiation (spec 4.5.3, 4.5.4), types of references.
#include "tests/reference/store.h"

#include "tests/reference/machine.h"

namespace nebulet::reference {
namespace {

bool limits_match(const Limits& actual, std::uint64_t size, const Limits& wanted) {
  return actual.is_64 == wanted.is_64 && actual.shared == wanted.shared &&
         actual.page_log2 == wanted.page_log2 && size >= wanted.min &&
         (!wanted.has_max || (actual.has_max && actual.max <= wanted.max));
}

}  // namespace

std::optional<Extern> Instance::find_export(std::string_view name) const {
  for (const Export& e : module.exports) {
    if (e.name != name) continue;
    Extern found{.kind = e.kind};
    switch (e.kind) {
      case Kind::function: found.function = functions[e.index]; break;
      case Kind::table: found.table = tables[e.index]; break;
      case Kind::memory: found.memory = memories[e.index]; break;
      case Kind::global: found.global = globals[e.index]; break;
      case Kind::tag: found.tag = tags[e.index]; break;
    }
    return found;
  }
  return std::nullopt;
}

Object* Store::allocate(Object::Kind kind, std::uint32_t type, std::size_t fields) {
  if (fields + 1 > limit_.heap - heap_used_) return nullptr;
  heap_used_ += fields + 1;
  objects_.push_back(
      std::make_unique<Object>(Object{.kind = kind, .type = type, .fields = std::vector<Value>(fields)}));
  return objects_.back().get();
}

bool Store::has_type(std::uint64_t value, const ValType& type) const {
  if (value == 0) return type.nullable;
  std::int64_t dynamic;
  if (value & 1) {
    dynamic = heap::i31;
  } else if (value & 2) {
    return type.heap == heap::any || type.heap == heap::extern_;
  } else {
    const Object& o = object(value);
    if (o.kind == Object::Kind::exception) return type.heap == heap::exn;
    dynamic = o.type;
  }
  return type.heap == heap::extern_ || types_.is_heap_subtype(dynamic, type.heap);
}

Function* Store::host_function(DefType type, HostFunction host) {
  auto made = std::make_unique<Function>();
  made->kind = Object::Kind::function;
  made->type = types_.add_function(std::move(type));
  made->host = std::move(host);
  functions_.push_back(std::move(made));
  return functions_.back().get();
}

GlobalInst* Store::host_global(GlobalType type, Value value) {
  globals_.push_back(std::make_unique<GlobalInst>(GlobalInst{type, value}));
  return globals_.back().get();
}

MemoryInst* Store::host_memory(Limits limits) {
  auto made = std::make_unique<MemoryInst>();
  made->limits = limits;
  made->bytes.resize(limits.min << limits.page_log2);
  memories_.push_back(std::move(made));
  return memories_.back().get();
}

TableInst* Store::host_table(TableType type) {
  auto made = std::make_unique<TableInst>();
  made->type = type;
  made->elements.resize(type.limits.min);
  tables_.push_back(std::move(made));
  return tables_.back().get();
}

bool Store::matches(const Extern& item, const Import& import, const Instance& instance) const {
  if (item.kind != import.kind) return false;
  switch (import.kind) {
    case Kind::function: return types_.is_heap_subtype(item.function->type, instance.types[import.type]);
    case Kind::table:
      return item.table->type.element == resolve(import.table.element, instance.types) &&
             limits_match(item.table->type.limits, item.table->elements.size(), import.table.limits);
    case Kind::memory: return limits_match(item.memory->limits, item.memory->pages(), import.memory);
    case Kind::global: {
      const ValType wanted = resolve(import.global.type, instance.types);
      return item.global->type.is_mutable == import.global.is_mutable &&
             (import.global.is_mutable ? item.global->type.type == wanted
                                       : types_.is_subtype(item.global->type.type, wanted));
    }
    case Kind::tag: return item.tag->type == instance.types[import.type];
  }
  return false;
}

std::string Store::link(Instance& instance, const Resolver& resolve_import) {
  for (const Import& import : instance.module.imports) {
    const std::optional<Extern> item = resolve_import(import);
    if (!item) return "unknown import";
    if (!matches(*item, import, instance)) return "incompatible import type";
    switch (import.kind) {
      case Kind::function: instance.functions.push_back(item->function); break;
      case Kind::table: instance.tables.push_back(item->table); break;
      case Kind::memory: instance.memories.push_back(item->memory); break;
      case Kind::global: instance.globals.push_back(item->global); break;
      case Kind::tag: instance.tags.push_back(item->tag); break;
    }
  }
  return {};
}

Store::Instantiated Store::instantiate(Module module, const Resolver& resolve_import) {
  instances_.push_back(std::make_unique<Instance>());
  Instance& in = *instances_.back();
  in.module = std::move(module);
  const Module& m = in.module;
  in.types = types_.add(m.types, m.groups);
  if (std::string error = link(in, resolve_import); !error.empty()) return {.error = std::move(error)};

  const auto imported = static_cast<std::uint32_t>(in.functions.size());
  for (std::uint32_t i = 0; i < m.bodies.size(); ++i) {
    auto made = std::make_unique<Function>();
    made->kind = Object::Kind::function;
    made->type = in.types[m.function_types[i]];
    made->instance = &in;
    made->index = imported + i;
    made->body = &m.bodies[i];
    in.functions.push_back(made.get());
    functions_.push_back(std::move(made));
  }
  for (const Limits& memory : m.memories) {
    if (memory.min > limit_.memory >> memory.page_log2) return {.error = "out of memory"};
    in.memories.push_back(host_memory(memory));
  }
  for (const std::uint32_t type : m.tags) {
    tags_.push_back(std::make_unique<TagInst>(TagInst{in.types[type]}));
    in.tags.push_back(tags_.back().get());
  }
  Outcome outcome;
  auto evaluate = [&](const Body& body) {
    Value value;
    if (outcome.kind == Outcome::Kind::returned) outcome = Machine(*this).evaluate(in, body, value);
    return value;
  };
  for (const Global& global : m.globals) {
    const Value value = evaluate(global.init);
    in.globals.push_back(host_global({resolve(global.type.type, in.types), global.type.is_mutable}, value));
  }
  for (const Table& table : m.tables) {
    if (table.type.limits.min > limit_.table) return {.error = "out of memory"};
    TableInst* made = host_table({resolve(table.type.element, in.types), table.type.limits});
    if (table.init) made->elements.assign(made->elements.size(), evaluate(*table.init).low);
    in.tables.push_back(made);
  }
  for (const Element& segment : m.elements) {
    std::vector<std::uint64_t>& items = in.elements.emplace_back();
    for (const Body& item : segment.items) items.push_back(evaluate(item).low);
  }
  for (const Data& segment : m.data) in.data.push_back(segment.bytes);

  auto trap = [&](const char* text) {
    if (text && outcome.kind == Outcome::Kind::returned)
      outcome = {.kind = Outcome::Kind::trapped, .trap = text};
  };
  for (std::size_t i = 0; i < m.elements.size(); ++i) {
    const Element& segment = m.elements[i];
    if (outcome.kind != Outcome::Kind::returned) break;
    if (segment.mode == Element::Mode::active)
      trap(Machine::table_init(*in.tables[segment.table], in.elements[i], evaluate(segment.offset).low, 0,
                               in.elements[i].size()));
    if (segment.mode != Element::Mode::passive) in.elements[i].clear();
  }
  for (std::size_t i = 0; i < m.data.size(); ++i) {
    if (outcome.kind != Outcome::Kind::returned) break;
    if (!m.data[i].active) continue;
    trap(Machine::memory_init(*in.memories[m.data[i].memory], in.data[i], evaluate(m.data[i].offset).low, 0,
                              in.data[i].size()));
    in.data[i].clear();
  }
  if (m.start && outcome.kind == Outcome::Kind::returned) {
    std::vector<Value> none;
    outcome = invoke(*in.functions[*m.start], {}, none);
  }
  return {.instance = &in, .outcome = outcome};
}

Outcome Store::invoke(Function& function, std::span<const Value> args, std::vector<Value>& results) {
  return Machine(*this).invoke(function, args, results);
}

}  // namespace nebulet::reference
