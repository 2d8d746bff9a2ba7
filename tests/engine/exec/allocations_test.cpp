#include "engine/exec/allocations.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

namespace crescent {
namespace {

TEST(AllocationWatch, CountsWhatIsAllocatedAndFreed) {
  AllocationWatch watch;
  {
    const at::Tensor a = at::empty({1000}, at::kFloat);
    EXPECT_EQ(watch.count(), 1);
    EXPECT_EQ(watch.bytes_now(), 4000);
    const at::Tensor b = at::empty({500}, at::kFloat);
    EXPECT_EQ(watch.bytes_now(), 6000);
  }
  EXPECT_EQ(watch.bytes_now(), 0);
  EXPECT_EQ(watch.take_peak(), 6000);
  EXPECT_EQ(watch.take_peak(), 0);
  EXPECT_EQ(watch.count(), 2);
}

TEST(AllocationWatch, SeesNothingOnceItIsGone) {
  AllocationWatch outer;
  {
    AllocationWatch inner;
    const at::Tensor a = at::empty({10}, at::kFloat);
    EXPECT_EQ(inner.count(), 1);
  }
  EXPECT_EQ(outer.count(), 0);
}

}  // namespace
}  // namespace crescent
