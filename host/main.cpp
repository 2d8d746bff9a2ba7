#include <cstdio>
#include <cstring>

#include "host/state.h"

int main(int argc, char** argv) {
  const crescent::State state = crescent::new_state();
  lua_State* L = state.get();
  int status = 0;
  if (argc > 2 && std::strcmp(argv[1], "-e") == 0) status = luaL_dostring(L, argv[2]);
  else if (argc > 1) status = luaL_dofile(L, argv[1]);
  if (status != 0) std::fprintf(stderr, "%s\n", lua_tostring(L, -1));
  return status != 0;
}
