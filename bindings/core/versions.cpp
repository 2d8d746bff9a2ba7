#include "bindings/core/versions.h"

#include <fmt/core.h>

#include <utf8proc.h>

#include <lua.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "profiler/store/store.h"

namespace crescent {

std::span<const Version> versions() {
  static const std::vector<Version> all = {
      {"crescent", fmt::format("{} ({})", CRESCENT_VERSION, kBuild)},
      {"CLI11", CRESCENT_CLI11_VERSION},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"libedit", CRESCENT_LIBEDIT_VERSION},
      {"LibTorch", CRESCENT_TORCH_VERSION},
      {"LuaJIT", std::string(LUAJIT_VERSION).substr(sizeof "LuaJIT")},
      {"nlohmann-json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"SQLite", sqlite_version()},
      {"SQLiteCpp", sqlitecpp_version()},
      {"utf8proc", utf8proc_version()},
  };
  return all;
}

}  // namespace crescent
