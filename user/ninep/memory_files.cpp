// SPDX-License-Identifier: MIT
// Nodes, names and pages. Errors are those that Linux's tmpfs gives.
#include "user/ninep/memory_files.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace nebulet::ninep {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMaxSize = INT64_MAX;
constexpr std::uint32_t kTypeDirectory = 0040000, kTypeFile = 0100000, kTypeLink = 0120000;
constexpr std::uint8_t kEntryDirectory = 4, kEntryFile = 8, kEntryLink = 10;  // DT_…

std::uint32_t type_bits(const Qid& qid) {
  return qid.is_directory() ? kTypeDirectory : qid.is_symlink() ? kTypeLink : kTypeFile;
}
std::uint8_t entry_type(const Qid& qid) {
  return qid.is_directory() ? kEntryDirectory : qid.is_symlink() ? kEntryLink : kEntryFile;
}

}  // namespace

MemoryFiles::MemoryFiles(std::uint64_t quota, std::uint64_t number, Clock now)
    : quota_(quota), number_(number), now_(now) {
  root_ = make_node(kQidDirectory, 0777);
  root_->links = 2;
}

MemoryFiles::~MemoryFiles() {
  // Names are taken away while all directories are held, since nodes that end in each other could nest as
  // deep as programs like.
  std::vector<std::shared_ptr<Node>> directories = {root_};
  for (std::size_t i = 0; i < directories.size(); i++) {
    const std::shared_ptr<Node> directory = directories[i];
    for (const auto& [name, entry] : directory->names)
      if (entry.node->qid.is_directory()) directories.push_back(entry.node);
  }
  for (const auto& directory : directories) {
    directory->by_cookie.clear();
    directory->names.clear();
  }
}

MemoryFiles::Node::~Node() { files.release(kNodeCost + target.size() + pages.size() * kPageCost); }

Error MemoryFiles::charge(std::uint64_t bytes) {
  if (bytes > quota_ - std::min(used_, quota_)) return errors::nospc;
  used_ += bytes;
  return 0;
}

std::shared_ptr<MemoryFiles::Node> MemoryFiles::make_node(std::uint8_t type, std::uint32_t mode) {
  if (charge(kNodeCost) != 0 && root_) return nullptr;
  auto node = std::make_shared<Node>(*this);
  if (!root_) used_ = kNodeCost;
  node->qid = {.type = type, .path = next_inode_++};
  node->mode = mode;
  const std::uint64_t now = now_();
  node->times = {now, now, now};
  return node;
}

Error MemoryFiles::add_name(Node& directory, const std::string& name, std::shared_ptr<Node> node) {
  if (const Error error = charge(kNodeCost / 2 + name.size()); error != 0) return error;
  node->links++;
  node->times.status = directory.times.change = directory.times.status = now_();
  if (node->qid.is_directory()) {
    node->parent = &directory;
    directory.links++;
  }
  const std::uint64_t cookie = directory.next_cookie++;
  const auto [it, added] = directory.names.try_emplace(name, Entry{cookie, std::move(node)});
  directory.by_cookie.emplace(cookie, it);
  return 0;
}

void MemoryFiles::drop_name(Node& directory, Names::iterator entry) {
  Node& node = *entry->second.node;
  node.links--;
  node.times.status = directory.times.change = directory.times.status = now_();
  if (node.qid.is_directory()) {
    node.parent = nullptr;
    directory.links--;
  }
  release(kNodeCost / 2 + entry->first.size());
  directory.by_cookie.erase(entry->second.cookie);
  directory.names.erase(entry);
}

