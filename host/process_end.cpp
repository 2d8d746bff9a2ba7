#include "host/process_end.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "bindings/guard.h"
#include "bindings/registry.h"
#include "host/interrupt.h"

namespace crescent {
namespace {

int os_exit(lua_State* L) {
  int code = EXIT_SUCCESS;
  if (lua_isboolean(L, 1)) code = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  else if (!lua_isnoneornil(L, 1)) code = static_cast<int>(luaL_checkinteger(L, 1));
  end_process(L, code);
}

/// Reading beyond the end of a mapped file. Only calls that a signal handler may make.
void on_bus_error(int) {
  constexpr char kMessage[] =
      "crescent: a model file was changed or cut short by another program while it was in use; "
      "replace files by renaming, never in place\n";
  const ssize_t written = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(written < 0 ? 2 : 1);
}

}  // namespace

void install_fault_messages() {
  std::signal(SIGBUS, on_bus_error);
  std::signal(SIGXFSZ, SIG_IGN);
}

void end_process(lua_State* L, int code) {
  std::signal(SIGINT, SIG_DFL);  // from here on a Ctrl-C just ends the process
  settle_interrupt(L);           // one that came before must not find a closed state
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
