#include "bindings/engine/bench_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bindings/callback.h"
#include "bindings/core/compare.h"
#include "bindings/core/model_folder.h"
#include "bindings/engine/bench_store.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "engine/interrupt.h"
#include "engine/nearest.h"
#include "engine/threads.h"
#include "profiler/compare.h"
#include "profiler/compare_stored.h"

namespace crescent {
namespace {

/// What the machine can do, as a candidate.
struct Limit {
  enum class Of { bytes, flops } of;  ///< that are read or done in one unit of work
  double count;

  bool operator==(const Limit&) const = default;
};

/// One of `candidates`, as given: a model, a limit, a folder or a Lua function.
struct Contender {
  std::string name;
  ModelHandle model;
  std::filesystem::path folder;
  std::optional<Callback> function;
  std::optional<Limit> limit;
  const void* identity = nullptr;  ///< equal for the same function, or the same weights and shape
  std::shared_ptr<Workload> work;
  std::vector<std::pair<std::string, int64_t>> shape;  ///< of the work
  int64_t tokens = 0;                                  ///< in a sample
  std::optional<double> drift;
  std::string drift_absent;

  bool same_as(const Contender& other) const {
    if (model && other.model)
      return identity == other.identity && model->options() == other.model->options();
    if (function && other.function) return identity == other.identity;
    if (limit || other.limit) return limit == other.limit;
    return !model && !function && folder == other.folder;
  }
};

constexpr const char* kForm = "a list of { 'name', model }";

/// { bytes = n } or { flops = n }, on top of the stack.
Limit read_limit(const Args& args, const std::string& name) {
  lua_State* L = args.L();
  const auto count_of = [&](const char* field) {
    lua_getfield(L, -1, field);
    const double count = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    lua_pop(L, 1);
    return count >= 1 && count <= 1e15 ? count : 0;
  };
  const double bytes = count_of("bytes"), flops = count_of("flops");
  if ((bytes > 0) == (flops > 0))
    args.bad("candidates", "{ bytes = n } or { flops = n } as a limit",
             fmt::format("another table for '{}'", name));
  return bytes > 0 ? Limit{Limit::Of::bytes, bytes} : Limit{Limit::Of::flops, flops};
}

Contender read_contender(const Args& args, int number) {
  lua_State* L = args.L();
  const auto refuse = [&](const std::string& got) {
    args.bad("candidates", kForm, fmt::format("{} at position {}", got, number));
  };
  if (!lua_istable(L, -1)) refuse(describe(L, -1));
  Contender contender;
  lua_rawgeti(L, -1, 1);
  if (lua_type(L, -1) != LUA_TSTRING) refuse(fmt::format("the name {}", describe(L, -1)));
  contender.name = lua_tostring(L, -1);
  lua_pop(L, 1);
  lua_rawgeti(L, -1, 2);
  if (auto* box = test_handle<ModelHandle>(L, -1)) {
    if (!*box) refuse(fmt::format("the closed model '{}'", contender.name));
    contender.model = **box;
    contender.identity = &contender.model->config();  // shared by all levels of one model
  } else if (lua_isfunction(L, -1)) {
    contender.function.emplace(L, -1);
    contender.identity = lua_topointer(L, -1);
  } else if (lua_type(L, -1) == LUA_TSTRING) {
    contender.folder = model_folder(lua_tostring(L, -1));
  } else if (lua_istable(L, -1)) {
    contender.limit = read_limit(args, contender.name);
  } else {
    refuse(fmt::format("{} for '{}'", describe(L, -1), contender.name));
  }
  lua_pop(L, 1);
  return contender;
}

std::vector<Contender> read_contenders(const Args& args) {
  lua_State* L = args.L();
  args.push("candidates");
  const auto count = static_cast<int>(lua_objlen(L, -1));
  if (count < 2) args.bad("candidates", "at least two", fmt::format("{}", count));
  std::vector<Contender> contenders;
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    contenders.push_back(read_contender(args, i));
    lua_pop(L, 1);
    for (int j = 0; j + 1 < i; ++j)
      if (contenders[static_cast<size_t>(j)].name == contenders.back().name)
        args.bad("candidates", "a name for each",
                 fmt::format("'{}' twice", contenders.back().name));
  }
  lua_pop(L, 1);
  return contenders;
}

/// What is measured, and that every candidate is of the kind that it takes.
std::string measure_of(const Args& args, const std::vector<Contender>& contenders) {
  std::string measure = args.text("measure");
  if (measure.empty()) {
    const bool are_calls = std::any_of(contenders.begin(), contenders.end(),
                                       [](const Contender& c) { return c.function.has_value(); }) &&
                           std::all_of(contenders.begin(), contenders.end(),
                                       [](const Contender& c) { return c.function || c.limit; });
    if (!are_calls) args.bad("measure", "'decode', 'prefill' or 'load'", "nothing");
    return "call";
  }
  constexpr std::array kMeasures{"decode", "prefill", "load", "call"};
  if (std::find(kMeasures.begin(), kMeasures.end(), measure) == kMeasures.end())
    args.bad("measure", "'decode' or 'prefill' or 'load' or 'call'", fmt::format("'{}'", measure));
  for (const Contender& c : contenders) {
    const bool fits = measure == "call"   ? c.function || c.limit
                      : measure == "load" ? !c.folder.empty()
                                          : c.model || c.limit;
    const char* expected = measure == "call"   ? "functions for measure = 'call'"
                           : measure == "load" ? "folders for measure = 'load'"
                                               : "models for this measure";
    if (!fits)
      args.bad("candidates", expected,
               fmt::format("{} for '{}'",
                           c.function ? "a function"
                           : c.model  ? "a model"
                           : c.limit  ? "a limit"
                                      : "a text",
                           c.name));
  }
  return measure;
}

void refuse_equals(const Args& args, const std::vector<Contender>& contenders) {
  if (args.boolean("aa")) return;
  for (size_t i = 0; i < contenders.size(); ++i)
    for (size_t j = i + 1; j < contenders.size(); ++j)
      if (contenders[i].same_as(contenders[j]))
        args.fail(fmt::format(
            "candidates '{}' and '{}' are the same {}; give aa = true to time it against itself",
            contenders[i].name, contenders[j].name,
            contenders[i].model      ? "model at the same level"
            : contenders[i].function ? "function"
            : contenders[i].limit    ? "limit"
                                     : "folder"));
}

size_t baseline_of(const Args& args, const std::vector<Contender>& contenders) {
  const std::string name = args.text("baseline");
  std::vector<std::string_view> names;
  for (size_t i = 0; i < contenders.size(); ++i) {
    if (contenders[i].name == name) return i;
    names.push_back(contenders[i].name);
  }
  args.bad("baseline", "the name of a candidate",
           fmt::format("'{}'{}", name, did_you_mean(name, names)));
}

/// A number out of the table `with`, checked like an option.
class With {
 public:
  With(const Args& args, const std::string& measure) : args_(args) {
    static constexpr std::array<std::string_view, 2> kDecode{"prompt", "tokens"};
    static constexpr std::array<std::string_view, 1> kPrefill{"tokens"};
    std::span<const std::string_view> known;
    if (measure == "decode") known = kDecode;
    if (measure == "prefill") known = kPrefill;
    lua_State* L = args.L();
    args.push("with");
    if (lua_istable(L, -1)) {
      for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (std::find(known.begin(), known.end(), name) == known.end())
          args.bad("with", fmt::format("what measure = '{}' takes", measure),
                   fmt::format("{}{}", describe(L, -2), did_you_mean(name, known)));
      }
    }
    lua_pop(L, 1);
  }

