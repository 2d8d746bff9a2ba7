#pragma once
#include <lua.hpp>

namespace crescent {

/// Reads statements and expressions until the input ends, and prints the values. On a terminal with
/// prompt, editing and history; from a pipe without. Returns the exit code: 0, or from a pipe 1 if
/// a statement failed.
int run_prompt(lua_State* L);

}  // namespace crescent
