#include "host/history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace crescent {
namespace {

namespace fs = std::filesystem;

class HistoryFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("history_" + std::to_string(getpid()));
    file_ = folder_ / "below" / "history";
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_, file_;
};

TEST_F(HistoryFile, KeepsEntriesOfSeveralLinesWhole) {
  const std::string entry = "print('a\\n')\nprint [[\\]]";
  History(file_).add(entry);
  EXPECT_EQ(History(file_).entries(), std::vector<std::string>{entry});
}

TEST_F(HistoryFile, LeavesOutBlankAndRepeatedEntries) {
  History history(file_);
  for (const char* entry : {"x", "x", " \n", "y", "x"}) history.add(entry);
  const std::vector<std::string> expected = {"x", "y", "x"};
  EXPECT_EQ(history.entries(), expected);
  EXPECT_EQ(History(file_).entries(), expected);
}

TEST_F(HistoryFile, MergesTwoPromptsAtOnce) {
  History first(file_), second(file_);
  first.add("a");
  second.add("b");
  first.add("c");
  EXPECT_EQ(History(file_).entries(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(HistoryFile, KeepsTheNewestWhereItIsTooLong) {
  fs::create_directories(file_.parent_path());
  {
    std::ofstream out(file_);
    for (size_t i = 0; i < History::kEntriesMax + 5; ++i) out << "entry " << i << '\n';
  }
  EXPECT_EQ(History(file_).entries().size(), History::kEntriesMax);
  EXPECT_EQ(History(file_).entries().front(), "entry 5");
  std::ifstream in(file_);
  std::string first;
  std::getline(in, first);
  EXPECT_EQ(first, "entry 5");
}

TEST_F(HistoryFile, WorksInMemoryWhereNothingCanBeWritten) {
  History history("/proc/nowhere/history");
  history.add("x");
  EXPECT_EQ(history.entries(), std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace crescent
