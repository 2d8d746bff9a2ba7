#pragma once
// What the store keeps, as plain structs. Layers and heads count from 0, tokens and positions too.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "profiler/profile.h"
#include "profiler/statistics.h"

namespace crescent {

enum class RunKind : uint8_t { profile, bench, compare, experiment };
/// 'killed': its process ended without a word, which the next writer finds out.
enum class RunStatus : uint8_t { running, done, failed, killed };
enum class TrialStatus : uint8_t { done, failed };
/// How a figure of a track came about; an absent one has a reason in place of values.
enum class TrackLabel : uint8_t { measured, estimated, absent };

const char* name_of(RunKind);
const char* name_of(RunStatus);
const char* name_of(TrialStatus);
const char* name_of(TrackLabel);

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct RunRecord {
  RunKind kind = RunKind::profile;
  std::string name;
  std::optional<int64_t> version;  ///< of an experiment's definition, as its author counts
  std::string definition;          ///< JSON of what must be equal for runs to be compared
  std::string definition_hash;
  std::string model;  ///< as it prints
  std::string model_hash;
  std::optional<int64_t> threads;
  NamedTexts environment;  ///< facts of the machine, versions, git state, script text
  NamedTexts options;      ///< values are JSON
  std::vector<std::string> warnings;
};

/// Every value of one measurement of a trial, in the order in which they came.
struct SampleRecord {
  std::string name;  ///< 'token_ms'
  Samples samples;   ///< finite values, at least one
};

struct StatisticRecord {
  std::string section, site;
  std::optional<int32_t> layer, head;
  std::string name;  ///< 'mean_abs'
  double value = 0;
  int64_t count = 0;  ///< how many numbers it sums up
};

/// What each token took in one section; a token without that section has nothing.
struct TokenTotals {
  std::string section;
  std::vector<std::optional<int64_t>> ns;
};

struct TrackRecord {
  std::string name, unit;
  TrackLabel label = TrackLabel::measured;
  std::string reason;             ///< why it is absent, or how it was estimated
  std::vector<int64_t> times_ns;  ///< from the beginning of the trial; as many as values
  std::vector<double> values;
};

struct TrialRecord {
  std::optional<std::string> candidate;
  TrialStatus status = TrialStatus::done;
  int64_t tokens = 0;
  int64_t duration_ns = 0;
  std::string spans;                 ///< packed: profiler/span_codec.h
  std::vector<std::string> windows;  ///< their names, by Span::id
  std::vector<SampleRecord> samples;
  std::optional<ProfileNode> profile;
  std::vector<StatisticRecord> statistics;
  std::vector<TokenTotals> token_totals;
  std::vector<TrackRecord> tracks;
};

struct ArtifactRecord {
  std::string name, media_type, bytes;
};

/// A choice that was measured once for a machine: 'which kernel for these shapes'.
struct DecisionRecord {
  std::string key, machine, value;
};

// ---- as they are read back

/// A line of `crescent runs`.
struct RunSummary {
  int64_t id = 0;
  RunKind kind = RunKind::profile;
  RunStatus status = RunStatus::running;
  std::string name;
  std::string model;
  std::string started;  ///< UTC, ISO 8601
  int64_t started_ns = 0;
  std::optional<int64_t> finished_ns;
  int64_t trials = 0;
  int64_t cells = 0, cells_done = 0;  ///< of an experiment's grid
};

struct StoredRun : RunRecord {
  int64_t id = 0;
  RunStatus status = RunStatus::running;
  std::string started;
  std::optional<std::string> finished;
  int64_t started_ns = 0;
  std::optional<int64_t> finished_ns;
};

/// Without its spans and profile, which may be large: Store reads them on demand.
struct StoredTrial {
  int64_t id = 0;
  int64_t number = 0;  ///< from 1, within its run
  std::optional<std::string> candidate;
  TrialStatus status = TrialStatus::done;
  int64_t tokens = 0;
  int64_t duration_ns = 0;
  std::vector<SampleRecord> samples;
};

struct StoredSpans {
  std::string packed;
  std::vector<std::string> windows;
};

}  // namespace crescent
