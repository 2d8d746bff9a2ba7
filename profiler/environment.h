#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "profiler/git_state.h"

namespace crescent {

/// One thing that was so when a run was made.
struct Fact {
  std::string name;  ///< 'governor', 'memory_bytes', 'version.LuaJIT'; the unit last
  std::string value;
  std::string absent;  ///< the reason, where there is no value; else empty
  bool operator==(const Fact&) const = default;
};

/// What the caller knows.
struct EnvironmentOptions {
  struct Script {
    std::filesystem::path path;
    std::string text;
    std::string hash;  ///< of the text
  };
  std::optional<Script> script;  ///< nothing for what is typed at the prompt
  /// Of crescent itself with its build, and of what it is linked with.
  std::vector<std::pair<std::string, std::string>> versions;
  GitOptions git;
  std::string root = "/";  ///< of proc and sys, so that tests can bring their own
};

/// What is stored with every run, in this order: machine, its state at this moment, versions,
/// script, git, warnings ('warning.1', 'warning.2' .. or none). Names don't repeat.
///
/// The machine's name and its users' are left out: runs are shared, and neither changes a number.
/// For the same reason of a script only the file's name is kept, not where it lies.
/// Cost: some milliseconds, most of them git's.
std::vector<Fact> environment_facts(const EnvironmentOptions& options);

}  // namespace crescent
