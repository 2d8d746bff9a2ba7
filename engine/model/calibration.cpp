#include "engine/model/calibration.h"

#include "engine/error.h"
#include "engine/model/storage.h"

namespace crescent {

bool SharedCalibration::operator==(const SharedCalibration& other) const {
  if (shared == other.shared) return true;
  return shared && other.shared && *shared == *other.shared;
}

Site input_site(Slot matrix) {
  switch (matrix) {
    case Slot::qkv_weight:
    case Slot::q_weight:
    case Slot::k_weight:
    case Slot::v_weight: return Site::attention_norm;
    case Slot::attention_output_weight: return Site::attention_value;
    case Slot::ffn_gate_weight:
    case Slot::ffn_up_weight: return Site::ffn_norm;
    case Slot::ffn_down_weight: return Site::ffn_activation;
    case Slot::token_embedding:
    case Slot::head_weight: return Site::final_norm;
    default: fail("slot {} is no matrix", static_cast<int>(matrix));
  }
}

const std::vector<float>& Calibration::inputs_of(const TensorSpec& spec) const {
  const auto found = mean_squares.find({input_site(spec.slot), spec.layer});
  const auto inputs = static_cast<size_t>(matrix_shape(spec).in);
  static const std::vector<float> kNone;
  if (inputs == 0) return kNone;  // behind a layer's heads, or neurons, all of which are gone
  const size_t seen = found == mean_squares.end() ? 0 : found->second.size();
  if (found == mean_squares.end() || seen != inputs) {
    fail("the calibration is another model's: matrix '{}' has {} inputs, it saw {}", spec.name,
         inputs, seen);
  }
  return found->second;
}

}  // namespace crescent
