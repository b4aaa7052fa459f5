// SPDX-License-Identifier: MIT
// The visitor that turns the validator's walk into instructions of the SSA form.
#include "wasm/frontend/build.h"

#include <array>

#include "wasm/frontend/build_atomic.h"
#include "wasm/frontend/build_gc.h"
#include "wasm/frontend/build_simd.h"
#include "wasm/frontend/cells.h"
#include "wasm/frontend/handlers.h"
#include "wasm/frontend/loops.h"
#include "wasm/frontend/ssa.h"
#include "wasm/validate/walker.h"

namespace nebulet::wasm {
namespace {

using ir::Access;
using ir::Block;
using ir::Edge;
using ir::Inst;
using ir::Op;
using ir::Type;

/// What an instruction of opcodes.def becomes.
struct Translation {
  Op op = Op::nop;
  Type type = Type::none;
  Access access = Access::full;
};
constexpr std::array<Translation, kOpcodeTableSize + 1> make_translations() {
  std::array<Translation, kOpcodeTableSize + 1> table{};
#define NB_UNARY(name, code, text, result, operand, ir) \
  table[opcode_index(Opcode::name)] = {Op::ir, Type::result};
#define NB_BINARY(name, code, text, result, operand, ir) \
  table[opcode_index(Opcode::name)] = {Op::ir, Type::result};
#define NB_LOAD(name, code, text, type, access, alignment) \
  table[opcode_index(Opcode::name)] = {Op::load, Type::type, Access::access};
#define NB_STORE(name, code, text, type, access, alignment) \
  table[opcode_index(Opcode::name)] = {Op::store, Type::type, Access::access};
#include "wasm/binary/opcodes.def"
  return table;
}
constexpr auto kTranslations = make_translations();

constexpr std::int64_t two(std::uint32_t low, std::uint32_t high) {
  return static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
}

/// `Ssa` is SsaBuilder or CellBuilder.
template <class Ssa>
class Builder : public AggregateBuilder<Ssa> {
 public:
  static constexpr bool kFunctionReferences = true;  ///< calls by reference and casts of function references
  static constexpr bool kTracksStack = Ssa::kSegmented;
  using Value = ir::Value;
  struct Label {
    Block target;              ///< where branches go; none until there is one
    Edge false_edge;           ///< if: its edge for 0, as long as there is no else
    std::uint32_t scope = 0;   ///< the scope around it
    std::uint32_t height = 0;  ///< of cells below the block's operands; set by the walk
    bool is_function = false, is_loop = false;
    bool in_catch = false;                               ///< try: in one of its handlers
    std::uint32_t handler = Handlers<Ssa>::kCaller;      ///< of what is thrown inside
    std::uint32_t own_handler = Handlers<Ssa>::kCaller;  ///< try
    typename Handlers<Ssa>::Thrown thrown;               ///< try: in its handlers
    Block others;  ///< try: where what its handlers so far do not catch goes, if there is any
  };
  using Operands = std::span<Slot<Value>>;

  /// What must outlive a segment is in `keep`.
  Builder(const Module& module, std::uint32_t function, ir::Function& out, Ssa& ssa, Arena& keep)
      : AggregateBuilder<Ssa>(module, out, ssa),
        module_(module),
        decl_(module.functions[function]),
        f_(out),
        ssa_(ssa),
        handlers_(out, ssa, keep),
        loops_(module.bytes, keep),
        args_(keep),
        caught_(keep) {
    f_.index = function;
  }

  void begin(const Locals& locals, Label& label) {
    const FuncType& type = module_.func_type(decl_.type);
    for (const ValType result : type.results) f_.results.push_back(type_of(result));
    ssa_.at(decl_.body_begin);
    ssa_.begin(locals, type.params);
    label.is_function = true;
    label.scope = ssa_.open_scope();
  }
  void finish() { ssa_.finish(); }
  void at(std::uint32_t position) { ssa_.at(position); }
  void before(Opcode op, Operands stack) { ssa_.before(op, stack); }
  Value popped(Value value) { return ssa_.use(value); }

