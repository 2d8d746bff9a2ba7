#include "profiler/child_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "engine/interrupt.h"
#include "tests/support.h"

namespace crescent {
namespace {

using namespace std::chrono_literals;
using What = Received::What;

ChildOptions peer(std::string what, std::string number = "0") {
  return {.command = {CRESCENT_CHILD_PEER, std::move(what), std::move(number)}};
}

ChildOptions shell(std::string code) { return {.command = {"sh", "-c", std::move(code)}}; }

/// How it ended, after the messages that it sent were read.
std::string end_of(ChildProcess& child) {
  while (child.receive().what == What::message) continue;
  return child.ended() ? child.ended()->reason() : "it still runs";
}

int open_files() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

/// False for a zombie, which only waits for somebody else to ask.
bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = text.rfind(") ");
  return name_end != text.npos && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

/// Gives a killed process the time to go.
bool goes(pid_t pid) {
  for (int i = 0; i < 1000 && is_alive(pid); ++i) std::this_thread::sleep_for(10ms);
  return !is_alive(pid);
}

/// Does something from another thread while this one waits.
class Later {
 public:
  template <class Do>
  explicit Later(Do act)
      : thread_([act] {
          std::this_thread::sleep_for(50ms);
          act();
        }) {}
  ~Later() { thread_.join(); }
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

