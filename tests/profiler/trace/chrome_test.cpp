#include "profiler/trace/chrome.h"

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support.h"

namespace crescent {
namespace {

using Json = nlohmann::json;

Span window_span(int64_t begin, int64_t end, uint8_t id = 0) {
  return {.begin_ns = begin, .end_ns = end, .kind = SpanKind::window, .id = id};
}
Span section_span(int64_t begin, int64_t end, Section section = Section::decode,
                  SectionSize size = {}) {
  return {.begin_ns = begin,
          .end_ns = end,
          .kind = SpanKind::section,
          .id = static_cast<uint8_t>(section),
          .size = size};
}
Span site_span(int64_t begin, int64_t end, Site site, int16_t layer = 0) {
  return {.begin_ns = begin,
          .end_ns = end,
          .kind = SpanKind::site,
          .id = static_cast<uint8_t>(site),
          .layer = layer};
}
Span profiling_span(int64_t begin, int64_t end) {
  return {.begin_ns = begin, .end_ns = end, .kind = SpanKind::profiling};
}

/// Steps of so many layers of 1000 ns, each with attention { scores, softmax } and a down product,
/// and 500 ns of the section's own; the profiler works for 10 ns in every attention.
Recording decoding(int steps, int layers) {
  Recording recording;
  recording.windows = {"answer"};
  int64_t now = 1234;
  const int64_t begin = now;
  for (int step = 0; step < steps; ++step) {
    const int64_t section = now;
    for (int16_t layer = 0; layer < layers; ++layer, now += 1000) {
      auto& spans = recording.spans;
      spans.push_back(site_span(now + 100, now + 250, Site::attention_scores, layer));
      spans.push_back(site_span(now + 250, now + 300, Site::attention_softmax, layer));
      spans.push_back(profiling_span(now + 300, now + 310));
      spans.push_back(site_span(now + 100, now + 400, Site::attention, layer));
      spans.push_back(site_span(now + 400, now + 1000, Site::ffn_down, layer));
      spans.push_back(site_span(now, now + 1000, Site::block, layer));
    }
    now += 500;
    recording.spans.push_back(
        section_span(section, now, Section::decode, {.tokens = 1, .past = 7 + step}));
  }
  recording.spans.push_back(window_span(begin, now));
  recording.duration_ns = now;
  return recording;
}

/// Nanoseconds of a time that the format writes in microseconds.
int64_t ns(const Json& microseconds) { return std::llround(microseconds.get<double>() * 1000); }

std::vector<Json> complete_events(const Json& trace) {
  std::vector<Json> events;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "X") events.push_back(event);
  return events;
}

/// Finds every event's parent as a viewer does, from times and the order in the file, and expects
/// that none leaves it. Paths like 'answer;decode;layer 1' with the ns spent in each.
std::map<std::string, int64_t> time_by_path(const std::vector<Json>& events) {
  std::map<std::string, int64_t> times;
  struct Open {
    std::string path;
    int64_t end;
  };
  std::vector<Open> open;
  int64_t last_begin = 0;
  for (const Json& event : events) {
    const int64_t begin = ns(event.at("ts")), end = begin + ns(event.at("dur"));
    EXPECT_GE(begin, last_begin) << event;
    last_begin = begin;
    while (!open.empty() && open.back().end <= begin) open.pop_back();
    if (!open.empty()) {
      EXPECT_LE(end, open.back().end) << event;
    }
    const std::string path =
        (open.empty() ? "" : open.back().path + ";") + event.at("name").get<std::string>();
    times[path] += end - begin;
    open.push_back({path, end});
  }
  return times;
}

TEST(ChromeTrace, HoldsEverySpanWithItsTimeBelowItsParent) {
  const Recording recording = decoding(3, 2);
  const ChromeTrace trace = chrome_trace(recording);
  EXPECT_EQ(trace.spans_written, 3 * (2 * 6 + 1) + 1);
  EXPECT_EQ(trace.spans_rolled_up, 0);
  EXPECT_EQ(trace.rolled_up, "");
  const auto events = complete_events(Json::parse(trace.text));
  EXPECT_EQ(events.size(), recording.spans.size());
  const std::map<std::string, int64_t> expected = {
      {"answer", 7500},
      {"answer;decode", 7500},
      {"answer;decode;layer 1", 3000},
      {"answer;decode;layer 1;attention", 900},
      {"answer;decode;layer 1;attention;scores", 450},
      {"answer;decode;layer 1;attention;softmax", 150},
      {"answer;decode;layer 1;attention;profiling", 30},
      {"answer;decode;layer 1;ffn.down", 1800},
      {"answer;decode;layer 2", 3000},
      {"answer;decode;layer 2;attention", 900},
      {"answer;decode;layer 2;attention;scores", 450},
      {"answer;decode;layer 2;attention;softmax", 150},
      {"answer;decode;layer 2;attention;profiling", 30},
      {"answer;decode;layer 2;ffn.down", 1800},
  };
  EXPECT_EQ(time_by_path(events), expected);
}

TEST(ChromeTrace, TellsLayersSizesAndWhatWasCut) {
  Recording recording = decoding(1, 2);
  recording.spans[3].cut = true;
  const Json trace = Json::parse(chrome_trace(recording).text);
  const auto events = complete_events(trace);
  EXPECT_EQ(events[0].at("cat"), "window");
  EXPECT_FALSE(events[0].contains("args"));
  EXPECT_EQ(events[1].at("cat"), "section");
  EXPECT_EQ(events[1].at("args"), Json::parse(R"({"tokens": 1, "past": 7})"));
  EXPECT_EQ(events[2].at("cat"), "layer");
  EXPECT_EQ(events[2].at("args"), Json::parse(R"({"layer": 1})"));
  EXPECT_EQ(events[3].at("cat"), "component");
  EXPECT_EQ(events[3].at("args"), Json::parse(R"({"layer": 1, "cut": true})"));
  EXPECT_EQ(events[4].at("cat"), "operation");
  EXPECT_EQ(events[6].at("cat"), "profiling");
  // 1334 ns, exactly.
  EXPECT_NE(chrome_trace(recording).text.find(R"("ts":1.334,"dur":0.150)"), std::string::npos);
}

TEST(ChromeTrace, NamesProcessAndThreadAndKeepsMetadata) {
  const Json trace = Json::parse(
      chrome_trace(decoding(1, 1),
                   {.process = "crescent \"a\"", .thread = "gpt2", .metadata = {{"cpu", "Xeon\n"}}})
          .text);
  EXPECT_EQ(trace.at("displayTimeUnit"), "ns");
  EXPECT_EQ(trace.at("otherData").at("cpu"), "Xeon\n");
  EXPECT_EQ(trace.at("otherData").at("spans_written"), "8");
  EXPECT_FALSE(trace.at("otherData").contains("rolled_up"));
  std::map<std::string, std::string> names;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "M") names[event.at("name")] = event.at("args").at("name");
  const std::map<std::string, std::string> expected = {{"process_name", "crescent \"a\""},
                                                       {"thread_name", "gpt2"}};
  EXPECT_EQ(names, expected);
}

