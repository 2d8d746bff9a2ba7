#include <algorithm>

#include "bindings/core/model_folder.h"
#include "bindings/core/statistics.h"
#include "bindings/engine/bench_compare.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/profile.h"
#include "bindings/engine/workload.h"
#include "bindings/progress.h"
#include "engine/model/load.h"
#include "engine/threads.h"
#include "profiler/self_test.h"

namespace crescent {
namespace {

/// The model's, or the embedded one: small, so that many comparisons fit into a minute.
ModelHandle model_of(const Args& args) {
  if (const auto* model = args.option_handle<ModelHandle>("model")) return *model;
  return load_model(model_folder("tiny"), {});
}

/// The default run, or what the model has positions for.
DecodeShape shape_for(const Model& model) {
  DecodeShape shape;
  const int64_t positions = model.config().positions_max;
  shape.prompt = std::max<int64_t>(1, std::min(shape.prompt, positions / 2));
  shape.tokens = std::max<int64_t>(1, std::min(shape.tokens, positions - shape.prompt));
  return shape;
}

SelfTestOptions read_options(const Args& args) {
  const auto pairs = args.integer("pairs");
  const double confidence = args.number("confidence");
  const auto needed = static_cast<int64_t>(values_needed(block_confidence(confidence)));
  if (pairs < needed)
    args.bad("pairs",
             fmt::format("at least {}, which a confidence of {:.6g} needs", needed, confidence),
             fmt::format("{}", pairs));
  return {.pairs = static_cast<int>(pairs),
          .rounds_max = static_cast<int>(args.integer("rounds")),
          .difference = args.number("difference"),
          .time_s_max = args.number("time_s_max"),
          .confidence = confidence,
          .seed = static_cast<uint64_t>(args.number("seed"))};
}

void push_needs(lua_State* L, const std::vector<SelfTest::Need>& needs) {
  NewTable list(L);
  for (const SelfTest::Need& need : needs) {
    NewTable row(L);
    row.set("difference", need.difference);
    if (need.pairs) {
      row.set("pairs", *need.pairs);
      row.set("time_s", need.time_s);
    } else {
      const std::string reason = fmt::format("over {} pairs", SelfTest::kPairsMax);
      for (const char* name : {"pairs", "time_s"}) row.absent(name, reason);
    }
    list.take_next();
  }
}

void push_self_test(lua_State* L, const SelfTest& made) {
  NewTable table(L);
  table.set("comparisons", made.equal.comparisons);
  table.set("false_verdicts", made.equal.told);
  table.set("false_share", made.equal.share());
  table.set("false_share_max", made.equal.share_max());
  table.set("slower_comparisons", made.slower.comparisons);
  table.set("found", made.slower.told);
  table.set("found_share", made.slower.share());
  table.set("wrong_way", made.slower_wrong);
  table.set("difference_real", made.difference_real);
  table.set("noise", made.noise_core);
  table.set("noise_deviation", made.noise_deviation);
  table.set("pair_s", made.pair_s);
  table.set("time_s", made.time_s);
  push_list(L, made.block_logs);
  table.take("block_logs");
  push_samples(L, made.delay_ns, {.name = "ms", .scale = 1e-6});
  table.take("delay_ms");
  push_samples(L, made.time_ns, {.name = "ms", .scale = 1e-6});
  table.take("work_ms");
  push_needs(L, made.needs);
  table.take("needs");
  push_list(L, made.warnings);
  table.take("warnings");
}

}  // namespace

int bench_self_test(Args& args) {
  SelfTestOptions options = read_options(args);
  const ModelHandle model = model_of(args);
  const auto work = decode_workload(model, shape_for(*model));
  Progress progress("self-test round");
  options.on_round = [&](int done, int expected) { progress.report(done, expected); };
  SteadyClock clock;
  const SelfTest made =
      self_test({"decode", [&] { return work->measure_ns(clock); }}, options, clock);

  lua_State* L = args.L();
  push_self_test(L, made);
  const auto set = [&](const char* name, auto value) {
    push(L, value);
    lua_setfield(L, -2, name);
  };
  set("pairs", options.pairs);
  set("difference", options.difference);
  set("confidence", options.confidence);
  set("threads", threads());
  push(L, print_of(*model));
  lua_setfield(L, -2, "model");
  set_result(L, "self_test");
  return 1;
}

}  // namespace crescent
