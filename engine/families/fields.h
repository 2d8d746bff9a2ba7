#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/model/config.h"

namespace crescent {

/// Reads the fields of config.json (or of an object inside it). One message for every kind of
/// fault: `config.json: field 'n_embd': expected ..., found ...`. A field that is null counts as
/// missing, as it does for Hugging Face.
class Fields {
 public:
  using Names = std::initializer_list<const char*>;  ///< spellings of one field; all must agree

  /// @param inside  what stands before the names in messages: "rope_scaling."
  Fields(const nlohmann::json& object, std::string_view where, std::string_view inside = "");

  int64_t size(Names names, int64_t max) const;  ///< required, 1 .. max
  std::optional<int64_t> optional_size(Names names, int64_t max) const;
  double positive(const char* name, double fallback) const;
  std::optional<double> optional_positive(const char* name) const;
  bool flag(const char* name, bool fallback) const;
  std::string word(const char* name, std::string_view fallback) const;
  Activation activation(const char* name, std::string_view fallback) const;

  /// A setting that changes the function in a way that isn't done here.
  void refuse_flag(const char* name) const;     ///< anything but false
  void refuse_content(const char* name) const;  ///< anything but null, [] and {}

  [[noreturn]] void refuse(const char* name, std::string_view expected,
                           std::string_view found) const;

  const nlohmann::json* find(const char* name) const;  ///< nullptr if missing or null
  std::string_view where() const { return where_; }

 private:
  const nlohmann::json& object_;
  std::string_view where_, inside_;
};

// Bounds that no decoder comes near. Below them parameters, bytes and FLOPs of any description fit
// 63 bits, and the description itself fits a few megabytes, so nothing after them needs a check.
constexpr int64_t kVocabMax = INT32_MAX;  // ids are int32
constexpr int64_t kPositionsMax = int64_t{1} << 26;
constexpr int64_t kWidthMax = int64_t{1} << 18;
constexpr int64_t kFfnWidthMax = int64_t{1} << 22;
constexpr int64_t kLayersMax = 10'000;
constexpr int64_t kHeadsMax = int64_t{1} << 14;
constexpr int64_t kHeadDimMax = int64_t{1} << 14;
constexpr int64_t kAttentionWidthMax = int64_t{1} << 20;  // heads x head_dim
constexpr int64_t kHeadsOfModelMax = int64_t{1} << 20;    // layers x heads

/// layers x heads, named as the family names them.
struct HeadCount {
  const char* layers_name;
  int64_t layers;
  const char* heads_name;
  int64_t heads;
};
void check_heads_of_model(const Fields& fields, const HeadCount& count);

/// 'gelu_new' and the like: how Hugging Face spells it.
const char* hugging_face_name_of(Activation activation);

/// The shape that every layer shares. `attention_scale` may still differ, see the family.
/// @throws Error naming the layer (from 1) that isn't whole or isn't like the first, because plain
/// Hugging Face folders can't say that.
LayerShape shape_of_every_layer(const DecoderConfig& config);

/// @throws Error saying that the family's config.json has no word for `what`, unless `it_can`.
void require_expressible(bool it_can, const DecoderConfig& config, std::string_view what);

}  // namespace crescent
