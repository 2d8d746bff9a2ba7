#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "bindings/core/core.h"
#include "bindings/core/profile_result.h"
#include "bindings/push.h"
#include "profiler/trace/chrome.h"
#include "profiler/trace/folded.h"

namespace crescent {
namespace {

/// The facts that stand in the profile's field `environment`.
std::vector<std::pair<std::string, std::string>> metadata_of(lua_State* L, int profile) {
  std::vector<std::pair<std::string, std::string>> facts;
  lua_getfield(L, profile, "environment");
  if (lua_istable(L, -1))
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
      if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING)
        facts.emplace_back(lua_tostring(L, -2), lua_tostring(L, -1));
  lua_pop(L, 1);
  std::sort(facts.begin(), facts.end());
  return facts;
}

int profile_trace(Args& args) {
  const TrialHandle trial = trial_of(args, 1);
  const std::filesystem::path path(args.text(2));
  const ChromeTrace trace = write_chrome_trace(path, trial->recording,
                                               {.counters = trial->counters,
                                                .metadata = metadata_of(args.L(), 1),
                                                .bytes_max = args.integer("bytes_max")});
  NewTable table(args.L());
  table.set("path", path.string());
  table.set("bytes", static_cast<int64_t>(std::filesystem::file_size(path)));
  table.set("spans", trace.spans_written);
  table.set("spans_rolled_up", trace.spans_rolled_up);
  table.set("rolled_up", trace.rolled_up);
  set_result(args.L(), "trace");
  return 1;
}

int profile_folded(Args& args) {
  const TrialHandle trial = trial_of(args, 1);
  const std::string path(args.text(2)), weight = args.text("weight");
  write_folded_stacks(path, trial->tree,
                      weight == "bytes"   ? FoldedWeight::bytes
                      : weight == "flops" ? FoldedWeight::flops
                                          : FoldedWeight::time_ns);
  NewTable table(args.L());
  table.set("path", path);
  table.set("weight", weight);
  return 1;
}

}  // namespace

void register_trace() {
  provide({{"crescent.profile.trace", profile_trace}, {"crescent.profile.folded", profile_folded}});
}

}  // namespace crescent
