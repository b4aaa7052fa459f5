// SPDX-License-Identifier: MIT
#include "kernel/process/process.h"

#include <algorithm>
#include <limits>

#include "kernel/device/console.h"
#include "kernel/device/files.h"
#include "kernel/device/resource.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory_object.h"
#include "kernel/process/run.h"
#include "kernel/process/server.h"
#include "kernel/process/thread.h"
#include "kernel/trace/trace.h"
#include "machine/include/machine/memory.h"

namespace nebulet::kernel {
namespace {

constexpr std::uint32_t kStartupVersion = 2;

std::atomic<std::uint64_t> next_process_id = 1;

/// For the log; a number that says more follows.
std::string_view reason_text(EndReason reason) {
  switch (reason) {
    case EndReason::none:
    case EndReason::exited: return "ended with status";
    case EndReason::trapped: return "ended by a trap of kind";
    case EndReason::exception: return "ended by an exception";
    case EndReason::out_of_memory: return "ended for want of memory";
    case EndReason::killed: return "killed";
    case EndReason::refused: return "could not be made";
  }
  return "ended";
}

/// Builds the block that process_startup copies.
class BlockWriter {
 public:
  void word(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) block_.push_back(static_cast<std::byte>(value >> shift));
  }
  void strings(std::span<const std::string> strings) {
    word(static_cast<std::uint32_t>(strings.size()));
    for (const std::string& text : strings) string(text);
  }
  void string(std::string_view text) {
    word(static_cast<std::uint32_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    block_.insert(block_.end(), bytes.begin(), bytes.end());
    block_.resize((block_.size() + 3) & ~std::size_t{3});
  }
  std::vector<std::byte> take() { return std::move(block_); }

 private:
  std::vector<std::byte> block_;
};

}  // namespace

Process::Process(Charge charge, QuotaRef quota, std::string name)
    : Object(kType),
      charge_(std::move(charge)),
      id_(next_process_id.fetch_add(1, std::memory_order_relaxed)),
      name_(std::move(name)),
      memory_(std::move(quota), &exiting_),
      program_(std::make_unique<Program>(*this)) {
  if (trace::is_observing()) trace::process(id_, name_);
  log(LogLevel::debug, "process {}, {}: made, with {} KiB at most", id_, name_, this->quota()->limit() >> 10);
}

Process::~Process() = default;

Result<Ref<Process>> Process::create(const Options& options, Ref<Object> console, Ref<Object> files) {
  const std::uint64_t limit = options.memory_limit != 0 ? options.memory_limit : machine::free_memory();
  const QuotaRef quota(new Quota(limit));
  Ref<Process> process = TRY(make_object<Process>(
      quota, sizeof(Program), quota, options.arguments.empty() ? "program" : options.arguments[0]));
  TRY(process->make_startup_block(options, std::move(console), std::move(files)));
  return process;
}

Result<Ref<Process>> Process::create(const QuotaRef& creator, std::string name, std::uint64_t memory_limit) {
  QuotaRef quota = TRY(Quota::split(creator, memory_limit));
  return make_object<Process>(creator, sizeof(Program) + name.size(), std::move(quota), std::move(name));
}

Result<> Process::make_startup_block(const Options& options, Ref<Object> console, Ref<Object> files) {
  HandleValue console_handle = HandleValue::none, files_handle = HandleValue::none;
  const Rights common = Right::duplicate | Right::transfer;
  if (console)
    console_handle = TRY(handles_.insert(Handle(std::move(console), common | Right::read | Right::write)));
  HandleValue devices_handle = HandleValue::none;
  if (files) files_handle = TRY(handles_.insert(Handle(std::move(files), common | Right::transact)));
  if (options.devices) {
    Ref<Object> root = TRY(make_object<Resource>(quota(), 0, ResourceKind::root, 0, Resource::kEverything));
    devices_handle = TRY(handles_.insert(Handle(std::move(root), common | Right::manage)));
  }
  HandleValue initfs_handle = HandleValue::none, system_handle = HandleValue::none;
  if (!options.initfs.empty()) {
    Ref<Object> initfs = TRY(MemoryObject::over(quota(), options.initfs));
    initfs_handle = TRY(handles_.insert(Handle(std::move(initfs), common | Right::read)));
    Ref<Object> system = TRY(make_object<System>(quota(), 0));
    system_handle = TRY(handles_.insert(Handle(std::move(system), common | Right::read)));
  }
  BlockWriter block;
  block.word(kStartupVersion);
  block.word(static_cast<std::uint32_t>(console_handle));
  block.word(static_cast<std::uint32_t>(devices_handle));
  for (int stream = 0; stream < 3; stream++) block.word(static_cast<std::uint32_t>(console_handle));
  block.word(options.terminals);
  block.strings(options.arguments);
  block.strings(options.environment);
  block.word(static_cast<std::uint32_t>(options.preopens.size()));
  for (const std::string& path : options.preopens) {
    block.word(static_cast<std::uint32_t>(files_handle));
    block.string(path);
    block.string(path);  // the name under which the server exports it
  }
  block.word(static_cast<std::uint32_t>(options.memory_directories.size()));
  for (const MemoryDirectory& directory : options.memory_directories) {
    block.word(static_cast<std::uint32_t>(directory.quota));
    block.word(static_cast<std::uint32_t>(directory.quota >> 32));
    block.string(directory.path);
  }
  block.word(options.initfs.empty() ? 0 : 2);  // other handles
  if (!options.initfs.empty()) {
    block.word(static_cast<std::uint32_t>(initfs_handle));
    block.string("initfs");
    block.word(static_cast<std::uint32_t>(system_handle));
    block.string("system");
  }
  startup_block_ = block.take();
  return {};
}

Loaded<> Process::add(std::string name, Ref<Module> module) {
  bool half_made = false;
  auto added = [&]() -> Loaded<wasm::Instance*> {
    const MutexGuard guard(building_);
    if (started_ || exiting_)
      return std::unexpected(LoadError{Status::bad_state, "the process was started or has ended"});
    const std::size_t before = program_->size();
    auto made = program_->add(std::move(name), std::move(module));
    half_made = !made && program_->size() != before;
    return made;
  }();
  if (added) return {};
  if (half_made) end(EndReason::refused, 0);
  return std::unexpected(std::move(added.error()));
}

Result<> Process::start(std::string_view entry, HandleTable& from, std::span<const HandleValue> handles,
                        std::vector<std::byte> startup) {
  const MutexGuard guard(building_);
  if (started_ || exiting_) return fail(Status::bad_state);
  if (program_->size() == 0) return fail(Status::not_found);
  const std::size_t last = program_->size() - 1;
  wasm::Function* function = program_->find_function(last, entry);
  if (function == nullptr || !function->type->params.empty() || !function->type->results.empty())
    return fail(Status::not_found);
  Charge charge = TRY(Charge::take(quota(), startup.size()));
  Ref<Thread> thread = TRY(Thread::create(Ref<Process>(this), [program = program_.get(), last, function,
                                                               entry = std::string(entry)](Thread& self) {
    const auto first = program->initializers(last, entry, Program::Initialize::all);
    if (run_all(self, *program, first) && run(self, *program, *function, {}, {})) self.process().exit(0);
  }));
  std::vector<Handle> given(handles.size());
  std::vector<HandleValue> values(handles.size());
  TRY(from.take_all(handles, given, this));
  NB_ASSERT(handles_.insert_all(given, values));  // the table is empty
  startup_block_ = std::move(startup);
  startup_charge_ = std::move(charge);
  (void)thread->launch();  // if it was killed in between, the handles go with it
  return {};
}

wasm::Memory* Process::shared_memory(std::size_t instance, std::uint32_t import,
                                     const wasm::MemoryType& type) {
  {
    const SpinGuard guard(memories_lock_);
    for (const SharedMemory& shared : shared_memories_)
      if (shared.instance == instance && shared.import == import) return shared.memory.get();
  }
  // Only whoever fills the process comes here: its threads find what it made.
  auto memory = wasm::Memory::create(memory_, type);
  if (!memory) return nullptr;
  const SpinGuard guard(memories_lock_);
  shared_memories_.push_back({instance, import, std::move(memory)});
  return shared_memories_.back().memory.get();
}

bool Process::is_shared_memory(const wasm::Memory& memory) {
  const SpinGuard guard(memories_lock_);
  return std::ranges::any_of(shared_memories_, [&](const auto& s) { return s.memory.get() == &memory; });
}

void Process::end(EndReason reason, std::uint32_t code) {
  {
    const SpinGuard guard(lock_);
    if (!exiting_.load(std::memory_order_relaxed))
      end_.store(std::uint64_t{static_cast<std::uint32_t>(reason)} << 32 | code, std::memory_order_relaxed);
    exiting_.store(true, std::memory_order_release);  // pairs with the reads of exiting() and with wait
    for (Thread* thread : threads_) {
      Scheduler::unpark(*thread);
      Scheduler::interrupt(*thread);
      if (thread->server_ != nullptr) thread->server_->disturb();
    }
    if (!threads_.empty() || finishing_) return;
    finishing_ = true;
  }
  finish();
}

Process::End Process::how_it_ended() const {
  if (!finished_.load(std::memory_order_acquire)) return {EndReason::none, 0};  // pairs with finish
  const std::uint64_t end = end_.load(std::memory_order_relaxed);
  return {static_cast<EndReason>(end >> 32), static_cast<std::uint32_t>(end)};
}

int Process::wait() {
  waiters_.wait([this] { return finished_.load(std::memory_order_acquire); });
  const End end = how_it_ended();
  switch (end.reason) {
    case EndReason::none:
    case EndReason::exited: return static_cast<int>(end.code);
    case EndReason::trapped:
    case EndReason::exception: return kExitTrap;
    case EndReason::out_of_memory:
    case EndReason::killed: return kExitKilled;
    case EndReason::refused: return kExitError;
  }
  return kExitError;
}

bool Process::add(Thread& thread) {
  const SpinGuard guard(lock_);
  if (exiting_) return false;
  if (!started_.exchange(true)) register_process(*this);
  threads_.push_back(&thread);
  thread_count_ = static_cast<std::uint32_t>(threads_.size());
  return true;
}

void Process::remove(Thread& thread) {
  {
    const SpinGuard guard(lock_);
    std::erase(threads_, &thread);
    ended_threads_ns_ += Scheduler::cpu_ns(thread);
    ended_threads_calls_ += thread.kernel_calls();
    thread_count_ = static_cast<std::uint32_t>(threads_.size());
    if (!threads_.empty() || finishing_) return;
    if (!exiting_) end_.store(std::uint64_t{static_cast<std::uint32_t>(EndReason::exited)} << 32);
    exiting_ = true;
    finishing_ = true;
  }
  finish();
}

// The process has no threads and gets none: what it has goes before anybody is told.
void Process::finish() {
  unregister_process(*this);
  const MutexGuard guard(building_);
  program_.reset();
  shared_memories_.clear();
  handles_.close_all();
  startup_block_ = {};
  startup_charge_ = {};
  quota()->close();
  finished_.store(true, std::memory_order_release);  // pairs with how_it_ended
  const End end = how_it_ended();
  log(LogLevel::debug, "process {}, {}: {}, {}", id_, name_, reason_text(end.reason), end.code);
  signal({}, Signal::terminated);
  waiters_.wake_all();
}

void Process::no_handles(DropList&) {
  {
    const SpinGuard guard(lock_);
    if (started_) return;
  }
  end(EndReason::killed, 0);
}

void Process::set_share(Priority priority, std::uint32_t weight) {
  const SpinGuard guard(lock_);
  share_.set_weight(weight);
  share_.set_priority(priority);
  for (Thread* thread : threads_) Scheduler::priority_changed(*thread);
}

std::uint64_t Process::cpu_ns() {
  const SpinGuard guard(lock_);
  std::uint64_t sum = ended_threads_ns_;
  for (const Thread* thread : threads_) sum += Scheduler::cpu_ns(*thread);
  return sum;
}

std::uint64_t Process::kernel_calls() {
  const SpinGuard guard(lock_);
  std::uint64_t sum = ended_threads_calls_;
  for (const Thread* thread : threads_) sum += thread->kernel_calls();
  return sum;
}

}  // namespace nebulet::kernel
