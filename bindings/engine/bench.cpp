#include <algorithm>

#include "bindings/core/compare.h"
#include "bindings/core/model_folder.h"
#include "bindings/core/statistics.h"
#include "bindings/engine/bench_compare.h"
#include "bindings/engine/bench_store.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "engine/interrupt.h"
#include "engine/model/load.h"
#include "engine/threads.h"
#include "profiler/compare.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

Measurement measure_with(const Args& args, const Candidate& candidate, Clock& clock) {
  return measure(candidate,
                 {.samples_min = static_cast<int>(args.integer("samples_min")),
                  .time_s_max = args.number("time_s_max"),
                  .width_max = args.number("width_max")},
                 clock);
}

/// Begins a run of a model in the store, if one is wanted. @param shape  of the work
void begin_run(const Args& args, BenchStore& store, const char* measure, const ModelHandle& model,
               const std::vector<std::pair<std::string, int64_t>>& shape) {
  RunDefinition run{.kind = RunKind::bench,
                    .name = measure,
                    .definition = {{"measure", json_text(measure)}},
                    .options = numbers_given(args, {"samples_min", "time_s_max", "width_max"}),
                    .model = print_of(*model),
                    .model_hash = model->hash()};
  for (const auto& [name, value] : shape) run.definition.emplace_back(name, std::to_string(value));
  run.options.emplace_back("level", std::to_string(model->level()));
  store.begin(std::move(run));
}

/// Ends it with one trial. Returns its number.
std::optional<int64_t> finish_run(BenchStore& store, const Measurement& measurement,
                                  const LatencyUnits& units) {
  store.add(latency_trial(measurement.samples.values, units));
  return store.finish(measurement.warnings);
}

/// The fields that every measurement has. Returns the median in ms.
double set_measured(lua_State* L, const NewTable& table, const Measurement& measurement,
                    double units) {
  push_samples(L, measurement.samples, {.name = "ms", .scale = 1e-6 / units});
  lua_getfield(L, -1, "median");
  const double median_ms = lua_tonumber(L, -1);
  lua_pop(L, 1);
  table.take("latency_ms");
  table.set("warm", measurement.warm);
  push_list(L, measurement.warnings);
  table.take("warnings");
  table.set("threads", threads());
  return median_ms;
}

int bench_decode(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1);
  const DecodeShape shape{.prompt = args.integer("prompt"), .tokens = args.integer("tokens")};
  const auto work = decode_workload(model, shape);
  BenchStore store(args);
  if (store.wanted())
    begin_run(args, store, "decode", model, {{"prompt", shape.prompt}, {"tokens", shape.tokens}});
  SteadyClock clock;
  const Measurement measurement =
      measure_with(args, {"decode", [&] { return work->measure_ns(clock); }}, clock);
  const auto run = finish_run(store, measurement, {work->units(), shape.burst()});
  const double bytes = decode_bytes(*model);
  const Machine& machine = machine_limits(threads());

  NewTable table(L);
  table.set("measure", "decode");
  if (run) table.set("run", *run);
  table.set("level", model->level());
  table.set("prompt", shape.prompt);
  table.set("tokens", shape.tokens);
  table.set("context", shape.context());
  const double median_ms = set_measured(L, table, measurement, work->units());
  table.set("tokens_per_s", 1e3 / median_ms);
  table.set("bytes_per_token", bytes);
  if (const auto reason = why_absent(machine, {"read_bandwidth", "all_threads_gb_s"})) {
    for (const char* name : {"bandwidth_gb_s", "limit_ms", "share_of_limit"})
      table.absent(name, *reason);
  } else {
    const double gb_s = bandwidth_at(machine, bytes);
    table.set("bandwidth_gb_s", gb_s);
    table.set("limit_ms", bytes / gb_s / 1e6);
    table.set("share_of_limit", bytes / gb_s / 1e6 / median_ms);
  }
  set_result(L, "bench");
  return 1;
}

int bench_prefill(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1);
  const PrefillShape shape{.tokens = args.has("tokens") ? args.integer("tokens")
                                                        : default_prefill_tokens(*model)};
  const auto work = prefill_workload(model, shape);
  BenchStore store(args);
  if (store.wanted()) begin_run(args, store, "prefill", model, {{"tokens", shape.tokens}});
  SteadyClock clock;
  const Measurement measurement =
      measure_with(args, {"prefill", [&] { return work->measure_ns(clock); }}, clock);
  const auto run = finish_run(store, measurement, {work->units(), shape.tokens});
  const double flops = prefill_flops(*model, shape.tokens);
  const Machine& machine = machine_limits(threads());

  NewTable table(L);
  table.set("measure", "prefill");
  if (run) table.set("run", *run);
  table.set("level", model->level());
  table.set("tokens", shape.tokens);
  const double median_ms = set_measured(L, table, measurement, work->units());
  table.set("tokens_per_s", static_cast<double>(shape.tokens) * 1e3 / median_ms);
  table.set("flops", flops);
  table.set("gflop_s", flops / median_ms / 1e6);
  if (const auto reason = why_absent(machine, {"fp32_gflop_s"})) {
    for (const char* name : {"peak_gflop_s", "limit_ms", "share_of_limit"})
      table.absent(name, *reason);
  } else {
    table.set("peak_gflop_s", machine.fp32_gflop_s);
    table.set("limit_ms", flops / machine.fp32_gflop_s / 1e6);
    table.set("share_of_limit", flops / machine.fp32_gflop_s / 1e6 / median_ms);
  }
  set_result(L, "bench");
  return 1;
}

int bench_load(Args& args) {
  lua_State* L = args.L();
  const auto folder = model_folder(args.text(1));
  BenchStore store(args);
  if (store.wanted()) begin_run(args, store, "load", load_model(folder, {}), {});
  SteadyClock clock;
  const Measurement measurement =
      measure_with(args, {"load", [&] { return load_ns(folder, clock); }}, clock);
  const auto run = finish_run(store, measurement, {});
  const ModelHandle model = load_model(folder, {});

  NewTable table(L);
  table.set("measure", "load");
  if (run) table.set("run", *run);
  table.set("path", folder.string());
  set_measured(L, table, measurement, 1);
  table.set("bytes", model->bytes_stored());
  const char* reason = "a load maps the file and reads no weights, so no limit is known";
  table.absent("limit_ms", reason);
  table.absent("share_of_limit", reason);
  table.absent("tokens_per_s", "a load makes no tokens");
  set_result(L, "bench");
  return 1;
}

}  // namespace

std::optional<std::string> why_absent(const Machine& machine,
                                      std::initializer_list<std::string_view> names) {
  for (const auto& [name, reason] : machine.absent)
    if (std::find(names.begin(), names.end(), name) != names.end()) return reason;
  return std::nullopt;
}

int64_t default_prefill_tokens(const Model& model) {
  return std::min<int64_t>(PrefillShape{}.tokens, model.config().positions_max);
}

double load_ns(const std::filesystem::path& folder, Clock& clock) {
  check_interrupt();
  const int64_t start = clock.now_ns();
  const ModelHandle model = load_model(folder, {});
  return static_cast<double>(clock.now_ns() - start);
}

void register_bench() {
  provide({
      {"crescent.bench.decode", bench_decode},
      {"crescent.bench.prefill", bench_prefill},
      {"crescent.bench.load", bench_load},
      {"crescent.bench.self_test", bench_self_test},
  });
  set_live_compare(live_compare);
}

}  // namespace crescent
