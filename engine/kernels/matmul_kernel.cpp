// y = f(x w^T + bias): see matmul.h. Compiled once per instruction set.
//
// Few rows wait for memory: w is read once, as it lies, in a few long streams (few.h). Many rows
// wait for arithmetic: w is turned, panel by panel, into what an outer product reads (many.h).
#include "engine/kernels/few.h"
#include "engine/kernels/many.h"
#include "engine/kernels/parts.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kRowsBlock = 264;  // of x: 264 KiB of it, of a second cache of 512
constexpr int64_t kManyOuts = 384;   // whose sums wait for the next block of K

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

/// Few rows of x, laid out as the weights at hand want them.
class FewPanel {
 public:
  FewPanel(const float* x, int64_t stride, int64_t rows) : x_(x), stride_(stride), rows_(rows) {}

  /// Inputs `begin` .. `end`, at most kInputs of them.
  FewRows lay_out(const Matmul& job, const Stored& w, int64_t begin, int64_t end) {
    const Layout layout = !is_integer(w.width)     ? Layout::floats
                          : w.width == Width::int4 ? Layout::side_by_side
                                                   : Layout::integers;
    if (layout != layout_ || begin != begin_) {
      for (int64_t k = begin; k < end; k += kInputsBlock)
        lay_out_block(layout, k, less_of(kInputsBlock, end - k), (k - begin) / kInputsBlock);
      layout_ = layout;
      begin_ = begin;
    }
    const float* const floats = rows_ > 1 ? floats_ : x_ + begin;
    return {floats, integers_, w, job.inputs, begin, end, nullptr, 0};
  }
  static constexpr int64_t kInputs = kPanelBlocks * kInputsBlock;

 private:
  enum class Layout { none, floats, integers, side_by_side };

  void lay_out_block(Layout layout, int64_t k, int64_t count, int64_t block) {
    if (layout == Layout::floats) {
      if (rows_ > 1)
        pack(x_ + k, stride_, rows_, count, floats_ + block * rows_ * kPanelStride, kPanelStride);
      return;
    }
    const Order order = layout == Layout::integers ? Order::as_they_come : Order::side_by_side;
    for (int64_t m = 0; m < rows_; ++m)
      round_block(x_ + m * stride_ + k, count, order, integers_[block * rows_ + m]);
  }

  const float* x_;
  int64_t stride_, rows_;
  Layout layout_ = Layout::none;
  int64_t begin_ = 0;
  alignas(64) float floats_[kPanelBlocks * kFewRows * kPanelStride];
  IntegerBlock integers_[kPanelBlocks * kFewRows];
};

void multiply_few(const Matmul& job, const MatmulTile& tile) {
  constexpr int64_t kOutsBlock = 512;
  alignas(64) float sums[kFewRows * kOutsBlock], up_sums[kFewRows * kOutsBlock];
  const int64_t rows = tile.rows_end - tile.rows_begin;
  FewPanel panel(job.x + tile.rows_begin * job.x_stride, job.x_stride, rows);
  for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kOutsBlock) {
    const int64_t outs = less_of(kOutsBlock, tile.outs_end - n);
    for (int64_t k = 0; k < job.inputs || k == 0; k += FewPanel::kInputs) {
      const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
        FewRows at =
            panel.lay_out(job, from_row(w, n), k, less_of(k + FewPanel::kInputs, job.inputs));
        at.sums = to;
        at.sums_stride = kOutsBlock;
        with_width(w.width, [&]<Width kWidth>() { stream<kWidth>(at, rows, outs); });
      };
      add(job.w, sums);
      if (job.up.data) add(job.up, up_sums);
    }
    finish(job, {tile.rows_begin, tile.rows_end, n, n + outs}, sums, up_sums, kOutsBlock);
  }
}

/// Outs of one matrix from `w` on, all of a block of rows and a block of K.
struct Product {
  const float* x;  ///< as lay_out_rows has it
  int64_t rows;
  Stored w;
  int64_t outs, inputs;  ///< N of the block; K, all of it
  float* sums;           ///< [panel][tile][row][out]
};

