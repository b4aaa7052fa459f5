// SPDX-License-Identifier: MIT
// The instructions that are operations on values, by their results.
#include "tests/fuzz/body.h"

namespace nebulet::fuzz {
namespace {

class Operations {
 public:
  Operations() {
    scalars();
    vectors();
  }
  std::vector<Operation> scalar[5], all[5];
  static unsigned place(const Type& type) { return 0x7fu - type.code; }

 private:
  void add(std::uint32_t first, std::uint32_t last, Type result, std::initializer_list<Type> operands,
           Type canonical = kI32, std::uint8_t lanes = 0) {
    for (std::uint32_t code = first; code <= last; ++code) {
      Operation op{code, result, {}, static_cast<std::uint8_t>(operands.size()), canonical, lanes};
      std::size_t i = 0;
      for (const Type& type : operands) op.operands[i++] = type;
      all[place(result)].push_back(op);
      if (!simd_) scalar[place(result)].push_back(op);
    }
  }

  void scalars() {
    add(0x45, 0x45, kI32, {kI32});
    add(0x46, 0x4f, kI32, {kI32, kI32});
    add(0x50, 0x50, kI32, {kI64});
    add(0x51, 0x5a, kI32, {kI64, kI64});
    add(0x5b, 0x60, kI32, {kF32, kF32});
    add(0x61, 0x66, kI32, {kF64, kF64});
    add(0x67, 0x69, kI32, {kI32});
    add(0x6a, 0x78, kI32, {kI32, kI32});
    add(0x79, 0x7b, kI64, {kI64});
    add(0x7c, 0x8a, kI64, {kI64, kI64});
    add(0x8b, 0x8c, kF32, {kF32});
    add(0x8d, 0x91, kF32, {kF32}, kF32);
    add(0x92, 0x97, kF32, {kF32, kF32}, kF32);
    add(0x98, 0x98, kF32, {kF32, kF32});
    add(0x99, 0x9a, kF64, {kF64});
    add(0x9b, 0x9f, kF64, {kF64}, kF64);
    add(0xa0, 0xa5, kF64, {kF64, kF64}, kF64);
    add(0xa6, 0xa6, kF64, {kF64, kF64});
    add(0xa7, 0xa7, kI32, {kI64});
    add(0xa8, 0xa9, kI32, {kF32});
    add(0xaa, 0xab, kI32, {kF64});
    add(0xac, 0xad, kI64, {kI32});
    add(0xae, 0xaf, kI64, {kF32});
    add(0xb0, 0xb1, kI64, {kF64});
    add(0xb2, 0xb3, kF32, {kI32});
    add(0xb4, 0xb5, kF32, {kI64});
    add(0xb6, 0xb6, kF32, {kF64}, kF32);
    add(0xb7, 0xb8, kF64, {kI32});
    add(0xb9, 0xba, kF64, {kI64});
    add(0xbb, 0xbb, kF64, {kF32}, kF64);
    add(0xbc, 0xbc, kI32, {kF32});
    add(0xbd, 0xbd, kI64, {kF64});
    add(0xbe, 0xbe, kF32, {kI32});
    add(0xbf, 0xbf, kF64, {kI64});
    add(0xc0, 0xc1, kI32, {kI32});
    add(0xc2, 0xc4, kI64, {kI64});
    add(0xfc000, 0xfc001, kI32, {kF32});
    add(0xfc002, 0xfc003, kI32, {kF64});
    add(0xfc004, 0xfc005, kI64, {kF32});
    add(0xfc006, 0xfc007, kI64, {kF64});
  }

  void vector(unsigned first, unsigned last, std::initializer_list<Type> operands) {
    add(0xfd000 | first, 0xfd000 | last, kV128, operands);
  }
  void vector_float(unsigned first, unsigned last, std::initializer_list<Type> operands, std::uint8_t lanes) {
    add(0xfd000 | first, 0xfd000 | last, kV128, operands, kV128, lanes);
  }
  void extract(unsigned number, Type result, std::uint8_t lanes) {
    add(0xfd000 | number, 0xfd000 | number, result, {kV128}, kI32, lanes);
  }
  void replace(unsigned number, Type lane, std::uint8_t lanes) {
    add(0xfd000 | number, 0xfd000 | number, kV128, {kV128, lane}, kI32, lanes);
  }

  void vectors() {
    simd_ = true;
    vector(14, 14, {kV128, kV128});
    vector(15, 17, {kI32});
    vector(18, 18, {kI64});
    vector(19, 19, {kF32});
    vector(20, 20, {kF64});
    extract(21, kI32, 16), extract(22, kI32, 16), replace(23, kI32, 16);
    extract(24, kI32, 8), extract(25, kI32, 8), replace(26, kI32, 8);
    extract(27, kI32, 4), replace(28, kI32, 4);
    extract(29, kI64, 2), replace(30, kI64, 2);
    extract(31, kF32, 4), replace(32, kF32, 4);
    extract(33, kF64, 2), replace(34, kF64, 2);
    vector(35, 76, {kV128, kV128});
    vector(77, 77, {kV128});
    vector(78, 81, {kV128, kV128});
    vector(82, 82, {kV128, kV128, kV128});
    for (const unsigned n : {83u, 99u, 100u, 131u, 132u, 163u, 164u, 195u, 196u})
      add(0xfd000 | n, 0xfd000 | n, kI32, {kV128});
    vector_float(94, 94, {kV128}, 4);
    vector_float(95, 95, {kV128}, 2);
    vector(96, 98, {kV128});
    vector(101, 102, {kV128, kV128});
    vector_float(103, 106, {kV128}, 4);
    vector(107, 109, {kV128, kI32});
    vector(110, 115, {kV128, kV128});
    vector_float(116, 117, {kV128}, 2);
    vector(118, 121, {kV128, kV128});
    vector_float(122, 122, {kV128}, 2);
    vector(123, 123, {kV128, kV128});
    vector(124, 129, {kV128});
    vector(130, 130, {kV128, kV128});
    vector(133, 134, {kV128, kV128});
    vector(135, 138, {kV128});
    vector(139, 141, {kV128, kI32});
    vector(142, 147, {kV128, kV128});
    vector_float(148, 148, {kV128}, 2);
    vector(149, 153, {kV128, kV128});
    vector(155, 159, {kV128, kV128});
    vector(160, 161, {kV128});
    vector(167, 170, {kV128});
    vector(171, 173, {kV128, kI32});
    vector(174, 174, {kV128, kV128});
    vector(177, 177, {kV128, kV128});
    vector(181, 186, {kV128, kV128});
    vector(188, 191, {kV128, kV128});
    vector(192, 193, {kV128});
    vector(199, 202, {kV128});
    vector(203, 205, {kV128, kI32});
    vector(206, 206, {kV128, kV128});
    vector(209, 209, {kV128, kV128});
    vector(213, 223, {kV128, kV128});
    vector(224, 225, {kV128});
    vector_float(227, 227, {kV128}, 4);
    vector_float(228, 233, {kV128, kV128}, 4);
    vector(234, 235, {kV128, kV128});
    vector(236, 237, {kV128});
    vector_float(239, 239, {kV128}, 2);
    vector_float(240, 245, {kV128, kV128}, 2);
    vector(246, 247, {kV128, kV128});
    vector(248, 255, {kV128});
  }

  bool simd_ = false;
};

}  // namespace

std::span<const Operation> operations_with(const Type& result, bool simd) {
  static const Operations table;
  const unsigned place = Operations::place(result);
  return simd ? table.all[place] : table.scalar[place];
}

}  // namespace nebulet::fuzz
