#include "bindings/push.h"

namespace crescent {

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
