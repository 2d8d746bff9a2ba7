#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/kernels/stored.h"
#include "engine/model/layout.h"
#include "engine/observe.h"

namespace crescent {

/// How large the inputs of a model's matrices are on some text: what an error in a weight counts.
struct Calibration {
  /// E[x_k^2] of every input, by where it can be seen; layer -1 before the head.
  std::map<std::pair<Site, int32_t>, std::vector<float>> mean_squares;
  int64_t tokens = 0;  ///< that these are means over
  bool operator==(const Calibration&) const = default;

  /// Of a matrix's inputs. @throws Error if they are not as many as it has: another model's.
  const std::vector<float>& inputs_of(const TensorSpec& spec) const;
};

/// Calibrations are equal if their numbers are.
struct SharedCalibration {
  std::shared_ptr<const Calibration> shared;
  explicit operator bool() const { return shared != nullptr; }
  const Calibration* operator->() const { return shared.get(); }
  bool operator==(const SharedCalibration& other) const;
};

/// Where a matrix's input can be seen; a tied embedding is the head's.
Site input_site(Slot matrix);

/// Does a width have scales to choose?
constexpr bool has_scales(kernels::Width width) {
  return width != kernels::Width::fp32 && width != kernels::Width::bf16;
}

/// What choosing scales gained, as the mean over matrices of the weighted square of what is lost
/// over that of the numbers themselves: of a product's expected squared error, if its inputs are
/// independent, over its square.
struct CalibrationGain {
  double before = 0;  ///< with the scales that are taken without a calibration
  double after = 0;
};

}  // namespace crescent
