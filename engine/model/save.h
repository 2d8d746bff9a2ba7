#pragma once
#include <filesystem>
#include <optional>

#include "engine/model/model.h"

namespace crescent {

struct SaveOptions {
  std::optional<Dtype> dtype;  ///< none: as stored
  /// With zeros where layers lost heads and neurons: full size, and for any reader.
  bool masked = false;
};

/// Writes a folder that loads again to the same function, here and, where its family's config.json
/// can say what the model is, in transformers (see engine/formats/config_json.h): config.json,
/// model.safetensors, and the tokenizer and generation files of the model's own folder. Made in a
/// temporary folder beside the target and renamed, so that a failure leaves nothing half done.
/// @throws Error: the target exists and isn't an empty folder; no room; can't write.
void save_model(const Model& model, const std::filesystem::path& folder,
                const SaveOptions& options);

}  // namespace crescent
