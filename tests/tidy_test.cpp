// What keeps the tree readable, as tests: width, leftovers, arrows between folders, where LibTorch
// may be named. Each case lists every offence with file and line.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kColumnsMax = 100;
constexpr size_t kLinesMax = 600;

struct Line {
  std::string file;  ///< from the repository's root
  size_t number;     ///< from 1
  std::string text;
};

const fs::path& root() {
  static const fs::path path = CRESCENT_SOURCE;
  return path;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  for (auto start : starts)
    if (text.starts_with(start)) return true;
  return false;
}

/// Our own text files, from the repository's root, sorted.
const std::vector<std::string>& files() {
  static const auto list = [] {
    const std::set<std::string> kinds = {".cpp", ".h",   ".lua", ".cmake",
                                         ".md",  ".txt", ".py",  ".sh"};
    std::set<std::string> found;
    for (const char* name : {"dev", ".ci/run"})
      if (fs::exists(root() / name)) found.insert(name);
    for (const auto& entry : fs::directory_iterator(root()))
      if (entry.is_regular_file() && kinds.contains(entry.path().extension()))
        found.insert(entry.path().filename());
    for (const char* folder :
         {"bindings", "cmake", "engine", "examples", "host", "profiler", "scripts", "tests"})
      for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
        const std::string name = entry.path().lexically_relative(root());
        if (entry.is_regular_file() && kinds.contains(entry.path().extension()) &&
            !starts_with_any(name, {"tests/fixtures/", "tests/fuzz/seeds/"}))
          found.insert(name);
      }
    return std::vector<std::string>(found.begin(), found.end());
  }();
  return list;
}

std::vector<Line> read(const std::string& file) {
  std::ifstream stream(root() / file);
  std::vector<Line> lines;
  for (std::string text; std::getline(stream, text);)
    lines.push_back({file, lines.size() + 1, text});
  return lines;
}

bool is_cpp(std::string_view file) { return file.ends_with(".cpp") || file.ends_with(".h"); }

/// Prints one offence a line, which EXPECT_EQ would not.
void expect_none(const std::string& offences) { EXPECT_TRUE(offences.empty()) << offences; }

/// Every offending line as 'file:line: text'. `file` decides which files are looked at.
std::string offences(const std::function<bool(std::string_view file)>& looks_at,
                     const std::function<bool(const Line&)>& offends) {
  std::string report;
  for (const auto& file : files())
    if (looks_at(file))
      for (const auto& line : read(file))
        if (offends(line))
          report += line.file + ":" + std::to_string(line.number) + ": " + line.text + "\n";
  return report;
}

bool any_file(std::string_view) { return true; }

