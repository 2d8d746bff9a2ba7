#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/model/presets.h"

namespace crescent {

struct LoadOptions {
  std::optional<Dtype> dtype;  ///< none: as stored, mapped and unread; else converted at load
  /// Reads everything: refuses NaN and infinite weights by name, a stored head that differs from
  /// the embedding it is tied to, and a broken tokenizer.
  bool verify = false;
};

/// Opens a Hugging Face folder. Level 1. Asks for memory before it allocates any.
/// Cost: a mapped load of 498 MB takes milliseconds and reads no weights.
/// @throws Error with file, tensor or key, expected and found.
std::shared_ptr<const Model> load_model(const std::filesystem::path& folder,
                                        const LoadOptions& options);

/// A published shape with seeded random weights (GPT-2's scheme: normal, deviation 0.02, residual
/// projections scaled by 1/sqrt(2 L); norms 1, biases 0), float32 unless said otherwise.
std::shared_ptr<const Model> make_preset(const Preset& preset, uint64_t seed,
                                         Dtype dtype = Dtype::float32);
/// The same for any description: what tests use.
std::shared_ptr<const Model> make_random(const Family& family, const DecoderConfig& config,
                                         uint64_t seed, Dtype dtype = Dtype::float32);

/// What is wrong with a tensor's numbers.
struct TensorHealth {
  std::string name;
  int64_t elements, nan, infinite;
  double abs_max, mean, deviation;
};
std::vector<TensorHealth> health(const Model& model);

}  // namespace crescent
