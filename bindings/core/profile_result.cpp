#include "bindings/core/profile_result.h"

#include <algorithm>
#include <cstdlib>

#include "bindings/core/run_record.h"
#include "bindings/core/statistics.h"
#include "bindings/push.h"
#include "profiler/token_times.h"

namespace crescent {

template <>
struct HandleName<TrialHandle> {
  static constexpr const char* value = "Recording";
};

namespace {

/// The least time that the work can take here: the slower of arithmetic and memory.
std::optional<double> limit_ns(const Work& work, const ProfileLimits& limits) {
  if (!limits.gb_s || !limits.gflop_s) return std::nullopt;
  return std::max(work.bytes / *limits.gb_s, work.flops / *limits.gflop_s);
}

void set_work(const NewTable& table, const ProfileNode& node, const ProfileLimits& limits) {
  const Work& work = *node.work;
  table.set("flops", work.flops);
  table.set("bytes", work.bytes);
  if (node.time_ns <= 0) return;
  table.set("gflop_s", work.flops / node.time_ns);
  table.set("gb_s", work.bytes / node.time_ns);
  if (const auto limit = limit_ns(work, limits)) table.set("share_of_limit", *limit / node.time_ns);
}

constexpr const char* kGbS = "limit.gb_s";
constexpr const char* kGflopS = "limit.gflop_s";

/// { kind, name, layer, count, time_ms, share, flops, gflop_s, bytes, gb_s, share_of_limit,
/// estimated, cut, children }; shares are of `whole_ns`.
void push_node(lua_State* L, const ProfileNode& node, double whole_ns,
               const ProfileLimits& limits) {
  luaL_checkstack(L, 8, "a profile nested too deep");
  NewTable table(L);
  table.set("kind", name_of(node.kind));
  table.set("name", node.name);
  if (node.layer >= 0) table.set("layer", node.layer + 1);
  table.set("count", node.count);
  table.set("time_ms", node.time_ns / 1e6);
  if (whole_ns > 0) table.set("share", node.time_ns / whole_ns);
  table.set("estimated", node.estimated);
  table.set("cut", node.cut);
  if (node.work) set_work(table, node, limits);
  NewTable children(L);
  for (const ProfileNode& child : node.children) {
    push_node(L, child, whole_ns, limits);
    children.take_next();
  }
  if (node.children.empty()) mark_empty_list(L);
  table.take("children");
}

void push_activations(lua_State* L, const std::vector<Statistic>& statistics) {
  NewTable list(L);
  for (const Statistic& statistic : statistics) {
    NewTable row(L);
    row.set("section", name_of(statistic.section));
    if (statistic.layer >= 0) row.set("layer", statistic.layer + 1);
    row.set("site", name_of(statistic.site));
    if (statistic.head >= 0) row.set("head", statistic.head + 1);
    row.set("name", statistic.name);
    row.set("value", statistic.value);
    row.set("count", statistic.count);
    list.take_next();
  }
  if (statistics.empty()) mark_empty_list(L);
  set_result(L, "statistics");
}

void push_sections(lua_State* L, const std::vector<SectionMemory>& memory) {
  NewTable list(L);
  for (const SectionMemory& section : memory) {
    NewTable row(L);
    row.set("section", name_of(section.section));
    row.set("sections", section.sections);
    row.set("allocations", section.allocations);
    row.set("bytes_peak", section.bytes_peak);
    row.set("bytes_kept", section.bytes_kept);
    if (section.rss_bytes) row.set("rss_bytes", *section.rss_bytes);
    else row.absent("rss_bytes", "/proc/self/statm can't be read");
    list.take_next();
  }
  if (memory.empty()) mark_empty_list(L);
}

void push_memory(lua_State* L, const ProfileReport& report) {
  NewTable table(L);
  if (report.held) {
    table.set("weights_bytes_stored", report.held->weights_stored);
    table.set("weights_bytes_widened", report.held->weights_widened);
    table.set("weights_bytes_transposed", report.held->weights_transposed);
    table.set("weights_bytes_packed", report.held->weights_packed);
    constexpr const char* kByScript = "the script holds its sessions itself: crescent.memory()";
    if (report.held->cache) table.set("cache_bytes", *report.held->cache);
    else table.absent("cache_bytes", kByScript);
    if (report.held->arena > 0) table.set("arena_bytes", report.held->arena);
    else if (report.level >= 2) table.absent("arena_bytes", kByScript);
    else
      table.absent("arena_bytes", "levels 0 and 1 have no arena: LibTorch allocates each tensor");
  }
  if (report.process) {
    table.set("rss_bytes", report.process->rss_bytes);
    table.set("rss_bytes_peak", report.process->rss_bytes_peak);
    if (report.process->pss_bytes) table.set("pss_bytes", *report.process->pss_bytes);
    else table.absent("pss_bytes", "/proc/self/smaps_rollup can't be read");
  }
  push_sections(L, report.trials.back().memory);
  table.take("sections");
  set_result(L, "profile_memory");
}

void push_counters(lua_State* L, const std::vector<CounterTrack>& tracks) {
  NewTable list(L);
  for (const CounterTrack& track : tracks) {
    NewTable row(L);
    row.set("name", track.name);
    row.set("unit", track.unit);
    std::vector<double> times_ms;
    for (const int64_t ns : track.times_ns) times_ms.push_back(static_cast<double>(ns) / 1e6);
    push_list(L, times_ms);
    row.take("times_ms");
    push_list(L, track.values);
    row.take("values");
    list.take_next();
  }
  if (tracks.empty()) mark_empty_list(L);
}

/// Times of tokens over all trials.
void set_token_times(lua_State* L, const NewTable& table, const std::vector<ProfileTrial>& trials) {
  std::vector<double> first_ns, token_ns;
  size_t tokens = 0;
  for (const ProfileTrial& trial : trials) {
    const TokenTimes times = token_times(trial.recording);
    tokens = times.tokens.size();
    if (times.ttft_ns > 0) first_ns.push_back(times.ttft_ns);
    token_ns.insert(token_ns.end(), times.token_ns.begin(), times.token_ns.end());
  }
  table.set("tokens", tokens);
  const char* const none = "nothing was generated";
  if (first_ns.empty()) {
    table.absent("ttft_ms", none);
  } else {
    push_samples(L, {.values = first_ns, .unit = "ms"}, {.name = "ms", .scale = 1e-6});
    table.take("ttft_ms");
  }
  if (token_ns.empty()) {
    table.absent("latency_ms", first_ns.empty() ? none : "needs at least two new tokens");
  } else {
    push_samples(L, {.values = token_ns, .unit = "ms"}, {.name = "ms", .scale = 1e-6});
    table.take("latency_ms");
    table.set("tokens_per_s", 1e9 / median(token_ns));
  }
}

/// The profiler's own stretches in a tree, in ns.
double profiling_ns(const ProfileNode& node) {
  double sum = node.kind == NodeKind::profiling ? node.time_ns : 0;
  for (const ProfileNode& child : node.children) sum += profiling_ns(child);
  return sum;
}

void push_cost(lua_State* L, const ProfileCost& cost, const ProfileNode& tree) {
  NewTable table(L);
  const double own_ns = profiling_ns(tree);
  const double spans_ns = static_cast<double>(cost.spans) * cost.span_ns;
  table.set("spans", cost.spans);
  table.set("span_ns", cost.span_ns);
  table.set("own_ms", own_ns / 1e6);
  if (tree.time_ns > 0) table.set("share_computed", (spans_ns + own_ns) / tree.time_ns);
  if (cost.share) {
    push_interval(L, *cost.share);
    table.take("share_measured");
  } else {
    table.absent("share_measured", cost.absent);
  }
}

/// One figure of every trial, if all trials have it; else why it is absent.
template <class Figure>
void set_joules(lua_State* L, const NewTable& table, const char* name,
                const std::vector<ProfileTrial>& trials, Figure figure) {
  Samples samples{{}, "J"};
  for (const ProfileTrial& trial : trials) {
    const Energy energy = figure(*trial.energy);
    if (!energy.joules) return table.absent(name, energy.reason);
    samples.values.push_back(*energy.joules);
  }
  push_samples(L, samples, {.name = "J"});
  table.take(name);
}

/// Energies are those of whole trials.
void set_energy(lua_State* L, const NewTable& table, const ProfileEnergy& energy,
                const std::vector<ProfileTrial>& trials) {
  table.set("energy_source", energy.source);
  for (const ProfileTrial& trial : trials)
    if (!trial.energy) return;
  const Energy& last = trials.back().energy->total;
  table.set("energy_label", name_of(last.label));
  if (last.joules && !last.reason.empty()) table.set("energy_reason", last.reason);
  set_joules(L, table, "energy_j", trials, [](const EnergySpent& spent) { return spent.total; });
  if (!energy.idle) return;
  if (energy.idle->watts) table.set("idle_w", *energy.idle->watts);
  else table.absent("idle_w", energy.idle->reason);
  set_joules(L, table, "energy_j_above_idle", trials,
             [&](const EnergySpent& spent) { return above_idle(spent, *energy.idle); });
}

/// Pushes the table that knows, for every profile's table that lives, what it was made from.
void push_kept(lua_State* L) {
  constexpr const char* kKey = "crescent.recordings";
  lua_getfield(L, LUA_REGISTRYINDEX, kKey);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, kKey);
}

}  // namespace

