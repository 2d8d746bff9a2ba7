#include "engine/formats/config_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/error.h"
#include "engine/families/fields.h"
#include "engine/formats/describe.h"

namespace crescent {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

Json write_shape(const LayerShape& shape) {
  return {{"heads", shape.heads},
          {"kv_heads", shape.kv_heads},
          {"head_dim", shape.head_dim},
          {"ffn_width", shape.ffn_width}};
}

Json write_layer(const LayerSpec& layer) {
  return {{"head_dim", layer.head_dim},
          {"kv_heads", layer.kv_heads},
          {"kv_of_head", layer.kv_of_head},
          {"attention_scale", layer.attention_scale},
          {"ffn_width", layer.ffn_width},
          {"has_attention", layer.has_attention},
          {"has_ffn", layer.has_ffn},
          {"original_layer", layer.origin.layer},
          {"original_shape", write_shape(layer.origin.shape)},
          {"original_heads", layer.origin.heads}};
}

/// The same model with all that its layers lost: what the family's own keys can say.
DecoderConfig before_removal(const DecoderConfig& config) {
  DecoderConfig base = config;
  for (size_t i = 0; i < base.layers.size(); ++i) {
    base.layers[i] = whole_layer(config.layers[i].origin.shape, static_cast<int32_t>(i));
  }
  return base;
}

bool says_the_same(const Family& family, const Json& json, const DecoderConfig& config) {
  return same_function(family.read(json, "config.json"), config);
}

std::optional<Json> write_plain(const Family& family, const DecoderConfig& config) {
  try {
    Json json = family.write(config);
    if (says_the_same(family, json, config)) return json;
  } catch (const Error&) {  // the family has no word for it
  }
  return std::nullopt;
}

/// @param inside  what stands before the keys in messages: 'crescent.'
void refuse_unknown(const Json& object, std::initializer_list<std::string_view> known,
                    std::string_view where, const std::string& inside) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    fail("{}: field {}: expected no such key, found {}", where, in_quotes(inside + key),
         describe(value));
  }
}

/// One layer of the `crescent` object. Everything is required: a default would be a guess.
class LayerReader {
 public:
  LayerReader(const Json& object, std::string_view where, std::string inside)
      : object_(object), inside_(std::move(inside)), fields_(object, where, inside_) {}

  LayerSpec read(PositionKind positions) const {
    refuse_unknown(
        object_,
        {"head_dim", "kv_heads", "kv_of_head", "attention_scale", "ffn_width", "has_attention",
         "has_ffn", "original_layer", "original_shape", "original_heads"},
        fields_.where(), inside_);
    LayerSpec layer;
    layer.head_dim = fields_.size({"head_dim"}, kHeadDimMax);
    if (positions == PositionKind::rotary && layer.head_dim % 2 != 0) {
      fields_.refuse("head_dim", "an even number, since rotary positions turn pairs",
                     std::to_string(layer.head_dim));
    }
    layer.kv_heads = static_cast<int32_t>(count("kv_heads", kHeadsMax));
    layer.kv_of_head = list("kv_of_head", layer.kv_heads);
    if (const auto scale = fields_.optional_positive("attention_scale")) {
      layer.attention_scale = *scale;
    } else {
      fields_.refuse("attention_scale", "a number above 0", "nothing");
    }
    layer.ffn_width = count("ffn_width", kFfnWidthMax);
    layer.has_attention = flag("has_attention");
    layer.has_ffn = flag("has_ffn");
    layer.origin = read_origin();
    check(layer);
    return layer;
  }

 private:
  int64_t count(const char* name, int64_t max) const {
    const Json* value = fields_.find(name);
    const auto number = value ? whole_number(*value) : std::nullopt;
    if (!number || *number > static_cast<uint64_t>(max)) {
      fields_.refuse(name, fmt::format("a whole number from 0 to {}", max),
                     value ? describe(*value) : "nothing");
    }
    return static_cast<int64_t>(*number);
  }

  bool flag(const char* name) const {
    if (!fields_.find(name)) fields_.refuse(name, "true or false", "nothing");
    return fields_.flag(name, false);
  }

