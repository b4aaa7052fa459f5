// SPDX-License-Identifier: MIT
// Everything that libc++'s headers and the compiler want from a library: memory and string functions, the
// instances of templates that headers declare extern, and the ways to die. operator new is the machine's
// (machine/x86_64/heap.cpp).
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cwchar>
#include <new>
#include <string>

#include "base/assert.h"

extern "C" [[noreturn]] void nebulet_libcxx_panic(const char* message) { nebulet::panic(message); }

_LIBCPP_BEGIN_NAMESPACE_STD

template class basic_string<char>;
template string& string::__assign_no_alias<true>(const char*, size_t);
template string& string::__assign_no_alias<false>(const char*, size_t);

namespace {
template <class T>
string integer_to_string(T value) {
  char digits[24];
  return string(digits, to_chars(digits, digits + sizeof digits, value).ptr);
}
}  // namespace
string to_string(int value) { return integer_to_string(value); }
string to_string(unsigned value) { return integer_to_string(value); }
string to_string(long value) { return integer_to_string(value); }
string to_string(unsigned long value) { return integer_to_string(value); }
string to_string(long long value) { return integer_to_string(value); }
string to_string(unsigned long long value) { return integer_to_string(value); }

[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) { nebulet::panic(format); }

// std::format of integers names the floating-point versions; the kernel never formats a float.
namespace {
[[noreturn]] to_chars_result no_floats() { nebulet::panic("floating-point formatting in the kernel"); }
}  // namespace
to_chars_result to_chars(char*, char*, float) { no_floats(); }
to_chars_result to_chars(char*, char*, double) { no_floats(); }
to_chars_result to_chars(char*, char*, long double) { no_floats(); }
to_chars_result to_chars(char*, char*, float, chars_format) { no_floats(); }
to_chars_result to_chars(char*, char*, double, chars_format) { no_floats(); }
to_chars_result to_chars(char*, char*, long double, chars_format) { no_floats(); }
to_chars_result to_chars(char*, char*, float, chars_format, int) { no_floats(); }
to_chars_result to_chars(char*, char*, double, chars_format, int) { no_floats(); }
to_chars_result to_chars(char*, char*, long double, chars_format, int) { no_floats(); }

_LIBCPP_END_NAMESPACE_STD

const std::nothrow_t std::nothrow{};

