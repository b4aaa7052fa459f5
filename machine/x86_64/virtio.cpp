// SPDX-License-Identifier: MIT
#include "machine/x86_64/virtio.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/assert.h"
#include "machine/x86_64/apic.h"
#include "machine/x86_64/device.h"
#include "machine/x86_64/frames.h"
#include "machine/x86_64/interrupts.h"
#include "machine/x86_64/io_apic.h"
#include "machine/x86_64/page_tables.h"

namespace nebulet::machine {
namespace {

constexpr std::uint16_t kVendor = 0x1af4;
constexpr std::uint32_t kMmioMagic = 0x74726976;  // "virt"
enum Status : std::uint32_t { kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8 };
constexpr std::uint16_t kWritable = 2;        // of a descriptor: for the device
constexpr std::uint16_t kNoInterrupt = 1;     // available flags
constexpr std::uint16_t kNoNotification = 1;  // used flags

// 4.1.4: capabilities by which a PCI device says where its registers are.
constexpr std::uint8_t kVendorCapability = 9;
enum Structure : std::uint8_t { kCommon = 1, kNotify = 2 };
constexpr std::uint16_t kCommonBytes = 56, kMsiXVector = 26, kNotifyOffset = 30;
constexpr std::uint32_t kMaxNotifyBytes = 64 * 1024;

// 4.2.2
enum Mmio : std::uint16_t {
  kMagic = 0,
  kVersion = 4,
  kDeviceId = 8,
  kQueueNotify = 0x50,
  kInterruptStatus = 0x60,
  kInterruptAcknowledge = 0x64,
};
constexpr std::uint32_t kMmioBytes = 0x200;

volatile std::uint32_t& word(volatile std::byte* registers, std::uint16_t offset) {
  return *reinterpret_cast<volatile std::uint32_t*>(registers + offset);
}

void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace

constinit const VirtioDevice::Field VirtioDevice::kPciFields[kNames] = {
    {0, 4}, {4, 4}, {8, 4}, {12, 4}, {20, 1}, {22, 2}, {24, 2}, {24, 2}, {28, 2}, {32, 4}, {40, 4}, {48, 4}};
constinit const VirtioDevice::Field VirtioDevice::kMmioFields[kNames] = {
    {0x14, 4}, {0x10, 4}, {0x24, 4}, {0x20, 4}, {0x70, 4}, {0x30, 4},
    {0x34, 4}, {0x38, 4}, {0x44, 4}, {0x80, 4}, {0x90, 4}, {0xa0, 4}};

std::uint32_t VirtioDevice::get(Name name) const {
  const Field field = fields_[name];
  volatile std::byte* at = registers_ + field.offset;
  if (field.bytes == 1) return *reinterpret_cast<volatile std::uint8_t*>(at);
  if (field.bytes == 2) return *reinterpret_cast<volatile std::uint16_t*>(at);
  return *reinterpret_cast<volatile std::uint32_t*>(at);
}
void VirtioDevice::set(Name name, std::uint32_t value, std::uint16_t further) const {
  const Field field = fields_[name];
  volatile std::byte* at = registers_ + field.offset + further;
  if (field.bytes == 1) {
    *reinterpret_cast<volatile std::uint8_t*>(at) = static_cast<std::uint8_t>(value);
  } else if (field.bytes == 2) {
    *reinterpret_cast<volatile std::uint16_t*>(at) = static_cast<std::uint16_t>(value);
  } else {
    *reinterpret_cast<volatile std::uint32_t*>(at) = value;
  }
}
void VirtioDevice::set_address(Name name, PhysicalAddress value) const {
  set(name, static_cast<std::uint32_t>(value));
  set(name, static_cast<std::uint32_t>(value >> 32), 4);
}

bool VirtioDevice::open_pci(std::uint16_t type) {
  // 4.1.2: a transitional device has another number.
  const auto transitional = static_cast<std::uint16_t>(type == 3 ? 0x1003 : 0x1040 + type);
  pci_ = PciDevice::find(kVendor, static_cast<std::uint16_t>(0x1040 + type), transitional);
  if (!pci_) return false;
  pci_->enable();
  for (std::uint8_t at = 0; (at = pci_->next_capability(kVendorCapability, at));) {
    const auto field = [&](int offset) { return static_cast<std::uint8_t>(at + offset); };
    const std::uint8_t structure = pci_->read8(field(3));
    const PhysicalAddress bar = pci_->bar(pci_->read8(field(4)));
    const std::uint32_t offset = pci_->read(field(8)), length = pci_->read(field(12));
    if (!bar) continue;
    if (structure == kCommon && length >= kCommonBytes && !registers_)
      registers_ = map_device(places_[0] = bar + offset, kCommonBytes);
    if (structure == kNotify && length >= 2 && !notify_) {
      notify_bytes_ = std::min(length, kMaxNotifyBytes);
      notify_step_ = pci_->read(field(16));
      notify_ = map_device(places_[1] = bar + offset, notify_bytes_);
    }
  }
  is_pci_ = true;
  fields_ = kPciFields;
  return registers_ && notify_;
}

bool VirtioDevice::open_mmio(std::uint16_t type) {
  fields_ = kMmioFields;
  for (line_ = 0; line_ < acpi().virtio_count; ++line_) {
    registers_ = map_device(places_[0] = acpi().virtio[line_].address, kMmioBytes);
    if (word(registers_, kMagic) == kMmioMagic && word(registers_, kVersion) == 2 &&
        word(registers_, kDeviceId) == type)
      return true;
  }
  return false;
}

bool VirtioDevice::open(std::uint16_t type) {
  if (!open_pci(type)) {
    *this = VirtioDevice();
    if (!open_mmio(type)) return false;
  }
  for (const PhysicalAddress place : places_)
    if (place != 0) {
      const PhysicalAddress bytes = is_pci_ ? 4096 : kMmioBytes;  // others are beside a memory-mapped one
      claim_device(DeviceSpace::memory, place & ~(bytes - 1), bytes);
    }
  set(status, 0);
  for (int tries = 0; get(status) != 0; ++tries) {
    if (tries == 100'000) return false;
  }
  set(status, kAcknowledge | kDriver);
  return true;
}

bool VirtioDevice::negotiate(std::uint64_t features) {
  for (std::uint32_t half = 0; half < 2; ++half) {
    const auto wanted = static_cast<std::uint32_t>(features >> 32 * half);
    set(device_select, half);
    if (wanted & ~get(device_features)) return false;
    set(driver_select, half);
    set(driver_features, wanted);
  }
  set(status, kAcknowledge | kDriver | kFeaturesOk);
  return get(status) & kFeaturesOk;
}

bool VirtioDevice::route_interrupt() {
  if (is_pci_) return pci_->route_interrupt(apic_id(), kVirtio);
  const InterruptLine& line = acpi().virtio[line_].line;
  claim_interrupt(line.input);
  return machine::route_interrupt(line, kVirtio);
}

bool VirtioDevice::enable_queue(std::uint16_t queue, std::uint16_t size, PhysicalAddress descriptors,
                                PhysicalAddress available, PhysicalAddress used) {
  if (queue >= kMaxQueues) return false;
  set(queue_select, queue);
  if (get(queue_limit) < size) return false;
  set(queue_size, size);
  set_address(queue_descriptors, descriptors);
  set_address(queue_available, available);
  set_address(queue_used, used);
  if (is_pci_) {
    auto& vector = *reinterpret_cast<volatile std::uint16_t*>(registers_ + kMsiXVector);
    vector = 0;
    if (vector != 0) return false;
    const std::uint64_t bell =
        std::uint64_t{*reinterpret_cast<volatile std::uint16_t*>(registers_ + kNotifyOffset)} * notify_step_;
    if (bell + 2 > notify_bytes_) return false;
    bells_[queue] = reinterpret_cast<volatile std::uint16_t*>(notify_ + bell);
  }
  set(queue_enable, 1);
  return true;
}

void VirtioDevice::start() { set(status, kAcknowledge | kDriver | kFeaturesOk | kDriverOk); }

void VirtioDevice::notify(std::uint16_t queue) {
  if (is_pci_) {
    *bells_[queue] = queue;
  } else {
    word(registers_, kQueueNotify) = queue;
  }
}

void VirtioDevice::acknowledge_interrupt() {
  if (is_pci_ || !registers_) return;
  word(registers_, kInterruptAcknowledge) = word(registers_, kInterruptStatus);
}

bool Virtqueue::create(VirtioDevice& device, std::uint16_t index, std::uint16_t size, std::uint32_t order,
                       Direction direction) {
  // In one page: descriptors at 0, the available ring at 1024, the used ring at 2048.
  static_assert(kMaxSize * sizeof(Descriptor) <= 1024 && 6 + kMaxSize * 2 <= 1024 &&
                6 + kMaxSize * sizeof(UsedElement) <= 2048);
  NB_ASSERT(size <= kMaxSize);
  device_ = &device;
  index_ = index;
  size_ = size;
  direction_ = direction;
  const PhysicalAddress rings = allocate_zeroed_frame(), buffers = allocate_frames(order);
  if (rings == kNoFrame || buffers == kNoFrame) return false;
  buffers_ = direct(buffers);
  buffer_bytes_ = (std::size_t{4096} << order) / size;
  descriptors_ = reinterpret_cast<volatile Descriptor*>(direct(rings));
  available_ = reinterpret_cast<volatile std::uint16_t*>(direct(rings) + 1024);
  used_ = reinterpret_cast<volatile std::uint16_t*>(direct(rings) + 2048);
  const bool from_device = direction == Direction::from_device;
  if (!from_device) available_[0] = kNoInterrupt;
  for (std::uint16_t i = 0; i < size; ++i) {
    descriptors_[i].address = buffers + i * buffer_bytes_;
    descriptors_[i].flags = from_device ? kWritable : 0;
    if (from_device) publish(i, buffer_bytes_);
  }
  return device.enable_queue(index, size, rings, rings + 1024, rings + 2048);
}

void Virtqueue::publish(std::uint16_t id, std::size_t bytes) {
  descriptors_[id].length = static_cast<std::uint32_t>(bytes);
  available_[2 + published_ % size_] = id;
  with_device_ |= std::uint64_t{1} << id;
  std::atomic_thread_fence(std::memory_order_release);  // the device sees the entry before the index
  available_[1] = ++published_;
}

void Virtqueue::notify() {
  fence();  // the index is visible before the flags are read
  if (!broken_ && !(used_[0] & kNoNotification)) device_->notify(index_);
}

std::optional<Virtqueue::Returned> Virtqueue::take() {
  if (broken_ || used_[1] == taken_) return std::nullopt;
  std::atomic_thread_fence(std::memory_order_acquire);  // pairs with the device's write of the index
  const auto* elements = reinterpret_cast<const volatile UsedElement*>(used_ + 2);
  const std::uint32_t id = elements[taken_ % size_].id, length = elements[taken_ % size_].length;
  const bool is_out = id < size_ && (with_device_ >> id & 1);
  const std::size_t limit = direction_ == Direction::from_device ? buffer_bytes_ : 0;
  if (!is_out || (length > limit && limit)) {
    broken_ = true;
    return std::nullopt;
  }
  ++taken_;
  with_device_ &= ~(std::uint64_t{1} << id);
  return Returned{static_cast<std::uint16_t>(id), limit ? length : 0};
}

}  // namespace nebulet::machine
