#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "engine/nearest.h"
#include "engine/threads.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

constexpr std::array<std::string_view, 10> kCollect{
    "layers",  "components", "operations", "activations", "attention",
    "entropy", "gates",      "norms",      "memory",      "counters"};

void collect(ProfileSpec& spec, std::string_view what) {
  if (what == "layers") spec.recorder.layers = true;
  if (what == "components") spec.recorder.components = true;
  if (what == "operations") spec.recorder.operations = true;
  if (what == "activations") spec.statistics.activations = true;
  if (what == "attention") spec.statistics.attention = true;
  if (what == "entropy") spec.statistics.entropy = true;
  if (what == "gates") spec.statistics.gates = true;
  if (what == "norms") spec.statistics.norms = true;
  if (what == "memory") spec.memory = true;
  if (what == "counters") spec.counters = true;
}

std::span<const std::string_view> collected_by(const std::string& mode) {
  static constexpr std::array<std::string_view, 5> kStandard{"layers", "components", "activations",
                                                             "memory", "counters"};
  if (mode == "standard") return kStandard;
  if (mode == "deep") return kCollect;
  return {};
}

std::string expected_names() { return fmt::format("a list of '{}'", fmt::join(kCollect, "', '")); }

void read_collect(const Args& args, ProfileSpec& spec) {
  lua_State* L = args.L();
  args.push("collect");
  const auto count = static_cast<int>(lua_objlen(L, -1));
  if (count == 0) args.bad("collect", expected_names(), "an empty list");
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    const std::string name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (std::find(kCollect.begin(), kCollect.end(), name) == kCollect.end())
      args.bad("collect", expected_names(),
               fmt::format("{}{}", describe(L, -1), did_you_mean(name, kCollect)));
    collect(spec, name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  const bool inside = spec.recorder.components || spec.recorder.operations;
  if (spec.recorder.operations) spec.recorder.components = true;  // what they stand in
  if (inside) spec.recorder.layers = true;
}

/// { token = 4, layer = 2 }
void read_every(const Args& args, ProfileSpec& spec) {
  static constexpr std::array<std::string_view, 2> kNames{"token", "layer"};
  lua_State* L = args.L();
  args.push("every");
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (name != "token" && name != "layer")
      args.bad("every", "{ token = n, layer = n }",
               fmt::format("{}{}", describe(L, -2), did_you_mean(name, kNames)));
    const double n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(n >= 1 && n <= 1e6) || n != static_cast<double>(static_cast<int32_t>(n)))
      args.bad("every", fmt::format("{} to be an integer 1 .. 1000000", name), describe(L, -1));
    (name == "token" ? spec.recorder.every_token : spec.recorder.every_layer) =
        static_cast<int32_t>(n);
  }
  lua_pop(L, 1);
}

}  // namespace

ProfileSpec read_profile_spec(const Args& args) {
  ProfileSpec spec;
  spec.mode = args.text("mode");
  if (spec.mode == "custom" && !args.given("collect"))
    args.bad("collect", "what mode = 'custom' collects", "nothing");
  if (spec.mode != "custom" && args.given("collect"))
    args.bad("collect", "mode = 'custom' beside it", fmt::format("mode = '{}'", spec.mode));
  for (const std::string_view what : collected_by(spec.mode)) collect(spec, what);
  if (args.given("collect")) read_collect(args, spec);
  if (args.given("every")) read_every(args, spec);
  spec.statistics.threshold = static_cast<float>(args.number("threshold"));
  spec.statistics.attention_threshold = static_cast<float>(args.number("attention_threshold"));
  return spec;
}

Recordings::Recordings(const ProfileSpec& spec, EnergySensor* sensor)
    : spec_(spec), statistics_(spec.statistics), sensor_(sensor) {
  RecorderOptions options = spec.recorder;
  if (statistics_.wanted().bits != 0) options.sink = &statistics_;
  if (spec.memory) {
    allocations_.emplace();
    memory_.emplace([this] {
      return AllocatorFigures{allocations_->count(), allocations_->bytes_now(),
                              allocations_->take_peak()};
    });
    options.listener = &*memory_;
  }
  if (spec.counters) {
    sampler_.emplace(clock_, SamplerOptions{.sensor = sensor});
    energy_ = sampler_->read_energy();
  } else if (sensor) {
    energy_ = sensor->read();
  }
  recorder_.emplace(options, clock_);
}

ProfileTrial Recordings::finish(const Model* model) {
  ProfileTrial trial;
  trial.recording = recorder_->finish();
  if (energy_) {
    const auto now = sampler_ ? sampler_->read_energy() : sensor_->read();
    trial.energy = energy_between(sensor_->source(), *energy_, *now);
  }
  if (sampler_) {
    sampler_->stop();
    trial.counters = counter_tracks(sampler_->drain(), recorder_->start_ns());
    trial.counters_dropped = sampler_->dropped();
  }
  ProfileOptions options{.every_token = spec_.recorder.every_token,
                         .every_layer = spec_.recorder.every_layer};
  if (model) {
    options.work = [model](Site site, int16_t layer, Section, SectionSize size) {
      // Level 0 keeps no cache: it computes the whole sequence again.
      if (model->level() == 0) size = {size.tokens + size.past, 0, size.logits};
      return work_at(model->config(), site, layer, size);
    };
  }
  trial.tree = build_profile(trial.recording, options);
  trial.statistics = statistics_.results();
  if (memory_) {
    trial.memory = memory_->results();
    if (!memory_->bytes_at_ends().empty())
      trial.counters.push_back(tensor_track(trial.recording, memory_->bytes_at_ends()));
  }
  return trial;
}

std::vector<std::pair<std::string, std::string>> absent_operations(const Model& model) {
  std::vector<std::pair<std::string, std::string>> absent;
  if (model.level() == 1)
    absent.emplace_back("scale+mask",
                        "level 1 scales and masks in the product that gives the scores");
  if (!model.config().gated_ffn)
    absent.emplace_back("gate, up, activate, multiply",
                        "this feed-forward has no gate: ffn.up and "
                        "ffn.activation are one operation each");
  return absent;
}

std::string print_of(const Model& model) {
  const DecoderConfig& config = model.config();
  return fmt::format("{}  {} layers  d_model {}  {} parameters  level {}", config.family,
                     config.layers.size(), config.d_model, model.parameters(), model.level());
}

void describe_model(const std::shared_ptr<const Model>& model, ProfileReport& report) {
  report.model = print_of(*model);
  report.level = model->level();
  report.threads = threads();
  report.held.emplace(HeldBytes{model->bytes_stored(), model->bytes_widened(), 0});
  const Machine& machine = machine_limits(threads());
  for (const auto& [name, reason] : machine.absent)
    if (name == "fp32_gflop_s" || name == "all_threads_gb_s" || name == "read_bandwidth")
      report.limits.absent = reason;
  if (!report.limits.absent.empty()) return;
  report.limits.gflop_s = machine.fp32_gflop_s;
  report.limits.gb_s = bandwidth_at(machine, decode_bytes(*model));
}

}  // namespace crescent
