#pragma once
#include <lua.hpp>
#include <nlohmann/json_fwd.hpp>

namespace crescent {

/// Pushes JSON as Lua values, as crescent.json.decode gives it.
void push_json(lua_State* L, const nlohmann::json& value);

}  // namespace crescent
