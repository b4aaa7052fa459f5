// SPDX-License-Identifier: MIT
#include "user/wasi/exchange.h"

#include "base/result.h"
#include "user/wasi/entry.h"
#include "user/wasi/read_ahead.h"
#include "user/wasi/server.h"

namespace nebulet::wasi::files {
namespace {

using ninep::MessageType;

Errno from_linux(std::uint32_t code) {
  switch (code) {
    case ninep::errors::perm: return Errno::perm;
    case ninep::errors::noent: return Errno::noent;
    case ninep::errors::intr: return Errno::intr;
    case ninep::errors::nxio: return Errno::nxio;
    case ninep::errors::badf: return Errno::badf;
    case ninep::errors::again: return Errno::again;
    case ninep::errors::nomem: return Errno::nomem;
    case ninep::errors::acces: return Errno::acces;
    case ninep::errors::busy: return Errno::busy;
    case ninep::errors::exist: return Errno::exist;
    case ninep::errors::xdev: return Errno::xdev;
    case ninep::errors::nodev: return Errno::nodev;
    case ninep::errors::notdir: return Errno::notdir;
    case ninep::errors::isdir: return Errno::isdir;
    case ninep::errors::inval: return Errno::inval;
    case ninep::errors::nfile: return Errno::nfile;
    case ninep::errors::mfile: return Errno::mfile;
    case ninep::errors::txtbsy: return Errno::txtbsy;
    case ninep::errors::fbig: return Errno::fbig;
    case ninep::errors::nospc: return Errno::nospc;
    case ninep::errors::spipe: return Errno::spipe;
    case ninep::errors::rofs: return Errno::rofs;
    case ninep::errors::mlink: return Errno::mlink;
    case ninep::errors::pipe: return Errno::pipe;
    case ninep::errors::range: return Errno::range;
    case ninep::errors::nametoolong: return Errno::nametoolong;
    case ninep::errors::nosys: return Errno::nosys;
    case ninep::errors::notempty: return Errno::notempty;
    case ninep::errors::loop: return Errno::loop;
    case ninep::errors::overflow: return Errno::overflow;
    case ninep::errors::ilseq: return Errno::ilseq;
    case ninep::errors::opnotsupp: return Errno::notsup;
    case ninep::errors::timedout: return Errno::timedout;
    case ninep::errors::stale: return Errno::stale;
    case ninep::errors::dquot: return Errno::dquot;
    default: return Errno::io;
  }
}

}  // namespace

Buffers& buffers() {
  Buffers*& own = call_state.current->messages;
  if (own == nullptr) own = new Buffers;
  return *own;
}

Result<> Exchange::send() {
  if (!fits_) return fail(Errno::nametoolong);
  Buffers& own = buffers();
  const std::size_t length =
      TRY(Servers::get()[server_].transact(std::span(own.request).first(request_size_), own.reply));
  forget_read_ahead();
  if (length > sizeof own.reply) return fail(Errno::io);
  answers_ = std::span(own.reply).first(length);
  return {};
}

Result<ninep::Reader> Exchange::answer() {
  const auto requested = types_[answered_++];
  ninep::Reader header(answers_);
  const std::uint32_t size = header.u32();
  const auto type = static_cast<MessageType>(header.u8());
  header.u16();
  // Behind the last answer there is nothing.
  if (!header.ok() || size < ninep::kHeaderSize || size > answers_.size() ||
      (answered_ == count_ && size != answers_.size())) {
    answers_ = {};
    return fail(Errno::io);
  }
  ninep::Reader fields(answers_.first(size).subspan(ninep::kHeaderSize));
  answers_ = answers_.subspan(size);
  if (type == MessageType::rlerror) return fail(from_linux(fields.u32()));
  if (type != ninep::reply_to(requested)) return fail(Errno::io);
  return fields;
}

}  // namespace nebulet::wasi::files
