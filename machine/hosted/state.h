// SPDX-License-Identifier: MIT
// What the parts of the hosted machine share.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "machine/hosted/hosted.h"

namespace nebulet::machine::hosted {

/// Begins the file with names of generated code; false if it cannot be made.
bool start_perf_map();

constexpr std::uint32_t kMaxCpus = 64;
constexpr std::size_t kSignalStack = 256 * 1024;

/// A CPU is a host thread. Interrupts are one signal, which the CPU's timer and other CPUs send; "off" means
/// that the handler only notes that it ran.
struct Cpu {
  std::uint32_t index = 0;
  void* local = nullptr;
  volatile sig_atomic_t enabled = 0;
  volatile sig_atomic_t pending = 0;  ///< the signal came while interrupts were off
  std::uint64_t to_wake = 0;          ///< CPUs, when interrupts are on again
  std::atomic<pid_t> tid = 0;
  timer_t timer = nullptr;
  pthread_t thread = {};
  void* signal_stack = nullptr;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
  /// Under TSan: the kernel stack that the CPU runs on, or none yet. The host's threads of other builds leave
  /// it 0.
  std::uintptr_t stack_bottom = 0;
  std::size_t stack_size = 0;
};

Cpu& this_cpu();
/// The signal that stands for interrupts.
int interrupt_signal();
/// Makes the calling thread the CPU `index`: signal stack, timer, identity. Interrupts stay off.
void adopt_cpu(std::uint32_t index);
/// Installs the handlers of interrupts and faults. Once.
void install_handlers();
void set_memory_limit(std::uint64_t bytes);
void set_console(const HostedOptions& options);
/// Whether somebody found the input empty and waits for it; idle CPUs then watch descriptor 0.
std::atomic<bool>& input_wanted();

/// Sends `context`, the state of an interrupted wasm instruction, through kernel::preempt: when the signal
/// handler returns, the thread runs there on its kernel stack, and the interrupted state comes back
/// afterwards.
void redirect_to_preempt(ucontext_t& context);

}  // namespace nebulet::machine::hosted
