#include <fmt/format.h>

#include <algorithm>

#include "bindings/engine/bench_store.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/profile.h"
#include "bindings/engine/profile_events.h"
#include "bindings/engine/workload.h"
#include "bindings/progress.h"
#include "engine/exec/generate.h"
#include "engine/model/hash.h"
#include "engine/threads.h"
#include "profiler/machine_watch.h"
#include "profiler/sensor/recorded.h"
#include "profiler/store/profile_record.h"

namespace crescent {
namespace {

/// What is generated, again and again.
struct Task {
  ModelHandle model;
  std::optional<std::string> text;  ///< tokenized in every trial
  std::vector<int32_t> ids;
  int64_t tokens = 0;
  int64_t trials = 1;
  std::shared_ptr<const Tokenizer> tokenizer;  ///< may be null
};

Task read_task(const Args& args) {
  Task task{.model = args.handle<ModelHandle>(1),
            .tokens = args.integer("tokens"),
            .trials = args.integer("trials")};
  const int64_t positions = task.model->config().positions_max;
  args.push("prompt");
  const bool is_text = lua_type(args.L(), -1) == LUA_TSTRING;
  lua_pop(args.L(), 1);
  try {
    task.tokenizer = task.model->tokenizer();
  } catch (const Error&) {
    if (is_text) throw;  // which needs one
  }
  if (!args.has("prompt")) {
    task.ids = random_ids(*task.model, std::min<int64_t>(32, positions - 1), 1);
  } else if (is_text) {
    task.text = args.text("prompt");
    task.ids = task.tokenizer->encode(*task.text, {.special = true});
  } else {
    task.ids = args.ids("prompt");
  }
  if (task.ids.empty()) args.bad("prompt", "at least one token", "none");
  const int64_t room = positions - static_cast<int64_t>(task.ids.size());
  if (task.tokens > room)
    args.bad("tokens",
             fmt::format("at most {}: the model's {} positions less the prompt's {}",
                         std::max<int64_t>(room, 0), positions, task.ids.size()),
             fmt::format("{}", task.tokens));
  return task;
}

/// Reports to Lua and to the terminal while trials run.
class Listening {
 public:
  Listening(const Args& args, const Task& task)
      : task_(task), progress_("profile"), total_(task.trials * task.tokens) {
    if (!args.has("on_event")) return;
    args.push("on_event");
    function_.emplace(args.L(), -1);
    lua_pop(args.L(), 1);
  }

  /// One generation under `recorder`. @return false if the function asked to stop.
  bool run(const Args& args, Recorder& recorder) {
    std::optional<EventStream> stream;
    if (function_) stream.emplace(recorder, *function_);
    Observer& observer = stream ? static_cast<Observer&>(*stream) : recorder;
    std::vector<int32_t> ids = task_.ids;
    if (task_.text) {
      const SectionSpan span(&observer, Section::tokenize);
      ids = task_.tokenizer->encode(*task_.text, {.special = true});
    }
    const auto session =
        open_session(args, task_.model, static_cast<int64_t>(ids.size()) + task_.tokens);
    cache_bytes_ = session->bytes();
    arena_bytes_ = session->arena_bytes();
    int64_t index = 0;
    bool go_on = true;
    GenerateOptions options{.tokens = task_.tokens, .ignore_eos = true, .feed_last = false};
    options.observer = &observer;
    options.on_token = [&](std::string_view text, int32_t id) {
      progress_.report(++done_, total_);
      if (stream) go_on = stream->deliver_token(index++, id, text);
      return go_on;
    };
    generate(*session, ids, options, task_.tokenizer.get());
    return stream ? stream->deliver() && go_on : true;
  }

  int64_t cache_bytes() const { return cache_bytes_; }  ///< of the last session
  int64_t arena_bytes() const { return arena_bytes_; }  ///< of the last session

 private:
  const Task& task_;
  Progress progress_;
  int64_t done_ = 0, total_, cache_bytes_ = 0, arena_bytes_ = 0;
  std::optional<Callback> function_;
};

/// What the first run of a model does once (widening weights, waking threads) is not profiled.
void warm_up(const Args& args, const Task& task) {
  const auto session = open_session(args, task.model, static_cast<int64_t>(task.ids.size()) + 1);
  GenerateOptions options{.tokens = 1, .ignore_eos = true};
  options.feed_last = true;
  generate(*session, task.ids, options, nullptr);
}

std::unique_ptr<EnergySensor> open_sensor(const Args& args, Clock& clock) {
  if (!args.has("power_trace")) return choose_energy_sensor(clock);
  return std::make_unique<RecordedSensor>(clock, args.text("power_trace"));
}

/// What the run is in a store. Definitions must be equal for two profiles to be compared.
RunDefinition definition_of(const Task& task, const ProfileSpec& spec) {
  const std::string tokens = std::to_string(task.tokens);
  const std::string every_layer = std::to_string(spec.recorder.every_layer);
  return {.kind = RunKind::profile,
          .name = "profile",
          .definition = {{"measure", json_text("profile")},
                         {"prompt", json_text(hash_ids(task.ids))},
                         {"tokens", tokens},
                         {"collect", json_text(spec.collected)},
                         {"every_token", std::to_string(spec.recorder.every_token)},
                         {"every_layer", every_layer}},
          .options = {{"mode", json_text(spec.mode)},
                      {"tokens", tokens},
                      {"prompt_tokens", std::to_string(task.ids.size())},
                      {"trials", std::to_string(task.trials)},
                      {"level", std::to_string(task.model->level())},
                      {"every_layer", every_layer}},
          .model = print_of(*task.model),
          .model_hash = task.model->hash()};
}

}  // namespace

int profile_run(Args& args) {
  const ProfileSpec spec = read_profile_spec(args);
  const Task task = read_task(args);
  BenchStore store(args);
  ProfileReport report{.mode = spec.mode, .every_layer = spec.recorder.every_layer};
  warm_up(args, task);
  describe_model(task.model, report);
  report.environment = current_environment(args.L());
  add_limits(report.environment, report.limits);
  if (store.wanted()) store.begin(definition_of(task, spec), report.environment);

  SteadyClock clock;
  const auto sensor = open_sensor(args, clock);
  report.prompt_tokens = static_cast<int64_t>(task.ids.size());
  report.energy.emplace(ProfileEnergy{sensor->source().name, {}});
  if (sensor->source().label != EnergyLabel::absent && args.number("idle_s") > 0)
    report.energy->idle = idle_power(measure_for(*sensor, args.number("idle_s")));
  report.cost.emplace(ProfileCost{.span_ns = span_cost_ns(spec.recorder)});
  Listening listening(args, task);
  {
    const MachineWatch watch;
    bool go_on = true;
    for (int64_t trial = 0; trial < task.trials && go_on; ++trial) {
      Recordings recordings(spec, sensor.get());
      go_on = listening.run(args, recordings.recorder());
      report.cost->spans += recordings.recorder().spans_recorded();
      report.trials.push_back(recordings.finish(task.model.get()));
      if (!store.wanted()) continue;
      store.add(record_of(report.trials.back()));
      store.flush();
    }
    report.warnings = watch.warnings();
    report.process = process_memory();
  }
  const MeasuredCost measured = measure_cost(task.model, spec, args.number("cost_s"));
  report.cost->share = measured.share;
  report.cost->absent = measured.absent;
  report.absent = absent_parts(*task.model, spec);
  report.held->cache = listening.cache_bytes();
  report.held->arena = listening.arena_bytes();
  report.run = store.finish(report.warnings);
  push_profile(args.L(), std::move(report));
  return 1;
}

}  // namespace crescent
