#pragma once
#include <filesystem>
#include <optional>

#include "engine/model/model.h"

namespace crescent {

struct SaveOptions {
  std::optional<Dtype> dtype;  ///< none: as stored
};

/// Writes a folder that loads again to the same function, here and in transformers: config.json,
/// model.safetensors, and the tokenizer and generation files of the model's own folder. Made in a
/// temporary folder beside the target and renamed, so that a failure leaves nothing half done.
/// @throws Error: the target exists and isn't an empty folder; no room; can't write.
void save_model(const Model& model, const std::filesystem::path& folder,
                const SaveOptions& options);

}  // namespace crescent