  Value constant(ValType type, std::uint64_t bits) {
    const Op op = type == kF32 || type == kF64 ? Op::fconst : Op::iconst;
    return ssa_.emit({.op = op, .type = type_of(type), .imm = static_cast<std::int64_t>(bits)});
  }
  Value unary(Opcode op, Value a) {
    const Translation& t = kTranslations[opcode_index(op)];
    return ssa_.emit({.op = t.op, .type = t.type, .a = a});
  }
  Value binary(Opcode op, Value a, Value b) {
    const Translation& t = kTranslations[opcode_index(op)];
    return ssa_.emit({.op = t.op, .type = t.type, .a = a, .b = b});
  }
  Value select(ValType type, Value a, Value b, Value condition) {
    return ssa_.emit({.op = Op::select, .type = type_of(type), .a = a, .b = b, .c = condition});
  }
  Value local_get(std::uint32_t local) { return ssa_.read(local); }
  void local_set(std::uint32_t local, Value value) { ssa_.write(local, value); }
  Value global_get(std::uint32_t global, ValType type) {
    return ssa_.emit({.op = Op::global_get, .type = type_of(type), .imm = global});
  }
  void global_set(std::uint32_t global, ValType type, Value value) {
    ssa_.emit({.op = Op::global_set, .type = type_of(type), .a = value, .imm = global});
  }

  Value vector(Opcode op, std::uint32_t lane, Value a, Value b, Value c) {
    return VectorBuilder(ssa_).emit(op, lane, a, b, c);
  }
  Value vector_constant(std::uint64_t low, std::uint64_t high) {
    return VectorBuilder(ssa_).constant(low, high);
  }
  Value shuffle(const std::array<std::uint8_t, 16>& indices, Value a, Value b) {
    return VectorBuilder(ssa_).shuffle(indices, a, b);
  }
  Value vector_load(Opcode op, MemArg where, Value address) {
    const VectorTranslation& t = vector_translation(op);
    return VectorBuilder(ssa_).of_loaded(op, load(t.scalar, t.access, where, address));
  }
  Value load_lane(Opcode op, MemArg where, std::uint32_t lane, Value address, Value vector) {
    const VectorTranslation& t = vector_translation(op);
    return VectorBuilder(ssa_).with_lane(op, lane, vector, load(t.scalar, t.access, where, address));
  }
  void store_lane(Opcode op, MemArg where, std::uint32_t lane, Value address, Value vector) {
    const VectorTranslation& t = vector_translation(op);
    store(t.scalar, t.access, where, address, VectorBuilder(ssa_).lane(op, lane, vector));
  }