namespace {

// The unaligned word types of the copy loops below; may_alias because they read memory of any type.
using Word = std::uint64_t __attribute__((may_alias, aligned(1)));
using Half = std::uint32_t __attribute__((may_alias, aligned(1)));
using Quarter = std::uint16_t __attribute__((may_alias, aligned(1)));
typedef long long Vector __attribute__((vector_size(16), may_alias, aligned(1)));

Vector load(const unsigned char* from) { return *reinterpret_cast<const Vector*>(from); }
void store(unsigned char* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

// From here on the processor's string instructions beat a vector loop despite their start-up time. Those of
// words are as fast as those of bytes, and much faster under emulation.
constexpr std::size_t kStringInstruction = 512;

/// Ascending, 17 bytes at least; the tail is read first because the last store may be of bytes already
/// overwritten.
void copy_string(unsigned char* to, const unsigned char* from, std::size_t size) {
  const Vector tail = load(from + size - 16);
  unsigned char* const end = to + size;
  std::size_t words = size / 8;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
  store(end - 16, tail);
}

/// At most 16 bytes, all read before any is written, so that it serves memmove too.
void copy_small(unsigned char* to, const unsigned char* from, std::size_t size) {
  if (size >= 8) {
    const Word head = *reinterpret_cast<const Word*>(from),
               tail = *reinterpret_cast<const Word*>(from + size - 8);
    *reinterpret_cast<Word*>(to) = head;
    *reinterpret_cast<Word*>(to + size - 8) = tail;
  } else if (size >= 4) {
    const Half head = *reinterpret_cast<const Half*>(from),
               tail = *reinterpret_cast<const Half*>(from + size - 4);
    *reinterpret_cast<Half*>(to) = head;
    *reinterpret_cast<Half*>(to + size - 4) = tail;
  } else if (size >= 2) {
    const Quarter head = *reinterpret_cast<const Quarter*>(from),
                  tail = *reinterpret_cast<const Quarter*>(from + size - 2);
    *reinterpret_cast<Quarter*>(to) = head;
    *reinterpret_cast<Quarter*>(to + size - 2) = tail;
  } else if (size) {
    *to = *from;
  }
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  auto* source = static_cast<const unsigned char*>(from);
  if (size <= 16) {
    copy_small(target, source, size);
  } else if (size < kStringInstruction) {
    const Vector tail = load(source + size - 16);
    for (std::size_t at = 0; at < size - 16; at += 16) store(target + at, load(source + at));
    store(target + size - 16, tail);
  } else {
    copy_string(target, source, size);
  }
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  auto* source = static_cast<const unsigned char*>(from);
  if (size <= 16) {
    copy_small(target, source, size);
    return to;
  }
  const std::uintptr_t distance =
      reinterpret_cast<std::uintptr_t>(target) - reinterpret_cast<std::uintptr_t>(source);
  if (distance >= size) {
    // The target is not inside the source. It may start before it and overlap: ascending order is right, and
    // the tail is read first because the last store may be of bytes already overwritten.
    if (size < kStringInstruction) {
      const Vector tail = load(source + size - 16);
      for (std::size_t at = 0; at < size - 16; at += 16) store(target + at, load(source + at));
      store(target + size - 16, tail);
    } else {
      copy_string(target, source, size);
    }
  } else {
    // Descending. The string instructions are slow in this direction.
    const Vector head = load(source);
    std::size_t at = size;
    for (; at > 16; at -= 16) store(target + at - 16, load(source + at - 16));
    store(target, head);
  }
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  if (size < 16) {
    for (std::size_t at = 0; at < size; ++at) target[at] = static_cast<unsigned char>(value);
  } else {
    const auto byte = static_cast<unsigned char>(value);
    const long long word = static_cast<long long>(0x0101010101010101ull * byte);
    const Vector pattern = {word, word};
    unsigned char* const end = target + size;
    if (size < kStringInstruction) {
      for (std::size_t at = 0; at < size - 16; at += 16) store(target + at, pattern);
    } else {
      std::size_t words = size / 8;
      asm volatile("rep stosq" : "+D"(target), "+c"(words) : "a"(word) : "memory");
    }
    store(end - 16, pattern);
  }
  return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  auto* a = static_cast<const unsigned char*>(left);
  auto* b = static_cast<const unsigned char*>(right);
  for (; size >= 8; size -= 8, a += 8, b += 8) {
    const std::uint64_t x = *reinterpret_cast<const Word*>(a), y = *reinterpret_cast<const Word*>(b);
    if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
  }
  for (; size; --size, ++a, ++b) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}

int bcmp(const void* left, const void* right, std::size_t size) { return memcmp(left, right, size); }

void* memchr(const void* at, int value, std::size_t size) {
  for (auto* byte = static_cast<const unsigned char*>(at); size; --size, ++byte) {
    if (*byte == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(byte);
  }
  return nullptr;
}

wchar_t* wmemchr(const wchar_t* at, wchar_t value, std::size_t count) {
  for (; count; --count, ++at) {
    if (*at == value) return const_cast<wchar_t*>(at);
  }
  return nullptr;
}

std::size_t strlen(const char* string) {
  std::size_t length = 0;
  while (string[length]) ++length;
  return length;
}

int strcmp(const char* left, const char* right) {
  while (*left && *left == *right) ++left, ++right;
  return static_cast<unsigned char>(*left) - static_cast<unsigned char>(*right);
}

// std::format of 128-bit integers names these two; bit by bit, since nothing calls them often.
unsigned __int128 __udivmodti4(unsigned __int128 dividend, unsigned __int128 divisor,
                               unsigned __int128* remainder) {
  unsigned __int128 quotient = 0, rest = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const bool carry = rest >> 127 & 1;
    rest = rest << 1 | (dividend >> bit & 1);
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= static_cast<unsigned __int128>(1) << bit;
    }
  }
  if (remainder) *remainder = rest;
  return quotient;
}
unsigned __int128 __udivti3(unsigned __int128 dividend, unsigned __int128 divisor) {
  return __udivmodti4(dividend, divisor, nullptr);
}
unsigned __int128 __umodti3(unsigned __int128 dividend, unsigned __int128 divisor) {
  unsigned __int128 remainder;
  __udivmodti4(dividend, divisor, &remainder);
  return remainder;
}

// Of boost::unordered's load factor: positive and far below 2^63.
float ceilf(float value) {
  const float whole = static_cast<float>(static_cast<std::int64_t>(value));
  return whole < value ? whole + 1 : whole;
}

[[noreturn]] void __assert_fail(const char* expression, const char*, int, const char*) noexcept {
  nebulet::panic(expression);
}

[[noreturn]] void abort() { nebulet::panic("abort"); }

// Objects of static duration are never destroyed: the kernel ends by power-off.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;
[[noreturn]] void __cxa_pure_virtual() { nebulet::panic("pure virtual call"); }

}  // extern "C"
