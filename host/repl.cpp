#include "host/repl.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/registry.h"
#include "host/history.h"
#include "host/interrupt.h"
#include "host/line_editor.h"
#include "host/script.h"

namespace crescent {
namespace {

// The expression is no tail call: the frame that its errors take their position from stays. run()
// drops the nil.
constexpr std::string_view kExpression = "return nil, ";
constexpr const char* kCommands = "crescent.prompt.commands";
constexpr const char* kTyped = "crescent.prompt.typed";
constexpr std::string_view kAtTheEnd = " near '<eof>'";

/// What is typed by someone, or what comes through a pipe, where errors name the input's line.
struct Source {
  const char* chunk_name;
  bool more_may_come = true;
  int first_line = 1;  ///< of the entry
};

/// 'stdin:3: 'end' expected near '<eof>'' in words for input that is over.
std::string unfinished(std::string message) {
  if (message.ends_with(kAtTheEnd)) message.resize(message.size() - kAtTheEnd.size());
  static constexpr std::string_view kSymbol = "unexpected symbol";
  if (message.ends_with(kSymbol))
    message.replace(message.size() - kSymbol.size(), kSymbol.size(), "expression expected");
  const size_t behind_position = message.find(": ");
  if (behind_position == std::string::npos) return message;
  return message.insert(behind_position + 2, "the input ends in an unfinished statement: ");
}

class Prompt {
 public:
  explicit Prompt(lua_State* L) : L_(L) {
    lua_pushnil(L);
    lua_setglobal(L, "_");  // known to strict globals before there is a value
    lua_getglobal(L, "require");
    require_ = luaL_ref(L, LUA_REGISTRYINDEX);
    // What is typed may replace the globals that these need while they load.
    for (const char* module :
         {"crescent.show", "crescent.help", "crescent.complete", kCommands, kTyped}) {
      if (!push_library(module)) report();
      else lua_pop(L, 1);
    }
  }

  /// True if the text is a whole chunk, right or wrong; false if more lines may complete it. A
  /// whole chunk is left on the stack as a function, or as nothing with its message printed.
  bool compile(std::string_view text, const Source& source) {
    const bool only_expression = text.front() == '=';
    if (only_expression) text.remove_prefix(1);
    compiled_ = is_expression_ = load(kExpression, text, source);
    if (compiled_) return true;
    const std::string expression_error = pop_message(L_);
    std::string error = expression_error;
    if (!only_expression) {
      compiled_ = load("", text, source);
      if (compiled_) return true;
      error = pop_message(L_);
      // Of two errors the one that understood more: a statement can't begin with '{' or a number.
      if (expression_error.ends_with(kAtTheEnd) || fails_at_its_beginning(error, text))
        error = expression_error;
    }
    // A quoted string ends with its line, unless that ends in a backslash.
    const bool in_quotes = error.ends_with("unfinished string near '<eof>'");
    if (in_quotes && !text.ends_with('\\')) error.resize(error.size() - kAtTheEnd.size());
    const bool open = error.ends_with(kAtTheEnd);
    if (open && source.more_may_come) return false;
    report(open ? unfinished(error) : error);
    return true;
  }

  /// Runs what compile() left of `text` and prints its values.
  void run(std::string_view text) {
    if (!compiled_) return;
    make_interruptible(L_);
    const int base = lua_gettop(L_) - 1;
    bool good = lua_pcall(L_, 0, LUA_MULTRET, 0) == 0;
    // A Ctrl-C that came after the last Lua instruction must not stop what follows, some of which
    // nothing protects. For the same reason `_` is set raw: no metamethod runs.
    settle_interrupt(L_);
    if (good && is_expression_) lua_remove(L_, base + 1);
    if (good && lua_gettop(L_) > base) {
      lua_pushliteral(L_, "_");
      lua_pushvalue(L_, base + 1);
      lua_rawset(L_, LUA_GLOBALSINDEX);
      good = print_values(base);
      settle_interrupt(L_);
    }
    good = good && remember(text, base);
    if (!good) report();
    lua_settop(L_, base);
  }

  /// What `:time CODE` runs; nothing if the command runs no code.
  std::optional<std::string> code_of(std::string_view command) {
    std::optional<std::string> code;
    const int base = lua_gettop(L_);
    bool good = push_function(kCommands, "code");
    if (good) {
      lua_pushlstring(L_, command.data(), command.size());
      good = lua_pcall(L_, 1, 1, 0) == 0;
    }
    if (!good) report();
    else if (lua_isstring(L_, -1)) code = lua_tostring(L_, -1);
    lua_settop(L_, base);
    return code;
  }

