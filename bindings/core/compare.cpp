#include "bindings/core/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "bindings/core/core.h"
#include "bindings/core/statistics.h"
#include "bindings/core/store.h"
#include "bindings/push.h"
#include "profiler/compare_stored.h"

namespace crescent {
namespace {

Implementation live_compare = nullptr;

/// The list of run numbers.
std::vector<int64_t> read_runs(const Args& args) {
  lua_State* L = args.L();
  args.push("runs");
  std::vector<int64_t> runs;
  const auto count = static_cast<int>(lua_objlen(L, -1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    const double number = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(number >= 1 && number <= 9007199254740992.0) ||
        number != static_cast<double>(static_cast<int64_t>(number)))
      args.bad("runs", "numbers of runs", fmt::format("{} at position {}", describe(L, -1), i));
    const auto run = static_cast<int64_t>(number);
    if (std::find(runs.begin(), runs.end(), run) != runs.end())
      args.bad("runs", "each run once", fmt::format("{} twice", run));
    runs.push_back(run);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (runs.size() < 2) args.bad("runs", "at least two", fmt::format("{}", runs.size()));
  return runs;
}

/// The place of the run that the others are held against; the first if none is named.
size_t read_baseline(const Args& args, const std::vector<int64_t>& runs) {
  if (!args.given("baseline")) return 0;
  lua_State* L = args.L();
  args.push("baseline");
  const double number = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
  const std::string got = describe(L, -1);
  lua_pop(L, 1);
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [&](int64_t run) { return static_cast<double>(run) == number; });
  if (found == runs.end()) args.bad("baseline", "one of the runs", got);
  return static_cast<size_t>(found - runs.begin());
}

/// 'faster' is of times; of joules and bytes there are less or more.
const char* verdict_word(Verdict verdict, const std::string& unit) {
  const bool is_time = unit == "ms" || unit == "s" || unit == "us" || unit == "ns";
  if (!is_time && verdict == Verdict::faster) return "less";
  if (!is_time && verdict == Verdict::slower) return "more";
  return name_of(verdict);
}

void push_stored_rows(lua_State* L, const StoredComparison& made) {
  NewTable rows(L);
  for (size_t i = 0; i < made.rows.size(); ++i) {
    const StoredComparison::Row& row = made.rows[i];
    NewTable table(L);
    table.set("run", row.run);
    table.set("name", row.name);
    table.set("model", row.model);
    table.set("started", row.started);
    table.set("trials", row.trials);
    table.set("baseline", i == made.baseline);
    push_samples(L, row.samples, {.name = row.samples.unit.c_str()});
    table.take("value");
    table.set("ratio", row.ratio);
    push_interval(L, row.interval);
    table.take("interval");
    table.set("resolution", row.resolution);
    table.set("by_trial", row.by_trial);
    table.set("verdict",
              i == made.baseline ? "baseline" : verdict_word(row.verdict, row.samples.unit));
    rows.take_next();
  }
}

int compare_runs(const Args& args) {
  for (const char* name :
       {"candidates", "with", "tolerance", "time_s_max", "width_max", "seed", "name"})
    if (args.given(name))
      args.fail(
          fmt::format("option '{}' is for live candidates; runs = {{...}} compares what was "
                      "stored",
                      name));
  StoredCompareOptions options{.runs = read_runs(args),
                               .measure = args.text("measure"),
                               .confidence = args.number("confidence"),
                               .aa = args.boolean("aa")};
  options.baseline = read_baseline(args, options.runs);
  if (args.has("same_within")) options.same_within = args.number("same_within");
  const StoredComparison made =
      compare_stored(Store(store_option(args).value_or(store_path())), options);

  lua_State* L = args.L();
  NewTable table(L);
  table.set("measure", made.measure);
  table.set("baseline", made.rows[made.baseline].run);
  table.set("confidence", options.confidence);
  table.set("same_within", options.same_within);
  push_stored_rows(L, made);
  table.take("rows");
  push_list(L, made.notes);
  table.take("notes");
  push_list(L, made.warnings);
  table.take("warnings");
  set_result(L, "compare_runs");
  return 1;
}

int bench_compare(Args& args) {
  if (args.given("runs")) return compare_runs(args);
  if (!args.given("candidates")) args.bad("candidates", "a table", "nothing");
  args.push("baseline");
  const bool named = lua_type(args.L(), -1) == LUA_TSTRING;
  const std::string got = lua_isnil(args.L(), -1) ? "nothing" : describe(args.L(), -1);
  lua_pop(args.L(), 1);
  if (!named) args.bad("baseline", "a string", got);
  ensure_engine();
  return live_compare(args);
}

}  // namespace

void set_live_compare(Implementation compare) { live_compare = compare; }

void push_comparison(lua_State* L, const CompareReport& report) {
  const Comparison& made = report.comparison;
  NewTable table(L);
  table.set("measure", report.measure);
  table.set("baseline", made.rows[made.baseline].name);
  {
    NewTable rows(L);
    for (size_t i = 0; i < made.rows.size(); ++i) {
      const Comparison::Row& row = made.rows[i];
      NewTable fields(L);
      fields.set("name", row.name);
      fields.set("baseline", i == made.baseline);
      fields.set("ratio", row.ratio);
      push_interval(L, row.interval);
      fields.take("interval");
      fields.set("verdict", i == made.baseline ? "baseline" : name_of(row.verdict));
      fields.set("resolution", row.resolution);
      push_list(L, row.block_logs);
      fields.take("block_logs");
      const CompareReport::Drift& drift = report.drifts[i];
      if (drift.value) fields.set("drift", *drift.value);
      else fields.absent("drift", drift.absent);
      push_samples(L, row.samples, {.name = "ms", .scale = report.samples_to_ms});
      fields.take("latency_ms");
      rows.take_next();
    }
  }
  table.take("rows");
  table.set("blocks", made.blocks);
  table.set("time_s", made.time_s);
  table.set("same_within", made.same_within);
  table.set("confidence", report.confidence);
  if (report.warm) table.set("warm", *report.warm);
  if (report.threads) table.set("threads", *report.threads);
  if (report.run) table.set("run", *report.run);
  push_list(L, made.warnings);
  table.take("warnings");
  set_result(L, "compare");
}

bool push_comparison_of(lua_State* L, const StoredRun& run,
                        const std::vector<StoredTrial>& trials) {
  auto live = comparison_of(run, trials);
  if (!live) return false;
  CompareReport report{.comparison = std::move(live->comparison),
                       .measure = live->measure,
                       .confidence = live->confidence,
                       .threads = run.threads};
  for (const StoredTrial& trial : trials) {
    CompareReport::Drift& drift = report.drifts.emplace_back();
    drift.absent = "none was stored";
    for (const SampleRecord& sample : trial.samples)
      if (sample.name == "drift") drift.value = sample.samples.values.front();
  }
  push_comparison(L, report);
  return true;
}

void register_compare() { provide({{"crescent.bench.compare", bench_compare}}); }

}  // namespace crescent
