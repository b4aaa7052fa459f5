// SPDX-License-Identifier: MIT
// The format, all numbers little-endian: magic, compiler, SHA-256 of the module; for each table the number of
// entries and their fields as 32-bit words; text and rodata with their lengths; SHA-256 of everything before.
#include "wasm/object/code_file.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "wasm/object/compiler_id.h"
#include "wasm/object/sha256.h"
#include "wasm/verify/verify.h"

namespace nebulet::wasm {
namespace {

constexpr char kMagic[8] = {'N', 'B', 'C', 'O', 'D', 'E', '0', '3'};

constexpr std::size_t kDigest = sizeof(Sha256);
constexpr std::size_t kModuleAt = sizeof kMagic + sizeof kCompilerId, kTablesAt = kModuleAt + kDigest;

std::span<const std::byte> magic() { return std::as_bytes(std::span(kMagic)); }

/// One description of the tables for both directions: `io` is a Writer or a Reader.
template <class Io, class Code>
void transfer(Io& io, Code& code) {
  io.table(code.functions, [](auto& f) {
    return std::array{&f.begin, &f.end, &f.frame, &f.stack_args, &f.stack_results, &f.stack_map};
  });
  io.table(code.calls,
           [](auto& c) { return std::array{&c.return_pc, &c.position, &c.stack_map, &c.handler}; });
  io.table(code.stack_maps, [](auto& m) { return std::array{&m.first, &m.full}; });
  io.table(code.map_slots, [](auto& s) { return std::array{&s}; });
  io.table(code.jump_tables, [](auto& t) { return std::array{&t.rodata_offset, &t.count}; });
  io.traps(code.traps);
  io.number(code.uses_heap);
  io.labels(code.labels);
  io.blob(code.text);
  io.blob(code.rodata);
}

class Writer {
 public:
  std::vector<std::byte> bytes;

  void word(std::uint32_t value) { put(std::as_bytes(std::span(&value, 1))); }
  void number(std::uint32_t value) { word(value); }
  void put(std::span<const std::byte> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
  template <class T, class Fields>
  void table(const std::vector<T>& entries, Fields fields) {
    word(static_cast<std::uint32_t>(entries.size()));
    for (const T& entry : entries) {
      for (const std::uint32_t* field : fields(entry)) word(*field);
    }
  }
  void traps(const std::vector<TrapSite>& sites) {
    word(static_cast<std::uint32_t>(sites.size()));
    for (const TrapSite& site : sites)
      word(site.pc), word(site.position), word(static_cast<std::uint32_t>(site.trap));
  }
  void labels(const std::vector<Label>& list) {
    word(static_cast<std::uint32_t>(list.size()));
    for (const Label& label : list)
      word(label.pc), word(label.zero_extended), word(label.bases), word(label.wide_bases);
  }
  void blob(const std::vector<std::byte>& blob) {
    word(static_cast<std::uint32_t>(blob.size()));
    put(blob);
  }
};

class Reader {
 public:
  Reader(std::span<const std::byte> file, std::size_t at) : file_(file), at_(at) {}
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == file_.size(); }

  std::uint32_t word() {
    std::uint32_t value = 0;
    if (file_.size() - at_ < sizeof value) {
      ok_ = false;
      at_ = file_.size();
    } else {
      std::memcpy(&value, file_.data() + at_, sizeof value);
      at_ += sizeof value;
    }
    return value;
  }
  void number(std::uint32_t& value) { value = word(); }
  template <class T, class Fields>
  void table(std::vector<T>& entries, Fields fields) {
    T none;
    if (!make_room(entries, fields(none).size())) return;
    for (T& entry : entries) {
      for (std::uint32_t* field : fields(entry)) *field = word();
    }
  }
  void traps(std::vector<TrapSite>& sites) {
    if (!make_room(sites, 3)) return;
    for (TrapSite& site : sites) {
      site.pc = word();
      site.position = word();
      const std::uint32_t trap = word();
      ok_ &= trap <= 0xff;
      site.trap = static_cast<ir::Trap>(trap);
    }
  }
  void labels(std::vector<Label>& list) {
    if (!make_room(list, 4)) return;
    for (Label& label : list) {
      label.pc = word();
      label.zero_extended = registers();
      label.bases = registers();
      label.wide_bases = registers();
    }
  }
  std::uint16_t registers() {
    const std::uint32_t mask = word();
    ok_ &= mask <= 0xffff;
    return static_cast<std::uint16_t>(mask);
  }
  void blob(std::vector<std::byte>& blob) {
    const std::uint32_t size = word();
    if (size > file_.size() - at_) {
      ok_ = false;
      return;
    }
    const auto bytes = file_.subspan(at_, size);
    blob.assign(bytes.begin(), bytes.end());
    at_ += size;
  }

 private:
  /// Sizes a table by its count, if the file has that many entries of `words` words.
  template <class T>
  bool make_room(std::vector<T>& entries, std::size_t words) {
    const std::uint32_t count = word();
    if (count > (file_.size() - at_) / (4 * words)) ok_ = false;
    if (ok_) entries.resize(count);
    return ok_;
  }

  std::span<const std::byte> file_;
  std::size_t at_;
  bool ok_ = true;
};

std::unexpected<Error> refuse(Error::Kind kind, std::size_t offset, const char* message) {
  return std::unexpected(
      Error{.kind = kind, .offset = static_cast<std::uint32_t>(offset), .message = message});
}

}  // namespace

std::vector<std::byte> write_code_file(const CodeObject& code, const Module& module) {
  Writer writer;
  writer.put(magic());
  writer.put(compiler_id());
  writer.put(sha256(module.bytes));
  transfer(writer, code);
  writer.put(sha256(writer.bytes));
  return std::move(writer.bytes);
}

std::span<const std::byte> compiler_id() { return std::as_bytes(std::span(kCompilerId)); }

Result<> check_code_file(std::span<const std::byte> file, std::span<const std::byte> module,
                         const Pause& pause) {
  if (file.size() < kTablesAt + kDigest || !std::ranges::equal(file.first(magic().size()), magic())) {
    return refuse(Error::Kind::malformed, 0, "this is no code file");
  }
  if (!std::ranges::equal(file.subspan(magic().size(), compiler_id().size()), compiler_id())) {
    return refuse(Error::Kind::unlinkable, magic().size(), "the code file is of another compiler");
  }
  if (!std::ranges::equal(file.subspan(kModuleAt, kDigest), TRY(sha256(module, pause)))) {
    return refuse(Error::Kind::unlinkable, kModuleAt, "the code file is of another module");
  }
  const auto body = file.first(file.size() - kDigest);
  if (!std::ranges::equal(file.last(kDigest), TRY(sha256(body, pause)))) {
    return refuse(Error::Kind::malformed, body.size(), "the code file is damaged");
  }
  return {};
}

Result<std::unique_ptr<CodeObject>> read_code_file(std::span<const std::byte> file, const Module& module,
                                                   const Pause& pause) {
  TRY(check_code_file(file, module.bytes, pause));
  auto code = std::make_unique<CodeObject>();
  Reader reader(file.first(file.size() - kDigest), kTablesAt);
  transfer(reader, *code);
  if (!reader.ok() || !reader.at_end())
    return refuse(Error::Kind::malformed, kTablesAt, "the code file's tables do not fit it");
  TRY(verify_code(*code, module, pause));
  return code;
}

}  // namespace nebulet::wasm
