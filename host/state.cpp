#include "host/state.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bindings/core/core.h"
#include "bindings/registry.h"
#include "host/embedded.h"
#include "host/engine_loader.h"
#include "host/globals.h"
#include "host/process_end.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

/// The text of an embedded file, or nullptr.
const EmbeddedFile* find_embedded(std::string_view name) {
  for (const auto& file : embedded_files())
    if (file.name == name) return &file;
  return nullptr;
}

/// Where someone works on the Lua library: its files win over the embedded ones.
const char* library_folder() { return std::getenv("CRESCENT_LUA_PATH"); }

/// package.preload['crescent.units']: runs scripts/crescent/units.lua. Upvalue 1: the file's name.
int load_library_file(lua_State* L) {
  const char* name = lua_tostring(L, lua_upvalueindex(1));
  if (const char* folder = library_folder()) {
    const std::string path = fs::path(folder) / name;
    if (fs::exists(path)) {
      if (luaL_loadfile(L, path.c_str()) != 0) return lua_error(L);
      lua_pushvalue(L, 1);
      lua_call(L, 1, 1);
      return 1;
    }
  }
  const EmbeddedFile* file = find_embedded(name);
  if (!file) fail("the library file {} is gone", name);
  lua_pushfstring(L, "=%s", name);
  if (luaL_loadbuffer(L, file->text.data(), file->text.size(), lua_tostring(L, -1)) != 0)
    return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/// require 'crescent.embedded': name -> text of a library file, or nil.
int read_embedded(lua_State* L) {
  const EmbeddedFile* file = find_embedded(luaL_checkstring(L, 1));
  if (!file) return 0;
  lua_pushlstring(L, file->text.data(), file->text.size());
  return 1;
}

/// 'crescent/units.lua' -> 'crescent.units'
std::string module_name(std::string_view file) {
  std::string name(file.substr(0, file.size() - 4));
  for (char& c : name)
    if (c == '/') c = '.';
  return name;
}

std::vector<std::string> library_files() {
  std::vector<std::string> names;
  for (const auto& file : embedded_files()) names.emplace_back(file.name);
  const char* folder = library_folder();
  if (!folder || !fs::is_directory(fs::path(folder) / "crescent")) return names;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(folder) / "crescent"))
    if (entry.path().extension() == ".lua")
      names.push_back(entry.path().lexically_relative(folder).generic_string());
  return names;
}

void add_library_modules(lua_State* L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  for (const auto& name : library_files()) {
    lua_pushlstring(L, name.data(), name.size());
    lua_pushcclosure(L, &guarded<load_library_file>, 1);
    lua_setfield(L, -2, module_name(name).c_str());
  }
  lua_pushcfunction(L, [](lua_State* state) {
    lua_pushcfunction(state, &guarded<read_embedded>);
    return 1;
  });
  lua_setfield(L, -2, "crescent.embedded");
  lua_pop(L, 2);
}

}  // namespace

std::vector<std::string_view> command_names() {
  static constexpr std::string_view kFolder = "crescent/commands/", kSuffix = ".lua";
  std::vector<std::string_view> names;
  for (const auto& file : embedded_files())
    if (file.name.starts_with(kFolder))
      names.push_back(
          file.name.substr(kFolder.size(), file.name.size() - kFolder.size() - kSuffix.size()));
  return names;
}

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
  add_library_modules(L);
  open_os_exit(L);
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
  open_strict_globals(L);
  return state;
}

}  // namespace crescent
