// SPDX-License-Identifier: MIT
#include "wasm/ir/parse.h"

#include <charconv>
#include <format>
#include <map>
#include <vector>

#include "wasm/ir/vector.h"

namespace nebulet::wasm::ir {
namespace {

constexpr std::string_view kTypes[] = {"none", "i32", "i64", "f32", "f64", "v128", "ref", "funcref"};
constexpr std::string_view kAccess[] = {"u8", "s8", "u16", "s16", "u32", "s32", "full"};
constexpr std::string_view kLanes[] = {"i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "all"};

class Parser {
 public:
  Parser(std::string_view text, Function& f) : text_(text), f_(f) {}

  std::expected<void, std::string> run() {
    collect_names();
    while (error_.empty() && next_line()) {
      if (at_end()) continue;
      if (peek() == 'b' && line_.find(':') != std::string_view::npos && line_[0] == 'b') {
        block();
      } else {
        inst();
      }
    }
    finish_block();
    if (!error_.empty()) return std::unexpected(error_);
    return {};
  }

 private:
  void fail(std::string_view what) {
    if (error_.empty()) error_ = std::format("line {}: expected {}: {}", line_number_, what, line_);
  }

  bool next_line() {
    if (text_.empty()) return false;
    const auto end = text_.find('\n');
    line_ = text_.substr(0, end);
    text_ = end == std::string_view::npos ? std::string_view() : text_.substr(end + 1);
    const auto first = line_.find_first_not_of(' ');
    line_ = first == std::string_view::npos ? std::string_view() : line_.substr(first);
    at_ = 0;
    ++line_number_;
    return true;
  }
  char peek() {
    while (at_ < line_.size() && line_[at_] == ' ') ++at_;
    return at_ < line_.size() ? line_[at_] : '\0';
  }
  bool at_end() { return peek() == '\0' || peek() == ';'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::string_view word() {
    peek();
    const auto start = at_;
    while (at_ < line_.size() && (std::isalnum(static_cast<unsigned char>(line_[at_])) || line_[at_] == '_'))
      ++at_;
    return line_.substr(start, at_ - start);
  }
  std::int64_t number() {
    peek();
    std::int64_t value = 0;
    const auto [end, status] = std::from_chars(line_.data() + at_, line_.data() + line_.size(), value);
    if (status != std::errc()) fail("a number");
    at_ = static_cast<std::size_t>(end - line_.data());
    return value;
  }

  std::uint64_t hexadecimal() {
    const std::string_view digits = word();
    std::uint64_t value = 0;
    if (!digits.starts_with("0x") ||
        std::from_chars(digits.data() + 2, digits.data() + digits.size(), value, 16).ec != std::errc())
      fail("a hexadecimal number");
    return value;
  }

  // Uses may stand before definitions (loops), so values get their numbers in a first walk over the text.
  void collect_names() {
    const std::string_view whole = text_;
    while (next_line()) {
      const bool label = line_.starts_with('b') && line_.find(':') != std::string_view::npos;
      if (label) {
        for (auto v = line_.find('v'); v != std::string_view::npos && v < line_.find(':');
             v = line_.find('v', v + 1)) {
          at_ = v;
          define(word());
        }
      } else if (line_.starts_with('v') && line_.find(" = ") != std::string_view::npos) {
        define(word());
      }
    }
    text_ = whole;
    line_number_ = 0;
  }
  void define(std::string_view name) {
    if (names_.contains(name)) return;
    names_.emplace(name, f_.add({}, 0));
  }

  Value value() {
    const auto name = word();
    const auto it = names_.find(name);
    if (it == names_.end()) {
      fail("a value");
      return Value(0);
    }
    return it->second;
  }
  std::vector<Value> list() {
    std::vector<Value> values;
    if (!take('(')) return values;
    while (!take(')') && error_.empty()) {
      values.push_back(value());
      take(',');
    }
    return values;
  }
  std::uint32_t to_pool(const std::vector<Value>& values) {
    const std::uint32_t at = f_.pool.size();
    for (Value v : values) f_.pool.push_back(v.index);
    return at;
  }
  template <class Enum, std::size_t N>
  bool suffix(const std::string_view (&names)[N], Enum& result) {
    for (std::size_t i = 0; i < N; ++i) {
      if (line_.substr(at_).starts_with(names[i]) &&
          (at_ + names[i].size() == line_.size() ||
           !std::isalnum(static_cast<unsigned char>(line_[at_ + names[i].size()])))) {
        at_ += names[i].size();
        result = static_cast<Enum>(i);
        return true;
      }
    }
    return false;
  }

  void block() {
    finish_block();
    if (word() != std::format("b{}", f_.blocks.size())) fail("the blocks in order");
    BlockData data{.first = f_.order.size()};
    std::vector<Value> params;
    if (take('(')) {
      while (!take(')') && error_.empty()) {
        const Value p = value();
        f_[p] = {.op = Op::param, .imm = static_cast<std::int64_t>(params.size())};
        if (!take('.') || !suffix(kTypes, f_[p].type)) fail("a type");
        params.push_back(p);
        take(',');
      }
    }
    data.params = to_pool(params);
    data.param_count = static_cast<std::uint32_t>(params.size());
    data.cold = line_.find(" cold") != std::string_view::npos;
    f_.blocks.push_back(data);
  }
  void finish_block() {
    if (!f_.blocks.empty()) f_.blocks.back().count = f_.order.size() - f_.blocks.back().first;
  }

  void inst() {
    if (f_.blocks.empty()) return fail("a block");
    Value result = Value::none();
    if (line_.find(" = ") != std::string_view::npos) {
      result = value();
      if (!take('=')) return fail("=");
    }
    const auto name = word();
    Inst i;
    bool found = false;
    for (std::uint16_t op = 0; op <= static_cast<std::uint16_t>(Op::trap) && !found; ++op) {
      if (info(static_cast<Op>(op)).name == name) i.op = static_cast<Op>(op), found = true;
    }
    if (!found) return fail("an operation");
    if (take('.') && !suffix(kTypes, i.type)) return fail("a type");
    if (take('.') && !(is_vector_op(i.op) ? suffix(kLanes, i.lanes) : suffix(kAccess, i.access)))
      return fail("an access or lanes");
    Value* operands[] = {&i.a, &i.b, &i.c};
    for (int k = 0; k < info(i.op).operands; ++k) {
      if (k != 0) take(',');
      *operands[k] = value();
    }
    if (peek() == '(') {
      const auto args = list();
      i.args = to_pool(args);
      i.count = static_cast<std::uint32_t>(args.size());
    }
    if (take('#')) immediate(i);
    if (take('"')) i.imm = trap();
    if (i.op == Op::br || i.op == Op::br_if || i.op == Op::br_table || i.op == Op::on_throw) edges(i);
    if (!at_end()) return fail("the end of the line");
    if (result.valid()) {
      f_[result] = i;
    } else {
      result = f_.add(i, 0);
    }
    f_.order.push_back(result);
  }
  void immediate(Inst& i) {
    if (i.op == Op::vconst) {
      const Bits128 bits{hexadecimal(), hexadecimal()};
      i = vector_constant(bits);
    } else if (i.op == Op::vshuffle) {
      std::array<std::uint8_t, 16> indices;
      for (std::uint8_t& index : indices) index = static_cast<std::uint8_t>(number());
      i = vector_shuffle(i.a, i.b, indices);
    } else {
      i.imm = number();
    }
  }
  std::int64_t trap() {
    const auto end = line_.find('"', at_);
    const auto text = line_.substr(at_, end - at_);
    at_ = end + 1;
    for (std::uint8_t t = 0; t < 32; ++t) {
      if (text == trap_text(static_cast<Trap>(t))) return t;
    }
    fail("a trap");
    return 0;
  }
  void edges(Inst& i) {
    i.imm = f_.edges.size();
    i.count = 0;
    while (peek() == 'b' && error_.empty()) {
      const auto target = word();
      std::uint32_t to = 0;
      std::from_chars(target.data() + 1, target.data() + target.size(), to);
      const auto args = list();
      f_.edges.push_back(
          {Block(f_.blocks.size() - 1), Block(to), to_pool(args), static_cast<std::uint32_t>(args.size())});
      ++i.count;
    }
    if (i.op != Op::br_table) i.count = 0;
  }

  std::string_view text_, line_;
  Function& f_;
  std::size_t at_ = 0;
  int line_number_ = 0;
  std::map<std::string_view, Value> names_;
  std::string error_;
};

}  // namespace

std::expected<void, std::string> parse(std::string_view text, Function& function) {
  return Parser(text, function).run();
}

}  // namespace nebulet::wasm::ir
