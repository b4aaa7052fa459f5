// SPDX-License-Identifier: MIT
#include "tests/bounds/bombs.h"

namespace nebulet::bounds {

namespace {
constexpr unsigned kI32 = 0x7f, kI64 = 0x7e, kF64 = 0x7c, kV128 = 0x7b, kVoid = 0x40;
constexpr unsigned kBlock = 2, kLoop = 3, kIf = 4, kElse = 5, kEnd = 0x0b, kBr = 0x0c, kBrIf = 0x0d,
                   kBrTable = 0x0e, kCall = 0x10, kDrop = 0x1a, kGet = 0x20, kSet = 0x21, kTee = 0x22,
                   kConst = 0x41, kAdd = 0x6a;
}  // namespace

Writer& Writer::u32(std::uint64_t value) {
  while (value >= 0x80) {
    byte((value & 0x7f) | 0x80);
    value >>= 7;
  }
  return byte(static_cast<unsigned>(value));
}

Writer& Writer::s32(std::int64_t value) {
  for (;;) {
    const unsigned low = value & 0x7f;
    value >>= 7;
    if ((value == 0 && !(low & 0x40)) || (value == -1 && (low & 0x40))) return byte(low);
    byte(low | 0x80);
  }
}

Bytes module_of(const std::vector<Bytes>& types, const Bytes& body, std::uint32_t count,
                const Bytes& extra_code, const Bytes& extra_types) {
  Writer module;
  module.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  Writer section;
  section.u32(types.size());
  for (const Bytes& type : types) section.append(type);
  module.section(1, section.get());
  const std::uint32_t extra = extra_types.empty() ? 0 : static_cast<std::uint32_t>(extra_types.size());
  Writer functions;
  functions.u32(count + extra);
  for (std::uint32_t i = 0; i < count; ++i) functions.byte(0);
  functions.append(extra_types);
  module.section(3, functions.get());
  module.section(4, Writer().bytes({1, 0x70, 0, 1}).get());
  module.section(5, Writer().bytes({1, 0, 1}).get());
  module.section(6, Writer().bytes({1, kI32, 1, kConst, 0, kEnd}).get());
  Writer code;
  code.u32(count + extra);
  for (std::uint32_t i = 0; i < count; ++i) code.sized(body);
  code.append(extra_code);
  module.section(10, code.get());
  return module.get();
}

namespace {

Bytes type(std::initializer_list<unsigned> params, std::initializer_list<unsigned> results) {
  return Writer().byte(0x60).u32(params.size()).bytes(params).u32(results.size()).bytes(results).get();
}
const std::vector<Bytes> kPlain = {type({kI32}, {kI32})};

/// One function (i32) -> i32 with a declaration of locals: what `fill` writes, then local 0.
template <class Fill>
Bytes function(std::uint32_t n, Fill fill, const Bytes& locals = {std::byte{0}},
               const std::vector<Bytes>& types = kPlain) {
  Writer body;
  body.append(locals);
  fill(body, n);
  body.bytes({kGet, 0, kEnd});
  return module_of(types, body.get());
}

Bytes nested_blocks(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 3; ++i) w.bytes({kBlock, kVoid});
    for (std::uint32_t i = 0; i < n / 3; ++i) w.byte(kEnd);
  });
}
Bytes nested_loops(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 7; ++i) w.bytes({kLoop, kVoid, kGet, 0, kBrIf, 0});
    for (std::uint32_t i = 0; i < n / 7; ++i) w.byte(kEnd);
  });
}
Bytes nested_loops_that_assign(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        for (std::uint32_t i = 0; i < n / 10; ++i) w.bytes({kLoop, kVoid, kGet, 0, kBrIf, 0});
        for (std::uint32_t i = 0; i < n / 10; ++i)
          w.bytes({kConst, 1, kSet, static_cast<unsigned>(i % 8), kEnd});
      },
      Writer().bytes({1, 7, kI32}).get());
}
Bytes nested_ifs(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 6; ++i) w.bytes({kGet, 0, kIf, kVoid});
    for (std::uint32_t i = 0; i < n / 6; ++i) w.bytes({kElse, kEnd});
  });
}
Bytes blocks_with_results(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 10; ++i)
      w.bytes({kBlock, kI32, kConst, 1, kGet, 0, kBrIf, 0, kEnd, kDrop});
  });
}
Bytes branches(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    w.bytes({kBlock, kVoid});
    for (std::uint32_t i = 0; i < n / 4; ++i) w.bytes({kGet, 0, kBrIf, 0});
    w.byte(kEnd);
  });
}
Bytes branches_outward(std::uint32_t n) {
  // Each to another of many blocks, in which a local has another value each time.
  return function(n, [](Writer& w, std::uint32_t n) {
    const std::uint32_t depth = n / 11 < 100'000 ? n / 11 : 100'000;
    for (std::uint32_t i = 0; i < depth; ++i) w.bytes({kBlock, kVoid});
    for (std::uint32_t i = 0; i < depth; ++i) {
      w.bytes({kGet, 0, kBrIf}).u32((i * 7919u) % (depth - i));
      w.bytes({kConst, 1, kSet, 0, kEnd});
    }
  });
}
Bytes branch_table(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t left = n; left > 100;) {
      const std::uint32_t entries = left < 65'520 ? left - 50 : 65'520;
      w.bytes({kBlock, kVoid, kBlock, kVoid, kGet, 0, kBrTable}).u32(entries);
      for (std::uint32_t i = 0; i <= entries; ++i) w.byte(i & 1);
      w.bytes({kEnd, kEnd});
      left -= entries;
      if (entries < 65'520) break;
    }
  });
}
Bytes branch_table_of_many_targets(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t left = n; left > 512; left -= 512) {
      for (int i = 0; i < 126; ++i) w.bytes({kBlock, kVoid});
      w.bytes({kGet, 0, kBrTable, 126});
      for (unsigned i = 0; i <= 126; ++i) w.byte(i % 126);
      for (int i = 0; i < 126; ++i) w.byte(kEnd);
    }
  });
}
Bytes branch_table_with_results(std::uint32_t n) {
  // 16 results for each of many entries. Blocks of type 1.
  std::vector<Bytes> types = kPlain;
  types.push_back(type(
      {}, {kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32, kI32}));
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        for (std::uint32_t left = n; left > 300; left -= 300) {
          w.bytes({kBlock, 1, kBlock, 1});
          for (int i = 0; i < 16; ++i) w.bytes({kGet, 0});
          w.bytes({kGet, 0, kBrTable}).u32(200);
          for (unsigned i = 0; i <= 200; ++i) w.byte(i & 1);
          w.bytes({kEnd, kEnd});
          for (int i = 0; i < 16; ++i) w.byte(kDrop);
          left -= left > 300 ? 0 : left;
        }
      },
      {std::byte{0}}, types);
}
Bytes many_locals(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        for (std::uint32_t i = 0; w.size() < n; ++i)
          w.byte(kGet).u32(i % 50'000).byte(kSet).u32((i * 31) % 50'000);
      },
      Writer().byte(1).u32(49'999).byte(kI32).get());
}
Bytes loops_over_many_locals(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        for (std::uint32_t i = 0; w.size() < n; ++i) {
          w.bytes({kLoop, kVoid}).byte(kGet).u32(i % 50'000).byte(kSet).u32((i * 31) % 50'000);
          w.byte(kGet).u32((i * 17) % 50'000).bytes({kBrIf, 0, kEnd});
        }
      },
      Writer().byte(1).u32(49'999).byte(kI32).get());
}
Bytes long_chain(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    w.bytes({kGet, 0});
    for (std::uint32_t i = 0; i < n / 3; ++i) w.bytes({kGet, 0, kAdd});
    w.bytes({kSet, 0});
  });
}
Bytes deep_expression(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    // No deeper than a frame allows.
    for (std::uint32_t left = n; left > 500'000 / 2;) {
      const std::uint32_t depth = 50'000;
      for (std::uint32_t i = 0; i < depth; ++i) w.bytes({kGet, 0, 0x28, 2, 0});
      for (std::uint32_t i = 0; i < depth - 1; ++i) w.byte(kAdd);
      w.bytes({kSet, 0});
      left -= 6 * depth < left ? 6 * depth : left;
    }
  });
}
Bytes values_across_calls(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t left = n; left > 9'000; left -= 9'000) {
      for (int i = 0; i < 1000; ++i) w.bytes({kGet, 0, kCall, 0, kGet, 0});
      for (int i = 0; i < 1999; ++i) w.byte(kAdd);
      w.bytes({kSet, 0});
    }
  });
}
Bytes memory_accesses(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 10; ++i) w.bytes({kGet, 0, kGet, 0, 0x28, 2, 4, 0x36, 2, 8});
  });
}
Bytes constants(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        std::uint64_t x = 1;
        for (std::uint32_t i = 0; i < n / 12; ++i) {
          w.bytes({kGet, 1, 0x44});
          x = x * 6364136223846793005u + 1442695040888963407u;
          for (int b = 0; b < 8; ++b) w.byte(static_cast<unsigned>(x >> 8 * b) & 0xff);
          w.bytes({0xa0, kSet, 1});
        }
      },
      Writer().bytes({1, 1, kF64}).get());
}
Bytes divisions(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; w.size() < n; ++i)
      w.bytes({kGet, 0, kConst}).s32(i % 1'000'000 + 3).bytes({0x6d, kSet, 0});
  });
}
Bytes globals(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 12; ++i)
      w.bytes({kGet, 0, kIf, kVoid, 0x23, 0, kGet, 0, kAdd, 0x24, 0, kEnd});
  });
}
Bytes calls_with_many_arguments(std::uint32_t n) {
  Writer wide;
  wide.byte(0x60).u32(1000);
  for (int i = 0; i < 1000; ++i) wide.byte(kI64);
  wide.u32(0);
  Writer body;
  body.byte(0);
  for (std::uint32_t left = n; left > 4'000; left -= 2'002) {
    for (int i = 0; i < 1000; ++i) body.bytes({0x42, 5});
    body.bytes({kCall, 1});
  }
  body.bytes({kGet, 0, kEnd});
  return module_of({kPlain[0], wide.get()}, body.get(), 1,
                   Writer().sized(Writer().bytes({0, kEnd}).get()).get(), {std::byte{1}});
}
Bytes calls_with_many_results(std::uint32_t n) {
  Writer wide, maker;
  wide.bytes({0x60, 0}).u32(1000);
  maker.byte(0);
  for (int i = 0; i < 1000; ++i) wide.byte(kI64), maker.bytes({0x42, 5});
  maker.byte(kEnd);
  Writer body;
  body.byte(0);
  for (std::uint32_t left = n; left > 4'000; left -= 1'002) {
    body.bytes({kCall, 1});
    for (int i = 0; i < 1000; ++i) body.byte(kDrop);
  }
  body.bytes({kGet, 0, kEnd});
  return module_of({kPlain[0], wide.get()}, body.get(), 1, Writer().sized(maker.get()).get(), {std::byte{1}});
}
Bytes dispatch_loop(std::uint32_t n) {
  // A loop around a br_table with many arms, as an interpreter has.
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        const std::uint32_t arms = n / 14 < 60'000 ? n / 14 : 60'000;
        w.bytes({kLoop, kVoid});
        for (std::uint32_t i = 0; i < arms; ++i) w.bytes({kBlock, kVoid});
        w.bytes({kGet, 0, kBrTable}).u32(arms - 1);
        for (std::uint32_t i = 0; i < arms; ++i) w.u32(i);
        for (std::uint32_t i = 0; i < arms; ++i)
          w.byte(kEnd).bytes({kGet, 1, kConst, 1, kAdd, kSet, 1, kBr}).u32(arms - 1 - i);
        w.byte(kEnd);
      },
      Writer().bytes({1, 1, kI32}).get());
}
Bytes empty_functions(std::uint32_t n) {
  const std::uint32_t count = n / 4 < 1'000'000 ? n / 4 : 1'000'000;
  return module_of({type({}, {})}, Writer().bytes({0, kEnd}).get(), count);
}
Bytes small_functions(std::uint32_t n) {
  return module_of(kPlain, Writer().bytes({0, kGet, 0, kConst, 1, kAdd, kEnd}).get(), n / 9);
}
Bytes medium_functions(std::uint32_t n) {
  Writer body;
  body.bytes({1, 7, kI32});
  for (unsigned i = 0; i < 100; ++i)
    body.bytes({kGet, 0, kIf, kVoid, kGet, i % 8, kGet, (i + 1) % 8, kAdd, kTee, (i + 2) % 8, kSet, 0, kEnd});
  body.bytes({kGet, 0, kEnd});
  return module_of(kPlain, body.get(), n / static_cast<std::uint32_t>(body.size()));
}
Bytes vectors(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        std::uint64_t x = 1;
        for (std::uint32_t i = 0; i < n / 25; ++i) {
          w.bytes({kGet, 1, 0xfd, 12});
          for (int b = 0; b < 16; ++b) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            w.byte(static_cast<unsigned>(x >> 56));
          }
          w.bytes({0xfd, 0xae, 0x01, kSet, 1});  // i32x4.add
        }
      },
      Writer().bytes({1, 1, kV128}).get());
}
Bytes nested_tries(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 11; ++i) w.bytes({kBlock, kVoid, 0x1f, kVoid, 1, 2, 0});  // catch_all
    for (std::uint32_t i = 0; i < n / 11; ++i) w.bytes({kGet, 0, kCall, 0, kDrop, kEnd, kEnd});
  });
}
/// Between the calls of one try_table, locals change that its handler could see.
Bytes calls_in_a_try(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        w.bytes({kBlock, kVoid, 0x1f, kVoid, 1, 2, 0});
        for (std::uint32_t i = 0; i < n / 13; ++i)
          w.bytes({kGet, 0, kCall, 0, kSet})
              .u32(1 + i % 2'000)
              .bytes({kGet})
              .u32(1 + i % 1'999)
              .bytes({kSet, 0});
        w.bytes({kEnd, kEnd});
      },
      Writer().byte(1).u32(2'000).byte(kI32).get());
}
Bytes tries_in_a_row(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 19; ++i)
      w.bytes({kBlock, kVoid, 0x1f, kVoid, 1, 2, 0, kGet, 0, kCall, 0, kGet, 0, kAdd, kSet, 0, kEnd, kEnd});
  });
}
Bytes legacy_tries(std::uint32_t n) {
  return function(n, [](Writer& w, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n / 12; ++i) w.bytes({0x06, kVoid, kGet, 0, kCall, 0, kSet, 0});
    for (std::uint32_t i = 0; i < n / 12; ++i) w.bytes({0x19, 0x09, 0, kEnd});  // catch_all, rethrow
  });
}
Bytes branches_on_null(std::uint32_t n) {
  return function(
      n,
      [](Writer& w, std::uint32_t n) {
        w.bytes({kBlock, kVoid});
        for (std::uint32_t i = 0; i < n / 5; ++i) w.bytes({kGet, 1, 0xd5, 0, kDrop});
        w.byte(kEnd);
      },
      Writer().bytes({1, 1, 0x70}).get());
}

