// SPDX-License-Identifier: MIT
// Canonical type ids: one number for each function type that this kernel ever met, so that indirect calls
// compare one word.
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>

#include "base/spin_lock.h"
#include "wasm/runtime/code.h"

namespace nebulet::wasm {
namespace {

// Ids are never reused: a stale one in some table must not come to mean another type. The number of types is
// bounded instead.
constexpr std::uint32_t kMaxTypes = 1u << 20;
using Ids = boost::unordered_flat_map<std::string, std::uint32_t>;

constinit SpinLock g_lock;
constinit Ids* g_ids NB_GUARDED_BY(g_lock) = nullptr;

void append(std::string& key, const std::vector<ValType>& types) {
  for (const ValType& type : types) {
    key.push_back(static_cast<char>(type.kind));
    if (!type.is_ref()) continue;
    key.push_back(type.nullable ? 1 : 0);
    for (unsigned shift = 0; shift < 32; shift += 8)
      key.push_back(static_cast<char>(type.heap.code >> shift));
  }
}

}  // namespace

std::uint32_t canonical_type_id(const FuncType& type) {
  std::string key;
  append(key, type.params);
  key.push_back(0);  // no kind is 0
  append(key, type.results);
  SpinGuard guard(g_lock);
  if (!g_ids) g_ids = new Ids;
  if (auto found = g_ids->find(key); found != g_ids->end()) return found->second;
  if (g_ids->size() >= kMaxTypes) return 0;
  const auto id = static_cast<std::uint32_t>(g_ids->size() + 1);
  g_ids->emplace(std::move(key), id);
  return id;
}

}  // namespace nebulet::wasm
