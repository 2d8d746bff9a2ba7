#include "engine/model/level_options.h"

#include <fmt/format.h>

#include <vector>

namespace crescent {

LevelOptions options_of_level(int level) {
  LevelOptions options{.level = level};
  if (level == 3) options.storage = {.weights = Width::int8, .head = Width::int8};
  return options;
}

LevelOptions for_other_weights(LevelOptions options) {
  options.storage.calibration = {};
  return options;
}

std::string words_of(const LevelOptions& options) {
  std::string words = fmt::format("level {}", options.level);
  if (options.storage.is_narrow()) words += " " + words_of(options.storage);
  std::vector<std::string_view> off;
  for (const PassSwitch& pass : kPassSwitches) {
    if (!(options.passes.*pass.is_on)) off.push_back(pass.name);
  }
  if (!off.empty()) {
    words +=
        fmt::format("{} without {}", options.storage.is_narrow() ? "," : "", fmt::join(off, ", "));
  }
  return words;
}

}  // namespace crescent
