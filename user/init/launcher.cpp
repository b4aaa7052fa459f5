// SPDX-License-Identifier: MIT
#include "user/init/launcher.h"

#include <algorithm>
#include <iterator>

#include "base/result.h"

namespace nebulet::init {
namespace {

constexpr std::uint32_t kStreamBytes = 64 << 10;
constexpr std::string_view kWasi = "wasi_snapshot_preview1";
constexpr std::size_t kMessage = 400;  // the kernel's reason for a refusal, at most
constexpr std::uint32_t kPassedOn = NB_RIGHT_DUPLICATE | NB_RIGHT_TRANSFER;

struct StatusName {
  int64_t status;
  std::string_view text;
};
constexpr StatusName kStatusNames[] = {
    {NB_STATUS_INVALID_ARGUMENT, "an argument that the kernel does not take"},
    {NB_STATUS_OUT_OF_MEMORY, "there is not so much memory"},
    {NB_STATUS_LIMIT_REACHED, "a limit of the kernel"},
    {NB_STATUS_NOT_SUPPORTED, "this machine does not have it, or the kernel uses it itself"},
    {NB_STATUS_TOO_LARGE, "arguments and environment are too long"},
    {NB_STATUS_PEER_CLOSED, "the other side has ended for good"},
    {NB_STATUS_NOT_FOUND, "there is no such thing"},
    {NB_STATUS_BAD_STATE, "somebody else has it"},
    {NB_STATUS_INVALID_MODULE, "no valid module"},
    {NB_STATUS_UNLINKABLE, "an import that nothing provides"},
};

/// The kernel's reason, without the zeros behind it.
std::string reason(const std::string& message, int64_t status) {
  const std::string text = message.substr(0, message.find('\0'));
  return text.empty() ? status_text(status) : text;
}

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

Result<Handle> duplicate(const std::string& what, nb_handle_t handle, std::uint32_t rights) {
  return made(what, nb_handle_duplicate(handle, rights));
}

}  // namespace

std::string status_text(int64_t status) {
  const auto* const found = std::ranges::find(kStatusNames, status, &StatusName::status);
  if (found != std::end(kStatusNames)) return std::string(found->text);
  return "status " + std::to_string(status);
}

Launcher::Launcher(const Plan& plan, const sdk::Given& own, nb_handle_t initfs, const sdk::CpioIndex& files)
    : plan_(plan), own_(own), initfs_(initfs), files_(files), devices_(plan) {}

Result<> Launcher::prepare() {
  wasi_ = TRY(made("the WASI library", nb_module_of(kWasi.data(), kWasi.size())));
  Handle ended;
  nb_handle_t ends[2];
  TRY(made("a stream", nb_stream_create(4096, ends, 2)));
  nothing_ = Handle(ends[0]);
  ended = Handle(ends[1]);
  TRY(devices_.find());
  for (const Process& process : plan_.processes) {
    const auto named = [&](const Result<>& result) -> Result<> {
      if (result) return {};
      return std::unexpected(process.name + ": " + result.error());
    };
    TRY(named(compile(process)));
    TRY(named(make_stream(process.input, true)));
    TRY(named(make_stream(process.output, false)));
    TRY(named(make_stream(process.errors, false)));
    for (const Grant& grant : process.grants) {
      if (grant.what == Grant::What::read || grant.what == Grant::What::write)
        TRY(named(make_stream(grant.name, grant.what == Grant::What::read)));
      if (grant.what == Grant::What::channel)
        TRY(named(make_channel(grant.name, static_cast<std::size_t>(&process - plan_.processes.data()))));
      if (grant.what == Grant::What::serve)
        services_[grant.name].service = TRY(made("a service", nb_service_create()));
      if (grant.what == Grant::What::door) services_[grant.name].clients++;
    }
    for (const Mount& mount : process.mounts) services_[mount.service].clients++;
  }
  for (auto& [name, service] : services_) {
    if (service.clients != 0) service.door = TRY(made("a door", nb_door_create(service.service.get(), 0)));
  }
  share_memory();
  return {};
}

Result<> Launcher::compile(const Process& process) {
  if (modules_.contains(process.file)) return {};
  const sdk::CpioFile* const file = files_.find(process.file);
  if (file == nullptr) return std::unexpected("the initfs has no file " + quoted(process.file));
  const sdk::CpioFile none, *code = process.code.empty() ? &none : files_.find(process.code);
  if (code == nullptr) return std::unexpected("the initfs has no file " + quoted(process.code));
  std::string message(kMessage, '\0');
  const int64_t module = nb_module_create_with_code(initfs_, file->offset, file->size, code->offset,
                                                    code->size, message.data(), message.size());
  if (module < 0) return std::unexpected(process.file + ": " + reason(message, module));
  modules_.emplace(process.file, Handle(static_cast<nb_handle_t>(module)));
  return {};
}

Result<> Launcher::make_stream(const std::string& name, bool reads) {
  if (name == Process::kConsole || name == Process::kNull) return {};
  Stream& stream = streams_[name];
  (reads ? stream.readers : stream.writers)++;
  if (stream.reader) return {};
  nb_handle_t ends[2];
  TRY(made("the stream " + quoted(name), nb_stream_create(kStreamBytes, ends, 2)));
  stream.reader = Handle(ends[0]);
  stream.writer = Handle(ends[1]);
  return {};
}

Result<> Launcher::make_channel(const std::string& name, std::size_t process) {
  const auto [found, is_new] = channels_.try_emplace(name);
  Channel& channel = found->second;
  channel.processes[is_new ? 0 : 1] = process;
  if (!is_new) return {};
  nb_handle_t ends[2];
  TRY(made("the channel " + quoted(name), nb_channel_create(ends, 2)));
  for (std::size_t i = 0; i < 2; i++) channel.ends[i] = Handle(ends[i]);
  return {};
}

/// Those without a limit of their own get equal parts of what the others leave. A part stays for what init
/// makes later.
void Launcher::share_memory() {
  const auto property = [](nb_process_property_t which) {
    return static_cast<std::uint64_t>(nb_process_info(which));
  };
  const std::uint64_t limit = property(NB_PROCESS_PROPERTY_MEMORY_LIMIT),
                      used = property(NB_PROCESS_PROPERTY_MEMORY_USED);
  std::uint64_t left = limit - std::min(limit, used), sharing = 0;
  left -= left / 16;
  for (const Process& process : plan_.processes) {
    left -= std::min(left, process.memory);
    sharing += process.memory == 0 ? 1 : 0;
  }
  if (sharing != 0) memory_ = left / sharing;
}

Result<Handle> Launcher::start(std::size_t index) {
  const Process& process = plan_.processes[index];
  sdk::Startup startup;
  std::vector<Handle> held;
  TRY(give(index, startup, held));
  const std::uint64_t memory = process.memory != 0 ? process.memory : memory_;
  Handle created = TRY(made("a process with " + std::to_string(memory) + " bytes of memory",
                            nb_process_create(process.name.data(), process.name.size(), memory)));
  TRY(add_instances(created.get(), process));
  const std::vector<char> block = startup.block();
  const int64_t started =
      nb_process_start(created.get(), process.entry.data(), process.entry.size(), startup.handles().data(),
                       startup.handles().size(), block.data(), block.size());
  if (started == NB_STATUS_NOT_FOUND)
    return std::unexpected("the module has no function `" + process.entry +
                           "` without parameters and results");
  if (started < 0) return std::unexpected("it cannot be started: " + status_text(started));
  for (Handle& handle : held) (void)handle.release();
  return created;
}

Result<> Launcher::give(std::size_t index, sdk::Startup& startup, std::vector<Handle>& held) const {
  const Process& process = plan_.processes[index];
  const auto put = [&](const std::string& name, Handle handle) {
    startup.handle(name, held.emplace_back(std::move(handle)).get());
  };
  for (const Grant& grant : process.grants) {  // first: they have the numbers 1, 2, …
    if (!grant.is_device()) {
      put(handle_name(grant), TRY(this->grant(grant, index)));
      continue;
    }
    auto device = TRY(devices_.device(grant));
    put("device", std::move(device.device));
    put("registers", std::move(device.registers));
    put("interrupt", std::move(device.interrupt));
  }
  for (const std::string& argument : process.arguments) startup.argument(argument);
  for (const std::string& entry : process.environment) startup.environment(entry);
  for (const MemoryDirectory& directory : process.memory_directories)
    startup.memory_directory(directory.path, directory.quota);
  for (const Mount& mount : process.mounts)
    startup.preopen(
        mount.path,
        held.emplace_back(TRY(door(mount.service, mount.cookie != 0 ? mount.cookie : index + 1))).get(),
        mount.attach);
  if (process.wasi) TRY(give_streams(process, startup, held));
  return {};
}

Result<> Launcher::add_instances(nb_handle_t process, const Process& plan) const {
  std::string message(kMessage, '\0');
  const auto add = [&](nb_handle_t module, std::string_view name) -> Result<> {
    const int64_t added =
        nb_process_add(process, module, name.data(), name.size(), message.data(), message.size());
    if (added < 0) return std::unexpected(reason(message, added));
    return {};
  };
  if (plan.wasi) TRY(add(wasi_.get(), kWasi));
  return add(modules_.find(plan.file)->second.get(), "program");
}

/// Nobody gets the console who is not to use it.
Result<> Launcher::give_streams(const Process& process, sdk::Startup& startup,
                                std::vector<Handle>& held) const {
  const std::string* const names[] = {&process.input, &process.output, &process.errors};
  std::uint32_t terminals = 0;
  for (unsigned i = 0; i < std::size(names); i++) {
    startup.standard(i, held.emplace_back(TRY(standard(*names[i], i == 0))).get());
    if (*names[i] == Process::kConsole) terminals |= own_.terminals & 1u << i;
  }
  startup.terminals(terminals);
  return {};
}

Result<Handle> Launcher::standard(const std::string& name, bool reads) const {
  const std::uint32_t right = reads ? NB_RIGHT_READ : NB_RIGHT_WRITE;
  if (name == Process::kConsole) return duplicate("the console", own_.console, kPassedOn | right);
  const Stream* const stream = name == Process::kNull ? nullptr : &streams_.find(name)->second;
  const Handle& end = stream == nullptr ? nothing_ : reads ? stream->reader : stream->writer;
  return duplicate("the stream " + quoted(name), end.get(), kPassedOn | NB_RIGHT_WAIT | right);
}

Result<Handle> Launcher::grant(const Grant& grant, std::size_t process) const {
  using What = Grant::What;
  switch (grant.what) {
    case What::ports:
    case What::registers:
    case What::interrupt: return devices_.part(grant);
    case What::pci:
    case What::virtio: break;  // three handles
    case What::read:
    case What::write: return standard(grant.name, grant.what == What::read);
    case What::serve:
      return duplicate("the service " + quoted(grant.name), services_.find(grant.name)->second.service.get(),
                       NB_RIGHT_TRANSFER | NB_RIGHT_DUPLICATE | NB_RIGHT_WAIT | NB_RIGHT_MANAGE);
    case What::door: return door(grant.name, process + 1);
    case What::channel: {
      const Channel& channel = channels_.find(grant.name)->second;
      return duplicate("the channel " + quoted(grant.name),
                       channel.ends[channel.processes[0] == process ? 0 : 1].get(),
                       kPassedOn | NB_RIGHT_WAIT | NB_RIGHT_READ | NB_RIGHT_WRITE);
    }
    case What::system:
      return duplicate("the right to look at all processes", own_.handle("system"),
                       kPassedOn | NB_RIGHT_READ);
    case What::archive: return duplicate("the initfs", initfs_, kPassedOn | NB_RIGHT_READ);
    case What::files:
      return duplicate("the host's directories", own_.preopens.empty() ? 0 : own_.preopens[0].server,
                       NB_RIGHT_TRANSFER | NB_RIGHT_TRANSACT);
  }
  return std::unexpected("a grant of no kind");
}

Result<Handle> Launcher::door(const std::string& service, std::uint64_t cookie) const {
  return made("a door to " + quoted(service),
              nb_door_create(services_.find(service)->second.service.get(), cookie));
}

void Launcher::forget_streams(std::size_t index) {
  const Process& process = plan_.processes[index];
  drop(process.input, true);
  drop(process.output, false);
  drop(process.errors, false);
  for (const Grant& grant : process.grants) {
    if (grant.what == Grant::What::read || grant.what == Grant::What::write)
      drop(grant.name, grant.what == Grant::What::read);
    if (grant.what != Grant::What::channel) continue;
    Channel& channel = channels_.find(grant.name)->second;
    channel.ends[channel.processes[0] == index ? 0 : 1].reset();
  }
}

void Launcher::forget_services(std::size_t index) {
  const auto client_went = [this](const std::string& name) {
    if (Service& service = services_.find(name)->second; --service.clients == 0) service.door.reset();
  };
  const Process& process = plan_.processes[index];
  for (const Grant& grant : process.grants) {
    if (grant.what == Grant::What::serve) services_.find(grant.name)->second.service.reset();
    if (grant.what == Grant::What::door) client_went(grant.name);
  }
  for (const Mount& mount : process.mounts) client_went(mount.service);
}

void Launcher::drop(const std::string& name, bool reads) {
  const auto found = streams_.find(name);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (--(reads ? stream.readers : stream.writers) == 0) (reads ? stream.reader : stream.writer).reset();
}

}  // namespace nebulet::init
