// SPDX-License-Identifier: MIT
// What a descriptor that is no file leads to: the console, or an end of a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "abi/sdk/nebulet.h"
#include "user/wasi/types.h"

namespace nebulet::wasi {

/// Bytes in or out, in order. Shared by the descriptors and the calls that use it; an end of a stream is
/// closed with the last of them, which its other end is told.
class Pipe {
 public:
  enum class Kind : std::uint8_t {
    console_input,
    console_output,
    console_errors,
    stream_input,
    stream_output
  };

  /// What `handle` is good for as standard input (0), output (1) or errors (2); null if it is nothing of the
  /// kind.
  static std::shared_ptr<Pipe> standard(unsigned number, nb_handle_t handle);
  Pipe(Kind kind, nb_handle_t handle) : kind_(kind), handle_(handle) {}
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool is_input() const { return kind_ == Kind::console_input || kind_ == Kind::stream_input; }
  bool is_stream() const { return kind_ == Kind::stream_input || kind_ == Kind::stream_output; }
  nb_handle_t handle() const { return handle_; }

  enum class Waiting : std::uint8_t { yes, no };
  /// Waits for bytes; 0 at their end. `again`: there are none and it must not wait.
  Result<std::size_t> read(std::span<std::byte> into, Waiting waiting) const;
  /// Writes all, or what goes without waiting (`again`: that is nothing), or what went before the reader was
  /// gone (`pipe`: that is nothing).
  Result<std::size_t> write(std::span<const std::byte> from, Waiting waiting) const;

 private:
  /// For a signal of the stream, or the other end's end.
  Result<> wait(std::uint32_t signal) const;
  Result<std::size_t> read_stream(std::span<std::byte> into, Waiting waiting) const;
  Result<std::size_t> write_stream(std::span<const std::byte> from, Waiting waiting) const;

  const Kind kind_;
  const nb_handle_t handle_;
};

}  // namespace nebulet::wasi
