#include "engine/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/team.h"
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {
namespace {

constexpr Nonlinearity kAll[] = {Nonlinearity::none, Nonlinearity::relu, Nonlinearity::gelu,
                                 Nonlinearity::gelu_tanh, Nonlinearity::silu};

double apply_plainly(Nonlinearity f, double x) {
  switch (f) {
    case Nonlinearity::none: return x;
    case Nonlinearity::relu: return x < 0 ? 0 : x;
    case Nonlinearity::gelu: return x / 2 * std::erfc(-x / std::sqrt(2.0));
    case Nonlinearity::gelu_tanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Nonlinearity::silu: return x / (1 + std::exp(-x));
  }
  return x;
}

double dot_plainly(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += double{a[k]} * b[k];
  return sum;
}

const float* row_of(const Stored& w, int64_t row) {
  return static_cast<const float*>(from_row(w, row).data);
}

/// What matmul.h says, in fp64.
double multiply_plainly(const Matmul& job, int64_t m, int64_t n) {
  const float* const x = job.x + m * job.x_stride;
  double y = dot_plainly(x, row_of(job.w, n), job.inputs);
  if (job.bias) y += job.bias[n];
  y = apply_plainly(job.nonlinearity, y);
  if (job.up.data) {
    double up = dot_plainly(x, row_of(job.up, n), job.inputs);
    if (job.up_bias) up += job.up_bias[n];
    y *= up;
  }
  if (job.residual) y += job.residual[m * job.residual_stride + n];
  return y;
}

struct Shape {
  int64_t rows, inputs, outs;
};

/// A job with everything in it, on numbers of its own; what a test doesn't want it sets to null.
struct Case {
  explicit Case(const Shape& shape, int64_t gap = 0)
      : rows(shape.rows),
        outs(shape.outs),
        x(shape.rows * (shape.inputs + gap)),
        w(shape.outs * (shape.inputs + gap)),
        up(shape.outs * (shape.inputs + gap)),
        bias(shape.outs),
        up_bias(shape.outs),
        residual(shape.rows * (shape.outs + gap)),
        y(shape.rows * (shape.outs + gap), kUntouched) {
    const float spread = 1 / std::sqrt(static_cast<float>(std::max<int64_t>(1, shape.inputs)));
    x.fill(1), w.fill(2, spread), up.fill(3, spread);
    bias.fill(4), up_bias.fill(5), residual.fill(6);
    job = {.x = x.data(),
           .x_stride = shape.inputs + gap,
           .w = stored(w.data(), shape.inputs + gap),
           .inputs = shape.inputs,
           .bias = bias.data(),
           .up = stored(up.data(), shape.inputs + gap),
           .up_bias = up_bias.data(),
           .residual = residual.data(),
           .residual_stride = shape.outs + gap,
           .y = y.data(),
           .y_stride = shape.outs + gap};
  }
  MatmulTile whole() const { return {0, rows, 0, outs}; }
  void run(Isa isa) const { kernels_for(isa).multiply(job, whole()); }
  void run_row_by_row(Isa isa) const {
    for (int64_t m = 0; m < rows; ++m) kernels_for(isa).multiply(job, {m, m + 1, 0, outs});
  }
  void expect_plain() const {
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t n = 0; n < outs; ++n) {
        const double plain = multiply_plainly(job, m, n);
        ASSERT_NEAR(y[m * job.y_stride + n], plain, 1e-5 * (1 + std::abs(plain))) << m << ", " << n;
      }
      for (int64_t n = outs; n < job.y_stride; ++n)
        ASSERT_EQ(y[m * job.y_stride + n], kUntouched) << "written behind row " << m;
    }
    ASSERT_TRUE(y.intact());
  }

  static constexpr float kUntouched = -77.5f;
  int64_t rows, outs;
  Fenced x, w, up, bias, up_bias, residual, y;
  Matmul job;
};

const Shape kShapes[] = {{1, 1, 1},      {1, 7, 1},    {1, 8, 3},      {1, 768, 130},
                         {1, 513, 67},   {2, 24, 5},   {3, 100, 16},   {4, 64, 4},
                         {5, 1030, 7},   {6, 31, 65},  {7, 768, 64},   {8, 96, 33},
                         {9, 513, 13},   {64, 63, 70}, {130, 520, 67}, {600, 300, 401},
                         {265, 257, 33}, {97, 9, 1},   {3, 0, 5},      {8, 6913, 5}};

TEST(Multiply, AgreesWithThePlainLoopsAtAnyShapeUnderEveryInstructionSet) {
  for (Isa isa : available())
    for (const Shape& shape : kShapes)
      for (const int64_t gap : {0, 3}) {
        SCOPED_TRACE(testing::Message() << name_of(isa) << ", " << shape.rows << " x "
                                        << shape.inputs << " x " << shape.outs << " + " << gap);
        Case plain(shape, gap);
        plain.job.bias = plain.job.residual = nullptr;
        plain.job.up = {};
        plain.run(isa);
        plain.expect_plain();
        Case biased(shape, gap);
        biased.job.up = {};
        biased.job.nonlinearity = Nonlinearity::gelu_tanh;
        biased.run(isa);
        biased.expect_plain();
        Case gated(shape, gap);
        gated.job.nonlinearity = Nonlinearity::silu;
        gated.run(isa);
        gated.expect_plain();
        if (HasFatalFailure()) return;
      }
}

