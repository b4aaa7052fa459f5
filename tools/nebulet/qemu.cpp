// SPDX-License-Identifier: MIT
#include "tools/nebulet/qemu.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/result.h"
#include "tools/nebulet/child.h"
#include "tools/nebulet/command_line.h"
#include "tools/nebulet/initfs.h"
#include "tools/nebulet/link.h"
#include "tools/nebulet/messages.h"
#include "tools/ninep/server.h"

namespace nebulet::tool {
namespace {

constexpr int kPipeBytes = 1 << 20;

/// Serves one virtual machine: its packets, the program's input, its files.
class Session {
 public:
  Session(const RunOptions& options, Messages& messages, int to_kernel)
      : options_(options),
        messages_(messages),
        to_kernel_(to_kernel),
        files_(exports(options)),
        reply_(kMaxReply),
        parser_([this](Packet kind, std::span<const std::byte> payload) { packet(kind, payload); }) {}

  bool feed(std::span<const std::byte> bytes) { return parser_.feed(bytes); }
  bool started() const { return parser_.started(); }
  std::span<const std::byte> preamble() const { return parser_.preamble(); }
  bool is_linked() const { return parser_.started(); }
  void say_booting() { messages_.progress().say("starting the virtual machine"); }
  std::optional<int> exit_status() const { return exit_status_; }
  bool wants_input() const { return input_wanted_ != 0; }

