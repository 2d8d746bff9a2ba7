// The kernel against the plain quantize of stored.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/engine/kernels/narrowed.h"

namespace crescent::kernels {
namespace {

/// Rows of normal numbers of very unlike spreads, then rows with something special in them.
std::vector<float> rows_of(int64_t inputs) {
  constexpr float kMost = std::numeric_limits<float>::max();
  std::vector<float> rows;
  for (const float spread : {1.0f, 1e-3f, 1e3f, 1e30f, 1e-30f, 2e-36f, 1e-42f}) {
    Fenced some(inputs);
    some.fill(static_cast<uint32_t>(inputs), spread);
    rows.insert(rows.end(), some.data(), some.data() + inputs);
  }
  for (const float special : {0.0f, -0.0f, std::numeric_limits<float>::infinity(), -HUGE_VALF,
                              std::numeric_limits<float>::quiet_NaN(), kMost, -kMost, 127.0f}) {
    for (int64_t i = 0; i < inputs; ++i)  // at the end, between halves: ties
      rows.push_back(i == inputs - 1 ? special : static_cast<float>(i % 19 - 9) * 0.5f);
  }
  rows.resize(rows.size() + static_cast<size_t>(inputs), 0.0f);
  return rows;
}

TEST(QuantizeRows, StoresTheBitsOfThePlainCodeAndNothingElse) {
  for (Isa isa : available())
    for (const Width width : {Width::fp32, Width::bf16, Width::int8})
      for (const int64_t inputs : {1, 4, 7, 15, 16, 31, 32, 33, 64, 80, 130}) {
        SCOPED_TRACE(testing::Message() << name_of(isa) << " " << name_of(width) << " " << inputs);
        const std::vector<float> from = rows_of(inputs);
        const int64_t rows = static_cast<int64_t>(from.size()) / inputs;
        const Narrowed plain(width, from.data(), {.rows = rows, .inputs = inputs});
        const int64_t bytes = rows * row_bytes(width, inputs);
        Fenced made((bytes + 3) / 4, -7), scales(rows, -7);
        Fenced ends(static_cast<int64_t>(from.size()));  // reading behind the last row is a crash
        std::memcpy(ends.data(), from.data(), from.size() * sizeof(float));
        char* const to = reinterpret_cast<char*>(made.data() + made.size()) - bytes;
        const Quantization job{.from = ends.data(),
                               .from_stride = inputs,
                               .inputs = inputs,
                               .width = width,
                               .to = to,
                               .to_stride = row_bytes(width, inputs),
                               .scales = scales.data()};
        kernels_for(isa).quantize(job, {0, rows / 2});
        kernels_for(isa).quantize(job, {rows / 2, rows});
        EXPECT_EQ(std::memcmp(to, plain.stored().data, static_cast<size_t>(bytes)), 0);
        EXPECT_TRUE(made.intact() && scales.intact());
        for (int64_t row = 0; row < rows; ++row) {
          if (width != Width::int8) EXPECT_EQ(scales[row], -7) << row;
          else if (std::isnan(plain.stored().scales[row])) EXPECT_TRUE(std::isnan(scales[row]));
          else EXPECT_EQ(scales[row], plain.stored().scales[row]) << row;
        }
      }
}

}  // namespace
}  // namespace crescent::kernels