TEST(ChromeTrace, DrawsCountersWithTheirUnits) {
  const CounterTrack memory{.name = "resident memory",
                            .unit = "bytes",
                            .times_ns = {0, 1500, 1500},
                            .values = {4096, 1e15, 0.1}};
  const Json trace = Json::parse(chrome_trace(decoding(1, 1), {.counters = {memory}}).text);
  std::vector<Json> samples;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "C") samples.push_back(event);
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[1].at("name"), "resident memory");
  EXPECT_EQ(ns(samples[1].at("ts")), 1500);
  EXPECT_EQ(samples[1].at("args"), Json::parse(R"({"bytes": 1e15})"));
  EXPECT_EQ(samples[2].at("args").at("bytes").get<double>(), 0.1);
}

TEST(ChromeTrace, LeavesOutOperationsThenComponentsThenLayersToKeepItsSize) {
  const Recording recording = decoding(40, 3);
  const int64_t full = static_cast<int64_t>(chrome_trace(recording).text.size());
  struct Case {
    int64_t bytes_max;
    std::string rolled_up;
    std::set<std::string> categories;
    int64_t written;
    int64_t in_first_kept;  ///< missing inside each of the deepest that are kept
  };
  const int64_t per_span = full / static_cast<int64_t>(recording.spans.size());
  const Case cases[] = {
      {full, "", {"window", "section", "layer", "component", "operation", "profiling"}, 761, 0},
      {full - 1, "operations", {"window", "section", "layer", "component"}, 401, 3},
      {250 * per_span, "operations, components", {"window", "section", "layer"}, 161, 5},
      {60 * per_span, "operations, components, layers", {"window", "section"}, 41, 18},
  };
  for (const Case& expected : cases) {
    SCOPED_TRACE(expected.rolled_up);
    const ChromeTrace trace = chrome_trace(recording, {.bytes_max = expected.bytes_max});
    EXPECT_LE(trace.text.size(), static_cast<size_t>(expected.bytes_max));
    EXPECT_EQ(trace.rolled_up, expected.rolled_up);
    EXPECT_EQ(trace.spans_written, expected.written);
    EXPECT_EQ(trace.spans_rolled_up, 761 - expected.written);
    const Json json = Json::parse(trace.text);
    const auto events = complete_events(json);
    EXPECT_EQ(static_cast<int64_t>(events.size()), expected.written);
    std::set<std::string> categories;
    int64_t missing = 0;
    for (const Json& event : events) {
      categories.insert(event.at("cat"));
      if (!event.contains("args") || !event.at("args").contains("rolled_up")) continue;
      EXPECT_EQ(event.at("args").at("rolled_up"), expected.in_first_kept) << event;
      missing += event.at("args").at("rolled_up").get<int64_t>();
    }
    EXPECT_EQ(categories, expected.categories);
    EXPECT_EQ(missing, trace.spans_rolled_up);
    EXPECT_EQ(time_by_path(events).at("answer;decode"), 40 * 3500);
    if (expected.rolled_up.empty()) continue;
    const std::string label =
        expected.rolled_up + " rolled up: " + std::to_string(trace.spans_rolled_up) +
        " spans left out to keep the file under " + std::to_string(expected.bytes_max) + " bytes";
    EXPECT_EQ(json.at("otherData").at("rolled_up"), label);
    EXPECT_EQ(json.at("traceEvents")[1].at("args").at("labels"), label);
  }
}