  int64_t integer(const char* name, int64_t fallback) const {
    lua_State* L = args_.L();
    args_.push("with");
    if (lua_istable(L, -1)) lua_getfield(L, -1, name);
    else lua_pushnil(L);
    const double x = lua_isnil(L, -1) ? static_cast<double>(fallback) : lua_tonumber(L, -1);
    if (!lua_isnil(L, -1) && (lua_type(L, -1) != LUA_TNUMBER || x < 1 || x > 1e9 ||
                              x != static_cast<double>(static_cast<int64_t>(x))))
      args_.bad("with", fmt::format("{} to be an integer >= 1", name), describe(L, -1));
    lua_settop(L, lua_gettop(L) - 2);
    return static_cast<int64_t>(x);
  }

 private:
  const Args& args_;
};

/// Gives every model its workload, of the same shape and on the same ids.
void prepare(const Args& args, const std::string& measure, std::vector<Contender>& contenders) {
  const With with(args, measure);
  const auto seed = static_cast<uint64_t>(args.number("seed"));
  int64_t prefill = PrefillShape{}.tokens;
  for (const Contender& c : contenders)
    if (c.model) prefill = std::min(prefill, default_prefill_tokens(*c.model));
  for (Contender& c : contenders) {
    int64_t units = 1;
    if (measure == "decode") {
      const DecodeShape shape{.prompt = with.integer("prompt", DecodeShape{}.prompt),
                              .tokens = with.integer("tokens", DecodeShape{}.tokens),
                              .seed = seed};
      c.shape = {{"prompt", shape.prompt}, {"tokens", shape.tokens}};
      units = shape.burst();
      if (c.model) {
        c.work = decode_workload(c.model, shape);
        c.tokens = units;
      }
    }
    if (measure == "prefill") {
      const PrefillShape shape{.tokens = with.integer("tokens", prefill), .seed = seed};
      c.shape = {{"tokens", shape.tokens}};
      if (c.model) {
        c.work = prefill_workload(c.model, shape);
        c.tokens = shape.tokens;
      }
    }
    if (c.limit)
      c.work = c.limit->of == Limit::Of::bytes
                   ? reading_workload(static_cast<int64_t>(c.limit->count), units)
                   : multiplying_workload(c.limit->count, units);
  }
}

