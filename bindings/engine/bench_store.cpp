#include "bindings/engine/bench_store.h"

#include <fmt/format.h>

#include "bindings/core/store.h"

namespace crescent {

BenchStore::BenchStore(const Args& args) : args_(args), path_(store_option(args)) {
  if (args.given("name") && !path_)
    args.fail("option 'name' names a run in a store; give store = true or a path too");
}

void BenchStore::begin(RunDefinition definition) {
  if (path_) begin(std::move(definition), current_environment(args_.L()));
}

void BenchStore::begin(RunDefinition definition, const std::vector<Fact>& environment) {
  if (!path_) return;
  if (args_.given("name")) definition.name = args_.text("name");
  writer_.emplace(*path_);
  run_ = writer_->begin_run(make_run(definition, environment));
}

void BenchStore::add(TrialRecord trial) {
  if (writer_) writer_->add_trial(run_, std::move(trial));
}

void BenchStore::flush() {
  if (writer_) writer_->flush();
}

std::optional<int64_t> BenchStore::finish(const std::vector<std::string>& warnings) {
  if (!writer_) return std::nullopt;
  for (const std::string& warning : warnings) writer_->add_warning(run_, warning);
  writer_->finish_run(run_, RunStatus::done);
  return run_;
}

TrialRecord latency_trial(const std::vector<double>& samples_ns, const LatencyUnits& units) {
  TrialRecord trial;
  std::vector<double> ms = samples_ns;
  double total_ns = 0;
  for (double& value : ms) {
    total_ns += value;
    value *= 1e-6 / units.units;
  }
  trial.duration_ns = static_cast<int64_t>(total_ns);
  trial.tokens = units.tokens * static_cast<int64_t>(ms.size());
  trial.samples.push_back({"latency_ms", {std::move(ms), "ms"}});
  return trial;
}

NamedTexts numbers_given(const Args& args, std::initializer_list<const char*> names) {
  NamedTexts texts;
  for (const char* name : names)
    if (args.has(name)) texts.emplace_back(name, fmt::format("{}", args.number(name)));
  return texts;
}

}  // namespace crescent
