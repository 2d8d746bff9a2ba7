// The prompt on a pseudo-terminal: keys, history, completion and Ctrl-C, as a person uses them.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

namespace fs = std::filesystem;

constexpr int kPatienceS = 60;  // for a machine that does other work; nothing here takes a second
constexpr const char* kTab = "\t";
constexpr const char* kUp = "\x1b[A";
constexpr const char* kCtrlC = "\x03";
constexpr const char* kCtrlD = "\x04";

/// Drops what moves the cursor or sets colours: ESC [ ... letter.
std::string without_escapes(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      i += 2;
      while (i < text.size() && !std::isalpha(static_cast<unsigned char>(text[i]))) ++i;
    } else if (text[i] != '\r') {
      plain += text[i];
    }
  }
  return plain;
}

class Terminal {
 public:
  explicit Terminal(const fs::path& home) {
    winsize size{.ws_row = 40, .ws_col = 100};
    pid_ = forkpty(&master_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    setenv("TERM", "xterm", 1);
    setenv("HOME", home.c_str(), 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("XDG_STATE_HOME");
    execl(CRESCENT_EXECUTABLE, "crescent", nullptr);
    _exit(127);
  }
  ~Terminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(master_);
  }

  void send(const std::string& keys) {
    ASSERT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  /// Waits until `text` stands in what came since the last call found its text.
  testing::AssertionResult shows(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceS);
    for (;;) {
      const std::string plain = without_escapes(seen_);
      if (const size_t at = plain.find(text); at != std::string::npos) {
        seen_ = plain.substr(at + text.size());
        if (text.ends_with("> ")) await_keys();
        return testing::AssertionSuccess();
      }
      pollfd wait{.fd = master_, .events = POLLIN};
      if (std::chrono::steady_clock::now() > end || poll(&wait, 1, 1000) < 0)
        return testing::AssertionFailure() << "'" << text << "' did not come; this did:\n" << plain;
      char buffer[4096];
      if (wait.revents == 0) continue;
      const ssize_t n = read(master_, buffer, sizeof buffer);
      if (n <= 0)
        return testing::AssertionFailure() << "the program ended before '" << text << "':\n"
                                           << plain;
      seen_.append(buffer, static_cast<size_t>(n));
    }
  }

  /// Types a statement and waits for `answer` on a line of its own, then the prompt.
  void ask(const std::string& statement, const std::string& answer) {
    send(statement + "\n");
    ASSERT_TRUE(shows("\n" + answer + "\n")) << statement;
    ASSERT_TRUE(shows("> "));
  }

  bool ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

  int exit_code() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  /// libedit writes the prompt before it takes the terminal out of line mode, where a key such as
  /// Ctrl-D has another meaning.
  void await_keys() const {
    termios mode{};
    for (int i = 0; i < kPatienceS * 1000; ++i) {
      if (tcgetattr(master_, &mode) != 0 || (mode.c_lflag & ICANON) == 0) return;
      usleep(1000);
    }
  }

  int master_ = -1;
  pid_t pid_ = 0;
  std::string seen_;
};

class Prompt : public testing::Test {
 protected:
  void SetUp() override {
    home_ = fs::path(testing::TempDir()) / ("terminal_" + std::to_string(getpid()));
    fs::create_directories(home_);
  }
  void TearDown() override { fs::remove_all(home_); }
  fs::path home_;
};

TEST_F(Prompt, PrintsValuesAndEndsOnCtrlD) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("6 * 7", "42");
  terminal.ask("_ + 1", "43");
  terminal.send(kCtrlD);
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(Prompt, EndsOnExitUnlessThatIsAVariable) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("quit = 7\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("quit", "7");
  terminal.send("exit\n");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(Prompt, CompletesGlobalsFieldsAndOptions) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(std::string("cresc") + kTab + ".thre" + kTab + "() > 0\n");
  ASSERT_TRUE(terminal.shows("\ntrue\n"));
  terminal.send(std::string("colour_of_it = { red = 1, green = 2 }\ncolour_of_it.") + kTab + kTab);
  ASSERT_TRUE(terminal.shows("green  red"));
  terminal.send(kCtrlC);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(std::string("crescent.load('nowhere'):sa") + kTab);
  ASSERT_TRUE(terminal.shows("crescent.load('nowhere'):save"));
}

TEST_F(Prompt, CompletesAndRunsCommands) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows(":help lists commands"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("6 * 7", "42");
  terminal.send(std::string(":s") + kTab + kTab);
  ASSERT_TRUE(terminal.shows("save   sql"));
  terminal.send(std::string("a") + kTab + "'" + (home_ / "typed.lua").string() + "'\n");
  ASSERT_TRUE(terminal.shows("1 statement saved in " + (home_ / "typed.lua").string() + "\n> "));
  terminal.send(std::string(":time crescent.thr") + kTab + "() > 0\n");
  ASSERT_TRUE(terminal.shows("\ntrue\n"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(":time for i = 1, 2 do\n");
  ASSERT_TRUE(terminal.shows(">> "));
  terminal.send("end\n");
  ASSERT_TRUE(terminal.shows("median and mad of"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(":time while true do end\n");
  usleep(100000);
  terminal.send(kCtrlC);
  ASSERT_TRUE(terminal.shows("interrupted\n> "));
  terminal.ask("_", "42");
}

TEST_F(Prompt, RecallsAnEntryOfSeveralLinesWhole) {
  {
    Terminal terminal(home_);
    ASSERT_TRUE(terminal.shows("> "));
    terminal.send("for i = 1, 2 do\n");
    ASSERT_TRUE(terminal.shows(">> "));
    terminal.send("print('turn ' .. i)\nend\n");
    ASSERT_TRUE(terminal.shows("\nturn 1\nturn 2\n> "));
    terminal.send(std::string(kUp) + "\n");
    ASSERT_TRUE(terminal.shows("\nturn 1\nturn 2\n> "));
    terminal.send(kCtrlD);
    EXPECT_EQ(terminal.exit_code(), 0);
  }
  std::ifstream in(home_ / ".local/state/crescent/history");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(line, "for i = 1, 2 do\\nprint('turn ' .. i)\\nend");
  Terminal later(home_);
  ASSERT_TRUE(later.shows("> "));
  later.send(std::string(kUp) + "\n");
  EXPECT_TRUE(later.shows("\nturn 1\nturn 2\n> "));
}

TEST_F(Prompt, DropsTheLineOnCtrlC) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("for i = 1, 10 do\n");
  ASSERT_TRUE(terminal.shows(">> "));
  terminal.send(std::string("print(") + kCtrlC);
  ASSERT_TRUE(terminal.shows("^C"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("1 + 1", "2");
}

TEST_F(Prompt, ReturnsFromAnEndlessLoopWithVariablesIntact) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("kept = 'still here'\n");
  ASSERT_TRUE(terminal.shows("> "));
  for (const char* loop : {"while true do end", "while true do pcall(function() error 'x' end) end",
                           "n = 0 while true do n = n + 1 end"}) {
    terminal.send(std::string("io.write('looping\\n') io.flush() ") + loop + "\n");
    ASSERT_TRUE(terminal.shows("\nlooping"));
    usleep(50'000);  // long enough to be compiled; what is tested holds before that too
    terminal.send(kCtrlC);
    ASSERT_TRUE(terminal.shows("interrupted")) << loop;
    ASSERT_TRUE(terminal.shows("> "));
    terminal.ask("kept", "'still here'");
  }
}

TEST_F(Prompt, EndsOnTheThirdCtrlCWhereANativeCallDoesNotReturn) {
  // A pattern that backtracks for years, and a read that waits for a line.
  for (const char* call : {"('a'):rep(40):find(('a*'):rep(40) .. 'b')", "io.read()"}) {
    Terminal terminal(home_);
    ASSERT_TRUE(terminal.shows("> "));
    terminal.send(std::string("io.write('calling\\n') io.flush(); ") + call + "\n");
    ASSERT_TRUE(terminal.shows("\ncalling"));
    usleep(50'000);  // into the call
    terminal.send(kCtrlC);
    ASSERT_TRUE(terminal.shows(
        "\ncrescent: waiting for a native call that can't be interrupted (io.read, a long pattern "
        "match); a third Ctrl-C ends crescent\n"));
    // Pressed without a look at the warning it doesn't end; how many it takes then is no promise.
    for (int i = 0; i < 20; ++i) {
      terminal.send(kCtrlC);
      usleep(200'000);
      if (terminal.ended()) break;
    }
    ASSERT_TRUE(
        terminal.shows("\ncrescent: ended by Ctrl-C, because a native call did not return\n"));
    EXPECT_EQ(terminal.exit_code(), 130);
    std::ifstream in(home_ / ".local/state/crescent/history");
    const std::string kept(std::istreambuf_iterator<char>(in), {});
    EXPECT_NE(kept.find(call), std::string::npos) << "an entry that ends crescent is remembered";
  }
}

TEST_F(Prompt, ReturnsFromACoroutineWithVariablesIntact) {
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(
      "r = coroutine.create(function() io.write('looping\\n') io.flush() "
      "local i = 0 while true do i = i + 1 end end)\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("coroutine.resume(r)\n");
  ASSERT_TRUE(terminal.shows("\nlooping"));
  usleep(50'000);  // long enough to be compiled; what is tested holds before that too
  terminal.send(kCtrlC);
  ASSERT_TRUE(terminal.shows("interrupted"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("coroutine.status(r)", "'dead'");
}

TEST_F(Prompt, ReturnsFromALongNativeCallWithVariablesIntact) {
  if (!CRESCENT_HAS_ENGINE) GTEST_SKIP() << "no native call lasts long without the engine";
  Terminal terminal(home_);
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("model = crescent.load 'tiny'\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send("ids = {} for i = 1, 400000 do ids[i] = i % 1000 end\n");
  ASSERT_TRUE(terminal.shows("> "));
  terminal.send(
      "io.write('measuring\\n') io.flush() "
      "crescent.eval.perplexity(model, { ids = ids, window = 256, stride = 1 })\n");
  ASSERT_TRUE(terminal.shows("\nmeasuring"));
  usleep(200'000);  // into the call
  terminal.send(kCtrlC);
  ASSERT_TRUE(terminal.shows("interrupted"));
  ASSERT_TRUE(terminal.shows("> "));
  terminal.ask("#ids", "400000");
}

}  // namespace
