#include <fmt/format.h>

#include "bindings/engine/bench_compare.h"
#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "engine/threads.h"
#include "profiler/machine.h"

namespace crescent {

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
    const auto computed = [model](SectionSize size) {
      // Level 0 keeps no cache: it computes the whole sequence again.
      return model->level() == 0 ? SectionSize{size.tokens + size.past, 0, size.logits} : size;
    };
    options.work = [=](Site site, int16_t layer, Section, SectionSize size) {
      return work_at(model->config(), site, layer, computed(size), model->options().storage);
    };
    options.section_work = [=](Section, SectionSize size) -> std::optional<Work> {
      if (size.tokens == 0) return std::nullopt;
      return work_of_pass(model->config(), computed(size), model->options().storage);
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

std::vector<std::pair<std::string, std::string>> absent_parts(const Model& model,
                                                              const ProfileSpec& spec) {
  std::vector<std::pair<std::string, std::string>> absent;
  if (model.level() >= 2 && model.options().passes.fuse_epilogue && spec.recorder.components) {
    // A step is taken apart where statistics have to see what is in between.
    const SiteSet seen = ActivationStatistics(spec.statistics).wanted();
    const auto fused = [&](Site in, Site part, const char* how) {
      if (seen.has(in)) return;
      absent.emplace_back(name_of(part),
                          fmt::format("level {} {} on the way out of the product: a part of {}",
                                      model.level(), how, name_of(in)));
    };
    fused(Site::attention_output, Site::attention_residual, "adds");
    fused(Site::ffn_up, Site::ffn_activation, "activates");
    fused(Site::ffn_down, Site::ffn_residual, "adds");
  }
  if (!spec.recorder.operations) return absent;
  if (model.level() == 1)
    absent.emplace_back("scale+mask",
                        "level 1 scales and masks in the product that gives the scores");
  if (model.level() >= 2)
    absent.emplace_back(
        "scores, scale+mask, softmax, value",
        fmt::format("level {} attends in one go and stores no scores", model.level()));
  if (!model.config().gated_ffn)
    absent.emplace_back("gate, up, activate, multiply",
                        "this feed-forward has no gate: ffn.up and "
                        "ffn.activation are one operation each");
  return absent;
}

std::string print_of(const Model& model) {
  const DecoderConfig& config = model.config();
  return fmt::format("{}  {} layers  d_model {}  {} parameters  {}", config.family,
                     config.layers.size(), config.d_model, model.parameters(),
                     words_of(model.options()));
}

void describe_model(const std::shared_ptr<const Model>& model, ProfileReport& report) {
  report.model = print_of(*model);
  report.level = model->level();
  report.threads = threads();
  report.held.emplace(HeldBytes{.weights_stored = model->bytes_stored(),
                                .weights_widened = model->bytes_widened(),
                                .weights_transposed = model->plan_bytes().transposed,
                                .weights_packed = model->plan_bytes().packed});
  const Machine& machine = machine_limits(threads());
  if (auto reason = why_absent(machine, {"fp32_gflop_s", "all_threads_gb_s", "read_bandwidth"})) {
    report.limits.absent = std::move(*reason);
    return;
  }
  report.limits.gflop_s = machine.fp32_gflop_s;
  report.limits.gb_s = bandwidth_at(machine, decode_bytes(*model));
}

}  // namespace crescent
