// SPDX-License-Identifier: MIT
// The sections of generated modules. All definitions are exported or reachable by index, so that tests can
// compare them.
#include "tests/fuzz/generate.h"

#include <string>

namespace nebulet::fuzz {

void encode(Encoder& out, const Type& type) {
  out.byte(type.code);
  if (type.code == 0x63) out.number(type.index);
}

namespace {

class Planner {
 public:
  Planner(Choices& in, std::uint32_t features) : in_(in) {
    const std::uint32_t set = features & ~(in.byte() & in.byte());  // mostly all
    plan_.has_simd = set & feature::simd;
    plan_.has_gc = set & feature::gc;
    plan_.has_exceptions = set & feature::exceptions;
    plan_.has_legacy = features & feature::legacy && plan_.has_exceptions && in.one_in(4);
    plan_.has_tail_calls = set & feature::tail_calls;
    plan_.has_atomics = set & feature::atomics;
    plan_.has_wide = set & feature::wide;
    many_memories_ = set & feature::memories;
    is_64_ = features & feature::memory64;
    page_sizes_ = features & feature::page_sizes;
  }

  Plan run() {
    if (plan_.has_gc) aggregates();
    signatures();
    memories();
    tables();
    globals();
    return std::move(plan_);
  }

 private:
  Type number_type() {
    static constexpr Type kTypes[] = {kI32, kI64, kF32, kF64, kV128};
    return kTypes[in_.below(plan_.has_simd ? 5 : 4)];
  }
  Type any_type() {
    if (in_.below(4) < 3) return number_type();
    static constexpr Type kTypes[] = {kFuncRef, kExternRef, kAnyRef, kEqRef, kI31Ref, kStructRef, kArrayRef};
    if (!plan_.has_gc) return kTypes[in_.below(2)];
    if (!plan_.aggregates.empty() && in_.one_in(2))
      return {0x63, in_.below(static_cast<std::uint32_t>(plan_.aggregates.size()))};
    return kTypes[in_.below(7)];
  }
  Type field_type() {
    const std::uint32_t choice = in_.below(6);
    if (choice == 5) return {0x78};
    if (choice == 4) return {0x77};
    return any_type();
  }

  void aggregates() {
    for (std::uint32_t n = 1 + in_.below(4), i = 0; i < n; ++i) {
      Aggregate made;
      made.is_array = in_.one_in(3);
      made.is_final = in_.one_in(3);
      if (!made.is_array && i > 0 && in_.one_in(2)) {
        const std::uint32_t super = in_.below(i);
        if (!plan_.aggregates[super].is_array && !plan_.aggregates[super].is_final) {
          made.super = static_cast<int>(super);
          made.fields = plan_.aggregates[super].fields;
        }
      }
      for (std::uint32_t fields = made.is_array ? 1 : in_.below(4); fields; --fields)
        made.fields.push_back(field_type());
      plan_.aggregates.push_back(std::move(made));
    }
  }

  std::uint32_t add_signature(Signature signature) {
    plan_.signatures.push_back(std::move(signature));
    return static_cast<std::uint32_t>(plan_.signatures.size() - 1);
  }

  void signatures() {
    plan_.functions.push_back(add_signature({{kI32, kI64, kF32, kF64}, {kI64}}));  // the imported function
    for (std::uint32_t n = 1 + in_.below(4); n; --n) {
      Signature made;
      const std::uint32_t most = in_.one_in(8) ? 14 : 4;
      for (std::uint32_t k = in_.below(most + 1); k; --k) made.params.push_back(any_type());
      for (std::uint32_t k = in_.below(most == 14 ? 12 : 3); k; --k) made.results.push_back(any_type());
      add_signature(std::move(made));
    }
    const auto count = static_cast<std::uint32_t>(plan_.signatures.size() - 1);
    for (std::uint32_t n = 1 + in_.below(4); n; --n) plan_.functions.push_back(1 + in_.below(count));
    if (!plan_.has_exceptions) return;
    plan_.exnref_block = plan_.type_index(add_signature({{}, {kExnRef}}));
    for (std::uint32_t n = 1 + in_.below(2); n; --n) {
      Signature tag;
      for (std::uint32_t k = in_.below(3); k; --k) tag.params.push_back(any_type());
      Signature handler{{}, tag.params}, handler_ref = handler;
      handler_ref.results.push_back(kExnRef);
      Tag made;
      made.signature = plan_.type_index(add_signature(std::move(tag)));
      made.handler = plan_.type_index(add_signature(std::move(handler)));
      made.handler_ref = plan_.type_index(add_signature(std::move(handler_ref)));
      plan_.tags.push_back(made);
    }
  }