/// Holds every model's logits against the baseline's before anything is timed.
void check_drift(const Args& args, std::vector<Contender>& contenders, size_t baseline) {
  const bool limited = args.has("tolerance");
  const Contender& base = contenders[baseline];
  if (!base.model) {
    if (limited) args.bad("tolerance", "models, whose logits can be compared", "other candidates");
    for (Contender& c : contenders) c.drift_absent = "only models have logits to compare";
    return;
  }
  const at::Tensor reference = base.work->answer();
  for (Contender& c : contenders) {
    check_interrupt();
    if (c.limit) {
      c.drift_absent = "a limit has no logits";
      continue;
    }
    if (c.model->config().vocab != base.model->config().vocab) {
      c.drift_absent = fmt::format("its vocabulary has {} ids, the baseline's {}",
                                   c.model->config().vocab, base.model->config().vocab);
      if (limited) args.fail(fmt::format("candidate '{}': {}", c.name, c.drift_absent));
      continue;
    }
    c.drift = drift(c.work->answer(), reference);
    if (limited && !(*c.drift <= args.number("tolerance")))
      args.fail(fmt::format(
          "candidate '{}' differs from the baseline: a logit by {:.3g} of their spread, over the "
          "tolerance {:.3g}; nothing was timed",
          c.name, *c.drift, args.number("tolerance")));
  }
}

std::function<double()> timed(const Contender& contender, Clock& clock) {
  if (contender.work) return [&] { return contender.work->measure_ns(clock); };
  if (!contender.function) return [&] { return load_ns(contender.folder, clock); };
  return [&] {
    check_interrupt();
    const int64_t start = clock.now_ns();
    contender.function->call(0, [](lua_State*) { return 0; });
    return static_cast<double>(clock.now_ns() - start);
  };
}

