#include "profiler/machine.h"

#include "bindings/core/core.h"
#include "bindings/core/versions.h"
#include "bindings/push.h"
#include "engine/memory.h"
#include "engine/threads.h"

namespace crescent {
namespace {

void push_caches(lua_State* L, const Machine& machine) {
  NewTable caches(L);
  for (const auto& cache : machine.caches) {
    NewTable row(L);
    row.set("level", cache.level);
    row.set("type", cache.type);
    row.set("bytes", cache.bytes);
    row.set("shared_by", cache.shared_by);
    caches.take_next();
  }
}

void push_bandwidth(lua_State* L, const Machine& machine) {
  NewTable list(L);
  for (const auto& point : machine.read_bandwidth) {
    NewTable row(L);
    row.set("bytes", point.bytes);
    row.set("one_thread_gb_s", point.one_thread_gb_s);
    if (point.all_threads_gb_s) row.set("all_threads_gb_s", *point.all_threads_gb_s);
    list.take_next();
  }
}

/// @param unit  of its figures: 'gflop_s'
void push_peak(lua_State* L, const Machine::MatrixPeak& peak, const std::string& unit) {
  NewTable table(L);
  table.set("by", peak.by);
  if (peak.gop_s) table.set(unit.c_str(), *peak.gop_s);
  table.set((unit + "_one_thread").c_str(), peak.one_thread_gop_s);
}

void push_measured(lua_State* L, const NewTable& table, const Machine& machine) {
  push_bandwidth(L, machine);
  table.take("read_bandwidth");
  if (machine.fp32_gflop_s > 0) table.set("fp32_gflop_s", machine.fp32_gflop_s);
  table.set("fp32_gflop_s_one_thread", machine.fp32_gflop_s_one_thread);
  if (machine.bf16) {
    push_peak(L, *machine.bf16, "gflop_s");
    table.take("bf16");
  }
  if (machine.int8) {
    push_peak(L, *machine.int8, "gop_s");
    table.take("int8");
  }
}

int machine_describe(Args& args) {
  lua_State* L = args.L();
  const bool measure = args.boolean("measure");
  const Machine machine =
      measure ? machine_limits(threads(), args.boolean("refresh")) : machine_facts();
  NewTable table(L);
  table.set("cpu", machine.cpu);
  table.set("cores", machine.cores);
  table.set("cores_online", machine.cores_online);
  table.set("threads", threads());
  push_list(L, machine.isa);
  table.take("isa");
  push_caches(L, machine);
  table.take("caches");
  table.set("memory_bytes", machine.memory_bytes);
  table.set("memory_bytes_available", memory_available_bytes());
  if (machine.governor) table.set("governor", *machine.governor);
  table.set("load_1min", machine.load_1min);
  push_versions(L);
  table.take("versions");
  for (const auto& [name, reason] : machine.absent) table.absent(name.c_str(), reason);
  if (measure) {
    push_measured(L, table, machine);
  } else {
    for (const char* name :
         {"read_bandwidth", "fp32_gflop_s", "fp32_gflop_s_one_thread", "bf16", "int8"})
      table.absent(name, "not measured: measure = false");
  }
  set_result(L, "machine");
  return 1;
}

}  // namespace

void register_machine() { provide({{"crescent.machine", machine_describe}}); }

}  // namespace crescent
