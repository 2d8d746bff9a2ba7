#pragma once
// Chrome traces: a recording as a timeline.
//
// The format is the "Trace Event Format" in its JSON object form:
//
//   { "displayTimeUnit": "ns",
//     "otherData": { KEY: VALUE, ... },
//     "traceEvents": [ EVENT, ... ] }
//
// with the events
//
//   ph "M"  process_name, process_labels and thread_name: what the viewer writes at the left
//   ph "X"  a span: name, cat (window, section, layer, component, operation or profiling), ts and
//           dur in microseconds with three decimals, which are nanoseconds, and args: layer (from
//           1), tokens and past of a section, cut, rolled_up. Parents stand before their children.
//   ph "C"  a sample of a counter track; its one arg is named by the unit
//
// https://ui.perfetto.dev and chrome://tracing open such files; so does https://speedscope.app.
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "profiler/spans.h"

namespace crescent {

/// A figure over time, drawn below the spans.
struct CounterTrack {
  std::string name;               ///< 'resident memory'
  std::string unit;               ///< 'bytes'
  std::vector<int64_t> times_ns;  ///< from the beginning of the recording, ascending
  std::vector<double> values;     ///< as many, finite
};

struct ChromeOptions {
  std::string process = "crescent";  ///< what the viewer calls the process
  std::string thread = "model";
  std::vector<CounterTrack> counters;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< for otherData
  /// A longer text leaves out operations, then components too, then layers too. The spans above
  /// them then carry `rolled_up`, how many are missing inside, and the metadata say so.
  int64_t bytes_max = int64_t{256} << 20;
};

struct ChromeTrace {
  std::string text;
  int64_t spans_written = 0;
  int64_t spans_rolled_up = 0;
  std::string rolled_up;  ///< 'operations, components'; empty if everything is there
};

/// @throws Error naming both spans where one leaves its parent; or naming what else is no
/// timeline: spans out of order or outside of the recording, counters without values, and where
/// even windows, sections and counters alone take more than bytes_max.
ChromeTrace chrome_trace(const Recording& recording, const ChromeOptions& options = {});

/// Writes a trace, whole or not at all. The text of the one returned is empty.
ChromeTrace write_chrome_trace(const std::filesystem::path& path, const Recording& recording,
                               const ChromeOptions& options = {});

}  // namespace crescent
