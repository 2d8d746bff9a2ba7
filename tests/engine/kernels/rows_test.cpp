// Norms, rotary positions, embeddings, transposition.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/memory.h"
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {
namespace {

const int64_t kWidths[] = {1, 2, 7, 8, 24, 31, 33, 64, 100, 768, 1537};

/// What norm.h says, in fp64.
std::vector<double> norm_plainly(const Norm& norm, const float* x, bool centred) {
  const auto width = static_cast<double>(norm.width);
  double mean = 0, squares = 0;
  if (centred) mean = std::accumulate(x, x + norm.width, 0.0) / width;
  for (int64_t i = 0; i < norm.width; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double root = std::sqrt(squares / width + norm.eps);
  std::vector<double> y;
  for (int64_t i = 0; i < norm.width; ++i)
    y.push_back((x[i] - mean) / root * (norm.weight ? norm.weight[i] : 1) +
                (norm.bias ? norm.bias[i] : 0));
  return y;
}

TEST(Norms, AgreeWithThePlainLoopAtAnyWidthAndWriteNothingElse) {
  constexpr int64_t kRows = 3, kGap = 2;
  for (Isa isa : available())
    for (const int64_t width : kWidths)
      for (const bool centred : {true, false})
        for (const bool bare : {true, false}) {
          Fenced x(kRows * (width + kGap)), weight(width), bias(width);
          Fenced y(kRows * (width + kGap), -7);
          x.fill(1, 3), weight.fill(2), bias.fill(3);
          for (int64_t i = 0; i < x.size(); ++i) x[i] += 5;
          const Norm norm = {.x = x.data(),
                             .x_stride = width + kGap,
                             .width = width,
                             .weight = bare ? nullptr : weight.data(),
                             .bias = bare ? nullptr : bias.data(),
                             .eps = 1e-5f,
                             .y = y.data(),
                             .y_stride = width + kGap};
          const Kernels& kernels = kernels_for(isa);
          (centred ? kernels.layer_norm : kernels.rms_norm)(norm, {0, kRows});
          for (int64_t row = 0; row < kRows; ++row) {
            const auto plain = norm_plainly(norm, x.data() + row * norm.x_stride, centred);
            for (int64_t i = 0; i < width; ++i)
              ASSERT_NEAR(y[row * norm.y_stride + i], plain[static_cast<size_t>(i)], 2e-5)
                  << name_of(isa) << ", width " << width << ", row " << row << ", " << i;
            for (int64_t i = width; i < width + kGap; ++i)
              ASSERT_EQ(y[row * norm.y_stride + i], -7);
          }
          ASSERT_TRUE(y.intact());
        }
}

TEST(Norms, GiveARowTheSameBitsAloneInPlaceAndAtAnotherAddress) {
  constexpr int64_t kWidth = 773;
  for (Isa isa : available())
    for (const bool centred : {true, false}) {
      const Kernels& kernels = kernels_for(isa);
      const auto apply = centred ? kernels.layer_norm : kernels.rms_norm;
      Fenced x(4 * kWidth), y(4 * kWidth), alone(kWidth);
      x.fill(1);
      Norm norm = {.x = x.data(),
                   .x_stride = kWidth,
                   .width = kWidth,
                   .eps = 1e-5f,
                   .y = y.data(),
                   .y_stride = kWidth};
      apply(norm, {0, 4});
      for (int64_t i = 0; i < kWidth; ++i) alone[i] = x[2 * kWidth + i];
      norm.x = alone.data();
      norm.y = alone.data();
      apply(norm, {0, 1});
      for (int64_t i = 0; i < kWidth; ++i)
        ASSERT_EQ(alone[i], y[2 * kWidth + i]) << name_of(isa) << ", " << i;
    }
}

TEST(Norms, OfARowOfEqualNumbersAreFinite) {
  for (Isa isa : available()) {
    Fenced x(40, 3), y(40, -7);
    const Norm norm = {.x = x.data(), .width = 40, .eps = 1e-5f, .y = y.data()};
    kernels_for(isa).layer_norm(norm, {0, 1});
    for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(y[i], 0) << name_of(isa);
    kernels_for(isa).rms_norm(norm, {0, 1});
    for (int64_t i = 0; i < 40; ++i) EXPECT_NEAR(y[i], 1, 1e-6) << name_of(isa);
  }
}

TEST(Rotate, TurnsPairsAndLeavesTheRestInPlaceAndElsewhere) {
  struct Heads {
    int64_t head_dim, pairs;
  };
  constexpr int64_t kHeads = 3;
  for (Isa isa : available())
    for (const Heads& is : {Heads{4, 2}, {24, 12}, {64, 32}, {80, 40}, {64, 8}, {7, 3}, {5, 0}}) {
      Fenced x(kHeads * is.head_dim), y(kHeads * is.head_dim, -7), cos(is.pairs), sin(is.pairs);
      x.fill(1);
      for (int64_t i = 0; i < is.pairs; ++i) {
        const double angle = 100 * std::pow(0.1, static_cast<double>(i));
        cos[i] = static_cast<float>(std::cos(angle));
        sin[i] = static_cast<float>(std::sin(angle));
      }
      Rotate job = {.x = x.data(),
                    .x_stride = is.head_dim,
                    .heads = kHeads,
                    .head_dim = is.head_dim,
                    .pairs = is.pairs,
                    .cos = cos.data(),
                    .sin = sin.data(),
                    .y = y.data(),
                    .y_stride = is.head_dim};
      kernels_for(isa).rotate(job);
      for (int64_t head = 0; head < kHeads; ++head) {
        const float* const from = x.data() + head * is.head_dim;
        const float* const to = y.data() + head * is.head_dim;
        for (int64_t i = 0; i < is.pairs; ++i) {
          EXPECT_NEAR(to[i], from[i] * cos[i] - from[i + is.pairs] * sin[i], 1e-6);
          EXPECT_NEAR(to[i + is.pairs], from[i + is.pairs] * cos[i] + from[i] * sin[i], 1e-6);
        }
        for (int64_t i = 2 * is.pairs; i < is.head_dim; ++i) EXPECT_EQ(to[i], from[i]);
      }
      EXPECT_TRUE(y.intact());
      job.y = x.data();
      kernels_for(isa).rotate(job);
      EXPECT_TRUE(x.same_bits(y)) << name_of(isa) << ", " << is.head_dim;
    }
}

TEST(EmbedRows, AddTheRowOfTheTokenAndTheRowOfThePosition) {
  const int64_t ids[] = {4, 0, 4, 2}, position_of[] = {0, 1, 2, 0};
  for (Isa isa : available())
    for (const int64_t width : kWidths)
      for (const bool learned : {true, false}) {
        Fenced tokens(5 * width), positions(3 * width), y(4 * width, -7);
        tokens.fill(1), positions.fill(2);
        const Embed job = {.ids = ids,
                           .tokens = stored(tokens.data(), width),
                           .position_of = learned ? position_of : nullptr,
                           .positions = learned ? positions.data() : nullptr,
                           .positions_stride = width,
                           .width = width,
                           .y = y.data(),
                           .y_stride = width};
        kernels_for(isa).embed(job, {1, 4});
        for (int64_t row = 0; row < 4; ++row)
          for (int64_t i = 0; i < width; ++i) {
            float plain = tokens[ids[row] * width + i];
            if (learned) plain += positions[position_of[row] * width + i];
            ASSERT_EQ(y[row * width + i], row == 0 ? -7 : plain) << name_of(isa);
          }
        ASSERT_TRUE(y.intact());
      }
}

TEST(TransposeColumns, PutEveryValueInItsPlace) {
  struct Shape {
    int64_t rows, columns;
  };
  for (Isa isa : available())
    for (const Shape& is : {Shape{1, 1}, {1, 40}, {40, 1}, {16, 16}, {33, 70}, {130, 15}}) {
      const int64_t to_stride = is.rows + 3;
      Fenced from(is.rows * (is.columns + 1)), to(is.columns * to_stride, -7);
      from.fill(1);
      const Transpose job = {.from = from.data(),
                             .from_stride = is.columns + 1,
                             .rows = is.rows,
                             .to = to.data(),
                             .to_stride = to_stride};
      const int64_t middle = is.columns / 2;
      kernels_for(isa).transpose(job, {middle, is.columns});
      kernels_for(isa).transpose(job, {0, middle});
      for (int64_t c = 0; c < is.columns; ++c)
        for (int64_t r = 0; r < to_stride; ++r)
          ASSERT_EQ(to[c * to_stride + r], r < is.rows ? from[r * job.from_stride + c] : -7)
              << name_of(isa) << ", " << is.rows << " x " << is.columns << ": " << r << ", " << c;
      ASSERT_TRUE(to.intact());
    }
}

TEST(HugePagesOfOurOwn, AreZeroAlignedAndMove) {
  HugePages pages(3'000'000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.data()) % (2 << 20), 0u);
  EXPECT_EQ(pages.bytes(), 3'000'000u);
  for (const size_t at : {size_t{0}, size_t{749'999}}) {
    EXPECT_EQ(pages.floats()[at], 0);
    pages.floats()[at] = 7;
  }
  HugePages moved(std::move(pages));
  EXPECT_EQ(moved.floats()[749'999], 7);
  EXPECT_EQ(HugePages(0).data(), nullptr);
  EXPECT_EQ(HugePages().bytes(), 0u);
}

TEST(HugePagesOfOurOwn, ThatTheSystemHasNotAreAnError) {
  try {
    const HugePages pages(size_t{100} << 40);
    FAIL() << "100 TiB were given";
  } catch (const OutOfMemory& error) {
    const std::string said = error.what();
    EXPECT_TRUE(said.starts_with("a copy of weights in huge pages needs 109951.2 GB, ")) << said;
    EXPECT_TRUE(said.ends_with(" free")) << said;
  }
}

}  // namespace
}  // namespace crescent::kernels
