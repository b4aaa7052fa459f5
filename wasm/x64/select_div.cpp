// SPDX-License-Identifier: MIT
// Division and remainder; by constants without dividing (Granlund, Montgomery: Division by Invariant Integers
// using Multiplication, PLDI 1994; Lemire, Kaser, Kurz: Faster remainder by direct computation, 2019).
#include <bit>

#include "wasm/x64/selector.h"

namespace nebulet::wasm::x64 {
namespace {

/// floor((high * 2^64 + low) / divisor), for high < divisor. The kernel has no 128-bit division.
std::uint64_t divide_128(std::uint64_t high, std::uint64_t low, std::uint64_t divisor) {
  for (int i = 0; i < 64; ++i) {
    const bool carry = high >> 63;
    high = high << 1 | low >> 63;
    low <<= 1;
    if (carry || high >= divisor) {
      high -= divisor;
      low |= 1;
    }
  }
  return low;
}

}  // namespace

/// x / divisor, unsigned, divisor not 0.
VReg Selector::quotient_u(const ir::Inst& inst, std::uint64_t divisor) {
  const unsigned size = size_of(inst.type);
  const VReg x = vreg(inst.a);
  if (std::has_single_bit(divisor)) {
    const int shift = std::countr_zero(divisor);
    return shift == 0 ? x : op_imm(MOp::shr_ri, size, x, shift);
  }
  if (size == 4) {
    // ceil(2^64 / d) * x has the quotient in its upper half for all 32-bit x and d.
    const VReg magic = immediate(~std::uint64_t{0} / divisor + 1, 8), high = new_gpr(8, false),
               q = new_gpr(4, true);
    build(MOp::mulx, 8).use(magic, rdx).rm(reg_operand(x, 8)).def(high).end();
    build(MOp::mov_rm, 4).rm(reg_operand(high, 4)).def(q).end();
    return q;
  }
  // With l = ceil(log2 d) and m = floor(2^64 * (2^l - d) / d) + 1: t = high(m * x), q = (((x - t) >> 1) + t)
  // >> (l - 1).
  const int l = 64 - std::countl_zero(divisor - 1);
  const std::uint64_t power = l == 64 ? 0 : std::uint64_t{1} << l;
  const VReg magic = immediate(divide_128(power - divisor, 0, divisor) + 1, 8), t = new_gpr(8, false);
  build(MOp::mulx, 8).use(magic, rdx).rm(reg_operand(x, 8)).def(t).end();
  const VReg half = op_imm(MOp::shr_ri, 8, op_reg(MOp::sub_rm, 8, x, t), 1);
  const VReg sum = op_reg(MOp::add_rm, 8, half, t);
  return l == 1 ? sum : op_imm(MOp::shr_ri, 8, sum, l - 1);
}

/// x / divisor, rounded towards 0; the divisor's absolute value is at least 2 and representable.
VReg Selector::quotient_s(const ir::Inst& inst, std::int64_t divisor) {
  const unsigned size = size_of(inst.type), bits = size * 8;
  const VReg x = vreg(inst.a);
  const bool negative = divisor < 0;
  const std::uint64_t d =
      negative ? -static_cast<std::uint64_t>(divisor) : static_cast<std::uint64_t>(divisor);
  VReg q;
  if (std::has_single_bit(d)) {
    // Negative dividends get d - 1 added, so that the shift rounds towards 0.
    const int shift = std::countr_zero(d);
    const VReg sign = shift == 1 ? x : op_imm(MOp::sar_ri, size, x, bits - 1);
    const VReg bias = op_imm(MOp::shr_ri, size, sign, bits - shift);
    q = op_imm(MOp::sar_ri, size, op_reg(MOp::add_rm, size, bias, x), shift);
  } else {
    // m = floor(2^(bits + s) / d) + 1 with s = ceil(log2 d) - 1; q = (m * x >> (bits + s)) + (x < 0).
    const int s = 63 - std::countl_zero(d);
    const VReg sign = op_imm(MOp::shr_ri, size, x, bits - 1);
    VReg product;
    if (size == 4) {
      const std::uint64_t m = (std::uint64_t{1} << (32 + s)) / d + 1;  // below 2^32
      const VReg wide = new_gpr(8, false), full = new_gpr(8, false);
      build(MOp::movsxd, 8).rm(reg_operand(x, 4)).def(wide).end();
      if (m <= 0x7fffffff) {
        build(MOp::imul_rmi, 8).rm(reg_operand(wide, 8)).imm(static_cast<std::int64_t>(m)).def(full).end();
      } else {
        const VReg magic = immediate(m, 8);
        build(MOp::imul_rm, 8).use(wide).rm(reg_operand(magic, 8)).reuse(full).end();
      }
      const VReg shifted = op_imm(MOp::sar_ri, 8, full, 32 + s);
      q = op_reg(MOp::add_rm, 4, sign, shifted);
    } else {
      // m is at least 2^63: as a signed factor it is m - 2^64, so x is added to the upper half of the
      // product.
      const std::uint64_t m = divide_128(std::uint64_t{1} << s, 0, d) + 1;
      const VReg magic = immediate(m, 8), high = new_gpr(8, false), low = new_gpr(8, false);
      build(MOp::imul_high, 8).use(magic, rax).rm(reg_operand(x, 8)).def(low, rax).def(high, rdx).end();
      product = static_cast<std::int64_t>(m) < 0 ? op_reg(MOp::add_rm, 8, high, x) : high;
      if (s > 0) product = op_imm(MOp::sar_ri, 8, product, s);
      q = op_reg(MOp::add_rm, 8, product, sign);
    }
  }
  if (!negative) return q;
  const VReg result = new_gpr(size, size == 4);
  build(MOp::neg, size).use(q).reuse(result).end();
  return result;
}

bool Selector::lower_div_constant(Value v, const ir::Inst& inst, std::int64_t divisor) {
  const unsigned size = size_of(inst.type);
  const bool is_signed = inst.op == Op::div_s || inst.op == Op::rem_s,
             rem = inst.op == Op::rem_s || inst.op == Op::rem_u;
  const std::int64_t min = size == 4 ? INT32_MIN : INT64_MIN;
  if (divisor == 0 || (is_signed && (divisor == 1 || divisor == -1 || divisor == min))) return false;
  const std::uint64_t d =
      size == 4 ? static_cast<std::uint32_t>(divisor) : static_cast<std::uint64_t>(divisor);
  if (!wanted(v)) return true;  // it cannot trap
  const VReg def = vreg(v), x = vreg(inst.a);
  auto copy = [&](VReg from) { build(MOp::mov_rm, size).rm(reg_operand(from, size)).def(def).end(); };
  if (rem && !is_signed && std::has_single_bit(d)) {
    const std::uint64_t mask = d - 1;
    if (mask <= 0x7fffffff) {
      build(MOp::and_ri, 4).use(x).imm(static_cast<std::int64_t>(mask)).reuse(def).end();
    } else {
      const VReg bits = immediate(mask, size);
      build(MOp::and_rm, size).use(x).rm(reg_operand(bits, size)).reuse(def).end();
    }
    return true;
  }
  const VReg q = is_signed ? quotient_s(inst, divisor) : quotient_u(inst, d);
  if (!rem) {
    copy(q);
    return true;
  }
  const VReg product = new_gpr(size, size == 4);
  if (divisor == static_cast<std::int32_t>(divisor)) {
    build(MOp::imul_rmi, size).rm(reg_operand(q, size)).imm(divisor).def(product).end();
  } else {
    const VReg factor = immediate(d, size);
    build(MOp::imul_rm, size).use(q).rm(reg_operand(factor, size)).reuse(product).end();
  }
  build(MOp::sub_rm, size).use(x).rm(reg_operand(product, size)).reuse(def).end();
  return true;
}

void Selector::lower_div(Value v, const ir::Inst& inst) {
  const unsigned size = size_of(inst.type);
  const bool is_signed = inst.op == Op::div_s || inst.op == Op::rem_s,
             rem = inst.op == Op::rem_s || inst.op == Op::rem_u;
  std::int64_t c = 0;
  const bool is_constant = constant(inst.b, c);
  if (is_constant && lower_div_constant(v, inst, c)) return;
  VReg a = vreg(inst.a), b = vreg(inst.b);
  if (!is_constant || c == 0) {
    build(MOp::test_rm, size).use(b).rm(reg_operand(b, 0)).end();
    build(MOp::trap_if, Aux().cond(Cond::e).trap(ir::Trap::integer_divide_by_zero)).end();
  }
  if (inst.op == Op::rem_s) {
    // x rem -1 is 0, as is x rem 1; but INT_MIN / -1 raises #DE.
    const VReg one = immediate(1, 4), safe = new_gpr(size, size == 4);
    build(MOp::cmp_ri, size).rm(reg_operand(b, size)).imm(-1).end();
    build(MOp::cmov, Aux::size(size).cond(Cond::ne)).use(one).rm(reg_operand(b, size)).reuse(safe).end();
    b = safe;
  }
  const VReg quotient = rem ? new_gpr(size, size == 4) : vreg(v),
             remainder = rem ? vreg(v) : new_gpr(size, size == 4);
  VReg high;
  if (is_signed) {
    high = new_gpr(size, size == 4);
    build(MOp::cdq, size).use(a, rax).def(high, rdx).end();
  } else {
    high = immediate(0, 4);
  }
  build(is_signed ? MOp::idiv : MOp::div, Aux::size(size).trap(ir::Trap::integer_overflow))
      .use(a, rax)
      .use(high, rdx)
      .rm(reg_operand(b, size))
      .def(quotient, rax)
      .def(remainder, rdx)
      .end();
}

}  // namespace nebulet::wasm::x64
