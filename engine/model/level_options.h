#pragma once
#include <array>
#include <string>
#include <string_view>

#include "engine/model/storage.h"

namespace crescent {

/// What levels 2 and 3 do to their plan beyond what has to be done; each can be switched off, and
/// the plan is then made without it. They cost no precision: results are the same bits, except that
/// behind last_rows few rows may be added in another order than many (see kernels/matmul.h).
struct Passes {
  bool fuse_epilogue = true;  ///< activation, gate and residual on the way out of the product
  bool last_rows = true;      ///< where the last logits alone are wanted, behind the last attention
                              ///< only the last token of every sequence goes on
  bool share_arena = true;    ///< buffers that are never full at once lie on top of each other
  bool operator==(const Passes&) const = default;
};

struct PassSwitch {
  std::string_view name;
  bool Passes::*is_on;
};
constexpr std::array<PassSwitch, 3> kPassSwitches{{{"fuse_epilogue", &Passes::fuse_epilogue},
                                                   {"last_rows", &Passes::last_rows},
                                                   {"share_arena", &Passes::share_arena}}};

/// How a model is run: all that its plan depends on beside the description.
struct LevelOptions {
  int level = 1;         ///< 0 reference, 1 fused, 2 compiled, 3 compiled with lossy storage
  Passes passes = {};    ///< levels 2 and up
  Storage storage = {};  ///< level 3
  bool operator==(const LevelOptions&) const = default;
};

/// A level as it is where nothing else is said: level 3 stores int8, a scale a row.
LevelOptions options_of_level(int level);

/// The same for other weights than those: without what was measured on them.
LevelOptions for_other_weights(LevelOptions options);

/// "level 1", "level 3 int8, head fp32, without last_rows".
std::string words_of(const LevelOptions&);

}  // namespace crescent
