#pragma once
#include <lua.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace crescent {

struct CloseState {
  void operator()(lua_State* L) const { lua_close(L); }
};
using State = std::unique_ptr<lua_State, CloseState>;

/// A Lua state with the standard libraries, the table `crescent` and the embedded Lua library.
State new_state();

/// What `crescent NAME` answers to: the files in scripts/crescent/commands/.
std::vector<std::string_view> command_names();

}  // namespace crescent