Bytes repeated_section(unsigned id, std::uint32_t n, const Bytes& item) {
  const std::uint32_t count = n / static_cast<std::uint32_t>(item.size());
  Writer content;
  content.u32(count);
  for (std::uint32_t i = 0; i < count; ++i) content.append(item);
  Writer module;
  module.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  module.section(id, content.get());
  return module.get();
}
std::uint32_t at_most(std::uint32_t n, std::uint32_t limit) { return n < limit ? n : limit; }
Bytes many_types(std::uint32_t n) { return repeated_section(1, at_most(n, 2'900'000), type({}, {})); }
Bytes many_imports(std::uint32_t n) {
  Writer module;
  module.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  module.section(1, Writer().byte(1).append(type({}, {})).get());
  const std::uint32_t count = at_most(n / 4, 999'999);
  Writer content;
  content.u32(count);
  for (std::uint32_t i = 0; i < count; ++i) content.bytes({0, 0, 0, 0});
  module.section(2, content.get());
  return module.get();
}
Bytes many_exports(std::uint32_t n) {
  Writer module;
  module.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  module.section(5, Writer().bytes({1, 0, 1}).get());
  const std::uint32_t count = at_most(n / 6, 999'999);
  Writer content;
  content.u32(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    content.byte(3);
    for (int shift = 0; shift < 21; shift += 7)
      content.byte('0' + (i >> shift & 0x3f) + (i >> shift & 0x40 ? 1 : 0) * 0);
    content.bytes({2, 0});
  }
  module.section(7, content.get());
  return module.get();
}
Bytes many_globals(std::uint32_t n) {
  return repeated_section(6, at_most(n, 4'900'000), Writer().bytes({kI32, 0, kConst, 0, kEnd}).get());
}
Bytes many_data_segments(std::uint32_t n) {
  return repeated_section(11, at_most(n, 199'000), Writer().bytes({1, 0}).get());
}
Bytes many_element_segments(std::uint32_t n) {
  return repeated_section(9, n, Writer().bytes({1, 0, 0}).get());
}
Bytes many_elements(std::uint32_t n) {
  Writer body;
  body.bytes({0, kEnd});
  Writer module;
  module.bytes({0, 'a', 's', 'm', 1, 0, 0, 0});
  module.section(1, Writer().byte(1).append(type({}, {})).get());
  module.section(3, Writer().bytes({1, 0}).get());
  Writer content;
  content.bytes({1, 1, 0}).u32(n);
  for (std::uint32_t i = 0; i < n; ++i) content.byte(0);
  module.section(9, content.get());
  module.section(10, Writer().byte(1).sized(body.get()).get());
  return module.get();
}

constexpr Family kFamilies[] = {
    {"nested blocks", nested_blocks},
    {"nested loops", nested_loops},
    {"nested loops that assign", nested_loops_that_assign},
    {"nested ifs", nested_ifs},
    {"blocks with results", blocks_with_results},
    {"br_if", branches},
    {"br_if outward", branches_outward},
    {"br_table", branch_table},
    {"br_table, many targets", branch_table_of_many_targets},
    {"br_table, 16 results", branch_table_with_results},
    {"50,000 locals", many_locals},
    {"loops over 50,000 locals", loops_over_many_locals},
    {"long chain", long_chain},
    {"deep expressions", deep_expression},
    {"values across calls", values_across_calls},
    {"memory accesses", memory_accesses},
    {"f64 constants", constants},
    {"division by constants", divisions},
    {"globals", globals},
    {"1,000 arguments", calls_with_many_arguments},
    {"1,000 results", calls_with_many_results},
    {"dispatch loop", dispatch_loop},
    {"empty functions", empty_functions},
    {"small functions", small_functions},
    {"medium functions", medium_functions},
    {"vector constants", vectors},
    {"nested try_table", nested_tries},
    {"calls in a try_table", calls_in_a_try},
    {"try_tables in a row", tries_in_a_row},
    {"nested try", legacy_tries},
    {"br_on_null", branches_on_null},
    {"types", many_types},
    {"imports", many_imports},
    {"exports", many_exports},
    {"globals section", many_globals},
    {"data segments", many_data_segments},
    {"element segments", many_element_segments},
    {"elements", many_elements},
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

}  // namespace nebulet::bounds