  /// Whole numbers below `end`.
  std::vector<int32_t> list(const char* name, int64_t end) const {
    const Json* value = fields_.find(name);
    const auto expected = [&] { return fmt::format("a list of whole numbers below {}", end); };
    if (!value || !value->is_array() || value->size() > static_cast<size_t>(kHeadsMax)) {
      fields_.refuse(name, expected(), value ? describe(*value) : "nothing");
    }
    std::vector<int32_t> numbers;
    for (const Json& entry : *value) {
      const auto number = whole_number(entry);
      if (!number || *number >= static_cast<uint64_t>(end)) {
        fields_.refuse(name, expected(), describe(entry));
      }
      numbers.push_back(static_cast<int32_t>(*number));
    }
    return numbers;
  }

  LayerOrigin read_origin() const {
    LayerOrigin origin;
    origin.layer = static_cast<int32_t>(count("original_layer", kLayersMax));
    const Json* shape = fields_.find("original_shape");
    if (!shape || !shape->is_object()) {
      fields_.refuse("original_shape", "an object", shape ? describe(*shape) : "nothing");
    }
    const std::string inside = inside_ + "original_shape.";
    refuse_unknown(*shape, {"heads", "kv_heads", "head_dim", "ffn_width"}, fields_.where(), inside);
    const Fields fields(*shape, fields_.where(), inside);
    origin.shape = {.heads = static_cast<int32_t>(fields.size({"heads"}, kHeadsMax)),
                    .kv_heads = static_cast<int32_t>(fields.size({"kv_heads"}, kHeadsMax)),
                    .head_dim = fields.size({"head_dim"}, kHeadDimMax),
                    .ffn_width = fields.size({"ffn_width"}, kFfnWidthMax)};
    if (origin.shape.heads % origin.shape.kv_heads != 0) {
      fields.refuse("kv_heads", fmt::format("a divisor of 'heads', {}", origin.shape.heads),
                    std::to_string(origin.shape.kv_heads));
    }
    origin.heads = list("original_heads", origin.shape.heads);
    return origin;
  }

  /// What was removed can't be more than there was, and every head is one that was there.
  void check(const LayerSpec& layer) const {
    const LayerOrigin& origin = layer.origin;
    if (layer.head_dim != origin.shape.head_dim) {
      fields_.refuse("head_dim", fmt::format("{} as in 'original_shape'", origin.shape.head_dim),
                     std::to_string(layer.head_dim));
    }
    if (int64_t{layer.heads()} * layer.head_dim > kAttentionWidthMax) {
      fields_.refuse(
          "head_dim",
          fmt::format("at most {} as the product of heads and 'head_dim'", kAttentionWidthMax),
          std::to_string(int64_t{layer.heads()} * layer.head_dim));
    }
    if (layer.kv_heads > origin.shape.kv_heads) {
      fields_.refuse("kv_heads", fmt::format("at most the original {}", origin.shape.kv_heads),
                     std::to_string(layer.kv_heads));
    }
    if (layer.ffn_width > origin.shape.ffn_width) {
      fields_.refuse("ffn_width", fmt::format("at most the original {}", origin.shape.ffn_width),
                     std::to_string(layer.ffn_width));
    }
    if (origin.heads.size() != layer.kv_of_head.size()) {
      fields_.refuse("original_heads",
                     fmt::format("{} numbers as in 'kv_of_head'", layer.kv_of_head.size()),
                     std::to_string(origin.heads.size()));
    }
    for (size_t i = 1; i < origin.heads.size(); ++i) {
      if (origin.heads[i] <= origin.heads[i - 1]) {
        fields_.refuse("original_heads", "growing numbers",
                       fmt::format("{} after {}", origin.heads[i], origin.heads[i - 1]));
      }
    }
    check_kv_heads(layer);
  }

  /// What a head reads is what it read before anything was removed, numbered anew.
  void check_kv_heads(const LayerSpec& layer) const {
    const LayerOrigin& origin = layer.origin;
    const int32_t heads_of_kv = origin.shape.heads / origin.shape.kv_heads;
    int32_t groups = 0, last = -1;
    for (size_t i = 0; i < origin.heads.size(); ++i) {
      const int32_t group = origin.heads[i] / heads_of_kv;
      if (group != last) ++groups;
      last = group;
      if (layer.kv_of_head[i] != groups - 1) {
        fields_.refuse("kv_of_head",
                       fmt::format("{} for original head {}", groups - 1, origin.heads[i]),
                       std::to_string(layer.kv_of_head[i]));
      }
    }
    if (layer.kv_heads != groups) {
      fields_.refuse("kv_heads", fmt::format("{}, as many as 'original_heads' read", groups),
                     std::to_string(layer.kv_heads));
    }
  }

  const Json& object_;
  std::string inside_;
  Fields fields_;
};

