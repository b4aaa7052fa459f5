// SPDX-License-Identifier: MIT
// A file system in memory, with a quota: what programs keep in it is gone when its owner ends. Needs nothing
// but memory and a clock, so that it runs in whatever process serves it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "user/ninep/file.h"

namespace nebulet::ninep {

class MemoryFile;

class MemoryFiles final : public FileSystem {
 public:
  /// Nanoseconds since 1970.
  using Clock = std::uint64_t (*)();

  /// `quota`: bytes that files, names and what manages them may take together; beyond it nothing grows
  /// (`nospc`). `number` tells this file system from others.
  MemoryFiles(std::uint64_t quota, std::uint64_t number, Clock now);
  ~MemoryFiles() override;

  /// The root, whatever the name.
  Error attach(std::string_view name, std::unique_ptr<File>& root) override;

  std::uint64_t used() const { return used_; }

 private:
  friend class MemoryFile;

  static constexpr std::uint64_t kPageSize = 4096;
  static constexpr std::uint64_t kPageCost = kPageSize + 64;
  static constexpr std::uint64_t kNodeCost = 256;
  using Page = std::array<std::byte, kPageSize>;

  struct Node;
  struct Entry {
    std::uint64_t cookie;
    std::shared_ptr<Node> node;
  };
  using Names = std::map<std::string, Entry, std::less<>>;
  struct Times {
    std::uint64_t access, change, status;
  };
  /// A file, directory or link. Nodes live while a name or a fid leads to them. A directory that can end is
  /// empty, so that ends never nest.
  struct Node {
    explicit Node(MemoryFiles& files_of) : files(files_of) {}
    ~Node();

    MemoryFiles& files;
    Qid qid;
    std::uint32_t mode = 0;
    std::uint32_t links = 0;
    std::uint64_t size = 0;
    Times times = {};
    std::map<std::uint64_t, std::unique_ptr<Page>> pages;  // of files, by number; the others are zeros
    std::string target;                                    // of links
    Names names;                                           // of directories
    std::map<std::uint64_t, Names::iterator> by_cookie;    // the same, in the order of their making
    std::uint64_t next_cookie = 3;
    Node* parent = nullptr;  // of directories that have a name
  };

  /// Takes `bytes` of the quota.
  Error charge(std::uint64_t bytes);
  void release(std::uint64_t bytes) { used_ -= bytes; }
  std::shared_ptr<Node> make_node(std::uint8_t type, std::uint32_t mode);
  Error add_name(Node& directory, const std::string& name, std::shared_ptr<Node> node);
  void drop_name(Node& directory, Names::iterator entry);
  Error resize(Node& node, std::uint64_t size);

  const std::uint64_t quota_;
  const std::uint64_t number_;
  const Clock now_;
  std::uint64_t used_ = 0;
  std::uint64_t next_inode_ = 1;
  std::shared_ptr<Node> root_;
};

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::shared_ptr<MemoryFiles::Node> node) : node_(std::move(node)) {}

  Qid qid() const override { return node_->qid; }
  bool is_open() const override { return open_; }
  Error clone(std::unique_ptr<File>& file) const override;
  Error child(const std::string& name, std::unique_ptr<File>& file) const override;
  Error open(std::uint32_t flags) override;
  Error create(const std::string& name, std::uint32_t flags, std::uint32_t mode) override;
  Error read(std::uint64_t offset, std::span<std::byte> into, std::size_t& done) override;
  Error write(std::uint64_t offset, std::span<const std::byte> from, std::size_t& done) override;
  Error list(std::uint64_t offset, const std::function<bool(const DirectoryEntry&)>& take) override;
  Error sync(bool data_only) override;
  Error allocate(std::uint64_t offset, std::uint64_t length) override;
  Error attributes(Attributes& into) override;
  Error set_mode(std::uint32_t mode) override;
  Error set_size(std::uint64_t size) override;
  Error set_times(const TimeSetting& atime, const TimeSetting& mtime) override;
  Error read_link(std::string& target) override;
  Error make_directory(const std::string& name, std::uint32_t mode) override;
  Error make_symlink(const std::string& name, const std::string& target) override;
  Error link(const std::string& name, File& file) override;
  Error rename(const std::string& from, File& to_directory, const std::string& to) override;
  Error remove(const std::string& name, bool directory) override;

 private:
  using Node = MemoryFiles::Node;

  MemoryFiles& files() const { return node_->files; }
  /// Makes a node under a name that must be new.
  Error make(const std::string& name, std::uint8_t type, std::uint32_t mode, std::shared_ptr<Node>& node);

  std::shared_ptr<Node> node_;
  bool open_ = false;
  bool reads_ = false;
  bool writes_ = false;
};

}  // namespace nebulet::ninep
