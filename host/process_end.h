#pragma once
#include <lua.hpp>

namespace crescent {

/// Closes the state (so that finalisers run), flushes and ends the process. Everything ends here:
/// the end of a script, `os.exit`, an interrupt.
[[noreturn]] void end_process(lua_State* L, int code);

/// Replaces `os.exit`: the original runs no finaliser unless asked.
void open_os_exit(lua_State* L);

}  // namespace crescent
