// SPDX-License-Identifier: MIT
// The index of an archive in cpio's "newc" format (cpio(5), "New ASCII Format"), which the initfs has. It
// reads only headers and names, by a function of the caller: reach(offset, bytes) is false if it cannot read
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace nebulet::sdk {

struct CpioFile {
  std::uint64_t offset = 0, size = 0;
  std::uint32_t mode = 0;
};

class CpioIndex {
 public:
  static constexpr std::size_t kMaxName = 4096;

  /// The error says what is wrong with the archive, and at which byte.
  template <class Reach>
  static std::expected<CpioIndex, std::string> read(std::uint64_t size, Reach reach) {
    CpioIndex index;
    const auto wrong = [](std::uint64_t at, std::string_view why) {
      return std::unexpected("byte " + std::to_string(at) + ": " + std::string(why));
    };
    std::string name;
    for (std::uint64_t at = 0;;) {
      char header[kHeader];
      if (at > size || size - at < kHeader || !reach(at, std::as_writable_bytes(std::span(header))))
        return wrong(at, "the archive ends without its trailer");
      const std::string_view text(header, kHeader);
      std::uint32_t mode = 0, file_size = 0, name_size = 0;
      if (!text.starts_with("070701") || !field(text, kMode, mode) || !field(text, kFileSize, file_size) ||
          !field(text, kNameSize, name_size) || name_size == 0 || name_size > kMaxName)
        return wrong(at, "this is no header of a file");
      name.resize(name_size);
      const std::uint64_t name_at = at + kHeader;
      if (size - name_at < name_size || !reach(name_at, std::as_writable_bytes(std::span(name))))
        return wrong(name_at, "the archive ends in a name");
      name.resize(name_size - 1);
      const std::uint64_t data = padded(name_at + name_size);
      if (data > size || size - data < file_size) return wrong(data, "the archive ends in a file");
      if (name == "TRAILER!!!") return index;
      index.files_.insert_or_assign(name, CpioFile{data, file_size, mode});
      at = padded(data + file_size);
    }
  }

  /// nullptr: it has no such file.
  const CpioFile* find(std::string_view name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, CpioFile, std::less<>>& files() const { return files_; }

 private:
  static constexpr std::size_t kHeader = 110;
  static constexpr std::size_t kMode = 1, kFileSize = 6, kNameSize = 11;  // of thirteen fields

  static bool field(std::string_view header, std::size_t number, std::uint32_t& value) {
    value = 0;
    for (const char c : header.substr(6 + 8 * number, 8)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return true;
  }
  static std::uint64_t padded(std::uint64_t at) { return (at + 3) & ~std::uint64_t{3}; }

  std::map<std::string, CpioFile, std::less<>> files_;
};

}  // namespace nebulet::sdk
