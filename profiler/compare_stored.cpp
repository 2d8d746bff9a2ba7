#include "profiler/compare_stored.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"

namespace crescent {
namespace {

using nlohmann::json;

/// From so many on, a run's trials are its values; fewer don't even reach 0.9.
constexpr size_t kTrialsMin = 6;

struct Run {
  StoredRun record;
  std::vector<StoredTrial> done;
  size_t failed = 0;

  std::string name() const { return fmt::format("run {}", record.id); }
};

std::string list_of(const std::set<std::string>& names) {
  return names.empty() ? "none" : fmt::format("'{}'", fmt::join(names, "', '"));
}

Run read_run(const Store& store, int64_t id) {
  auto record = store.run(id);
  if (!record) fail("{}: there is no run {}", store.path(), id);
  if (record->kind == RunKind::compare)
    fail(
        "run {} is a comparison of its own: store:run({}) gives its verdicts, which are "
        "better than any of runs that were not interleaved",
        id, id);
  Run run{.record = std::move(*record)};
  std::set<std::string> candidates;
  for (StoredTrial& trial : store.trials(id)) {
    if (trial.candidate) candidates.insert(*trial.candidate);
    if (trial.status == TrialStatus::done) run.done.push_back(std::move(trial));
    else ++run.failed;
  }
  if (candidates.size() > 1)
    fail("run {} has trials of different things, which can't be taken together: {}", id,
         list_of(candidates));
  return run;
}

std::string in_words(const json& value) {
  return value.is_string() ? fmt::format("'{}'", value.get<std::string>()) : value.dump();
}

/// 'tokens 50 and 64, mode 'deep' and nothing': what differs between two JSON objects.
std::string differences(const std::string& a_text, const std::string& b_text) {
  const json a = json::parse(a_text, nullptr, false), b = json::parse(b_text, nullptr, false);
  if (!a.is_object() || !b.is_object()) return a_text == b_text ? "" : a_text + " and " + b_text;
  std::set<std::string> names;
  for (const auto& [name, value] : a.items()) names.insert(name);
  for (const auto& [name, value] : b.items()) names.insert(name);
  std::string text;
  for (const std::string& name : names) {
    const auto in_a = a.find(name), in_b = b.find(name);
    if (in_a != a.end() && in_b != b.end() && *in_a == *in_b) continue;
    text += fmt::format("{}{} {} and {}", text.empty() ? "" : ", ", name,
                        in_a == a.end() ? "nothing" : in_words(*in_a),
                        in_b == b.end() ? "nothing" : in_words(*in_b));
  }
  return text;
}

std::string fact(const StoredRun& run, std::string_view name) {
  const auto found = std::find_if(run.environment.begin(), run.environment.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == run.environment.end() ? "unknown" : found->second;
}

/// What the ground under two runs differs in.
std::vector<std::string> notes_of(const Run& a, const Run& b) {
  std::vector<std::string> notes;
  const auto note = [&](std::string_view what, const std::string& in_a, const std::string& in_b) {
    if (in_a != in_b)
      notes.push_back(fmt::format("{}: {} in {}, {} in {}", what, in_a, a.name(), in_b, b.name()));
  };
  const auto threads = [](const Run& run) {
    return run.record.threads ? std::to_string(*run.record.threads) : "unknown";
  };
  note("threads", threads(a), threads(b));
  for (const char* name :
       {"cpu", "cores", "isa", "governor", "version.crescent", "version.LibTorch", "git_commit"})
    note(name, fact(a.record, name), fact(b.record, name));
  return notes;
}

/// @param notes  what differs in their environments
void refuse_unless_comparable(const Run& a, const Run& b, const std::vector<std::string>& notes,
                              bool aa) {
  if (const std::string what = differences(a.record.definition, b.record.definition); !what.empty())
    fail("{} and {} measured different things: {}", a.name(), b.name(), what);
  const auto sorted = [](NamedTexts texts) {
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  const bool same = a.record.kind == b.record.kind && a.record.model_hash == b.record.model_hash &&
                    sorted(a.record.options) == sorted(b.record.options) && notes.empty();
  if (same && !aa)
    fail(
        "{} and {} have the same model, options, threads and environment; give aa = true to "
        "compare a thing with itself",
        a.name(), b.name());
}

/// What the run measured: samples that a trial of it has.
std::set<std::string> measures_of(const Run& run) {
  std::set<std::string> names;
  for (const StoredTrial& trial : run.done)
    for (const SampleRecord& sample : trial.samples) names.insert(sample.name);
  return names;
}

std::string choose_measure(const std::vector<Run>& runs, const std::string& asked) {
  std::set<std::string> common = measures_of(runs.front());
  for (const Run& run : runs) {
    const std::set<std::string> names = measures_of(run);
    if (!asked.empty() && !names.contains(asked))
      fail("{} has no measure '{}'; it has {}", run.name(), asked, list_of(names));
    std::erase_if(common, [&](const std::string& name) { return !names.contains(name); });
  }
  if (!asked.empty()) return asked;
  // What profiles and benchmarks are about.
  for (const char* usual : {"token_ms", "latency_ms"})
    if (common.contains(usual)) return usual;
  if (common.size() == 1) return *common.begin();
  fail("the runs have {} measure in common{}; give measure = 'NAME'",
       common.empty() ? "no" : "more than one", common.empty() ? "" : ": " + list_of(common));
}

/// A run's values of the measure.
struct Values {
  Samples all;
  std::vector<double> medians;  ///< by trial
};

Values values_of(const Run& run, const std::string& measure) {
  Values values;
  for (const StoredTrial& trial : run.done)
    for (const SampleRecord& sample : trial.samples) {
      if (sample.name != measure) continue;
      if (!values.medians.empty() && sample.samples.unit != values.all.unit)
        fail("{} has '{}' in {} and in {}", run.name(), measure, values.all.unit,
             sample.samples.unit);
      values.all.unit = sample.samples.unit;
      values.medians.push_back(median(sample.samples.values));
      values.all.values.insert(values.all.values.end(), sample.samples.values.begin(),
                               sample.samples.values.end());
    }
  if (std::any_of(values.all.values.begin(), values.all.values.end(),
                  [](double value) { return !(value > 0); }))
    fail("{} has values of '{}' that are not above 0: they have no ratio", run.name(), measure);
  return values;
}

void compare_row(StoredComparison::Row& row, const Values& values, const Values& base,
                 const StoredCompareOptions& options) {
  row.by_trial = values.medians.size() >= kTrialsMin && base.medians.size() >= kTrialsMin;
  const MedianRatio found =
      row.by_trial ? ratio_of_medians(values.medians, base.medians, options.confidence)
                   : ratio_of_medians(values.all.values, base.all.values, options.confidence);
  row.ratio = found.ratio;
  row.interval = found.interval;
  row.resolution = resolution_of(found.interval);
  row.verdict = row.by_trial ? verdict_of(found.interval, options.confidence, options.same_within)
                             : Verdict::cannot_tell;
}

/// '2026-03-01 12:34 UTC'
std::string minute(const std::string& started) {
  return started.size() < 16 ? started
                             : started.substr(0, 10) + " " + started.substr(11, 5) + " UTC";
}

void warn_of_trials(StoredComparison& result, double confidence) {
  const size_t needed = values_needed(block_confidence(confidence));
  const StoredComparison::Row& base = result.rows[result.baseline];
  for (const StoredComparison::Row& row : result.rows) {
    if (&row == &base || std::min(row.trials, base.trials) >= needed) continue;
    const std::string have = fmt::format(
        "run {} has {} and run {} {}", base.run,
        base.trials == 1 ? "1 trial" : fmt::format("{} trials", base.trials), row.run, row.trials);
    result.warnings.push_back(
        row.by_trial
            ? fmt::format("{}: that reaches a confidence of {:.4g}, and {:.6g} needs {} each", have,
                          row.interval.confidence, confidence, needed)
            : fmt::format("{}: the values of one trial share the machine's mood, so that there "
                          "is no verdict; {:.6g} needs {} trials each",
                          have, confidence, needed));
  }
}

void warn(StoredComparison& result, const std::vector<Run>& runs, double confidence) {
  std::string times;
  for (const Run& run : runs)
    times += fmt::format("{}{} is of {}", times.empty() ? "" : ", ", run.name(),
                         minute(run.record.started));
  result.warnings.push_back(
      fmt::format("the runs were not interleaved: {}; what changed on the machine in between "
                  "counts as a difference",
                  times));
  warn_of_trials(result, confidence);
  for (const Run& run : runs) {
    if (run.record.status != RunStatus::done)
      result.warnings.push_back(
          fmt::format("{} is not finished: {}", run.name(), name_of(run.record.status)));
    if (run.failed > 0)
      result.warnings.push_back(fmt::format("{} of {} trials of {} failed and are left out",
                                            run.failed, run.failed + run.done.size(), run.name()));
    for (const std::string& warning : run.record.warnings) {
      std::string text = fmt::format("{}: {}", run.name(), warning);
      // What was so before and after a measurement is in the record twice.
      if (std::find(result.warnings.begin(), result.warnings.end(), text) == result.warnings.end())
        result.warnings.push_back(std::move(text));
    }
  }
}

/// An option of a run, as its JSON says.
std::optional<json> option_of(const StoredRun& run, std::string_view name) {
  for (const auto& [key, text] : run.options) {
    if (key != name) continue;
    json value = json::parse(text, nullptr, false);
    if (!value.is_discarded()) return value;
  }
  return std::nullopt;
}

/// The trial of a comparison as a row of it.
Comparison::Row row_of(const StoredTrial& trial, double confidence, double same_within) {
  Comparison::Row row{.name = trial.candidate.value_or("")};
  for (const SampleRecord& sample : trial.samples) {
    if (sample.name == kBlockLogs) row.block_logs = sample.samples.values;
    if (sample.name == "latency_ms") row.samples = sample.samples;
  }
  if (row.block_logs.empty()) {
    row.interval = {1, 1, 1};
    row.verdict = Verdict::no_difference;
  } else {
    row.ratio = std::exp(median(row.block_logs));
    row.interval = ratio_of(row.block_logs, confidence);
    row.resolution = resolution_of(row.interval);
    row.verdict = verdict_of(row.interval, confidence, same_within);
  }
  return row;
}

}  // namespace

MedianRatio ratio_of_medians(std::span<const double> values, std::span<const double> baseline,
                             double confidence) {
  const double each = block_confidence(confidence);
  const Interval a = median_interval(values, each), b = median_interval(baseline, each);
  return {median(values) / median(baseline),
          {a.low / b.high, a.high / b.low, 1 - (1 - a.confidence) - (1 - b.confidence)}};
}

StoredComparison compare_stored(const Store& store, const StoredCompareOptions& options) {
  if (options.runs.size() < 2) fail("expected at least two runs, got {}", options.runs.size());
  if (options.baseline >= options.runs.size())
    fail("baseline: expected one of {} runs, got number {}", options.runs.size(),
         options.baseline + 1);
  std::vector<Run> runs;
  for (const int64_t id : options.runs) runs.push_back(read_run(store, id));
  const Run& base = runs[options.baseline];

  StoredComparison result;
  result.baseline = options.baseline;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i == options.baseline) continue;
    const std::vector<std::string> notes = notes_of(base, runs[i]);
    refuse_unless_comparable(base, runs[i], notes, options.aa);
    result.notes.insert(result.notes.end(), notes.begin(), notes.end());
  }
  result.measure = choose_measure(runs, options.measure);
  const Values base_values = values_of(base, result.measure);
  for (size_t i = 0; i < runs.size(); ++i) {
    const Values values = values_of(runs[i], result.measure);
    if (values.all.unit != base_values.all.unit)
      fail("'{}' is in {} in {} and in {} in {}", result.measure, base_values.all.unit, base.name(),
           values.all.unit, runs[i].name());
    const StoredRun& record = runs[i].record;
    StoredComparison::Row row{.run = record.id,
                              .name = record.name,
                              .model = record.model,
                              .started = record.started,
                              .samples = values.all,
                              .trials = values.medians.size()};
    if (i != options.baseline) compare_row(row, values, base_values, options);
    result.rows.push_back(std::move(row));
  }
  warn(result, runs, options.confidence);
  return result;
}

std::optional<LiveComparison> comparison_of(const StoredRun& run,
                                            const std::vector<StoredTrial>& trials) {
  if (run.kind != RunKind::compare || run.status != RunStatus::done) return std::nullopt;
  const auto baseline = option_of(run, "baseline"), confidence = option_of(run, "confidence"),
             same_within = option_of(run, "same_within"), measure = option_of(run, "measure");
  if (!baseline || !baseline->is_string() || !confidence || !confidence->is_number() ||
      !same_within || !same_within->is_number() || !measure || !measure->is_string())
    return std::nullopt;
  LiveComparison live;
  live.measure = measure->get<std::string>();
  live.confidence = confidence->get<double>();
  Comparison& made = live.comparison;
  made.same_within = same_within->get<double>();
  made.baseline = trials.size();
  for (const StoredTrial& trial : trials) {
    Comparison::Row row = row_of(trial, live.confidence, made.same_within);
    if (row.samples.values.empty()) return std::nullopt;
    if (row.name == *baseline) made.baseline = made.rows.size();
    made.blocks = std::max(made.blocks, static_cast<int>(row.block_logs.size()));
    made.rows.push_back(std::move(row));
  }
  if (made.rows.size() < 2 || made.baseline == trials.size()) return std::nullopt;
  made.warnings = run.warnings;
  if (run.finished_ns) made.time_s = static_cast<double>(*run.finished_ns - run.started_ns) * 1e-9;
  return live;
}

}  // namespace crescent
