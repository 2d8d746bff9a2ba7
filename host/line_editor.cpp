#include "host/line_editor.h"

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>

#include "engine/error.h"

namespace crescent {
namespace {

constexpr int kColumnsAssumed = 80;

std::string common_prefix(const std::vector<std::string>& words) {
  std::string prefix = words.front();
  for (const auto& word : words) {
    const auto [end, unused] =
        std::mismatch(prefix.begin(), prefix.end(), word.begin(), word.end());
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

/// The words below the line, in columns.
void print_words(const std::vector<std::string>& words) {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const size_t width = known ? size.ws_col : kColumnsAssumed;
  size_t longest = 0;
  for (const auto& word : words) longest = std::max(longest, word.size());
  const size_t columns = std::max<size_t>(1, width / (longest + 2));
  std::string text = "\n";
  for (size_t i = 0; i < words.size(); ++i) {
    const bool last = (i + 1) % columns == 0 || i + 1 == words.size();
    text += words[i];
    text += last ? "\n" : std::string(longest + 2 - words[i].size(), ' ');
  }
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

struct LineEditor::Impl {
  EditLine* edit = nullptr;
  ::History* recent = nullptr;
  Complete complete;
  const char* prompt = "";
  bool cancelled = false;

  static Impl& of(EditLine* edit) {
    void* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }
  static char* show_prompt(EditLine* edit) { return const_cast<char*>(of(edit).prompt); }

  static unsigned char on_tab(EditLine* edit, int) {
    const LineInfo* line = el_line(edit);
    const std::string before(line->buffer, line->cursor);
    const Completion found = of(edit).complete(before);
    if (found.words.empty()) return CC_REFRESH_BEEP;
    const std::string prefix = common_prefix(found.words);
    const std::string typed = before.substr(before.size() - found.replaced);
    if (prefix != typed) {
      el_deletestr(edit, static_cast<int>(found.replaced));
      return el_insertstr(edit, prefix.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (found.words.size() == 1) return CC_REFRESH;
    print_words(found.words);
    return CC_REDISPLAY;
  }

  static unsigned char on_cancel(EditLine* edit, int) {
    of(edit).cancelled = true;
    std::fputs("^C", stdout);
    return CC_NEWLINE;
  }
};

LineEditor::LineEditor(const History& history, Complete complete)
    : impl_(std::make_unique<Impl>()) {
  std::setlocale(LC_CTYPE, "");  // libedit reads UTF-8 only where the locale says so
  impl_->complete = std::move(complete);
  impl_->edit = el_init("crescent", stdin, stdout, stderr);
  impl_->recent = history_init();
  if (!impl_->edit || !impl_->recent) fail("the line editor can't be started");
  EditLine* edit = impl_->edit;
  HistEvent event;
  ::history(impl_->recent, &event, H_SETSIZE, static_cast<int>(History::kEntriesMax));
  for (const auto& entry : history.entries()) remember(entry);
  el_set(edit, EL_CLIENTDATA, impl_.get());
  el_set(edit, EL_PROMPT, &Impl::show_prompt);
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_SIGNAL, 1);
  el_set(edit, EL_HIST, ::history, impl_->recent);
  el_set(edit, EL_ADDFN, "crescent-complete", "Completes the word", &Impl::on_tab);
  el_set(edit, EL_ADDFN, "crescent-cancel", "Drops the line", &Impl::on_cancel);
  el_set(edit, EL_BIND, "^I", "crescent-complete", nullptr);
  el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  // While a line is edited Ctrl-C is a key; while Lua runs, a signal.
  el_set(edit, EL_SETTY, "-d", "-intr", nullptr);
  el_set(edit, EL_BIND, "^C", "crescent-cancel", nullptr);
  el_source(edit, nullptr);  // ~/.editrc
}

LineEditor::~LineEditor() {
  if (impl_->edit) el_end(impl_->edit);
  if (impl_->recent) history_end(impl_->recent);
}

std::optional<LineEditor::Line> LineEditor::read(const char* prompt) {
  impl_->prompt = prompt;
  impl_->cancelled = false;
  int bytes = 0;
  errno = 0;
  const char* text = el_gets(impl_->edit, &bytes);
  const bool signalled = !text && bytes < 0 && errno == EINTR;  // kill -INT while a line is edited
  if (impl_->cancelled || signalled) {
    std::fputs("\n", stdout);
    return Line{"", true};
  }
  if (!text || bytes <= 0) return std::nullopt;
  std::string line(text, static_cast<size_t>(bytes));
  if (!line.empty() && line.back() == '\n') line.pop_back();
  return Line{line, false};
}

void LineEditor::remember(const std::string& entry) {
  HistEvent event;
  ::history(impl_->recent, &event, H_ENTER, entry.c_str());
}

}  // namespace crescent
