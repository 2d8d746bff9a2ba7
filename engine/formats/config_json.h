#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "engine/families/family.h"
#include "engine/model/config.h"

namespace crescent {

// config.json of a model that may have lost heads, neurons or layers:
//
//   what Hugging Face's keys of the family can say: those keys, plus, if anything was removed, a
//     `crescent` object that other readers pass over: { version, layers }
//   anything else: { model_type: 'crescent', crescent: { version, base, layers } }, where `base`
//     is the family's config.json before anything was removed. Other readers refuse the type.
//
// `layers` has one object a layer with every field of LayerSpec; heads count from 0 as in the file.

/// Our own `model_type`.
constexpr std::string_view kOwnModelType = "crescent";

/// @throws Error if the description can't be told even so.
nlohmann::json write_config(const Family& family, const DecoderConfig& config);

struct FamilyConfig {
  const Family* family;
  DecoderConfig config;
};
/// Reads both forms, from hostile files too.
/// @throws Error naming file, key, expected and found.
FamilyConfig read_config(const nlohmann::json& json, std::string_view where);

}  // namespace crescent
