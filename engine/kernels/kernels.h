#pragma once
#include "engine/kernels/attention.h"
#include "engine/kernels/embed.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/matmul.h"
#include "engine/kernels/norm.h"
#include "engine/kernels/rotary.h"
#include "engine/kernels/stored.h"
#include "engine/kernels/transpose.h"

namespace crescent::kernels {

/// Rows `begin` .. `end` of what the job's arrays hold.
struct Rows {
  int64_t begin = 0, end = 0;
};

/// The inner loops of level 2, one source compiled per instruction set. Each does a part of a job
/// on the calling thread; none allocates, throws or checks: the plan has done so once. What they
/// need in between is on the stack, at most 800 KiB. Equal calls give equal bits under one
/// instruction set; across sets sums differ within rounding.
struct Kernels {
  const char* isa;
  void (*multiply_few)(const Matmul&, const MatmulTile&);
  void (*multiply_many)(const Matmul&, const MatmulTile&);
  void (*layer_norm)(const Norm&, Rows rows);
  void (*rms_norm)(const Norm&, Rows rows);
  void (*rotate)(const Rotate&);
  void (*embed)(const Embed&, Rows rows);
  void (*attend)(const Attention&, Rows queries);
  /// What the plain `quantize` stores, to the bit: fp32, bf16 and int8, for rows of a cache.
  void (*quantize)(const Quantization&, Rows rows);
  /// Columns of `from`, rows of `to`.
  void (*transpose)(const Transpose&, Rows columns);

  void multiply(const Matmul& job, const MatmulTile& tile) const {
    (tile.rows_end - tile.rows_begin <= kFewRows ? multiply_few : multiply_many)(job, tile);
  }
};

const Kernels& kernels();  ///< of isa()
/// @throws Error if it is not available.
const Kernels& kernels_for(Isa);

}  // namespace crescent::kernels
