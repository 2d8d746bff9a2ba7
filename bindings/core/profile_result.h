#pragma once
#include <lua.hpp>

#include <optional>
#include <vector>

#include "profiler/profile_trial.h"

namespace crescent {

// How a profile becomes a Lua table, whether it was made just now or comes from a store.

/// What this machine can do at most, where that is known.
struct ProfileLimits {
  std::optional<double> gb_s, gflop_s;
};

/// Pushes a node with its children: { kind, name, layer, count, time_ms, share, flops, gflop_s,
/// bytes, gb_s, share_of_limit, estimated, cut, children }. Shares are of `whole_ns`.
void push_profile_node(lua_State* L, const ProfileNode& node, double whole_ns,
                       const ProfileLimits& limits);
/// Pushes the list of { section, layer, site, head, name, value, count }.
void push_statistics(lua_State* L, const std::vector<Statistic>& statistics);
void push_section_memory(lua_State* L, const std::vector<SectionMemory>& memory);
/// Pushes { spans = packed, windows = {..}, duration_ms }: what traces are written from.
void push_recording(lua_State* L, const Recording& recording);

}  // namespace crescent
