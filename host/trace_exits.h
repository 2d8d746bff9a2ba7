#pragma once
#include <lua.hpp>

namespace crescent::trace_exits {

// Makes JIT-compiled Lua leave its traces. LuaJIT's hooks, by which a Ctrl-C would stop a loop, are
// not looked at inside compiled code, so that a compiled `while true do end` never sees one. But a
// trace is left at every guard that fails, with the interpreter's state restored, and the
// interpreter looks at hooks before its next instruction. So, once a hook is set:
//   open_guards()  turns the conditional jumps of all known traces to their exit stubs into
//                  unconditional ones. The next guard is an exit.
//   trap_heads()   for loops without guards: puts a trap at the head of every root trace and its
//                  loop; take_trap() goes on at exit stub 0, which restores the state in which the
//                  trace was entered.
// After either the running function must not go on: a `for` guard may leave its loop early, and
// behind a trap the locals of that one function may be as old as the trace's entry (memory, tables
// and upvalues are sound). The hook raises an error at once, which ends that function; flush() then
// throws the changed code away. Only LuaJIT's public jit.attach and jit.util are used.
// x86-64 only; elsewhere supported() is false and the rest does nothing.

bool supported();

/// Learns of every trace from now on. Once per process, for its one state.
void follow(lua_State* L);

// From signal handlers on the Lua thread; async-signal-safe.
void open_guards();
void trap_heads();
/// The SIGTRAP handler's work: true if the trap was one of ours and `context` goes on elsewhere.
bool take_trap(void* context);

/// Drops all compiled code if some was changed. Not from a handler, and never while one may run.
/// LuaJIT tells of it with a call on `L`, so that this is the state that runs: inside a coroutine,
/// the coroutine's.
void flush(lua_State* L);

}  // namespace crescent::trace_exits
