// SPDX-License-Identifier: MIT
// WASI's file attributes and times from and to the file server's.
#pragma once

#include "user/wasi/files.h"
#include "user/wasi/types.h"

namespace nebulet::wasi {

FileType file_type(const ninep::Qid& qid);
Filestat filestat(const ninep::Attributes& attributes);
/// `inval` when a time is both given and asked to be now.
Result<files::TimeChange> time_change(std::uint64_t atim, std::uint64_t mtim, std::uint32_t flags);

}  // namespace nebulet::wasi
