// y = f(x w^T + bias) of many rows: see matmul.h. Compiled once per instruction set.
//
// They wait for arithmetic. Block by block of x, w is turned, panel by panel, into what the inner
// loop reads: an outer product of floats (many.h), or tiles of bf16 where the CPU multiplies them
// and w is narrow (tiles.h).
#include "engine/kernels/epilogue.h"
#include "engine/kernels/many.h"
#include "engine/kernels/parts.h"
#include "engine/kernels/tiles.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

constexpr int64_t kManyOuts = 384;  // whose sums wait for the next block of K

struct ByOuterProducts {
  using Number = float;
  static constexpr int64_t kRowsBlock = 264;  ///< of x: 264 KiB of it, of a second cache of 512
  static constexpr int64_t kDepth = kernels::CRESCENT_ISA::kDepth;
  static constexpr int64_t kTileRows = kernels::CRESCENT_ISA::kTileRows;

  static void lay_out(const float* x, int64_t stride, int64_t rows, int64_t inputs, float* to) {
    lay_out_rows<kDepth>(x, stride, rows, inputs, to);
  }
  template <Width kWidth>
  static void add_panels(const Product<float>& job, const Block& block) {
    alignas(64) float panel[kPanelOuts * kDepth];
    const int64_t tiles = (job.rows + kTileRows - 1) / kTileRows;
    const int64_t depth = (block.count + kRun - 1) / kRun * kRun;
    float* sums = job.sums;
    for (int64_t n = 0; n < job.outs; n += kPanelOuts) {
      turn_panel<kWidth>(from_row(job.w, n), job.outs_of_panel(n), job.inputs, block, panel);
      Ahead ahead = job.ahead<kWidth>(n + kPanelOuts, block);
      const int64_t lines = (ahead.lines() + tiles - 1) / tiles;
      for (int64_t tile = 0; tile < tiles; ++tile, sums += kTileRows * kPanelOuts) {
        ahead.ask(lines);
        add_some(less_of(kTileRows, job.rows - tile * kTileRows), job.x + tile * (kTileRows * kDepth), panel,
                 depth, Sums{sums, kPanelOuts, block.begin == 0});
      }
    }
  }
};

/// At most Way::kRowsBlock rows and, both matrices together, kManyOuts outs.
template <class Way>
void multiply_block(const Matmul& job, const MatmulTile& tile) {
  alignas(64) typename Way::Number x[Way::kRowsBlock * Way::kDepth];
  alignas(64) float sums[Way::kRowsBlock * kManyOuts];
  const int64_t rows = tile.rows_end - tile.rows_begin, n = tile.outs_begin;
  const int64_t outs = tile.outs_end - n;
  float* const up_sums = job.up.data ? sums + Way::kRowsBlock * (kManyOuts / 2) : sums;
  for (int64_t k = 0; k < job.inputs || k == 0; k += Way::kDepth) {
    const Block block{k, less_of(Way::kDepth, job.inputs - k)};
    Way::lay_out(job.x + tile.rows_begin * job.x_stride + k, job.x_stride, rows, block.count, x);
    const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
      const Product<typename Way::Number> product{x, rows, from_row(w, n), outs, job.inputs, to};
      with_width(w.width,
                 [&]<Width kWidth>() { Way::template add_panels<kWidth>(product, block); });
    };
    add(job.w, sums);
    if (job.up.data) add(job.up, up_sums);
  }
  // Tile by tile, as sums lie: a row's sums are far from each other.
  const int64_t tiles = (rows + Way::kTileRows - 1) / Way::kTileRows;
  for (int64_t first = 0; first < rows; first += Way::kTileRows)
    for (int64_t i = 0; i < outs; i += kPanelOuts) {
      const int64_t at = (i / kPanelOuts * tiles + first / Way::kTileRows) *
                         Way::kTileRows * kPanelOuts;
      const int64_t row = tile.rows_begin + first;
      finish(job,
             {row, less_of(row + Way::kTileRows, tile.rows_end), n + i,
              n + less_of(i + kPanelOuts, outs)},
             {sums + at, up_sums + at, kPanelOuts});
    }
}

template <class Way>
void multiply_by(const Matmul& job, const MatmulTile& tile) {
  const int64_t rows = tile.rows_end - tile.rows_begin;
  // Blocks of about the same size: no last one of a few rows, for which w would be turned too.
  const int64_t blocks = (rows + Way::kRowsBlock - 1) / Way::kRowsBlock;
  const int64_t height =
      ((rows + blocks - 1) / blocks + Way::kTileRows - 1) / Way::kTileRows * Way::kTileRows;
  const int64_t width = job.up.data ? kManyOuts / 2 : kManyOuts;
  for (int64_t m = tile.rows_begin; m < tile.rows_end; m += height)
    for (int64_t n = tile.outs_begin; n < tile.outs_end; n += width)
      multiply_block<Way>(
          job, {m, less_of(m + height, tile.rows_end), n, less_of(n + width, tile.outs_end)});
}

}  // namespace

void multiply_many(const Matmul& job, const MatmulTile& tile) {
#if defined(__AMX_BF16__)
  const bool is_narrow =
      job.w.width != Width::fp32 && (!job.up.data || job.up.width != Width::fp32);
  if (is_narrow) {
    const Tiles tiles;
    return multiply_by<ByTiles>(job, tile);
  }
#endif
  multiply_by<ByOuterProducts>(job, tile);
}

}  // namespace crescent::kernels::CRESCENT_ISA