TEST(ChromeTrace, RefusesASizeThatSectionsAloneExceed) {
  EXPECT_EQ(message_of([] { (void)chrome_trace(decoding(100, 1), {.bytes_max = 5000}); }),
            "trace: expected at most 5000 bytes, found more with windows, sections and counters "
            "alone; raise bytes_max or trace a shorter time");
}

TEST(ChromeTrace, PutsSpansThatTakeNoTimeWhereTheyBelong) {
  // The clock may stand still: two empty layers follow each other at one moment, the second with
  // an empty component, and the section goes on.
  const Recording recording{
      .spans = {site_span(5, 5, Site::block, 0), site_span(5, 5, Site::ffn_down, 1),
                site_span(5, 5, Site::block, 1), site_span(5, 9, Site::block, 2),
                section_span(2, 9)},
      .windows = {},
      .duration_ns = 9};
  std::vector<std::string> names;
  for (const Json& event : complete_events(Json::parse(chrome_trace(recording).text)))
    names.push_back(event.at("name"));
  const std::vector<std::string> expected = {"decode", "layer 1", "layer 2", "ffn.down", "layer 3"};
  EXPECT_EQ(names, expected);
}

TEST(ChromeTrace, RefusesASpanThatLeavesItsParent) {
  const auto refuses = [](std::vector<Span> spans, const std::string& message) {
    const Recording recording{.spans = std::move(spans), .windows = {"a"}, .duration_ns = 1000};
    EXPECT_EQ(message_of([&] { (void)chrome_trace(recording); }), message);
  };
  refuses({site_span(90, 340, Site::attention_scores), site_span(100, 400, Site::attention)},
          "trace: span 0 'scores' (90 .. 340 ns) leaves its parent, span 1 'attention' (100 .. 400 "
          "ns)");
  refuses({section_span(100, 400), site_span(300, 500, Site::block, 2)},
          "trace: span 1 'layer 3' (300 .. 500 ns) leaves its parent, span 0 'decode' (100 .. 400 "
          "ns)");
  refuses({section_span(100, 1001)},
          "trace: span 0 'decode' (100 .. 1001 ns) leaves the recording, which lasts from 0 to "
          "1000 ns");
  refuses({section_span(100, 99)},
          "trace: span 0 'decode' (100 .. 99 ns): expected an end that is not before its begin");
  refuses({window_span(0, 400), section_span(100, 300)},
          "trace: span 1 'decode' (100 .. 300 ns): expected spans in the order of their ends, "
          "found it behind span 0 'a' (0 .. 400 ns)");
  refuses({window_span(0, 400, 1)}, "trace: window 1: expected one of the recording's 1 names");
  refuses({section_span(0, 1, static_cast<Section>(6))}, "trace: section 6: expected one below 6");
  refuses({site_span(0, 1, static_cast<Site>(22))}, "trace: site 22: expected one below 22");
}

TEST(ChromeTrace, RefusesCountersThatAreNone) {
  const auto refuses = [](const CounterTrack& track, const std::string& message) {
    EXPECT_EQ(message_of([&] { (void)chrome_trace(decoding(1, 1), {.counters = {track}}); }),
              message);
  };
  refuses({"power", "W", {1, 2}, {1}},
          "trace: counter 'power': expected a value for each of 2 times, found 1");
  refuses({"power", "W", {1}, {std::numeric_limits<double>::infinity()}},
          "trace: counter 'power', sample 0: expected a finite number, found inf; leave out what "
          "was not measured");
  refuses({"power", "W", {7, 6}, {1, 1}},
          "trace: counter 'power', sample 1: expected ascending times from 0, found 6 ns");
}

TEST(ChromeTrace, KeepsATraceWhoseNamesAreNotUtf8) {
  Recording recording = decoding(1, 1);
  recording.windows = {"a\xff\"b"};
  EXPECT_EQ(complete_events(Json::parse(chrome_trace(recording).text))[0].at("name"),
            "a\xEF\xBF\xBD\"b");
}

TEST(ChromeTrace, IsWrittenWholeOrNotAtAll) {
  const TemporaryFolder folder;
  folder.write("answer.trace.json", "the old one");
  Recording wrong = decoding(1, 1);
  wrong.duration_ns = 1;
  EXPECT_NE(message_of([&] { (void)write_chrome_trace(folder / "answer.trace.json", wrong); }),
            "no error");
  EXPECT_EQ(read_text(folder / "answer.trace.json"), "the old one");
  const ChromeTrace trace = write_chrome_trace(folder / "answer.trace.json", decoding(1, 1));
  EXPECT_EQ(trace.spans_written, 8);
  EXPECT_EQ(read_text(folder / "answer.trace.json"), chrome_trace(decoding(1, 1)).text);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"answer.trace.json"});
}

}  // namespace
}  // namespace crescent
