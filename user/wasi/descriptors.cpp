// SPDX-License-Identifier: MIT
// The table of file descriptors.
#include "user/wasi/descriptors.h"

#include <utility>

#include "base/result.h"
#include "user/wasi/startup.h"

namespace nebulet::wasi {

Descriptors& Descriptors::get() {
  static auto* descriptors = new Descriptors;
  return *descriptors;
}

Descriptors::Descriptors() {
  const Startup& startup = Startup::get();
  for (unsigned number = 0; number < startup.given.standard.size(); number++) {
    const nb_handle_t handle = startup.given.standard[number];
    std::shared_ptr<Pipe> pipe;
    // Output and errors may be one stream, by one handle.
    for (const DescriptorRef& other : table_)
      if (other && other->pipe->is_stream() && other->pipe->handle() == handle) pipe = other->pipe;
    if (!pipe) pipe = Pipe::standard(number, handle);
    DescriptorRef& descriptor = table_.emplace_back();
    if (!pipe) continue;
    descriptor = std::make_shared<Descriptor>();
    descriptor->base = kPipeRights & ~(pipe->is_input() ? kFdWrite : kFdRead);
    descriptor->is_terminal = !pipe->is_stream() && (startup.given.terminals >> number & 1) != 0;
    descriptor->pipe = std::move(pipe);
  }
  const auto& preopens = startup.preopens;
  for (std::size_t i = 0; i < preopens.size(); i++) {
    const DescriptorRef directory = std::make_shared<Descriptor>();
    directory->kind = Descriptor::Kind::directory;
    directory->preopen = static_cast<std::int32_t>(i);
    directory->base = kDirectoryRights;
    directory->inheriting = kPathRights;
    table_.push_back(directory);
  }
}

Result<DescriptorRef> Descriptors::find(std::uint32_t fd) {
  if (fd >= table_.size() || !table_[fd]) return fail(Errno::badf);
  return table_[fd];
}

Result<DescriptorRef> Descriptors::find(std::uint32_t fd, Rights needed) {
  DescriptorRef descriptor = TRY(find(fd));
  const Rights missing = needed & ~descriptor->base;
  if ((missing & (kFdRead | kFdWrite)) != 0) return fail(Errno::badf);
  if (missing != 0) return fail(Errno::notcapable);
  return descriptor;
}

Result<DescriptorRef> Descriptors::directory(std::uint32_t fd, Rights needed) {
  DescriptorRef descriptor = TRY(find(fd));
  if (descriptor->kind != Descriptor::Kind::directory) return fail(Errno::notdir);
  if ((needed & ~descriptor->base) != 0) return fail(Errno::notcapable);
  TRY(attach(*descriptor));
  return descriptor;
}

Result<> Descriptors::attach(Descriptor& descriptor) {
  if (descriptor.fid || descriptor.preopen < 0) return {};
  const auto turn = TRY(descriptor.turn.take());
  if (descriptor.fid) return {};
  const auto& preopen = Startup::get().preopens[static_cast<std::size_t>(descriptor.preopen)];
  auto root = TRY(preopen.memory_quota == 0 ? files::attach(preopen.server, preopen.attach_name)
                                            : files::attach_memory(preopen.name, preopen.memory_quota));
  if (!root.qid.is_directory()) return fail(Errno::notdir);
  descriptor.fid = std::move(root.fid);
  return {};
}

Result<files::Fid> Descriptors::listing(Descriptor& directory) {
  const auto turn = TRY(directory.turn.take());
  if (!directory.listing) {
    auto copy = TRY(files::walk(directory.fid.get(), std::span<const std::string_view>()));
    TRY(files::open(copy.fid.get(), ninep::kOpenRead | ninep::kOpenDirectory));
    directory.listing = std::move(copy.fid);
  }
  return directory.listing.get();
}

Result<std::uint32_t> Descriptors::insert(DescriptorRef descriptor) {
  for (std::uint32_t fd = 0; fd < kLimit; fd++) {
    if (fd == table_.size()) table_.emplace_back();
    if (table_[fd]) continue;
    table_[fd] = std::move(descriptor);
    return fd;
  }
  return fail(Errno::mfile);
}

Result<> Descriptors::close(std::uint32_t fd) {
  TRY(find(fd));
  const DescriptorRef closed = std::exchange(table_[fd], nullptr);
  return {};
}

Result<> Descriptors::renumber(std::uint32_t from, std::uint32_t to) {
  TRY(find(from));
  TRY(find(to));
  if (from == to) return {};
  const DescriptorRef closed = std::exchange(table_[to], std::exchange(table_[from], nullptr));
  return {};
}

}  // namespace nebulet::wasi