  Value load(Opcode op, MemArg where, Value address) {
    const Translation& t = kTranslations[opcode_index(op)];
    return load(t.type, t.access, where, address);
  }
  Value load(Type type, Access access, MemArg where, Value address) {
    return ssa_.emit({.op = Op::load,
                      .type = type,
                      .access = access,
                      .a = address,
                      .count = where.memory,
                      .imm = static_cast<std::int64_t>(where.offset)});
  }
  void store(Opcode op, MemArg where, Value address, Value value) {
    const Translation& t = kTranslations[opcode_index(op)];
    store(t.type, t.access, where, address, value);
  }
  void store(Type type, Access access, MemArg where, Value address, Value value) {
    ssa_.emit({.op = Op::store,
               .type = type,
               .access = access,
               .a = address,
               .b = value,
               .count = where.memory,
               .imm = static_cast<std::int64_t>(where.offset)});
  }
  Value atomic(Opcode op, MemArg where, Value address, Value a, Value b) {
    return AtomicBuilder(ssa_, module_).emit(op, where, address, a, b);
  }
  void atomic_fence() { ssa_.emit({.op = Op::atomic_fence}); }
  WidePair<Value> wide(Opcode op, const WideOperands<Value>& operands) {
    return build_wide(ssa_, f_, op, operands);
  }
  Value memory_size(std::uint32_t memory) {
    const bool shared = module_.memories[memory].limits.shared;
    return ssa_.emit({.op = Op::memory_size, .type = address_type(memory), .count = shared, .imm = memory});
  }
  Value memory_grow(std::uint32_t memory, Value delta) {
    return ssa_.emit({.op = Op::memory_grow, .type = address_type(memory), .a = delta, .imm = memory});
  }
  void memory_fill(std::uint32_t memory, Value to, Value value, Value n) {
    ssa_.emit({.op = Op::memory_fill, .a = to, .b = value, .c = n, .imm = memory});
  }
  void memory_copy(std::uint32_t to_memory, std::uint32_t from_memory, Value to, Value from, Value n) {
    ssa_.emit({.op = Op::memory_copy, .a = to, .b = from, .c = n, .imm = two(to_memory, from_memory)});
  }
  void memory_init(std::uint32_t memory, std::uint32_t segment, Value to, Value from, Value n) {
    ssa_.emit({.op = Op::memory_init, .a = to, .b = from, .c = n, .imm = two(memory, segment)});
  }
  void data_drop(std::uint32_t segment) { ssa_.emit({.op = Op::data_drop, .imm = segment}); }

  Value ref_is_null(Value a) {
    const Value null = ssa_.emit({.op = Op::iconst, .type = f_[a].type, .imm = 0});
    return ssa_.emit({.op = Op::eq, .type = Type::i32, .a = a, .b = null});
  }
  Value ref_as_non_null(ValType, Value a) {
    trap_if(ref_is_null(a), ir::Trap::null_reference);
    return a;
  }
  Value ref_func(std::uint32_t function) {
    return ssa_.emit({.op = Op::ref_func, .type = Type::funcref, .imm = function});
  }
  Value table_get(std::uint32_t table, Value at) {
    return ssa_.emit(
        {.op = Op::table_get, .type = type_of(module_.tables[table].type.element), .a = at, .imm = table});
  }
  void table_set(std::uint32_t table, Value at, Value reference) {
    ssa_.emit({.op = Op::table_set, .a = at, .b = reference, .imm = table});
  }
  Value table_size(std::uint32_t table) {
    const Value size = ssa_.emit({.op = Op::table_size, .type = Type::i32, .imm = table});
    return table_is_64(table) ? ssa_.emit({.op = Op::extend_u, .type = Type::i64, .a = size}) : size;
  }
  Value table_grow(std::uint32_t table, Value init, Value delta) {
    const Type type = table_is_64(table) ? Type::i64 : Type::i32;
    return ssa_.emit({.op = Op::table_grow, .type = type, .a = init, .b = delta, .imm = table});
  }
  void table_fill(std::uint32_t table, Value at, Value reference, Value n) {
    ssa_.emit({.op = Op::table_fill, .a = at, .b = reference, .c = n, .imm = table});
  }
  void table_copy(std::uint32_t to_table, std::uint32_t from_table, Value to, Value from, Value n) {
    ssa_.emit({.op = Op::table_copy, .a = to, .b = from, .c = n, .imm = two(to_table, from_table)});
  }
  void table_init(std::uint32_t table, std::uint32_t segment, Value to, Value from, Value n) {
    ssa_.emit({.op = Op::table_init, .a = to, .b = from, .c = n, .imm = two(table, segment)});
  }
  void elem_drop(std::uint32_t segment) { ssa_.emit({.op = Op::elem_drop, .imm = segment}); }

