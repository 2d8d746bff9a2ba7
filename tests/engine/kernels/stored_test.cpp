#include "engine/kernels/stored.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tests/engine/kernels/narrowed.h"

namespace crescent::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// IEEE 754, by its definition.
double half_plainly(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double sign = half >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? kNan : sign * kInfinity;
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Halves, AreReadExactlyAndWrittenBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const double plain = half_plainly(half);
    if (std::isnan(plain)) {
      EXPECT_TRUE(std::isnan(float_of_half(half))) << bits;
      EXPECT_TRUE(std::isnan(half_plainly(half_of(float_of_half(half))))) << bits;
      continue;
    }
    ASSERT_EQ(float_of_half(half), plain) << bits;
    ASSERT_EQ(half_of(float_of_half(half)), half) << bits;
  }
}

TEST(Halves, AreTheNearestAndOfTwoTheEvenOne) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto lower = static_cast<uint16_t>(bits), upper = static_cast<uint16_t>(bits + 1);
    const float middle = static_cast<float>((half_plainly(lower) + half_plainly(upper)) / 2);
    ASSERT_EQ(half_of(middle), bits % 2 == 0 ? lower : upper) << bits;
    ASSERT_EQ(half_of(std::nextafter(middle, 0.0f)), lower) << bits;
    ASSERT_EQ(half_of(std::nextafter(middle, kInfinity)), upper) << bits;
    ASSERT_EQ(half_of(-middle), 0x8000 | half_of(middle)) << bits;
  }
  EXPECT_EQ(half_of(65519.99f), 0x7bff);
  EXPECT_EQ(half_of(65520), 0x7c00);
  EXPECT_EQ(half_of(-kInfinity), 0xfc00);
}

TEST(Bf16, IsTheNearestAndOfTwoTheEvenOne) {
  const auto stored = [](float x) { return Narrowed(Width::bf16, &x, {1, 1}).row(0)[0]; };
  for (const uint32_t upper : {0x3f80u, 0x3f81u, 0x0001u, 0x0080u, 0xc2f7u, 0x7f7eu}) {
    const auto from = [&](uint32_t lower) { return std::bit_cast<float>(upper << 16 | lower); };
    const float here = from(0), next = std::bit_cast<float>((upper + 1) << 16);
    EXPECT_EQ(stored(here), here);
    EXPECT_EQ(stored(from(0x7fff)), here);
    EXPECT_EQ(stored(from(0x8000)), upper % 2 == 0 ? here : next);
    EXPECT_EQ(stored(from(0x8001)), next);
  }
  EXPECT_EQ(stored(std::numeric_limits<float>::max()), kInfinity);
  EXPECT_EQ(stored(-kInfinity), -kInfinity);
  EXPECT_TRUE(std::isnan(stored(kNan)));
  EXPECT_TRUE(std::isnan(stored(std::bit_cast<float>(0x7f800001u))));
}

TEST(RowBytes, AreAFewBitsAWeight) {
  EXPECT_EQ(row_bytes(Width::fp32, 768), 3072);
  EXPECT_EQ(row_bytes(Width::bf16, 768), 1536);
  EXPECT_EQ(row_bytes(Width::int8, 768), 768);
  EXPECT_EQ(row_bytes(Width::int8_grouped, 768), 816);  // 8.5 bits
  EXPECT_EQ(row_bytes(Width::int4, 768), 480);          // 5 bits
  EXPECT_EQ(row_bytes(Width::bf16, 33), 66);
  EXPECT_EQ(row_bytes(Width::int8, 33), 64);
  EXPECT_EQ(row_bytes(Width::int8_grouped, 33), 80);
  EXPECT_EQ(row_bytes(Width::int4, 33), 48);
}

TEST(Quantize, PutsNumbersWhereTheHeaderSays) {
  float x[40] = {};
  for (int k = 0; k < 32; ++k) x[k] = static_cast<float>(k % 16);  // scale 1, minimum 0
  for (int k = 32; k < 40; ++k) x[k] = static_cast<float>(k == 33 ? 30 : 0);
  const Narrowed narrow(Width::int4, x, {1, 40});
  const auto* const words = static_cast<const uint16_t*>(narrow.stored().data);
  for (int k = 0; k < 32; ++k) EXPECT_EQ(words[k % 8] >> k / 8 * 4 & 15, k % 16) << k;
  for (int k = 0; k < 32; ++k)
    EXPECT_EQ(words[8 + k % 8] >> k / 8 * 4 & 15, k == 1 ? 15 : 0) << "the second group, " << k;
  const auto* const halves = words + 16;
  EXPECT_EQ(float_of_half(halves[0]), 1);
  EXPECT_EQ(float_of_half(halves[1]), 2);
  EXPECT_EQ(float_of_half(halves[2]), 0);
  EXPECT_EQ(float_of_half(halves[3]), 0);
  EXPECT_TRUE(narrow.intact());
}

TEST(Quantize, WritesItsRowsAlone) {
  Fenced x(5 * 70);
  x.fill(1);
  for (const Width width : kNarrow) {
    const int64_t stride = row_bytes(width, 70) + 4;
    std::vector<unsigned char> to(static_cast<size_t>(5 * stride), 0xa5);
    std::vector<float> scales(5, -1);
    quantize({.from = x.data(),
              .from_stride = 70,
              .inputs = 70,
              .width = width,
              .to = to.data(),
              .to_stride = stride,
              .scales = scales.data()},
             2, 4);
    for (int64_t i = 0; i < 5 * stride; ++i) {
      const int64_t row = i / stride, at = i % stride;
      if (row < 2 || row >= 4 || at >= row_bytes(width, 70)) {
        ASSERT_EQ(to[static_cast<size_t>(i)], 0xa5) << name_of(width) << ", " << i;
      }
    }
    EXPECT_EQ(scales[1], -1);
    EXPECT_EQ(scales[4], -1);
    EXPECT_EQ(scales[2] > 0, width == Width::int8);
  }
}

