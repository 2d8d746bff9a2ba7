#include "bindings/core/versions.h"

#include <fmt/core.h>

#include <lua.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace crescent {
namespace {

std::string pcre2_version() {
  std::string text(static_cast<size_t>(pcre2_config(PCRE2_CONFIG_VERSION, nullptr)), '\0');
  pcre2_config(PCRE2_CONFIG_VERSION, text.data());
  return text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
}

}  // namespace

std::span<const Version> versions() {
  static const std::vector<Version> all = {
      {"crescent", CRESCENT_VERSION " (" CRESCENT_BUILD ")"},
      {"CLI11", CRESCENT_CLI11_VERSION},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"libedit", CRESCENT_LIBEDIT_VERSION},
      {"LibTorch", CRESCENT_TORCH_VERSION},
      {"LuaJIT", std::string(LUAJIT_VERSION).substr(sizeof "LuaJIT")},
      {"nlohmann-json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"PCRE2", pcre2_version()},
  };
  return all;
}

}  // namespace crescent
