#pragma once
// Products of many rows: an outer product for each input. Included by kernels' sources only; see
// simd.h.
//
// A tile's sums stay in registers for a block of inputs; for each input two vectors of neighbouring
// outs are loaded and every row's number is spread over a vector. So both sides are laid out anew
// first: a panel of w, turned, which stays in the first cache for all rows, and blocks of x. Goto &
// van de Geijn 2008, doi:10.1145/1356052.1356053. Vectors along K (tile.h), which need no panel,
// load a row of x and of w for each vector and wait for the second cache: 0.6 of the peak where
// this reaches 0.85 (Zen 3, 512 rows).
#include "engine/kernels/tile.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kRun = 4;      ///< inputs of a row that lie together in a block of x
constexpr int64_t kDepth = 256;  ///< inputs of a panel: 16 KiB of w
constexpr int kPanelVectors = 2;
constexpr int64_t kPanelOuts = kPanelVectors * kLanes;
// Rows of a tile. With 6 of them, 12 sums, two vectors of w and one of x fill 15 of 16 registers.
#if defined(__AVX512F__)
constexpr int64_t kTileRows = 12;
#else
constexpr int64_t kTileRows = 6;
#endif
constexpr int64_t kTileSums = kTileRows * kPanelOuts;

/// Rows of w that are to be read next, asked for a line at a time: a panel's rows are too short to
/// be seen as streams.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const Stored& w, int64_t rows, int64_t from_byte, int64_t bytes)
      : place_(static_cast<const char*>(w.data) + from_byte),
        stride_(w.stride),
        rows_(rows),
        lines_((bytes + kLine - 1) / kLine) {}
  CRESCENT_INLINE void ask(int64_t lines) {
    for (; lines > 0 && rows_ > 0; --lines) {
      __builtin_prefetch(place_ + line_ * kLine, 0, 2);
      if (++line_ < lines_) continue;
      line_ = 0;
      --rows_;
      place_ += stride_;
    }
  }
  int64_t lines() const { return rows_ * lines_; }

 private:
  static constexpr int64_t kLine = 64;
  const char* place_ = nullptr;
  int64_t stride_ = 0, rows_ = 0, lines_ = 0, line_ = 0;
};

/// Outs of one matrix from `w` on, all of a block of rows and a block of K.
template <class Number>
struct Product {
  const Number* x;  ///< laid out
  int64_t rows;
  Stored w;
  int64_t outs, inputs;  ///< N of the block; K, all of it
  float* sums;           ///< [panel][tile][row][out]

  int64_t outs_of_panel(int64_t n) const { return greater_of(0, less_of(kPanelOuts, outs - n)); }
  /// What a block of K has of the panel from out `n` on.
  template <Width kWidth>
  Ahead ahead(int64_t n, const Block& block) const {
    return {from_row(w, n), outs_of_panel(n), block.begin / kGroup * group_bytes(kWidth),
            (block.count + kGroup - 1) / kGroup * group_bytes(kWidth)};
  }
};

/// A panel's inputs of some outs, turned: to[k][out]. What pads it is 0.
template <Width kWidth>
void turn_panel(const Stored& w, int64_t outs, int64_t inputs, const Block& block, float* to) {
  constexpr int64_t kStride = kDepth + 16;  // no multiple of 4 KiB, where rows would share few ways
  alignas(64) float wide[kPanelOuts * kStride];
  const int64_t padded = (block.count + kRun - 1) / kRun * kRun;
  const float* from = static_cast<const float*>(w.data) + block.begin;
  int64_t stride = w.stride / int64_t{sizeof(float)};
  if (kWidth != Width::fp32 || outs < kPanelOuts || padded != block.count) {
    for (int64_t n = 0; n < kPanelOuts; ++n) {
      float* const row = wide + n * kStride;
      if (n < outs) widen<kWidth>(w, n, inputs, block.begin, block.count, row);
      for (int64_t k = n < outs ? block.count : 0; k < padded; ++k) row[k] = 0;
    }
    from = wide;
    stride = kStride;
  }
  for (int64_t k = 0; k < padded; k += kRun)
    for (int v = 0; v < kPanelVectors; ++v)
      turn_fours(from + v * kLanes * stride + k, stride, to + k * kPanelOuts + v * kLanes,
                 kPanelOuts);
}

/// Rows of x, tile by tile, each of kInputs: to[tile][k / 4][row][k % 4]. What pads it is 0.
template <int64_t kInputs>
void lay_out_rows(const float* x, int64_t stride, int64_t rows, int64_t inputs, float* to) {
  constexpr int64_t kStep = kTileRows * kRun;
  for (int64_t m = 0; m < rows; ++m, x += stride) {
    float* place = to + m / kTileRows * (kTileRows * kInputs) + m % kTileRows * kRun;
    int64_t k = 0;
    for (; k + kRun <= inputs; k += kRun, place += kStep) {
      // The row after next, which is too short to be seen as a stream.
      __builtin_prefetch(x + 2 * stride + k);
      store_four(place, load_four(x + k));
    }
    for (int64_t i = 0; k < inputs && i < kRun; ++i) place[i] = k + i < inputs ? x[k + i] : 0;
  }
}

/// Where a tile's sums go, or are added.
struct Sums {
  float* to;
  int64_t stride;  ///< floats from row to row
  bool first;
};

/// sums[row][out] (+)= sum over k of x[row, k] w[k, out]. A function of its own: where it is part
/// of a larger one, GCC keeps some of the sums in memory.
template <int kM>
__attribute__((noinline)) void add_outer(const float* x, const float* w, int64_t inputs,
                                         const Sums& sums) {
  Floats sum[kM][kPanelVectors];
  for (int m = 0; m < kM; ++m)
    for (int v = 0; v < kPanelVectors; ++v) sum[m][v] = Floats{};
  for (int64_t k = 0; k < inputs; k += kRun) {
    for (int i = 0; i < kRun; ++i) {
      Floats out[kPanelVectors];
      for (int v = 0; v < kPanelVectors; ++v) out[v] = load(w + i * kPanelOuts + v * kLanes);
      for (int m = 0; m < kM; ++m) {
        const Floats row = all(x[m * kRun + i]);
        for (int v = 0; v < kPanelVectors; ++v) sum[m][v] = fma(row, out[v], sum[m][v]);
      }
    }
    x += kTileRows * kRun;
    w += kRun * kPanelOuts;
  }
  for (int m = 0; m < kM; ++m)
    for (int v = 0; v < kPanelVectors; ++v) {
      float* const to = sums.to + m * sums.stride + v * kLanes;
      store(to, sums.first ? sum[m][v] : load(to) + sum[m][v]);
    }
}

/// As many rows as a tile has left.
template <int kM = int{kTileRows}>
void add_some(int64_t rows, const float* x, const float* w, int64_t inputs, const Sums& sums) {
  if constexpr (kM > 1) {
    if (rows < kM) return add_some<kM - 1>(rows, x, w, inputs, sums);
  }
  add_outer<kM>(x, w, inputs, sums);
}

}  // namespace crescent::kernels::CRESCENT_ISA