  /// `:name ...`, with what compile() left if it runs code.
  void command(std::string_view text, bool has_code) {
    if (has_code && !compiled_) return;
    make_interruptible(L_);
    const int base = lua_gettop(L_) - (has_code ? 1 : 0);
    bool good = push_function(kCommands, "run");
    if (good) {
      lua_pushlstring(L_, text.data(), text.size());
      if (has_code) lua_pushvalue(L_, base + 1);
      else lua_pushnil(L_);
      lua_pushboolean(L_, is_expression_);
      good = lua_pcall(L_, 3, 0, 0) == 0;
    }
    settle_interrupt(L_);
    if (!good) report();
    lua_settop(L_, base);
  }

  /// `?name`
  void help(std::string_view name) {
    const int base = lua_gettop(L_);
    bool good = push_library("crescent.help");
    if (good) {
      lua_pushlstring(L_, name.data(), name.size());
      good = lua_pcall(L_, 1, 1, 0) == 0;
    }
    if (good) std::printf("%s\n", lua_tostring(L_, -1));
    else report();
    settle_interrupt(L_);
    lua_settop(L_, base);
  }

  Completion complete(const std::string& before) {
    Completion found;
    const int base = lua_gettop(L_);
    bool good = push_library("crescent.complete");
    if (good) {
      lua_pushlstring(L_, before.data(), before.size());
      good = lua_pcall(L_, 1, 2, 0) == 0;
    }
    if (good) {
      found.replaced = static_cast<size_t>(lua_tointeger(L_, -1));
      const auto count = static_cast<int>(lua_objlen(L_, -2));
      for (int i = 1; i <= count; ++i) {
        lua_rawgeti(L_, -2, i);
        found.words.emplace_back(lua_tostring(L_, -1));
        lua_pop(L_, 1);
      }
    }
    settle_interrupt(L_);
    lua_settop(L_, base);
    return found;
  }

  /// Is this all that was typed, and the user's own name for nothing?
  bool is_word(std::string_view text, std::string_view word) {
    if (text != word) return false;
    lua_pushlstring(L_, word.data(), word.size());
    lua_rawget(L_, LUA_GLOBALSINDEX);
    const bool undefined = lua_isnil(L_, -1);
    lua_pop(L_, 1);
    return undefined;
  }

  void forget_interrupt() { settle_interrupt(L_); }
  bool failed() const { return failed_; }

 private:
  bool load(std::string_view before, std::string_view text, const Source& source) {
    std::string chunk(static_cast<size_t>(source.first_line - 1), '\n');
    chunk.append(before).append(text);
    return luaL_loadbuffer(L_, chunk.data(), chunk.size(), source.chunk_name) == 0;
  }

  static bool fails_at_its_beginning(std::string_view error, std::string_view text) {
    static constexpr std::string_view kUnexpected = "unexpected symbol near '";
    const size_t at = error.find(kUnexpected);
    if (at == std::string_view::npos) return false;
    const std::string_view symbol = error.substr(at + kUnexpected.size());
    const size_t begin = text.find_first_not_of(" \t\n");
    return text.substr(begin).starts_with(symbol.substr(0, symbol.size() - 1));
  }

  /// Pushes a module of the Lua library. False: the error is at the top of the stack.
  bool push_library(const char* module) {
    lua_rawgeti(L_, LUA_REGISTRYINDEX, require_);
    lua_pushstring(L_, module);
    return lua_pcall(L_, 1, 1, 0) == 0;
  }

  /// Pushes a function of such a module.
  bool push_function(const char* module, const char* name) {
    if (!push_library(module)) return false;
    lua_getfield(L_, -1, name);
    lua_remove(L_, -2);
    return true;
  }

  /// Keeps what ran for `:save`, with its values above `base`. False: the error is at the top.
  bool remember(std::string_view text, int base) {
    const int values = lua_gettop(L_) - base;
    if (lua_checkstack(L_, values + LUA_MINSTACK) == 0) {
      lua_pushliteral(L_, "too many values");
      return false;
    }
    if (!push_function(kTyped, "add")) return false;
    lua_pushlstring(L_, text.data(), text.size());
    lua_pushboolean(L_, is_expression_);
    for (int i = 1; i <= values; ++i) lua_pushvalue(L_, base + i);
    const bool good = lua_pcall(L_, values + 2, 0, 0) == 0;
    settle_interrupt(L_);
    return good;
  }

