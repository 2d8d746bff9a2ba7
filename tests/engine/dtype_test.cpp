#include "engine/dtype.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

TEST(Dtype, IsFoundByEveryNameThatItHas) {
  for (int i = 0; i <= static_cast<int>(Dtype::boolean); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    EXPECT_GT(bytes_of(dtype), 0u);
  }
  EXPECT_EQ(name_of(Dtype::boolean), "bool");
  EXPECT_EQ(name_of(Dtype::bfloat16), "bfloat16");
}

TEST(Dtype, HasNoOtherNames) {
  EXPECT_EQ(dtype_from_name("F32"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);
}

}  // namespace
}  // namespace crescent
