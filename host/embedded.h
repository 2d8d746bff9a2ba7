#pragma once
#include <span>
#include <string_view>

namespace crescent {

/// A file of scripts/ compiled into the executable: { "crescent/units.lua", text }.
struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};
std::span<const EmbeddedFile> embedded_files();

}  // namespace crescent