/// What must be equal for two comparisons to be of the same thing, and what was asked for.
RunDefinition definition_of(const Args& args, const std::string& measure,
                            const std::vector<Contender>& contenders, size_t baseline) {
  const ModelHandle& model = contenders[baseline].model;
  nlohmann::json candidates = nlohmann::json::array();
  for (const Contender& c : contenders) {
    nlohmann::json candidate = {{"name", c.name}};
    if (c.model)
      candidate.update(
          {{"model", print_of(*c.model)}, {"level", c.model->level()}, {"hash", c.model->hash()}});
    if (c.model && c.model->options() != options_of_level(c.model->level()))
      candidate["options"] = words_of(c.model->options());
    if (c.limit)
      candidate["limit"] = {{c.limit->of == Limit::Of::bytes ? "bytes" : "flops", c.limit->count}};
    if (!c.folder.empty()) candidate["folder"] = c.folder.filename().string();
    candidates.push_back(std::move(candidate));
  }
  RunDefinition definition{
      .kind = RunKind::compare,
      .name = "compare",
      .definition = {{"measure", json_text(measure)}},
      .options = numbers_given(args, {"time_s_max", "width_max", "confidence", "seed"}),
      .model = model ? print_of(*model) : "",
      .model_hash = model ? model->hash() : ""};
  for (const auto& [name, value] : contenders[baseline].shape)
    definition.definition.emplace_back(name, std::to_string(value));
  // Always what was used, so that the verdict can be made again.
  const double same = args.number(args.has("same_within") ? "same_within" : "width_max");
  definition.options.emplace_back("same_within", fmt::format("{}", same));
  definition.options.emplace_back("measure", json_text(measure));
  definition.options.emplace_back("baseline", json_text(contenders[baseline].name));
  definition.options.emplace_back("candidates", candidates.dump());
  return definition;
}

/// A candidate's times (ms a unit), the logs of its blocks and its drift.
TrialRecord trial_of(const Contender& contender, const Comparison::Row& row) {
  TrialRecord trial = latency_trial(
      row.samples.values,
      {.units = contender.work ? contender.work->units() : 1, .tokens = contender.tokens});
  trial.candidate = contender.name;
  if (!row.block_logs.empty()) trial.samples.push_back({kBlockLogs, {row.block_logs, "ln"}});
  // Logits that are all alike have no spread, and then the drift is no number.
  if (contender.drift && std::isfinite(*contender.drift))
    trial.samples.push_back({"drift", {{*contender.drift}, ""}});
  return trial;
}

}  // namespace

int live_compare(Args& args) {
  lua_State* L = args.L();
  std::vector<Contender> contenders = read_contenders(args);
  const std::string measure = measure_of(args, contenders);
  const size_t baseline = baseline_of(args, contenders);
  refuse_equals(args, contenders);
  prepare(args, measure, contenders);
  BenchStore store(args);
  check_drift(args, contenders, baseline);
  if (store.wanted()) store.begin(definition_of(args, measure, contenders, baseline));

  SteadyClock clock;
  std::vector<Candidate> candidates;
  candidates.reserve(contenders.size());
  for (const Contender& contender : contenders)
    candidates.push_back({contender.name, timed(contender, clock)});
  CompareOptions options{.time_s_max = args.number("time_s_max"),
                         .width_max = args.number("width_max"),
                         .confidence = args.number("confidence"),
                         .seed = static_cast<uint64_t>(args.number("seed"))};
  if (args.has("same_within")) options.same_within = args.number("same_within");
  CompareReport report{.comparison = compare(candidates, baseline, options, clock),
                       .measure = measure,
                       .confidence = options.confidence,
                       .threads = threads()};
  report.warm = report.comparison.warm;
  for (size_t i = 0; i < contenders.size(); ++i) {
    store.add(trial_of(contenders[i], report.comparison.rows[i]));
    report.drifts.push_back({contenders[i].drift, contenders[i].drift_absent});
    const double units = contenders[i].work ? contenders[i].work->units() : 1;
    for (double& value : report.comparison.rows[i].samples.values) value *= 1e-6 / units;
  }
  report.run = store.finish(report.comparison.warnings);
  push_comparison(L, report);
  return 1;
}

}  // namespace crescent
