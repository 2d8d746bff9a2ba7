#include "profiler/store/profile_record.h"

#include "engine/error.h"
#include "profiler/span_codec.h"
#include "profiler/token_times.h"

namespace crescent {
namespace {

/// In place of a site: memory belongs to whole sections.
constexpr const char* kMemory = "memory";

Samples milliseconds(std::vector<double> ns) {
  for (double& value : ns) value /= 1e6;
  return {std::move(ns), "ms"};
}

void add_times(TrialRecord& record, const TokenTimes& times) {
  record.tokens = static_cast<int64_t>(times.tokens.size());
  if (times.tokens.empty()) return;
  record.samples.push_back({"ttft_ms", milliseconds({times.ttft_ns})});
  if (!times.token_ns.empty()) record.samples.push_back({"token_ms", milliseconds(times.token_ns)});
  TokenTotals passes{name_of(Section::decode), {}}, samples{name_of(Section::sample), {}},
      texts{name_of(Section::detokenize), {}};
  for (const TokenTimes::Token& token : times.tokens) {
    passes.ns.emplace_back(token.decode_ns);
    samples.ns.emplace_back(token.sample_ns);
    texts.ns.emplace_back(token.detokenize_ns);
  }
  // The first id's pass is the prefill.
  passes.ns.front().reset();
  record.token_totals.push_back({name_of(Section::prefill), {times.tokens.front().decode_ns}});
  record.token_totals.push_back(std::move(passes));
  record.token_totals.push_back(std::move(samples));
  record.token_totals.push_back(std::move(texts));
}

void add_memory(TrialRecord& record, const SectionMemory& memory) {
  const auto add = [&](const char* name, int64_t value) {
    record.statistics.push_back({name_of(memory.section),
                                 kMemory,
                                 {},
                                 {},
                                 name,
                                 static_cast<double>(value),
                                 memory.sections});
  };
  add("allocations", memory.allocations);
  add("bytes_peak", memory.bytes_peak);
  add("bytes_kept", memory.bytes_kept);
  if (memory.rss_bytes) add("rss_bytes", *memory.rss_bytes);
}

void add_energy(TrialRecord& record, const Energy& energy) {
  if (energy.joules) record.samples.push_back({"energy_j", {{*energy.joules}, "J"}});
  if (energy.label != EnergyLabel::measured)
    record.tracks.push_back(
        {"energy",
         "J",
         energy.label == EnergyLabel::absent ? TrackLabel::absent : TrackLabel::estimated,
         energy.reason,
         {},
         {}});
}

/// The value of an enum that counts from 0 whose name that is.
template <class Enum>
std::optional<Enum> named(const std::string& name, int count) {
  for (int i = 0; i < count; ++i)
    if (name == name_of(static_cast<Enum>(i))) return static_cast<Enum>(i);
  return std::nullopt;
}

SectionMemory& memory_of(ProfileTrial& trial, Section section) {
  for (SectionMemory& memory : trial.memory)
    if (memory.section == section) return memory;
  trial.memory.push_back({.section = section});
  return trial.memory.back();
}

void take_memory(ProfileTrial& trial, Section section, const StatisticRecord& row) {
  SectionMemory& memory = memory_of(trial, section);
  const auto value = static_cast<int64_t>(row.value);
  memory.sections = row.count;
  if (row.name == "allocations") memory.allocations = value;
  if (row.name == "bytes_peak") memory.bytes_peak = value;
  if (row.name == "bytes_kept") memory.bytes_kept = value;
  if (row.name == "rss_bytes") memory.rss_bytes = value;
}

void take_statistic(ProfileTrial& trial, const StatisticRecord& row) {
  const auto section = named<Section>(row.section, kSections);
  if (!section) return;
  if (row.site == kMemory) return take_memory(trial, *section, row);
  const auto site = named<Site>(row.site, kSites);
  if (!site) return;
  trial.statistics.push_back({*section, *site, static_cast<int16_t>(row.layer.value_or(-1)),
                              row.head.value_or(-1), row.name, row.value, row.count});
}

void take_energy(ProfileTrial& trial, const std::vector<SampleRecord>& samples) {
  for (const SampleRecord& sample : samples) {
    if (sample.name != "energy_j") continue;
    Energy& total = trial.energy.emplace().total;
    total.joules = sample.samples.values.front();
    total.label = EnergyLabel::measured;  // unless a track says otherwise
  }
}

void take_track(ProfileTrial& trial, const TrackRecord& track) {
  if (track.name != "energy")
    return trial.counters.push_back({track.name, track.unit, track.times_ns, track.values});
  if (!trial.energy) trial.energy.emplace();
  trial.energy->total.label =
      track.label == TrackLabel::absent ? EnergyLabel::absent : EnergyLabel::estimated;
  trial.energy->total.reason = track.reason;
}

}  // namespace

ProfileTrial read_profile(const Store& store, const StoredTrial& stored) {
  ProfileTrial trial;
  const StoredSpans spans = store.spans(stored.id);
  if (spans.packed.empty())
    fail("{}: trial {} holds no spans: it is no profile's", store.path(), stored.number);
  trial.recording.spans = unpack_spans(spans.packed);
  trial.recording.windows = spans.windows;
  trial.recording.duration_ns = stored.duration_ns;
  for (const Span& span : trial.recording.spans)
    if (span.kind == SpanKind::window && span.id >= spans.windows.size())
      fail("{}: trial {} has a window {} of {} names", store.path(), stored.number, span.id + 1,
           spans.windows.size());
  auto tree = store.profile(stored.id);
  trial.tree = tree ? std::move(*tree) : build_profile(trial.recording);
  for (const StatisticRecord& row : store.statistics(stored.id)) take_statistic(trial, row);
  take_energy(trial, stored.samples);
  for (const TrackRecord& track : store.tracks(stored.id)) take_track(trial, track);
  return trial;
}

TrialRecord record_of(const ProfileTrial& trial) {
  TrialRecord record;
  record.duration_ns = trial.recording.duration_ns;
  record.spans = pack_spans(trial.recording.spans);
  record.windows = trial.recording.windows;
  record.profile = trial.tree;
  add_times(record, token_times(trial.recording));
  for (const Statistic& s : trial.statistics) {
    StatisticRecord row{name_of(s.section), name_of(s.site), {}, {}, s.name, s.value, s.count};
    if (s.layer >= 0) row.layer = s.layer;
    if (s.head >= 0) row.head = s.head;
    record.statistics.push_back(std::move(row));
  }
  for (const SectionMemory& memory : trial.memory) add_memory(record, memory);
  for (const CounterTrack& track : trial.counters)
    record.tracks.push_back(
        {track.name, track.unit, TrackLabel::measured, "", track.times_ns, track.values});
  if (trial.energy) add_energy(record, trial.energy->total);
  return record;
}

}  // namespace crescent
