#include "engine/model/weights.h"

#include <ATen/ops/full.h>

#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

TEST(Weights, KeepATensorWhereItsSpecSaysWithItsOrientation) {
  Weights weights(2);
  const TensorSpec weight{
      .name = "w", .slot = Slot::ffn_up_weight, .layer = 1, .shape = {2, 3}, .in_out = true};
  const at::Tensor tensor = at::empty({2, 3}, at::kFloat);
  weights.set(weight, tensor);
  EXPECT_TRUE(weights.at(weight).is_same(tensor));
  EXPECT_TRUE(weights.at(Slot::ffn_up_weight, 1).is_same(tensor));
  EXPECT_FALSE(weights.at(Slot::ffn_up_weight, 0).defined());
  const Linear linear = weights.linear(Slot::ffn_up_weight, Slot::ffn_up_bias, 1);
  EXPECT_TRUE(linear.weight.is_same(tensor));
  EXPECT_TRUE(linear.in_out);
  EXPECT_FALSE(linear.bias.defined());
}

TEST(Dtypes, GoToLibTorchAndBack) {
  for (const Dtype dtype :
       {Dtype::float64, Dtype::float32, Dtype::float16, Dtype::bfloat16, Dtype::int64, Dtype::int32,
        Dtype::int16, Dtype::int8, Dtype::uint8, Dtype::boolean}) {
    const at::Tensor tensor = at::empty({3}, scalar_type(dtype));
    EXPECT_EQ(dtype_of(tensor), dtype);
    EXPECT_EQ(tensor.element_size(), static_cast<int64_t>(bytes_of(dtype)));
  }
  EXPECT_EQ(message_of([] { dtype_of(at::empty({1}, at::kComplexFloat)); }),
            "no checkpoint holds tensors of dtype ComplexFloat");
}

TEST(Converted, RefusesNumbersThatFloat16CannotHold) {
  const at::Tensor large = at::full({2}, 65536.0, at::kFloat);
  EXPECT_EQ(message_of([&] { converted(large, Dtype::float16, "wte.weight"); }),
            "tensor 'wte.weight': expected numbers within float16's 65504, found larger ones; use "
            "'bfloat16'");
  EXPECT_NO_THROW(converted(large, Dtype::bfloat16, "wte.weight"));
  EXPECT_NO_THROW(converted(at::full({2}, INFINITY, at::kFloat), Dtype::float16, "wte.weight"))
      << "what is infinite already stays so";
}

}  // namespace
}  // namespace crescent::test
