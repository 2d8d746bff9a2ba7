#include "profiler/trace/folded.h"

#include <cmath>
#include <map>
#include <sstream>

#include "tests/support.h"

namespace crescent {
namespace {

ProfileNode node(NodeKind kind, const std::string& name, double time_ns,
                 std::vector<ProfileNode> children = {}) {
  return {.kind = kind, .name = name, .time_ns = time_ns, .children = std::move(children)};
}
ProfileNode with_work(ProfileNode made, Work work) {
  made.work = work;
  return made;
}

/// A run of 1000 ns: decode 900, of it layer 1 600 (attention 250: scores 100, self 150), sampling
/// 60, and 40 of the run's own.
ProfileNode profile() {
  auto scores = with_work(node(NodeKind::operation, "scores", 100), {.flops = 1e12, .bytes = 4096});
  auto attention = with_work(
      node(NodeKind::component, "attention", 250, {scores, node(NodeKind::self, "self", 150)}),
      {.flops = 3e12, .bytes = 4096});
  auto layer = with_work(node(NodeKind::layer, "layer 1", 600,
                              {attention, node(NodeKind::component, "ffn.down", 300),
                               node(NodeKind::profiling, "profiling", 50)}),
                         {.flops = 5e12, .bytes = 8192});
  auto decode = node(NodeKind::section, "decode", 900, {layer});
  auto window =
      node(NodeKind::window, "answer", 960, {decode, node(NodeKind::section, "sample", 60)});
  return node(NodeKind::run, "run", 1000, {window, node(NodeKind::self, "self", 40)});
}

/// As speedscope reads it: everything up to the last space is the stack.
std::map<std::string, int64_t> parse(const std::string& text) {
  std::map<std::string, int64_t> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const size_t space = line.rfind(' ');
    EXPECT_NE(space, std::string::npos) << line;
    const std::string stack = line.substr(0, space);
    EXPECT_FALSE(lines.contains(stack)) << stack;
    size_t used = 0;
    lines[stack] = std::stoll(line.substr(space + 1), &used);
    EXPECT_EQ(space + 1 + used, line.size()) << line;
  }
  return lines;
}

int64_t sum(const std::map<std::string, int64_t>& lines) {
  int64_t total = 0;
  for (const auto& [stack, weight] : lines) total += weight;
  return total;
}

TEST(FoldedStacks, GiveEachPlaceWhatItsChildrenDoNotHold) {
  const std::map<std::string, int64_t> expected = {
      {"run", 40},
      {"answer;decode", 300},
      {"answer;decode;layer 1;attention", 150},
      {"answer;decode;layer 1;attention;scores", 100},
      {"answer;decode;layer 1;ffn.down", 300},
      {"answer;decode;layer 1;profiling", 50},
      {"answer;sample", 60},
  };
  const auto lines = parse(folded_stacks(profile(), FoldedWeight::time_ns));
  EXPECT_EQ(lines, expected);
  EXPECT_EQ(sum(lines), 1000);
}

TEST(FoldedStacks, WeighByBytesAndByFlops) {
  const std::map<std::string, int64_t> bytes = {{"answer;decode;layer 1", 4096},
                                                {"answer;decode;layer 1;attention;scores", 4096}};
  EXPECT_EQ(parse(folded_stacks(profile(), FoldedWeight::bytes)), bytes);
  const std::map<std::string, int64_t> flops = {
      {"answer;decode;layer 1", 2'000'000'000'000},
      {"answer;decode;layer 1;attention", 2'000'000'000'000},
      {"answer;decode;layer 1;attention;scores", 1'000'000'000'000}};
  EXPECT_EQ(parse(folded_stacks(profile(), FoldedWeight::flops)), flops);
}

TEST(FoldedStacks, AddUpThoughEveryLineIsRounded) {
  // Times scaled up from a part of the layers are no whole numbers: 999 times 1/3 and 333 ns.
  ProfileNode run = node(NodeKind::run, "run", 666);
  for (int i = 0; i < 999; ++i)
    run.children.push_back(node(NodeKind::section, "s" + std::to_string(i), 1.0 / 3));
  const auto lines = parse(folded_stacks(run, FoldedWeight::time_ns));
  EXPECT_EQ(sum(lines), 666);
  EXPECT_EQ(lines.size(), 334U);
}

TEST(FoldedStacks, ReplaceWhatANameMustNotHold) {
  const auto run = node(NodeKind::run, "run", 3,
                        {node(NodeKind::window, "a;b\nc\r 5", 2), node(NodeKind::window, "", 1)});
  const std::map<std::string, int64_t> expected = {{"a,b c  5", 2}, {"(unnamed)", 1}};
  EXPECT_EQ(parse(folded_stacks(run, FoldedWeight::time_ns)), expected);
}

TEST(FoldedStacks, RefuseChildrenThatExceedTheirParent) {
  const auto folded = [](const ProfileNode& root) {
    return message_of([&] { (void)folded_stacks(root, FoldedWeight::time_ns); });
  };
  EXPECT_EQ(folded(node(NodeKind::section, "decode", 10, {node(NodeKind::layer, "layer 1", 11)})),
            "folded stacks by time_ns: 'layer 1' holds 11 and its parent 'decode' 10: expected a "
            "part of it");
  EXPECT_EQ(
      folded(node(NodeKind::section, "decode", 10,
                  {node(NodeKind::layer, "layer 1", 6), node(NodeKind::layer, "layer 2", 5)})),
      "folded stacks by time_ns: the children of 'decode' hold 11 together: expected at most "
      "its 10");
  EXPECT_EQ(folded(node(NodeKind::section, "decode", 1e19)),
            "folded stacks by time_ns: expected a sum below 9e+18, found 1e+19 at 'decode'");
}

TEST(FoldedStacks, RefuseAWeightThatTheProfileDoesNotHold) {
  EXPECT_EQ(message_of([] {
              (void)folded_stacks(node(NodeKind::section, "sample", 10), FoldedWeight::bytes);
            }),
            "folded stacks by bytes: the profile holds none; time_ns is in every profile");
}

TEST(FoldedStacks, AreWrittenToAFile) {
  const TemporaryFolder folder;
  write_folded_stacks(folder / "answer.folded", profile(), FoldedWeight::time_ns);
  EXPECT_EQ(read_text(folder / "answer.folded"), folded_stacks(profile(), FoldedWeight::time_ns));
}

}  // namespace
}  // namespace crescent
