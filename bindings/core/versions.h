#pragma once
#include <lua.hpp>

#include <span>
#include <string>
#include <string_view>

namespace crescent {

struct Version {
  std::string_view name;
  std::string version;
};

/// crescent itself first, then what it is linked with, by name. LibTorch's is the one that it was
/// built for: telling it must not load the engine.
std::span<const Version> versions();

/// Pushes them by name, as crescent.versions() gives them.
void push_versions(lua_State* L);

}  // namespace crescent
