// Products and embeddings with weights that are stored narrower than fp32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/team.h"
#include "tests/engine/kernels/narrowed.h"

namespace crescent::kernels {
namespace {

struct Shape {
  int64_t rows, inputs, outs;
};

/// y = silu(x w^T + bias) * (x up^T + up_bias) + residual, or without a gate.
struct Case {
  Case(Width width, const Shape& shape, bool gated, int64_t gap_bytes = 0)
      : is(shape),
        x(is.rows * (is.inputs + 3)),
        w_floats(filled(is.outs * is.inputs, 2)),
        up_floats(filled(is.outs * is.inputs, 3)),
        w(width, w_floats.data(), {is.outs, is.inputs, gap_bytes}),
        up(width, up_floats.data(), {is.outs, is.inputs, gap_bytes}),
        bias(is.outs),
        y(is.rows * is.outs, kUntouched) {
    x.fill(1), bias.fill(4);
    job = {.x = x.data(),
           .x_stride = is.inputs + 3,
           .w = w.stored(),
           .inputs = is.inputs,
           .bias = bias.data(),
           .nonlinearity = gated ? Nonlinearity::silu : Nonlinearity::none,
           .y = y.data(),
           .y_stride = is.outs};
    if (gated) job.up = up.stored();
  }
  std::vector<float> filled(int64_t count, uint32_t seed) const {
    Fenced random(count);
    random.fill(seed, 1 / std::sqrt(static_cast<float>(std::max<int64_t>(1, is.inputs))));
    return {random.data(), random.data() + count};
  }
  void run(Isa isa) const { kernels_for(isa).multiply(job, {0, is.rows, 0, is.outs}); }

  /// x[m], rounded as matmul.h says where the rows are few and the weights integers.
  std::vector<double> row_of_x(int64_t m) const {
    const float* const from = x.data() + m * job.x_stride;
    std::vector<double> row(from, from + is.inputs);
    if (is.rows > kFewRows || job.w.width == Width::bf16) return row;
    for (size_t first = 0; first < row.size(); first += kGroup) {
      const size_t end = std::min(row.size(), first + kGroup);
      float most = 0;
      for (size_t k = first; k < end; ++k) most = std::max(most, std::abs(from[k]));
      if (most < 1e-30f) most = 0;
      for (size_t k = first; k < end; ++k)
        row[k] = most > 0 ? double{std::nearbyint(from[k] * (32767 / most))} * (most / 32767) : 0;
    }
    return row;
  }
  double dot(const Narrowed& side, int64_t m, int64_t n) const {
    const auto row = side.row(n);
    const auto of_x = row_of_x(m);
    double sum = 0;
    for (size_t k = 0; k < of_x.size(); ++k) sum += of_x[k] * row[k];
    return sum;
  }
  double plainly(int64_t m, int64_t n) const {
    const double sum = dot(w, m, n) + bias[n];
    return job.up.data ? sum / (1 + std::exp(-sum)) * dot(up, m, n) : sum;
  }

