#pragma once
// Products of many rows by narrow weights with AMX: tiles of bf16. Included by many_kernel.cpp
// only, in the build for CPUs that have them.
//
// TDPBF16PS multiplies two tiles of bf16 and adds up in fp32 (Intel Architecture Instruction Set
// Extensions, chapter 3). A float is the sum of two bf16, but for 2^-17 of it: so x takes two
// products instead of one and what is lost is the weights' rounding alone, as everywhere else.
// bf16 and int8 without its row's scale are bf16 as they are; weights with a scale for each group
// take a third product for what is left of them.
#include "engine/kernels/epilogue.h"
#include "engine/kernels/many.h"
#include "engine/kernels/tile_config.h"

#if defined(__AMX_BF16__)
namespace crescent::kernels::CRESCENT_ISA {

/// The tile registers of this thread while it lives: all eight of 16 rows of 64 bytes.
class Tiles {
 public:
  Tiles() {
    static constexpr TileConfig kConfig;
    _tile_loadconfig(&kConfig);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// bf16 of 32 floats, to nearest even, and of what is left of each. Denormals count as 0.
struct Split {
  __m512i most, rest;
};
CRESCENT_INLINE Split split(Floats a, Floats b) {
  const auto bf16_of = [](Floats low, Floats high) __attribute__((always_inline)) {
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
  };
  const __m512i most = bf16_of(a, b);
  const auto float_of_half = [&](__m256i half) __attribute__((always_inline)) {
    return (Floats)((Words)_mm512_maskz_cvtepu16_epi32(0xffff, half) << 16);
  };
  return {most, bf16_of(a - float_of_half(_mm512_maskz_extracti64x4_epi64(0xff, most, 0)),
                        b - float_of_half(_mm512_maskz_extracti64x4_epi64(0xff, most, 1)))};
}

struct ByTiles {
  using Number = uint32_t;                    ///< two bf16, neighbouring inputs
  static constexpr int64_t kRowsBlock = 256;  ///< of x: 256 KiB of it
  static constexpr int64_t kDepth = 256;      ///< inputs of a panel: 16 or 32 KiB of w
  static constexpr int64_t kTogether = 16;
  static constexpr int64_t kTileRows = 16, kPanelOuts = 32;
  static constexpr int64_t kStep = 32;       ///< inputs of a tile
  static constexpr int64_t kTile = 16 * 16;  ///< pairs of a tile
  static constexpr int64_t kRowTile = kDepth / kStep * 2 * kTile;

  /// Rows of x, padded with zeros: to[tile][step][most, rest][row][pair].
  static void lay_out(const float* x, int64_t stride, int64_t rows, int64_t inputs, uint32_t* to) {
    for (int64_t m = 0; m < (rows + kTileRows - 1) / kTileRows * kTileRows; ++m) {
      uint32_t* place = to + m / kTileRows * kRowTile + m % kTileRows * (kStep / 2);
      for (int64_t k = 0; k < inputs; k += kStep, place += 2 * kTile) {
        const auto get = [&](int64_t from) __attribute__((always_inline)) {
          return m < rows && from < inputs ? load_some(x + m * stride + from, inputs - from)
                                           : Floats{};
        };
        const Split halves = split(get(k), get(k + kLanes));
        _mm512_store_si512(place, halves.most);
        _mm512_store_si512(place + kTile, halves.rest);
      }
    }
  }

  template <Width kWidth>
  static void add(const Product<uint32_t>& job, const Block& block) {
    constexpr int kTerms = kWidth == Width::bf16 || kWidth == Width::int8 ? 1 : 2;
    alignas(64) uint32_t panel[kTerms * kPanelOuts * kDepth / 2];
    const int64_t tiles = (job.rows + kTileRows - 1) / kTileRows;
    const int64_t steps = (block.count + kStep - 1) / kStep;
    float* sums = job.sums;
    for (int64_t n = 0; n < job.outs; n += kPanelOuts, sums += tiles * kTileRows * kPanelOuts) {
      turn<kWidth, kTerms>(from_row(job.w, n), less_of(kPanelOuts, job.outs - n), job.inputs, block,
                           panel);
      Ahead ahead = job.ahead<kWidth>(n + kPanelOuts, kPanelOuts, block);
      const int64_t lines = (ahead.lines() + tiles - 1) / tiles;
      const bool first = block.begin == 0;
      for (int64_t tile = 0; tile < tiles; tile += 2) {
        ahead.ask(2 * lines);
        const uint32_t* const x = job.x + tile * kRowTile;
        float* const to = sums + tile * kTileRows * kPanelOuts;
        if (tile + 1 < tiles) {
          add_tiles<2, kTerms>(x, panel, steps, to, first);
        } else {
          add_tiles<1, kTerms>(x, panel, steps, to, first);
        }
      }
    }
  }

  /// Sums lie as [panel of outs][tile of rows][row][out].
  static void finish(const Matmul& job, const MatmulTile& tile, const float* sums,
                     const float* up_sums) {
    const int64_t tiles = (tile.rows_end - tile.rows_begin + kTileRows - 1) / kTileRows;
    for (int64_t m = tile.rows_begin; m < tile.rows_end; m += kTileRows)
      for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kPanelOuts) {
        const int64_t panel = (n - tile.outs_begin) / kPanelOuts;
        const int64_t at = (panel * tiles * kTileRows + m - tile.rows_begin) * kPanelOuts;
        finish_tile(
            job,
            {m, less_of(m + kTileRows, tile.rows_end), n, less_of(n + kPanelOuts, tile.outs_end)},
            {sums + at, up_sums + at, kPanelOuts});
      }
  }

 private:
  /// A panel's inputs of some outs, padded with zeros: to[step][term][half of the outs][pair][out].
  template <Width kWidth, int kTerms>
  static void turn(const Stored& w, int64_t outs, int64_t inputs, const Block& block,
                   uint32_t* to) {
    constexpr int64_t kStride = kDepth / 2 + 16;  // no multiple of 512 bytes
    alignas(64) float pairs[kTerms][kPanelOuts * kStride];
    alignas(64) float wide[kDepth];
    const int64_t padded = (block.count + kStep - 1) / kStep * kStep;
    for (int64_t n = 0; n < kPanelOuts; ++n) {
      if (n < outs) widen<kWidth>(w, n, inputs, block.begin, block.count, wide);
      for (int64_t k = n < outs ? block.count : 0; k < padded; ++k) wide[k] = 0;
      for (int64_t k = 0; k < padded; k += kStep) {
        const Split halves = split(load(wide + k), load(wide + k + kLanes));
        _mm512_store_si512(pairs[0] + n * kStride + k / 2, halves.most);
        if constexpr (kTerms == 2) _mm512_store_si512(pairs[1] + n * kStride + k / 2, halves.rest);
      }
    }
    constexpr int64_t kOuts = kLanes;
    for (int64_t k = 0; k < padded; k += kStep)
      for (int term = 0; term < kTerms; ++term)
        for (int64_t n = 0; n < kPanelOuts; n += kOuts, to += kTile)
          for (int64_t pair = 0; pair < kStep / 2; pair += 4)
            turn_fours(pairs[term] + n * kStride + k / 2 + pair, kStride,
                       reinterpret_cast<float*>(to) + pair * kOuts, kOuts);
  }

  /// sums[row][out] (+)= sum over k of x[row, k] w[k, out] for one tile of rows or two.
  template <int kM, int kTerms>
  static void add_tiles(const uint32_t* x, const uint32_t* w, int64_t steps, float* sums,
                        bool first) {
    constexpr int64_t kTileBytes = 64;  // from row to row
    constexpr int64_t kSumsBytes = kPanelOuts * sizeof(float);
    float* const lower = sums + kTileRows * kPanelOuts;
    __asm__ volatile("" ::: "memory");  // the compiler doesn't know that tiles are loaded from it
    if (first) {
      _tile_zero(0);
      _tile_zero(1);
      if constexpr (kM == 2) {
        _tile_zero(2);
        _tile_zero(3);
      }
    } else {
      _tile_loadd(0, sums, kSumsBytes);
      _tile_loadd(1, sums + kLanes, kSumsBytes);
      if constexpr (kM == 2) {
        _tile_loadd(2, lower, kSumsBytes);
        _tile_loadd(3, lower + kLanes, kSumsBytes);
      }
    }
    // Sums in 0 .. 3, x in 4 and 5, w in 6 and 7.
    const auto get_x = [&](const uint32_t* from) __attribute__((always_inline)) {
      _tile_loadd(4, from, kTileBytes);
      if constexpr (kM == 2) _tile_loadd(5, from + kRowTile, kTileBytes);
    };
    const auto get_w = [&](const uint32_t* from) __attribute__((always_inline)) {
      _tile_loadd(6, from, kTileBytes);
      _tile_loadd(7, from + kTile, kTileBytes);
    };
    const auto multiply = []() __attribute__((always_inline)) {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      if constexpr (kM == 2) {
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
    };
    for (int64_t step = 0; step < steps; ++step, x += 2 * kTile, w += kTerms * 2 * kTile) {
      get_w(w);
      get_x(x);
      multiply();
      get_x(x + kTile);
      multiply();
      if constexpr (kTerms == 2) {
        get_w(w + 2 * kTile);
        get_x(x);
        multiply();
      }
    }
    _tile_stored(0, sums, kSumsBytes);
    _tile_stored(1, sums + kLanes, kSumsBytes);
    if constexpr (kM == 2) {
      _tile_stored(2, lower, kSumsBytes);
      _tile_stored(3, lower + kLanes, kSumsBytes);
    }
  }
};

}  // namespace crescent::kernels::CRESCENT_ISA
#endif
