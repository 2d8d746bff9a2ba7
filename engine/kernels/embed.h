#pragma once
#include <cstdint>

#include "engine/kernels/stored.h"

namespace crescent::kernels {

/// y[i] = tokens[ids[i]] + positions[position_of[i]]. fp32. Who calls has checked ids and positions
/// against their tables. Exact, and so the same everywhere.
struct Embed {
  const int64_t* ids = nullptr;          ///< (rows)
  Stored tokens;                         ///< (V, C)
  const int64_t* position_of = nullptr;  ///< (rows); not read without positions
  const float* positions = nullptr;      ///< (positions, C) or null
  int64_t positions_stride = 0;
  int64_t width = 0;   ///< C
  float* y = nullptr;  ///< (rows, C)
  int64_t y_stride = 0;
};

}  // namespace crescent::kernels
