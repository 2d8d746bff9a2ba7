#include "profiler/section_memory.h"

#include <gtest/gtest.h>

#include "tests/profiler/fake_system.h"

namespace crescent {
namespace {

TEST(SectionMemory, AddsUpBySection) {
  FakeSystem system;
  system.file("proc/self/statm", "100 25 1\n");
  AllocatorFigures figures;
  SectionMemoryListener listener([&] { return figures; }, system.root());
  figures = {.allocations = 10, .bytes_now = 4000, .bytes_peak = 9000};
  listener.ended(Section::prefill);
  system.file("proc/self/statm", "100 99 1\n");
  figures = {.allocations = 13, .bytes_now = 4100, .bytes_peak = 5000};
  listener.ended(Section::decode);
  figures = {.allocations = 16, .bytes_now = 4200, .bytes_peak = 6000};
  listener.ended(Section::decode);

  const auto results = listener.results();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].section, Section::prefill);
  EXPECT_EQ(results[0].allocations, 10);
  EXPECT_EQ(results[0].bytes_peak, 9000);
  EXPECT_EQ(results[0].bytes_kept, 4000);
  EXPECT_EQ(results[0].rss_bytes, 25 * 4096);
  EXPECT_EQ(results[1].sections, 2);
  EXPECT_EQ(results[1].allocations, 6);
  EXPECT_EQ(results[1].bytes_kept, 200);
  EXPECT_EQ(results[1].bytes_peak, 6000);
}

TEST(SectionMemory, TensorsAreATrackOverTheEndsOfSections) {
  Recording recording;
  recording.spans = {{0, 10, SpanKind::section, static_cast<uint8_t>(Section::prefill), -1},
                     {10, 12, SpanKind::profiling, 0, -1},
                     {12, 20, SpanKind::section, static_cast<uint8_t>(Section::decode), -1}};
  const CounterTrack track = tensor_track(recording, {500, -20});
  EXPECT_EQ(track.times_ns, (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(track.values, (std::vector<double>{500, -20}));
}

TEST(SectionMemory, ResidentMemoryIsAbsentWithoutProc) {
  FakeSystem system;
  SectionMemoryListener listener([] { return AllocatorFigures{}; }, system.root());
  listener.ended(Section::load);
  EXPECT_FALSE(listener.results().at(0).rss_bytes);
}

}  // namespace
}  // namespace crescent
