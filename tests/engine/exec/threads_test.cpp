#include "engine/exec/threads.h"

#include <ATen/Parallel.h>

#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

class Threads : public testing::Test {
  void TearDown() override { set_threads(1); }
};
class ThreadsOfLevels : public testing::TestWithParam<int> {
  void TearDown() override { set_threads(1); }
};

TEST_F(Threads, ReachLibTorchAtOnceAndAtEveryChange) {
  apply_threads();
  EXPECT_EQ(at::get_num_threads(), threads());
  set_threads(3);
  EXPECT_EQ(at::get_num_threads(), 3);
}

TEST_P(ThreadsOfLevels, DoNotChangeWhatAModelComputes) {
  const auto model = load("llama", GetParam());
  const Expected expected("llama");
  const Prompt& prompt = expected.prompts()[1];
  const at::Tensor ids = ids_tensor(*model, prompt.ids);
  set_threads(2);
  const at::Tensor first = forward(*model, ids), second = forward(*model, ids);
  EXPECT_TRUE(same_bits(first, second));
  EXPECT_LE(max_abs_difference(first[0], expected.array("p1.logits")), prompt.tolerance_max_abs);
}

INSTANTIATE_TEST_SUITE_P(Levels, ThreadsOfLevels, testing::Values(1, 2));

}  // namespace
}  // namespace crescent::test
