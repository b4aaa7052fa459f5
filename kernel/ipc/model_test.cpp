// SPDX-License-Identifier: MIT
// Random operations on two handle tables and the channels that they name, each compared with a small model of
// plain containers. NB_MODEL_OPERATIONS says how many, NB_MODEL_SEED where to begin.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "kernel/ipc/channel.h"
#include "kernel/object/event.h"
#include "machine/hosted/hosted.h"

namespace nebulet::kernel {
namespace {

struct ModelObject;
using ModelRef = std::shared_ptr<ModelObject>;
struct ModelHandle {
  ModelRef object;
  std::uint32_t rights = 0;
};
struct ModelMessage {
  std::uint32_t bytes = 0;
  std::vector<ModelHandle> handles;
};
/// An object is open while a handle in a table or in a message of an open end names it.
struct ModelObject {
  bool is_channel = false;
  std::uint64_t id = 0;
  std::uint32_t handles = 0;
  std::weak_ptr<ModelObject> peer;
  bool peer_open = true;
  std::deque<ModelMessage> queue;  ///< that wait here
};

class Model {
 public:
  std::map<std::uint32_t, ModelHandle> tables[2];

  static void hold(const ModelRef& object) { ++object->handles; }
  /// A handle goes; with the last one the object closes, and with it what waits there.
  static void drop(ModelHandle handle) {
    std::vector<ModelHandle> going = {std::move(handle)};
    while (!going.empty()) {
      const ModelRef object = going.back().object;
      going.pop_back();
      if (--object->handles != 0 || !object->is_channel) continue;
      if (const ModelRef peer = object->peer.lock()) peer->peer_open = false;
      for (ModelMessage& message : object->queue)
        for (ModelHandle& in : message.handles) going.push_back(std::move(in));
      object->queue.clear();
    }
  }
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {}
  ~Walk() {
    for (HandleTable& table : tables_) table.close_all();
    for (auto& table : model_.tables)
      for (auto& [value, handle] : std::exchange(table, {})) Model::drop(std::move(handle));
    // Ends that wait in messages at themselves, or around a ring, are open for ever.
    const bool all_closed = std::ranges::all_of(alive_, [](const ModelRef& o) { return o->handles == 0; });
    EXPECT_EQ(quota_->used() == 0, all_closed);
  }

