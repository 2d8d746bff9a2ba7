#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/layout.h"
#include "engine/model/level_options.h"

namespace crescent::compiled {

/// What a pass does to the plan of a model.
struct PassReport {
  std::string_view name;
  bool on = true;
  std::string changed;           ///< in words
  int64_t layers = 0;            ///< that it changed something in
  int64_t bytes = 0;             ///< of memory that it adds; negative: that it saves
  std::string_view source = {};  ///< where the idea was published; empty: nowhere
};

/// The passes of levels 2 and up in the order in which they act; none at levels 0 and 1. Found from
/// the description alone, by making the plan's programs: no weight is read. Bytes of buffers are
/// those of a session of one sequence that holds all positions, and so are a narrower cache's;
/// narrower copies are counted against fp32 ones.
/// @param gain  of the calibration, if there is one: a plan that was compiled tells it
std::vector<PassReport> report_passes(const DecoderConfig& config, const Layout& layout,
                                      const LevelOptions& options,
                                      const CalibrationGain& gain = {});

}  // namespace crescent::compiled
