#include "host/script.h"

#include <cstdio>
#include <filesystem>

#include "host/interrupt.h"

namespace crescent {
namespace {

constexpr int kFailed = 1;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells say it

/// Cuts the lines that name C code by address.
std::string without_addresses(std::string traceback) {
  static constexpr std::string_view kAddress = "\n\t[C]: at 0x";
  for (size_t at; (at = traceback.find(kAddress)) != std::string::npos;) {
    const size_t end = traceback.find('\n', at + 1);
    traceback.erase(at, end == std::string::npos ? end : end - at);
  }
  return traceback;
}

int add_traceback(lua_State* L) {
  // The Lua library's own words for an end that is nobody's mistake: scripts/crescent/stop.lua.
  if (luaL_getmetafield(L, 1, "__stop")) {
    lua_settop(L, 1);
    return 1;
  }
  if (luaL_callmeta(L, 1, "__tostring")) lua_replace(L, 1);
  if (!lua_isstring(L, 1)) {
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  const std::string text = without_addresses(lua_tostring(L, -1));
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

/// Pushes arg[1], arg[2], ... Returns how many.
int push_arguments(lua_State* L) {
  lua_pushliteral(L, "arg");
  lua_rawget(L, LUA_GLOBALSINDEX);
  const int table = lua_gettop(L);
  const auto count = static_cast<int>(lua_objlen(L, table));
  luaL_checkstack(L, count + LUA_MINSTACK, "too many arguments");
  for (int i = 1; i <= count; ++i) lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return count;
}

/// A module that the script used is asked whether all went well.
bool has_failed(lua_State* L, const char* module) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(L, -1, module);
  if (lua_isnil(L, -1)) return false;
  lua_getfield(L, -1, "finish");
  lua_call(L, 0, 1);
  return !lua_toboolean(L, -1);
}

/// A script that used crescent.test ends with its summary, and fails with it: a spec can't forget.
/// One whose experiment has failed cells fails too.
bool anything_failed(lua_State* L) {
  const bool tests = has_failed(L, "crescent.test");
  return has_failed(L, "crescent.experiment.outcome") || tests;
}

}  // namespace

int call_with_traceback(lua_State* L, int arguments, int results) {
  const int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  const int status = lua_pcall(L, arguments, results, base);
  lua_remove(L, base);
  return status;
}

std::string pop_message(lua_State* L) {
  if (luaL_getmetafield(L, -1, "__tostring")) {
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 1, 0) != 0) {
      lua_pop(L, 1);
      lua_pushliteral(L, "(error object whose __tostring fails)");
    }
    lua_remove(L, -2);
  }
  size_t length = 0;
  const char* text = lua_tolstring(L, -1, &length);
  std::string message = text
                            ? std::string(text, length)
                            : std::string("(error object is a ") + luaL_typename(L, -1) + " value)";
  lua_pop(L, 1);
  return message;
}

void set_arg(lua_State* L, std::span<const char* const> argv, int zero) {
  lua_newtable(L);
  for (int i = 0; i < static_cast<int>(argv.size()); ++i) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - zero);
  }
  lua_setglobal(L, "arg");
}

void add_script_folder(lua_State* L, const std::string& script) {
  const auto parent = std::filesystem::path(script).parent_path();
  const std::string folder = parent.empty() ? std::string(".") : parent.string();
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder.c_str(), folder.c_str(),
                  lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

int run_program(lua_State* L) {
  int status = call_with_traceback(L, push_arguments(L), 0);
  bool failed = false;
  if (status == 0) {
    lua_pushcfunction(L, [](lua_State* state) {
      lua_pushboolean(state, anything_failed(state));
      return 1;
    });
    status = call_with_traceback(L, 0, 1);
    if (status == 0) failed = lua_toboolean(L, -1) != 0;
  }
  const bool interrupted = settle_interrupt(L);
  if (status != 0) {
    const std::string message = pop_message(L);
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", message.c_str());
    return interrupted ? kInterrupted : kFailed;
  }
  return failed ? kFailed : EXIT_SUCCESS;
}

}  // namespace crescent
