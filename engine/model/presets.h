#pragma once
#include <span>
#include <string>
#include <string_view>

#include "engine/model/config.h"

namespace crescent {

/// An exact published shape, to be filled with seeded random weights.
struct Preset {
  const char* name;
  const char* doc;
  DecoderConfig (*config)();
};

std::span<const Preset> presets();
/// @throws Error naming the nearest known preset.
const Preset& preset(std::string_view name);

}  // namespace crescent