Error MemoryFiles::resize(Node& node, std::uint64_t size) {
  if (size > kMaxSize) return errors::fbig;
  if (size < node.size) {
    const auto first = node.pages.lower_bound((size + kPageSize - 1) / kPageSize);
    const auto gone = static_cast<std::uint64_t>(std::distance(first, node.pages.end()));
    node.pages.erase(first, node.pages.end());
    release(gone * kPageCost);
    // What is cut off must read as zeros when the file grows again.
    const auto last = node.pages.find(size / kPageSize);
    if (last != node.pages.end())
      std::fill(last->second->begin() + static_cast<std::ptrdiff_t>(size % kPageSize), last->second->end(),
                std::byte{});
  }
  node.size = size;
  node.times.change = node.times.status = now_();
  return 0;
}

Error MemoryFiles::attach(std::string_view, std::unique_ptr<File>& root) {
  root = std::make_unique<MemoryFile>(root_);
  return 0;
}

Error MemoryFile::clone(std::unique_ptr<File>& file) const {
  file = std::make_unique<MemoryFile>(node_);
  return 0;
}

Error MemoryFile::child(const std::string& name, std::unique_ptr<File>& file) const {
  if (!node_->qid.is_directory()) return errors::notdir;
  const auto it = node_->names.find(name);
  if (it == node_->names.end()) return errors::noent;
  file = std::make_unique<MemoryFile>(it->second.node);
  return 0;
}

Error MemoryFile::open(std::uint32_t flags) {
  if (open_) return errors::busy;
  const std::uint32_t access = flags & kOpenAccessMask;
  if (access == kOpenAccessMask) return errors::inval;
  if (node_->qid.is_symlink()) return errors::loop;
  if (node_->qid.is_directory() && access != kOpenRead) return errors::isdir;
  if (!node_->qid.is_directory() && (flags & kOpenDirectory) != 0) return errors::notdir;
  if ((flags & kOpenTruncate) != 0 && access != kOpenRead)
    if (const Error error = files().resize(*node_, 0); error != 0) return error;
  open_ = true;
  reads_ = access != kOpenWrite;
  writes_ = access != kOpenRead;
  return 0;
}

Error MemoryFile::make(const std::string& name, std::uint8_t type, std::uint32_t mode,
                       std::shared_ptr<Node>& node) {
  if (!node_->qid.is_directory()) return errors::notdir;
  if (node_->names.contains(name)) return errors::exist;
  if (node_->links < 2) return errors::noent;  // it was removed
  node = files().make_node(type, mode);
  if (!node) return errors::nospc;
  if (type == kQidDirectory) node->links = 1;  // its own "."
  return files().add_name(*node_, name, node);
}

Error MemoryFile::create(const std::string& name, std::uint32_t flags, std::uint32_t mode) {
  if (open_) return errors::busy;
  const std::uint32_t access = flags & kOpenAccessMask;
  if (access == kOpenAccessMask) return errors::inval;
  std::shared_ptr<Node> node;
  const Error error = make(name, kQidFile, mode & 0777, node);
  if (error == errors::exist && (flags & kOpenExclusive) == 0) {
    MemoryFile existing(node_->names.find(name)->second.node);
    if (const Error failed = existing.open(flags); failed != 0) return failed;
    *this = std::move(existing);
    return 0;
  }
  if (error != 0) return error;
  node_ = std::move(node);
  open_ = true;
  reads_ = access != kOpenWrite;
  writes_ = access != kOpenRead;
  return 0;
}

Error MemoryFile::read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) {
  if (!reads_) return errors::badf;
  const std::uint64_t left = node_->size - std::min(node_->size, offset);
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
  for (done = 0; done < count;) {
    const std::uint64_t at = offset + done, within = at % MemoryFiles::kPageSize;
    const auto piece = std::min<std::size_t>(count - done, MemoryFiles::kPageSize - within);
    const auto page = node_->pages.find(at / MemoryFiles::kPageSize);
    if (page == node_->pages.end()) {
      std::memset(into.data() + done, 0, piece);
    } else {
      std::memcpy(into.data() + done, page->second->data() + within, piece);
    }
    done += piece;
  }
  return 0;
}

