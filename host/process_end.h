#pragma once
#include <lua.hpp>

namespace crescent {

/// Closes the state (so that finalisers run), flushes and ends the process. Everything ends here:
/// the end of a script, `os.exit`, an interrupt.
[[noreturn]] void end_process(lua_State* L, int code);

/// Turns two of the system's ways to end a process into words: a mapped file that shrank while it
/// was in use, and a limit on file sizes, which becomes an ordinary error of the write.
void install_fault_messages();

/// Replaces `os.exit`: the original runs no finaliser unless asked.
void open_os_exit(lua_State* L);

}  // namespace crescent
