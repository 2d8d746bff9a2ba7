#include "host/version.h"

#include <fmt/format.h>

#include <cstdio>

#include "bindings/core/versions.h"

namespace crescent {

int print_versions() {
  std::string text;
  for (const auto& [name, version] : versions()) text += fmt::format("{:<14} {}\n", name, version);
  return std::fputs(text.c_str(), stdout) < 0;
}

}  // namespace crescent
