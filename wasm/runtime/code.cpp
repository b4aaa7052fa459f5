// SPDX-License-Identifier: MIT
#include "wasm/runtime/code.h"

#include <algorithm>

#include "base/result.h"
#include "wasm/runtime/address_map.h"

namespace nebulet::wasm {
namespace {

// Code of a module lies in granules of its own, so that one look-up finds it.
constexpr unsigned kGranuleShift = 20;
constexpr std::uint64_t kGranule = 1ull << kGranuleShift;
constinit AddressMap<const ModuleCode, kGranuleShift> g_code;

std::uint64_t whole_pages(std::uint64_t bytes) { return (bytes + kHostPage - 1) & ~(kHostPage - 1); }

std::unexpected<Error> error(Error::Kind kind, std::string_view message) {
  return std::unexpected(Error{.kind = kind, .offset = 0, .message = std::string(message)});
}

}  // namespace

Result<ModuleCodeRef> ModuleCode::create(Host& host, std::vector<std::byte> bytes, Module module,
                                         CodeObject code) {
  ModuleCodeRef made(new ModuleCode(host, std::move(bytes), std::move(module), std::move(code)));
  auto& self = const_cast<ModuleCode&>(*made);
  if (!self.types_.add(self.module_.types)) return error(Error::Kind::limit, "too many types in this kernel");
  if (!host.charge(self.types_.bytes())) return error(Error::Kind::out_of_memory, "no memory for types");
  self.charged_ = self.types_.bytes();
  TRY(self.map());
  self.image_ = MemoryImage::create(host, self.module_);
  return made;
}

ModuleCode::ModuleCode(Host& host, std::vector<std::byte> bytes, Module module, CodeObject code)
    : host_(host),
      bytes_(std::move(bytes)),
      module_(std::move(module)),
      code_(std::move(code)),
      layout_(ContextLayout::of(module_)) {}

Result<> ModuleCode::map() {
  const std::uint64_t text = whole_pages(code_.text.size()), rodata = whole_pages(code_.rodata.size());
  mapped_size_ = (text + rodata + kGranule - 1) & ~(kGranule - 1);
  if (mapped_size_ == 0) return {};
  if (!host_.charge(text + rodata)) return error(Error::Kind::out_of_memory, "no memory for code");
  charged_ += text + rodata;
  std::byte* at = host_.reserve(mapped_size_, kGranule);
  if (!at) return error(Error::Kind::out_of_memory, "no address space for code");
  text_ = at;
  if ((text && !host_.commit(at, text, Host::Protection::execute)) ||
      (rodata && !host_.commit(at + text, rodata, Host::Protection::read))) {
    return error(Error::Kind::out_of_memory, "no memory for code");
  }
  if (text) host_.write_protected(at, code_.text);
  if (rodata) host_.write_protected(at + text, code_.rodata);
  code_.text = {};
  code_.rodata = {};
  text_size_ = text;
  for (std::uint64_t offset = 0; offset < mapped_size_; offset += kGranule) {
    if (!g_code.insert(ModuleCode::text() + offset, this))
      return error(Error::Kind::out_of_memory, "no memory for the map of code");
    registered_ = offset + kGranule;
  }
  return {};
}

ModuleCode::~ModuleCode() {
  for (std::uint64_t offset = 0; offset < registered_; offset += kGranule) g_code.erase(text() + offset);
  if (text_) host_.release(text_, mapped_size_);
  if (charged_) host_.uncharge(charged_);
}

const ModuleCode* ModuleCode::find(std::uint64_t pc) {
  const ModuleCode* code = g_code.find(pc);
  return code && code->contains(pc) ? code : nullptr;
}

const TrapSite* ModuleCode::trap_at(std::uint64_t pc) const {
  const auto found = std::ranges::lower_bound(code_.traps, pc - text(), {}, &TrapSite::pc);
  return found != code_.traps.end() && found->pc == pc - text() ? &*found : nullptr;
}

const CallSite* ModuleCode::call_returning_to(std::uint64_t pc) const {
  const auto found = std::ranges::lower_bound(code_.calls, pc - text(), {}, &CallSite::return_pc);
  return found != code_.calls.end() && found->return_pc == pc - text() ? &*found : nullptr;
}

std::int64_t ModuleCode::defined_function_at(std::uint64_t pc) const {
  const std::uint64_t offset = pc - text();
  const auto after = std::ranges::upper_bound(code_.functions, offset, {}, &CodeFunction::begin);
  if (after == code_.functions.begin() || offset >= (after - 1)->end) return -1;
  return after - 1 - code_.functions.begin();
}

std::string_view ModuleCode::function_name(std::uint32_t function) const {
  if (function < module_.function_names.size() && !module_.function_names[function].empty()) {
    return module_.function_names[function];
  }
  for (const Export& item : module_.exports) {
    if (item.kind == ExternKind::function && item.index == function) return item.name;
  }
  return {};
}

void intrusive_ptr_add_ref(const ModuleCode* code) {
  code->references_.fetch_add(1, std::memory_order_relaxed);
}

void intrusive_ptr_release(const ModuleCode* code) {
  // Pairs with itself on other CPUs: the last one sees all uses before it destroys.
  if (code->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete code;
}

}  // namespace nebulet::wasm
