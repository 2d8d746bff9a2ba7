#include <cstdio>
#include <span>

#include "bindings/core/store.h"
#include "engine/threads.h"
#include "host/command_line.h"
#include "host/interrupt.h"
#include "host/process_end.h"
#include "host/repl.h"
#include "host/script.h"
#include "host/state.h"
#include "host/version.h"

namespace crescent {
namespace {

constexpr int kWrongUsage = 2;

/// Pushes the chunk that the command line names. False if it doesn't compile; the message is
/// pushed.
bool load_chunk(lua_State* L, const CommandLine& line) {
  switch (line.mode) {
    case CommandLine::Mode::code:
      return luaL_loadbuffer(L, line.target.data(), line.target.size(), "=-e") == 0;
    case CommandLine::Mode::command:
      lua_getglobal(L, "require");
      lua_pushfstring(L, "crescent.commands.%s", line.target.c_str());
      return lua_pcall(L, 1, 1, 0) == 0;
    default:
      if (line.target == "-") return luaL_loadfile(L, nullptr) == 0;
      add_script_folder(L, line.target);
      return luaL_loadfile(L, line.target.c_str()) == 0;
  }
}

int run(lua_State* L, const CommandLine& line, std::span<const char* const> argv) {
  if (line.threads) set_threads(*line.threads);
  if (line.store) set_store_path(*line.store);
  set_arg(L, argv, line.script_index);
  if (line.mode == CommandLine::Mode::prompt) {
    install_interrupts(L, InterruptPolicy::prompt);
    return run_prompt(L);
  }
  install_interrupts(L, InterruptPolicy::script);
  if (!load_chunk(L, line)) {
    std::fprintf(stderr, "%s\n", pop_message(L).c_str());
    return 1;
  }
  return run_program(L);
}

}  // namespace
}  // namespace crescent

int main(int argc, char** argv) {
  const std::span<const char* const> arguments(argv, static_cast<size_t>(argc));
  crescent::CommandLine line;
  try {
    line = crescent::parse_command_line(arguments, crescent::command_names());
  } catch (const crescent::UsageError& error) {
    std::fprintf(stderr, "crescent: %s\nTry `crescent --help`.\n", error.what());
    return crescent::kWrongUsage;
  }
  if (line.mode == crescent::CommandLine::Mode::help)
    return std::fputs(line.help.c_str(), stdout) < 0;
  if (line.mode == crescent::CommandLine::Mode::version) return crescent::print_versions();
  crescent::install_fault_messages();
  crescent::State state = crescent::new_state();
  const int code = crescent::run(state.get(), line, arguments);
  crescent::end_process(state.release(), code);
}
