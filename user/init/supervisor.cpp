// SPDX-License-Identifier: MIT
#include "user/init/supervisor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/result.h"

namespace nebulet::init {
namespace {

constexpr std::uint64_t kForever = ~std::uint64_t{0};
/// For services that see their clients go, before they are ended.
constexpr std::uint64_t kGrace = 1'000'000'000;

// Exit codes that are not the program's own (docs/reference/tool.md).
constexpr int kRefused = 125, kTrapped = 134, kKilled = 137;

std::uint64_t now() { return static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_MONOTONIC)); }

struct End {
  int code;
  std::string text;
};

End how_it_ended(nb_handle_t process) {
  const auto code = static_cast<int>(nb_process_inspect(process, NB_PROCESS_PROPERTY_END_CODE));
  switch (nb_process_inspect(process, NB_PROCESS_PROPERTY_END_REASON)) {
    case NB_END_REASON_EXITED: return {code & 0xff, "ended with " + std::to_string(code & 0xff)};
    case NB_END_REASON_TRAPPED: return {kTrapped, "trapped"};
    case NB_END_REASON_EXCEPTION: return {kTrapped, "threw an exception"};
    case NB_END_REASON_OUT_OF_MEMORY: return {kKilled, "was out of memory"};
    case NB_END_REASON_KILLED: return {kKilled, "was killed"};
    default: return {kRefused, "was refused"};
  }
}

}  // namespace

void say(nb_log_level_t level, std::string_view text) {
  const std::string line = "init: " + std::string(text);
  nb_log_write(level, line.data(), line.size());
}

Supervisor::Supervisor(const Plan& plan, Launcher& launcher)
    : plan_(plan),
      launcher_(launcher),
      has_programs_(std::ranges::contains(plan.processes, Kind::program, &Process::kind)) {
  states_.reserve(plan.processes.size());
  for (const Process& process : plan.processes)
    states_.push_back({.restarts = Restarts(process.restart, process.restarts)});
}

Result<int> Supervisor::run() {
  set_ = TRY(made("a wait set", nb_wait_set_create()));
  for (std::size_t i = 0; i < states_.size(); i++) start(i);
  // Streams of those that start once end with them.
  for (std::size_t i = 0; i < states_.size(); i++) {
    if (plan_.processes[i].restart == Restart::never) forget_streams(i);
  }
  while (!is_done()) {
    wait(next_start());
    start_due(now());
  }
  finish();
  for (std::size_t i = 0; i < states_.size(); i++) {
    if (counts(i) && states_[i].code != 0) return states_[i].code;
  }
  return 0;
}

/// Whether the system is up for it.
bool Supervisor::counts(std::size_t index) const {
  return !has_programs_ || plan_.processes[index].kind == Kind::program;
}

bool Supervisor::is_done() const {
  for (std::size_t i = 0; i < states_.size(); i++) {
    if (counts(i) && !states_[i].is_down) return false;
  }
  return true;
}

void Supervisor::start(std::size_t index) {
  const Process& process = plan_.processes[index];
  State& state = states_[index];
  state.start_at.reset();
  state.started = now();
  auto started = launcher_.start(index);
  if (started) {
    const int64_t added = nb_wait_set_add(set_.get(), started->get(), NB_SIGNAL_TERMINATED, index);
    if (added < 0) {
      nb_process_kill(started->get());
      started = std::unexpected("it cannot be watched: " + status_text(added));
    }
  }
  if (!started) return after_end(index, kRefused, "cannot be started: " + started.error());
  say(NB_LOG_LEVEL_INFO, process.name + ": started");
  state.process = std::move(*started);
}

void Supervisor::forget_streams(std::size_t index) {
  if (std::exchange(states_[index].keeps_streams, false)) launcher_.forget_streams(index);
}

void Supervisor::forget_services(std::size_t index) {
  if (std::exchange(states_[index].keeps_services, false)) launcher_.forget_services(index);
}

void Supervisor::ended(std::size_t index) {
  State& state = states_[index];
  const End end = how_it_ended(state.process.get());
  nb_wait_set_remove(set_.get(), index);
  state.process.reset();
  after_end(index, end.code, end.text);
}

void Supervisor::after_end(std::size_t index, int code, const std::string& why) {
  const Process& process = plan_.processes[index];
  State& state = states_[index];
  state.code = code;
  const std::string text = process.name + ": " + why;
  const std::uint64_t time = now();
  const auto pause = is_finishing_ ? std::nullopt : state.restarts.after(code != 0, state.started, time);
  if (pause) {
    state.start_at = time + *pause;
    say(NB_LOG_LEVEL_WARN, text + "; starting it again in " + std::to_string(*pause / 1'000'000) + " ms (" +
                               std::to_string(state.restarts.in_a_row()) + " of " +
                               std::to_string(state.restarts.most()) + ")");
    return;
  }
  state.is_down = true;
  if (state.restarts.gave_up()) {
    if (state.code == 0) state.code = kRefused;
    say(NB_LOG_LEVEL_ERROR, text + "; giving up: it was started " +
                                std::to_string(state.restarts.most() + 1) + " times in a row");
  } else {
    // A program's own code is its user's affair.
    const bool expected = code == 0 || is_finishing_ || (code < kRefused && process.kind == Kind::program);
    say(expected ? NB_LOG_LEVEL_INFO : NB_LOG_LEVEL_ERROR, text);
  }
  forget_streams(index);
  forget_services(index);
}

void Supervisor::start_due(std::uint64_t time) {
  for (std::size_t i = 0; i < states_.size(); i++) {
    if (states_[i].start_at && *states_[i].start_at <= time) start(i);
  }
}

std::uint64_t Supervisor::next_start() const {
  std::uint64_t first = kForever;
  for (const State& state : states_) first = std::min(first, state.start_at.value_or(kForever));
  return first;
}

bool Supervisor::wait(std::uint64_t deadline) {
  nb_wait_event_t events[64];
  const int64_t count = nb_wait_set_wait(set_.get(), events, std::size(events), deadline);
  for (int64_t i = 0; i < count; i++) ended(static_cast<std::size_t>(events[i].key));
  return count > 0;
}

std::size_t Supervisor::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(states_, [](const State& state) { return static_cast<bool>(state.process); }));
}

/// Who reads a stream, has a channel or serves sees that nobody is left.
bool Supervisor::is_waited_for(std::size_t index) const {
  const Process& process = plan_.processes[index];
  const bool sees_an_end = (process.input != Process::kNull && process.input != Process::kConsole) ||
                           std::ranges::any_of(process.grants, [](const Grant& grant) {
                             return grant.what == Grant::What::read || grant.what == Grant::What::channel ||
                                    grant.what == Grant::What::serve;
                           });
  return states_[index].process && sees_an_end;
}

void Supervisor::finish() {
  is_finishing_ = true;
  for (std::size_t i = 0; i < states_.size(); i++) {
    states_[i].start_at.reset();
    forget_streams(i);
    forget_services(i);
  }
  const auto anybody = [&] {
    for (std::size_t i = 0; i < states_.size(); i++) {
      if (is_waited_for(i)) return true;
    }
    return false;
  };
  const std::uint64_t deadline = now() + kGrace;
  while (anybody() && wait(deadline)) {
  }
  for (const State& state : states_) {
    if (state.process) nb_process_kill(state.process.get());
  }
  while (running() != 0) wait(kForever);
}

}  // namespace nebulet::init
