// y = f(x w^T + bias): see matmul.h. Compiled once per instruction set.
//
// Both x and w lie in memory along K, so a sum's partial sums are the lanes of a vector along K and
// nothing is packed: a tile of 3 rows and 4 outs loads 7 vectors for 12 fused multiply-adds, which
// one core of AVX2 does at its peak. What differs with the number of rows is only the order in
// which tiles are done: few rows stream w once, in the order of memory; many rows are cut so that
// a panel of x stays in the second cache and four rows of w in the first.
#include "engine/kernels/parts.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/tile.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kInputsBlock = 768;  // of K: partial sums are added up at its multiples
constexpr int64_t kFew = 8;            // rows up to which w is streamed
constexpr int64_t kSums = 72 * 64;     // that wait for their epilogue
constexpr int64_t kRowsBlock = 72;     // of x: 192 KiB a block of K, beside w in 512 KiB

void sum_many(const Corner& at, int64_t rows, int64_t outs, int64_t inputs) {
  for (int64_t k = 0; k < inputs || k == 0; k += kInputsBlock)
    add_columns({at.x + k, at.x_stride, at.w + k, at.w_stride, at.sums, at.sums_stride}, rows, outs,
                less_of(kInputsBlock, inputs - k), k == 0);
}

/// A few rows: each tile takes its four outs a quarter of the block apart, so that w is read in
/// four streams that go on from row to row. Four neighbouring rows at a time end too soon for the
/// processor to see that they are streams: 17 GB/s instead of 31 (Zen 3, K = 768), and prefetch
/// instructions did not make up for it.
void sum_few(const Corner& at, int64_t rows, int64_t outs, int64_t inputs) {
  const int64_t apart = outs / kOuts, rest = apart * kOuts;
  Corner here = at;
  for (int64_t n = 0; n < apart; ++n) {
    here.sums = at.sums + n;
    for (int64_t k = 0; k < inputs || k == 0; k += kInputsBlock) {
      here.x = at.x + k;
      here.w = at.w + n * at.w_stride + k;
      add_column<kOuts>(here, rows, less_of(kInputsBlock, inputs - k), k == 0, apart);
    }
  }
  here = {at.x,        at.x_stride,    at.w + rest * at.w_stride,
          at.w_stride, at.sums + rest, at.sums_stride};
  sum_many(here, rows, outs - rest, inputs);
}

/// erf within 3e-7: x P(x^2) / Q(x^2) on [-4, 4], as Eigen's; 1 there to fp32's precision.
Floats erf_of(Floats x) {
  const Floats within = x < -4.0f ? all(-4) : x > 4.0f ? all(4) : x;
  const Floats square = within * within;
  Floats p = fma(all(-2.72614225801306e-10f), square, all(2.77068142495902e-08f));
  p = fma(p, square, all(-2.10102402082508e-06f));
  p = fma(p, square, all(-5.69250639462346e-05f));
  p = fma(p, square, all(-7.34990630326855e-04f));
  p = fma(p, square, all(-2.95459980854025e-03f));
  p = fma(p, square, all(-1.60960333262415e-02f));
  Floats q = fma(all(-1.45660718464996e-05f), square, all(-2.13374055278905e-04f));
  q = fma(q, square, all(-1.68282697438203e-03f));
  q = fma(q, square, all(-7.37332916720468e-03f));
  q = fma(q, square, all(-1.42647390514189e-02f));
  return within * p / q;
}

Floats apply(Nonlinearity f, Floats x) {
  switch (f) {
    case Nonlinearity::none: return x;
    case Nonlinearity::relu: return x < 0.0f ? Floats{} : x;
    case Nonlinearity::gelu: return 0.5f * x * (1.0f + erf_of(x * 0.70710678118654752f));
    case Nonlinearity::gelu_tanh: {
      // (1 + tanh u) / 2 = 1 / (1 + e^-2u)
      const Floats u = 0.79788456080286536f * (x + 0.044715f * x * x * x);
      return x / (1.0f + exp_of(-2.0f * u));
    }
    case Nonlinearity::silu: return x / (1.0f + exp_of(-x));
  }
  return x;
}

/// Sums of one row, from out `n` on, to y.
void finish_row(const Matmul& job, int64_t m, int64_t n, int64_t outs, const float* sums,
                const float* up_sums) {
  float* const y = job.y + m * job.y_stride + n;
  const float* const residual = job.residual ? job.residual + m * job.residual_stride + n : nullptr;
  for (int64_t i = 0; i < outs; i += kLanes) {
    const int64_t lanes = less_of(kLanes, outs - i);
    const auto get = [&](const float* from) __attribute__((always_inline)) {
      return lanes == kLanes ? load(from) : load_first(from, lanes);
    };
    Floats value = get(sums + i);
    if (job.bias) value += get(job.bias + n + i);
    value = apply(job.nonlinearity, value);
    if (job.up) {
      Floats up = get(up_sums + i);
      if (job.up_bias) up += get(job.up_bias + n + i);
      value *= up;
    }
    if (residual) value += get(residual + i);
    if (lanes == kLanes) {
      store(y + i, value);
    } else {
      store_first(y + i, value, lanes);
    }
  }
}

}  // namespace

void multiply(const Matmul& job, const MatmulTile& tile) {
  alignas(64) float sums[kSums], up_sums[kSums];
  const bool few = tile.rows_end - tile.rows_begin <= kFew;
  const auto sum = few ? sum_few : sum_many;
  const int64_t rows_block = few ? kFew : kRowsBlock, outs_block = kSums / rows_block;
  for (int64_t m = tile.rows_begin; m < tile.rows_end; m += rows_block) {
    const int64_t rows = less_of(rows_block, tile.rows_end - m);
    const float* const x = job.x + m * job.x_stride;
    for (int64_t n = tile.outs_begin; n < tile.outs_end; n += outs_block) {
      const int64_t outs = less_of(outs_block, tile.outs_end - n);
      sum({x, job.x_stride, job.w + n * job.w_stride, job.w_stride, sums, outs_block}, rows, outs,
          job.inputs);
      if (job.up)
        sum({x, job.x_stride, job.up + n * job.up_stride, job.up_stride, up_sums, outs_block}, rows,
            outs, job.inputs);
      for (int64_t row = 0; row < rows; ++row)
        finish_row(job, m + row, n, outs, sums + row * outs_block, up_sums + row * outs_block);
    }
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
