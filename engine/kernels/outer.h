#pragma once
// Outer products, which many rows of x by w and attention of many queries are made of. Included by
// kernels' sources only; see simd.h.
//
// A tile's sums stay in registers for a block of inputs. For each input two vectors of one side, a
// panel, are loaded, and the number of each row of the other side is spread over a vector. So the
// panels' side is turned first. Goto & van de Geijn 2008, doi:10.1145/1356052.1356053. Vectors
// along K (tile.h), which need nothing turned, load a row of x and of w for each vector and wait
// for the second cache: 0.6 of the peak where this reaches 0.85 (Zen 3, 512 rows).
#include "engine/kernels/simd.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kRun = 4;  ///< inputs are padded to multiples of it
constexpr int kPanelVectors = 2;
constexpr int64_t kPanel = kPanelVectors * kLanes;  ///< rows of the side that is turned
// Rows of the other side in a tile. With 6 of them, 12 sums, two vectors of the panel and one
// number fill 15 of 16 registers.
#if defined(__AVX512F__)
constexpr int64_t kTileRows = 12;
#else
constexpr int64_t kTileRows = 6;
#endif

/// Rows turned: to[k][row], with zeros for rows and inputs that pad the panel.
inline void turn_panel(const float* from, int64_t stride, int64_t rows, int64_t inputs, float* to) {
  const int64_t whole = rows < kPanel ? 0 : inputs / kRun * kRun;
  for (int64_t k = 0; k < whole; k += kRun)
    for (int v = 0; v < kPanelVectors; ++v)
      turn_fours(from + v * kLanes * stride + k, stride, to + k * kPanel + v * kLanes, kPanel);
  const int64_t padded = (inputs + kRun - 1) / kRun * kRun;
  for (int64_t k = whole; k < padded; ++k)
    for (int64_t row = 0; row < kPanel; ++row)
      to[k * kPanel + row] = row < rows && k < inputs ? from[row * stride + k] : 0;
}

/// Where a tile's sums go, or are added.
struct Sums {
  float* to;
  int64_t stride;  ///< floats from row to row
  bool first;
};

/// sums[row][lane] (+)= sum over k of rows[row, k] panel[k, lane], with rows kStride apart, for kV
/// vectors of the panel. A function of its own: where it is part of a larger one, GCC keeps some of
/// the sums in memory.
template <int kM, int kV, int64_t kStride>
__attribute__((noinline)) void add_outer(const float* rows, const float* panel, int64_t inputs,
                                         const Sums& sums) {
  Floats sum[kM][kV];
  for (int m = 0; m < kM; ++m)
    for (int v = 0; v < kV; ++v) sum[m][v] = Floats{};
  for (int64_t k = 0; k < inputs; k += kRun, rows += kRun, panel += kRun * kPanel) {
    for (int i = 0; i < kRun; ++i) {
      Floats lanes[kV];
      for (int v = 0; v < kV; ++v) lanes[v] = load(panel + i * kPanel + v * kLanes);
      for (int m = 0; m < kM; ++m) {
        const Floats number = all(rows[m * kStride + i]);
        for (int v = 0; v < kV; ++v) sum[m][v] = fma(number, lanes[v], sum[m][v]);
      }
    }
  }
  for (int m = 0; m < kM; ++m)
    for (int v = 0; v < kV; ++v) {
      float* const to = sums.to + m * sums.stride + v * kLanes;
      store(to, sums.first ? sum[m][v] : load(to) + sum[m][v]);
    }
}

/// As many rows as a tile has left.
template <int64_t kStride, int kV = kPanelVectors, int kM = int{kTileRows}>
void add_some(int64_t count, const float* rows, const float* panel, int64_t inputs,
              const Sums& sums) {
  if constexpr (kM > 1) {
    if (count < kM) return add_some<kStride, kV, kM - 1>(count, rows, panel, inputs, sums);
  }
  add_outer<kM, kV, kStride>(rows, panel, inputs, sums);
}

}  // namespace crescent::kernels::CRESCENT_ISA
