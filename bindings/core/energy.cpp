#include "bindings/core/core.h"
#include "bindings/push.h"
#include "profiler/sensor/sensor.h"

namespace crescent {
namespace {

/// What is empty has nothing to say.
void set_text(const NewTable& table, const char* name, const std::string& text) {
  if (!text.empty()) table.set(name, text);
}

/// As watts over the time: `name`, its label, and the reason where it isn't simply measured.
void set_power(const NewTable& table, const Energy& energy, double time_s) {
  table.set("label", name_of(energy.label));
  if (energy.joules && time_s > 0) {
    table.set("watts", *energy.joules / time_s);
    set_text(table, "reason", energy.reason);
  } else {
    table.absent("watts", energy.reason);
  }
}

/// Every kind of sensor that was looked for; today one.
void push_sources(lua_State* L, const EnergySource& source) {
  NewTable list(L);
  NewTable row(L);
  row.set("name", "rapl");
  row.set("looked_at", source.looked_at);
  row.set("label", name_of(source.label));
  set_text(row, "found", source.found);
  set_text(row, "reason", source.reason);
  set_text(row, "enable", source.enable);
  list.take_next();
}

void push_domains(lua_State* L, const EnergySource& source, const EnergySpent& spent) {
  NewTable list(L);
  for (size_t i = 0; i < source.domains.size(); ++i) {
    NewTable row(L);
    row.set("name", source.domains[i].name);
    row.set("added", source.domains[i].in_total);
    set_text(row, "why_not", source.domains[i].why_not);
    set_power(row, spent.domains[i], spent.time_s);
    list.take_next();
  }
  if (source.domains.empty()) mark_empty_list(L);
}

int energy_doctor(Args& args) {
  SteadyClock clock;
  const auto sensor = choose_energy_sensor(clock);
  const EnergySource& source = sensor->source();
  const EnergySpent spent = measure_for(*sensor, args.number("seconds"));
  lua_State* L = args.L();
  const NewTable table(L);
  table.set("source", source.name);
  set_power(table, spent.total, spent.time_s);
  if (source.label != EnergyLabel::absent) table.set("time_s", spent.time_s);
  push_sources(L, source);
  table.take("sources");
  push_domains(L, source, spent);
  table.take("domains");
  set_result(L, "energy_doctor");
  return 1;
}

}  // namespace

void register_energy() { provide({{"crescent.energy.doctor", energy_doctor}}); }

}  // namespace crescent
