#include "host/state.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "bindings/core/core.h"
#include "bindings/registry.h"
#include "host/embedded.h"
#include "host/engine_loader.h"

namespace crescent {
namespace {

/// package.preload['crescent.units']: runs scripts/crescent/units.lua from the executable, or from
/// $CRESCENT_LUA_PATH, where someone works on it. Upvalue 1: the embedded file.
int load_embedded(lua_State* L) {
  const auto& file = *static_cast<const EmbeddedFile*>(lua_touserdata(L, lua_upvalueindex(1)));
  const std::string name(file.name);
  if (const char* folder = std::getenv("CRESCENT_LUA_PATH")) {
    if (luaL_loadfile(L, (std::filesystem::path(folder) / name).c_str()) != 0) return lua_error(L);
  } else if (luaL_loadbuffer(L, file.text.data(), file.text.size(), ("=" + name).c_str()) != 0) {
    return lua_error(L);
  }
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

std::string module_name(std::string_view file) {
  std::string name(file.substr(0, file.size() - 4));
  for (char& c : name)
    if (c == '/') c = '.';
  return name;
}

void add_embedded_modules(lua_State* L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  for (const auto& file : embedded_files()) {
    lua_pushlightuserdata(L, const_cast<EmbeddedFile*>(&file));
    lua_pushcclosure(L, &guarded<load_embedded>, 1);
    lua_setfield(L, -2, module_name(file.name).c_str());
  }
  lua_pop(L, 2);
}

}  // namespace

State new_state() {
  static const bool registered = [] {
    register_core();
    set_engine_loader(load_engine_library);
    return true;
  }();
  (void)registered;
  State state(luaL_newstate());
  lua_State* L = state.get();
  luaL_openlibs(L);
  add_embedded_modules(L);
  // Before any script keeps pairs and ipairs: views make them ask for __pairs and __ipairs.
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.view");
  lua_call(L, 1, 0);
  lua_newtable(L);
  register_api(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "loaded");
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "crescent");
  lua_pop(L, 2);
  lua_setglobal(L, "crescent");
  return state;
}

}  // namespace crescent
