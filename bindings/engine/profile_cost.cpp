#include <fmt/format.h>

#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "profiler/compare.h"

namespace crescent {

MeasuredCost measure_cost(const std::shared_ptr<const Model>& model, const ProfileSpec& spec,
                          double time_s) {
  if (time_s <= 0) return {std::nullopt, "cost_s = 0: it was not measured"};
  SteadyClock clock;
  Recordings recordings(spec);
  // One step a sample: a pair is then as short as it can be beside any drift.
  const int64_t prompt = std::min<int64_t>(32, model->config().positions_max - 1);
  const DecodeShape shape{.prompt = prompt, .tokens = 1};
  DecodeShape watched = shape;
  watched.observer = &recordings.recorder();
  const auto plain_work = decode_workload(model, shape);
  const auto watched_work = decode_workload(model, watched);
  const Candidate candidates[] = {{"plain", [&] { return plain_work->measure_ns(clock); }},
                                  {"watched", [&] { return watched_work->measure_ns(clock); }}};
  const Comparison comparison = compare(candidates, 0,
                                        {.time_s_max = time_s,
                                         .width_max = 1e-4,
                                         .confidence = 0.95,
                                         .blocks_max = 100'000,
                                         .machine_warnings = false},
                                        clock);
  const Interval& ratio = comparison.rows[1].interval;
  if (comparison.blocks < static_cast<int>(values_needed(0.975)))
    return {std::nullopt, fmt::format("{} of the pairs of steps fit into cost_s = {}; give it more",
                                      comparison.blocks, time_s)};
  return {Interval{ratio.low - 1, ratio.high - 1, ratio.confidence}, ""};
}

}  // namespace crescent
