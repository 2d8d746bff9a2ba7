#include "host/globals.h"

#include <string>
#include <string_view>
#include <vector>

#include "bindings/args.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

/// A script can reach the metamethods and call them with anything.
void require_table(lua_State* L) {
  if (!lua_istable(L, 1))
    throw ArgError("globals: expected the table of globals, got " + describe(L, 1));
}

/// _G.__newindex: remembers the name, so that a global may hold nil. Upvalue 1: names assigned.
int assign_global(lua_State* L) {
  require_table(L);
  lua_pushvalue(L, 2);
  lua_pushboolean(L, 1);
  lua_rawset(L, lua_upvalueindex(1));
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

/// _G.__index: reached only where no value is. Upvalue 1: names assigned.
int read_global(lua_State* L) {
  require_table(L);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  if (lua_toboolean(L, -1)) return 0;
  if (lua_type(L, 2) != LUA_TSTRING)
    throw ArgError(fmt::format("undefined global {}", describe(L, 2)));
  std::vector<std::string> names;
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    if (lua_type(L, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(L, -2));
    lua_pop(L, 1);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view name = lua_tostring(L, 2);
  throw ArgError(fmt::format("undefined global '{}'{}", name, did_you_mean(name, known)));
}

}  // namespace

void open_strict_globals(lua_State* L) {
  lua_newtable(L);  // the metatable
  lua_newtable(L);  // names assigned
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, &guarded<assign_global>, 1);
  lua_setfield(L, -3, "__newindex");
  lua_pushcclosure(L, &guarded<read_global>, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, LUA_GLOBALSINDEX);
}

}  // namespace crescent
