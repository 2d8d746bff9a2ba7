#include "bindings/push.h"

namespace crescent {

void mark_empty_list(lua_State* L) {
  if (luaL_newmetatable(L, "crescent.json.list")) {
    lua_pushliteral(L, "list");
    lua_setfield(L, -2, "__json");
  }
  lua_setmetatable(L, -2);
}

void make_view(lua_State* L, const char* owner) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.view");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "of");
  lua_pushvalue(L, -3);
  lua_pushstring(L, owner);
  lua_call(L, 2, 1);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

}  // namespace crescent