  static constexpr float kUntouched = -77.5f;
  Shape is;
  Fenced x;
  std::vector<float> w_floats, up_floats;
  Narrowed w, up;
  Fenced bias, y;
  Matmul job;
};

/// Tiles of bf16 take 16 bits of a float, all else takes all of them.
bool takes_tiles(Isa isa, int64_t rows) { return isa == Isa::amx && rows > kFewRows; }

const Shape kShapes[] = {{1, 1, 1},     {1, 7, 3},    {1, 32, 4},    {1, 33, 9},   {1, 768, 130},
                         {1, 1600, 21}, {1, 813, 67}, {2, 24, 5},    {3, 100, 16}, {4, 64, 4},
                         {5, 1030, 7},  {6, 31, 65},  {7, 768, 64},  {8, 96, 33},  {9, 813, 13},
                         {64, 63, 70},  {1, 801, 5},  {75, 900, 21}, {1, 0, 5},    {9, 0, 5},
                         {3, 6913, 5},  {1, 7000, 9}, {11, 6500, 3}};

TEST(NarrowMultiply, AgreesWithThePlainLoopsAtAnyShapeUnderEveryInstructionSet) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const Shape& shape : kShapes)
        for (const bool gated : {false, true}) {
          Case job(width, shape, gated, gated ? 12 : 0);
          const double bound = takes_tiles(isa, shape.rows) ? 5e-5 : 1e-5;
          job.run(isa);
          for (int64_t m = 0; m < shape.rows; ++m)
            for (int64_t n = 0; n < shape.outs; ++n) {
              const double plain = job.plainly(m, n);
              ASSERT_NEAR(job.y[m * shape.outs + n], plain, bound * (1 + std::abs(plain)))
                  << name_of(isa) << ", " << name_of(width) << ", " << shape.rows << " x "
                  << shape.inputs << " x " << shape.outs << ": " << m << ", " << n;
            }
          ASSERT_TRUE(job.y.intact());
        }
}

TEST(NarrowMultiply, GivesTheBitsOfFloatsThatWereStoredNarrowerBefore) {
  for (Isa isa : available())
    for (const Width width : {Width::bf16, Width::int8_grouped, Width::int4})
      for (const Shape& shape : kShapes) {
        if (shape.inputs == 0 || (shape.rows <= kFewRows && width != Width::bf16)) continue;
        if (takes_tiles(isa, shape.rows)) continue;
        Case narrow(width, shape, true), wide(width, shape, true);
        narrow.run(isa);
        for (int64_t n = 0; n < shape.outs; ++n) {
          dequantize(wide.w.stored(), shape.inputs, n, wide.w_floats.data() + n * shape.inputs);
          dequantize(wide.up.stored(), shape.inputs, n, wide.up_floats.data() + n * shape.inputs);
        }
        wide.job.w = stored(wide.w_floats.data(), shape.inputs);
        wide.job.up = stored(wide.up_floats.data(), shape.inputs);
        wide.run(isa);
        ASSERT_TRUE(narrow.y.same_bits(wide.y)) << name_of(isa) << ", " << name_of(width) << ", "
                                                << shape.rows << " x " << shape.inputs;
      }
}

TEST(NarrowMultiply, TakesAGroupOfXWithANumberThatIsNotFiniteForNone) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const float broken :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        for (const int64_t rows : {1, 6, 12}) {
          Case job(width, {rows, 100, 20}, false);
          job.x[(rows - 1) * job.job.x_stride + 99] = broken;
          job.run(isa);
          for (int64_t m = 0; m < rows; ++m)
            for (int64_t n = 0; n < 20; ++n)
              EXPECT_EQ(std::isfinite(job.y[m * 20 + n]), m != rows - 1)
                  << name_of(isa) << ", " << name_of(width) << ", " << m << ", " << n;
        }
}

TEST(NarrowMultiply, TakesNumbersOfAnySizeAsFewRows) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const float size : {0.0f, 1e-38f, 1e-31f, 1e-25f, 1e25f}) {
        Case job(width, {2, 100, 20}, false);
        for (int64_t i = 0; i < 2 * job.job.x_stride; ++i) job.x[i] *= size;
        job.bias.fill(4, 0);
        job.run(isa);
        for (int64_t m = 0; m < 2; ++m)
          for (int64_t n = 0; n < 20; ++n)
            ASSERT_NEAR(job.y[m * 20 + n], job.plainly(m, n), 1e-4 * size + 1e-29)
                << name_of(isa) << ", " << name_of(width) << ", times " << size;
      }
}

