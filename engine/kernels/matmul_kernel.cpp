// y = f(x w^T + bias): see matmul.h. Compiled once per instruction set.
//
// Both x and w lie in memory along K, so a sum's partial sums are the lanes of a vector along K and
// w is never packed: a tile of 3 rows and 4 outs loads 7 vectors for 12 fused multiply-adds, which
// a core with AVX2 can do at its peak. What differs with the number of rows is only the order in
// which tiles are done: few rows stream w once; many rows are cut so that a panel of x, packed once
// for 256 outs, stays in the second cache and four rows of w in the first.
#include "engine/kernels/few.h"
#include "engine/kernels/parts.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kRowsBlock = 72;  // of x: 216 KiB a block of K, beside w in 512 KiB
constexpr int64_t kManyOuts = 256;  // whose sums wait for the next block of K

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
    if (job.w.scales) value *= get(job.w.scales + n + i);
    if (job.bias) value += get(job.bias + n + i);
    value = apply(job.nonlinearity, value);
    if (job.up.data) {
      Floats up = get(up_sums + i);
      if (job.up.scales) up *= get(job.up.scales + n + i);
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

/// Sums to y, row by row.
void finish(const Matmul& job, const MatmulTile& tile, const float* sums, const float* up_sums,
            int64_t stride) {
  for (int64_t m = tile.rows_begin; m < tile.rows_end; ++m, sums += stride, up_sums += stride)
    finish_row(job, m, tile.outs_begin, tile.outs_end - tile.outs_begin, sums, up_sums);
}

/// (rows, `inputs` of K), rows `to_stride` apart. Where rows lie a multiple of 4 KiB apart, as
/// those of 3072 floats do, seven of them would fill the eight ways of the same sets of the first
/// cache.
void pack(const float* from, int64_t stride, int64_t rows, int64_t inputs, float* to,
          int64_t to_stride) {
  for (int64_t m = 0; m < rows; ++m, from += stride, to += to_stride) {
    int64_t k = 0;
    for (; k + kLanes <= inputs; k += kLanes) store(to + k, load(from + k));
    for (; k < inputs; ++k) to[k] = from[k];
  }
}

void multiply_few(const Matmul& job, const MatmulTile& tile) {
  constexpr int64_t kOutsBlock = 512, kPanel = kPanelBlocks * kInputsBlock;
  alignas(64) float sums[kFew * kOutsBlock], up_sums[kFew * kOutsBlock];
  alignas(64) float panel[kPanelBlocks * kFew * kPanelStride];
  const float* const x = job.x + tile.rows_begin * job.x_stride;
  const int64_t rows = tile.rows_end - tile.rows_begin;
  for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kOutsBlock) {
    const int64_t outs = less_of(kOutsBlock, tile.outs_end - n);
    for (int64_t begin = 0; begin < job.inputs || begin == 0; begin += kPanel) {
      const int64_t end = less_of(begin + kPanel, job.inputs);
      if (rows > 1 && (n == tile.outs_begin || job.inputs > kPanel)) {
        for (int64_t k = begin; k < end; k += kInputsBlock)
          pack(x + k, job.x_stride, rows, less_of(kInputsBlock, end - k),
               panel + (k - begin) / kInputsBlock * rows * kPanelStride, kPanelStride);
      }
      const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
        const FewRows at{
            rows > 1 ? panel : x + begin, from_row(w, n), job.inputs, begin, end, to, kOutsBlock};
        with_width(w.width, [&]<Width kWidth>() { stream<kWidth>(at, rows, outs); });
      };
      add(job.w, sums);
      if (job.up.data) add(job.up, up_sums);
    }
    finish(job, {tile.rows_begin, tile.rows_end, n, n + outs}, sums, up_sums, kOutsBlock);
  }
}

/// A block of K of x, packed, and rows of w.
struct Panel {
  const float* x;
  Stored w;
  int64_t inputs;  ///< K
  float* sums;
};

/// Columns of tiles over a block of K; narrow weights are widened four rows at a time.
template <Width kWidth>
void add_block(const Panel& panel, int64_t rows, int64_t outs, const Block& block) {
  Corner at{panel.x, block.count, nullptr, kInputsBlock, panel.sums, kManyOuts};
  if constexpr (kWidth == Width::fp32) {
    at.w = static_cast<const float*>(panel.w.data) + block.begin;
    at.w_stride = panel.w.stride / int64_t{sizeof(float)};
    return add_columns(at, rows, outs, block.count, block.begin == 0);
  }
  alignas(64) float wide[kOuts * kInputsBlock];
  at.w = wide;
  for (int64_t n = 0; n < outs; n += kOuts, at.sums += kOuts) {
    const int64_t count = less_of(kOuts, outs - n);
    for (int64_t i = 0; i < count; ++i)
      widen<kWidth>(panel.w, n + i, panel.inputs, block.begin, block.count,
                    wide + i * kInputsBlock);
    add_columns(at, rows, count, block.count, block.begin == 0);
  }
}

/// At most kRowsBlock rows and kManyOuts outs.
void multiply_many(const Matmul& job, const MatmulTile& tile) {
  alignas(64) float panel[kRowsBlock * kInputsBlock];
  alignas(64) float sums[kRowsBlock * kManyOuts], up_sums[kRowsBlock * kManyOuts];
  const int64_t rows = tile.rows_end - tile.rows_begin, n = tile.outs_begin;
  const int64_t outs = tile.outs_end - n;
  for (int64_t k = 0; k < job.inputs || k == 0; k += kInputsBlock) {
    const int64_t inputs = less_of(kInputsBlock, job.inputs - k);
    pack(job.x + tile.rows_begin * job.x_stride + k, job.x_stride, rows, inputs, panel, inputs);
    const Block block{k, inputs};
    const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
      const Panel at{panel, from_row(w, n), job.inputs, to};
      with_width(w.width, [&]<Width kWidth>() { add_block<kWidth>(at, rows, outs, block); });
    };
    add(job.w, sums);
    if (job.up.data) add(job.up, up_sums);
  }
  finish(job, tile, sums, up_sums, kManyOuts);
}

}  // namespace

void multiply(const Matmul& job, const MatmulTile& tile) {
  if (tile.rows_end - tile.rows_begin <= kFew) return multiply_few(job, tile);
  for (int64_t m = tile.rows_begin; m < tile.rows_end; m += kRowsBlock)
    for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kManyOuts)
      multiply_many(job, {m, less_of(m + kRowsBlock, tile.rows_end), n,
                          less_of(n + kManyOuts, tile.outs_end)});
}

}  // namespace crescent::kernels::CRESCENT_ISA
