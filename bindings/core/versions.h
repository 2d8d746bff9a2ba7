#pragma once
#include <lua.hpp>

#include <span>
#include <string>
#include <string_view>

namespace crescent {

/// The commit that this was built from, as `git describe` names it; cmake/Version.cmake.
extern const char* const kBuild;

struct Version {
  std::string_view name;
  std::string version;
};

/// crescent itself first, then what it is linked with, by name. LibTorch's is what the
/// headers that it was built with say, and the Debian package if they came from one (1.13.1's say
/// 1.13.0): telling it must not load the engine.
std::span<const Version> versions();

/// Pushes them by name, as crescent.versions() gives them.
void push_versions(lua_State* L);

}  // namespace crescent
