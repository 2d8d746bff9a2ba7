#include "profiler/recorder.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/error.h"
#include "tests/profiler/hand_clock.h"

namespace crescent {
namespace {

constexpr RecorderOptions kAll{.layers = true, .components = true, .operations = true};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A recorder whose time is told by hand.
struct Recorded {
  explicit Recorded(const RecorderOptions& options = kAll) : recorder(options, clock, false) {}

  void site(Site site, int layer, int64_t ns) {
    recorder.begin(site, layer);
    clock.pass(ns);
    recorder.end(site, layer);
  }
  void section(Section section, int64_t ns, SectionSize size = {}) {
    const SectionSpan span(&recorder, section, size);
    clock.pass(ns);
  }

  HandClock clock;
  Recorder recorder;
};

TEST(Recorder, WritesSpansByTheirEnds) {
  Recorded made;
  made.clock.pass(5);
  made.recorder.begin_section(Section::decode, {1, 7});
  made.recorder.begin(Site::block, 2);
  made.site(Site::qkv, 2, 30);
  made.recorder.end(Site::block, 2);
  made.clock.pass(10);
  made.recorder.end_section(Section::decode);
  const Recording recording = made.recorder.finish();
  const std::vector<Span> expected{
      {5, 35, SpanKind::site, static_cast<uint8_t>(Site::qkv), 2},
      {5, 35, SpanKind::site, static_cast<uint8_t>(Site::block), 2},
      {5, 45, SpanKind::section, static_cast<uint8_t>(Section::decode), -1, false, {1, 7}},
  };
  EXPECT_EQ(recording.spans, expected);
  EXPECT_EQ(recording.duration_ns, 45);
}

TEST(Recorder, AsksForNoMoreThanItsDepth) {
  Recorded minimal(RecorderOptions{});
  Recorded standard(RecorderOptions{.layers = true, .components = true});
  EXPECT_EQ(minimal.recorder.wanted_spans().bits, 0u);
  EXPECT_TRUE(standard.recorder.wanted_spans().has(Site::block));
  EXPECT_TRUE(standard.recorder.wanted_spans().has(Site::ffn_up));
  EXPECT_FALSE(standard.recorder.wanted_spans().has(Site::attention_softmax));
}

TEST(Recorder, LooksIntoEveryNthDecodeStepAlone) {
  Recorded made(RecorderOptions{.layers = true, .components = true, .every_token = 3});
  std::vector<bool> detailed;
  made.recorder.begin_section(Section::prefill, {8, 0});
  detailed.push_back(made.recorder.wanted_spans().has(Site::block));
  made.recorder.end_section(Section::prefill);
  for (int i = 0; i < 4; ++i) {
    made.recorder.begin_section(Section::decode, {1, 8 + i});
    detailed.push_back(made.recorder.wanted_spans().has(Site::block));
    made.recorder.end_section(Section::decode);
  }
  EXPECT_EQ(detailed, (std::vector<bool>{true, true, false, false, true}));
}

TEST(Recorder, SkipsTheComponentsOfOtherLayersButNotTheLayers) {
  Recorded made(RecorderOptions{.layers = true, .components = true, .every_layer = 2});
  for (int layer = 0; layer < 3; ++layer) {
    made.recorder.begin(Site::block, layer);
    made.site(Site::qkv, layer, 1);
    made.recorder.end(Site::block, layer);
  }
  int components = 0, layers = 0;
  for (const Span& span : made.recorder.finish().spans)
    ++(static_cast<Site>(span.id) == Site::block ? layers : components);
  EXPECT_EQ(layers, 3);
  EXPECT_EQ(components, 2);
}

TEST(Recorder, WindowsNestAndAreNamedInErrors) {
  Recorded made;
  made.recorder.begin_window("outer");
  made.recorder.begin_window("inner");
  EXPECT_EQ(message_of([&] { made.recorder.end_window("outer"); }),
            "window 'outer': the innermost open window is 'inner'; close that one first");
  made.recorder.end_window("inner");
  made.recorder.end_window("outer");
  EXPECT_EQ(message_of([&] { made.recorder.end_window("outer"); }),
            "window 'outer': no window is open; it was closed before, or never opened");
  const Recording recording = made.recorder.finish();
  ASSERT_EQ(recording.spans.size(), 2u);
  EXPECT_EQ(name_of(recording.spans[0], recording), "inner");
  EXPECT_EQ(name_of(recording.spans[1], recording), "outer");
}

TEST(Recorder, RefusesAWindowTooMany) {
  Recorded made;
  for (int i = 0; i < 256; ++i) {
    made.recorder.begin_window(fmt::format("w{}", i));
    made.recorder.end_window(fmt::format("w{}", i));
  }
  made.recorder.begin_window("w7");
  made.recorder.end_window("w7");
  EXPECT_EQ(message_of([&] { made.recorder.begin_window("one more"); }),
            "window 'one more': 256 different names are used already; give repeated windows one "
            "name");
}

TEST(Recorder, MarksWhatAnErrorClosed) {
  Recorded made;
  made.recorder.begin_window("w");
  try {
    const SectionSpan span(&made.recorder, Section::decode, {1, 0});
    made.recorder.begin(Site::block, 0);
    made.clock.pass(3);
    throw std::runtime_error("an error of the model");
  } catch (const std::runtime_error&) {
  }
  made.clock.pass(4);
  made.recorder.abandon_window();
  const std::vector<Span> spans = made.recorder.finish().spans;
  ASSERT_EQ(spans.size(), 3u);
  for (const Span& span : spans) EXPECT_TRUE(span.cut);
  EXPECT_EQ(spans[0].duration_ns(), 3);
  EXPECT_EQ(spans[2].duration_ns(), 7);
}

TEST(Recorder, ASectionThatEndsInTimeIsNotMarkedWhileAnotherErrorPasses) {
  Recorded made;
  struct Cleanup {
    Recorded& made;
    ~Cleanup() { made.section(Section::sample, 1); }
  };
  try {
    const Cleanup cleanup{made};
    throw std::runtime_error("passing");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(made.recorder.finish().spans.at(0).cut);
}

TEST(Recorder, FinishClosesAndMarksWhatIsOpen) {
  Recorded made;
  made.recorder.begin_window("left open");
  made.clock.pass(2);
  const Recording recording = made.recorder.finish();
  ASSERT_EQ(recording.spans.size(), 1u);
  EXPECT_TRUE(recording.spans[0].cut);
  EXPECT_EQ(recording.spans[0].duration_ns(), 2);
}

TEST(Recorder, KeepsEverySpanOfALongRun) {
  Recorded made;
  constexpr int kSteps = 3000;
  for (int step = 0; step < kSteps; ++step) {
    made.recorder.begin_section(Section::decode, {1, step});
    for (int layer = 0; layer < 20; ++layer) made.site(Site::qkv, layer, 1);
    made.recorder.end_section(Section::decode);
  }
  EXPECT_GE(made.recorder.spans_recorded(), kSteps * 21);
  const Recording recording = made.recorder.finish();
  int64_t sites = 0, sections = 0, time_ns = 0;
  for (const Span& span : recording.spans) {
    sites += span.kind == SpanKind::site;
    sections += span.kind == SpanKind::section;
    if (span.kind == SpanKind::site) time_ns += span.duration_ns();
  }
  EXPECT_EQ(sites, kSteps * 20);
  EXPECT_EQ(sections, kSteps);
  EXPECT_EQ(time_ns, kSteps * 20);
}

/// Takes a while over every tensor.
class SlowSink : public TensorSink {
 public:
  explicit SlowSink(HandClock& clock) : clock_(clock) {}
  SiteSet wanted() const override { return SiteSet{}.add(Site::qkv); }
  void take(Section section, Site, int32_t layer, const TensorView&) override {
    clock_.pass(100);
    taken.push_back(fmt::format("{} {}", name_of(section), layer));
  }
  std::vector<std::string> taken;

 private:
  HandClock& clock_;
};

TEST(Recorder, TheTimeOfTheSinkIsTheProfilersOwn) {
  HandClock clock;
  SlowSink sink(clock);
  Recorder recorder({.layers = true, .components = true, .sink = &sink}, clock, false);
  recorder.begin_section(Section::prefill, {4, 0});
  recorder.begin(Site::qkv, 1);
  clock.pass(10);
  recorder.tensor(Site::qkv, 1, {});
  recorder.end(Site::qkv, 1);
  recorder.end_section(Section::prefill);
  const std::vector<Span> spans = recorder.finish().spans;
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[0].kind, SpanKind::profiling);
  EXPECT_EQ(spans[0].duration_ns(), 100);
  EXPECT_EQ(spans[1].duration_ns(), 110);
  EXPECT_EQ(sink.taken, std::vector<std::string>{"prefill 1"});
}

TEST(Ticks, TheCounterAgreesWithTheClockThatItIsCalibratedBy) {
  SteadyClock clock;
  const Ticks ticks(clock);
  const uint64_t begin = ticks.now();
  const int64_t begin_ns = clock.now_ns();
  while (clock.now_ns() - begin_ns < 20'000'000) {
  }
  const double ns = static_cast<double>(ticks.now() - begin) * ticks.ns_per_tick();
  const auto expected = static_cast<double>(clock.now_ns() - begin_ns);
  // Another process may run between two readings.
  EXPECT_NEAR(ns / expected, 1, 0.2);
}

TEST(SpanCost, IsSomeTimeButNoMicrosecond) {
  const double cost = span_cost_ns(kAll);
  EXPECT_GT(cost, 0.5);
  EXPECT_LT(cost, 20'000);
}

}  // namespace
}  // namespace crescent
