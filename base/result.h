// SPDX-License-Identifier: MIT
// TRY: the error path of std::expected without the noise. Works with any error type that converts.
#pragma once

#include <expected>
#include <type_traits>
#include <utility>

/// Evaluates to the value of `expression`, or returns its error from the enclosing function.
#define TRY(...)                                                                                          \
  ({                                                                                                      \
    auto&& try_result_ = (__VA_ARGS__);                                                                   \
    static_assert(!std::is_reference_v<typename std::remove_cvref_t<decltype(try_result_)>::value_type>); \
    if (!try_result_) [[unlikely]]                                                                        \
      return std::unexpected(std::move(try_result_).error());                                             \
    *std::move(try_result_);                                                                              \
  })
