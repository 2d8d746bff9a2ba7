#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace crescent {

/// The command line can't be understood: exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

struct CommandLine {
  enum class Mode { prompt, code, file, command, help, version };
  Mode mode = Mode::prompt;
  std::string target;                ///< the Lua code, the script's path or the command's name
  std::optional<int> threads;        ///< --threads
  std::optional<std::string> store;  ///< --store
  std::string help;                  ///< for Mode::help
  /// Index in argv of what `arg[0]` is: options before it are crescent's, those after it the
  /// script's.
  int script_index = 0;
};

/// @param commands  names that scripts/crescent/commands/ answers to.
/// @throws UsageError with the message for the user.
CommandLine parse_command_line(std::span<const char* const> argv,
                               std::span<const std::string_view> commands);

}  // namespace crescent