const Json& member(const Json& object, const char* name, bool (Json::*is)() const noexcept,
                   std::string_view where, std::string_view expected) {
  const auto found = object.find(name);
  if (found == object.end() || !((*found).*is)()) {
    fail("{}: field 'crescent.{}': expected {}, found {}", where, name, expected,
         found == object.end() ? "nothing" : describe(*found));
  }
  return *found;
}

std::vector<LayerSpec> read_layers(const Json& own, const DecoderConfig& base,
                                   std::string_view where) {
  const Json& layers = member(own, "layers", &Json::is_array, where, "a list of objects");
  if (layers.size() != base.layers.size()) {
    fail("{}: field 'crescent.layers': expected {} layers, as the family's keys say, found {}",
         where, base.layers.size(), layers.size());
  }
  std::vector<LayerSpec> specs;
  int64_t heads = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].is_object()) {
      fail("{}: field 'crescent.layers[{}]': expected an object, found {}", where, i,
           describe(layers[i]));
    }
    const LayerReader reader(layers[i], where, fmt::format("crescent.layers[{}].", i));
    specs.push_back(reader.read(base.positions));
    heads += specs.back().heads();
  }
  if (heads > kHeadsOfModelMax) {
    fail("{}: field 'crescent.layers': expected at most {} heads in all, found {}", where,
         kHeadsOfModelMax, heads);
  }
  return specs;
}

/// What the layers were must have been a model of the family, or it couldn't be saved again once
/// more of it is removed.
void check_original(const Family& family, const DecoderConfig& config, std::string_view where) {
  try {
    family.write(before_removal(config));
  } catch (const Error& error) {
    fail("{}: field 'crescent.layers': the original shapes are of no {}: {}", where,
         family.model_type(), error.what());
  }
}

const Family& family_named_by(const Json& json, std::string_view where) {
  const auto type = json.find("model_type");
  if (type == json.end() || !type->is_string()) {
    fail("{}: field 'model_type': expected the name of a model family, found {}", where,
         type == json.end() ? "nothing" : describe(*type));
  }
  return family_of(type->get_ref<const std::string&>(), where);
}

}  // namespace

Json write_config(const Family& family, const DecoderConfig& config) {
  Json json, own{{"version", kVersion}, {"layers", Json::array()}};
  if (auto plain = write_plain(family, config)) {
    if (read_config(*plain, "config.json").config == config) return *plain;
    json = std::move(*plain);
  } else {
    json["model_type"] = kOwnModelType;
    own["base"] = family.write(before_removal(config));
  }
  for (const LayerSpec& layer : config.layers) own["layers"].push_back(write_layer(layer));
  json["crescent"] = std::move(own);
  if (read_config(json, "config.json").config != config) {
    fail("config.json of family '{}' can't say what this model is", config.family);
  }
  return json;
}

FamilyConfig read_config(const Json& json, std::string_view where) {
  const auto found = json.find("crescent");
  const auto type = json.find("model_type");
  const bool is_own = type != json.end() && type->is_string() &&
                      type->get_ref<const std::string&>() == kOwnModelType;
  if (found == json.end()) {
    if (is_own) fail("{}: field 'crescent': expected an object, found nothing", where);
    const Family& family = family_named_by(json, where);
    return {&family, family.read(json, where)};
  }
  const Json& own = *found;
  if (!own.is_object()) {
    fail("{}: field 'crescent': expected an object, found {}", where, describe(own));
  }
  if (is_own) {
    refuse_unknown(own, {"version", "layers", "base"}, where, "crescent.");
  } else {
    refuse_unknown(own, {"version", "layers"}, where, "crescent.");
  }
  const Json& version = member(own, "version", &Json::is_number_integer, where, "1");
  if (version != kVersion) {
    fail("{}: field 'crescent.version': expected {}, found {}; a newer crescent may read it", where,
         kVersion, describe(version));
  }
  const Json& base = is_own ? member(own, "base", &Json::is_object, where, "an object") : json;
  const Family& family = family_named_by(base, where);
  DecoderConfig config = family.read(base, where);
  std::vector<LayerSpec> layers = read_layers(own, config, where);
  if (!is_own) {
    DecoderConfig told = config;
    told.layers = layers;
    if (!same_function(told, config)) {
      fail("{}: field 'crescent.layers': expected the layers that the other keys say, found others",
           where);
    }
  }
  config.layers = std::move(layers);
  check_original(family, config, where);
  return {&family, std::move(config)};
}

}  // namespace crescent