  Value call(std::uint32_t function, const FuncType& type, Operands args) {
    return may_throw(emit_with_list({.op = Op::call, .type = first_result(type), .imm = function}, args),
                     type);
  }
  Value call_indirect(std::uint32_t table, std::uint32_t type_index, const FuncType& type, Value element,
                      Operands args) {
    element = element_index(table, element);
    if (!module_.types[type_index].is_final)
      return call_ref(type_index, type, indirect_callee(table, type_index, element), args);
    const Value call = emit_with_list(
        {.op = Op::call_indirect, .type = first_result(type), .a = element, .imm = two(table, type_index)},
        args);
    return may_throw(call, type);
  }
  void return_call(std::uint32_t function, Operands args) {
    emit_with_list({.op = Op::return_call, .imm = function}, args);
  }
  void return_call_ref(std::uint32_t type_index, Value callee, Operands args) {
    emit_with_list({.op = Op::return_call_ref, .a = callee, .imm = two(0, type_index)}, args);
  }
  void return_call_indirect(std::uint32_t table, std::uint32_t type_index, Value element, Operands args) {
    element = element_index(table, element);
    if (!module_.types[type_index].is_final)
      return return_call_ref(type_index, indirect_callee(table, type_index, element), args);
    emit_with_list({.op = Op::return_call_indirect, .a = element, .imm = two(table, type_index)}, args);
  }
  Value call_ref(std::uint32_t type_index, const FuncType& type, Value callee, Operands args) {
    const Value call = emit_with_list(
        {.op = Op::call_ref, .type = first_result(type), .a = callee, .imm = two(0, type_index)}, args);
    return may_throw(call, type);
  }
  Value result(Value call, std::uint32_t index, ValType type) {
    if (call == protected_) return Value(call.index + index);  // they were made with the call
    return ssa_.emit({.op = Op::result, .type = type_of(type), .a = call, .imm = index});
  }

  /// Cells below those of the operand stack that the handlers around need.
  std::uint32_t reserved() const { return ssa_.reserved(); }

  void throw_(std::uint32_t tag, Operands payload) {
    emit_with_list({.op = Op::throw_, .imm = tag}, payload);
    handlers_.never_returns();
  }
  void throw_ref(Value exception) {
    ssa_.emit({.op = Op::throw_ref, .a = exception});
    handlers_.never_returns();
  }
  void rethrow(const Label& label) { throw_ref(label.thrown.exception); }

  void try_(Label& label) {
    label.scope = ssa_.open_scope();
    label.handler = label.own_handler = handlers_.open(label.height);
  }
  bool end_try_table(Label& label, Operands results, bool reached, std::span<const CatchClause> clauses,
                     auto label_at) {
    handlers_.close(label.own_handler);
    if (!handlers_.is_used(label.own_handler)) return end(label, results, reached);
    if (reached) jump(target_of(label), results);
    const auto thrown = handlers_.dispatch(label.own_handler);
    bool all = false;
    for (const CatchClause& clause : clauses) {
      Block others;
      caught_.clear();
      if (!clause.all) {
        others = handlers_.test(thrown, clause.tag);
        for (const ValType type : payload_types(clause.tag)) caught_.push_back({type, {}});
        take_payload(thrown.exception, clause.tag, caught_.span());
      }
      if (clause.with_ref) caught_.push_back({kCaughtRef, thrown.exception});
      br(label_at(clause.target), caught_.span());
      all = clause.all;
      if (all) break;
      ssa_.start(others);
    }
    if (!all) handlers_.forward(thrown, handlers_.current());
    return end(label, results, false);
  }
  bool begin_catch(Label& label, Operands results, bool reached) {
    if (reached) jump(target_of(label), results);
    if (label.in_catch) {
      if (!label.others.valid()) return false;
      ssa_.start(label.others);
      ssa_.merge_locals(label.others);
      return true;
    }
    handlers_.close(label.own_handler);
    label.in_catch = true;
    label.handler = handlers_.current();
    if (!handlers_.is_used(label.own_handler)) return false;
    label.thrown = handlers_.dispatch(label.own_handler);
    ssa_.reserve();
    return true;
  }
  void catch_(Label& label, std::uint32_t tag, Operands payload) {
    label.others = handlers_.test(label.thrown, tag);
    take_payload(label.thrown.exception, tag, payload);
  }
  void catch_all(Label& label) { label.others = Block::none(); }
  bool end_try(Label& label, Operands results, bool reached) {
    if (!label.in_catch) return delegate_to(label, results, reached, Handlers<Ssa>::kCaller, true);
    if (label.thrown.exception.valid()) ssa_.release();
    if (!label.others.valid()) return end(label, results, reached);
    if (reached) jump(target_of(label), results);
    ssa_.start(label.others);
    ssa_.merge_locals(label.others);
    handlers_.forward(label.thrown, handlers_.current());
    return end(label, results, false);
  }
  bool delegate(Label& label, Operands results, bool reached, const Label& to) {
    return delegate_to(label, results, reached, to.handler, false);
  }

