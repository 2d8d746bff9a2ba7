// What the executable brings into a process before a script touches a tensor.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), n);
  pclose(pipe);
  return output;
}

constexpr const char* kLate[] = {"libtorch", "libc10", "libgomp", "blas", "libcrescent_engine"};

TEST(Executable, NamesNoLibTorchAmongWhatItNeeds) {
  // The dynamic loader's own list, with the dependencies of dependencies.
  const std::string needed = output_of("LD_TRACE_LOADED_OBJECTS=1 " CRESCENT_EXECUTABLE);
  ASSERT_NE(needed.find("libluajit"), std::string::npos) << needed;
  for (const char* late : kLate) EXPECT_EQ(needed.find(late), std::string::npos) << needed;
}

TEST(Executable, AnswersWithoutLoadingTheEngine) {
  const std::string mapped =
      output_of(CRESCENT_EXECUTABLE
                " -e \"crescent.api() crescent.threads() "
                "require 'crescent.help' 'crescent.api' "
                "for line in io.lines '/proc/self/maps' do print(line) end\"");
  ASSERT_NE(mapped.find("libluajit"), std::string::npos) << mapped;
  for (const char* late : kLate) EXPECT_EQ(mapped.find(late), std::string::npos) << late;
}

TEST(Executable, ListsRunsWithoutLoadingTheEngine) {
  // As scripts/crescent/commands/runs.lua does, and then the process's own map.
  const std::string mapped = output_of(
      "folder=$(mktemp -d) && cd \"$folder\" && { CRESCENT_STORE= " CRESCENT_EXECUTABLE
      " -e \"crescent.store.open({ write = true }):close() require 'crescent.commands.runs'() "
      "for line in io.lines '/proc/self/maps' do print(line) end\"; rm -r \"$folder\"; }");
  ASSERT_NE(mapped.find("no runs"), std::string::npos) << mapped;
  ASSERT_NE(mapped.find("libsqlite3"), std::string::npos) << mapped;
  for (const char* late : kLate) EXPECT_EQ(mapped.find(late), std::string::npos) << late;
}

/// What the libraries of the engine are told in a process that was started so.
std::string told_libraries(const char* environment) {
  return output_of(
      fmt::format("{} " CRESCENT_EXECUTABLE
                  " -e \"crescent.load 'tiny' for _, name in ipairs {{ 'ONEDNN_MAX_CPU_ISA', "
                  "'DNNL_MAX_CPU_ISA', 'ATEN_CPU_CAPABILITY', 'OPENBLAS_CORETYPE' }} do "
                  "io.write(os.getenv(name) or '-', ' ') end\"",
                  environment));
}

class EngineLibraries : public testing::Test {
 protected:
  void SetUp() override {
    if (!CRESCENT_HAS_ENGINE) GTEST_SKIP() << "this build has no engine";
  }
};

TEST_F(EngineLibraries, TakeTheForcedInstructionSetToo) {
  EXPECT_EQ(told_libraries("CRESCENT_ISA=scalar"), "SSE41 SSE41 default Nehalem ");
}

TEST_F(EngineLibraries, KeepTheirInstructionSetUnlessForced) {
  EXPECT_EQ(told_libraries("unset CRESCENT_ISA;"), "- - - - ");
}

TEST_F(EngineLibraries, KeepTheInstructionSetThatTheUserSet) {
  EXPECT_EQ(told_libraries("CRESCENT_ISA=scalar OPENBLAS_CORETYPE=Prescott"),
            "SSE41 SSE41 default Prescott ");
}

}  // namespace
