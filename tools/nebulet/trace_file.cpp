// SPDX-License-Identifier: MIT
#include "tools/nebulet/trace_file.h"

#include <cerrno>
#include <cstring>
#include <format>

#include "abi/generated/types.h"
#include "tools/nebulet/call_names.h"

namespace nebulet::tool {
namespace {

using kernel::trace::DoorEnd;
using kernel::trace::Kind;
using kernel::trace::Left;

/// Tracks that are no process's. Perfetto keeps 0 for itself.
constexpr std::uint64_t kKernel = 1'000'000'000;

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      quoted += std::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string_view name_of(Left left) {
  switch (left) {
    case Left::preempted: return "preempted";
    case Left::yielded: return "yielded";
    case Left::waits: return "waits";
    case Left::ended: return "ended";
  }
  return "?";
}

std::string_view name_of(DoorEnd end) {
  switch (end) {
    case DoorEnd::returned: return "returned";
    case DoorEnd::failed: return "trapped";
    case DoorEnd::unwound: return "ended from outside";
  }
  return "?";
}

}  // namespace

Result<TraceFile> TraceFile::create(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail("run --trace {}: {}", path, std::strerror(errno));
  TraceFile trace(file, path);
  std::fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
  trace.put_name("process", kKernel, 0, "kernel");
  trace.put(std::format(R"({{"ph":"M","name":"process_sort_index","pid":{},"args":{{"sort_index":-1}}}})",
                        kKernel));
  return trace;
}

Result<> TraceFile::finish() {
  std::fprintf(file_.get(), "\n],\"otherData\":{\"lost\":\"%llu\"}}\n",
               static_cast<unsigned long long>(lost_));
  if (lost_ != 0)
    std::fprintf(stderr, "nebulet: the trace lacks %llu events, for which the kernel had no room\n",
                 static_cast<unsigned long long>(lost_));
  const bool failed = std::ferror(file_.get()) != 0;
  if (std::fclose(file_.release()) != 0 || failed)
    return fail("run --trace {}: {}", path_, std::strerror(errno));
  return {};
}

void TraceFile::take_record(std::uint32_t cpu, const Record& record) {
  switch (record.kind) {
    case Kind::thread: thread(record.thread).process = record.value; break;
    case Kind::call_begin:
    case Kind::call_end: take_call(record); break;
    case Kind::door_enter:
    case Kind::door_leave: take_door(record); break;
    case Kind::run: take_run(cpu, record); break;
    case Kind::ready:
      put_on('i', record.time, record.thread,
             std::format(R"("s":"t","name":"ready","args":{{"by":{}}})",
                         quote(record.value == 0 ? "the machine"
                                                 : thread_name(static_cast<std::uint32_t>(record.value)))));
      break;
    case Kind::lost:
      lost_ += record.value;
      put('i', record.time, kKernel, kKernel + cpu,
          std::format(R"("s":"g","name":"{} events lost")", record.value));
      break;
    case Kind::process:
    case Kind::sample: break;  // the reader's
  }
}

void TraceFile::take_process(std::uint64_t id, const std::string& name) {
  processes_[id].name = name;
  put_name("process", id, 0, name);
}

void TraceFile::take_run(std::uint32_t index, const Record& record) {
  const std::uint64_t track = kKernel + index;
  Cpu& cpu = cpus_[index];
  if (!cpu.named) put_name("thread", kKernel, track, std::format("CPU {}", index));
  cpu.named = true;
  if (cpu.running != 0)
    put('E', record.time, kKernel, track,
        std::format(R"("args":{{"why":"{}"}})", name_of(static_cast<Left>(record.detail))));
  cpu.running = record.thread;
  if (record.thread != 0)
    put('B', record.time, kKernel, track,
        std::format(R"("cat":"cpu","name":{})", quote(thread_name(record.thread))));
}

void TraceFile::take_call(const Record& record) {
  if (record.kind == Kind::call_begin)
    return put_on('B', record.time, record.thread,
                  std::format(R"("cat":"call","name":"{}")", call_name(record.call)));
  const auto result = static_cast<std::int64_t>(record.value);
  put_on('E', record.time, record.thread,
         result < 0 ? std::format(R"("args":{{"status":"{}"}})", abi::name(static_cast<abi::Status>(result)))
                    : std::format(R"("args":{{"result":{}}})", result));
}

/// A slice on both tracks, and an arrow between them.
void TraceFile::take_door(const Record& record) {
  const auto server = static_cast<std::uint32_t>(record.value);
  if (record.kind == Kind::door_leave) {
    const auto end = std::format(R"("args":{{"end":"{}"}})", name_of(static_cast<DoorEnd>(record.detail)));
    put_on('E', record.time, record.thread, end);
    return put_on('E', record.time, server, end);
  }
  const std::uint64_t flow = ++flows_;
  put_on('B', record.time, record.thread,
         std::format(R"("cat":"door","name":{})", quote("in " + thread_name(server))));
  put_on('B', record.time, server,
         std::format(R"("cat":"door","name":{})", quote("call from " + thread_name(record.thread))));
  put_on('s', record.time, record.thread, std::format(R"("cat":"door","name":"door","id":{})", flow));
  put_on('f', record.time, server, std::format(R"("cat":"door","name":"door","bp":"e","id":{})", flow));
}

void TraceFile::put(std::string_view event) {
  std::fputs(is_first_ ? "\n" : ",\n", file_.get());
  is_first_ = false;
  std::fwrite(event.data(), 1, event.size(), file_.get());
}

void TraceFile::put(char phase, std::uint64_t time, std::uint64_t process, std::uint64_t thread,
                    std::string_view fields) {
  put(std::format(R"({{"ph":"{}","ts":{}.{:03},"pid":{},"tid":{},{}}})", phase, time / 1000, time % 1000,
                  process, thread, fields));
}

void TraceFile::put_name(std::string_view what, std::uint64_t process, std::uint64_t thread,
                         std::string_view name) {
  put(std::format(R"({{"ph":"M","name":"{}_name","pid":{},"tid":{},"args":{{"name":{}}}}})", what, process,
                  thread, quote(name)));
}

void TraceFile::put_on(char phase, std::uint64_t time, std::uint32_t number, std::string_view fields) {
  Thread& on = thread(number);
  if (!on.named) {
    put_name("thread", track_of(on), number, thread_name(number));
    on.named = true;
  }
  put(phase, time, track_of(on), number, fields);
}

TraceFile::Thread& TraceFile::thread(std::uint32_t number) { return threads_[number]; }

std::uint64_t TraceFile::track_of(const Thread& thread) const {
  return thread.process == 0 ? kKernel : thread.process;
}

std::string TraceFile::thread_name(std::uint32_t number) {
  Thread& thread = threads_[number];
  if (thread.process == 0) return std::format("kernel thread {}", number);
  Process& process = processes_[thread.process];
  if (thread.number == 0) thread.number = ++process.threads;
  return std::format("{}/{}", process.name, thread.number);
}

}  // namespace nebulet::tool
