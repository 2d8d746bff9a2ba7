#pragma once
#include <lua.hpp>

#include <exception>
#include <string>

#include "engine/error.h"

namespace crescent {

class Args;

/// An error raised by a Lua callback on its way through C++ frames. Holds the Lua value itself (a
/// registry reference), so that it arrives as it was thrown.
class ScriptError : public Error {
 public:
  ScriptError(const std::string& message, int reference) : Error(message), reference_(reference) {}
  int reference() const { return reference_; }

 private:
  int reference_;
};

/// Wrong use by the caller: the message is raised on the caller's line.
class ArgError : public Error {
 public:
  using Error::Error;
};

/// How an exception that the executable doesn't know reads; the engine library sets it to show
/// LibTorch's errors without their backtrace. Returns false to leave it to std::exception::what.
using Describe = bool (*)(const std::exception&, std::string& message);
void set_exception_describer(Describe describe);

/// Called when an Interrupted has become a Lua error of the running state (which may be a
/// coroutine's); the host then knows that Ctrl-C was answered.
void set_interrupted_listener(void (*listener)(lua_State*));

namespace detail {
struct Caught {
  char message[4096];
  bool interrupted = false;
  int reference = LUA_NOREF;  ///< of a ScriptError
};
void note(Caught& caught, const std::exception& error);
int raise(lua_State* L, Caught& caught);  ///< does not return
}  // namespace detail

/// The border between C++ exceptions and Lua errors, and the only one. The message is copied to the
/// stack, and the exception is gone, before lua_error leaves this frame. Never add `catch (...)`:
/// LuaJIT throws its own errors as foreign exceptions, and they must pass.
template <int (*Fn)(lua_State*)>
int guarded(lua_State* L) {
  detail::Caught caught;
  try {
    return Fn(L);
  } catch (const std::exception& error) {
    detail::note(caught, error);
  }
  return detail::raise(L, caught);
}

}  // namespace crescent
