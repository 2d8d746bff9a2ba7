#include "engine/model/presets.h"

#include "bindings/core/core.h"
#include "bindings/push.h"
#include "engine/families/family.h"
#include "engine/model/accounting.h"

namespace crescent {
namespace {

/// The levels that Model::at_level knows; tests hold the two against each other.
constexpr int kLevels[] = {0, 1, 2, 3};

int levels_available(Args& args) {
  push_list(args.L(), kLevels);
  set_result(args.L(), "levels");
  return 1;
}

int presets_list(Args& args) {
  lua_State* L = args.L();
  NewTable rows(L);
  for (const Preset& preset : presets()) {
    const DecoderConfig config = preset.config();
    const PartCounts counts = parameters(family_of(config.family, preset.name).layout(config));
    NewTable row(L);
    row.set("name", preset.name);
    row.set("doc", preset.doc);
    row.set("layers", config.layers.size());
    row.set("heads", config.layers.empty() ? 0 : config.layers.front().heads());
    row.set("d_model", config.d_model);
    row.set("positions_max", config.positions_max);
    row.set("vocab", config.vocab);
    row.set("params", counts.total());
    for (int part = 0; part < kParts; ++part)
      row.set(name_of(static_cast<Part>(part)), counts.by_part[static_cast<size_t>(part)]);
    rows.take_next();
  }
  set_result(L, "presets");
  return 1;
}

}  // namespace

void register_presets() {
  provide({{"crescent.presets", presets_list}, {"crescent.levels.available", levels_available}});
}

}  // namespace crescent