Error MemoryFile::write(std::uint64_t offset, std::span<const std::byte> from, std::size_t& done) {
  if (!writes_) return errors::badf;
  done = 0;
  if (from.empty()) return 0;
  if (offset == kAtEnd) offset = node_->size;
  if (offset > kMaxSize - from.size()) return errors::fbig;
  for (done = 0; done < from.size();) {
    const std::uint64_t at = offset + done, within = at % MemoryFiles::kPageSize;
    const auto piece = std::min<std::size_t>(from.size() - done, MemoryFiles::kPageSize - within);
    auto page = node_->pages.find(at / MemoryFiles::kPageSize);
    if (page == node_->pages.end()) {
      // What fits is written, as by a disk that gets full.
      if (const Error error = files().charge(MemoryFiles::kPageCost); error != 0) {
        if (done == 0) return error;
        break;
      }
      page = node_->pages.emplace(at / MemoryFiles::kPageSize, std::make_unique<MemoryFiles::Page>()).first;
    }
    std::memcpy(page->second->data() + within, from.data() + done, piece);
    done += piece;
  }
  node_->size = std::max(node_->size, offset + done);
  node_->times.change = node_->times.status = files().now_();
  return 0;
}

Error MemoryFile::list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) {
  if (offset < 1 && !take({node_->qid, 1, kEntryDirectory, "."})) return 0;
  if (offset < 2 && !take({node_->qid, 2, kEntryDirectory, ".."})) return 0;
  for (auto it = node_->by_cookie.upper_bound(offset); it != node_->by_cookie.end(); ++it) {
    const Qid qid = it->second->second.node->qid;
    if (!take({qid, it->first, entry_type(qid), it->second->first})) return 0;
  }
  return 0;
}

Error MemoryFile::sync(bool) { return 0; }

Error MemoryFile::allocate(std::uint64_t offset, std::uint64_t length) {
  if (node_->qid.is_directory()) return errors::isdir;
  if (!writes_) return errors::badf;
  if (length == 0) return errors::inval;
  if (offset > kMaxSize || length > kMaxSize - offset) return errors::fbig;
  const std::uint64_t first = offset / MemoryFiles::kPageSize;
  const std::uint64_t last = (offset + length - 1) / MemoryFiles::kPageSize;
  // All or nothing, and no loop over more than the quota has room for.
  if (last - first + 1 > files().quota_ / MemoryFiles::kPageCost) return errors::nospc;
  const auto there = static_cast<std::uint64_t>(
      std::distance(node_->pages.lower_bound(first), node_->pages.upper_bound(last)));
  if (const Error error = files().charge((last - first + 1 - there) * MemoryFiles::kPageCost); error != 0)
    return error;
  for (std::uint64_t number = first; number <= last; number++) {
    auto& page = node_->pages[number];
    if (!page) page = std::make_unique<MemoryFiles::Page>();
  }
  node_->size = std::max(node_->size, offset + length);
  return 0;
}

Error MemoryFile::attributes(Attributes& into) {
  into.mode = type_bits(node_->qid) | node_->mode;
  into.link_count = node_->links;
  into.size = node_->qid.is_symlink() ? node_->target.size() : node_->size;
  into.block_size = MemoryFiles::kPageSize;
  into.blocks = node_->pages.size() * (MemoryFiles::kPageSize / 512);
  const auto& times = node_->times;
  into.atime_seconds = times.access / kSecond, into.atime_nanoseconds = times.access % kSecond;
  into.mtime_seconds = times.change / kSecond, into.mtime_nanoseconds = times.change % kSecond;
  into.ctime_seconds = times.status / kSecond, into.ctime_nanoseconds = times.status % kSecond;
  into.file_system = files().number_;
  return 0;
}

Error MemoryFile::set_mode(std::uint32_t mode) {
  if (node_->qid.is_symlink()) return errors::opnotsupp;
  node_->mode = mode & 0777;
  node_->times.status = files().now_();
  return 0;
}

