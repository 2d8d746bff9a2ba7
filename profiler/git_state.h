#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace crescent {

/// What git says about the folder that a script lies in.
struct GitState {
  std::optional<std::string> commit;  ///< whole; nothing before the first
  std::optional<std::string> branch;  ///< nothing where none is checked out
  int64_t changed = 0;                ///< files that differ from the commit
  int64_t untracked = 0;              ///< files and folders that git neither tracks nor ignores
  std::string absent;                 ///< why nothing of this is known; empty if it is
};

struct GitOptions {
  std::string program = "git";  ///< looked for in PATH
  int64_t timeout_ms = 2000;    ///< a large tree on a slow disk must not hold up a run
};

/// Runs `git status` once (posix_spawn: a process with LibTorch in it must not fork). Git's files
/// are not touched, its index is not refreshed, no monitor is started. Never throws for what git
/// does: it is then absent with the reason.
GitState git_state(const std::filesystem::path& folder, const GitOptions& options = {});

}  // namespace crescent