  void block(Label& label) {
    label.scope = ssa_.open_scope();
    label.handler = handlers_.current();
  }
  void loop(Label& label, Operands params, std::uint32_t body) {
    label.is_loop = true;
    label.handler = handlers_.current();
    label.target = ssa_.make_block();
    ssa_.set_height(label.target, label.height);
    jump(label.target, params);
    ssa_.start(label.target);
    for (std::uint32_t i = 0; i < params.size(); ++i)
      params[i].value = ssa_.add_stack_param(label.target, type_of(params[i].type), i);
    label.scope = ssa_.open_scope();
    if constexpr (!Ssa::kSegmented) ssa_.open_loop(label.target, loops_.assigned_in(body, decl_.body_end));
  }
  void if_(Label& label, Value condition, Operands params) {
    label.handler = handlers_.current();
    const Block then = ssa_.make_block();
    const Edge taken = ssa_.make_edge(then, {});
    label.false_edge = ssa_.make_edge(Block::none(), values(params));
    ssa_.emit({.op = Op::br_if, .a = condition, .imm = taken.index});
    label.scope = ssa_.open_scope();
    ssa_.start(then);
  }
  void else_(Label& label, Operands results, bool reached) {
    if (reached) jump(target_of(label), results);
    const Block otherwise = ssa_.make_block();
    ssa_.set_target(label.false_edge, otherwise);
    label.false_edge = Edge::none();
    ssa_.start(otherwise);
    ssa_.merge_locals(otherwise);
  }
  bool end(Label& label, Operands results, bool reached) {
    if (label.is_loop) {
      ssa_.close_loop(label.target);
    } else {
      if (label.false_edge.valid()) ssa_.set_target(label.false_edge, target_of(label));
      if (label.target.valid()) {
        if (reached) jump(label.target, results);
        reached = true;
        merge(label.target, results);
      }
    }
    ssa_.close_scope(label.scope);
    if (label.is_function && reached) return_(results);
    return reached;
  }

