#include "host/process_end.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "bindings/guard.h"
#include "bindings/registry.h"

namespace crescent {
namespace {

int os_exit(lua_State* L) {
  int code = EXIT_SUCCESS;
  if (lua_isboolean(L, 1)) code = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  else if (!lua_isnoneornil(L, 1)) code = static_cast<int>(luaL_checkinteger(L, 1));
  end_process(L, code);
}

}  // namespace

void end_process(lua_State* L, int code) {
  std::signal(SIGINT, SIG_DFL);  // from here on a Ctrl-C just ends the process
  lua_close(L);
  std::fflush(nullptr);
  // LibTorch's own destructors take 40 to 60 ms and give back what the kernel takes anyway.
  if (engine_loaded()) _exit(code);
  std::exit(code);
}

void open_os_exit(lua_State* L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, &guarded<os_exit>);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}

}  // namespace crescent
