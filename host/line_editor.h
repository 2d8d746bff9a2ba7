#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/history.h"

namespace crescent {

/// What Tab offers: `words` to put in place of the last `replaced` bytes before the cursor.
struct Completion {
  size_t replaced = 0;
  std::vector<std::string> words;
};

/// Lines from a terminal, with editing, history and completion (libedit).
class LineEditor {
 public:
  using Complete = std::function<Completion(const std::string& before_cursor)>;

  LineEditor(const History& history, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  struct Line {
    std::string text;
    bool cancelled = false;  ///< Ctrl-C: drop what was typed
  };
  /// Without its newline; nothing at the end of the input (Ctrl-D on an empty line).
  std::optional<Line> read(const char* prompt);

  /// Makes an entry reachable by the arrow keys.
  void remember(const std::string& entry);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crescent
