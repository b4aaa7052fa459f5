// SPDX-License-Identifier: MIT
#include "kernel/device/dma_memory.h"

#include <atomic>
#include <bit>
#include <boost/intrusive/set.hpp>
#include <cstring>
#include <memory>
#include <new>
#include <tuple>

#include "kernel/sched/spin_lock.h"

namespace nebulet::kernel {

/// Pages of one device, with what they are charged to.
struct DmaBlock : boost::intrusive::set_base_hook<> {
  enum class State : std::uint8_t {
    open,    ///< has handles
    closed,  ///< has none, but its object may still be in use
    kept,    ///< for the device's next driver
  };
  using Key = std::tuple<ResourceKind, std::uint64_t, State, std::uint32_t>;

  DmaBlock() = default;
  DmaBlock(const DmaBlock&) = delete;
  DmaBlock& operator=(const DmaBlock&) = delete;
  ~DmaBlock() {
    if (memory.at != nullptr) machine::free_device_memory(memory, order);
  }
  Key key() const { return {kind, base, state, order}; }
  friend bool operator<(const DmaBlock& a, const DmaBlock& b) { return a.key() < b.key(); }

  Charge charge;
  machine::DeviceMemory memory;
  std::optional<pci::Function> function;
  ResourceKind kind = ResourceKind::registers;
  std::uint64_t base = 0;  ///< of the device's resource
  State state = State::open;
  std::uint32_t order = 0;
  bool is_revoked = false;  ///< an IOMMU keeps the device from it
};

namespace {

using State = DmaBlock::State;
struct KeyOf {
  using type = DmaBlock::Key;
  type operator()(const DmaBlock& block) const { return block.key(); }
};
using Blocks = boost::intrusive::multiset<DmaBlock, boost::intrusive::key_of_value<KeyOf>>;

constinit SpinLock g_lock;
/// All there are; made with the first.
constinit Blocks* g_blocks NB_GUARDED_BY(g_lock) = nullptr;

bool is_device(const Resource& resource) {
  return resource.kind() == ResourceKind::registers || resource.function();
}

/// With g_lock held: one of the device in this state, of any order from `order` on, or nullptr.
DmaBlock* find(ResourceKind kind, std::uint64_t base, State state, std::uint32_t order) NB_REQUIRES(g_lock) {
  if (g_blocks == nullptr) return nullptr;
  const auto at = g_blocks->lower_bound({kind, base, state, order});
  return at != g_blocks->end() && at->kind == kind && at->base == base && at->state == state ? &*at : nullptr;
}

void change(DmaBlock& block, State state) NB_REQUIRES(g_lock) {
  g_blocks->erase(g_blocks->iterator_to(block));
  block.state = state;
  g_blocks->insert(block);
}

/// One that was kept for the device, which is not among the blocks any more. Not `exactly`: of any order, if
/// its driver's word is enough to give it back. Behind an IOMMU drivers are not trusted, and QEMU's lets
/// transfers end that were under way.
std::unique_ptr<DmaBlock> take_kept(const Resource& resource, std::uint32_t order, bool exactly) {
  const SpinGuard guard(g_lock);
  DmaBlock* const found = find(resource.kind(), resource.base(), State::kept, order);
  if (found == nullptr || (exactly ? found->order != order : found->is_revoked)) return nullptr;
  g_blocks->erase(g_blocks->iterator_to(*found));
  return std::unique_ptr<DmaBlock>(found);
}

/// Pages for the device: those that were kept for it, or new ones. In no set.
Result<std::unique_ptr<DmaBlock>> make_block(const Resource& resource, std::uint32_t order) {
  if (std::unique_ptr<DmaBlock> kept = take_kept(resource, order, true)) return kept;
  std::unique_ptr<DmaBlock> block(new (std::nothrow) DmaBlock);
  if (!block) return fail(Status::out_of_memory);
  block->memory = machine::allocate_device_memory(order);
  if (block->memory.at == nullptr) return fail(Status::out_of_memory);
  block->function = resource.function();
  block->kind = resource.kind();
  block->base = resource.base();
  block->order = order;
  return block;
}

/// False: no memory.
bool prepare_blocks() {
  const SpinGuard guard(g_lock);
  if (g_blocks == nullptr) g_blocks = new (std::nothrow) Blocks;
  return g_blocks != nullptr;
}

template <class T>
std::uint32_t load_at(std::byte* at) {
  return std::atomic_ref(*reinterpret_cast<T*>(at)).load();
}
template <class T>
void store_at(std::byte* at, std::uint32_t value) {
  std::atomic_ref(*reinterpret_cast<T*>(at)).store(static_cast<T>(value));
}

}  // namespace

Result<Ref<DmaMemory>> DmaMemory::create(const QuotaRef& quota, const Resource& resource,
                                         std::uint64_t size) {
  if (!is_device(resource) || size == 0 || size > kMaxSize) return fail(Status::invalid_argument);
  const std::uint64_t pages = (size + machine::kPageSize - 1) / machine::kPageSize;
  const auto order = static_cast<std::uint32_t>(std::bit_width(pages - 1));
  Ref<DmaMemory> memory = TRY(make_object<DmaMemory>(quota, 0, size));
  Charge charge = TRY(Charge::take(quota, sizeof(DmaBlock) + (machine::kPageSize << order)));
  if (!prepare_blocks()) return fail(Status::out_of_memory);
  std::unique_ptr<DmaBlock> block = TRY(make_block(resource, order));
  block->charge = std::move(charge);  // what kept pages were charged to gets that back
  block->state = State::open;
  block->is_revoked = false;
  if (block->function && !machine::grant_device_memory(*block->function, block->memory, block->order)) {
    machine::revoke_device_memory(*block->function, block->memory, block->order);
    return fail(Status::out_of_memory);
  }
  std::memset(block->memory.at, 0, machine::kPageSize << order);
  const SpinGuard guard(g_lock);
  g_blocks->insert(*block);
  memory->block_ = block.release();
  return memory;
}

Result<> DmaMemory::quiesced(const Resource& resource) {
  if (!is_device(resource)) return fail(Status::invalid_argument);
  while (take_kept(resource, 0, false)) {
  }
  return {};
}

DmaMemory::~DmaMemory() {
  if (block_ == nullptr) return;
  const SpinGuard guard(g_lock);
  change(*block_, State::kept);
}

void DmaMemory::no_handles(DropList&) {
  const SpinGuard guard(g_lock);
  change(*block_, State::closed);
  if (block_->function && find(block_->kind, block_->base, State::open, 0) == nullptr)
    pci::stop_bus_master(*block_->function);
  if (block_->function)
    block_->is_revoked = machine::revoke_device_memory(*block_->function, block_->memory, block_->order);
}

std::uint64_t DmaMemory::address() const { return block_->memory.address; }

bool DmaMemory::is_unit(std::uint64_t offset, std::uint32_t bytes) const {
  return (bytes == 1 || bytes == 2 || bytes == 4) && offset % bytes == 0 && contains(offset, bytes);
}

Result<std::uint32_t> DmaMemory::load(std::uint64_t offset, std::uint32_t bytes) const {
  if (!is_unit(offset, bytes)) return fail(Status::invalid_argument);
  std::byte* const at = block_->memory.at + offset;
  return bytes == 1   ? load_at<std::uint8_t>(at)
         : bytes == 2 ? load_at<std::uint16_t>(at)
                      : load_at<std::uint32_t>(at);
}

Result<> DmaMemory::store(std::uint64_t offset, std::uint32_t bytes, std::uint32_t value) const {
  if (!is_unit(offset, bytes)) return fail(Status::invalid_argument);
  std::byte* const at = block_->memory.at + offset;
  if (bytes == 1) store_at<std::uint8_t>(at, value);
  if (bytes == 2) store_at<std::uint16_t>(at, value);
  if (bytes == 4) store_at<std::uint32_t>(at, value);
  return {};
}

std::span<std::byte> DmaMemory::bytes() const { return {block_->memory.at, size_}; }

}  // namespace nebulet::kernel
