// SPDX-License-Identifier: MIT
#include "wasm/frontend/build_gc.h"

#include "wasm/binary/subtype.h"
#include "wasm/runtime/gc_layout.h"

namespace nebulet::wasm {

using ir::Access;
using ir::Block;
using ir::Op;
using ir::Trap;
using ir::Type;

namespace {

constexpr std::int64_t two(std::uint32_t low, std::uint32_t high) {
  return static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
}
/// An access to null below this offset faults, whatever its width.
constexpr std::uint32_t kFaultsBelow = kGcStateOffset - 16;
constexpr std::uint32_t kElements = kGcHeaderSize;

}  // namespace

template <class Ssa>
typename AggregateBuilder<Ssa>::Place AggregateBuilder<Ssa>::place(const FieldType& field,
                                                                   bool is_signed) const {
  const Type type = ir_type(field.type, module_);
  switch (field.packed) {
    case FieldType::Packed::i8: return {type, is_signed ? Access::s8 : Access::u8, Access::u8, false};
    case FieldType::Packed::i16: return {type, is_signed ? Access::s16 : Access::u16, Access::u16, false};
    case FieldType::Packed::none: break;
  }
  return {type, Access::full, Access::full, type == Type::ref};
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::constant(Type type, std::uint64_t bits) {
  return ssa_.emit({.op = Op::iconst, .type = type, .imm = static_cast<std::int64_t>(bits)});
}
template <class Ssa>
ir::Value AggregateBuilder<Ssa>::binary(Op op, Type type, Value a, Value b) {
  return ssa_.emit({.op = op, .type = type, .a = a, .b = b});
}
template <class Ssa>
ir::Value AggregateBuilder<Ssa>::equals(Value a, std::uint64_t bits) {
  return binary(Op::eq, Type::i32, a, constant(f_[a].type, bits));
}
template <class Ssa>
ir::Value AggregateBuilder<Ssa>::pack(Value low, Value high) {
  auto wide = [&](Value v) {
    if (f_[v].type == Type::ref) v = ssa_.emit({.op = Op::ref_bits, .type = Type::i32, .a = v});
    return ssa_.emit({.op = Op::extend_u, .type = Type::i64, .a = v});
  };
  const Value shifted = binary(Op::shl, Type::i64, wide(high), constant(Type::i64, 32));
  return binary(Op::or_, Type::i64, wide(low), shifted);
}
template <class Ssa>
void AggregateBuilder<Ssa>::check(Value condition, Trap trap) {
  const Value fails = ssa_.emit({.op = Op::eqz, .type = Type::i32, .a = condition});
  ssa_.emit({.op = Op::trap_if, .a = fails, .imm = static_cast<std::int64_t>(trap)});
}

template <class Ssa>
std::int64_t AggregateBuilder<Ssa>::at(Value object, std::uint32_t offset, Trap trap) {
  if (offset >= kFaultsBelow) check(binary(Op::ne, Type::i32, object, constant(f_[object].type, 0)), trap);
  return two(offset, static_cast<std::uint32_t>(trap));
}
template <class Ssa>
ir::Value AggregateBuilder<Ssa>::load(Value object, std::uint32_t offset, Trap trap) {
  return ssa_.emit(
      {.op = Op::heap_load_const, .type = Type::i32, .a = object, .imm = at(object, offset, trap)});
}

// --- i31 (spec 4.4.5.18)

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::ref_eq(Value a, Value b) {
  return binary(Op::eq, Type::i32, a, b);
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::ref_i31(Value a) {
  const Value shifted = binary(Op::shl, Type::i32, a, constant(Type::i32, 1));
  const Value bits = binary(Op::or_, Type::i32, shifted, constant(Type::i32, 1));
  return ssa_.emit({.op = Op::bits_ref, .type = Type::ref, .a = bits});
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::i31_get(Opcode op, Value a) {
  const Value bits = ssa_.emit({.op = Op::ref_bits, .type = Type::i32, .a = a});
  check(bits, Trap::null_i31);
  return binary(op == Opcode::i31_get_s ? Op::shr_s : Op::shr_u, Type::i32, bits, constant(Type::i32, 1));
}

// --- Structures

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::struct_new(std::uint32_t type, Operands fields) {
  const Value object = struct_new_default(type);
  const TypeDef& def = module_.types[type];
  for (std::uint32_t i = 0; i < fields.size(); ++i) {
    fields[i].value = ssa_.use(fields[i].value);
    const ir::Inst& value = f_[fields[i].value];
    if ((value.op == Op::iconst || value.op == Op::fconst) && value.imm == 0) continue;
    set_field(def, i, object, fields[i].value);
  }
  return object;
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::struct_new_default(std::uint32_t type) {
  return ssa_.emit({.op = Op::gc_new, .type = Type::ref, .imm = type});
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::struct_get(Opcode op, std::uint32_t type, std::uint32_t field,
                                            Value object) {
  const TypeDef& def = module_.types[type];
  const Place where = place(def.fields[field], op == Opcode::struct_get_s);
  return ssa_.emit({.op = def.fields[field].is_mutable ? Op::heap_load : Op::heap_load_const,
                    .type = where.type,
                    .access = where.load,
                    .a = object,
                    .imm = at(object, def.offsets[field], Trap::null_structure)});
}

template <class Ssa>
void AggregateBuilder<Ssa>::set_field(const TypeDef& def, std::uint32_t field, Value object, Value value) {
  const Place where = place(def.fields[field]);
  ssa_.emit({.op = Op::heap_store,
             .type = where.type,
             .access = where.store,
             .a = object,
             .b = value,
             .imm = at(object, def.offsets[field], Trap::null_structure)});
}

template <class Ssa>
void AggregateBuilder<Ssa>::struct_set(std::uint32_t type, std::uint32_t field, Value object, Value value) {
  const TypeDef& def = module_.types[type];
  if (place(def.fields[field]).traced)
    report([&] { return struct_get(Opcode::struct_get, type, field, object); });
  set_field(def, field, object, value);
}

template <class Ssa>
void AggregateBuilder<Ssa>::report(auto old) {
  if constexpr (Ssa::kSegmented) {
    ssa_.emit({.op = Op::gc_shade, .a = old()});
    return;
  }
  const Value marking = ssa_.emit({.op = Op::gc_marking, .type = Type::i32});
  const Block report = ssa_.make_block(), next = ssa_.make_block();
  branch(marking, report, next);
  ssa_.start(report);
  ssa_.mark_cold();
  ssa_.emit({.op = Op::gc_shade, .a = old()});
  ssa_.jump(next, {});
  ssa_.start(next);
}

// --- Arrays

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_new(std::uint32_t type, Value init, Value length) {
  const Value array = array_new_default(type, length);
  const ir::Inst& value = f_[init];
  if (!((value.op == Op::iconst || value.op == Op::fconst) && value.imm == 0))
    fill(type, array, constant(Type::i32, 0), init, length);
  return array;
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_new_default(std::uint32_t type, Value length) {
  return ssa_.emit({.op = Op::gc_new_array, .type = Type::ref, .a = length, .imm = type});
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_new_fixed(std::uint32_t type, Operands elements) {
  const FieldType& field = module_.types[type].fields[0];
  const Place where = place(field);
  const Value array = array_new_default(type, constant(Type::i32, elements.size()));
  for (std::uint32_t i = 0; i < elements.size(); ++i)
    ssa_.emit({.op = Op::heap_store,
               .type = where.type,
               .access = where.store,
               .a = array,
               .b = elements[i].value,
               .imm = two(kElements + i * field_bytes(field), static_cast<std::uint32_t>(Trap::null_array))});
  return array;
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_new_data(std::uint32_t type, std::uint32_t segment, Value from,
                                                Value n) {
  return ssa_.emit({.op = Op::gc_new_data, .type = Type::ref, .a = from, .b = n, .imm = two(type, segment)});
}
template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_new_elem(std::uint32_t type, std::uint32_t segment, Value from,
                                                Value n) {
  return ssa_.emit({.op = Op::gc_new_elem, .type = Type::ref, .a = from, .b = n, .imm = two(type, segment)});
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_len(Value array) {
  return load(array, kGcLengthOffset, Trap::null_array);
}

template <class Ssa>
void AggregateBuilder<Ssa>::check_index(Value array, Value index) {
  check(binary(Op::lt_u, Type::i32, index, array_len(array)), Trap::array_out_of_bounds);
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::array_get(Opcode op, std::uint32_t type, Value array, Value index) {
  const FieldType& field = module_.types[type].fields[0];
  const Place where = place(field, op == Opcode::array_get_s);
  check_index(array, index);
  return ssa_.emit({.op = field.is_mutable ? Op::element_load : Op::element_load_const,
                    .type = where.type,
                    .access = where.load,
                    .a = array,
                    .b = index,
                    .imm = two(kElements, static_cast<std::uint32_t>(Trap::null_array))});
}

template <class Ssa>
void AggregateBuilder<Ssa>::array_set(std::uint32_t type, Value array, Value index, Value value) {
  const Place where = place(module_.types[type].fields[0]);
  check_index(array, index);
  const std::int64_t imm = two(kElements, static_cast<std::uint32_t>(Trap::null_array));
  if (where.traced)
    report([&] {
      return ssa_.emit({.op = Op::element_load, .type = Type::ref, .a = array, .b = index, .imm = imm});
    });
  ssa_.emit({.op = Op::element_store,
             .type = where.type,
             .access = where.store,
             .a = array,
             .b = index,
             .c = value,
             .imm = imm});
}

template <class Ssa>
void AggregateBuilder<Ssa>::array_fill(std::uint32_t type, Value array, Value index, Value value, Value n) {
  fill(type, array, index, value, n);
}

/// A v128 is filled in two halves.
template <class Ssa>
void AggregateBuilder<Ssa>::fill(std::uint32_t type, Value array, Value index, Value value, Value n) {
  const Value range = pack(index, n);
  auto emit = [&](Value bits, std::uint32_t part) {
    ssa_.emit({.op = Op::gc_fill, .a = array, .b = bits, .c = range, .imm = two(type, part)});
  };
  auto wide = [&](Op op, Value v) { return ssa_.emit({.op = op, .type = Type::i64, .a = v}); };
  switch (f_[value].type) {
    case Type::v128:
      for (std::uint32_t half = 0; half < 2; ++half)
        emit(ssa_.emit({.op = Op::vextract_u,
                        .type = Type::i64,
                        .lanes = ir::Lanes::i64x2,
                        .a = value,
                        .imm = static_cast<std::int64_t>(half)}),
             half);
      return;
    case Type::i64: return emit(value, 0);
    case Type::f64: return emit(wide(Op::reinterpret, value), 0);
    case Type::f32:
      return emit(wide(Op::extend_u, ssa_.emit({.op = Op::reinterpret, .type = Type::i32, .a = value})), 0);
    case Type::ref:
    case Type::funcref:
      return emit(wide(Op::extend_u, ssa_.emit({.op = Op::ref_bits, .type = Type::i32, .a = value})), 0);
    default: return emit(wide(Op::extend_u, value), 0);
  }
}

template <class Ssa>
void AggregateBuilder<Ssa>::array_copy(std::uint32_t type, std::uint32_t, Value array, Value index,
                                       Value from, Value from_index, Value n) {
  ssa_.emit({.op = Op::gc_copy, .a = pack(array, from), .b = pack(index, from_index), .c = n, .imm = type});
}
template <class Ssa>
void AggregateBuilder<Ssa>::array_init_data(std::uint32_t type, std::uint32_t segment, Value array,
                                            Value index, Value from, Value n) {
  ssa_.emit({.op = Op::gc_init_data, .a = array, .b = pack(index, from), .c = n, .imm = two(type, segment)});
}
template <class Ssa>
void AggregateBuilder<Ssa>::array_init_elem(std::uint32_t type, std::uint32_t segment, Value array,
                                            Value index, Value from, Value n) {
  ssa_.emit({.op = Op::gc_init_elem, .a = array, .b = pack(index, from), .c = n, .imm = two(type, segment)});
}

// --- Casts (spec 3.3.4.5, 4.4.4.4)

template <class Ssa>
void AggregateBuilder<Ssa>::branch(Value condition, Block yes, Block no) {
  const ir::Edge taken = ssa_.make_edge(yes, {});
  ssa_.make_edge(no, {});
  ssa_.emit({.op = Op::br_if, .a = condition, .imm = taken.index});
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::ref_test(ValType from, ValType to, Value reference) {
  if constexpr (Ssa::kSegmented) return test(to, reference);
  const Block yes = ssa_.make_block(), no = ssa_.make_block(), join = ssa_.make_block();
  branch_on_type(reference, from, to, yes, no);
  for (const bool answer : {true, false}) {
    ssa_.start(answer ? yes : no);
    const Value bit = constant(Type::i32, answer);
    ssa_.jump(join, {&bit, 1});
  }
  ssa_.start(join);
  return ssa_.add_stack_param(join, Type::i32, 0);
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::ref_cast(ValType from, ValType to, Value reference) {
  if constexpr (Ssa::kSegmented) {
    check(test(to, reference), Trap::cast_failure);
    return reference;
  }
  const Block yes = ssa_.make_block(), no = ssa_.make_block();
  branch_on_type(reference, from, to, yes, no);
  ssa_.start(no);
  ssa_.mark_cold();
  ssa_.emit({.op = Op::trap, .imm = static_cast<std::int64_t>(Trap::cast_failure)});
  ssa_.start(yes);
  return reference;
}

template <class Ssa>
ir::Value AggregateBuilder<Ssa>::test(ValType to, Value reference) {
  return ssa_.emit(
      {.op = Op::gc_test, .type = Type::i32, .a = reference, .imm = two(to.heap.code, to.nullable ? 1 : 0)});
}

template <class Ssa>
void AggregateBuilder<Ssa>::branch_on_type(Value reference, ValType from, ValType to, Block yes, Block no) {
  reference = ssa_.use(reference);
  if constexpr (Ssa::kSegmented) return branch(test(to, reference), yes, no);
  auto go_on_if = [&](Value condition, Block otherwise) {
    const Block next = ssa_.make_block();
    branch(condition, next, otherwise);
    ssa_.start(next);
  };
  const bool bottom =
      to.heap == kNoneHeap || to.heap == kNoFuncHeap || to.heap == kNoExternHeap || to.heap == kNoExnHeap;
  const bool always = !bottom && is_heap_subtype(module_, from.heap, to.heap);
  if (bottom || always) {
    // Only null makes a difference, or nothing does.
    if (from.nullable && bottom == to.nullable) {
      const Value null = equals(reference, 0);
      return bottom ? branch(null, yes, no) : branch(null, no, yes);
    }
    return branch(constant(Type::i32, !bottom), yes, no);
  }
  if (from.nullable)
    go_on_if(binary(Op::ne, Type::i32, reference, constant(f_[reference].type, 0)), to.nullable ? yes : no);
  if (module_.is_func_heap(to.heap)) {
    const Value is = ssa_.emit({.op = Op::func_test, .type = Type::i32, .a = reference, .imm = to.heap.code});
    return branch(is, yes, no);
  }
  const Value bits = ssa_.emit({.op = Op::ref_bits, .type = Type::i32, .a = reference});
  auto masked = [&](std::uint32_t mask) {
    return binary(Op::and_, Type::i32, bits, constant(Type::i32, mask));
  };
  if (to.heap == kI31Heap) return branch(masked(1), yes, no);
  if (to.heap == kEqHeap) return branch(equals(masked(3), 2), no, yes);  // from any: all but host references
  const bool is_object = from.heap.is_index() || from.heap == kStructHeap || from.heap == kArrayHeap;
  if (!is_object) go_on_if(equals(masked(7), 0), no);
  const Value record = load(reference, kGcTypeOffset, Trap::null_reference);
  if (to.heap.is_index()) return branch_on_concrete(record, to.heap.code, yes, no);
  const GcKind kind = to.heap == kStructHeap ? GcKind::structure : GcKind::array;
  branch(equals(load(record, kGcKindOffset, Trap::null_reference), static_cast<std::uint32_t>(kind)), yes,
         no);
}

template <class Ssa>
void AggregateBuilder<Ssa>::branch_on_concrete(Value record, std::uint32_t type, Block yes, Block no) {
  const TypeDef& def = module_.types[type];
  const Value wanted = ssa_.emit({.op = Op::gc_type, .type = Type::i32, .imm = type});
  const Value same = binary(Op::eq, Type::i32, record, wanted);
  if (def.is_final) return branch(same, yes, no);
  const Block other = ssa_.make_block();
  branch(same, yes, other);
  ssa_.start(other);
  if (def.depth >= kGcMinDisplay) {
    const Block deep = ssa_.make_block();
    const Value depth = load(record, kGcDepthOffset, Trap::null_reference);
    branch(binary(Op::gt_u, Type::i32, depth, constant(Type::i32, def.depth)), deep, no);
    ssa_.start(deep);
  }
  const Value super = load(record, kGcDisplayOffset + 4 * def.depth, Trap::null_reference);
  branch(binary(Op::eq, Type::i32, super, wanted), yes, no);
}

template class AggregateBuilder<SsaBuilder>;
template class AggregateBuilder<CellBuilder>;

}  // namespace nebulet::wasm
