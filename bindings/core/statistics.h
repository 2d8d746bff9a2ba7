#pragma once
#include <lua.hpp>

#include "profiler/statistics.h"

namespace crescent {

/// Pushes { values, median, mad, interval = { low, high, confidence }, unit }: it prints and
/// compares as its median. @param scale  what every value is multiplied by, to reach the unit.
struct SamplesUnit {
  const char* name;
  double scale = 1;
  double confidence = 0.95;
};
void push_samples(lua_State* L, const Samples& samples, const SamplesUnit& unit);

void push_interval(lua_State* L, const Interval& interval);

}  // namespace crescent
