#include "host/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>

#include "engine/nearest.h"

namespace crescent {
namespace {

constexpr const char* kUsage =
    "crescent runs Lua experiments on transformer language models.\n"
    "\n"
    "Usage: crescent [OPTION...] FILE.lua [ARGUMENT...]   run a script; '-' reads it from stdin\n"
    "       crescent [OPTION...] -e CODE [ARGUMENT...]    run Lua code\n"
    "       crescent [OPTION...]                          read statements from the terminal or a "
    "pipe\n"
    "       crescent COMMAND ...                          run a command of crescent's own\n";

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back(fmt::format("--{}", name));
  return names;
}

std::string unknown_flag(const CLI::App& app, const std::string& given) {
  const std::string name = given.substr(0, given.find('='));
  const auto names = flag_names(app);
  const std::vector<std::string_view> known(names.begin(), names.end());
  return fmt::format("unknown option '{}'{}", name, did_you_mean(name, known));
}

/// Empty if the text is a thread count, else what was expected.
std::string check_threads(const std::string& given) {
  constexpr int kThreadsMax = 1024;
  int count = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), count);
  const bool whole = error == std::errc() && end == given.data() + given.size();
  if (whole && count >= 1 && count <= kThreadsMax) return "";
  return fmt::format("expected an integer in [1, {}], got '{}'", kThreadsMax, given);
}

/// Empty if the text may be a path, else what was expected.
std::string check_store(const std::string& given) {
  return given.empty() ? "expected a path, got ''" : "";
}

/// Throws what is wrong with a script's path: not there, unreadable, or a folder.
void check_script(const std::string& path, std::span<const std::string_view> commands) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    const char* hint = "name a script in it";
    if (fs::exists(fs::path(path) / "config.json", error))
      hint = "to continue a text with the model in it: crescent generate DIR PROMPT";
    throw UsageError(fmt::format("'{}' is a folder, not a script; {}", path, hint));
  }
  if (access(path.c_str(), R_OK) != 0)
    throw UsageError(fmt::format("can't read '{}': {}{}", path, std::strerror(errno),
                                 did_you_mean(path, commands)));
}

std::string command_list(std::span<const std::string_view> commands) {
  std::string text = "Commands (each has a --help):\n";
  for (const auto command : commands) text += fmt::format("  crescent {}\n", command);
  return text;
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> argv,
                               std::span<const std::string_view> commands) {
  CommandLine line;
  std::string code, store;
  int threads = 0;
  bool version = false, help = false;
  CLI::App app;
  app.set_help_flag();  // ours comes before a script's options only
  app.prefix_command();
  const auto* run = app.add_option("-e", code, "run CODE instead of a file")->type_name("CODE");
  const auto* team =
      app.add_option("--threads", threads,
                     "threads below Lua; default: what affinity and cgroup quota allow")
          ->type_name("N")
          ->check(CLI::Validator(check_threads, "", "threads"));
  const auto* runs = app.add_option("--store", store,
                                    "where runs are stored; default: CRESCENT_STORE, else runs.db")
                         ->type_name("PATH")
                         ->check(CLI::Validator(check_store, "", "store"));
  app.add_flag("--version", version, "print the versions of everything linked, and exit");
  app.add_flag("-h,--help", help, "print this text, and exit");
  try {
    app.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();
    throw UsageError(text.substr(0, text.find(':')) + ": expected a value, got nothing");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  const auto rest = app.remaining();
  line.script_index = static_cast<int>(argv.size() - rest.size());
  if (team->count() > 0) line.threads = threads;
  if (runs->count() > 0) line.store = store;
  if (help) {
    line.mode = CommandLine::Mode::help;
    const std::string options = app.help();
    line.help = fmt::format("{}\n{}{}", kUsage, options.substr(options.find("Options:")),
                            command_list(commands));
  } else if (version) {
    line.mode = CommandLine::Mode::version;
  } else if (run->count() > 0) {
    line.mode = CommandLine::Mode::code;
    line.target = code;
    line.script_index -= 1;  // what follows the code starts at arg[1]
  } else if (!rest.empty()) {
    line.target = rest.front();
    if (line.target.size() > 1 && line.target.front() == '-')
      throw UsageError(unknown_flag(app, line.target));
    const bool command = std::ranges::find(commands, line.target) != commands.end();
    line.mode = command ? CommandLine::Mode::command : CommandLine::Mode::file;
    if (!command && line.target != "-") check_script(line.target, commands);
  }
  return line;
}

}  // namespace crescent