  /// Answers the kernel's request with what standard input has; an error is the end of input.
  void send_input() {
    std::vector<std::byte> bytes(input_wanted_);
    const ssize_t n = ::read(0, bytes.data(), bytes.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    input_wanted_ = 0;
    send(Packet::input, bytes);
  }

 private:
  static constexpr std::size_t kMaxReply = 256 * 1024;
  static constexpr std::uint32_t kMaxInput = machine::link::kMaxStreamPayload;

  static std::vector<ninep::Export> exports(const RunOptions& options) {
    std::vector<ninep::Export> list;
    for (const Directory& directory : options.directories) list.push_back({directory.host, directory.guest});
    return list;
  }

  void send(Packet kind, std::span<const std::byte> payload) {
    const auto packet = make_packet(kind, payload);
    write_all(to_kernel_, packet.data(),
              packet.size());  // fails only if QEMU ended, which the main loop sees
  }

  static std::uint32_t word(std::span<const std::byte> payload) {
    std::uint32_t value = 0;
    std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
    return value;
  }

  void packet(Packet kind, std::span<const std::byte> payload) {
    if (messages_.take(kind, payload)) return;
    messages_.progress().clear();
    switch (kind) {
      case Packet::out: write_all(1, payload.data(), payload.size()); break;
      case Packet::err: write_all(2, payload.data(), payload.size()); break;
      case Packet::log: write_log(payload); break;
      case Packet::input: input_wanted_ = std::clamp(word(payload), 1u, kMaxInput); break;
      case Packet::files: send(Packet::files, std::span(reply_).first(files_.handle(payload, reply_))); break;
      case Packet::host: send_facts(); break;
      case Packet::exit: exit_status_ = static_cast<int>(word(payload) & 0xff); break;
      case Packet::results:
      case Packet::progress:
      case Packet::trace:
      case Packet::names:
      case Packet::core: break;
    }
  }

  /// The time and a seed.
  void send_facts() {
    std::array<std::byte, 8 + 32> facts;
    const std::uint64_t now = static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
    std::memcpy(facts.data(), &now, sizeof now);
    if (::getentropy(facts.data() + 8, 32) == 0) send(Packet::host, facts);
  }

  void write_log(std::span<const std::byte> payload) {
    if (log_.get() < 0) {
      log_ = Descriptor(options_.log_file.empty() ? ::dup(2)
                                                  : ::open(options_.log_file.c_str(),
                                                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    }
    write_all(log_.get(), payload.data(), payload.size());
  }

  const RunOptions& options_;
  Messages& messages_;
  const int to_kernel_;
  ninep::Server files_;
  std::vector<std::byte> reply_;
  LinkParser parser_;
  Descriptor log_;
  std::uint32_t input_wanted_ = 0;
  std::optional<int> exit_status_;
};

std::string text_of(std::span<const std::byte> bytes, std::size_t limit = 2000) {
  const std::size_t n = std::min(bytes.size(), limit);
  return std::string(reinterpret_cast<const char*>(bytes.data() + bytes.size() - n), n);
}

/// Wakes up now and then, to say that it takes long.
int booting_timeout(const Deadline& deadline) {
  constexpr int kEvery = 500;
  const int left = poll_timeout(deadline);
  return left < 0 ? kEvery : std::min(left, kEvery);
}

/// A file without a name that QEMU opens through /proc/self/fd.
Result<Descriptor> make_initfs(const RunOptions& options, const Installation& installation,
                               const BootFiles& files) {
  InitfsWriter writer;
  writer.add("program", files.program);
  if (!files.initfs.empty()) writer.add("initfs", files.initfs);
  if (!options.code_file.empty()) writer.add("program.code", TRY(read_file(options.code_file)));
  writer.add("wasi", TRY(read_file(installation.wasi)));
  writer.add("wasi.code", TRY(read_file(installation.wasi_code)));
  const auto archive = writer.finish();
  Descriptor file(::memfd_create("initfs", 0));
  if (file.get() < 0 || !write_all(file.get(), archive.data(), archive.size())) {
    return fail("cannot hold the boot archive in memory: {}", std::strerror(errno));
  }
  return file;
}

}  // namespace

bool kvm_works() {
  struct Feature {
    std::uint32_t leaf;
    std::uint32_t kvm_cpuid_entry2::* reg;
    std::uint32_t bits;
  };
  constexpr Feature kNeeded[] = {
      {1, &kvm_cpuid_entry2::ecx, 1u << 23 | 1u << 26 | 1u << 28},         // POPCNT, XSAVE, AVX
      {7, &kvm_cpuid_entry2::ebx, 1u << 0 | 1u << 3 | 1u << 5 | 1u << 8},  // FSGSBASE, BMI1, AVX2, BMI2
      {0x80000001, &kvm_cpuid_entry2::ecx, 1u << 5},                       // LZCNT
  };
  constexpr std::size_t kMaxEntries = 256;
  Descriptor kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (kvm.get() < 0) return false;
  Descriptor vm(::ioctl(kvm.get(), KVM_CREATE_VM, 0));
  if (vm.get() < 0) return false;
  std::vector<std::byte> memory(sizeof(kvm_cpuid2) + kMaxEntries * sizeof(kvm_cpuid_entry2));
  auto* offered = new (memory.data()) kvm_cpuid2{};
  offered->nent = kMaxEntries;
  if (::ioctl(kvm.get(), KVM_GET_SUPPORTED_CPUID, offered) != 0) return false;
  const std::span entries(offered->entries, offered->nent);
  return std::ranges::all_of(kNeeded, [&](const Feature& feature) {
    return std::ranges::any_of(entries, [&](const kvm_cpuid_entry2& entry) {
      return entry.function == feature.leaf && entry.index == 0 &&
             (entry.*feature.reg & feature.bits) == feature.bits;
    });
  });
}

const char* machine_name(Machine machine) {
  switch (machine) {
    case Machine::pc: return "pc";
    case Machine::q35: return "q35";
    case Machine::microvm: return "microvm";
  }
  return "q35";
}

std::vector<std::string> qemu_command(const RunOptions& options, const std::string& kernel,
                                      const std::string& initfs) {
  const bool kvm = kvm_works();
  std::vector<std::string> command = {
      "qemu-system-x86_64", "-machine",
      std::format("{},accel={}", machine_name(options.machine), kvm ? "kvm" : "tcg"), "-cpu",
      kvm ? "host" : "max", "-smp", std::to_string(options.cpus), "-m",
      std::format("{}M", (options.memory + (1 << 20) - 1) >> 20), "-nodefaults", "-no-user-config",
      "-display", "none", "-no-reboot", "-chardev", "stdio,id=link,signal=off",
      // Plain text of the firmware and of a kernel that dies before it has the link.
      "-chardev", "file,id=serial,path=/proc/self/fd/2,append=on", "-serial", "chardev:serial", "-device",
      options.machine == Machine::microvm ? "virtio-serial-device,max_ports=2"
                                          : "virtio-serial-pci,max_ports=2",
      "-device", "virtserialport,chardev=link,nr=1", "-kernel", kernel, "-initrd", initfs, "-append",
      kernel_command_line(options)};
  if (options.machine == Machine::microvm)
    command.insert(command.end(), {"-global", "virtio-mmio.force-legacy=false"});
  command.insert(command.end(), options.qemu.begin(), options.qemu.end());
  if (options.gdb) command.insert(command.end(), {"-s", "-S"});
  return command;
}

Result<int> run_in_qemu(const RunOptions& options, const Installation& installation, const BootFiles& files,
                        Messages& messages) {
  const Deadline deadline = deadline_after(options.timeout);
  const Descriptor initfs = TRY(make_initfs(options, installation, files));
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    return fail("cannot make a pipe: {}", std::strerror(errno));
  }
  Descriptor child_in(in[0]), to_kernel(in[1]), from_kernel(out[0]), child_out(out[1]), from_qemu(err[0]),
      child_err(err[1]);
  const auto command =
      qemu_command(options, installation.kernel, std::format("/proc/self/fd/{}", initfs.get()));
  auto started =
      Child::start(command, {.in = child_in.get(), .out = child_out.get(), .err = child_err.get()});
  if (!started) {
    started.error().message += "; install qemu-system-x86, or use --hosted";
    return std::unexpected(started.error());
  }
  Child qemu = std::move(*started);
  child_in.reset(), child_out.reset(), child_err.reset();
  for (const int pipe : {to_kernel.get(), from_kernel.get()})
    ::fcntl(pipe, F_SETPIPE_SZ, kPipeBytes);  // a wish: smaller pipes work too

  Session session(options, messages, to_kernel.get());
  std::vector<std::byte> buffer(1 << 20);
  std::vector<std::byte> complaints;  // of QEMU itself
  bool kernel_open = true, qemu_open = true;
  while (kernel_open) {
    pollfd events[] = {{.fd = from_kernel.get(), .events = POLLIN},
                       {.fd = qemu_open ? from_qemu.get() : -1, .events = POLLIN},
                       {.fd = session.wants_input() ? 0 : -1, .events = POLLIN}};
    const int n = ::poll(events, std::size(events),
                         session.is_linked() ? poll_timeout(deadline) : booting_timeout(deadline));
    if (n < 0) continue;  // a signal
    if (n == 0 && poll_timeout(deadline) == 0) return kTimeout;
    if (n == 0) session.say_booting();
    if (events[0].revents) {
      const ssize_t got = ::read(from_kernel.get(), buffer.data(), buffer.size());
      kernel_open = got > 0;
      if (got > 0 && !session.feed(std::span(buffer).first(static_cast<std::size_t>(got)))) {
        return std::unexpected(Failure{"the kernel sent something that is no packet", kMachineFailed});
      }
    }
    if (events[1].revents) {
      const ssize_t got = ::read(from_qemu.get(), buffer.data(), buffer.size());
      qemu_open = got > 0;
      if (got > 0) complaints.insert(complaints.end(), buffer.begin(), buffer.begin() + got);
    }
    if (events[2].revents) session.send_input();
  }
  const int status = qemu.wait();
  if (session.exit_status()) return *session.exit_status();
  std::string message = WIFEXITED(status)
                            ? std::format("the virtual machine ended (QEMU exit code {}) and gave no status",
                                          WEXITSTATUS(status))
                            : std::format("QEMU was ended by signal {}", WTERMSIG(status));
  if (!complaints.empty()) message += "\n" + text_of(complaints);
  if (!session.preamble().empty()) message += "\nlast output:\n" + text_of(session.preamble());
  return std::unexpected(Failure{std::move(message), kMachineFailed});
}

}  // namespace nebulet::tool