Error MemoryFile::set_size(std::uint64_t size) {
  if (node_->qid.is_directory()) return errors::isdir;
  if (node_->qid.is_symlink()) return errors::inval;
  return files().resize(*node_, size);
}

Error MemoryFile::set_times(const TimeSetting& atime, const TimeSetting& mtime) {
  const std::uint64_t now = files().now_();
  const auto apply = [now](const TimeSetting& setting, std::uint64_t& time) {
    if (setting.kind == TimeSetting::Kind::now) time = now;
    if (setting.kind == TimeSetting::Kind::set) time = setting.seconds * kSecond + setting.nanoseconds;
  };
  apply(atime, node_->times.access);
  apply(mtime, node_->times.change);
  node_->times.status = now;
  return 0;
}

Error MemoryFile::read_link(std::string& target) {
  if (!node_->qid.is_symlink()) return errors::inval;
  target = node_->target;
  return 0;
}

Error MemoryFile::make_directory(const std::string& name, std::uint32_t mode) {
  std::shared_ptr<Node> node;
  return make(name, kQidDirectory, mode, node);
}

Error MemoryFile::make_symlink(const std::string& name, const std::string& target) {
  if (const Error error = files().charge(target.size()); error != 0) return error;
  std::shared_ptr<Node> node;
  const Error error = make(name, kQidSymlink, 0777, node);
  if (error != 0) {
    files().release(target.size());
    return error;
  }
  node->target = target;
  return 0;
}

Error MemoryFile::link(const std::string& name, File& file) {
  if (!node_->qid.is_directory()) return errors::notdir;
  if (node_->names.contains(name)) return errors::exist;
  const auto& node = static_cast<MemoryFile&>(file).node_;
  if (node->links == 0 || node_->links < 2) return errors::noent;
  return files().add_name(*node_, name, node);
}

Error MemoryFile::rename(const std::string& from, File& to_directory, const std::string& to) {
  const std::shared_ptr<Node> target_directory = static_cast<MemoryFile&>(to_directory).node_;
  if (!node_->qid.is_directory() || !target_directory->qid.is_directory()) return errors::notdir;
  const auto source = node_->names.find(from);
  if (source == node_->names.end() || target_directory->links < 2) return errors::noent;
  const std::shared_ptr<Node> node = source->second.node;
  for (const Node* above = target_directory.get(); above != nullptr; above = above->parent)
    if (above == node.get()) return errors::inval;
  const auto existing = target_directory->names.find(to);
  if (existing != target_directory->names.end()) {
    const Node& replaced = *existing->second.node;
    if (&replaced == node.get()) return 0;
    if (node->qid.is_directory() && !replaced.qid.is_directory()) return errors::notdir;
    if (!node->qid.is_directory() && replaced.qid.is_directory()) return errors::isdir;
    if (!replaced.names.empty()) return errors::notempty;
  }
  // The name that goes and the one that comes must both have room, so that nothing can fail half-way.
  if (const Error error = files().charge(to.size() + MemoryFiles::kNodeCost); error != 0) return error;
  files().release(to.size() + MemoryFiles::kNodeCost);
  if (existing != target_directory->names.end()) {
    if (existing->second.node->qid.is_directory()) existing->second.node->links--;  // its own "."
    files().drop_name(*target_directory, existing);
  }
  files().drop_name(*node_, node_->names.find(from));
  return files().add_name(*target_directory, to, node);
}

Error MemoryFile::remove(const std::string& name, bool directory) {
  if (!node_->qid.is_directory()) return errors::notdir;
  const auto it = node_->names.find(name);
  if (it == node_->names.end()) return errors::noent;
  Node& node = *it->second.node;
  if (directory && !node.qid.is_directory()) return errors::notdir;
  if (!directory && node.qid.is_directory()) return errors::isdir;
  if (!node.names.empty()) return errors::notempty;
  if (directory) node.links--;  // its own "."
  files().drop_name(*node_, it);
  return 0;
}

}  // namespace nebulet::ninep