  void step() {
    const std::uint32_t kind = pick(100);
    if (kind < 8) return create();
    if (kind < 12) return create_event();
    if (kind < 30) return duplicate();
    if (kind < 38) return replace();
    if (kind < 56) return close();
    if (kind < 76) return write();
    if (kind < 92) return read();
    look();
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  std::uint32_t some_rights() { return pick(4) == 0 ? pick(256) : 0xff; }

  /// A handle of the table, sometimes one that it has not.
  std::uint32_t any(unsigned t) {
    auto& model = model_.tables[t];
    if (model.empty() || pick(20) == 0)
      return last_closed_ != 0 && pick(2) == 0 ? last_closed_ : pick(1 << 16);
    auto at = model.lower_bound(pick(1u << 13) | pick(8) << 13);
    return (at == model.end() ? model.begin() : at)->first;
  }
  void insert(unsigned t, const Ref<Object>& object, const ModelRef& model) {
    auto value = tables_[t].insert(Handle(object, Rights(0xff)));
    ASSERT_TRUE(value);
    ASSERT_FALSE(model_.tables[t].contains(static_cast<std::uint32_t>(*value)));
    Model::hold(model);
    model_.tables[t][static_cast<std::uint32_t>(*value)] = {model, 0xff};
  }
  void create() {
    if (model_.tables[0].size() + model_.tables[1].size() > 600) return;
    auto [a, b] = Channel::create(quota_).value();
    const auto first = std::make_shared<ModelObject>(), second = std::make_shared<ModelObject>();
    first->is_channel = second->is_channel = true;
    first->id = a->id(), second->id = b->id();
    first->peer = second, second->peer = first;
    alive_.push_back(first), alive_.push_back(second);
    insert(pick(2), a, first);
    insert(pick(2), b, second);
    if (alive_.size() > 4000) std::erase_if(alive_, [](const ModelRef& o) { return o.use_count() == 1; });
  }
  void create_event() {
    if (model_.tables[0].size() + model_.tables[1].size() > 600) return;
    const Ref<Event> event = make_object<Event>(quota_, 0).value();
    const auto model = std::make_shared<ModelObject>();
    model->id = event->id();
    alive_.push_back(model);
    insert(pick(2), event, model);
  }
  void duplicate() {
    const unsigned t = pick(2);
    const std::uint32_t value = any(t), rights = some_rights();
    const auto result = tables_[t].duplicate(HandleValue{value}, Rights(rights));
    auto& model = model_.tables[t];
    const auto found = model.find(value);
    if (found == model.end()) return expect(result, Status::bad_handle);
    const std::uint32_t needed = rights | static_cast<std::uint32_t>(Right::duplicate);
    if ((found->second.rights & needed) != needed) return expect(result, Status::access_denied);
    ASSERT_TRUE(result);
    ASSERT_FALSE(model.contains(static_cast<std::uint32_t>(*result)));
    Model::hold(found->second.object);
    model[static_cast<std::uint32_t>(*result)] = {found->second.object, rights};
    if (model.size() > 500) close();
  }
  void replace() {
    const unsigned t = pick(2);
    const std::uint32_t value = any(t), rights = some_rights();
    const auto result = tables_[t].replace(HandleValue{value}, Rights(rights));
    auto& model = model_.tables[t];
    const auto found = model.find(value);
    if (found == model.end()) return expect(result, Status::bad_handle);
    if ((found->second.rights & rights) != rights) return expect(result, Status::access_denied);
    ASSERT_TRUE(result);
    ModelHandle handle = std::move(found->second);
    model.erase(found);
    handle.rights = rights;
    ASSERT_FALSE(model.contains(static_cast<std::uint32_t>(*result)));
    model[static_cast<std::uint32_t>(*result)] = std::move(handle);
  }
  void close() {
    const unsigned t = pick(2);
    const std::uint32_t value = any(t);
    const auto result = tables_[t].close(HandleValue{value});
    auto& model = model_.tables[t];
    const auto found = model.find(value);
    if (found == model.end()) return expect(result, Status::bad_handle);
    ASSERT_TRUE(result);
    last_closed_ = value;
    ModelHandle handle = std::move(found->second);
    model.erase(found);
    Model::drop(std::move(handle));
  }

  /// The channel that a handle names, and its model; nullptr if it names none, which is checked.
  Channel* channel(unsigned t, std::uint32_t value, Right right, Ref<Object>& keep, ModelRef& model) {
    auto result = tables_[t].get(HandleValue{value}, ObjectType::channel, right);
    const auto found = model_.tables[t].find(value);
    if (found == model_.tables[t].end()) {
      expect(result, Status::bad_handle);
    } else if (!found->second.object->is_channel) {
      expect(result, Status::wrong_type);
    } else if ((found->second.rights & static_cast<std::uint32_t>(right)) == 0) {
      expect(result, Status::access_denied);
    } else {
      EXPECT_TRUE(result);
      model = found->second.object;
      keep = std::move(*result);
      return static_cast<Channel*>(keep.get());
    }
    return nullptr;
  }
  void write() {
    const unsigned t = pick(2);
    Ref<Object> keep;
    ModelRef model;
    Channel* const from = channel(t, any(t), Right::write, keep, model);
    if (from == nullptr) return;
    std::vector<HandleValue> values(pick(3) == 0 ? pick(4) : 0);
    for (HandleValue& value : values) value = HandleValue{any(t)};
    auto message = Message::make(quota_, pick(64), static_cast<std::uint32_t>(values.size())).value();
    const auto bytes = static_cast<std::uint32_t>(message->bytes().size());
    const auto result = from->write(message, tables_[t], values);

    auto& table = model_.tables[t];
    const ModelRef peer = model->peer.lock();
    if (!model->peer_open) return expect(result, Status::peer_closed);
    if (peer->queue.size() >= Channel::kCapacity) return expect(result, Status::should_wait);
    for (const HandleValue value : values) {
      const auto found = table.find(static_cast<std::uint32_t>(value));
      if (found == table.end()) return expect(result, Status::bad_handle);
      if ((found->second.rights & static_cast<std::uint32_t>(Right::transfer)) == 0)
        return expect(result, Status::access_denied);
      if (found->second.object == model) return expect(result, Status::invalid_argument);
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (values[i] == values[k]) return expect(result, Status::bad_handle);
    ASSERT_TRUE(result);
    ModelMessage sent{.bytes = bytes, .handles = {}};
    for (const HandleValue value : values) {
      const auto found = table.find(static_cast<std::uint32_t>(value));
      sent.handles.push_back(std::move(found->second));
      table.erase(found);
    }
    peer->queue.push_back(std::move(sent));
  }
  void read() {
    const unsigned t = pick(2);
    Ref<Object> keep;
    ModelRef model;
    Channel* const at = channel(t, any(t), Right::read, keep, model);
    if (at == nullptr) return;
    const Channel::Size room = {.bytes = pick(8) == 0 ? pick(64) : 64, .handles = pick(8) == 0 ? 0 : 4u};
    auto result = at->read(room);
    if (model->queue.empty())
      return expect(result, model->peer_open ? Status::should_wait : Status::peer_closed);
    ModelMessage& first = model->queue.front();
    if (first.bytes > room.bytes || first.handles.size() > room.handles)
      return expect(result, Status::too_large);
    ASSERT_TRUE(result);
    ASSERT_EQ((*result)->bytes().size(), first.bytes);
    ASSERT_EQ((*result)->handles().size(), first.handles.size());
    if (pick(16) == 0) return at->unread(std::move(*result));  // what the call does when it cannot store it
    std::vector<HandleValue> values(first.handles.size());
    ASSERT_TRUE(tables_[t].insert_all((*result)->handles(), values));
    for (std::size_t i = 0; i < values.size(); ++i)
      model_.tables[t][static_cast<std::uint32_t>(values[i])] = std::move(first.handles[i]);
    model->queue.pop_front();
  }
  /// Everything that can be seen of one handle.
  void look() {
    const unsigned t = pick(2);
    const std::uint32_t value = any(t);
    const auto info = tables_[t].info(HandleValue{value});
    const auto found = model_.tables[t].find(value);
    ASSERT_EQ(tables_[t].count(), model_.tables[t].size());
    if (found == model_.tables[t].end()) return expect(info, Status::bad_handle);
    ASSERT_TRUE(info);
    const ModelObject& model = *found->second.object;
    EXPECT_EQ(info->object_id, model.id);
    EXPECT_EQ(info->rights.bits(), found->second.rights);
    EXPECT_EQ(info->type, model.is_channel ? ObjectType::channel : ObjectType::event);
    if (!model.is_channel) return;
    const Ref<Object> object = tables_[t].get(HandleValue{value}, Rights()).value();
    const Signals signals = object->signals();
    EXPECT_EQ(signals.contains(Signal::readable), !model.queue.empty());
    EXPECT_EQ(signals.contains(Signal::peer_closed), !model.peer_open);
    const ModelRef peer = model.peer.lock();
    EXPECT_EQ(signals.contains(Signal::writable), model.peer_open && peer->queue.size() < Channel::kCapacity);
  }

  template <class R>
  void expect(const R& result, Status status) {
    ASSERT_FALSE(result);
    ASSERT_EQ(result.error(), status);
  }

  std::mt19937_64 random_;
  QuotaRef quota_{new Quota(1 << 30)};
  HandleTable tables_[2];
  Model model_;
  std::vector<ModelRef> alive_;  ///< both ends are there as long as one is
  std::uint32_t last_closed_ = 0;
};

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != 0 ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Model, HandlesAndChannelsDoWhatPlainContainersDo) {
  machine::prepare_hosted({});
  const std::uint64_t seed = number("NB_MODEL_SEED", 1);
  std::uint64_t left = number("NB_MODEL_OPERATIONS", 200'000);
  for (std::uint64_t walk = 0; left > 0 && !testing::Test::HasFailure(); ++walk) {
    SCOPED_TRACE(testing::Message() << "NB_MODEL_SEED=" << seed + walk);
    Walk steps(seed + walk);
    for (int i = 0; i < 20'000 && left > 0 && !testing::Test::HasFailure(); ++i, --left) steps.step();
  }
}

}  // namespace
}  // namespace nebulet::kernel
