#include "bindings/guard.h"

#include <algorithm>
#include <cstring>

#include "engine/interrupt.h"

namespace crescent {
namespace {

Describe describer = nullptr;
void (*interrupted_listener)(lua_State*) = nullptr;

}  // namespace

void set_exception_describer(Describe describe) { describer = describe; }

void set_interrupted_listener(void (*listener)(lua_State*)) { interrupted_listener = listener; }

namespace detail {

void note(Caught& caught, const std::exception& error) {
  if (const auto* script = dynamic_cast<const ScriptError*>(&error)) {
    caught.reference = script->reference();
    return;
  }
  caught.interrupted = dynamic_cast<const Interrupted*>(&error) != nullptr;
  std::string described;
  const char* text = error.what();
  if (describer && describer(error, described)) text = described.c_str();
  const size_t length = std::min(std::strlen(text), sizeof caught.message - 1);
  std::memcpy(caught.message, text, length);
  caught.message[length] = '\0';
}

int raise(lua_State* L, Caught& caught) {
  if (caught.reference != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, caught.reference);
    luaL_unref(L, LUA_REGISTRYINDEX, caught.reference);
    return lua_error(L);
  }
  if (caught.interrupted) {  // a wish of the user's: where it was met says nothing
    if (interrupted_listener) interrupted_listener(L);
    lua_pushliteral(L, "interrupted");
    return lua_error(L);
  }
  return luaL_error(L, "%s", caught.message);
}

}  // namespace detail
}  // namespace crescent
