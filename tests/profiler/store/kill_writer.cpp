// Writes trials until somebody kills it: kill_writer PATH. What belongs to a trial can be told from
// its number of tokens n: n samples, n statistics, n + 1 nodes, 100 n bytes of spans. kill_test.cpp
// starts it.
#include <cstdio>
#include <string>

#include "profiler/store/writer.h"

namespace crescent {
namespace {

TrialRecord trial_of(int64_t n) {
  TrialRecord trial{.tokens = n, .spans = std::string(static_cast<size_t>(100 * n), 's')};
  SampleRecord samples{"token_ms", {{}, "ms"}};
  ProfileNode root{.name = "run"};
  for (int64_t i = 0; i < n; ++i) {
    samples.samples.values.push_back(static_cast<double>(i) + 0.25);
    trial.statistics.push_back({.section = "decode", .site = "head", .name = "max"});
    root.children.push_back({.kind = NodeKind::section, .name = "decode"});
  }
  trial.samples = {samples};
  trial.profile = root;
  return trial;
}

void write_for_ever(const std::string& path) {
  for (;;) {
    StoreWriter writer(path);
    const int64_t run = writer.begin_run({.name = "killed"});
    for (int64_t i = 0; i < 1000; ++i) {
      writer.add_trial(run, trial_of(1 + i * 37 % 200));
      if (i % 7 == 0) writer.flush();  // batches of one to seven
    }
    writer.finish_run(run, RunStatus::done);
  }
}

}  // namespace
}  // namespace crescent

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: kill_writer PATH\n", stderr);
    return 2;
  }
  try {
    crescent::write_for_ever(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kill_writer: %s\n", error.what());
  }
  return 1;
}
