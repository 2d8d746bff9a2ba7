#pragma once
#include <lua.hpp>

#include <memory>

namespace crescent {

struct CloseState {
  void operator()(lua_State* L) const { lua_close(L); }
};
using State = std::unique_ptr<lua_State, CloseState>;

/// A Lua state with the standard libraries, the table `crescent` and the embedded Lua library.
State new_state();

}  // namespace crescent
