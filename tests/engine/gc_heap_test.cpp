// SPDX-License-Identifier: MIT
// The garbage-collected heap against a model: what is reachable stays as it is, what is not becomes free; in
// each way to collect. No generated code.
#include "wasm/runtime/gc_heap.h"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "tests/engine/linux_host.h"

namespace nebulet::wasm {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// Roots in two kinds, as a store has them: some scanned at once, some in steps.
class Roots final : public GcRoots {
 public:
  std::vector<GcRef> stack, table;
  void scan(GcHeap& heap) override {
    for (const GcRef ref : stack) heap.shade(ref);
  }
  bool scan_step(GcHeap& heap, bool restart, std::uint32_t budget) override {
    if (restart) at_ = 0;
    for (; budget != 0 && at_ < table.size(); --budget) heap.shade(table[at_++]);
    return at_ < table.size();
  }

 private:
  std::size_t at_ = 0;
};

class GcHeapTest : public testing::Test {
 protected:
  GcHeapTest() : heap(GcHeap::create(host, roots)) {
    // node: 2 references, an i64; leaf: an i32; refs: array of references; bytes: array of bytes.
    node = heap->add_type({GcKind::structure, 24, false, {8, 12}, {}}, {});
    leaf = heap->add_type({GcKind::structure, 12, false, {}, {}}, {});
    refs = heap->add_type({GcKind::array, 4, true, {}, {}}, {});
    bytes = heap->add_type({GcKind::array, 1, false, {}, {}}, {});
  }
  std::uint32_t& word(GcRef ref, std::uint32_t offset) {
    return *reinterpret_cast<std::uint32_t*>(heap->base() + ref + offset);
  }
  void write(GcRef object, std::uint32_t offset, GcRef value) {
    heap->shade(word(object, offset));
    word(object, offset) = value;
  }
  bool is_alive(GcRef ref) { return heap->object(ref).has_value(); }

