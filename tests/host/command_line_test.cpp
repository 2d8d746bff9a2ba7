#include "host/command_line.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

constexpr std::string_view kCommands[] = {"generate"};

CommandLine parse(std::vector<const char*> argv) {
  argv.insert(argv.begin(), "crescent");
  return parse_command_line(argv, kCommands);
}

std::string usage_error(std::vector<const char*> argv) {
  try {
    parse(std::move(argv));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CommandLine, StartsThePromptWithoutArguments) {
  EXPECT_EQ(parse({}).mode, CommandLine::Mode::prompt);
  const CommandLine line = parse({"--threads", "3"});
  EXPECT_EQ(line.mode, CommandLine::Mode::prompt);
  EXPECT_EQ(line.threads, 3);
}

TEST(CommandLine, LeavesOptionsBehindTheScriptToIt) {
  const CommandLine line = parse({"--threads=2", CRESCENT_SOURCE "/CMakeLists.txt", "--threads",
                                  "9", "--help", "--version", "-e", "x"});
  EXPECT_EQ(line.mode, CommandLine::Mode::file);
  EXPECT_EQ(line.target, CRESCENT_SOURCE "/CMakeLists.txt");
  EXPECT_EQ(line.threads, 2);
  EXPECT_EQ(line.script_index, 2);
}

TEST(CommandLine, LeavesOptionsBehindTheCodeToIt) {
  const CommandLine line = parse({"-e", "print(1)", "--tokens", "9"});
  EXPECT_EQ(line.mode, CommandLine::Mode::code);
  EXPECT_EQ(line.target, "print(1)");
  EXPECT_EQ(line.script_index, 2);
}

TEST(CommandLine, KnowsCommandsAndStandardInput) {
  EXPECT_EQ(parse({"generate", "--help"}).mode, CommandLine::Mode::command);
  const CommandLine line = parse({"-", "x"});
  EXPECT_EQ(line.mode, CommandLine::Mode::file);
  EXPECT_EQ(line.target, "-");
}

TEST(CommandLine, TakesTheStoreInFrontOfACommand) {
  const CommandLine line = parse({"--store", "my.db", "generate", "--store", "other.db"});
  EXPECT_EQ(line.mode, CommandLine::Mode::command);
  EXPECT_EQ(line.store, "my.db");
  EXPECT_FALSE(parse({"generate"}).store);
  EXPECT_EQ(usage_error({"--store", ""}), "--store: expected a path, got ''");
  EXPECT_EQ(usage_error({"--stor", "x"}), "unknown option '--stor' (did you mean '--store'?)");
}

TEST(CommandLine, NamesTheNearestOption) {
  EXPECT_EQ(usage_error({"--thread", "2"}),
            "unknown option '--thread' (did you mean '--threads'?)");
  EXPECT_EQ(usage_error({"--thread=2"}), "unknown option '--thread' (did you mean '--threads'?)");
}

TEST(CommandLine, RefusesThreadsThatAreNoCount) {
  EXPECT_EQ(usage_error({"--threads", "0"}),
            "--threads: expected an integer in [1, 1024], got '0'");
  EXPECT_EQ(usage_error({"--threads", "many"}),
            "--threads: expected an integer in [1, 1024], got 'many'");
}

TEST(CommandLine, SaysWhichFileCannotBeRead) {
  EXPECT_EQ(usage_error({"/nowhere/x.lua"}),
            "can't read '/nowhere/x.lua': No such file or directory");
  EXPECT_EQ(usage_error({"generat"}),
            "can't read 'generat': No such file or directory (did you mean 'generate'?)");
}

}  // namespace
}  // namespace crescent
