// SPDX-License-Identifier: MIT
// From a plan to processes: modules, streams and services, and what each process is given of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "user/init/devices.h"
#include "user/init/handle.h"
#include "user/init/plan.h"
#include "user/sdk/cpio.h"
#include "user/sdk/given.h"
#include "user/sdk/startup.h"

namespace nebulet::init {

/// Keeps what processes share for as long as one of them may be started again. Processes are meant by their
/// index in the plan.
class Launcher {
 public:
  Launcher(const Plan& plan, const sdk::Given& own, nb_handle_t initfs, const sdk::CpioIndex& files);

  /// Compiles every module and makes streams and services. The error names the process.
  Result<> prepare();
  /// A new process, running.
  Result<Handle> start(std::size_t process);
  /// It will not be started again: its ends of streams and channels are not kept open for it any more.
  void forget_streams(std::size_t process);
  /// It is down for good: nobody can call its service, nor comes one through its doors.
  void forget_services(std::size_t process);

 private:
  struct Stream {
    Handle reader, writer;
    std::size_t readers = 0, writers = 0;  // who may still be started
  };
  struct Service {
    Handle service;
    Handle door;  // so that the server sees the last client go only when none can come
    std::size_t clients = 0;
  };
  struct Channel {
    std::array<Handle, 2> ends;
    std::array<std::size_t, 2> processes;  // whose
  };
  Result<> compile(const Process& process);
  Result<> make_stream(const std::string& name, bool reads);
  Result<> make_channel(const std::string& name, std::size_t process);
  void share_memory();
  Result<Handle> standard(const std::string& name, bool reads) const;
  Result<Handle> grant(const Grant& grant, std::size_t process) const;
  Result<Handle> door(const std::string& service, std::uint64_t cookie) const;
  Result<> add_instances(nb_handle_t process, const Process& plan) const;
  /// `held` keeps the handles until the process has them.
  Result<> give(std::size_t index, sdk::Startup& startup, std::vector<Handle>& held) const;
  Result<> give_streams(const Process& process, sdk::Startup& startup, std::vector<Handle>& held) const;
  void drop(const std::string& stream, bool reads);

  const Plan& plan_;
  const sdk::Given& own_;
  const nb_handle_t initfs_;
  const sdk::CpioIndex& files_;
  std::map<std::string, Handle, std::less<>> modules_;  // by file
  std::map<std::string, Stream, std::less<>> streams_;
  std::map<std::string, Service, std::less<>> services_;
  std::map<std::string, Channel, std::less<>> channels_;
  Devices devices_;
  Handle wasi_;
  Handle nothing_;            // the reading end of a stream that has ended
  std::uint64_t memory_ = 0;  // of a process whose plan says nothing
};

}  // namespace nebulet::init