void add_limits(std::vector<Fact>& environment, const ProfileLimits& limits) {
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) environment.push_back({name, fmt::format("{}", *value), ""});
    else environment.push_back({name, "", limits.absent});
  };
  add(kGbS, limits.gb_s);
  add(kGflopS, limits.gflop_s);
}

ProfileLimits limits_of(const std::vector<std::pair<std::string, std::string>>& environment) {
  ProfileLimits limits;
  for (const auto& [name, value] : environment) {
    const double number = std::strtod(value.c_str(), nullptr);
    if (!(number > 0)) continue;
    if (name == kGbS) limits.gb_s = number;
    if (name == kGflopS) limits.gflop_s = number;
  }
  if (!limits.gb_s || !limits.gflop_s) limits.absent = "the run was stored without limits";
  return limits;
}

void push_profile(lua_State* L, ProfileReport report) {
  ProfileNode tree = report.trials.front().tree;
  for (size_t i = 1; i < report.trials.size(); ++i) add_profile(tree, report.trials[i].tree);
  const ProfileTrial& last = report.trials.back();

  NewTable table(L);
  const int index = lua_gettop(L);
  table.set("mode", report.mode);
  if (report.model.empty()) table.absent("model", "none ran, or several did");
  else table.set("model", report.model);
  if (report.level) table.set("level", *report.level);
  table.set("threads", report.threads);
  if (report.prompt_tokens) table.set("prompt_tokens", *report.prompt_tokens);
  table.set("trials", report.trials.size());
  set_token_times(L, table, report.trials);
  push_node(L, tree, tree.time_ns, report.limits);
  table.take("tree");
  push_node(L, fold_layers(tree, report.every_layer), tree.time_ns, report.limits);
  table.take("summary");
  if (report.limits.gb_s) table.set("bandwidth_gb_s", *report.limits.gb_s);
  if (report.limits.gflop_s) table.set("peak_gflop_s", *report.limits.gflop_s);
  if (!report.limits.absent.empty()) table.absent("share_of_limit", report.limits.absent);
  push_activations(L, last.statistics);
  table.take("statistics");
  push_memory(L, report);
  table.take("memory");
  push_counters(L, last.counters);
  table.take("counters");
  if (report.cost) {
    push_cost(L, *report.cost, tree);
    table.take("cost");
  }
  if (report.energy) set_energy(L, table, *report.energy, report.trials);
  for (const auto& [name, reason] : report.absent) table.absent(name.c_str(), reason);
  if (last.counters_dropped > 0)
    report.warnings.push_back(fmt::format("{} samples of counters found no room and were dropped",
                                          last.counters_dropped));
  push_list(L, report.warnings);
  table.take("warnings");
  push_environment(L, report.environment);
  table.take("environment");
  if (report.run) table.set("run", *report.run);
  set_result(L, "profile");

  push_kept(L);
  lua_pushvalue(L, index);
  auto kept = std::make_shared<const ProfileTrial>(std::move(report.trials.back()));
  push_handle<TrialHandle>(L, std::move(kept));
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

TrialHandle trial_of(const Args& args, int index) {
  lua_State* L = args.L();
  push_kept(L);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  const Box<TrialHandle>* box = test_handle<TrialHandle>(L, -1);
  TrialHandle trial = box && *box ? **box : nullptr;
  lua_pop(L, 2);
  if (!trial)
    args.bad(index, "a profile as crescent.profile.run, profiling:finish or a store gives it",
             describe(L, index));
  return trial;
}

}  // namespace crescent
