// SPDX-License-Identifier: MIT
#include "user/ninep/archive_files.h"

#include <algorithm>

namespace nebulet::ninep {

/// What would change something is `rofs`.
class ArchiveFile final : public File {
 public:
  ArchiveFile(const ArchiveFiles& files, std::size_t node) : files_(files), node_(node) {}

  Qid qid() const override { return files_.qid(node_); }
  bool is_open() const override { return open_; }
  Error clone(std::unique_ptr<File>& file) const override {
    file = std::make_unique<ArchiveFile>(files_, node_);
    return 0;
  }
  Error child(const std::string& name, std::unique_ptr<File>& file) const override;
  Error open(std::uint32_t flags) override;
  Error create(const std::string&, std::uint32_t, std::uint32_t) override { return errors::rofs; }
  Error read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) override;
  Error write(std::uint64_t, std::span<const std::byte>, std::size_t&) override { return errors::badf; }
  Error list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) override;
  Error sync(bool) override { return 0; }
  Error allocate(std::uint64_t, std::uint64_t) override { return errors::badf; }
  Error attributes(Attributes& into) override;
  Error set_mode(std::uint32_t) override { return errors::rofs; }
  Error set_size(std::uint64_t) override { return errors::rofs; }
  Error set_times(const TimeSetting&, const TimeSetting&) override { return errors::rofs; }
  Error read_link(std::string& target) override;
  Error make_directory(const std::string&, std::uint32_t) override { return errors::rofs; }
  Error make_symlink(const std::string&, const std::string&) override { return errors::rofs; }
  Error link(const std::string&, File&) override { return errors::rofs; }
  Error rename(const std::string&, File&, const std::string&) override { return errors::rofs; }
  Error remove(const std::string&, bool) override { return errors::rofs; }

 private:
  const ArchiveFiles::Node& node() const { return files_.nodes_[node_]; }
  bool is_directory() const { return node().kind == ArchiveFiles::Kind::directory; }

  const ArchiveFiles& files_;
  const std::size_t node_;
  bool open_ = false;
};

ArchiveFiles::ArchiveFiles(Reach reach, std::uint64_t number, std::uint64_t time)
    : reach_(std::move(reach)), number_(number), time_(time), nodes_(1) {}

std::size_t ArchiveFiles::entry(std::size_t directory, std::string_view name) {
  const auto known = nodes_[directory].by_name.find(name);
  if (known != nodes_[directory].by_name.end()) return known->second;
  const std::size_t made = nodes_.size();
  nodes_.emplace_back();
  nodes_[directory].by_name.emplace(name, made);
  nodes_[directory].entries.emplace_back(name, made);
  return made;
}

bool ArchiveFiles::add(std::string_view path, Kind kind, std::uint32_t mode, std::uint64_t offset,
                       std::uint64_t size) {
  std::size_t at = 0;
  while (true) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    if (path.empty()) break;
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name == ".") continue;
    if (name == ".." || name.size() > kMaxName || name.find('\0') != std::string_view::npos ||
        nodes_[at].kind != Kind::directory)
      return false;
    at = entry(at, name);
  }
  Node& node = nodes_[at];
  if (kind != Kind::directory && (at == 0 || !node.entries.empty())) return false;
  node.kind = kind;
  node.mode = mode & 0777;
  node.offset = offset;
  node.size = kind == Kind::directory ? 0 : size;
  return true;
}

Qid ArchiveFiles::qid(std::size_t number) const {
  const Kind kind = nodes_[number].kind;
  return {.type = kind == Kind::directory ? kQidDirectory
                  : kind == Kind::link    ? kQidSymlink
                                          : kQidFile,
          .path = number + 1};
}

Error ArchiveFiles::attach(std::string_view name, std::unique_ptr<File>& root) {
  std::unique_ptr<File> at = std::make_unique<ArchiveFile>(*this, 0);
  while (true) {
    name.remove_prefix(std::min(name.find_first_not_of('/'), name.size()));
    if (name.empty()) break;
    const std::string component(name.substr(0, name.find('/')));
    name.remove_prefix(component.size());
    std::unique_ptr<File> next;
    if (const Error error = at->child(component, next); error != 0) return error;
    at = std::move(next);
  }
  if (!at->qid().is_directory()) return errors::notdir;
  root = std::move(at);
  return 0;
}

Error ArchiveFile::child(const std::string& name, std::unique_ptr<File>& file) const {
  if (!is_directory()) return errors::notdir;
  const auto found = node().by_name.find(name);
  if (found == node().by_name.end()) return errors::noent;
  file = std::make_unique<ArchiveFile>(files_, found->second);
  return 0;
}

Error ArchiveFile::open(std::uint32_t flags) {
  if (open_) return errors::busy;
  if (node().kind == ArchiveFiles::Kind::link) return errors::loop;
  if (!is_directory() && (flags & kOpenDirectory) != 0) return errors::notdir;
  if ((flags & kOpenAccessMask) != kOpenRead) return is_directory() ? errors::isdir : errors::rofs;
  open_ = true;
  return 0;
}

Error ArchiveFile::read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) {
  const std::uint64_t left = node().size - std::min(node().size, offset);
  const auto piece = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
  done = 0;
  if (!piece.empty() && !files_.reach_(node().offset + offset, piece)) return errors::io;
  done = piece.size();
  return 0;
}

Error ArchiveFile::list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) {
  constexpr std::uint8_t kEntryDirectory = 4, kEntryFile = 8, kEntryLink = 10;  // DT_…
  if (offset < 1 && !take({qid(), 1, kEntryDirectory, "."})) return 0;
  if (offset < 2 && !take({qid(), 2, kEntryDirectory, ".."})) return 0;
  for (std::uint64_t i = std::max<std::uint64_t>(offset, 2) - 2; i < node().entries.size(); i++) {
    const auto& [name, index] = node().entries[static_cast<std::size_t>(i)];
    const Qid its = files_.qid(index);
    const std::uint8_t type = its.is_directory() ? kEntryDirectory
                              : its.is_symlink() ? kEntryLink
                                                 : kEntryFile;
    if (!take({its, i + 3, type, name})) return 0;
  }
  return 0;
}

Error ArchiveFile::attributes(Attributes& into) {
  constexpr std::uint32_t kTypeDirectory = 0040000, kTypeFile = 0100000, kTypeLink = 0120000;
  const Qid its = qid();
  into.mode = (its.is_directory() ? kTypeDirectory : its.is_symlink() ? kTypeLink : kTypeFile) | node().mode;
  into.link_count = 1;
  into.size = node().size;
  into.block_size = 4096;
  into.blocks = (node().size + 511) / 512;
  into.atime_seconds = into.mtime_seconds = into.ctime_seconds = files_.time_;
  into.file_system = files_.number_;
  return 0;
}

Error ArchiveFile::read_link(std::string& target) {
  if (node().kind != ArchiveFiles::Kind::link) return errors::inval;
  if (node().size == 0 || node().size > kMaxPath) return errors::io;
  target.resize(static_cast<std::size_t>(node().size));
  return files_.reach_(node().offset, std::as_writable_bytes(std::span(target))) ? 0 : errors::io;
}

}  // namespace nebulet::ninep