template <Width kWidth>
void add_panels(const Product& job, const Block& block) {
  alignas(64) float panel[kPanelOuts * kDepth];
  const int64_t tiles = (job.rows + kTileRows - 1) / kTileRows;
  const int64_t depth = (block.count + kRun - 1) / kRun * kRun;
  const int64_t from_byte = block.begin / kGroup * group_bytes(kWidth);
  const int64_t bytes = (block.count + kGroup - 1) / kGroup * group_bytes(kWidth);
  float* sums = job.sums;
  for (int64_t n = 0; n < job.outs; n += kPanelOuts) {
    const Stored w = from_row(job.w, n);
    const int64_t outs = less_of(kPanelOuts, job.outs - n);
    turn_panel<kWidth>(w, outs, job.inputs, block, panel);
    Ahead ahead(from_row(w, outs), less_of(kPanelOuts, job.outs - n - outs), from_byte, bytes);
    const int64_t lines = (ahead.lines() + tiles - 1) / tiles;
    for (int64_t tile = 0; tile < tiles; ++tile, sums += kTileSums) {
      ahead.ask(lines);
      add_some(less_of(kTileRows, job.rows - tile * kTileRows), job.x + tile * kTileFloats, panel,
               depth, Sums{sums, kPanelOuts, block.begin == 0});
    }
  }
}

/// At most kRowsBlock rows and, both matrices together, kManyOuts outs.
void multiply_many(const Matmul& job, const MatmulTile& tile) {
  alignas(64) float x[kRowsBlock * kDepth];
  alignas(64) float sums[kRowsBlock * kManyOuts];
  const int64_t rows = tile.rows_end - tile.rows_begin, n = tile.outs_begin;
  const int64_t outs = tile.outs_end - n;
  float* const up_sums = job.up.data ? sums + kRowsBlock * (kManyOuts / 2) : sums;
  for (int64_t k = 0; k < job.inputs || k == 0; k += kDepth) {
    const Block block{k, less_of(kDepth, job.inputs - k)};
    lay_out_rows(job.x + tile.rows_begin * job.x_stride + k, job.x_stride, rows, block.count, x);
    const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
      const Product product{x, rows, from_row(w, n), outs, job.inputs, to};
      with_width(w.width, [&]<Width kWidth>() { add_panels<kWidth>(product, block); });
    };
    add(job.w, sums);
    if (job.up.data) add(job.up, up_sums);
  }
  // Tile by tile, as sums lie: a row's sums are far from each other.
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  for (int64_t first = 0; first < rows; first += kTileRows)
    for (int64_t i = 0; i < outs; i += kPanelOuts) {
      const int64_t at = (i / kPanelOuts * tiles + first / kTileRows) * kTileSums;
      for (int64_t m = 0; m < less_of(kTileRows, rows - first); ++m)
        finish_row(job, tile.rows_begin + first + m, n + i, less_of(kPanelOuts, outs - i),
                   sums + at + m * kPanelOuts, up_sums + at + m * kPanelOuts);
    }
}

}  // namespace

void multiply(const Matmul& job, const MatmulTile& tile) {
  const int64_t rows = tile.rows_end - tile.rows_begin;
  if (rows <= kFewRows) return multiply_few(job, tile);
  // Blocks of about the same size: no last one of a few rows, for which w would be turned too.
  const int64_t blocks = (rows + kRowsBlock - 1) / kRowsBlock;
  const int64_t height = ((rows + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
  const int64_t width = job.up.data ? kManyOuts / 2 : kManyOuts;
  for (int64_t m = tile.rows_begin; m < tile.rows_end; m += height)
    for (int64_t n = tile.outs_begin; n < tile.outs_end; n += width)
      multiply_many(job,
                    {m, less_of(m + height, tile.rows_end), n, less_of(n + width, tile.outs_end)});
}

}  // namespace crescent::kernels::CRESCENT_ISA
