#include "profiler/store/profile_record.h"

#include "profiler/span_codec.h"
#include "profiler/token_times.h"

namespace crescent {
namespace {

Samples milliseconds(std::vector<double> ns) {
  for (double& value : ns) value /= 1e6;
  return {std::move(ns), "ms"};
}

void add_times(TrialRecord& record, const TokenTimes& times) {
  record.tokens = static_cast<int64_t>(times.tokens.size());
  if (times.tokens.empty()) return;
  record.samples.push_back({"ttft_ms", milliseconds({times.ttft_ns})});
  if (!times.token_ns.empty())
    record.samples.push_back({"token_ms", milliseconds(times.token_ns)});
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
    record.statistics.push_back({name_of(memory.section), "memory", {}, {}, name,
                                 static_cast<double>(value), memory.sections});
  };
  add("allocations", memory.allocations);
  add("bytes_peak", memory.bytes_peak);
  add("bytes_kept", memory.bytes_kept);
  if (memory.rss_bytes) add("rss_bytes", *memory.rss_bytes);
}

void add_energy(TrialRecord& record, const Energy& energy) {
  if (energy.joules) record.samples.push_back({"energy_j", {{*energy.joules}, "J"}});
  if (energy.label != EnergyLabel::measured)
    record.tracks.push_back({"energy", "J",
                             energy.label == EnergyLabel::absent ? TrackLabel::absent
                                                                 : TrackLabel::estimated,
                             energy.reason, {}, {}});
}

}  // namespace

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
