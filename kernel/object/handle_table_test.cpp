// SPDX-License-Identifier: MIT
#include "kernel/object/handle_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "machine/hosted/hosted.h"

namespace nebulet::kernel {
namespace {

class Thing final : public Object {
 public:
  explicit Thing(int* deaths = nullptr) : Object(ObjectType::console), deaths_(deaths) {}
  ~Thing() override {
    if (deaths_ != nullptr) ++*deaths_;
  }

 private:
  int* deaths_;
};

class HandleTableTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { machine::prepare_hosted({}); }
  HandleTable table;
};

constexpr Rights kAll = Right::duplicate | Right::read | Right::write;

TEST_F(HandleTableTest, FindsWhatWasInserted) {
  Ref<Object> thing(new Thing);
  const HandleValue handle = table.insert(Handle(thing, kAll)).value();
  EXPECT_NE(handle, HandleValue::none);
  EXPECT_EQ(table.get(handle, ObjectType::console, Right::read).value(), thing);
}

TEST_F(HandleTableTest, ChecksExistenceThenTypeThenRights) {
  const HandleValue handle = table.insert(Handle(Ref<Object>(new Thing), Right::read)).value();
  EXPECT_EQ(table.get(HandleValue::none, ObjectType::console, Right::read).error(), Status::bad_handle);
  EXPECT_EQ(table.get(HandleValue{0xffffffff}, ObjectType::console, Right::read).error(), Status::bad_handle);
  EXPECT_EQ(table.get(handle, ObjectType::files, Right::write).error(), Status::wrong_type);
  EXPECT_EQ(table.get(handle, ObjectType::console, Right::write).error(), Status::access_denied);
  EXPECT_EQ(table.get(handle, ObjectType::console, Right::read | Right::write).error(),
            Status::access_denied);
}

TEST_F(HandleTableTest, ClosedHandleStaysInvalidWhenItsSlotIsUsedAgain) {
  const HandleValue old = table.insert(Handle(Ref<Object>(new Thing), kAll)).value();
  ASSERT_TRUE(table.close(old));
  const HandleValue fresh = table.insert(Handle(Ref<Object>(new Thing), kAll)).value();
  EXPECT_NE(old, fresh);
  EXPECT_EQ(table.get(old, ObjectType::console, Right::read).error(), Status::bad_handle);
  EXPECT_EQ(table.close(old).error(), Status::bad_handle);
  EXPECT_TRUE(table.get(fresh, ObjectType::console, Right::read));
}

TEST_F(HandleTableTest, DuplicateNeverGainsRights) {
  const HandleValue handle =
      table.insert(Handle(Ref<Object>(new Thing), Right::duplicate | Right::read)).value();
  EXPECT_EQ(table.duplicate(handle, Right::write).error(), Status::access_denied);
  const HandleValue weaker = table.duplicate(handle, Right::read).value();
  EXPECT_TRUE(table.get(weaker, ObjectType::console, Right::read));
  EXPECT_EQ(table.duplicate(weaker, Right::read).error(), Status::access_denied);
}

TEST_F(HandleTableTest, ObjectDiesWithItsLastHandle) {
  int deaths = 0;
  const HandleValue first = table.insert(Handle(Ref<Object>(new Thing(&deaths)), kAll)).value();
  const HandleValue second = table.duplicate(first, Right::read).value();
  ASSERT_TRUE(table.close(first));
  EXPECT_EQ(deaths, 0);
  ASSERT_TRUE(table.close(second));
  EXPECT_EQ(deaths, 1);
}

TEST_F(HandleTableTest, RefusesMoreThanItsLimit) {
  Ref<Object> thing(new Thing);
  for (std::uint32_t i = 0; i < HandleTable::kMaxHandles; ++i) ASSERT_TRUE(table.insert(Handle(thing, kAll)));
  EXPECT_EQ(table.insert(Handle(thing, kAll)).error(), Status::limit_reached);
  table.close_all();
  EXPECT_EQ(table.count(), 0u);
  EXPECT_EQ(thing->use_count(), 1u);
}

TEST_F(HandleTableTest, AgreesWithAMapUnderRandomOperations) {
  std::mt19937 random(1);
  std::map<HandleValue, Rights> model;
  std::vector<HandleValue> closed;
  for (int step = 0; step < 20000; ++step) {
    const auto pick = [&] { return std::next(model.begin(), random() % model.size())->first; };
    switch (random() % 4) {
      case 0: {
        if (model.size() > 100) break;
        const Rights rights(random() & 0x1f);
        const auto handle = table.insert(Handle(Ref<Object>(new Thing), rights));
        ASSERT_TRUE(handle && model.emplace(*handle, rights).second);
        break;
      }
      case 1: {
        if (model.empty()) break;
        const HandleValue handle = pick();
        ASSERT_TRUE(table.close(handle));
        model.erase(handle);
        closed.push_back(handle);
        break;
      }
      case 2: {
        if (model.empty()) break;
        const HandleValue handle = pick();
        const Rights wanted(random() & 0x1f);
        const bool allowed = model[handle].contains(wanted | Right::duplicate);
        const auto copy = table.duplicate(handle, wanted);
        ASSERT_EQ(copy.has_value(), allowed);
        if (allowed) {
          ASSERT_TRUE(model.emplace(*copy, wanted).second);
        }
        break;
      }
      default:
        if (!closed.empty()) {
          ASSERT_FALSE(table.get(closed[random() % closed.size()], ObjectType::console, Rights()));
        }
    }
    ASSERT_EQ(table.count(), model.size());
  }
}

}  // namespace
}  // namespace nebulet::kernel
