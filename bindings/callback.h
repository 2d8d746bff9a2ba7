#pragma once
#include <lua.hpp>

#include <memory>

#include "bindings/guard.h"

namespace crescent {

/// A Lua function held by C++. Calls go through lua_pcall; an error comes out as ScriptError, so
/// that no Lua error ever crosses an engine frame. One lua_State, one thread.
class Callback {
 public:
  Callback(lua_State* L, int index);

  /// Pushes arguments with `push(L)`, which returns how many; leaves `results` values on the stack.
  template <class Push>
  void call(int results, Push push) const {
    lua_rawgeti(L_, LUA_REGISTRYINDEX, *reference_);
    const int count = push(L_);
    finish(count, results);
  }
  lua_State* state() const { return L_; }

 private:
  void finish(int arguments, int results) const;
  lua_State* L_;
  std::shared_ptr<int> reference_;
};

}  // namespace crescent
