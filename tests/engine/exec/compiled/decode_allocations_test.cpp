// A decode step of levels 2 and 3 takes no memory: not LibTorch's, not the heap's.
#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/exec/allocations.h"
#include "engine/exec/sampler.h"
#include "engine/exec/session.h"
#include "tests/engine/exec/fixture.h"

namespace {
std::atomic<int64_t> news{0};
}

// All forms end in these; a sanitizer's own form without exceptions would not. Inlined, GCC would
// warn of a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  news.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes ? bytes : 1);
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* place = operator new(bytes, std::nothrow)) return place;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, const std::nothrow_t& quietly) noexcept {
  return operator new(bytes, quietly);
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

namespace crescent::test {
namespace {

class DecodeStep : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(DecodeStep, TakesNoMemory) {
  const auto model = load(std::get<0>(GetParam()), std::get<1>(GetParam()));
  const auto session = Session::open(model, 1, 30);
  Sampler greedy{SamplingOptions{}};
  const auto step = [&](int32_t id) {
    const at::Tensor logits = session->feed(std::span<const int32_t>(&id, 1), {.last_only = true});
    return greedy.pick({logits.data_ptr<float>(), static_cast<size_t>(logits.numel())},
                       session->ids());
  };
  const std::vector<int32_t> prompt{1, 2, 3, 4, 5};
  session->feed(std::span<const int32_t>(prompt), {.last_only = true});
  int32_t id = step(6);  // the first makes room for the logits
  for (const int count : {1, 2}) {
    set_threads(count);
    id = step(id);  // a new team
    const AllocationWatch watch;
    const int64_t before = news;
    for (int i = 0; i < 8; ++i) id = step(id);
    EXPECT_EQ(news - before, 0) << count << " threads";
    EXPECT_EQ(watch.count(), 0) << count << " threads";
  }
  set_threads(1);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DecodeStep,
                         testing::Combine(testing::Values("gpt2", "llama", "llama_bf16_sharded"),
                                          testing::Values(2, 3)),
                         folder_and_level);

TEST(DecodeStep, OfLevel1TakesSome) {
  const auto session = Session::open(load("gpt2", 1), 1, 30);
  const std::vector<int32_t> prompt{1, 2, 3};
  session->feed(std::span<const int32_t>(prompt), {.last_only = true});
  const AllocationWatch watch;
  const int64_t before = news;
  session->feed(std::span<const int32_t>(prompt), {.last_only = true});
  EXPECT_GT(news - before, 0);
  EXPECT_GT(watch.count(), 0) << "both counters count";
}

}  // namespace
}  // namespace crescent::test
