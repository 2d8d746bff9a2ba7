#pragma once
#include <lua.hpp>

#include <span>
#include <string>

namespace crescent {

/// lua_pcall that leaves the message with a Lua traceback in place of an error. The traceback shows
/// Lua only: addresses of C code say nothing to the reader.
int call_with_traceback(lua_State* L, int arguments, int results);

/// The value at the top of the stack as an error message; pops it.
std::string pop_message(lua_State* L);

/// Sets the global `arg` as `lua` does: argv[zero] is arg[0], what stands before it has negative
/// positions.
void set_arg(lua_State* L, std::span<const char* const> argv, int zero);

/// Lets `require` find modules in the folder of a script.
void add_script_folder(lua_State* L, const std::string& script);

/// Runs the chunk at the top of the stack as the program, with what stands in `arg` from 1 on as
/// its
/// `...`. Returns the exit code; what went wrong is on stderr.
int run_program(lua_State* L);

}  // namespace crescent