  void br(Label& label, Operands args) {
    if (label.is_function)
      return_(args);
    else
      jump(target_of(label), args);
  }
  void br_if(Label& label, Value condition, Operands args) {
    const Block next = ssa_.make_block();
    const Edge taken = ssa_.make_edge(target_of(label), values(args));
    ssa_.make_edge(next, {});
    ssa_.emit({.op = Op::br_if, .a = condition, .imm = taken.index});
    ssa_.start(next);
  }
  /// The last of `operands` is the reference.
  void br_on_cast(Label& label, ValType from, ValType to, bool on_failure, Operands operands) {
    const Block taken = ssa_.make_block(), next = ssa_.make_block();
    this->branch_on_type(operands.back().value, from, to, on_failure ? next : taken,
                         on_failure ? taken : next);
    ssa_.start(taken);
    br(label, operands);
    ssa_.start(next);
  }
  void br_on_null(Label& label, Value reference, Operands args) {
    br_if(label, ref_is_null(reference), args);
  }
  void br_on_non_null(Label& label, Operands args) {
    br_if(label, is_not_null(ssa_.use(args.back().value)), args);
  }
  void br_table(Value selector, std::span<const std::uint32_t> depths, Operands args, auto label_at) {
    const std::span<const Value> list = values(args);
    Edge first;
    for (const std::uint32_t depth : depths) {
      const Edge edge = ssa_.make_edge(target_of(label_at(depth)), list);
      if (!first.valid()) first = edge;
    }
    ssa_.emit({.op = Op::br_table,
               .a = selector,
               .count = static_cast<std::uint32_t>(depths.size()),
               .imm = first.index});
  }
  void return_(Operands results) { emit_with_list({.op = Op::return_}, results); }
  void unreachable() {
    ssa_.emit({.op = Op::trap, .imm = static_cast<std::int64_t>(ir::Trap::unreachable)});
    ssa_.mark_cold();
  }

 private:
  Type address_type(std::uint32_t memory) const {
    return module_.memories[memory].limits.is_64 ? Type::i64 : Type::i32;
  }
  bool table_is_64(std::uint32_t table) const { return module_.tables[table].type.limits.is_64; }
  /// The index of an element that is to be called, as i32: no table has more.
  Value element_index(std::uint32_t table, Value index) {
    constexpr auto kTrap = static_cast<std::int64_t>(ir::Trap::undefined_element);
    if (!table_is_64(table)) return index;
    return ssa_.emit({.op = Op::narrow, .type = Type::i32, .a = index, .imm = kTrap});
  }
  /// The element for a call by a type that may have subtypes: their ids are others.
  Value indirect_callee(std::uint32_t table, std::uint32_t type_index, Value element) {
    return ssa_.emit(
        {.op = Op::indirect_callee, .type = Type::funcref, .a = element, .imm = two(table, type_index)});
  }
  Value is_not_null(Value a) {
    const Value null = ssa_.emit({.op = Op::iconst, .type = f_[a].type, .imm = 0});
    return ssa_.emit({.op = Op::ne, .type = Type::i32, .a = a, .b = null});
  }
  /// A call was emitted. In a try its results follow at once, for its block ends behind them.
  Value may_throw(Value call, const FuncType& type) {
    protected_ = Value::none();
    if (handlers_.current() == Handlers<Ssa>::kCaller) return call;
    for (std::uint32_t i = 1; i < type.results.size(); ++i)
      ssa_.emit({.op = Op::result, .type = type_of(type.results[i]), .a = call, .imm = i});
    protected_ = call;
    handlers_.protect();
    return call;
  }
  const std::vector<ValType>& payload_types(std::uint32_t tag) const {
    return module_.func_type(module_.tags[tag].type).params;
  }
  /// Sets the values of `payload`, whose types are there.
  void take_payload(Value exception, std::uint32_t tag, Operands payload) {
    if (payload.empty()) return;
    const Value first =
        ssa_.emit({.op = Op::catch_, .type = type_of(payload[0].type), .a = exception, .imm = tag});
    payload[0].value = first;
    for (std::uint32_t i = 1; i < payload.size(); ++i)
      payload[i].value =
          ssa_.emit({.op = Op::result, .type = type_of(payload[i].type), .a = first, .imm = i});
  }
  /// Ends a try that catches nothing.
  bool delegate_to(Label& label, Operands results, bool reached, std::uint32_t handler, bool outer) {
    handlers_.close(label.own_handler);
    if (!handlers_.is_used(label.own_handler)) return end(label, results, reached);
    if (reached) jump(target_of(label), results);
    const auto thrown = handlers_.dispatch(label.own_handler);
    handlers_.forward(thrown, outer ? handlers_.current() : handler);
    return end(label, results, false);
  }
  void trap_if(Value condition, ir::Trap trap) {
    ssa_.emit({.op = Op::trap_if, .a = condition, .imm = static_cast<std::int64_t>(trap)});
  }
  Type type_of(ValType type) const { return ir_type(type, module_); }
  Type first_result(const FuncType& type) const {
    return type.results.empty() ? Type::none : type_of(type.results[0]);
  }
  /// Good until the next call.
  std::span<const Value> values(Operands operands) {
    args_.clear();
    for (const auto& operand : operands) args_.push_back(operand.value);
    return args_.span();
  }
  Value emit_with_list(Inst inst, Operands operands) {
    for (auto& operand : operands) operand.value = ssa_.use(operand.value);
    inst.args = f_.pool.size();
    inst.count = static_cast<std::uint32_t>(operands.size());
    for (const auto& operand : operands) f_.pool.push_back(operand.value.index);
    return ssa_.emit(inst);
  }
  Block target_of(Label& label) {
    if (!label.target.valid()) {
      label.target = ssa_.make_block();
      ssa_.set_height(label.target, label.height);
    }
    return label.target;
  }
  void jump(Block target, Operands args) { ssa_.jump(target, values(args)); }
  /// Starts the block behind the branches to it; `results` get their values there.
  void merge(Block block, Operands results) {
    ssa_.start(block);
    if (ssa_.edge_count(block) == 1) {
      const auto args = ssa_.stack_args(ssa_.first_edge(block));
      for (std::uint32_t i = 0; i < results.size(); ++i) results[i].value = args[i];
    } else {
      for (std::uint32_t i = 0; i < results.size(); ++i)
        results[i].value = ssa_.add_stack_param(block, type_of(results[i].type), i);
    }
    ssa_.merge_locals(block);
  }

