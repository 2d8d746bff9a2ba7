#include "bindings/core/profile_result.h"

#include <algorithm>

#include "bindings/push.h"
#include "profiler/span_codec.h"

namespace crescent {
namespace {

/// The least time that the work can take here: the slower of arithmetic and memory.
std::optional<double> limit_ns(const Work& work, const ProfileLimits& limits) {
  if (!limits.gb_s || !limits.gflop_s) return std::nullopt;
  return std::max(work.bytes / *limits.gb_s, work.flops / *limits.gflop_s);
}

void set_work(const NewTable& table, const ProfileNode& node, const ProfileLimits& limits) {
  const Work& work = *node.work;
  table.set("flops", work.flops);
  table.set("bytes", work.bytes);
  if (node.time_ns <= 0) return;
  table.set("gflop_s", work.flops / node.time_ns);
  table.set("gb_s", work.bytes / node.time_ns);
  if (const auto limit = limit_ns(work, limits)) table.set("share_of_limit", *limit / node.time_ns);
}

}  // namespace

void push_profile_node(lua_State* L, const ProfileNode& node, double whole_ns,
                       const ProfileLimits& limits) {
  luaL_checkstack(L, 8, "a profile nested too deep");
  NewTable table(L);
  table.set("kind", name_of(node.kind));
  table.set("name", node.name);
  if (node.layer >= 0) table.set("layer", node.layer + 1);
  table.set("count", node.count);
  table.set("time_ms", node.time_ns / 1e6);
  if (whole_ns > 0) table.set("share", node.time_ns / whole_ns);
  table.set("estimated", node.estimated);
  table.set("cut", node.cut);
  if (node.work) set_work(table, node, limits);
  NewTable children(L);
  for (const ProfileNode& child : node.children) {
    push_profile_node(L, child, whole_ns, limits);
    children.take_next();
  }
  if (node.children.empty()) mark_empty_list(L);
  table.take("children");
}

void push_statistics(lua_State* L, const std::vector<Statistic>& statistics) {
  NewTable list(L);
  for (const Statistic& statistic : statistics) {
    NewTable row(L);
    row.set("section", name_of(statistic.section));
    if (statistic.layer >= 0) row.set("layer", statistic.layer + 1);
    row.set("site", name_of(statistic.site));
    if (statistic.head >= 0) row.set("head", statistic.head + 1);
    row.set("name", statistic.name);
    row.set("value", statistic.value);
    row.set("count", statistic.count);
    list.take_next();
  }
  if (statistics.empty()) mark_empty_list(L);
  set_result(L, "statistics");
}

void push_section_memory(lua_State* L, const std::vector<SectionMemory>& memory) {
  NewTable list(L);
  for (const SectionMemory& section : memory) {
    NewTable row(L);
    row.set("section", name_of(section.section));
    row.set("sections", section.sections);
    row.set("allocations", section.allocations);
    row.set("bytes_peak", section.bytes_peak);
    row.set("bytes_kept", section.bytes_kept);
    if (section.rss_bytes) row.set("rss_bytes", *section.rss_bytes);
    else row.absent("rss_bytes", "/proc/self/statm can't be read");
    list.take_next();
  }
  if (memory.empty()) mark_empty_list(L);
  set_result(L, "section_memory");
}

void push_recording(lua_State* L, const Recording& recording) {
  NewTable table(L);
  table.set("spans", pack_spans(recording.spans));
  push_list(L, recording.windows);
  table.take("windows");
  table.set("duration_ms", static_cast<double>(recording.duration_ns) / 1e6);
}

}  // namespace crescent
