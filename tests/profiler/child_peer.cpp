// What child_process_test.cpp starts: child_peer WHAT [NUMBER]. Ends with 1 if it does not know
// what to do, or its parent is gone.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "profiler/child_process.h"

namespace crescent {
namespace {

/// Sends every message back.
void echo(Channel& channel) {
  while (const auto message = channel.receive())
    if (!channel.send(*message)) return;
}

/// Sends before it reads anything, so that both sides send at once.
void flood(Channel& channel, size_t count) {
  const std::string message(1 << 20, 'c');
  for (size_t i = 0; i < count; ++i) channel.send(message);
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += channel.receive().value_or("").size();
  channel.send(std::to_string(bytes));
}

/// Keeps so many MiB until a message comes.
void grow(Channel& channel, size_t mib) {
  const std::string held(mib << 20, 'm');
  channel.send("grown");
  channel.receive();
  std::printf("%c\n", held.back());
}

void list_files(Channel& channel) {
  std::string names;
  for (int fd = 0; fd < 1024; ++fd)
    if (std::filesystem::exists("/proc/self/fd/" + std::to_string(fd)))
      names += std::to_string(fd) + " ";
  channel.send(names);
}

/// Starts a child of its own and is killed without a chance to end it.
void leave_child(Channel& channel, const std::string& program) {
  ChildProcess child({.command = {program, "echo"}});
  child.send("open");
  child.receive();  // the child has opened its channel
  channel.send(std::to_string(child.pid()));
  channel.receive();
  ::kill(::getpid(), SIGKILL);
}

void ignore_end(Channel& channel) {
  std::signal(SIGTERM, SIG_IGN);
  channel.send("deaf");
  for (;;) ::pause();
}

bool run(std::string_view what, const std::string& program, size_t number) {
  auto channel = Channel::from_environment();
  if (!channel) return false;
  if (what == "echo") echo(*channel);
  else if (what == "flood") flood(*channel, number);
  else if (what == "grow") grow(*channel, number);
  else if (what == "files") list_files(*channel);
  else if (what == "leave") leave_child(*channel, program);
  else if (what == "deaf") ignore_end(*channel);
  else if (what == "variable") channel->send(std::getenv("CRESCENT_TEST_VARIABLE"));
  else return false;
  return true;
}

}  // namespace
}  // namespace crescent

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: child_peer WHAT [NUMBER]\n", stderr);
    return 1;
  }
  const size_t number = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  return crescent::run(argv[1], argv[0], number) ? 0 : 1;
}