  void memories() {
    for (std::uint32_t n = many_memories_ ? 1 + in_.below(3) : 1, i = 0; i < n; ++i) {
      Memory made;
      made.is_64 = is_64_ && in_.one_in(4);
      made.min = in_.one_in(10) ? 0 : 1;
      made.max = made.min + in_.below(3);
      if (page_sizes_ && in_.one_in(8)) {
        made.page_log2 = 0;
        made.min = in_.below(1000);
        made.max = made.min + in_.below(1000);
      }
      plan_.memories.push_back(made);
    }
  }

  void tables() {
    for (std::uint32_t n = 1 + in_.below(2), i = 0; i < n; ++i) {
      Table made;
      made.is_64 = is_64_ && in_.one_in(4);
      if (i > 0) {
        const Type type = any_type();
        made.element = type.is_ref() ? type : kExternRef;
      }
      made.min = 1 + in_.below(10);
      made.max = made.min + in_.below(8);
      plan_.tables.push_back(made);
    }
  }

  void globals() {
    plan_.globals.push_back({kI32, true});
    for (std::uint32_t n = in_.below(6); n; --n) {
      Global made;
      made.type = any_type();
      made.is_mutable = !in_.one_in(4);
      plan_.globals.push_back(made);
    }
  }

  Choices& in_;
  Plan plan_;
  bool many_memories_, is_64_, page_sizes_;
};

class Sections {
 public:
  Sections(Choices& in, const Plan& plan) : in_(in), plan_(plan) {}

  std::vector<std::uint8_t> run() {
    out_.fixed(0x6d736100, 4);
    out_.fixed(1, 4);
    section(1, [&](Encoder& s) { types(s); });
    section(2, [&](Encoder& s) {
      s.number(1);
      s.name("e");
      s.name("f");
      s.byte(0);
      s.number(plan_.type_index(plan_.functions[0]));
    });
    section(3, [&](Encoder& s) {
      s.number(plan_.functions.size());
      for (std::size_t i = 1; i < plan_.functions.size(); ++i) s.number(plan_.type_index(plan_.functions[i]));
      s.number(plan_.type_index(static_cast<std::uint32_t>(plan_.signatures.size())));
    });
    section(4, [&](Encoder& s) { tables(s); });
    section(5, [&](Encoder& s) {
      s.number(plan_.memories.size());
      for (const Memory& memory : plan_.memories) {
        s.byte(1u | (memory.is_64 ? 4u : 0u) | (memory.page_log2 != 16 ? 8u : 0u));
        s.number(memory.min);
        s.number(memory.max);
        if (memory.page_log2 != 16) s.number(memory.page_log2);
      }
    });
    if (!plan_.tags.empty())
      section(13, [&](Encoder& s) {
        s.number(plan_.tags.size());
        for (const Tag& tag : plan_.tags) s.byte(0), s.number(tag.signature);
      });
    section(6, [&](Encoder& s) { globals(s); });
    section(7, [&](Encoder& s) { exports(s); });
    section(9, [&](Encoder& s) { elements(s); });
    section(12, [&](Encoder& s) { s.number(plan_.data_segments); });
    section(10, [&](Encoder& s) {
      s.number(plan_.functions.size());
      for (std::uint32_t i = 1; i < plan_.functions.size(); ++i) s.counted(generate_body(in_, plan_, i));
      Encoder refill;  // not for generated code to call
      refill.raw({0, 0x41});
      refill.signed_number(kFuel);
      refill.raw({0x24, 0, 0x0b});
      s.counted(refill);
    });
    section(11, [&](Encoder& s) { data(s); });
    return std::move(out_.bytes);
  }

 private:
  template <class F>
  void section(std::uint8_t id, F&& write) {
    Encoder content;
    write(content);
    out_.byte(id);
    out_.counted(content);
  }

  void type_list(Encoder& s, const std::vector<Type>& types) {
    s.number(types.size());
    for (const Type& type : types) encode(s, type);
  }