TEST(Multiply, AddsToWhatIsThereWhereTheResidualIsTheResult) {
  for (Isa isa : available()) {
    Case apart({5, 70, 67}), here({5, 70, 67});
    apart.run(isa);
    here.y.fill(6);
    here.job.residual = here.y.data();
    here.run(isa);
    EXPECT_TRUE(here.y.same_bits(apart.y)) << name_of(isa);
  }
}

TEST(Multiply, GivesARowTheSameBitsWhateverElseIsComputed) {
  for (Isa isa : available())
    for (const Shape& shape : {Shape{130, 1030, 67}, Shape{130, 61, 9}}) {
      Case many(shape), few(shape);
      many.job.nonlinearity = few.job.nonlinearity = Nonlinearity::gelu;
      many.run(isa);
      few.run_row_by_row(isa);
      for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 97})
        for (const int64_t first : {0, 11}) {
          const Case& all = rows <= kFewRows ? few : many;
          Case some(shape);
          some.job.nonlinearity = Nonlinearity::gelu;
          kernels_for(isa).multiply(some.job, {first, first + rows, 0, shape.outs});
          for (int64_t i = 0; i < some.y.size(); ++i) {
            const bool inside = i >= first * shape.outs && i < (first + rows) * shape.outs;
            ASSERT_EQ(some.y[i], inside ? all.y[i] : Case::kUntouched)
                << name_of(isa) << ", " << rows << " rows from " << first << ", value " << i;
          }
        }
    }
}

TEST(Multiply, GivesTheSameBitsHoweverThreadsSplitIt) {
  for (Isa isa : available())
    for (const int64_t rows : {1, 6, 33}) {
      const Shape shape{rows, 600, 203};
      Case whole(shape);
      whole.run(isa);
      for (const int size : {1, 2, 3, 5}) {
        Case split(shape);
        make_thread_team(size)->run([&](const Rank& rank) {
          const Range outs = share_of(shape.outs, rank, kOutsGrain);
          kernels_for(isa).multiply(split.job, {0, rows, outs.begin, outs.end});
        });
        EXPECT_TRUE(split.y.same_bits(whole.y)) << name_of(isa) << ", " << size << " threads";
        Case by_rows(shape);
        make_thread_team(size)->run([&](const Rank& rank) {
          const Range part = share_of(rows, rank);
          kernels_for(isa).multiply(by_rows.job, {part.begin, part.end, 0, shape.outs});
        });
        if (rows <= kFewRows || rows / size > kFewRows) {
          EXPECT_TRUE(by_rows.y.same_bits(whole.y)) << name_of(isa) << ", " << size << " threads";
        }
      }
    }
}

TEST(Multiply, CarriesANotANumberToItsRowAndItsOutsAlone) {
  for (Isa isa : available())
    for (const Nonlinearity f : kAll) {
      Case job({6, 40, 20});
      job.job.nonlinearity = f;
      job.x[2 * 40 + 39] = std::numeric_limits<float>::quiet_NaN();
      job.w[7 * 40 + 3] = std::numeric_limits<float>::quiet_NaN();
      job.run(isa);
      for (int64_t m = 0; m < 6; ++m)
        for (int64_t n = 0; n < 20; ++n)
          EXPECT_EQ(std::isnan(job.y[m * 20 + n]), m == 2 || n == 7)
              << name_of(isa) << ", " << m << ", " << n;
    }
}

TEST(Nonlinearity, IsExactToAFewUnitsOverAllThatAModelMeets) {
  // One input of weight 1: y = f(x).
  constexpr int64_t kCount = 20'001;
  Fenced x(kCount), w(1, 1), y(kCount);
  for (int64_t i = 0; i < kCount; ++i) x[i] = static_cast<float>(i - kCount / 2) * 0.0031f;
  for (Isa isa : available())
    for (const Nonlinearity f : kAll) {
      const Matmul job = {.x = x.data(),
                          .x_stride = 1,
                          .w = stored(w.data(), 1),
                          .inputs = 1,
                          .nonlinearity = f,
                          .y = y.data(),
                          .y_stride = 1};
      kernels_for(isa).multiply(job, {0, kCount, 0, 1});
      for (int64_t i = 0; i < kCount; ++i)
        ASSERT_NEAR(y[i], apply_plainly(f, x[i]), 5e-7 * std::max(1.0f, std::abs(x[i])))
            << name_of(isa) << ", " << static_cast<int>(f) << " of " << x[i];
    }
}

TEST(Nonlinearity, StaysInBoundsForHugeNumbers) {
  Fenced x(4), w(1, 1), y(4);
  x[0] = -1e30f, x[1] = -200, x[2] = 200, x[3] = 1e30f;
  for (Isa isa : available())
    for (const Nonlinearity f : kAll) {
      if (f == Nonlinearity::none) continue;
      const Matmul job = {.x = x.data(),
                          .x_stride = 1,
                          .w = stored(w.data(), 1),
                          .inputs = 1,
                          .nonlinearity = f,
                          .y = y.data(),
                          .y_stride = 1};
      kernels_for(isa).multiply(job, {0, 4, 0, 1});
      EXPECT_EQ(y[0], 0) << name_of(isa) << ", " << static_cast<int>(f);
      EXPECT_EQ(y[1], 0) << name_of(isa) << ", " << static_cast<int>(f);
      EXPECT_EQ(y[2], 200) << name_of(isa) << ", " << static_cast<int>(f);
      EXPECT_EQ(y[3], 1e30f) << name_of(isa) << ", " << static_cast<int>(f);
    }
}

}  // namespace
}  // namespace crescent::kernels
