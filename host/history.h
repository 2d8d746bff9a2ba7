#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {

/// What was typed at the prompt, entry by entry; an entry may have several lines. The file has one
/// entry a line, with `\n` and `\\` for newline and backslash. Entries are appended as they are
/// entered, so that two prompts at once lose nothing and neither does a killed one.
class History {
 public:
  static constexpr size_t kEntriesMax = 1000;

  /// Reads the file if there is one; a longer file is cut to its newest kEntriesMax entries.
  explicit History(std::filesystem::path file);

  /// ${XDG_STATE_HOME:-~/.local/state}/crescent/history; empty if there is no home.
  static std::filesystem::path default_file();

  const std::vector<std::string>& entries() const { return entries_; }
  /// Keeps an entry unless it is blank or repeats the last one. A history that can't be written is
  /// kept in memory.
  void add(std::string_view entry);

 private:
  std::filesystem::path file_;
  std::vector<std::string> entries_;
};

}  // namespace crescent
