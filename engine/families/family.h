#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/layout.h"

namespace crescent {

/// One family of Hugging Face checkpoints: its config keys and tensor names to our description and
/// back. No arithmetic, no tensors. One file a family; `families()` lists them.
class Family {
 public:
  virtual ~Family() = default;

  virtual std::string_view model_type() const = 0;  ///< 'gpt2'
  virtual std::vector<std::string_view> prefixes()
      const = 0;  ///< { "transformer.", "" }; the first is written

  /// Reads config.json, old and new spellings. A key that the family allows and we don't do is
  /// refused by name; a size is never filled with a default. `where` is the file's path.
  /// @throws Error naming file, key, expected and found.
  virtual DecoderConfig read(const nlohmann::json& config, std::string_view where) const = 0;

  /// What Hugging Face's own reader needs to rebuild this description (transformers' new spelling
  /// where both exist also reads in older versions). `dtype` is written as `torch_dtype`.
  virtual nlohmann::json write(const DecoderConfig& config) const = 0;

  virtual Layout layout(const DecoderConfig& config) const = 0;

  /// Tensors that old files carry and that hold nothing learned (stored masks, rotary tables), and
  /// `lm_head.weight` beside a tied embedding.
  virtual bool ignorable(std::string_view name_without_prefix,
                         const DecoderConfig& config) const = 0;
};

/// What a file calls this tensor: the prefix goes before every name but that of the head, which
/// Hugging Face keeps outside of the model proper.
std::string stored_name(const TensorSpec& tensor, std::string_view prefix);

std::span<const Family* const> families();

/// @throws Error listing the known families, if `model_type` is none of them.
const Family& family_of(std::string_view model_type, std::string_view where);

}  // namespace crescent
