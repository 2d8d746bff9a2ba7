#include "host/history.h"

#include <cstdlib>
#include <fstream>

namespace crescent {
namespace {

namespace fs = std::filesystem;

std::string to_line(std::string_view entry) {
  std::string line;
  for (const char c : entry) {
    if (c == '\n') line += "\\n";
    else if (c == '\\') line += "\\\\";
    else line += c;
  }
  return line;
}

std::string from_line(std::string_view line) {
  std::string entry;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) entry += line[++i] == 'n' ? '\n' : line[i];
    else entry += line[i];
  }
  return entry;
}

}  // namespace

fs::path History::default_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state) return fs::path(state) / "crescent" / "history";
  const char* home = std::getenv("HOME");
  if (home && *home) return fs::path(home) / ".local" / "state" / "crescent" / "history";
  return {};
}

History::History(fs::path file) : file_(std::move(file)) {
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);) entries_.push_back(from_line(line));
  if (entries_.size() <= kEntriesMax) return;
  entries_.erase(entries_.begin(), entries_.end() - kEntriesMax);
  const fs::path fresh = file_.string() + ".new";
  std::ofstream out(fresh, std::ios::trunc);
  for (const auto& entry : entries_) out << to_line(entry) << '\n';
  out.close();
  std::error_code error;
  if (out) fs::rename(fresh, file_, error);
}

void History::add(std::string_view entry) {
  if (entry.find_first_not_of(" \t\n") == std::string_view::npos) return;
  if (!entries_.empty() && entries_.back() == entry) return;
  entries_.emplace_back(entry);
  if (file_.empty()) return;
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  std::ofstream(file_, std::ios::app) << to_line(entry) + '\n';
}

}  // namespace crescent
