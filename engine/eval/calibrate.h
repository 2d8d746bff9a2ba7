#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "engine/model/calibration.h"
#include "engine/model/model.h"

namespace crescent {

struct CalibrateOptions {
  int64_t window = 128;  ///< tokens that a forward pass sees; windows don't overlap
  std::function<void(int64_t done, int64_t total)> on_progress = {};  ///< windows
};

/// Runs a text through the model, whatever its level, in the precision of its stored weights, and
/// keeps how large the inputs of its matrices were. Weights stored as bf16 alone are read as they
/// lie or from a copy that is dropped; others are widened to fp32 for as long as the model lives.
/// @throws Error: fewer than two ids, one outside of the vocabulary, a window that doesn't fit.
std::shared_ptr<const Calibration> calibrate(const Model& model, std::span<const int32_t> ids,
                                             const CalibrateOptions& options = {});

}  // namespace crescent
