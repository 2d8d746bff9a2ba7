// Runs tests/transcripts/*.t, one case a file. The format is Cram's: text is prose; a line indented
// by two spaces that begins with `$ ` is a shell command, `> ` continues it, and what follows is
// its output, standard output and error together, then `[N]` if the exit code is not 0. A line of
// output may end in ` (glob)` or ` (re)`. Commands of a file run in one empty folder, with crescent
// on PATH.
#include <fnmatch.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Step {
  int line = 0;
  std::string command;
  std::vector<std::string> expected;
};

std::vector<Step> read_steps(const fs::path& file) {
  std::vector<Step> steps;
  std::ifstream in(file);
  int number = 0, blank = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) ++blank;
    if (!line.starts_with("  ")) {
      if (!line.empty()) blank = 0;
      continue;
    }
    const std::string text = line.substr(2);
    // Editors cut trailing spaces: an empty line within output is one of the output's.
    if (!text.starts_with("$ ") && !steps.empty())
      steps.back().expected.insert(steps.back().expected.end(), blank, "");
    blank = 0;
    if (text.starts_with("$ ")) steps.push_back({number, text.substr(2), {}});
    else if (steps.empty()) ADD_FAILURE() << file << ":" << number << ": output without a command";
    else if (text.starts_with("> ") && steps.back().expected.empty())
      steps.back().command += "\n" + text.substr(2);
    else steps.back().expected.push_back(text);
  }
  return steps;
}

std::vector<std::string> run(const std::string& command, const fs::path& folder) {
  const std::string path = fs::path(CRESCENT_EXECUTABLE).parent_path().string();
  const std::string script =
      "cd '" + folder.string() + "' && export PATH='" + path + "':\"$PATH\" HOME='" +
      folder.string() +
      "' LC_ALL=C.UTF-8 SOURCE='" CRESCENT_SOURCE
      "'\nunset CRESCENT_LUA_PATH CRESCENT_STORE XDG_STATE_HOME\nexec 2>&1\n" +
      command + "\n";
  FILE* pipe = popen(script.c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), n);
  const int status = pclose(pipe);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < output.size();) {
    const size_t end = std::min(output.find('\n', begin), output.size());
    lines.push_back(output.substr(begin, end - begin));
    begin = end + 1;
  }
  if (code != 0) lines.push_back("[" + std::to_string(code) + "]");
  return lines;
}

bool matches(const std::string& expected, const std::string& got) {
  if (expected == got) return true;
  if (expected.ends_with(" (glob)"))
    return fnmatch(expected.substr(0, expected.size() - 7).c_str(), got.c_str(), 0) == 0;
  if (expected.ends_with(" (re)"))
    return std::regex_match(got, std::regex(expected.substr(0, expected.size() - 5)));
  return false;
}

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "  " + line + "\n";
  return text;
}

class Transcript : public testing::Test {
 public:
  explicit Transcript(fs::path file) : file_(std::move(file)) {}

  void TestBody() override {
    const auto steps = read_steps(file_);
    ASSERT_FALSE(steps.empty()) << file_ << " has no command";
    const fs::path folder = fs::path(testing::TempDir()) /
                            ("transcript_" + file_.stem().string() + std::to_string(getpid()));
    fs::create_directories(folder);
    for (const auto& step : steps) {
      const auto got = run(step.command, folder);
      bool same = got.size() == step.expected.size();
      for (size_t i = 0; same && i < got.size(); ++i) same = matches(step.expected[i], got[i]);
      EXPECT_TRUE(same) << file_.string() << ":" << step.line << ": $ " << step.command
                        << "\nexpected\n"
                        << indented(step.expected) << "got\n"
                        << indented(got);
    }
    fs::remove_all(folder);
  }

 private:
  fs::path file_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (const auto& entry : fs::directory_iterator(CRESCENT_SOURCE "/tests/transcripts")) {
    if (entry.path().extension() != ".t") continue;
    if (!CRESCENT_HAS_ENGINE && entry.path().stem().string().starts_with("engine_")) continue;
    const fs::path file = entry.path();
    testing::RegisterTest("Transcript", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> Transcript* { return new Transcript(file); });
  }
  return RUN_ALL_TESTS();
}