TEST(NarrowMultiply, GivesARowTheSameBitsWhateverElseIsComputed) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const Shape& shape : {Shape{80, 1030, 67}, Shape{80, 61, 9}}) {
        Case many(width, shape, true), few(width, shape, true);
        many.run(isa);
        for (int64_t m = 0; m < shape.rows; ++m)
          kernels_for(isa).multiply(few.job, {m, m + 1, 0, shape.outs});
        for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 64})
          for (const int64_t first : {0, 11}) {
            const Case& all = rows <= kFewRows ? few : many;
            Case some(width, shape, true);
            kernels_for(isa).multiply(some.job, {first, first + rows, 0, shape.outs});
            for (int64_t i = 0; i < some.y.size(); ++i) {
              const bool inside = i >= first * shape.outs && i < (first + rows) * shape.outs;
              ASSERT_EQ(some.y[i], inside ? all.y[i] : Case::kUntouched)
                  << name_of(isa) << ", " << name_of(width) << ", " << rows << " rows from "
                  << first << ", value " << i;
            }
          }
      }
}

TEST(NarrowMultiply, GivesTheSameBitsHoweverThreadsSplitIt) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const int64_t rows : {1, 6, 33}) {
        const Shape shape{rows, 600, 203};
        Case whole(width, shape, true);
        whole.run(isa);
        for (const int size : {2, 3, 5}) {
          Case split(width, shape, true);
          make_thread_team(size)->run([&](const Rank& rank) {
            const Range outs = share_of(shape.outs, rank, kOutsGrain);
            kernels_for(isa).multiply(split.job, {0, rows, outs.begin, outs.end});
          });
          EXPECT_TRUE(split.y.same_bits(whole.y))
              << name_of(isa) << ", " << name_of(width) << ", " << size << " threads";
        }
      }
}

TEST(NarrowMultiply, CarriesANotANumberToItsRowAndItsOutsAlone) {
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const int64_t rows : {1, 6, 12}) {
        const Shape shape{rows, 50, 20};
        Case job(width, shape, false);
        job.w_floats[7 * 50 + 49] = std::numeric_limits<float>::quiet_NaN();
        const Narrowed broken(width, job.w_floats.data(), {20, 50});
        job.job.w = broken.stored();
        job.run(isa);
        for (int64_t m = 0; m < rows; ++m)
          for (int64_t n = 0; n < 20; ++n)
            EXPECT_EQ(std::isnan(job.y[m * 20 + n]), n == 7)
                << name_of(isa) << ", " << name_of(width) << ", " << m << ", " << n;
      }
}

TEST(NarrowEmbedRows, AddTheStoredRowAndTheRowOfThePosition) {
  const int64_t ids[] = {4, 0, 4, 2}, position_of[] = {0, 1, 2, 0};
  for (Isa isa : available())
    for (const Width width : kNarrow)
      for (const int64_t inputs : {1, 7, 32, 100, 768, 801, 1537})
        for (const bool learned : {true, false}) {
          Fenced tokens(5 * inputs), positions(3 * inputs), y(4 * inputs, -7);
          tokens.fill(1), positions.fill(2);
          const Narrowed narrow(width, tokens.data(), {5, inputs, 8});
          const Embed job = {.ids = ids,
                             .tokens = narrow.stored(),
                             .position_of = learned ? position_of : nullptr,
                             .positions = learned ? positions.data() : nullptr,
                             .positions_stride = inputs,
                             .width = inputs,
                             .y = y.data(),
                             .y_stride = inputs};
          kernels_for(isa).embed(job, {1, 4});
          for (int64_t row = 0; row < 4; ++row) {
            const auto token = narrow.row(ids[row]);
            for (int64_t i = 0; i < inputs; ++i) {
              float plain = token[static_cast<size_t>(i)];
              if (learned) plain += positions[position_of[row] * inputs + i];
              ASSERT_EQ(y[row * inputs + i], row == 0 ? -7 : plain)
                  << name_of(isa) << ", " << name_of(width) << ", " << inputs << ": " << i;
            }
          }
          ASSERT_TRUE(y.intact());
        }
}

}  // namespace
}  // namespace crescent::kernels