size_t columns(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

/// The name between quotes or angle brackets of an #include line; empty for another line.
std::string included(std::string_view text) {
  const size_t hash = text.find_first_not_of(" \t");
  if (hash == text.npos || text[hash] != '#') return "";
  const size_t word = text.find_first_not_of(" \t", hash + 1);
  if (word == text.npos || text.substr(word, 7) != "include") return "";
  const size_t open = text.find_first_of("\"<", word);
  if (open == text.npos) return "";
  const size_t close = text.find_first_of("\">", open + 1);
  return close == text.npos ? "" : std::string(text.substr(open + 1, close - open - 1));
}

bool names_torch(std::string_view header) {
  return starts_with_any(header, {"ATen/", "torch/", "c10/", "caffe2/"});
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> part;
  while (size_t n = fread(part.data(), 1, part.size(), pipe.get())) text.append(part.data(), n);
  return text;
}

TEST(Tidy, FindsTheSources) {
  // The rules below hold vacuously for an empty list.
  const std::set<std::string> all(files().begin(), files().end());
  for (const char* name : {"dev", "CMakeLists.txt", "engine/error.h", "tests/tidy_test.cpp"})
    EXPECT_TRUE(all.contains(name)) << name;
}

TEST(Tidy, LinesFitIn100Columns) {
  const auto too_wide = [](const Line& line) {
    const bool table = line.file.ends_with(".md") && line.text.starts_with('|');
    return !table && columns(line.text) > kColumnsMax;
  };
  expect_none(offences(any_file, too_wide));
}

TEST(Tidy, NothingIsLeftForLater) {
  const std::regex word("\\b(TO(DO)|FIX(ME)|X(XX)|HA(CK))\\b");  // passes itself
  expect_none(
      offences(any_file, [&](const Line& line) { return std::regex_search(line.text, word); }));
}

TEST(Tidy, FilesCanBeReadInOneSitting) {
  for (const auto& file : files()) {
    if (file != "CHANGELOG.md") {
      EXPECT_LE(read(file).size(), kLinesMax) << file;
    }
  }
}

TEST(Tidy, ArrowsBetweenFoldersPointToTheRight) {
  // host -> bindings -> profiler -> engine: a folder includes itself and what stands to its right.
  const std::array<std::string, 4> order = {"host/", "bindings/", "profiler/", "engine/"};
  const auto place = [&](std::string_view path) {
    for (size_t i = 0; i < order.size(); ++i)
      if (path.starts_with(order[i])) return i;
    return order.size();
  };
  expect_none(offences(is_cpp, [&](const Line& line) {
    const size_t target = place(included(line.text));
    return place(line.file) < order.size() && target < place(line.file);
  }));
}

TEST(Tidy, EngineAndProfilerKnowNoLua) {
  expect_none(offences(
      [](auto file) {
        return starts_with_any(file, {"engine/", "profiler/"});
      },
      [](const Line& line) {
        return starts_with_any(included(line.text), {"lua", "lauxlib", "lualib"});
      }));
}

TEST(Tidy, EngineKnowsNoDatabase) {
  expect_none(offences([](auto file) { return file.starts_with("engine/"); },
                       [](const Line& line) {
                         return starts_with_any(included(line.text), {"sqlite", "SQLite"});
                       }));
}

/// Follows our own includes from `file`; `trail` says how it came there.
void follow(const std::string& file, const std::string& trail, std::set<std::string>& seen,
            std::string& report) {
  if (!seen.insert(file).second) return;
  for (const auto& line : read(file)) {
    const std::string header = included(line.text);
    if (names_torch(header))
      report += trail + file + ":" + std::to_string(line.number) + ": " + line.text + "\n";
    else if (fs::exists(root() / header) && !header.empty())
      follow(header, trail + file + " -> ", seen, report);
  }
}

TEST(Tidy, NothingInTheExecutableReachesALibTorchHeader) {
  std::string report;
  std::set<std::string> seen;
  std::istringstream sources(CRESCENT_TENSOR_FREE_SOURCES);
  for (std::string file; std::getline(sources, file, '|');) follow(file, "", seen, report);
  ASSERT_TRUE(seen.contains("bindings/api/api.cpp"));
  expect_none(report);
}

TEST(Tidy, NoHeaderTakesAllOfLibTorch) {
  expect_none(offences([](auto file) { return file.ends_with(".h"); },
                       [](const Line& line) {
                         const std::string header = included(line.text);
                         return header == "torch/torch.h" || header == "ATen/ATen.h";
                       }));
}

TEST(Tidy, BindingsLetLuaErrorsPass) {
  // LuaJIT throws its errors as foreign exceptions, which only a catch-all would swallow.
  const std::string all = std::string("catch (") + "...)";
  expect_none(offences([](auto file) { return is_cpp(file) && file.starts_with("bindings/"); },
                       [&](const Line& line) {
                         const size_t comment = line.text.find("//");
                         return line.text.substr(0, comment).find(all) != line.text.npos;
                       }));
}

TEST(Tidy, NoFileNamesOnePersonsMachine) {
  const std::regex home("(^|[^A-Za-z0-9_.}-])/(root|work|home|Users|mnt)/");
  expect_none(
      offences(any_file, [&](const Line& line) { return std::regex_search(line.text, home); }));
}

TEST(Tidy, HeadersAreIncludedOnce) {
  for (const auto& file : files()) {
    if (!file.ends_with(".h")) continue;
    bool once = false;
    for (const auto& line : read(file)) once |= line.text == "#pragma once";
    EXPECT_TRUE(once) << file << ": expected '#pragma once'";
  }
}

TEST(Executable, NeedsNoLibTorch) {
  const std::string dynamic = output_of("readelf -d '" CRESCENT_EXECUTABLE "'");
  ASSERT_NE(dynamic.find("libc.so"), dynamic.npos) << dynamic;
  const std::string all = output_of("ldd '" CRESCENT_EXECUTABLE "'");  // what those need in turn
  ASSERT_NE(all.find("libc.so"), all.npos) << all;
  for (const char* library : {"torch", "libc10", "openblas", "libblas", "dnnl", "gomp"}) {
    EXPECT_EQ(dynamic.find(library), dynamic.npos) << dynamic;
    EXPECT_EQ(all.find(library), all.npos) << all;
  }
}

}  // namespace
}  // namespace crescent
