// SPDX-License-Identifier: MIT
// The first program of a system of several: starts what the plan in the initfs says, and ends with its exit
// code.
#include <string>
#include <vector>

#include "base/result.h"
#include "user/init/launcher.h"
#include "user/init/supervisor.h"

namespace nebulet::init {
namespace {

constexpr int kRefused = 125;
constexpr std::uint64_t kMostPlan = 16 << 20;

Result<int> run() {
  const auto own = sdk::Given::get();
  const nb_handle_t initfs = own.handle("initfs");
  if (initfs == 0) return std::unexpected("there is no boot module `initfs`");
  const auto reach = [&](std::uint64_t offset, std::span<std::byte> bytes) {
    return nb_memory_read(initfs, offset, bytes.data(), bytes.size()) >= 0;
  };
  const auto index = sdk::CpioIndex::read(static_cast<std::uint64_t>(nb_memory_size(initfs)), reach);
  if (!index) return std::unexpected("initfs: " + index.error());
  const sdk::CpioFile* const file = index->find(kPlanFile);
  if (file == nullptr || file->size > kMostPlan) return std::unexpected("initfs: it has no plan");
  std::string text(file->size, '\0');
  if (!reach(file->offset, std::as_writable_bytes(std::span(text))))
    return std::unexpected("initfs: the plan cannot be read");
  const auto plan = read_plan(text);
  if (!plan) return std::unexpected("plan: " + plan.error());
  if (const auto problem = check(*plan)) {
    const std::string name =
        problem->process < plan->processes.size() ? plan->processes[problem->process].name + ": " : "";
    return std::unexpected("plan: " + name + std::string(problem->key) + ": " + problem->text);
  }
  Launcher launcher(*plan, own, initfs, *index);
  TRY(launcher.prepare());
  return Supervisor(*plan, launcher).run();
}

}  // namespace
}  // namespace nebulet::init

int main() {
  const auto code = nebulet::init::run();
  if (code) return *code;
  nebulet::init::say(NB_LOG_LEVEL_ERROR, code.error());
  return nebulet::init::kRefused;
}
