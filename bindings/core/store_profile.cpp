#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "bindings/core/core.h"
#include "bindings/core/profile_result.h"
#include "bindings/core/run_record.h"
#include "bindings/core/store.h"
#include "bindings/push.h"
#include "profiler/store/profile_record.h"

namespace crescent {
namespace {

/// Options are stored as JSON: a string or a number.
std::string option_of(const StoredRun& run, std::string_view name) {
  for (const auto& [key, value] : run.options)
    if (key == name) return value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
  return "";
}

ProfileReport report_of(const StoredRun& run) {
  ProfileReport report;
  report.mode = option_of(run, "mode");
  const std::string every = option_of(run, "every_layer"), level = option_of(run, "level"),
                    prompt = option_of(run, "prompt_tokens");
  report.every_layer = std::max(1, std::atoi(every.c_str()));
  report.model = run.model;
  if (!level.empty()) report.level = std::atoi(level.c_str());
  if (!prompt.empty()) report.prompt_tokens = std::atoll(prompt.c_str());
  report.threads = static_cast<int>(run.threads.value_or(0));
  report.limits = limits_of(run.environment);
  report.energy.emplace(ProfileEnergy{"the store", {}});
  report.warnings = run.warnings;
  report.environment = facts_of(run.environment);
  report.run = run.id;
  return report;
}

int store_profile(Args& args) {
  lua_State* L = args.L();
  const Store& store = args.handle<Store>(1);
  const int64_t id = args.integer(2);
  const auto run = store.run(id);
  if (!run) return push_nothing(L, fmt::format("{}: there is no run {}", store.path(), id));
  if (run->kind != RunKind::profile)
    return push_nothing(L, fmt::format("{}: run {} is no profile: it is of kind '{}'", store.path(),
                                       id, name_of(run->kind)));
  ProfileReport report = report_of(*run);
  for (const StoredTrial& trial : store.trials(id))
    if (!args.has("trial") || trial.number == args.integer("trial"))
      report.trials.push_back(read_profile(store, trial));
  if (report.trials.empty())
    return push_nothing(
        L, args.has("trial")
               ? fmt::format("{}: run {} has no trial {}", store.path(), id, args.integer("trial"))
               : fmt::format("{}: run {} ended before its first trial", store.path(), id));
  push_profile(L, std::move(report));
  return 1;
}

}  // namespace

void register_store_profile() { provide({{"store:profile", store_profile}}); }

}  // namespace crescent
