#pragma once
// Products of many rows as outer products (outer.h). Included by many_kernel.cpp only.
//
// Rows of x are the panels: they are turned once for a block of outs, and rows of w are spread as
// they lie. The other way round w would be turned, which 64 rows don't pay for: it took an eighth
// of their time.
#include "engine/kernels/epilogue.h"
#include "engine/kernels/many.h"
#include "engine/kernels/outer.h"

namespace crescent::kernels::CRESCENT_ISA {

struct ByOuterProducts {
  using Number = float;
  static constexpr int64_t kRowsBlock = 256;  ///< of x: 256 KiB of it, of a second cache of 512
  static constexpr int64_t kDepth = 256;      ///< inputs of a panel: 16 KiB of x, of a first of 32
  static constexpr int64_t kTogether = kPanel;
  static void lay_out(const float* x, int64_t stride, int64_t rows, int64_t inputs, float* to) {
    for (int64_t m = 0; m < rows; m += kPanel)
      turn_panel(x + m * stride, stride, less_of(kPanel, rows - m), inputs, to + m * kDepth);
  }

  template <Width kWidth>
  static void add(const Product<float>& job, const Block& block) {
    alignas(64) float w[kOutsTogether * kStride];
    const int64_t padded = (block.count + kRun - 1) / kRun * kRun;
    const int64_t panels = (job.rows + kPanel - 1) / kPanel;
    for (int64_t n = 0; n < job.outs; n += kOutsTogether) {
      const int64_t outs = less_of(kOutsTogether, job.outs - n);
      for (int64_t i = 0; i < outs; ++i) {
        float* const row = w + i * kStride;
        widen<kWidth>(job.w, n + i, job.inputs, block.begin, block.count, row);
        for (int64_t k = block.count; k < padded; ++k) row[k] = 0;
      }
      Ahead ahead = job.ahead<kWidth>(n + outs, kOutsTogether, block);
      const int64_t lines = ahead.lines() / (panels * (kOutsTogether / kTileRows)) + 1;
      for (int64_t m = 0; m < job.rows; m += kPanel) {
        const bool is_half = job.rows - m <= kLanes;
        for (int64_t i = 0; i < outs; i += kTileRows) {
          ahead.ask(lines);
          const Sums sums{job.sums + m * width_of(job.outs) + (n + i) * kPanel, kPanel,
                          block.begin == 0};
          const auto add = is_half ? add_some<kStride, 1> : add_some<kStride, kPanelVectors>;
          add(less_of(kTileRows, outs - i), w + i * kStride, job.x + m * kDepth, padded, sums);
        }
      }
    }
  }

  static void finish(const Matmul& job, const MatmulTile& tile, const float* sums,
                     const float* up_sums) {
    alignas(64) float turned[kPanel * kTurnedStride], up_turned[kPanel * kTurnedStride];
    const int64_t width = width_of(tile.outs_end - tile.outs_begin);
    for (int64_t m = tile.rows_begin; m < tile.rows_end; m += kPanel) {
      const int64_t rows = less_of(kPanel, tile.rows_end - m);
      for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kOutsTogether) {
        const int64_t outs = less_of(kOutsTogether, tile.outs_end - n);
        const int64_t at = (m - tile.rows_begin) * width + (n - tile.outs_begin) * kPanel;
        turn_sums(sums + at, rows, outs, turned);
        if (job.up.data) turn_sums(up_sums + at, rows, outs, up_turned);
        finish_tile(job, {m, m + rows, n, n + outs}, {turned, up_turned, kTurnedStride});
      }
    }
  }

 private:
  // No multiples of 4 KiB, at which rows would share a few sets of the first cache.
  static constexpr int64_t kStride = kDepth + 16, kTurnedStride = kOutsTogether + 16;
  static_assert(kOutsTogether % kTileRows == 0 && kOutsTogether % kLanes == 0);

  /// Sums lie as [panel][out][row]; outs are padded to whole vectors.
  static int64_t width_of(int64_t outs) { return (outs + kLanes - 1) / kLanes * kLanes; }

  /// [out][row] to [row][out]; behind `rows` and `outs` come numbers of no meaning.
  static void turn_sums(const float* sums, int64_t rows, int64_t outs, float* to) {
    for (int64_t n = 0; n < outs; n += kLanes)
      for (int64_t m = 0; m < rows; m += 4)
        turn_fours(sums + n * kPanel + m, kPanel, to + m * kTurnedStride + n, kTurnedStride);
  }
};

}  // namespace crescent::kernels::CRESCENT_ISA
