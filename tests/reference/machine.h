// SPDX-License-Identifier: MIT
// The machine of the reference interpreter: values, frames and labels on explicit stacks, one instruction at
// a time (spec 4.4).
#pragma once

#include "tests/reference/store.h"

namespace nebulet::reference {

class Machine {
 public:
  explicit Machine(Store& store) : store_(store) {}

  Outcome invoke(Function& function, std::span<const Value> args, std::vector<Value>& results);
  /// A constant expression in an instance.
  Outcome evaluate(Instance& instance, const Body& body, Value& result);

  // What instructions on segments do, for instantiation also. Null, or the trap.
  static const char* memory_init(MemoryInst& memory, std::span<const std::uint8_t> data, std::uint64_t to,
                                 std::uint64_t from, std::uint64_t count);
  static const char* table_init(TableInst& table, std::span<const std::uint64_t> elements, std::uint64_t to,
                                std::uint64_t from, std::uint64_t count);

 private:
  /// An open block. A branch to it keeps `arity` values above `height` and goes on at `target`.
  struct Label {
    std::uint32_t arity, height, target;
    bool is_loop = false;
    std::uint32_t begin = 0;   ///< position of its instruction, for handlers
    Object* caught = nullptr;  ///< inside a legacy handler: what it caught
  };
  struct Frame {
    Function* function;
    Instance* instance;
    const Body* body;
    std::uint32_t pc = 0;
    std::uint32_t locals;  ///< first local in the stack
    std::uint32_t labels;  ///< first label of the frame: the function's own
  };
  enum class Then : std::uint8_t { next, stop };

  Outcome run();
  void step();
  void trap(const char* text);

  // Control
  void enter(Function& function);
  void enter_body(Function* function, Instance& instance, const Body& body, std::uint32_t params,
                  std::uint32_t results);
  void leave();
  void tail_call(Function& function);
  void push_label(const Instr& instr, std::uint32_t arity, std::uint32_t target, bool is_loop);
  void branch(std::uint32_t depth);
  void throw_exception(Object* exception);
  bool handle(Object* exception);
  bool handled_by(std::size_t label, Object* exception, std::size_t& skip_to);
  bool control(const Instr& instr);
  Function* indirect(const Instr& instr);
  Function* by_reference();

  // Memory, tables, objects
  bool memory(const Instr& instr);
  void vector_memory(const Instr& instr);
  void atomic(const Instr& instr);
  void read_modify_write(const Instr& instr, std::uint32_t group, unsigned width);
  bool bulk(const Instr& instr);
  bool table(const Instr& instr);
  void object_instruction(const Instr& instr);
  void structure(const Instr& instr, std::uint32_t number);
  void array(const Instr& instr, std::uint32_t number);
  void array_copy(const Instr& instr);
  void array_from_segment(const Instr& instr, std::uint32_t number);
  std::uint8_t* access(const Instr& instr, std::uint64_t at, unsigned width);
  std::uint64_t load(const Instr& instr, unsigned width);
  void store(const Instr& instr, unsigned width);
  Object* allocate(Object::Kind kind, std::uint32_t type, std::uint64_t fields);

  std::uint64_t pop() {
    const std::uint64_t value = stack_.back().low;
    stack_.pop_back();
    return value;
  }
  Value pop_value() {
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }
  void push(std::uint64_t low) { stack_.push_back({low, 0}); }
  Frame& frame() { return frames_.back(); }
  Instance& instance() { return *frames_.back().instance; }
  std::uint32_t height() const { return static_cast<std::uint32_t>(stack_.size()); }

  Store& store_;
  std::vector<Value> stack_;
  std::vector<Frame> frames_;
  std::vector<Label> labels_;
  bool ended_ = false;
  Outcome outcome_;
};

constexpr const char* kNullReference = "null reference";
constexpr const char* kMemoryBounds = "out of bounds memory access";
constexpr const char* kTableBounds = "out of bounds table access";

}  // namespace nebulet::reference