 private:
  std::thread thread_;
};

/// Every case leaves no zombie and no open file behind.
class ChildProcessTest : public testing::Test {
 protected:
  ~ChildProcessTest() override {
    EXPECT_EQ(open_files(), files_before_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    interrupt_requested = false;
  }

 private:
  const int files_before_ = open_files();
};

TEST_F(ChildProcessTest, MessagesOfAnyBytesAndLengthComeBackAsTheyWere) {
  ChildProcess child(peer("echo"));
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
  for (const std::string& message :
       {std::string(), all_bytes, std::string(1 << 20, '\0'), std::string("last")}) {
    ASSERT_TRUE(child.send(message));
    const Received received = child.receive();
    ASSERT_EQ(received.what, What::message);
    EXPECT_TRUE(received.message == message) << message.size() << " bytes";
  }
}

TEST_F(ChildProcessTest, BothSidesMaySendMegabytesAtOnce) {
  ChildProcess child(peer("flood", "6"));
  const std::string message(1 << 20, 'p');
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(child.send(message));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(child.receive().message.size(), size_t{1} << 20);
  EXPECT_EQ(child.receive().message, std::to_string(6 << 20)) << "what the child got";
  EXPECT_EQ(end_of(child), "exited with 0");
}

TEST_F(ChildProcessTest, MessagesComeBeforeTheEndThatFollowedThem) {
  // A length of 2 and 'hi', then of 0, then of 5 of which 1 came.
  ChildProcess child(shell(R"(printf '\002\0\0\0\0\0\0\0hi\0\0\0\0\0\0\0\0' >&3
                              printf '\005\0\0\0\0\0\0\0h' >&3; exit 3)"));
  while (!child.ended()) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(child.receive().message, "hi");
  EXPECT_EQ(child.receive().what, What::message);
  EXPECT_EQ(child.receive().what, What::ended) << "what came of the third is no message";
  EXPECT_EQ(child.receive(0).what, What::ended);
  EXPECT_EQ(child.ended()->code, 3);
}

TEST_F(ChildProcessTest, TellsWhatKilledIt) {
  ChildProcess child(shell("kill -SEGV $$"));
  EXPECT_EQ(child.receive().what, What::ended);
  EXPECT_EQ(child.ended()->signal, "SIGSEGV");
  EXPECT_EQ(child.ended()->code, std::nullopt);
  EXPECT_FALSE(child.ended()->by_parent);
  EXPECT_FALSE(child.send("anybody?"));
}

TEST_F(ChildProcessTest, NoticesThatItIsKilledWhileItWaits) {
  ChildProcess child(peer("echo"));
  const Later later([pid = child.pid()] { ::kill(pid, SIGKILL); });
  EXPECT_EQ(child.receive().what, What::ended);
  EXPECT_EQ(child.ended()->reason(), "killed by SIGKILL");
}

TEST_F(ChildProcessTest, KeepsTheEndOfALongOutput) {
  ChildProcess child(
      shell("i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo line $i; done; "
            "echo problem >&2; printf 'no newline'"));
  EXPECT_EQ(end_of(child), "exited with 0");
  EXPECT_EQ(child.output(1), "no newline");
  EXPECT_EQ(child.output(3), "line 40000\nproblem\nno newline");
  EXPECT_EQ(child.output(0), "");
  const std::string all = child.output(1'000'000);
  EXPECT_EQ(all.size(), size_t{1} << 16);
  EXPECT_TRUE(all.ends_with("line 40000\nproblem\nno newline"));
}

TEST_F(ChildProcessTest, GivesAllLinesIfThereAreFewer) {
  ChildProcess child(shell("printf '\\na\\n\\nb\\n'"));
  EXPECT_EQ(end_of(child), "exited with 0");
  EXPECT_EQ(child.output(9), "\na\n\nb");
  EXPECT_EQ(child.output(3), "a\n\nb");
  EXPECT_EQ(child.output(2), "\nb");
}

TEST_F(ChildProcessTest, PassesOutputOnIfAsked) {
  testing::internal::CaptureStderr();
  {
    ChildOptions options = shell("echo out; echo err >&2");
    ChildProcess silent(options);
    EXPECT_EQ(end_of(silent), "exited with 0");
    options.pass_on = true;
    ChildProcess child(options);
    EXPECT_EQ(end_of(child), "exited with 0");
    EXPECT_EQ(child.output(9), "out\nerr");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "out\nerr\n");
}

TEST_F(ChildProcessTest, AChildThatClosesItsChannelStillEndsInItsTime) {
  ChildProcess child(
      shell("exec 3>&-; trap 'exit 4' USR1; echo closed; while :; do sleep 0.02; done"));
  while (child.output(1) != "closed") std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(child.send("anybody?"));
  EXPECT_EQ(child.receive(0.01).what, What::timed_out);
  EXPECT_FALSE(child.ended());
  ::kill(child.pid(), SIGUSR1);
  EXPECT_EQ(end_of(child), "exited with 4");
}

TEST_F(ChildProcessTest, WaitsNoLongerThanAsked) {
  ChildProcess child(peer("echo"));
  EXPECT_EQ(child.receive(0).what, What::timed_out);
  EXPECT_EQ(child.receive(0.03).what, What::timed_out);
  ASSERT_TRUE(child.send("still there"));
  EXPECT_EQ(child.receive(1e300).message, "still there");
}

TEST_F(ChildProcessTest, RefusesWhatIsNoMessage) {
  ChildProcess child(shell("printf 'GET / HTTP/1.1' >&3; exit 5"));
  EXPECT_EQ(message_of([&] { child.receive(); }),
            "what came through the channel is no message: its length would be 6073139484287059271 "
            "bytes; does something else write to descriptor 3?");
  EXPECT_EQ(end_of(child), "exited with 5");
}

TEST_F(ChildProcessTest, RefusesMessagesBeyondOneGiB) {
  ChildProcess child(peer("echo"));
  // Nothing reads it, so that it takes addresses and no memory.
  const size_t bytes = (size_t{1} << 30) + 1;
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_EQ(message_of([&] {
              child.send({static_cast<const char*>(memory), bytes});
            }),
            "a message of 1073741825 bytes is longer than 1 GiB, the most that one can have; send "
            "it in parts, or a file's name");
  ::munmap(memory, bytes);
  ASSERT_TRUE(child.send("small"));
  EXPECT_EQ(child.receive().message, "small");
}

TEST_F(ChildProcessTest, CtrlCEndsAWaitAndTheChildStaysUsable) {
  ChildProcess child(peer("echo"));
  {
    const Later later([] { interrupt_requested = true; });
    EXPECT_THROW(child.receive(), Interrupted);
  }
  interrupt_requested = false;
  ASSERT_TRUE(child.send("again"));
  EXPECT_EQ(child.receive().message, "again");
}

TEST_F(ChildProcessTest, AMessageThatCtrlCInterruptedArrivesWhole) {
  ChildProcess child(peer("echo"));
  ASSERT_TRUE(child.send("open"));
  EXPECT_EQ(child.receive().message, "open");
  ::kill(child.pid(), SIGSTOP);
  const std::string message(8 << 20, 'i');
  {
    const Later later([] { interrupt_requested = true; });
    EXPECT_THROW(child.send(message), Interrupted);
  }
  interrupt_requested = false;
  ::kill(child.pid(), SIGCONT);
  ASSERT_TRUE(child.send("behind it"));
  EXPECT_TRUE(child.receive().message == message);
  EXPECT_EQ(child.receive().message, "behind it");
}

TEST_F(ChildProcessTest, HasAProcessGroupOfItsOwnThatEndsWithIt) {
  pid_t grandchild = 0;
  {
    ChildProcess child(shell("sleep 1000 & echo $!; wait"));
    while (child.output(1).empty()) child.receive(0.01);
    grandchild = std::stoi(child.output(1));
    EXPECT_EQ(::getpgid(child.pid()), child.pid());
    EXPECT_EQ(::getpgid(grandchild), child.pid());
    EXPECT_TRUE(is_alive(grandchild));
    child.kill();
    EXPECT_EQ(child.ended()->reason(), "ended by this process with SIGTERM");
  }
  EXPECT_TRUE(goes(grandchild));
}

TEST_F(ChildProcessTest, WhatAnEndedChildLeftInItsGroupEndsToo) {
  ChildProcess child(shell("sleep 1000 & echo $!; exit 0"));
  EXPECT_EQ(end_of(child), "exited with 0");
  EXPECT_TRUE(goes(std::stoi(child.output(1))));
}

TEST_F(ChildProcessTest, OneThatIgnoresTheDemandToEndIsKilled) {
  ChildOptions options = peer("deaf");
  options.patience_ms = 20;
  ChildProcess child(options);
  EXPECT_EQ(child.receive().message, "deaf");
  child.kill();
  EXPECT_EQ(child.ended()->reason(), "ended by this process with SIGKILL");
  child.kill();  // of one that is gone: nothing
}

TEST_F(ChildProcessTest, EndsAtOnceWhenItsParentIsKilled) {
  ChildProcess child(peer("leave"));
  const Received received = child.receive();
  ASSERT_EQ(received.what, What::message);
  const pid_t grandchild = std::stoi(received.message);
  EXPECT_TRUE(is_alive(grandchild));
  ASSERT_TRUE(child.send("go"));
  EXPECT_EQ(end_of(child), "killed by SIGKILL");
  EXPECT_TRUE(goes(grandchild));
}

TEST_F(ChildProcessTest, HasNoOpenFileOfOurs) {
  const int ours = ::open("/dev/null", O_RDONLY);  // as Lua opens files: children inherit it
  {
    ChildProcess first(peer("echo")), child(peer("files"));
    EXPECT_EQ(child.receive().message, "0 1 2 3 ");
  }
  ::close(ours);
}

TEST_F(ChildProcessTest, SeesTheVariablesThatItIsGiven) {
  ::setenv("CRESCENT_TEST_VARIABLE", "ours", 1);
  ChildProcess inherits(peer("variable"));
  EXPECT_EQ(inherits.receive().message, "ours");
  ChildOptions options = peer("variable");
  options.environment = {{"CRESCENT_TEST_VARIABLE", "a=b"}, {"CRESCENT_CHANNEL", "7"}};
  ChildProcess given(options);
  EXPECT_EQ(given.receive().message, "a=b");
  ::unsetenv("CRESCENT_TEST_VARIABLE");
}

TEST_F(ChildProcessTest, TellsHowMuchMemoryItHadWhenItDied) {
  ChildProcess child(peer("grow", "100"));
  EXPECT_EQ(child.receive().message, "grown");
  EXPECT_EQ(child.receive(0.15).what, What::timed_out);  // it was looked at since
  ::kill(child.pid(), SIGKILL);
  EXPECT_EQ(end_of(child), "killed by SIGKILL");
  ASSERT_TRUE(child.ended()->memory_bytes_peak);
  EXPECT_GE(*child.ended()->memory_bytes_peak, int64_t{100} << 20);
}

TEST_F(ChildProcessTest, OurMemoryIsNotTakenForIts) {
  std::string ours(100 << 20, 'o');
  ChildProcess child(shell("sleep 0.3"));
  std::string().swap(ours);
  EXPECT_EQ(end_of(child), "exited with 0");
  EXPECT_LT(child.ended()->memory_bytes_peak.value_or(0), int64_t{50} << 20);
}

TEST_F(ChildProcessTest, AProgramThatIsNotThereIsNamed) {
  const auto message = [](ChildOptions options) {
    return message_of([&] { ChildProcess child(options); });
  };
  EXPECT_EQ(message({.command = {"crescent-of-nobody"}}),
            "'crescent-of-nobody' can't be started: there is no such program in PATH");
  EXPECT_EQ(message({.command = {"./crescent-of-nobody"}}),
            "'./crescent-of-nobody' can't be started: No such file or directory");
  EXPECT_EQ(message({.command = {"/dev/null"}}), "'/dev/null' can't be started: Permission denied");
  EXPECT_EQ(message({}), "expected a command of at least a program's name, got none");
  EXPECT_EQ(message({.command = {"true", std::string("a\0b", 3)}}),
            "the command of 'true': expected a text without zero bytes, got one at byte 2");
  EXPECT_EQ(message({.command = {"true"}, .environment = {{"A=B", "1"}}}),
            "environment: expected names without '=', got 'A=B'");
  EXPECT_EQ(message({.command = {"true"}, .environment = {{"A", std::string(1, '\0')}}}),
            "environment: A: expected a text without zero bytes, got one at byte 1");
}

TEST_F(ChildProcessTest, AProcessThatNobodyStartedHasNoChannel) {
  EXPECT_FALSE(Channel::from_environment());
  for (const char* wrong : {"three", "1", "999", ""}) {
    ::setenv(kChannelVariable, wrong, 1);
    EXPECT_EQ(message_of([] { Channel::from_environment(); }),
              std::string("CRESCENT_CHANNEL: expected the number of an open socket's descriptor, "
                          "got '") +
                  wrong + "'; crescent sets it for the processes that it starts");
  }
  ::unsetenv(kChannelVariable);
}

}  // namespace
}  // namespace crescent