  /// Every value above `base` on a line of its own. False: the error is at the top of the stack.
  bool print_values(int base) {
    const int top = lua_gettop(L_);
    for (int i = base + 1; i <= top; ++i) {
      if (!push_library("crescent.show")) return false;
      lua_pushvalue(L_, i);
      if (lua_pcall(L_, 1, 1, 0) != 0) return false;
      size_t length = 0;
      const char* text = lua_tolstring(L_, -1, &length);
      std::fwrite(text, 1, length, stdout);
      std::fputc('\n', stdout);
      lua_pop(L_, 1);
    }
    return true;
  }

  void report() { report(pop_message(L_)); }

  void report(const std::string& message) {
    failed_ = true;
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", message.c_str());
  }

  lua_State* L_;
  int require_ = LUA_NOREF;
  bool compiled_ = false;
  bool is_expression_ = false;
  bool failed_ = false;
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n") == std::string_view::npos;
}

enum class Taken { done, wants_more_lines, wants_to_end };

/// Handles an entry as far as it has come. `entered` is called once it is whole, before it runs.
template <class Entered>
Taken take(Prompt& prompt, std::string_view text, const Source& source, Entered entered) {
  if (is_blank(text)) return Taken::done;
  // What people type who don't know the prompt yet.
  if (prompt.is_word(text, "exit") || prompt.is_word(text, "quit")) return Taken::wants_to_end;
  if (prompt.is_word(text, "help")) text = "?";
  if (text.front() == '?') {
    entered();
    prompt.help(text.substr(1));
    return Taken::done;
  }
  if (text.front() == ':' && !text.starts_with("::")) {  // which is a label
    const auto code = prompt.code_of(text);
    if (code && !prompt.compile(*code, source)) return Taken::wants_more_lines;
    entered();
    prompt.command(text, code.has_value());
    return Taken::done;
  }
  if (!prompt.compile(text, source)) return Taken::wants_more_lines;
  entered();
  prompt.run(text);
  return Taken::done;
}

int run_pipe(Prompt& prompt) {
  Source source{.chunk_name = "=stdin"};
  const auto ignore = [] {};
  char* line = nullptr;
  size_t room = 0;
  int lines = 0;
  std::string text;
  // The C library's stdin, which io.read shares.
  while (getline(&line, &room, stdin) >= 0) {
    ++lines;
    if (text.empty()) source.first_line = lines;
    else text += '\n';
    text += line;
    if (text.ends_with('\n')) text.pop_back();
    const Taken taken = take(prompt, text, source, ignore);
    if (taken == Taken::done) text.clear();
    if (taken == Taken::wants_to_end) break;
  }
  std::free(line);
  source.more_may_come = false;
  while (text.ends_with('\n')) text.pop_back();
  take(prompt, text, source, ignore);
  return prompt.failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}

int run_terminal(Prompt& prompt) {
  std::printf(
      "crescent: ?name shows documentation, :help lists commands, Tab completes, Ctrl-D "
      "ends\n");
  const Source source{.chunk_name = "=prompt"};
  History history(History::default_file());
  std::string text;
  LineEditor editor(history,
                    [&](const std::string& before) { return prompt.complete(text + before); });
  // Before the entry runs: it may be the last of this process.
  const auto remember = [&] {
    history.add(text);
    editor.remember(text);
  };
  while (auto line = editor.read(text.empty() ? "> " : ">> ")) {
    if (line->cancelled) {
      prompt.forget_interrupt();
      text.clear();
      continue;
    }
    text += line->text;
    const Taken taken = take(prompt, text, source, remember);
    if (taken == Taken::wants_to_end) return EXIT_SUCCESS;
    if (taken == Taken::done) text.clear();
    else text += '\n';
    std::fflush(stdout);
  }
  std::printf("\n");
  return EXIT_SUCCESS;
}

}  // namespace

int run_prompt(lua_State* L) {
  set_at_prompt(true);
  Prompt prompt(L);
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) return run_terminal(prompt);
  return run_pipe(prompt);
}

}  // namespace crescent
