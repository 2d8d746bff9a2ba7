#include "host/repl.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/history.h"
#include "host/interrupt.h"
#include "host/line_editor.h"
#include "host/script.h"

namespace crescent {
namespace {

constexpr const char* kChunkName = "=prompt";

class Prompt {
 public:
  explicit Prompt(lua_State* L) : L_(L) {
    lua_pushnil(L);
    lua_setglobal(L, "_");  // known to strict globals before there is a value
    lua_getglobal(L, "require");
    require_ = luaL_ref(L, LUA_REGISTRYINDEX);  // what is typed may replace the global
  }

  /// True if the text is a whole chunk, right or wrong; false if more lines may complete it. A
  /// whole chunk is left on the stack as a function, or as nothing with its message printed.
  bool compile(const std::string& text, bool more_may_come) {
    compiled_ = false;
    const std::string_view expression =
        text.front() == '=' ? std::string_view(text).substr(1) : std::string_view(text);
    if (load("return " + std::string(expression))) return compiled_ = true;
    const bool is_open_expression = wants_more();
    lua_pop(L_, 1);
    if (load(text)) return compiled_ = true;
    if (more_may_come && (is_open_expression || wants_more())) {
      lua_pop(L_, 1);
      return false;
    }
    report();
    return true;
  }

  /// Runs what compile() left and prints its values.
  void run() {
    if (!compiled_) return;
    make_interruptible(L_);
    const int base = lua_gettop(L_) - 1;
    bool good = lua_pcall(L_, 0, LUA_MULTRET, 0) == 0;
    // A Ctrl-C that came after the last Lua instruction must not stop what follows, some of which
    // nothing protects. For the same reason `_` is set raw: no metamethod runs.
    settle_interrupt(L_);
    if (good && lua_gettop(L_) > base) {
      lua_pushliteral(L_, "_");
      lua_pushvalue(L_, base + 1);
      lua_rawset(L_, LUA_GLOBALSINDEX);
      good = print_values(base);
      settle_interrupt(L_);
    }
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

  void forget_interrupt() { settle_interrupt(L_); }
  bool failed() const { return failed_; }

 private:
  bool load(const std::string& text) {
    return luaL_loadbuffer(L_, text.data(), text.size(), kChunkName) == 0;
  }

  /// Does the syntax error at the top of the stack say that the text just ended too early?
  bool wants_more() const {
    return std::string_view(lua_tostring(L_, -1)).ends_with("near '<eof>'");
  }

  /// Pushes a module of the Lua library. False: the error is at the top of the stack.
  bool push_library(const char* module) {
    lua_rawgeti(L_, LUA_REGISTRYINDEX, require_);
    lua_pushstring(L_, module);
    return lua_pcall(L_, 1, 1, 0) == 0;
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

  void report() {
    failed_ = true;
    const std::string message = pop_message(L_);
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", message.c_str());
  }

  lua_State* L_;
  int require_ = LUA_NOREF;
  bool compiled_ = false;
  bool failed_ = false;
};

/// Handles one more line of an entry; true if the entry is done, else the text wants more lines.
bool take(Prompt& prompt, std::string& text, bool more_may_come) {
  if (text.find_first_not_of(" \t\n") == std::string::npos) return true;
  if (text.front() == '?') {
    prompt.help(std::string_view(text).substr(1));
    return true;
  }
  if (!prompt.compile(text, more_may_come)) return false;
  prompt.run();
  return true;
}

int run_pipe(Prompt& prompt) {
  char* line = nullptr;
  size_t room = 0;
  std::string text;
  // The C library's stdin, which io.read shares.
  while (getline(&line, &room, stdin) >= 0) {
    text += line;
    if (text.ends_with('\n')) text.pop_back();
    if (take(prompt, text, true)) text.clear();
    else text += '\n';
  }
  std::free(line);
  if (!text.empty()) take(prompt, text, false);
  return prompt.failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}

int run_terminal(Prompt& prompt) {
  std::printf("crescent: ?name shows documentation, Tab completes, Ctrl-D ends\n");
  History history(History::default_file());
  std::string text;
  LineEditor editor(history,
                    [&](const std::string& before) { return prompt.complete(text + before); });
  while (auto line = editor.read(text.empty() ? "> " : ">> ")) {
    if (line->cancelled) {
      prompt.forget_interrupt();
      text.clear();
      continue;
    }
    text += line->text;
    const std::string entry = text;
    if (!take(prompt, text, true)) {
      text += '\n';
      continue;
    }
    text.clear();
    if (entry.find_first_not_of(" \t\n") == std::string::npos) continue;
    history.add(entry);
    editor.remember(entry);
    std::fflush(stdout);
  }
  std::printf("\n");
  return EXIT_SUCCESS;
}

}  // namespace

int run_prompt(lua_State* L) {
  Prompt prompt(L);
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) return run_terminal(prompt);
  return run_pipe(prompt);
}

}  // namespace crescent
