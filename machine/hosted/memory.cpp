// SPDX-License-Identifier: MIT
// Address space and memory by mmap and mprotect. The machine's limit counts committed pages, touched or not.
#include "machine/include/machine/memory.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>

#include "base/assert.h"
#include "machine/hosted/state.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

namespace nebulet::machine {
namespace {

/// What a page is, one byte each; 0 for a page without memory.
using PageState = std::uint8_t;
constexpr PageState state_of(Protection protection) { return static_cast<PageState>(protection) + 1; }
/// Of a page that shows another one's memory.
constexpr PageState kShows = 0x80;

struct Reservation {
  std::uintptr_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t committed = 0;  ///< pages that have memory, all of them from `lowest` on and before `highest`
  std::uint64_t lowest = ~0ull, highest = 0;
  PageState* pages = nullptr;  ///< from mmap, so that a large, sparse reservation costs little
  std::int64_t file_at = -1;   ///< shareable: where it begins in the file
};

/// Taken in fault handlers too: nothing that may fault or wait runs under it.
class Lock {
 public:
  explicit Lock(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) sched_yield();
  }
  ~Lock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag& flag_;
};

std::atomic_flag lock;
std::map<std::uintptr_t, Reservation>& reservations() {
  static std::map<std::uintptr_t, Reservation> map;
  return map;
}
std::atomic<std::uint64_t> limit = 1ull << 30;
std::atomic<std::uint64_t> committed = 0, most_committed = 0;

void take(std::uint64_t bytes) {
  const std::uint64_t now = committed.fetch_add(bytes) + bytes;
  std::uint64_t most = most_committed;
  while (most < now && !most_committed.compare_exchange_weak(most, now)) {
  }
}

std::uintptr_t address(const std::byte* at) { return reinterpret_cast<std::uintptr_t>(at); }

int host_protection(Protection protection) {
  switch (protection) {
    case Protection::none: return PROT_NONE;
    case Protection::read: return PROT_READ;
    case Protection::read_write: return PROT_READ | PROT_WRITE;
    case Protection::execute: return PROT_READ | PROT_EXEC;
  }
  return PROT_NONE;
}

Reservation& reservation_of(const std::byte* at) {
  auto it = reservations().upper_bound(address(at));
  NB_ASSERT(it != reservations().begin());
  return (--it)->second;
}

/// The page states of [at, at + size), which lies in one reservation.
std::span<PageState> pages_of(const Reservation& reservation, const std::byte* at, std::uint64_t size) {
  const std::uint64_t offset = address(at) - reservation.begin;
  NB_ASSERT(offset % kPageSize == 0 && size % kPageSize == 0);
  NB_ASSERT(offset <= reservation.size && size <= reservation.size - offset);
  return {reservation.pages + offset / kPageSize, static_cast<std::size_t>(size / kPageSize)};
}

void note_range(Reservation& reservation, const std::byte* at, std::uint64_t size) {
  const std::uint64_t first = (address(at) - reservation.begin) / kPageSize;
  reservation.lowest = std::min(reservation.lowest, first);
  reservation.highest = std::max(reservation.highest, first + size / kPageSize);
}

std::uint64_t count_pages(std::span<const PageState> pages) {
  std::uint64_t count = 0;
  for (PageState page : pages) count += page != 0 && page != kShows;
  return count;
}

/// What shareable reservations show, each at a place of its own that is never used again.
struct SharedFile {
  int descriptor = memfd_create("nebulet", MFD_CLOEXEC);
  std::int64_t end = 0;
};
SharedFile& shared_file() {
  static SharedFile file;
  return file;
}

/// See refuse_memory.
std::atomic<std::uint64_t> requests_to_refusal = 0;
constexpr std::uint64_t kRefused = ~0ull;

bool is_refused() {
  std::uint64_t left = requests_to_refusal;
  while (left != 0 && left != kRefused)
    if (requests_to_refusal.compare_exchange_weak(left, left == 1 ? kRefused : left - 1)) return left == 1;
  return false;
}

}  // namespace

bool refuse_memory(std::uint64_t n) { return requests_to_refusal.exchange(n) == kRefused; }

