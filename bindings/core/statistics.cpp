#include "bindings/core/statistics.h"

#include <fmt/format.h>

#include <vector>

#include "bindings/core/core.h"
#include "bindings/push.h"

namespace crescent {
namespace {

std::vector<double> numbers(const Args& args, int index) {
  lua_State* L = args.L();
  std::vector<double> values(lua_objlen(L, index));
  if (values.empty()) args.bad(index, "at least one number", "an empty list");
  for (size_t i = 0; i < values.size(); ++i) {
    lua_rawgeti(L, index, static_cast<int>(i) + 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
      args.bad(index, "numbers", fmt::format("{} at position {}", describe(L, -1), i + 1));
    values[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  return values;
}

int statistics_samples(Args& args) {
  const std::string unit = args.text("unit");
  push_samples(args.L(), {.values = numbers(args, 1)},
               {.name = unit.c_str(), .confidence = args.number("confidence")});
  return 1;
}

int statistics_quantile(Args& args) {
  push(args.L(), quantile(numbers(args, 1), args.number(2)));
  return 1;
}

}  // namespace

void push_interval(lua_State* L, const Interval& interval) {
  NewTable table(L);
  table.set("low", interval.low);
  table.set("high", interval.high);
  table.set("confidence", interval.confidence);
}

void push_samples(lua_State* L, const Samples& samples, const SamplesUnit& unit) {
  std::vector<double> values = samples.values;
  for (double& value : values) value *= unit.scale;
  NewTable table(L);
  table.set("median", median(values));
  table.set("mad", mad(values));
  push_interval(L, median_interval(values, unit.confidence));
  table.take("interval");
  table.set("unit", unit.name);
  push_list(L, values);
  table.take("values");
  set_result(L, "Samples");
}

void register_statistics() {
  provide({
      {"crescent.statistics.samples", statistics_samples},
      {"crescent.statistics.quantile", statistics_quantile},
  });
}

}  // namespace crescent
