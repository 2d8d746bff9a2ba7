#pragma once
#include <lua.hpp>

namespace crescent {

/// What a Ctrl-C does to Lua. It becomes the Lua error 'interrupted': raised by a hook in
/// interpreted code, by trace_exits in compiled code, and by check_interrupt() in native loops.
enum class InterruptPolicy {
  script,  ///< the first raises once, and a pcall may catch it; after the second every pcall fails
           ///< until the program ends, at the latest a second later
  prompt,  ///< raised again and again until settle_interrupt(); three that nothing meets, because a
           ///< native call doesn't return, end the process
};

/// Takes SIGINT, SIGTRAP and one real-time signal for `L`, which must be the process's only state
/// and belong to the calling thread.
void install_interrupts(lua_State* L, InterruptPolicy policy);

/// After a call from outside Lua has returned: forgets what was requested and drops changed code.
/// True if there was a Ctrl-C since the last time.
bool settle_interrupt(lua_State* L);

/// Turns the JIT compiler off for the chunk at the top of the stack where compiled code can't be
/// interrupted.
void make_interruptible(lua_State* L);

}  // namespace crescent
