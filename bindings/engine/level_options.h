#pragma once
#include "bindings/args.h"
#include "engine/model/level_options.h"
#include "engine/model/model.h"

namespace crescent {

/// Whether model:optimize is to find the level itself. @throws ArgError for what is no level.
bool is_auto_level(const Args& args);

/// The options of model:optimize; a calibration's text is run through the model, last of all.
/// @throws ArgError for what the level can't do.
LevelOptions read_level_options(const Args& args, const Model& model);

/// Pushes what model:passes gives; a calibrated plan is compiled for it.
void push_passes(lua_State* L, const Model& model);

}  // namespace crescent
