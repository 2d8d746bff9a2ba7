#pragma once
#include <lua.hpp>

namespace crescent {

/// Makes globals strict: reading one that was never assigned is an error on the caller's line that
/// names the nearest known one. Assigning is allowed everywhere, also of nil.
void open_strict_globals(lua_State* L);

}  // namespace crescent
