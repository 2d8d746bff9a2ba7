#include "profiler/trace/chrome.h"

#include <array>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/formats/safetensors.h"
#include "profiler/trace/span_tree.h"

namespace crescent {
namespace {

/// The names of categories, by depth.
constexpr std::array kCategories = {"window", "section", "layer", "component", "operation"};

/// What a trace is cut down to, the fullest first.
struct Extent {
  SpanDepth deepest;
  const char* rolled_up;
};
constexpr std::array kExtents = {
    Extent{SpanDepth::operation, ""},
    Extent{SpanDepth::component, "operations"},
    Extent{SpanDepth::layer, "operations, components"},
    Extent{SpanDepth::section, "operations, components, layers"},
};

/// Bytes that are no UTF-8 become U+FFFD: a name is no reason to lose a trace.
std::string in_json(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void check_counters(const std::vector<CounterTrack>& counters) {
  for (const CounterTrack& track : counters) {
    if (track.times_ns.size() != track.values.size())
      fail("trace: counter '{}': expected a value for each of {} times, found {}", track.name,
           track.times_ns.size(), track.values.size());
    for (size_t i = 0; i < track.values.size(); ++i) {
      if (!std::isfinite(track.values[i]))
        fail(
            "trace: counter '{}', sample {}: expected a finite number, found {}; leave out what "
            "was not measured",
            track.name, i, track.values[i]);
      if (track.times_ns[i] < (i == 0 ? 0 : track.times_ns[i - 1]))
        fail("trace: counter '{}', sample {}: expected ascending times from 0, found {} ns",
             track.name, i, track.times_ns[i]);
    }
  }
}

/// Writes events one by one and gives up when they have become too long.
class Writer {
 public:
  Writer(const Recording& recording, const SpanTree& tree, const ChromeOptions& options)
      : recording_(recording), tree_(tree), options_(options) {
    for (const std::string& name : recording.windows) windows_.push_back(in_json(name));
  }

  std::optional<ChromeTrace> write(const Extent& extent) {
    trace_ = {};
    trace_.rolled_up = extent.rolled_up;
    count_rolled_up(extent.deepest);
    write_head();
    for (const size_t i : tree_.parents_first) {
      if (tree_.depth[i] > extent.deepest) continue;
      write_span(i);
      if (too_long()) return std::nullopt;
    }
    for (const CounterTrack& track : options_.counters)
      if (!write_counter(track)) return std::nullopt;
    trace_.text += "\n]}\n";
    if (too_long()) return std::nullopt;
    return std::move(trace_);
  }

 private:
  bool too_long() const { return std::cmp_greater(trace_.text.size(), options_.bytes_max); }

  template <class... A>
  void add(fmt::format_string<A...> format, A&&... values) {
    fmt::format_to(std::back_inserter(trace_.text), format, std::forward<A>(values)...);
  }

  /// How many spans are missing inside each that is kept.
  void count_rolled_up(SpanDepth deepest) {
    missing_.assign(recording_.spans.size(), 0);
    for (size_t i = 0; i < recording_.spans.size(); ++i) {
      if (tree_.depth[i] <= deepest) {
        ++trace_.spans_written;
        continue;
      }
      ++trace_.spans_rolled_up;
      size_t at = tree_.parent[i];
      while (at != SpanTree::kNone && tree_.depth[at] > deepest) at = tree_.parent[at];
      if (at != SpanTree::kNone) ++missing_[at];
    }
  }

  void write_head() {
    add("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"format\":\"Trace Event Format\"");
    for (const auto& [name, value] : options_.metadata)
      add(",{}:{}", in_json(name), in_json(value));
    add(",\"spans_written\":\"{}\"", trace_.spans_written);
    std::string label;
    if (trace_.spans_rolled_up > 0) {
      label = fmt::format("{} rolled up: {} spans left out to keep the file under {} bytes",
                          trace_.rolled_up, trace_.spans_rolled_up, options_.bytes_max);
      add(",\"rolled_up\":{}", in_json(label));
    }
    add("}},\"traceEvents\":[\n");
    // No comma in front of the first event: every other one brings its own.
    add(R"({{"name":"process_name","ph":"M","pid":1,"args":{{"name":{}}}}})",
        in_json(options_.process));
    if (!label.empty())
      add(",\n"
          R"({{"name":"process_labels","ph":"M","pid":1,"args":{{"labels":{}}}}})",
          in_json(label));
    add(",\n"
        R"({{"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{{"name":{}}}}})",
        in_json(options_.thread));
  }

  void write_name(const Span& span) {
    if (span.kind == SpanKind::window) add("{}", windows_[span.id]);
    else add("\"{}\"", span_name(recording_, span));
  }

  void write_span(size_t i) {
    const Span& span = recording_.spans[i];
    add(",\n{{\"name\":");
    write_name(span);
    const char* category = span.kind == SpanKind::profiling
                               ? "profiling"
                               : kCategories[static_cast<size_t>(tree_.depth[i])];
    add(R"(,"cat":"{}","ph":"X","pid":1,"tid":1,"ts":{}.{:03},"dur":{}.{:03})", category,
        span.begin_ns / 1000, span.begin_ns % 1000, span.duration_ns() / 1000,
        span.duration_ns() % 1000);
    write_args(span, missing_[i]);
    add("}}");
  }

  void write_args(const Span& span, int64_t missing) {
    std::string_view before = ",\"args\":{";
    const auto arg = [&](std::string_view name, auto value) {
      add("{}\"{}\":{}", before, name, value);
      before = ",";
    };
    if (span.layer >= 0) arg("layer", span.layer + 1);
    if (span.kind == SpanKind::section && span.size.tokens > 0) {
      arg("tokens", span.size.tokens);
      arg("past", span.size.past);
    }
    if (span.cut) arg("cut", true);
    if (missing > 0) arg("rolled_up", missing);
    if (before == ",") add("}}");
  }

  bool write_counter(const CounterTrack& track) {
    const std::string name = in_json(track.name), unit = in_json(track.unit);
    for (size_t i = 0; i < track.values.size(); ++i) {
      add(",\n"
          R"({{"name":{},"ph":"C","pid":1,"ts":{}.{:03},"args":{{{}:{}}}}})",
          name, track.times_ns[i] / 1000, track.times_ns[i] % 1000, unit, track.values[i]);
      if (too_long()) return false;
    }
    return true;
  }

  const Recording& recording_;
  const SpanTree& tree_;
  const ChromeOptions& options_;
  std::vector<std::string> windows_;  ///< their names in JSON
  std::vector<int64_t> missing_;
  ChromeTrace trace_;
};

}  // namespace

ChromeTrace chrome_trace(const Recording& recording, const ChromeOptions& options) {
  const SpanTree tree = span_tree(recording);
  check_counters(options.counters);
  Writer writer(recording, tree, options);
  for (const Extent& extent : kExtents)
    if (auto trace = writer.write(extent)) return *std::move(trace);
  fail(
      "trace: expected at most {} bytes, found more with windows, sections and counters alone; "
      "raise bytes_max or trace a shorter time",
      options.bytes_max);
}

ChromeTrace write_chrome_trace(const std::filesystem::path& path, const Recording& recording,
                               const ChromeOptions& options) {
  ChromeTrace trace = chrome_trace(recording, options);
  write_file(path, trace.text);
  trace.text = {};
  return trace;
}

}  // namespace crescent
