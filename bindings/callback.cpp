#include "bindings/callback.h"

namespace crescent {

Callback::Callback(lua_State* L, int index) : L_(L) {
  lua_pushvalue(L, index);
  reference_ = std::shared_ptr<int>(new int(luaL_ref(L, LUA_REGISTRYINDEX)), [L](int* reference) {
    luaL_unref(L, LUA_REGISTRYINDEX, *reference);
    delete reference;
  });
}

void Callback::finish(int arguments, int results) const {
  if (lua_pcall(L_, arguments, results, 0) == 0) return;
  // Not of a number: lua_tostring would turn the value itself into a string.
  const char* text = lua_type(L_, -1) == LUA_TSTRING ? lua_tostring(L_, -1) : nullptr;
  const std::string message = text ? text : "error without a message";
  throw ScriptError(message, luaL_ref(L_, LUA_REGISTRYINDEX));
}

}  // namespace crescent
