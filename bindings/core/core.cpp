#include "bindings/core/core.h"

#include "bindings/registry.h"
#include "engine/threads.h"

namespace crescent {
namespace {

int process_threads(Args& args) {
  if (args.has(1)) set_threads(static_cast<int>(args.integer(1)));
  lua_pushinteger(args.L(), threads());
  return 1;
}

}  // namespace

void register_core() {
  provide({{"crescent.threads", process_threads}});
  register_help();
  register_tokenizer();
  register_files();
  register_presets();
  register_machine();
  register_energy();
  register_statistics();
  register_memory();
  register_store();
  register_store_profile();
  register_sweep();
  register_compare();
  register_trace();
  register_child();
  finish_home(api::Home::core);
}

}  // namespace crescent
