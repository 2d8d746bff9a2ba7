// y = f(x w^T + bias) of many rows: see matmul.h. Compiled once per instruction set.
//
// They wait for arithmetic. Block by block of x, laid out once, w is laid out as the inner loop
// reads it: an outer product of floats (outer_products.h), or tiles of bf16 where the CPU
// multiplies them and w is narrow (tiles.h).
#include "engine/kernels/outer_products.h"
#include "engine/kernels/parts.h"
#include "engine/kernels/tiles.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

/// As many rows and outs as Way::kRowsBlock and kManySums have room for.
template <class Way>
void multiply_block(const Matmul& job, const MatmulTile& tile) {
  alignas(64) typename Way::Number x[Way::kRowsBlock * Way::kDepth];
  alignas(64) float sums[kManySums];
  const int64_t rows = tile.rows_end - tile.rows_begin, n = tile.outs_begin;
  float* const up_sums = sums + kManySums / 2;
  for (int64_t k = 0; k < job.inputs || k == 0; k += Way::kDepth) {
    const Block block{k, less_of(Way::kDepth, job.inputs - k)};
    Way::lay_out(job.x + tile.rows_begin * job.x_stride + k, job.x_stride, rows, block.count, x);
    const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
      const Product<typename Way::Number> product{
          x, rows, from_row(w, n), tile.outs_end - n, job.inputs, to};
      with_width(w.width, [&]<Width kWidth>() { Way::template add<kWidth>(product, block); });
    };
    add(job.w, sums);
    if (job.up.data) add(job.up, up_sums);
  }
  Way::finish(job, tile, sums, up_sums);
}

template <class Way>
void multiply_by(const Matmul& job, const MatmulTile& tile) {
  const int64_t rows = tile.rows_end - tile.rows_begin;
  // Blocks of about the same size: no last one of a few rows, for which w would be laid out too.
  const int64_t blocks = (rows + Way::kRowsBlock - 1) / Way::kRowsBlock;
  const int64_t height =
      ((rows + blocks - 1) / blocks + Way::kTogether - 1) / Way::kTogether * Way::kTogether;
  const int64_t room = kManySums / (job.up.data ? 2 : 1) / height;
  const int64_t width = room / kOutsTogether * kOutsTogether;
  // All rows of a block of outs, whose weights are then still in the last cache.
  for (int64_t n = tile.outs_begin; n < tile.outs_end; n += width)
    for (int64_t m = tile.rows_begin; m < tile.rows_end; m += height)
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
