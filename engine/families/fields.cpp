#include "engine/families/fields.h"

#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <vector>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};
// The first name of an activation is the one that is written.
constexpr std::array<ActivationName, 6> kActivations{{
    {"relu", Activation::relu},
    {"gelu", Activation::gelu},
    {"gelu_new", Activation::gelu_tanh},
    {"gelu_pytorch_tanh", Activation::gelu_tanh},
    {"silu", Activation::silu},
    {"swish", Activation::silu},
}};

std::string known_activations() {
  std::vector<std::string_view> names;
  names.reserve(kActivations.size());
  for (const auto& [name, activation] : kActivations) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Fields::Fields(const nlohmann::json& object, std::string_view where, std::string_view inside)
    : object_(object), where_(where), inside_(inside) {}

const nlohmann::json* Fields::find(const char* name) const {
  const auto field = object_.find(name);
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

void Fields::refuse(const char* name, std::string_view expected, std::string_view found) const {
  fail("{}: field '{}{}': expected {}, found {}", where_, inside_, name, expected, found);
}

std::optional<int64_t> Fields::optional_size(Names names, int64_t max) const {
  const char* found_name = nullptr;
  std::optional<int64_t> size;
  for (const char* name : names) {
    const nlohmann::json* value = find(name);
    if (!value) continue;
    const auto number = whole_number(*value);
    if (!number || *number < 1 || *number > static_cast<uint64_t>(max)) {
      refuse(name, fmt::format("a whole number from 1 to {}", max), describe(*value));
    }
    if (size && *size != static_cast<int64_t>(*number)) {
      refuse(name, fmt::format("{} as in '{}'", *size, found_name), describe(*value));
    }
    size = static_cast<int64_t>(*number);
    found_name = name;
  }
  return size;
}

int64_t Fields::size(Names names, int64_t max) const {
  if (const auto size = optional_size(names, max)) return *size;
  refuse(*names.begin(), fmt::format("a whole number from 1 to {}", max), "nothing");
}

std::optional<double> Fields::optional_positive(const char* name) const {
  const nlohmann::json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() > 0) || !std::isfinite(value->get<double>())) {
    refuse(name, "a number above 0", describe(*value));
  }
  return value->get<double>();
}

double Fields::positive(const char* name, double fallback) const {
  return optional_positive(name).value_or(fallback);
}

bool Fields::flag(const char* name, bool fallback) const {
  const nlohmann::json* value = find(name);
  if (!value) return fallback;
  if (!value->is_boolean()) refuse(name, "true or false", describe(*value));
  return value->get<bool>();
}

std::string Fields::word(const char* name, std::string_view fallback) const {
  const nlohmann::json* value = find(name);
  if (!value) return std::string(fallback);
  if (!value->is_string()) refuse(name, "a string", describe(*value));
  return value->get<std::string>();
}

Activation Fields::activation(const char* name, std::string_view fallback) const {
  const std::string wanted = word(name, fallback);
  for (const auto& [known, activation] : kActivations) {
    if (wanted == known) return activation;
  }
  refuse(name, "one of " + known_activations(), in_quotes(wanted));
}

void Fields::refuse_flag(const char* name) const {
  if (flag(name, false)) refuse(name, "false (crescent doesn't do this)", "true");
}

void Fields::refuse_content(const char* name) const {
  const nlohmann::json* value = find(name);
  if (value && !(value->is_structured() && value->empty())) {
    refuse(name, "nothing (crescent doesn't do this)", describe(*value));
  }
}

void check_heads_of_model(const Fields& fields, const HeadCount& count) {
  const int64_t heads_of_model = count.layers * count.heads;
  if (heads_of_model > kHeadsOfModelMax) {
    fields.refuse(count.layers_name,
                  fmt::format("at most {} as the product of '{}' and '{}'", kHeadsOfModelMax,
                              count.layers_name, count.heads_name),
                  std::to_string(heads_of_model));
  }
}

const char* hugging_face_name_of(Activation activation) {
  for (const auto& [name, known] : kActivations) {
    if (known == activation) return name.data();  // a literal: ends with a zero
  }
  return "";
}

LayerShape shape_of_every_layer(const DecoderConfig& config) {
  require_expressible(!config.layers.empty(), config, "a model without layers");
  const LayerSpec& first = config.layers.front();
  const LayerShape shape{.heads = first.heads(),
                         .kv_heads = first.kv_heads,
                         .head_dim = first.head_dim,
                         .ffn_width = first.ffn_width};
  const bool is_whole = shape.heads > 0 && shape.kv_heads > 0 && shape.ffn_width > 0 &&
                        shape.heads % shape.kv_heads == 0;
  LayerSpec expected = is_whole ? whole_layer(shape) : LayerSpec{};
  for (size_t i = 0; i < config.layers.size(); ++i) {
    expected.attention_scale = config.layers[i].attention_scale;
    require_expressible(is_whole && same_function(config.layers[i], expected), config,
                        fmt::format("layer {}: heads or neurons were removed", i + 1));
  }
  return shape;
}

void require_expressible(bool it_can, const DecoderConfig& config, std::string_view what) {
  if (!it_can) fail("config.json of family '{}' can't say: {}", config.family, what);
}

}  // namespace crescent
