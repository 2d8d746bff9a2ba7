#include <unordered_set>

#include "bindings/callback.h"
#include "bindings/core/core.h"
#include "bindings/handle.h"
#include "bindings/pressure.h"
#include "bindings/registry.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

void set_bytes(lua_State* L, const char* name, int64_t value) {
  lua_pushnumber(L, static_cast<lua_Number>(value));
  lua_setfield(L, -2, name);
}

int process_memory_table(Args& args) {
  lua_State* L = args.L();
  const ModelMemory models = model_memory();
  const ProcessMemory process = process_memory();
  lua_newtable(L);
  set_bytes(L, "tensor_bytes", pressure().bytes());
  set_bytes(L, "tensor_storages", pressure().storages());
  set_bytes(L, "tensors", pressure().handles());
  set_bytes(L, "collect_at_bytes", pressure().ceiling_bytes());
  set_bytes(L, "sessions", pressure().sessions());
  set_bytes(L, "session_bytes", pressure().session_bytes());
  set_bytes(L, "models", models.models);
  set_bytes(L, "model_bytes_stored", models.bytes_stored);
  set_bytes(L, "model_bytes_widened", models.bytes_widened);
  set_bytes(L, "model_bytes_transposed", models.bytes_transposed);
  set_bytes(L, "model_bytes_packed", models.bytes_packed);
  set_bytes(L, "model_bytes_given_back", models.bytes_given_back);
  set_bytes(L, "lua_bytes", int64_t{lua_gc(L, LUA_GCCOUNT, 0)} * 1024 + lua_gc(L, LUA_GCCOUNTB, 0));
  set_bytes(L, "rss_bytes", process.rss_bytes);
  set_bytes(L, "rss_bytes_peak", process.rss_bytes_peak);
  lua_newtable(L);
  if (!process.pss_bytes) {
    lua_pushliteral(L, "/proc/self/smaps_rollup can't be read");
    lua_setfield(L, -2, "pss_bytes");
  }
  lua_setfield(L, -2, "absent");
  if (process.pss_bytes) set_bytes(L, "pss_bytes", *process.pss_bytes);
  set_result(L, "memory");
  return 1;
}

/// Adds the handles in the value at `index`, looking into tables.
void collect_handles(lua_State* L, int index, std::unordered_set<const void*>& found) {
  if (lua_type(L, index) == LUA_TUSERDATA) found.insert(lua_touserdata(L, index));
  if (!lua_istable(L, index) || !found.insert(lua_topointer(L, index)).second) return;
  luaL_checkstack(L, 4, "tables nested too deep");
  lua_pushvalue(L, index);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    collect_handles(L, lua_gettop(L) - 1, found);
    collect_handles(L, lua_gettop(L), found);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/// Closes what its scope made, on every way out of it.
class Scope {
 public:
  ~Scope() { close_handles_since(first_, keep_); }
  std::unordered_set<const void*>& keep() { return keep_; }

 private:
  uint64_t first_ = next_handle_serial();
  std::unordered_set<const void*> keep_;
};

int process_scope(Args& args) {
  lua_State* L = args.L();
  Scope scope;
  Callback(L, 1).call(LUA_MULTRET, [](lua_State*) { return 0; });
  for (int i = 2; i <= lua_gettop(L); ++i) collect_handles(L, i, scope.keep());
  return lua_gettop(L) - 1;
}

}  // namespace

void register_memory() {
  provide({{"crescent.memory", process_memory_table}, {"crescent.scope", process_scope}});
}

}  // namespace crescent