  const Module& module_;
  const FunctionDecl& decl_;
  ir::Function& f_;
  Ssa& ssa_;
  Handlers<Ssa> handlers_;
  LoopScan loops_;
  ArenaVector<Value> args_;
  ArenaVector<Slot<Value>> caught_;  ///< operands of a catch clause's branch
  Value protected_;                  ///< the last call that got an edge to a handler
};

}  // namespace

Result<> build_function(const Module& module, std::uint32_t defined_index, ir::Function& out,
                        std::uint64_t memory_units) {
  const std::uint32_t function = module.imported_functions + defined_index;
  const FunctionDecl& decl = module.functions[function];
  Fuel fuel(decl.body_end - decl.body_begin);
  fuel.limit(memory_units);
  SsaBuilder ssa(module, out, fuel);
  Builder<SsaBuilder> builder(module, function, out, ssa, *out.arena);
  if (auto walked = Walker<Builder<SsaBuilder>>(module, function, builder, fuel, *out.arena).run(); !walked)
    return std::unexpected(std::move(walked).error());
  builder.finish();
  return {};
}

Result<> build_in_segments(const Module& module, std::uint32_t defined_index, ir::Function& segment,
                           Arena& keep, const SegmentSink& sink) {
  const std::uint32_t function = module.imported_functions + defined_index;
  const FunctionDecl& decl = module.functions[function];
  Fuel fuel(decl.body_end - decl.body_begin);
  segment.is_segment = true;
  CellBuilder cells(module, segment, fuel, keep, sink);
  Builder<CellBuilder> builder(module, function, segment, cells, keep);
  auto walked = Walker<Builder<CellBuilder>>(module, function, builder, fuel, keep).run();
  if (!cells.status()) return cells.status();
  if (!walked) return walked;
  builder.finish();
  return cells.status();
}

namespace {
constexpr std::string_view kWideCells = "cells of 16 bytes are needed";
}
Error wide_cells_needed() { return {Error::Kind::limit, 0, std::string(kWideCells)}; }
bool is_wide_cells_needed(const Error& error) { return error.message == kWideCells; }

}  // namespace nebulet::wasm