std::uint64_t audit_mappings() {
  std::uint64_t broken = 0;
  FILE* const maps = fopen("/proc/self/maps", "re");
  NB_ASSERT(maps != nullptr);
  unsigned long begin = 0, end = 0;
  char rights[5];
  while (fscanf(maps, "%lx-%lx %4s%*[^\n]", &begin, &end, rights) == 3) {
    if (rights[1] == 'w' && rights[2] == 'x') broken += (end - begin) / kPageSize;
    if (rights[0] != 'r') continue;
    const Lock guard(lock);
    for (const auto& [at, reservation] : reservations()) {
      for (std::uintptr_t page = std::max<std::uintptr_t>(begin, at);
           page < std::min<std::uintptr_t>(end, at + reservation.size); page += kPageSize) {
        const PageState state = reservation.pages[(page - at) / kPageSize];
        broken += state == 0 || state == state_of(Protection::none);
      }
    }
  }
  fclose(maps);
  return broken;
}

void hosted::set_memory_limit(std::uint64_t bytes) { limit = bytes; }

std::byte* reserve(std::uint64_t size, std::uint64_t align) {
  NB_ASSERT(size != 0 && size % kPageSize == 0 && align >= kPageSize);
  if (is_refused()) return nullptr;
  void* raw = mmap(nullptr, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(raw);
  const std::uintptr_t at = (begin + align - 1) & ~(align - 1);
  if (at > begin) munmap(raw, at - begin);
  if (at + size < begin + size + align) munmap(reinterpret_cast<void*>(at + size), begin + align - at);
  void* pages = mmap(nullptr, size / kPageSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) {
    munmap(reinterpret_cast<void*>(at), size);
    return nullptr;
  }
  const Lock guard(lock);
  reservations().emplace(at, Reservation{.begin = at, .size = size, .pages = static_cast<PageState*>(pages)});
  return reinterpret_cast<std::byte*>(at);
}

std::byte* reserve_shareable(std::uint64_t size) {
  std::byte* const at = reserve(size, kPageSize);
  if (at == nullptr) return nullptr;
  const auto bytes = static_cast<std::int64_t>(size);
  {
    const Lock guard(lock);
    SharedFile& file = shared_file();
    if (file.descriptor >= 0 && ftruncate(file.descriptor, file.end + bytes) == 0 &&
        mmap(at, size, PROT_NONE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file.descriptor, file.end) == at) {
      reservation_of(at).file_at = file.end;
      file.end += bytes;
      return at;
    }
  }
  release(at, size);
  return nullptr;
}

bool show(std::byte* at, const std::byte* of, std::uint64_t size, Sharing sharing) {
  const Lock guard(lock);
  Reservation& reservation = reservation_of(at);
  const Reservation& source = reservation_of(of);
  const std::span<PageState> pages = pages_of(reservation, at, size);
  NB_ASSERT(source.file_at >= 0 && count_pages(pages_of(source, of, size)) == size / kPageSize);
  NB_ASSERT(count_pages(pages) == 0);
  const bool copies = sharing == Sharing::copy;
  if (is_refused() || (copies && size > free_memory())) return false;  // each page may become one of its own
  const auto offset = source.file_at + static_cast<std::int64_t>(address(of) - source.begin);
  const int protection = sharing == Sharing::read ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mmap(at, size, protection, (copies ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED | MAP_NORESERVE,
           shared_file().descriptor, offset) != at)
    return false;
  if (copies) {
    take(size);
    reservation.committed += pages.size();
  }
  note_range(reservation, at, size);
  std::memset(pages.data(), copies ? state_of(Protection::read_write) : kShows, pages.size());
  return true;
}

void release(std::byte* base, std::uint64_t size) {
  Reservation reservation;
  {
    const Lock guard(lock);
    const auto it = reservations().find(address(base));
    NB_ASSERT(it != reservations().end() && it->second.size == size);
    reservation = it->second;
    reservations().erase(it);
  }
  committed -= reservation.committed * kPageSize;
  // Stacks leave marks of ASan; other reservations, of gigabytes, do not.
  constexpr std::uint64_t kLargestStack = 16 << 20;
  if (size <= kLargestStack) ASAN_UNPOISON_MEMORY_REGION(base, size);
  munmap(base, size);
  if (reservation.file_at >= 0)
    NB_ASSERT(fallocate(shared_file().descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        reservation.file_at, static_cast<std::int64_t>(size)) == 0);
  munmap(reservation.pages, size / kPageSize);
}

std::optional<std::uint64_t> commit(std::byte* at, std::uint64_t size, Protection protection) {
  const Lock guard(lock);
  Reservation& reservation = reservation_of(at);
  const std::span<PageState> pages = pages_of(reservation, at, size);
  NB_ASSERT(std::ranges::find(pages, kShows) == pages.end());
  const std::uint64_t fresh = pages.size() - count_pages(pages);
  if (is_refused() || fresh * kPageSize > free_memory()) return std::nullopt;
  if (mprotect(at, size, host_protection(protection)) != 0) return std::nullopt;
  take(fresh * kPageSize);
  reservation.committed += fresh;
  note_range(reservation, at, size);
  std::memset(pages.data(), state_of(protection), pages.size());
  return fresh * kPageSize;
}

std::uint64_t decommit(std::byte* at, std::uint64_t size) {
  const Lock guard(lock);
  Reservation& reservation = reservation_of(at);
  NB_ASSERT(reservation.file_at < 0);  // others may show it
  // Only where there may be pages: the range may be gigabytes.
  const std::uint64_t offset = (address(at) - reservation.begin) / kPageSize;
  const std::uint64_t first = std::max(offset, reservation.lowest),
                      end = std::min(offset + size / kPageSize, reservation.highest);
  if (first >= end) return 0;
  if (first == reservation.lowest) reservation.lowest = end;
  if (end == reservation.highest) reservation.highest = first;
  at = reinterpret_cast<std::byte*>(reservation.begin + first * kPageSize);
  size = (end - first) * kPageSize;
  const std::span<PageState> pages = pages_of(reservation, at, size);
  const std::uint64_t gone = count_pages(pages);
  committed -= gone * kPageSize;
  reservation.committed -= gone;
  std::memset(pages.data(), 0, pages.size());
  // A new mapping in place of the old one, in one step.
  void* fresh = mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  NB_ASSERT(fresh == at);
  return gone * kPageSize;
}

void protect(std::byte* at, std::uint64_t size, Protection protection) {
  const Lock guard(lock);
  const std::span<PageState> pages = pages_of(reservation_of(at), at, size);
  NB_ASSERT(count_pages(pages) == pages.size());
  NB_ASSERT(mprotect(at, size, host_protection(protection)) == 0);
  std::memset(pages.data(), state_of(protection), pages.size());
}

// The new contents are put together in fresh pages that are then moved over the old ones: nothing is ever
// writable and executable, and another CPU sees the old page or the new one.
void write_protected(std::byte* to, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const Lock guard(lock);
  std::byte* const begin = to - address(to) % kPageSize;
  const std::uint64_t size = (address(to) + bytes.size() - address(begin) + kPageSize - 1) & ~(kPageSize - 1);
  const std::span<PageState> pages = pages_of(reservation_of(begin), begin, size);
  NB_ASSERT(count_pages(pages) == pages.size());
  if (pages.front() == state_of(Protection::none)) NB_ASSERT(mprotect(begin, size, PROT_READ) == 0);

  void* raw = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  NB_ASSERT(raw != MAP_FAILED);
  auto* fresh = static_cast<std::byte*>(raw);
  std::memcpy(fresh, begin, size);
  std::memcpy(fresh + (to - begin), bytes.data(), bytes.size());
  for (std::size_t i = 0; i < pages.size();) {
    std::size_t end = i + 1;
    while (end < pages.size() && pages[end] == pages[i]) ++end;
    const std::size_t run = (end - i) * kPageSize;
    NB_ASSERT(mprotect(fresh + i * kPageSize, run, host_protection(static_cast<Protection>(pages[i] - 1))) ==
              0);
    void* moved =
        mremap(fresh + i * kPageSize, run, run, MREMAP_MAYMOVE | MREMAP_FIXED, begin + i * kPageSize);
    NB_ASSERT(moved == begin + i * kPageSize);
    i = end;
  }
}

std::uint64_t free_memory() {
  const std::uint64_t used = committed;
  return used < limit ? limit - used : 0;
}
std::uint64_t least_free_memory() { return limit - most_committed; }

}  // namespace nebulet::machine