  void types(Encoder& s) {
    s.number(plan_.signatures.size() + 1 + (plan_.aggregates.empty() ? 0 : 1));
    if (!plan_.aggregates.empty()) {  // one group, for they may refer to each other
      s.byte(0x4e);
      s.number(plan_.aggregates.size());
      for (const Aggregate& a : plan_.aggregates) {
        s.byte(a.is_final ? 0x4f : 0x50);
        s.number(a.super >= 0 ? 1 : 0);
        if (a.super >= 0) s.number(static_cast<std::uint32_t>(a.super));
        s.byte(a.is_array ? 0x5e : 0x5f);
        if (!a.is_array) s.number(a.fields.size());
        for (const Type& field : a.fields) encode(s, field), s.byte(1);
      }
    }
    for (const Signature& signature : plan_.signatures) {
      s.byte(0x60);
      type_list(s, signature.params);
      type_list(s, signature.results);
    }
    s.raw({0x60, 0, 0});  // of the function that fills up the fuel
  }

  void exports(Encoder& s) {
    s.number(plan_.functions.size());
    for (std::uint32_t i = 1; i <= plan_.functions.size(); ++i) {
      s.name(i == plan_.functions.size() ? "hangLimitInitializer" : "f" + std::to_string(i));
      s.byte(0), s.number(i);
    }
  }

  void tables(Encoder& s) {
    s.number(plan_.tables.size());
    for (const Table& table : plan_.tables) {
      encode(s, table.element);
      s.byte(1u | (table.is_64 ? 4u : 0u));
      s.number(table.min);
      s.number(table.max);
    }
  }

  void null(Encoder& s, const Type& type) {
    s.byte(0xd0);
    type.code == 0x63 ? s.number(type.index) : s.byte(type.code);
  }

  void globals(Encoder& s) {
    s.number(plan_.globals.size());
    for (const Global& global : plan_.globals) {
      encode(s, global.type);
      s.byte(global.is_mutable);
      switch (global.type.code) {
        case 0x7f: s.byte(0x41), s.signed_number(static_cast<std::int32_t>(in_.number(4))); break;
        case 0x7e: s.byte(0x42), s.signed_number(static_cast<std::int64_t>(in_.number(8))); break;
        case 0x7d: s.byte(0x43), s.fixed(in_.number(4), 4); break;
        case 0x7c: s.byte(0x44), s.fixed(in_.number(8), 8); break;
        case 0x7b: s.op(0xfd00c), s.fixed(in_.number(8), 8), s.fixed(in_.number(8), 8); break;
        case 0x70:
          s.byte(0xd2), s.number(in_.below(static_cast<std::uint32_t>(plan_.functions.size())));
          break;
        case 0x6e:
        case 0x6d:
        case 0x6c: s.byte(0x41), s.signed_number(in_.byte()), s.op(0xfb01c); break;
        default: null(s, global.type);
      }
      s.byte(0x0b);
    }
  }

  void function_list(Encoder& s, std::uint32_t count) {
    s.number(count);
    for (std::uint32_t i = 0; i < count; ++i)
      s.number(in_.below(static_cast<std::uint32_t>(plan_.functions.size())));
  }

  /// 0: active in table 0; 1: passive; 2: declares all functions.
  void elements(Encoder& s) {
    s.number(plan_.element_segments);
    s.number(0);
    s.raw({static_cast<std::uint8_t>(plan_.tables[0].is_64 ? 0x42 : 0x41), 0x00, 0x0b});
    function_list(s, 1 + in_.below(plan_.tables[0].min));
    s.number(1);
    s.byte(0);
    function_list(s, in_.below(6));
    s.number(3);
    s.byte(0);
    s.number(plan_.functions.size());
    for (std::uint32_t i = 0; i < plan_.functions.size(); ++i) s.number(i);
  }

  void data(Encoder& s) {
    s.number(plan_.data_segments);
    const std::uint64_t room = plan_.memories[0].bytes();
    s.number(0);
    s.raw({static_cast<std::uint8_t>(plan_.memories[0].is_64 ? 0x42 : 0x41), 0x00, 0x0b});
    bytes(s, room < 16 ? static_cast<std::uint32_t>(room) : 16);
    s.number(1);
    bytes(s, in_.below(40));
  }
  void bytes(Encoder& s, std::uint32_t count) {
    s.number(count);
    for (std::uint32_t i = 0; i < count; ++i) s.byte(in_.byte() ^ i);
  }

  Choices& in_;
  const Plan& plan_;
  Encoder out_;
};

}  // namespace

Generated generate_module(Choices& in, std::uint32_t features) {
  Generated made;
  made.plan = Planner(in, features).run();
  made.bytes = Sections(in, made.plan).run();
  return made;
}

}  // namespace nebulet::fuzz