  test::LinuxHost host;
  Roots roots;
  std::unique_ptr<GcHeap> heap;
  std::uint32_t node, leaf, refs, bytes;
};

TEST_F(GcHeapTest, NewObjectsAreZeroAndKnowTheirType) {
  const GcRef a = heap->allocate(node), b = heap->allocate_array(bytes, 100),
              big = heap->allocate_array(bytes, 200'000);
  ASSERT_TRUE(a && b && big);
  EXPECT_EQ(heap->object(a)->type->size, 24u);
  EXPECT_EQ(heap->object(b)->length, 100u);
  EXPECT_EQ(heap->object(big)->length, 200'000u);
  for (std::uint32_t i = 8; i < 24; i += 4) EXPECT_EQ(word(a, i), 0u);
  for (std::uint32_t i = 0; i < 200'000; i += 4) ASSERT_EQ(word(big, 8 + i), 0u);
  EXPECT_EQ(heap->allocate(refs), 0u) << "an array needs a length";
  EXPECT_EQ(heap->allocate_array(node, 1), 0u);
  EXPECT_EQ(heap->allocate(12345), 0u);
}

TEST_F(GcHeapTest, NothingButAnObjectIsTakenForOne) {
  const GcRef a = heap->allocate(node), array = heap->allocate_array(refs, 3);
  const GcRef big = heap->allocate_array(bytes, 100'000);
  for (const GcRef forged :
       {0u, 1u, 2u, a + 1, a + 4, a + 8, big + 8, big + kGcBlock, kGcTypesOffset, 0xfffffff8u, 64u})
    EXPECT_FALSE(heap->object(forged)) << forged;
  const GcRef next = array + 24;  // free, in the same run
  EXPECT_FALSE(heap->object(next));
  word(a, kGcTypeOffset) = node + 16;
  EXPECT_FALSE(heap->object(a));
  word(array, kGcLengthOffset) = 0xffffffff;
  EXPECT_FALSE(heap->object(array));
  // The collector survives them too.
  roots.stack = {a, array, a + 4, next, 0xfffffff8u, big};
  heap->collect();
  EXPECT_TRUE(is_alive(big));
}

TEST_F(GcHeapTest, ATypeRecordHasTheSupertypes) {
  const std::uint32_t root = heap->add_type({GcKind::structure, 8, false, {}, {}}, {});
  const std::uint32_t sub = heap->add_type({GcKind::structure, 8, false, {}, {}}, {{root}});
  std::vector<std::uint32_t> supers = {root, sub};
  while (supers.size() < 63) supers.push_back(heap->add_type({GcKind::structure, 8, false, {}, {}}, supers));
  const auto* record = reinterpret_cast<const GcTypeRecord*>(heap->base() + supers.back());
  EXPECT_EQ(record->depth, 62u);
  for (std::size_t i = 0; i < 63; ++i) EXPECT_EQ(record->display[i], supers[i]);
  EXPECT_EQ(reinterpret_cast<const GcTypeRecord*>(heap->base() + sub)->display[5], 0u);
}

TEST_F(GcHeapTest, WhatIsReachableIsKeptAndTheRestIsFreed) {
  const GcRef a = heap->allocate(node), b = heap->allocate(node), c = heap->allocate(leaf),
              lost = heap->allocate(leaf);
  const GcRef array = heap->allocate_array(refs, 20'000), in_array = heap->allocate(leaf);
  write(a, 8, b);
  write(b, 12, c);
  write(c, 8, lost);  // not a traced field
  write(array, 8 + 4 * 19'999, in_array);
  roots.stack = {a};
  roots.table = {0, 7, array};
  heap->collect();
  for (const GcRef ref : {a, b, c, array, in_array}) EXPECT_TRUE(is_alive(ref));
  EXPECT_FALSE(is_alive(lost));
  roots.stack = {};
  const std::uint32_t handle = heap->hold(b);
  heap->collect();
  EXPECT_FALSE(is_alive(a));
  EXPECT_TRUE(is_alive(b) && is_alive(c));
  heap->release(handle);
  roots.table = {};
  heap->collect();
  for (const GcRef ref : {b, c, array, in_array}) EXPECT_FALSE(is_alive(ref));
  EXPECT_EQ(heap->hold(0), handle) << "handles are used again";
}

TEST_F(GcHeapTest, AReferenceMovedDuringACycleIsKept) {
  // The classic: while marking, the only reference moves from what is not visited yet to what is.
  heap->set_stress(GcHeap::Stress::step);
  const GcRef array = heap->allocate_array(refs, 1000);
  roots.table = {array};
  for (int round = 0; round < 300; ++round) {
    const GcRef moving = heap->allocate(leaf);
    word(moving, 8) = 77;
    write(array, 8 + 4 * 999, moving);
    for (int k = 0; k < round % 7; ++k) heap->allocate(leaf);
    const GcRef taken = word(array, 8 + 4 * 999);  // on the "stack" of this function, which is no root
    write(array, 8 + 4 * 999, 0);
    write(array, 8, taken);
    for (int k = 0; k < round % 5; ++k) heap->allocate(leaf);
    ASSERT_TRUE(is_alive(moving)) << round;
    ASSERT_EQ(word(moving, 8), 77u);
  }
}

/// Random programs: allocation, writes, moves between roots, in every mode; a model says what each object
/// holds.
class RandomPrograms : public GcHeapTest, public testing::WithParamInterface<GcHeap::Stress> {};

TEST_P(RandomPrograms, ReadWhatTheyWrote) {
  heap->set_stress(GetParam());
  heap->set_limit(16 * kMiB);
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1);
  auto pick = [&](std::size_t n) { return static_cast<std::uint32_t>(random() % n); };
  struct Model {
    std::vector<GcRef> fields;
    std::uint32_t stamp;
  };
  std::map<GcRef, Model> model;
  roots.stack.resize(24);
  roots.table.resize(40);
  auto root = [&]() -> GcRef { return pick(2) ? roots.stack[pick(24)] : roots.table[pick(40)]; };
  auto forget_dead = [&] {
    std::map<GcRef, Model> live;
    std::vector<GcRef> work = roots.stack;
    work.insert(work.end(), roots.table.begin(), roots.table.end());
    while (!work.empty()) {
      const GcRef ref = work.back();
      work.pop_back();
      if (!gc_is_object(ref) || live.contains(ref)) continue;
      live[ref] = model.at(ref);
      for (const GcRef field : model.at(ref).fields) work.push_back(field);
    }
    model = std::move(live);
  };
  const int steps = GetParam() == GcHeap::Stress::none ? 400'000 : 6'000;
  for (int step = 0; step < steps; ++step) {
    const std::uint32_t what = pick(10);
    if (what < 4) {
      const bool array = pick(4) == 0;
      const std::uint32_t length = array ? (pick(50) == 0 ? 30'000 : pick(40)) : 2;
      const GcRef ref = array ? heap->allocate_array(refs, length) : heap->allocate(node);
      ASSERT_NE(ref, 0u);
      model[ref] = {std::vector<GcRef>(length), static_cast<std::uint32_t>(random())};
      if (!array) word(ref, 16) = model[ref].stamp;
      if (pick(2)) {
        roots.stack[pick(24)] = ref;
      } else {
        GcRef& slot = roots.table[pick(40)];
        heap->shade(slot);
        slot = ref;
      }
    } else if (what < 8) {
      const GcRef to = root();
      GcRef from = root();
      if (gc_is_object(from) && !model.at(from).fields.empty() && pick(2)) {
        const auto& fields = model.at(from).fields;
        from = fields[pick(fields.size())];
      }
      if (pick(20) == 0) from = static_cast<std::uint32_t>(random()) | 1;  // an i31
      if (!gc_is_object(to) || model.at(to).fields.empty()) continue;
      const std::uint32_t field = pick(model.at(to).fields.size());
      write(to, 8 + 4 * field, from);
      model.at(to).fields[field] = from;
    } else if (what == 8) {
      roots.stack[pick(24)] = root();
    } else {
      GcRef& slot = roots.table[pick(40)];
      heap->shade(slot);
      slot = pick(3) ? 0 : root();
    }
    if (step % (steps / 60) == 0) {
      forget_dead();
      for (const auto& [ref, object] : model) {
        const auto found = heap->object(ref);
        ASSERT_TRUE(found) << "step " << step;
        const bool array = found->type->kind == GcKind::array;
        ASSERT_EQ(array ? found->length : 2, object.fields.size());
        for (std::uint32_t i = 0; i < object.fields.size(); ++i)
          ASSERT_EQ(word(ref, 8 + 4 * i), object.fields[i]);
        if (!array) {
          ASSERT_EQ(word(ref, 16), object.stamp);
        }
      }
    }
  }
  EXPECT_GT(heap->statistics().cycles, 5u);
  // Nothing but what is reachable survives two cycles.
  forget_dead();
  heap->collect();
  std::uint64_t cells = 0;
  for (const auto& [ref, object] : model) {
    const std::uint64_t size =
        heap->object(ref)->type->kind == GcKind::array ? 8 + 4 * object.fields.size() : 24;
    cells +=
        size <= kGcMaxSmall ? kGcCellSizes[gc_class_of(size)] : (size + kGcBlock - 1) / kGcBlock * kGcBlock;
  }
  EXPECT_LE(heap->used(), cells + kGcClasses * 16 * 1024) << "beside the runs in use";
  EXPECT_GE(heap->used(), cells);
}

INSTANTIATE_TEST_SUITE_P(GcHeap, RandomPrograms,
                         testing::Values(GcHeap::Stress::none, GcHeap::Stress::collect,
                                         GcHeap::Stress::step));

TEST_F(GcHeapTest, AListThatIsLongerThanTheGreyListIsMarked) {
  // Each element of the first array is the head of a list; and one list is very long.
  const std::uint32_t handle = heap->hold(heap->allocate_array(refs, 3'000'000));
  const GcRef array = heap->held(handle);
  for (std::uint32_t i = 0; i < 1'500'000; ++i) write(array, 8 + 4 * i, heap->allocate(leaf));
  GcRef head = 0;
  const std::uint32_t list = heap->hold(0);
  for (std::uint32_t i = 0; i < 500'000; ++i) {
    const GcRef n = heap->allocate(node);
    write(n, 8, head);
    head = n;
    write(array, 8 + 4 * 1'500'000, head);
  }
  heap->collect();
  for (std::uint32_t i = 0; i < 1'500'000; ++i) ASSERT_TRUE(is_alive(word(array, 8 + 4 * i)));
  std::uint32_t length = 0;
  for (GcRef n = head; n; n = word(n, 8)) {
    ASSERT_TRUE(is_alive(n));
    ++length;
  }
  EXPECT_EQ(length, 500'000u);
  heap->release(list);
}

TEST_F(GcHeapTest, AFullHeapRefusesAndRecovers) {
  heap->set_limit(8 * kMiB);
  const std::uint32_t array = heap->hold(heap->allocate_array(refs, 100'000));
  std::uint32_t count = 0;
  for (; count < 100'000; ++count) {
    const GcRef ref = heap->allocate_array(bytes, 1000);
    if (!ref) break;
    write(heap->held(array), 8 + 4 * count, ref);
  }
  EXPECT_GT(count, 7000u);
  EXPECT_LT(count, 8400u);
  EXPECT_EQ(heap->allocate_array(bytes, 1000), 0u);
  EXPECT_EQ(heap->allocate_array(bytes, 0xffffffff), 0u);
  EXPECT_LE(heap->committed(), 8 * kMiB);
  heap->release(array);
  EXPECT_NE(heap->allocate_array(bytes, 5'000'000), 0u);
  EXPECT_LE(heap->committed(), 8 * kMiB);
}

TEST_F(GcHeapTest, EmptyBlocksGoBackToTheHost) {
  const std::uint32_t handle = heap->hold(heap->allocate_array(refs, 40));
  for (std::uint32_t i = 0; i < 40; ++i)
    write(heap->held(handle), 8 + 4 * i, heap->allocate_array(bytes, kMiB));
  const std::uint64_t most = heap->committed();
  EXPECT_GT(most, 40 * kMiB);
  heap->release(handle);
  heap->collect();
  for (int i = 0; i < 3'000'000; ++i) heap->allocate(leaf);
  EXPECT_LT(heap->committed(), most / 3);
}

double cpu_ms() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

// What the issue asks for is measured by bench; here a part of it, for what must hold.
TEST_F(GcHeapTest, ManyTimesTheHeapsSizePassesThroughIt) {
  heap->set_limit(64 * kMiB);
  struct Pauses {
    double began = 0, longest = 0;
  } pauses;
  heap->set_observer({[](void* p) { static_cast<Pauses*>(p)->began = cpu_ms(); },
                      [](void* p) {
                        auto& all = *static_cast<Pauses*>(p);
                        all.longest = std::max(all.longest, cpu_ms() - all.began);
                      },
                      &pauses});
  // Binary trees of about 24 MB that live long, and short-lived ones.
  std::vector<std::uint32_t> kept(64);
  auto tree = [&](auto& self, int depth) -> GcRef {
    const GcRef n = heap->allocate(node);
    if (depth == 0) return n;
    const std::uint32_t handle = heap->hold(n);
    write(heap->held(handle), 8, self(self, depth - 1));
    write(heap->held(handle), 12, self(self, depth - 1));
    heap->release(handle);
    return n;
  };
  for (auto& handle : kept) handle = heap->hold(tree(tree, 13));
  std::mt19937 random(5);
  while (heap->statistics().allocated < 160 * kMiB) {
    tree(tree, 10);
    if (random() % 8 == 0) {
      auto& handle = kept[random() % kept.size()];
      heap->release(handle);
      handle = heap->hold(tree(tree, 13));
    }
  }
  EXPECT_EQ(heap->statistics().forced, 0u);
  EXPECT_LE(heap->committed(), 64 * kMiB);
  std::printf("%.1f MB through 64 MB, %llu cycles, longest pause %.2f ms\n",
              static_cast<double>(heap->statistics().allocated) / 1e6,
              static_cast<unsigned long long>(heap->statistics().cycles), pauses.longest);
}

}  // namespace
}  // namespace nebulet::wasm