/// Half a step, by what the header says of scales; a little more for their own rounding.
double bound_of(Width width, const float* row, int64_t inputs, int64_t k) {
  const int64_t begin = width == Width::int8 ? 0 : k / kGroup * kGroup;
  const int64_t end = width == Width::int8 ? inputs : std::min(inputs, begin + kGroup);
  const auto [least, most] = std::minmax_element(row + begin, row + end);
  const double range = std::max(std::abs(*least), std::abs(*most));
  switch (width) {
    case Width::fp32: return 0;
    case Width::bf16: return std::ldexp(std::abs(row[k]), -8);
    case Width::int8:
    case Width::int8_grouped: return range / 127 * 0.501;
    case Width::int4: return (double{*most} - *least + range / 1024) / 15 * 0.501;
  }
  return 0;
}

const int64_t kInputs[] = {1, 5, 31, 32, 33, 64, 100, 769, 1000};

TEST(Quantize, StaysWithinHalfAStepOfEveryNumber) {
  for (const Width width : kNarrow)
    for (const int64_t inputs : kInputs)
      for (const float middle : {0.0f, 0.3f, -40.0f}) {
        constexpr int64_t kRows = 6;
        Fenced x(kRows * inputs);
        x.fill(7, 0.2f);
        for (int64_t i = 0; i < x.size(); ++i) x[i] += middle;
        const Narrowed narrow(width, x.data(), {kRows, inputs});
        for (int64_t row = 0; row < kRows; ++row) {
          const float* const from = x.data() + row * inputs;
          const auto back = narrow.row(row);
          for (int64_t k = 0; k < inputs; ++k)
            ASSERT_LE(std::abs(double{from[k]} - back[static_cast<size_t>(k)]),
                      bound_of(width, from, inputs, k))
                << name_of(width) << ", " << inputs << " inputs around " << middle << ", " << k;
        }
        ASSERT_TRUE(narrow.intact());
      }
}

TEST(Quantize, OfWhatWasStoredIsTheSameAgain) {
  for (const Width width : kNarrow)
    for (const int64_t inputs : kInputs) {
      Fenced x(40 * inputs);
      x.fill(8, 0.05f);
      const Narrowed once(width, x.data(), {40, inputs});
      Fenced back(40 * inputs);
      for (int64_t row = 0; row < 40; ++row)
        dequantize(once.stored(), inputs, row, back.data() + row * inputs);
      const Narrowed twice(width, back.data(), {40, inputs});
      // A minimum of int4 is itself one of the group's numbers only where they lie around zero.
      const bool exact = width != Width::int4 || inputs % kGroup == 0;
      for (int64_t row = 0; row < 40; ++row)
        for (size_t k = 0; k < static_cast<size_t>(inputs); ++k)
          ASSERT_NEAR(once.row(row)[k], twice.row(row)[k], exact ? 0 : 1e-6)
              << name_of(width) << ", " << inputs << " inputs, " << k;
    }
}

TEST(Quantize, KeepsZerosAndEqualNumbers) {
  for (const Width width : kNarrow)
    for (const float all : {0.0f, 1.0f, -3.0f, 0.37f}) {
      const std::vector<float> x(50, all);
      for (const float back : Narrowed(width, x.data(), {1, 50}).row(0)) {
        EXPECT_NEAR(back, all, std::abs(all) / 256) << name_of(width);
      }
    }
}

TEST(Quantize, MakesARowOrGroupNotANumberWhoseNumbersItCannotStore) {
  for (const float bad : {kNan, kInfinity, -kInfinity, -3e38f}) {
    std::vector<float> x(96, 0.5f);
    x[40] = bad;
    for (const Width width : {Width::int8, Width::int8_grouped, Width::int4}) {
      if (width == Width::int8 && std::isfinite(bad)) continue;  // has fp32 scales
      const auto back = Narrowed(width, x.data(), {1, 96}).row(0);
      for (size_t k = 0; k < 96; ++k)
        EXPECT_EQ(std::isnan(back[k]), width == Width::int8 || k / 32 == 1)
            << name_of(width) << ", " << k << ", " << bad;
    }
  }
}

TEST(Quantize, OfTinyNumbersStaysWithinHalfAStepOfFp16sDenormals) {
  for (const float tiny : {1e-3f, 1e-5f, 1e-6f, 1e-7f, 1e-9f}) {
    Fenced x(64);
    x.fill(9, tiny);
    for (const Width width : {Width::int8_grouped, Width::int4}) {
      const auto back = Narrowed(width, x.data(), {1, 64}).row(0);
      for (int64_t k = 0; k < 64; ++k) {
        const double step = bound_of(width, x.data(), 64, k) + std::ldexp(1, -24);
        ASSERT_NEAR(back[static_cast<size_t>(k)], x[k], step) << name_of(width) << ", " << tiny;
      }
    }
  }
  const float nothing[] = {1e-36f, -2e-37f};
  EXPECT_EQ(Narrowed(Width::int8, nothing, {1, 2}).row(0), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace crescent::kernels
