// SPDX-License-Identifier: MIT
// The files of a cpio archive as a service, read-only: `initfs` with the handles `service` and `archive`, a
// memory object, in its startup block. Its arguments are the directories that doors lead to, by their
// cookies; without any all lead everywhere. Each read is one copy out of the memory object.
#include <cstdio>
#include <string>

#include "user/ninep/archive_files.h"
#include "user/sdk/cpio.h"
#include "user/sdk/given.h"
#include "user/services/file_service.h"

namespace {

using nebulet::ninep::ArchiveFiles;

// Of cpio's modes, which are Linux's.
constexpr std::uint32_t kTypeMask = 0170000, kDirectory = 0040000, kFile = 0100000, kLink = 0120000;

int give_up(const std::string& why) {
  std::fprintf(stderr, "initfs: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto given = nebulet::sdk::Given::get();
  const nb_handle_t service = given.handle("service"), archive = given.handle("archive");
  if (service == 0) return give_up("it was given no handle `service`");
  if (archive == 0) return give_up("it was given no handle `archive`");
  const auto reach = [archive](std::uint64_t offset, std::span<std::byte> bytes) {
    return nb_memory_read(archive, offset, bytes.data(), bytes.size()) == NB_STATUS_OK;
  };
  const auto size = nb_memory_size(archive);
  if (size < 0) return give_up("`archive` is no memory object that it may read");
  const auto index = nebulet::sdk::CpioIndex::read(static_cast<std::uint64_t>(size), reach);
  if (!index) return give_up("`archive`: " + index.error());

  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto number = static_cast<std::uint64_t>(nb_process_info(NB_PROCESS_PROPERTY_ID)) << 32;
  ArchiveFiles files(reach, number, static_cast<std::uint64_t>(nb_clock_read(NB_CLOCK_REALTIME)) / kSecond);
  for (const auto& [name, file] : index->files()) {
    const std::uint32_t type = file.mode & kTypeMask;
    if (type != kDirectory && type != kFile && type != kLink) continue;
    const auto kind = type == kDirectory ? ArchiveFiles::Kind::directory
                      : type == kLink    ? ArchiveFiles::Kind::link
                                         : ArchiveFiles::Kind::file;
    if (!files.add(name, kind, file.mode, file.offset, file.size))
      return give_up("`archive`: `" + name + "` is no path of a file");
  }
  const nb_status_t status = nebulet::services::serve_files(
      service, files, std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  return status == NB_STATUS_PEER_CLOSED ? 0 : give_up("error " + std::to_string(status));
}
