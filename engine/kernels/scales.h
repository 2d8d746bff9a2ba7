#pragma once
#include <cstdint>

#include "engine/kernels/stored.h"

namespace crescent::kernels {

/// What a row or group is stored with: w = scale * q + minimum.
struct Scale {
  float scale = 0, minimum = 0;
};

/// Numbers that share a scale, and what a squared error of each weighs.
struct Weighed {
  const float* x = nullptr;
  const float* importance = nullptr;
  int64_t count = 0;
};

/// The scale, and for int4 the minimum, with which the sum of importance * (x - stored)^2 is
/// smaller than with `plain`, or `plain` where none was found. Candidates are ranges that are
/// clipped at either end, the best of them moved to where the weighted squares are least for the q
/// that they give (llama.cpp fits its importance matrices like this), as exact as `quantize` stores
/// them. Deterministic; for the widths with scales alone.
/// @param plain  finite; with a scale of 0 it is what is given
/// @param error  is added to
Scale choose_scale(Width width, const Weighed& numbers, Scale plain, WeightedError& error);

}  // namespace crescent::kernels
